"""How often an epoch takes the pictures of a folder: --folder-weights."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import QUICK, draw_folder, run

from celestial.data.datasets import OUTLIER, SplitFiles, epoch_batches, folder_weights
from celestial.drawing.report import commands_of
from celestial.models.checkpoints import load_checkpoint
from celestial.training.training_data import TrainingData

WEIGHTS = np.array([1.0, 2.5, 0.4, 3.0, 1.0, 0.1])


def taken(epoch: int) -> Counter:
    return Counter(np.concatenate(epoch_batches(6, 3, 42, epoch, weights=WEIGHTS)) % 6)


def test_each_picture_comes_as_often_as_its_weight_says():
    epochs = [taken(epoch) for epoch in range(4000)]
    for picture, weight in enumerate(WEIGHTS):
        counts = {epoch[picture] for epoch in epochs}
        assert counts <= {int(np.floor(weight)), int(np.ceil(weight))}, "only the nearest numbers"
        assert np.mean([epoch[picture] for epoch in epochs]) == pytest.approx(weight, abs=0.03)
    assert {epoch.total() for epoch in epochs} == {8}, "the schedule counts on equal epochs"
    assert taken(7) == taken(7), "a resumed training sees the same"


def test_without_weights_an_epoch_takes_each_picture_once():
    for weights in (None, np.ones(50)):
        batches = epoch_batches(50, 7, 42, 3, weights=weights)
        assert sorted(np.concatenate(batches)) == list(range(50))


def test_a_picture_that_comes_twice_is_seen_in_two_views():
    pictures = np.random.default_rng(0).integers(0, 256, (4, 3, 32, 32), np.uint8)
    data = TrainingData(pictures, np.arange(4), pictures, np.arange(4), [],
                        preprocessing=Plain(), cache_dir=Path(), device=torch.device("cpu"))
    first, again = data.views(0, np.array([1, 5]), seed=42)  # 5: the second time of four
    assert not torch.equal(first, again)
    assert data.labels(np.array([1, 5])).tolist() == [1, 1]


class Plain:
    """A preprocessing that leaves views as they are."""

    def normalise(self, views: torch.Tensor) -> torch.Tensor:
        return views


def test_the_innermost_folder_decides_and_outliers_have_folders_too(tmp_path):
    files = SplitFiles(("mars",), tuple(tmp_path / place for place in (
        "train/mars/photographs/a.jpg", "train/mars/photographs/bad/b.jpg", "train/mars/c.jpg",
        "strange/screens/d.jpg")), np.array([0, 0, 0, OUTLIER]))
    found = folder_weights(tmp_path, files, {"photographs": 4, "bad": 0.5, "screens": 2},
                           tmp_path / "strange")
    assert found.tolist() == [4, 0.5, 1, 2]


@pytest.mark.slow
def test_pictures_are_known_by_the_folders_that_they_came_from(tmp_path):
    for name in ("photographs", "drawings"):
        draw_folder(tmp_path / name, 8)
        for folder in (tmp_path / name).iterdir():
            target = tmp_path / "input" / folder.name / name
            target.parent.mkdir(parents=True, exist_ok=True)
            folder.rename(target)
            for file in target.iterdir():  # or one is an exact copy of the other
                file.write_bytes(file.read_bytes() + name.encode())
    done = run("datapre.py", "--input-dir", "input", "--output-dir", "dataset", cwd=tmp_path)
    assert done.status == 0, done.err
    options = ("--data-dir", "dataset", "--model", "cnn", *QUICK, "--folder-weights")
    done = run("improved_training.py", *options, "photographs=0.5", cwd=tmp_path)
    assert done.status == 0 and "folder_weights=photographs=0.5" in done.out, done.err
    trained = load_checkpoint(
        tmp_path / "model_checkpoints/celestial_classification_final_model.pth")
    _, training, *_ = commands_of(replace(trained, versions={}), {"data_dir": "", "checkpoint": ""})
    assert " --folder-weights photographs=0.5 " in training
    missing = run("improved_training.py", *options, "photos=2", cwd=tmp_path)
    assert missing.status == 2 and "no training picture came from a folder" in missing.error
    few = run("improved_training.py", *options, "photographs=0.001", "drawings=0.001", cwd=tmp_path)
    assert few.status == 2 and "leaves less than two pictures for an epoch" in few.error
    for wrong in ("photographs", "photographs=", "=3", "photographs=-1", "photographs=x"):
        assert run("improved_training.py", *options, wrong, cwd=tmp_path).status == 2, wrong
