"""Figures of a classifier, each with its 95 % confidence interval."""

from collections.abc import Sequence

import numpy as np
from scipy import stats
from sklearn import metrics as sklearn_metrics

LEVEL = 0.95
RESAMPLES = 2000
SMALLEST = 1e-15  # probability; keeps the logarithm finite


def wilson(successes: float, total: float) -> tuple[float, float]:
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
    return float(max(0.0, centre - half)), float(min(1.0, centre + half))


def mean_of_shares(successes: Sequence[float], totals: Sequence[float]) -> tuple[float, float]:
    """Return the interval of the mean of independent proportions.

    Each proportion's Wilson limits are put together as squares (MOVER: Zou and Donner,
    "Construction of confidence intervals about effect measures", 2008), so the interval keeps
    its width where every class is right, as a bootstrap does not.
    """
    shares = np.asarray(successes) / np.asarray(totals)
    limits = np.array([wilson(s, n) for s, n in zip(successes, totals, strict=True)])
    low = shares.mean() - np.sqrt(((shares - limits[:, 0]) ** 2).sum()) / len(shares)
    high = shares.mean() + np.sqrt(((limits[:, 1] - shares) ** 2).sum()) / len(shares)
    return float(max(0.0, low)), float(min(1.0, high))


def _mean_interval(values: np.ndarray, seed: int) -> tuple[float, float]:
    """Return the percentile bootstrap interval of a mean."""
    drawn = np.random.default_rng(seed).choice(values, (RESAMPLES, len(values))).mean(axis=1)
    low, high = np.quantile(drawn, [0.5 - LEVEL / 2, 0.5 + LEVEL / 2])
    return float(low), float(high)


def summarise(probs: np.ndarray, labels: np.ndarray, seed: int = 0) -> dict[str, dict[str, float]]:
    """Return accuracy, balanced accuracy, macro-F1, top-2 accuracy and log loss.

    Args:
        probs: float (N, classes), rows sum to 1.
        labels: int (N,). Classes without a picture have no part in balanced accuracy and F1.
        seed: of the bootstrap.

    Returns:
        name -> {"value", "low", "high"}; log loss in nats, the others 0..1. The interval of
        macro-F1 takes each class's F1 = tp / (tp + (fp + fn) / 2) as a proportion of that
        denominator, an approximation.
    """
    predicted = probs.argmax(axis=1)
    present = np.unique(labels)
    count = len(labels)
    right = predicted == labels
    own = [labels == label for label in present]
    hits = [float(right[mask].sum()) for mask in own]
    taken = [(mask.sum() + (predicted == label).sum()) / 2
             for mask, label in zip(own, present, strict=True)]
    second = np.argsort(-probs, axis=1, kind="stable")[:, :2]
    in_top2 = int((second == labels[:, None]).any(axis=1).sum())
    losses = -np.log(np.clip(probs[np.arange(count), labels], SMALLEST, 1))
    return {
        "accuracy": _figure(right.mean(), wilson(right.sum(), count)),
        "balanced_accuracy": _figure(
            sklearn_metrics.recall_score(labels, predicted, labels=present, average="macro"),
            mean_of_shares(hits, [mask.sum() for mask in own])),
        "macro_f1": _figure(
            sklearn_metrics.f1_score(labels, predicted, labels=present, average="macro",
                                     zero_division=0),
            mean_of_shares(hits, taken)),
        "top2_accuracy": _figure(in_top2 / count, wilson(in_top2, count)),
        "log_loss": _figure(losses.mean(), _mean_interval(losses, seed)),
    }


def _figure(value: float, interval: tuple[float, float]) -> dict[str, float]:
    return {"value": float(value), "low": interval[0], "high": interval[1]}


def as_text(figure: dict[str, float], percent: bool = True) -> str:
    """Return a figure with its interval: `95.2 % (89.3 % to 98.0 %)`."""
    if percent:
        value, low, high = (f"{100 * figure[name]:.1f} %" for name in ("value", "low", "high"))
    else:
        value, low, high = (f"{figure[name]:.3f}" for name in ("value", "low", "high"))
    return f"{value} ({low} to {high})"
