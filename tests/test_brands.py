"""What a file is, told by what it says of itself, and the reason where that is not the truth."""

import io
import struct

import numpy as np
import pillow_heif
import pytest
from conftest import draw
from PIL import Image

from celestial.pictures.loader import load_image
from celestial.pictures.readers.types import ImageError

PICTURE = draw("saturn", 1)


def saved(form: str) -> bytes:
    buffer = io.BytesIO()
    if form == "HEIF":
        pillow_heif.from_pillow(Image.fromarray(PICTURE)).save(buffer, quality=90)
    else:
        Image.fromarray(PICTURE).save(buffer, form, quality=90, speed=9)
    return buffer.getvalue()


FILES = {form: saved(form) for form in ("AVIF", "HEIF")}


def branded(form: str, first: bytes, *others: bytes) -> bytes:
    """Return the file with other brands; what it refers to by position is moved (iloc, 1 item)."""
    data = FILES[form]
    size = struct.unpack(">I", data[:4])[0]
    brands = [first, bytes(4), *others]
    while 8 + 4 * len(brands) < size:
        brands.append(others[-1])
    assert 8 + 4 * len(brands) == size, "positions in the file would change"
    return struct.pack(">I", size) + b"ftyp" + b"".join(brands) + data[size:]


@pytest.mark.parametrize("form, brands", [
    ("AVIF", (b"avif", b"mif1", b"miaf")), ("AVIF", (b"mif1", b"avif", b"miaf")),
    ("AVIF", (b"miaf", b"avif")), ("AVIF", (b"MA1B", b"mif1", b"avif")),
    ("AVIF", (b"MA1A", b"avif")), ("AVIF", (b"1pic", b"mif1", b"avif")),
    ("HEIF", (b"heic", b"mif1")), ("HEIF", (b"heix", b"mif1")), ("HEIF", (b"mif1", b"heic")),
    ("HEIF", (b"mif2", b"mif1", b"heic")), ("HEIF", (b"miaf", b"heic")),
    ("HEIF", (b"hevx", b"mif1")), ("HEIF", (b"MiHB", b"heic")), ("HEIF", (b"1pic", b"heic")),
    ("HEIF", (b"heic", b"avif", b"mif1"))])
def test_avif_and_heif_are_read_by_any_of_their_brands(form, brands):
    found = load_image(branded(form, *brands))
    assert found.shape == PICTURE.shape
    assert np.abs(found.astype(int) - PICTURE).mean() < 5


@pytest.mark.parametrize("brand", [b"isom", b"iso5", b"mp42", b"qt  ", b"M4V ", b"3gp5", b"dash"])
def test_a_video_is_called_one(brand):
    data = b"\0\0\0\x18ftyp" + brand + b"\0\0\2\0" + brand + b"mp41" + bytes(200)
    with pytest.raises(ImageError, match="^a video without a readable frame$"):
        load_image(data)


def test_a_heif_whose_size_is_not_the_one_it_states_says_so():
    data = FILES["HEIF"]
    place = data.index(b"ispe") + 8
    side = len(PICTURE)
    wrong = data[:place] + struct.pack(">II", side, side - 8) + data[place + 8:]
    with pytest.raises(ImageError, match="^cannot be decoded: .*not have the size") as caught:
        load_image(wrong)
    assert "damaged" not in str(caught.value) and "cut short" not in str(caught.value)


def test_a_heif_that_is_packed_in_a_way_not_known_here_is_not_called_damaged():
    with pytest.raises(ImageError, match="^cannot be decoded: .*AV1"):
        load_image(branded("AVIF", b"mif1", b"miaf", b"mif1"))


@pytest.mark.parametrize("form", FILES)
def test_a_cut_avif_or_heif_is_called_cut_short(form):
    with pytest.raises(ImageError, match="^cut short or damaged: .") as caught:
        load_image(FILES[form][:-200])
    assert len(str(caught.value)) < 240 and "\n" not in str(caught.value)


def test_what_a_bmp_may_hold_and_pillow_does_not_read_is_not_called_damaged():
    head = struct.pack("<IiiHHIIiiII", 40, 8, 8, 1, 24, 5, 300, 0, 0, 0, 0)  # a PNG within
    data = b"BM" + struct.pack("<IHHI", 354, 0, 0, 54) + head + bytes(300)
    with pytest.raises(ImageError, match="^cannot be decoded: Unsupported BMP compression"):
        load_image(data)


XML = b"<?xml version='1.0' encoding='UTF-8'?>\n"
DOCTYPE = b'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/svg11.dtd">\n'
NOTE = b"<!-- Generator: a program of a long name, SVG export, version 16.0.0, build 0 -->\n"
BARE = b"<svg xmlns='http://www.w3.org/2000/svg'><rect/></svg>"


@pytest.mark.parametrize("data, kind", [
    (BARE, "an SVG drawing"), (XML + BARE, "an SVG drawing"), (NOTE + BARE, "an SVG drawing"),
    (b"\xef\xbb\xbf" + XML + NOTE + DOCTYPE + NOTE + BARE, "an SVG drawing"),
    (XML + b"<svg:svg xmlns:svg='http://www.w3.org/2000/svg'/>", "an SVG drawing"),
    (XML + b"<?xml-stylesheet href='a.css'?>" * 100 + BARE, "an SVG drawing"),
    (XML + b"<!DOCTYPE html><html/>", "a web page"), (NOTE + b"<HTML></HTML>", "a web page"),
    (XML + b"<kml><svg/></kml>", "an XML text"), (XML + NOTE * 100, "an XML text")])
def test_a_text_is_called_what_its_root_is(data, kind):
    with pytest.raises(ImageError, match=f"^not a picture but {kind}$"):
        load_image(data)
