"""Raw files of cameras: their thumbnails are never taken for the picture."""

import io
import struct

import numpy as np
import pytest
from conftest import draw
from PIL import Image, TiffImagePlugin

from celestial.pictures.loader import load_image
from celestial.pictures.readers.types import ImageError

THUMBNAIL = draw("mars", 1)
SHORT, LONG = 3, 4  # types of TIFF


def directory(place: int, tags: dict[int, tuple[int, int]], following: int, order: str) -> bytes:
    """Return a TIFF directory of single numbers that stands at `place`; tag -> type, value."""
    entries = b"".join(
        struct.pack(order + "HHI" + ("H2x" if kind == SHORT else "I"), tag, kind, 1, value)
        for tag, (kind, value) in sorted(tags.items()))
    return struct.pack(order + "H", len(tags)) + entries + struct.pack(order + "I", following)


def camera_file(order: str = "<", mark: bytes = b"", first: dict | None = None,
                below: dict | None = None, second: dict | None = None) -> bytes:
    """Return a TIFF whose first picture is an RGB thumbnail that any reader shows.

    Args:
        order: "<" or ">".
        mark: what stands behind the head.
        first: more tags of the thumbnail's directory.
        below: tags of a sub-directory; second: tags of the next directory.
    """
    height, width = THUMBNAIL.shape[:2]
    pixels, depths, start = 16, 16 + THUMBNAIL.nbytes, 32 + THUMBNAIL.nbytes
    tags = {254: (LONG, 1), 256: (SHORT, width), 257: (SHORT, height), 259: (SHORT, 1),
            262: (SHORT, 2), 273: (LONG, pixels), 277: (SHORT, 3), 278: (SHORT, height),
            279: (LONG, THUMBNAIL.nbytes), **(first or {})}
    others = {256: (SHORT, 16), 257: (SHORT, 16), 258: (SHORT, 8), 259: (SHORT, 1),
              273: (LONG, pixels), 277: (SHORT, 1), 279: (LONG, 256)}
    place = start + 400
    if below:
        tags[330] = (LONG, place)
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", start) + mark
    data = head.ljust(pixels, b"\0") + THUMBNAIL.tobytes() + struct.pack(order + "3H", 8, 8, 8)
    main = directory(start, tags, place if second else 0, order)
    # BitsPerSample has three values, which stand elsewhere.
    bits = struct.pack(order + "HHII", 258, SHORT, 3, depths)
    at = 2 + 12 * sum(tag < 258 for tag in tags)
    main = struct.pack(order + "H", len(tags) + 1) + main[2:at] + bits + main[at:]
    data = data.ljust(start, b"\0") + main
    if below or second:
        data = data.ljust(place, b"\0") + directory(place, others | (below or second), 0, order)
    return data


def big_tiff_dng() -> bytes:
    entry = struct.pack("<HHQ4B4x", 50706, 1, 4, 1, 7, 0, 0)
    return b"II+\0" + struct.pack("<HHQ", 8, 0, 16) + struct.pack("<Q", 1) + entry + bytes(8)


NOT_READ = "^a raw file (of a camera that is not supported|whose pixels cannot be unpacked)"
CFA = {262: (SHORT, 32803)}
RAW = {"DNG": camera_file(first={50706: (LONG, 0x00000401)}),
       "DNG, MM": camera_file(">", first={50706: (LONG, 0x01040000)}),
       "BigTIFF DNG": big_tiff_dng(), "linear DNG": camera_file(below={262: (SHORT, 34892)}),
       "NEF": camera_file(">", below=CFA), "NEF packed": camera_file(below={259: (SHORT, 34713)}),
       "ARW": camera_file(second={259: (SHORT, 32767)}),
       "PEF": camera_file(second={259: (SHORT, 65535)}),
       "TIFF/EP": camera_file(second=CFA), "CR2": b"II*\0\x10\0\0\0CR\2\0" + bytes(90),
       "IIQ": camera_file(mark=b"IIIITwaR"), "ORF": b"IIRO" + camera_file()[4:],
       "RW2": b"IIU\0" + camera_file()[4:], "CR3": b"\0\0\0\x18ftypcrx " + bytes(90),
       "RAF": b"FUJIFILMCCD-RAW 0201" + bytes(90), "X3F": b"FOVb" + bytes(90),
       "MRW": b"\0MRM" + bytes(90), "CRW": b"II\x1a\0\0\0HEAPCCDR" + bytes(90)}


@pytest.mark.parametrize("data", RAW.values(), ids=RAW)
def test_a_raw_file_is_known_by_its_content_and_its_thumbnail_is_not_shown(data, tmp_path):
    path = tmp_path / "a picture.tif"
    path.write_bytes(data)
    for source in (data, path):
        with pytest.raises(ImageError, match=NOT_READ):
            load_image(source)


def test_a_tiff_with_a_thumbnail_and_what_cameras_note_is_a_picture():
    assert np.array_equal(load_image(camera_file()), THUMBNAIL), "the frame of these files is right"
    whole = load_image(camera_file(">", below={262: (SHORT, 1)}))
    assert whole.shape == (16, 16, 3), "the page that is no thumbnail, though it is smaller"
    notes = Image.Exif()
    notes[271], notes[272] = "NIKON CORPORATION", "NIKON D810"
    notes.get_ifd(34665)[37500] = b"Nikon\0"
    buffer = io.BytesIO()
    Image.fromarray(THUMBNAIL).save(buffer, "TIFF", exif=notes)
    assert np.array_equal(load_image(buffer.getvalue()), THUMBNAIL)
    for options in ({"big_tiff": True}, {"compression": "tiff_lzw"}, {"compression": "jpeg"}):
        buffer = io.BytesIO()
        Image.fromarray(THUMBNAIL).save(buffer, "TIFF", **options)
        assert load_image(buffer.getvalue()).shape == THUMBNAIL.shape


@pytest.mark.parametrize("mark", [b"IIII", b"CR\2\0"])
def test_pixels_that_begin_like_a_mark_are_pixels(mark):
    """Many programs write the pixels of an uncompressed TIFF right behind its head."""
    pixels = mark * 64
    tags = {256: (SHORT, 16), 257: (SHORT, 16), 258: (SHORT, 8), 259: (SHORT, 1), 262: (SHORT, 1),
            273: (LONG, 8), 277: (SHORT, 1), 278: (SHORT, 16), 279: (LONG, 256)}
    data = b"II*\0" + struct.pack("<I", 264) + pixels + directory(264, tags, 0, "<")
    assert load_image(data)[..., 0].tobytes() == pixels


def test_directories_that_lead_in_circles_come_to_an_end():
    height = THUMBNAIL.shape[0]
    start = 32 + THUMBNAIL.nbytes
    circle = camera_file(first={330: (LONG, start)})
    assert load_image(circle).shape[0] == height
    for place in (7, 2 ** 32 - 1):
        assert load_image(camera_file(first={330: (LONG, place)})).shape[0] == height
    assert TiffImagePlugin.ImageFileDirectory_v2(circle[:8]).next == start
