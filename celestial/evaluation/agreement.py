"""Says how far the answers of an ONNX file are from those of the network that it was made of."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from celestial.inference import confidence
from celestial.inference.onnx_engine import FITTED, OUTPUTS, PICTURES, OnnxModel
from celestial.models.fitted import Fitted
from celestial.models.networks import Classifier
from celestial.pictures.preprocessing import as_picture

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


def by_predictor(predictor, pictures: Sequence[np.ndarray]) -> Answered:
    """Answer with a `Predictor`, as predict_my_images.py does."""
    found = list(predictor.predict_pictures(pictures))
    return Answered(np.stack([one.probabilities for one in found]),
                    np.array([one.known_score for one in found]))
