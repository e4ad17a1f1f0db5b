"""Reads large PNG strip by strip with libvips; its helpers serve TIFF as well."""

import io
from typing import BinaryIO

import pyvips

from celestial.pictures.readers.types import (
    INVISIBLE,
    Damaged,
    Decoded,
    ImageError,
    Request,
    three_channels,
)
from celestial.pictures.stretch import by_depth

WHITE = {"uint8": 255, "uint16": 65535}  # the depth that whole numbers declare

pyvips.cache_set_max(0)  # no file is read twice, so a cache only takes memory


def read_png(file: BinaryIO, request: Request) -> Decoded:
    """Read a PNG, alpha laid over black, its colours in sRGB.

    Args:
        file: seekable.
        request: what is wanted.

    Raises:
        ImageError: the file is too large or damaged.
    """
    try:
        image = pyvips.Image.new_from_source(source_of(file), "", access="sequential",
                                             fail_on="error")
        width, height = image.width, image.height
        bytes_a_sample = 1 if image.format == "uchar" else 2
        request.require_sane(width, height, image.bands * bytes_a_sample)
        factor = request.factor(width, height)
        if factor > 1:
            image = image.shrink(factor, factor)
        image = image.copy_memory().autorot()
        if image.hasalpha():
            if not image[-1].max():
                raise ImageError(INVISIBLE)
            image = image.flatten(background=0)
        values = to_srgb(image).numpy().reshape(image.height, image.width, -1)
    except pyvips.Error as error:
        raise as_image_error(error) from error
    return Decoded(three_channels(by_depth(values, WHITE[values.dtype.name])), width, height)


def source_of(file: BinaryIO) -> pyvips.Source:
    """Give libvips the open file, because it takes no names that are not UTF-8."""
    file.seek(0)
    if isinstance(file, io.BytesIO):
        return pyvips.Source.new_from_memory(file.getvalue())
    return pyvips.Source.new_from_descriptor(file.fileno())


def to_srgb(image: pyvips.Image) -> pyvips.Image:
    """Apply the embedded profile to whole numbers of 8 or 16 bits; CMYK without one has ideal inks.
    """
    if image.get_typeof("icc-profile-data"):
        try:
            return image.icc_transform("srgb", embedded=True,
                                       depth=8 if image.format == "uchar" else 16).copy_memory()
        except pyvips.Error:
            pass  # a damaged profile: shown without it, the colours are a little off
    if image.interpretation == "cmyk":
        # Without a profile the inks are unknown, so we take them for ideal ones, as Pillow does.
        white = 255 if image.format == "uchar" else 65535
        paper = white - image
        return (paper[:3] * paper[3] / white).cast(image.format)
    return image


def as_image_error(error: pyvips.Error) -> ImageError:
    """Return an error with libvips's reason, which stands in the second line of its message."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    reason = lines[1] if len(lines) > 1 else "its data cannot be decoded"
    return Damaged(f"cut short or damaged: {reason}")
