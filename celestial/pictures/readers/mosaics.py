"""Demosaics frames of colour cameras: one colour a pixel becomes three colours a pixel."""

import numpy as np

PATTERNS = ("RGGB", "BGGR", "GRBG", "GBRG")


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
    filters = np.roll(np.reshape(["RGB".index(letter) for letter in name], (2, 2)), shift, (0, 1))
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
