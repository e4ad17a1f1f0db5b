"""A TIFF with any tags, for what no library writes."""

import struct
from collections.abc import Mapping

import numpy as np

SHORT, LONG, RATIONAL = 3, 4, 5
WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, STRIP, SAMPLES, ROWS, STRIP_BYTES = (
    256, 257, 258, 259, 262, 273, 277, 278, 279)


def tiff_of(*pages: tuple[Mapping[int, tuple], bytes]) -> bytes:
    """Return the bytes of a little-endian TIFF.

    Args:
        pages: of each the tags (tag -> its kind and its numbers), and the content of its one strip.
    """
    data = bytearray(b"II*\0\0\0\0\0")
    link = 4  # where the place of the next page stands
    for tags, content in pages:
        tags = {**tags, STRIP: (LONG, len(data)), STRIP_BYTES: (LONG, len(content))}
        data += content + bytes(len(content) % 2)
        entries = []
        for tag, (kind, *numbers) in sorted(tags.items()):
            values = struct.pack(f"<{len(numbers)}{'H' if kind == SHORT else 'I'}", *numbers)
            place = values.ljust(4, b"\0")
            if len(values) > 4:
                place = struct.pack("<I", len(data))
                data += values
            count = len(numbers) // (2 if kind == RATIONAL else 1)
            entries.append(struct.pack("<HHI", tag, kind, count) + place)
        struct.pack_into("<I", data, link, len(data))
        data += struct.pack("<H", len(entries)) + b"".join(entries)
        link = len(data)
        data += bytes(4)
    return bytes(data)


def page_of(samples: np.ndarray, photometric: int = 1,
            tags: Mapping[int, tuple] | None = None) -> tuple[dict[int, tuple], bytes]:
    """Return a page for `tiff_of`: samples (height, width, count), `tags` beside the usual ones."""
    height, width, count = samples.shape
    usual = {WIDTH: (LONG, width), HEIGHT: (LONG, height), COMPRESSION: (SHORT, 1),
             BITS: (SHORT, *[8 * samples.itemsize] * count), PHOTOMETRIC: (SHORT, photometric),
             SAMPLES: (SHORT, count), ROWS: (LONG, height)}
    return {**usual, **(tags or {})}, samples.tobytes()
