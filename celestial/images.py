"""Any picture file -> one RGB uint8 array, or one clear error. The only loader of the project."""

import io
import stat
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from celestial import fits_images, pillow_images
from celestial.import_errors import lacking
from celestial.reading import MOST_PIXELS, Decoded, ImageError, Request
from celestial.stretch import USUAL, Stretch

MOST_BYTES = 1 << 31  # of a file
LARGE = 20_000_000  # pixels of a PNG, from which on it is read in strips
HEAD = 64  # bytes that tell what a file is

TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
PNG = b"\x89PNG\r\n\x1a\n"
HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"hevm", b"hevs", b"mif1", b"msf1")
VIDEO_BRANDS = (b"isom", b"mp41", b"mp42", b"qt  ", b"avc1")
NO_PICTURES = {
    b"%PDF": "a PDF document",
    b"%!PS": "a PostScript or EPS drawing, which is a program",
    b"\xc5\xd0\xd3\xc6": "an EPS drawing, which is a program",
    b"PK\3\4": "a ZIP archive",
    b"Rar!": "a RAR archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"<!doctype html": "a web page",
    b"<html": "a web page",
    b"<svg": "an SVG drawing",
    b"<?xml": "an XML text",
    b"8BPS": "a Photoshop file: save it as TIFF or PNG",
    b"XISF0100": "an XISF file: save it as FITS or TIFF",
    b"LUCAM-RECORDER": "a SER video: save a frame of it",
    b"\x1aE\xdf\xa3": "a video: save a frame of it",
    b"FUJIFILMCCD-RAW": "a raw file of a camera: save it as TIFF",
}


def load_image(source: Path | bytes, at_least: int | None = None,
               stretch: Stretch = USUAL) -> np.ndarray:
    """Return the picture alone: see `decode`."""
    return decode(source, at_least, stretch).picture


def decode(source: Path | bytes, at_least: int | None = None,
           stretch: Stretch = USUAL) -> Decoded:
    """Decode a picture completely.

    EXIF orientation is applied, transparent parts lie on black, colours are sRGB, of several frames
    the first is taken and of a TIFF's pages the first of full size. Deeper data are scaled to 8
    bits by the depth they declare, never clipped, or stretched where they declare none.

    Args:
        source: a path, or the bytes of the file.
        at_least: the longest side that is needed, pixels. A larger picture is then reduced by a
            whole factor to no less than twice that, a JPEG while it is decoded, which is several
            times faster; once it is resized it differs by less than 1/255 on average.
        stretch: the rule for data that do not declare their depth.

    Raises:
        ImageError: the reason why the file cannot be used.
    """
    try:
        with _open(source) as file:
            size = file.seek(0, io.SEEK_END)
            file.seek(0)
            return _read(file, Request(size, at_least, stretch))
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
        raise ImageError(f"cut short or damaged{_words_of(error)}") from error


def _words_of(error: Exception) -> str:
    """Return a decoder's own words, on one line, where a person may learn something from them."""
    if not isinstance(error, (OSError, SyntaxError, EOFError)):
        return ""
    return ": " + "".join(letter if letter.isprintable() else " " for letter in str(error))


def _open(source: Path | bytes) -> AbstractContextManager[BinaryIO]:
    if isinstance(source, bytes):
        return nullcontext(io.BytesIO(source))
    state = source.stat()
    if stat.S_ISDIR(state.st_mode):
        raise ImageError("a link to a folder, which is not followed; name the folder itself"
                         if source.is_symlink() else "a folder that cannot be entered")
    if not stat.S_ISREG(state.st_mode):
        raise ImageError("not a file but a pipe, a socket or a device")
    if state.st_size > MOST_BYTES:
        raise ImageError(f"larger than {MOST_BYTES >> 20} MB")
    return source.open("rb")


def _read(file: BinaryIO, request: Request) -> Decoded:
    """Leave the file to the reader that its first bytes call for."""
    head = file.read(HEAD)
    file.seek(0)
    if not head:
        raise ImageError("the file is empty (0 bytes)")
    if head.startswith((fits_images.FIRST_CARD, *fits_images.PACKED)):
        return fits_images.read(fits_images.unpack(file, head), request)
    if head.startswith(TIFF):
        return _read_tiff(file, request)
    _refuse_no_picture(head)
    if head[4:8] == b"ftyp" and head[8:12] in HEIF_BRANDS:
        import pillow_heif  # it costs time, and few folders hold any

        pillow_heif.register_heif_opener()
        return pillow_images.read(file, request, ("HEIF",))
    if head.startswith(PNG) and _pixels_of_png(head) > LARGE:
        from celestial import strips  # libvips is loaded where there is something for it to do

        return strips.read(file, request, "png")
    return pillow_images.read(file, request)


def _read_tiff(file: BinaryIO, request: Request) -> Decoded:
    from celestial import strips

    try:
        return strips.read(file, request, "tiff")
    except strips.NotBuiltIn:
        file.seek(0)
        return pillow_images.read(file, request, ("TIFF",))


def _refuse_no_picture(head: bytes) -> None:
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    kind = next((kind for start, kind in NO_PICTURES.items()
                 if head.startswith(start) or text.startswith(start)), None)
    if head[4:8] == b"ftyp" and head[8:12] in VIDEO_BRANDS:
        kind = "a video: save a frame of it"
    if kind:
        raise ImageError(f"not a picture but {kind}")


def _pixels_of_png(head: bytes) -> int:
    return int.from_bytes(head[16:20], "big") * int.from_bytes(head[20:24], "big")


def display_copy(picture: np.ndarray, longest_side: int) -> np.ndarray:
    """Return a copy of at most `longest_side` pixels, for showing; uint8 (height, width, 3)."""
    image = Image.fromarray(picture)
    image.thumbnail((longest_side, longest_side), Image.Resampling.HAMMING)
    return np.asarray(image)
