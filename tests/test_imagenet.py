"""torchvision's own networks as they are: the same answers, offline from torch's cache."""

import csv

import numpy as np
import pytest
import torch
from conftest import draw_folder, run
from PIL import Image

from celestial.models.backbones import BACKBONES

NAMES = ("resnet50", "efficientnet_b3")


def fill_cache(home, member):
    """Put random weights of the right name and shape where torch keeps downloads."""
    torch.manual_seed(5)
    network = BACKBONES[member].build().eval()
    name = BACKBONES[member].weights.url.rsplit("/", 1)[1]
    cache = home / "torch/hub/checkpoints"
    cache.mkdir(parents=True)
    torch.save(network.state_dict(), cache / name)
    return network


def rows_of(folder):
    with (folder / "batch_prediction_summary.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
@pytest.mark.parametrize("member", NAMES)
def test_the_answers_are_torchvisions(tmp_path, member):
    network, weights = fill_cache(tmp_path, member), BACKBONES[member].weights
    folder = draw_folder(tmp_path / "my_images", 2)
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (300, 700, 3), np.uint8)).save(
        folder / "wide.png")
    done = run("predict_my_images.py", "--checkpoint", f"imagenet:{member}", cwd=tmp_path)
    assert done.status == 0, done.err
    rows = rows_of(tmp_path / "my_predictions")
    assert len(rows) == 7 and {row["status"] for row in rows} == {"ok"}
    for row in rows:
        with Image.open(folder / row["filename"]) as picture, torch.inference_mode():
            logits = network(weights.transforms()(picture.convert("RGB"))[None])[0]
        probabilities = logits.softmax(dim=0)
        given = [pair.rsplit(":", 1) for pair in row["top5"].split("; ")]
        assert len(given) == 5
        for name, value in given:
            own = probabilities[weights.meta["categories"].index(name)].item()
            assert abs(float(value) - own) < 0.02 * own + 1e-4
    assert (tmp_path / "my_predictions/contact_sheet.png").exists()


def test_without_network_and_cache(tmp_path):
    draw_folder(tmp_path / "my_images", 1)
    done = run("predict_my_images.py", "--checkpoint", "imagenet:resnet50", cwd=tmp_path)
    assert done.status == 1
    assert "resnet50-11ad3fa6.pth belongs in" in done.error
    assert not (tmp_path / "my_predictions").exists()


def test_a_damaged_download(tmp_path):
    fill_cache(tmp_path, "resnet50")
    next((tmp_path / "torch/hub/checkpoints").iterdir()).write_bytes(b"half a download")
    draw_folder(tmp_path / "my_images", 1)
    done = run("predict_my_images.py", "--checkpoint", "imagenet:resnet50", cwd=tmp_path)
    assert done.status == 1 and "is damaged" in done.error


@pytest.mark.parametrize("options", [
    ("--checkpoint", "imagenet:vgg16"),
    ("--checkpoint", "imagenet:resnet50", "--engine", "ray"),
    ("--engine", "ray", "--denoise"), ("--explain", "--no-pictures"), ("--stretch", "log")])
def test_options_that_do_not_go_together(tmp_path, options):
    draw_folder(tmp_path / "my_images", 1)
    done = run("predict_my_images.py", *options, cwd=tmp_path)
    assert done.status == 2 and "error: " in done.err and "Traceback" not in done.err


def test_other_scripts_say_that_the_classes_differ(dataset, tmp_path):
    fill_cache(tmp_path, "resnet50")
    done = run("evaluate_model.py", "--data-dir", dataset, "--checkpoint", "imagenet:resnet50",
               cwd=tmp_path)
    assert done.status == 1 and "does not know" in done.error
    assert len(done.error) < 500
