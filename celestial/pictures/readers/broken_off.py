"""What JPEG and PNG that break off share: how much of the picture came, and whether it will do."""

from dataclasses import dataclass
from typing import BinaryIO

from celestial.pictures.readers.types import ImageError

LEAST = 0.9  # of the rows; what then lacks is the edge of a picture, seldom what it shows


@dataclass(frozen=True)
class Mended:
    """A file that its decoder reads in place of one that it does not.

    Attributes:
        content: the file, ended where the other breaks off and as large as its header says.
        came: rows from the top that are the picture's; those below are filled with anything.
        height: rows of the whole picture.
    """

    content: BinaryIO
    came: int
    height: int

    @property
    def note(self) -> str:
        """What a person should know of it."""
        if self.came == self.height:
            return ""
        missing = round(100 * (self.height - self.came) / self.height)
        return f"the last {max(1, missing)} % of its rows are missing"


def require_enough(came: int, height: int) -> None:
    """Refuse a picture of which less than `LEAST` came.

    Raises:
        ImageError: it is.
    """
    if came < LEAST * height:
        raise ImageError(f"cut short: only {int(100 * came / height)} % of its rows came")
