"""Says how far the answers of an ONNX file are from those of the network that it was made of."""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from celestial.data.datasets import SplitFiles
from celestial.evaluation.metrics import proportion
from celestial.inference import confidence
from celestial.inference.onnx_engine import FITTED, OUTPUTS, PICTURES, OnnxModel
from celestial.inference.predictor import Predictor
from celestial.models.fitted import Fitted
from celestial.models.networks import Classifier
from celestial.pictures.preprocessing import as_picture

ROUNDS = 9  # in which two files take turns
UNKNOWN = -1  # the verdict that a picture is none of the classes


@dataclass(frozen=True)
class Answered:
    """What one way of computing says of N pictures.

    Attributes:
        probabilities: float (N, classes).
        known_scores: float (N,).
    """

    probabilities: np.ndarray
    known_scores: np.ndarray

    def verdicts(self, reject_below: float) -> np.ndarray:
        """Return the index of each picture's class, or `UNKNOWN`; int (N,)."""
        return np.where(self.known_scores >= reject_below, self.probabilities.argmax(axis=1),
                        UNKNOWN)

    def difference(self, other: "Answered") -> float:
        """Return the largest difference of a probability."""
        return float(np.abs(self.probabilities - other.probabilities).max())

    def equal_verdicts(self, other: "Answered", reject_below: float) -> float:
        """Return the proportion of the pictures that both give the same verdict, 0..1."""
        return float((self.verdicts(reject_below) == other.verdicts(reject_below)).mean())


def by_torch(network: Classifier, fitted: Fitted, pictures: Sequence[np.ndarray]) -> Answered:
    """Answer with the network itself, float32, on the CPU, a picture at a time.

    Args:
        network: in eval mode.
        fitted: what belongs to it.
        pictures: uint8 (height, width, 3) each.
    """
    squares = [fitted.preprocessing.square(picture) for picture in pictures]
    with torch.inference_mode():
        logits = np.concatenate([
            network(fitted.preprocessing.normalise(torch.from_numpy(square[None]))).numpy()
            for square in squares])
    return Answered(confidence.probabilities(logits, fitted.temperature),
                    confidence.known_score(logits))


def by_file(model: OnnxModel, pictures: Sequence[np.ndarray], from_square: bool = False
            ) -> Answered:
    """Answer with an ONNX file, a picture at a time.

    Args:
        model: opened.
        pictures: uint8 (height, width, 3) each.
        from_square: make the squares here, so that the network in the file alone is compared.
    """
    found = []
    for picture in pictures:
        if from_square:
            picture = as_picture(model.preprocessing.square(picture))
        feeds = {PICTURES: picture[None]} | ({FITTED: np.array(True)} if from_square else {})
        found.append(model.session.run(OUTPUTS[:2], feeds))
    return Answered(*map(np.concatenate, zip(*found, strict=True)))


def by_predictor(predictor: Predictor, pictures: Sequence[np.ndarray]) -> Answered:
    """Answer with a `Predictor`, as predict_my_images.py does."""
    found = list(predictor.predict_pictures(pictures))
    return Answered(np.stack([one.probabilities for one in found]),
                    np.array([one.known_score for one in found]))


def compare_on_split(full: Predictor, other: Predictor, files: SplitFiles) -> dict:
    """Compare two predictors of the same classes on the same pictures.

    Returns:
        "pictures" that can be read, "accuracy_full" and "accuracy" of the other, each with its
        interval (of the most probable class, whether accepted or not), and "equal_verdicts", the
        proportion that both give the same verdict.
    """
    found = [(one, two, files.classes[label]) for one, two, label in zip(
        full.predict(files.paths), other.predict(files.paths), files.labels, strict=True)
        if one.status != "failed"]
    right = [sum(pair[which].top(1)[0][0] == pair[2] for pair in found) for which in (0, 1)]
    equal = sum(one.name == two.name for one, two, _ in found)
    return {"pictures": len(found), "accuracy_full": proportion(right[0], len(found)),
            "accuracy": proportion(right[1], len(found)),
            "equal_verdicts": equal / max(1, len(found))}


def times_as_fast(full: Predictor, other: Predictor, squares: np.ndarray) -> float:
    """Return how many times as many squares a second the other one computes, in one thread.

    They take turns, so that whatever else runs on the machine slows both.

    Args:
        full, other: predictors with the engine onnx.
        squares: uint8 (N, 3, size, size).
    """
    ratios = []
    for _ in range(ROUNDS):
        seconds = []
        for predictor in (full, other):
            start = time.perf_counter()
            predictor.engine.outputs(squares)
            seconds.append(time.perf_counter() - start)
        ratios.append(seconds[0] / seconds[1])
    return statistics.median(ratios)
