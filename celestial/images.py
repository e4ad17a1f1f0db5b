"""Any picture file -> one RGB uint8 array, or one clear error. The only loader of the project."""

import io
import stat
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from celestial.colour import to_rgb
from celestial.errors import ImageError
from celestial.fits_images import FIRST_CARD, PACKED, read_fits, unpack
from celestial.stretch import USUAL, Stretch, by_depth

# Pillow would try every format it knows, among them some that start other programs (EPS) or
# unpack without a limit; content, not the extension, decides among these.
FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "JPEG2000", "PPM", "TIFF", "TGA")

MOST_BYTES = 1 << 31  # of a file
MOST_PIXELS = 2 * 89_478_485  # beyond twice its limit Pillow takes a file for an attack
MOST_RATIO = 1500  # decoded by stored bytes; deflate cannot pack more than 1032 to 1
HARMLESS = 1 << 26  # bytes that may come out of any file, however small it is
LARGE = 20_000_000  # pixels of a PNG, from which on it is read in strips

Image.MAX_IMAGE_PIXELS = MOST_PIXELS
warnings.simplefilter("error", Image.DecompressionBombWarning)

TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
PNG = b"\x89PNG\r\n\x1a\n"
HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"hevm", b"hevs", b"mif1", b"msf1")
HEAD = 64  # bytes that tell what a file is
NO_PICTURES = {
    b"%PDF": "a PDF document", b"%!PS": "a PostScript or EPS drawing, which is a program",
    b"\xc5\xd0\xd3\xc6": "an EPS drawing, which is a program", b"PK\3\4": "a ZIP archive",
    b"Rar!": "a RAR archive", b"7z\xbc\xaf": "a 7z archive", b"<!doctype html": "a web page",
    b"<html": "a web page", b"<svg": "an SVG drawing", b"<?xml": "an XML text",
    b"8BPS": "a Photoshop file: save it as TIFF or PNG", b"XISF0100": "an XISF file: save it as "
    "FITS or TIFF", b"LUCAM-RECORDER": "a SER video: save a frame of it", b"\x1aE\xdf\xa3":
    "a video: save a frame of it", b"FUJIFILMCCD-RAW": "a raw file of a camera: save it as TIFF",
}


@dataclass(frozen=True)
class Decoded:
    """A picture, and how large it is in the file.

    Attributes:
        picture: uint8 (height, width, 3), RGB, perhaps reduced.
        width, height: pixels, as the picture is shown, before any reduction.
    """

    picture: np.ndarray
    width: int
    height: int


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
    def factor_for(width: int, height: int) -> int:
        return 1 if at_least is None else max(1, max(width, height) // (2 * at_least))

    try:
        with _open(source) as file:
            return _decode(file, factor_for, at_least, stretch)
    except ImageError:
        raise
    except UnidentifiedImageError as error:
        raise ImageError("not a picture of a known format (its content, not its name, "
                         "decides)") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(f"more than {MOST_PIXELS:,} pixels") from error
    except MemoryError as error:
        raise ImageError("too large for the memory of this machine") from error
    except Exception as error:  # a damaged file makes the decoders raise errors of any type
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


def _decode(file: BinaryIO, factor_for: Callable[[int, int], int], at_least: int | None,
            stretch: Stretch) -> Decoded:
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    head = file.read(HEAD)
    file.seek(0)
    if not head:
        raise ImageError("the file is empty (0 bytes)")
    if head.startswith((FIRST_CARD, *PACKED)):
        return _from_fits(unpack(file, head), factor_for, stretch)
    if head.startswith(TIFF):
        return _from_tiff(file, size, factor_for, at_least, stretch)
    _refuse_no_picture(head)
    formats = FORMATS
    if head[4:8] == b"ftyp" and head[8:12] in HEIF_BRANDS:
        import pillow_heif  # it costs time, and few folders hold any

        pillow_heif.register_heif_opener()
        formats = ("HEIF",)
    if head.startswith(PNG) and _pixels_of_png(head) > LARGE:
        return _from_strips(file, size, "png", factor_for, stretch)
    return _from_pillow(file, size, formats, factor_for, at_least, stretch)


def _refuse_no_picture(head: bytes) -> None:
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    kind = next((kind for start, kind in NO_PICTURES.items()
                 if head.startswith(start) or text.startswith(start)), None)
    if head[4:8] == b"ftyp" and head[8:12] in (b"isom", b"mp41", b"mp42", b"qt  ", b"avc1"):
        kind = "a video: save a frame of it"
    if kind:
        raise ImageError(f"not a picture but {kind}")


def _pixels_of_png(head: bytes) -> int:
    return int.from_bytes(head[16:20], "big") * int.from_bytes(head[20:24], "big")


def _require_sane(width: int, height: int, bytes_a_pixel: int, size: int) -> None:
    """Refuse what is too large, or unpacks to far more than a picture would.

    Raises:
        ImageError: it does.
    """
    if width * height > MOST_PIXELS:
        raise ImageError(f"more than {MOST_PIXELS:,} pixels ({width:,} x {height:,})")
    unpacked = width * height * bytes_a_pixel
    if unpacked > max(HARMLESS, MOST_RATIO * size):
        raise ImageError(f"{size:,} bytes that unpack to {unpacked >> 20} MB, as no picture does")


def _from_fits(file: BinaryIO, factor_for: Callable[[int, int], int],
               stretch: Stretch) -> Decoded:
    if file.read(len(FIRST_CARD)) != FIRST_CARD:
        raise ImageError("not a picture but a packed file without FITS data in it")
    values, eight_bits, width, height = read_fits(file, MOST_PIXELS, factor_for)
    shown = by_depth(values, 255) if eight_bits else stretch.to_8_bits(values)
    return Decoded(_three(shown), width, height)


def _from_tiff(file: BinaryIO, size: int, factor_for: Callable[[int, int], int],
               at_least: int | None, stretch: Stretch) -> Decoded:
    from celestial.strips import NotBuiltIn

    try:
        return _from_strips(file, size, "tiff", factor_for, stretch)
    except NotBuiltIn:
        file.seek(0)
        return _from_pillow(file, size, ("TIFF",), factor_for, at_least, stretch)


def _from_strips(file: BinaryIO, size: int, form: str, factor_for: Callable[[int, int], int],
                 stretch: Stretch) -> Decoded:
    from celestial import strips  # libvips is loaded where there is something for it to do

    def check(width: int, height: int, bytes_a_pixel: int) -> None:
        _require_sane(width, height, bytes_a_pixel, size)

    values, width, height = strips.read(file, form, check, factor_for)
    white = strips.WHITE.get(values.dtype.name)
    shown = by_depth(values, white) if white else stretch.to_8_bits(values)
    return Decoded(_three(shown), width, height)


def _from_pillow(file: BinaryIO, size: int, formats: tuple[str, ...],
                 factor_for: Callable[[int, int], int], at_least: int | None,
                 stretch: Stretch) -> Decoded:
    with Image.open(file, formats=formats) as image:
        width, height = image.size
        _require_sane(width, height, len(image.getbands()), size)
        if at_least is not None:
            _reduce_decoding(image, file, at_least)
        form = image.format
        image.load()
        upright = _upright(image)
        if (upright.width > upright.height) != (image.width > image.height):
            width, height = height, width
        deep = upright.mode.startswith("I") or upright.mode == "F"
        shown = _deep(upright, form, stretch) if deep else to_rgb(upright)
        shown = shown.reduce(factor_for(*shown.size))
        return Decoded(np.array(shown.convert("RGB")), width, height)


def _reduce_decoding(image: Image.Image, file: BinaryIO, at_least: int) -> None:
    scale = 2 * at_least / max(image.size)
    if scale >= 1:
        return
    if image.format == "JPEG2000":
        image.reduce = min(int(-np.log2(scale)), _levels_of_jpeg2000(file))
        return
    wanted = tuple(max(1, round(side * scale)) for side in image.size)
    image.draft(image.mode, wanted)  # does nothing for formats other than JPEG


def _levels_of_jpeg2000(file: BinaryIO) -> int:
    """Return how often the stored picture can be halved (marker COD, ISO/IEC 15444-1, A.6.1)."""
    file.seek(0)
    start = file.read(1 << 16)
    place = start.find(b"\xff\x52", start.find(b"\xff\x4f\xff\x51"))
    return start[place + 9] if 0 <= place < len(start) - 9 else 0


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except (SyntaxError, ValueError, TypeError, KeyError, OverflowError, OSError):
        return image  # damaged notes beside a whole picture


def _deep(image: Image.Image, form: str, stretch: Stretch) -> Image.Image:
    """Return grey data of more than 8 bits as 8 bits."""
    values = np.asarray(image)
    if image.mode.startswith("I;16") or form in ("PNG", "JPEG2000") or (
            form == "PPM" and image.mode == "I"):  # Pillow scales deep PGM files to 16 bits
        return Image.fromarray(by_depth(values, 65535))
    return Image.fromarray(stretch.to_8_bits(values[:, :, None])[:, :, 0])


def _three(shown: np.ndarray) -> np.ndarray:
    """Repeat grey: uint8 (height, width, 1 or 3) -> (height, width, 3)."""
    return np.ascontiguousarray(np.broadcast_to(shown, (*shown.shape[:2], 3)))


def display_copy(picture: np.ndarray, longest_side: int) -> np.ndarray:
    """Return a copy of at most `longest_side` pixels, for showing; uint8 (height, width, 3)."""
    image = Image.fromarray(picture)
    image.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)
    return np.asarray(image)
