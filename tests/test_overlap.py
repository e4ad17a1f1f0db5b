"""Has the model seen the test pictures? Checkpoints with forged training lists."""

import csv
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import run

from celestial.common.files import sha256_of
from celestial.data import fingerprint_distance, fingerprints
from celestial.data.fingerprint_distance import NEAR_COPY_THRESHOLD
from celestial.evaluation import seen_in_training
from celestial.evaluation.answers import Answers, measure_far
from celestial.models.checkpoints import load_checkpoint, save_checkpoint
from celestial.pictures.loader import load_image


def rows_of(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def fingerprints_of(paths):
    return np.stack([fingerprints.fingerprint(load_image(path)) for path in paths])


@pytest.fixture(scope="module")
def forged(checkpoint, dataset, tmp_path_factory):
    """A checkpoint that learned from two of the test files and from turned copies of two others."""
    content = load_checkpoint(checkpoint)
    seen = sorted((dataset / "test").rglob("*.png"))
    content.train_sha256 = [sha256_of(path) for path in seen[:2]] + ["0" * 64] * 2
    turned = [fingerprints.fingerprint(np.rot90(load_image(path)).copy()) for path in seen[2:4]]
    content.train_fingerprints = torch.tensor(np.stack([*fingerprints_of(seen[:2]), *turned]))
    content.train_labels = [0] * 4
    return save_checkpoint(tmp_path_factory.mktemp("forged") / "forged.pth", content), seen


def test_exact_copies_are_an_error(forged, dataset, tmp_path):
    file, seen = forged
    done = run("evaluate_model.py", "--data-dir", dataset, "--checkpoint", file, cwd=tmp_path)
    assert done.status == 1 and "2 of 9 pictures are exact copies" in done.error
    assert str(seen[0]) in done.error and "--allow-overlap" in done.error
    assert list(tmp_path.iterdir()) == []


def test_outliers_that_the_model_has_learned_from_are_an_error(forged, dataset, tmp_path):
    file, seen = forged
    (tmp_path / "others").mkdir()
    shutil.copy(seen[1], tmp_path / "others/cat.png")
    done = run("evaluate_model.py", "--data-dir", dataset, "--checkpoint", file, "--split", "val",
               "--outliers", tmp_path / "others", cwd=tmp_path)
    assert done.status == 1 and "1 of 1 pictures are exact copies" in done.error


@pytest.mark.slow
def test_allowed_overlap_is_counted_and_the_far_ones_are_judged_alone(forged, dataset, tmp_path):
    file, seen = forged
    done = run("evaluate_model.py", "--data-dir", dataset, "--checkpoint", file,
               "--allow-overlap", cwd=tmp_path)
    assert done.status == 0, done.err
    rows = rows_of(tmp_path / "evaluation_results/predictions.csv")
    known = load_checkpoint(file).train_fingerprints.numpy()
    distances = fingerprint_distance.nearest(fingerprints_of(seen), known)[0]
    assert [float(row["nearest_training_distance"]) for row in rows] == pytest.approx(
        distances.tolist(), abs=0.02)
    near = [row["near_copy"] == "yes" for row in rows]
    assert near == (distances <= NEAR_COPY_THRESHOLD).tolist() and all(near[:4])

    found = json.loads((tmp_path / "evaluation_results/metrics.json").read_text("utf-8"))
    assert found["training_overlap"]["exact_copies"] == 2
    assert found["training_overlap"]["near_copies"] == sum(near)
    assert f"{sum(near)} of 9 pictures are copies of training pictures or" in done.out
    far = [row["right"] == "yes" for row, copy in zip(rows, near, strict=True) if not copy]
    if far:
        assert found["far_pictures"]["pictures"] == len(far)
        assert found["far_pictures"]["accuracy"]["value"] == pytest.approx(np.mean(far))
    else:
        assert found["far_pictures"] == "none"


@pytest.mark.slow
def test_without_a_training_list_nobody_can_tell(checkpoint, dataset, tmp_path):
    content = load_checkpoint(checkpoint)
    content.train_sha256, content.train_labels = [], []
    content.train_fingerprints = torch.empty((0, 0), dtype=torch.uint8)
    file = save_checkpoint(tmp_path / "old.pth", content)
    done = run("evaluate_model.py", "--data-dir", dataset, "--checkpoint", file, cwd=tmp_path)
    assert done.status == 0, done.err
    assert "cannot tell whether" in done.out and "far pictures: cannot tell" in done.out
    found = json.loads((tmp_path / "evaluation_results/metrics.json").read_text("utf-8"))
    assert found["far_pictures"] == found["training_overlap"]["exact_copies"] == "cannot tell"
    assert {row["near_copy"] for row in rows_of(tmp_path / "evaluation_results/predictions.csv")
            } == {""}


def test_all_near_none_far_and_only_some_lists():
    near = seen_in_training.Overlap(np.array([True, False]), np.array([0, NEAR_COPY_THRESHOLD]))
    far = seen_in_training.Overlap(np.array([False, False]), np.array([0, 2 * NEAR_COPY_THRESHOLD]))
    unknown = seen_in_training.Overlap(np.array([False, False]), None)
    file = Path("model.pth")
    assert seen_in_training.describe(near, file).startswith("all 2 pictures are copies")
    assert "none" in seen_in_training.describe(near, file)
    assert "fingerprints" in seen_in_training.describe(unknown, file)
    assert seen_in_training.summarise(near, file)["near_copies"] == 2
    assert seen_in_training.summarise(unknown, file)["near_copies"] == "cannot tell"
    assert seen_in_training.far_from_all([far, near]).tolist() == [False, False]
    assert seen_in_training.far_from_all([far, far]).tolist() == [False, True]
    assert seen_in_training.far_from_all([far, unknown]) is None
    answers = Answers("model", np.eye(2), np.array([0, 1]), np.array([True, True]))
    assert measure_far(answers, near.far, 0) == "none"
    assert measure_far(answers, unknown.far, 0) == "cannot tell"
    assert measure_far(answers, far.far, 0)["accuracy"]["value"] == 1


def test_fingerprints_of_another_width_are_not_compared(tmp_path):
    predictor = SimpleNamespace(checkpoint=SimpleNamespace(
        train_fingerprints=torch.zeros((3, fingerprints.WIDTH + 1), dtype=torch.uint8)))
    found, = seen_in_training.find_overlaps([tmp_path / "a.png"], [np.array([False])], [predictor])
    assert found.distances is None and found.near is None


@pytest.mark.slow
def test_copies_of_val_count_as_well(checkpoint, dataset, tmp_path):
    content = load_checkpoint(checkpoint)
    val = sorted((dataset / "val").rglob("*.png"))
    assert sorted(content.val_sha256) == sorted(map(sha256_of, val))
    np.testing.assert_array_equal(
        np.sort(content.val_fingerprints.numpy(), axis=0),
        np.sort(fingerprints.fingerprint_files(val, content.preprocessing, 1), axis=0))
    test = sorted((dataset / "test").rglob("*.png"))
    prints, train = fingerprints_of(test), content.train_fingerprints.numpy()
    apart = fingerprint_distance.nearest(prints, train)[0]
    seen = [test[apart.argmax()]]
    alone = (apart > NEAR_COPY_THRESHOLD) & (
        fingerprint_distance.nearest(prints, fingerprints_of(seen))[0] <= NEAR_COPY_THRESHOLD)
    assert alone.any()
    content.val_sha256 = [sha256_of(seen[0])]
    content.val_fingerprints = torch.tensor(fingerprints_of(seen))
    file = save_checkpoint(tmp_path / "fitted.pth", content)
    options = ("--data-dir", dataset, "--checkpoint", file)
    done = run("evaluate_model.py", *options, cwd=tmp_path)
    assert done.status == 1 and "1 of 9 pictures are exact copies" in done.error
    assert "trained on or fitted to (val)" in done.error and str(seen[0]) in done.error
    done = run("evaluate_model.py", *options, "--allow-overlap", cwd=tmp_path)
    assert done.status == 0 and (
        f"{alone.sum()} of these resemble a picture of val alone" in done.out)
    found = json.loads((tmp_path / "evaluation_results/metrics.json").read_text("utf-8"))
    assert found["training_overlap"]["exact_copies"] == 1
    near = sum(apart <= NEAR_COPY_THRESHOLD) + alone.sum()
    assert found["training_overlap"]["near_copies"] == near


@pytest.mark.slow
def test_val_itself_and_files_without_its_list_are_no_error(checkpoint, dataset, tmp_path):
    content = torch.load(checkpoint, weights_only=True)
    old = {name: part for name, part in content.items() if not name.startswith("val_")}
    assert len(old) == len(content) - 2
    torch.save(old, tmp_path / "old.pth")
    assert load_checkpoint(tmp_path / "old.pth").val_sha256 == []
    done = run("evaluate_model.py", "--data-dir", dataset, "--checkpoint", checkpoint, "--split",
               "val", cwd=tmp_path)
    assert done.status == 0 and "of val alone" not in done.out
    done = run("evaluate_model.py", "--data-dir", dataset, "--checkpoint", tmp_path / "old.pth",
               cwd=tmp_path)
    assert done.status == 0 and "of val alone" not in done.out
