"""How far fingerprints are apart, over all eight orientations.

Turning and mirroring change signs of waves and swap rows with columns, so that one fingerprint
serves all eight orientations. A crop, another gamma and clipped lights move it along directions
that are known; what a small step along these explains does not count as a difference. This is the
tangent distance of Simard, LeCun and Denker (1993), "Efficient pattern recognition using a new
transformation distance", NIPS 5, with a Gaussian prior on the step.

docs/near-copies.md has a worked example and says how each threshold was found.
"""

from functools import cached_property

import numpy as np

from celestial.data.fingerprints import FREQUENCY, KEPT, ORDERS, SQUARE, colours_of, waves_of

# Where there are fingerprints and no pixels, as of training pictures in a checkpoint, pictures
# within this distance count as near-copies: 94 % of planted copies, 4 % of those cropped by 5 % at
# two edges, none of 980 other pairs (benchmarks/near_copies_thresholds.py).
NEAR_COPY_THRESHOLD = 0.17
CHUNK = 1024  # pictures at once


def nearest(queries: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the nearest known picture of each query, over all eight orientations.

    Args:
        queries: fingerprints, uint8 (N, WIDTH).
        known: fingerprints, uint8 (M, WIDTH), M at least 1.

    Returns:
        Distances, float32 (N,): at most NEAR_COPY_THRESHOLD for near-copies, about 1.4 for
        pictures that have nothing in common; and indices into `known`, int64 (N,).
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


# What is compared: the shapes that the waves draw, on a grid inside the border, and the colours.
# In the comparison the finest waves count less, because a crop moves them most.
WEIGHTS = (FREQUENCY * np.exp(-((FREQUENCY / 9) ** 2) / 2)).astype(np.float32)
MARGIN = 0.055  # of a side; what lies at the border may be missing in a copy
POINTS = 14  # a side of the grid
COLOUR_WEIGHT = 0.5  # of a difference in colour, against one in shape


def weighted_colours(data: np.ndarray) -> np.ndarray:
    """Return the colours of fingerprints as distances count them, float32 (N, 2)."""
    return COLOUR_WEIGHT * colours_of(data)


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
# A field has POINTS * POINTS numbers, but only as many are free as there are waves. Written in an
# orthonormal basis of these it is shorter, has the same products and is compared faster.
SPACE, TO_SPACE = np.linalg.qr(_centred(np.kron(COSINES, COSINES)[:, KEPT].T).T * WEIGHTS[KEPT])


def _vectors(waves: np.ndarray) -> np.ndarray:
    """Return the weighted field of each picture as a vector of length 1, float32 (N, waves + 1).

    The last number is 1 for flat pictures and 0 for all others, so that flat ones are 0 apart and
    have nothing in common with the others.
    """
    vectors = waves.reshape(-1, ORDERS * ORDERS)[:, KEPT] @ TO_SPACE.T
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    flat = lengths == 0
    return np.concatenate([vectors / np.where(flat, 1, lengths), flat], axis=1, dtype=np.float32)


# How large a crop or a change of tone usually is: the prior of the tangent distance. All chosen by
# hand, and the thresholds of the distance found with them.
USUAL_MOVE = 0.03  # of a side; of an edge, by a crop
USUAL_TONE = 0.25  # of the power in gamma, and of lights that are clipped
# What a step along a tangent does not explain is weighed against this part of the picture: the
# larger it is, the fewer changes are explained away.
CHANGE_NOISE = 0.2
CLIPPED_ABOVE = 0.75  # of the brightest light; what lies above is moved by clipping
# A crop or tone changes less than this, squared, so pairs further apart need no closer look.
EXPLAINABLE_SQUARE = 0.6


class Prepared:
    """Pictures that are ready to be compared with others.

    Attributes:
        vectors: float32 (N, waves + 1), length 1.
        colours: float32 (N, 2), weighted.
        turned: float32 (8, N, waves + 1), the vectors in all orientations.
        tangents: float32 (6, N, waves + 1); of a difference, the squares of its products with them
            are what a usual crop or change of tone explains.
    """

    def __init__(self, data: np.ndarray):
        self._waves = waves_of(data)
        self.vectors, self.colours = _vectors(self._waves), weighted_colours(data)

    @cached_property
    def turned(self) -> np.ndarray:
        return np.stack([_vectors(waves) for waves in _orientations(self._waves)])

    @cached_property
    def tangents(self) -> np.ndarray:
        field, changes = _changes(self._waves)
        lengths = np.linalg.norm(field, axis=1)
        flat = lengths == 0
        lengths = np.where(flat, 1, lengths)[:, None, None]
        changes = _centred(changes) / lengths
        changes[flat] = 0
        field = field[:, None] / lengths
        changes = changes - (changes @ field.transpose(0, 2, 1)) * field
        usual = np.array([USUAL_MOVE] * 4 + [USUAL_TONE] * 2)
        prior = np.diag((CHANGE_NOISE / usual) ** 2).astype(np.float32)
        stiffness = changes @ changes.transpose(0, 2, 1) + prior
        half = np.linalg.cholesky(np.linalg.inv(stiffness)).transpose(0, 2, 1)
        tangents = (half @ (changes @ SPACE)).transpose(1, 0, 2)
        return np.pad(tangents, ((0, 0), (0, 0), (0, 1)))

    def squares(self, queries: "Prepared") -> np.ndarray:
        """Return the squared distance of each query to each of these pictures, float32 (Q, N)."""
        own = np.einsum("tnw,nw->tn", self.tangents, self.vectors)
        best = None
        for turned in queries.turned:
            left = 2 - 2 * turned @ self.vectors.T
            for tangent, place in zip(self.tangents, own, strict=True):
                left -= np.square(turned @ tangent.T - place)
            best = left if best is None else np.minimum(best, left)
        colours = queries.colours[:, None] - self.colours
        return np.maximum(best, 0) + np.square(colours).sum(axis=2)

    def paired_squares(self, rows: np.ndarray, queries: "Prepared", asked: np.ndarray,
                       at_most: float = np.inf) -> np.ndarray:
        """Return the squared distance of each query asked to the picture in its row, (P,).

        It is infinite where the vectors alone, before tangents, are further apart than `at_most`,
        squared.
        """
        vectors, best = self.vectors[rows], np.full(len(rows), np.inf, np.float32)
        for turned in queries.turned:
            apart = turned[asked] - vectors
            lengths = np.square(apart).sum(axis=1)
            close = np.flatnonzero(lengths <= at_most)
            along = np.einsum("tnw,nw->tn", self.tangents[:, rows[close]], apart[close])
            best[close] = np.minimum(best[close], lengths[close] - np.square(along).sum(axis=0))
        colours = queries.colours[asked] - self.colours[rows]
        return np.maximum(best, 0) + np.square(colours).sum(axis=1)

    def explainable(self, queries: "Prepared") -> tuple[np.ndarray, np.ndarray]:
        """Return the pairs of a query and one of these that a closer look may find near.

        Returns:
            Rows of the queries and of these within EXPLAINABLE_SQUARE, int64 (P,) twice.
        """
        most = None
        for turned in queries.turned:
            products = turned @ self.vectors.T
            most = products if most is None else np.maximum(most, products, out=most)
        return np.nonzero(most >= 1 - EXPLAINABLE_SQUARE / 2)


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
    scales = np.sqrt(np.where(np.arange(ORDERS) > 0, 2, 1) / SQUARE).astype(np.float32)
    cosines = _basis(2 * ORDERS, 0)[0] * scales
    light = np.clip(cosines @ waves @ cosines.T / 255, 1 / 255, 1)
    lights = np.maximum(light - CLIPPED_ABOVE * light.max(axis=(1, 2), keepdims=True), 0)
    back = cosines * SQUARE / (2 * ORDERS)
    return [back.T @ change @ back * 255 for change in (light * np.log(light), lights)]
