"""Raw files of cameras as pictures: linear light by the camera's white balance, upright."""

import struct

import numpy as np
import pytest
from camera_files import WHITE, dng, mosaic
from conftest import draw

from celestial.pictures.loader import decode, load_image
from celestial.pictures.readers.types import ImageError
from celestial.pictures.stretch import Stretch

SCENE = np.uint16(np.kron(draw("saturn", 1), np.ones((4, 4, 1))) / 255 * 12000 + 200)[:160]
NAMES = ("RGGB", "BGGR", "GRBG", "GBRG")


def expected(light: np.ndarray) -> np.ndarray:
    return Stretch().to_8_bits(light.astype(np.float32), linear=True)


def close(found: np.ndarray, wanted: np.ndarray, most: float) -> bool:
    return found.shape == wanted.shape and np.abs(found.astype(float) - wanted).mean() < most


@pytest.mark.parametrize("name", NAMES)
def test_a_dng_is_what_its_sensor_saw(name):
    """The scene has blocks of 4 x 4 pixels, so that half the size needs no interpolation."""
    data = dng(mosaic(SCENE, name), name)
    half = decode(data, at_least=40)
    assert (half.width, half.height, half.note) == (192, 160, "")
    assert close(half.picture, expected(SCENE[::2, ::2]), 2)
    whole = decode(data)
    assert (whole.width, whole.height) == (192, 160)
    assert close(whole.picture, expected(SCENE), 8), "interpolated"


def test_a_dng_of_linear_colours_is_reduced_as_well():
    linear = decode(dng(SCENE), at_least=40)
    assert close(linear.picture, expected(SCENE[::2, ::2]), 2)


@pytest.mark.parametrize("orientation, turn", [(1, 0), (6, 3), (3, 2), (8, 1)])
def test_a_turned_camera_shows_upright(orientation, turn):
    data = dng(mosaic(np.rot90(SCENE, -turn)), orientation=orientation)
    found = decode(data, at_least=40)
    assert (found.width, found.height) == (192, 160)
    assert close(found.picture, expected(SCENE[::2, ::2]), 4)


def test_the_camera_s_white_balance_is_taken():
    seen = np.uint16(SCENE * [0.5, 1, 0.8])  # of a grey light this camera sees so much
    found = load_image(dng(mosaic(seen), balance=(0.5, 1, 0.8)), at_least=40)
    assert close(found, expected(SCENE[::2, ::2]), 2)
    unbalanced = load_image(dng(mosaic(seen)), at_least=40)
    assert not close(unbalanced, expected(SCENE[::2, ::2]), 2)


def test_what_is_much_larger_than_needed_is_averaged_before_it_is_stretched():
    small = SCENE[::4, ::4][:36]
    found = decode(dng(mosaic(np.kron(small, np.ones((12, 12, 1), np.uint16)))), at_least=24)
    assert (found.width, found.height) == (576, 432)
    assert close(found.picture, expected(small), 2)


def test_a_cut_raw_file_is_called_cut_and_one_that_lacks_a_byte_says_so():
    data = dng(mosaic(SCENE))
    for length in (*range(40, 600, 37), 5000, len(data) // 2):
        with pytest.raises(ImageError, match="cut short|not a picture of a known|not support"):
            load_image(data[:length])
    with pytest.raises(ImageError, match="^cut short or damaged: a part of the raw file"):
        load_image(data[:len(data) // 2])
    assert decode(data[:-1]).note == "a part of the raw file is missing"


def test_a_camera_that_is_not_supported_is_named_and_its_file_not_called_damaged():
    data = dng(mosaic(SCENE), camera="R99", compression="lzw")
    with pytest.raises(ImageError, match=r"^a raw file of a camera that is not supported "
                       r"\(Drawn R99\): save it as TIFF or as DNG$"):
        load_image(data)


def test_a_raw_file_of_too_many_pixels_is_refused_before_it_is_unpacked():
    data = bytearray(dng(mosaic(SCENE)))
    for tag in (256, 257, 278):  # width, height, rows of a strip
        place = data.index(struct.pack("<HHI", tag, 4, 1))
        struct.pack_into("<I", data, place + 8, 60_000)
    with pytest.raises(ImageError, match=r"more than .* pixels \(60,000 x 60,000\)"):
        load_image(bytes(data))


def test_white_of_the_sensor_is_white():
    bright = mosaic(np.full((64, 96, 3), WHITE, np.uint16))
    bright[:32] //= 8
    found = load_image(dng(bright), at_least=10)
    assert found[-1, 0].min() >= 254 and found[0, 0].max() <= 1
