"""Makes a checkpoint of a finished training: its weights, what val says, what it has seen."""

import argparse

import numpy as np
import torch

from celestial.common import console
from celestial.common.files import sha256_of
from celestial.data.datasets import SplitFiles, fingerprint_files
from celestial.inference.fitting import fit_checkpoint
from celestial.models.checkpoints import Checkpoint
from celestial.models.networks import Classifier
from celestial.training.loss import require_finite
from celestial.training.present_model import with_seen_before
from celestial.training.training_data import TrainingData


def stored_weights(model: Classifier, float16: bool) -> dict[str, torch.Tensor]:
    """Return the state dict for the checkpoint; in 16 bits only what cannot overflow there.

    The vectors stay in 32 bits: BatchNorm's variances may be too small or large for 16.
    """
    return {name: (value.half() if float16 and value.dim() > 1 else value).cpu().contiguous()
            for name, value in model.state_dict().items()}


def finish(model: Classifier, data: TrainingData, files: SplitFiles, val_files: SplitFiles,
           train_sha256: list[str], why: str, present: Checkpoint | None,
           args: argparse.Namespace) -> Checkpoint:
    """Fit temperatures and thresholds on val and return the checkpoint.

    Args:
        model, data: what has learned, and from what.
        files, val_files: the pictures of train and of val.
        train_sha256: of each picture of train.
        why: which first weights, and why these.
        present: the model that the training went on from.
        args: the options.
    """
    manifest = args.data_dir / "manifest.csv"
    val_sha256 = data.content[len(train_sha256):]
    fingerprints, val_fingerprints = (
        torch.from_numpy(np.array(fingerprint_files(
            own.paths, data.preprocessing, args.output_dir / "cache", content, args.workers)))
        for own, content in ((files, train_sha256), (val_files, val_sha256)))
    checkpoint = Checkpoint(
        model=args.model, classes=files.classes, preprocessing=data.preprocessing,
        state=stored_weights(model, args.float16), temperature=1.0, reject_below=0.0, val={},
        options={**{name: value if isinstance(value, (int, float, list)) else str(value)
                    for name, value in sorted(vars(args).items())},
                 "weights_used": why, "device_used": str(data.device)},
        manifest_sha256=sha256_of(manifest) if manifest.is_file() else "",
        train_sha256=train_sha256, train_labels=data.train_labels.tolist(),
        train_fingerprints=fingerprints, val_sha256=val_sha256, val_fingerprints=val_fingerprints)
    fitted = fit_checkpoint(checkpoint, args.output_dir / console.FINAL_CHECKPOINT.name, data.val,
                            data.val_labels, data.val_groups, data.device)
    require_finite(torch.tensor(fitted.val["log_loss"]), "on val in the end")
    return with_seen_before(fitted, present) if present else fitted
