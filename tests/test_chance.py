"""The blind test says "no" on evidence, and "cannot tell" where it has no power to see a gain."""

from collections import Counter

import numpy as np
import pytest

from celestial.blind import shortcut_rules, verdict
from celestial.blind.shortcut_rules import Hidden
from celestial.blind.verdict import CANNOT_TELL, FAIL, PASS, Neighbours
from celestial.data.fingerprint_distance import NEAR_COPY_THRESHOLD
from celestial.evaluation import chance


@pytest.fixture
def random():
    return np.random.default_rng(11)


@pytest.fixture(autouse=True)
def few_permutations(monkeypatch):
    monkeypatch.setattr(chance, "PERMUTATIONS", 250)


def verdicts(random, count, accuracy, runs, groups=None):
    """Return how often each verdict is given to answers to two classes."""
    found = Counter()
    for _ in range(runs):
        labels = np.arange(count) % 2 if groups is None else groups % 2
        wrong = random.random(count) >= accuracy
        wrong = wrong if groups is None else wrong[groups]
        found[verdict.chance_verdict(labels ^ wrong, labels, groups, 1).verdict] += 1 / runs
    return found


def test_a_gain_that_few_pictures_do_not_show_is_not_denied(random):
    """65 % right of 2 classes: a gain of 15 points, which 30 pictures show in one run of six."""
    found = verdicts(random, 30, 0.65, 200)
    assert found[FAIL] < 0.03 and found[CANNOT_TELL] > 0.5
    assert verdicts(random, 300, 0.65, 30)[PASS] > 0.9


def test_no_gain_is_denied_where_there_are_enough_pictures(random):
    found = verdicts(random, 600, 0.5, 60)
    assert found[FAIL] > 0.85 and found[PASS] < 0.06


def test_five_times_the_pictures_of_a_group_are_no_evidence(random):
    """150 pictures of 30 groups that are right or wrong as one say no more than 30 pictures."""
    groups = np.repeat(np.arange(30), 5)
    found = verdicts(random, 150, 0.65, 80, groups)
    assert found[FAIL] < 0.05 and found[CANNOT_TELL] > 0.5
    found = verdicts(random, 150, 0.5, 80, groups)
    assert found[PASS] < 0.05


def test_what_labels_of_other_pictures_would_get():
    predicted, labels = np.array([0, 0, 0, 1]), np.array([0, 1, 1, 1])
    gain = chance.gain_of(predicted, labels, None, 1)
    assert gain.expected == pytest.approx((3 * 1 + 1 * 3) / 16)
    assert gain.shuffled == pytest.approx(gain.expected, abs=0.05)
    # Groups of different sizes cannot change places: nothing is shuffled, chance is what it was.
    gain = chance.gain_of(predicted, labels, np.array([0, 1, 1, 1]), 1)
    assert gain.p == gain.shuffled / gain.accuracy["value"] == 1 and gain.expected == 6 / 16


@pytest.mark.parametrize("far_right, expected", [(0.25, FAIL), (0.3, CANNOT_TELL), (0.6, PASS)])
def test_pictures_unlike_the_training(far_right, expected):
    """Four classes: 200 pictures that are no near-copies, after 20 that are and are right."""
    labels = np.arange(220) % 4
    apart = np.where(np.arange(220) < 20, 0, 2 * NEAR_COPY_THRESHOLD)
    wrong = (np.arange(220) >= 20) & (np.arange(220) // 4 % 50 >= far_right * 50)
    part = verdict.neighbours_verdict((labels + wrong) % 4, labels, Neighbours(apart, labels), None,
                                    1)
    assert part.verdict == expected


@pytest.mark.parametrize("count, expected", [(40, CANNOT_TELL), (400, FAIL)])
def test_a_background_that_perhaps_carries_the_answers(count, expected):
    """It keeps 60 % of the gain; of 40 pictures that may be less than half."""
    labels, right = np.arange(count) % 4, np.ones(count, bool)
    background = np.arange(count) % 10 < 7
    hidden = Hidden(labels, right, right, background, right, background, right)
    part = shortcut_rules.shortcuts_verdict(right, {}, hidden, 1)
    assert part.verdict == expected


@pytest.mark.parametrize("count, expected", [(40, CANNOT_TELL), (400, PASS)])
def test_changes_that_cost_little_need_pictures_to_show_it(count, expected):
    whole = np.ones(count, bool)
    part = verdict.robustness_verdict(whole, {"one": np.arange(count) % 20 > 0}, None, 1)
    assert part.verdict == expected
