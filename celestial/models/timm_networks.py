"""timm's networks by their names; what is known of each comes from timm itself."""

import copy
import difflib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType

import torch
from torch import nn

from celestial.common.console import TIMM, UserError
from celestial.common.import_errors import first_line
from celestial.models.convolutions import fold_batch_norm

LAST_PART = 3  # stage 2 teaches the last third of a network's stages or blocks
# What a network raises that was made for another size of pictures.
NOT_MADE_FOR_THIS = (TypeError, RuntimeError, AssertionError, ValueError, IndexError)


def _timm() -> ModuleType:
    from celestial.models import timm_import  # here, because it takes a while and few need it

    return timm_import.everything()


def known_names() -> set[str]:
    """Return timm's names of networks, and of networks with certain weights (`name.tag`)."""
    return {*_timm().list_models(), *_timm().list_pretrained()}


@dataclass(frozen=True)
class TimmBackbone:
    """A network of timm without its last layer; the same methods as `backbones.Backbone`.

    Attributes:
        name: timm's.
        hidden: units of the head's hidden layers.
    """

    name: str
    hidden: tuple[int, ...] = ()

    @cached_property
    def _usual(self):
        """How its weights were trained: timm's PretrainedCfg."""
        return _timm().get_pretrained_cfg(self.name)

    @property
    def mean(self) -> tuple[float, ...]:
        """Mean of the channels R, G, B, 0..1, as its weights expect them."""
        return tuple(self._usual.mean)

    @property
    def std(self) -> tuple[float, ...]:
        """Their standard deviation."""
        return tuple(self._usual.std)

    def body(self, side: int | None = None, **more) -> nn.Module:
        """Make the network for pictures of a side, in pixels; None: as timm has it.

        `more` are options of timm.create_model.
        """
        usual = self._usual
        if usual.fixed_input_size and side not in (None, usual.input_size[-1]):
            more["img_size"] = side
        return _timm().create_model(self.name, num_classes=0, **more)

    @property
    def weights(self) -> str | None:
        """Where timm's hub has weights for it; None: nowhere."""
        return self._usual.hf_hub_id

    def hub_state(self, side: int | None) -> dict[str, torch.Tensor]:
        """Return the state dict of its weights, from timm's hub or the cache of an earlier time.

        Raises:
            UserError: they cannot be had.
        """
        try:
            given = {"file": self._hub_file(), "custom_load": False}
            return self.body(side, pretrained=True, pretrained_cfg_overlay=given).state_dict()
        except Exception as error:  # each version of the hub has the errors of another HTTP library
            raise UserError(f"the weights of {TIMM}{self.name} cannot be had from timm's hub, "
                            f"https://huggingface.co/{self.weights} ({first_line(error)}); run it "
                            "once with a network, or choose another --model") from error

    def _hub_file(self) -> str:
        import huggingface_hub as hub

        name = self._usual.hf_hub_filename or "model.safetensors"
        try:
            return hub.hf_hub_download(self.weights, name, local_files_only=True)
        except FileNotFoundError:  # not in the cache
            # This fails at once where there is no network; the download would try for a minute.
            hub.get_hf_file_metadata(hub.hf_hub_url(self.weights, name))
            return hub.hf_hub_download(self.weights, name)

    def features(self, body: nn.Module) -> int:
        """Return the length of the pooled feature vector."""
        return getattr(body, "head_hidden_size", None) or body.num_features

    def last_parameters(self, body: nn.Module) -> list[nn.Parameter]:
        """Return what stage 2 teaches: of timm's groups, stem to head, the last third."""
        groups = _timm().models.group_parameters(body, body.group_matcher(coarse=True),
                                                 return_values=True)
        ordered = [groups[number] for number in sorted(groups)]
        return sum(ordered[-max(1, round(len(ordered) / LAST_PART)):], [])

    def map_layers(self, body: nn.Module, side: int) -> list[str]:
        """Return the layers, the first to the last, on whose spatial map the features depend.

        Not all do: a transformer that takes its class token alone does not depend on the last map.

        Args:
            body: in eval mode.
            side: of its pictures, pixels.
        """
        outputs, hooks, layers = {}, [], dict(body.named_modules())
        named = [about.get("module") for about in getattr(body, "feature_info", None) or ()]
        for name in filter(layers.get, named):  # a few networks name layers that they do not have
            hooks.append(layers[name].register_forward_hook(
                lambda layer, inputs, output, name=name: outputs.update({name: output})))
        device = next(body.parameters()).device
        picture = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0))
        with torch.enable_grad():
            try:
                features = body(picture.to(device).requires_grad_())
            finally:
                for hook in hooks:
                    hook.remove()
            maps = {name: output for name, output in outputs.items()
                    if isinstance(output, torch.Tensor)
                    and self.as_map(body, output) is not None}
            gradients = torch.autograd.grad(features.square().sum(), list(maps.values()),
                                            allow_unused=True) if maps else ()
        return [name for name, gradient in zip(maps, gradients, strict=True)
                if gradient is not None and self.as_map(body, gradient).any()]

    def as_map(self, body: nn.Module, output: torch.Tensor) -> torch.Tensor | None:
        """Return a layer's output as a map (N, channels, height, width); None: it is none."""
        if output.dim() == 3:  # tokens (N, length, channels)
            tokens = output[:, getattr(body, "num_prefix_tokens", 0):]
            side = math.isqrt(tokens.shape[1])
            return (tokens.transpose(1, 2).unflatten(2, (side, side))
                    if side and side * side == tokens.shape[1] else None)
        if output.dim() == 4 and getattr(body, "output_fmt", "NCHW") == "NHWC":
            return output.permute(0, 3, 1, 2)
        return output if output.dim() == 4 else None

    def require_usable(self, side: int, growing: Iterable[int] = ()) -> None:
        """Try the network on pictures.

        Args:
            side: of the pictures that it is to classify, pixels.
            growing: sides of the pictures in training, where these are others.

        Raises:
            UserError: there is none of this name, or it cannot be used here.
        """
        told, names = f"--model {TIMM}{self.name}", known_names()
        if self.name not in names:
            nearest = difflib.get_close_matches(self.name, sorted(names), n=3, cutoff=0)
            raise UserError(f"timm has no network {self.name!r}; the nearest names are "
                            f"{', '.join(nearest)}", status=2)
        usual = self._usual.input_size[-1]
        others = sorted(set(growing) - {side})
        if others and self._usual.fixed_input_size:
            raise UserError(f"{told} takes pictures of one size; leave --grow-from out", status=2)
        try:
            body = self.body(side).eval()
            sound = _folds(body, side, self.features(body))
            maps = self.map_layers(body, side)
        except NOT_MADE_FOR_THIS as error:
            if side == usual:
                raise UserError(f"{told} cannot be used here ({first_line(error)}); choose another",
                                status=2) from error
            raise UserError(f"{told} cannot take pictures of {side} pixels "
                            f"({first_line(error)}); say --image-size {usual}, for which it was "
                            "made, or choose another", status=2) from error
        for other in others:
            try:
                _pooled(body, other)
            except NOT_MADE_FOR_THIS as error:
                raise UserError(f"{told} cannot take pictures of {other} pixels "
                                f"({first_line(error)}); leave --grow-from out", status=2
                                ) from error
        if not maps or not hasattr(body, "group_matcher"):
            raise UserError(f"{told} has no feature map, and without one there is no Grad-CAM; "
                            "choose another", status=2)
        if not sound:
            raise UserError(f"{told} gives no pooled features, or other ones once its BatchNorm is "
                            "folded; choose another", status=2)


@torch.no_grad()
def _pooled(body: nn.Module, side: int) -> torch.Tensor:
    """Return the features of one grey picture."""
    return body(torch.zeros(1, 3, side, side))


@torch.no_grad()
def _folds(body: nn.Module, side: int, width: int) -> bool:
    """Say whether the features are what they are said to be, and stay so with BatchNorm folded."""
    random = torch.Generator().manual_seed(0)
    for layer in body.modules():
        if isinstance(layer, nn.BatchNorm2d) and layer.affine and layer.track_running_stats:
            for values in (layer.weight, layer.bias, layer.running_mean, layer.running_var):
                values.uniform_(0.5, 1.0, generator=random)
    picture = torch.rand(2, 3, side, side, generator=random)
    before, after = body(picture), fold_batch_norm(copy.deepcopy(body))(picture)
    return before.shape == (2, width) and torch.allclose(
        before, after, rtol=1e-2, atol=1e-3 * before.abs().max().item())
