"""make improve: from a folder of corrections to a model that knows a new class."""

import json
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import pytest
from conftest import CLASSES, ROOT, content_of, draw_folder, environment, run
from test_improvement import put, rows_of
from trained import FINAL

from celestial.models.checkpoints import load_checkpoint, save_checkpoint

MAKE = pytest.mark.skipif(shutil.which("make") is None, reason="there is no make here")


def make_improve(cwd, *settings):
    return subprocess.run(
        ["make", "--old-file=.venv/installed", "improve", f"IMPROVED={cwd / 'improved'}",
         f"PY={sys.executable}", *settings],
        cwd=ROOT, env=environment(cwd), capture_output=True, text=True, encoding="utf-8")


def test_classes_without_pictures_are_drawn(checkpoint, tmp_path):
    draw_folder(tmp_path / "input", 1, ("mars",))
    (tmp_path / "input/saturn").mkdir()  # empty
    options = ("--lacking", "input", "--checkpoint", checkpoint, "--per-class", 1, "--size", 48)
    done = run("render_samples.py", *options, "--output-dir", "drawn", cwd=tmp_path)
    assert done.status == 0, done.err
    assert done.result["classes"] == ["neptune", "saturn"]
    assert Counter(path.parent.name for path in (tmp_path / "drawn").glob("*/*.jpg")) == {
        "neptune": 1, "saturn": 1}
    shutil.copytree(tmp_path / "drawn", tmp_path / "input", dirs_exist_ok=True)
    done = run("render_samples.py", *options, "--output-dir", "none", cwd=tmp_path)
    assert done.status == 0 and done.result["drawn"] == 0 and "so nothing is drawn" in done.out
    assert list((tmp_path / "none").iterdir()) == [], "datapre.py reads the folder"


def test_classes_that_cannot_be_drawn(checkpoint, tmp_path):
    (tmp_path / "input").mkdir()
    other = save_checkpoint(tmp_path / "other.pth", replace(
        load_checkpoint(checkpoint), classes=("mars", "neptune", "vulcan")))
    options = ("--checkpoint", other, "--output-dir", "drawn")
    done = run("render_samples.py", "--lacking", "input", *options, cwd=tmp_path)
    assert done.status == 1 and "knows vulcan, of which input has no picture" in done.error
    assert "input/vulcan" in done.error and not (tmp_path / "drawn").exists()
    done = run("render_samples.py", "--lacking", "nowhere", *options, cwd=tmp_path)
    assert done.status == 2 and "there is no folder nowhere" in done.error


@MAKE
@pytest.mark.parametrize("content, sentence", [
    (None, "name the one that corrections were collected in: make improve FOLDER=collected"),
    ((), "holds no corrections; collect some"),
    (("corrections.csv", ".corrections.lock", "mars/.DS_Store"), "holds no corrections")])
def test_a_folder_without_corrections(tmp_path, content, sentence):
    folder = tmp_path / "collect ed"
    for name in content or ():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    if content is not None:
        folder.mkdir(exist_ok=True)
    for settings in ([f"FOLDER={folder}"], *([[]] if content is None else ())):
        done = make_improve(tmp_path, *settings)
        errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        assert done.returncode and len(errors) == 1 and sentence in errors[0]
    assert not (tmp_path / "improved").exists()


@pytest.fixture(scope="module")
def improved(tmp_path_factory):
    """make improve with ten corrections, where the present model has learned three drawn classes.

    Pictures of one of these are gone.
    """
    base = tmp_path_factory.mktemp("make improve")
    drawing = ("--per-class", 24, "--size", 64)
    learning = ("--stage1-epochs", 30, "--stage1-views", 2, "--epochs", 1, "--batch-size", 8)
    for script, options in (("render_samples.py", ("--classes", *CLASSES, *drawing)),
                            ("datapre.py", ()),
                            ("improved_training.py", ("--image-size", 64, *learning))):
        done = run(script, *options, cwd=base)
        assert done.status == 0, done.err
    shutil.rmtree(base / "data/input/saturn")
    put(base / "collected", "ceres", range(10))
    for number in range(3):
        other = base / f"collected/none_of_the_classes/{number}.png"
        other.parent.mkdir(exist_ok=True)
        shutil.copy(sorted(draw_folder(base / f"other {number}", 1, ("saturn",)).glob("*/*"))[0],
                    other)
    (base / "collected/corrections.csv").write_text("time_utc,filename\n")
    before = content_of(base)
    done = make_improve(base, f"FOLDER={base / 'collected'}", f"INPUT={base / 'data/input'}",
                        f"PRESENT={base / 'model_checkpoints' / FINAL}",
                        f"DRAWING={' '.join(map(str, drawing))}",
                        "TRAINING=--stage1-views 2 --epochs 1 --batch-size 8")
    assert done.returncode == 0, done.stderr
    after = content_of(base)
    assert {name: after[name] for name in before} == before, "nothing of the user's is changed"
    return base, done


@MAKE
@pytest.mark.slow
def test_ten_corrections_make_it_know_a_new_class(improved, tmp_path):
    base, done = improved
    new = load_checkpoint(base / "improved/model_checkpoints" / FINAL)
    assert new.classes == ("ceres", *CLASSES) and new.preprocessing.size == 64
    assert new.train_labels.count(-1) == 3, "none_of_the_classes are outliers"
    put(tmp_path, "ceres", range(100, 120))
    counts = []  # of 20 new pictures: how many are nearest to ceres, and how many are named so
    for model in (base / "model_checkpoints" / FINAL, base / "improved/model_checkpoints" / FINAL):
        asked = run("predict_my_images.py", tmp_path / "ceres", "--no-pictures", "--checkpoint",
                    model, "--output-dir", tmp_path / model.parent.parent.name, cwd=tmp_path)
        assert asked.status == 0, asked.err
        rows = rows_of(tmp_path / model.parent.parent.name / "batch_prediction_summary.csv")
        counts.append((sum(row["top5"].startswith("ceres:") for row in rows),
                       sum(row["prediction"] == "ceres" for row in rows)))
    before, (nearest, named) = counts
    assert before == (0, 0) and nearest >= 18 and named >= 18


@MAKE
@pytest.mark.slow
def test_the_old_classes_lose_nothing_beyond_the_interval(improved):
    base, done = improved
    found = json.loads((base / "improved/comparison/comparison.json").read_text("utf-8"))
    rows = rows_of(base / "improved/comparison/comparison.csv")
    own = {row["path"]: row for row in rows_of(base / "improved/celestial_dataset/manifest.csv")}
    assert found["verdict"] in ("better", "no worse") and found["in_words"] in done.stdout
    assert found["old_classes"]["difference"]["high"] >= 0 and found["old_classes"]["pictures"] > 5
    assert found["corrections"] is None and "corrections of old classes: none held out" in (
        done.stdout)
    assert found["new_classes"]["ceres"]["improved"]["value"] == 1
    assert found["new_classes"]["ceres"]["present"]["value"] == 0
    assert {row["true"] for row in rows if row["part"] == "old classes"} == {*CLASSES}, (
        "the drawn ones as well")
    for row in rows:
        assert own[row["path"]]["split"] == "test"
        if row["part"] == "old classes":
            assert "/collected/" not in own[row["path"]]["source"]
