"""TIFF: every kind of samples means what its tags say (tiff_meaning.py)."""

import io
import itertools

import numpy as np
import pytest
from tiff_file import LONG, RATIONAL, SHORT, page_of, tiff_of
from tiff_meaning import (
    ASSOCIATED,
    CIELAB,
    CMYK,
    COLOURS,
    EXTRAS,
    GREY,
    ICCLAB,
    NEGATIVE,
    PACKED,
    PALETTE,
    RGB,
    SIDE,
    TOLERANCE,
    TYPES,
    UNASSOCIATED,
    YCBCR,
    expected,
    read_by_others,
    samples_of,
    supported,
    written,
)

from celestial.pictures.loader import load_image
from celestial.pictures.readers.types import ImageError

tifffile = pytest.importorskip("tifffile")


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
