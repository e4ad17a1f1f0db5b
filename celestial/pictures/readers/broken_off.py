"""Says whether a JPEG or PNG that breaks off has enough sound rows."""

from dataclasses import dataclass
from typing import BinaryIO

from celestial.pictures.readers.types import ImageError

LEAST = 0.9  # proportion of the rows; the last tenth is a picture's edge, seldom its subject


@dataclass(frozen=True)
class Mended:
    """A file that its decoder can read, made from one that breaks off.

    Attributes:
        content: the file, with an end; the picture is as large as its header says.
        sound_rows: rows from the top that are the picture's; those below are only filler.
        height: rows of the whole picture.
    """

    content: BinaryIO
    sound_rows: int
    height: int

    @property
    def note(self) -> str:
        """What the user should know: how many rows are missing."""
        if self.sound_rows == self.height:
            return ""
        missing = round(100 * (self.height - self.sound_rows) / self.height)
        return f"the last {max(1, missing)} % of its rows are missing"


def require_enough(sound_rows: int, height: int) -> None:
    """Refuse a picture of which fewer than `LEAST` of the rows are sound.

    Raises:
        ImageError: there are fewer.
    """
    if sound_rows < LEAST * height:
        raise ImageError(f"cut short: only {int(100 * sound_rows / height)} % of its rows came")
