"""The .pth file: what is in it, how it is written and read."""

import datetime
import pickle
from dataclasses import dataclass, field
from pathlib import Path

import torch

from celestial.console import FINAL_CHECKPOINT, ROOT, UserError, versions
from celestial.files import atomic_path
from celestial.models import MEMBERS, Classifier
from celestial.preprocessing import Preprocessing

FORMAT_VERSION = 2
KIND = "celestial classifier"
UNREADABLE = (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError, TypeError,
              AttributeError, IndexError, AssertionError)


@dataclass
class Checkpoint:
    """A trained classifier and all that is needed to use it and to know where it came from.

    Attributes:
        model: one of `models.MEMBERS`.
        classes: names in the order of the network's outputs.
        preprocessing: how a picture becomes its input.
        state: the weights.
        temperature: the logits are divided by it before the softmax (fitted on val).
        reject_below: a known_score below it means "none of my classes" (set on val).
        val: figures on val.
        options: of the training run.
        manifest_sha256: of the dataset's manifest.csv; empty where there is none.
        train_sha256: of each training picture.
        train_labels: index of its class, or -1 for an outlier.
        train_fingerprints: uint8 (N, duplicates.WIDTH), to find near-copies of it; N = 0 in files
            that were written before there were any.
        versions: of the project, its commit, python, torch, torchvision.
        date: of the training's end, ISO 8601, UTC.
    """

    model: str
    classes: tuple[str, ...]
    preprocessing: Preprocessing
    state: dict[str, torch.Tensor]
    temperature: float
    reject_below: float
    val: dict[str, float]
    options: dict[str, object]
    manifest_sha256: str
    train_sha256: list[str]
    train_labels: list[int] = field(default_factory=list)
    train_fingerprints: torch.Tensor = field(
        default_factory=lambda: torch.empty((0, 0), dtype=torch.uint8))
    versions: dict[str, str] = field(default_factory=versions)
    date: str = field(default_factory=lambda: datetime.datetime.now(
        datetime.timezone.utc).isoformat(timespec="seconds"))


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> Path:
    """Write the file whole or not at all; it loads with `torch.load(..., weights_only=True)`."""
    content = {**vars(checkpoint), "kind": KIND, "format_version": FORMAT_VERSION,
               "classes": list(checkpoint.classes),
               "preprocessing": checkpoint.preprocessing.to_dict()}
    # A file opened here: torch would report a full disk as an error of its own.
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        torch.save(content, file)
    return path


def load_weights_only(path: Path) -> dict:
    """Read any .pth file of plain values and tensors; code in it is never run.

    Raises:
        UserError: there is no such file, or it is not one.
    """
    if not path.is_file():
        raise UserError(f"there is no checkpoint {path}; train one with improved_training.py or "
                        "name another")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except UNREADABLE as error:
        raise UserError(f"{path} is not a checkpoint that can be read: it is damaged, another kind "
                        "of file, or holds more than weights and plain values") from error
    if not isinstance(content, dict):
        raise UserError(f"{path} is not a checkpoint of this project")
    return content


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint that `save_checkpoint` wrote.

    Raises:
        UserError: one sentence that says what is wrong with the file.
    """
    content = load_weights_only(path)
    if content.pop("kind", None) != KIND:
        raise UserError(f"{path} is not a checkpoint of this project; train one with "
                        "improved_training.py")
    if (version := content.pop("format_version", None)) != FORMAT_VERSION:
        raise UserError(f"{path} has format version {version}, this program reads "
                        f"{FORMAT_VERSION}; update the program or train again")
    try:
        content["preprocessing"] = Preprocessing.from_dict(content["preprocessing"])
        content["classes"] = tuple(content["classes"])
        checkpoint = Checkpoint(**content)
    except (TypeError, KeyError, ValueError) as error:
        raise UserError(f"{path} lacks a part ({error}); train again") from error
    if checkpoint.model not in MEMBERS:
        raise UserError(f"{path} holds a model {checkpoint.model!r} that this program lacks")
    return checkpoint


def build_model(checkpoint: Checkpoint, path: Path) -> Classifier:
    """Return the network with its weights, in eval mode.

    Raises:
        UserError: the weights do not fit the network that the file names.
    """
    model = Classifier(checkpoint.model, len(checkpoint.classes))
    try:
        model.load_state_dict(checkpoint.state)
    except (RuntimeError, TypeError) as error:
        raise UserError(f"the weights in {path} do not fit its model {checkpoint.model} with "
                        f"{len(checkpoint.classes)} classes; train again") from error
    return model.eval()


def find_checkpoint(named: Path | None) -> Path:
    """Return the file to use: the named one, else the last training's, else one that ships.

    Raises:
        UserError: there is none.
    """
    if named is not None:
        return named
    if FINAL_CHECKPOINT.is_file():
        return FINAL_CHECKPOINT
    for name in MEMBERS:
        shipped = ROOT / "pretrained" / f"{name}.pth"
        if shipped.is_file():
            print(f"no {FINAL_CHECKPOINT}; using the weights that ship, {shipped}")
            return shipped
    raise UserError(f"there is no {FINAL_CHECKPOINT}; train one with improved_training.py or name "
                    "one with --checkpoint")
