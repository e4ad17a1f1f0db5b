"""Other classes than planets: two of them, two hundred, names in Chinese; the plain CNN."""

import csv
import json

import numpy as np
import pytest
import torch
from conftest import draw, draw_folder, run
from PIL import Image

from celestial.drawing.explain import activation_maps
from celestial.inference.predictor import Predictor
from celestial.models.checkpoints import load_checkpoint

FINAL = "model_checkpoints/celestial_classification_final_model.pth"
CNN = ("--model", "cnn", "--optimizer", "rmsprop", "--image-size", "32", "--epochs", "12",
       "--batch-size", "8")


def rows_of(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def two_classes(tmp_path_factory):
    """Two classes, split, learned by the plain CNN and evaluated."""
    base = tmp_path_factory.mktemp("two")
    draw_folder(base / "data/input", 20, ("mars", "neptune"))
    for script, options in (("datapre.py", ()), ("improved_training.py", CNN),
                            ("evaluate_model.py", ())):
        done = run(script, *options, cwd=base)
        assert done.status == 0, done.err
    return base, done.result


@pytest.mark.slow
def test_the_plain_cnn_learns_in_one_stage_without_weights(two_classes):
    base, result = two_classes
    rows = rows_of(base / "model_checkpoints/training_history.csv")
    assert {row["stage"] for row in rows} == {"whole network from scratch"} and len(rows) > 2
    assert float(rows[-1]["train_loss"]) < float(rows[0]["train_loss"])
    checkpoint = load_checkpoint(base / FINAL)
    assert checkpoint.model == "cnn" and checkpoint.options["optimizer"] == "rmsprop"
    assert "no ImageNet weights for cnn" in checkpoint.options["weights_used"]
    assert result["accuracy"]["value"] >= 0.8, "red and blue discs are easily told apart"


def test_no_imagenet_weights_for_the_plain_cnn(dataset, tmp_path):
    done = run("improved_training.py", "--data-dir", dataset, *CNN, "--weights", "imagenet",
               cwd=tmp_path)
    assert done.status == 2 and "no ImageNet weights" in done.error


@pytest.mark.slow
def test_figures_of_two_classes(two_classes):
    base, result = two_classes
    out = base / "evaluation_results"
    for name in ("binary_curves.png", "activation_maps.png", "roc_curves.png"):
        assert str(out.relative_to(base) / name) in result["files"]
        with Image.open(out / name) as figure:
            assert min(figure.size) > 300 and np.asarray(figure.convert("L")).std() > 5
    assert json.loads((out / "metrics.json").read_text())["pictures"] == 6


@pytest.mark.slow
def test_three_classes_have_no_binary_curves(dataset, checkpoint, tmp_path):
    done = run("evaluate_model.py", "--data-dir", dataset, "--checkpoint", checkpoint, cwd=tmp_path)
    assert done.status == 0, done.err
    assert not (tmp_path / "evaluation_results/binary_curves.png").exists()


@pytest.mark.slow
def test_a_checkpoint_of_other_classes(two_classes, dataset, tmp_path):
    base, _ = two_classes
    done = run("evaluate_model.py", "--data-dir", dataset, "--checkpoint", base / FINAL,
               cwd=tmp_path)
    assert done.status == 1 and "does not know: saturn" in done.error


@pytest.mark.slow
def test_activation_maps_are_what_the_layers_give(two_classes):
    base, _ = two_classes
    predictor = Predictor(base / FINAL, torch.device("cpu"), None, 1)
    square = predictor.preprocessing.square(draw("mars", 3))
    maps = activation_maps(predictor, square)
    assert [name for name, _ in maps] == [f"layer {n}, {side} x {side}" for n, side
                                          in enumerate((16, 8, 4, 2, 1), start=1)]
    with torch.inference_mode():
        network = predictor.model.backbones["cnn"]
        values = network.blocks[0](predictor.preprocessing.normalise(
            torch.from_numpy(square)[None]))[0].numpy()
    best = values[values.std(axis=(1, 2)).argmax()]
    drawn = maps[0][1][:84, :84].astype(int).sum(axis=2)  # viridis grows brighter with the value
    brightest = np.unravel_index(best.argmax(), best.shape)
    darkest = np.unravel_index(best.argmin(), best.shape)

    def at(place):
        y, x = (int((index + 0.5) * 84 / len(best)) for index in place)
        return drawn[y, x]

    assert at(brightest) == drawn.max() and at(darkest) == drawn.min()


@pytest.mark.slow
def test_explained_cards_and_the_same_table(two_classes, tmp_path):
    base, _ = two_classes
    draw_folder(tmp_path / "my_images", 5, ("mars", "neptune"))
    (tmp_path / "my_images/bad.png").write_text("no picture")
    tables = []
    for options in ((), ("--explain",)):
        done = run("predict_my_images.py", "--checkpoint", base / FINAL, *options, cwd=tmp_path)
        assert done.status == 0, done.err
        tables.append(rows_of(tmp_path / "my_predictions/batch_prediction_summary.csv"))
        with Image.open(tmp_path / "my_predictions/pictures/mars/mars 0.png.png") as card:
            width = card.width
    assert tables[0] == tables[1] and len(tables[0]) == 11
    assert width > 600, "the heat map stands beside the picture"


@pytest.mark.slow
def test_two_hundred_classes_some_with_unusual_names(tmp_path):
    random = np.random.default_rng(0)
    names = ["土星", "100 % sure", "은하", "a+b"] + [f"kind {number}" for number in range(196)]
    for number, name in enumerate(names):
        folder = tmp_path / "data/input" / name
        folder.mkdir(parents=True)
        for index in range(3):
            noise = random.integers(0, 256, (6, 6, 3), np.uint8)
            noise[:, :, number % 3] //= 2
            Image.fromarray(noise).resize((40, 40), Image.Resampling.BICUBIC).save(
                folder / f"{index}.png")
    for script, options in (("datapre.py", ()), ("improved_training.py", (
            *CNN[:6], "--epochs", "1", "--batch-size", "64")), ("evaluate_model.py", ())):
        done = run(script, *options, cwd=tmp_path)
        assert done.status == 0, done.err
    for path in done.result["files"]:
        if path.endswith(".png"):
            with Image.open(tmp_path / path) as figure:
                assert max(figure.size) < 12_000, f"{path} is {figure.size}"
    state = load_checkpoint(tmp_path / FINAL)
    assert len(state.classes) == 200 and set(names) == set(state.classes)
