"""Step 1 on several input folders at once, as on a folder of corrections beside data/input."""

import json

import pytest
from conftest import CLASSES, content_of, draw, draw_folder, run
from PIL import Image
from test_datapre import rows_of


def collected(folder, label="ceres", count=4):
    """Draw a folder of corrections: one class, other things, and the table."""
    for number in range(count):
        for name in (label, "none_of_the_classes"):
            (folder / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray(draw("saturn", 500 + number + 50 * len(name))).save(
                folder / name / f"{number}.png")
    (folder / "corrections.csv").write_text("time,filename\n")
    return folder


def test_classes_of_several_folders_are_split_together(tmp_path):
    own, more = draw_folder(tmp_path / "data/input", 4), collected(tmp_path / "collected")
    draw_folder(tmp_path / "collected", 1, ("mars",))
    Image.fromarray(draw("mars", 77)).save(more / "mars/mars 0.png")  # another's name
    done = run("datapre.py", "--input-dir", "data/input", more, cwd=tmp_path)
    assert done.status == 0, done.err
    assert f"{more / 'none_of_the_classes'} is no class" in done.out
    dataset = tmp_path / "data/celestial_dataset"
    assert list(json.loads((dataset / "class_indices.json").read_text())) == ["ceres", *CLASSES]
    rows = rows_of(dataset / "manifest.csv")
    assert rows_of(dataset / "rejected.csv") == []
    before = {f"data/input/{name}": digest for name, digest in content_of(own).items()} | {
        f"{more}/{name}": digest for name, digest in content_of(more).items()
        if name.startswith(("ceres", "mars"))}
    assert {row["source"]: row["sha256"] for row in rows} == before
    assert {path.name for path in (dataset / "train").iterdir()} == {"ceres", *CLASSES}


def test_folders_that_cannot_be_taken_together(tmp_path):
    draw_folder(tmp_path / "data/input", 3)
    for folders, sentence in (
            (("data/input", "data/input/mars"), "lie in each other; choose another --input-dir"),
            (("data/input", "data/../data/input"), "lie in each other; choose another --input-dir"),
            (("data/input", "data/celestial_dataset"), "choose another --output-dir"),
            (("data/input", "nowhere"), "there is no folder nowhere")):
        (tmp_path / "data/celestial_dataset").mkdir(exist_ok=True)
        done = run("datapre.py", "--input-dir", *folders, cwd=tmp_path)
        assert done.status in (1, 2) and sentence in done.error


@pytest.mark.parametrize("label, sentence", [
    ("Mars", "differ only by capital and small letters"), ("ceres", "too few in: ceres (2)")])
def test_a_class_of_the_other_folder_that_is_odd(tmp_path, label, sentence):
    draw_folder(tmp_path / "data/input", 4)
    more = collected(tmp_path / "more", label, 2)
    done = run("datapre.py", "--input-dir", "data/input", more, cwd=tmp_path)
    assert sentence in done.out + done.err
