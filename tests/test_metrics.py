"""Figures against computations of another kind."""

import math

import numpy as np
import pytest
from scipy import stats
from scipy.special import softmax
from sklearn import metrics as theirs

from celestial.evaluation import calibration, metrics
from celestial.inference import confidence


@pytest.fixture
def random():
    return np.random.default_rng(5)


@pytest.mark.parametrize("right, total", [(0, 15), (1, 15), (15, 15), (97, 105), (700, 1000)])
def test_wilson_is_scipys(right, total):
    theirs = stats.binomtest(right, total).proportion_ci(0.95, method="wilson")
    assert metrics.wilson(right, total) == pytest.approx((theirs.low, theirs.high))


@pytest.mark.parametrize("right, total", [(0, 15), (1, 15), (15, 15), (97, 105)])
def test_exact_limits_are_scipys(right, total):
    theirs = stats.binomtest(right, total).proportion_ci(0.95, method="exact")
    assert metrics.exact_limits(right, total) == pytest.approx((theirs.low, theirs.high))


def test_all_right_still_has_an_interval():
    probs = np.full((30, 3), 0.01)
    labels = np.repeat([0, 1, 2], 10)
    probs[np.arange(30), labels] = 0.98
    for name in ("accuracy", "balanced_accuracy", "macro_f1", "top2_accuracy"):
        figure = metrics.summarise(probs, labels)[name]
        assert figure["value"] == figure["high"] == 1 and 0.7 < figure["low"] < 0.95, name


def test_figures_are_sklearns_also_where_a_class_has_no_picture(random):
    probs = softmax(random.normal(0, 2, (200, 5)), axis=1)
    labels = random.choice([0, 1, 3], 200)
    found = {name: figure["value"] for name, figure in metrics.summarise(probs, labels).items()}
    predicted, present = probs.argmax(axis=1), [0, 1, 3]
    assert found == pytest.approx({
        "accuracy": theirs.accuracy_score(labels, predicted),
        "balanced_accuracy": theirs.recall_score(labels, predicted, labels=present,
                                                 average="macro"),
        "macro_f1": theirs.f1_score(labels, predicted, labels=present, average="macro"),
        "top2_accuracy": theirs.top_k_accuracy_score(labels, probs, k=2, labels=range(5)),
        "log_loss": theirs.log_loss(labels, probs, labels=range(5))})


@pytest.mark.slow
def test_intervals_hold_what_they_promise(random):
    """Of 300 simulated test sets, about 95 % of the intervals contain the true value."""
    recalls = np.array([0.98, 0.95, 0.8, 0.99])
    held = {"accuracy": 0, "balanced_accuracy": 0, "macro_f1": 0}
    confusion = np.eye(4) * recalls[:, None] + (1 - np.eye(4)) * (1 - recalls[:, None]) / 3
    true_f1 = np.mean(2 * np.diag(confusion) / (1 + confusion.sum(axis=0)))
    for _ in range(300):
        labels = np.repeat(np.arange(4), 25)
        predicted = np.array([random.choice(4, p=confusion[label]) for label in labels])
        found = metrics.summarise(softmax(8 * np.eye(4)[predicted], axis=1), labels)
        for name, true in (("accuracy", recalls.mean()), ("balanced_accuracy", recalls.mean()),
                           ("macro_f1", true_f1)):
            held[name] += found[name]["low"] <= true <= found[name]["high"]
    for name, count in held.items():
        assert count / 300 >= 0.93, name


def simulated(random, count, sureness, too_sure):
    """Draw pictures of 4 classes and the probabilities of a model that is `too_sure` times."""
    logits = random.normal(0, 1, (count, 4))
    logits[np.arange(count), random.integers(0, 4, count)] += random.normal(sureness, 2, count)
    labels = (softmax(logits, axis=1).cumsum(axis=1) < random.random((count, 1))).sum(axis=1)
    return softmax(too_sure * logits, axis=1), np.minimum(labels, 3)


@pytest.mark.slow
@pytest.mark.parametrize("sureness, too_sure", [(1, 3), (3, 3), (6, 1), (9, 3)])
def test_intervals_of_skewed_losses_hold(sureness, too_sure, random):
    """Of models that have 60, 77, 95 and 99 % right; most test sets of the last have no mistake."""
    def figures(probs, labels):
        log_loss = metrics.mean_loss(-np.log(probs), probs, labels, 40, None)
        return np.array([list(figure.values()) for figure in (
            log_loss, calibration.brier_score(probs, labels))])

    true = figures(*simulated(random, 200_000, sureness, too_sure))[:, 0]
    for count in (20, 50, 200):
        found = np.array([figures(*simulated(random, count, sureness, too_sure))
                          for _ in range(150)])
        held = ((found[:, :, 1] <= true) & (true <= found[:, :, 2])).mean(axis=0)
        assert (held >= 0.90).all(), (count, held)


def test_losses_of_answers_that_are_all_right_have_an_interval():
    probs = np.full((50, 2), 0.01)
    probs[:, 0] = 0.99
    found = metrics.summarise(probs, np.zeros(50, int))["log_loss"]
    # Up to 1 - 0.025^(1/50) = 7.1 % may be wrong, and each would cost log 99 more than now.
    assert found["value"] == pytest.approx(-math.log(0.99)) and found["low"] >= 0
    assert found["high"] == pytest.approx(
        found["value"] + (1 - 0.025 ** 0.02) * math.log(99), rel=1e-6)


def test_auroc_is_sklearns_and_its_interval_holds(random):
    above, below = random.integers(0, 9, 40), random.integers(0, 6, 25)  # with ties
    found = metrics.auroc(above, below)
    assert found["value"] == pytest.approx(theirs.roc_auc_score([1] * 40 + [0] * 25,
                                                                np.concatenate([above, below])))
    held = 0
    true = stats.norm.cdf(1.5 / np.sqrt(2))
    for _ in range(300):
        found = metrics.auroc(random.normal(1.5, 1, 30), random.normal(0, 1, 20))
        held += found["low"] <= true <= found["high"]
    assert 0.92 <= held / 300 <= 0.99


def test_auroc_of_scores_that_do_not_overlap_still_has_an_interval():
    best = metrics.auroc(np.arange(10, 30), np.arange(10))
    worst = metrics.auroc(np.arange(10), np.arange(10, 30))
    assert best["value"] == best["high"] == 1 and 0.7 < best["low"] < 0.95
    assert worst["low"] == worst["value"] == 0 and worst["high"] == pytest.approx(1 - best["low"])


def test_figures_of_too_few_pictures_are_none(random):
    assert metrics.proportion(0, 0) is None and metrics.as_text(None) == "none"
    probs = np.full((5, 2), 0.5)
    assert calibration.brier_score(probs[:4], np.zeros(4, int)) is None
    assert calibration.brier_score(probs, np.zeros(5, int))["value"] == 0.5
    assert calibration.calibration_error(np.ones(4), np.ones(4, bool), 0) is None


def test_calibration_error_over_bins_of_equal_size():
    confidence_of = np.array([0.9, 0.5, 0.6, 0.8, 0.7, 0.95])
    right = np.array([1, 0, 0, 1, 1, 1], bool)
    # By confidence: wrong wrong | right right right right. Up to 6 bins the share never falls.
    bins = calibration.rising_bins(confidence_of, right)
    assert bins.counts.tolist() == [1] * 6
    assert bins.error == pytest.approx((0.5 + 0.6 + 0.3 + 0.2 + 0.1 + 0.05) / 6)
    right[3] = False  # 0.8: three bins hold 0, 1/2, 1; of four one falls
    bins = calibration.rising_bins(confidence_of, right)
    assert bins.counts.tolist() == [2, 2, 2]
    assert bins.error == pytest.approx((1.1 + 0.5 + 0.15) / 6)


def test_calibration_error_knows_the_sure_from_the_calibrated(random):
    """A model that says 0.95 and is right in 70 % is found out; one that is calibrated is not."""
    said = np.full(200, 0.95) + random.uniform(-0.04, 0.04, 200)
    too_sure = calibration.calibration_error(said, random.random(200) < 0.7, 0)
    assert too_sure["low"] > 0.1 and too_sure["low"] < 0.25 < too_sure["high"]
    assert calibration.calibration_error(said, random.random(200) < said, 0)["low"] == 0


def test_brier_score_is_the_squared_error(random):
    probs = softmax(random.normal(0, 2, (50, 4)), axis=1)
    labels = random.integers(0, 4, 50)
    assert calibration.brier_score(probs, labels)["value"] == pytest.approx(
        4 * theirs.mean_squared_error(np.eye(4)[labels], probs))


def test_temperature_finds_the_one_that_was_put_in(random):
    logits = random.normal(0, 2, (4000, 5))
    labels = np.array([random.choice(5, p=row) for row in softmax(logits, axis=1)])
    for stretch in (0.5, 1.0, 3.0):
        assert confidence.fit_temperature(logits * stretch, labels) == pytest.approx(stretch,
                                                                                     rel=0.1)


@pytest.mark.parametrize("count", [2, 105])
def test_a_val_split_that_is_all_right_does_not_ask_for_certainty(count, random):
    logits = 4 * np.eye(7)[np.arange(count) % 7] + random.normal(0, 0.3, (count, 7))
    temperature = confidence.fit_temperature(logits, np.arange(count) % 7)
    probs = confidence.probabilities(logits, temperature)
    assert temperature > 0.2 and 0.5 < probs.max() < 1 - 1e-4


def test_known_score_is_the_cross_entropy_of_the_answer_to_any_of_them():
    logits = np.array([[3.0, 3.0, 3.0, 3.0], [5.0, 0.0, 0.0, 0.0], [9.0, 0.0, 0.0, 0.0]])
    scores = confidence.known_score(logits)
    assert scores[0] == pytest.approx(math.log(4)) and scores[0] < scores[1] < scores[2]
    assert scores[1] == pytest.approx(-np.log(softmax(logits[1])).mean())
    assert np.allclose(confidence.known_score(logits + 7), scores), "no common part counts"


def test_threshold_accepts_95_of_100(random):
    scores = random.uniform(size=105)
    below = confidence.fit_reject_below(scores)
    assert (scores >= below).mean() >= 0.95
    assert math.isclose((scores >= np.nextafter(below, 2)).mean(), 0.95, abs_tol=0.011)
