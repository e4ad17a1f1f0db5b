"""Near-copies of a picture, and groups of them: fingerprints choose, then the pixels decide.

Three steps, a section each: which pairs may be copies (candidates), whether a pair is one (the
decision), and which pictures belong together (groups). docs/near-copies.md goes through them with
a picture, one worked example and a table of all thresholds.

Where there are fingerprints and no pixels, as for the training list in a checkpoint, distance alone
decides: `fingerprint_distance.nearest`.
"""

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from celestial.data.copy_check import are_copies, are_plain
from celestial.data.fingerprint_distance import (
    EXPLAINABLE_SQUARE,
    NEAR_COPY_THRESHOLD,
    Prepared,
    distances,
    weighted_colours,
)
from celestial.data.fingerprints import COLUMNS, ORDERS, ROWS, waves_of

# Candidates. How many copies each threshold lets through: benchmarks/near_copies_thresholds.py.
# Pictures further apart are not looked at: 99.7 % of planted copies are nearer, 82 % of those
# cropped by 5 % at two edges, 0.3 % of other pairs of a class.
CANDIDATE_THRESHOLD = 0.42
# Between the weighted colours: 99.7 % of planted copies are nearer; gamma changes colours most.
COLOUR_THRESHOLD = 0.17
# A tree over the coarsest waves proposes pairs, because not all pairs can be compared.
CANDIDATES = 12  # that each picture is compared with, the nearest
COARSE_ORDERS = 5  # waves with row + column <= COARSE_ORDERS are in the tree
# Between the coarse waves of candidates: 99.9 % of planted copies are nearer, 15 % of other pairs.
COARSE_THRESHOLD = 0.4
# The same where only sure copies are looked for: when it was chosen, none of 888 planted copies
# was further than 0.09.
COARSE_THRESHOLD_OF_SURE = 0.2
SEARCH_ERROR = 0.5  # relative, that the tree may make: it is then several times faster
CHUNK = 1024  # pictures at once


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
    features = coarse_features(data)
    reach = COARSE_THRESHOLD if at_most > SURE_COPY_THRESHOLD else COARSE_THRESHOLD_OF_SURE
    gaps, found = cKDTree(features).query(features[asked], k=np.arange(1, count + 1),
                                          eps=SEARCH_ERROR, distance_upper_bound=reach, workers=-1)
    pairs = []
    for start in range(0, len(asked), CHUNK):
        part = slice(start, start + CHUNK)
        rows, columns = np.nonzero(np.isfinite(gaps[part])
                                   & (found[part] != asked[part][:, None]))
        others, own = found[part][rows, columns], data[asked[part]]
        # Colours first, because they are cheap and most candidates differ in them.
        apart = np.linalg.norm(weighted_colours(own[rows]) - weighted_colours(data[others]), axis=1)
        alike = apart <= COLOUR_THRESHOLD
        rows, others = rows[alike], others[alike]
        near = Prepared(own).paired_squares(rows, Prepared(data[others]), np.arange(len(rows)),
                                            EXPLAINABLE_SQUARE) <= at_most**2
        pairs.append(np.stack([asked[part][rows[near]], others[near]]))
    pairs = np.unique(np.sort(np.concatenate(pairs, axis=1), axis=0), axis=1)
    return pairs[0], pairs[1]


def coarse_features(data: np.ndarray) -> np.ndarray:
    """Return features that turning and mirroring leave as they are, float32 (N, features).

    They are never further apart than the coarse waves in the best orientation: signs are left
    out, and of two waves that a quarter turn swaps the larger comes first.
    """
    waves = waves_of(data)
    waves[:, 0, 0] = 0
    waves /= np.maximum(np.linalg.norm(waves, axis=(1, 2), keepdims=True), 1e-6)
    size = np.abs(waves)
    turned = size.transpose(0, 2, 1)
    coarse = (ROWS + COLUMNS <= COARSE_ORDERS).reshape(ORDERS, ORDERS)
    upper, lower = np.triu(coarse), np.tril(coarse, -1)
    return np.concatenate([np.maximum(size, turned)[:, upper], np.minimum(size, turned)[:, lower],
                           weighted_colours(data)], axis=1)


# The decision.
# Within this distance two pictures are copies, whatever their classes and pixels: 77 % of planted
# copies are, and none of 980 other pairs (benchmarks/near_copies_thresholds.py).
SURE_COPY_THRESHOLD = 0.06


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
    """Return which candidates are near-copies, bool (P,).

    | pair of pictures                       | near-copies where                        |
    |----------------------------------------|------------------------------------------|
    | within SURE_COPY_THRESHOLD             | always                                   |
    | of two classes                         | never else: their pixels mislead         |
    | of one class, one of them a plain disc | within NEAR_COPY_THRESHOLD               |
    | any other of one class                 | the pixels say so: `copy_check`          |

    The first row that holds decides. Plain discs have a row of their own because a crop makes any
    two of them the same; two classes, because planets without features look alike.

    Args:
        thumbnails: uint8 (N, SIDE, SIDE), from `copy_check.thumbnail`.
        plainness: of these.
        one_class: bool (P,), or of all pairs: both pictures are of one class.
        ones, others: indices of the pairs, int64 (P,); the smaller fingerprint comes first, for
            the pixels may decide otherwise the other way round.
        apart: the distance of their fingerprints, either way the smaller, float32 (P,), at most
            CANDIDATE_THRESHOLD.
    """
    alike = apart <= SURE_COPY_THRESHOLD
    open_ = np.flatnonzero(~alike & one_class)
    plain = plainness.of(np.stack([ones[open_], others[open_]])).any(axis=0)
    alike[open_[plain]] = apart[open_[plain]] <= NEAR_COPY_THRESHOLD
    asked = open_[~plain]
    alike[asked] = are_copies(thumbnails, ones[asked], others[asked])
    return alike


# Groups.
# From the middle of a group to its far members: a copy, or a copy of a copy. Longer chains, which
# plain discs of every size form, are cut (chosen by hand).
MAX_LINKS = 2


def group(fingerprints: np.ndarray, thumbnails: np.ndarray,
          at_most: float = CANDIDATE_THRESHOLD) -> np.ndarray:
    """Join near-copies into groups.

    Each picture is compared with the CANDIDATES that have the most similar coarse waves, and
    `are_near_copies` decides. No picture of a group is more than MAX_LINKS copies away from the
    one in its middle. Of many copies of one picture the candidates are a few alone, so the middles
    are compared again until no more join.

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


def _middles(count: int, ones: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the picture in the middle of each picture's group, int64 (count,).

    The middle of what hangs together is the picture with the most copies. What is more than
    MAX_LINKS copies away from it is grouped again without it.
    """
    middles = np.arange(count)
    while len(ones):
        graph = coo_matrix((np.ones(len(ones), bool), (ones, others)), (count, count))
        parts = connected_components(graph, directed=False)[1]
        copies = np.bincount(np.concatenate([ones, others]), minlength=count)
        order = np.lexsort((-copies, parts))
        middle_of = order[np.unique(parts[order], return_index=True)[1]][parts]
        reached = middle_of == np.arange(count)
        for _ in range(MAX_LINKS):
            linked = ones[reached[others]], others[reached[ones]]
            reached[linked[0]] = reached[linked[1]] = True
        reached &= copies > 0
        middles[reached] = middle_of[reached]
        left = ~(reached[ones] | reached[others])
        ones, others = ones[left], others[left]
    return middles
