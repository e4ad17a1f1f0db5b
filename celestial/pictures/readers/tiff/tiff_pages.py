"""Chooses the page of a TIFF that is the picture, and says why a page cannot be read."""

from typing import BinaryIO

from celestial.pictures.readers.tiff.tiff_tags import (
    ASSOCIATED,
    BITS,
    CIELAB,
    CMYK,
    COLOURS,
    COMPLEX,
    COMPLEX_INT,
    FLOAT,
    ICCLAB,
    INK_SET,
    JPEG,
    PALETTE,
    PREDICTOR,
    SAMPLE_FORMAT,
    UNSIGNED,
    YCBCR,
    Page,
    all_pages,
)
from celestial.pictures.readers.types import ImageError

THUMBNAIL = 4  # a page this many times smaller than one that cannot be read is no picture
NAMES = {PALETTE: "a palette", CMYK: "CMYK", YCBCR: "YCbCr", CIELAB: "L*a*b*", ICCLAB: "L*a*b*"}
# Compression methods: those that libvips unpacks, those that Pillow does, and those of neither.
BY_VIPS = (1, 2, 3, 4, 5, JPEG, 8, 32773, 32946, 50001)
BY_PILLOW = {6: "old JPEG", 34925: "LZMA", 50000: "Zstandard"}
BY_NONE = {34661: "JBIG", 34712: "JPEG 2000", 34887: "LERC", 34892: "lossy JPEG of a raw file",
           34933: "PNG", 34934: "JPEG XR", 50002: "JPEG XL", 52546: "JPEG XL"}


def picture_page(file: BinaryIO) -> Page:
    """Return the first of the largest pages that can be read and are no mask and no preview.

    A page that cannot be read is passed over, unless the readable ones are only its thumbnails.

    Raises:
        ImageError: there is none; the reason is that of the largest page.
    """
    pages = all_pages(file)
    if not pages:
        raise ImageError("damaged: a TIFF without a page")
    found = [page for page in pages if not page.is_mask]
    if not found:
        raise ImageError("a TIFF of masks, without a picture")
    full = [page for page in found if not page.reduced] or found
    readable = [page for page in full if not refusal(page)]
    best = max(readable, key=lambda page: page.area, default=None)
    refused = max((page for page in full if refusal(page)), key=lambda page: page.area,
                  default=None)
    if refused and (best is None or refused.area > THUMBNAIL * best.area):
        raise ImageError(refusal(refused))
    return best


def refusal(page: Page) -> str:
    """Return why a page cannot be read, in words for the user; empty where it can."""
    return _refused_colours(page) or _refused_samples(page) or _refused_packing(page)


def _refused_colours(page: Page) -> str:
    if page.photometric not in COLOURS:
        return (f"a TIFF of photometric interpretation {page.photometric}, which is not "
                "supported: save it as RGB")
    if (min(page.width, page.height) < 1 or page.samples < page.colours
            or not set(page.subsampling) <= {1, 2, 4}):
        return "damaged: its tags describe no picture"
    if ASSOCIATED in page.extra and page.photometric in (YCBCR, CIELAB, ICCLAB):
        return f"associated alpha in {NAMES[page.photometric]} is not supported: save it as RGB"
    if page.photometric == CMYK and page.value(INK_SET, 1) != 1:
        return "a TIFF of inks other than CMYK: save it as RGB"
    return ""


def _refused_samples(page: Page) -> str:
    form = page.value(SAMPLE_FORMAT, UNSIGNED)
    if not UNSIGNED <= form <= COMPLEX:
        return "damaged: its tags describe no numbers"
    if form in (COMPLEX_INT, COMPLEX):
        return "a TIFF of complex numbers: save their magnitude"
    bits = page.tags[BITS].values if BITS in page.tags else ()
    if len(set(bits)) > 1:
        return "a TIFF of samples of different depths: save it with 8 or 16 bits"
    if form == FLOAT and page.type is None:
        return f"{page.bits}-bit floats are not supported: save it with 32 bits"
    if page.type is None:
        return (f"{page.bits}-bit packed samples are not supported: save it with "
                f"{8 if page.bits < 8 else 16} bits")
    if page.bits < 8 and page.samples > 1:
        return f"{page.bits}-bit samples are not supported in colour: save it with 8 bits"
    if page.photometric in NAMES and page.type not in (
            ("uint8",) if page.photometric == YCBCR else ("uint8", "uint16")):
        return f"{NAMES[page.photometric]} of {page.type} is not supported: save it as RGB"
    return ""


def _refused_packing(page: Page) -> str:
    packing = page.compression
    if packing not in (*BY_VIPS, *BY_PILLOW):
        name = BY_NONE.get(packing, f"method {packing}")
        return f"a TIFF packed by {name}, which is not supported: save it with LZW or Deflate"
    if page.value(PREDICTOR, 1) != 1 and (page.bits == 64 or page.subsampling != (1, 1)):
        return ("a predictor is not supported for 64 bits or subsampled colours: save it without "
                "compression")
    if page.photometric in (YCBCR, PALETTE) and page.separate or page.samples > 3 and (
            page.subsampling != (1, 1)):
        return (f"{NAMES[page.photometric]} in planes, or of pixels that share colours beside a "
                "fourth sample, is not supported: save it as RGB")
    return ""
