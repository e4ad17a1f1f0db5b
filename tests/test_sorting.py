"""--sort-into: every file once in the folder of its class, and nothing of the user's touched."""

from pathlib import Path

import pytest
from conftest import CLASSES, content_of, draw_folder, run, without_override
from test_disk import Disk

from celestial.common.console import SHIPPED, UserError
from celestial.common.tables import read_csv
from celestial.filing.listing import require_apart
from celestial.filing.sorting import SortedFolder

SUMMARY = "my_predictions/batch_prediction_summary.csv"


def sort(folder: Path, tmp_path: Path, *options, **settings):
    return run("predict_my_images.py", folder, "--no-pictures", "--checkpoint", SHIPPED,
               "--sort-into", "sorted", *options, cwd=tmp_path, **settings)


def expected(folder: Path, tmp_path: Path) -> dict[str, str]:
    """Return, by the table of answers, the folder in which each file belongs."""
    return {str((folder / row["filename"]).resolve()): row["prediction"] or row["status"]
            for row in read_csv(tmp_path / SUMMARY)}


@pytest.fixture
def folder(tmp_path):
    folder = draw_folder(tmp_path / "in", 2)
    (folder / "notes.jpg").write_text("no picture")
    (folder / "other").mkdir()
    (folder / "other/mars 0.png").write_bytes((folder / "mars/mars 1.png").read_bytes())
    return folder


def test_each_file_is_linked_where_its_answer_says(folder, tmp_path):
    before = content_of(folder)
    done = sort(folder, tmp_path)
    assert done.status == 0, done.err
    rows = read_csv(tmp_path / "sorted/sorted.csv")
    assert list(rows[0]) == ["file", "where", "class", "confidence", "how"]
    wanted = expected(folder, tmp_path)
    assert {row["file"]: row["where"].split("/")[0] for row in rows} == wanted
    assert {"failed"} < set(wanted.values())
    for row in rows:
        place = tmp_path / "sorted" / row["where"]
        assert place.samefile(row["file"]) and row["how"] == "linked"
    assert content_of(folder) == before
    assert len(content_of(tmp_path / "sorted")) == len(before) + 1
    names = [row["where"].split("/")[1] for row in rows]
    assert {"mars 1.png", "saturn 0.png", "notes.jpg"} < {*names}
    assert done.result["sorted"] == {"linked": len(before)}
    assert "sorted/sorted.csv" in done.result["files"]


@pytest.mark.slow
def test_again_it_adds_what_is_new_and_with_resume_too(folder, tmp_path):
    sort(folder, tmp_path)
    before = content_of(tmp_path / "sorted")
    (folder / "new.png").write_bytes((folder / "saturn/saturn 0.png").read_bytes())
    done = sort(folder, tmp_path, "--resume")
    assert done.result["sorted"] == {"kept": len(before) - 1, "linked": 1}
    after = content_of(tmp_path / "sorted")
    added = after.keys() - before.keys()
    assert len(added) == 1 and added.pop().endswith("/new.png")
    again = sort(folder / "new.png", tmp_path, "--output-dir", "one")
    assert again.result["sorted"] == {"kept": 1} and content_of(tmp_path / "sorted").keys() == {
        *after}
    assert len(read_csv(tmp_path / "sorted/sorted.csv")) == len(after) - 1, "no row is lost"


@pytest.mark.parametrize("into, says", [
    ("in/sorted", "lies among the pictures"), ("in", "holds the pictures"),
    (".", "holds the pictures")])
def test_among_the_pictures_nothing_is_sorted(into, says, tmp_path):
    draw_folder(tmp_path / "in", 1)
    with pytest.raises(UserError, match=says):
        require_apart(tmp_path / "in", tmp_path / into, "--sort-into")
    one = tmp_path / "in/mars/mars 0.png"
    require_apart(one, tmp_path / "in/sorted", "--sort-into")
    with pytest.raises(UserError, match="holds the pictures"):
        require_apart(one, tmp_path / "in/mars", "--sort-into")


@pytest.mark.parametrize("options, says", [
    (("--copy",), "--sort-into names"),
    (("--sort-into", "my_predictions"), "two folders"),
    (("--sort-into", "s", "--engine", "ray"), "leave --engine ray out")])
def test_options_that_do_not_go_together(options, says, tmp_path):
    done = run("predict_my_images.py", *options, cwd=tmp_path)
    assert done.status == 2 and says in done.err and not list(tmp_path.iterdir())


def test_a_place_that_is_no_sorted_folder(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="file cannot be written"):
        SortedFolder(tmp_path / "file", CLASSES, copy=False)
    (tmp_path / "sorted.csv").write_text("a;b\n")
    with pytest.raises(UserError, match="is not the table that this program wrote"):
        SortedFolder(tmp_path, CLASSES, copy=False)
    assert (tmp_path / "sorted.csv").read_text() == "a;b\n"


def test_a_folder_that_may_not_be_written(folder, tmp_path):
    (tmp_path / "sorted").mkdir(mode=0o555)
    done = sort(folder, tmp_path, **without_override())
    assert done.status == 1 and "sorted cannot be written" in done.error
    assert not (tmp_path / SUMMARY).exists(), "it is found before the work"


@pytest.mark.slow
def test_another_disk_and_a_full_one(folder, tmp_path):
    other = Disk(tmp_path / "sorted", 1 << 20)
    try:
        if not other.mounted:
            pytest.skip("no disk can be mounted here")
        done = sort(folder, tmp_path)
        assert done.status == 0 and done.out.count("because they cannot be linked") == 1
        assert done.result["sorted"] == {"copied": len(content_of(folder))}
        (folder / "large.png").write_bytes(bytes(2 << 20))
        (folder / "new.png").write_bytes((folder / "mars/mars 0.png").read_bytes())
        before = content_of(other.folder)
        full = sort(folder, tmp_path)
        assert full.status == 1 and "No space left" in full.error, full.err
        after = content_of(other.folder)
        assert {name: after[name] for name in before} == before
        (folder / "large.png").unlink()
        assert sort(folder, tmp_path).result["sorted"]["kept"] >= len(before) - 1
    finally:
        other.close()
