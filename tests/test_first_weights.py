"""Where a training's first weights come from."""

import re

import pytest
import torch
from conftest import (
    QUICK,
    start,
)
from trained import FINAL, train

from celestial.common.console import DEFAULT_MODEL, SHIPPED
from celestial.models.backbones import BACKBONES
from celestial.models.checkpoints import load_checkpoint


@pytest.mark.slow
def test_without_network_and_weights(dataset, tmp_path):
    done = train(tmp_path, dataset, "--weights", "imagenet", "--model", "efficientnet_b3")
    assert done.status == 1 and "cannot be downloaded" in done.error
    assert "efficientnet_b3_rwightman" in done.error, "which file to put where"
    assert not (tmp_path / "model_checkpoints" / FINAL).exists()
    process = start("improved_training.py", "--data-dir", dataset, *QUICK, "--model",
                    "efficientnet_b3", cwd=tmp_path)
    for line in process.stdout:
        if line.startswith("weights:"):
            process.kill()
            break
    process.communicate()
    assert re.search("from scratch in one stage, because .* cannot be downloaded", line)


def test_without_network_the_weights_that_ship_are_the_start(dataset, tmp_path):
    done = train(tmp_path, dataset, "--float16")
    assert done.status == 0, done.err
    assert f"weights: weights from {SHIPPED}, the celestial ones that ship" in done.out
    first = load_checkpoint(SHIPPED).state
    trained = load_checkpoint(tmp_path / "model_checkpoints" / FINAL).state
    frozen = f"backbones.{DEFAULT_MODEL}.conv_stem.weight"
    assert torch.equal(first[frozen].half(), trained[frozen])
    assert trained[frozen].dtype == torch.float16
    assert trained[f"backbones.{DEFAULT_MODEL}.bn1.running_var"].dtype == torch.float32
    assert SHIPPED.stat().st_size < 25e6


@pytest.mark.slow
def test_auto_takes_imagenet_weights_from_torchvisions_cache(dataset, tmp_path):
    torch.manual_seed(3)
    network = BACKBONES["resnet50"].build()
    name = BACKBONES["resnet50"].weights.url.rsplit("/", 1)[1]
    cache = tmp_path / "torch/hub/checkpoints"
    cache.mkdir(parents=True)
    torch.save(network.state_dict(), cache / name)
    done = train(tmp_path, dataset, "--model", "resnet50")
    assert done.status == 0, done.err
    assert "weights: ImageNet weights of resnet50 from torchvision" in done.out
    state = load_checkpoint(tmp_path / "model_checkpoints" / FINAL).state
    assert torch.equal(state["backbones.resnet50.conv1.weight"], network.conv1.weight)

    (cache / name).write_bytes(b"half a download")
    done = train(tmp_path, dataset, "--model", "resnet50", "--weights", "imagenet")
    assert done.status == 1 and "is damaged" in done.error


@pytest.mark.parametrize("content", [b"", b"no weights", None])
def test_a_weight_file_that_does_not_fit(dataset, tmp_path, content):
    file = tmp_path / "w.pth"
    if content is None:
        torch.save({"conv1.weight": torch.zeros(3)}, file)
    else:
        file.write_bytes(content)
    done = train(tmp_path, dataset, "--weights", file)
    assert done.status == 1 and str(file) in done.error
