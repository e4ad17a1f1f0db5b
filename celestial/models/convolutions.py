"""What is done to the convolutions and BatchNorms of any network."""

from collections.abc import Set
from itertools import pairwise

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

# Convolutions that use their weights as they are, and BatchNorms that do nothing else before the
# layers that they hold. By name, because some are timm's, which takes seconds to import.
PLAIN_CONVOLUTIONS = ("Conv2d", "Conv2dSame", "DepthwiseConv")
PLAIN_BATCH_NORMS = ("BatchNorm2d", "BatchNormAct2d")


class DepthwiseConv(nn.Conv2d):
    """A depthwise convolution that learns in float32 on a CPU, whatever autocast says.

    The gradient of oneDNN's bfloat16 depthwise convolution is slow: EfficientNet-B3 learns 1.8
    times as many pictures of 96 pixels a second this way, 1.3 times at 128 (2 cores, AVX512).
    """

    def __init__(self, usual: nn.Conv2d):
        """Take over the parameters of a convolution, in whose place this one stands from now on.

        Args:
            usual: one of `PLAIN_CONVOLUTIONS`.
        """
        super().__init__(usual.in_channels, usual.out_channels, usual.kernel_size, usual.stride,
                         usual.padding, usual.dilation, usual.groups, usual.bias is not None,
                         usual.padding_mode, device="meta")  # no memory, no random numbers
        self.weight, self.bias = usual.weight, usual.bias
        self.kind = type(usual)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Convolve as the usual one does, in float32 where a gradient will be needed on a CPU."""
        learns = torch.is_grad_enabled() and (self.weight.requires_grad or inputs.requires_grad)
        if inputs.device.type != "cpu" or not learns:
            return self.kind.forward(self, inputs)  # timm's Conv2dSame pads first
        with torch.autocast("cpu", enabled=False):
            return self.kind.forward(self, inputs.float())


def learn_depthwise_in_float32(network: nn.Module) -> None:
    """Put a DepthwiseConv in the place of each plain depthwise convolution of a network."""
    for part in list(network.modules()):
        for name, layer in list(part.named_children()):
            if type(layer).__name__ in PLAIN_CONVOLUTIONS and 1 < layer.groups == layer.in_channels:
                setattr(part, name, DepthwiseConv(layer))


def fold_batch_norm(network: nn.Module, spared: Set[nn.Module] = frozenset()) -> nn.Module:
    """Fold each BatchNorm into the convolution before it, in place, for a network in eval mode.

    In torchvision's and timm's networks a BatchNorm is listed right after the convolution it
    belongs to. The layers that timm's BatchNormAct2d holds, such as its activation, take its place.

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


def share_batch_norm(network: nn.Module) -> None:
    """Let each BatchNorm that learns take its statistics from all processes, in place.

    timm's BatchNormAct2d holds an activation that it calls after the normalisation. torch's
    conversion keeps it as a layer but does not call it, so a hook does. (timm has a conversion of
    its own, but that would import timm for every network, which takes seconds.)
    """
    for part in list(network.modules()):
        for name, layer in list(part.named_children()):
            if isinstance(layer, nn.BatchNorm2d) and layer.weight.requires_grad:
                shared = nn.SyncBatchNorm.convert_sync_batchnorm(layer)
                shared.register_forward_hook(_call_children)
                setattr(part, name, shared)


def _call_children(layer: nn.Module, inputs: tuple, outputs: torch.Tensor) -> torch.Tensor:
    for child in layer.children():
        outputs = child(outputs)
    return outputs
