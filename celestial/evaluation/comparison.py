"""Compares models on the same pictures: which is better, and by more than chance or not."""

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from scipy import optimize, stats

from celestial.common.console import UserError, print_header
from celestial.common.file_names import display_name
from celestial.common.tables import write_csv
from celestial.data.design_effect import any_shared, effective_size
from celestial.evaluation import metrics
from celestial.evaluation.answers import Answers, answers_of
from celestial.evaluation.chance import paired_p
from celestial.inference.devices import describe, pick_device
from celestial.inference.predictor import Predictor
from celestial.models.checkpoints import find_checkpoint

VOTE = "soft vote"


@dataclass(frozen=True)
class Difference:
    """Accuracy of one model less that of another on the same pictures.

    Attributes:
        first, second: names of the models.
        only_first, only_second: pictures that only this model has right.
        value, low, high: the difference and its interval, -1..1.
        p: p-value of no difference, of McNemar's exact test, or of a permutation test where
            pictures are in groups; not corrected for the number of pairs.
    """

    first: str
    second: str
    only_first: int
    only_second: int
    value: float
    low: float
    high: float
    p: float


def start_predictors(script: str, args: argparse.Namespace) -> list[Predictor]:
    """Print the run header and load every checkpoint that `--checkpoint` names.

    Raises:
        UserError: a device or checkpoint cannot be used, one is named twice, or classes differ.
    """
    device = pick_device(args.device)
    print_header(script, args, describe(device))
    paths = [find_checkpoint(path) for path in args.checkpoint or [None]]
    if len({path.resolve() for path in paths}) < len(paths):
        raise UserError("--checkpoint names a file twice; name each once", status=2)
    predictors = [Predictor(path, device, args.batch_size, args.workers,
                            views=getattr(args, "views", 1)) for path in paths]
    for other in predictors[1:]:
        if differing := set(other.classes) ^ set(predictors[0].classes):
            raise UserError(f"{predictors[0].path} and {other.path} have different classes "
                            f"({', '.join(sorted(differing))} in one alone); compare models of "
                            "the same classes, or, where one went on from the other, with "
                            "compare_improved.py")
    return predictors


def model_names(paths: Sequence[Path]) -> list[str]:
    """Return a name for each checkpoint: that of its file, or the path where names repeat."""
    names = [path.stem for path in paths]
    return names if len(set(names)) == len(names) else [str(path) for path in paths]


def ask(predictor: Predictor, name: str, paths: Sequence[Path], truth: Sequence[str],
        classes: Sequence[str], groups: np.ndarray | None) -> Answers:
    """Return what another model says of pictures that the first one could read.

    Raises:
        UserError: the other model cannot read one of them.
    """
    predictions = list(predictor.predict(paths))
    for prediction in predictions:
        if prediction.reason:
            raise UserError(f"{display_name(prediction.path)} can be read by one model and not by "
                            f"{predictor.path} ({prediction.reason}); leave it out")
    return answers_of(name, predictions, truth, classes, groups)


def soft_vote(answers: Sequence[Answers]) -> Answers:
    """Return the mean of the models' calibrated probabilities; it has no threshold of its own."""
    probs = np.mean([own.probs for own in answers], axis=0)
    return Answers(VOTE, probs, answers[0].labels, None, answers[0].groups)


def paired_interval(only_first: float, only_second: float,
                    total: float) -> tuple[float, float]:
    """Return the interval of the difference of two proportions counted on the same pictures.

    Tango's score interval ("Equivalence test and confidence interval for the difference in
    proportions for the paired-sample design", 1998): the differences that McNemar's test,
    generalised to them, does not reject. It keeps its width where the models agree.
    It is written by hand, because no library has it.

    Args:
        only_first, only_second: independent pictures that only the first or the second has right.
        total: all of them.
    """
    z = stats.norm.ppf(0.5 + metrics.LEVEL / 2)
    value = (only_first - only_second) / total

    def excess(true: float) -> float:
        linear = (2 * total - only_first + only_second) * true - only_first - only_second
        root = np.sqrt(linear ** 2 + 8 * total * only_second * true * (1 - true))
        second_alone = (root - linear) / (4 * total)  # most likely proportion if `true` is true
        spread = max(0.0, 2 * second_alone + true * (1 - true))
        return total * (value - true) ** 2 - z * z * spread

    low = optimize.brentq(excess, -1, value - metrics.ROOT_GAP) if value > -1 else -1.0
    high = optimize.brentq(excess, value + metrics.ROOT_GAP, 1) if value < 1 else 1.0
    return float(low), float(high)


def paired_difference(first: np.ndarray, second: np.ndarray, groups: np.ndarray | None,
                      seed: int) -> dict[str, float]:
    """Return accuracy less accuracy on the same pictures, with its interval, -1..1.

    The interval is Tango's. For pictures in groups it has the outer limits of two: Tango's at the
    effective sample size, which keeps its width where the models agree, and the bootstrap's of
    whole groups.

    Args:
        first, second: bool (N,), which pictures are right.
        groups: (N,) of `design_effect`.
        seed: of the bootstrap.
    """
    ahead = first.astype(int) - second
    total, value = len(ahead), float(ahead.mean())
    worth = effective_size(ahead, groups) / total
    low, high = paired_interval(int((ahead > 0).sum()) * worth, int((ahead < 0).sum()) * worth,
                                total * worth)
    if any_shared(groups):
        _, rows, sizes = np.unique(groups, return_inverse=True, return_counts=True)
        sums, random = np.bincount(rows, ahead), np.random.default_rng(seed)
        picked = (random.integers(0, len(sizes), len(sizes)) for _ in range(metrics.RESAMPLES))
        drawn = metrics.middle(np.array([sums[own].sum() / sizes[own].sum() for own in picked]))
        low, high = min(low, drawn[0]), max(high, drawn[1])
    return metrics.as_figure(value, (low, high))


def compare_pair(first: Answers, second: Answers, seed: int) -> Difference:
    """Return the difference of two models' accuracy on the same pictures."""
    found = paired_difference(first.right, second.right, first.groups, seed)
    return Difference(first.name, second.name, int((first.right & ~second.right).sum()),
                      int((second.right & ~first.right).sum()), **found,
                      p=paired_p(first.right, second.right, first.groups, seed))


def compare_all(answers: Sequence[Answers], seed: int) -> list[Difference]:
    """Return the difference of every pair; the seed is that of resampled groups."""
    return [compare_pair(first, second, seed) for first, second in combinations(answers, 2)]


def write_tables(folder: Path, measured: dict[str, dict], differences: Sequence[Difference],
                 ) -> list[Path]:
    """Write model_comparison.csv, a row a model, and model_differences.csv, a row a pair.

    Args:
        folder: where they go.
        measured: model -> figures, each {"value", "low", "high"} or None, all with the same names
            but those that need a threshold.
        differences: of `compare_all`.
    """
    names = list(dict.fromkeys(name for figures in measured.values() for name in figures))
    header = ["model", *(column for name in names for column in (name, f"{name}_low",
                                                                 f"{name}_high"))]
    rows = [[model, *(value for name in names for value in _cells(figures.get(name)))]
            for model, figures in measured.items()]
    columns = list(Difference.__dataclass_fields__)
    return [write_csv(folder / "model_comparison.csv", header, rows),
            write_csv(folder / "model_differences.csv", columns,
                      [list(asdict(pair).values()) for pair in differences])]


def _cells(figure: dict[str, float] | None) -> tuple:
    return ("", "", "") if figure is None else tuple(figure.values())
