"""The one loader: what other tools get wrong."""

import io
import os
import struct

import numpy as np
import pytest
from conftest import draw
from corpus import saved
from fits_file import as_fits
from PIL import Image

from celestial.pictures.loader import decode, load_image
from celestial.pictures.preprocessing import Preprocessing
from celestial.pictures.readers.types import ImageError
from celestial.pictures.stretch import Stretch


def test_16_bit_pictures_are_scaled_not_clipped_to_white():
    ramp = np.linspace(0, 65535, 256 * 4).astype(np.uint16).reshape(32, 32)
    pgm = b"P5 32 32 65535\n" + ramp.astype(">u2").tobytes()
    big_endian = io.BytesIO()
    Image.frombytes("I;16B", (32, 32), ramp.astype(">u2").tobytes()).save(big_endian, "TIFF")
    for data in (saved(Image.fromarray(ramp), "PNG"), saved(Image.fromarray(ramp), "TIFF"), pgm,
                 big_endian.getvalue()):
        picture = load_image(data)
        assert np.abs(picture[:, :, 0] - ramp / 257).max() <= 0.5
        assert (picture == 255).mean() < 0.01


def test_dark_16_bit_pictures_stay_dark():
    dark = np.full((8, 8), 200, dtype=np.uint16)
    for data in (saved(Image.fromarray(dark)), b"P5 8 8 65535\n" + dark.astype(">u2").tobytes()):
        assert load_image(data).max() == 1


def test_32_bit_and_float_pictures_keep_their_range():
    steps = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)
    for values in (steps, steps * 255, steps * 65535, (steps * 40000).astype(np.int32)):
        picture = load_image(saved(Image.fromarray(values), "TIFF"))[:, :, 0]
        assert picture.min() == 0 and picture.max() >= 150
        assert len(np.unique(picture)) >= 35


def test_not_a_number_is_black():
    values = np.full((4, 4), 0.5, dtype=np.float32)
    values[0, 0] = np.nan
    assert load_image(saved(Image.fromarray(values), "TIFF"))[0, 0].tolist() == [0, 0, 0]


def test_transparent_parts_are_black_whatever_colour_hides_there():
    red = Image.new("RGBA", (6, 6), (255, 0, 0, 0))
    red.putpixel((1, 2), (0, 255, 0, 255))
    picture = load_image(saved(red))
    assert picture[2, 1].tolist() == [0, 255, 0] and picture.sum() == 255


def test_exif_orientation_is_applied():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = saved(Image.new("RGB", (20, 10)), "JPEG", exif=exif)
    assert load_image(data).shape == (20, 10, 3)


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGB", "RGBA"])
def test_every_mode_becomes_rgb(mode):
    picture = load_image(saved(Image.fromarray(draw("mars", 1)).convert(mode)))
    assert picture.shape == (48, 48, 3) and picture.dtype == np.uint8


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF", "JPEG2000",
                                  "PPM"])
def test_every_format_whatever_its_name(form, tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(saved(Image.fromarray(draw("mars", 1)), form))
    assert load_image(path).shape == (48, 48, 3)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_a_cut_file_is_an_error_never_half_a_picture(form):
    data = saved(Image.fromarray(draw("mars", 1, side=200)), form)
    for kept in (10, len(data) // 2, *([len(data) - 40] if form in ("TIFF", "WEBP") else [])):
        with pytest.raises(ImageError):
            load_image(data[:kept])


@pytest.mark.parametrize("data, reason", [
    (b"", "empty"), (b"hello", "not a picture"), (b"%!PS-Adobe-3.0 EPSF-3.0\n", "not a picture")])
def test_what_is_no_picture_has_a_reason(data, reason):
    with pytest.raises(ImageError, match=reason):
        load_image(data)


def test_a_decompression_bomb_is_refused():
    with pytest.raises(ImageError, match="unpack"):
        load_image(saved(Image.new("1", (10000, 10000))))
    with pytest.raises(ImageError, match="pixels"):
        load_image(saved(Image.new("1", (14000, 14000))))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such pipes")
def test_a_folder_and_a_pipe_are_no_pictures(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", tmp_path / "missing"):
        with pytest.raises(ImageError):
            load_image(path)


def test_reduced_decoding_of_a_large_jpeg_stays_within_one_grey_level():
    large = Image.fromarray(draw("saturn", 1, side=300)).resize((2400, 1800))
    data = saved(large, "JPEG", quality=90)
    preprocessing = Preprocessing(128)
    full, reduced = load_image(data), load_image(data, at_least=340)
    assert reduced.shape[0] < full.shape[0] and max(reduced.shape) >= 2 * 340
    difference = preprocessing.square(full) - preprocessing.square(reduced).astype(float)
    assert np.abs(difference).mean() < 1


def test_padding_keeps_the_shape_and_cuts_nothing():
    wide = np.full((20, 80, 3), 200, dtype=np.uint8)
    square = Preprocessing(64).square(wide)
    assert square.shape == (3, 64, 64)
    lit = square[0] > 100
    assert lit.any(axis=1).sum() == 16 and lit.any(axis=0).sum() == 64
    assert not lit[:24].any() and not lit[40:].any()


def test_a_dark_picture_is_brightened_and_a_bright_one_is_not():
    random = np.random.default_rng(0)
    bright = random.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    preprocessing = Preprocessing(64)
    assert np.array_equal(preprocessing.square(bright).transpose(1, 2, 0), bright)

    dark = np.uint8(bright * 0.4)  # its brightest 0.5 % lie near 102
    gain = 255 / np.percentile(dark.max(axis=2), 99.5)
    expected = np.clip(np.rint(dark * gain), 0, 255)
    found = preprocessing.square(dark).transpose(1, 2, 0)
    assert 2 < gain < 4 and np.abs(found - expected).max() <= 1

    black = np.uint8(bright * 0.04)
    assert np.array_equal(preprocessing.square(black).transpose(1, 2, 0), black * 4), "by 4 at most"
    assert not preprocessing.square(np.zeros_like(bright)).any()
    as_before = Preprocessing.from_dict({"size": 64, "fit": "pad", "mean": (0, 0, 0),
                                         "std": (1, 1, 1)})
    assert np.array_equal(as_before.square(dark).transpose(1, 2, 0), dark), "older checkpoints"
    assert Preprocessing.from_dict(preprocessing.to_dict()) == preprocessing


def test_a_preview_before_the_picture_is_not_taken_for_it():
    buffer = io.BytesIO()
    picture = Image.fromarray(draw("saturn", 1))
    picture.resize((12, 12)).save(buffer, "TIFF", save_all=True, append_images=[
        picture, Image.new("RGB", picture.size)])
    assert np.array_equal(load_image(buffer.getvalue()), draw("saturn", 1))


def test_an_embedded_profile_is_applied():
    """A profile with red and green exchanged: what it calls red is green on the screen."""
    red, green, blue = (0.4360, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141)
    exchanged = profile(green, red, blue)
    picture = draw("mars", 2) // 2 + 90  # in the shadows the two curves differ
    for form in ("PNG", "TIFF", "JPEG", "WEBP"):
        options = {"WEBP": {"lossless": True}, "JPEG": {"quality": 100, "subsampling": 0}}
        data = saved(Image.fromarray(picture), form, icc_profile=exchanged, **options.get(form, {}))
        plain = saved(Image.fromarray(picture), form, icc_profile=profile(red, green, blue),
                      **options.get(form, {}))
        assert np.abs(load_image(data).astype(int) - picture[:, :, [1, 0, 2]]).mean() < 4
        assert np.abs(load_image(plain).astype(int) - picture).mean() < 4
    long = saved(Image.fromarray(picture), icc_profile=exchanged + bytes(3 << 20))
    assert np.abs(load_image(long).astype(int) - picture[:, :, [1, 0, 2]]).mean() < 4
    broken = saved(Image.fromarray(picture), icc_profile=exchanged[:100])
    assert np.array_equal(load_image(broken), picture), "a damaged profile costs no picture"


def profile(*primaries: tuple[float, float, float]) -> bytes:
    """Return a matrix ICC profile with sRGB's curve, nearly (gamma 2.2)."""
    def number(value: float) -> bytes:
        return struct.pack(">i", round(value * 65536))

    tags = {b"wtpt": b"XYZ \0\0\0\0" + number(0.9642) + number(1) + number(0.8249)}
    for name, values in zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries, strict=True):
        tags[name] = b"XYZ \0\0\0\0" + b"".join(map(number, values))
    for name in (b"rTRC", b"gTRC", b"bTRC"):
        tags[name] = b"curv\0\0\0\0" + struct.pack(">IHxx", 1, round(2.2 * 256))
    tags[b"desc"] = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + bytes(4 + 4 + 2 + 1 + 67)
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += name + struct.pack(">II", 128 + 4 + 12 * len(tags) + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = struct.pack(">I4sI4s4s4s12x4s", 128 + len(table + body), b"test", 0x02100000, b"mntr",
                       b"RGB ", b"XYZ ", b"acsp")
    head = head.ljust(68, b"\0") + number(0.9642) + number(1) + number(0.8249)
    return head.ljust(128, b"\0") + table + body


@pytest.mark.slow
def test_a_large_picture_is_reduced_alike_in_every_format():
    large = np.asarray(Image.fromarray(draw("saturn", 1, side=300)).resize((2400, 1800)))
    preprocessing = Preprocessing(128)
    full = preprocessing.square(large).astype(float)
    for data in (saved(Image.fromarray(large), "PNG", compress_level=1), as_fits(
            np.moveaxis(large, -1, 0)), saved(Image.fromarray(large), "TIFF"),
            saved(Image.fromarray(large), "JPEG2000", irreversible=False)):
        decoded = decode(data, at_least=340)
        assert (decoded.width, decoded.height) == (2400, 1800)
        assert 680 <= max(decoded.picture.shape) < 1400
        assert np.abs(preprocessing.square(decoded.picture) - full).mean() < 1


def test_a_phone_held_to_an_eyepiece():
    pillow_heif = pytest.importorskip("pillow_heif")
    picture = draw("saturn", 1, side=64)[:48]
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(picture)).save(buffer, quality=-1, exif=exif.tobytes())
    decoded = decode(buffer.getvalue())
    assert decoded.picture.shape == (64, 48, 3) and (decoded.width, decoded.height) == (48, 64)
    assert np.abs(decoded.picture.astype(int) - np.rot90(picture, -1)).mean() < 4


def test_the_checkpoint_remembers_the_rule():
    preprocessing = Preprocessing(64, stretch=Stretch(1.0, 99.0, 0.02))
    assert Preprocessing.from_dict(preprocessing.to_dict()) == preprocessing
    frame = np.random.default_rng(0).normal(1000, 30, (64, 64)).astype(np.float32)
    assert not np.array_equal(load_image(as_fits(frame)),
                              load_image(as_fits(frame), stretch=preprocessing.stretch))


@pytest.mark.parametrize("levels", [1, 2, 6])
def test_jpeg_2000_that_can_be_halved_seldom_or_never_is_read_all_the_same(levels):
    large = Image.fromarray(draw("saturn", 1, side=300)).resize((1500, 1500))
    decoded = decode(saved(large, "JPEG2000", num_resolutions=levels), at_least=100)
    assert (decoded.width, decoded.height) == (1500, 1500)
    assert 200 <= decoded.picture.shape[0] < 750
