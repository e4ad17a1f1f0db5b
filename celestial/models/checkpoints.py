"""The .pth file: what is in it, how it is written and read."""

import datetime
import pickle
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import torch

from celestial.common.console import FINAL_CHECKPOINT, SHIPPED, UserError, versions
from celestial.common.files import atomic_path
from celestial.models.checkpoint_checks import (
    check_archive,
    check_state,
    check_tensors,
    check_values,
)
from celestial.models.fitted import KIND, Fitted, Unusable
from celestial.models.networks import Classifier
from celestial.pictures.preprocessing import Preprocessing

FORMAT_VERSION = 3
OLDEST_READ = 2  # without by_views
UNREADABLE = (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError, TypeError,
              AttributeError, IndexError, AssertionError, OverflowError, MemoryError,
              zipfile.BadZipFile)


@dataclass
class Checkpoint(Fitted):
    """A trained classifier and all that is needed to use it and to know where it came from.

    Attributes, beside those of `Fitted`:
        model: one of `backbones.MEMBERS`, or timm:NAME.
        state: the weights.
        val: figures on val.
        options: of the training run.
        manifest_sha256: of the dataset's manifest.csv; empty where there is none.
        train_sha256: of each training picture.
        train_labels: index of its class, or -1 for an outlier.
        train_fingerprints: uint8 (N, fingerprints.WIDTH), to find near-copies of it; N = 0 in files
            that were written before there were any.
        val_sha256, val_fingerprints: of each picture of val, which the temperature and the
            threshold were fitted on, likewise; none in files that were written before them.
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
    val_sha256: list[str] = field(default_factory=list)
    val_fingerprints: torch.Tensor = field(
        default_factory=lambda: torch.empty((0, 0), dtype=torch.uint8))
    versions: dict[str, str] = field(default_factory=versions)
    date: str = field(default_factory=lambda: datetime.datetime.now(
        datetime.timezone.utc).isoformat(timespec="seconds"))
    by_views: dict[int, dict[str, float]] = field(default_factory=dict)


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> Path:
    """Write the file whole or not at all; it loads with `torch.load(..., weights_only=True)`."""
    content = {**vars(checkpoint), "kind": KIND, "format_version": FORMAT_VERSION,
               "classes": list(checkpoint.classes),
               "preprocessing": checkpoint.preprocessing.to_dict()}
    with atomic_path(path) as temporary:
        save_tensors(temporary, content)
    return path


def save_tensors(path: Path, content: dict) -> None:
    """Write plain values and tensors with torch.save.

    Raises:
        OSError: as on a full disk, where torch itself would go on to a RuntimeError.
    """
    with path.open("wb") as file:
        try:
            torch.save(content, file)
        except RuntimeError as error:
            if isinstance(error.__context__, OSError):
                raise error.__context__ from None
            raise


def load_weights_only(path: Path) -> dict:
    """Read any .pth file of plain values and tensors; code in it is never run.

    Raises:
        UserError: there is no such file, or it is not one.
    """
    if path.suffix.lower() == ".onnx":
        raise UserError(f"{path} is an ONNX file, which predict_my_images.py alone takes, with "
                        "--engine onnx; name a .pth file", status=2)
    try:
        check_archive(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
        check_tensors(content, path.stat().st_size)
    except FileNotFoundError as error:
        raise UserError(f"there is no checkpoint {path}; train one with improved_training.py or "
                        "name another") from error
    except OSError as error:
        raise UserError(f"the checkpoint {path} cannot be read ({error.strerror or error}); name "
                        "another") from error
    except Unusable as error:
        raise _unusable(path, error) from error
    except UNREADABLE as error:
        raise _unusable(path, "it is damaged or another kind of file") from error
    if not isinstance(content, dict):
        raise _unusable(path, "it is no checkpoint of this project")
    return content


def _unusable(path: Path, reason: Unusable | str) -> UserError:
    return UserError(f"{path} cannot be used, because {reason}; train one with "
                     "improved_training.py or name another")


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint that `save_checkpoint` wrote.

    Raises:
        UserError: one sentence that says what is wrong with the file.
    """
    content = load_weights_only(path)
    if content.pop("kind", None) != KIND:
        raise _unusable(path, "it is no checkpoint of this project")
    _require_version(path, content.pop("format_version", None))
    try:
        content["preprocessing"] = Preprocessing.from_dict(content["preprocessing"])
        content["classes"] = tuple(content["classes"])
        checkpoint = Checkpoint(**content)
        check_values(checkpoint)
    except Unusable as error:
        raise _unusable(path, error) from error
    except (TypeError, KeyError, ValueError, AttributeError, OverflowError) as error:
        raise _unusable(path, "a part of it is missing or of the wrong kind") from error
    return checkpoint


def _require_version(path: Path, version: object) -> None:
    """Raise UserError if a checkpoint has a format that this program does not read."""
    if not isinstance(version, int):
        raise _unusable(path, "it does not tell the version of its format")
    if version > FORMAT_VERSION:
        raise UserError(f"{path} has the format version {version} of a later program, and this one "
                        f"reads up to {FORMAT_VERSION}; update the program")
    if version < OLDEST_READ:
        raise UserError(f"{path} has the format version {version} of an earlier program, and this "
                        f"one reads {OLDEST_READ} and later; train again")


def build_model(checkpoint: Checkpoint, path: Path) -> Classifier:
    """Return the network with its weights, in eval mode.

    Raises:
        UserError: the weights do not fit the network that the file names.
    """
    model = Classifier(checkpoint.model, len(checkpoint.classes), checkpoint.preprocessing.size)
    wanted = model.state_dict()
    try:
        check_state(checkpoint.state, wanted)
        if foreign := checkpoint.state.keys() - wanted.keys():
            raise Unusable(f"the network has no place for {len(foreign)} of its weights")
    except Unusable as error:
        raise _unusable(path, error) from error
    model.load_state_dict(checkpoint.state)
    return model.eval()


def find_checkpoint(named: Path | None) -> Path:
    """Return the file to use: the named one, else the last training's, else the one that ships.

    Raises:
        UserError: there is none.
    """
    if named is not None:
        return named
    if FINAL_CHECKPOINT.is_file():
        return FINAL_CHECKPOINT
    if SHIPPED.is_file():
        print(f"no {FINAL_CHECKPOINT}; using the weights that ship, {SHIPPED}")
        return SHIPPED
    raise UserError(f"there is no {FINAL_CHECKPOINT}; train one with improved_training.py or name "
                    "one with --checkpoint")
