"""The networks: backbones, an ensemble of two, a plain CNN; what is frozen, what learns."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from itertools import pairwise

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from celestial.lean_torchvision import torchvision
from celestial.packaged_weights import PackagedWeights, efficientnet_lite
from celestial.preprocessing import IMAGENET_MEAN, IMAGENET_STD

HIDDEN = (512, 256)  # units of the head's two hidden layers
DROPOUT = (0.3, 0.2)  # after each of them
IMAGENET = "imagenet:"  # begins the name of a network under ImageNet's own head
CAM_LAYERS = 3  # the last ones; Grad-CAM looks into them
PLAIN = (32, 64, 128, 256, 256)  # channels of the plain CNN's blocks, each half as large
PLAIN_DROPOUT = 0.1  # share of the channels, after each block
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
    """A network without its last layer.

    Attributes:
        build: makes the network, untrained.
        weights: where ImageNet weights for it are, torchvision's or a package's; None: nowhere.
        width: length of its pooled feature vector.
        classifier: name of the layer that is taken off.
        last_blocks: names of the blocks that stage 2 fine-tunes.
        layers: names of a few layers with a spatial map, the first to the last.
        hidden: units of the head's hidden layers. RegNet, which is there to learn from scratch,
            has none: on 12,000 drawn pictures of 14 classes it got 52 % right, with them 44 %; nor
            have later networks.
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


def _build_lite(number: int) -> nn.Module:
    from celestial import lean_timm  # takes a while, and other networks do without

    return getattr(lean_timm.efficientnet(), f"tf_efficientnet_lite{number}")()


def _efficientnet_lite(number: int, sha256: str, side: int) -> Backbone:
    """Return EfficientNet-Lite, made for phones: convolutions and ReLU6, no squeeze-excitation."""
    return Backbone(
        partial(_build_lite, number), efficientnet_lite(number, sha256, side),
        1280, "classifier",
        # All but the stem and the first two stages, which compute on large maps: half the time.
        (*(f"blocks.{number}" for number in range(2, 7)), "conv_head", "bn2"),
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


def input_scale(name: str) -> dict[str, tuple[float, ...]]:
    """Return the `mean` and `std` of a network's input, as Preprocessing takes them."""
    first = BACKBONES[MEMBERS[name][0]]
    return {"mean": first.mean, "std": first.std}


class DepthwiseConv(nn.Conv2d):
    """A depthwise convolution that learns in float32 on a CPU, whatever autocast says.

    The gradient of oneDNN's bfloat16 depthwise convolution is slow: EfficientNet-B3 learns 1.8
    times as many pictures of 96 pixels a second this way, 1.3 times at 128 (2 cores, AVX512).
    """

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Convolve, in float32 where a gradient will be asked for on a CPU."""
        if inputs.device.type != "cpu" or not torch.is_grad_enabled():
            return super().forward(inputs)
        with torch.autocast("cpu", enabled=False):
            return super().forward(inputs.float())


@cache
def _depthwise(kind: type[nn.Conv2d]) -> type[DepthwiseConv]:
    """Return DepthwiseConv over another kind of convolution, as timm's Conv2dSame that pads."""
    return type(f"Depthwise{kind.__name__}", (DepthwiseConv, kind), {})


class Classifier(nn.Module):
    """One or two backbones, their pooled features side by side, and one head.

    A part whose parameters take no gradient stays in eval mode whatever `train()` is told:
    otherwise BatchNorm would go on changing its statistics in a "frozen" backbone.
    """

    def __init__(self, name: str, class_count: int):
        super().__init__()
        self.name = name
        self.backbones = nn.ModuleDict()
        for member in MEMBERS[name]:
            network = BACKBONES[member].build()
            setattr(network, BACKBONES[member].classifier, nn.Identity())
            for layer in network.modules():
                if isinstance(layer, nn.Conv2d) and layer.groups == layer.in_channels:
                    layer.__class__ = _depthwise(type(layer))  # same parameters, other arithmetic
            self.backbones[member] = network
        width = sum(BACKBONES[member].width for member in MEMBERS[name])
        layers = []
        hidden = () if name.startswith(IMAGENET) else BACKBONES[MEMBERS[name][0]].hidden
        for units, dropout in zip(hidden, DROPOUT, strict=False):
            layers += [nn.Linear(width, units), nn.ReLU(), nn.Dropout(dropout)]
            width = units
        self.head = nn.Sequential(*layers, nn.Linear(width, class_count))
        self.apply(_start)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Normalised float (N, 3, size, size) -> pooled features (N, width)."""
        return torch.cat([network(images) for network in self.backbones.values()], dim=1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Normalised float (N, 3, size, size) -> logits (N, classes)."""
        return self.head(self.features(images))

    def outputs(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Normalised float (N, 3, size, size) -> what the last layer sees, and logits."""
        return self.judge(self.features(images))

    def judge(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Pooled features (N, width) -> what the last layer sees, and logits, float32.

        Always in float32: logits of 16 bits would move probabilities by a hundredth.
        """
        with torch.autocast(features.device.type, enabled=False):
            seen = self.head[:-1](features.float())
            return seen, self.head[-1](seen)

    def train(self, mode: bool = True) -> "Classifier":
        """Switch to train mode, all but what is frozen."""
        super().train(mode)
        for part in self.backbones.modules():
            parameters = list(part.parameters())
            if parameters and not any(p.requires_grad for p in parameters):
                part.eval()
        return self

    def freeze_backbones(self) -> None:
        """Let only the head learn (stage 1)."""
        self.backbones.requires_grad_(False)

    def unfreeze(self, whole: bool) -> list[nn.Parameter]:
        """Let the last blocks of each backbone, or all of it, learn as well (stage 2).

        Returns:
            The parameters of the backbones that learn now.
        """
        parts = [self.backbones] if whole else [
            network.get_submodule(block) for member, network in self.backbones.items()
            for block in BACKBONES[member].last_blocks]
        parameters = [parameter for part in parts for parameter in part.parameters()]
        for parameter in parameters:
            parameter.requires_grad_(True)
        return parameters

    def cam_layers(self) -> list[nn.Module]:
        """Return the last `CAM_LAYERS` layers with a spatial map of each backbone."""
        return [network.get_submodule(name) for member, network in self.backbones.items()
                for name in BACKBONES[member].layers[-CAM_LAYERS:]]

    def load_backbones(self, states: dict[str, dict[str, torch.Tensor]]) -> None:
        """Load the weights of each backbone, by its name, as `start_weights` returns them."""
        for member, state in states.items():
            self.backbones[member].load_state_dict(state)


class LateClassifier(nn.Module):
    """What stage 2 teaches of a classifier: its last blocks and its head, not copies of them.

    The blocks before them are frozen. They compute in a copy whose BatchNorm is folded and whose
    weights have the precision of the computation, a quarter faster, and are no part of the state.
    """

    def __init__(self, model: Classifier, precision: torch.dtype):
        super().__init__()
        starts, self.tails = [], nn.ModuleDict()
        for member, network in model.backbones.items():
            start, self.tails[member] = _split(network, BACKBONES[member].last_blocks[0])
            starts.append(fold_batch_norm(copy.deepcopy(start).eval()).to(
                precision, memory_format=torch.channels_last))
        self.head = model.head
        self.starts = tuple(starts)  # not registered, so neither learned nor stored
        self.precision = precision

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Normalised float (N, 3, size, size) -> logits (N, classes)."""
        with torch.no_grad():
            maps = [start(images.to(self.precision)) for start in self.starts]
        return self.head(torch.cat([tail(seen) for tail, seen in zip(
            self.tails.values(), maps, strict=True)], dim=1))


def _split(network: nn.Module, block: str) -> tuple[nn.Sequential, nn.Module]:
    """Cut a network before one of its blocks.

    Args:
        network: its layers are called in the order in which they are listed.
        block: name of a layer, or of a layer's layer.

    Returns:
        What comes before it, and the network with nothing in place of that; both of the
        network's own layers.
    """
    name, _, inner = block.partition(".")
    before, tail = [], copy.copy(network)
    tail._modules = dict(network._modules)
    for child, layer in network.named_children():
        if child == name:
            break
        before.append(layer)
        tail._modules[child] = nn.Identity()
    if inner:
        deeper, tail._modules[name] = _split(network.get_submodule(name), inner)
        before += deeper
    return nn.Sequential(*before), tail


def fold_batch_norm(network: nn.Module) -> nn.Module:
    """Fold each BatchNorm into the convolution before it, in place, for a network in eval mode.

    In torchvision's and timm's networks a BatchNorm is listed right after the convolution it
    belongs to. The parts of timm's BatchNormAct2d, its activation among them, stay.
    """
    for part in network.modules():
        for (name, layer), (next_name, following) in pairwise(list(part.named_children())):
            if isinstance(layer, nn.Conv2d) and isinstance(following, nn.BatchNorm2d):
                setattr(part, name, fuse_conv_bn_eval(layer, following))
                setattr(part, next_name, nn.Sequential(*following.children()))
    return network


def _start(layer: nn.Module) -> None:
    """Give a layer first weights from which a deep network learns in a few hundred steps.

    Each residual block begins as the identity (Goyal et al., "Accurate, Large Minibatch SGD",
    2017, section 5.1), and the head's layers keep the variance of what goes through them (He et
    al., "Delving Deep into Rectifiers", 2015). Weights that are loaded take the place of these.
    """
    if isinstance(layer, nn.Linear):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        nn.init.zeros_(layer.bias)
    elif isinstance(layer, torchvision.models.resnet.Bottleneck):
        nn.init.zeros_(layer.bn3.weight)
    elif isinstance(layer, torchvision.models.regnet.ResBottleneckBlock):
        nn.init.zeros_(layer.f.c[1].weight)
    elif isinstance(layer, torchvision.models.efficientnet.MBConv) and layer.use_res_connect:
        nn.init.zeros_(layer.block[-1][1].weight)
