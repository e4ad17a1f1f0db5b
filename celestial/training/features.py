"""The pooled features of frozen backbones, computed once and kept, from which a head learns."""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from celestial.common.files import sha256_of
from celestial.data.datasets import cache_key, cached_array, new_array
from celestial.inference.devices import inference_precision
from celestial.inference.engines import TorchEngine
from celestial.inference.streams import in_streams
from celestial.models.networks import Classifier
from celestial.training import augmentation
from celestial.training.sampler import StridedSampler
from celestial.training.training_data import TrainingData


def cached_features(model: Classifier, data: TrainingData, sampler: StridedSampler,
                    weights_digest: str, args: argparse.Namespace
                    ) -> tuple[np.ndarray, np.ndarray]:
    """Return the pooled features of this process's pictures of train and of val.

    They are computed where no earlier run has left them in `data.cache_dir`.

    Args:
        model: its backbones are frozen.
        data: the pictures.
        sampler: says which pictures of train are this process's.
        weights_digest: hash of the backbones' weights.
        args: the options.

    Returns:
        float32 (views, N, width), in the order of `sampler.own`, and float32 (M, width).
    """
    width = model.head[0].in_features
    key = cache_key(model.name, weights_digest, data.preprocessing.to_dict(), data.content,
                    args.seed, args.stage1_views, str(inference_precision(data.device)),
                    sha256_of(Path(augmentation.__file__)))
    engine = TorchEngine(model.eval(), data.preprocessing, data.device)

    def build_train(path: Path) -> None:
        own = sampler.own
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
        pictures: indices -> the normalised pictures, float32 (n, 3, size, size).
    """
    found = np.empty((len(indices), width), np.float32)
    starts = range(0, len(indices), engine.batch_size)

    def compute(start: int) -> None:
        part = slice(start, start + engine.batch_size)
        found[part] = engine.features_of_normalised(pictures(indices[part])).float().cpu().numpy()

    for _ in in_streams(compute, starts, engine.streams, engine.start_stream):
        pass  # each call has written its rows of `found`
    return found
