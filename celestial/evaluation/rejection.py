"""Measures how well known_score tells outliers, pictures of no class, from known pictures."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from celestial.common.file_names import display_name
from celestial.common.tables import write_csv
from celestial.evaluation import metrics
from celestial.inference.predictor import Prediction

ALL = "all"


def kind_of(path: Path, folder: Path) -> str:
    """Return the sub-folder of `folder` that a picture lies in, or an empty text."""
    parts = path.relative_to(folder).parts
    return display_name(parts[0]) if len(parts) > 1 else ""


def measure_outliers(known_scores: np.ndarray, outliers: Sequence[Prediction],
                     kinds: Sequence[str], groups: np.ndarray | None) -> dict[str, dict]:
    """Return how well the known_score tells outliers from known pictures.

    Args:
        known_scores: float (N,), of the known pictures.
        outliers: predictions of M pictures that can be read.
        kinds: their sub-folders, M texts. They are no groups of `design_effect`, because pictures
            of one folder need not be near-copies: each outlier counts as independent.
        groups: (N,) of `design_effect`, those of the known pictures.

    Returns:
        "all" and each sub-folder -> {"pictures", "auroc": known above outliers, "accepted":
        proportion that the threshold accepts}, each figure {"value", "low", "high"}.
    """
    scores = np.array([prediction.known_score for prediction in outliers])
    accepted = np.array([prediction.accepted for prediction in outliers])
    found = {}
    for name in (ALL, *sorted(set(kinds) - {"", ALL})):
        own = np.array([name in (ALL, kind) for kind in kinds])
        found[name] = {"pictures": int(own.sum()),
                       "auroc": metrics.auroc(known_scores, scores[own], groups),
                       "accepted": metrics.proportion(int(accepted[own].sum()), int(own.sum()))}
    return found


def write_outliers(path: Path, predictions: Sequence[Prediction], folder: Path) -> Path:
    """Write outliers.csv: one row a file, the unreadable ones with their reason."""
    rows = []
    for prediction in predictions:
        name = display_name(prediction.path.relative_to(folder).as_posix())
        if prediction.probabilities is None:
            rows.append([name, "failed", "", "", "", prediction.reason])
            continue
        nearest, probability = prediction.top(1)[0]
        status = "accepted" if prediction.accepted else "unknown"
        rows.append([name, status, f"{prediction.known_score:.6f}", nearest, f"{probability:.8f}",
                     ""])
    return write_csv(path, ["path", "status", "known_score", "nearest_class", "probability",
                            "reason"], rows)
