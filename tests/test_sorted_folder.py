"""What is whose in a folder of sorted pictures, by answers that are given."""

import os
import shutil
from pathlib import Path

import pytest
from conftest import CLASSES, content_of, draw_folder

from celestial.common.tables import read_csv
from celestial.filing.sorting import Answer, SortedFolder


def answers(folder: Path, **other: str) -> list[Answer]:
    """Return answers for the files of a folder: the name of their folder, but for some."""
    return [Answer(path, "ok", other.get(path.stem.replace(" ", "_"), path.parent.name), "0.9")
            for path in sorted(folder.rglob("*.png"))]


@pytest.fixture
def pictures(tmp_path):
    return draw_folder(tmp_path / "in", 2)


@pytest.fixture(params=[False, True], ids=["links", "copies"])
def make(request, tmp_path):
    return lambda classes=(*CLASSES, "failed"): SortedFolder(tmp_path / "out", classes,
                                                             request.param)


def sorted_files(tmp_path) -> list[str]:
    return [name for name in content_of(tmp_path / "out") if not name.startswith("sorted")]


def test_what_another_model_names_otherwise_moves(pictures, make, tmp_path):
    before = content_of(pictures)
    make().sort(answers(pictures))
    counts = make().sort(answers(pictures, mars_0="saturn", mars_1="saturn"))
    assert counts == {"kept": 4, "moved": 2}
    assert not (tmp_path / "out/mars").exists()
    assert content_of(tmp_path / "out/saturn").keys() == {"mars 0.png", "mars 1.png",
                                                          "saturn 0.png", "saturn 1.png"}
    rows = {Path(row["file"]).name: row for row in read_csv(tmp_path / "out/sorted.csv")}
    assert rows["mars 0.png"]["where"] == "saturn/mars 0.png"
    assert rows["mars 0.png"]["how"] == "moved" and rows["mars 0.png"]["class"] == "saturn"
    assert content_of(pictures) == before


def test_what_the_user_put_changed_or_renamed_is_never_touched(pictures, make, tmp_path):
    out = tmp_path / "out"
    (out / "neptune").mkdir(parents=True)
    (out / "neptune/neptune 0.png").write_text("put there before")
    make().sort(answers(pictures))
    (out / "mars/mars 0.png").rename(out / "mars/best.png")
    (out / "mine").mkdir()
    (out / "mars/mars 1.png").rename(out / "mine/mars 1.png")
    (out / "saturn/saturn 0.png").unlink()  # as an editor does, not in place
    (out / "saturn/saturn 0.png").write_text("changed")
    (out / "venus").mkdir()
    (out / "venus/saturn 1.png").write_text("put there")
    before = content_of(out)
    counts = make((*CLASSES, "venus")).sort(answers(
        pictures, mars_0="venus", mars_1="venus", saturn_0="venus", saturn_1="venus"))
    after = content_of(out)
    own = {"sorted.csv", "saturn/saturn 1.png"}
    assert {name: after.get(name) for name in before.keys() - own} == {
        name: before[name] for name in before.keys() - own}
    assert counts["kept"] == 4 and counts["moved"] == 1, counts
    assert "saturn/saturn 1.png" not in after, "its own link has moved"
    assert sum(name.startswith("venus/saturn 1") for name in after) == 2


def test_names_that_collide_and_hard_linked_originals(pictures, make, tmp_path):
    (pictures / "a").mkdir()
    os.link(pictures / "mars/mars 0.png", pictures / "a/mars 0.png")
    (pictures / "a/mars 1.png").write_bytes((pictures / "mars/mars 1.png").read_bytes())
    given = [Answer(answer.file, "ok", "mars", "1") for answer in answers(pictures)]
    make().sort(given)
    assert len(sorted_files(tmp_path)) == len(given) == 8
    counts = make().sort(given)
    assert counts == {"kept": 8} and len(sorted_files(tmp_path)) == 8
    (tmp_path / "out/mars/mars 0.png").unlink()
    counts = make().sort(given)
    assert counts["kept"] == 7 and len(sorted_files(tmp_path)) == 8, "the other is not its own"
    counts = make().sort([answer._replace(name="saturn") for answer in given])
    assert counts == {"moved": 8} and len(sorted_files(tmp_path)) == 8


def test_links_pipes_and_lost_files(pictures, make, tmp_path):
    (pictures / "link.png").symlink_to(pictures / "mars/mars 0.png")
    (pictures / "broken.png").symlink_to("nowhere")
    os.mkfifo(pictures / "pipe.png")
    counts = make().sort([Answer(pictures / name, "ok", "mars", "1") for name in (
        "link.png", "broken.png", "pipe.png", "gone.png", "mars")])
    assert counts["left out"] == 4 and sorted_files(tmp_path) == ["mars/link.png"]
    assert not (tmp_path / "out/mars/link.png").is_symlink()
    rows = {Path(row["file"]).name: row["how"] for row in read_csv(tmp_path / "out/sorted.csv")}
    assert rows["pipe.png"] == "left out: not a file" and "No such file" in rows["gone.png"]


def test_odd_names_stay_and_are_known_again(make, tmp_path):
    names = [b"a\xff.png", b"b\nc.png", b"=1+1.png", b"x" * 251 + b".png", b"'quoted.png",
             "土星\u202e.png".encode(), b"back\\slash.png"]
    (tmp_path / "in").mkdir()
    for number, name in enumerate(names):
        (tmp_path / "in" / os.fsdecode(name)).write_bytes(b"%d" % number)
    given = [Answer(tmp_path / "in" / os.fsdecode(name), "ok", "mars", "1") for name in names]
    make().sort(given)
    assert len(sorted_files(tmp_path)) == len(names)
    assert make().sort(given) == {"kept": len(names)}
    assert make().sort([answer._replace(name="saturn") for answer in given]) == {
        "moved": len(names)}
    assert {name.split("/")[0] for name in sorted_files(tmp_path)} == {"saturn"}


def test_a_class_called_failed_and_one_with_a_slash(pictures, make, tmp_path):
    first, second, third, *_ = answers(pictures)
    make((*CLASSES, "failed", "a/b")).sort([first._replace(name="failed"), second._replace(
        status="failed", name="", confidence=""), third._replace(name="a/b")])
    assert (tmp_path / "out/failed" / second.file.name).exists()
    places = {name.split("/")[0] for name in sorted_files(tmp_path)}
    assert len(places) == 3 and {"failed", "a_b"} < places


@pytest.mark.parametrize("stop", range(1, 8))
def test_killed_anywhere_the_next_run_completes(stop, pictures, make, tmp_path, monkeypatch):
    """Ends like a killed process: nothing after the call is done, no block is left in order."""
    make().sort(answers(pictures)[:3])
    given = answers(pictures, mars_0="saturn", mars_1="saturn")
    calls = 0
    into = make()

    class Killed(BaseException):
        pass

    def counting(function):
        def call(*args, **options):
            nonlocal calls
            calls += 1
            if calls == stop:
                raise Killed
            return function(*args, **options)
        return call

    with monkeypatch.context() as patch:
        for name in ("_note", "_put", "_move"):
            patch.setattr(into, name, counting(getattr(into, name)))
        try:
            into.sort(given)
        except Killed:
            pass
    other = [answer._replace(name="neptune") for answer in given]
    make().sort(other)
    assert all(name.startswith("neptune/") for name in sorted_files(tmp_path))
    assert len(sorted_files(tmp_path)) == len(given)
    assert make().sort(other) == {"kept": len(given)}


def test_where_links_are_impossible_copies_are_made_and_it_is_said_once(
        pictures, tmp_path, monkeypatch, capsys):
    def impossible(*_):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", impossible)
    counts = SortedFolder(tmp_path / "out", CLASSES, copy=False).sort(answers(pictures))
    assert counts == {"copied": 6}
    assert capsys.readouterr().out.count("pictures are copied, because they cannot be linked") == 1
    assert {*content_of(pictures).values()} == {
        digest for name, digest in content_of(tmp_path / "out").items() if "sorted" not in name}


def test_a_table_that_points_elsewhere_moves_nothing(pictures, tmp_path):
    before = content_of(pictures)
    SortedFolder(tmp_path / "out", CLASSES, copy=False).sort(answers(pictures))
    table = tmp_path / "out/sorted.csv"
    table.write_text(table.read_text("utf-8").replace(",mars/mars", ",../in/mars/mars"), "utf-8")
    SortedFolder(tmp_path / "out", CLASSES, copy=False).sort(answers(pictures, mars_0="saturn"))
    assert content_of(pictures) == before


def test_a_disk_that_fills_up_and_is_emptied_again(pictures, tmp_path, monkeypatch):
    whole, copied = content_of(pictures), []

    def copyfile(source, target):
        copied.append(target)
        if len(copied) > 3:
            target.write_bytes(b"half")
            raise OSError(28, "No space left on device")
        target.write_bytes(source.read_bytes())

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfile", copyfile)
        with pytest.raises(OSError, match="No space left") as error:
            SortedFolder(tmp_path / "out", CLASSES, copy=True).sort(answers(pictures))
        assert Path(error.value.filename).is_relative_to(tmp_path / "out"), "it says where"
    assert len(sorted_files(tmp_path)) == 3 and not list((tmp_path / "out").rglob(".*"))
    counts = SortedFolder(tmp_path / "out", CLASSES, copy=True).sort(answers(pictures))
    assert counts == {"kept": 3, "copied": 3} and content_of(pictures) == whole
    found = content_of(tmp_path / "out")
    assert {name: found[name] for name in whole} == whole
