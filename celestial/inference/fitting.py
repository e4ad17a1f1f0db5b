"""Fits a checkpoint on val: temperatures, thresholds, figures."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from celestial.inference import confidence
from celestial.inference.engines import TorchEngine
from celestial.models.checkpoints import Checkpoint, build_model


def fit_checkpoint(checkpoint: Checkpoint, path: Path, squares: np.ndarray, labels: np.ndarray,
                   groups: np.ndarray | None, device: torch.device) -> Checkpoint:
    """Return the checkpoint with what `confidence.fit_on_val` fits to its answers on val.

    The answers come from the weights as they are stored, in the precision of a Predictor, because
    training computes in another one.

    Args:
        checkpoint: its temperatures, thresholds and figures are replaced.
        path: its file, for messages.
        squares: uint8 (N, 3, size, size), val.
        labels: int (N,), each of a class.
        groups: (N,) of `design_effect`.
        device: where to compute.

    Raises:
        UserError: the weights do not fit the network.
    """
    network = build_model(checkpoint, path)
    engine = TorchEngine(network, checkpoint.preprocessing, device)
    return replace(checkpoint, **confidence.fit_on_val(engine.logits_of_views(squares), labels,
                                                       groups))
