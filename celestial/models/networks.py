"""The networks: backbones under one head; what is frozen, what learns."""

import copy
from collections.abc import Iterator

import torch
from torch import nn

from celestial.models.backbones import IMAGENET, Backbone, backbone_of, members_of, plain_name
from celestial.models.convolutions import fold_batch_norm, learn_depthwise_in_float32
from celestial.models.timm_networks import TimmBackbone
from celestial.models.torchvision_import import torchvision

DROPOUT = (0.3, 0.2)  # after each of the head's hidden layers
CAM_LAYERS = 3  # the last ones; Grad-CAM looks into them


class Classifier(nn.Module):
    """One or two backbones, their pooled features side by side, and one head.

    A part whose parameters take no gradient stays in eval mode whatever `train()` is told:
    otherwise BatchNorm would go on changing its statistics in a "frozen" backbone.
    """

    def __init__(self, name: str, class_count: int, side: int | None = None):
        """Make the network, with first weights.

        Args:
            name: of the model: one of `backbones.MEMBERS`, or timm:NAME.
            class_count: length of its answer.
            side: of the pictures, pixels, where they are all of one size; None: as a network of
                timm has it.
        """
        super().__init__()
        self.name = name
        self.backbones = nn.ModuleDict()
        width = 0
        for member in members_of(name):
            body = backbone_of(member).body(side)
            learn_depthwise_in_float32(body)
            width += backbone_of(member).features(body)
            self.backbones[plain_name(member)] = body
        layers = []
        hidden = () if name.startswith(IMAGENET) else backbone_of(members_of(name)[0]).hidden
        for units, dropout in zip(hidden, DROPOUT, strict=False):
            layers += [nn.Linear(width, units), nn.ReLU(), nn.Dropout(dropout)]
            width = units
        self.head = nn.Sequential(*layers, nn.Linear(width, class_count))
        for about, body in self.parts():
            if not isinstance(about, TimmBackbone):  # timm's have first weights of their own
                body.apply(_start)
        self.head.apply(_start)

    def parts(self) -> Iterator[tuple[Backbone | TimmBackbone, nn.Module]]:
        """Yield what is known of each backbone, and the backbone."""
        return zip(map(backbone_of, members_of(self.name)), self.backbones.values(), strict=True)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Normalised float (N, 3, size, size) -> pooled features (N, width)."""
        return torch.cat([network(images) for network in self.backbones.values()], dim=1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Normalised float (N, 3, size, size) -> logits (N, classes)."""
        return self.head(self.features(images))

    def outputs(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Normalised float (N, 3, size, size) -> what the last layer sees, and logits."""
        return self.classify(self.features(images))

    def classify(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
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
        parameters = list(self.backbones.parameters()) if whole else [
            parameter for about, body in self.parts()
            for parameter in about.last_parameters(body)]
        for parameter in parameters:
            parameter.requires_grad_(True)
        return parameters

    def map_layers(self, side: int) -> list[list[str]]:
        """Return the names of each backbone's layers with a spatial map, the first to the last.

        Args:
            side: of the pictures, pixels.
        """
        return [about.map_layers(body, side) for about, body in self.parts()]

    def cam_layers(self, side: int) -> list[list[nn.Module]]:
        """Return the last `CAM_LAYERS` of these, of each backbone."""
        return [[body.get_submodule(name) for name in names[-CAM_LAYERS:]] for names, body
                in zip(self.map_layers(side), self.backbones.values(), strict=True)]

    def as_map(self, output: torch.Tensor) -> torch.Tensor:
        """Return the output of such a layer as a map (N, channels, height, width)."""
        about, body = next(self.parts())
        return about.as_map(body, output)

    def load_backbones(self, states: dict[str, dict[str, torch.Tensor]]) -> None:
        """Load the weights of each backbone, by its name, as `start_weights` returns them."""
        for member, state in states.items():
            self.backbones[plain_name(member)].load_state_dict(state)


class LateClassifier(nn.Module):
    """What stage 2 teaches of a classifier: its last blocks and its head, not copies of them.

    What is frozen is a copy in eval mode, with its BatchNorm folded and its weights in the
    precision of the computation: this makes training a quarter faster. The copy is no part of the
    state. Autograd stores nothing of what comes before the first layer that learns.
    """

    def __init__(self, model: Classifier, precision: torch.dtype):
        super().__init__()
        self.learning = nn.ModuleList(_learning_parts(model.backbones))
        own = {part for learning in self.learning for part in learning.modules()}
        self.single = nn.ParameterList(
            parameter for part in model.backbones.modules() if part not in own
            for parameter in part.parameters(recurse=False) if parameter.requires_grad)
        self.head = model.head
        # deepcopy takes what stands in its memo for copied already, so these stay the model's own.
        memo = {id(part): part for part in (*self.learning, *self.single)}
        networks = copy.deepcopy(list(model.backbones.values()), memo)
        for network in networks:
            fold_batch_norm(network.eval(), spared=own)
            for part in network.modules():
                if isinstance(part, (nn.Conv2d, nn.Linear)) and part not in own:
                    part.to(precision, memory_format=torch.channels_last)
        # In a tuple they are no part of the module, so they are neither learned nor stored.
        self.networks = tuple(networks)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Normalised float (N, 3, size, size) -> logits (N, classes)."""
        return self.head(torch.cat([network(images) for network in self.networks], dim=1))


def _learning_parts(network: nn.Module) -> list[nn.Module]:
    """Return the largest parts of a network of which everything learns."""
    parameters = list(network.parameters())
    if parameters and all(parameter.requires_grad for parameter in parameters):
        return [network]
    return [part for child in network.children() for part in _learning_parts(child)]


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
