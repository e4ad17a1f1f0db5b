"""A fingerprint: 62 bytes that hold a picture's coarse shape and its colour.

The picture becomes a small grey square, and the square a sum of cosine waves. The fingerprint holds
the coarsest of these waves, six bits of each. Its use and a worked example: docs/near-copies.md.

By hand, because no library has a fingerprint whose distance allows for crops and other gammas.
"""

from collections.abc import Iterable
from functools import partial
from pathlib import Path

import numpy as np

from celestial.pictures.decoder_pool import decode_all
from celestial.pictures.preprocessing import Preprocessing

# Which waves. All four numbers were chosen by hand, so that a fingerprint fits into 64 bytes.
SQUARE = 48  # pixels; side of the grey square that the waves are taken from
ORDERS = 12  # a wave is kept where row + column < ORDERS: 77 of them, without the mean
ROWS, COLUMNS = (index.ravel() for index in np.mgrid[:ORDERS, :ORDERS])
KEPT = np.flatnonzero((ROWS + COLUMNS > 0) & (ROWS + COLUMNS < ORDERS))
FREQUENCY = np.hypot(ROWS, COLUMNS)  # waves times this are about equally strong in photographs
BITS = 6  # of each wave, its sign among them
LEVELS = 2 ** (BITS - 1) - 1

MAX_AMPLITUDE = 4 * SQUARE * 256  # no wave times its frequency is stronger
FLAT = 0.1  # grey levels; weaker waves are the rounding of the transform (chosen by hand)
WIDTH = 4 + (len(KEPT) * BITS + 7) // 8  # bytes: mean, amplitude, two colours, the waves


def fingerprint(picture: np.ndarray) -> np.ndarray:
    """Return the fingerprint of a picture.

    Args:
        picture: uint8 (height, width, 3), RGB.

    Returns:
        uint8 (WIDTH,), to be compared by `fingerprint_distance` and `near_copies.group` only.
    """
    import cv2  # predicting, which needs WIDTH alone, starts half a second earlier without these
    from scipy.fft import dctn

    small = cv2.resize(picture, (SQUARE, SQUARE), interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
    waves = (dctn(grey, norm="ortho")[:ORDERS, :ORDERS].ravel() * FREQUENCY)[KEPT]
    amplitude_byte = np.ceil(255 * np.log1p(np.abs(waves).max()) / np.log1p(MAX_AMPLITUDE))
    proportions = waves / max(_amplitude(amplitude_byte), 1e-6)
    # Square roots give the many weak waves finer steps than the few strong ones.
    steps = np.rint(np.sign(proportions) * np.sqrt(np.abs(proportions)) * LEVELS) + LEVELS
    bits = np.unpackbits(steps.astype(np.uint8)[:, None], axis=1)[:, -BITS:]
    red, green, blue = small.reshape(-1, 3).mean(axis=0)
    tints = np.array([red - green, blue - green]) / max(4.0, (red + green + blue) / 3)
    head = [grey.mean(), amplitude_byte, *np.clip(64 * tints + 128, 0, 255)]
    return np.concatenate([np.rint(head).astype(np.uint8), np.packbits(bits.ravel())])


def fingerprint_files(paths: Iterable[Path], preprocessing: Preprocessing,
                      workers: int) -> np.ndarray:
    """Return the fingerprint of each file, of 0 where it cannot be read: uint8 (N, WIDTH).

    Args:
        paths: the files.
        preprocessing: decodes, so that copies of one picture are decoded in the same way.
        workers: see `decoder_pool.decode_all`.
    """
    found = decode_all(partial(_fingerprint_file, preprocessing), paths, workers)
    prints = [one if isinstance(one, np.ndarray) else np.zeros(WIDTH, np.uint8)
              for _, one in found]
    return np.array(prints, np.uint8).reshape(-1, WIDTH)


def _fingerprint_file(preprocessing: Preprocessing, path: Path) -> np.ndarray:
    return fingerprint(preprocessing.load(path))


def waves_of(data: np.ndarray) -> np.ndarray:
    """Return the waves that fingerprints hold.

    Args:
        data: fingerprints, uint8 (N, WIDTH).

    Returns:
        float32 (N, ORDERS, ORDERS), grey levels times SQUARE; 0 where a wave is not kept.
    """
    bits = np.unpackbits(data[:, 4:], axis=1)[:, :len(KEPT) * BITS]
    bits = bits.reshape(len(data), len(KEPT), BITS)
    steps = bits @ (1 << np.arange(BITS)[::-1]) - LEVELS
    waves = np.zeros((len(data), ORDERS * ORDERS), np.float32)
    waves[:, KEPT] = np.sign(steps) * np.square(steps / LEVELS) / FREQUENCY[KEPT]
    amplitudes = _amplitude(data[:, 1:2])
    waves *= np.where(amplitudes > FLAT, amplitudes, 0)
    waves[:, 0] = data[:, 0] * np.float32(SQUARE)
    return waves.reshape(-1, ORDERS, ORDERS)


def colours_of(data: np.ndarray) -> np.ndarray:
    """Return red less green and blue less green that fingerprints hold, float32 (N, 2).

    Args:
        data: fingerprints, uint8 (N, WIDTH).

    Returns:
        Proportions of the picture's mean brightness, from -2 to 2.
    """
    return (data[:, 2:4].astype(np.float32) - 128) / 64


def _amplitude(byte: np.ndarray | float) -> np.ndarray:
    """Return the largest wave, times its frequency, that the second byte stands for."""
    return np.expm1(np.float32(byte) / 255 * np.log1p(MAX_AMPLITUDE)).astype(np.float32)
