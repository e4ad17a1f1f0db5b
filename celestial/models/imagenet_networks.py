"""ImageNet's networks with their own last layer, which name everyday things in any picture."""

from pathlib import Path

import torch

from celestial.common.console import UserError
from celestial.models.backbones import BACKBONES, IMAGENET, MEMBERS, input_scale
from celestial.models.checkpoints import Checkpoint, load_checkpoint
from celestial.models.packaged_weights import PackagedWeights
from celestial.models.start_weights import imagenet_state
from celestial.pictures.preprocessing import Preprocessing

PREFIX = {"resnet50": "fc.", "efficientnet_b3": "classifier.1.",
          "efficientnet_lite0": "classifier.", "efficientnet_lite2": "classifier."}  # of the head

# Of ImageNet's classes, in the order of every network here: torchvision has them as words.
LABELS = tuple(BACKBONES["resnet50"].weights.meta["categories"])


def open_checkpoint(path: Path) -> tuple[Path, Checkpoint]:
    """Read a checkpoint file, or make one of ImageNet's weights for `imagenet:<network>`.

    Returns:
        The file that the weights lie in, and the checkpoint.

    Raises:
        UserError: one sentence that says why it cannot be used.
    """
    name = str(path)
    if not name.startswith(IMAGENET):
        return path, load_checkpoint(path)
    if name not in MEMBERS:
        known = ", ".join(name for name in MEMBERS if name.startswith(IMAGENET))
        raise UserError(f"there is no {name}; name a checkpoint file or one of {known}", status=2)
    member, = MEMBERS[name]
    file, state = imagenet_state(member)
    return file, Checkpoint(
        model=name, classes=LABELS, preprocessing=_preprocessing(member),
        state=_as_ours(state, member), temperature=1.0, reject_below=float("-inf"), val={},
        options={}, manifest_sha256="", train_sha256=[])


def _preprocessing(member: str) -> Preprocessing:
    """Return what torchvision's own transform of these weights does, or Google's of theirs."""
    weights = BACKBONES[member].weights
    if isinstance(weights, PackagedWeights):
        return Preprocessing(size=weights.side, fit="crop", **input_scale(member), largest_gain=1.0,
                             cropped_from=weights.side + weights.margin, resampling="bicubic")
    usual = weights.transforms()
    return Preprocessing(size=usual.crop_size[0], fit="crop", mean=tuple(usual.mean),
                         std=tuple(usual.std), largest_gain=1.0,
                         cropped_from=usual.resize_size[0], resampling=usual.interpolation.value)


def _as_ours(state: dict[str, torch.Tensor], member: str) -> dict[str, torch.Tensor]:
    """Name a network's weights as `networks.Classifier` does."""
    prefix, unused = PREFIX[member], BACKBONES[member].classifier + "."
    backbone = {f"backbones.{member}.{name}": value for name, value in state.items()
                if not name.startswith(unused)}
    return backbone | {f"head.0.{name}": state[prefix + name] for name in ("weight", "bias")}
