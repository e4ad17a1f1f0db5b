"""Takes metadata out of JPEG, PNG and WebP files without encoding the picture again.

What decides how a picture looks is kept, by a list of what that is, and all else goes: EXIF, XMP,
IPTC, comments, previews, and what follows the end of the picture (a second one, a phone's video).
Of EXIF, or of XMP in its place, the orientation alone is kept, as Pillow reads it.
"""

import struct
import warnings
import zlib
from collections.abc import Iterable, Iterator

from PIL import ExifTags, Image

from celestial.pictures.readers import jpeg, png
from celestial.pictures.readers.types import ImageError

EXIF = b"Exif\0\0"
# JPEG (ITU-T T.81, table B.1): the segments that a decoder needs, application segments apart.
NEEDED = {*jpeg.FRAMES, jpeg.SCAN, 0xC4, 0xCC, 0xDB, 0xDC, 0xDD, 0xDE, 0xDF}
JFIF, EXIF_OR_XMP, PROFILE, ADOBE = 0xE0, 0xE1, 0xE2, 0xEE  # application segments
JFIF_BYTES, ADOBE_BYTES = 14, 12  # a preview may follow those of JFIF
XMP_OF_JPEG = b"http://ns.adobe.com/xap/1.0/\0"
# PNG (W3C, 3rd edition): pixels, colour, the shape of a pixel, animation.
CHUNKS = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"iCCP", b"sRGB", b"gAMA", b"cHRM", b"cICP",
          b"mDCV", b"cLLI", b"sBIT", b"bKGD", b"pHYs", b"acTL", b"fcTL", b"fdAT"}
TEXTS = ("Raw profile type exif", "XML:com.adobe.xmp")  # in which Pillow looks for an orientation
MOST_TEXT = 1 << 20  # bytes of an unpacked text
# WebP (RFC 9649).
FRAME_CHUNKS = {b"VP8 ", b"VP8L", b"ALPH"}
WEBP_CHUNKS = {*FRAME_CHUNKS, b"VP8X", b"ICCP", b"ANIM", b"ANMF"}
HAS_EXIF, HAS_XMP = 0x08, 0x04  # flags in the first byte of VP8X
OTHERS_OF_WEBP = (("exif", b"EXIF", HAS_EXIF), ("xmp", b"XMP ", HAS_XMP))
FRAME_HEADER = 16  # bytes of an ANMF chunk before the chunks in it

warnings.filterwarnings("ignore", module="PIL.TiffImagePlugin")  # it reads EXIF data, maybe damaged


def without_metadata(data: bytes) -> bytes | None:
    """Return a file without its metadata: the same pixels, orientation and colour profile.

    Returns:
        None for a file of another format.

    Raises:
        ImageError: it is damaged, so that nobody can tell what in it is metadata. A JPEG or PNG
            that merely breaks off in its pixels is not.
    """
    if data.startswith(jpeg.MAGIC):
        return _clean_jpeg(data)
    if data.startswith(png.MAGIC):
        return _clean_png(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _clean_webp(data)
    return None


def _orientation(info: dict) -> bytes:
    """Return EXIF data that hold the orientation alone, without prefix; empty for upright ones.

    Args:
        info: EXIF and XMP data under the names that Pillow has for them.
    """
    image = Image.new("1", (1, 1))
    image.info = info
    try:
        value = image.getexif().get(ExifTags.Base.Orientation)
    except (SyntaxError, ValueError, TypeError, KeyError, OverflowError, OSError, struct.error):
        return b""  # damaged EXIF data turn no picture
    if value not in range(2, 9):
        return b""
    kept = Image.Exif()
    kept[ExifTags.Base.Orientation] = int(value)
    return kept.tobytes().removeprefix(EXIF)


def _clean_jpeg(data: bytes) -> bytes:
    kept, info, before, end = [jpeg.MAGIC[:2]], {}, 0, 2
    scanned = False
    for marker, place, content in jpeg.segments_of(data):
        between = data[end:place]
        if before == jpeg.SCAN:
            kept.append(between)  # the pixels
        elif scanned and between.strip(b"\xff"):  # 0xff may fill
            raise ImageError("damaged: something stands between its parts")
        if marker in (0, jpeg.END[1]):
            kept.append(jpeg.END if marker else b"")
            break
        if data[place + 2:place + 4] != struct.pack(">H", len(content) + 2):
            raise ImageError("damaged: the length of a part is wrong")
        scanned = scanned or marker == jpeg.SCAN
        if marker == EXIF_OR_XMP and not scanned:
            _note_of_jpeg(content, info)
        kept.append(_kept_segment(marker, content))
        before, end = marker, place + 4 + len(content)
    else:
        kept.append(data[end:] if before == jpeg.SCAN else b"")
    if not scanned:
        raise ImageError("damaged: there is no picture in it")
    if turned := _orientation(info):
        first = 2 if kept[1].startswith(bytes((0xFF, JFIF))) else 1
        kept.insert(first, _segment(EXIF_OR_XMP, EXIF + turned))
    return b"".join(kept)


def _note_of_jpeg(content: bytes, info: dict) -> None:
    if content.startswith(EXIF):  # several are one, in pieces
        info["exif"] = info.get("exif", b"") + content.removeprefix(EXIF)
    elif content.startswith(XMP_OF_JPEG):
        info["xmp"] = content.removeprefix(XMP_OF_JPEG)


def _kept_segment(marker: int, content: bytes) -> bytes:
    """Return what is kept of a segment: all, its head, or nothing."""
    if marker == JFIF and content.startswith(b"JFIF\0") and len(content) >= JFIF_BYTES:
        return _segment(marker, content[:JFIF_BYTES - 2] + bytes(2))  # a preview of 0 x 0 pixels
    if marker == ADOBE and content.startswith(b"Adobe") and len(content) >= ADOBE_BYTES:
        return _segment(marker, content[:ADOBE_BYTES])
    is_profile = marker == PROFILE and content.startswith(b"ICC_PROFILE\0")
    return _segment(marker, content) if is_profile or marker in NEEDED else b""


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def _clean_png(data: bytes) -> bytes:
    chunks = list(png.chunks_of(data))
    png.require_sound(chunks)
    if b"IDAT" not in [chunk.kind for chunk in chunks]:
        raise ImageError("damaged: there is no picture in it")
    info = {}
    for chunk in chunks:
        if chunk.kind == b"eXIf" and chunk.sound:
            info["exif"] = chunk.content
        elif chunk.kind in (b"tEXt", b"zTXt", b"iTXt") and chunk.sound:
            keyword, text = _text(chunk)
            info |= {keyword: text} if keyword in TEXTS else {}
    kept = [chunk for chunk in chunks if chunk.kind in CHUNKS
            and (chunk.sound or chunk.kind[:1].isupper())]
    if turned := _orientation(info):
        kept.insert(1, png.Chunk(b"eXIf", turned))
    return png.MAGIC + b"".join(map(bytes, kept))


def _text(chunk: png.Chunk) -> tuple[str, str]:
    """Return keyword and text of a chunk; an empty text where it cannot be unpacked."""
    keyword, _, rest = chunk.content.partition(b"\0")
    packed, text = chunk.kind == b"zTXt", rest
    if chunk.kind == b"zTXt":
        text = rest[1:]
    elif chunk.kind == b"iTXt":  # flag, method, language, translated keyword
        packed, text = rest[:1] == b"\1", rest[2:].split(b"\0", 2)[-1]
    if packed:
        try:
            text = zlib.decompressobj().decompress(text, MOST_TEXT)
        except zlib.error:
            text = b""
    return keyword.decode("latin-1"), text.decode("latin-1")


def _clean_webp(data: bytes) -> bytes:
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        raise ImageError("cut short")
    chunks = list(_chunks_of_webp(data[12:end]))
    first = dict(reversed(chunks))  # of each kind the first one counts
    flags = int.from_bytes(first.get(b"VP8X", b"")[:1], "little")
    turned = _orientation({name: first[kind] for name, kind, flag in OTHERS_OF_WEBP
                           if flags & flag and kind in first})
    flags = flags & ~(HAS_EXIF | HAS_XMP) | (HAS_EXIF if turned else 0)
    kept = []
    for kind, content in chunks:
        if kind == b"VP8X":
            content = bytes((flags,)) + content[1:]
        elif kind == b"ANMF":
            inner = ((own, pixels) for own, pixels in _chunks_of_webp(content[FRAME_HEADER:])
                     if own in FRAME_CHUNKS)
            content = content[:FRAME_HEADER] + _join_webp(inner)
        kept += [(kind, content)] if kind in WEBP_CHUNKS else []
    body = b"WEBP" + _join_webp(kept + ([(b"EXIF", turned)] if turned else []))
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _chunks_of_webp(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 0
    while place + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, place)
        content = data[place + 8:place + 8 + length]
        if len(content) < length:
            raise ImageError("cut short or damaged: a part of it is missing")
        yield kind, content
        place += 8 + length + length % 2


def _join_webp(parts: Iterable[tuple[bytes, bytes]]) -> bytes:
    return b"".join(struct.pack("<4sI", kind, len(content)) + content + bytes(len(content) % 2)
                    for kind, content in parts)
