"""Makes a checkpoint's model card for the page's documentation: classes, training, figures."""

import json
from dataclasses import dataclass
from pathlib import Path

from celestial.common.files import sha256_of
from celestial.evaluation import metrics
from celestial.inference.predictor import Predictor
from celestial.web.answers import names_of

# Where evaluate_model.py may have left its figures: beside the checkpoint, or where it writes.
EVALUATIONS = ("metrics.json", "../evaluation_results/metrics.json")
FIGURES = ("accuracy", "balanced_accuracy", "macro_f1", "ece", "accuracy_of_accepted",
           "share_unknown")


@dataclass(frozen=True)
class Measured:
    """A figure of a checkpoint.

    Attributes:
        figure: its name in `words`.
        value: with its 95 % interval.
        split: val or test.
        pictures: how many.
        data: name of the pictures' folder; empty: the val split of the training.
    """

    figure: str
    value: str
    split: str
    pictures: int
    data: str = ""


@dataclass(frozen=True)
class ModelCard:
    """A checkpoint in words and figures.

    Attributes:
        classes: names in each language.
        facts: (name in `words`, value) of how it was trained.
        measured: its figures.
        pictures: how many the model learned from.
    """

    classes: list[dict[str, str]]
    facts: list[tuple[str, str]]
    measured: list[Measured]
    pictures: int


def card_of(predictor: Predictor) -> ModelCard:
    """Return the card of a checkpoint, with the figures of its evaluation where there are any."""
    checkpoint = predictor.checkpoint
    count = int(checkpoint.val.get("pictures", 0))
    measured = _evaluation(predictor.path, predictor.views)
    if count and "accuracy" in checkpoint.val:
        accuracy = checkpoint.val["accuracy"]
        worth = checkpoint.val.get("effective_pictures", count)  # older checkpoints lack it
        measured.append(Measured("accuracy", metrics.as_text(metrics.as_figure(
            accuracy, metrics.wilson(accuracy * worth, worth))), "val", count,
            _with_views("", 1, predictor.views)))
    facts = [("network", checkpoint.model), ("input", f"{predictor.preprocessing.size} px"),
             ("views", "" if predictor.views == 1 else str(predictor.views)),
             ("first_weights", str(checkpoint.options.get("weights_used", ""))),
             ("trained", checkpoint.date[:10]),
             ("commit", str(checkpoint.versions.get("commit", ""))),
             ("torch", str(checkpoint.versions.get("torch", "")))]
    return ModelCard([names_of(name) for name in checkpoint.classes],
                     [(name, value) for name, value in facts if value], measured,
                     len(checkpoint.train_sha256))


def _evaluation(checkpoint: Path, views: int) -> list[Measured]:
    """Return the figures of evaluate_model.py, if it wrote any of this checkpoint."""
    for place in EVALUATIONS:
        try:
            found = json.loads((checkpoint.parent / place).read_text(encoding="utf-8"))
            unseen = found["split"] == "test" and not found["training_overlap"]["exact_copies"]
            if found["checkpoint_sha256"] != sha256_of(checkpoint) or not unseen:
                continue
            data = _with_views(found["data"], found.get("views", 1), views)
            return [Measured(name, metrics.as_text(found[name], name != "ece"), found["split"],
                             found["pictures"], data)
                    for name in FIGURES if name in found]
        except (OSError, ValueError, KeyError, TypeError):
            continue  # no such file, or one of another version
    return []


def _with_views(data: str, measured: int, used: int) -> str:
    """Return the name of the data, with the number of views if the page uses another one.

    The number is given as the option --views, which is the same in every language.
    """
    return data if measured == used else f"{data} --views {measured}".strip()
