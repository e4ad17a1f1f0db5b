"""Writes report.html: all that was measured of a checkpoint, on one page.

It is made of the files in evaluation_results/ and of the blind test's files beside that folder. The
evaluation and the blind test both write it, because either may be the last to end.
"""

import base64
import csv
import datetime
import io
import json
import math
import shlex
from collections import Counter
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from PIL import Image

from celestial.common import console
from celestial.common.file_names import display_name
from celestial.common.files import atomic_path, sha256_of
from celestial.common.tables import read_csv
from celestial.data.datasets import manifest_rows
from celestial.evaluation import metrics
from celestial.evaluation.answers import NOT_PROPORTIONS
from celestial.inference.predictor import Predictor
from celestial.models.checkpoints import Checkpoint

TEMPLATES = Path(__file__).resolve().parent / "templates"
STYLE = console.ROOT / "celestial/web/static/style.css"  # the look of the web page
WIDEST = 1400  # pixels of an embedded picture
TALLEST = 16_383  # pixels, the most that WebP can hold
QUALITY = 84  # of WebP, 0..100
# Entries of a checkpoint's options that are results, not options of improved_training.py.
RESULTS = ("weights_used", "device_used", "confidence_from")
SPLITS = ("train", "val", "test")
SECTIONS = (("verdict", "Verdict"), ("figures", "Figures"), ("classes", "Class by class"),
            ("sure", "How sure it is"), ("mistakes", "Mistakes"), ("looks", "What it looks at"),
            ("blind", "Blind test"), ("data", "Data and leaks"), ("training", "Training"),
            ("reproduce", "How to reproduce it"))
BLIND, HISTORY = "blind_test_report.png", "training_history.png"
FIGURES = {
    "top2_accuracy": "right class among the first two", "macro_f1": "macro F1, mean of the classes",
    "log_loss": "log loss (0 is best)", "ece": "calibration error, ECE (0 is best)",
    "brier": "Brier score (0 is best)", "share_unknown": "called none of its classes",
    "accuracy_of_accepted": "accuracy where it names a class",
}
CAPTIONS = {
    "class_accuracy.png": "Proportion of each class that is right, with its interval",
    "confusion_matrix.png": "What is taken for what: rows are the true classes",
    "normalized_confusion_matrix.png": "The same in percent of the true class",
    "binary_curves.png": "What another threshold than 0.5 would give",
    "roc_curves.png": "Each class against the rest: ROC",
    "precision_recall_curves.png": "Each class against the rest: precision and recall",
    "reliability_diagram.png": "How often answers are right that are given with so much confidence",
    "known_scores.png": "What fits the classes, and what does not: the scores of both",
    "worst_mistakes.png": "The mistakes it was most sure of, and what in each picture spoke for "
    "the wrong and for the right class (Grad-CAM; red: most)",
    "prediction_visualization.png": "Pictures drawn at random, with their predictions",
    "model_comparison.png": "Each model's accuracy, and the differences between them",
    "misclassified_samples.png": "More mistakes, the most confident first",
    "label_check.png": "Labels that the model doubts: some may be mistakes in the folders",
    "feature_activation_visualization.png": "Grad-CAM: what speaks for the class, and for the next",
    "activation_maps.png": "What single layers see",
    BLIND: "The blind test, with every accuracy it measured",
    HISTORY: "The training, epoch by epoch",
}


def facts_of(predictor: Predictor, data_dir: Path) -> dict:
    """Return the report's facts of a checkpoint and its data, as plain values for JSON."""
    checkpoint = predictor.checkpoint
    never = not math.isfinite(predictor.reject_below)  # ImageNet's networks have no threshold
    return {"model": checkpoint.model, "classes": list(checkpoint.classes),
            "checkpoint_sha256": sha256_of(predictor.path), "views": predictor.views,
            "data": display_name(data_dir.resolve().name),
            "training": {"options": checkpoint.options, "versions": checkpoint.versions,
                         "date": checkpoint.date, "val": checkpoint.val,
                         "temperature": predictor.temperature,
                         "reject_below": None if never else predictor.reject_below,
                         "manifest_sha256": checkpoint.manifest_sha256,
                         "pictures": len(checkpoint.train_sha256),
                         "outliers": sum(label < 0 for label in checkpoint.train_labels)},
            "dataset": _dataset(data_dir)}


def _dataset(data_dir: Path) -> dict | None:
    """Count the pictures of a dataset; None where datapre.py did not make it."""
    if not (rows := manifest_rows(data_dir)):
        return None
    try:
        rejected = len(read_csv(data_dir / "rejected.csv"))
    except (OSError, ValueError, csv.Error):
        return None
    counts = Counter((row["class"], row["split"]) for row in rows)
    return {"counts": {name: {split: counts[name, split] for split in SPLITS}
                       for name in sorted({row["class"] for row in rows})},
            "groups": len({row["group"] for row in rows}), "rejected": rejected}


def refresh_report(folder: Path, checkpoint_sha256: str) -> list[Path]:
    """Write the report anew where `folder` has an evaluation of this very checkpoint."""
    found = _read(folder / "metrics.json")
    if found.get("checkpoint_sha256") != checkpoint_sha256 or "independence" not in found:
        return []  # other weights, or written by an earlier version
    return [write_report(folder)]


def write_report(folder: Path) -> Path:
    """Write report.html from what evaluate_model.py left in `folder`, and return its path."""
    found = _read(folder / "metrics.json")
    blind = _read(folder.parent / "blind_test_report.json")
    if blind.get("checkpoint_sha256") != found["checkpoint_sha256"]:
        blind = {}
    paths = [*(folder / name for name in found["figures"]),
             *([folder.parent / BLIND] if blind else [])]
    checkpoint = Path(found["checkpoint"])
    if checkpoint.name == console.FINAL_CHECKPOINT.name:  # its training history lies beside it
        paths.append(checkpoint.parent / HISTORY)
    template = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True,
                           undefined=StrictUndefined, trim_blocks=True).get_template("report.html")
    text = template.render(
        **_words(found, blind), sections=SECTIONS, captions=CAPTIONS, blind=blind,
        shown={path.name: picture for path in paths if (picture := _embedded(path))},
        style=STYLE.read_text(encoding="utf-8"), class_rows=_class_rows(folder),
        version=console.versions()["celestial"], commit=console.versions()["commit"],
        date=datetime.date.today().isoformat())
    with atomic_path(folder / "report.html") as temporary:
        temporary.write_text(text, encoding="utf-8")
    return folder / "report.html"


def _words(found: dict, blind: dict) -> dict:
    """Return the words and tables that the template shows."""
    far = found["far_pictures"] if isinstance(found["far_pictures"], dict) else None
    names = [name for name, value in found.items() if isinstance(value, dict) and "low" in value]
    training, dataset = found["training"], found["dataset"]
    return {
        "model": found["model"], "checkpoint": found["checkpoint"],
        "sha256": found["checkpoint_sha256"], "manifest_sha256": training["manifest_sha256"],
        "verdict": _verdict(found, far, blind), "overlap": found["training_overlap"]["in_words"],
        "independence": found["independence"],
        "figure_heads": ("figure", f"all {found['pictures']} pictures",
                         f"the {far['pictures']} far from every training picture" if far else
                         f"far from every training picture: {found['far_pictures']}"),
        "figure_rows": [(FIGURES.get(name, name.replace("_", " ")), _text(found, name),
                         _text(far, name) if far else "") for name in names],
        "outlier_rows": [(name, one["pictures"], metrics.as_text(one["auroc"], False),
                          metrics.as_text(one["accepted"]))
                         for name, one in found.get("outliers", {}).items()],
        "blind_rows": [(part["title"], part["verdict"], part["because"])
                       for part in blind.get("parts", ())],
        "data_heads": ("class", *SPLITS),
        "data_rows": [(name, *counts.values()) for name, counts in dataset["counts"].items()]
        if dataset else [],
        "data_words": "" if not dataset else
        f"{dataset['groups']} groups of near-copies and single pictures, each in one split; "
        f"{dataset['rejected']} files were rejected (rejected.csv says why).",
        "training_rows": _training_rows(found), "commands": "\n".join(found["commands"])}


def _verdict(found: dict, far: dict | None, blind: dict) -> list[str]:
    sentences = [f"Of {found['pictures']} {found['split']} pictures it names "
                 f"{_text(found, 'accuracy')} rightly; the mean over the classes is "
                 f"{_text(found, 'balanced_accuracy')}."]
    if (views := found.get("views", 1)) > 1:
        sentences.append(f"Each answer is the mean of {views} turned and mirrored views of the "
                         "picture; the blind test and Grad-CAM look at it as it is.")
    if far:
        sentences.append(f"Of the {far['pictures']} that resemble no training picture, "
                         f"{_text(far, 'accuracy')}.")
    if found.get("share_unknown"):
        named = f"; where it names one, {_text(found, 'accuracy_of_accepted')} are right" if (
            found.get("accuracy_of_accepted")) else ""
        sentences.append(f"It calls {_text(found, 'share_unknown')} none of its classes{named}.")
    if found.get("ece"):
        sentences.append(f"Its probabilities are off by {_text(found, 'ece')} on average "
                         "(ECE; 0 is best).")
    if blind:
        sentences.append(f"Blind test: {blind['verdict']}.")
    return sentences


def _text(figures: dict, name: str) -> str:
    return metrics.as_text(figures.get(name), name not in NOT_PROPORTIONS)


def _training_rows(found: dict) -> list[tuple[str, str]]:
    training = found["training"]
    val, options = training["val"], training["options"]
    return [("network", found["model"]), ("classes", ", ".join(found["classes"])),
            ("first weights", options.get("weights_used", "unknown")),
            ("pictures learned from", f"{training['pictures']}, {training['outliers']} of them "
             "none of the classes"),
            ("accuracy on val, by which the epoch was chosen",
             f"{100 * val['accuracy']:.1f} % of {val['pictures']}" if "accuracy" in val else
             "unknown"),
            ("temperature", f"{training['temperature']:.3f}"),
            ("called unknown below a known_score of", "never" if training["reject_below"] is None
             else f"{training['reject_below']:.3f}"),
            ("date", training["date"]),
            *((name, value) for name, value in training["versions"].items())]


def commands_of(checkpoint: Checkpoint, evaluation: dict) -> list[str]:
    """Return the commands that lead to a report.

    Args:
        checkpoint: it holds the options of its training.
        evaluation: options of evaluate_model.py.
    """
    commit = str(checkpoint.versions.get("commit", "")).removesuffix("-dirty")
    training = {name: value for name, value in checkpoint.options.items() if name not in RESULTS}
    blind = {name: evaluation[name] for name in ("data_dir", "checkpoint")}
    # A checkpoint with confidence_from is made by a benchmark, which makes its dataset as well.
    trained = [] if "confidence_from" in checkpoint.options or not training else [
        "python datapre.py", _command("improved_training.py", training)]
    return [*([f"git checkout {commit}"] if commit and " " not in commit else []), *trained,
            _command("evaluate_model.py", evaluation), _command("blind_test_validation.py", blind)]


def _command(script: str, options: dict) -> str:
    words = ["python", script]
    for name, value in options.items():
        if value is None or value is False or value in ("None", "False", []):
            continue
        words.append(f"--{name.replace('_', '-')}")
        if isinstance(value, (list, tuple)):
            words += [display_name(str(one)) for one in value]
        elif value is not True and value != "True":
            words.append(display_name(str(value)))
    return shlex.join(words)


def _class_rows(folder: Path) -> list[tuple]:
    rows = read_csv(folder / "classification_report.csv")
    return [(row["class"], *(f"{float(row[name]):.3f}" for name in
                             ("precision", "recall", "f1-score")), int(float(row["support"])))
            for row in rows]


def _embedded(path: Path) -> dict | None:
    """Return a picture as a data URL, at most `WIDEST` pixels wide, with its size.

    None where it is not there or cannot be read.
    """
    try:
        with Image.open(path) as opened:
            picture = opened.convert("RGB")
    except OSError:
        return None
    scale = min(1, WIDEST / picture.width, TALLEST / picture.height)
    if scale < 1:
        picture = picture.resize([max(1, int(side * scale)) for side in picture.size])
    file = io.BytesIO()
    picture.save(file, format="WEBP", quality=QUALITY)
    return {"url": "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode(),
            "width": picture.width, "height": picture.height}


def _read(path: Path) -> dict:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
