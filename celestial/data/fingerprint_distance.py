"""How far fingerprints are apart, over all eight orientations.

What a crop, another gamma or clipped lights explain does not count: the tangent distance of Simard,
LeCun and Denker (1993), see `duplicates`.
"""

from functools import cached_property

import numpy as np

from celestial.data.fingerprint_layout import BITS, GREY, KEPT, LEVELS, ORDERS, STEEPNESS, strength

# In the comparison the finest waves count less, for a crop moves them most.
WEIGHTS = (STEEPNESS * np.exp(-((STEEPNESS / 9) ** 2) / 2)).astype(np.float32)
MARGIN = 0.055  # of a side; what lies at the border may be missing in a copy
POINTS = 14  # a side of the grid on which tangents are taken
# A change counts in full where the step along a tangent is this large a part of its usual size:
CHANGE_NOISE = 0.2
MOVE = 0.03  # usual move of an edge by a crop, in sides
TONE = 0.25  # usual change of gamma, and of lights that are clipped
EXPLAINED = 0.6  # squared; the most that a crop or tone changes
COLOUR_WEIGHT = 0.5
FLAT = 0.1  # grey levels; weaker waves are the rounding of the transform


def plain_waves(data: np.ndarray) -> np.ndarray:
    """Return the waves that fingerprints hold, float32 (N, ORDERS, ORDERS)."""
    bits = np.unpackbits(data[:, 4:], axis=1)[:, :len(KEPT) * BITS]
    bits = bits.reshape(len(data), len(KEPT), BITS)
    steps = bits @ (1 << np.arange(BITS)[::-1]) - LEVELS
    waves = np.zeros((len(data), ORDERS * ORDERS), np.float32)
    waves[:, KEPT] = np.sign(steps) * np.square(steps / LEVELS) / STEEPNESS[KEPT]
    loudest = strength(data[:, 1:2])
    waves *= np.where(loudest > FLAT, loudest, 0)
    waves[:, 0] = data[:, 0] * np.float32(GREY)
    return waves.reshape(-1, ORDERS, ORDERS)


def tints_of(data: np.ndarray) -> np.ndarray:
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
    """Return the weighted field of each picture as a vector of length 1, float32 (N, waves + 1).

    The last number is 1 for flat pictures and 0 for all others: flat ones are alike, and share
    nothing with the others.
    """
    vectors = waves.reshape(-1, ORDERS * ORDERS)[:, KEPT] @ TO_SPACE.T
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    flat = lengths == 0
    return np.concatenate([vectors / np.where(flat, 1, lengths), flat], axis=1, dtype=np.float32)


class Prepared:
    """Pictures that are ready to be compared with others.

    Attributes:
        vectors: float32 (N, waves + 1), length 1.
        tints: float32 (N, 2).
        turned: float32 (8, N, waves + 1), the vectors in all orientations.
        tangents: float32 (6, N, waves + 1); of a difference, the squares of its products with them
            are what a usual crop or change of tone explains.
    """

    def __init__(self, data: np.ndarray):
        self._waves = plain_waves(data)
        self.vectors, self.tints = _vectors(self._waves), tints_of(data)

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
        prior = np.diag((CHANGE_NOISE / np.array([MOVE] * 4 + [TONE] * 2)) ** 2).astype(np.float32)
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
        tints = queries.tints[:, None] - self.tints
        return np.maximum(best, 0) + np.square(tints).sum(axis=2)

    def paired_squares(self, rows: np.ndarray, queries: "Prepared", asked: np.ndarray,
                       explained: float = np.inf) -> np.ndarray:
        """Return the squared distance of each query asked to the picture in its row, (P,).

        Where the plain squares are more than `explained` it is infinite.
        """
        vectors, best = self.vectors[rows], np.full(len(rows), np.inf, np.float32)
        for turned in queries.turned:
            apart = turned[asked] - vectors
            lengths = np.square(apart).sum(axis=1)
            close = np.flatnonzero(lengths <= explained)
            along = np.einsum("tnw,nw->tn", self.tangents[:, rows[close]], apart[close])
            best[close] = np.minimum(best[close], lengths[close] - np.square(along).sum(axis=0))
        return np.maximum(best, 0) + np.square(queries.tints[asked] - self.tints[rows]).sum(axis=1)

    def explainable(self, queries: "Prepared") -> tuple[np.ndarray, np.ndarray]:
        """Return the pairs of a query and one of these within EXPLAINED, int64 (P,) twice."""
        most = None
        for turned in queries.turned:
            products = turned @ self.vectors.T
            most = products if most is None else np.maximum(most, products, out=most)
        return np.nonzero(most >= 1 - EXPLAINED / 2)


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
