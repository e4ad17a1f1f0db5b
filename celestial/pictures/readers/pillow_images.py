"""Reads the usual formats with Pillow."""

import warnings
from collections.abc import Callable
from functools import partial
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, PngImagePlugin

from celestial.pictures.colour import to_rgb
from celestial.pictures.readers import png
from celestial.pictures.readers.types import MOST_PIXELS, Decoded, Request
from celestial.pictures.stretch import Stretch, by_depth

# No others, because Pillow knows formats that start other programs (EPS) or unpack without a limit.
# The file's content, not its extension, decides among these.
FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "JPEG2000", "PPM", "TIFF", "TGA",
           "ICO")

Image.MAX_IMAGE_PIXELS = MOST_PIXELS
PngImagePlugin.MAX_TEXT_CHUNK = png.MOST_PROFILE  # for profiles, some of which have over 1 MB
warnings.simplefilter("error", Image.DecompressionBombWarning)

open_usual = partial(Image.open, formats=FORMATS)


def read(file: BinaryIO, request: Request,
         open_image: Callable[[BinaryIO], Image.Image] = open_usual,
         sound_rows: int | None = None) -> Decoded:
    """Read the first frame of a picture.

    Args:
        file: seekable.
        request: what is wanted.
        open_image: opens it; the usual one takes any of `FORMATS`.
        sound_rows: rows from the top that are kept; those below are cut off. None: all.

    Raises:
        ImageError: it is too large, or nothing of it can be seen.
        UnidentifiedImageError: it is of another format.
        Any other error: it is damaged.
    """
    with open_image(file) as image:
        width, height = image.size
        request.require_sane(width, height, len(image.getbands()))
        _reduce_decoding(image, file, request)
        form = image.format
        image.load()
        if sound_rows is not None:
            image = image.crop((0, 0, image.width, sound_rows * image.height // height))
        loaded = image.size
        _turn_upright(image)
        if image.size != loaded:
            width, height = height, width
        deep = image.mode.startswith("I") or image.mode == "F"
        shown = _eight_bits(image, form, request.stretch) if deep else to_rgb(image, form)
    factor = request.factor(*shown.size)
    if factor > 1:
        shown = Image.Image.reduce(shown, factor)  # in JPEG 2000 images `reduce` is a number
    return Decoded(np.array(shown.convert("RGB") if deep else shown), width, height)


def _reduce_decoding(image: Image.Image, file: BinaryIO, request: Request) -> None:
    if request.at_least is None or (scale := 2 * request.at_least / max(image.size)) >= 1:
        return
    if image.format == "JPEG2000":
        image.reduce = min(int(-np.log2(scale)), _levels_of_jpeg2000(file))
    elif image.format in ("JPEG", "MPO"):
        image.draft(image.mode, tuple(max(1, round(side * scale)) for side in image.size))


def _levels_of_jpeg2000(file: BinaryIO) -> int:
    """Return how often the stored picture can be halved (marker COD, ISO/IEC 15444-1, A.6.1)."""
    file.seek(0)
    start = file.read(1 << 16)
    place = start.find(b"\xff\x52", start.find(b"\xff\x4f\xff\x51"))
    return start[place + 9] if 0 <= place < len(start) - 9 else 0


def _turn_upright(image: Image.Image) -> None:
    try:
        ImageOps.exif_transpose(image, in_place=True)
    except (SyntaxError, ValueError, TypeError, KeyError, OverflowError, OSError):
        pass  # damaged EXIF data harm no pixel


def _eight_bits(image: Image.Image, form: str, stretch: Stretch) -> Image.Image:
    """Return grey data of more than 8 bits as 8 bits."""
    values = np.asarray(image)
    if image.mode.startswith("I;16") or form in ("PNG", "JPEG2000") or (
            form == "PPM" and image.mode == "I"):  # Pillow scales deep PGM files to 16 bits
        return Image.fromarray(by_depth(values, 65535))
    return Image.fromarray(stretch.to_8_bits(values[:, :, None])[:, :, 0])
