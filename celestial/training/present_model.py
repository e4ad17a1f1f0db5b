"""The model that a training goes on from: its network and preparation, and what it has seen."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from celestial.common.console import (
    DEFAULT_MODEL,
    DEFAULT_SIDE,
    FINAL_CHECKPOINT,
    UserError,
)
from celestial.data.datasets import OUTLIER, some
from celestial.models.checkpoints import Checkpoint, find_checkpoint, load_checkpoint


def adopt(args: argparse.Namespace) -> Checkpoint | None:
    """Read the checkpoint that `--improve` asks for and set the options that are its own.

    `args.improve` becomes its path. None where the option is not given.

    Raises:
        UserError: the file cannot be used, would be overwritten, or an option contradicts it.
    """
    if args.improve is None:
        return None
    args.improve = find_checkpoint(None if args.improve == Path() else args.improve)
    if (args.output_dir / FINAL_CHECKPOINT.name).resolve() == args.improve.resolve():
        raise UserError(f"--improve would write the new model over {args.improve}, with which it "
                        "is to be compared; name another --output-dir", status=2)
    present = load_checkpoint(args.improve)
    if args.weights != "auto":
        raise UserError("--improve goes on from a checkpoint's weights; leave --weights out",
                        status=2)
    fit, cleaning = present.preprocessing, present.preprocessing.cleaning
    for name, own, usual in (("model", present.model, DEFAULT_MODEL),
                             ("image_size", fit.size, DEFAULT_SIDE),
                             ("denoise", cleaning.denoise, False),
                             ("normalise", cleaning.normalise, False),
                             ("stretch", cleaning.stretch, "none")):
        if getattr(args, name) not in (own, usual):
            raise UserError(f"--{name.replace('_', '-')} {getattr(args, name)} is not that of "
                            f"{args.improve} ({own}), which --improve goes on from; leave it out",
                            status=2)
        setattr(args, name, own)
    return present


def require_all_classes(present: Checkpoint | None, classes: Sequence[str], path: Path) -> None:
    """Raise UserError if train lacks a class that the present model knows: it would be forgotten.
    """
    lost = [name for name in present.classes if name not in classes] if present else []
    if lost:
        raise UserError(f"train has no pictures of {some(lost)}, which {path} knows and would "
                        "forget; put some into data/input, or draw them with render_samples.py "
                        "--lacking data/input, and run datapre.py again")


def with_seen_before(checkpoint: Checkpoint, present: Checkpoint) -> Checkpoint:
    """Return a checkpoint that lists what the present model has seen as well.

    Its weights come from those pictures too, so no later evaluation may count them as new. Lists
    without labels or fingerprints, of early files, are left out.
    """
    labels = {index: checkpoint.classes.index(name) for index, name in enumerate(present.classes)}
    labels[OUTLIER] = OUTLIER
    found = {}
    for split in ("train", "val"):
        digests, prints = f"{split}_sha256", f"{split}_fingerprints"
        own, before = getattr(checkpoint, digests), getattr(present, digests)
        if (getattr(present, prints).shape[1:] != getattr(checkpoint, prints).shape[1:]
                or split == "train" and len(present.train_labels) < len(before)):
            continue
        known = set(own)
        more = [place for place, digest in enumerate(before) if digest not in known]
        found[digests] = own + [before[place] for place in more]
        found[prints] = torch.cat([getattr(checkpoint, prints), getattr(present, prints)[more]])
        if split == "train":
            found["train_labels"] = checkpoint.train_labels + [
                labels[present.train_labels[place]] for place in more]
    return replace(checkpoint, **found)
