"""The weights that ship, used as on a fresh clone: nothing trained, nothing downloaded."""

import csv
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import ROOT, run
from sklearn.metrics import log_loss, top_k_accuracy_score

from celestial.checkpoints import load_checkpoint, save_checkpoint
from celestial.confidence import fit_temperature
from celestial.console import OUTLIERS
from celestial.datasets import OUTLIER, list_split
from celestial.duplicates import WIDTH
from celestial.files import sha256_of
from celestial.inference import Predictor
from celestial.report import commands_of

CPU = torch.device("cpu")
SHIPPED = ROOT / "pretrained/regnet_y_800mf.pth"


def test_pictures_are_named_without_any_training(tmp_path):
    classes = load_checkpoint(SHIPPED).classes
    drawn = run("render_samples.py", "--classes", *classes, "--per-class", 6, "--size", 128,
                "--seed", 5, "--output-dir", "my_images", cwd=tmp_path)
    assert drawn.status == 0, drawn.err
    done = run("predict_my_images.py", "--no-pictures", cwd=tmp_path)
    assert done.status == 0, done.err
    said = [line for line in done.out.splitlines() if "using the weights that ship" in line]
    assert len(said) == 1 and str(SHIPPED) in said[0]
    with (tmp_path / "my_predictions/batch_prediction_summary.csv").open(
            encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 6 * len(classes)
    right = sum(row["top5"].split(":")[0] == row["filename"].split("/")[0] for row in rows)
    # The weights are right on about 19 of 20 drawn pictures; by chance it would be 1 in 10.
    assert right / len(rows) > 0.8


def test_a_model_of_your_own_comes_first(checkpoint, tmp_path):
    own = tmp_path / "model_checkpoints" / checkpoint.name
    own.parent.mkdir()
    own.write_bytes(checkpoint.read_bytes())
    run("render_samples.py", "--classes", "mars", "--per-class", 2, "--size", 48,
        "--output-dir", "my_images", cwd=tmp_path)
    done = run("predict_my_images.py", "--no-pictures", cwd=tmp_path)
    assert done.status == 0 and "weights that ship" not in done.out, done.err


def test_the_file_is_small_and_says_where_it_came_from():
    shipped = load_checkpoint(SHIPPED)
    assert SHIPPED.stat().st_size < 25e6
    # Round 3, which learned from drawn pictures alone, as did what went on from it.
    assert "averaged with 210b831342d61a78f5d1" in shipped.options["weights_used"]
    assert len(shipped.train_sha256) == 33974 and shipped.manifest_sha256
    assert shipped.train_fingerprints.shape == (33974, WIDTH), "made by another duplicates.py"
    assert shipped.train_labels.count(OUTLIER) == 6050


def test_things_that_are_none_of_the_classes_are_unknown(tmp_path):
    done = run("render_samples.py", "--classes", *OUTLIERS, "--per-class", 20, "--size", 128,
               "--seed", 991, "--output-dir", "my_images", cwd=tmp_path)
    assert done.status == 0, done.err
    done = run("predict_my_images.py", "--no-pictures", cwd=tmp_path)
    # 97 % of such pairs are told apart; of 40 pictures about 3 are taken for a class.
    assert done.result["rows"] == 40 and done.result["unknown"] > 30


def test_the_mean_of_two_checkpoints(checkpoint, dataset, tmp_path):
    """Half of the weights of each; the rest is fitted anew, against scikit-learn."""
    one = load_checkpoint(checkpoint)
    other = replace(one, state={name: value * 3 if value.is_floating_point() else value + 1
                                for name, value in one.state.items()})
    save_checkpoint(tmp_path / "other.pth", other)
    done = run("pretrained/average.py", "other.pth", checkpoint, "mean.pth", "--data-dir", dataset,
               cwd=tmp_path)
    assert done.status == 0, done.err
    mean = load_checkpoint(tmp_path / "mean.pth")
    for name, value in one.state.items():
        wanted = 2 * value if value.is_floating_point() else value
        assert torch.allclose(mean.state[name].float(), wanted.float(), rtol=1e-3), name
    assert sha256_of(tmp_path / "other.pth") in mean.options["weights_used"]
    told = " ".join(commands_of(mean, {"data_dir": "data", "checkpoint": "mean.pth"}))
    assert "evaluate_model.py" in told and "improved_training.py" not in told, "a half of it"

    predictor = Predictor(tmp_path / "mean.pth", CPU, 4, 0)
    val = list_split(dataset, "val", mean.classes)
    probs = np.stack([found.probabilities for found in predictor.predict(val.paths)])
    of_four = list(Predictor(tmp_path / "mean.pth", CPU, 4, 0, views=4).predict(val.paths))
    assert mean.by_views[4]["temperature"] == pytest.approx(fit_temperature(
        np.stack([found.logits for found in of_four]), val.labels), rel=1e-3)
    assert mean.val_sha256 == [sha256_of(path) for path in val.paths]
    assert len(mean.val_fingerprints) == len(val.paths)
    indices = range(len(mean.classes))
    assert mean.val["log_loss"] == pytest.approx(log_loss(val.labels, probs, labels=indices),
                                                 abs=2e-3)
    for best, name in ((1, "accuracy"), (2, "top2")):
        assert mean.val[name] == pytest.approx(
            top_k_accuracy_score(val.labels, probs, k=best, labels=indices))

    done = run("pretrained/average.py", SHIPPED, checkpoint, "none.pth", "--data-dir", dataset,
               cwd=tmp_path)
    assert done.status == 1 and "different networks or classes" in done.error
    assert not (tmp_path / "none.pth").exists()
