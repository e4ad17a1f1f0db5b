"""What the samples of a TIFF mean, computed independently, and TIFFs to try it on.

The samples are those that tifffile and imagecodecs read; the formulas are of TIFF Revision 6.0
(1992). Levels are 0..255 before rounding.
"""

import io

import numpy as np
import pytest

tifffile = pytest.importorskip("tifffile")
pytest.importorskip("imagecodecs")

SIDE = 16
NEGATIVE, GREY, RGB, PALETTE, CMYK, YCBCR, CIELAB, ICCLAB = 0, 1, 2, 3, 5, 6, 8, 9
COLOURS = {NEGATIVE: 1, GREY: 1, RGB: 3, PALETTE: 1, CMYK: 4, YCBCR: 3, CIELAB: 3, ICCLAB: 3}
TYPES = ("uint8", "uint16", "int8", "int16", "uint32", "int32", "uint64", "int64", "float16",
         "float32", "float64")
UNSPECIFIED, ASSOCIATED, UNASSOCIATED = 0, 1, 2
EXTRAS = ((), (UNSPECIFIED,), (ASSOCIATED,), (UNASSOCIATED,), (UNSPECIFIED, UNASSOCIATED))
PACKED = (None, "lzw", "adobe_deflate", "packbits")
# Levels, of the largest difference: half of one is rounded away at each step.
TOLERANCE = {CMYK: 2.0, CIELAB: 2.0, ICCLAB: 2.0}


def full(kind: str) -> float:
    """Return what is opaque: the largest whole number, or 1."""
    return 1.0 if kind.startswith("float") else float(np.iinfo(kind).max)


def depth(kind: str) -> float:
    """Return what is white by the rule for the type (docs/pictures.md, "Deep data")."""
    return 1.0 if kind.startswith("float") else 255.0 if kind in ("uint8", "int8") else 65535.0


def samples_of(photometric: int, kind: str, extra: tuple[int, ...]) -> np.ndarray:
    """Draw samples: (SIDE, SIDE, colours + extra), colours multiplied by associated alpha."""
    random = np.random.default_rng([photometric, TYPES.index(kind), len(extra), *extra])
    shape = (SIDE, SIDE, COLOURS[photometric] + len(extra))
    proportions = random.random(shape)
    if photometric in (CIELAB, ICCLAB):  # colours that a screen has, some of them nearly
        proportions[..., 1:3] = (128 + random.uniform(-45, 45, (SIDE, SIDE, 2))) / 256
        if photometric == CIELAB:
            proportions[..., 1:3] = (proportions[..., 1:3] + 0.5) % 1
    top = min(full(kind), depth(kind))
    samples = proportions * top
    samples[..., COLOURS[photometric]:] = proportions[..., COLOURS[photometric]:] * full(kind)
    if ASSOCIATED in extra:
        samples[..., :-1] *= proportions[..., -1:]
    return (samples if kind.startswith("float") else np.rint(samples)).astype(kind)


def srgb_of_lab(lightness: np.ndarray, a: np.ndarray, b: np.ndarray, white: str) -> np.ndarray:
    """CIE 15 and IEC 61966-2-1; from D50 by Bradford's matrix (Lindbloom)."""
    y = (lightness + 16) / 116
    f = np.stack([y + a / 500, y, y - b / 200], axis=-1)
    xyz = np.where(f > 6 / 29, f ** 3, 3 * (6 / 29) ** 2 * (f - 4 / 29))
    if white == "D65":
        xyz = xyz * (0.95047, 1, 1.08883)
    else:
        xyz = xyz * (0.9642, 1, 0.8249) @ np.array(
            [[0.9555766, -0.0230393, 0.0631636], [-0.0282895, 1.0099416, 0.0210077],
             [0.0122982, -0.0204830, 1.3299098]]).T
    linear = (xyz @ np.array([[3.2404542, -1.5371385, -0.4985314],
                              [-0.9692660, 1.8760108, 0.0415560],
                              [0.0556434, -0.2040259, 1.0572252]]).T).clip(0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def rgb_of_ycbcr(proportions: np.ndarray) -> np.ndarray:
    """TIFF 6.0, section 21, with the usual coefficients and references; 0..1."""
    y, cb, cr = np.moveaxis(proportions, -1, 0)
    r, b = y + 1.402 * cr, y + 1.772 * cb
    return np.stack([r, (y - 0.299 * r - 0.114 * b) / 0.587, b], axis=-1).clip(0, 1)


def colours_of(stored: np.ndarray, photometric: int, kind: str,
               colormap: np.ndarray | None) -> np.ndarray:
    """Return the levels of straight colours: (height, width, 1 or 3)."""
    bits = 8 * np.dtype(kind).itemsize
    proportions = stored / depth(kind)
    if photometric == NEGATIVE:
        return 255 * (1 - proportions)
    if photometric == PALETTE:
        return colormap[:, stored[..., 0].astype(int)].transpose(1, 2, 0) / 257
    if photometric == CMYK:
        return 255 * (1 - proportions[..., :3]) * (1 - proportions[..., 3:])
    if photometric == YCBCR:
        middle, step = 1 << bits - 1, depth(kind)
        colours = (stored[..., 1:] - middle) / step
        return 255 * rgb_of_ycbcr(np.dstack([proportions[..., 0], colours]))
    if photometric in (CIELAB, ICCLAB):
        one = 1 << bits - 8  # of a* and b*
        ab = stored[..., 1:] / one
        ab = ab - 128 if photometric == ICCLAB else np.where(ab >= 128, ab - 256, ab)
        white = 65280 if bits == 16 and photometric == ICCLAB else depth(kind)
        return srgb_of_lab(stored[..., 0] / white * 100, ab[..., 0], ab[..., 1],
                           "D65" if photometric == CIELAB else "D50")
    return 255 * proportions


def expected(samples: np.ndarray, photometric: int, extra: tuple[int, ...],
             colormap: np.ndarray | None = None) -> np.ndarray:
    """Return what is to be shown over black: levels, (height, width, 3)."""
    kind, count = samples.dtype.name, COLOURS[photometric]
    stored = samples[..., :count].astype(float)
    if not set(extra) & {ASSOCIATED, UNASSOCIATED}:
        return colours_of(stored, photometric, kind, colormap) * np.ones(3)
    alpha = samples[..., -1:].astype(float) / full(kind)
    if ASSOCIATED in extra:
        stored = np.divide(stored, alpha, out=np.zeros(stored.shape), where=alpha > 0)
        stored = stored.clip(0, depth(kind))
    return colours_of(stored, photometric, kind, colormap) * alpha * np.ones(3)


def supported(photometric: int, kind: str, extra: tuple[int, ...]) -> bool:
    if photometric in (CMYK, CIELAB, ICCLAB) and kind not in ("uint8", "uint16"):
        return False
    if photometric == YCBCR and kind != "uint8":
        return False
    return not (ASSOCIATED in extra and photometric in (YCBCR, CIELAB, ICCLAB))


def written(samples: np.ndarray, photometric: int, extra: tuple[int, ...] = (),
            **options) -> bytes:
    """Return the bytes of the TIFF that tifffile writes."""
    buffer = io.BytesIO()
    one = samples.shape[-1] == 1
    tifffile.imwrite(buffer, samples[..., 0] if one else samples, photometric=photometric,
                     planarconfig=None if one else "contig", extrasamples=extra or None,
                     metadata=None, **options)
    return buffer.getvalue()


def read_by_others(data: bytes, shape: tuple[int, ...]) -> np.ndarray:
    return tifffile.imread(io.BytesIO(data)).reshape(shape)
