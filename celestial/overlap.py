"""Which pictures has the model seen? Pictures compared with a checkpoint's training list."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from celestial import duplicates
from celestial.console import UserError
from celestial.evaluation import CANNOT_TELL
from celestial.file_names import display_name
from celestial.files import sha256_of
from celestial.inference import Predictor

NAMED = 3  # files in an error


@dataclass(frozen=True)
class Overlap:
    """How near each of N pictures is to the nearest training picture.

    Attributes:
        exact: bool (N,), the same file; None where the checkpoint has no list of its files.
        distances: float (N,) on the scale of `duplicates.NEAR`; None where the checkpoint has no
            fingerprints.
    """

    exact: np.ndarray | None
    distances: np.ndarray | None

    @property
    def far(self) -> np.ndarray | None:
        """The other pictures, bool (N,)."""
        return None if self.near is None else ~self.near

    @property
    def near(self) -> np.ndarray | None:
        """Exact and near-copies of training pictures, bool (N,); None where nobody can tell."""
        if self.exact is None or self.distances is None:
            return None
        return self.exact | (self.distances <= duplicates.NEAR)


def find_exact(paths: Sequence[Path], predictors: Sequence[Predictor],
               allowed: bool) -> list[np.ndarray | None]:
    """Tell which files each model was trained on: bool (N,), None without a training list.

    Args:
        paths: N files.
        predictors: the models.
        allowed: such files are no error.

    Raises:
        UserError: there are some and they are not allowed.
    """
    content = [_digest(path) for path in paths]
    found = []
    for predictor in predictors:
        seen = set(predictor.checkpoint.train_sha256)
        exact = np.array([digest in seen for digest in content])
        if exact.any() and not allowed:
            first = ", ".join(display_name(paths[i]) for i in np.flatnonzero(exact)[:NAMED])
            raise UserError(f"{exact.sum()} of {len(paths)} pictures are exact copies of those "
                            f"that {predictor.path} was trained on ({first}"
                            f"{', ...' if exact.sum() > NAMED else ''}): evaluate on other "
                            "pictures, or allow it with --allow-overlap")
        found.append(exact if seen else None)
    return found


def _digest(path: Path) -> str:
    try:
        return sha256_of(path)
    except OSError:
        return ""  # the prediction says why the file cannot be read


def find_overlaps(paths: Sequence[Path], exact: Sequence[np.ndarray | None],
                  predictors: Sequence[Predictor]) -> list[Overlap]:
    """Tell how near readable pictures are to those that each model was trained on.

    Args:
        paths: N pictures.
        exact: of `find_exact`, for the same pictures.
        predictors: the models.
    """
    known = [predictor.checkpoint.train_fingerprints.numpy() for predictor in predictors]
    usable = [len(prints) > 0 and prints.shape[1] == duplicates.WIDTH for prints in known]
    if not any(usable):
        return [Overlap(own, None) for own in exact]
    queries = duplicates.fingerprint_files(paths, predictors[0].preprocessing,
                                           predictors[0].workers)
    return [Overlap(own, duplicates.nearest(queries, prints)[0] if use else None)
            for own, prints, use in zip(exact, known, usable, strict=True)]


def far_from_all(overlaps: Sequence[Overlap]) -> np.ndarray | None:
    """Return the pictures that are far from every model's training, bool (N,); None: unknown."""
    if any(own.far is None for own in overlaps):
        return None
    return np.all([own.far for own in overlaps], axis=0)


def describe(overlap: Overlap, checkpoint_path: Path) -> str:
    """Return one sentence: how many pictures are near-copies, or why nobody can tell."""
    if overlap.exact is None:
        return (f"{CANNOT_TELL} whether {checkpoint_path} has seen these pictures: it has no list "
                "of its training pictures")
    if overlap.distances is None:
        return (f"{CANNOT_TELL} whether {checkpoint_path} has seen near-copies of these pictures: "
                f"it has no fingerprints of its training pictures ({overlap.exact.sum()} of "
                f"{len(overlap.exact)} are exact copies)")
    near, total = int(overlap.near.sum()), len(overlap.near)
    if near == total:
        return (f"all {total} pictures are copies of training pictures or closely resemble one, so "
                "the figure of the far ones is none: the figures say nothing of pictures unlike "
                "those")
    return (f"{near} of {total} pictures are copies of training pictures or closely resemble one "
            f"(distance of their fingerprints at most {duplicates.NEAR})")


def summarise(overlap: Overlap, checkpoint_path: Path) -> dict:
    """Return the numbers of copies for metrics.json; `CANNOT_TELL` where nobody can."""
    return {"exact_copies": _count(overlap.exact), "near_copies": _count(overlap.near),
            "near_distance": duplicates.NEAR, "in_words": describe(overlap, checkpoint_path)}


def _count(mask: np.ndarray | None) -> int | str:
    return CANNOT_TELL if mask is None else int(mask.sum())
