"""Step 8: the improved model against the present one, on what neither has learned from."""

import csv
import json
import shutil
import subprocess
from dataclasses import replace
from math import comb
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import CLASSES, draw, run
from PIL import Image
from scipy.stats import binomtest
from trained import FINAL

from celestial.common.console import UserError
from celestial.common.files import sha256_of
from celestial.evaluation.answers import answers_of
from celestial.evaluation.comparison import compare_pair
from celestial.evaluation.improvement import (
    CORRECTED,
    NEW,
    OLD,
    SEEN,
    in_words,
    measure_part,
    parts_of,
    verdict_of,
)
from celestial.models.checkpoints import build_model, load_checkpoint, save_checkpoint

WITH_CERES = ("ceres", *CLASSES)


def rows_of(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def draw_ceres(number):
    """Draw a pink square at a place of its own, uint8 RGB."""
    random = np.random.default_rng([7, number])
    picture = random.integers(0, 12, (48, 48, 3))
    top, left, side = random.integers(4, 16, 3)
    picture[top:top + side + 12, left:left + side + 12] += np.array([200, 120, 180])
    return picture.astype(np.uint8)


def put(folder, label, numbers):
    (folder / label).mkdir(parents=True, exist_ok=True)
    for number in numbers:
        picture = draw_ceres(number) if label == "ceres" else draw(label, number)
        Image.fromarray(picture).save(folder / label / f"{label}_{number}.png")


def predictions(classes, *rows):
    return [SimpleNamespace(classes=classes, probabilities=np.array(row), accepted=row[0] < 0.9)
            for row in rows]


def test_an_old_picture_that_is_called_by_a_new_class_is_a_mistake():
    truth = ["mars", "mars", "saturn", "ceres"]
    present = answers_of("present", predictions(
        ("mars", "saturn"), (0.6, 0.4), (0.8, 0.2), (0.1, 0.9), (0.95, 0.05)), truth,
        ("ceres", "mars", "saturn"), None)
    improved = answers_of("improved", predictions(
        ("saturn", "ceres", "mars"), (0.1, 0.5, 0.4), (0, 0.1, 0.9), (0.92, 0, 0.08), (0, 1, 0)),
        truth, ("ceres", "mars", "saturn"), None)
    assert present.right.tolist() == [True, True, True, False]
    assert improved.right.tolist() == [False, True, True, True]
    assert present.probs.tolist()[0] == [0, 0.6, 0.4]
    old = measure_part(improved, present, np.array([True, True, True, False]), 1)
    assert (old.improved["value"], old.present["value"]) == (pytest.approx(2 / 3), 1)
    assert (old.improved_unknown, old.present_unknown) == (1, 0)
    assert (old.difference.only_first, old.difference.only_second) == (0, 1)
    assert measure_part(improved, present, np.zeros(4, bool), 1) is None


def test_which_part_a_picture_belongs_to():
    labels = ["mars", "mars", "mars", "mars", "ceres", "ceres"]
    corrected = np.array([False, True, True, False, True, False])
    far = np.array([True, True, False, False, True, False])
    assert parts_of(labels, corrected, far, ["ceres"]).tolist() == [
        OLD, CORRECTED, CORRECTED, SEEN, NEW, NEW]
    assert parts_of(labels, corrected, None, []).tolist() == [
        OLD, CORRECTED, CORRECTED, OLD, CORRECTED, OLD]
    with pytest.raises(UserError, match="none of the 2 test pictures .* put other pictures"):
        parts_of(labels[2:4], corrected[2:4], far[2:4], [])


@pytest.mark.parametrize("only_improved, only_present, verdict, words", [
    (12, 0, "better", "is better on the old classes"), (0, 0, "no worse", "is no worse"),
    (2, 4, "no worse", "as far as 60 test pictures can tell: -3.3 points"),
    (0, 12, "worse", "is worse on the old classes than the present one, beyond the interval")])
def test_the_verdict_is_that_of_the_interval(only_improved, only_present, verdict, words):
    def answers(name, right):
        probs = np.where(right[:, None], [1, 0], [0, 1])
        return SimpleNamespace(name=name, right=right, probs=probs, groups=None,
                               accepted=np.ones(60, bool), keep=lambda wanted: answers(name, right))

    first, second = np.ones(60, bool), np.ones(60, bool)
    first[:only_present], second[60 - only_improved:] = False, False
    old = measure_part(answers("a", first), answers("b", second), np.ones(60, bool), 1)
    assert verdict_of(old.difference) == verdict and words in in_words(old)
    assert old.difference == compare_pair(answers("a", first), answers("b", second), 1)


def with_random_head(path, classes, seed):
    """Return a checkpoint whose head makes of each picture something else, often wrong."""
    content = load_checkpoint(path)
    squares = np.stack([content.preprocessing.square(draw(label, number))
                        for label in CLASSES for number in range(8)])
    with torch.no_grad():
        seen, _ = build_model(content, path).outputs(
            content.preprocessing.normalise(torch.from_numpy(squares)))
    random = torch.Generator().manual_seed(seed)
    weight = torch.randn(len(classes), seen.shape[1], generator=random) / (seen.std(0) + 1e-3)
    head = {"head.0.weight": weight, "head.0.bias": -weight @ seen.mean(0)}
    assert head.keys() < content.state.keys()
    labels = [classes.index(CLASSES[label]) for label in content.train_labels]
    return replace(content, classes=classes, state=content.state | head, train_labels=labels)


@pytest.fixture(scope="module")
def compared(checkpoint, tmp_path_factory):
    """Two models on a test split with corrections, near-copies of these and seen pictures."""
    base = tmp_path_factory.mktemp("compared")
    test = base / "improved/celestial_dataset/test"
    for label in CLASSES:
        put(test, label, [0, 2, 4, *range(1000, 1016)])  # the first are in the model's own dataset
    put(base / "collected", "ceres", range(4))
    put(base / "collected", "mars", range(2000, 2004))
    shutil.copytree(base / "collected", test, dirs_exist_ok=True)
    (base / "collected/corrections.csv").write_text("time_utc,filename\n")
    places = sorted(path.relative_to(test.parent).as_posix() for path in test.glob("*/*"))
    beside = {"test/mars/mars_1003.png": "test/mars/mars_2000.png"}  # in one group with it
    (test.parent / "manifest.csv").write_text("path,class,split,group,sha256\n" + "".join(
        f"{place},{place.split('/')[1]},test,{beside.get(place, place)},"
        f"{sha256_of(test.parent / place)}\n" for place in places))
    present = save_checkpoint(base / "present.pth", with_random_head(checkpoint, CLASSES, 1))
    save_checkpoint(base / "improved/model_checkpoints" / FINAL,
                    with_random_head(checkpoint, WITH_CERES, 2))
    done = run("compare_improved.py", "--corrections", "collected", "--checkpoint", present,
               cwd=base)
    assert done.status == 0, done.err
    content = load_checkpoint(checkpoint)
    return SimpleNamespace(base=base, test=test, done=done,
                           learned={*content.train_sha256, *content.val_sha256},
                           rows=rows_of(base / "improved/comparison/comparison.csv"))


def test_each_picture_is_in_its_part(compared):
    known = 0
    part = {row["path"].rpartition("/")[2]: row["part"] for row in compared.rows}
    assert len(part) == len(compared.rows) == 3 * 19 + 8
    for name, found in part.items():
        label, number = name.removesuffix(".png").split("_")
        if label == "ceres":
            assert found == NEW
        elif int(number) >= 2000 or name == "mars_1003.png":
            assert found == CORRECTED
        else:
            learned = sha256_of(compared.test / label / name) in compared.learned
            assert found == SEEN if learned else found in (OLD, SEEN)  # it may resemble one
            known += learned
    assert known > 0


def test_the_figures_from_the_table(compared):
    found = json.loads((compared.base / "improved/comparison/comparison.json").read_text("utf-8"))
    assert {**found, "files": compared.done.result["files"]} == compared.done.result
    assert found["left_out"] == sum(row["part"] == SEEN for row in compared.rows)
    for part, told in ((OLD, found["old_classes"]), (CORRECTED, found["corrections"]),
                       (NEW, found["new_classes"]["ceres"])):
        rows = [row for row in compared.rows if row["part"] == part]
        assert told["pictures"] == len(rows) > 0
        for model in ("improved", "present"):
            right = sum(row[model] == row["true"] for row in rows)
            assert told[model]["value"] == pytest.approx(right / len(rows))
            assert told[f"{model}_unknown"] == sum(row[f"{model}_status"] == "unknown"
                                                   for row in rows)
            if part != CORRECTED:  # two of these are of one group, which widens the interval
                limits = binomtest(right, len(rows)).proportion_ci(method="wilson")
                assert (told[model]["low"], told[model]["high"]) == pytest.approx(tuple(limits))
        first, second = (sum(row[one] == row["true"] != row[other] for row in rows)
                         for one, other in (("improved", "present"), ("present", "improved")))
        change = told["difference"]
        assert (change["only_first"], change["only_second"]) == (first, second)
        assert change["value"] == pytest.approx((first - second) / len(rows))
        assert change["low"] <= change["value"] <= change["high"]
        if part == OLD:
            assert first and second, "the models differ in both directions"
            tail = sum(comb(first + second, k) for k in range(min(first, second) + 1))
            assert change["p"] == pytest.approx(min(1, 2 * tail / 2 ** (first + second)))
            taken = sum(row["improved"] == "ceres" for row in rows)
            assert taken and f"{taken} of the {len(rows)} pictures of old classes" in (
                compared.done.out)
    assert found["verdict"] == ("better" if found["old_classes"]["difference"]["low"] > 0 else
                                "worse" if found["old_classes"]["difference"]["high"] < 0 else
                                "no worse")


def test_nothing_is_replaced_and_the_command_that_does_it_is_told(compared):
    assert not (compared.base / "model_checkpoints").exists()
    told = next(line for line in compared.done.out.splitlines() if line.startswith("To use it"))
    command = told.partition(": ")[2]
    improved = compared.base / "improved/model_checkpoints" / FINAL
    subprocess.run(command, shell=True, cwd=compared.base, check=True)
    assert (compared.base / "model_checkpoints" / FINAL).read_bytes() == improved.read_bytes()


def test_what_cannot_be_compared(compared, checkpoint, tmp_path):
    improved = compared.base / "improved/model_checkpoints" / FINAL
    data = "--data-dir", compared.base / "improved/celestial_dataset"
    collected = "--corrections", compared.base / "collected"
    for status, sentence, options in (
            (2, "there is no folder nowhere", ("--corrections", "nowhere", *data, "--improved",
                                               improved, "--checkpoint", checkpoint)),
            (2, "are both", (*collected, *data, "--improved", improved, "--checkpoint", improved)),
            (1, "does not know ceres, which", (*collected, *data, "--improved", checkpoint,
                                               "--checkpoint", improved)),
            (1, "there is no checkpoint improved/", (*collected, *data, "--checkpoint",
                                                     checkpoint))):
        done = run("compare_improved.py", *options, cwd=tmp_path)
        assert done.status == status and sentence in done.error, done.err
    assert list(tmp_path.iterdir()) == []
