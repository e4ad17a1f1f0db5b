"""TIFF: every kind of samples means what its tags say.

What is expected is computed here from the samples that tifffile and imagecodecs read, by the
formulas of TIFF Revision 6.0 (1992), in levels of 0..255 before rounding.
"""

import io
import itertools

import numpy as np
import pytest
from tiff_file import LONG, RATIONAL, SHORT, page_of, tiff_of

from celestial.pictures.loader import decode, load_image
from celestial.pictures.readers.types import ImageError

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


@pytest.mark.parametrize("photometric", [NEGATIVE, GREY, RGB, CMYK, YCBCR, CIELAB, ICCLAB])
def test_samples_mean_what_the_tags_say(photometric):
    """Every type, extra samples and packing, against the formulas."""
    for number, (kind, extra) in enumerate(itertools.product(TYPES, EXTRAS)):
        samples = samples_of(photometric, kind, extra)
        data = written(samples, photometric, extra, compression=PACKED[number % len(PACKED)])
        if not supported(photometric, kind, extra):
            with pytest.raises(ImageError, match="is not supported: save it as RGB"):
                load_image(data)
            continue
        assert np.array_equal(read_by_others(data, samples.shape), samples)
        off = np.abs(load_image(data) - expected(samples, photometric, extra)).max()
        assert off <= TOLERANCE.get(photometric, 1.01), f"{kind} {extra}: {off:.2f} levels"


LAYOUTS = {"strips": {"rowsperstrip": 5}, "planes": {"planarconfig": "separate"},
           "tiles": {"tile": (16, 16)}, "predictor": {"compression": "lzw", "predictor": True},
           "tiles of planes": {"tile": (16, 16), "planarconfig": "separate"}}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_samples_may_lie_in_any_order(layout):
    """Strips, planes, tiles and predictors, either order of bytes, TIFF and BigTIFF."""
    options = LAYOUTS[layout]
    kinds = [kind for kind in TYPES if layout != "predictor" or not kind.endswith("64")]
    cases = itertools.product(kinds, ((RGB, ()), (RGB, (UNASSOCIATED,)), (NEGATIVE, (ASSOCIATED,))))
    for number, (kind, (photometric, extra)) in enumerate(cases):
        samples = np.tile(samples_of(photometric, kind, extra), (2, 3, 1))[:23]
        buffer = io.BytesIO()
        tifffile.imwrite(
            buffer, np.moveaxis(samples, -1, 0) if "planarconfig" in options else samples,
            photometric=photometric, extrasamples=extra or None, bigtiff=number % 2 == 0,
            byteorder="<>"[number // 2 % 2],
            **{"planarconfig": "contig", "compression": PACKED[number % 3], **options})
        off = np.abs(load_image(buffer.getvalue()) - expected(samples, photometric, extra)).max()
        assert off <= 1.01, f"{photometric} {kind} {extra}: {off:.2f} levels"


@pytest.mark.parametrize("packed", ["zstd", "lzma", "webp"])
def test_rarely_used_packings_are_right_or_refused(packed):
    """What libvips does not unpack is left to Pillow, where Pillow knows what the tags say."""
    right = 0
    for photometric, kind, extra in itertools.product(
            (NEGATIVE, GREY, RGB, CMYK, YCBCR, CIELAB, ICCLAB),
            ("uint8", "uint16", "int32", "float16", "float32", "float64"), EXTRAS):
        samples = samples_of(photometric, kind, extra)
        try:
            data = written(samples, photometric, extra, compression=packed,
                           compressionargs={"level": 1})
        except (ValueError, RuntimeError):
            continue  # WebP packs three or four samples of 8 bits alone
        try:
            found = load_image(data)
        except ImageError as error:
            assert "not supported" in str(error), f"{photometric} {kind} {extra}: {error}"
            continue
        off = np.abs(found - expected(read_by_others(data, samples.shape), photometric, extra))
        assert off.max() <= TOLERANCE.get(photometric, 1.01), (photometric, kind, extra)
        right += 1
    assert right >= {"zstd": 13, "lzma": 13, "webp": 4}[packed]


@pytest.mark.parametrize("across, down", [(1, 1), (2, 1), (1, 2), (2, 2), (4, 1), (4, 2), (4, 4)])
def test_colours_that_pixels_share(across, down):
    """YCbCr of fewer colours than pixels, not by JPEG, and with coefficients of its own."""
    random = np.random.default_rng([across, down])
    rows, columns = 6, 5
    luminance = random.integers(0, 256, (rows * down, columns * across), np.uint8)
    colours = random.integers(0, 256, (rows, columns, 2), np.uint8)
    blocks = luminance.reshape(rows, down, columns, across).swapaxes(1, 2)
    content = np.dstack([blocks.reshape(rows, columns, -1), colours])
    height, width = rows * down - (down > 1), columns * across - (across > 1)
    tags, _ = page_of(np.zeros((height, width, 3), np.uint8), YCBCR, {
        530: (SHORT, across, down), 278: (LONG, height),
        529: (RATIONAL, 2126, 10000, 7152, 10000, 722, 10000),
        532: (RATIONAL, 16, 1, 235, 1, 128, 1, 240, 1, 128, 1, 240, 1)})
    y, (cb, cr) = (luminance - 16.0) * 255 / 219, np.moveaxis(
        (colours.repeat(down, 0).repeat(across, 1) - 128.0) * 127 / 112, -1, 0)
    r, b = y + (2 - 2 * 0.2126) * cr, y + (2 - 2 * 0.0722) * cb
    levels = np.stack([r, (y - 0.2126 * r - 0.0722 * b) / 0.7152, b], axis=-1).clip(0, 255)
    found = load_image(tiff_of((tags, content.tobytes())))
    assert np.abs(found - levels[:height, :width]).max() <= 0.51


@pytest.mark.parametrize("photometric, options", [
    (NEGATIVE, {}), (GREY, {}), (RGB, {}), (CMYK, {}), (YCBCR, {"subsampling": (1, 1)}),
    (YCBCR, {"subsampling": (2, 2)})])
def test_jpeg_inside(photometric, options):
    samples = np.rint(np.linspace(40, 200, 32 * 32 * COLOURS[photometric]).reshape(
        32, 32, -1)).astype(np.uint8)
    data = written(samples, photometric, compression="jpeg", compressionargs={"level": 95},
                   **options)
    decoded = read_by_others(data, samples.shape)
    meaning = RGB if photometric == YCBCR else photometric  # tifffile turns JPEG's into RGB
    assert np.abs(load_image(data) - expected(decoded, meaning, ())).max() <= 3


@pytest.mark.parametrize("kind", ["uint8", "uint16"])
@pytest.mark.parametrize("extra", EXTRAS[:4])
def test_palettes(kind, extra):
    random = np.random.default_rng(4)
    colormap = random.integers(0, 65536, (3, 1 << 8 * np.dtype(kind).itemsize), np.uint16)
    samples = random.integers(0, np.iinfo(kind).max, (SIDE, SIDE, 1 + len(extra)), kind)
    if ASSOCIATED in extra:
        samples[..., 1] = np.iinfo(kind).max
    tags = {320: (SHORT, *colormap.ravel())} | ({338: (SHORT, *extra)} if extra else {})
    found = load_image(tiff_of(page_of(samples, PALETTE, tags)))
    assert np.abs(found - expected(samples, PALETTE, extra, colormap)).max() <= 1.5


@pytest.mark.parametrize("bits", [1, 2, 4])
@pytest.mark.parametrize("photometric", [NEGATIVE, GREY, PALETTE])
def test_few_bits(bits, photometric):
    top = (1 << bits) - 1
    values = np.random.default_rng(bits).integers(0, top + 1, (9, 13))
    rows = np.pad(values, ((0, 0), (0, -values.shape[1] % (8 // bits)))).astype(np.uint8)
    shifted = rows.reshape(9, -1, 8 // bits) << np.arange(8 - bits, -1, -bits).astype(np.uint8)
    colormap = np.random.default_rng(bits).integers(256, 65536, (3, top + 1))
    map_tag = {320: (SHORT, *colormap.ravel())} if photometric == PALETTE else {}
    tags, _ = page_of(np.zeros((*values.shape, 1), np.uint8), photometric, {
        258: (SHORT, bits), **map_tag})
    levels = {NEGATIVE: 255 - values[..., None] / top * 255, GREY: values[..., None] / top * 255,
              PALETTE: colormap[:, values].transpose(1, 2, 0) / 257}[photometric]
    found = load_image(tiff_of((tags, shifted.sum(axis=2).astype(np.uint8).tobytes())))
    assert np.abs(found - levels).max() <= 1.01


def test_linear_data_of_which_the_least_is_white_are_stretched_as_a_negative():
    """The formula of AsinhStretch, computed here, of the values below zero."""
    sky = np.random.default_rng(1).normal(1000, 20, (40, 50))
    sky[10:20, 20:30] += 4000
    for kind in ("float32", "float64", "int32"):
        values = (200_000 - sky).astype(kind)[..., None]
        dark = -values[..., 0].astype(float)
        black, white = np.percentile(dark, 0.5), np.percentile(dark, 99.8)
        part = np.clip((dark - black) / (white - black), 0, 1)
        levels = 255 * np.arcsinh(part / 0.1) / np.arcsinh(1 / 0.1)
        assert np.abs(load_image(written(values, NEGATIVE)) - levels[..., None]).max() <= 1.01


@pytest.mark.parametrize("kind", ["float16", "float32", "float64"])
def test_a_value_that_is_none_costs_its_own_pixel_alone(kind):
    """Blocks that are reduced to one pixel are the mean of what is finite in them."""
    random = np.random.default_rng(8)
    values = random.random((160, 240)).astype(kind)
    values[random.random(values.shape) < 0.03] = np.nan
    values[3, 5], values[4, 6] = np.inf, -np.inf
    values[16:24, 32:40] = np.nan
    decoded = decode(written(values[..., None], GREY), at_least=15)
    finite = np.where(np.isfinite(values), values, np.nan).astype(float)
    blocks = finite.reshape(20, 8, 30, 8).swapaxes(1, 2).reshape(20, 30, 64)
    filled = np.isfinite(blocks).any(axis=2)
    means = np.zeros((20, 30))
    means[filled] = np.nanmean(blocks[filled], axis=1)
    assert (decoded.width, decoded.height) == (240, 160) and not filled.all()
    assert decoded.picture.shape == (20, 30, 3)
    levels = stretched_by_rule(means, filled)
    assert np.abs(decoded.picture[..., 0] - levels).max() <= 0.6


def stretched_by_rule(means: np.ndarray, filled: np.ndarray) -> np.ndarray:
    """The rule for floats (docs/pictures.md, "Deep data"): these span a quarter, or are stretched.
    """
    black, white = np.percentile(means[filled], 0.5), np.percentile(means[filled], 99.8)
    if white - black >= 0.25:
        return 255 * means
    part = np.clip((means - black) / (white - black), 0, 1)
    return np.where(filled, 255 * np.arcsinh(part / 0.1) / np.arcsinh(10), 0)


@pytest.mark.parametrize("kind", ["uint8", "uint16", "float32", "int32"])
def test_hidden_colours_do_not_shine_through_when_they_are_reduced(kind):
    samples = np.zeros((64, 64, 4), kind)
    samples[:, ::2] = [depth(kind), 0, 0, 0]  # hidden
    samples[:, 1::2] = [0, depth(kind), 0, full(kind)]
    found = decode(written(samples, RGB, (UNASSOCIATED,)), at_least=16).picture
    assert found.shape == (32, 32, 3)
    assert np.abs(found - np.array([0, 127.5, 0])).max() <= 1
