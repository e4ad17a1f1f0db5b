"""Decodes any picture file to RGB, or raises one clear error: the only loader of the project."""

import io
import re
import stat
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from celestial.common.import_errors import lacking
from celestial.pictures.readers import brands, fits_images, icons, jpeg, pillow_images, png, raw
from celestial.pictures.readers.recordings import frames
from celestial.pictures.readers.recordings.moments import split
from celestial.pictures.readers.types import MOST_PIXELS, Damaged, Decoded, ImageError, Request
from celestial.pictures.stretch import USUAL, Stretch

MOST_BYTES = 1 << 31  # of a file that is not read in parts
LARGE = 20_000_000  # pixels of a PNG, from which on it is read in strips
HEAD = 4096  # bytes that tell what a file is
MOST_WORDS = 200  # characters of a decoder's own message

MENDED = {png.MAGIC: png.mend, jpeg.MAGIC: jpeg.mend}
XISF = b"XISF0100"
BEFORE_ROOT = re.compile(rb"\s+|<\?.*?\?>|<!--.*?-->", re.DOTALL)
ROOT = re.compile(rb"<(?:!doctype\s+)?(?:\w+:)?(\w+)")
MARKUP = {b"svg": "an SVG drawing", b"html": "a web page"}  # by the name of the root
DAMAGED, UNREADABLE = "cut short or damaged", "cannot be decoded"
UNSUPPORTED = re.compile("unsupported|not supported|support for|cannot handle", re.IGNORECASE)
CUT_SHORT = re.compile("truncated|end of file|too small|cannot read|parsing failed", re.IGNORECASE)
NO_PICTURES = {
    b"%PDF": "a PDF document",
    b"%!PS": "a PostScript or EPS drawing, which is a program",
    b"\xc5\xd0\xd3\xc6": "an EPS drawing, which is a program",
    b"PK\3\4": "a ZIP archive",
    b"Rar!": "a RAR archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"<?xml": "an XML text",
    b"8BPS": "a Photoshop file: save it as TIFF or PNG",
    b"\x1aE\xdf\xa3": "a video: save a frame of it",
}


def load_image(source: Path | bytes, at_least: int | None = None,
               stretch: Stretch = USUAL) -> np.ndarray:
    """Return the picture alone: see `decode`."""
    return decode(source, at_least, stretch).picture


def decode(source: Path | bytes, at_least: int | None = None,
           stretch: Stretch = USUAL) -> Decoded:
    """Decode a picture completely.

    EXIF orientation is applied, transparent parts are laid on black, and colours become sRGB. Of
    several frames the first is taken, of a TIFF's pages the first of full size, of a recording the
    sharpest frame. Deeper data are scaled to 8 bits by the depth they declare, never clipped; where
    they declare none, or are known to be linear, they are stretched.

    Args:
        source: a path, or the bytes of the file; of a recording also a path with the time of a
            frame, see `moments.split`.
        at_least: the longest side that is needed, pixels. A larger picture is reduced by a whole
            factor to no less than twice that; a JPEG is reduced while it is decoded, which is
            several times faster. Resized to `at_least`, the result differs by less than 1/255 on
            average from that of the whole picture.
        stretch: the rule for data that do not declare their depth.

    Raises:
        ImageError: the reason why the file cannot be used.
    """
    try:
        source, at = (source, None) if isinstance(source, bytes) else split(source)
        with open_source(source) as file:
            size = file.seek(0, io.SEEK_END)
            file.seek(0)
            return _read(file, Request(size, at_least, stretch, at))
    except ImageError:
        raise
    except UnidentifiedImageError as error:
        raise ImageError("not a picture of a known format (its content, not its name, "
                         "decides)") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(f"more than {MOST_PIXELS:,} pixels") from error
    except MemoryError as error:
        raise ImageError("too large for the memory, or damaged") from error
    except Exception as error:  # a damaged file makes the decoders raise errors of any type
        if sentence := lacking(error):
            raise ImageError(f"cannot be read here: {sentence}") from error
        if isinstance(error, OSError) and error.errno is not None:
            raise ImageError(f"cannot be read: {error.strerror}") from error
        if not isinstance(error, (OSError, SyntaxError, EOFError)):
            raise ImageError(DAMAGED) from error  # its words help no user
        unknown = UNSUPPORTED.search(str(error))
        raise ImageError(_with_words(UNREADABLE if unknown else DAMAGED, error)) from error


def _with_words(kind: str, error: Exception) -> str:
    """Return a reason with the decoder's own words, on one line."""
    words = "".join(letter if letter.isprintable() else " " for letter in str(error))
    return ": ".join(filter(None, [kind, words.strip()[:MOST_WORDS]]))


def open_source(source: Path | bytes) -> AbstractContextManager[BinaryIO]:
    """Open a file, or the bytes of one.

    Raises:
        ImageError: it is not a regular file.
    """
    if isinstance(source, bytes):
        return nullcontext(io.BytesIO(source))
    state = source.stat()
    if stat.S_ISDIR(state.st_mode):
        raise ImageError("a link to a folder, which is not followed; name the folder itself"
                         if source.is_symlink() else "a folder that cannot be entered")
    if not stat.S_ISREG(state.st_mode):
        raise ImageError("not a file but a pipe, a socket or a device")
    return source.open("rb")


def _read(file: BinaryIO, request: Request) -> Decoded:
    """Choose the reader by the file's first bytes, and read with it."""
    head = file.read(HEAD)
    file.seek(0)
    if not head:
        raise ImageError("the file is empty (0 bytes)")
    if frames.is_recording(head):
        return frames.read(frames.open_recording(file, head, request), request)
    if request.at is not None:
        raise ImageError("not a recording, so that no frame of it has a time")
    if head.startswith(XISF):
        from celestial.pictures.readers.xisf import xisf_pixels  # seldom needed

        return xisf_pixels.read(file, request)
    if request.size > MOST_BYTES:
        raise ImageError(f"larger than {MOST_BYTES >> 20} MB")
    if head.startswith((fits_images.FIRST_CARD, *fits_images.PACKED)):
        return fits_images.read(fits_images.unpack(file, head), request)
    if raw.is_raw(file, head):
        return raw.read(file, request)
    if head.startswith(raw.TIFF):
        from celestial.pictures.readers.tiff import (
            tiff_pixels,  # imported here, because it loads libvips
        )

        return tiff_pixels.read(file, request)
    _refuse_no_picture(head)
    if kind := brands.kind_of(head):
        return _read_modern(file, request, kind)
    if head.startswith(icons.MAGIC) and head[4:6] != b"\0\0":  # a TGA may begin as an icon does
        content = icons.largest(file)
        return _read_or_mend(io.BytesIO(content), request, content[:HEAD])
    return _read_or_mend(file, request, head)


def _read_modern(file: BinaryIO, request: Request, kind: str) -> Decoded:
    """Read an AVIF or a HEIF; their decoders say in words why they refuse a file."""
    if kind == brands.AVIF:
        from PIL.AvifImagePlugin import AvifImageFile as open_image
    else:
        from pillow_heif import HeifImageFile as open_image  # slow, and seldom needed
    try:
        return pillow_images.read(file, request, open_image)
    except UnicodeError:
        raise  # a ValueError, but not a decoder's
    except (SyntaxError, ValueError, RuntimeError, EOFError) as error:
        cut = CUT_SHORT.search(str(error))
        raise ImageError(_with_words(DAMAGED if cut else UNREADABLE, error)) from error


def _read_or_mend(file: BinaryIO, request: Request, head: bytes) -> Decoded:
    """Read a usual format; of a PNG or JPEG that its decoder refuses, read the sound part.

    Raises:
        As `pillow_images.read`.
    """
    mend = next((mend for magic, mend in MENDED.items() if head.startswith(magic)), None)
    try:
        return _read_usual(file, request, head)
    except Exception as error:  # a damaged file makes the decoders raise errors of any type
        if mend is None or not _gave_up(error):
            raise
        file.seek(0)
        mended = mend(file, request)
        if mended is None:
            raise
    if mended.note == "":
        return _read_usual(mended.content, request, head)
    decoded = pillow_images.read(mended.content, request, sound_rows=mended.sound_rows)
    return replace(decoded, note=mended.note)


def _gave_up(error: Exception) -> bool:
    """Tell whether the decoder refused the file, rather than a limit, the memory or the disk."""
    if isinstance(error, ImageError):
        return isinstance(error, Damaged)
    stopped = (MemoryError, Image.DecompressionBombError, Image.DecompressionBombWarning)
    return not isinstance(error, stopped) and getattr(error, "errno", None) is None


def _read_usual(file: BinaryIO, request: Request, head: bytes) -> Decoded:
    if head.startswith(png.MAGIC) and _pixels_of_png(head) > LARGE:
        from celestial.pictures.readers import (
            vips,  # imported here, because it loads libvips
        )

        return vips.read_png(file, request)
    try:
        return pillow_images.read(file, request)
    except UnidentifiedImageError as error:
        if head.startswith(tuple(MENDED)):
            raise Damaged(f"{DAMAGED}: its header makes no sense") from error
        raise


def _refuse_no_picture(head: bytes) -> None:
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    kind = _markup_of(text) or next((kind for start, kind in NO_PICTURES.items()
                                     if head.startswith(start) or text.startswith(start)), None)
    if kind:
        raise ImageError(f"not a picture but {kind}")


def _markup_of(text: bytes) -> str | None:
    """Return what a text is, by its root element; comments and an XML line may precede that."""
    while found := BEFORE_ROOT.match(text):
        text = text[found.end():]
    root = ROOT.match(text)
    return MARKUP.get(root[1]) if root else None


def _pixels_of_png(head: bytes) -> int:
    return int.from_bytes(head[16:20], "big") * int.from_bytes(head[20:24], "big")


def display_copy(picture: np.ndarray, longest_side: int) -> np.ndarray:
    """Return a copy of at most `longest_side` pixels, for showing; uint8 (height, width, 3)."""
    image = Image.fromarray(picture)
    image.thumbnail((longest_side, longest_side), Image.Resampling.HAMMING)
    return np.asarray(image)
