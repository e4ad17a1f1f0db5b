"""Names of files that nobody thought of: a row for each, outputs in their folder, no formula."""

import json
import os
import sys
import unicodedata
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import CLASSES, content_of, draw, draw_folder, run, start, without_override
from PIL import Image
from table_checks import require_no_formula

import datapre
import generate_visual_predictions
from celestial.common import tables
from celestial.common.console import UserError
from celestial.common.file_names import display_name, path_named
from celestial.data import splits
from celestial.drawing.dataset_sheets import load_readable

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="names are any bytes there alone")
# Every one is a picture. The names in Unicode stand in both of its forms, those in bytes are not
# UTF-8, and the literal \xff must not be taken for the byte.
NASTY = [name.encode() for name in (
    "a.jpg", "a.png", "A.PNG", "no extension", " spaces .png ", "it's \"quoted\", twice.png",
    "土星.png", "화성 사진.png", "\u3000.png", "\U0001f468\u200d\U0001f680.png", "\u00e9.png",
    "e\u0301.png", "line\nbreak.png", "carriage\rreturn.png", "tab\t.png", "\x1b[31mred\x07.png",
    "\x85next.png", "\u2028.png", "\u202egnp.png", "\\xff.png", "\\n.png", "back\\slash.png",
    "=1+1.png", "'=1+1.png", "''.png", "+1.png", "-1", "@sum.png", "＝1.png", "a;=1.png",
    'a;"=1.png', "--help", "-", "$(touch pwned)`touch pwned`.png", "%s%n{0}.png", "*?[a].png",
    "<b>&amp;.png", "C:x.png", "CON.png", "dots...", "~", "x" * 251 + ".png",
    "한" * 85, "x.jpg/inside.png", "y.jpg", "y.jpg.png/below.png", "y.jpg.png/y.jpg",
    "line\nfolder/it.png", "/".join(["deep folder " + "d" * 80] * 9) + "/deep.png")]
NASTY += [b"\xff.png", b"\xff\xfe\x85.png", b"\xed\xa0\x80.png", b"\xff folder/\xff.png",
          b"\xff" * 255]


def draw_nasty(folder: Path) -> list[bytes]:
    """Draw pictures with all these names, and what is no picture; return every file's name."""
    for number, name in enumerate(NASTY):
        path = folder / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            Image.fromarray(draw("mars", 1000 + number)).save(file, format="PNG")
    elsewhere = folder.parent / "elsewhere"
    elsewhere.mkdir()
    Image.fromarray(draw("mars", 999)).save(elsewhere / "linked.png")
    (folder / "notes\n.txt").write_text("no picture")
    (folder / ".hidden.png").write_bytes((folder / "a.png").read_bytes() + b"y")  # gets no row
    (folder / "link to a file.png").symlink_to(elsewhere / "linked.png")
    (folder / "link to a folder.png").symlink_to(elsewhere)
    (folder / "link to itself's folder").symlink_to(folder)
    (folder / "broken.png").symlink_to(folder / "nothing")
    (folder / "circle.png").symlink_to(folder / "circle.png")
    os.mkfifo(folder / "pipe.png")
    (folder / "locked.png").write_bytes((folder / "a.png").read_bytes() + b"x")
    (folder / "locked.png").chmod(0)
    (folder / "locked folder").mkdir(mode=0)
    return [*NASTY, b"notes\n.txt", b"link to a file.png", *map(os.fsencode, UNREADABLE)]


UNREADABLE = ("link to a folder.png", "link to itself's folder", "broken.png", "circle.png",
              "pipe.png", "locked.png", "locked folder")


def rows_of(path: Path) -> list[dict]:
    require_no_formula(path.read_bytes().decode("utf-8-sig"))
    rows = tables.read_csv(path)
    assert all(len(cell.splitlines()) < 2 for row in rows for cell in row.values())
    return rows


@pytest.fixture
def nasty(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    names = draw_nasty(folder)
    yield SimpleNamespace(folder=folder, rows=sorted(display_name(os.fsdecode(n)) for n in names))
    for locked in tmp_path.glob("**/locked folder"):
        locked.chmod(0o755)


@pytest.mark.slow
def test_predictions_of_every_name(nasty, checkpoint, tmp_path):
    before = content_of(nasty.folder)
    out = tmp_path / "out"
    (out / "pictures/+1.png.png/not ours").mkdir(parents=True)
    options = (nasty.folder, "--checkpoint", checkpoint, "--output-dir", out)
    done = run("predict_my_images.py", *options, cwd=tmp_path, **without_override())
    assert done.status == 0, done.err
    rows = {row["filename"]: row for row in rows_of(out / "batch_prediction_summary.csv")}
    assert sorted(rows) == nasty.rows and done.result["rows"] == len(rows)
    assert {name for name, row in rows.items() if row["status"] == "failed"} == {
        *UNREADABLE, "notes\\n.txt"}
    assert "link to a folder" in rows["link to a folder.png"]["reason"]
    assert {name for name, row in rows.items() if "cannot be written" in row["reason"]} == {
        "+1.png"}
    assert "1 annotated pictures cannot be written" in done.out
    assert not any(unicodedata.category(sign) == "Cc" for sign in done.out.replace("\n", ""))
    assert sum(line.startswith(("ok ", "unknown ", "failed "))
               for line in (line[46:] for line in done.out.splitlines())) == 60

    cards = [path for path in (out / "pictures").rglob("*") if path.is_file()]
    assert len(cards) == len(NASTY) and (out / "pictures/a.jpg.png").is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "out", "pictures"]
    assert content_of(nasty.folder) == before
    again = run("predict_my_images.py", *options, "--resume", cwd=tmp_path, **without_override())
    assert f"{len(NASTY)} files were done before" in again.out
    assert sorted(row["filename"] for row in rows_of(out / "batch_prediction_summary.csv")
                  ) == nasty.rows


@pytest.mark.slow
def test_a_dataset_of_every_name(nasty, tmp_path):
    source = draw_folder(tmp_path / "in", 8)
    (source / "mars/nasty").symlink_to(nasty.folder)  # a link: one row that says so
    for path in list(nasty.folder.iterdir()):
        path.rename(source / "mars" / path.name)
    before = content_of(source)
    groups = tmp_path / "groups.csv"
    members = ["mars/=1+1.png", "mars/'=1+1.png", "mars/line\\nbreak.png", "mars/\\xff.png"]
    tables.write_csv(groups, ["source", "night"], [[name, "may 3"] for name in members])
    out = tmp_path / "out"
    done = run("datapre.py", "--input-dir", source, "--output-dir", out, "--groups", groups,
               cwd=tmp_path, **without_override())
    (source / "mars/locked folder").chmod(0o755)
    assert done.status == 0, done.err
    manifest = rows_of(out / "manifest.csv")
    used = [row["source"] for row in manifest]
    left = [row["source"] for row in rows_of(out / "rejected.csv")]
    expected = [f"mars/{name}" for name in [*nasty.rows, "nasty"]]
    assert sorted(used + left) == sorted(expected + [
        f"{label}/{label} {number}.png" for label in CLASSES for number in range(8)])
    assert set(left) >= {f"mars/{name}" for name in UNREADABLE}
    assert len({row["split"] for row in manifest if row["source"] in members}) == 1
    for row in manifest:
        assert display_name(row["path"]) == row["path"]
        assert (out / row["path"]).samefile(source / path_named(row["source"]))
    assert {row["path"] for row in manifest} == {
        name for name in content_of(out) if "/" in name}
    assert content_of(source) == before
    assert run("datapre.py", "--input-dir", source, "--output-dir", out, cwd=tmp_path,
               **without_override()).status == 0, "a second run takes the folder for its own"


@pytest.mark.slow
def test_evaluation_blind_test_and_frames_of_every_name(nasty, checkpoint, tmp_path):
    data = draw_folder(tmp_path / "data/test", 6).parent
    for path in list(nasty.folder.iterdir()):
        path.rename(data / "test/mars" / path.name)
    before = content_of(data)
    rest = [f"{label}/{label} {number}.png" for label in CLASSES for number in range(6)]
    expected = sorted([f"mars/{name}" for name in nasty.rows] + rest)
    readable = len(expected) - len(UNREADABLE) - 1
    options = ("--data-dir", data, "--checkpoint", checkpoint)

    done = run("evaluate_model.py", *options, "--allow-overlap", "--outliers", data / "test",
               cwd=tmp_path, **without_override())
    assert done.status == 0, done.err
    rows = rows_of(tmp_path / "evaluation_results/predictions.csv")
    assert sorted(row["path"] for row in rows) == [f"test/{name}" for name in expected]
    assert sum(row["status"] == "failed" for row in rows) == len(expected) - readable
    outliers = rows_of(tmp_path / "evaluation_results/outliers.csv")
    assert sorted(row["path"] for row in outliers) == expected
    assert len(rows_of(tmp_path / "evaluation_results/label_check.csv")) == readable

    done = run("blind_test_validation.py", *options, cwd=tmp_path, **without_override())
    assert done.status == 0, done.err
    mapping = json.loads(next(tmp_path.glob("blind_test_mapping_*.json")).read_text())
    prefix = display_name(data / "test") + "/"
    sources = {row["source"].removeprefix(prefix) for row in mapping["pictures"]}
    assert len(sources) == len(rows_of(tmp_path / "blind_test_predictions.csv")) == readable
    assert sources < set(expected)

    out = tmp_path / "framed"
    blocked = "mars/+1.png.png"
    (out / blocked / "not ours").mkdir(parents=True)
    (out / "gone.png").write_bytes(b"drawn by an earlier run")
    (tmp_path / "thesis.txt").write_text("years of work")
    earlier = ["../thesis.txt", str(tmp_path / "thesis.txt"), blocked, "gone.png",
               "neptune/Neptune 0.PNG.png", "neptune/neptune 1.png.png"]  # two are drawn again
    tables.write_csv(out / "predictions.csv", ["picture"], [[name] for name in earlier])
    done = run("generate_visual_predictions.py", "--data-dir", data, "--checkpoint", checkpoint,
               "--output-dir", out, cwd=tmp_path, **without_override())
    assert done.status == 0, done.err
    rows = rows_of(out / "predictions.csv")
    assert sorted(row["file"].removeprefix(prefix) for row in rows) == expected
    drawn = {row["picture"] for row in rows} - {""}
    assert [row["file"].removeprefix(prefix) for row in rows
            if "cannot be written" in row["reason"]] == ["mars/+1.png"]
    assert len(drawn) == readable - 1 and not (out / "gone.png").exists()
    assert (tmp_path / "thesis.txt").is_file() and (out / blocked / "not ours").is_dir()
    assert drawn == set(content_of(out)) - {"predictions.csv", "showcase_summary.png"}
    (data / "test/mars/locked folder").chmod(0o755)
    assert content_of(data) == before


@pytest.mark.slow
def test_files_that_vanish_while_pictures_are_predicted(checkpoint, tmp_path):
    folder = draw_folder(tmp_path / "many", 80)
    last = [folder / f"saturn/saturn {number}.png" for number in (77, 78, 79)]
    process = start("predict_my_images.py", folder, "--checkpoint", checkpoint, "--no-pictures",
                    "--batch-size", 4, "--workers", 1, cwd=tmp_path)
    partial = tmp_path / "my_predictions/batch_prediction_summary.partial.csv"
    while process.poll() is None and not (partial.exists() and partial.stat().st_size > 200):
        pass
    for path in last:
        path.unlink()
    _, err = process.communicate()
    assert process.returncode == 0, err
    rows = {row["filename"]: row for row in rows_of(
        tmp_path / "my_predictions/batch_prediction_summary.csv")}
    assert len(rows) == 240
    assert {name for name, row in rows.items() if row["status"] == "failed"} == {
        path.relative_to(folder).as_posix() for path in last}


def picture_of(path: Path, split: str) -> splits.Picture:
    name = display_name(path.name)
    return splits.Picture(f"{split}/mars/{name}", "mars", split, "", name, 1, 1, f"mars/{name}", "")


def test_files_that_vanish_before_they_are_placed(tmp_path):
    source = draw_folder(tmp_path / "in", 6, ("mars",))
    paths = sorted((source / "mars").iterdir())
    pictures = [picture_of(path, splits.SPLITS[number // 2]) for number, path in enumerate(paths)]
    args = SimpleNamespace(input_dir=[source], copy=False)
    paths[0].unlink()
    placed, lost, linked = datapre.place_all(tmp_path / "first", pictures, args)
    assert linked == 5 and placed == pictures[1:]
    assert [row.source for row in lost] == ["mars/mars 0.png"] and "No such file" in lost[0].reason
    assert len(load_readable(paths)) == 5
    paths[1].unlink()
    with pytest.raises(UserError, match="train/mars"):
        datapre.place_all(tmp_path / "second", pictures, args)


def test_a_damaged_table_names_no_earlier_pictures(tmp_path):
    assert generate_visual_predictions.earlier_pictures(tmp_path / "none.csv") == set()
    (tmp_path / "table.csv").write_bytes("picture\n火星.png\n".encode("gbk"))
    assert generate_visual_predictions.earlier_pictures(tmp_path / "table.csv") == set()
    tables.write_csv(tmp_path / "table.csv", ["picture"], [["火星.png"]])
    assert generate_visual_predictions.earlier_pictures(tmp_path / "table.csv") == {"火星.png"}


@pytest.mark.parametrize("name", [b"mars\n2", b"\xff", b"back\\slash"])
def test_a_class_folder_that_cannot_be_shown(name, tmp_path):
    source = draw_folder(tmp_path / "in", 3)
    Path(os.fsdecode(os.fsencode(source) + b"/" + name)).mkdir()
    done = run("datapre.py", "--input-dir", source, "--output-dir", tmp_path / "out", cwd=tmp_path)
    assert done.status == 1 and "rename it" in done.error
    assert display_name(os.fsdecode(name)) in done.error
