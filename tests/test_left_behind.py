"""Hidden files, what systems leave in folders, and earlier answers are no pictures, anywhere."""

import csv
import json
import re
import shutil
from pathlib import Path

import pytest
from conftest import CLASSES, content_of, draw, draw_folder, run
from PIL import Image

import datapre
import web_app
from celestial.common.console import SHIPPED, UserError
from celestial.common.files import class_folders, owned_files, sort_files, walk_files
from celestial.common.left_behind import is_no_picture
from celestial.data.datasets import list_split

# Below a class folder; each would be a picture, or a bad file, by its content.
LEFT = (".ipynb_checkpoints/mars 0-checkpoint.png", ".Trash-1000/files/mars 1.png", ".hidden.png",
        "._mars 0.png", "@eaDir/mars 0.png/SYNOPHOTO_THUMB_M.jpg", "Thumbs.db", "THUMBS.DB",
        "Desktop.ini", "ehthumbs.db", "#recycle/old.png", "lost+found/#123.png",
        "__MACOSX/._mars 0.png")


def rows_of(path: Path) -> list[dict]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def leave_behind(folder: Path, names=LEFT) -> int:
    """Put a picture, of another class, under each of these names; return how many there are."""
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        with (folder / name).open("wb") as file:
            Image.fromarray(draw("saturn", number)).save(file, "PNG")
    return len({name.split("/")[0] for name in names})


@pytest.mark.slow
def test_a_dataset_of_folders_that_systems_used(tmp_path):
    source = draw_folder(tmp_path / "in", 6)
    clean = run("datapre.py", "--input-dir", source, "--output-dir", tmp_path / "a", cwd=tmp_path)
    assert clean.status == 0 and "passed over" not in clean.out
    count = leave_behind(source / "mars")
    for name in ("__MACOSX", ".Trash-0", "@eaDir", "lost+found"):  # no classes either
        leave_behind(source / name, LEFT[:1])
    (source / ".gitkeep").touch()
    before = content_of(source)
    done = run("datapre.py", "--input-dir", source, "--output-dir", tmp_path / "b", cwd=tmp_path)
    assert done.status == 0, done.err
    assert content_of(tmp_path / "b") == content_of(tmp_path / "a"), "a copy cost its original"
    assert done.result["pictures"] == 18 and done.result["rejected"] == 0
    [line] = [line for line in done.out.splitlines() if "passed over" in line]
    assert f"passed over in {source}: {count + 4} hidden files and folders" in line
    assert content_of(source) == before


def test_predictions_of_a_folder_that_systems_used(tmp_path):
    folder = draw_folder(tmp_path / "my_images", 1)
    count = leave_behind(folder / "mars") + leave_behind(folder, LEFT[:3])
    done = run("predict_my_images.py", "--no-pictures", "--checkpoint", SHIPPED, cwd=tmp_path)
    assert done.status == 0, done.err
    rows = rows_of(tmp_path / "my_predictions/batch_prediction_summary.csv")
    assert [row["filename"] for row in rows] == [f"{name}/{name} 0.png" for name in CLASSES]
    assert f"passed over in my_images: {count} hidden files" in done.out


@pytest.mark.slow
def test_a_dataset_that_systems_used(dataset, checkpoint, tmp_path):
    data = shutil.copytree(dataset, tmp_path / "set")
    draw_folder(tmp_path / "out", 2)
    for place in ("out/mars", "set/train/mars", "set/test/mars"):
        count = leave_behind(tmp_path / place)
    leave_behind(data / "train/@eaDir", LEFT[:1])
    assert len(list_split(data, "train").paths) == 42
    done = run("evaluate_model.py", "--data-dir", data, "--checkpoint", checkpoint, "--outliers",
               "out", "--allow-overlap", "--output-dir", "answers", cwd=tmp_path)
    assert done.status == 0, done.err
    assert len(rows_of(tmp_path / "answers/predictions.csv")) == 9
    assert len(rows_of(tmp_path / "answers/outliers.csv")) == 6
    for place in (data / "test", "out"):
        assert f"passed over in {place}: {count} hidden files and folders" in done.out


@pytest.mark.slow
def test_answers_of_an_earlier_run_are_no_pictures(tmp_path):
    folder = draw_folder(tmp_path / "my_images", 1)
    options = (folder, "--checkpoint", SHIPPED)
    first = run("predict_my_images.py", *options, "--output-dir", folder / "mars/first",
                cwd=tmp_path)
    assert first.result["rows"] == 3 and "passed over" not in first.out
    (folder / "saturn/run.json").write_text(json.dumps({"folder": "somebody's"}))
    (folder / "batch_prediction_run.json").write_text("somebody's notes")
    second = run("predict_my_images.py", *options, "--output-dir", tmp_path / "second",
                 "--no-pictures", cwd=tmp_path)
    rows = rows_of(tmp_path / "second/batch_prediction_summary.csv")
    assert [row["filename"] for row in rows if row["status"] != "failed"] == [
        f"{name}/{name} 0.png" for name in CLASSES]
    assert len(rows) == 5 and "1 folders' answers of earlier predictions (mars/first)" in second.out
    assert len(walk_files(folder / "mars/first")) == 6, "whoever names it means it"


@pytest.mark.slow
def test_one_file_is_judged_whatever_its_name(tmp_path):
    draw_folder(tmp_path / "in", 1)
    (tmp_path / "in/mars/mars 0.png").rename(tmp_path / "in/mars/.hidden.png")
    for options in ((), ("--resume",)):
        done = run("predict_my_images.py", "in/mars/.hidden.png", "--checkpoint", SHIPPED, *options,
                   cwd=tmp_path)
        assert done.status == 0, done.err
        [row] = rows_of(tmp_path / "my_predictions/batch_prediction_summary.csv")
        assert row["filename"] == ".hidden.png" and row["top5"]
        assert (tmp_path / "my_predictions/pictures/.hidden.png.png").is_file()
    assert "1 files were done before" in done.out
    none = run("predict_my_images.py", "none.png", "--checkpoint", SHIPPED, cwd=tmp_path)
    assert none.status == 1 and "none.png, nor such a file" in none.error


@pytest.mark.slow
def test_pictures_beside_answers_are_pictures(tmp_path):
    folder = draw_folder(tmp_path / "in", 1)
    options = "--checkpoint", SHIPPED, "--no-pictures"
    among = run("predict_my_images.py", folder / "mars/mars 0.png", *options, "--output-dir",
                folder / "mars", cwd=tmp_path)
    assert among.status == 2 and "holds the pictures themselves" in among.error
    done = run("predict_my_images.py", folder / "mars", *options, "--output-dir", folder / "out",
               cwd=tmp_path)
    assert done.status == 0, done.err
    (folder / "out/pictures").mkdir()
    for name in ("out/later.png", "out/pictures/card.png"):
        (folder / name).write_bytes((folder / "mars/mars 0.png").read_bytes())
    found, passed_over = sort_files(folder)
    assert folder / "out/later.png" in found and len(found) == 4
    assert passed_over == [folder / "out"]


def test_hidden_files_in_an_output_folder_are_somebodys(dataset, tmp_path):
    own = shutil.copytree(dataset, tmp_path / "set")
    leave_behind(own / "train/mars", ("@eaDir/a.png/thumb.jpg", "THUMBS.DB", "._a.png"))
    datapre.require_own_dataset(own)  # systems make these again
    for name in (".thesis.txt", ".Trash-1000/files/thesis.txt", "lost+found/thesis.txt"):
        leave_behind(own / "train/mars", (name,))
        with pytest.raises(UserError, match=re.escape(f"did not put there (train/mars/{name})")):
            datapre.require_own_dataset(own)
        (own / "train/mars" / name).unlink()


def test_the_same_rule_in_a_storage(tmp_path):
    pytest.importorskip("pyarrow", reason="pip install -r requirements-ray.txt")
    from celestial.common.remote_folders import Folder

    folder = draw_folder(tmp_path / "in", 1)
    leave_behind(folder / "mars")
    (folder / "saturn/answers/pictures").mkdir(parents=True)
    for name in ("run.json", "part-0000000.parquet", "pictures/a.png"):
        (folder / "saturn/answers" / name).write_text(json.dumps(
            {"folder": "there", "checkpoint_sha256": "0"}))
    found, passed_over = sort_files(folder)
    assert len(found) == 3 and folder / "saturn/answers" in passed_over
    assert Folder.at(str(folder)).sort_names() == tuple(
        [path.relative_to(folder).as_posix() for path in paths] for paths in (found, passed_over))


def test_names_of_pictures_and_of_none(tmp_path):
    for name in ("mars.png", "thumbs.db.png", "desktop", "lost and found", "#1.png", "@home.png",
                 "recycle", "~"):
        assert not is_no_picture(name), name
    leave_behind(tmp_path / "..folder")
    assert walk_files(tmp_path) == [] == class_folders(tmp_path)
    assert walk_files(tmp_path / "..folder") == [], "named, it is looked into"
    assert len(owned_files(tmp_path)) == 5


def test_a_macs_shadow_of_a_checkpoint_is_none(tmp_path):
    for name in ("a.pth", "._a.pth", "unfinished_cnn.pth"):
        (tmp_path / name).touch()
    assert web_app.list_checkpoints(tmp_path) == {"a": tmp_path / "a.pth"}
