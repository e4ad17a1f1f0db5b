"""FITS: the first image of a file, read in strips so that a large one fits in memory."""

import bz2
import gzip
import io
import math
import warnings
from collections.abc import Callable
from typing import BinaryIO

import numpy as np

from celestial.reading import MOST_PIXELS, Decoded, ImageError, Request, three_channels
from celestial.stretch import by_depth

STRIP = 1 << 22  # values that are read at once
MOST_EXTENSIONS = 200  # that are looked through for an image
MOST_UNPACKED = 1 << 30  # bytes of a .fits.gz or .fits.bz2
PACKED = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open}
FIRST_CARD = b"SIMPLE  ="


def unpack(file: BinaryIO, head: bytes) -> BinaryIO:
    """Return the content of a gzip or bzip2 file; other files as they are.

    Raises:
        ImageError: it unpacks to more than `MOST_UNPACKED` bytes.
    """
    opener = next((opener for magic, opener in PACKED.items() if head.startswith(magic)), None)
    if opener is None:
        return file
    with opener(file) as packed:
        content = packed.read(MOST_UNPACKED + 1)
    if len(content) > MOST_UNPACKED:
        raise ImageError(f"unpacks to more than {MOST_UNPACKED >> 20} MB")
    return io.BytesIO(content)


def read(file: BinaryIO, request: Request) -> Decoded:
    """Read the first image; a cube of three planes is a colour picture, of others the first plane.

    The scale (BSCALE, BZERO) is applied; BLANK and NaN are black. Rows come in the order of the
    file, because most cameras write the top first; ROWORDER = 'BOTTOM-UP' turns them.

    Args:
        file: seekable, uncompressed apart from tile compression (.fits.fz).
        request: what is wanted.

    Raises:
        ImageError: no image in it, or too large a one.
        Any other error, of astropy: the file is damaged.
    """
    if file.read(len(FIRST_CARD)) != FIRST_CARD:
        raise ImageError("not a picture but a packed file without FITS data in it")
    file.seek(0)
    from astropy.io import fits
    from astropy.utils.exceptions import AstropyUserWarning

    with warnings.catch_warnings():
        # Cards that break the standard harm no pixel; what is cut short fails when it is read.
        warnings.simplefilter("ignore", AstropyUserWarning)
        with fits.open(file, mode="readonly", memmap=False) as hdus:
            hdu = _first_image(hdus)
            rows, columns, planes = _layout(hdu.shape)
            if rows * columns > MOST_PIXELS:
                raise ImageError(f"more than {MOST_PIXELS:,} pixels ({columns:,} x {rows:,})")
            factor = request.factor(columns, rows)
            values = np.stack([_read_plane(hdu, plane, rows, columns, factor)
                               for plane in planes], axis=-1)
            header = hdu.header
    if str(header.get("ROWORDER", "")).strip().upper() == "BOTTOM-UP":
        values = values[::-1]
    eight_bits = header["BITPIX"] == 8 and "BSCALE" not in header
    shown = by_depth(values, 255) if eight_bits else request.stretch.to_8_bits(values)
    return Decoded(three_channels(shown), columns, rows)


def _first_image(hdus):
    for number, hdu in enumerate(hdus):
        if number == MOST_EXTENSIONS:
            break
        if hdu.is_image and len(hdu.shape) >= 2 and min(hdu.shape) >= 1:
            return hdu
    raise ImageError("a FITS file without an image")


def _layout(shape: tuple[int, ...]) -> tuple[int, int, list[Callable[[slice], tuple]]]:
    """Return rows, columns, and for each plane: rows wanted -> index of these in the data."""
    leading = shape[:-2]
    if len(shape) == 3 and shape[2] == 3 and leading != (3,):
        return *shape[:2], [lambda part, plane=plane: (part, slice(None), plane)
                            for plane in range(3)]
    planes = 3 if math.prod(leading) == 3 else 1
    return *shape[-2:], [lambda part, plane=plane: (*np.unravel_index(plane, leading), part)
                         if leading else (part,) for plane in range(planes)]


def _read_plane(hdu, index_of: Callable[[slice], tuple], rows: int, columns: int,
                factor: int) -> np.ndarray:
    """Return one plane, each value the mean of factor x factor (fewer at the lower right)."""
    height = max(factor, STRIP // columns // factor * factor)
    return np.concatenate([
        _reduce(hdu.section[index_of(slice(top, min(top + height, rows)))], factor)
        for top in range(0, rows, height)])


def _reduce(values: np.ndarray, factor: int) -> np.ndarray:
    """Average over squares: (height, width) -> (ceil(height / factor), ceil(width / factor))."""
    if factor == 1:
        return values
    starts = [np.arange(0, length, factor) for length in values.shape]
    counts = [np.diff([*start, length]) for start, length in zip(starts, values.shape, strict=True)]
    sums = np.add.reduceat(np.add.reduceat(values.astype(np.float32), starts[0], 0), starts[1], 1)
    return sums / np.outer(*counts).astype(np.float32)
