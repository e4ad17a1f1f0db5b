"""Checks of a .pth file from a stranger: it must run no code, fill no memory and make sense."""

import io
import pickletools
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import torch

from celestial.data.fingerprints import WIDTH
from celestial.models.backbones import is_known
from celestial.models.fitted import Unusable, check_fitted, require

# torch.load(..., weights_only=True) would also make byte arrays and tensors of any length.
CALLED = {"collections OrderedDict", "torch._utils _rebuild_tensor_v2",
          "torch._utils _rebuild_parameter"}
ZIP_START = b"PK\x03\x04"  # by which torch.load, too, tells its present format from the older one
OLD_PICKLES = 5  # at the start of the older format, before the bare numbers


def check_archive(path: Path) -> None:
    """Look through a file before torch.load reads it, in no more memory than it has bytes.

    torch.load itself would unpack what is compressed and does not compare checksums.

    Raises:
        Unusable: it is damaged, would run code or would grow while it is read.
        OSError: it cannot be opened.
        ValueError, EOFError, RuntimeError, zipfile.BadZipFile: it is another kind of file.
    """
    with path.open("rb") as file:
        if file.read(len(ZIP_START)) != ZIP_START:
            file.seek(0)
            for _ in range(OLD_PICKLES):
                _check_pickle(file)
            return
        size = path.stat().st_size
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            if (any(member.compress_type != zipfile.ZIP_STORED for member in members)
                    or sum(member.file_size for member in members) > size):
                raise Unusable("it is compressed, as no checkpoint is, and could fill the memory")
            names = [member.filename.lower() for member in members]  # torch ignores the case
            if len(set(names)) < len(names):
                raise Unusable("it holds the same part twice")
            if archive.testzip() is not None:
                raise Unusable("it is damaged: its checksums are wrong")
            for member, name in zip(members, names, strict=True):
                if name.endswith(".pkl"):
                    _check_pickle(io.BytesIO(archive.read(member)))


def _check_pickle(file: BinaryIO) -> None:
    for opcode, argument, _ in pickletools.genops(file):
        if opcode.name == "GLOBAL" and argument not in CALLED and not (
                argument.startswith("torch ") and argument.endswith("Storage")):
            raise Unusable(f"it would run {ascii(argument)[:80]}, and a checkpoint holds only "
                           "weights and plain values")


def check_tensors(content: object, size: int) -> None:
    """Raise Unusable where a tensor claims more than is stored, in the whole file `size` bytes.

    A stride of 0 repeats one stored number as often as the shape says.
    """
    waiting, seen = [content], set()
    while waiting:
        value = waiting.pop()
        if isinstance(value, torch.Tensor):
            stored = value.untyped_storage().nbytes()
            if value.numel() * value.element_size() > stored or stored > size:
                raise Unusable("it has a tensor that claims more numbers than the file holds")
        elif isinstance(value, dict | list | tuple | set) and id(value) not in seen:
            seen.add(id(value))
            waiting.extend(value.values() if isinstance(value, dict) else value)


def check_state(state: object, wanted: Mapping[str, torch.Tensor]) -> None:
    """Raise Unusable if a state dict lacks one of the `wanted` tensors or has it wrong.

    Args:
        state: what the file holds.
        wanted: the network's own, by name, for their shapes and types.
    """
    if not isinstance(state, dict):
        raise Unusable("its weights are none")
    for name, value in wanted.items():
        given = state.get(name)
        if not isinstance(given, torch.Tensor):
            raise Unusable(f"its weights lack {name}")
        if given.shape != value.shape or given.is_floating_point() != value.is_floating_point():
            raise Unusable(f"its {name} is {given.dtype} {tuple(given.shape)} where the network "
                           f"takes {value.dtype} {tuple(value.shape)}")
        if not torch.isfinite(given.to(value.dtype)).all():
            raise Unusable(f"its {name} has values that are no finite numbers")


def check_values(checkpoint) -> None:
    """Raise Unusable if a part of a `Checkpoint`, its weights left aside, makes no sense."""
    if not isinstance(checkpoint.model, str) or not is_known(checkpoint.model):
        raise Unusable(f"this program has no model {ascii(checkpoint.model)[:80]}")
    check_fitted(checkpoint)
    known = range(-1, len(checkpoint.classes))
    seen, labels = checkpoint.train_sha256, checkpoint.train_labels
    require({
        "its figures, options or versions are no tables":
            all(isinstance(part, dict) for part in (checkpoint.val, checkpoint.options,
                                                    checkpoint.versions)),
        "its list of training pictures is none": _are_digests(seen),
        "its list of val pictures is none": _are_digests(checkpoint.val_sha256),
        "its training labels do not fit its list of training pictures":
            isinstance(labels, list) and len(labels) in (0, len(seen))
            and all(isinstance(label, int) and label in known for label in labels),
        "its fingerprints do not fit its list of training pictures":
            _are_fingerprints(checkpoint.train_fingerprints, len(seen)),
        "its fingerprints of val do not fit its list of val pictures":
            _are_fingerprints(checkpoint.val_fingerprints, len(checkpoint.val_sha256)),
    })


def _are_digests(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(digest, str) for digest in value)


def _are_fingerprints(value: object, count: int) -> bool:
    return (isinstance(value, torch.Tensor) and value.dtype == torch.uint8
            and (value.numel() == 0 or value.shape == (count, WIDTH)))
