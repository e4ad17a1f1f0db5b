"""Tells whether a model that learned from corrections is better than the one it went on from.

Corrections are mostly mistakes of the present model, so on them any other model looks better. The
two are therefore compared on the other test pictures of the classes that both know; corrections
that were held out, and new classes, are measured apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from celestial.common.console import UserError
from celestial.common.file_names import folded
from celestial.common.files import class_files, sha256_of
from celestial.data.datasets import manifest_rows, some
from celestial.evaluation import metrics
from celestial.evaluation.answers import Answers
from celestial.evaluation.comparison import Difference, compare_pair
from celestial.inference.predictor import Predictor

OLD, CORRECTED, NEW, SEEN = "old classes", "corrections", "new classes", "seen before"
BETTER, NO_WORSE, WORSE = "better", "no worse", "worse"


@dataclass(frozen=True)
class Measured:
    """What the two models say of one part of the test pictures.

    Attributes:
        pictures: how many.
        improved, present: accuracy, {"value", "low", "high"}; a picture of a class that the
            present model does not know is always a mistake of it.
        improved_unknown, present_unknown: pictures that are called unknown.
        difference: improved less present.
    """

    pictures: int
    improved: dict[str, float]
    present: dict[str, float]
    improved_unknown: int
    present_unknown: int
    difference: Difference


def new_classes(improved: Predictor, present: Predictor) -> list[str]:
    """Return the classes that the improved model has learned beside those of the present one.

    Raises:
        UserError: it has lost one.
    """
    if lost := [name for name in present.classes if name not in improved.classes]:
        raise UserError(f"{improved.path} does not know {some(lost)}, which {present.path} knows, "
                        "so it did not go on from there; train it with improved_training.py "
                        "--improve")
    return [name for name in improved.classes if name not in present.classes]


def are_corrections(data_dir: Path, paths: Sequence[Path], corrections: Path) -> np.ndarray:
    """Tell which pictures of a dataset come from a folder of corrections, bool (N,).

    Those in one group of manifest.csv with a correction count as well, because a near-copy of a
    mistake is likely to be one.

    Args:
        data_dir: the dataset.
        paths: N files of it.
        corrections: holds one folder a class.

    Raises:
        UserError: there is no such folder.
    """
    if not corrections.is_dir():
        raise UserError(f"there is no folder {corrections}; name the one that corrections were "
                        "collected in with --corrections", status=2)
    collected = {sha256_of(file) for files in class_files(corrections)[0].values()
                 for file in files if file.is_file()}
    rows = manifest_rows(data_dir)
    groups = {row["group"] for row in rows if row["sha256"] in collected}
    beside = {folded(row["path"]) for row in rows if row["group"] in groups}
    return np.array([folded(path.relative_to(data_dir).as_posix()) in beside
                     or sha256_of(path) in collected for path in paths], bool)


def parts_of(labels: Sequence[str], corrected: np.ndarray, far: np.ndarray | None,
             new: Sequence[str]) -> np.ndarray:
    """Return which part each test picture belongs to: `OLD`, `CORRECTED`, `NEW` or `SEEN`.

    Args:
        labels: N true classes.
        corrected: bool (N,), of `are_corrections`.
        far: bool (N,), of `seen_in_training.far_from_all`: pictures that are no near-copies of what
            a model has learned from; None: it cannot be told, and all count as such.
        new: the new classes.

    Raises:
        UserError: no picture is left to compare the models on.
    """
    seen = np.zeros(len(labels), bool) if far is None else ~far
    parts = np.select([np.isin(labels, list(new)), corrected, seen], [NEW, CORRECTED, SEEN], OLD)
    if OLD not in parts:
        raise UserError(f"none of the {len(parts)} test pictures is of an old class, no correction "
                        "and unlike all that the models have learned from, so nothing tells "
                        "whether the old classes suffer; put other pictures of them into "
                        "data/input and improve again")
    return parts


def measure_part(improved: Answers, present: Answers, wanted: np.ndarray, seed: int
                 ) -> Measured | None:
    """Measure both models on the pictures of a mask, bool (N,); None where there are none."""
    if not wanted.any():
        return None
    first, second = improved.keep(wanted), present.keep(wanted)
    return Measured(int(wanted.sum()), *(metrics.proportion_of(own.right, own.groups)
                                         for own in (first, second)),
                    int((~first.accepted).sum()), int((~second.accepted).sum()),
                    compare_pair(first, second, seed))


def taken_for(answers: Answers, wanted: np.ndarray, columns: Sequence[int]) -> int:
    """Return how many pictures of a mask are taken for one of some classes, by their columns."""
    return int(np.isin(answers.keep(wanted).probs.argmax(axis=1), columns).sum())


def verdict_of(difference: Difference) -> str:
    """Return `BETTER` or `WORSE` where the interval leaves out 0, else `NO_WORSE`."""
    if difference.low > 0:
        return BETTER
    return WORSE if difference.high < 0 else NO_WORSE


def in_words(old: Measured) -> str:
    """Return one sentence: is the improved model better on the old classes?"""
    change = old.difference
    points = (f"{100 * change.value:+.1f} points (95 % interval {100 * change.low:+.1f} to "
              f"{100 * change.high:+.1f})")
    verdict = verdict_of(change)
    if verdict == NO_WORSE:
        return (f"The improved model is no worse on the old classes than the present one, as far "
                f"as {old.pictures} test pictures can tell: {points}.")
    beyond = ", beyond the interval" if verdict == WORSE else ""
    return (f"The improved model is {verdict} on the old classes than the present one{beyond}: "
            f"{points} on {old.pictures} test pictures.")
