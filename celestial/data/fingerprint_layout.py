"""What stands in a fingerprint: the waves of a picture's cosine transform, a few bits of each."""

import numpy as np

GREY = 48  # pixels; side of the square that the waves are taken from
ORDERS = 12  # waves with row + column < ORDERS are kept
ROWS, COLUMNS = (index.ravel() for index in np.mgrid[:ORDERS, :ORDERS])
KEPT = np.flatnonzero((ROWS + COLUMNS > 0) & (ROWS + COLUMNS < ORDERS))
STEEPNESS = np.hypot(ROWS, COLUMNS)  # fine waves are weaker about in this proportion
BITS = 6  # of each wave
LEVELS = 2 ** (BITS - 1) - 1
LOUDEST = 4 * GREY * 256  # no wave times its steepness is stronger
WIDTH = 4 + (len(KEPT) * BITS + 7) // 8  # bytes: mean, strength, two colours, the waves


def strength(loudness: np.ndarray | float) -> np.ndarray:
    """Return the strongest wave, times its steepness, that a byte of loudness stands for."""
    return np.expm1(np.float32(loudness) / 255 * np.log1p(LOUDEST)).astype(np.float32)
