"""Tells raw files of cameras, because in these the other readers would find only a thumbnail."""

import io
import re
import warnings
from collections.abc import Iterator
from typing import BinaryIO

from PIL import TiffImagePlugin

# First bytes, and where they stand (https://exiftool.org/TagNames/, libraw's identify).
STARTS = ((0, b"FUJIFILMCCD-RAW"), (0, b"FOVb"), (0, b"\0MRM"), (6, b"HEAPCCDR"), (4, b"ftypcrx "),
          (0, b"IIRO"), (0, b"IIRS"), (0, b"MMOR"), (0, b"IIU\0"))
# The marks of Canon and Phase One follow the head of a TIFF, where other files may have pixels. So
# Canon's counts only if the first directory is at 16, and Phase One's only with its name.
MARKS = re.compile(rb"II\*\0\x10\0\0\0CR\x02|.{8}(?:IIII.waR|MMMMRaw)", re.DOTALL)
NO_CAMERA = b"MM\0+"  # no camera writes these, and Pillow does not read them
MOST_DIRECTORIES = 100  # of a TIFF, that are looked at
SUB_DIRECTORIES, DNG_VERSION, PHOTOMETRIC, COMPRESSION = 330, 50706, 262, 259  # tags
OF_SENSORS = {32803, 34892}  # PHOTOMETRIC: colour filters, linear raw (DNG specification 1.7)
OF_CAMERAS = {32767, 34713, 65535}  # COMPRESSION of Sony, Nikon, Pentax


def is_raw(file: BinaryIO, head: bytes, tiff: bool) -> bool:
    """Tell whether a file is raw, by its content; it is at its beginning afterwards.

    Args:
        file: seekable.
        head: its first bytes, 16 or more.
        tiff: whether it begins as a TIFF does, which most raw files are.
    """
    if any(head.startswith(start, place) for place, start in STARTS) or MARKS.match(head):
        return True
    if head.startswith(NO_CAMERA):
        return False
    try:
        return tiff and any(map(_is_of_raw, _directories(file, head)))
    finally:
        file.seek(0)


def _directories(file: BinaryIO, head: bytes) -> Iterator[TiffImagePlugin.ImageFileDirectory_v2]:
    """Yield a TIFF's directories, each once however they are linked, always in the same object."""
    directory = TiffImagePlugin.ImageFileDirectory_v2(head[:16 if head[2:3] == b"+" else 8])
    size = file.seek(0, io.SEEK_END)
    places, seen = [directory.next], set()
    while places and len(seen) < MOST_DIRECTORIES:
        place = places.pop(0)
        if not isinstance(place, int) or not 0 < place < size or place in seen:
            continue
        seen.add(place)
        file.seek(place)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the reader of the picture reports damage
            directory.load(file)
        yield directory
        places += [*_values(directory, SUB_DIRECTORIES), directory.next]


def _is_of_raw(directory: TiffImagePlugin.ImageFileDirectory_v2) -> bool:
    return (DNG_VERSION in directory
            or not OF_SENSORS.isdisjoint(_values(directory, PHOTOMETRIC))
            or not OF_CAMERAS.isdisjoint(_values(directory, COMPRESSION)))


def _values(directory: TiffImagePlugin.ImageFileDirectory_v2, tag: int) -> tuple:
    values = directory.get(tag, ())
    return values if isinstance(values, tuple) else (values,)
