"""Turns the samples of a TIFF into 8-bit sRGB, by the formulas of TIFF 6.0 (Adobe, 1992)."""

import numpy as np
import pyvips

from celestial.pictures.readers.tiff.tiff_tags import (
    BLACK_WHITE,
    CIELAB,
    CMYK,
    COEFFICIENTS,
    ICCLAB,
    PLAIN,
    WHITE_IS_ZERO,
    YCBCR,
    Page,
)
from celestial.pictures.readers.types import INVISIBLE, ImageError
from celestial.pictures.readers.vips import WHITE, to_srgb
from celestial.pictures.stretch import DEPTHS, Stretch, by_depth

ROWS = 512  # rows computed at once


def on_screen(values: np.ndarray, page: Page, profile: bytes | None,
              stretch: Stretch) -> np.ndarray:
    """Return what a screen shows: uint8 (height, width, 1 or 3).

    Args:
        values: (height, width, bands), the colours times alpha, then alpha where the page has one.
        page: the page of these samples.
        profile: an ICC profile of the colours.
        stretch: the rule for numbers that do not declare their depth.

    Raises:
        ImageError: all of it is transparent.
    """
    colours, alpha = (values, None) if page.alpha is None else (values[..., :-1], values[..., -1:])
    if alpha is not None and not alpha.any():
        raise ImageError(INVISIBLE)
    white = WHITE.get(page.type)
    negative = page.photometric == WHITE_IS_ZERO
    if white is None:
        return stretch.to_8_bits(_negative(colours, alpha) if negative else colours)
    if (page.photometric in PLAIN or page.by_libjpeg) and not profile:
        return by_depth(colours, white)
    strips = [slice(top, top + ROWS) for top in range(0, len(values), ROWS)]
    if alpha is None:
        return np.concatenate([_in_srgb(colours[strip], page, profile) for strip in strips])
    return np.concatenate([_over_black(colours[strip], alpha[strip], page, profile)
                           for strip in strips])


def _negative(values: np.ndarray, alpha: np.ndarray | None) -> np.ndarray:
    """Invert data that do not declare their depth, so that 0 becomes the brightest."""
    values = values.astype(np.float32)
    finite = np.isfinite(values)
    lowest = values.min(where=finite, initial=np.inf)
    highest = values.max(where=finite, initial=-np.inf)
    white = next((depth for depth in (1.0, *DEPTHS) if depth >= highest), None)
    if white is None or lowest < -0.01 * highest:
        return -values
    return (white if alpha is None else white * alpha) - np.maximum(values, 0)


def _over_black(colours: np.ndarray, alpha: np.ndarray, page: Page,
                profile: bytes | None) -> np.ndarray:
    """Convert colours that are multiplied by alpha to sRGB, still so multiplied: any -> uint8."""
    white = WHITE[page.type]
    opacity = alpha / np.float32(white)
    transparent = np.zeros(colours.shape, np.float32)
    straight = np.divide(colours, opacity, out=transparent, where=opacity > 0)
    straight = np.rint(straight.clip(0, white)).astype(page.type)
    return np.rint(_in_srgb(straight, page, profile) * opacity).astype(np.uint8)


def _in_srgb(colours: np.ndarray, page: Page, profile: bytes | None) -> np.ndarray:
    """Convert colours: uint8 or uint16 (height, width, 1, 3 or 4) -> uint8 (height, width, 1 or 3).
    """
    white = WHITE[colours.dtype.name]
    if page.photometric in (CIELAB, ICCLAB):
        return _lab_to_srgb(colours, page.photometric)
    if page.photometric == YCBCR and not page.by_libjpeg:
        colours = _ycbcr_to_rgb(colours, page)
    elif page.photometric == WHITE_IS_ZERO:
        colours = white - colours
    image = pyvips.Image.new_from_array(np.ascontiguousarray(colours))
    names = ("b-w", "srgb") if white == 255 else ("grey16", "rgb16")
    image = image.copy(interpretation="cmyk" if page.photometric == CMYK
                       else names[image.bands >= 3])
    if profile:
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    shown = to_srgb(image)
    return by_depth(shown.numpy().reshape(*colours.shape[:2], -1), white)


def _lab_to_srgb(colours: np.ndarray, photometric: int) -> np.ndarray:
    """Convert L*a*b*, or L* alone; a* and b* are offset as in ICCLAB.

    The encodings: Adobe Photoshop TIFF Technical Notes (2002). The white is D65 for CIELAB (TIFF
    6.0, section 23) and D50 for ICCLAB (the ICC's profile connection space).
    """
    deep = colours.dtype == np.uint16
    whole = {(CIELAB, True): 65535, (ICCLAB, True): 65280}.get((photometric, deep), 255)
    lab = np.zeros((*colours.shape[:2], 3), np.float32)
    lab[..., 0] = colours[..., 0] / np.float32(whole) * 100
    lab[..., 1:] = colours[..., 1:] / np.float32(256 if deep else 1) - 128 if (
        colours.shape[2] == 3) else 0
    image = pyvips.Image.new_from_array(lab).copy(interpretation="lab")
    if photometric == CIELAB:
        return image.colourspace("srgb").numpy()
    return image.icc_export(output_profile="srgb", pcs="lab", depth=8).numpy()


def _ycbcr_to_rgb(colours: np.ndarray, page: Page) -> np.ndarray:
    """Apply the formulas of TIFF 6.0, sections 20 and 21, with the page's coefficients: uint8."""
    red, green, blue = _numbers(page, COEFFICIENTS, (0.299, 0.587, 0.114))
    ends = _numbers(page, BLACK_WHITE, (0, 255, 128, 255, 128, 255))
    blacks, whites = np.float32(ends[::2]), np.float32(ends[1::2])
    y, cb, cr = np.moveaxis((colours - blacks) * (np.float32([255, 127, 127]) / (whites - blacks)),
                            -1, 0)
    r, b = cr * (2 - 2 * red) + y, cb * (2 - 2 * blue) + y
    rgb = np.stack([r, (y - blue * b - red * r) / green, b], axis=-1)
    return np.rint(rgb.clip(0, 255)).astype(np.uint8)


def _numbers(page: Page, tag: int, usual: tuple[float, ...]) -> tuple[float, ...]:
    """Return the values of a tag; the usual ones where they are missing or impossible."""
    found = page.tags[tag].values if tag in page.tags else ()
    pairs = zip(found[::2], found[1::2], strict=False)
    possible = all(found) if tag == COEFFICIENTS else all(a != b for a, b in pairs)
    return found if len(found) == len(usual) and possible else usual
