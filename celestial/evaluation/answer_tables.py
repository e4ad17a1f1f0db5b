"""Tables of what one model answers: predictions.csv and classification_report.csv."""

from itertools import repeat
from pathlib import Path

import numpy as np
from sklearn.metrics import classification_report

from celestial.common.file_names import display_name
from celestial.common.tables import write_csv
from celestial.evaluation.answers import Answers
from celestial.evaluation.evaluated import Evaluated
from celestial.evaluation.seen_in_training import Overlap


def write_predictions(path: Path, found: Evaluated, overlap: Overlap, data_dir: Path) -> Path:
    """Write predictions.csv: one row a file, the unreadable ones with their reason.

    Args:
        path: of the table.
        found: the files and what the model says of them.
        overlap: how near the readable ones are to the training pictures.
        data_dir: the dataset, within which the files are named.
    """
    classes = found.predictor.classes
    distances = repeat("") if overlap.distances is None else (
        f"{distance:.4f}" for distance in overlap.distances)
    near = repeat("") if overlap.near is None else (
        "yes" if copy else "no" for copy in overlap.near)
    rows = []
    for prediction, true in zip(found.every, found.every_truth, strict=True):
        name = display_name(prediction.path.relative_to(data_dir).as_posix())
        if prediction.probabilities is None:
            rows.append([name, true, "", "", "failed", *[""] * (len(classes) + 3),
                         prediction.reason])
            continue
        guess = prediction.top(1)[0][0]
        rows.append([name, true, guess, "yes" if guess == true else "no", prediction.status,
                     f"{prediction.known_score:.6f}",
                     *(f"{value:.8f}" for value in prediction.probabilities),
                     next(distances), next(near), ""])
    return write_csv(path, ["path", "true", "predicted", "right", "status", "known_score",
                            *(f"probability_{name}" for name in classes),
                            "nearest_training_distance", "near_copy", "reason"], rows)


def write_class_report(path: Path, answers: Answers, classes: tuple[str, ...]) -> Path:
    """Write classification_report.csv: a row a class and the averages."""
    present = np.unique(answers.labels)
    names = [classes[index] for index in present]
    report = classification_report(answers.labels, answers.probs.argmax(axis=1), labels=present,
                                   target_names=names, output_dict=True, zero_division=0)
    columns = ["precision", "recall", "f1-score", "support"]
    return write_csv(path, ["class", *columns],
                     [[name, *(report[name][column] for column in columns)]
                      for name in (*names, "macro avg", "weighted avg")])
