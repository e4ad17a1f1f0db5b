"""Figures of a classifier, each with its 95 % confidence interval."""

from collections.abc import Callable

import numpy as np
from scipy import optimize, stats
from sklearn.metrics import confusion_matrix

LEVEL = 0.95
RESAMPLES = 2000
FEWEST = 5  # pictures; of fewer a bootstrap knows nothing
HAIR = 1e-9  # a limit is looked for beside the value, which solves the equation as well at 0 and 1
SMALLEST = 1e-15  # probability; keeps the logarithm finite


def wilson(successes: int, total: int) -> tuple[float, float]:
    """Return Wilson's score interval of a proportion; (0, 1) where nothing was counted.

    Wilson, "Probable inference, the law of succession, and statistical inference", 1927. Unlike
    the usual +- formula it keeps its width where all or none succeeded.
    """
    if total == 0:
        return 0.0, 1.0
    z = stats.norm.ppf(0.5 + LEVEL / 2)
    share = successes / total
    centre = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * np.sqrt(
        share * (1 - share) / total + z * z / (4 * total * total))
    # The share itself belongs to it; rounding may leave it out by a hair where none or all succeed.
    return float(min(share, max(0.0, centre - half))), float(max(share, min(1.0, centre + half)))


def mean_of_shares(successes: np.ndarray, totals: np.ndarray) -> tuple[float, float]:
    """Return the interval of the mean of independent proportions.

    Each proportion's Wilson limits are put together as squares (MOVER: Zou and Donner,
    "Construction of confidence intervals about effect measures", 2008), so the interval keeps
    its width where every class is right.
    """
    shares = successes / totals
    limits = np.array([wilson(s, n) for s, n in zip(successes, totals, strict=True)])
    low = shares.mean() - np.sqrt(((shares - limits[:, 0]) ** 2).sum()) / len(shares)
    high = shares.mean() + np.sqrt(((limits[:, 1] - shares) ** 2).sum()) / len(shares)
    return float(low), float(high)


def balanced_accuracy(counts: np.ndarray) -> np.ndarray:
    """Mean recall of confusion matrices (..., classes, classes), over rows that are not empty."""
    totals = counts.sum(axis=-1)
    recalls = np.diagonal(counts, axis1=-2, axis2=-1) / np.maximum(totals, 1)
    return recalls.sum(axis=-1) / (totals > 0).sum(axis=-1)


def macro_f1(counts: np.ndarray) -> np.ndarray:
    """Mean F1 = 2 tp / (2 tp + fp + fn) of confusion matrices, over rows that are not empty."""
    totals = counts.sum(axis=-1)
    scores = 2 * np.diagonal(counts, axis1=-2, axis2=-1) / np.maximum(
        totals + counts.sum(axis=-2), 1)
    return (scores * (totals > 0)).sum(axis=-1) / (totals > 0).sum(axis=-1)


def _class_mean_interval(counts: np.ndarray, figure: Callable[[np.ndarray], np.ndarray],
                         seed: int) -> tuple[float, float]:
    """Return the interval of a mean over classes: the outer limits of two that fail differently.

    The bootstrap within each class has no width where all is right, and MOVER's half-widths,
    those of the balanced accuracy, do not see which class an error goes to. Together they held
    the true value in 95 to 100 % of simulated test sets (2 to 7 classes of 10 to 200 pictures).
    """
    totals = counts.sum(axis=1)
    random = np.random.default_rng(seed)
    drawn = np.concatenate([  # in parts, which many classes need
        figure(np.stack([random.multinomial(total, row / max(total, 1), RESAMPLES // 20)
                         for row, total in zip(counts, totals, strict=True)], axis=1))
        for _ in range(20)])
    value, recall = float(figure(counts)), float(balanced_accuracy(counts))
    present = totals > 0
    low, high = mean_of_shares(np.diag(counts)[present], totals[present])
    limits = middle(drawn)
    return (float(max(0.0, min(limits[0], value - (recall - low)))),
            float(min(1.0, max(limits[1], value + (high - recall)))))


def share(successes: int, total: int) -> dict[str, float] | None:
    """Return a proportion with Wilson's interval; None where nothing was counted."""
    return as_figure(successes / total, wilson(successes, total)) if total else None


def mean(values: np.ndarray, seed: int) -> dict[str, float] | None:
    """Return a mean with its percentile bootstrap interval; None of fewer than `FEWEST` values."""
    if len(values) < FEWEST:
        return None
    random = np.random.default_rng(seed)
    drawn = np.array([random.choice(values, len(values)).mean() for _ in range(RESAMPLES)])
    return as_figure(values.mean(), middle(drawn))


def middle(drawn: np.ndarray) -> tuple[float, float]:
    """Return the two quantiles between which `LEVEL` of the drawn values lie."""
    low, high = np.quantile(drawn, [0.5 - LEVEL / 2, 0.5 + LEVEL / 2])
    return float(low), float(high)


def summarise(probs: np.ndarray, labels: np.ndarray, seed: int = 0,
              ) -> dict[str, dict[str, float] | None]:
    """Return accuracy, balanced accuracy, macro-F1, top-2 accuracy and log loss.

    Args:
        probs: float (N, classes), rows sum to 1.
        labels: int (N,). Classes without a picture have no part in balanced accuracy and F1.
        seed: of the bootstrap.

    Returns:
        name -> {"value", "low", "high"}; log loss in nats, the others 0..1; None where there are
        too few pictures for an interval.
    """
    count = len(labels)
    predicted = probs.argmax(axis=1)
    counts = confusion_matrix(labels, predicted, labels=range(probs.shape[1]))
    right = int((predicted == labels).sum())
    first_two = np.argsort(-probs, axis=1, kind="stable")[:, :2]
    in_top2 = int((first_two == labels[:, None]).any(axis=1).sum())
    losses = -np.log(np.clip(probs[np.arange(count), labels], SMALLEST, 1))
    return {
        "accuracy": share(right, count),
        "balanced_accuracy": as_figure(balanced_accuracy(counts),
                                     _class_mean_interval(counts, balanced_accuracy, seed)),
        "macro_f1": as_figure(macro_f1(counts), _class_mean_interval(counts, macro_f1, seed)),
        "top2_accuracy": share(in_top2, count),
        "log_loss": mean(losses, seed),
    }


def auroc(above: np.ndarray, below: np.ndarray) -> dict[str, float]:
    """Return how often a score of `above` is the larger one in a pair with `below`, 0..1.

    The area under the ROC curve, ties counted half. Interval: method 5 of Newcombe, "Confidence
    intervals for an effect size measure based on the Mann-Whitney statistic", part 2, 2006: the
    areas from which this one is not too far by Hanley and McNeil's standard error there. Unlike
    DeLong's interval and the bootstrap's it keeps its width where the scores do not overlap.

    Args:
        above, below: float (N,) and (M,), neither empty.
    """
    pairs = len(above) * len(below)
    area = float(stats.mannwhitneyu(above, below).statistic) / pairs
    z = stats.norm.ppf(0.5 + LEVEL / 2)
    half = (len(above) + len(below)) / 2 - 1

    def excess(true: float) -> float:
        spread = 1 + half * ((1 - true) / (2 - true) + true / (1 + true))
        return (area - true) ** 2 - z * z * true * (1 - true) * spread / pairs

    low = optimize.brentq(excess, 0, area - HAIR) if area > 0 else 0.0
    high = optimize.brentq(excess, area + HAIR, 1) if area < 1 else 1.0
    return as_figure(area, (float(low), float(high)))


def as_figure(value: float, interval: tuple[float, float]) -> dict[str, float]:
    """Return a value and its interval as they stand in the JSON files."""
    return {"value": float(value), "low": interval[0], "high": interval[1]}


def as_text(figure: dict[str, float] | None, percent: bool = True) -> str:
    """Return a figure with its interval: `95.2 % (89.3 % to 98.0 %)`."""
    if figure is None:
        return "none"
    if percent:
        value, low, high = (f"{100 * figure[name]:.1f} %" for name in ("value", "low", "high"))
    else:
        value, low, high = (f"{figure[name]:.3f}" for name in ("value", "low", "high"))
    return f"{value} ({low} to {high})"
