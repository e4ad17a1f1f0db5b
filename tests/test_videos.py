"""AVI, MP4 and MOV: the sharpest frame, upright, of any size, by content; broken ones."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from camera_files import blurred, video
from conftest import draw

from celestial.pictures import decoder_pool
from celestial.pictures.decoder_pool import decode_all
from celestial.pictures.every_frame import moments_of
from celestial.pictures.loader import decode, load_image
from celestial.pictures.readers.recordings.video import MOST_DECODED, Video, _Stream
from celestial.pictures.readers.types import ImageError, Request
from celestial.pictures.stretch import USUAL

SCENE = np.kron(draw("saturn", 3), np.ones((4, 4, 1), np.uint8))[:160]  # 160 x 192
KINDS = [("avi", "MJPG"), ("mp4", "mp4v"), ("mov", "mp4v")]
FILES = {ending: video(blurred(SCENE, 30, sharp=21), ending, code) for ending, code in KINDS}
LOSSY = 6.0  # mean difference in levels


@pytest.mark.parametrize("ending", FILES)
def test_the_sharpest_frame_is_taken_from_a_file_and_from_bytes(ending, tmp_path):
    path = tmp_path / "no ending \udcff\n#t=x"
    path.write_bytes(FILES[ending])
    for source in (path, FILES[ending]):
        found = decode(source)
        number = int(found.note.split()[1])
        assert found.note == f"frame {number} of 30, the sharpest of 30" and number >= 22
        assert (found.width, found.height) == (192, 160)
        assert np.abs(found.picture.astype(int) - SCENE).mean() < LOSSY
    assert decode(path, at_least=48).picture.shape == (80, 96, 3)


@pytest.mark.parametrize("ending", FILES)
def test_a_frame_by_its_time(ending, tmp_path):
    path = tmp_path / f"a.{ending}"
    path.write_bytes(video([np.full((64, 64, 3), 6 * number, np.uint8) for number in range(30)],
                           ending, dict(KINDS)[ending]))
    assert [found.name.partition("#")[2] for found in moments_of(path, 1)] == [
        "t=0.0", "t=1.0", "t=2.0"]
    for seconds, number in ((0, 0), (1.0, 10), (2.9, 29)):
        found = decode(path.with_name(f"{path.name}#t={seconds}"))
        assert found.note == f"frame {number + 1} of 30, at {seconds:g} s"
        assert abs(found.picture.mean() - 6 * number) < 3
    with pytest.raises(ImageError, match="^it ends before 3 s$"):
        decode(path.with_name(f"{path.name}#t=3.0"))


def test_of_many_frames_64_are_looked_at_in_their_order():
    frames = [np.full((16, 16, 3), 2 * (number // 4), np.uint8) for number in range(400)]
    frames[200:207] = [np.uint8(255 * (np.indices((16, 16, 3)).sum(axis=0) % 2))] * 7
    note = decode(video(frames, "avi", "MJPG")).note
    assert note.endswith(" of 400, the sharpest of 64") and 200 < int(note.split()[1]) < 208


def test_of_large_frames_fewer_are_looked_at():
    """What is decoded has a bound: a frame costs those since the last whole one."""
    frames = [np.zeros((16, 16, 3), np.uint8)] * 3
    opened = Video(io.BytesIO(video(frames, "avi", "MJPG")), Request(9999, None, USUAL))
    for size, count, most in (((320, 240), 13_000, 13_000), ((320, 240), 14_000, 406),
                              ((1920, 1080), 400, 400), ((1920, 1080), 40_000, 15),
                              ((3840, 2160), 40_000, 3), ((12_000, 12_000), 40_000, 1)):
        opened._size, opened.count = size, count
        assert opened.most_frames() == most
        decoded = min(count, 32 * most) * size[0] * size[1]
        assert decoded <= max(MOST_DECODED, 32 * size[0] * size[1])


@pytest.mark.parametrize("turn, matrix", [
    (0, (1, 0, 0, 1)), (3, (0, 1, -1, 0)), (2, (-1, 0, 0, -1)), (1, (0, -1, 1, 0))])
def test_a_turned_phone_shows_upright(turn, matrix):
    """The matrix of the track's header (ISO/IEC 14496-12, 8.3.2) says how it is shown."""
    data = bytearray(FILES["mp4"])
    place = data.index(b"tkhd") + 44
    a, b, c, d = matrix
    struct.pack_into(">9i", data, place, a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
    found = decode(bytes(data))
    wanted = np.rot90(SCENE, turn)
    assert (found.height, found.width) == wanted.shape[:2]
    assert np.abs(found.picture.astype(int) - wanted).mean() < LOSSY


@pytest.mark.parametrize("data", [
    b"\0\0\0\x18ftypisom\0\0\2\0isommp41" + bytes(200), b"\0\0\0\x18ftypXAVC\0\0\2\0mp42iso2",
    b"RIFF\xff\0\0\0AVI LIST" + bytes(300), b"\0\0\0\x10moov" + bytes(90),
    b"\0\0\0\x08wide\0\0\0\x10mdat" + bytes(90), FILES["mp4"][:900], FILES["avi"][:5000]])
def test_a_video_without_a_readable_frame_says_so(data):
    with pytest.raises(ImageError, match="^a video without a readable frame$"):
        load_image(data)


def test_a_cut_video_says_what_is_missing():
    data = FILES["avi"]
    found = decode(data[:len(data) // 2])
    assert "others cannot be read" in found.note and found.picture.shape == SCENE.shape


def test_no_damage_makes_the_reader_seek_where_nothing_is():
    """OpenCV crashes where the stream raises an error."""
    stream = _Stream(io.BytesIO(b"abcdef"))
    assert [stream.seek(-9, 0), stream.seek(1 << 80, 0)] == [-1, -1]
    assert stream.seek(4, 0) == 4 and stream.read(9) == b"ef"
    stream._file.close()
    assert stream.seek(0, 0) == -1 and stream.read(9) == b""


@pytest.mark.slow
@pytest.mark.parametrize("ending", FILES)
def test_broken_videos_crash_no_decoder(ending, tmp_path):
    random = np.random.default_rng(2)
    data = FILES[ending][:60_000]
    paths = []
    for number in range(400):
        broken = bytearray(data[:random.integers(9, len(data))] if number % 3 == 0 else data)
        head = min(len(broken), 700 if number % 2 else len(broken))
        for place in random.integers(0, head, random.integers(1, 8)):
            broken[place] = random.integers(256)
        paths.append(tmp_path / f"{number}.{ending}")
        paths[-1].write_bytes(broken)
    for _, found in decode_all(load_image, paths, 2):
        if isinstance(found, ImageError):
            words = str(found)
            assert words and "\n" not in words and len(words) < 200 and "crashes" not in words
        else:
            assert found.dtype == np.uint8 and found.shape[2] == 3


@pytest.mark.slow
def test_a_video_is_decoded_in_a_worker_with_little_memory():
    frames = [np.roll(np.kron(SCENE, np.ones((6, 6, 1), np.uint8)), 9 * step, axis=1)
              for step in range(40)]
    found = decoder_pool.outcome(
        decoder_pool.start_decoding(1, decode, video(frames, "mp4", "mp4v")))
    assert not isinstance(found, ImageError) and found.picture.shape == (960, 1152, 3)
    memory = decoder_pool.outcome(decoder_pool.start_decoding(1, peak, Path("a")))
    assert memory < 600_000, "kB"


def peak(path: Path) -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
