"""Cues beside the content, like file size and border colour, and how right they alone are."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.ensemble import RandomForestClassifier

from celestial.pictures.loader import display_copy
from celestial.pictures.preprocessing import Preprocessing

EDGE = 1 / 16  # width of a side's strip of border pixels, proportion of the shorter side
TREES = 100
TOGETHER = "all of these together"


@dataclass(frozen=True)
class Cues:
    """What a model could go by without looking at the content, of N pictures.

    Attributes:
        columns: cue -> float (N, features).
        labels: int (N,).
    """

    columns: dict[str, np.ndarray]
    labels: np.ndarray


def cues_of(preprocessing: Preprocessing, path: Path) -> dict[str, np.ndarray]:
    """Return the cues of one file; colours on 0..255.

    Raises:
        ImageError: the reason why the file cannot be used.
    """
    decoded = preprocessing.decode(path)
    picture = display_copy(decoded.picture, preprocessing.size)
    edge = max(1, round(EDGE * min(picture.shape[:2])))
    strips = (picture[:edge], picture[-edge:], picture[:, :edge], picture[:, -edge:])
    border = [(strip.mean(axis=(0, 1)), strip.std(axis=(0, 1))) for strip in strips]
    return {"width and height": np.array([decoded.width, decoded.height], float),
            "file size": np.array([path.stat().st_size], float),
            "mean colour": picture.mean(axis=(0, 1)),
            "border pixels": np.ravel(border)}


def gather(cues: Sequence[dict[str, np.ndarray]], labels: np.ndarray) -> Cues:
    """Put the cues of single files together, and each with all others."""
    columns = {name: np.stack([row[name] for row in cues]) for name in cues[0]}
    columns[TOGETHER] = np.concatenate(list(columns.values()), axis=1)
    return Cues(columns, np.asarray(labels))


def right_by_cues(train: Cues, test: Cues, seed: int) -> dict[str, np.ndarray]:
    """Return which test pictures a random forest gets right from each cue: cue -> bool (N,).

    A forest needs no scaling and finds thresholds as well as combinations (Breiman, "Random
    forests", 2001).
    """
    right = {}
    for name, columns in train.columns.items():
        forest = RandomForestClassifier(TREES, random_state=seed).fit(columns, train.labels)
        right[name] = forest.predict(test.columns[name]) == test.labels
    return right
