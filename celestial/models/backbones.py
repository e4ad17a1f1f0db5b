"""The backbones: networks without their last layer, and what is known of each."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, partial
from itertools import pairwise

import torch
from torch import nn

from celestial.common.console import TIMM
from celestial.models.packaged_weights import PackagedWeights, efficientnet_lite
from celestial.models.timm_networks import TimmBackbone, known_names
from celestial.models.torchvision_import import torchvision
from celestial.pictures.preprocessing import IMAGENET_MEAN, IMAGENET_STD

HIDDEN = (512, 256)  # units of the head's two hidden layers
IMAGENET = "imagenet:"  # begins the name of a network under ImageNet's own head
PLAIN = (32, 64, 128, 256, 256)  # channels of the plain CNN's blocks, each half as large
PLAIN_DROPOUT = 0.1  # proportion of the channels, after each block
# Google's MEAN_RGB and STDDEV_RGB (tensorflow/tpu, efficientnet/lite/efficientnet_lite_builder.py).
LITE_MEAN, LITE_STD = (127 / 255,) * 3, (128 / 255,) * 3


class PlainCNN(nn.Module):
    """Blocks of two convolutions, each with BatchNorm and ReLU, then the mean over all places.

    The first convolution of a block halves the picture: pooling would first compute four times as
    much at the full size.
    """

    def __init__(self):
        super().__init__()
        self.blocks = nn.Sequential(*(
            nn.Sequential(*_convolution(before, after, stride=2),
                          *_convolution(after, after, stride=1), nn.Dropout2d(PLAIN_DROPOUT))
            for before, after in pairwise((3, *PLAIN))))
        self.head = nn.Identity()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Normalised float (N, 3, size, size) -> (N, 256)."""
        return self.head(self.blocks(images).mean(dim=(2, 3)))


def _convolution(before: int, after: int, stride: int) -> tuple[nn.Module, ...]:
    return (nn.Conv2d(before, after, 3, stride, padding=1, bias=False), nn.BatchNorm2d(after),
            nn.ReLU(inplace=True))


@dataclass(frozen=True)
class Backbone:
    """A network, and how its last layer is taken off.

    Attributes:
        build: makes the network, untrained, its last layer on.
        weights: where ImageNet weights for it are, torchvision's or a package's; None: nowhere.
        width: length of its pooled feature vector.
        classifier: name of the layer that is taken off.
        last_blocks: names of the blocks that stage 2 fine-tunes.
        layers: names of a few layers with a spatial map, the first to the last.
        hidden: units of the head's hidden layers. RegNet has none, because it is there to learn
            from scratch: on 12,000 drawn pictures of 14 classes it got 52 % right without hidden
            layers and 44 % with them. Networks that were added later have none either.
        mean, std: of the channels R, G, B, 0..1, as its ImageNet weights expect them.
    """

    build: Callable[[], nn.Module]
    weights: torchvision.models.WeightsEnum | PackagedWeights | None
    width: int
    classifier: str
    last_blocks: tuple[str, ...]
    layers: tuple[str, ...]
    hidden: tuple[int, ...] = HIDDEN
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD

    def body(self, side: int | None = None) -> nn.Module:
        """Make the network without its last layer, for pictures of any side, in pixels."""
        network = self.build()
        setattr(network, self.classifier, nn.Identity())
        return network

    def features(self, body: nn.Module) -> int:
        """Return the length of the pooled feature vector."""
        return self.width

    def last_parameters(self, body: nn.Module) -> list[nn.Parameter]:
        """Return what stage 2 teaches."""
        return [parameter for block in self.last_blocks
                for parameter in body.get_submodule(block).parameters()]

    def map_layers(self, body: nn.Module, side: int) -> list[str]:
        """Return the names of a few layers with a spatial map, the first to the last."""
        return list(self.layers)

    def as_map(self, body: nn.Module, output: torch.Tensor) -> torch.Tensor:
        """Return such a layer's output as a map (N, channels, height, width)."""
        return output


def _build_lite(number: int) -> nn.Module:
    from celestial.models import timm_import  # here, because it takes a while and few need it

    return getattr(timm_import.efficientnet(), f"tf_efficientnet_lite{number}")()


def _efficientnet_lite(number: int, sha256: str, side: int) -> Backbone:
    """Return EfficientNet-Lite, made for phones: convolutions and ReLU6, no squeeze-excitation."""
    return Backbone(
        partial(_build_lite, number), efficientnet_lite(number, sha256, side),
        1280, "classifier",
        # All but the stem and the first two stages, which compute on large maps: half the time.
        (*(f"blocks.{stage}" for stage in range(2, 7)), "conv_head", "bn2"),
        ("bn1", "blocks.1", "blocks.2", "blocks.4", "bn2"), hidden=(), mean=LITE_MEAN,
        std=LITE_STD)


BACKBONES = {
    "regnet_y_800mf": Backbone(
        torchvision.models.regnet_y_800mf,
        torchvision.models.RegNet_Y_800MF_Weights.IMAGENET1K_V2,
        784, "fc", ("trunk_output.block3", "trunk_output.block4"),
        ("stem", *(f"trunk_output.block{number}" for number in (1, 2, 3, 4))), hidden=()),
    "efficientnet_b3": Backbone(
        torchvision.models.efficientnet_b3,
        torchvision.models.EfficientNet_B3_Weights.IMAGENET1K_V1,
        1536, "classifier", ("features.6", "features.7", "features.8"),
        ("features.0", "features.2", "features.3", "features.5", "features.8")),
    "resnet50": Backbone(
        torchvision.models.resnet50,
        torchvision.models.ResNet50_Weights.IMAGENET1K_V2,
        2048, "fc", ("layer4",), ("relu", *(f"layer{number}" for number in (1, 2, 3, 4)))),
    "efficientnet_lite0": _efficientnet_lite(0, "57934424", 224),
    "efficientnet_lite2": _efficientnet_lite(2, "9656183e", 260),
    "cnn": Backbone(
        PlainCNN, None, PLAIN[-1], "head", ("blocks.3", "blocks.4"),
        tuple(f"blocks.{number}" for number in range(len(PLAIN))), hidden=(128,)),
}
MEMBERS = {**{name: (name,) for name in BACKBONES}, "ensemble": ("resnet50", "efficientnet_b3"),
           **{IMAGENET + name: (name,) for name in ("resnet50", "efficientnet_b3",
                                                    "efficientnet_lite0", "efficientnet_lite2")}}


def members_of(name: str) -> tuple[str, ...]:
    """Return the backbones that a `--model` is made of."""
    return (name,) if name.startswith(TIMM) else MEMBERS[name]


@cache
def backbone_of(member: str) -> Backbone | TimmBackbone:
    """Return what is known of a backbone."""
    if member.startswith(TIMM):
        return TimmBackbone(member.removeprefix(TIMM))
    return BACKBONES[member]


def is_known(name: str) -> bool:
    """Say whether there is a model of this name."""
    return name in MEMBERS or (name.startswith(TIMM)
                               and name.removeprefix(TIMM) in known_names())


def require_usable(name: str, side: int, growing: Iterable[int] = ()) -> None:
    """Raise UserError where a model cannot be trained: see `TimmBackbone.require_usable`."""
    if name.startswith(TIMM):
        backbone_of(name).require_usable(side, growing)


def plain_name(name: str) -> str:
    """Return the name of a model as the name of a file, or of a part of a network."""
    return re.sub(r"\W", "_", name)


def input_scale(name: str) -> dict[str, tuple[float, ...]]:
    """Return the `mean` and `std` of a network's input, as Preprocessing takes them."""
    first = backbone_of(members_of(name)[0])
    return {"mean": first.mean, "std": first.std}
