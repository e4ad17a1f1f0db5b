"""The weights that ship, used as on a fresh clone: nothing trained, nothing downloaded."""

import csv

import pytest
from conftest import run

from celestial.common.console import DEFAULT_MODEL, OUTLIERS, SHIPPED, VIEWS
from celestial.data.datasets import OUTLIER
from celestial.data.fingerprints import WIDTH
from celestial.drawing.report import commands_of
from celestial.models.checkpoints import load_checkpoint

# What the weights that ship learned from; another making of them has other numbers.
PICTURES, STRANGERS = 7716, 3509  # all training pictures, and the outliers among them
FIRST = "weights from drawn_model/"  # what its last training began with
PHOTOGRAPHS = 1170  # that its temperatures and thresholds are from


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
    # The weights are right on about 9 of 10 drawn pictures; by chance it would be 1 in 10.
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
    assert shipped.model == DEFAULT_MODEL and FIRST in shipped.options["weights_used"]
    assert len(shipped.train_sha256) == PICTURES
    assert shipped.train_fingerprints.shape == (PICTURES, WIDTH), "made by another fingerprints.py"
    assert shipped.train_labels.count(OUTLIER) == STRANGERS
    assert shipped.options["confidence_from"].startswith(f"{PHOTOGRAPHS} photographs, ")
    assert {1, *shipped.by_views} == set(VIEWS)


def test_a_report_names_no_training_that_would_not_make_them():
    told = commands_of(load_checkpoint(SHIPPED), {"data_dir": "data", "checkpoint": "its.pth"})
    assert "python evaluate_model.py --data-dir data --checkpoint its.pth" in told
    assert not any("improved_training.py" in line for line in told), "its data are a benchmark's"


@pytest.mark.slow
def test_things_that_are_none_of_the_classes_are_unknown(tmp_path):
    done = run("render_samples.py", "--classes", *OUTLIERS, "--per-class", 20, "--size", 128,
               "--seed", 991, "--output-dir", "my_images", cwd=tmp_path)
    assert done.status == 0, done.err
    done = run("predict_my_images.py", "--no-pictures", cwd=tmp_path)
    # 97 % of such pairs are told apart; of 40 pictures about 3 are taken for a class.
    assert done.result["rows"] == 40 and done.result["unknown"] > 30
