"""A ready split is no set of classes; names of classes that would mislead are said or refused."""

import shutil
import unicodedata
from pathlib import Path

import pytest
from conftest import CLASSES, QUICK, content_of, draw_folder, run

from celestial.common import file_names
from celestial.common.class_names import require_no_split, split_folders
from celestial.common.console import UserError
from celestial.data.datasets import list_split

COMPOSED, TAKEN_APART = (unicodedata.normalize(form, "Café") for form in ("NFC", "NFD"))


def test_a_ready_split_is_no_set_of_classes(tmp_path):
    source = tmp_path / "in"
    for name in ("Train", "VALID", "test"):
        draw_folder(source / name, 1)
    before = content_of(source)
    done = run("datapre.py", "--input-dir", source, "--output-dir", tmp_path / "out", cwd=tmp_path)
    assert done.status == 1 and "Train/, VALID/ and test/: a ready split" in done.error
    assert "rename Train/ to train/, rename VALID/ to val/ and train on it as it is" in done.error
    assert not (tmp_path / "out").exists() and content_of(source) == before


@pytest.mark.parametrize("folders, says", [
    (("train", "val", "test"), "class; train on it as it is: improved_training.py --data-dir "),
    (("train", "validation"), "rename validation/ to val/ and train on it"),
    (("train", "test"), "move some pictures of each class from train/ to val/ and train on it"),
    (("set/training", "set/testing"), "rename training/ to train/"),
], ids=str)
def test_what_is_to_be_done_with_a_ready_split(folders, says, tmp_path):
    for name in folders:
        (tmp_path / name / "mars").mkdir(parents=True)
    with pytest.raises(UserError, match=says):
        require_no_split(tmp_path)


def test_which_folders_are_a_split():
    assert split_folders(["TRAIN", "Valid", "test", "mars"]) == {
        "train": "TRAIN", "val": "Valid", "test": "test"}
    for names in (["train", "plane"], ["val", "test"], CLASSES, []):
        assert split_folders(names) == {}


@pytest.mark.slow
def test_a_dataset_among_the_classes_would_cost_their_pictures(tmp_path):
    source = draw_folder(tmp_path / "in", 3)
    options = ("datapre.py", "--input-dir", source, "--output-dir", tmp_path / "out")
    assert run(*options, cwd=tmp_path).status == 0
    shutil.copytree(tmp_path / "out", source / "older")
    done = run(*options, cwd=tmp_path)
    assert done.status == 1 and f"{source / 'older'} is a dataset that datapre.py" in done.error
    shutil.rmtree(source / "older")
    for split in ("train", "test"):  # of one class alone: pictures of it, as in any sub-folder
        (source / "mars" / split).mkdir()
        (source / f"mars/mars {split == 'test':d}.png").rename(source / f"mars/{split}/m.png")
    assert run(*options, cwd=tmp_path).result["pictures"] == 9


def rename_classes(folder: Path, *names: str) -> Path:
    """Give the first class folders other names."""
    for label, name in zip(CLASSES, names, strict=False):
        (folder / label).rename(folder / name)
    return folder


@pytest.mark.parametrize("one, other, says", [
    ("Saturn", "SATURN", "SATURN and Saturn and saturn in"),
    (COMPOSED, TAKEN_APART, "only by the Unicode form"),
], ids=["case", "Unicode"])
def test_classes_that_look_alike_are_said(one, other, says, tmp_path):
    source = rename_classes(draw_folder(tmp_path / "in", 3), one, other)
    done = run("datapre.py", "--input-dir", source, "--output-dir", tmp_path / "out", cwd=tmp_path)
    assert done.status == 0, done.err
    assert says in done.out and "classes; if they are one" in done.out
    assert done.result["classes"] == sorted([one, other, "saturn"]) and done.result["train"] == 3
    places = [file_names.folded(name) for name in content_of(tmp_path / "out")]
    assert len(set(places)) == len(places), "one file on a disk that ignores case"


def test_a_folder_that_is_a_known_class_but_for_its_form(tmp_path):
    rename_classes(draw_folder(tmp_path / "test", 1), TAKEN_APART)
    with pytest.raises(UserError, match="Unicode form of its letters: rename it"):
        list_split(tmp_path, "test", (COMPOSED, *CLASSES[1:]))


def test_a_class_called_unknown_is_refused(tmp_path):
    source = draw_folder(tmp_path / "train", 3, ("mars", "saturn"))
    shutil.copytree(source / "mars", source / "Unknown")
    done = run("datapre.py", "--input-dir", source, "--output-dir", tmp_path / "out", cwd=tmp_path)
    assert done.status == 1 and "unknown is the answer where no class fits" in done.error
    done = run("improved_training.py", "--data-dir", tmp_path, cwd=tmp_path)
    assert done.status == 1 and "unknown is the answer where no class fits" in done.error
    assert run("fetch_pictures.py", "--classes", "unknown", cwd=tmp_path).status == 2
    old = list_split(tmp_path, "train", ("mars", "saturn", "Unknown"))
    assert len(old.paths) == 9, "a checkpoint that has learned it can still be judged"


@pytest.mark.slow
def test_training_says_what_val_lacks_and_what_it_is_called(dataset, tmp_path):
    data = shutil.copytree(dataset, tmp_path / "set")
    (data / "val").rename(data / "Valid")
    command = ("improved_training.py", "--data-dir", data, "--weights", "none", *QUICK)
    done = run(*command, cwd=tmp_path)
    assert done.status == 1 and f"rename {data / 'Valid'} to val" in done.error
    (data / "Valid").rename(data / "val")
    shutil.rmtree(data / "val/neptune")
    done = run(*command, cwd=tmp_path)
    assert done.status == 0 and "val has no picture of neptune: " in done.out, done.err
