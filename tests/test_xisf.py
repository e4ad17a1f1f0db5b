"""XISF: as the package `xisf` writes it, and by hand what that cannot write, whole and damaged."""

import base64
import hashlib
import io
import struct
import zlib
from itertools import product

import lz4.block
import numpy as np
import pytest
import zstandard
from camera_files import mosaic, xisf_by_hand
from conftest import draw

from celestial.pictures.loader import decode, load_image
from celestial.pictures.readers.types import ImageError
from celestial.pictures.stretch import Stretch

XISF = pytest.importorskip("xisf").XISF
LIGHT = np.kron(draw("saturn", 2), np.ones((2, 2, 1)))[:80] / 255 * 0.9 + 0.02  # 0..1
KINDS = {"UInt8": np.uint8, "UInt16": np.uint16, "UInt32": np.uint32, "Float32": np.float32,
         "Float64": np.float64}
STRETCHED = '<Property id="PixInsight:ProcessingHistory" type="String">{}</Property>'
HISTORY = ('&lt;ProcessingHistory&gt;&lt;instance class="{}" version="256" enabled="true"/&gt;'
           "&lt;/ProcessingHistory&gt;")
U16 = np.uint16(LIGHT * 60_000)
PLANES = np.ascontiguousarray(np.moveaxis(U16, 2, 0))
RGB = {"geometry": "96:80:3", "sampleFormat": "UInt16", "colorSpace": "RGB"}


def scaled(kind: str) -> np.ndarray:
    """Return the light as samples of a kind that is made for it."""
    number = np.dtype(KINDS[kind])
    white = np.iinfo(number).max if number.kind == "u" else 1
    return (LIGHT * white).astype(number)


def shown(values: np.ndarray) -> np.ndarray:
    return Stretch().to_8_bits(values.astype(np.float32), linear=True)


def same(found: np.ndarray, wanted: np.ndarray) -> bool:
    return found.shape == wanted.shape and np.abs(found.astype(int) - wanted).max() <= 1


def shuffled(data: bytes, size: int) -> bytes:
    return b"".join(data[place::size] for place in range(size))


@pytest.mark.parametrize("kind, codec, mixed", list(product(
    KINDS, (None, "zlib", "lz4", "lz4hc", "zstd"), (False, True))))
def test_every_kind_of_sample_and_packing_that_a_library_writes(kind, codec, mixed, tmp_path):
    path = tmp_path / "a.xisf"
    values = scaled(kind)
    XISF.write(str(path), values, codec=codec, shuffle=mixed)
    wanted = values if kind == "UInt8" else shown(values)
    assert same(load_image(path), wanted)
    XISF.write(str(path), values[..., :1], codec=codec, shuffle=mixed)
    grey = decode(path)
    one = values[..., :1]
    assert same(grey.picture[..., :1], one if kind == "UInt8" else shown(one))
    assert (grey.width, grey.height, grey.note) == (96, 80, "")


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("storage", ["Planar", "Normal"])
def test_either_order_of_bytes_and_of_samples(order, storage):
    values = PLANES if storage == "Planar" else U16
    pixels = values.astype("<u2" if order == "little" else ">u2").tobytes()
    packed = zlib.compress(shuffled(pixels, 2))
    told = {**RGB, "byteOrder": order, "pixelStorage": storage}
    assert same(load_image(xisf_by_hand(pixels, told)), shown(U16))
    told["compression"] = f"zlib+sh:{len(pixels)}:2"
    assert same(load_image(xisf_by_hand(packed, told)), shown(U16))


def test_a_large_image_is_reduced_in_strips_as_a_whole_one_is():
    small = scaled("Float32")[:60, :60]
    large = np.moveaxis(np.kron(small, np.ones((30, 30, 1), np.float32)), 2, 0)
    pixels = zlib.compress(shuffled(large.astype("<f4").tobytes(), 4), 1)
    told = {"geometry": "1800:1800:3", "sampleFormat": "Float32", "colorSpace": "RGB",
            "bounds": "0:1", "compression": f"zlib+sh:{large.size * 4}:4"}
    found = decode(xisf_by_hand(pixels, told), at_least=30)
    assert (found.width, found.height) == (1800, 1800)
    assert same(found.picture, shown(small))


@pytest.mark.parametrize("place", ["inline:base64", "inline:hex", "embedded"])
@pytest.mark.parametrize("codec", ["", "zlib"])
def test_pixels_that_stand_in_the_header(place, codec):
    pixels = PLANES.tobytes()
    content = zlib.compress(pixels) if codec else pixels
    told = {"compression": f"zlib:{len(pixels)}"} if codec else {}
    text = content.hex() if place.endswith("hex") else base64.b64encode(content).decode()
    if place == "embedded":
        packing = "".join(f' {name}="{value}"' for name, value in told.items())
        data = f'<Data encoding="base64"{packing}>{text}</Data>'
        file = xisf_by_hand(b"", {**RGB, "location": place}, inside=data)
    else:
        file = xisf_by_hand(b"", {**RGB, **told, "location": place}, text=text)
    assert same(load_image(file), shown(U16))


@pytest.mark.parametrize("pack", [zlib.compress, zstandard.ZstdCompressor().compress,
                                  lambda part: lz4.block.compress(part, store_size=False)])
def test_pixels_that_were_packed_in_several_parts(pack):
    codec = {b"x": "zlib", b"(": "zstd"}.get(pack(bytes(9))[:1], "lz4")
    pixels = shuffled(PLANES.tobytes(), 2)
    parts = [pixels[place:place + 20_000] for place in range(0, len(pixels), 20_000)]
    packed = [pack(part) for part in parts]
    told = {**RGB, "compression": f"{codec}+sh:{len(pixels)}:2", "subblocks": ":".join(
        f"{len(small)},{len(part)}" for small, part in zip(packed, parts, strict=True))}
    assert same(load_image(xisf_by_hand(b"".join(packed), told)), shown(U16))
    told["subblocks"] = told["subblocks"].replace("20000", "20001", 1)
    with pytest.raises(ImageError, match="header makes no sense"):
        load_image(xisf_by_hand(b"".join(packed), told))


@pytest.mark.parametrize("name", ["RGGB", "BGGR", "GRBG", "GBRG"])
@pytest.mark.parametrize("inside", [
    '<ColorFilterArray pattern="{}" width="2" height="2"/>',
    "<FITSKeyword name=\"BAYERPAT\" value=\"'{}'\" comment=\"\"/>"])
def test_colour_filters_are_taken_apart(name, inside):
    seen = mosaic(U16, name)
    told = {"geometry": "96:80:1", "sampleFormat": "UInt16", "colorSpace": "Gray"}
    file = xisf_by_hand(seen.tobytes(), told, inside=inside.format(name))
    assert same(load_image(file, at_least=24), shown(U16[::2, ::2]))


@pytest.mark.parametrize("kind, told, white", [
    ("UInt16", {}, 65535), ("Float32", {"bounds": "0:1"}, 1), ("Float32", {}, 1),
    ("Float32", {"bounds": "-1:3"}, None), ("UInt32", {}, 2 ** 32 - 1)])
def test_what_was_stretched_before_is_shown_as_it_is(kind, told, white):
    values = LIGHT * 4 - 1 if white is None else LIGHT * white
    pixels = np.moveaxis(values, 2, 0).astype(KINDS[kind]).tobytes()
    told = {**RGB, "sampleFormat": kind, **told}
    for process, as_it_is in (("HistogramTransformation", True), ("ArcsinhStretch", True),
                              ("ImageIntegration", False)):
        history = STRETCHED.format(HISTORY.format(process))
        found = load_image(xisf_by_hand(pixels, told, inside=history))
        assert same(found, np.uint8(np.rint(LIGHT * 255))) == as_it_is
        assert same(found, shown(values)) != as_it_is


@pytest.mark.parametrize("packing", ["", "zlib"])
def test_a_history_in_a_block_of_its_own_is_read(packing):
    history = b'<ProcessingHistory><instance class="MaskedStretch"/></ProcessingHistory>'
    block = zlib.compress(history) if packing else history
    place = 4096 + U16.nbytes
    told = f' compression="zlib:{len(history)}"' if packing else ""
    for length, as_it_is in ((len(block), True), (10 ** 9, False)):
        inside = ('<Property id="PixInsight:ProcessingHistory" type="String" '
                  f'location="attachment:{place}:{length}"{told}/>')
        told_of_image = {**RGB, "location": f"attachment:4096:{U16.nbytes}"}
        found = load_image(xisf_by_hand(PLANES.tobytes() + block, told_of_image, inside=inside))
        assert same(found, np.rint(U16 / 257) if as_it_is else shown(U16))


@pytest.mark.parametrize("orientation, turn, mirrored", [
    ("0", 0, False), ("90", 1, False), ("-90", 3, False), ("180", 2, False), ("flip", 0, True),
    ("90;flip", 1, True)])
def test_it_is_turned_as_it_says(orientation, turn, mirrored):
    found = decode(xisf_by_hand(PLANES.tobytes(), {**RGB, "orientation": orientation}))
    wanted = np.rot90(shown(U16), turn)
    assert same(found.picture, wanted[:, ::-1] if mirrored else wanted)
    assert (found.height, found.width) == wanted.shape[:2]


def test_the_first_image_is_taken_and_what_is_beyond_its_colours_left_out():
    pixels = PLANES.tobytes() + bytes(96 * 80 * 2)
    second = '<Image geometry="1:1:1" sampleFormat="UInt8" location="attachment:1:1"/>'
    file = xisf_by_hand(pixels, {**RGB, "geometry": "96:80:4"}, inside=second)
    assert same(load_image(file), shown(U16))


@pytest.mark.parametrize("kind", ["sha-1", "sha-256", "sha-512", "sha3-256", "sha3-512"])
def test_the_checksum_of_the_pixels_is_compared(kind):
    pixels = PLANES.tobytes()
    right = hashlib.new(kind.replace("sha-", "sha").replace("3-", "3_"), pixels).hexdigest()
    assert same(load_image(xisf_by_hand(pixels, {**RGB, "checksum": f"{kind}:{right}"})),
                shown(U16))
    with pytest.raises(ImageError, match="^damaged: the checksum of its pixels is wrong$"):
        load_image(xisf_by_hand(pixels[:-1] + b"x", {**RGB, "checksum": f"{kind}:{right}"}))


BOMB = zlib.compress(bytes(1 << 20))
ENTITIES = ('<!DOCTYPE xisf [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {chr(98 + step)} "{f"&{chr(97 + step)};" * 10}">' for step in range(9)) + "]>")


@pytest.mark.parametrize("told, pixels, words", [
    ({"sampleFormat": "Complex32"}, b"", "Complex32 samples, which are not read"),
    ({"sampleFormat": "UInt64"}, b"", "UInt64 samples, which are not read"),
    ({"colorSpace": "CIELab"}, b"", "CIELab, which are not read"),
    ({"geometry": "96:80"}, b"", "has not two dimensions"),
    ({"geometry": "9:9:9:3"}, b"", "has not two dimensions"),
    ({"geometry": "0:80:3"}, b"", "header makes no sense"),
    ({"geometry": "96:80:2"}, b"x", "header makes no sense"),
    ({"geometry": "60000:60000:3"}, b"x", "more than .* pixels"),
    ({"geometry": "9000:9000:3"}, b"x", "unpack to 463 MB, as no picture does"),
    ({"location": "url(http://example.org/a):1"}, b"", "stand in another file"),
    ({"location": "attachment:-4:46080"}, b"", "header makes no sense"),
    ({"location": "attachment:99999999999999999999:46080"}, b"", "cut short: only 0 %"),
    ({"location": "attachment:4096:46080"}, bytes(23040), "cut short: only 50 % of its pixels"),
    ({"location": "nowhere"}, b"", "header makes no sense"),
    ({"location": "inline:base99"}, b"", "cannot be decoded"),
    ({"compression": "zlib:46081"}, BOMB, "header makes no sense"),
    ({"compression": "zlib:many"}, BOMB, "header makes no sense"),
    ({"compression": "zlib+sh:46080"}, BOMB, "header makes no sense"),
    ({"compression": "zlib+sh:46080:4"}, BOMB, "shuffled by 4, not by 2"),
    ({"compression": "brotli:46080"}, BOMB, "packed by brotli, which is not read"),
    ({"compression": "zlib:46080"}, b"no zlib", "cannot be unpacked"),
    ({"compression": "lz4:46080"}, b"\xff" * 90, "cannot be unpacked"),
    ({"compression": "zstd:46080"}, zstandard.compress(bytes(1 << 20)), "makes no sense"),
    ({"compression": "zstd:46080"}, zstandard.compress(bytes(46080))[:12], "cannot be unpacked"),
    ({"compression": "zlib:46080"}, zlib.compress(bytes(9000)), "fewer than they should"),
    ({"compression": "lz4:46080"}, lz4.block.compress(bytes(1 << 16), store_size=False),
     "cannot be unpacked")])
def test_what_is_wrong_is_said_in_one_sentence(told, pixels, words):
    with pytest.raises(ImageError, match=words) as caught:
        load_image(xisf_by_hand(pixels, {**RGB, **told}))
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 160


def test_packed_pixels_never_unpack_to_more_than_their_size():
    """A block of 1 MB of zeros whose header tells the size of the image shows that many."""
    told = {**RGB, "compression": "zlib:46080"}
    assert load_image(xisf_by_hand(BOMB, told)).shape == (80, 96, 3)


@pytest.mark.parametrize("before, words", [
    (ENTITIES, "declares a document type"), ('<!DOCTYPE xisf SYSTEM "file:///etc/passwd">',
                                            "declares a document type"),
    ("<open>", "its header is no XML"), ("&undefined;", "its header is no XML")])
def test_a_header_that_would_unpack_or_fetch_is_refused(before, words):
    with pytest.raises(ImageError, match=words):
        load_image(xisf_by_hand(PLANES.tobytes(), RGB, before=before))


def test_headers_of_nothing():
    for length, header, words in (
            (0, b"", "no XML"), (1 << 31, b"", "header has more than"),
            (50, b"<xisf>", "its header is incomplete"), (7, b"<xisf/>", "without an image"),
            (36, b'<xisf><Metadata id="Image"/> </xisf>', "without an image"),
            (8 * 50_000, b"<a><b><c" * 50_000, "no XML")):
        with pytest.raises(ImageError, match=words):
            load_image(b"XISF0100" + struct.pack("<II", length, 0) + header)


def test_a_file_cut_anywhere_is_an_error():
    buffer = io.BytesIO(xisf_by_hand(zlib.compress(PLANES.tobytes()),
                                     {**RGB, "compression": f"zlib:{PLANES.nbytes}"}))
    data = buffer.getvalue()
    for length in (*range(1, 400, 13), *range(4090, len(data) - 1, 997), len(data) - 1):
        with pytest.raises(ImageError):
            load_image(data[:length])
