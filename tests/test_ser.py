"""SER: every colour and depth, the sharpest frame, times, files that are cut or very large."""

import struct
from pathlib import Path

import numpy as np
import pytest
from camera_files import blurred, mosaic, ser
from conftest import draw

from celestial.common.console import UserError
from celestial.pictures.every_frame import moments_of
from celestial.pictures.loader import decode, load_image
from celestial.pictures.readers.recordings.frames import evenly_spaced
from celestial.pictures.readers.types import ImageError

SCENE = np.kron(draw("mars", 3), np.ones((4, 4, 1), np.uint8))[:160]  # 160 x 192
GREY = SCENE.mean(axis=2).astype(np.uint8)
COLOURS = {8: "RGGB", 9: "GRBG", 10: "GBRG", 11: "BGGR"}
INKS = {16: "CYYM", 17: "YCMY", 18: "YMCY", 19: "MYYC"}
MOVING = np.stack(blurred(GREY, 12, sharp=7))
HEADER = 178


def close(found: np.ndarray, wanted: np.ndarray, most: float = 2.0) -> bool:
    """Compare with the scene, grey for grey."""
    wanted = wanted[..., None] if wanted.ndim == 2 else wanted
    return (found.shape[:2] == wanted.shape[:2]
            and np.abs(found.astype(float) - wanted).mean() < most)


def test_the_sharpest_frame_is_taken_and_its_number_said():
    found = decode(ser(MOVING))
    assert found.note == "frame 8 of 12, the sharpest of 12"
    assert np.array_equal(found.picture[..., 0], GREY)
    assert (found.width, found.height) == (192, 160)


def test_of_many_frames_64_are_looked_at_and_they_are_evenly_spaced():
    tiny = np.random.default_rng(1).integers(90, 110, (1000, 8, 8), dtype=np.uint8)
    spaced = evenly_spaced(1000, 64)
    assert len(spaced) == 64 and (spaced[0], spaced[-1]) == (0, 999)
    assert set(np.diff(spaced)) <= {15, 16}
    tiny[spaced[40]] = np.random.default_rng(2).integers(0, 255, (8, 8))
    tiny[spaced[40] + 1] = 255 * (np.indices((8, 8)).sum(axis=0) % 2)  # sharper, but between two
    assert decode(ser(tiny)).note == f"frame {spaced[40] + 1} of 1000, the sharpest of 64"


@pytest.mark.parametrize("colours", COLOURS)
@pytest.mark.parametrize("depth", [8, 16])
def test_colour_filters_are_taken_apart(colours, depth):
    seen = np.uint16(mosaic(SCENE, COLOURS[colours]))[None] * (257 if depth == 16 else 1)
    assert close(load_image(ser(seen, colours, depth), at_least=48), SCENE[::2, ::2])
    assert close(load_image(ser(seen, colours, depth)), SCENE, 8), "interpolated"


@pytest.mark.parametrize("colours", INKS)
def test_filters_of_cyan_magenta_and_yellow_become_red_green_and_blue(colours):
    red, green, blue = np.moveaxis(SCENE.astype(float), 2, 0)
    inks = {"C": (green + blue) / 2, "M": (red + blue) / 2, "Y": (red + green) / 2}
    seen = np.empty(GREY.shape)
    for number, letter in enumerate(INKS[colours]):
        part = slice(number // 2, None, 2), slice(number % 2, None, 2)
        seen[part] = inks[letter][part]
    found = load_image(ser(np.rint(seen)[None], colours), at_least=48)
    assert close(found, SCENE[::2, ::2])


@pytest.mark.parametrize("colours, order", [(100, slice(None)), (101, slice(None, None, -1))])
@pytest.mark.parametrize("depth", [8, 12, 16])
def test_rgb_and_bgr(colours, order, depth):
    stored = np.uint16(SCENE[None, ..., order]) << (depth - 8)
    assert close(load_image(ser(stored, colours, depth)), SCENE)


@pytest.mark.parametrize("depth", [9, 10, 12, 14, 16])
@pytest.mark.parametrize("flag", [0, 1])
@pytest.mark.parametrize("order", "<>")
def test_the_order_of_bytes_is_seen_in_the_pixels_whatever_the_flag_says(depth, flag, order):
    deep = np.uint16(MOVING) << (depth - 8)
    found = decode(ser(deep, depth=depth, flag=flag, order=order))
    assert close(found.picture, GREY) and found.note.startswith("frame 8 of 12,")


@pytest.mark.parametrize("flag, order", [(0, "<"), (1, ">")])
def test_where_the_pixels_do_not_tell_the_flag_is_taken_as_most_programs_do(flag, order):
    noise = np.random.default_rng(3).integers(0, 65536, (1, 60, 60), dtype=np.uint16)
    found = load_image(ser(noise, depth=16, flag=flag, order=order))
    assert np.abs(found[..., 0] - noise[0] / 257).max() <= 1


def test_faint_deep_frames_are_stretched_and_bright_ones_are_not():
    faint = load_image(ser(np.uint16(MOVING) * 8, depth=16))
    bright = load_image(ser(np.uint16(MOVING) * 257, depth=16))
    assert np.abs(bright[..., 0].astype(int) - GREY).max() <= 1
    assert faint.max() == 255 and np.median(faint[GREY > 100]) > 1.3 * np.median(GREY[GREY > 100])


def test_a_cut_file_gives_its_whole_frames_and_says_how_many_are_missing():
    data = ser(MOVING, seconds=range(12))
    frame = GREY.size
    for whole in (1, 5, 11):
        for length in (HEADER + whole * frame, HEADER + (whole + 1) * frame - 1):
            found = decode(data[:length])
            number = 8 if whole > 7 else 1
            assert found.note.startswith(f"frame {number} of {whole}, the sharpest of {whole}; ")
            assert found.note.endswith(f"the last {12 - whole} of its 12 frames are missing")
    assert decode(data[:-1]).note == "frame 8 of 12, the sharpest of 12", "times alone are cut"
    for length in (14, 100, HEADER, HEADER + frame - 1):
        with pytest.raises(ImageError, match="^cut short: a SER video without a whole"):
            load_image(data[:length])


def test_a_capture_that_never_wrote_how_many_frames_it_has():
    assert decode(ser(MOVING, told=0)).note == "frame 8 of 12, the sharpest of 12"


@pytest.mark.parametrize("numbers, words", [
    ({18: 7}, "unknown colours"), ({26: 0}, "makes no sense"), ({30: -5}, "makes no sense"),
    ({34: 17}, "makes no sense"), ({34: 0}, "makes no sense"),
    ({26: 1 << 30, 30: 1 << 30}, "more than .* pixels"),
    ({26: 13_000, 30: 13_000}, "without a whole frame")])
def test_a_header_that_makes_no_sense(numbers, words):
    data = bytearray(ser(MOVING))
    for place, number in numbers.items():
        struct.pack_into("<i", data, place, number)
    with pytest.raises(ImageError, match=words):
        load_image(bytes(data))


def test_a_file_of_more_than_two_gigabytes(tmp_path):
    height, width, count = 1000, 1200, 2000
    head = bytearray(ser(np.zeros((1, 1, 1), np.uint8))[:HEADER])
    struct.pack_into("<5i", head, 22, 0, width, height, 8, count)
    path = tmp_path / "large.ser"
    with path.open("wb") as file:
        file.write(head)
        file.truncate(HEADER + count * height * width)  # sparse: it takes no place on the disk
        file.seek(HEADER + (count - 1) * height * width)
        file.write(np.kron(GREY, np.ones((7, 7), np.uint8))[:height, :width].tobytes())
    assert path.stat().st_size > 1 << 31
    assert decode(path, at_least=100).note == "frame 2000 of 2000, the sharpest of 64"


def paths_of(tmp_path: Path, data: bytes, every: float) -> list[str]:
    path = tmp_path / "a.ser"
    path.write_bytes(data)
    return [found.name for found in moments_of(path, every)]


def test_the_frames_at_every_so_many_seconds(tmp_path):
    data = ser(MOVING, seconds=[0.5 * number for number in range(12)])
    assert paths_of(tmp_path, data, 2) == ["a.ser#t=0.0", "a.ser#t=2.0", "a.ser#t=4.0"]
    assert paths_of(tmp_path, data, 5.5)[-1] == "a.ser#t=5.5"
    each = paths_of(tmp_path, data, 0.1)
    assert len(each) == 12, "each frame once"
    assert decode(tmp_path / "a.ser#t=4.1").note == "frame 9 of 12, at 4.1 s"
    found = decode(tmp_path / "a.ser#t=3.5")
    assert np.array_equal(found.picture[..., 0], GREY) and found.note == "frame 8 of 12, at 3.5 s"
    with pytest.raises(ImageError, match="^it ends before 5.6 s$"):
        decode(tmp_path / "a.ser#t=5.6")


def test_a_few_milliseconds_of_a_long_recording_are_refused(tmp_path):
    data = ser(MOVING, seconds=[0, *range(989, 1000)])
    with pytest.raises(UserError, match="a.ser: longer than 100,000 times 0.002 s; choose"):
        paths_of(tmp_path, data, 0.002)


@pytest.mark.parametrize("data", [ser(MOVING), ser(MOVING, seconds=[-6.38e10] * 12),
                                  ser(MOVING, seconds=range(12))[:-9], ser(MOVING, told=0)],
                         ids=["none", "zeros", "cut", "unfinished"])
def test_a_file_without_times_says_so(tmp_path, data):
    assert paths_of(tmp_path, data, 1) == ["a.ser#t=0.0"]
    with pytest.raises(ImageError, match="^its frames have no times, which --every needs$"):
        decode(tmp_path / "a.ser#t=0.0")


def test_a_file_of_such_a_name_is_itself(tmp_path):
    (tmp_path / "a.ser").write_bytes(ser(MOVING, seconds=range(12)))
    (tmp_path / "a.ser#t=3.0").write_bytes(ser(MOVING[:2]))
    assert decode(tmp_path / "a.ser#t=3.0").note == "frame 1 of 2, the sharpest of 2"
    (tmp_path / "a.png").write_bytes(b"no recording")
    with pytest.raises(ImageError, match="not a recording"):
        decode(tmp_path / "a.png#t=3.0")
