"""Any picture file -> one RGB uint8 array, or one clear error. The only loader of the project."""

import io
import stat
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

# Pillow would try every format it knows, among them some that start other programs (EPS) or
# unpack without a limit; content, not the extension, decides among these.
FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF", "JPEG2000", "PPM")

# Pillow's limit against files that unpack without end; it only warns, `load_image` refuses.
MOST_PIXELS = Image.MAX_IMAGE_PIXELS
MOST_BYTES = 1 << 30  # of a file; it is read as a whole
warnings.simplefilter("ignore", Image.DecompressionBombWarning)


class ImageError(Exception):
    """A file that is not a picture that can be read; the message is the reason, for a person."""


def load_image(source: Path | bytes, at_least: int | None = None) -> np.ndarray:
    """Decode a picture completely.

    EXIF orientation is applied, transparent parts lie on black, of several frames the first is
    taken, and deeper data are scaled to 8 bits by their depth, never clipped (see `_to_8_bits`).

    Args:
        source: a path, or the bytes of the file.
        at_least: the longest side that is needed, pixels. A large JPEG is then decoded at a
            reduced size of no less than twice that, which is several times faster and differs by
            less than 1/255 on average once it is resized.

    Returns:
        uint8 array of shape (height, width, 3), RGB.

    Raises:
        ImageError: the reason why the file cannot be used.
    """
    data = source if isinstance(source, bytes) else _read(source)
    if not data:
        raise ImageError("the file is empty (0 bytes)")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise Image.DecompressionBombError
            if at_least is not None:
                _reduce_decoding(image, at_least)
            image.load()
            return _to_rgb(ImageOps.exif_transpose(image), image.format)
    except UnidentifiedImageError as error:
        raise ImageError("not a picture of a known format (its content, not its name, "
                         "decides)") from error
    except Image.DecompressionBombError as error:
        raise ImageError(f"more than {MOST_PIXELS:,} pixels") from error
    except MemoryError as error:
        raise ImageError("too large for the memory of this machine") from error
    except Exception as error:  # a damaged file makes the decoders raise errors of any type
        raise ImageError(f"cut short or damaged: {error}") from error


def _read(path: Path) -> bytes:
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):
            raise ImageError("not a file, or a folder that cannot be entered")
        if state.st_size > MOST_BYTES:
            raise ImageError(f"larger than {MOST_BYTES >> 20} MB")
        return path.read_bytes()
    except OSError as error:
        raise ImageError(f"cannot be read: {error.strerror}") from error


def _reduce_decoding(image: Image.Image, at_least: int) -> None:
    scale = 2 * at_least / max(image.size)
    if scale < 1:
        wanted = tuple(max(1, round(side * scale)) for side in image.size)
        image.draft(image.mode, wanted)  # does nothing for formats other than JPEG


def _to_rgb(image: Image.Image, form: str) -> np.ndarray:
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image)
        if form == "PPM":
            values = values.astype(np.uint16)  # Pillow scales deep PGM files to 16 bits
        grey = _to_8_bits(values)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        black = Image.new("RGBA", image.size, (0, 0, 0, 255))
        image = Image.alpha_composite(black, image)
    return np.array(image.convert("RGB"))


def _to_8_bits(values: np.ndarray) -> np.ndarray:
    """Scale whole numbers or floats to 0..255 by the depth they were written with.

    16-bit data are divided by 257 (65535 / 255). Of 32-bit data the depth is not declared: it is
    the first of 1.0 (floats only), 255, 65535 that holds the maximum, else the maximum itself.
    """
    if values.dtype.kind == "u" and values.dtype.itemsize == 2:  # of either byte order
        full_scale = 65535.0
    else:
        values = np.nan_to_num(values.astype(np.float64), posinf=0.0, neginf=0.0)
        maximum = float(values.max())
        depths = [255.0, 65535.0, maximum]
        if np.any(values % 1):
            depths.insert(0, 1.0)
        full_scale = next(depth for depth in depths if depth >= maximum) or 1.0
    return np.rint(np.clip(values / full_scale, 0.0, 1.0) * 255.0).astype(np.uint8)


def display_copy(picture: np.ndarray, longest_side: int) -> np.ndarray:
    """Return a copy of at most `longest_side` pixels, for showing; uint8 (height, width, 3)."""
    image = Image.fromarray(picture)
    image.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)
    return np.asarray(image)
