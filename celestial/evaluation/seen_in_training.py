"""Finds pictures that a model has seen, by its checkpoint's lists of train and val.

A model has learned from train. On val its temperature and threshold were fitted and its best epoch
was chosen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from celestial.common.console import UserError
from celestial.common.file_names import display_name
from celestial.common.files import sha256_of
from celestial.data import fingerprint_distance, fingerprints
from celestial.data.fingerprint_distance import NEAR_COPY_THRESHOLD
from celestial.evaluation.answers import CANNOT_TELL
from celestial.inference.predictor import Predictor

NAMED = 3  # files in an error


@dataclass(frozen=True)
class Overlap:
    """How near each of N pictures is to the nearest picture of train, and of val.

    Attributes:
        exact: bool (N,), the same file; None where the checkpoint has no list of its files.
        distances: float (N,) to train on the scale of `NEAR_COPY_THRESHOLD`; None where the
            checkpoint has no fingerprints.
        val_distances: likewise to val; None too where val itself is evaluated.
    """

    exact: np.ndarray | None
    distances: np.ndarray | None
    val_distances: np.ndarray | None = None

    @property
    def far(self) -> np.ndarray | None:
        """Pictures that are neither exact nor near-copies, bool (N,); None as for `near`."""
        return None if self.near is None else ~self.near

    @property
    def near(self) -> np.ndarray | None:
        """Exact and near-copies of train or val, bool (N,); None without list or fingerprints."""
        if self.exact is None or self.distances is None:
            return None
        near = self.exact | (self.distances <= NEAR_COPY_THRESHOLD)
        return near if self.val_distances is None else near | (
            self.val_distances <= NEAR_COPY_THRESHOLD)


def find_exact(paths: Sequence[Path], predictors: Sequence[Predictor],
               allowed: bool, of_val: bool = True) -> list[np.ndarray | None]:
    """Tell which files each model has learned from, bool (N,); None without a training list.

    Args:
        paths: N files.
        predictors: the models.
        allowed: such files are no error.
        of_val: files of val count too; False where val itself is evaluated.

    Raises:
        UserError: there are some and they are not allowed.
    """
    content = [_digest(path) for path in paths]
    found = []
    for predictor in predictors:
        train = predictor.checkpoint.train_sha256
        val = predictor.checkpoint.val_sha256 if of_val else []
        seen = {*train, *val}
        exact = np.array([digest in seen for digest in content], bool)
        if exact.any() and not allowed:
            first = ", ".join(display_name(paths[i]) for i in np.flatnonzero(exact)[:NAMED])
            raise UserError(f"{exact.sum()} of {len(paths)} pictures are exact copies of those "
                            f"that {predictor.path} was trained on"
                            f"{' or fitted to (val)' if val else ''} ({first}"
                            f"{', ...' if exact.sum() > NAMED else ''}): evaluate on other "
                            "pictures, or allow it with --allow-overlap")
        found.append(exact if train else None)
    return found


def _digest(path: Path) -> str:
    try:
        return sha256_of(path)
    except OSError:
        return ""  # the prediction says why the file cannot be read


def find_overlaps(paths: Sequence[Path], exact: Sequence[np.ndarray | None],
                  predictors: Sequence[Predictor], of_val: bool = True) -> list[Overlap]:
    """Tell how near readable pictures are to those that each model has learned from.

    Args:
        paths: N pictures.
        exact: of `find_exact`, for the same pictures.
        predictors: the models.
        of_val: see `find_exact`.
    """
    known = [_usable(predictor.checkpoint.train_fingerprints) for predictor in predictors]
    if all(prints is None for prints in known):
        return [Overlap(own, None) for own in exact]
    queries = fingerprints.fingerprint_files(paths, predictors[0].preprocessing,
                                           predictors[0].workers)
    found = []
    for own, train, predictor in zip(exact, known, predictors, strict=True):
        if train is None:
            found.append(Overlap(own, None))
            continue
        val = _usable(predictor.checkpoint.val_fingerprints) if of_val else None
        nearest = fingerprint_distance.nearest
        found.append(Overlap(own, nearest(queries, train)[0],
                             None if val is None else nearest(queries, val)[0]))
    return found


def _usable(stored: torch.Tensor) -> np.ndarray | None:
    """Return the fingerprints of a checkpoint; None where there are none of this program's."""
    prints = stored.numpy()
    return prints if len(prints) and prints.shape[1] == fingerprints.WIDTH else None


def far_from_all(overlaps: Sequence[Overlap]) -> np.ndarray | None:
    """Return the pictures that are far from every model's training, bool (N,); None: unknown."""
    if any(own.far is None for own in overlaps):
        return None
    return np.all([own.far for own in overlaps], axis=0)


def describe(overlap: Overlap, checkpoint_path: Path) -> str:
    """Return one sentence: how many pictures are near-copies, or why that cannot be told."""
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
                f"those{_of_val(overlap)}")
    return (f"{near} of {total} pictures are copies of training pictures or closely resemble one "
            f"(distance of their fingerprints at most {NEAR_COPY_THRESHOLD}){_of_val(overlap)}")


def _of_val(overlap: Overlap) -> str:
    """Return the part of the sentence about val; empty where val was not compared."""
    if overlap.val_distances is None:
        return ""
    alone = ((overlap.val_distances <= NEAR_COPY_THRESHOLD)
             & (overlap.distances > NEAR_COPY_THRESHOLD))
    return f"; {alone.sum()} of these resemble a picture of val alone, to which it was fitted"


def summarise(overlap: Overlap, checkpoint_path: Path) -> dict:
    """Return the numbers of copies for metrics.json; `CANNOT_TELL` without list or fingerprints.

    Copies of val count as well, where the checkpoint knows them and val is not what is evaluated.
    """
    return {"exact_copies": _count(overlap.exact), "near_copies": _count(overlap.near),
            "near_distance": NEAR_COPY_THRESHOLD, "in_words": describe(overlap, checkpoint_path)}


def _count(mask: np.ndarray | None) -> int | str:
    return CANNOT_TELL if mask is None else int(mask.sum())
