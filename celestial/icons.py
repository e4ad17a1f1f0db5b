"""Icons (.ico): the largest of their pictures."""

import struct
from typing import BinaryIO

from celestial import png
from celestial.reading import ImageError

MAGIC = b"\0\0\1\0"
MOST = 256  # pictures that are looked at
ENTRY = struct.Struct("<4BHHII")


def largest(file: BinaryIO) -> bytes:
    """Return the picture of the most pixels, of these the one of the most colours.

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
    """Return its pixels and its bits a pixel."""
    if picture.startswith(png.MAGIC):
        width, height, bits = struct.unpack_from(">IIB", picture, 16)
        return width * height, 4 * bits
    width, height, _, bits = struct.unpack_from("<iiHH", picture, 4)
    return width * height // 2, bits  # a mask of the same size follows the colours


def _alone(picture: bytes) -> bytes:
    if picture.startswith(png.MAGIC):
        return picture
    width, height, _, bits = struct.unpack_from("<iiHH", picture, 4)
    if not 0 < width * height // 2 * bits <= 8 * len(picture):
        raise ImageError("cut short or damaged: an icon larger than its file")
    # Old programs leave the fourth byte 0 throughout; then the mask alone says what is seen.
    if bits == 32 and not any(picture[43:40 + 2 * width * height:4]):
        bits = 24
    entry = ENTRY.pack(width & 255, height // 2 & 255, 0, 0, 1, bits, len(picture),
                       6 + ENTRY.size)
    return MAGIC + b"\1\0" + entry + picture
