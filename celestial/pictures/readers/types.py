"""What all readers use: the request, the limits of a file, the decoded picture, the errors."""

from dataclasses import dataclass

import numpy as np

from celestial.pictures.stretch import Stretch

MOST_PIXELS = 2 * 89_478_485  # twice Pillow's limit, beyond which it raises an error
MOST_RATIO = 1500  # decoded bytes by stored ones; deflate cannot pack more than 1032 to 1
HARMLESS = 1 << 26  # decoded bytes that any file may have, however small it is
INVISIBLE = "nothing of it is visible: every pixel is transparent"


class ImageError(Exception):
    """A file that cannot be read as a picture; the message tells the user why."""


class Damaged(ImageError):
    """A picture that its decoder refuses; a part of it may be readable."""


@dataclass(frozen=True)
class Decoded:
    """A picture, and how large it is in the file.

    Attributes:
        picture: uint8 (height, width, 3), RGB, perhaps reduced.
        width, height: pixels, as the picture is shown, before any reduction.
        note: what the user should know although the file was read, else empty.
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
        at: of a recording: the time of the frame, seconds after its first; None: the sharpest.
    """

    size: int
    at_least: int | None
    stretch: Stretch
    at: float | None = None

    def factor(self, width: int, height: int) -> int:
        """Return the whole factor that reduces a picture to no less than twice `at_least`."""
        if self.at_least is None:
            return 1
        return max(1, max(width, height) // (2 * self.at_least))

    def require_sane(self, width: int, height: int, bytes_a_pixel: int) -> None:
        """Refuse a file whose picture is too large, or far larger than so few bytes can hold.

        Raises:
            ImageError: it is.
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
