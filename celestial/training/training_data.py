"""The decoded pictures of a training, and the batches that it learns from and is measured on."""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from celestial.data.datasets import OUTLIER, epoch_batches
from celestial.pictures.preprocessing import Preprocessing
from celestial.training.augmentation import random_views
from celestial.training.distributed import ALONE, Processes

GROWING = 0.7  # proportion of the epochs in which the pictures grow

Batch = tuple[torch.Tensor, torch.Tensor]  # inputs and labels
# Inputs and labels of this process, and the labels of the whole batch over all processes.
TrainBatch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


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
        processes: those that learn from each batch together.
        val_groups: (N,) of `design_effect`.
        train_weights: float (N,), how often an epoch takes each picture of train; None: once.
    """

    train: np.ndarray
    train_labels: np.ndarray
    val: np.ndarray
    val_labels: np.ndarray
    content: list[str]
    preprocessing: Preprocessing
    cache_dir: Path
    device: torch.device
    processes: Processes = ALONE
    val_groups: np.ndarray | None = None
    train_weights: np.ndarray | None = None

    def views(self, view: int, indices: np.ndarray, seed: int,
              side: int | None = None) -> torch.Tensor:
        """Return a random view of each training picture, normalised.

        Args:
            view: number of the round.
            indices: numbers of `epoch_batches`, in which a picture that comes twice in an epoch has
                two numbers, and so two views.
            seed: of the training.
            side: pixels; None: as the pictures are.
        """
        pictures = torch.from_numpy(self.train[indices % len(self.train)]).to(self.device)
        return self.preprocessing.normalise(random_views(pictures, seed, view, indices, side))

    def labels(self, indices: np.ndarray) -> torch.Tensor:
        """Return the labels of some training pictures, on the device."""
        return torch.from_numpy(self.train_labels[indices % len(self.train)]).to(self.device)

    def taken(self, class_count: int) -> np.ndarray:
        """Return how many pictures of each class an epoch takes, float64 (classes,)."""
        known = self.train_labels != OUTLIER
        weights = None if self.train_weights is None else self.train_weights[known]
        return np.bincount(self.train_labels[known], weights, class_count).astype(float)

    def train_orders(self, epoch: int, args: argparse.Namespace) -> list[np.ndarray]:
        """Return the numbers of `epoch_batches` in each batch of an epoch, over all processes."""
        return epoch_batches(len(self.train_labels), args.batch_size, args.seed, epoch,
                             least=2 * self.processes.count, weights=self.train_weights)

    def train_batches(self, epoch: int, args: argparse.Namespace) -> Iterator[TrainBatch]:
        """Yield this process's part of each batch, augmented, the same for the same epoch and seed.

        The part is a slice, because every process can read every picture.
        """
        side = side_in_epoch(epoch, args)
        for whole in self.train_orders(epoch, args):
            own = self.processes.partition(whole)
            yield self.views(epoch, own, args.seed, side), self.labels(own), self.labels(whole)

    def val_pictures(self, indices: np.ndarray) -> torch.Tensor:
        """Return some pictures of val as they are, normalised."""
        return self.preprocessing.normalise(torch.from_numpy(self.val[indices]).to(self.device))

    def val_batches(self, args: argparse.Namespace) -> Iterator[Batch]:
        """Yield this process's part of the pictures of val, as they are."""
        own = self.processes.partition(np.arange(len(self.val_labels)))
        for start in range(0, len(own), args.batch_size):
            part = own[start:start + args.batch_size]
            yield (self.val_pictures(part),
                   torch.from_numpy(self.val_labels[part]).to(self.device))


def side_in_epoch(epoch: int, args: argparse.Namespace) -> int:
    """Return the side of the training pictures, which may grow, because small ones learn faster.

    From `--grow-from` it rises evenly, in steps of 16 pixels, to `--image-size`, which it reaches
    after `GROWING` of the epochs.
    """
    if args.grow_from is None or args.grow_from >= args.image_size:
        return args.image_size
    along = min(1.0, epoch / max(1, GROWING * args.epochs))
    side = args.grow_from + along * (args.image_size - args.grow_from)
    return args.image_size if along == 1 else int(side // 16 * 16)
