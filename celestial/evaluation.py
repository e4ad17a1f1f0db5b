"""The figures of one model on pictures whose classes are known: all of them, and the far ones."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from celestial import calibration, metrics
from celestial.inference import Prediction

PLAIN = ("log_loss", "ece", "brier")  # figures that are no share of pictures
CANNOT_TELL = "cannot tell"


@dataclass(frozen=True)
class Answers:
    """What one model says of N pictures.

    Attributes:
        name: of the model, for tables.
        probs: float (N, classes), the columns in one order for all models.
        labels: int (N,), the true classes.
        accepted: bool (N,), not called unknown; None where there is no threshold.
    """

    name: str
    probs: np.ndarray
    labels: np.ndarray
    accepted: np.ndarray | None

    @property
    def right(self) -> np.ndarray:
        """Whether the most probable class is the true one, bool (N,)."""
        return self.probs.argmax(axis=1) == self.labels

    def keep(self, wanted: np.ndarray) -> "Answers":
        """Return only the pictures of a mask, bool (N,)."""
        accepted = None if self.accepted is None else self.accepted[wanted]
        return Answers(self.name, self.probs[wanted], self.labels[wanted], accepted)


def answers_of(name: str, predictions: Sequence[Prediction], truth: Sequence[str],
               classes: Sequence[str]) -> Answers:
    """Return readable pictures' predictions as arrays, the columns in the order of `classes`."""
    order = [predictions[0].classes.index(own) for own in classes]
    return Answers(name, np.stack([prediction.probabilities[order] for prediction in predictions]),
                   np.array([classes.index(true) for true in truth]),
                   np.array([prediction.accepted for prediction in predictions]))


def judge(answers: Answers, seed: int) -> dict[str, dict[str, float] | None]:
    """Return the figures of `metrics.summarise`, of the calibration and of the rejection.

    Returns:
        name -> {"value", "low", "high"}, or None where nothing could be counted. With a threshold
        also share_unknown, of all pictures, and accuracy_of_accepted, of the others.
    """
    found = {**metrics.summarise(answers.probs, answers.labels, seed),
             **calibration.summarise(answers.probs, answers.labels, seed)}
    if answers.accepted is not None:
        accepted, total = int(answers.accepted.sum()), len(answers.labels)
        right = int((answers.right & answers.accepted).sum())
        found["share_unknown"] = metrics.share(total - accepted, total)
        found["accuracy_of_accepted"] = metrics.share(right, accepted)
    return found


def judge_far(answers: Answers, far: np.ndarray | None, seed: int) -> dict | str:
    """Return the figures of the far pictures alone (bool (N,)), and their number.

    Where no picture is far they are "none", and where far is None, `CANNOT_TELL`.
    """
    if far is None:
        return CANNOT_TELL
    if not far.any():
        return "none"
    return {"pictures": int(far.sum()), **judge(answers.keep(far), seed)}
