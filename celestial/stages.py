"""The stages of a training: what learns in each, at which rate, and from which batches."""

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from celestial import augmentation
from celestial.augmentation import random_views
from celestial.datasets import (
    cache_key,
    cached_array,
    epoch_batches,
    new_array,
    plain_batches,
)
from celestial.devices import autocast, mixed_precision
from celestial.files import sha256_of
from celestial.models import Classifier
from celestial.preprocessing import Preprocessing
from celestial.training import Batch, Stage

HEAD = "head on frozen backbone"
LAST_BLOCKS = "last blocks and head"
WHOLE = "whole network from given weights"
SCRATCH = "whole network from scratch"
GROWING = 0.7  # share of the epochs in which the pictures grow
BACKBONE_RATE = 0.1  # of the learning rate: good weights are to be moved little


@dataclass(frozen=True)
class TrainingData:
    """The decoded pictures of train and val.

    Attributes:
        train, val: uint8 (N, 3, size, size).
        train_labels, val_labels: int (N,); `OUTLIER` in train where no class fits.
        content: sha256 of each file of train and val.
        preprocessing: how the pictures were and will be prepared.
        cache_dir: where features are kept.
        device: where batches go.
    """

    train: np.ndarray
    train_labels: np.ndarray
    val: np.ndarray
    val_labels: np.ndarray
    content: list[str]
    preprocessing: Preprocessing
    cache_dir: Path
    device: torch.device

    def views(self, view: int, batches: Iterable[np.ndarray], seed: int,
              side: int | None = None) -> Iterator[Batch]:
        """Yield a random view of each training picture, in batches of the indices given."""
        for batch in batches:
            pictures = torch.from_numpy(self.train[batch]).to(self.device)
            views = random_views(pictures, seed, view, batch, side)
            yield (self.preprocessing.normalise(views),
                   torch.from_numpy(self.train_labels[batch]).to(self.device))

    def train_batches(self, epoch: int, args: argparse.Namespace) -> Iterator[Batch]:
        """Yield augmented batches, the same for the same epoch and seed."""
        order = epoch_batches(len(self.train_labels), args.batch_size, args.seed, epoch)
        return self.views(epoch, order, args.seed, side_in_epoch(epoch, args))

    def val_batches(self, args: argparse.Namespace) -> Iterator[Batch]:
        """Yield the pictures of val, as they are."""
        for pictures, labels in plain_batches(self.val, self.val_labels, args.batch_size):
            yield self.preprocessing.normalise(pictures.to(self.device)), labels.to(self.device)


def side_in_epoch(epoch: int, args: argparse.Namespace) -> int:
    """Return the side of the training pictures: it may grow, as small ones are learned faster.

    From `--grow-from` it rises evenly, in steps of 16 pixels, to `--image-size`, which it reaches
    after `GROWING` of the epochs.
    """
    if args.grow_from is None or args.grow_from >= args.image_size:
        return args.image_size
    along = min(1.0, epoch / max(1, GROWING * args.epochs))
    side = args.grow_from + along * (args.image_size - args.grow_from)
    return args.image_size if along == 1 else int(side // 16 * 16)


def head_stage(model: Classifier, data: TrainingData, weights_digest: str,
               args: argparse.Namespace) -> Stage:
    """Return stage 1: the backbones are frozen, the head learns from their cached features.

    Each picture goes through the backbones once in each of `--stage1-views` augmented views, and
    epoch e learns from view e modulo that number.
    """
    model.freeze_backbones()
    train, val = _cached_features(model, data, weights_digest, args)
    labels = torch.from_numpy(data.train_labels)
    val_labels = torch.from_numpy(data.val_labels)

    def train_batches(epoch: int) -> Iterator[Batch]:
        view = train[epoch % args.stage1_views]
        for batch in epoch_batches(len(labels), args.batch_size, args.seed, epoch):
            features = torch.from_numpy(view[batch])
            yield features.to(data.device), labels[batch].to(data.device)

    def val_batches() -> Iterator[Batch]:
        yield torch.from_numpy(np.array(val)).to(data.device), val_labels.to(data.device)

    return Stage(HEAD, model.head, [{"params": list(model.head.parameters()),
                                     "lr": args.learning_rate}],
                 args.stage1_epochs, _batch_count(data, args), train_batches, val_batches)


def fine_tuning_stage(model: Classifier, data: TrainingData, args: argparse.Namespace) -> Stage:
    """Return stage 2: the last blocks of each backbone, or all, learn as well, at a lower rate."""
    whole = args.fine_tune == "all"
    groups = [{"params": list(model.head.parameters()), "lr": args.learning_rate},
              {"params": model.unfreeze(whole), "lr": BACKBONE_RATE * args.learning_rate}]
    return _picture_stage(WHOLE if whole else LAST_BLOCKS, model, groups, data, args)


def scratch_stage(model: Classifier, data: TrainingData, args: argparse.Namespace) -> Stage:
    """Return the one stage of a training without weights: everything learns."""
    groups = [{"params": list(model.parameters()), "lr": args.learning_rate}]
    return _picture_stage(SCRATCH, model, groups, data, args)


def _picture_stage(name: str, model: Classifier, groups: list[dict], data: TrainingData,
                   args: argparse.Namespace) -> Stage:
    model.to(memory_format=torch.channels_last)
    return Stage(name, model, groups, args.epochs, _batch_count(data, args),
                 lambda epoch: data.train_batches(epoch, args), lambda: data.val_batches(args))


def _batch_count(data: TrainingData, args: argparse.Namespace) -> int:
    return len(epoch_batches(len(data.train_labels), args.batch_size, args.seed, 0))


def _cached_features(model: Classifier, data: TrainingData, weights_digest: str,
                     args: argparse.Namespace) -> tuple[np.ndarray, np.ndarray]:
    """Return the pooled features of train, float32 (views, N, width), and of val (N, width)."""
    model.to(data.device, memory_format=torch.channels_last).eval()
    width = model.head[0].in_features
    key = cache_key(model.name, weights_digest, data.preprocessing.to_dict(), data.content,
                    args.seed, args.stage1_views, str(mixed_precision(data.device)),
                    sha256_of(Path(augmentation.__file__)))

    def build_train(path: Path) -> None:
        shape = (args.stage1_views, len(data.train_labels), width)
        array = new_array(path, np.float32, shape)
        in_order = np.arange(len(data.train_labels))
        batches = np.array_split(in_order, -(-len(in_order) // args.batch_size))
        for view in range(args.stage1_views):
            array[view] = features_of(model, data.views(view, batches, args.seed), data.device)
        array.flush()

    def build_val(path: Path) -> None:
        found = features_of(model, data.val_batches(args), data.device)
        with path.open("wb") as file:
            np.save(file, found)

    return (cached_array(data.cache_dir, "train_features", key, build_train),
            cached_array(data.cache_dir, "val_features", key, build_val))


@torch.inference_mode()
def features_of(model: nn.Module, batches: Iterable[Batch], device: torch.device) -> np.ndarray:
    """Return the pooled features of all pictures, float32 (N, width)."""
    rows = []
    for pictures, _ in batches:
        with autocast(device):
            rows.append(model.features(pictures).float().cpu().numpy())
    return np.concatenate(rows)
