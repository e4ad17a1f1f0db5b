"""Near-copies: a fingerprint of each picture that sees through what copying does to it.

A fingerprint holds the lowest waves of the cosine transform of the grey picture, and its colour.
Turning and mirroring change signs and swap rows with columns, so that one fingerprint serves all
eight orientations. A crop, gamma and clipped lights move it along known directions; what can be
explained by a small step along them does not count as a difference: the tangent distance of
Simard, LeCun and Denker (1993), "Efficient pattern recognition using a new transformation
distance", NIPS 5, with a Gaussian prior on the step.

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

from celestial.decoding import decode_all
from celestial.fingerprint_layout import (
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
)
from celestial.preprocessing import Preprocessing
from celestial.registration import are_copies, are_plain

NEAR = 0.17  # where there are no pixels; it sees 99 % of copies, 60 % of those cropped by up to 5 %
LOOSE = 0.42  # pictures further apart are not looked at: 99 % of copies cropped by 5 % are nearer
SAME = 0.06  # nearer than any two drawn pictures of different classes: planets are much alike

# In the comparison the finest waves count less, for a crop moves them most.
WEIGHTS = (STEEPNESS * np.exp(-((STEEPNESS / 9) ** 2) / 2)).astype(np.float32)
MARGIN = 0.055  # of a side; what lies at the border may be missing in a copy
POINTS = 14  # a side of the grid on which tangents are taken
NOISE = 0.2  # a change counts in full where the step along a tangent is this large a part of its
MOVE = 0.03  # usual move of an edge by a crop, in sides
TONE = 0.25  # usual change of gamma, and of lights that are clipped
HUE = 0.17  # between the colours of copies: 99.9 % of planted ones, gamma changes it most
EXPLAINED = 0.6  # squared; the most that a crop or tone changes
COLOUR_WEIGHT = 0.5
COARSE = 5  # waves with row + column <= COARSE choose the candidates of a group
CANDIDATES = 12  # pictures that each one is compared with
REACH = 0.4  # between the coarse waves of candidates
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
    shares = waves / max(_strength(loudness), 1e-6)
    # Square roots give the many weak waves finer steps than the few strong ones.
    steps = np.rint(np.sign(shares) * np.sqrt(np.abs(shares)) * LEVELS) + LEVELS
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
        stored = _Stored(known[first:first + CHUNK])
        for start in range(0, len(queries), CHUNK):
            part = slice(start, start + CHUNK)
            squares = stored.squares(queries[part])
            best = squares.argmin(axis=1)
            found = squares[np.arange(len(best)), best]
            better = found < closest[part]
            closest[part][better] = found[better]
            indices[part][better] = first + best[better]
    return np.sqrt(closest), indices


def distances(ones: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return how far pairs of pictures are apart, float32 (P,); see `nearest`.

    Args:
        ones, others: fingerprints, uint8 (P, WIDTH).
    """
    found = np.empty(len(ones), np.float32)
    for start in range(0, len(ones), CHUNK):
        part = slice(start, start + CHUNK)
        found[part] = np.sqrt(_Stored(others[part]).paired_squares(ones[part], slice(None)))
    return found


def group(fingerprints: np.ndarray, thumbnails: np.ndarray, at_most: float = LOOSE) -> np.ndarray:
    """Join near-copies into groups.

    Each picture is compared with the CANDIDATES that have the most similar coarse waves. Of these,
    pictures within SAME are copies; within `at_most` the pixels decide. Every picture of a group
    is a copy, or a copy of a copy, of the one in its middle: longer chains, which plain discs of
    every size form, are cut.

    Args:
        fingerprints: uint8 (N, WIDTH).
        thumbnails: uint8 (N, SIDE, SIDE), from `registration.thumbnail`.
        at_most: the distance of candidates.

    Returns:
        int64 (N,), the number of each picture's group, from 0 in the order of first appearance.
    """
    distinct, sample, member = np.unique(fingerprints, axis=0, return_index=True,
                                         return_inverse=True)
    ones, others = candidates(distinct, at_most)
    apart = distances(distinct[ones], distinct[others])
    # A crop makes any two plain discs the same: these have to be near without it.
    involved, place = np.unique(np.stack([ones, others]), return_inverse=True)
    plain = are_plain(thumbnails[sample[involved]])[place.reshape(2, -1)].any(axis=0)
    alike = apart <= np.where(plain, NEAR, SAME)
    asked = ~(alike | plain)
    alike[asked] = are_copies(thumbnails, sample[ones[asked]], sample[others[asked]])
    middles = _middles(len(distinct), ones[alike], others[alike])
    _, first, inverse = np.unique(middles[member.ravel()], return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse].astype(np.int64)


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


def candidates(data: np.ndarray, at_most: float = LOOSE) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs of pictures that may be copies, the smaller index first, int64 (P,) twice.

    Args:
        data: fingerprints, uint8 (N, WIDTH).
        at_most: the distance of a pair.
    """
    count = min(CANDIDATES + 1, len(data))
    if count < 2:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    features = _invariants(data)
    gaps, found = cKDTree(features).query(features, k=np.arange(2, count + 1), eps=SLACK,
                                          distance_upper_bound=REACH, workers=-1)
    pairs = []
    for start in range(0, len(data), CHUNK):
        part = slice(start, start + CHUNK)
        rows, columns = np.nonzero(np.isfinite(gaps[part]))
        others = found[part][rows, columns]
        # Most candidates need no closer look.
        near = _Stored(data[part]).paired_squares(data[others], rows, EXPLAINED) <= at_most**2
        near &= np.linalg.norm(_tints(data[part][rows]) - _tints(data[others]), axis=1) <= HUE
        pairs.append(np.stack([rows[near] + start, others[near]]))
    pairs = np.unique(np.sort(np.concatenate(pairs, axis=1), axis=0), axis=1)
    return pairs[0], pairs[1]


def _invariants(data: np.ndarray) -> np.ndarray:
    """Return features that no orientation changes, float32 (N, features).

    They are never further apart than the coarse waves in the best orientation: signs are left
    out, and of two waves that a quarter turn swaps the larger comes first.
    """
    waves = _plain_waves(data)
    waves[:, 0, 0] = 0
    waves /= np.maximum(np.linalg.norm(waves, axis=(1, 2), keepdims=True), 1e-6)
    size = np.abs(waves)
    turned = size.transpose(0, 2, 1)
    coarse = (ROWS + COLUMNS <= COARSE).reshape(ORDERS, ORDERS)
    upper, lower = np.triu(coarse), np.tril(coarse, -1)
    return np.concatenate([np.maximum(size, turned)[:, upper], np.minimum(size, turned)[:, lower],
                           _tints(data)], axis=1)


def _strength(loudness: np.ndarray | float) -> np.ndarray:
    return np.expm1(np.float32(loudness) / 255 * np.log1p(LOUDEST)).astype(np.float32)


def _plain_waves(data: np.ndarray) -> np.ndarray:
    """Return the waves that fingerprints hold, float32 (N, ORDERS, ORDERS)."""
    bits = np.unpackbits(data[:, 4:], axis=1)[:, :len(KEPT) * BITS]
    bits = bits.reshape(len(data), len(KEPT), BITS)
    steps = bits @ (1 << np.arange(BITS)[::-1]) - LEVELS
    waves = np.zeros((len(data), ORDERS * ORDERS), np.float32)
    waves[:, KEPT] = np.sign(steps) * np.square(steps / LEVELS) / STEEPNESS[KEPT]
    waves *= _strength(data[:, 1:2])
    waves[:, 0] = data[:, 0] * np.float32(GREY)
    return waves.reshape(-1, ORDERS, ORDERS)


def _tints(data: np.ndarray) -> np.ndarray:
    """Return red and blue against green, float32 (N, 2), weighted."""
    return COLOUR_WEIGHT * (data[:, 2:4].astype(np.float32) - 128) / 64


def _orientations(waves: np.ndarray) -> list[np.ndarray]:
    """Return the waves of the picture in its eight orientations, each (N, ORDERS, ORDERS)."""
    flip = (-1.0) ** np.arange(ORDERS, dtype=np.float32)
    return [turned * rows * columns for turned in (waves, waves.transpose(0, 2, 1))
            for rows in (1, flip[:, None]) for columns in (1, flip)]


def _basis(points: int, margin: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return waves (points, ORDERS), their slopes and the ruler (points,) from -1 to 1."""
    axis = margin + (1 - 2 * margin) * (np.arange(points) + 0.5) / points
    orders = np.pi * np.arange(ORDERS)
    phases = np.outer(axis, orders)
    return tuple(array.astype(np.float32)
                 for array in (np.cos(phases), -np.sin(phases) * orders, 2 * axis - 1))


def _centred(fields: np.ndarray) -> np.ndarray:
    return fields - fields.mean(axis=-1, keepdims=True)


COSINES, SLOPES, RULER = _basis(POINTS, MARGIN)
# The fields on the grid lie in a space of as many dimensions as there are waves: vectors of that
# length have the same products and are compared faster.
SPACE, TO_SPACE = np.linalg.qr(_centred(np.kron(COSINES, COSINES)[:, KEPT].T).T * WEIGHTS[KEPT])


def _vectors(waves: np.ndarray) -> np.ndarray:
    """Return the weighted field of each picture as a vector of length 1, float32 (N, waves)."""
    vectors = waves.reshape(-1, ORDERS * ORDERS)[:, KEPT] @ TO_SPACE.T
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)


class _Stored:
    """Known pictures, ready to be compared with others.

    Attributes:
        vectors: float32 (N, waves), length 1.
        tangents: float32 (6, N, waves); of a difference, the squares of its products with them
            are what a usual crop or change of tone explains.
        tints: float32 (N, 2).
    """

    def __init__(self, data: np.ndarray):
        waves = _plain_waves(data)
        self.vectors, self.tints = _vectors(waves), _tints(data)
        field, changes = _changes(waves)
        length = np.maximum(np.linalg.norm(field, axis=1), 1e-6)[:, None, None]
        changes = _centred(changes) / length
        field = field[:, None] / length
        changes = changes - (changes @ field.transpose(0, 2, 1)) * field
        prior = np.diag((NOISE / np.array([MOVE] * 4 + [TONE] * 2)) ** 2).astype(np.float32)
        stiffness = changes @ changes.transpose(0, 2, 1) + prior
        half = np.linalg.cholesky(np.linalg.inv(stiffness)).transpose(0, 2, 1)
        self.tangents = (half @ (changes @ SPACE)).transpose(1, 0, 2)

    def squares(self, queries: np.ndarray) -> np.ndarray:
        """Return the squared distance of each query to each known picture, float32 (Q, N)."""
        own = np.einsum("tnw,nw->tn", self.tangents, self.vectors)
        best = None
        for waves in _orientations(_plain_waves(queries)):
            turned = _vectors(waves)
            left = 2 - 2 * turned @ self.vectors.T
            for tangent, place in zip(self.tangents, own, strict=True):
                left -= np.square(turned @ tangent.T - place)
            best = left if best is None else np.minimum(best, left)
        tints = _tints(queries)[:, None] - self.tints
        return np.maximum(best, 0) + np.square(tints).sum(axis=2)

    def paired_squares(self, queries: np.ndarray, rows: np.ndarray | slice,
                       explained: float = np.inf) -> np.ndarray:
        """Return the squared distance of each query to the known picture in its row, (Q,).

        Where the plain squares are more than `explained` it is infinite.
        """
        vectors, tangents = self.vectors[rows], self.tangents[:, rows]
        best = np.full(len(queries), np.inf, np.float32)
        for waves in _orientations(_plain_waves(queries)):
            apart = _vectors(waves) - vectors
            lengths = np.square(apart).sum(axis=1)
            close = np.flatnonzero(lengths <= explained)
            along = np.einsum("tnw,nw->tn", tangents[:, close], apart[close])
            left = lengths[close] - np.square(along).sum(axis=0)
            best[close] = np.minimum(best[close], left)
        return np.maximum(best, 0) + np.square(_tints(queries) - self.tints[rows]).sum(axis=1)


def _changes(waves: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the weighted field of each picture and how crops and tones change it.

    Returns:
        float32 (N, points) and (N, 6, points): moved and grown across, moved and grown down,
        another gamma, clipped lights.
    """
    weights = WEIGHTS.reshape(ORDERS, ORDERS)
    shown = waves * weights
    field = COSINES @ shown @ COSINES.T
    across, down = COSINES @ shown @ SLOPES.T, SLOPES @ shown @ COSINES.T
    tones = [COSINES @ (tone * weights) @ COSINES.T for tone in _tones(waves)]
    changes = np.stack([across, across * RULER, down, down * RULER[:, None], *tones], axis=1)
    return field.reshape(len(waves), -1), changes.reshape(len(waves), len(changes[0]), -1)


def _tones(waves: np.ndarray) -> list[np.ndarray]:
    """Return the waves of what another gamma and clipped lights change, each like `waves`."""
    scales = np.sqrt(np.where(np.arange(ORDERS) > 0, 2, 1) / GREY).astype(np.float32)
    cosines = _basis(2 * ORDERS, 0)[0] * scales
    light = np.clip(cosines @ waves @ cosines.T / 255, 1 / 255, 1)
    lights = np.maximum(light - 0.75 * light.max(axis=(1, 2), keepdims=True), 0)
    back = cosines * GREY / (2 * ORDERS)
    return [back.T @ change @ back * 255 for change in (light * np.log(light), lights)]
