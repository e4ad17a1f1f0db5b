"""Steps 3, 4 and 5, run as a user runs them; figures against an independent computation."""

import csv
import json
import math
import re
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import CLASSES, content_of, draw, run, without_override
from PIL import Image

from celestial.common.console import UserError
from celestial.drawing.explain import grad_cam
from celestial.models.checkpoints import build_model, load_checkpoint
from celestial.models.networks import Classifier
from celestial.pictures.preprocessing import Preprocessing

SEVEN = ("confusion_matrix.png", "normalized_confusion_matrix.png", "class_accuracy.png",
         "prediction_visualization.png", "misclassified_samples.png",
         "feature_activation_visualization.png", "classification_report.csv")


def rows_of(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def probabilities(rows):
    return np.array([[float(row[f"probability_{name}"]) for name in CLASSES] for row in rows])


@pytest.fixture(scope="session")
def evaluation(dataset, checkpoint, tmp_path_factory):
    base = tmp_path_factory.mktemp("evaluated")
    before = content_of(dataset)
    done = run("evaluate_model.py", "--data-dir", dataset, "--checkpoint", checkpoint, cwd=base)
    assert done.status == 0, done.err
    assert content_of(dataset) == before
    return base / "evaluation_results", done


def test_all_files_are_there_and_are_pictures(evaluation):
    folder, done = evaluation
    for name in (*SEVEN, "roc_curves.png", "precision_recall_curves.png", "reliability_diagram.png",
                 "label_check.png", "label_check.csv", "metrics.json"):
        assert (folder / name).is_file(), name
        if name.endswith(".png"):
            with Image.open(folder / name) as image:
                assert min(image.size) > 50
    assert {path.rsplit("/", 1)[-1] for path in done.result["files"]} == {
        path.name for path in folder.iterdir()}


def test_figures_against_counting_by_hand(evaluation, dataset):
    folder, _ = evaluation
    rows = rows_of(folder / "predictions.csv")
    assert [row["path"] for row in rows] == sorted(
        path.relative_to(dataset).as_posix() for path in (dataset / "test").rglob("*.png"))
    probs = probabilities(rows)
    assert np.allclose(probs.sum(axis=1), 1, atol=1e-6)
    true = [row["true"] for row in rows]
    guess = [CLASSES[index] for index in probs.argmax(axis=1)]
    assert [row["predicted"] for row in rows] == guess
    assert [row["right"] for row in rows] == ["yes" if t == g else "no"
                                              for t, g in zip(true, guess, strict=True)]

    hits = sum(t == g for t, g in zip(true, guess, strict=True))
    recalls, f1 = [], []
    for name in CLASSES:
        tp = sum(t == g == name for t, g in zip(true, guess, strict=True))
        recalls.append(tp / true.count(name))
        f1.append(2 * tp / (true.count(name) + guess.count(name)))
    in_two = sum(sorted(row)[-2] <= row[CLASSES.index(t)]
                 for row, t in zip(probs.tolist(), true, strict=True))
    loss = -sum(math.log(row[CLASSES.index(t)]) for row, t in zip(probs, true, strict=True))
    expected = {"accuracy": hits / 9, "balanced_accuracy": sum(recalls) / 3,
                "macro_f1": sum(f1) / 3, "top2_accuracy": in_two / 9, "log_loss": loss / 9}
    found = json.loads((folder / "metrics.json").read_text())
    for name, value in expected.items():
        assert found[name]["value"] == pytest.approx(value, abs=1e-6), name
        assert found[name]["low"] <= value <= found[name]["high"]
    report = {row["class"]: row for row in rows_of(folder / "classification_report.csv")}
    for name, recall, score in zip(CLASSES, recalls, f1, strict=True):
        assert float(report[name]["recall"]) == pytest.approx(recall)
        assert float(report[name]["f1-score"]) == pytest.approx(score)
        assert float(report[name]["support"]) == 3


@pytest.mark.slow
def test_a_bad_file_has_its_own_row_and_takes_nobodys_prediction(
        evaluation, dataset, checkpoint, tmp_path):
    copied = tmp_path / "set"
    shutil.copytree(dataset / "test", copied / "test")
    (copied / "test/neptune/neptune 00 cut.png").write_bytes(
        next((copied / "test/neptune").iterdir()).read_bytes()[:200])
    (copied / "test/mars/a text.jpg").write_text("no picture")
    done = run("evaluate_model.py", "--data-dir", copied, "--checkpoint", checkpoint,
               "--batch-size", 2, cwd=tmp_path)
    assert done.status == 0, done.err
    rows = rows_of(tmp_path / "evaluation_results/predictions.csv")
    bad = {row["path"]: row for row in rows if row["status"] == "failed"}
    assert bad.keys() == {"test/neptune/neptune 00 cut.png", "test/mars/a text.jpg"}
    assert all(row["reason"] and row["predicted"] == "" and row["probability_mars"] == ""
               for row in bad.values())
    whole = {row["path"]: row for row in rows_of(evaluation[0] / "predictions.csv")}
    for row in rows:
        if row["path"] not in bad:
            assert np.allclose(probabilities([row]), probabilities([whole[row["path"]]]),
                               atol=0.01)
    assert done.result["pictures"] == 9, "a bad file is counted"


@pytest.mark.slow
def test_each_picture_counts_once_whatever_the_batch_size(
        evaluation, dataset, checkpoint, tmp_path):
    done = run("evaluate_model.py", "--data-dir", dataset, "--checkpoint", checkpoint,
               "--batch-size", 4, "--output-dir", tmp_path, cwd=tmp_path)
    assert done.result["pictures"] == evaluation[1].result["pictures"] == 9
    tables = [probabilities(rows_of(folder / "predictions.csv"))
              for folder in (evaluation[0], tmp_path)]
    assert np.allclose(*tables, atol=0.01)


SCRIPTS = ("evaluate_model.py", "blind_test_validation.py", "generate_visual_predictions.py")


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS)
def test_a_class_that_the_checkpoint_does_not_know(script, dataset, checkpoint, tmp_path):
    data = tmp_path / "set"
    shutil.copytree(dataset / "test", data / "test")
    (data / "test/saturn").rename(data / "test/vulcan")
    done = run(script, "--data-dir", data, "--checkpoint", checkpoint, cwd=tmp_path)
    assert done.status == 1 and "vulcan" in done.error and "does not know" in done.error
    assert [path.name for path in tmp_path.iterdir()] == ["set"], "something was written"


def test_a_missing_split_and_an_empty_class(dataset, checkpoint, tmp_path):
    data = tmp_path / "set"
    options = ("--data-dir", data, "--checkpoint", checkpoint)
    data.mkdir()
    assert "run datapre.py first" in run("evaluate_model.py", *options, cwd=tmp_path).error
    shutil.copytree(dataset / "test", data / "test")
    shutil.rmtree(data / "test/saturn")
    (data / "test/saturn").mkdir()
    done = run("evaluate_model.py", *options, cwd=tmp_path)
    assert done.status == 1 and "saturn is empty" in done.error
    assert [path.name for path in tmp_path.iterdir()] == ["set"], "something was written"


@pytest.mark.parametrize("content", [b"", b"a text", "torch", "version", "shape"])
def test_what_is_no_checkpoint_is_one_sentence(content, checkpoint, dataset, tmp_path):
    file = tmp_path / "model.pth"
    if isinstance(content, bytes):
        file.write_bytes(content)
    elif content == "torch":
        torch.save({"weights": torch.zeros(3)}, file)
    else:
        inside = torch.load(checkpoint, weights_only=True)
        inside["format_version" if content == "version" else "model"] = {
            "version": 99, "shape": "resnet50"}[content]
        torch.save(inside, file)
    with pytest.raises(UserError, match=re.escape(str(file))):
        build_model(load_checkpoint(file), file)
    for script in (*SCRIPTS, "predict_my_images.py") if content == b"a text" else ():
        folder = (dataset / "test",) if script.startswith("predict") else ("--data-dir", dataset)
        done = run(script, *folder, "--checkpoint", file, cwd=tmp_path)
        assert done.status == 1 and str(file) in done.error
    assert [path.name for path in tmp_path.iterdir()] == ["model.pth"]


def test_a_checkpoint_with_code_in_it_is_refused(dataset, tmp_path):
    class Harmful:
        def __reduce__(self):
            return (open, (str(tmp_path / "proof"), "w"))

    torch.save({"kind": "celestial classifier", "state": Harmful()}, tmp_path / "model.pth")
    done = run("evaluate_model.py", "--data-dir", dataset, "--checkpoint", tmp_path / "model.pth",
               cwd=tmp_path)
    assert done.status == 1 and done.error and not (tmp_path / "proof").exists()


def test_no_checkpoint_at_all(dataset, tmp_path):
    done = run("evaluate_model.py", "--data-dir", dataset, "--checkpoint", tmp_path / "none.pth",
               cwd=tmp_path)
    assert done.status == 1 and "there is no checkpoint" in done.error


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS)
def test_locked_output_folder(script, dataset, checkpoint, tmp_path):
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    done = run(script, "--data-dir", dataset, "--checkpoint", checkpoint, "--output-dir", locked,
               cwd=tmp_path, **without_override())
    assert done.status == 1 and "Permission denied" in done.error
    assert list(locked.iterdir()) == []


def test_framed_pictures_straight_from_a_folder(dataset, checkpoint, tmp_path):
    done = run("generate_visual_predictions.py", "--input-dir", dataset / "val", "--checkpoint",
               checkpoint, cwd=tmp_path)
    assert done.status == 0, done.err
    assert len(list((tmp_path / "visual_predictions").glob("*/*.png"))) == 9


def test_a_mapping_that_is_none(dataset, checkpoint, tmp_path):
    (tmp_path / "m.json").write_text("{}")
    done = run("generate_visual_predictions.py", "--mapping", tmp_path / "m.json", "--checkpoint",
               checkpoint, cwd=tmp_path)
    assert done.status == 1 and "not a mapping" in done.error


@pytest.mark.slow
def test_grad_cam_against_its_formula():
    """Of three layers gradient times map, summed over the channels; the product of the three,
    and of that what lies above the picture's mean."""
    large = Preprocessing(128)  # maps of 16 x 16, 8 x 8 and 4 x 4 places
    squares = torch.from_numpy(np.stack([large.square(draw(label, 1)) for label in CLASSES]))
    classes = [2, 0, 1]
    torch.manual_seed(0)
    model = Classifier("resnet50", 3).train()
    with torch.no_grad():
        for _ in range(20):  # gives BatchNorm statistics that fit the pictures
            model(large.normalise(squares))
    predictor = SimpleNamespace(model=model.eval(), preprocessing=large,
                                device=torch.device("cpu"))
    found = grad_cam(predictor, squares, classes)

    kept = []
    layers, = predictor.model.cam_layers(128)
    for layer in layers:
        layer.register_forward_hook(lambda module, inputs, output: kept.append(output))
    scores = predictor.model(large.normalise(squares))
    gradients = torch.autograd.grad(scores[[0, 1, 2], classes].sum(), kept)
    expected = torch.ones(3, 128, 128)
    for values, gradient in zip(kept, gradients, strict=True):
        heat = torch.relu((gradient * values).sum(dim=1))
        heat = heat / (heat.amax(dim=(1, 2), keepdim=True) + 1e-7)
        expected *= torch.nn.functional.interpolate(heat[None], size=(128, 128),
                                                    mode="bilinear")[0].detach()
    expected = torch.relu(expected - expected.mean(dim=(1, 2), keepdim=True))
    expected /= expected.amax(dim=(1, 2), keepdim=True)
    assert len(layers) == 3 and [value.shape[-1] for value in kept] == [16, 8, 4]
    assert found.shape == (3, 128, 128) and found.max() > 0.5
    assert np.allclose(found, expected.numpy(), atol=0.08)
