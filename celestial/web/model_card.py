"""What a checkpoint knows of itself, for the page's documentation."""

import json
from dataclasses import dataclass

from celestial import metrics
from celestial.inference import Predictor
from celestial.web.answers import names_of

EVALUATION = "metrics.json"  # of evaluate_model.py, where it lies beside the checkpoint
FIGURES = ("accuracy", "balanced_accuracy", "macro_f1", "ece")


@dataclass(frozen=True)
class ModelCard:
    """A checkpoint in words and figures.

    Attributes:
        classes: names in each language.
        facts: (what, value) of how it was trained.
        measured: (what, figure with its 95 % interval).
        pictures: how many it learned from.
    """

    classes: list[dict[str, str]]
    facts: list[tuple[str, str]]
    measured: list[tuple[str, str]]
    pictures: int


def card_of(predictor: Predictor) -> ModelCard:
    """Return the card of a checkpoint, with the figures of its evaluation where there are any."""
    checkpoint = predictor.checkpoint
    count = int(checkpoint.val.get("pictures", 0))
    measured = []
    if count and "accuracy" in checkpoint.val:
        right = round(checkpoint.val["accuracy"] * count)
        measured.append((f"accuracy on {count} val pictures, by which the epoch was chosen",
                         metrics.as_text(metrics.share(right, count))))
    options = checkpoint.options
    facts = [("network", checkpoint.model), ("input", f"{predictor.preprocessing.size} pixels"),
             ("first weights", str(options.get("weights_used", "unknown"))),
             ("trained", checkpoint.date[:10]),
             ("commit", str(checkpoint.versions.get("commit", "unknown"))),
             ("torch", str(checkpoint.versions.get("torch", "unknown")))]
    return ModelCard([names_of(name) for name in checkpoint.classes], facts,
                     measured + _evaluation(predictor), len(checkpoint.train_sha256))


def _evaluation(predictor: Predictor) -> list[tuple[str, str]]:
    """Return the figures of evaluate_model.py, if it wrote them beside the checkpoint."""
    try:
        found = json.loads((predictor.path.parent / EVALUATION).read_text(encoding="utf-8"))
        return [(f"{name.replace('_', ' ')} on {found['pictures']} {found['split']} pictures",
                 metrics.as_text(found[name], name != "ece")) for name in FIGURES]
    except (OSError, ValueError, KeyError, TypeError):
        return []
