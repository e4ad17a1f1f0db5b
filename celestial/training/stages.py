"""The stages of a training: what learns in each, at which rate, and from which batches."""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from celestial.common.files import sha256_of
from celestial.data.datasets import OUTLIER, cache_key, cached_array, epoch_batches, new_array
from celestial.inference.devices import inference_precision, mixed_precision
from celestial.inference.engines import TorchEngine
from celestial.inference.streams import in_streams
from celestial.models.convolutions import share_batch_norm
from celestial.models.networks import Classifier, LateClassifier
from celestial.pictures.preprocessing import Preprocessing
from celestial.training import augmentation
from celestial.training.augmentation import random_views
from celestial.training.distributed import ALONE, Processes
from celestial.training.trainer import Batch, Stage, TrainBatch

HEAD = "head on frozen backbone"
LAST_BLOCKS = "last blocks and head"
WHOLE = "whole network from given weights"
SCRATCH = "whole network from scratch"
GROWING = 0.7  # proportion of the epochs in which the pictures grow
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
        processes: those that share each batch.
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
            indices: of `epoch_batches`: the same picture twice in an epoch gives two views.
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
        """Yield augmented batches, the same for the same epoch and seed."""
        side = side_in_epoch(epoch, args)
        for whole in self.train_orders(epoch, args):
            own = self.processes.partition(whole)
            yield self.views(epoch, own, args.seed, side), self.labels(own), self.labels(whole)

    def val_pictures(self, indices: np.ndarray) -> torch.Tensor:
        """Return some pictures of val as they are, normalised."""
        return self.preprocessing.normalise(torch.from_numpy(self.val[indices]).to(self.device))

    def val_batches(self, args: argparse.Namespace) -> Iterator[Batch]:
        """Yield this process's share of the pictures of val, as they are."""
        own = self.processes.partition(np.arange(len(self.val_labels)))
        for start in range(0, len(own), args.batch_size):
            part = own[start:start + args.batch_size]
            yield (self.val_pictures(part),
                   torch.from_numpy(self.val_labels[part]).to(self.device))


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
    epoch e learns from view e modulo that number. Of several processes each keeps the features of
    every count-th picture, and learns from these.
    """
    model.freeze_backbones()
    train, val = _cached_features(model, data, weights_digest, args)
    own_val = torch.from_numpy(data.processes.partition(data.val_labels))
    rank, count, pictures = data.processes.rank, data.processes.count, len(data.train)

    def train_batches(epoch: int) -> Iterator[TrainBatch]:
        view = train[epoch % args.stage1_views]
        for whole in data.train_orders(epoch, args):
            own = whole[whole % pictures % count == rank]
            features = torch.from_numpy(view[own % pictures // count])
            yield features.to(data.device), data.labels(own), data.labels(whole)

    def val_batches() -> Iterator[Batch]:
        yield torch.from_numpy(np.array(val)).to(data.device), own_val.to(data.device)

    return Stage(HEAD, model.head, [{"params": list(model.head.parameters()),
                                     "lr": args.learning_rate}],
                 args.stage1_epochs, _batch_count(data, args), train_batches, val_batches)


def fine_tuning_stage(model: Classifier, data: TrainingData, args: argparse.Namespace) -> Stage:
    """Return stage 2: the last blocks of each backbone, or all, learn as well, at a lower rate."""
    model.to(data.device)  # all of it: what stays frozen computes too
    whole = args.fine_tune == "all"
    groups = [{"params": list(model.head.parameters()), "lr": args.learning_rate},
              {"params": model.unfreeze(whole), "lr": BACKBONE_RATE * args.learning_rate}]
    _share_batch_norm(model, data)
    if whole:
        return _picture_stage(WHOLE, model, groups, data, args)
    late = LateClassifier(model, mixed_precision(data.device) or torch.float32)
    return _picture_stage(LAST_BLOCKS, late, groups, data, args)


def scratch_stage(model: Classifier, data: TrainingData, args: argparse.Namespace) -> Stage:
    """Return the one stage of a training without weights: everything learns."""
    _share_batch_norm(model, data)
    groups = [{"params": list(model.parameters()), "lr": args.learning_rate}]
    return _picture_stage(SCRATCH, model, groups, data, args)


def _share_batch_norm(model: Classifier, data: TrainingData) -> None:
    if data.processes.count > 1 and data.device.type == "cuda":  # there is none for CPUs
        share_batch_norm(model)


def _picture_stage(name: str, model: nn.Module, groups: list[dict], data: TrainingData,
                   args: argparse.Namespace) -> Stage:
    model.to(memory_format=torch.channels_last)
    return Stage(name, model, groups, args.epochs, _batch_count(data, args),
                 lambda epoch: data.train_batches(epoch, args), lambda: data.val_batches(args))


def _batch_count(data: TrainingData, args: argparse.Namespace) -> int:
    return len(data.train_orders(0, args))


def _cached_features(model: Classifier, data: TrainingData, weights_digest: str,
                     args: argparse.Namespace) -> tuple[np.ndarray, np.ndarray]:
    """Return the pooled features of train, float32 (views, N, width), and of val (N, width).

    N are this process's pictures.
    """
    width = model.head[0].in_features
    key = cache_key(model.name, weights_digest, data.preprocessing.to_dict(), data.content,
                    args.seed, args.stage1_views, str(inference_precision(data.device)),
                    sha256_of(Path(augmentation.__file__)))
    engine = TorchEngine(model.eval(), data.preprocessing, data.device)

    def build_train(path: Path) -> None:
        own = np.arange(data.processes.rank, len(data.train_labels), data.processes.count)
        array = new_array(path, np.float32, (args.stage1_views, len(own), width))
        for view in range(args.stage1_views):
            array[view] = features_of(own, width, engine, lambda part, view=view: data.views(
                view, part, args.seed))
        array.flush()

    def build_val(path: Path) -> None:
        own = data.processes.partition(np.arange(len(data.val_labels)))
        with path.open("wb") as file:
            np.save(file, features_of(own, width, engine, data.val_pictures))

    folder = data.processes.own_folder(data.cache_dir)
    return (cached_array(folder, "train_features", key, build_train),
            cached_array(folder, "val_features", key, build_val))


def features_of(indices: np.ndarray, width: int, engine: TorchEngine,
                pictures: Callable[[np.ndarray], torch.Tensor]) -> np.ndarray:
    """Return the pooled features of some pictures, float32 (N, width).

    Args:
        indices: of the N pictures.
        width: of the features.
        engine: computes them, a batch in each of its streams.
        pictures: indices -> the normalised pictures.
    """
    found = np.empty((len(indices), width), np.float32)
    starts = range(0, len(indices), engine.batch_size)

    def compute(start: int) -> None:
        part = slice(start, start + engine.batch_size)
        found[part] = engine.features_of_normalised(pictures(indices[part])).float().cpu().numpy()

    for _ in in_streams(compute, starts, engine.streams, engine.start_stream):
        pass  # each has written its rows
    return found
