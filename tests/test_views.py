"""--views: which views there are, that their mean is the answer, and what is fitted to it."""

import csv
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import CLASSES, draw, draw_folder, run
from PIL import Image
from scipy.special import softmax

from celestial.common.console import SHIPPED, VIEWS
from celestial.data.datasets import list_split
from celestial.inference import confidence
from celestial.inference.fitting import fit_checkpoint
from celestial.inference.predictor import Predictor
from celestial.inference.views import first_views, view
from celestial.models.checkpoints import load_checkpoint, save_checkpoint
from celestial.web.model_card import card_of

CPU = torch.device("cpu")
OWN = {2: {"temperature": 0.5, "reject_below": -1e9}, 4: {"temperature": 3.0, "reject_below": 1e9},
       8: {"temperature": 0.2, "reject_below": -1e9}}


def turned(squares: np.ndarray) -> list[np.ndarray]:
    """Return the eight turns and mirror images of squares (..., size, size), written by hand."""
    turns = [np.rot90(squares, quarter, (-2, -1)) for quarter in range(4)]
    return turns + [np.flip(turn, -1) for turn in turns]


def predictor(path, views, batch_size=None):
    return Predictor(path, CPU, batch_size, 1, views=views)


def stacked(answers, name):
    return np.stack([getattr(answer, name) for answer in answers])


@pytest.fixture(scope="module")
def squares():
    fit = load_checkpoint(SHIPPED).preprocessing
    return np.stack([fit.square(draw(CLASSES[number % 3], number)[:40]) for number in range(5)])


def with_own(source, path):
    """Write a checkpoint whose temperatures and thresholds are far from each other."""
    return save_checkpoint(path, replace(load_checkpoint(source), temperature=1.0,
                                         reject_below=-1e9, by_views=OWN))


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """The weights that ship, whose answers hang on the view; those of `checkpoint` hardly do."""
    return with_own(SHIPPED, tmp_path_factory.mktemp("shipped") / "own.pth")


@pytest.fixture(scope="module")
def predictors(shipped):
    return {count: predictor(shipped, count) for count in VIEWS}


@pytest.fixture(scope="module")
def trained(checkpoint, tmp_path_factory):
    return with_own(checkpoint, tmp_path_factory.mktemp("trained") / "own.pth")


def test_the_views_are_the_eight_of_a_square_and_each_prefix_is_a_group():
    square = np.random.default_rng(1).integers(0, 256, (3, 5, 5), np.uint8)
    views = [view(square, number) for number in range(8)]
    assert {one.tobytes() for one in views} == {one.tobytes() for one in turned(square)}
    assert np.array_equal(views[0], square) and np.array_equal(views[1], square[:, :, ::-1])
    assert all(np.shares_memory(one, square) for one in views), "copied"
    for count in VIEWS:
        first = {one.tobytes() for one in views[:count]}
        assert len(first) == count
        for one in views[:count]:
            assert {view(one, number).tobytes() for number in range(count)} == first
    several = np.stack([square, square[::-1], square + 1])
    for count in VIEWS:
        found = first_views(several, count)
        assert found.shape == (count, 3, 3, 5, 5)
        assert all(np.array_equal(found[number, row], view(several[row], number))
                   for number in range(count) for row in range(3))


def test_the_answer_is_the_mean_of_the_logits(predictors, shipped, squares):
    of_each = [stacked(predictors[1].predict_squares(own), "logits") for own in turned(squares)]
    assert np.ptp(of_each, axis=0).max() > 0.1, "the views make no difference"
    # as it is and mirrored; upside down and turned by half; the rest
    by_hand = {1: [0], 2: [0, 4], 4: [0, 4, 2, 6], 8: range(8)}
    for count, chosen in by_hand.items():
        answers = list(predictors[count].predict_squares(squares))
        mean = np.mean([of_each[number] for number in chosen], axis=0)
        assert np.allclose(stacked(answers, "logits"), mean, atol=1e-4)
        temperature = OWN[count]["temperature"] if count > 1 else 1.0
        assert np.allclose(stacked(answers, "probabilities"), softmax(mean / temperature, axis=1),
                           atol=1e-4)
        assert {answer.accepted for answer in answers} == {count != 4}, "another threshold"
        with torch.inference_mode():
            from_features = predictors[1].model.head[-1](
                torch.from_numpy(stacked(answers, "features")))
        assert np.allclose(from_features, mean, atol=1e-4)
    in_threes = predictor(shipped, 2, batch_size=3).predict_squares(squares)
    assert np.allclose(stacked(in_threes, "logits"), np.mean([of_each[0], of_each[4]], axis=0),
                       atol=1e-4)


def test_a_turned_picture_gets_the_same_answer(predictors, squares):
    answers = [stacked(predictors[8].predict_squares(own[:2]), "logits") for own in turned(squares)]
    assert np.ptp(answers, axis=0).max() < 1e-4


def test_temperature_and_threshold_are_fitted_to_each_number(predictors, squares, checkpoint):
    content = load_checkpoint(SHIPPED)
    labels = np.array([content.classes.index(CLASSES[number % 3]) for number in range(5)])
    fitted = fit_checkpoint(content, SHIPPED, squares, labels, None, CPU)
    found = {}
    for count, own in predictors.items():
        answers = list(own.predict_squares(squares))
        temperature, reject_below = fitted.fitted_for(count)
        assert temperature == pytest.approx(confidence.fit_temperature(
            stacked(answers, "logits"), labels), rel=1e-3)
        assert reject_below == pytest.approx(min(one.known_score for one in answers), abs=1e-4)
        found[count] = reject_below
    assert len(set(found.values())) == len(VIEWS)
    assert list(load_checkpoint(checkpoint).by_views) == [2, 4, 8], "step 2 does so"


def test_a_checkpoint_of_the_format_before_uses_what_it_has_and_says_so(
        shipped, squares, tmp_path, capsys):
    content = torch.load(shipped, weights_only=True)
    del content["by_views"]
    torch.save(content | {"format_version": 2, "temperature": 2.0}, tmp_path / "old.pth")
    assert load_checkpoint(tmp_path / "old.pth").by_views == {}
    predictor(tmp_path / "old.pth", 1)
    predictor(shipped, 4)
    assert capsys.readouterr().out == ""
    answers = list(predictor(tmp_path / "old.pth", 4).predict_squares(squares[:2]))
    said, = capsys.readouterr().out.splitlines()
    assert said.startswith(f"{tmp_path / 'old.pth'} has a temperature") and "4 views" in said
    assert np.allclose(stacked(answers, "probabilities"),
                       softmax(stacked(answers, "logits") / 2, axis=1), atol=1e-6)
    assert all(answer.accepted for answer in answers)


@pytest.mark.slow
def test_step_6(trained, tmp_path):
    folder = draw_folder(tmp_path / "my_images", 2)
    options = ("--checkpoint", trained, "--explain")
    done = run("predict_my_images.py", *options, "--views", 4, cwd=tmp_path)
    assert done.status == 0, done.err
    assert done.result["views"] == 4 and done.result["unknown"] == done.result["rows"] == 6
    with (tmp_path / "my_predictions/batch_prediction_summary.csv").open(
            encoding="utf-8-sig", newline="") as file:
        rows = {row["filename"]: row for row in csv.DictReader(file)}
    paths = sorted(folder.rglob("*.png"))
    for answer in predictor(trained, 4).predict(paths):
        row = rows[answer.path.relative_to(folder).as_posix()]
        assert float(row["confidence"]) == pytest.approx(answer.probabilities.max(), abs=1e-4)
    other = run("predict_my_images.py", *options, "--resume", cwd=tmp_path)
    assert other.status == 1 and "number of views" in other.error
    wrong = run("predict_my_images.py", *options, "--views", 3, cwd=tmp_path)
    assert wrong.status == 2 and "choose from 1, 2, 4, 8" in wrong.err


@pytest.mark.slow
def test_step_3_alone_and_comparing(trained, checkpoint, dataset, tmp_path):
    other = shutil.copy(checkpoint, tmp_path / "other.pth")
    (tmp_path / "strange").mkdir()
    Image.fromarray(draw("mars", 99)).save(tmp_path / "strange/other.png")
    done = run("evaluate_model.py", "--data-dir", dataset, "--checkpoint", trained, other,
               "--outliers", tmp_path / "strange", "--views", 8, cwd=tmp_path)
    assert done.status == 0, done.err
    assert done.result["views"] == 8
    found = json.loads((tmp_path / "evaluation_results/metrics.json").read_text())
    assert found["views"] == 8 and found["training"]["temperature"] == 0.2
    assert found["training"]["reject_below"] == -1e9
    assert any("evaluate_model.py" in line and "--views 8" in line for line in found["commands"])
    page = (tmp_path / "evaluation_results/report.html").read_text(encoding="utf-8")
    assert "mean of 8 turned and mirrored views" in page

    files = list_split(dataset, "test", CLASSES)
    for path, name in ((trained, "own"), (other, "other")):
        answers = list(predictor(path, 8).predict(files.paths))
        probs = stacked(answers, "probabilities")
        loss = -np.log(probs[np.arange(len(probs)), files.labels]).mean()
        assert found["comparison"]["models"][name]["log_loss"]["value"] == pytest.approx(
            loss, rel=1e-3)


def test_the_page_says_with_how_many_views_a_figure_was_measured():
    one, four = (card_of(predictor(SHIPPED, views)) for views in (1, 4))
    told = {(figure.split, figure.data) for figure in one.measured}
    assert told == {("test", "measuring photographs --views 4"), ("val", "")}
    told = {(figure.split, figure.data) for figure in four.measured}
    assert told == {("test", "measuring photographs"), ("val", "--views 1")}
    assert ("views", "4") in four.facts and "views" not in dict(one.facts)


@pytest.mark.slow
def test_the_benchmark_of_gain_and_cost(trained, tmp_path):
    folder = draw_folder(tmp_path / "photographs", 2)
    (folder / "mars/broken.jpg").write_bytes(b"\xff\xd8\xff half a picture")
    done = run("benchmarks/views.py", folder, "--outliers", folder / "saturn", "--checkpoint",
               trained, "--rounds", 1, cwd=tmp_path)
    assert done.status == 0, done.err
    assert (done.result["photographs"], done.result["failed"], done.result["outliers"]) == (6, 1, 2)
    table = (tmp_path / "evaluation_results/views/views.md").read_text(encoding="utf-8")
    assert [line.split(" | ")[0] for line in table.splitlines()[2:]] == [
        f"| {count}" for count in VIEWS]
    for count in VIEWS:
        answers = list(predictor(trained, count).predict(sorted(folder.rglob("*.png"))))
        right = [answer.top(1)[0][0] == answer.path.parent.name for answer in answers]
        found = done.result["figures"][str(count)]
        assert found["accuracy"]["value"] == pytest.approx(np.mean(right))
        assert found["share_unknown"]["value"] == (count == 4)
