"""Tells raw files of cameras, in which other readers would find a thumbnail, and reads them."""

import io
import re
import warnings
from collections.abc import Iterator
from typing import BinaryIO

from PIL import TiffImagePlugin

from celestial.pictures.readers.mosaics import read_planes
from celestial.pictures.readers.types import (
    Damaged,
    Decoded,
    ImageError,
    Request,
    three_channels,
)

TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
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
CAMERA = (271, 272)  # tags: its maker, its model
STRIPS = ((273, 279), (324, 325))  # tags: where strips and tiles stand, their bytes
QUARTER_TURN = 4  # bit of LibRaw's `flip`
COLOURS = 4  # numbers of 16 bits that LibRaw makes of a pixel
MISSING = "a part of the raw file is missing"
# Linear light in sRGB's colours, by the camera's white balance; 65535 is the sensor's white, not
# the brightest pixel (https://www.libraw.org/docs/API-datastruct-eng.html, libraw_output_params_t).
LINEAR = {"use_camera_wb": True, "gamma": (1, 1), "no_auto_bright": True, "output_bps": 16,
          "adjust_maximum_thr": 0.0}


def is_raw(file: BinaryIO, head: bytes) -> bool:
    """Tell whether a file is raw, by its content; it is at its beginning afterwards.

    Args:
        file: seekable.
        head: its first bytes, 16 or more.
    """
    if any(head.startswith(start, place) for place, start in STARTS) or MARKS.match(head):
        return True
    if head.startswith(NO_CAMERA):
        return False
    try:
        return head.startswith(TIFF) and any(map(_is_of_raw, _directories(file, head)))
    finally:
        file.seek(0)


def read(file: BinaryIO, request: Request) -> Decoded:
    """Read a raw file with LibRaw: linear, by the camera's white balance, upright, then stretched.

    At half its size, where that is no less than twice what is needed, four pixels of the sensor
    become one, which is several times faster than interpolating.

    Args:
        file: that `is_raw` has told.
        request: what is wanted.

    Raises:
        ImageError: LibRaw does not support the camera, the picture is too large, or it is damaged.
    """
    import rawpy

    camera, whole = _camera_and_wholeness(file)
    try:
        with rawpy.RawPy() as raw:
            raw.open_buffer(file)
            sizes = raw.sizes
            request.require_sane(sizes.raw_width, sizes.raw_height, 2 * COLOURS)
            width, height = sizes.width, sizes.height
            half = request.factor(width, height) > 1
            # Bilinear, as in other readers: the better ways choose a direction at every pixel, and
            # one count of noise can change that choice, so that exposures would differ.
            colours = raw.postprocess(half_size=half, **LINEAR,
                                      demosaic_algorithm=rawpy.DemosaicAlgorithm.LINEAR)
    except (rawpy.LibRawUnsufficientMemoryError, rawpy.LibRawTooBigError) as error:
        raise MemoryError from error
    except rawpy.LibRawError as error:
        unknown = isinstance(error, (rawpy.LibRawFileUnsupportedError,
                                     rawpy.LibRawNotImplementedError))
        raise _refusal(unknown, camera, whole) from error
    if sizes.flip & QUARTER_TURN:
        width, height = height, width
    left = request.factor(*colours.shape[1::-1])
    values = read_planes(lambda plane, rows: colours[rows, :, plane], colours.shape, left)
    shown = request.stretch.to_8_bits(values, linear=True)
    return Decoded(three_channels(shown), width, height, "" if whole else MISSING)


def _refusal(unknown: bool, camera: str, whole: bool) -> ImageError:
    """Return the error for what LibRaw refuses: damage is not claimed where nothing shows it."""
    if not whole:
        return Damaged(f"cut short or damaged: {MISSING}")
    if unknown:
        return ImageError(f"a raw file of a camera that is not supported{camera}: save it as TIFF "
                          "or as DNG")
    return Damaged("a raw file whose pixels cannot be unpacked: damaged, or packed as LibRaw does "
                   f"not support{camera}")


def _camera_and_wholeness(file: BinaryIO) -> tuple[str, bool]:
    """Return the camera's name in brackets, or nothing, and whether all pixels are in the file.

    Only the tags of a TIFF tell; a file of another kind is taken to be whole. It is at its
    beginning afterwards.
    """
    head = file.read(16)
    size = file.seek(0, io.SEEK_END)
    names, whole = [], True
    try:
        for directory in _directories(file, head) if head.startswith(TIFF) else ():
            names = names or [str(directory.get(tag, "")).strip() for tag in CAMERA]
            whole = whole and _ends(directory) <= size
    finally:
        file.seek(0)
    name = " ".join(filter(None, names))
    return (f" ({name})" if name.isprintable() and name else ""), whole


def _ends(directory: TiffImagePlugin.ImageFileDirectory_v2) -> int:
    """Return where the last strip or tile of a directory ends, 0 where it has none."""
    return max((place + length for places, lengths in STRIPS
                for place, length in zip(_values(directory, places), _values(directory, lengths),
                                         strict=False)), default=0)


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
