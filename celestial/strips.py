"""TIFF, and large PNG, read strip by strip and reduced on the way, by libvips.

A mosaic of 12,000 x 12,000 pixels takes some 150 MB in place of 1 GB, and libvips reads what Pillow
does not: floats in colour, 32-bit numbers, BigTIFF.
"""

import io
from typing import BinaryIO

import numpy as np
import pyvips

from celestial.reading import INVISIBLE, Damaged, Decoded, ImageError, Request, three_channels
from celestial.stretch import by_depth

MOST_PAGES = 64  # of a TIFF, that are looked through for the full-size one
WHITE = {"uint8": 255, "uint16": 65535}  # the depth that whole numbers declare

pyvips.cache_set_max(0)  # no file is read twice, and hidden memory is not wanted


class NotBuiltIn(ImageError):
    """The file is packed in a way that this libvips was built without, such as zstd."""


def read(file: BinaryIO, request: Request, form: str) -> Decoded:
    """Read a picture in upright position, alpha laid over black, its colours in sRGB.

    Args:
        file: seekable.
        request: what is wanted.
        form: "tiff" or "png".

    Raises:
        NotBuiltIn: the packing is not known here.
        ImageError: the file is too large, damaged or of another kind that libvips does not know.
    """
    try:
        image = _full_size_page(file, form)
        width, height = image.width, image.height
        request.require_sane(width, height, image.bands * np.dtype(_dtype(image)).itemsize)
        factor = request.factor(width, height)
        if factor > 1:
            image = image.shrink(factor, factor)
        image = image.copy_memory()
        if image.get_typeof("orientation") and image.get("orientation") >= 5:
            width, height = height, width
        values = _values(image.autorot())
    except pyvips.Error as error:
        raise _as_image_error(error) from error
    white = WHITE.get(values.dtype.name)
    shown = by_depth(values, white) if white else request.stretch.to_8_bits(values)
    return Decoded(three_channels(shown), width, height)


def _full_size_page(file: BinaryIO, form: str) -> pyvips.Image:
    """Open the first of the largest pages: TIFF often begins with a small preview."""
    def load(**options) -> pyvips.Image:
        return getattr(pyvips.Image, f"{form}load_source")(_source(file), access="sequential",
                                                          fail_on="error", **options)

    image = load()
    count = image.get("n-pages") if image.get_typeof("n-pages") else 1
    if form == "png" or count == 1:
        return image
    pages = [load(page=number) for number in range(min(count, MOST_PAGES))]
    areas = [page.width * page.height for page in pages]
    return load(page=areas.index(max(areas)))


def _source(file: BinaryIO) -> pyvips.Source:
    """Give libvips the open file, because it takes no names that are not UTF-8."""
    file.seek(0)
    if isinstance(file, io.BytesIO):
        return pyvips.Source.new_from_memory(file.getvalue())
    return pyvips.Source.new_from_descriptor(file.fileno())


def _dtype(image: pyvips.Image) -> str:
    return {"uchar": "uint8", "char": "int8", "ushort": "uint16", "short": "int16",
            "uint": "uint32", "int": "int32", "float": "float32"}.get(image.format, "float64")


def _values(image: pyvips.Image) -> np.ndarray:
    """Return the colours or the grey values as they are stored: (height, width, 1 or 3)."""
    if image.hasalpha():
        if not image[-1].max():
            raise ImageError(INVISIBLE)
        image = image.flatten(background=0)
    if image.format in ("uchar", "ushort"):
        image = _to_srgb(image)
    values = image.numpy().reshape(image.height, image.width, image.bands)
    return values if image.bands == 3 else values[:, :, :1]


def _to_srgb(image: pyvips.Image) -> pyvips.Image:
    if image.get_typeof("icc-profile-data"):
        try:
            return image.icc_transform("srgb", embedded=True,
                                       depth=8 if image.format == "uchar" else 16).copy_memory()
        except pyvips.Error:
            pass  # a damaged profile: the colours are a little off then
    if image.interpretation == "cmyk":
        # Without a profile nobody knows the inks; Pillow takes them for ideal ones as well.
        white = WHITE[_dtype(image)]
        paper = white - image
        return (paper[:3] * paper[3] / white).cast(image.format)
    return image.colourspace("srgb") if image.interpretation == "lab" else image


def _as_image_error(error: pyvips.Error) -> ImageError:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    reason = lines[1] if len(lines) > 1 else "its data cannot be decoded"
    if "not configured" in reason:
        return NotBuiltIn(reason)
    if "samples out of range" in reason:
        return ImageError("a TIFF of 64-bit numbers: save it with 32 bits")
    return Damaged(f"cut short or damaged: {reason}")
