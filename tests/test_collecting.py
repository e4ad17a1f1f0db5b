"""Corrected pictures are filed by class, each once, and every one has a row."""

import csv
import hashlib
import io
import os
import subprocess
import sys
import threading

import pytest
from conftest import ROOT, content_of, draw
from PIL import Image

from celestial.common.class_names import checked_class
from celestial.common.console import UserError
from celestial.filing.collecting import COLUMNS, NONE, CollectingFolder, Correction

MODEL = "a1" * 32


def picture(label: str, number: int, form: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    Image.fromarray(draw(label, number)).save(file, form, **options)
    return file.getvalue()


def correction(to: str, filename: str = "photo.png", **other) -> Correction:
    return Correction(**{"filename": filename, "answer": "mars", "probability": 0.71234,
                         "correction": to, "model_sha256": MODEL} | other)


def rows_of(folder) -> list[dict]:
    with (folder / "corrections.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def pictures_of(folder) -> list[str]:
    return [name for name in content_of(folder) if "corrections" not in name]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "collected"


def test_a_picture_lies_in_the_folder_of_its_class_and_has_a_row(folder):
    data = picture("saturn", 1, "JPEG", comment=b"at home")
    filed = CollectingFolder(folder).file(data, correction("saturn", "a/b/süß 1.jpg"))
    assert filed.path == folder / "saturn/süß 1.jpg" and filed.cleaned and not filed.known
    stored = filed.path.read_bytes()
    assert b"at home" not in stored and filed.sha256_stored == hashlib.sha256(stored).hexdigest()
    [row] = rows_of(folder)
    assert list(row) == COLUMNS and row["time_utc"].endswith("Z")
    assert row | {"time_utc": ""} == {
        "time_utc": "", "filename": "a/b/süß 1.jpg", "file": "saturn/süß 1.jpg",
        "sha256_sent": hashlib.sha256(data).hexdigest(), "sha256_stored": filed.sha256_stored,
        "answer": "mars", "probability": "0.7123", "correction": "saturn", "model_sha256": MODEL}


def test_other_formats_are_stored_as_they_are(folder):
    data = picture("saturn", 1, "BMP")
    filed = CollectingFolder(folder).file(data, correction(NONE, probability=None))
    assert not filed.cleaned and filed.path.read_bytes() == data
    assert filed.path.parent.name == NONE and rows_of(folder)[0]["probability"] == ""


def test_the_same_correction_twice_writes_nothing(folder):
    first = CollectingFolder(folder).file(picture("mars", 1), correction("saturn"))
    before = content_of(folder)
    again = CollectingFolder(folder).file(picture("mars", 1), correction("saturn", "other.png"))
    assert again.known and again.path == first.path and content_of(folder) == before


def test_another_correction_moves_the_picture_and_only_it(folder):
    collecting = CollectingFolder(folder)
    collecting.file(picture("mars", 1), correction("saturn"))
    moved = collecting.file(picture("mars", 1), correction("ceres"))
    assert moved.path == folder / "ceres/photo.png" and not moved.known
    assert pictures_of(folder) == ["ceres/photo.png"] and not (folder / "saturn").exists()
    assert [row["correction"] for row in rows_of(folder)] == ["saturn", "ceres"]
    moved.path.write_bytes(b"the user's own")
    collecting.file(picture("mars", 1), correction("saturn"))
    assert (folder / "ceres/photo.png").read_bytes() == b"the user's own"
    assert pictures_of(folder) == ["ceres/photo.png", "saturn/photo.png"]


def test_a_picture_that_the_user_deleted_is_filed_again(folder):
    collecting = CollectingFolder(folder)
    collecting.file(picture("mars", 1), correction("saturn")).path.unlink()
    assert not collecting.file(picture("mars", 1), correction("saturn")).known
    assert pictures_of(folder) == ["saturn/photo.png"]


def test_equal_names_are_kept_apart_and_no_file_is_overwritten(folder):
    (folder / "saturn").mkdir(parents=True)
    (folder / "saturn/photo.png").write_bytes(b"the user's own")
    collecting = CollectingFolder(folder)
    paths = {collecting.file(picture("mars", n), correction("saturn")).path for n in range(4)}
    assert len(paths) == 4 and all(path.parent == folder / "saturn" for path in paths)
    assert (folder / "saturn/photo.png").read_bytes() == b"the user's own"


@pytest.mark.parametrize("name", ["../../x.png", "..\\x.png", "/etc/x.png", ".hidden.png", "..",
                                  "", "Thumbs.db", "a\nb.png", "x" * 300 + ".png", "\ud800.png",
                                  "=cmd()|x.png"])
def test_any_file_name_stays_in_the_folder_and_on_its_line(name, folder):
    filed = CollectingFolder(folder).file(picture("mars", 1), correction("saturn", name))
    assert filed.path.parent == folder / "saturn" and filed.path.is_file()
    assert not filed.path.name.startswith(".") and filed.path.name != "Thumbs.db"
    lines = (folder / "corrections.csv").read_bytes().splitlines()
    assert len(lines) == len(rows_of(folder)) + 1 == 2
    assert not rows_of(folder)[0]["filename"].startswith("=")


@pytest.mark.parametrize("name", ["", " ", "a/b", "..", "unknown", "Train", ".git", "a\tb",
                                  "x" * 300, "lost+found", "a:b", "end.", "\ud800"])
def test_what_can_be_no_class_is_one_sentence(name, folder):
    with pytest.raises(UserError, match="cannot be the name of a class"):
        CollectingFolder(folder).file(picture("mars", 1), correction(name))
    assert pictures_of(folder) == [] and rows_of(folder) == []


def test_a_class_in_other_letters_is_the_known_one(folder):
    assert checked_class(" Ceres ", ["ceres"]) == "ceres" and checked_class("Ceres") == "Ceres"
    assert checked_class("Ceres", ["ceres", "Ceres"]) == "Ceres"
    assert checked_class("cafe\u0301") == "caf\u00e9"
    collecting = CollectingFolder(folder)
    for number, name in enumerate(("ceres", "Ceres", "土星")):
        collecting.file(picture("mars", number), correction(name, f"{number}.png"))
    assert pictures_of(folder) == ["ceres/0.png", "ceres/1.png", "土星/2.png"]


def test_damage_that_hides_metadata_is_one_sentence(folder):
    data = picture("mars", 1, "JPEG", comment=b"at home")
    with pytest.raises(UserError, match="photo.png is damaged"):
        CollectingFolder(folder).file(data[:30], correction("saturn"))
    assert pictures_of(folder) == [] and rows_of(folder) == []


def test_a_half_written_row_goes_and_its_picture_is_taken_up(folder):
    collecting = CollectingFolder(folder)
    for number in range(2):
        collecting.file(picture("mars", number), correction("saturn", f"{number}.png"))
    table = folder / "corrections.csv"
    table.write_bytes(table.read_bytes()[:-20])
    again = CollectingFolder(folder).file(picture("mars", 1), correction("saturn", "1.png"))
    assert not again.known and pictures_of(folder) == ["saturn/0.png", "saturn/1.png"]
    assert [row["file"] for row in rows_of(folder)] == ["saturn/0.png", "saturn/1.png"]
    table.write_bytes(table.read_bytes().rstrip())  # an editor's: the row is whole
    CollectingFolder(folder).file(picture("mars", 2), correction("saturn", "2.png"))
    assert [row["file"][-5:] for row in rows_of(folder)] == ["0.png", "1.png", "2.png"]


def test_a_table_that_points_elsewhere_moves_nothing(folder, tmp_path):
    CollectingFolder(folder).file(picture("mars", 1), correction("saturn"))
    (folder / "saturn/photo.png").rename(tmp_path / "photo.png")
    table = folder / "corrections.csv"
    table.write_text(table.read_text("utf-8").replace(",saturn/photo", ",../photo"), "utf-8")
    CollectingFolder(folder).file(picture("mars", 1), correction("ceres"))
    assert (tmp_path / "photo.png").is_file() and (folder / "ceres/photo.png").is_file()


def test_a_table_of_something_else_is_left_alone(folder):
    folder.mkdir()
    (folder / "corrections.csv").write_text("my;own;table\n")
    with pytest.raises(UserError, match="move it away"):
        CollectingFolder(folder)
    assert (folder / "corrections.csv").read_text() == "my;own;table\n"


def test_a_full_disk_leaves_no_picture_without_a_row(folder, monkeypatch):
    collecting = CollectingFolder(folder)
    collecting.file(picture("mars", 1), correction("saturn"))
    before = content_of(folder)

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        for number, to in ((2, "ceres"), (1, "ceres")):
            with pytest.raises(OSError, match="No space left"):
                collecting.file(picture("mars", number), correction(to))
            assert content_of(folder) == before and not (folder / "ceres").exists()
    assert collecting.file(picture("mars", 2), correction("ceres")).path.is_file()


WORK = """
import sys
sys.path[:0] = [{root!r}, {tests!r}]
from pathlib import Path
from test_collecting import correction, picture
from celestial.filing.collecting import CollectingFolder
folder = CollectingFolder(Path({folder!r}))
for number in range(10):
    folder.file(picture("mars", number), correction("saturn", f"{{number}}.png"))
"""


def test_several_programs_and_threads_file_into_one_folder(folder):
    code = WORK.format(root=str(ROOT), tests=str(ROOT / "tests"), folder=str(folder))
    others = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    collecting = CollectingFolder(folder)
    threads = [threading.Thread(target=collecting.file, args=(picture("mars", number), correction(
        "saturn", f"{number}.png"))) for number in range(14)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [other.wait() for other in others] == [0, 0]
    assert len(pictures_of(folder)) == len(rows_of(folder)) == 14
    assert sorted(row["file"] for row in rows_of(folder)) == pictures_of(folder)


def test_a_file_in_the_place_of_the_folder(folder):
    folder.write_text("a file")
    with pytest.raises(UserError, match="cannot be written"):
        CollectingFolder(folder)
