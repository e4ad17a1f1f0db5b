"""Takes the largest picture from an icon file (.ico)."""

import struct
from typing import BinaryIO

from celestial.pictures.readers import png
from celestial.pictures.readers.types import ImageError

MAGIC = b"\0\0\1\0"
MOST = 256  # pictures that are looked at
ENTRY = struct.Struct("<4BHHII")


def largest(file: BinaryIO) -> bytes:
    """Return the picture with the most pixels; of several the one with the most colours.

    Returns:
        A PNG, or an icon of this picture alone.

    Raises:
        ImageError: there is none.
    """
    data = file.read()
    count = int.from_bytes(data[4:6], "little")
    pictures = []
    for number in range(min(count, MOST, (len(data) - 6) // ENTRY.size)):
        *_, length, start = ENTRY.unpack_from(data, 6 + number * ENTRY.size)
        picture = data[start:start + length]
        if len(picture) >= 40:
            pictures.append(picture)
    if not pictures:
        raise ImageError("cut short or damaged: an icon without a picture")
    return _alone(max(pictures, key=_rank))


def _rank(picture: bytes) -> tuple[int, int]:
    """Return a picture's number of pixels and its bits a pixel."""
    if picture.startswith(png.MAGIC):
        width, height, bits = struct.unpack_from(">IIB", picture, 16)
        return width * height, 4 * bits
    width, height, _, bits = struct.unpack_from("<iiHH", picture, 4)
    return width * height // 2, bits  # a mask of the same size follows the colours


def _alone(picture: bytes) -> bytes:
    if picture.startswith(png.MAGIC):
        return picture
    header, width, height, _, bits, used = struct.unpack_from("<IiiHH16xI", picture)
    height //= 2
    start = header + (4 * (used or 1 << bits) if bits <= 8 else 0)
    colours = -(-width * bits // 32) * 4 * height
    mask = -(-width // 32) * 4 * height
    if bits == 32 and any(picture[start + 3:start + colours:4]):
        mask = 0  # the fourth byte tells opacity better, unless an old program left it 0 throughout
    whole = start + colours + mask
    if min(width, height) < 1 or len(picture) < whole:
        raise ImageError("cut short or damaged: an icon larger than its file")
    entry = ENTRY.pack(width & 255, height & 255, 0, 0, 1, 24 if mask else 32, whole,
                       6 + ENTRY.size)
    return MAGIC + b"\1\0" + entry + picture[:whole]
