"""Where a backbone's first weights come from: pretrained/, ImageNet, a file, or nowhere."""

import hashlib
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path

import torch

from celestial.common.console import ROOT, TIMM, UserError
from celestial.common.import_errors import first_line
from celestial.models.backbones import BACKBONES, backbone_of, members_of, plain_name
from celestial.models.checkpoint_checks import check_state
from celestial.models.checkpoints import UNREADABLE, Checkpoint, build_model, load_weights_only
from celestial.models.fitted import KIND, Unusable
from celestial.models.packaged_weights import PackagedWeights
from celestial.models.torchvision_import import torchvision

ANSWER_WITHIN = 15  # seconds that a download server may be silent


@dataclass(frozen=True)
class StartWeights:
    """The weights that training starts from.

    Attributes:
        states: state dict of each backbone; empty: from scratch.
        why: one line for the user: which weights, and why these.
        head: state dict of the head; empty: it learns from nothing.
    """

    states: dict[str, dict[str, torch.Tensor]] = field(default_factory=dict)
    why: str = ""
    head: dict[str, torch.Tensor] = field(default_factory=dict)

    def digest(self) -> str:
        """Return a hash of all values, so that a resumed run can tell whether they changed."""
        digest = hashlib.sha256()
        for member, state in (*sorted(self.states.items()), ("head", self.head)):
            for name, value in sorted(state.items()):
                digest.update(f"{member}.{name}".encode())
                digest.update(value.cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()


def start_weights(choice: str, model: str, side: int | None = None) -> StartWeights:
    """Find the weights that `--weights` asks for.

    Args:
        choice: auto, imagenet, none, or a file.
        model: one of `backbones.MEMBERS`, or timm:NAME.
        side: of the pictures, see `networks.Classifier`.

    Raises:
        UserError: imagenet cannot be had, or the file cannot be used.
    """
    if choice == "none":
        return StartWeights(why="from scratch in one stage, because --weights none asks for it")
    if choice == "imagenet":
        return _imagenet(model, side)
    if choice == "auto":
        return _best_there_is(model, side)
    if not Path(choice).is_file():
        raise UserError(f"--weights {choice} is not a file; say auto, imagenet, none or name a "
                        "file that is there", status=2)
    return _from_file(Path(choice), model, side)


def weights_of(checkpoint: Checkpoint, path: Path, classes: Sequence[str]) -> StartWeights:
    """Return the weights of a checkpoint to go on from.

    The head's last layer has a row for each class, its weights and its bias. The rows follow the
    names in `classes`, and a class that the checkpoint does not know has a row of zeros, so that no
    picture is taken for it before it learns.

    Raises:
        UserError: the weights do not fit the network that the file names.
    """
    model = build_model(checkpoint, path)
    head, last = model.head.state_dict(), len(model.head) - 1
    places = [checkpoint.classes.index(name) if name in checkpoint.classes else -1
              for name in classes]
    for name in (f"{last}.weight", f"{last}.bias"):
        none = torch.zeros_like(head[name][:1])
        head[name] = torch.cat([head[name], none])[places]
    kept = sum(place >= 0 for place in places)
    return StartWeights(
        {member: model.backbones[plain_name(member)].state_dict()
         for member in members_of(checkpoint.model)},
        f"going on from {path}, the head's rows of its {kept} classes kept, those of "
        f"{len(places) - kept} new ones empty", head)


def _best_there_is(model: str, side: int | None) -> StartWeights:
    """Return the celestial weights that ship for a network, else ImageNet's, else none."""
    shipped = ROOT / "pretrained" / f"{plain_name(model)}.pth"
    if shipped.is_file():
        found = _from_file(shipped, model, side)
        return StartWeights(found.states, f"{found.why}, the celestial ones that ship for {model}")
    if not _has_imagenet(model):
        return StartWeights(why=f"from scratch in one stage, as there are no ImageNet weights for "
                            f"{model}")
    try:
        found = _imagenet(model, side)
    except UserError as error:
        return StartWeights(why=f"from scratch in one stage, because {error}, and pretrained/ has "
                            f"none for {model}")
    return StartWeights(found.states, f"{found.why}, as pretrained/ has none for {model}")


def _has_imagenet(model: str) -> bool:
    return all(backbone_of(member).weights for member in members_of(model))


def _imagenet(model: str, side: int | None) -> StartWeights:
    if not _has_imagenet(model):
        raise UserError(f"there are no ImageNet weights for --model {model}; leave --weights out, "
                        "or choose another --model", status=2)
    if model.startswith(TIMM):
        return StartWeights({model: backbone_of(model).hub_state(side)},
                            f"the weights of {model} from timm's hub")
    states, sources = {}, []
    for member in members_of(model):
        file, state = imagenet_state(member)
        states[member] = _fitting(state, member, file)
        sources.append(getattr(BACKBONES[member].weights, "package", "torchvision"))
    return StartWeights(states, f"ImageNet weights of {' and '.join(states)} from "
                        f"{' and '.join(dict.fromkeys(sources))}")


def imagenet_state(member: str) -> tuple[Path, dict[str, torch.Tensor]]:
    """Read the ImageNet weights of a backbone.

    Returns:
        The file they are in and the whole network's state dict, all shapes checked.

    Raises:
        UserError: they are damaged or not to be had; it says what to do.
    """
    weights = BACKBONES[member].weights
    wanted = BACKBONES[member].build().state_dict()
    if isinstance(weights, PackagedWeights):
        file = weights.file()
        # Their names are others, their order is the same (tests/test_lite.py).
        state = dict(zip(wanted, load_weights_only(file).values(), strict=True))
    else:
        file, state = _from_torchvision(weights, member)
    _require_fitting(state, wanted, member, file)
    return file, state


def _from_torchvision(weights: torchvision.models.WeightsEnum,
                      member: str) -> tuple[Path, dict[str, torch.Tensor]]:
    """Read torchvision's weights from torch's cache, or download them.

    Raises:
        UserError: that fails; it names the URL and the folder.
    """
    cached = Path(torch.hub.get_dir()) / "checkpoints" / weights.url.rsplit("/", 1)[1]
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(ANSWER_WITHIN)  # torch.hub itself would wait for ever
    try:
        state = weights.get_state_dict(progress=True, check_hash=True, weights_only=True)
    except (OSError, HTTPException, *UNREADABLE) as error:
        reason = "is damaged" if cached.is_file() else "cannot be downloaded"
        raise UserError(f"the ImageNet weights of {member} {reason} ({first_line(error)}; "
                        f"{weights.url} belongs in {cached.parent})") from error
    finally:
        socket.setdefaulttimeout(before)
    return cached, state


def _from_file(path: Path, model: str, side: int | None) -> StartWeights:
    """Read a checkpoint of this project, or a state dict of the backbone, as torchvision's."""
    content = load_weights_only(path)
    members = members_of(model)
    if content.get("kind") == KIND:
        found = _backbone_states(content.get("state"))  # the same in every format version
        states = {member: found.get(plain_name(member)) for member in members}
    else:
        states = dict.fromkeys(members, content)
    if missing := [member for member in members if states[member] is None]:
        raise UserError(f"{path} has no weights for {' and '.join(missing)}, which --model {model} "
                        "needs")
    return StartWeights({member: _fitting(states[member], member, path, side)
                         for member in members}, f"weights from {path}")


def _backbone_states(state: object) -> dict[str, dict[str, torch.Tensor]]:
    """Cut `backbones.<member>.<name>` into one state dict a member, by its plain name."""
    states: dict[str, dict[str, torch.Tensor]] = {}
    for key, value in state.items() if isinstance(state, dict) else ():
        if found := re.fullmatch(r"backbones\.(\w+)\.(.+)", str(key)):
            states.setdefault(found[1], {})[found[2]] = value
    return states


def _fitting(state: dict, member: str, path: Path, side: int | None = None
             ) -> dict[str, torch.Tensor]:
    """Return the part of a state dict that the backbone takes, once names and shapes fit."""
    wanted = backbone_of(member).body(side).state_dict()
    _require_fitting(state, wanted, member, path)
    return {name: state[name] for name in wanted}


def _require_fitting(state: dict, wanted: dict[str, torch.Tensor], member: str,
                     path: Path) -> None:
    try:
        check_state(state, wanted)
    except Unusable as error:
        raise UserError(f"{path} cannot be used for {member}, because {error}; name a checkpoint "
                        "of this project or a file of its own weights") from error
