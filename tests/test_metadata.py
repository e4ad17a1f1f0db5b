"""Metadata leave a file, and pixels, orientation and colour profile stay as Pillow reads them."""

import io
import struct
import zlib

import numpy as np
import pytest
from conftest import draw
from PIL import Image, ImageCms, ImageOps, PngImagePlugin

from celestial.filing.metadata import without_metadata
from celestial.pictures.readers.types import ImageError

SECRET = b"52.5163 N 13.3777 E"
XMP = b'<x:xmpmeta><rdf:Description tiff:Orientation="%d" secret="' + SECRET + b'"/></x:xmpmeta>'
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


def exif(orientation: int | None) -> Image.Exif:
    """Return EXIF data with a place, an artist and a preview's bytes in them."""
    found = Image.Exif()
    if orientation:
        found[0x0112] = orientation
    found[0x013B] = SECRET.decode()  # artist
    found.get_ifd(0x8825)[1] = "N"  # GPS
    found.get_ifd(0x8825)[29] = SECRET.decode()
    return found


def picture(mode: str) -> Image.Image:
    drawn = Image.fromarray(draw("saturn", 3)[:37])
    if mode == "I;16":
        return Image.fromarray(np.asarray(drawn.convert("L")).astype(np.uint16) * 257)
    return drawn.convert(mode)


def encoded(form: str, mode: str = "RGB", **options) -> bytes:
    file = io.BytesIO()
    picture(mode).save(file, form, **options)
    return file.getvalue()


def text_chunks(orientation: int) -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", SECRET.decode())
    info.add_text("Author", SECRET.decode(), zip=True)
    info.add_itxt("XML:com.adobe.xmp", (XMP % orientation).decode(), zip=True)
    return info


def jpeg_segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def with_all(data: bytes) -> bytes:
    """Add what phones and programs put into a JPEG, before its other segments and after its end."""
    preview = b"JFXX\0\x10" + encoded("JPEG", comment=SECRET)
    added = [jpeg_segment(0xE0, preview), jpeg_segment(0xE2, b"MPF\0" + SECRET),
             jpeg_segment(0xED, b"Photoshop 3.0\0" + SECRET), jpeg_segment(0xEB, b"JP" + SECRET),
             jpeg_segment(0xFE, SECRET)]
    return data[:20] + b"".join(added) + data[20:] + b"ftypmp42" + SECRET + encoded("JPEG")


def with_preview(data: bytes) -> bytes:
    """Put a preview of 7 x 1 pixels into the JFIF segment, which is the first."""
    preview = SECRET.ljust(21)
    return data[:4] + struct.pack(">H", 16 + len(preview)) + data[6:18] + b"\x07\x01" + preview + (
        data[20:])


def unflagged(data: bytes) -> bytes:
    """Let a WebP file say that it has no EXIF data, though it has."""
    return data[:20] + bytes((data[20] & ~0x08,)) + data[21:]


FILES = {
    **{f"jpeg {n}": (encoded("JPEG", exif=exif(n), icc_profile=PROFILE, comment=SECRET)
                     ) for n in range(1, 9)},
    "jpeg xmp": encoded("JPEG", xmp=XMP % 6, exif=exif(None)),
    "jpeg progressive": encoded("JPEG", progressive=True, exif=exif(3), subsampling=0),
    "jpeg grey": encoded("JPEG", "L", comment=SECRET, exif=exif(8)),
    "jpeg cmyk": encoded("JPEG", "CMYK", comment=SECRET),
    "jpeg of a phone": with_all(encoded("JPEG", quality=95)),
    "jpeg preview": with_preview(encoded("JPEG")),
    "jpeg restarts": encoded("JPEG", restart_marker_rows=1, comment=SECRET),
    "jpeg rgb": encoded("JPEG", keep_rgb=True, comment=SECRET),
    **{f"png {mode}": encoded("PNG", mode, exif=exif(6), pnginfo=text_chunks(3),
                              icc_profile=PROFILE) for mode in ("RGB", "RGBA", "L", "P", "I;16",
                                                                "1")},
    "png xmp": encoded("PNG", pnginfo=text_chunks(8)) + SECRET,
    "webp lossy": encoded("WEBP", exif=exif(5), xmp=XMP % 1, icc_profile=PROFILE),
    "webp lossless": encoded("WEBP", "RGBA", lossless=True, exif=exif(7)),
    "webp unflagged": unflagged(encoded("WEBP", exif=exif(6))),
    "webp xmp": encoded("WEBP", xmp=XMP % 6) + SECRET,
    "webp moving": encoded("WEBP", save_all=True, append_images=[picture("L").convert("RGB")],
                           exif=exif(2)),
    "webp plain": encoded("WEBP") + SECRET,
}


def seen(data: bytes) -> tuple:
    """Return what a viewer sees: size, mode, profile, each frame as it is stored and upright."""
    with Image.open(io.BytesIO(data)) as image:
        info = (image.size, image.mode, image.info.get("icc_profile"),
                image.info.get("transparency"), image.info.get("gamma"))
        stored = [np.asarray(image)]
        for number in range(1, getattr(image, "n_frames", 1) if image.format == "WEBP" else 1):
            image.seek(number)
            stored.append(np.asarray(image))
        image.seek(0)
        return info, stored, np.asarray(ImageOps.exif_transpose(image))


@pytest.mark.parametrize("name", FILES)
def test_pixels_orientation_and_profile_stay_and_all_else_goes(name):
    data = FILES[name]
    cleaned = without_metadata(data)
    assert_same_picture(data, cleaned)
    assert SECRET not in cleaned and SECRET in readable(data)
    with Image.open(io.BytesIO(cleaned)) as image:
        assert set(image.getexif()) <= {0x0112} and not image.getexif().get_ifd(0x8825)
        assert not {"comment", "xmp", "XML:com.adobe.xmp", "photoshop", "Author"} & {*image.info}
    assert without_metadata(cleaned) == cleaned


def assert_same_picture(data: bytes, cleaned: bytes) -> None:
    before, after = seen(data), seen(cleaned)
    assert after[0] == before[0]
    for one, other in zip(before[1], after[1], strict=True):
        assert np.array_equal(one, other)
    assert np.array_equal(before[2], after[2])


def readable(data: bytes) -> bytes:
    """Return a file with its packed texts unpacked."""
    if b"zTXt" in data:
        data += zlib.decompress(data[data.index(b"zTXt") + 12:])
    return data


def test_orientations_differ():
    """Were the orientation lost, or read as another, the upright pictures would be equal."""
    upright = [seen(without_metadata(FILES[f"jpeg {n}"]))[2].tobytes() for n in range(1, 9)]
    assert len(set(upright)) == 8


def test_what_a_colour_decoder_goes_by_stays():
    def has(data: bytes, marker: bytes) -> bool:
        return marker in data

    assert has(without_metadata(FILES["jpeg cmyk"]), b"Adobe"), "else its ink would be inverted"
    chunks = b"".join(struct.pack(">I", len(content)) + kind + content
                      + struct.pack(">I", zlib.crc32(kind + content))
                      for kind, content in ((b"gAMA", struct.pack(">I", 45455)),
                                            (b"cHRM", bytes(32)), (b"cICP", b"\x01\x0d\0\x01"),
                                            (b"tIME", bytes(7))))
    data = encoded("PNG")
    cleaned = without_metadata(data[:33] + chunks + data[33:])
    assert all(has(cleaned, kind) for kind in (b"gAMA", b"cHRM", b"cICP"))
    assert not has(cleaned, b"tIME") and has(without_metadata(encoded("PNG", "P")), b"PLTE")


@pytest.mark.parametrize("data", [encoded("GIF"), encoded("TIFF"), b"", b"RIFF", b"text"])
def test_other_formats_are_left_alone(data):
    assert without_metadata(data) is None


@pytest.mark.parametrize("name", ["jpeg 6", "jpeg progressive", "png RGB", "webp lossy"])
def test_what_breaks_off_is_cleaned_or_refused(name):
    data = FILES[name]
    cleaned = 0
    for end in range(12, len(data), 13):
        try:
            found = without_metadata(data[:end])
        except ImageError:
            continue
        cleaned += 1
        assert SECRET not in found
    assert cleaned if "webp" not in name else not cleaned


@pytest.mark.parametrize("name", ["jpeg 6", "jpeg progressive", "png RGB", "png xmp",
                                  "webp lossy", "webp moving"])
def test_any_damage_is_refused_or_no_matter(name):
    random = np.random.default_rng(5)
    for _ in range(300):
        data = bytearray(FILES[name])
        for place in random.integers(8, len(data), 3):
            data[place] = random.integers(256)
        try:
            without_metadata(bytes(data))
        except ImageError as error:
            assert str(error).startswith(("damaged", "cut short"))
