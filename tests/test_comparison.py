"""Step 3 on several models, pictures of other things and wrong labels; checked from its tables."""

import csv
import json
import shutil
from dataclasses import replace
from itertools import combinations
from math import comb
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import CLASSES, draw, run
from PIL import Image
from scipy.optimize import minimize_scalar
from sklearn import metrics as theirs
from sklearn.linear_model import LogisticRegression

from celestial.evaluation.comparison import model_names, paired_interval
from celestial.evaluation.label_check import check_labels
from celestial.models.checkpoints import build_model, load_checkpoint, save_checkpoint

FLIPPED = {"mars 1003.png": "saturn", "neptune 1007.png": "mars", "saturn 1011.png": "neptune"}


def rows_of(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def last_layer(model):
    return [layer for layer in model.modules() if isinstance(layer, torch.nn.Linear)][-1]


@pytest.fixture(scope="session")
def models(checkpoint, tmp_path_factory):
    """A sound model (a head fitted to drawn pictures), one that says mars, one with turned
    classes."""
    folder = tmp_path_factory.mktemp("models")
    content = load_checkpoint(checkpoint)
    prepared = replace(content.preprocessing, size=64)
    model, seen = build_model(content, checkpoint), {}
    layer = last_layer(model)
    layer.register_forward_pre_hook(lambda module, inputs: seen.update(features=inputs[0]))
    squares = torch.from_numpy(np.stack([
        prepared.square(draw(label, number)) for label in content.classes
        for number in range(2000, 2020)]))
    with torch.no_grad():
        model(prepared.normalise(squares))
    features = seen["features"].double().numpy()
    middle, spread = features.mean(axis=0), features.std(axis=0) + 1e-3
    fitted = LogisticRegression(C=0.1).fit((features - middle) / spread, np.repeat([0, 1, 2], 20))
    weight = torch.tensor(fitted.coef_ / spread)
    bias = torch.tensor(fitted.intercept_) - weight @ torch.tensor(middle)

    def write(name, weight, bias, classes):
        with torch.no_grad():
            layer.weight.copy_(weight)
            layer.bias.copy_(bias)
        own = SimpleNamespace(**{**vars(content), "state": model.state_dict(), "temperature": 1.0,
                                 "classes": classes, "preprocessing": prepared})
        return save_checkpoint(folder / name, own)

    turn = [2, 0, 1]
    return {
        "sound": write("sound.pth", weight, bias, content.classes),
        "biased": write("biased.pth", weight, bias + torch.tensor([1e3, 0, 0]), content.classes),
        "turned": write("turned.pth", weight[turn], bias[turn],
                        tuple(content.classes[place] for place in turn))}


@pytest.fixture(scope="session")
def evaluated(models, tmp_path_factory):
    """Three models on 60 new pictures, of which 3 have a wrong label, and on 10 other things."""
    base = tmp_path_factory.mktemp("compared")
    for label in CLASSES:
        (base / "set/test" / label).mkdir(parents=True)
    for label in CLASSES:
        for number in range(1000, 1020):
            name = f"{label} {number}.png"
            Image.fromarray(draw(label, number)).save(
                base / "set/test" / FLIPPED.get(name, label) / name)
    random = np.random.default_rng(3)
    for number in range(10):
        path = base / "others" / ("noise" if number < 6 else "grey") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = random.integers(0, 256, (40, 40, 3)) if number < 6 else np.full((40, 40, 3), 90)
        Image.fromarray(picture.astype(np.uint8)).save(path)
    (base / "others/noise/broken.jpg").write_text("no picture")
    done = run("evaluate_model.py", "--data-dir", base / "set", "--outliers", base / "others",
               "--checkpoint", *models.values(), cwd=base)
    assert done.status == 0, done.err
    assert all((base / path).is_file() for path in done.result["files"])
    folder = base / "evaluation_results"
    return SimpleNamespace(folder=folder, done=done, rows=rows_of(folder / "predictions.csv"),
                           figures=json.loads((folder / "metrics.json").read_text("utf-8")))


@pytest.mark.slow
def test_models_are_compared_on_the_same_pictures(evaluated):
    table = {row["model"]: row for row in rows_of(evaluated.folder / "model_comparison.csv")}
    assert list(table) == ["sound", "biased", "turned", "soft vote"]
    accuracy = {name: float(row["accuracy"]) for name, row in table.items()}
    counted = np.mean([row["right"] == "yes" for row in evaluated.rows])
    assert accuracy["sound"] == pytest.approx(counted) and counted > 0.85
    assert accuracy["turned"] == accuracy["sound"] and accuracy["biased"] == pytest.approx(1 / 3)
    assert float(table["turned"]["log_loss"]) == pytest.approx(float(table["sound"]["log_loss"]),
                                                               abs=0.01)
    assert table["soft vote"]["share_unknown"] == ""

    pairs = rows_of(evaluated.folder / "model_differences.csv")
    assert [(row["first"], row["second"]) for row in pairs] == list(combinations(table, 2))
    for row in pairs:
        only_first, only_second = int(row["only_first"]), int(row["only_second"])
        value = accuracy[row["first"]] - accuracy[row["second"]]
        assert float(row["value"]) == pytest.approx(value)
        assert (only_first - only_second) / 60 == pytest.approx(value)
        assert float(row["low"]) < value < float(row["high"])
        differing = only_first + only_second
        tail = sum(comb(differing, k) for k in range(min(only_first, only_second) + 1))
        assert float(row["p"]) == pytest.approx(min(1, 2 * tail / 2 ** differing))


@pytest.mark.slow
def test_outliers_against_sklearn(evaluated):
    found = evaluated.figures["outliers"]
    known = [float(row["known_score"]) for row in evaluated.rows]
    outliers = rows_of(evaluated.folder / "outliers.csv")
    bad, = (row for row in outliers if row["status"] == "failed")
    assert bad["path"] == "noise/broken.jpg" and bad["reason"]
    assert found.keys() == {"all", "noise", "grey"}
    for name, count in (("all", 10), ("noise", 6), ("grey", 4)):
        own = [row for row in outliers if row["status"] != "failed"
               and (name == "all" or row["path"].startswith(name))]
        scores = [float(row["known_score"]) for row in own]
        area = theirs.roc_auc_score([1] * 60 + [0] * count, known + scores)
        assert found[name]["pictures"] == len(own) == count
        assert found[name]["auroc"]["value"] == pytest.approx(area, abs=1e-3)
        assert found[name]["accepted"]["value"] == pytest.approx(
            np.mean([row["status"] == "accepted" for row in own]))


@pytest.mark.slow
def test_rejection_and_calibration_from_the_predictions(evaluated):
    figures, rows = evaluated.figures, evaluated.rows
    accepted = [row for row in rows if row["status"] == "ok"]
    assert figures["called_unknown"] == 60 - len(accepted)
    assert figures["share_unknown"]["value"] == pytest.approx(1 - len(accepted) / 60)
    right = [row["right"] == "yes" for row in accepted]
    found = figures["accuracy_of_accepted"]
    assert (found is None and not right) or found["value"] == pytest.approx(np.mean(right))
    probs = np.array([[float(row[f"probability_{name}"]) for name in CLASSES] for row in rows])
    truth = np.array([[row["true"] == name for name in CLASSES] for row in rows])
    assert figures["brier"]["value"] == pytest.approx(((probs - truth) ** 2).sum() / 60, abs=1e-6)
    assert 0 <= figures["ece"]["low"] <= figures["ece"]["value"] <= figures["ece"]["high"]


@pytest.mark.slow
def test_planted_wrong_labels_are_found(evaluated):
    rows = rows_of(evaluated.folder / "label_check.csv")
    assert len(rows) == 60
    scores = [float(row["score"]) for row in rows]
    assert scores == sorted(scores)
    names = [row["path"].rsplit("/", 1)[-1] for row in rows]
    assert set(FLIPPED) <= set(names[:6]), "not among the most doubtful"
    issues = {name for name, row in zip(names, rows, strict=True) if row["issue"] == "yes"}
    assert len(issues & set(FLIPPED)) >= 2 and len(issues) <= 6
    assert evaluated.figures["doubtful_labels"] == len(issues)
    for name, row in zip(names, rows, strict=True):
        if name in issues & set(FLIPPED):
            assert row["label"] == FLIPPED[name] and row["suggested"] == name.split()[0]


def test_label_check_by_hand():
    probs = np.array([[0.9, 0.1, 0], [0.7, 0.3, 0], [0.2, 0.8, 0], [0.95, 0.05, 0],
                      [0.1, 0.2, 0.7]])
    labels = np.array([0, 0, 1, 1, 1])
    # Mean of the own label: class 0 0.8, class 1 0.35, class 2 has none: 0.57 of all.
    found = check_labels(probs, labels)
    assert found.issue.tolist() == [False, False, False, True, True]
    assert found.suggested.tolist() == [1, 1, 0, 0, 2]
    assert found.score == pytest.approx([0.9, 0.7, 0.8, 0.05, 0.25])
    assert found.order.tolist() == [3, 4, 1, 2, 0]


@pytest.mark.parametrize("only_first, only_second, total", [
    (12, 2, 50), (0, 0, 40), (5, 0, 30), (3, 3, 9), (30, 0, 30), (1, 20, 105)])
def test_paired_interval_is_the_inverted_score_test(only_first, only_second, total):
    """At each limit the score test, its likelihood maximised by search, rejects at exactly 5 %."""
    def z_squared(true):
        def minus_log_likelihood(proportion):  # of pictures that only the second has right
            proportions = np.array([proportion + true, proportion, 1 - 2 * proportion - true])
            counts = np.array([only_first, only_second, total - only_first - only_second])
            with np.errstate(divide="ignore", invalid="ignore"):
                logs = np.log(np.maximum(proportions, 1e-300))
                return -np.where(counts > 0, counts * logs, 0).sum()

        best = minimize_scalar(minus_log_likelihood, bounds=(max(0, -true), (1 - true) / 2),
                               method="bounded", options={"xatol": 1e-12}).x
        variance = (2 * best + true - true ** 2) / total
        return ((only_first - only_second) / total - true) ** 2 / variance

    low, high = paired_interval(only_first, only_second, total)
    assert low < high and low <= (only_first - only_second) / total <= high
    for limit in (low, high):
        if abs(limit) < 1:
            assert z_squared(limit) == pytest.approx(1.959964 ** 2, rel=1e-3)


def test_names_tell_models_apart(tmp_path):
    paths = [tmp_path / "a/model.pth", tmp_path / "b/model.pth"]
    assert model_names(paths) == [str(path) for path in paths]
    assert model_names([paths[0], tmp_path / "other.pth"]) == ["model", "other"]


@pytest.mark.slow
def test_models_that_cannot_be_compared(models, dataset, tmp_path):
    options = ("--data-dir", dataset, "--checkpoint", models["sound"])
    content = load_checkpoint(models["sound"])
    content.classes = ("mars", "neptune", "vulcan")
    other = save_checkpoint(tmp_path / "other.pth", content)
    done = run("evaluate_model.py", *options, other, cwd=tmp_path)
    assert done.status == 1 and "different classes (saturn, vulcan" in done.error
    done = run("evaluate_model.py", *options, models["sound"], cwd=tmp_path)
    assert done.status == 2 and "twice" in done.error
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad/text.jpg").write_text("no picture")
    done = run("evaluate_model.py", *options, "--outliers", tmp_path / "bad", cwd=tmp_path)
    assert done.status == 1 and "can be read" in done.error
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad", "other.pth"]


@pytest.mark.slow
def test_a_single_class(models, evaluated, tmp_path):
    source = evaluated.folder.parent / "set/test/mars"
    shutil.copytree(source, tmp_path / "set/test/mars")
    done = run("evaluate_model.py", "--data-dir", tmp_path / "set", "--checkpoint",
               models["sound"], cwd=tmp_path)
    assert done.status == 0, done.err
    assert "only pictures of mars" in done.out
    assert done.result["accuracy"]["value"] == done.result["balanced_accuracy"]["value"]
