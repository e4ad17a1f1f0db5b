"""Reads frames in strips, reduced; of colour cameras one colour a pixel becomes three."""

from collections.abc import Callable

import numpy as np

PATTERNS = ("RGGB", "BGGR", "GRBG", "GBRG")
STRIP = 1 << 22  # values that are read at once


def pattern(name: str, letters: str = "RGB") -> np.ndarray:
    """Return the numbers in `letters` of four filters that are named row by row: int (2, 2)."""
    return np.reshape([letters.index(letter) for letter in name], (2, 2))


def read_planes(section: Callable[[int, slice], np.ndarray], shape: tuple[int, int, int],
                factor: int, filters: np.ndarray | None = None) -> np.ndarray:
    """Read an image in strips, so that a large one fits in memory, and demosaic it.

    Args:
        section: number of a plane and rows that are wanted -> their values, (rows, columns).
        shape: rows, columns and planes of the image.
        factor: each value becomes the mean of factor x factor, of fewer at the lower and right
            edge; what is no finite number counts in no mean.
        filters: `pattern` of the colour filters before the pixels of the only plane; None: none.

    Returns:
        (height, width, planes), or (height, width, 3) where there are filters.
    """
    rows, columns, planes = shape
    if filters is None:
        return np.stack([_read_plane(section, plane, (rows, columns), factor,
                                     lambda values: values[None])[0]
                         for plane in range(planes)], axis=-1)
    if factor == 1:
        colours = interpolated(_read_plane(section, 0, (rows, columns), 1,
                                           lambda values: taken_apart(values, filters)))
    else:
        colours = _read_plane(section, 0, (rows // 2 * 2, columns), factor // 2,
                              lambda values: halved(values, filters))
    return np.moveaxis(colours, 0, -1)


def _read_plane(section: Callable[[int, slice], np.ndarray], plane: int, shape: tuple[int, int],
                factor: int, split: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Return one plane, reduced; `split` turns an even number of rows, (height, width), into
    channels, (N, height, width).
    """
    rows, columns = shape
    height = 2 * factor * max(1, STRIP // (columns * 2 * factor))
    return np.concatenate([
        np.stack([block_means(channel, factor) for channel in split(section(plane, part))])
        for part in (slice(top, min(top + height, rows)) for top in range(0, rows, height))],
        axis=1)


def block_means(values: np.ndarray, factor: int) -> np.ndarray:
    """Average the finite values of each block of pixels; NaN where there are none.

    (height, width) -> (ceil(height / factor), ceil(width / factor))
    """
    if factor == 1:
        return values
    finite = np.isfinite(values)
    sums = _block_sums(np.where(finite, values, 0), factor)
    with np.errstate(invalid="ignore"):  # NaN where a block has no number
        return (sums / _block_sums(finite, factor)).astype(np.float32)


def _block_sums(values: np.ndarray, factor: int) -> np.ndarray:
    """Add up the numbers of each block of pixels: (height, width) -> float64, see `block_means`."""
    for axis in (0, 1):
        starts = np.arange(0, values.shape[axis], factor)
        values = np.add.reduceat(values, starts, axis, dtype=np.float64)
    return values


def filters_of(header, rows: int, bottom_up: bool) -> np.ndarray | None:
    """Return the colour filters of the first two rows and columns that a FITS file holds.

    BAYERPAT, or COLORTYP, names the filters at the picture's upper left corner, shifted by XBAYROFF
    and YBAYROFF (https://siril.readthedocs.io/en/stable/file-formats/FITS.html).

    Args:
        header: of the image.
        rows: its height.
        bottom_up: whether the file's last row is the uppermost of the picture.

    Returns:
        0, 1, 2 for red, green, blue: int (2, 2); None where the header names no pattern.
    """
    name = str(header.get("BAYERPAT", header.get("COLORTYP", ""))).strip().upper()
    if name not in PATTERNS:
        return None
    offsets = [header.get(key, 0) for key in ("YBAYROFF", "XBAYROFF")]
    shift = [-round(offset) if isinstance(offset, (int, float)) else 0 for offset in offsets]
    filters = np.roll(pattern(name), shift, (0, 1))
    return filters[(rows - 1 - np.arange(2)) % 2] if bottom_up else filters


def taken_apart(values: np.ndarray, filters: np.ndarray) -> np.ndarray:
    """Return each colour alone, NaN elsewhere: (height, width) -> float32 (3, height, width)."""
    height, width = values.shape
    colours = np.tile(filters, (height // 2 + 1, width // 2 + 1))[:height, :width]
    return np.where(colours == np.arange(3)[:, None, None], values, np.nan).astype(np.float32)


def interpolated(colours: np.ndarray) -> np.ndarray:
    """Fill the gaps of `taken_apart` bilinearly; float32 (3, height, width), the same shape.

    It is written by hand, because OpenCV's demosaicing takes whole numbers alone and lets a NaN
    spoil its neighbours.
    """
    import cv2

    weights = np.outer((1, 2, 1), (1, 2, 1)) / 16
    filled = np.empty_like(colours)
    for number, colour in enumerate(colours):
        known = np.isfinite(colour)
        amount, proportion = (
            cv2.filter2D(part, -1, weights, borderType=cv2.BORDER_CONSTANT)
            for part in (np.where(known, colour, np.float32(0)), np.float32(known)))
        with np.errstate(invalid="ignore"):  # NaN where no neighbour is known
            filled[number] = np.where(known, colour, amount / proportion)
    return filled


def halved(values: np.ndarray, filters: np.ndarray) -> np.ndarray:
    """Make one pixel of every four: (height, width) -> float32 (3, height // 2, width // 2)."""
    height, width = np.array(values.shape) // 2 * 2
    quarters = [[values[y:height:2, x:width:2] for y, x in np.argwhere(filters == colour)]
                for colour in range(3)]
    return np.stack([np.mean(same, axis=0, dtype=np.float32) for same in quarters])
