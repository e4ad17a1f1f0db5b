"""What the blind test is made of, each part alone: the fence, cues, masks, changes, verdicts."""

import math
import subprocess
import sys

import numpy as np
import pytest
from cheats import (
    clouds,
    with_border,
)
from conftest import ROOT, draw, environment
from PIL import Image

from celestial.blind import masks, shortcut_rules, verdict
from celestial.blind.harmless_changes import CHANGES
from celestial.blind.hidden_names import LOSSLESS, reencode
from celestial.blind.shortcut_rules import Hidden
from celestial.blind.shortcuts import TOGETHER, cues_of, gather, right_by_cues
from celestial.blind.verdict import CANNOT_TELL, FAIL, NO, PASS, YES, Neighbours, Part
from celestial.data.fingerprint_distance import NEAR_COPY_THRESHOLD
from celestial.evaluation.chance import permutation_p
from celestial.pictures.preprocessing import Preprocessing

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
