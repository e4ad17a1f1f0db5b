"""Reads the first image of a FITS file, in strips so that a large one fits in memory."""

import bz2
import gzip
import io
import math
import warnings
from collections.abc import Callable, Sequence
from typing import BinaryIO

import numpy as np

from celestial.pictures.readers.mosaics import filters_of, read_planes
from celestial.pictures.readers.types import (
    MOST_PIXELS,
    Decoded,
    ImageError,
    Request,
    three_channels,
)
from celestial.pictures.stretch import by_depth

MOST_EXTENSIONS = 200  # that are looked through for an image
MOST_UNPACKED = 1 << 30  # bytes of a .fits.gz or .fits.bz2
PACKED = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open}
FIRST_CARD = b"SIMPLE  ="
SIGNED_BYTES = -128  # BZERO of signed bytes (FITS standard 4.0, 4.4.2.5)


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
    """Read the first image whose pixels are not all the same.

    A cube of three planes is a colour picture. Of any other image the first plane is taken; it
    becomes a colour picture if the header names the pattern of the colour filters before the
    pixels. The scale (BSCALE, BZERO) is applied; BLANK and NaN are black, and count in no mean.
    Rows keep the order of the file, because most cameras write the top first; ROWORDER =
    'BOTTOM-UP' reverses them. Where there are several images, the note says which was taken.

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
        # No warnings, because wrong header cards harm no pixel and missing data raise errors.
        warnings.simplefilter("ignore", AstropyUserWarning)
        # uint=False, because astropy ignores BLANK when it makes unsigned numbers or signed bytes.
        with fits.open(file, mode="readonly", memmap=False, uint=False) as hdus:
            images = _images(hdus)
            place, values = _first_with_content([hdu for _, hdu in images], request)
            number, hdu = images[place]
            rows, columns, _ = _layout(hdu.shape)
            header, name = hdu.header, hdu.name
    if _bottom_up(header):
        values = values[::-1]
    zero = _zero_of_bytes(header)
    shown = (request.stretch.to_8_bits(values) if zero is None
             else by_depth(np.nan_to_num(values, nan=zero) - zero, 255))
    note = (f"image {place + 1} of {len(images)} in the file: HDU {number} ({name})"
            if len(images) > 1 else "")
    return Decoded(three_channels(shown), columns, rows, note)


def _images(hdus) -> list[tuple[int, object]]:
    """Return number and HDU of all that could be a picture."""
    images = []
    try:
        for number, hdu in zip(range(MOST_EXTENSIONS), hdus, strict=False):
            if hdu.is_image and len(hdu.shape) >= 2 and min(hdu.shape) >= 1:
                images.append((number, hdu))
    except Exception:  # a damaged extension makes astropy raise errors of any type
        if not images:
            raise
    if not images:
        raise ImageError("a FITS file without an image")
    return images


def _first_with_content(images: Sequence, request: Request) -> tuple[int, np.ndarray]:
    """Return the place and the values of the first image whose pixels are not all the same.

    Where there is none, the first image is returned.
    """
    for place, hdu in enumerate(images):
        values = _read_image(hdu, request)
        if len(images) == 1:
            return place, values
        finite = values[np.isfinite(values)]
        if finite.size and finite.min() < finite.max():
            return place, values
    return 0, _read_image(images[0], request)


def _bottom_up(header) -> bool:
    return str(header.get("ROWORDER", "")).strip().upper() == "BOTTOM-UP"


def _zero_of_bytes(header) -> int | None:
    """Return the lowest value of data that are bytes, whose depth tells white; None for others."""
    zero = header.get("BZERO", 0)
    is_bytes = header["BITPIX"] == 8 and header.get("BSCALE", 1) == 1
    return int(zero) if is_bytes and zero in (0, SIGNED_BYTES) else None


def _layout(shape: tuple[int, ...]) -> tuple[int, int, list[Callable[[slice], tuple]]]:
    """Return rows, columns, and for each plane: rows wanted -> index of these in the data."""
    leading = shape[:-2]
    if len(shape) == 3 and shape[2] == 3 and leading != (3,):
        return *shape[:2], [lambda part, plane=plane: (part, slice(None), plane)
                            for plane in range(3)]
    planes = 3 if math.prod(leading) == 3 else 1
    return *shape[-2:], [lambda part, plane=plane: (*np.unravel_index(plane, leading), part)
                         if leading else (part,) for plane in range(planes)]


def _read_image(hdu, request: Request) -> np.ndarray:
    """Return the values of an image, reduced: (height, width, 1 or 3).

    Raises:
        ImageError: it is too large.
    """
    rows, columns, planes = _layout(hdu.shape)
    if rows * columns > MOST_PIXELS:
        raise ImageError(f"more than {MOST_PIXELS:,} pixels ({columns:,} x {rows:,})")
    has_filters = len(planes) == 1 and min(rows, columns) > 1
    filters = filters_of(hdu.header, rows, _bottom_up(hdu.header)) if has_filters else None
    return read_planes(lambda plane, part: _section(hdu, planes[plane](part)),
                       (rows, columns, len(planes)), request.factor(columns, rows), filters)


def _section(hdu, index: tuple) -> np.ndarray:
    """Return a part of the data, scaled, NaN where it is BLANK."""
    values = hdu.section[index]
    if hdu.header["BITPIX"] > 0 and hdu.header.get("BLANK") == 0:
        # Done here, because astropy 8.0 ignores a BLANK of 0.
        return np.where(values == values.dtype.type(hdu.header.get("BZERO", 0)), np.nan, values)
    return values
