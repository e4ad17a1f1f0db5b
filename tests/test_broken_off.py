"""JPEG and PNG that break off: judged by the rows that came, where these are nine tenths."""

import io
import re
import struct
import zlib

import numpy as np
import pytest
from conftest import draw
from PIL import Image

from celestial.pictures import loader
from celestial.pictures.loader import decode
from celestial.pictures.readers import jpeg as jpeg_module
from celestial.pictures.readers.types import ImageError

SIDE = 200
PICTURE = np.asarray(Image.fromarray(draw("saturn", 1, side=SIDE)))
DARK_BELOW = np.concatenate([PICTURE[:120], np.zeros_like(PICTURE[120:])])
PACKED = zlib.compress(b"".join(b"\0" + row.tobytes() for row in PICTURE))
JPEG = {"coarse": {"quality": 80}, "fine": {"quality": 95, "subsampling": 0},
        "progressive": {"quality": 85, "progressive": True},
        "restarts": {"quality": 85, "restart_marker_rows": 2}}


def jpeg(picture: np.ndarray = PICTURE, **options) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def chunk(kind: bytes, content: bytes, checksum: int | None = None) -> bytes:
    right = zlib.crc32(kind + content)
    return (struct.pack(">I", len(content)) + kind + content
            + struct.pack(">I", right if checksum is None else checksum))


def png(beside: bytes = b"", kept: int | None = None) -> bytes:
    """Return a PNG of `PICTURE` with other chunks, of whose packed bytes the first are kept."""
    data = b"".join(chunk(b"IDAT", PACKED[place:place + 500])
                    for place in range(0, len(PACKED), 500))
    head = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    file = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + beside + data + chunk(b"IEND", b"")
    return file if kept is None else file[:len(file) - len(data) - 12 + kept]


def adam7(picture: np.ndarray, rows_of_the_last_pass: int) -> bytes:
    """Return an interlaced PNG that ends within its last pass (W3C, PNG, 8.1)."""
    starts = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2)]
    passes = [picture[y::down, x::right] for x, y, right, down in starts]
    passes.append(picture[1::2][:rows_of_the_last_pass])
    packed = zlib.compress(b"".join(b"\0" + row.tobytes() for each in passes for row in each
                                    if row.size))
    head = struct.pack(">IIBBBBB", picture.shape[1], len(picture), 8, 2, 0, 0, 1)
    whole = chunk(b"IDAT", packed)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + whole[:-8]  # within the checksum of zlib


def missing(note: str) -> int:
    return int(re.fullmatch(r"the last (\d+) % of its rows are missing", note)[1])


@pytest.mark.parametrize("many", [jpeg_module.MANY, 100], ids=["whole", "halved"])
@pytest.mark.parametrize("picture", [PICTURE, DARK_BELOW], ids=["drawn", "dark below"])
@pytest.mark.parametrize("kind", JPEG)
def test_of_a_jpeg_the_rows_that_came_are_those_of_the_whole_one(kind, picture, many, monkeypatch):
    monkeypatch.setattr(jpeg_module, "MANY", many)
    data = jpeg(picture, **JPEG[kind])
    whole = np.asarray(Image.open(io.BytesIO(data)))
    judged = 0
    for length in range(len(data) - 3, len(data) * 3 // 4, -len(data) // 60):
        try:
            found = decode(data[:length])
        except ImageError as error:
            assert re.match("cut short: (only [0-8].? % of its rows came|passes)", str(error))
            continue
        judged += 1
        assert (found.width, found.height) == (SIDE, SIDE)
        rows = len(found.picture)
        assert np.array_equal(found.picture, whole[:rows])
        if rows == SIDE:
            assert found.note == ""
        else:
            assert missing(found.note) == max(1, round(100 * (SIDE - rows) / SIDE)) <= 10
    assert judged


def test_a_jpeg_that_lacks_nothing_but_its_end_is_whole():
    for options in JPEG.values():
        data = jpeg(**options)
        assert data.endswith(b"\xff\xd9")
        for length in (len(data) - 2, len(data) - 1):
            found = decode(data[:length])
            assert found.note == "" and np.array_equal(found.picture, decode(data).picture)


def test_a_progressive_jpeg_without_its_last_pass_is_cut_short():
    data = jpeg(progressive=True, quality=85)
    scans = [place.start() for place in re.finditer(rb"\xff\xda", data)]
    assert len(scans) > 4
    for place in (scans[-1], scans[-1] + 5, scans[2] + 300):
        with pytest.raises(ImageError, match="^cut short: passes over the picture are missing"):
            decode(data[:place])


def test_the_rows_are_those_of_the_file_where_it_is_shown_turned():
    exif = Image.Exif()
    exif[0x0112] = 6  # shown after a quarter turn to the right: the last rows are on the left
    data = jpeg(PICTURE[:, :150], quality=85, subsampling=0, exif=exif)
    whole, found = decode(data), decode(data[:-150])
    assert (found.width, found.height) == (SIDE, 150) == (whole.width, whole.height)
    columns = found.picture.shape[1]
    assert 180 <= columns < SIDE and missing(found.note) == round(100 * (SIDE - columns) / SIDE)
    assert np.array_equal(found.picture, whole.picture[:, -columns:])


def test_a_broken_jpeg_is_reduced_while_it_is_decoded():
    large = np.asarray(Image.fromarray(PICTURE).resize((800, 800)))
    data = jpeg(large, quality=85)
    whole, found = decode(data, 150), decode(data[:len(data) * 97 // 100], 150)
    rows = len(found.picture)
    assert whole.picture.shape[1] == found.picture.shape[1] == 400 and 360 <= rows < 400
    assert (found.width, found.height) == (800, 800)
    assert np.array_equal(found.picture[:-8], whole.picture[:rows - 8])
    assert np.abs(found.picture.astype(int) - whole.picture[:rows]).mean() < 0.1


@pytest.mark.parametrize("limit", [loader.LARGE, 100], ids=["Pillow", "libvips"])
def test_of_a_png_every_row_that_can_be_unpacked_is_taken(limit, monkeypatch):
    monkeypatch.setattr(loader, "LARGE", limit)
    packed = png()[33:-12]
    judged = 0
    for kept in range(len(packed) - 40, len(packed) * 17 // 20, -len(packed) // 60):
        plain, left = b"", packed[:kept]
        while left:  # what zlib makes of the pieces that are there
            plain, left = plain + left[8:508], left[512:]
        rows = len(zlib.decompressobj().decompress(plain)) // (1 + 3 * SIDE)
        if rows < 0.9 * SIDE:
            with pytest.raises(ImageError, match=f"^cut short: only {rows * 100 // SIDE} %"):
                decode(png(kept=kept))
            continue
        judged += 1
        found = decode(png(kept=kept))
        assert np.array_equal(found.picture, PICTURE[:rows])
        assert (found.width, found.height) == (SIDE, SIDE)
        assert missing(found.note) == max(1, round(100 * (SIDE - rows) / SIDE))
    assert judged >= 2


@pytest.mark.parametrize("size", [(200, 200), (199, 200), (200, 199), (3, 41)])
def test_of_an_interlaced_png_a_row_came_with_its_last_pass(size):
    picture = np.ascontiguousarray(PICTURE[80:80 + size[1], 60:60 + size[0]]
                                   if size[0] < 10 else PICTURE[:size[1], :size[0]])
    odd = size[1] // 2
    for last in (odd - 2, odd - 1):
        found = decode(adam7(picture, last))
        assert np.array_equal(found.picture, picture[:2 * last + 1])
    assert decode(adam7(picture, odd)).note == ""
    with pytest.raises(ImageError, match="cut short: only"):
        decode(adam7(picture, odd * 4 // 5))


def test_what_is_wrong_within_a_png_is_damage_with_its_reason():
    for data, reason in [
            (png(chunk(b"PLTE", bytes(6), checksum=1)), "damaged: the checksum of its chunk PLTE"),
            (png().replace(b"IHDR", b"IHDR", 1)[:29] + b"1234" + png()[33:], "its chunk IHDR"),
            (png()[:900] + b"x" + png()[901:], "damaged: the checksum of its chunk IDAT")]:
        with pytest.raises(ImageError, match=reason) as caught:
            decode(data)
        assert "cut short" not in str(caught.value)


@pytest.mark.parametrize("limit", [loader.LARGE, 100], ids=["Pillow", "libvips"])
def test_what_is_wrong_beside_a_png_costs_itself_alone(limit, monkeypatch):
    monkeypatch.setattr(loader, "LARGE", limit)
    long = zlib.compress(bytes(3 << 20))
    for beside in (chunk(b"tEXt", b"a\0text", checksum=1), chunk(b"gAMA", bytes(4), checksum=1),
                   chunk(b"tRNS", bytes(6), checksum=1), chunk(b"pHYs", b"x"),
                   chunk(b"iCCP", b"a\0\0" + long, checksum=1), chunk(b"iCCP", b"a\0\0" + long),
                   chunk(b"zTXt", b"a\0\0" + long), chunk(b"iTXt", b"a\0\1\0\0\0" + long)):
        found = decode(png(beside))
        assert np.array_equal(found.picture, PICTURE) and found.note == ""


def test_a_text_longer_than_any_costs_no_picture():
    longest = zlib.compress(bytes(40 << 20), 1)
    found = decode(png(chunk(b"zTXt", b"a\0\0" + longest) + chunk(b"iCCP", b"a\0\0" + longest)))
    assert np.array_equal(found.picture, PICTURE) and found.note == ""


def test_what_is_right_beside_what_is_wrong_still_counts():
    """The colour that is called transparent, and how the picture is turned."""
    wrong = chunk(b"tEXt", b"a\0text", checksum=1)
    colour = PICTURE[50, 60]
    seen = chunk(b"tRNS", b"".join(b"\0" + bytes([value]) for value in colour))
    found = decode(png(wrong + seen)).picture
    hidden = (PICTURE == colour).all(axis=2)
    assert not found[hidden].any() and np.array_equal(found[~hidden], PICTURE[~hidden])
    exif = Image.Exif()
    exif[0x0112] = 3
    turned = chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))
    assert np.array_equal(decode(png(wrong + turned)).picture, PICTURE[::-1, ::-1])
