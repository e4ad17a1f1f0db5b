"""The stages of a training: what learns in each, at which rate, and from which batches."""

import argparse
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from celestial.inference.devices import mixed_precision
from celestial.models.convolutions import share_batch_norm
from celestial.models.networks import Classifier, LateClassifier
from celestial.training.features import cached_features
from celestial.training.sampler import StridedSampler
from celestial.training.training_data import Batch, TrainBatch, TrainingData

HEAD = "head on frozen backbone"
LAST_BLOCKS = "last blocks and head"
WHOLE = "whole network from given weights"
SCRATCH = "whole network from scratch"
BACKBONE_RATE = 0.1  # of the learning rate, because good weights should change little


@dataclass
class Stage:
    """A part of the training with its own network, rates and data.

    Attributes:
        name: stands in the history and the figures.
        network: what is trained (the head alone, on cached features, or the whole model).
        parameter_groups: for the optimizer, each with its `lr`.
        epochs: at most.
        batches_per_epoch: number of batches that `train_batches` yields.
        train_batches: epoch -> this process's part of each batch, the same for the same epoch.
        val_batches: () -> this process's part of val in batches, never augmented.
    """

    name: str
    network: nn.Module
    parameter_groups: list[dict]
    epochs: int
    batches_per_epoch: int
    train_batches: Callable[[int], Iterable[TrainBatch]]
    val_batches: Callable[[], Iterable[Batch]]


def head_stage(model: Classifier, data: TrainingData, weights_digest: str,
               args: argparse.Namespace) -> Stage:
    """Return stage 1: the backbones are frozen, the head learns from their cached features.

    Each picture goes through the backbones once in each of `--stage1-views` augmented views, and
    epoch e learns from view e modulo that number. Of several processes each computes the features
    of its own pictures alone, and so learns from these in every batch.
    """
    model.freeze_backbones()
    sampler = StridedSampler(data.processes, len(data.train))
    train, val = cached_features(model, data, sampler, weights_digest, args)
    val_labels = torch.from_numpy(data.processes.partition(data.val_labels))

    def train_batches(epoch: int) -> Iterator[TrainBatch]:
        view = train[epoch % args.stage1_views]
        for part, whole in sampler.batches(data.train_orders(epoch, args)):
            features = torch.from_numpy(view[sampler.rows(part)])
            yield features.to(data.device), data.labels(part), data.labels(whole)

    def val_batches() -> Iterator[Batch]:
        yield torch.from_numpy(np.array(val)).to(data.device), val_labels.to(data.device)

    return Stage(HEAD, model.head, [{"params": list(model.head.parameters()),
                                     "lr": args.learning_rate}],
                 args.stage1_epochs, _batch_count(data, args), train_batches, val_batches)


def fine_tuning_stage(model: Classifier, data: TrainingData, args: argparse.Namespace) -> Stage:
    """Return stage 2: the last blocks of each backbone, or all, learn as well, at a lower rate."""
    model.to(data.device)  # all of it, because what stays frozen computes as well
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
    if data.processes.count > 1 and data.device.type == "cuda":  # torch has no such layer for CPUs
        share_batch_norm(model)


def _picture_stage(name: str, model: nn.Module, groups: list[dict], data: TrainingData,
                   args: argparse.Namespace) -> Stage:
    model.to(memory_format=torch.channels_last)
    return Stage(name, model, groups, args.epochs, _batch_count(data, args),
                 lambda epoch: data.train_batches(epoch, args), lambda: data.val_batches(args))


def _batch_count(data: TrainingData, args: argparse.Namespace) -> int:
    return len(data.train_orders(0, args))
