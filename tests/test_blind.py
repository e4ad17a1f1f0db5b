"""Step 5 as a user runs it, on sound models and on models built to cheat; its parts by numbers."""

import csv
import json
import math
import shutil
import subprocess
import sys
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
from conftest import CLASSES, ROOT, content_of, draw, environment, run
from PIL import Image

from celestial.blind import masks, shortcut_rules, verdict
from celestial.blind.harmless_changes import CHANGES
from celestial.blind.hidden_names import LOSSLESS, reencode
from celestial.blind.shortcut_rules import Hidden
from celestial.blind.shortcuts import TOGETHER, cues_of, gather, right_by_cues
from celestial.blind.verdict import CANNOT_TELL, FAIL, NO, PASS, YES, Neighbours, Part
from celestial.data.fingerprint_distance import NEAR_COPY_THRESHOLD
from celestial.evaluation.chance import permutation_p
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


FENCED = """
import socket, subprocess, sys
from pathlib import Path
from celestial.blind.isolated_run import Fence
fence = Fence([sys.argv[1]])
fence.close()
assert Path(sys.argv[1], "inside.txt").read_text() == "seen"
secret = Path(sys.argv[2])
for attempt in (secret.read_text, lambda: list(secret.parent.iterdir()), secret.open,
                lambda: Path(sys.argv[1], "way out.txt").read_text(),
                lambda: subprocess.run(["cat", secret]), lambda: Path(secret).rename("moved"),
                lambda: socket.socket().connect(("127.0.0.1", 9))):
    try:
        attempt()
    except PermissionError:
        continue
    sys.exit(f"{attempt} was let through")
print(*fence.refused, sep="\\n")
"""


def test_the_fence_refuses_and_notes(tmp_path):
    inside, outside = tmp_path / "blind", tmp_path / "blind and more"
    for folder in (inside, outside):
        folder.mkdir()
    (inside / "inside.txt").write_text("seen")
    secret = outside / "secret.txt"
    secret.write_text("saturn")
    (inside / "way out.txt").symlink_to(secret)
    done = subprocess.run([sys.executable, "-c", FENCED, inside, secret], cwd=tmp_path, text=True,
                          env={**environment(tmp_path), "PYTHONPATH": str(ROOT)},
                          capture_output=True)
    assert done.returncode == 0, done.stderr
    assert f"open: {secret}" in done.stdout and "subprocess.Popen" in done.stdout
    assert "socket" in done.stdout and secret.read_text() == "saturn"


def test_lossless_copies_keep_pixels_and_order(tmp_path):
    names = [f"{number}.png" for number in range(5)]
    for number, name in enumerate(names):
        Image.fromarray(draw("saturn", number)).save(tmp_path / name)
    for form in LOSSLESS:
        copies = sorted(reencode(names, tmp_path, tmp_path / form, form, 7).iterdir())
        for number, copy in enumerate(copies):
            with Image.open(copy) as image:
                assert image.format == form
                assert np.array_equal(np.asarray(image), draw("saturn", number))


def test_permutation_p_against_counting_all_orders():
    """Two classes of four: all 8! / (4! 4!) = 70 orders counted by hand."""
    labels = np.repeat([0, 1], 4)
    predicted = np.array([0, 0, 0, 1, 0, 1, 1, 1])  # 6 right
    exact = (2 * math.comb(4, 3) ** 2 / 2 + 1) / 70  # 3 or 4 of the class 0 among the answers 0
    p, mean = permutation_p(predicted, labels, 1)
    assert p == pytest.approx(exact, abs=0.02) and mean == pytest.approx(0.5, abs=0.01)
    assert permutation_p(np.repeat([0, 1], 40), np.repeat([0, 1], 40), 1)[0] == 1 / 10_001


def test_the_decision():
    def part(name, own, decides=True):
        return Part(name, name, own, name, decides=decides)

    good, bad, unclear = (part(own, own) for own in (PASS, FAIL, CANNOT_TELL))
    assert verdict.decide([good, good, part("told", FAIL, False)])[0] == YES
    assert verdict.decide([good, unclear]) == (CANNOT_TELL, CANNOT_TELL)
    assert verdict.decide([unclear, bad, good]) == (NO, FAIL)


def hidden(whole, background, alone, border, count=60, maskable=60):
    """Make answers to four classes in turn; the border alone gets what hiding it loses."""
    def right(proportion, total):
        return np.arange(total) < round(proportion * total)

    return Hidden(np.arange(count) % 4, right(whole, count), right(border, count),
                  right(1 - border, count), np.arange(count) < maskable,
                  right(background, maskable), right(alone, maskable))


@pytest.mark.parametrize("proportions,cues,expected,words", [
    ((1, 0.3, 0.9, 0.9), 0.4, PASS, "the object carries the answers"),
    ((1, 0.9, 0.9, 0.9), 0.4, FAIL, "the background alone carries the answers"),
    ((1, 0.9, 0.3, 0.9), 1.0, FAIL, "the background alone carries the answers"),
    ((1, 0.3, 0.9, 0.1), 0.4, FAIL, "the border carries the answers"),
    ((1, 0.3, 0.9, 0.3), 0.4, CANNOT_TELL, "much may hang on the border"),
    ((1, 0.6, 0.9, 0.9), 0.4, PASS, "shortcuts do not explain the answers"),
    ((1, 0.65, 0.9, 0.9), 1.0, CANNOT_TELL, "neither object nor background alone surely"),
    ((1, 0.3, 0.3, 0.9), 0.4, PASS, "shortcuts do not explain the answers"),
    ((1, 0.3, 0.3, 0.9), 1.0, CANNOT_TELL, "shortcuts may explain the answers"),
    ((1, 0.9, 0.3, 0.9, 60, 20), 0.4, PASS, "shortcuts do not explain the answers"),
    ((1, 0.3, 0.9, 0.9, 60, 20), 0.98, CANNOT_TELL, "20 of 60 pictures with an object"),
    ((1, 0.3, 0.9, 0.9, 20, 20), 0.4, CANNOT_TELL, "20 of 20 pictures with an object"),
])
def test_shortcuts(proportions, cues, expected, words):
    answers = hidden(*proportions)
    by_cue = {TOGETHER: np.arange(len(answers.labels)) < round(cues * len(answers.labels))}
    part = shortcut_rules.shortcuts_verdict(answers.whole, by_cue, answers, 1)
    assert part.verdict == expected and words in part.claim


def test_the_table_of_how_it_works_is_the_rule():
    text = (ROOT / "docs/how-it-works.md").read_text(encoding="utf-8")
    table = text.partition("**The verdict on shortcuts**")[2].partition("| where |")[2]
    rows = [line.split(" | ") for line in table.split("\n\n")[0].splitlines()[2:]]
    assert len(rows) == len(shortcut_rules.RULES)
    for (_, told, because), rule in zip(rows, shortcut_rules.RULES, strict=True):
        assert told == rule.verdict and because.rstrip(" |") in rule.claim


def test_neighbours():
    labels = np.arange(80) % 4
    apart = np.linspace(0, 4 * NEAR_COPY_THRESHOLD, 80)  # a quarter are near-copies
    copies = apart <= NEAR_COPY_THRESHOLD
    memory = np.where(copies, labels, (labels + np.arange(80) // 4) % 4)
    part = verdict.neighbours_verdict(memory, labels, Neighbours(apart, labels), None, 1)
    assert part.verdict == FAIL and "no others" in part.claim
    part = verdict.neighbours_verdict(labels, labels, Neighbours(apart, (labels + 1) % 4), None,
                                    1)
    bands = part.figures["by_distance"]
    assert part.verdict == PASS and part.figures["nearest_neighbour"]["value"] == 0
    assert [band["pictures"] for band in bands.values()] == [20, 30, 30]
    assert bands["near"]["to"] < bands["far"]["from"]
    assert verdict.neighbours_verdict(labels, labels, None, None, 1).verdict == CANNOT_TELL
    one = verdict.neighbours_verdict(labels, 0 * labels, Neighbours(apart, labels), None, 1)
    assert one.verdict == CANNOT_TELL and "of one class" in one.claim


def test_refused_accesses_elsewhere_are_noted_and_no_fault(tmp_path):
    def own(refused, failure=""):
        return verdict.isolation_verdict(refused, failure, [tmp_path / "data"]).verdict

    assert own([]) == own([f"open: {tmp_path}/data and more/settings"]) == PASS
    assert own([f"open: {tmp_path}/data/test/mars/1.png"]) == FAIL
    assert own(["os.system: ls"], "PermissionError") == FAIL


def test_what_single_cues_tell(tmp_path):
    """Classes of two widths: the width tells all, the colour (noise) nothing."""
    random, rows, labels = np.random.default_rng(1), [], np.arange(120) % 2
    for number, label in enumerate(labels):
        picture = random.integers(0, 256, (20, 30 + label, 3), np.uint8)
        Image.fromarray(picture).save(tmp_path / f"{number}.bmp")
        rows.append(cues_of(Preprocessing(64), tmp_path / f"{number}.bmp"))
    assert rows[1]["width and height"].tolist() == [31, 20]
    assert rows[0]["file size"] == (tmp_path / "0.bmp").stat().st_size
    right = right_by_cues(gather(rows[:80], labels[:80]), gather(rows[80:], labels[80:]), 1)
    assert right["width and height"].all() and right[TOGETHER].mean() > 0.9
    assert 0.2 < right["mean colour"].mean() < 0.8


def test_the_object_is_hidden_by_a_circle():
    picture = np.full((90, 120, 3), (20, 20, 40), np.uint8)
    picture[40:44, 30:80] = (220, 190, 120)  # flat as rings seen from the side
    inside = masks.find_object(picture)
    y, x = np.nonzero(inside)
    assert inside[40:44, 30:80].all() and abs(np.ptp(x) - np.ptp(y)) <= 2
    assert 50 <= np.ptp(x) <= 64 and (x.mean(), y.mean()) == pytest.approx((54.5, 41.5), abs=1)
    background = masks.without_object(picture, inside, 1)
    assert (background == (20, 20, 40)).all(), "something of the object is left"
    alone = masks.object_alone(picture, inside)
    assert (alone[inside] == picture[inside]).all() and not alone[~inside].any()


def test_pictures_without_an_object_to_hide():
    assert masks.find_object(np.full((64, 64, 3), 70, np.uint8)) is None
    assert masks.find_object(clouds(1)) is None
    full = np.zeros((64, 64, 3), np.uint8)
    full[4:60, 4:60] = 200
    assert masks.find_object(full) is None


def test_the_border_is_hidden():
    picture = with_border(clouds(3), "mars")
    seen = masks.without_border(picture)
    assert seen.shape == picture.shape and (seen[6:-6, 6:-6] == picture[6:-6, 6:-6]).all()
    assert not (seen == (200, 40, 40)).all(axis=2).any()
    alone = masks.border_alone(picture)
    assert not alone[6:-6, 6:-6].any() and (alone[:6] == (200, 40, 40)).all()


def test_changes_leave_pictures_that_can_be_predicted():
    picture = draw("saturn", 1)[:40]
    for name, change in CHANGES.items():
        changed = change(picture, np.random.default_rng(1))
        assert changed.dtype == np.uint8 and changed.shape[2] == 3, name
        assert changed.shape != picture.shape or not np.array_equal(changed, picture), name
    turned = CHANGES["turned by 90°"](picture, None)
    assert np.array_equal(np.rot90(turned, -1), picture)
    assert np.ptp(CHANGES["monochrome"](picture, None), axis=2).max() == 0
    assert CHANGES["a quarter of the size"](picture, None).shape == (10, 12, 3)


def test_robustness_names_the_worst():
    whole = np.ones(100, bool)
    part = verdict.robustness_verdict(whole, {"one": np.arange(100) < 50, "two": whole,
                                            "three": np.arange(100) < 95}, None, 1)
    assert part.verdict == FAIL and not part.decides
    lost = part.figures["changes"]["one"]["lost"]
    assert lost["value"] == 0.5 and lost["low"] < 0.5 < lost["high"]
    assert part.figures["worst"] == ["one", "three", "two"]
