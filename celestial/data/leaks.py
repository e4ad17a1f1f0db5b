"""Is a picture of val or test a near-copy of a training picture? All pairs are looked at.

Groups keep most copies in one split (`groups.py`). Some pairs remain, because long chains of copies
are cut and because a group never joins two classes. So after the split every pair is compared, and
what is a near-copy of a picture in an earlier split is left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from celestial.common.console import UserError
from celestial.data.fingerprint_distance import EXPLAINABLE_SQUARE, Prepared
from celestial.data.groups import Duplicate, fingerprints_of, rejected_of, stacked
from celestial.data.near_copies import (
    CANDIDATE_THRESHOLD,
    COLOUR_THRESHOLD,
    Plainness,
    are_near_copies,
)
from celestial.data.splits import Picture, Rejected

KNOWN = 4096  # known pictures at once, so that products with them fit into the processor's cache
QUERIES = 512
PAIRS = 100_000  # whose tangents are compared at once, because each takes 3 kB
SEEN_BEFORE = {"val": ("train",), "test": ("train", "val")}  # val chooses the model, test measures


@dataclass(frozen=True)
class Leak:
    """A picture that is left out because it is a near-copy of one in an earlier split."""

    picture: Picture
    near: Picture
    distance: float

    @property
    def reason(self) -> str:
        """For rejected.csv."""
        return (f"a near-copy of {self.near.source} in {self.near.split}, which is in another "
                "group")


def leave_out_leaks(pictures: Sequence[Picture],
                    thumbnails: dict[str, np.ndarray]) -> tuple[list[Picture], list[Leak], int]:
    """Leave out of val what is too near to train, and of test what is too near to train or val.

    Args:
        pictures: with their splits.
        thumbnails: of each sha256.

    Returns:
        The pictures that stay, those that do not, and the number of pairs that were compared.

    Raises:
        UserError: nothing of a class is left for a split.
    """
    prints, small = fingerprints_of(pictures), stacked(pictures, thumbnails)
    splits = np.array([picture.split for picture in pictures])
    labels = np.unique([picture.label for picture in pictures], return_inverse=True)[1]
    plainness = Plainness(small)
    staying = np.ones(len(pictures), bool)
    leaks, compared = [], 0
    for split, earlier in SEEN_BEFORE.items():
        asked = np.flatnonzero(splits == split)
        known = np.flatnonzero(np.isin(splits, earlier) & staying)
        found, apart = find_near_copies(prints, small, labels, plainness, asked, known)
        compared += len(asked) * len(known)
        staying[asked[found >= 0]] = False
        leaks += [Leak(pictures[one], pictures[other], float(distance))
                  for one, other, distance in zip(asked, found, apart, strict=True) if other >= 0]
    kept = [picture for picture, stays in zip(pictures, staying, strict=True) if stays]
    _require_every_split(pictures, kept)
    return kept, leaks, compared


def add_leaks(found: Sequence[Duplicate],
              leaks: Sequence[Leak]) -> tuple[list[Duplicate], list[Rejected]]:
    """Return the rows of duplicates.csv with the leaks among them, and those of rejected.csv."""
    left_out = [Duplicate("near", leak.picture, leak.distance, leak.reason) for leak in leaks]
    gone = {leak.picture.source for leak in leaks}
    others = [row for row in found if row.picture.source not in gone]
    return sorted(others + left_out, key=lambda row: (
        row.picture.group, row.distance, row.picture.source)), rejected_of(left_out)


def _require_every_split(pictures: Sequence[Picture], kept: Sequence[Picture]) -> None:
    gone = sorted({(picture.label, picture.split) for picture in pictures}
                  - {(picture.label, picture.split) for picture in kept})
    if gone:
        label, split = gone[0]
        raise UserError(f"every picture of {label} that {split} would get is a near-copy of one in "
                        "another split, in this class or another; add pictures of "
                        f"{label} that are no copies of these, or draw another split with --seed")


def find_near_copies(fingerprints: np.ndarray, thumbnails: np.ndarray, labels: np.ndarray,
                     plainness: Plainness, asked: np.ndarray,
                     known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a near-copy of each picture asked among the known ones, where there is one.

    Args:
        fingerprints: uint8 (N, WIDTH).
        thumbnails: uint8 (N, SIDE, SIDE), from `copy_check.thumbnail`.
        labels: int (N,), the classes.
        plainness: of the thumbnails.
        asked, known: indices, int64 (Q,) and (K,).

    Returns:
        Index of a near-copy or -1, int64 (Q,); the distance of their fingerprints, float32 (Q,).
    """
    found, apart = np.full(len(asked), -1), np.zeros(len(asked), np.float32)
    rank = np.unique(fingerprints, axis=0, return_inverse=True)[1].ravel()
    queries = [(start, Prepared(fingerprints[asked[start:start + QUERIES]]))
               for start in range(0, len(asked), QUERIES)]
    for first in range(0, len(known), KNOWN):
        own = known[first:first + KNOWN]
        stored = Prepared(fingerprints[own])
        for start, query in queries:
            rows, columns, distances = _candidates(query, stored)
            rows += start
            open_ = found[rows] < 0
            rows, columns, distances = rows[open_], columns[open_], distances[open_]
            ones, others = asked[rows], own[columns]
            swap = rank[ones] > rank[others]
            near = are_near_copies(thumbnails, plainness, np.where(swap, others, ones),
                                   np.where(swap, ones, others), distances,
                                   labels[ones] == labels[others])
            # The nearest comes last and overwrites the others, because one alone is named.
            order = np.flatnonzero(near)[np.argsort(-distances[near], kind="stable")]
            found[rows[order]], apart[rows[order]] = others[order], distances[order]
    return found, apart


def _candidates(query: Prepared, stored: Prepared) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rows, columns and distances of the pairs that may be copies, each (P,)."""
    rows, columns = stored.explainable(query)
    apart = np.linalg.norm(query.colours[rows] - stored.colours[columns], axis=1)
    rows, columns = rows[apart <= COLOUR_THRESHOLD], columns[apart <= COLOUR_THRESHOLD]
    squares = np.empty(len(rows), np.float32)
    for start in range(0, len(rows), PAIRS):
        part = slice(start, start + PAIRS)
        squares[part] = np.minimum(
            stored.paired_squares(columns[part], query, rows[part], EXPLAINABLE_SQUARE),
            query.paired_squares(rows[part], stored, columns[part], EXPLAINABLE_SQUARE))
    near = squares <= CANDIDATE_THRESHOLD**2
    return rows[near], columns[near], np.sqrt(squares[near])
