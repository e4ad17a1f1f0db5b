"""What is done to convolutions and BatchNorm in whatever network they stand."""

from collections.abc import Set
from functools import cache
from itertools import pairwise

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

# Convolutions whose weights are used as they are, and BatchNorms that do nothing else before their
# own layers; by name where timm has them, which is not to be imported for this.
PLAIN_CONVOLUTIONS = ("Conv2d", "DepthwiseConv", "Conv2dSame", "DepthwiseConv2dSame")
PLAIN_BATCH_NORMS = ("BatchNorm2d", "BatchNormAct2d")


class DepthwiseConv(nn.Conv2d):
    """A depthwise convolution that learns in float32 on a CPU, whatever autocast says.

    The gradient of oneDNN's bfloat16 depthwise convolution is slow: EfficientNet-B3 learns 1.8
    times as many pictures of 96 pixels a second this way, 1.3 times at 128 (2 cores, AVX512).
    """

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Convolve, in float32 where a gradient will be asked for on a CPU."""
        learns = torch.is_grad_enabled() and (self.weight.requires_grad or inputs.requires_grad)
        if inputs.device.type != "cpu" or not learns:
            return super().forward(inputs)
        with torch.autocast("cpu", enabled=False):
            return super().forward(inputs.float())


def learn_depthwise_in_float32(network: nn.Module) -> None:
    """Make each depthwise convolution of a network a DepthwiseConv, in place."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d) and 1 < layer.groups == layer.in_channels:
            layer.__class__ = _depthwise(type(layer))  # same parameters, other arithmetic


@cache
def _depthwise(kind: type[nn.Conv2d]) -> type[DepthwiseConv]:
    """Return DepthwiseConv over another kind of convolution, as timm's Conv2dSame, which pads."""
    if issubclass(DepthwiseConv, kind):
        return DepthwiseConv
    return type(f"Depthwise{kind.__name__}", (DepthwiseConv, kind), {})


def fold_batch_norm(network: nn.Module, spared: Set[nn.Module] = frozenset()) -> nn.Module:
    """Fold each BatchNorm into the convolution before it, in place, for a network in eval mode.

    In torchvision's and timm's networks a BatchNorm is listed right after the convolution it
    belongs to. The layers of timm's BatchNormAct2d, its activation among them, stay.

    Args:
        network: is changed.
        spared: parts of it that stay as they are.
    """
    for part in network.modules():
        for (name, layer), (next_name, following) in pairwise(list(part.named_children())):
            if (type(layer).__name__ in PLAIN_CONVOLUTIONS
                    and type(following).__name__ in PLAIN_BATCH_NORMS
                    and layer not in spared and following not in spared):
                setattr(part, name, fuse_conv_bn_eval(layer, following))
                setattr(part, next_name, nn.Sequential(*following.children()))
    return network


class _SharedBatchNormAct(nn.SyncBatchNorm):
    """A SyncBatchNorm with the layers of timm's BatchNormAct2d after it."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        outputs = super().forward(inputs)
        for layer in self.children():
            outputs = layer(outputs)
        return outputs


def share_batch_norm(network: nn.Module) -> None:
    """Let each BatchNorm that learns see what it sees in all processes, in place.

    torch's own conversion alone would lose the activation of timm's BatchNormAct2d.
    """
    for part in list(network.modules()):
        for name, layer in list(part.named_children()):
            if isinstance(layer, nn.BatchNorm2d) and layer.weight.requires_grad:
                shared = nn.SyncBatchNorm.convert_sync_batchnorm(layer)  # keeps its layers, unused
                shared.__class__ = _SharedBatchNormAct
                setattr(part, name, shared)
