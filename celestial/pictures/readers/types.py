"""What the readers of picture files share: what is wanted of a file, its limits, what comes out."""

from dataclasses import dataclass

import numpy as np

from celestial.pictures.stretch import Stretch

MOST_PIXELS = 2 * 89_478_485  # beyond twice its limit Pillow takes a file for an attack
MOST_RATIO = 1500  # decoded by stored bytes; deflate cannot pack more than 1032 to 1
HARMLESS = 1 << 26  # bytes that may come out of any file, however small it is
INVISIBLE = "nothing of it is visible: every pixel is transparent"


class ImageError(Exception):
    """A file that is not a picture that can be read; the message is the reason, for a person."""


class Damaged(ImageError):
    """A picture whose decoder gave up; a part of it may be there."""


@dataclass(frozen=True)
class Decoded:
    """A picture, and how large it is in the file.

    Attributes:
        picture: uint8 (height, width, 3), RGB, perhaps reduced.
        width, height: pixels, as the picture is shown, before any reduction.
        note: what a person should know of a file that could be read, else empty.
    """

    picture: np.ndarray
    width: int
    height: int
    note: str = ""


@dataclass(frozen=True)
class Request:
    """What is wanted of a file.

    Attributes:
        size: of the file, bytes.
        at_least: the longest side that is needed, pixels; None: the whole picture.
        stretch: the rule for data that do not declare their depth.
    """

    size: int
    at_least: int | None
    stretch: Stretch

    def factor(self, width: int, height: int) -> int:
        """Return the whole factor by which a picture may be reduced: to twice `at_least`."""
        if self.at_least is None:
            return 1
        return max(1, max(width, height) // (2 * self.at_least))

    def require_sane(self, width: int, height: int, bytes_a_pixel: int) -> None:
        """Refuse what is too large, or unpacks to far more than a picture would.

        Raises:
            ImageError: it does.
        """
        if width * height > MOST_PIXELS:
            raise ImageError(f"more than {MOST_PIXELS:,} pixels ({width:,} x {height:,})")
        unpacked = width * height * bytes_a_pixel
        if unpacked > max(HARMLESS, MOST_RATIO * self.size):
            raise ImageError(f"{self.size:,} bytes that unpack to {unpacked >> 20} MB, as no "
                             "picture does")


def three_channels(shown: np.ndarray) -> np.ndarray:
    """Repeat grey: uint8 (height, width, 1 or 3) -> (height, width, 3)."""
    return np.ascontiguousarray(np.broadcast_to(shown, (*shown.shape[:2], 3)))
