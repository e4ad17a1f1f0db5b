"""Step 5 as a user runs it, on sound models and on models built to cheat; its parts by numbers."""

import csv
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from cheats import (
    SIDE,
    SNOOPING,
    STAMPING,
    any_disc,
    clouds,
    sabotaged_project,
    stamp,
    train_head,
    with_border,
    write,
)
from conftest import CLASSES, content_of, draw, run
from PIL import Image

from celestial.blind.harmless_changes import CHANGES
from celestial.blind.verdict import CANNOT_TELL, FAIL, NO, PASS, YES
from celestial.inference.predictor import Predictor
from celestial.models.checkpoints import load_checkpoint, save_checkpoint
from celestial.pictures.preprocessing import Preprocessing


def rows_of(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def tested(dataset, checkpoint, tmp_path_factory):
    base = tmp_path_factory.mktemp("blind")
    before = content_of(dataset)
    done = run("blind_test_validation.py", "--data-dir", dataset, "--checkpoint", checkpoint,
               cwd=base)
    assert done.status == 0, done.err
    assert content_of(dataset) == before
    return base, done


def test_anonymous_copies_and_their_key(tested, dataset, checkpoint):
    base, done = tested
    blind = sorted(path.name for path in (base / "blind_test").iterdir())
    mapping = {p["blind"]: p for p in json.loads(
        next(base.glob("blind_test_mapping_*.json")).read_text("utf-8"))["pictures"]}
    assert sorted(mapping) == blind and len(blind) == 9
    assert not any(name in file for name in CLASSES for file in blind)
    for name, picture in mapping.items():
        with Image.open(base / "blind_test" / name) as copy, Image.open(
                picture["source"]) as original:
            assert np.array_equal(np.asarray(copy), np.asarray(original.convert("RGB")))
            assert not copy.info and not copy.getexif()
    assert len({path.stat().st_mtime for path in (base / "blind_test").iterdir()}) == 1

    answers = {row["blind"]: row for row in rows_of(base / "blind_test_predictions.csv")}
    predictor = Predictor(checkpoint, torch.device("cpu"), 32, 1)
    sources = sorted((dataset / "test").rglob("*.png"))
    here = {str(answer.path): answer for answer in predictor.predict(sources)}
    for name, picture in mapping.items():
        source = here[picture["source"]]
        assert answers[name]["true"] == source.path.parent.name == picture["true"]
        assert float(answers[name]["confidence"]) == pytest.approx(source.top(1)[0][1], abs=0.02)
    assert all((base / path).exists() for path in done.result["files"])


def test_report_of_few_pictures_cannot_tell(tested):
    base, done = tested
    report = json.loads((base / "blind_test_report.json").read_text("utf-8"))
    rows = rows_of(base / "blind_test_predictions.csv")
    right = sum(row["predicted"] == row["true"] for row in rows)
    assert report["accuracy"]["value"] == pytest.approx(right / 9)
    assert report["changed_by_renaming"] == 0 and report["chance"] == pytest.approx(1 / 3)
    assert report["learned_the_content"] == done.result["learned_the_content"] == CANNOT_TELL
    assert "9 test pictures are too few" in report["because"]
    parts = {part["name"]: part for part in report["parts"]}
    assert parts["isolation"]["figures"]["refused"] == []
    assert parts["names"]["verdict"] == PASS and len(parts["names"]["figures"]) == 3
    assert parts["names"]["figures"]["lossless WEBP copies elsewhere"]["answers_changed"] == 0
    assert parts["robustness"]["figures"]["changes"].keys() == CHANGES.keys()
    text = (base / "blind_test_report.md").read_text("utf-8")
    assert text.startswith("# Blind test\n\n**learned the content: cannot tell, because ")
    for name in ("blind_test_report.png", "blind_test_changes.png"):
        with Image.open(base / name) as page:
            assert min(page.size) > 500


def test_framed_pictures_from_the_mapping(tested, checkpoint):
    base, _ = tested
    done = run("generate_visual_predictions.py", "--checkpoint", checkpoint, cwd=base)
    assert done.status == 0 and "blind_test_mapping_" in done.out
    answers = {row["blind"]: row for row in rows_of(base / "blind_test_predictions.csv")}
    framed = {path.name.removesuffix(".png"): path
              for path in (base / "visual_predictions").glob("*/*.png")}
    assert framed.keys() == answers.keys()
    for name, path in framed.items():
        with Image.open(path) as image:
            red, green, _ = image.getpixel((2, 2))
            right = answers[name]["predicted"] == answers[name]["true"]
            assert (green > red) == right, "green is right, red is wrong"
    with Image.open(base / "visual_predictions/showcase_summary.png") as image:
        assert image.width > 1000


def test_foreign_files_in_the_blind_folder_stay(dataset, checkpoint, tmp_path):
    (tmp_path / "blind_test").mkdir()
    Image.fromarray(draw("mars", 1)).save(tmp_path / "blind_test/mine.png")
    done = run("blind_test_validation.py", "--data-dir", dataset, "--checkpoint", checkpoint,
               cwd=tmp_path)
    assert done.status == 1 and "did not make" in done.error
    assert [path.name for path in (tmp_path / "blind_test").iterdir()] == ["mine.png"]


@pytest.mark.slow
def test_one_class_no_train_no_training_list_and_a_bad_picture(dataset, checkpoint, tmp_path):
    data = tmp_path / "set"
    shutil.copytree(dataset / "test/mars", data / "test/mars")
    (data / "test/mars/half.png").write_bytes(b"\x89PNG half a picture")
    (tmp_path / "blind_test").mkdir()  # an earlier run's, which this one replaces
    (tmp_path / "blind_test/blind_0123456789abcdef.png").write_bytes(b"old")
    old = replace(load_checkpoint(checkpoint),
                  train_fingerprints=torch.empty((0, 0), dtype=torch.uint8))
    save_checkpoint(tmp_path / "old.pth", old)
    done = run("blind_test_validation.py", "--data-dir", data, "--checkpoint",
               tmp_path / "old.pth", cwd=tmp_path)
    assert done.status == 0, done.err
    assert "left out" in done.out and "half.png" in done.out
    assert len(list((tmp_path / "blind_test").iterdir())) == 3
    report = json.loads((tmp_path / "blind_test_report.json").read_text("utf-8"))
    assert report["learned_the_content"] == CANNOT_TELL and report["unreadable"] == 1
    assert "all test pictures are of one class" in report["because"]
    assert "no list of its training pictures" in report["because"]


@pytest.mark.slow
def test_no_test_pictures(checkpoint, tmp_path):
    data = tmp_path / "set"
    options = ("--data-dir", data, "--checkpoint", checkpoint)
    assert "run datapre.py first" in run("blind_test_validation.py", *options, cwd=tmp_path).error
    (data / "test/mars").mkdir(parents=True)
    assert "mars is empty" in run("blind_test_validation.py", *options, cwd=tmp_path).error
    (data / "test/mars/text.png").write_text("no picture")
    done = run("blind_test_validation.py", *options, cwd=tmp_path)
    assert done.status == 1 and "can be read" in done.error
    assert not (tmp_path / "blind_test").exists()


def draw_data(data, picture, train=20, test=14):
    """Draw train and test; picture(label, number) -> uint8 (height, width, 3)."""
    for index, label in enumerate(CLASSES):
        for number in range(train + test):
            write(data / ("train" if number < train else "test"), label, number,
                  picture(label, 1000 * index + number))
    return data


def blind_test(data, model, script="blind_test_validation.py"):
    """Run the blind test; return its report, the verdicts and its exit."""
    done = run(str(script), "--data-dir", data, "--checkpoint", model, cwd=model.parent)
    assert done.status == 0, done.err
    report = json.loads((model.parent / "blind_test_report.json").read_text("utf-8"))
    return report, {part["name"]: part for part in report["parts"]}, done


@pytest.mark.slow
def test_a_model_that_goes_by_names_is_called_out(tmp_path):
    data = draw_data(tmp_path / "data", lambda label, number: any_disc(number))
    script = sabotaged_project(tmp_path / "project", STAMPING)
    model = train_head(data, tmp_path / "model.pth", lambda path: stamp(
        Preprocessing(SIDE).load(path), path.parent.name))
    report, parts, _ = blind_test(data, model, script)
    assert report["learned_the_content"] == NO
    assert parts["names"]["verdict"] == FAIL and parts["chance"]["verdict"] == CANNOT_TELL
    named = parts["names"]["figures"]["their real names"]
    assert named["answers_changed"] > 20 and named["largest_difference"] > 0.9
    assert "depend on the file, not only on its pixels" in report["because"]


@pytest.mark.slow
def test_a_model_that_goes_by_a_coloured_border_is_called_out(tmp_path):
    data = draw_data(tmp_path / "data",
                     lambda label, number: with_border(any_disc(number), label))
    report, parts, _ = blind_test(data, train_head(data, tmp_path / "model.pth"))
    assert report["learned_the_content"] == NO and report["accuracy"]["value"] > 0.9
    assert [name for name, part in parts.items()
            if part["verdict"] == FAIL and part["decides"]] == ["shortcuts"]
    assert "the border carries the answers" in report["because"]
    cues = parts["shortcuts"]["figures"]["cues"]
    assert cues["border pixels"]["value"] == 1
    assert cues["width and height"]["value"] < 0.5


@pytest.mark.slow
def test_a_split_whose_test_pictures_are_all_copies_is_named(tmp_path):
    data = draw_data(tmp_path / "data", lambda label, number: np.uint8(
        clouds(number if number % 1000 < 20 else number - 20) * (0.9 if number % 1000 > 19 else 1)))
    report, parts, _ = blind_test(data, train_head(data, tmp_path / "model.pth"))
    assert report["accuracy"]["value"] > 0.8, "it knows them by heart"
    assert parts["neighbours"]["verdict"] == CANNOT_TELL
    assert report["learned_the_content"] == CANNOT_TELL
    assert "the split leaks, all 42 test pictures are near-copies" in report["because"]


@pytest.mark.slow
def test_a_model_that_knows_only_copies_is_not_called_sound(tmp_path):
    data = draw_data(tmp_path / "data", lambda label, number: clouds(
        number if number % 1000 < 32 else number - 32), train=20, test=24)
    report, parts, _ = blind_test(data, train_head(data, tmp_path / "model.pth"))
    bands = parts["neighbours"]["figures"]["by_distance"]
    assert bands["near-copies"]["pictures"] == 36 and bands["near-copies"]["accuracy"]["value"] == 1
    assert parts["chance"]["verdict"] == PASS, "the accuracy alone does not show it"
    assert parts["neighbours"]["verdict"] != PASS, "the 36 others are too few for a sure no"
    assert report["learned_the_content"] != YES and "its training" in report["because"]


@pytest.mark.slow
def test_code_that_looks_where_the_answers_are_gets_none(dataset, checkpoint, tmp_path):
    script = sabotaged_project(tmp_path / "project", SNOOPING.format(str(dataset / "test")))
    shutil.copy(checkpoint, tmp_path / "model.pth")
    report, parts, done = blind_test(dataset, tmp_path / "model.pth", script)
    assert report["learned_the_content"] == done.result["learned_the_content"] == NO
    assert parts.keys() == {"isolation"} and "accuracy" not in report
    assert str(dataset / "test") in parts["isolation"]["figures"]["refused"][0]
    assert "tried to look where the answers are" in report["because"]
    assert not (tmp_path / "blind_test_predictions.csv").exists()


@pytest.mark.slow
def test_a_sound_model_passes(tmp_path):
    classes = ("earth", "jupiter", "moon", "saturn")
    done = run("render_samples.py", "--classes", *classes, "--per-class", 45, "--size", 96,
               "--output-dir", tmp_path / "drawn", cwd=tmp_path)
    assert done.status == 0, done.err
    for label in classes:
        for number, path in enumerate(sorted((tmp_path / "drawn" / label).iterdir())):
            target = tmp_path / "data" / ("train" if number < 20 else "test") / label
            target.mkdir(parents=True, exist_ok=True)
            path.rename(target / path.name)
    report, parts, _ = blind_test(tmp_path / "data", train_head(tmp_path / "data",
                                                           tmp_path / "model.pth"))
    assert report["learned_the_content"] == YES, report["because"]
    assert all(part["verdict"] == PASS for part in parts.values() if part["decides"])
    masked = parts["shortcuts"]["figures"]
    assert masked["maskable"] >= 30
    assert masked["object_alone"]["low"] > masked["background_alone"]["high"]
