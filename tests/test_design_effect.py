"""Pictures of one group are no independent witnesses: intervals and p-values that know it.

Simulated pictures of a group share their answer so often that any two are correlated by 0.5.
"""

import csv
import json
import re
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import run
from scipy import stats
from scipy.special import softmax

from celestial.common.tables import read_csv, write_csv
from celestial.data.datasets import groups_of
from celestial.data.design_effect import draw_groups, effective_size, swap_labels
from celestial.evaluation import calibration, chance, comparison, metrics
from celestial.inference import confidence
from celestial.web import model_card

CORRELATION = 0.5


@pytest.fixture
def random():
    return np.random.default_rng(7)


@pytest.fixture
def few_resamples(monkeypatch):
    monkeypatch.setattr(metrics, "RESAMPLES", 160)
    monkeypatch.setattr(calibration, "RESAMPLES", 60)
    monkeypatch.setattr(chance, "PERMUTATIONS", 150)


def in_groups(random, draw, groups, correlation=CORRELATION):
    """Draw a value a picture, some of which are their group's; any two of it are correlated."""
    own, shared = draw(len(groups)), draw(len(groups))[np.unique(groups, return_index=True)[1]]
    alike = random.random(len(groups)) < np.sqrt(correlation)
    return np.where(alike.reshape(-1, *[1] * (own.ndim - 1)), shared[groups], own)


def test_effective_size_of_known_correlations(random):
    groups = np.repeat(np.arange(4000), 5)
    right = in_groups(random, lambda count: random.random(count) < 0.8, groups)
    assert len(groups) / effective_size(right, groups) == pytest.approx(
        1 + 4 * CORRELATION, rel=0.05), "Kish's design effect"
    assert effective_size(right[::5][groups], groups) == pytest.approx(4000)
    assert effective_size(random.permutation(right), groups) == pytest.approx(20_000, rel=0.05)
    assert effective_size(right > 2, groups) == 4000, "all alike: each group counts as one picture"


def test_pictures_of_no_group_count_as_they_are(random):
    probs, labels = softmax(random.normal(0, 2, (40, 3)), axis=1), random.integers(0, 3, 40)
    alone = random.permutation(40)
    assert effective_size(labels, alone) == effective_size(labels, None) == 40
    assert metrics.summarise(probs, labels, 1, alone) == metrics.summarise(probs, labels, 1)
    assert metrics.summarise(probs, labels, 1)["accuracy"] == metrics.proportion(
        int((probs.argmax(axis=1) == labels).sum()), 40)
    first, second = labels == 0, probs[:, 0] > 0.3
    assert comparison.paired_difference(first, second, alone, 1) == (
        comparison.paired_difference(first, second, None, 1))


@pytest.mark.slow
@pytest.mark.parametrize("sizes", [[5], [1, 1, 1, 2, 10]])
@pytest.mark.parametrize("true", [0.8, 0.95])
def test_intervals_of_shares_hold(sizes, true, random):
    groups = np.repeat(np.arange(30), np.resize(sizes, 30))
    held, naive = 0, 0
    for _ in range(400):
        right = in_groups(random, lambda count: random.random(count) < true, groups)
        for known, figure in ((True, metrics.proportion_of(right, groups)),
                              (False, metrics.proportion_of(right, None))):
            inside = figure["low"] <= true <= figure["high"]
            held, naive = held + (known and inside), naive + (not known and inside)
    assert held / 400 >= 0.93 and naive / 400 < 0.87


@pytest.mark.slow
def test_all_right_has_an_honest_lower_end(random):
    """Of groups that are right or wrong as one; most of these test sets are all right."""
    groups = np.repeat(np.arange(20), 5)
    all_right = metrics.proportion_of(groups >= 0, groups)
    assert all_right["low"] == pytest.approx(metrics.wilson(20, 20)[0])
    held = 0
    for _ in range(400):
        right = in_groups(random, lambda count: random.random(count) < 0.97, groups, 1)
        figure = metrics.proportion_of(right, groups)
        held += figure["low"] <= 0.97 <= figure["high"]
    assert held / 400 >= 0.93


@pytest.mark.slow
def test_intervals_of_all_figures_hold(random, few_resamples):
    """Three classes of 12 groups of 5; two models, and 40 scores of other things."""
    groups, labels = np.repeat(np.arange(36), 5), np.repeat([0, 1, 2], 60)
    seen = {}

    def answers(labels, sureness):
        def draw(count):
            logits = random.normal(0, 1.5, (count, 3))
            logits[np.arange(count), labels] += random.normal(sureness, 2, count)
            return softmax(logits, axis=1)
        return draw

    def figures(probs, other, labels, groups, strange):
        right, others_right = probs.argmax(axis=1) == labels, other.argmax(axis=1) == labels
        return {**metrics.summarise(probs, labels, 0, groups),
                "brier": calibration.brier_score(probs, labels, groups),
                "difference": comparison.paired_difference(right, others_right, groups, 0),
                "auroc": metrics.auroc(probs.max(axis=1), strange, groups)}

    many = np.tile([0, 1, 2], 50_000)
    true = figures(answers(many, 4)(len(many)), answers(many, 3)(len(many)), many, None,
                   random.beta(3, 2, 150_000))
    for _ in range(60):
        found = figures(in_groups(random, answers(labels, 4), groups),
                        in_groups(random, answers(labels, 3), groups), labels, groups,
                        random.beta(3, 2, 40))
        for name, figure in found.items():
            seen[name] = seen.get(name, 0) + (
                figure["low"] <= true[name]["value"] <= figure["high"])
    assert all(count >= 54 for count in seen.values()), seen


@pytest.mark.slow
def test_calibration_error_of_groups(random, few_resamples):
    """A calibrated model whose pictures hang together is not called too sure."""
    groups, called, naive = np.repeat(np.arange(20), 5), 0, 0
    for _ in range(25):
        said = in_groups(random, lambda count: random.uniform(0.6, 1, count), groups, 1)
        right = random.random(20)[groups] < said
        called += calibration.calibration_error(said, right, 0, groups)["low"] > 0
        naive += calibration.calibration_error(said, right, 0)["low"] > 0
    assert called <= 2 < 5 < naive


@pytest.mark.slow
def test_p_values_of_groups(random, few_resamples):
    """Labels and models that have nothing to do with each other: p < 0.05 in about 5 %."""
    groups, found = np.repeat(np.arange(24), 5), np.zeros(4)
    for _ in range(150):
        labels, predicted, other = random.integers(0, 2, (3, 24))[:, groups]
        right, others_right = predicted == labels, other == labels
        found += [chance.permutation_p(predicted, labels, 1, groups)[0] < 0.05,
                  chance.permutation_p(predicted, labels, 1)[0] < 0.05,
                  chance.paired_p(right, others_right, groups, 1) < 0.05,
                  chance.paired_p(right, others_right, None, 1) < 0.05]
    in_whole_groups, of_pictures = found[::2] / 150, found[1::2] / 150
    assert (in_whole_groups <= 0.08).all() and (of_pictures > 0.2).all()


def test_paired_p_against_flipping_all_groups():
    groups = np.repeat(np.arange(10), 3)
    first, second = np.ones(30, bool), np.arange(30) % 7 > 0
    sums = np.bincount(groups, first.astype(int) - second)
    exact = stats.permutation_test((sums,), np.sum, permutation_type="samples").pvalue
    assert chance.paired_p(first, second, groups, 1) == pytest.approx(exact, abs=0.01)
    assert chance.paired_p(first, first, groups, 1) == 1


def test_val_on_the_model_card_counts_groups_too(tmp_path):
    """Of 20 pictures in 4 groups all are right."""
    logits = np.eye(2)[[0, 1] * 10] * 9
    fitted = confidence.fit_on_val(np.stack([logits] * 8), np.array([0, 1] * 10),
                                   np.arange(20) // 5)
    assert fitted["val"]["pictures"] == 20 and fitted["val"]["effective_pictures"] == 4
    low = metrics.wilson(4, 4)[0]
    shown = model_card.card_of(SimpleNamespace(
        checkpoint=SimpleNamespace(val=fitted["val"], options={}, versions={}, date="2026-11-27",
                                   model="cnn", classes=("a", "b"), train_sha256=[]),
        path=tmp_path / "model.pth", views=1, preprocessing=SimpleNamespace(size=64))).measured
    assert shown[0].value == f"100.0 % ({100 * low:.1f} % to 100.0 %)" and shown[0].pictures == 20


def test_whole_groups_of_one_size_change_places(random):
    groups = np.array([3, 3, 0, 1, 1, 2, 4, 4, 4])
    labels = np.array([0, 1, 2, 3, 4, 5, 6, 7, 8])
    seen = {tuple(swapped) for swapped in swap_labels(groups, labels, random, 50)}
    assert seen == {(*pair, first, *other, second, 6, 7, 8)
                    for pair, other in (((0, 1), (3, 4)), ((3, 4), (0, 1)))
                    for first, second in ((2, 5), (5, 2))}


def test_bootstrap_draws_whole_groups_and_keeps_the_classes(random):
    groups, labels = np.array([0, 0, 1, 1, 1, 2, 3]), np.array([0, 0, 0, 0, 0, 1, 1])
    for times in draw_groups(groups, labels, random, 20):
        assert times[0] == times[1] and len(set(times[2:5])) == 1
        assert times[0] + times[2] == times[5] + times[6] == 2


def with_groups(dataset, folder):
    """Copy a dataset; each class of its test pictures but one becomes a group, as --groups would.

    The first picture is no longer in the manifest.
    """
    shutil.copytree(dataset, folder)
    first, *rows = [row for row in read_csv(folder / "manifest.csv")]
    rows += [first] if first["split"] != "test" else []
    rows = [row | {"group": row["class"]} if row["split"] == "test" else row for row in rows]
    left_out = next(row for row in rows if row["split"] == "test")
    rows = [list(row.values()) for row in rows if row is not left_out]
    write_csv(folder / "manifest.csv", list(left_out), rows)
    return folder


def test_groups_come_from_the_manifest(dataset, tmp_path):
    data = with_groups(dataset, tmp_path / "set")
    paths = sorted((data / "test").rglob("*.png"))
    assert groups_of(data, paths).tolist() == [0, 1, 1, 2, 2, 2, 3, 3, 3]
    assert groups_of(tmp_path, paths) is None and groups_of(data, [data / "new.png"]) is None
    (data / "manifest.csv").write_text("class,path\nmars,test/mars/mars 0.png\n")
    assert groups_of(data, paths) is None, "a table of somebody else"


@pytest.mark.slow
def test_the_reports_say_how_pictures_were_counted(dataset, checkpoint, tmp_path):
    data = with_groups(dataset, tmp_path / "set")
    words = "9 pictures are counted as 4 groups of manifest.csv"
    done = run("evaluate_model.py", "--data-dir", data, "--checkpoint", checkpoint, cwd=tmp_path)
    assert done.status == 0 and words in done.out
    found = json.loads((tmp_path / "evaluation_results/metrics.json").read_text())
    page = (tmp_path / "evaluation_results/report.html").read_text(encoding="utf-8")
    assert words in found["independence"] and found["independence"] in re.sub(r"\s+", " ", page)
    with (tmp_path / "evaluation_results/predictions.csv").open(encoding="utf-8-sig") as file:
        right = np.array([row["right"] == "yes" for row in csv.DictReader(file)])
    groups = np.array([0, 1, 1, 2, 2, 2, 3, 3, 3])
    assert found["accuracy"] == pytest.approx(metrics.proportion_of(right, groups))
    assert found["accuracy"] != metrics.proportion(int(right.sum()), 9)

    done = run("blind_test_validation.py", "--data-dir", data, "--checkpoint", checkpoint,
               cwd=tmp_path)
    assert done.status == 0 and words in done.out
    report = json.loads((tmp_path / "blind_test_report.json").read_text())
    assert words in report["independence"]
    assert words in (tmp_path / "blind_test_report.md").read_text()
    assert report["accuracy"] == pytest.approx(metrics.proportion_of(right, groups))
    done = run("generate_visual_predictions.py", "--checkpoint", checkpoint, cwd=tmp_path)
    assert words in done.out and done.result["accuracy"] == pytest.approx(report["accuracy"])
