"""FITS as telescopes and cameras write it: scales, gaps, several images, colour filters."""

import bz2
import gzip
import io

import numpy as np
import pytest
from astropy.io import fits
from conftest import CLASSES, draw
from corpus import saved
from fits_file import as_fits
from PIL import Image

from celestial.pictures.loader import decode, load_image
from celestial.pictures.stretch import Stretch

pytestmark = pytest.mark.filterwarnings("ignore:Mean of empty slice")
RANDOM = np.random.default_rng(11)
NUMBERS = {8: "u1", 16: ">i2", 32: ">i4"}


def by_hand(raw: np.ndarray, **cards: float) -> bytes:
    """Write a FITS file byte by byte, so that no library changes a card: raw (height, width)."""
    bits = next(bits for bits, kind in NUMBERS.items() if raw.dtype == np.dtype(kind))
    cards = {"SIMPLE": "T", "BITPIX": bits, "NAXIS": 2, "NAXIS1": raw.shape[1],
             "NAXIS2": raw.shape[0], **cards}
    head = "".join(f"{name:<8}= {value:>20}".ljust(80) for name, value in cards.items())
    return b"".join(part.ljust(-(-len(part) // 2880) * 2880, pad) for part, pad in
                    (((head + "END").encode(), b" "), (raw.tobytes(), b"\0")))


@pytest.mark.parametrize("factor", [1, 5])
@pytest.mark.parametrize("cards", [
    {}, {"BZERO": 10}, {"BSCALE": 2}, {"BSCALE": 2, "BZERO": 10}, {"BSCALE": 1, "BZERO": 0},
    {"BZERO": 32768}, {"BSCALE": 1, "BZERO": 32768, "BLANK": 7}, {"BZERO": 2 ** 31, "BLANK": 7},
    {"BLANK": 7}, {"BLANK": 0}, {"BSCALE": 0.5, "BZERO": 3, "BLANK": 0}, {"BZERO": -128}])
@pytest.mark.parametrize("bits", [8, 16, 32])
def test_every_scale_is_applied(bits, cards, factor):
    """Compared with BZERO + BSCALE x what is stored, computed here from the bytes."""
    raw = RANDOM.integers(20, 120, (40, 50)).astype(NUMBERS[bits])
    raw[10:20, 10:25] = cards.get("BLANK", 60)
    values = cards.get("BZERO", 0) + cards.get("BSCALE", 1) * raw.astype(float)
    if "BLANK" in cards:
        values[raw == cards["BLANK"]] = np.nan
    values = np.nanmean(values.reshape(40 // factor, factor, 50 // factor, factor), axis=(1, 3))
    if bits == 8 and cards.get("BSCALE", 1) == 1 and cards.get("BZERO", 0) in (0, -128):
        expected = np.nan_to_num(values, nan=cards.get("BZERO", 0)) - cards.get("BZERO", 0)
    else:
        expected = Stretch().to_8_bits(values[:, :, None])[:, :, 0]
    found = load_image(by_hand(raw, **cards), at_least=50 if factor == 1 else 5)
    assert np.abs(found[:, :, 0] - expected).max() <= 1


def test_signed_bytes_are_a_whole_picture():
    picture = draw("mars", 1)[:, :, 0]
    for cards in ({"BZERO": -128}, {"BZERO": -128, "BSCALE": 1}):
        assert np.array_equal(load_image(by_hand(picture, **cards))[:, :, 0], picture)
    signed = as_fits((picture.astype(int) - 128).astype(np.int8))
    assert np.array_equal(load_image(signed)[:, :, 0], picture)


@pytest.mark.parametrize("missing", [np.nan, np.inf])
def test_what_is_missing_blackens_no_square_when_a_frame_is_reduced(missing):
    values = RANDOM.normal(1000, 20, (203, 301)).astype(np.float32)
    gaps = RANDOM.random(values.shape) < 0.03
    gaps[90:120, 90:120] = True
    padded = np.full((210, 310), np.nan)
    padded[:203, :301] = np.where(gaps, np.nan, values)
    means = np.nanmean(padded.reshape(21, 10, 31, 10), axis=(1, 3))
    found = load_image(as_fits(np.where(gaps, np.float32(missing), values)), at_least=15)
    assert np.abs(found - Stretch().to_8_bits(means[:, :, None]).astype(int)).max() <= 1
    assert (found[:, :, 0] == 0).mean() < 0.05


def test_a_mosaic_is_averaged_alike_in_every_strip_that_it_is_read_in():
    values = RANDOM.normal(1000, 20, (4001, 1198)).astype(np.float32)
    values[RANDOM.random(values.shape) < 0.03] = np.nan
    values[3490:3510] = np.nan  # where the second strip begins
    padded = np.full((4005, 1200), np.nan, np.float32)
    padded[:4001, :1198] = values
    means = np.nanmean(padded.reshape(801, 5, 240, 5).astype(float), axis=(1, 3))
    found = load_image(as_fits(values), at_least=400)
    assert found.shape == (801, 240, 3) and not found[698:702].any()
    assert np.abs(found - Stretch().to_8_bits(means[:, :, None]).astype(int)).max() <= 1


def test_a_blank_number_counts_in_no_mean():
    values = np.full((60, 60), 100, np.int16)
    values[:30] = 200
    values[::3, ::3] = -32768
    found = load_image(as_fits(values, BLANK=-32768), at_least=6)
    assert np.all(found[:6] == 200) and np.all(found[6:] == 100)


def test_the_first_image_that_holds_anything_is_taken_and_named():
    grey = draw("mars", 1)[:, :, 0]
    science, other = grey.astype(np.int16), (255 - grey).astype(np.int16)
    names = ("SCI", "ERR", "DQ")
    decoded = decode(as_fits(None, science, other, other, names=names))
    assert np.array_equal(decoded.picture[:, :, 0], grey)
    assert decoded.note == "image 1 of 3 in the file: HDU 1 (SCI)"
    nothing = np.full((90, 70), np.nan, np.float32)
    for empty in (np.zeros_like(science), np.full_like(science, 7), nothing):
        decoded = decode(as_fits(None, empty, science, other, names=names))
        assert np.array_equal(decoded.picture[:, :, 0], grey)
        assert (decoded.width, decoded.height) == grey.shape[::-1]
        assert decoded.note == "image 2 of 3 in the file: HDU 2 (ERR)"
    assert decode(as_fits(science)).note == ""
    assert decode(as_fits(None, science, names=("SCI",))).note == ""
    decoded = decode(as_fits(nothing, nothing[:50], names=("SCI",)))
    assert decoded.picture.shape == (90, 70, 3) and not decoded.picture.any()
    assert decoded.note == "image 1 of 2 in the file: HDU 0 (PRIMARY)"


def test_a_damaged_extension_costs_no_image_before_it():
    grey = draw("mars", 1)[:, :, 0]
    data = bytearray(as_fits(grey, grey, names=("A",)))
    data[2 * 2880:3 * 2880] = bytes(2880 - 80) + b"\xff" * 80
    assert np.array_equal(load_image(bytes(data))[:, :, 0], grey)
    data = bytearray(as_fits(grey, grey, names=("A",)))
    data[2 * 2880 + 80:2 * 2880 + 160] = b"BITPIX  = 'abc'".ljust(80)
    assert np.array_equal(load_image(bytes(data))[:, :, 0], grey)


def through_filters(picture: np.ndarray, pattern: str) -> np.ndarray:
    """Keep of each pixel what its filter lets through, the upper left one that of `pattern[0]`."""
    mosaic = np.empty(picture.shape[:2], picture.dtype)
    for number, letter in enumerate(pattern):
        part = slice(number // 2, None, 2), slice(number % 2, None, 2)
        mosaic[part] = picture[(*part, "RGB".index(letter))]
    return mosaic


def smooth_colours(height: int, width: int) -> np.ndarray:
    """Return a picture that is a plane in each colour: bilinear interpolation is exact there."""
    y, x = np.mgrid[:height, :width]
    blue = 20 + (x + y) * 150 / (width + height)
    return np.stack([40 + x * 200 / width, 230 - y * 200 / height, blue], axis=2)


@pytest.mark.parametrize("pattern", ["RGGB", "BGGR", "GRBG", "GBRG"])
def test_a_colour_filter_pattern_is_taken_apart(pattern):
    for (height, width), at_least, factor in (((40, 60), 60, 1), ((41, 61), 61, 1),
                                              ((80, 121), 30, 2), ((91, 130), 20, 2),
                                              ((160, 241), 30, 4)):
        picture = smooth_colours(height, width)
        mosaic = through_filters(picture, pattern)
        for values in (mosaic.round().astype(np.uint8), (mosaic * 257).astype(np.uint16),
                       (mosaic / 255).astype(np.float32)):
            decoded = decode(as_fits(values, BAYERPAT=pattern), at_least=at_least)
            rows, columns = height // factor, width // factor
            expected = picture[:rows * factor, :columns * factor].reshape(
                rows, factor, columns, factor, 3).mean(axis=(1, 3))
            assert decoded.picture.shape == expected.shape
            assert np.abs(decoded.picture - expected)[1:-1, 1:-1].max() < 5
            assert (decoded.width, decoded.height) == (width, height)


def test_offsets_and_row_order_move_the_pattern():
    for height in (40, 41):
        picture = smooth_colours(height, 60)
        mosaic = through_filters(picture, "RGGB").round().astype(np.uint8)
        expected = load_image(as_fits(mosaic, BAYERPAT="RGGB"))
        assert np.abs(expected - picture)[1:-1, 1:-1].max() < 3
        for values, cards in (
                (mosaic, {"BAYERPAT": "GRBG", "XBAYROFF": 1}), (mosaic, {"COLORTYP": "rggb "}),
                (mosaic, {"BAYERPAT": "GBRG", "YBAYROFF": 1}),
                (mosaic[::-1], {"BAYERPAT": "RGGB", "ROWORDER": "BOTTOM-UP"}),
                (mosaic[::-1], {"BAYERPAT": "GBRG", "YBAYROFF": 1, "ROWORDER": "BOTTOM-UP"})):
            assert np.array_equal(load_image(as_fits(values, **cards)), expected), cards


def test_what_names_no_pattern_is_grey_or_has_its_colours():
    picture = draw("mars", 1)
    for name in ("TRUE", "", "RGB", "CMYG", True, 5):
        found = load_image(as_fits(picture[:, :, 0].copy(), BAYERPAT=name))
        assert np.array_equal(found, np.repeat(picture[:, :, :1], 3, axis=2))
    planes = np.ascontiguousarray(np.moveaxis(picture, -1, 0))
    assert np.array_equal(load_image(as_fits(planes, BAYERPAT="RGGB")), picture)
    wrong = as_fits(picture[:, :, 0].copy(), BAYERPAT="RGGB", XBAYROFF="none")
    assert load_image(wrong).shape == picture.shape


def test_linear_data_are_stretched_by_the_declared_rule():
    """Compared with the formula of Lupton et al. as astropy documents it, computed here."""
    random = np.random.default_rng(1)
    sky = random.normal(1000, 20, (80, 100))
    sky[30:40, 50:60] += 4000
    sky[35, 55] = 60000
    values = sky.astype(np.float32)
    black, white = np.percentile(values, 0.5), np.percentile(values, 99.8)
    part = np.clip((values - black) / (white - black), 0, 1)
    expected = 255 * np.arcsinh(part / 0.1) / np.arcsinh(1 / 0.1)
    for data in (as_fits(values), saved(Image.fromarray(values), "TIFF")):
        found = load_image(data)
        assert np.abs(found - expected[:, :, None]).max() <= 0.51
    other = Stretch(black=5.0, white=90.0, softening=0.5)
    assert not np.array_equal(load_image(as_fits(values), stretch=other), found)


def test_the_stretch_takes_the_colour_of_the_sky_away_and_keeps_that_of_the_object():
    random = np.random.default_rng(2)
    frame = random.normal(0, 15, (3, 60, 60)) + np.array([900, 1500, 700])[:, None, None]
    frame[:, 20:40, 20:40] += np.array([6000, 3000, 1500])[:, None, None]
    picture = load_image(as_fits(frame.astype(np.uint16))).astype(float)
    sky, planet = picture[:15].mean(axis=(0, 1)), picture[25:35, 25:35].mean(axis=(0, 1))
    assert np.ptp(sky) < 6 and planet[0] > planet[1] + 20 > planet[2] + 40


@pytest.mark.parametrize("label", CLASSES)
def test_deep_and_fits_versions_of_a_picture_are_the_picture(label):
    picture = draw(label, 3)
    planes = np.moveaxis(picture, -1, 0)
    for data in (as_fits(planes), as_fits(planes.astype(np.uint16) * 257),
                 as_fits(planes.astype(np.int16)), as_fits((planes / 255).astype(np.float32))):
        assert np.abs(load_image(data).astype(int) - picture).max() <= 1
    grey = picture[:, :, 0]
    for data in (saved(Image.fromarray(grey.astype(np.uint16) * 257)), as_fits(grey),
                 saved(Image.fromarray((grey / 255).astype(np.float32)), "TIFF")):
        assert np.abs(load_image(data)[:, :, 0].astype(int) - grey).max() <= 1


def test_fits_rows_planes_extensions_and_blanks():
    grey = draw("mars", 1)[:, :, 0]
    assert np.array_equal(load_image(as_fits(grey))[:, :, 2], grey)
    assert np.array_equal(load_image(as_fits(grey, ROWORDER="BOTTOM-UP"))[::-1, :, 0], grey)
    assert np.array_equal(load_image(as_fits(grey, ROWORDER="TOP-DOWN"))[:, :, 0], grey)
    planes = np.moveaxis(draw("mars", 1), -1, 0)
    for cube in (planes, planes[:, None], planes[None], np.moveaxis(planes, 0, -1)):
        assert np.array_equal(load_image(as_fits(np.ascontiguousarray(cube))), draw("mars", 1))
    assert np.array_equal(load_image(as_fits(np.stack([grey, 255 - grey])))[:, :, 0], grey)

    buffer = io.BytesIO()
    table = fits.BinTableHDU.from_columns([fits.Column("a", "J", array=[1, 2])])
    packed = fits.CompImageHDU(grey.astype(np.int16))
    fits.HDUList([fits.PrimaryHDU(), table, packed, fits.ImageHDU(255 - grey)]).writeto(buffer)
    assert np.array_equal(load_image(buffer.getvalue())[:, :, 0], grey)
    for pack in (gzip.compress, bz2.compress):
        assert np.array_equal(load_image(pack(as_fits(grey)))[:, :, 0], grey)

    values = grey.astype(np.int16)
    values[5, 5] = -32768
    assert load_image(as_fits(values, BLANK=-32768))[5, 5].tolist() == [0, 0, 0]
    halved = as_fits(grey.astype(np.int16) // 2, BSCALE=2.0, BZERO=1.0)
    assert np.abs(load_image(halved)[:, :, 0] - (grey // 2 * 2.0 + 1)).max() <= 1
