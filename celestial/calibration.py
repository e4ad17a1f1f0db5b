"""Do the probabilities mean what they say? Expected calibration error, Brier score, their bins."""

from dataclasses import dataclass

import numpy as np

from celestial.metrics import FEWEST, RESAMPLES, as_figure, mean, middle

MOST_BINS = 15


@dataclass(frozen=True)
class Bins:
    """Pictures of about equal probability together, the least probable first; each (bins,).

    Attributes:
        counts: pictures in a bin; they differ by one at most.
        confidence: mean probability of the class that was answered, 0..1.
        right: pictures whose answer is right.
    """

    counts: np.ndarray
    confidence: np.ndarray
    right: np.ndarray

    @property
    def error(self) -> float:
        """Mean distance of the confidence from the share that is right, over the pictures."""
        return float(np.abs(self.right - self.counts * self.confidence).sum() / self.counts.sum())


def equal_bins(confidence: np.ndarray, right: np.ndarray, bins: int) -> Bins:
    """Cut the pictures, sorted by confidence (N,), into bins of nearly equal size.

    Args:
        confidence: float (N,), probability of the class that was answered, rising.
        right: bool (N,).
        bins: at most N.
    """
    starts = np.arange(bins) * len(right) // bins
    counts = np.diff(np.append(starts, len(right)))
    return Bins(counts, np.add.reduceat(confidence, starts) / counts,
                np.add.reduceat(right.astype(float), starts))


def rising_bins(confidence: np.ndarray, right: np.ndarray) -> Bins:
    """Return the most bins, up to `MOST_BINS`, over which the share that is right never falls.

    ECE-sweep: Roelofs et al., "Mitigating Bias in Calibration Error Estimation", 2022. With a
    fixed number of bins the error of a few pictures is mostly chance: for 75 pictures of a
    perfectly calibrated model 15 bins show 0.10 on average, these 0.05.
    """
    order = np.argsort(confidence, kind="stable")
    confidence, right = confidence[order], right[order]
    found = equal_bins(confidence, right, 1)
    for bins in range(2, min(MOST_BINS, len(right)) + 1):
        more = equal_bins(confidence, right, bins)
        if (np.diff(more.right / more.counts) < 0).any():
            break
        found = more
    return found


def calibration_error(confidence: np.ndarray, right: np.ndarray, seed: int,
                      ) -> dict[str, float] | None:
    """Return the expected calibration error over `rising_bins` with its interval, 0..1.

    The error cannot fall below 0, so resampling adds to it: the interval goes from the lower to
    the higher limit of the percentile bootstrap and of its mirror image, and down to 0 where a
    perfectly calibrated model would show as much by chance. It held the true value in 95 to 99 %
    of simulated test sets (75 to 500 pictures). None of fewer than `FEWEST` pictures.
    """
    if len(right) < FEWEST:
        return None
    random = np.random.default_rng(seed)
    error = rising_bins(confidence, right).error
    drawn = []
    for _ in range(RESAMPLES):
        index = random.integers(0, len(right), len(right))
        drawn.append(rising_bins(confidence[index], right[index]).error)
    by_chance = [rising_bins(confidence, random.random(len(right)) < confidence).error
                 for _ in range(RESAMPLES)]
    low, high = middle(np.array(drawn))
    low, high = min(low, 2 * error - high), max(high, 2 * error - low)
    if error <= middle(np.array(by_chance))[1]:
        low = 0.0
    return as_figure(error, (max(0.0, low), min(1.0, high)))


def brier_score(probs: np.ndarray, labels: np.ndarray, seed: int) -> dict[str, float] | None:
    """Return the mean squared distance of the probabilities from the truth, 0..2.

    Brier, "Verification of forecasts expressed in terms of probability", 1950: summed over the
    classes. Interval: bootstrap.
    """
    truth = np.eye(probs.shape[1])[labels]
    return mean(((probs - truth) ** 2).sum(axis=1), seed)


def summarise(probs: np.ndarray, labels: np.ndarray, seed: int,
              ) -> dict[str, dict[str, float] | None]:
    """Return the expected calibration error (ece) and the Brier score (brier).

    Args:
        probs: float (N, classes), rows sum to 1.
        labels: int (N,).
        seed: of the bootstrap.
    """
    confidence, right = probs.max(axis=1), probs.argmax(axis=1) == labels
    return {"ece": calibration_error(confidence, right, seed),
            "brier": brier_score(probs, labels, seed)}
