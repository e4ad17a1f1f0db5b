"""TIFF: which of its pages is the picture, and what is refused, with the reason."""


import io

import numpy as np
import pytest
import pyvips
from conftest import draw
from tiff_file import LONG, SHORT, page_of, tiff_of

from celestial.pictures.loader import decode, load_image
from celestial.pictures.readers.types import ImageError

GREY, RGB, MASK, YCBCR, CFA, LINEAR_RAW = 1, 2, 4, 6, 32803, 34892
PICTURE = draw("saturn", 1)
KIND, EXTRA, FORMAT = 254, 338, 339
FULL, REDUCED, IS_MASK = 0, 1, 4  # of KIND
SMALL = page_of(np.ascontiguousarray(PICTURE[::4, ::4]), RGB)
WHOLE = page_of(PICTURE, RGB)
LARGE = np.full((96, 96, 3), 7, np.uint8)


def other(samples: np.ndarray, photometric: int = GREY, **tags: int) -> tuple:
    names = {"kind": KIND, "bits": 258, "packing": 259, "form": FORMAT, "inks": 332, "extra": EXTRA}
    return page_of(samples, photometric, {names[name]: (SHORT, value)
                                          for name, value in tags.items()})


@pytest.mark.parametrize("name, pages", {
    "alone": [WHOLE],
    "a preview before it": [SMALL, WHOLE],
    "a preview after it": [WHOLE, SMALL],
    "another of its size": [WHOLE, page_of(PICTURE[::-1].copy(), RGB)],
    "a larger page of less resolution": [WHOLE, other(LARGE, RGB, kind=REDUCED)],
    "a page of less resolution before it": [other(LARGE, RGB, kind=REDUCED), WHOLE],
    "a mask, by its kind": [WHOLE, other(LARGE[..., :1], GREY, kind=IS_MASK)],
    "a mask, by its photometric interpretation": [other(LARGE[..., :1], MASK), WHOLE],
    "a page of complex numbers": [WHOLE, other(np.zeros((48, 48, 1), "c8"), form=6)],
    "a larger page of complex numbers": [WHOLE, other(np.zeros((60, 60, 1), "c8"), form=6)],
    "a page of twelve bits": [WHOLE, other(np.zeros((48, 48, 1), "u2"), bits=12)],
    "a page of another packing": [WHOLE, other(LARGE, RGB, packing=34712)],
    "a page of an unknown kind": [WHOLE, other(LARGE, 51177)],
    "a page without pixels": [WHOLE, page_of(np.zeros((0, 0, 1), np.uint8))],
}.items())
def test_the_page_that_is_the_picture(name, pages):
    assert np.array_equal(load_image(tiff_of(*pages)), PICTURE), name


def test_a_lone_page_of_less_resolution_is_the_picture():
    assert np.array_equal(load_image(tiff_of(other(PICTURE, RGB, kind=REDUCED))), PICTURE)


def test_pages_within_pages():
    """A SubIFD: the picture where the page is its preview, a preview where that is reduced."""
    for inner, outer in ((PICTURE, SMALL), (PICTURE, other(PICTURE[::2, ::2].copy(), RGB,
                                                           kind=REDUCED))):
        data = bytearray(tiff_of(page_of(inner, RGB), (outer[0] | {330: (LONG, 0)}, outer[1])))
        first, second = int.from_bytes(data[4:8], "little"), len(data)
        end = first + 2 + 12 * int.from_bytes(data[first:first + 2], "little")
        second = int.from_bytes(data[end:end + 4], "little")
        data[end:end + 4] = bytes(4)
        data[4:8] = second.to_bytes(4, "little")
        entry = data.index((330).to_bytes(2, "little") + b"\4\0\1\0\0\0", second)
        data[entry + 8:entry + 12] = first.to_bytes(4, "little")
        assert np.array_equal(load_image(bytes(data)), PICTURE)


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("order", "<>")
def test_a_later_page_in_any_file(big, order):
    tifffile = pytest.importorskip("tifffile")
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer, bigtiff=big, byteorder=order) as writer:
        for samples in (PICTURE[::4, ::4], PICTURE.astype(np.uint16) * 257, PICTURE[::2, ::2]):
            writer.write(samples, photometric="rgb", metadata=None)
    assert np.array_equal(load_image(buffer.getvalue()), PICTURE)


def test_pages_that_lead_to_themselves_end():
    data = bytearray(tiff_of(WHOLE))
    data[-4:] = data[4:8]
    assert np.array_equal(load_image(bytes(data)), PICTURE)


def test_a_file_that_ends_before_its_next_page_is_cut_short():
    data = bytearray(tiff_of(SMALL))
    data[-4:] = (len(data) + 1000).to_bytes(4, "little")
    with pytest.raises(ImageError, match="cut short"):
        load_image(bytes(data))


def test_what_is_wrong_beside_a_whole_page_costs_itself_alone():
    data = bytearray(tiff_of(WHOLE))
    data[-4:] = (9).to_bytes(4, "little")  # a link to what is no page
    assert np.array_equal(load_image(bytes(data)), PICTURE)
    assert np.array_equal(load_image(tiff_of(page_of(PICTURE, RGB, {274: (SHORT, 0)}))), PICTURE)


PIXEL = np.zeros((8, 8, 1), np.uint8)


@pytest.mark.parametrize("page, reason", [
    (other(PIXEL, bits=12), "12-bit packed samples are not supported: save it with 16 bits"),
    (other(PIXEL, bits=10), "10-bit packed samples are not supported: save it with 16 bits"),
    (other(PIXEL, bits=14), "14-bit packed samples are not supported: save it with 16 bits"),
    (other(PIXEL, bits=6), "6-bit packed samples are not supported: save it with 8 bits"),
    (page_of(LARGE, RGB, {258: (SHORT, 4, 4, 4)}), "4-bit samples are not supported in colour"),
    (page_of(LARGE, RGB, {258: (SHORT, 5, 6, 5)}), "samples of different depths"),
    (other(PIXEL, bits=24, form=3), "24-bit floats are not supported: save it with 32 bits"),
    (other(PIXEL, bits=64, form=6), "complex numbers"),
    (other(PIXEL, bits=32, form=5), "complex numbers"),
    (other(PIXEL, CFA), "a raw file of a camera"),
    (other(LARGE, LINEAR_RAW), "a raw file of a camera"),
    (other(PIXEL, MASK), "masks, without a picture"),
    (other(PIXEL, kind=IS_MASK), "masks, without a picture"),
    (other(LARGE, 32845), "photometric interpretation 32845, which is not supported"),
    (other(PIXEL, packing=34712), "packed by JPEG 2000, which is not supported"),
    (other(PIXEL, packing=34887), "packed by LERC, which is not supported"),
    (other(PIXEL, packing=999), "packed by method 999, which is not supported"),
    (other(np.zeros((8, 8, 4), np.uint8), 5, inks=2), "inks other than CMYK"),
    (page_of(np.zeros((8, 8, 1), np.float64), GREY, {FORMAT: (SHORT, 3), 317: (SHORT, 3)}),
     "a predictor is not supported for 64 bits"),
    (other(np.zeros((8, 8, 4), np.uint8), YCBCR, extra=1), "associated alpha in YCbCr"),
    (page_of(np.zeros((8, 8, 3), np.float32), 8, {FORMAT: (SHORT, 3, 3, 3)}),
     r"L\*a\*b\* of float32 is not supported"),
])
def test_what_is_not_supported_says_so_and_is_not_called_damaged(page, reason):
    with pytest.raises(ImageError, match=reason) as caught:
        load_image(tiff_of(page))
    assert "damaged" not in str(caught.value)


@pytest.mark.parametrize("pages, reason", [
    ([other(PICTURE, RGB, kind=REDUCED), other(LARGE[..., :1], CFA)], "raw file"),
    ([SMALL, other(LARGE[..., :1], CFA)], "raw file"),
    ([SMALL, other(np.zeros((96, 96, 1), np.uint16), bits=12)], "12-bit packed"),
])
def test_a_thumbnail_is_not_judged_in_place_of_what_cannot_be_read(pages, reason):
    with pytest.raises(ImageError, match=reason):
        load_image(tiff_of(*pages))


def test_a_sample_of_which_nothing_is_said_hides_nothing():
    """Neither as "unspecified" nor without the tag; only alpha is transparency."""
    samples = np.dstack([PICTURE, np.zeros(PICTURE.shape[:2], np.uint8)])
    for tags in ({}, {EXTRA: (SHORT, 0)}):
        assert np.array_equal(load_image(tiff_of(page_of(samples, RGB, tags))), PICTURE)
    with pytest.raises(ImageError, match="every pixel is transparent"):
        load_image(tiff_of(page_of(samples, RGB, {EXTRA: (SHORT, 2)})))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["uint8", "float64"])
def test_orientation(orientation, kind):
    """TIFF 6.0, tag 274: where the first row and column lie; float64 is read in halves."""
    picture = np.random.default_rng(1).random((12, 20, 1))
    stored = picture[::-1] if orientation in (3, 4, 7, 8) else picture
    stored = stored[:, ::-1] if orientation in (2, 3, 6, 7) else stored
    if orientation >= 5:
        stored = np.swapaxes(stored, 0, 1)
    samples = stored if kind == "float64" else np.rint(stored * 255)
    tags = {274: (SHORT, orientation)} | ({FORMAT: (SHORT, 3)} if kind == "float64" else {})
    decoded = decode(tiff_of(page_of(np.ascontiguousarray(samples, kind), GREY, tags)))
    assert (decoded.width, decoded.height) == (20, 12)
    assert np.abs(decoded.picture - picture * 255).max() <= 0.51


def test_colours_of_a_profile_under_alpha():
    """The profile applies to the colours, not to what alpha has left of them."""
    wide = pyvips.Image.new_from_array(PICTURE).icc_transform("p3", input_profile="srgb")
    for premultiply in (False, True):
        data = wide.bandjoin(128).tiffsave_buffer(premultiply=premultiply)
        assert np.abs(load_image(data) - PICTURE * (128 / 255)).max() <= 2


def test_files_and_bytes_are_read_alike_and_the_file_stays_as_it_is(tmp_path):
    """Tags are changed in memory only, where libvips is not to know them."""
    samples = np.dstack([PICTURE // 2, np.full(PICTURE.shape[:2], 128, np.uint8)])
    data = tiff_of(SMALL, page_of(samples, RGB, {EXTRA: (SHORT, 1)}))
    path = tmp_path / "a.tif"
    path.write_bytes(data)
    path.chmod(0o444)
    assert np.array_equal(load_image(path), PICTURE // 2)
    assert np.array_equal(load_image(data), PICTURE // 2)
    assert path.read_bytes() == data
