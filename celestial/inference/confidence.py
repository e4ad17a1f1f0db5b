"""Fits the temperature, and the threshold of known_score that rejects pictures of no class."""

import numpy as np

from celestial.data.design_effect import effective_size
from celestial.inference.views import means_of_views

ACCEPTED = 0.95  # proportion of the known pictures of val that the threshold accepts
TEMPERATURES = (0.05, 20.0)  # limits between which the best one is looked for


def fit_temperature(logits: np.ndarray, labels: np.ndarray,
                    weights: np.ndarray | None = None) -> float:
    """Return the temperature that makes the log loss on val smallest.

    Temperature scaling: Guo et al., "On Calibration of Modern Neural Networks", 2017. One
    pseudo-picture is added to which every class fits equally, because where all of val is right,
    the log loss alone would be smallest at a temperature of 0, for certainty.

    Args:
        logits: float (N, classes).
        labels: int (N,).
        weights: float (N,), as how many pictures each counts; None: as one.
    """
    from scipy.optimize import minimize_scalar  # imported here: predicting starts faster

    def log_loss(log_temperature: float) -> float:
        scaled = _log_softmax(logits / np.exp(log_temperature))
        # Of the pseudo-picture: the mean log probability over all pictures and classes.
        any_class = np.average(scaled.mean(axis=1), weights=weights)
        return -(scaled[np.arange(len(labels)), labels] * counted).sum() - any_class

    counted = np.ones(len(labels)) if weights is None else weights

    found = minimize_scalar(log_loss, bounds=np.log(TEMPERATURES), method="bounded")
    return float(np.exp(found.x))


def log_loss(logits: np.ndarray, labels: np.ndarray, temperature: float) -> float:
    """Return the mean log loss, nats, of logits (N, classes) divided by a temperature."""
    scaled = _log_softmax(np.asarray(logits, dtype=np.float64) / temperature)
    return float(-scaled[np.arange(len(labels)), labels].mean())


def calibrated_loss(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the log loss after temperature scaling: how well a model tells the classes apart.

    The log loss itself depends as well on how sure a model is. Label smoothing and the length of a
    training change that, but the temperature, which is fitted in the end, corrects it.
    """
    return log_loss(logits, labels, fit_temperature(logits, labels))


def probabilities(logits: np.ndarray, temperature: float) -> np.ndarray:
    """Return calibrated probabilities: float (N, classes), each row sums to 1."""
    return np.exp(_log_softmax(np.asarray(logits, dtype=np.float64) / temperature))


def known_score(logits: np.ndarray) -> np.ndarray:
    """Return how well each picture fits the classes: how far the answer is from "any of them".

    It is the cross-entropy of the answer to the uniform distribution, in nats, which training makes
    small for outliers (Hendrycks, Mazeika and Dietterich, "Deep Anomaly Detection with Outlier
    Exposure", 2019). It is log(classes) where all are equally likely, and has no upper limit.
    benchmarks/known_scores.py compares it with other scores.

    Args:
        logits: float (N, classes).

    Returns:
        float64 (N,).
    """
    return -_log_softmax(logits).mean(axis=1)


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    logits = np.asarray(logits, dtype=np.float64)
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def fit_reject_below(scores: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Return the threshold that accepts at least `ACCEPTED` of val's known pictures.

    Args:
        scores: float (N,).
        weights: float (N,), as how many pictures each counts; None: as one.
    """
    if weights is None:
        return float(np.quantile(scores, 1 - ACCEPTED, method="lower"))
    order = np.argsort(scores)
    below = np.cumsum(weights[order]) - weights[order]  # the weight that each would reject
    return float(scores[order][below <= (1 - ACCEPTED) * weights.sum()][-1])


def fit(logits: np.ndarray, labels: np.ndarray,
        weights: np.ndarray | None = None) -> dict[str, float]:
    """Return the `temperature` and the threshold `reject_below` for logits (N, classes).

    Args:
        logits: float (N, classes).
        labels: int (N,), each of a class.
        weights: float (N,), as how many pictures each counts; None: as one.
    """
    return {"temperature": fit_temperature(logits, labels, weights),
            "reject_below": fit_reject_below(known_score(logits), weights)}


def fit_on_val(logits_of_views: np.ndarray, labels: np.ndarray,
               groups: np.ndarray | None) -> dict[str, object]:
    """Return what a checkpoint takes from val.

    `temperature`, `reject_below` and the figures `val` are of the pictures as they are. `by_views`
    has temperature and threshold for the mean of several views, because means are less spread.

    Args:
        logits_of_views: float (8, N, classes), in the order of `views.view`.
        labels: int (N,), each of a class.
        groups: (N,) of `design_effect`; the figures say how many independent pictures the
            accuracy is worth.
    """
    fitted = {count: fit(logits, labels)
              for count, logits in means_of_views(logits_of_views).items()}
    one, logits = fitted.pop(1), logits_of_views[0]
    best_two = np.argsort(-logits, axis=1)[:, :2] == labels[:, None]
    return {**one, "by_views": fitted,
            "val": {"pictures": len(labels), "accuracy": float(best_two[:, 0].mean()),
                    "effective_pictures": effective_size(best_two[:, 0], groups),
                    "top2": float(best_two.any(axis=1).mean()),
                    "log_loss": log_loss(logits, labels, one["temperature"])}}
