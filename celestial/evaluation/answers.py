"""Measures one model's answers on labelled pictures: on all of them, and on the far ones."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from celestial.data.design_effect import kept
from celestial.evaluation import calibration, metrics
from celestial.inference.predictor import Prediction

NOT_PROPORTIONS = ("log_loss", "ece", "brier")  # figures that are no proportion of pictures
CANNOT_TELL = "cannot tell"


@dataclass(frozen=True)
class Answers:
    """One model's answers for N pictures.

    Attributes:
        name: of the model, for tables.
        probs: float (N, classes), the columns in one order for all models.
        labels: int (N,), the true classes.
        accepted: bool (N,), whether the threshold accepts them; None where there is none.
        groups: (N,) of `design_effect`; None: each picture is a group of its own.
    """

    name: str
    probs: np.ndarray
    labels: np.ndarray
    accepted: np.ndarray | None
    groups: np.ndarray | None = None

    @property
    def right(self) -> np.ndarray:
        """Whether the most probable class is the true one, bool (N,)."""
        return self.probs.argmax(axis=1) == self.labels

    def keep(self, wanted: np.ndarray) -> "Answers":
        """Return only the pictures of a mask, bool (N,)."""
        accepted = None if self.accepted is None else self.accepted[wanted]
        return Answers(self.name, self.probs[wanted], self.labels[wanted], accepted,
                       kept(self.groups, wanted))


def answers_of(name: str, predictions: Sequence[Prediction], truth: Sequence[str],
               classes: Sequence[str], groups: np.ndarray | None) -> Answers:
    """Return readable pictures' predictions as arrays, the columns in the order of `classes`.

    These are all that the model knows. What it does not know among them has the probability 0.
    """
    known = predictions[0].classes
    probs = np.zeros((len(predictions), len(classes)))
    probs[:, [classes.index(own) for own in known]] = [
        prediction.probabilities for prediction in predictions]
    return Answers(name, probs, np.array([classes.index(true) for true in truth]),
                   np.array([prediction.accepted for prediction in predictions]), groups)


def measure(answers: Answers, seed: int) -> dict[str, dict[str, float] | None]:
    """Return the figures of `metrics.summarise`, of the calibration and of the rejection.

    Returns:
        name -> {"value", "low", "high"}, or None where nothing could be counted. With a threshold
        also share_unknown, the proportion of pictures it rejects, and accuracy_of_accepted.
    """
    given = answers.probs, answers.labels, seed, answers.groups
    found = {**metrics.summarise(*given), **calibration.summarise(*given)}
    if answers.accepted is not None:
        named = answers.keep(answers.accepted)
        found["share_unknown"] = metrics.proportion_of(~answers.accepted, answers.groups)
        found["accuracy_of_accepted"] = metrics.proportion_of(named.right, named.groups)
    return found


def measure_far(answers: Answers, far: np.ndarray | None, seed: int) -> dict | str:
    """Return the figures of the pictures far from all training pictures, and their number.

    `far`, bool (N,), is of `seen_in_training`. Where no picture is far the figures are "none", and
    where `far` is None they are `CANNOT_TELL`.
    """
    if far is None:
        return CANNOT_TELL
    if not far.any():
        return "none"
    return {"pictures": int(far.sum()), **measure(answers.keep(far), seed)}
