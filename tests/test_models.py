"""The networks: what they are made of, and that frozen means frozen."""

import argparse
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from celestial.models.backbones import BACKBONES, MEMBERS
from celestial.models.convolutions import DepthwiseConv
from celestial.models.networks import Classifier, LateClassifier
from celestial.pictures.preprocessing import Preprocessing
from celestial.training.stages import fine_tuning_stage
from celestial.training.training_data import TrainingData

NAMES = [name for name in MEMBERS if ":" not in name]  # the others differ in the head alone
PICTURES = torch.randn(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def statistics(model: Classifier) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.backbones.state_dict().items()}


def train_one_step(model: nn.Module) -> None:
    learning = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(learning, lr=0.1)
    model.train()
    loss = nn.functional.cross_entropy(model(PICTURES), torch.tensor([0, 1, 2, 0]))
    loss.backward()
    optimizer.step()


@pytest.mark.parametrize("name", MEMBERS)
def test_head_and_features(name):
    model = Classifier(name, 3).eval()
    kinds = [type(layer) for layer in model.head]
    count = {"efficientnet_b3": 2, "resnet50": 2, "ensemble": 2, "cnn": 1}
    hidden = [nn.Linear, nn.ReLU, nn.Dropout] * count.get(name, 0)
    assert kinds == [*hidden, nn.Linear]
    with torch.inference_mode():
        assert model.features(PICTURES).shape == (4, model.head[0].in_features)
        assert model(PICTURES).shape == (4, 3)
    widths = {"regnet_y_800mf": 784, "efficientnet_b3": 1536, "resnet50": 2048,
              "ensemble": 2048 + 1536, "cnn": 256, "efficientnet_lite0": 1280,
              "efficientnet_lite2": 1280}
    assert model.head[0].in_features == widths[name.removeprefix("imagenet:")]


@pytest.mark.parametrize("name", NAMES)
def test_a_frozen_backbone_changes_in_no_bit(name):
    model = Classifier(name, 3)
    model.freeze_backbones()
    before, head = statistics(model), model.head[-1].bias.clone()
    train_one_step(model)
    after = statistics(model)
    assert all(torch.equal(before[key], after[key]) for key in before), "BatchNorm drifted"
    assert not torch.equal(head, model.head[-1].bias)
    assert all(parameter.grad is None for parameter in model.backbones.parameters())


@pytest.mark.parametrize("name", NAMES)
def test_stage_2_moves_the_last_blocks_alone(name):
    model = Classifier(name, 3)
    model.freeze_backbones()
    model.unfreeze(whole=False)
    before = statistics(model)
    train_one_step(model)
    after = statistics(model)
    moved = {key for key in before if not torch.equal(before[key], after[key])}
    last = ("efficientnet_b3.features.6.", "efficientnet_b3.features.7.",
            "efficientnet_b3.features.8.", "resnet50.layer4.",
            "regnet_y_800mf.trunk_output.block3.",
            "regnet_y_800mf.trunk_output.block4.", "cnn.blocks.3.", "cnn.blocks.4.",
            *(f"efficientnet_lite{number}.{part}." for number in (0, 2)
              for part in (*(f"blocks.{stage}" for stage in range(2, 7)), "conv_head", "bn2")))
    assert moved and all(key.startswith(last) for key in moved)
    assert any(key.endswith("running_mean") for key in moved)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_late_classifier_is_the_classifier(name):
    """Same logits and gradients; learning it teaches the classifier's own layers."""
    torch.manual_seed(3)
    model = Classifier(name, 3)
    with torch.no_grad():
        for _ in range(10):
            model.train()(PICTURES)  # BatchNorm statistics that fit the pictures
    model.freeze_backbones()
    learning = model.unfreeze(whole=False)
    late = LateClassifier(model, torch.float32)
    assert {id(p) for p in late.parameters()} == {
        id(p) for p in (*learning, *model.head.parameters())}
    found, wanted = late.eval()(PICTURES), model.eval()(PICTURES)
    assert torch.allclose(found, wanted, rtol=1e-3, atol=1e-3 * wanted.abs().max().item())
    gradients = [torch.autograd.grad(logits.square().mean(), learning[0])[0]
                 for logits in (found, wanted)]
    assert torch.allclose(*gradients, rtol=1e-2, atol=1e-2 * gradients[1].abs().max().item())
    before = statistics(model)
    train_one_step(late)
    moved = {key for key, value in statistics(model).items() if not torch.equal(value, before[key])}
    blocks = [f"{member}.{block}." for member in MEMBERS[name]
              for block in BACKBONES[member].last_blocks]
    assert moved and all(key.startswith(tuple(blocks)) for key in moved)


def test_stage_2_takes_the_whole_network_to_its_device():
    """On a GPU the frozen blocks stayed behind, and the finished training could not be evaluated.

    The device "meta" is no GPU, but it is there everywhere, and another one than the CPU.
    """
    meta, nothing = torch.device("meta"), np.zeros((4, 3, 64, 64), np.uint8)
    labels = np.array([0, 1, 2, 0])
    data = TrainingData(nothing, labels, nothing, labels, [], Preprocessing(64), Path(), meta)
    model = Classifier("resnet50", 3)
    model.freeze_backbones()
    stage = fine_tuning_stage(model, data, argparse.Namespace(
        fine_tune="last-blocks", learning_rate=1e-3, epochs=1, batch_size=4, seed=1))
    for network in (model, stage.network.to(meta)):
        assert network(torch.empty(2, 3, 64, 64, device=meta)).device == meta
    tensors = [*model.state_dict().values(),
               *(value for network in stage.network.networks
                 for value in network.state_dict().values())]
    assert {value.device for value in tensors} == {meta}


def test_cached_features_are_those_of_the_live_backbone_in_training():
    model = Classifier("resnet50", 3)
    model.freeze_backbones()
    with torch.no_grad():
        cached = model.eval().features(PICTURES)
        live = model.train().features(PICTURES)
    assert torch.equal(cached, live)


def test_depthwise_convolution_is_the_usual_one():
    usual = nn.Conv2d(8, 8, 3, stride=2, padding=1, dilation=2, groups=8, bias=False)
    before = torch.get_rng_state()
    layer = DepthwiseConv(usual)
    assert torch.equal(torch.get_rng_state(), before), "it drew weights of its own"
    assert layer.state_dict().keys() == usual.state_dict().keys() and layer.weight is usual.weight
    inputs = torch.randn(2, 8, 9, 9)
    assert torch.equal(layer(inputs), usual(inputs))
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(inputs).dtype == torch.float32
    names = {type(m) for m in Classifier("efficientnet_b3", 2).modules()
             if isinstance(m, nn.Conv2d) and m.groups > 1}
    assert names == {DepthwiseConv}
