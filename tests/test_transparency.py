"""Pictures of which every pixel is called transparent: some mean it, and some only say so."""

import io
import struct

import numpy as np
import pillow_heif
import pytest
import pyvips
from conftest import draw
from corpus import saved
from PIL import Image

from celestial.pictures import loader
from celestial.pictures.loader import load_image
from celestial.pictures.readers.types import ImageError

PICTURE = draw("mars", 1)[:40]
HEIGHT, WIDTH = PICTURE.shape[:2]
CLEAR = np.dstack([PICTURE, np.zeros((HEIGHT, WIDTH), np.uint8)])
BGRA = CLEAR[:, :, [2, 1, 0, 3]]


def bmp(values: np.ndarray, header: int) -> bytes:
    """Return a BMP of 32 bits with a header of V3 to V5, which names a mask for alpha."""
    start = 14 + header
    info = struct.pack("<IiiHHIIiiII", header, WIDTH, -HEIGHT, 1, 32, 3, values.nbytes, 0, 0, 0, 0)
    masks = struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    return (b"BM" + struct.pack("<IHHI", start + values.nbytes, 0, 0, start)
            + (info + masks).ljust(header, b"\0") + values.tobytes())


def tga(values: np.ndarray, bits_of_alpha: int = 8, bits: int = 32) -> bytes:
    head = struct.pack("<BBBHHBHHHHBB", 0, 0, 2, 0, 0, 0, 0, 0, WIDTH, HEIGHT, bits,
                       0x20 | bits_of_alpha)
    return head + values.tobytes()


def of_16_bits(picture: np.ndarray) -> np.ndarray:
    red, green, blue = np.moveaxis(picture.astype(np.uint16) >> 3, -1, 0)
    return (red << 10 | green << 5 | blue).astype("<u2")


@pytest.mark.parametrize("data", [
    bmp(BGRA, 56), bmp(BGRA, 108), bmp(BGRA, 124), tga(BGRA), tga(BGRA, bits_of_alpha=0),
    saved(CLEAR, "TGA", compression="tga_rle")],
    ids=["BMP V3", "BMP V4", "BMP V5", "TGA", "TGA without alpha", "TGA packed"])
def test_what_declares_no_real_alpha_shows_its_colours(data):
    assert np.array_equal(load_image(data), PICTURE)


def test_a_targa_of_16_bits_shows_its_colours():
    found = load_image(tga(of_16_bits(PICTURE), bits_of_alpha=0, bits=16))
    assert np.abs(found.astype(int) - PICTURE).max() <= 8


@pytest.mark.parametrize("write", [lambda values: bmp(values[:, :, [2, 1, 0, 3]], 124),
                                   lambda values: tga(values[:, :, [2, 1, 0, 3]]),
                                   lambda values: saved(values, "PNG")], ids=["BMP", "TGA", "PNG"])
def test_one_pixel_that_is_seen_makes_the_others_transparent(write):
    values = CLEAR.copy()
    values[5, 7, 3] = 255
    expected = np.zeros_like(PICTURE)
    expected[5, 7] = PICTURE[5, 7]
    assert np.array_equal(load_image(write(values)), expected)


def transparent_palette() -> bytes:
    one = Image.new("RGB", (8, 8), (9, 8, 7)).quantize(2)
    buffer = io.BytesIO()
    one.save(buffer, "PNG", transparency=one.getpixel((0, 0)))
    return buffer.getvalue()


def heif() -> bytes:
    buffer = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(CLEAR)).save(buffer, quality=-1)
    return buffer.getvalue()


@pytest.mark.parametrize("data", [
    saved(CLEAR, "PNG"), saved(CLEAR[:, :, 2:], "PNG"), transparent_palette(),
    saved(CLEAR, "WEBP", exact=True, lossless=True), saved(CLEAR, "AVIF", speed=9),
    saved(CLEAR, "JPEG2000"), saved(CLEAR, "GIF"), saved(CLEAR, "TIFF"), heif(),
    pyvips.Image.new_from_array(CLEAR.astype(np.uint16) * 257).copy(
        interpretation="rgb16").pngsave_buffer()],
    ids=["PNG", "PNG grey", "PNG palette", "WebP", "AVIF", "JPEG 2000", "GIF", "TIFF", "HEIF",
         "PNG 16 bits"])
def test_a_picture_of_which_nothing_is_visible_is_no_picture(data):
    with pytest.raises(ImageError, match="^nothing of it is visible: every pixel is transparent$"):
        load_image(data)


def test_a_large_png_of_which_nothing_is_visible_is_no_picture(monkeypatch):
    monkeypatch.setattr(loader, "LARGE", 100)
    with pytest.raises(ImageError, match="^nothing of it is visible"):
        load_image(saved(CLEAR, "PNG"))


def icon(*pictures: bytes) -> bytes:
    """Return an icon; the sizes that its table claims are wrong, as in many."""
    start, table = 6 + 16 * len(pictures), b""
    for picture in pictures:
        table += struct.pack("<4BHHII", 16, 16, 0, 0, 1, 0, len(picture), start)
        start += len(picture)
    return struct.pack("<3H", 0, 1, len(pictures)) + table + b"".join(pictures)


def in_icon(values: np.ndarray, mask: np.ndarray | None = None) -> bytes:
    """Return the picture of an icon: BGR or BGRA from below, and a mask of what is not seen."""
    height, width, channels = values.shape
    hidden = np.zeros((height, width), bool) if mask is None else mask
    rows = [row.tobytes().ljust(-(-width * channels // 4) * 4, b"\0") for row in values[::-1]]
    bits = [np.packbits(row).tobytes().ljust(-(-width // 32) * 4, b"\0") for row in hidden[::-1]]
    return struct.pack("<IiiHHIIiiII", 40, width, 2 * height, 1, 8 * channels, 0, 0, 0, 0, 0,
                       0) + b"".join(rows + bits)


def test_of_an_icon_the_largest_picture_is_taken():
    small, large = PICTURE[:16, :16, ::-1], BGRA.copy()
    large[:, :, 3] = 255
    other = np.full((HEIGHT, WIDTH, 3), 7, np.uint8)  # of the same size, of fewer colours
    for pictures in ([small, large], [large, small], [other, large, small]):
        assert np.array_equal(load_image(icon(*map(in_icon, pictures))), PICTURE)
    wide = np.tile(PICTURE, (8, 8, 1))  # more than 256 pixels, which only a PNG can have
    assert np.array_equal(load_image(icon(in_icon(large), saved(wide, "PNG"))), wide)


def test_what_an_icon_hides_is_black():
    hidden = np.zeros((HEIGHT, WIDTH), bool)
    hidden[:, :9] = True
    expected = np.where(hidden[:, :, None], 0, PICTURE)
    assert np.array_equal(load_image(icon(in_icon(PICTURE[:, :, ::-1], hidden))), expected)
    assert np.array_equal(load_image(icon(in_icon(BGRA, hidden))), expected), "alpha is 0 there"
    half = BGRA.copy()
    half[~hidden, 3] = 255
    assert np.array_equal(load_image(icon(in_icon(half))), expected)


@pytest.mark.parametrize("data, reason", [
    (icon(in_icon(BGRA, np.ones((HEIGHT, WIDTH), bool))), "nothing of it is visible"),
    (icon(saved(CLEAR, "PNG")), "nothing of it is visible"),
    (icon(in_icon(BGRA))[:900], "an icon larger than its file"), (icon(b"x"), "without a picture"),
    (icon(saved(PICTURE, "PNG")[:600]), "cut short")])
def test_an_icon_without_a_picture_has_a_reason(data, reason):
    with pytest.raises(ImageError, match=reason):
        load_image(data)
