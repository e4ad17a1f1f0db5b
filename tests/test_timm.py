"""timm's networks by name: seven families, whose answers are those of the untouched network."""

import re
from types import SimpleNamespace

import huggingface_hub
import numpy as np
import pytest
import torch
from conftest import QUICK, run
from safetensors.torch import save_file
from torch import nn

from celestial.common.console import SHIPPED, UserError
from celestial.drawing import explain
from celestial.inference import engines
from celestial.inference.engines import TorchEngine
from celestial.models import timm_import
from celestial.models.backbones import backbone_of, require_usable
from celestial.models.checkpoints import Checkpoint, build_model, load_checkpoint, save_checkpoint
from celestial.models.convolutions import share_batch_norm
from celestial.models.networks import Classifier, LateClassifier
from celestial.models.start_weights import start_weights
from celestial.pictures.preprocessing import Preprocessing

SIDE, CLASSES, CPU = 64, 8, torch.device("cpu")
FAMILIES = {"resnet": "test_resnet.r160_in1k", "regnet": "regnetx_002",
            "efficientnet": "test_efficientnet", "mobilenetv3": "mobilenetv3_small_050",
            "convnext": "test_convnext", "vit": "test_vit", "swin": "swin_tiny_patch4_window7_224"}


def used(name: str) -> Classifier:
    """Return a network of which every weight and statistic matters, in eval mode."""
    torch.manual_seed(2)
    model = Classifier(f"timm:{name}", CLASSES, SIDE)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
        for layer in model.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.running_mean.uniform_(-0.3, 0.3)
                layer.running_var.uniform_(0.5, 1.5)
    return model.eval()


def untouched(name: str, model: Classifier, images: torch.Tensor) -> torch.Tensor:
    """Return the logits by timm's own network and the same head."""
    usual = timm_import.everything().get_pretrained_cfg(name)
    size = {"img_size": SIDE} if usual.fixed_input_size else {}
    own = timm_import.everything().create_model(name, num_classes=0, **size).eval()
    body, = model.backbones.values()
    own.load_state_dict(body.state_dict())
    with torch.no_grad():
        return model.head(own(images))


@pytest.mark.parametrize("name", FAMILIES.values(), ids=FAMILIES)
def test_engine_and_stage_2_answer_as_the_untouched_network(name, monkeypatch):
    monkeypatch.setattr(engines, "inference_precision", lambda device: None)
    model, preprocessing = used(name), Preprocessing(SIDE)
    squares = np.random.default_rng(1).integers(0, 256, (3, 3, SIDE, SIDE), np.uint8)
    images = preprocessing.normalise(torch.from_numpy(squares))
    wanted = untouched(name, model, images)
    near = {"rtol": 1e-3, "atol": 1e-4 * wanted.abs().max().item()}
    assert wanted.std() > 1e-3
    _, logits = TorchEngine(model, preprocessing, CPU).outputs(squares)
    assert torch.allclose(torch.from_numpy(logits), wanted, **near)

    model.freeze_backbones()
    learning = model.unfreeze(whole=False)
    late = LateClassifier(model, torch.float32).train()
    assert {id(p) for p in late.parameters()} == {
        id(p) for p in (*learning, *model.head.parameters())}
    before = {key: value.clone() for key, value in model.state_dict().items()}
    assert torch.allclose(late.eval()(images), wanted, **near)
    loss = nn.functional.cross_entropy(late.train()(images), torch.tensor([0, 1, 2]))
    loss.backward()
    torch.optim.SGD(late.parameters(), lr=0.1).step()
    moved = {key for key, value in model.state_dict().items()
             if not torch.equal(value, before[key])}
    own = {id(p) for p in learning}
    may_move = {key for key, value in model.named_parameters() if id(value) in own}
    assert moved & may_move and not {key for key, _ in model.named_parameters()
                                     if key.startswith("backbones.")} & moved - may_move


@pytest.mark.parametrize("name", FAMILIES.values(), ids=FAMILIES)
def test_what_the_network_looks_at(name):
    predictor = SimpleNamespace(model=used(name), preprocessing=Preprocessing(SIDE), device=CPU)
    with torch.no_grad():
        predictor.model.head[0].weight[0].abs_()  # or nothing may speak for any class, by chance
    squares = torch.zeros(2, 3, SIDE, SIDE, dtype=torch.uint8)
    squares[0, :, 4:20, 4:20] = squares[1, :, 44:60, 44:60] = 200
    for label in range(CLASSES):
        heats = explain.grad_cam(predictor, squares, [label, label])
        assert heats.shape == (2, SIDE, SIDE) and np.isfinite(heats).all()
        if heats.max(axis=(1, 2)).min() > 0.9:
            break
    else:
        raise AssertionError("no place speaks for any class")
    assert heats.min() < 0.1
    assert not np.allclose(*heats, atol=0.05), "the same, wherever the picture is bright"
    shown = explain.activation_maps(predictor, squares[0].numpy())
    assert 3 <= len(shown) <= explain.LAYERS
    if name == FAMILIES["swin"]:
        assert [told for told, _ in shown] == [
            "layer 1, 16 x 16", "layer 2, 8 x 8", "layer 3, 4 x 4", "layer 4, 2 x 2"]


@pytest.mark.slow
def test_a_network_is_trained_and_used(dataset, tmp_path):
    """Its name has a colon and a dot, which file names and names of layers may not have."""
    name = "timm:test_vit.r160_in1k"
    first = backbone_of(name).body(32).state_dict()
    torch.save(first, tmp_path / "first.pth")
    done = run("improved_training.py", "--data-dir", dataset, "--model", name, "--weights",
               "first.pth", *QUICK, cwd=tmp_path)
    assert done.status == 0, done.err
    folder = tmp_path / "model_checkpoints"
    assert not [path for path in folder.rglob("*") if ":" in path.name]
    log, = (folder / "logs").iterdir()
    assert log.name.startswith("timm_test_vit_r160_in1k_")
    trained = load_checkpoint(folder / "celestial_classification_final_model.pth")
    assert trained.model == name and trained.preprocessing.mean == (0.5, 0.5, 0.5)
    start = "backbones.timm_test_vit_r160_in1k."
    assert torch.equal(trained.state[f"{start}pos_embed"], first["pos_embed"])
    assert trained.state[f"{start}pos_embed"].shape[1] == 1 + 2 * 2
    done = run("predict_my_images.py", dataset / "val", "--explain", cwd=tmp_path)
    assert done.status == 0 and done.result["failed"] == 0, done.err
    assert done.result["ok"] + done.result["unknown"] == done.result["rows"] == 9


def test_without_a_network_one_sentence(dataset, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    options = ("--data-dir", dataset, "--model", "timm:test_resnet", *QUICK)
    done = run("improved_training.py", *options, "--weights", "imagenet", cwd=tmp_path)
    assert done.status == 1, done.out
    assert "cannot be had from timm's hub, https://huggingface.co/timm/test_resnet" in done.error
    done = run("improved_training.py", *options, "--model", "timm:resnet81", cwd=tmp_path)
    assert done.status == 2 and re.search(
        r"timm has no network 'resnet81'; the nearest names are resnet18, \w+, \w+$", done.error)


def test_the_hubs_weights(tmp_path, monkeypatch):
    """As they come: a thousand classes, of another size of pictures."""
    given = timm_import.everything().create_model("test_vit").state_dict()
    save_file(given, tmp_path / "model.safetensors")
    asked = []
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", lambda *place, **options: asked.append(
        place) or str(tmp_path / "model.safetensors"))
    found = start_weights("auto", "timm:test_vit", 80)
    assert asked == [("timm/test_vit.r160_in1k", "model.safetensors")]
    assert found.why == ("the weights of timm:test_vit from timm's hub, as pretrained/ has none for"
                         " timm:test_vit")
    state = found.states["timm:test_vit"]
    assert torch.equal(state["blocks.5.mlp.fc2.weight"], given["blocks.5.mlp.fc2.weight"])
    assert state["pos_embed"].shape[1] == 1 + 5 * 5 and "head.weight" not in state
    Classifier("timm:test_vit", 2, 80).load_backbones(found.states)


@pytest.mark.parametrize("name, side, growing, says", [
    ("test_vit", SIDE, (32, SIDE), "takes pictures of one size; leave --grow-from out"),
    ("halonet26t", 256, (128, 256), "cannot take pictures of 128 pixels .* leave --grow-from"),
    ("crossvit_9_240", SIDE, (), "say --image-size 240, for which it was made"),
    ("pit_ti_224", SIDE, (), "has no feature map")])
def test_networks_that_cannot_be_taken(name, side, growing, says):
    with pytest.raises(UserError, match=says):
        require_usable(f"timm:{name}", side, growing)
    require_usable("timm:test_resnet", SIDE, (32, SIDE))


@pytest.mark.parametrize("name", ["timm:no_such_net", "timm:hf-hub:somebody/net", "timm:"])
def test_a_checkpoint_names_a_network_of_timms_own(name, tmp_path):
    model = Classifier("timm:test_resnet.r160_in1k", 2)
    checkpoint = Checkpoint(model.name, ("a", "b"), Preprocessing(SIDE), model.state_dict(), 1.0,
                            0.0, {}, {}, "", [])
    path = save_checkpoint(tmp_path / "sound.pth", checkpoint)
    assert build_model(load_checkpoint(path), path).name == model.name
    checkpoint.model = name
    with pytest.raises(UserError, match="has no model"):
        load_checkpoint(save_checkpoint(tmp_path / "other.pth", checkpoint))


def test_statistics_shared_among_processes_keep_the_activation():
    model = used(FAMILIES["efficientnet"])
    images = torch.randn(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        before, keys = model(images), list(model.state_dict())
        share_batch_norm(model)
        assert torch.allclose(model(images), before, rtol=1e-4, atol=1e-5)
    assert list(model.state_dict()) == keys
    left = [layer for layer in model.modules() if isinstance(layer, nn.BatchNorm2d)]
    assert not left and any(isinstance(layer, nn.SyncBatchNorm) for layer in model.modules())


def test_the_weights_that_ship_answer_as_in_timms_network():
    shipped = load_checkpoint(SHIPPED)
    own = timm_import.everything().create_model("tf_efficientnet_lite0",
                                              num_classes=len(shipped.classes))
    start = f"backbones.{shipped.model}."
    state = {key.removeprefix(start).replace("head.0.", "classifier."): value.float()
             if value.is_floating_point() else value for key, value in shipped.state.items()}
    own.load_state_dict(state)
    images = torch.randn(2, 3, 128, 128, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        found = build_model(shipped, SHIPPED)(images)
        assert torch.allclose(found, own.eval()(images), rtol=1e-4, atol=1e-4)
