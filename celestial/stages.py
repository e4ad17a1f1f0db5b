"""The stages of a training: what learns in each, at which rate, and from which batches."""

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from celestial.datasets import (
    AugmentedPictures,
    Preprocessing,
    augmented_batches,
    cache_key,
    cached_array,
    epoch_batches,
    plain_batches,
)
from celestial.devices import autocast, mixed_precision
from celestial.models import Classifier, parameters_of
from celestial.training import Batch, Stage

HEAD = "head on frozen backbone"
LAST_BLOCKS = "last blocks and head"
SCRATCH = "whole network from scratch"
LAST_BLOCKS_RATE = 0.1  # of the learning rate: good weights are to be moved little


@dataclass(frozen=True)
class TrainingData:
    """The decoded pictures of train and val.

    Attributes:
        train, val: uint8 (N, 3, size, size).
        train_labels, val_labels: int (N,).
        content: sha256 of each file of train and val.
        preprocessing: how the pictures were and will be prepared.
        cache_dir: where features are kept.
        device: where batches go.
        workers: processes that augment; 0: the main process.
    """

    train: np.ndarray
    train_labels: np.ndarray
    val: np.ndarray
    val_labels: np.ndarray
    content: list[str]
    preprocessing: Preprocessing
    cache_dir: Path
    device: torch.device
    workers: int

    def ready(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Move batches of uint8 pictures to the device and normalise them there."""
        for pictures, labels in batches:
            pictures = pictures.to(self.device, non_blocking=True)
            yield self.preprocessing.normalise(pictures), labels.to(self.device)

    def train_batches(self, epoch: int, args: argparse.Namespace) -> Iterator[Batch]:
        """Yield augmented batches, the same for the same epoch and seed."""
        views = AugmentedPictures(self.train, self.train_labels, args.seed)
        order = epoch_batches(len(self.train_labels), args.batch_size, args.seed, epoch)
        pinned = self.device.type == "cuda"
        return self.ready(augmented_batches(views, epoch, order, self.workers, pinned))

    def val_batches(self, args: argparse.Namespace) -> Iterator[Batch]:
        """Yield the pictures of val, as they are."""
        return self.ready(plain_batches(self.val, self.val_labels, args.batch_size))


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


def last_blocks_stage(model: Classifier, data: TrainingData, args: argparse.Namespace) -> Stage:
    """Return stage 2: the last blocks of each backbone learn as well, at a lower rate."""
    model.unfreeze_last_blocks()
    groups = [{"params": list(model.head.parameters()), "lr": args.learning_rate},
              {"params": parameters_of(model.last_blocks()),
               "lr": LAST_BLOCKS_RATE * args.learning_rate}]
    return _picture_stage(LAST_BLOCKS, model, groups, data, args)


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
                    args.seed, args.stage1_views, str(mixed_precision(data.device)))

    def build_train(path: Path) -> None:
        shape = (args.stage1_views, len(data.train_labels), width)
        array = np.lib.format.open_memmap(path, "w+", np.float32, shape)
        views = AugmentedPictures(data.train, data.train_labels, args.seed)
        in_order = np.arange(len(data.train_labels))
        batches = np.array_split(in_order, -(-len(in_order) // args.batch_size))
        for view in range(args.stage1_views):
            loaded = augmented_batches(views, view, batches, data.workers, False)
            array[view] = features_of(model, data.ready(loaded), data.device)
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
