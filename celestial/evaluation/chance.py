"""Tests whether an accuracy, or the difference of two models, is more than chance.

Where pictures are in groups, whole groups are exchanged.

p = (1 + count) / (1 + permutations), which is never 0: Phipson and Smyth, "Permutation p-values
should never be zero", 2010.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from celestial.data.design_effect import any_shared, swap_labels
from celestial.evaluation.metrics import proportion_of

PERMUTATIONS = 10_000
SURE, DOUBTFUL = 0.01, 0.05  # p below which a gain is sure, and from which on it is doubtful
USEFUL = 0.10  # gain in accuracy over chance that would be of use


@dataclass(frozen=True)
class Gain:
    """The accuracy of N answers against shuffled labels.

    Attributes:
        accuracy: {"value", "low", "high"}.
        p: of an accuracy as high under shuffled labels.
        shuffled: mean accuracy under these, 0..1.
        expected: accuracy of answers that have nothing to do with the labels, 0..1.
    """

    accuracy: dict[str, float]
    p: float
    shuffled: float
    expected: float

    @property
    def found(self) -> bool | None:
        """True: more than chance. False: no useful gain. None: it cannot be told.

        A high p alone is no evidence of chance, because with few pictures p is seldom low. So
        False also needs an interval that ends less than `USEFUL` above chance.
        """
        if self.p < SURE:
            return True
        useless = self.p >= DOUBTFUL and self.accuracy["high"] < self.expected + USEFUL
        return False if useless else None


def chance_of(labels: np.ndarray) -> float:
    """Return what always naming the most frequent class would get, 0..1."""
    return float(np.bincount(labels).max() / len(labels))


def gain_of(predicted: np.ndarray, labels: np.ndarray, groups: np.ndarray | None,
            seed: int) -> Gain:
    """Compare answers with what they would get under shuffled labels.

    Args:
        predicted, labels: int (N,).
        groups: (N,) of `design_effect`; labels are exchanged between whole groups of one size.
        seed: of the shuffling.
    """
    p, shuffled = permutation_p(predicted, labels, seed, groups)
    kinds = max(predicted.max(), labels.max()) + 1
    expected = np.bincount(predicted, minlength=kinds) @ np.bincount(labels, minlength=kinds)
    return Gain(proportion_of(predicted == labels, groups), p, shuffled,
                float(expected / len(labels) ** 2))


def permutation_p(predicted: np.ndarray, labels: np.ndarray, seed: int,
                  groups: np.ndarray | None = None) -> tuple[float, float]:
    """Return the p-value of the accuracy under shuffled labels, and their mean accuracy.

    Args:
        predicted, labels: int (N,).
        seed: of the shuffling.
        groups: (N,), see `gain_of`.
    """
    random = np.random.default_rng(seed)
    right = int((predicted == labels).sum())
    shuffled = np.array([(predicted == swapped).sum()
                         for swapped in swap_labels(groups, labels, random, PERMUTATIONS)])
    p = (1 + int((shuffled >= right).sum())) / (1 + PERMUTATIONS)
    return p, float(shuffled.mean() / len(labels))


def paired_p(first: np.ndarray, second: np.ndarray, groups: np.ndarray | None,
             seed: int) -> float:
    """Return the two-sided p of two models being equally good on the same pictures.

    McNemar's exact test: how often would the models differ as much if their answers were exchanged
    at random? For pictures in groups a permutation test exchanges whole groups.

    Args:
        first, second: bool (N,), which pictures are right.
        groups: (N,) of `design_effect`.
        seed: of the permutations.
    """
    ahead = first.astype(int) - second
    if not any_shared(groups):
        differing = int(np.abs(ahead).sum())
        only_first = int((ahead > 0).sum())
        return float(stats.binomtest(only_first, differing).pvalue) if differing else 1.0
    sums = np.bincount(np.unique(groups, return_inverse=True)[1], ahead)
    sums = sums[sums != 0].astype(int)
    random = np.random.default_rng(seed)
    exchanged = [abs(int((2 * random.integers(0, 2, len(sums)) - 1) @ sums))
                 for _ in range(PERMUTATIONS)]
    as_far = sum(total >= abs(int(sums.sum())) for total in exchanged)
    return (1 + as_far) / (1 + PERMUTATIONS)
