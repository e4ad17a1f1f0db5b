"""Near-copies: a fingerprint of each picture that sees through what copying does to it.

A fingerprint holds the lowest waves of the cosine transform of the grey picture, and its colour.
Turning and mirroring change signs and swap rows with columns, so that one fingerprint serves all
eight orientations. A crop, gamma and clipped lights move it along known directions; what can be
explained by a small step along them does not count as a difference: the tangent distance of
Simard, LeCun and Denker (1993), "Efficient pattern recognition using a new transformation
distance", NIPS 5, with a Gaussian prior on the step.

By hand, because no library has it.

Where the pictures are at hand (`group`) fingerprints choose the candidates and the pixels decide.
Where there are fingerprints only (`nearest`, the training list in a checkpoint) NEAR decides.
"""

from collections.abc import Iterable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from scipy.fft import dctn
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from celestial.data.copy_check import are_copies, are_plain
from celestial.data.fingerprint_distance import EXPLAINED, Prepared, plain_waves, tints_of
from celestial.data.fingerprint_layout import (
    BITS,
    COLUMNS,
    GREY,
    KEPT,
    LEVELS,
    LOUDEST,
    ORDERS,
    ROWS,
    STEEPNESS,
    WIDTH,
    strength,
)
from celestial.pictures.decoder_pool import decode_all
from celestial.pictures.preprocessing import Preprocessing

NEAR = 0.17  # where there are no pixels; it sees 99 % of copies, 60 % of those cropped by up to 5 %
LOOSE = 0.42  # pictures further apart are not looked at: 99 % of copies cropped by 5 % are nearer
# Nearer than any two drawn pictures of different classes: planets are much alike.
COPY_DISTANCE = 0.06
HUE = 0.17  # between the colours of copies: 99.9 % of planted ones, gamma changes it most
COARSE = 5  # waves with row + column <= COARSE choose the candidates of a group
CANDIDATES = 12  # pictures that each one is compared with
REACH = 0.4  # between the coarse waves of candidates
# ... of those within COPY_DISTANCE: of 888 planted copies none are further than 0.09.
REACH_OF_COPIES = 0.2
LINKS = 2  # from the middle of a group to its far members
SLACK = 0.5  # relative error that the search for them may make; it is several times faster
CHUNK = 1024  # pictures at once


def fingerprint(picture: np.ndarray) -> np.ndarray:
    """Return the fingerprint of a picture.

    Args:
        picture: uint8 (height, width, 3), RGB.

    Returns:
        uint8 (WIDTH,), to be compared by `nearest` and `group` only.
    """
    small = cv2.resize(picture, (GREY, GREY), interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
    waves = (dctn(grey, norm="ortho")[:ORDERS, :ORDERS].ravel() * STEEPNESS)[KEPT]
    loudness = np.ceil(255 * np.log1p(np.abs(waves).max()) / np.log1p(LOUDEST))
    proportions = waves / max(strength(loudness), 1e-6)
    # Square roots give the many weak waves finer steps than the few strong ones.
    steps = np.rint(np.sign(proportions) * np.sqrt(np.abs(proportions)) * LEVELS) + LEVELS
    bits = np.unpackbits(steps.astype(np.uint8)[:, None], axis=1)[:, -BITS:]
    red, green, blue = small.reshape(-1, 3).mean(axis=0)
    tints = np.array([red - green, blue - green]) / max(4.0, (red + green + blue) / 3)
    head = [grey.mean(), loudness, *np.clip(64 * tints + 128, 0, 255)]
    return np.concatenate([np.rint(head).astype(np.uint8), np.packbits(bits.ravel())])


def fingerprint_files(paths: Iterable[Path], preprocessing: Preprocessing,
                      workers: int) -> np.ndarray:
    """Return the fingerprint of each file, of 0 where it cannot be read: uint8 (N, WIDTH).

    Args:
        paths: the files.
        preprocessing: decodes, so that copies of one picture are decoded in the same way.
        workers: see `decoding.decode_all`.
    """
    found = decode_all(partial(_fingerprint_file, preprocessing), paths, workers)
    prints = [one if isinstance(one, np.ndarray) else np.zeros(WIDTH, np.uint8)
              for _, one in found]
    return np.array(prints, np.uint8).reshape(-1, WIDTH)


def _fingerprint_file(preprocessing: Preprocessing, path: Path) -> np.ndarray:
    return fingerprint(preprocessing.load(path))


def nearest(queries: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the nearest known picture of each query, over all eight orientations.

    Args:
        queries: fingerprints, uint8 (N, WIDTH).
        known: fingerprints, uint8 (M, WIDTH), M at least 1.

    Returns:
        Distances, float32 (N,): at most NEAR for near-copies, about 1.4 for pictures that share
        nothing; and indices into `known`, int64 (N,).
    """
    closest = np.full(len(queries), np.inf, np.float32)
    indices = np.zeros(len(queries), np.int64)
    for first in range(0, len(known), CHUNK):
        stored = Prepared(known[first:first + CHUNK])
        for start in range(0, len(queries), CHUNK):
            part = slice(start, start + CHUNK)
            squares = stored.squares(Prepared(queries[part]))
            best = squares.argmin(axis=1)
            found = squares[np.arange(len(best)), best]
            better = found < closest[part]
            closest[part][better] = found[better]
            indices[part][better] = first + best[better]
    return np.sqrt(closest), indices


def distances(ones: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return how far pairs of pictures are apart, float32 (P,); see `nearest`.

    Flat pictures of one colour are 0 apart, whatever their brightness; a flat picture and another
    about 1.4.

    Args:
        ones, others: fingerprints, uint8 (P, WIDTH).
    """
    found = np.empty(len(ones), np.float32)
    for start in range(0, len(ones), CHUNK):
        part = slice(start, start + CHUNK)
        rows = np.arange(len(ones[part]))
        found[part] = np.sqrt(Prepared(others[part]).paired_squares(rows, Prepared(ones[part]),
                                                                   rows))
    return found


def group(fingerprints: np.ndarray, thumbnails: np.ndarray, at_most: float = LOOSE) -> np.ndarray:
    """Join near-copies into groups.

    Each picture is compared with the CANDIDATES that have the most similar coarse waves, and
    `are_near_copies` decides. Every picture of a group is a copy, or a copy of a copy, of the one
    in its middle: longer chains, which plain discs of every size form, are cut. Of many copies the
    candidates are a few alone: the middles are compared again until no more join.

    Args:
        fingerprints: uint8 (N, WIDTH).
        thumbnails: uint8 (N, SIDE, SIDE), from `copy_check.thumbnail`.
        at_most: the distance of candidates.

    Returns:
        int64 (N,), the number of each picture's group, from 0 in the order of first appearance.
    """
    distinct, sample, member = np.unique(fingerprints, axis=0, return_index=True,
                                         return_inverse=True)
    count = len(distinct)
    middles, compared, plain = np.arange(count), np.zeros(0, np.int64), Plainness(thumbnails)
    present = asked = np.arange(count)
    while len(asked):
        ones, others = candidates(distinct[present], np.searchsorted(present, asked), at_most)
        ones, others = present[ones], present[others]
        new = ~np.isin(ones * count + others, compared)
        ones, others = ones[new], others[new]
        compared = np.concatenate([compared, ones * count + others])
        apart = np.minimum(distances(distinct[ones], distinct[others]),
                           distances(distinct[others], distinct[ones]))
        alike = are_near_copies(thumbnails, plain, sample[ones], sample[others], apart)
        joined = _middles(count, ones[alike], others[alike])
        middles, asked = joined[middles], np.unique(joined[joined != np.arange(count)])
        present = np.unique(middles)
    _, first, inverse = np.unique(middles[member.ravel()], return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse].astype(np.int64)


class Plainness:
    """Which pictures are plain discs and the like; each is looked at once, which takes 10 ms."""

    def __init__(self, thumbnails: np.ndarray):
        """Take uint8 (N, SIDE, SIDE), from `copy_check.thumbnail`."""
        self.thumbnails = thumbnails
        self.known = np.zeros(len(thumbnails), bool)
        self.plain = np.zeros(len(thumbnails), bool)

    def of(self, indices: np.ndarray) -> np.ndarray:
        """Return whether each picture is plain, bool, of the shape of its int64 `indices`."""
        new = np.unique(indices[~self.known[indices]])
        self.plain[new], self.known[new] = are_plain(self.thumbnails[new]), True
        return self.plain[indices]


def are_near_copies(thumbnails: np.ndarray, plainness: Plainness, ones: np.ndarray,
                    others: np.ndarray, apart: np.ndarray,
                    one_class: np.ndarray | bool = True) -> np.ndarray:
    """Return which pairs of pictures within LOOSE are near-copies, bool (P,).

    Within COPY_DISTANCE they are, and in two classes no others, because there the pixels of
    planets err. A crop makes any two plain discs of one class the same: these have to be within
    NEAR. Of all others the pixels decide.

    Args:
        thumbnails: uint8 (N, SIDE, SIDE), from `copy_check.thumbnail`.
        plainness: of these.
        one_class: bool (P,), or of all pairs: both pictures are of one class.
        ones, others: indices of the pairs, int64 (P,); the smaller fingerprint comes first, for
            the pixels may decide otherwise the other way round.
        apart: the distance of their fingerprints, either way the smaller, float32 (P,).
    """
    alike = apart <= COPY_DISTANCE
    open_ = np.flatnonzero(~alike & one_class)
    plain = plainness.of(np.stack([ones[open_], others[open_]])).any(axis=0)
    alike[open_[plain]] = apart[open_[plain]] <= NEAR
    asked = open_[~plain]
    alike[asked] = are_copies(thumbnails, ones[asked], others[asked])
    return alike


def _middles(count: int, ones: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the picture in the middle of each picture's group, int64 (count,).

    The middle of what hangs together is the picture with the most copies. What is more than LINKS
    copies of copies away is grouped again without it.
    """
    middles = np.arange(count)
    while len(ones):
        graph = coo_matrix((np.ones(len(ones), bool), (ones, others)), (count, count))
        parts = connected_components(graph, directed=False)[1]
        copies = np.bincount(np.concatenate([ones, others]), minlength=count)
        order = np.lexsort((-copies, parts))
        middle_of = order[np.unique(parts[order], return_index=True)[1]][parts]
        reached = middle_of == np.arange(count)
        for _ in range(LINKS):
            linked = ones[reached[others]], others[reached[ones]]
            reached[linked[0]] = reached[linked[1]] = True
        reached &= copies > 0
        middles[reached] = middle_of[reached]
        left = ~(reached[ones] | reached[others])
        ones, others = ones[left], others[left]
    return middles


def candidates(data: np.ndarray, asked: np.ndarray,
               at_most: float) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs of pictures that may be copies, the smaller index first, int64 (P,) twice.

    Args:
        data: fingerprints, uint8 (N, WIDTH).
        asked: indices of the pictures whose CANDIDATES are looked for.
        at_most: the distance of a pair.
    """
    count = min(CANDIDATES + 1, len(data))
    if count < 2:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    features, reach = _invariants(data), REACH if at_most > COPY_DISTANCE else REACH_OF_COPIES
    gaps, found = cKDTree(features).query(features[asked], k=np.arange(1, count + 1), eps=SLACK,
                                          distance_upper_bound=reach, workers=-1)
    pairs = []
    for start in range(0, len(asked), CHUNK):
        part = slice(start, start + CHUNK)
        rows, columns = np.nonzero(np.isfinite(gaps[part])
                                   & (found[part] != asked[part][:, None]))
        others, own = found[part][rows, columns], data[asked[part]]
        # Most candidates need no closer look.
        alike = np.linalg.norm(tints_of(own[rows]) - tints_of(data[others]), axis=1) <= HUE
        rows, others = rows[alike], others[alike]
        near = Prepared(own).paired_squares(rows, Prepared(data[others]), np.arange(len(rows)),
                                            EXPLAINED) <= at_most**2
        pairs.append(np.stack([asked[part][rows[near]], others[near]]))
    pairs = np.unique(np.sort(np.concatenate(pairs, axis=1), axis=0), axis=1)
    return pairs[0], pairs[1]


def _invariants(data: np.ndarray) -> np.ndarray:
    """Return features that no orientation changes, float32 (N, features).

    They are never further apart than the coarse waves in the best orientation: signs are left
    out, and of two waves that a quarter turn swaps the larger comes first.
    """
    waves = plain_waves(data)
    waves[:, 0, 0] = 0
    waves /= np.maximum(np.linalg.norm(waves, axis=(1, 2), keepdims=True), 1e-6)
    size = np.abs(waves)
    turned = size.transpose(0, 2, 1)
    coarse = (ROWS + COLUMNS <= COARSE).reshape(ORDERS, ORDERS)
    upper, lower = np.triu(coarse), np.tril(coarse, -1)
    return np.concatenate([np.maximum(size, turned)[:, upper], np.minimum(size, turned)[:, lower],
                           tints_of(data)], axis=1)
