"""--corrections: a table that a person has corrected, and the pictures that it files."""

import csv
import json
import os
import shutil
from pathlib import Path

import pytest
from conftest import content_of, draw, draw_folder, run, without_override
from PIL import Image
from test_collecting import rows_of

from celestial.common.class_names import NONE
from celestial.common.console import UserError
from celestial.filing.collecting import CollectingFolder
from celestial.filing.corrected_table import file_corrections, read_corrected

HEADER = ["filename", "status", "prediction", "confidence", "known_score", "top5",
          "prediction_zh", "prediction_ko", "reason"]
MODEL = "b2" * 32


def answer(filename: str, name: str = "mars", correct: str = "") -> dict[str, str]:
    """Return a row of the table, as predict_my_images.py writes it, with a correction."""
    row = dict.fromkeys(HEADER, "") | {
        "filename": filename, "status": "ok", "prediction": name, "confidence": "0.8123",
        "top5": "mars:0.8123; saturn:0.1000; neptune:0.0877", "correct": correct}
    return row | ({"status": "unknown"} if name == "unknown" else {})


ROWS = [answer("mars/mars 0.png", "saturn", "mars"), answer("mars/mars 1.png", "mars", "mars"),
        answer("neptune/neptune 0.png", "unknown", "Neptune"),
        answer("neptune/neptune 1.png", "mars", "ceres"),
        answer("saturn/saturn 0.png", "mars", "unknown"), answer("saturn/saturn 1.png", "mars")]
FILED = {f"mars/mars {n}.png": f"mars/mars {n}.png" for n in range(2)} | {
    "neptune/neptune 0.png": "neptune/neptune 0.png", "neptune/neptune 1.png":
    "ceres/neptune 1.png", "saturn/saturn 0.png": f"{NONE}/saturn 0.png"}


def write(path: Path, rows: list[dict], delimiter: str = ",", encoding: str = "utf-8-sig",
          columns: list[str] | None = None, before: str = "") -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        file.write(before)
        writer = csv.DictWriter(file, columns or [*HEADER, "correct"], delimiter=delimiter,
                                extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture
def pictures(tmp_path):
    return draw_folder(tmp_path / "in", 2)


def test_a_corrected_table_files_its_pictures_and_nothing_is_classified(pictures, tmp_path):
    photo = pictures / "mars/photo.jpg"
    Image.fromarray(draw("mars", 7)).save(photo, comment=b"at home", quality=90)
    (tmp_path / "my_predictions").mkdir()
    (tmp_path / "my_predictions/batch_prediction_run.json").write_text(
        json.dumps({"folder": "in", "checkpoint_sha256": MODEL}))
    table = write(tmp_path / "corrected.csv", [*ROWS, answer("mars/photo.jpg", "saturn", "mars"),
                                               answer("mars/gone.png", "saturn", "mars"),
                                               answer("mars/mars 0.png", "mars", "a/b")])
    before = content_of(tmp_path)
    done = run("predict_my_images.py", "in", "--corrections", table, "--collect", "collected",
               cwd=tmp_path)
    assert done.status == 0, done.err
    after = content_of(tmp_path)
    assert {name: after[name] for name in before} == before
    collected = tmp_path / "collected"
    rows = {row["filename"]: row for row in rows_of(collected)}
    assert {name: row["file"] for name, row in rows.items()} == FILED | {
        "mars/photo.jpg": "mars/photo.jpg"}
    assert b"at home" not in (collected / "mars/photo.jpg").read_bytes()
    assert rows["mars/mars 0.png"] | {"time_utc": ""} == rows["mars/mars 0.png"] | {
        "time_utc": "", "answer": "saturn", "probability": "0.8123", "correction": "mars",
        "model_sha256": MODEL, "sha256_sent": before["in/mars/mars 0.png"]}
    assert rows["neptune/neptune 0.png"]["probability"] == "", "that of unknown is not told"
    assert "row 9 of" in done.out and "mars/gone.png cannot be read in in: No such" in done.out
    assert "row 10 of" in done.out and "'a/b' cannot be the name of a class" in done.out
    assert "new classes: ceres (1)" in done.out
    assert done.result | {"files": 0} == {"corrections": 8, "filed": 6, "known": 0, "failed": 2,
                                          "new_classes": ["ceres"], "files": 0}
    again = run("predict_my_images.py", "in", "--corrections", table, "--collect", "collected",
                cwd=tmp_path)
    assert again.result["known"] == 6 and content_of(tmp_path) == after


@pytest.mark.parametrize("how", [
    {"delimiter": ";"}, {"delimiter": "\t", "encoding": "utf-16"}, {"encoding": "utf-8"},
    {"columns": ["correct", "note", "confidence", "prediction", "top5", "filename"]},
    {"delimiter": ";", "before": "sep=;\r\n"}, {"columns": ["filename", "correct"]}],
    ids=str)
def test_as_spreadsheets_save_it(how, pictures, tmp_path):
    rows = [row | {"confidence": row["confidence"].replace(".", ",")} for row in ROWS]
    table = write(tmp_path / "t.csv", rows, **how)
    into = CollectingFolder(tmp_path / "out")
    found = file_corrections(table, pictures, into, "")
    assert found["filed"] == 5 and found["failed"] == 0
    if "columns" not in how:
        assert found["new_classes"] == ["ceres"]
        assert rows_of(tmp_path / "out")[0]["probability"] == "0.8123"
    places = {row["filename"]: row["file"] for row in rows_of(tmp_path / "out")}
    if "columns" not in how or "top5" in how["columns"]:
        assert places == FILED
    assert places.keys() == FILED.keys()


def test_names_that_the_table_escapes(tmp_path):
    (tmp_path / "in").mkdir()
    odd = ["=1+1.png", "a\nb.png", "back\\slash.png", "土星; 2.png", "'quoted.png"]
    for number, name in enumerate(odd):
        Image.fromarray(draw("mars", number)).save(tmp_path / "in" / name)
    done = run("predict_my_images.py", "in", "--no-pictures", cwd=tmp_path)
    assert done.status == 0, done.err
    with (tmp_path / "my_predictions/batch_prediction_summary.csv").open(
            encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    table = write(tmp_path / "t.csv", [row | {"correct": "mars"} for row in rows])
    found = file_corrections(table, tmp_path / "in", CollectingFolder(tmp_path / "out"), "")
    assert found["filed"] == len(odd)
    with (tmp_path / "out/corrections.csv").open(encoding="utf-8-sig", newline="") as file:
        assert {row["filename"] for row in csv.DictReader(file)} == {
            row["filename"] for row in rows}


@pytest.mark.parametrize("content, says", [
    (b"", "has no column correct and no column filename"),
    (b"filename,prediction\na.png,mars\n", "has no column correct"),
    (b"filename,correct\na.png,\n", "has nothing in its column correct"),
    ("filename,correct\nsüß.png,mars\n".encode("latin-1"), "save it as CSV UTF-8"),
    (b"PK\x03\x04 a spreadsheet itself", "has no column"),
    (b"filename,correct\nnowhere.png,mars\n", "none of the 1 corrections"),
    (b"filename,correct\n../t.csv,mars\n", "none of the 1 corrections")])
def test_tables_that_cannot_be_used(content, says, pictures, tmp_path):
    (tmp_path / "t.csv").write_bytes(content)
    into = CollectingFolder(tmp_path / "out")
    with pytest.raises(UserError, match=says):
        file_corrections(tmp_path / "t.csv", pictures, into, "")
    assert set(content_of(tmp_path / "out")) == {"corrections.csv", ".corrections.lock"}


def test_no_table_at_all(tmp_path):
    with pytest.raises(UserError, match=r"none.csv cannot be read: No such file"):
        read_corrected(tmp_path / "none.csv")


@pytest.mark.parametrize("options, says, status", [
    (("--corrections", "t.csv"), "go together", 2), (("--collect", "out"), "go together", 2),
    (("--corrections", "t.csv", "--collect", "in/out"), "lies among the pictures", 2),
    (("--corrections", "t.csv", "--collect", "locked"), "locked cannot be written", 1)])
def test_where_nothing_can_be_filed(options, says, status, pictures, tmp_path):
    write(tmp_path / "t.csv", ROWS)
    (tmp_path / "locked").mkdir(mode=0o555)
    before = content_of(tmp_path)
    done = run("predict_my_images.py", "in", *options, cwd=tmp_path, **without_override())
    assert done.status == status and says in done.err and "Traceback" not in done.err
    assert content_of(tmp_path) == before and not list((tmp_path / "locked").iterdir())


def test_pipes_and_folders_are_no_pictures(pictures, tmp_path):
    os.mkfifo(pictures / "pipe.png")
    shutil.copy(pictures / "mars/mars 0.png", pictures / "one.png")
    table = write(tmp_path / "t.csv", [answer(name, correct="mars")
                                       for name in ("pipe.png", "mars", "one.png")])
    found = file_corrections(table, pictures / "one.png", CollectingFolder(tmp_path / "out"), "")
    assert found["filed"] == 1 and found["failed"] == 2


def test_a_format_that_keeps_its_metadata_is_told(pictures, tmp_path, capsys):
    Image.fromarray(draw("mars", 3)).save(pictures / "a.tif")
    table = write(tmp_path / "t.csv", [answer("a.tif", correct="mars"), ROWS[0]])
    file_corrections(table, pictures, CollectingFolder(tmp_path / "out"), "")
    assert "1 of them keep their metadata" in capsys.readouterr().out
    assert (tmp_path / "out/mars/a.tif").read_bytes() == (pictures / "a.tif").read_bytes()
