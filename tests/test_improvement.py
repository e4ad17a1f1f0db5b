"""Step 8: the improved model against the present one, on what neither has learned from."""

import csv
import json
import shutil
from collections import Counter
from dataclasses import replace
from math import comb
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import CLASSES, draw, run
from PIL import Image
from scipy.stats import binomtest

from celestial.common.console import UserError
from celestial.evaluation.answers import answers_of
from celestial.evaluation.comparison import compare_pair
from celestial.evaluation.improvement import (
    CORRECTED,
    NEW,
    OLD,
    SEEN,
    in_words,
    measure_part,
    parts_of,
    verdict_of,
)
from celestial.models.checkpoints import load_checkpoint, save_checkpoint
from celestial.models.start_weights import weights_of

WITH_CERES = ("ceres", *CLASSES)


def rows_of(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def draw_ceres(number):
    """Draw a pink square at a place of its own, uint8 RGB."""
    random = np.random.default_rng([7, number])
    picture = random.integers(0, 12, (48, 48, 3))
    top, left, side = random.integers(4, 16, 3)
    picture[top:top + side + 12, left:left + side + 12] += np.array([200, 120, 180])
    return picture.astype(np.uint8)


def put(folder, label, numbers):
    (folder / label).mkdir(parents=True, exist_ok=True)
    for number in numbers:
        picture = draw_ceres(number) if label == "ceres" else draw(label, number)
        Image.fromarray(picture).save(folder / label / f"{label}_{number}.png")


def predictions(classes, *rows):
    return [SimpleNamespace(classes=classes, probabilities=np.array(row), accepted=row[0] < 0.9)
            for row in rows]


def test_an_old_picture_that_is_called_by_a_new_class_is_a_mistake():
    truth = ["mars", "mars", "saturn", "ceres"]
    present = answers_of("present", predictions(
        ("mars", "saturn"), (0.6, 0.4), (0.8, 0.2), (0.1, 0.9), (0.95, 0.05)), truth,
        ("ceres", "mars", "saturn"), None)
    improved = answers_of("improved", predictions(
        ("saturn", "ceres", "mars"), (0.1, 0.5, 0.4), (0, 0.1, 0.9), (0.92, 0, 0.08), (0, 1, 0)),
        truth, ("ceres", "mars", "saturn"), None)
    assert present.right.tolist() == [True, True, True, False]
    assert improved.right.tolist() == [False, True, True, True]
    assert present.probs.tolist()[0] == [0, 0.6, 0.4]
    old = measure_part(improved, present, np.array([True, True, True, False]), 1)
    assert (old.improved["value"], old.present["value"]) == (pytest.approx(2 / 3), 1)
    assert (old.improved_unknown, old.present_unknown) == (1, 0)
    assert (old.difference.only_first, old.difference.only_second) == (0, 1)
    assert measure_part(improved, present, np.zeros(4, bool), 1) is None


def test_which_part_a_picture_belongs_to():
    labels = ["mars", "mars", "mars", "mars", "ceres", "ceres"]
    corrected = np.array([False, True, True, False, True, False])
    far = np.array([True, True, False, False, True, False])
    assert parts_of(labels, corrected, far, ["ceres"]).tolist() == [
        OLD, CORRECTED, CORRECTED, SEEN, NEW, NEW]
    assert parts_of(labels, corrected, None, []).tolist() == [
        OLD, CORRECTED, CORRECTED, OLD, CORRECTED, OLD]
    with pytest.raises(UserError, match="none of the 2 test pictures .* put other pictures"):
        parts_of(labels[2:4], corrected[2:4], far[2:4], [])


@pytest.mark.parametrize("only_improved, only_present, verdict, words", [
    (12, 0, "better", "is better on the old classes"), (0, 0, "no worse", "is no worse"),
    (2, 4, "no worse", "as far as 60 test pictures can tell: -3.3 points"),
    (0, 12, "worse", "is worse on the old classes than the present one, beyond the interval")])
def test_the_verdict_is_that_of_the_interval(only_improved, only_present, verdict, words):
    def answers(name, right):
        probs = np.where(right[:, None], [1, 0], [0, 1])
        return SimpleNamespace(name=name, right=right, probs=probs, groups=None,
                               accepted=np.ones(60, bool), keep=lambda wanted: answers(name, right))

    first, second = np.ones(60, bool), np.ones(60, bool)
    first[:only_present], second[60 - only_improved:] = False, False
    old = measure_part(answers("a", first), answers("b", second), np.ones(60, bool), 1)
    assert verdict_of(old.difference) == verdict and words in in_words(old)
    assert old.difference == compare_pair(answers("a", first), answers("b", second), 1)


@pytest.fixture(scope="module")
def compared(checkpoint, tmp_path_factory):
    """A dataset with corrections of mars and of ceres, and two models that were told the answers.

    The improved one has learned nothing; its row of ceres is such that it takes some for it.
    """
    base = tmp_path_factory.mktemp("improved")
    for label in CLASSES:
        put(base / "data/input", label, range(1000, 1020))
    put(base / "collected", "ceres", range(10))
    put(base / "collected", "mars", range(2000, 2014))
    shutil.copy(base / "data/input/saturn/saturn_1000.png", base / "collected/mars/also.png")
    done = run("datapre.py", "--input-dir", "data/input", "collected", "--output-dir",
               "improved/celestial_dataset", cwd=base)
    assert done.status == 0, done.err
    present = load_checkpoint(checkpoint)
    start = weights_of(present, checkpoint, WITH_CERES)
    head = {name: value.clone() for name, value in start.head.items()}
    weight, bias = head
    head[weight][0] = head[weight][2]
    head[bias][0] = head[bias][2] + 0.02
    state = {**present.state, **{f"head.{name}": value for name, value in head.items()}}
    (base / "improved/model_checkpoints").mkdir()
    save_checkpoint(base / "improved/model_checkpoints" / checkpoint.name, replace(
        present, classes=WITH_CERES, state=state,
        train_labels=[label + 1 for label in present.train_labels]))
    done = run("compare_improved.py", "--corrections", "collected", "--checkpoint", checkpoint,
               cwd=base)
    assert done.status == 0, done.err
    return SimpleNamespace(base=base, done=done, present=checkpoint,
                           rows=rows_of(base / "improved/comparison/comparison.csv"))


def test_the_figures_from_the_table(compared):
    rows = compared.rows
    by_part = Counter(row["part"] for row in rows)
    print(by_part, compared.done.out)
    assert False
