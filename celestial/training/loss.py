"""What a network is taught: the loss of known classes of unequal size, and of outliers."""

import torch
from torch import nn

from celestial.common.console import UserError
from celestial.data.datasets import OUTLIER

LABEL_SMOOTHING = 0.1
OUTLIER_WEIGHT = 0.5  # of an outlier's loss (the weight of Hendrycks et al., see ClassifierLoss)


class ClassifierLoss(nn.Module):
    """Cross-entropy for the classes; for outliers, the distance from "could be any of them".

    A picture's weight is that of its own class, for the smoothed part of its target too. With
    `CrossEntropyLoss(weight, label_smoothing)` the smoothed part of each class has that class's
    weight, so that a rare class gets most of every picture's target.

    Outlier exposure: Hendrycks, Mazeika and Dietterich, "Deep Anomaly Detection with Outlier
    Exposure", 2019: an outlier's target is the uniform distribution.
    """

    def __init__(self, class_weights: torch.Tensor):
        """Take float (classes,), weights that make up for unequal classes."""
        super().__init__()
        self.class_weights = class_weights

    def forward(self, logits: torch.Tensor, labels: torch.Tensor,
                whole: torch.Tensor | None = None) -> torch.Tensor:
        """Return this process's part of the mean loss of a batch, nats; the parts add up to it.

        Args:
            logits: float (N, classes).
            labels: int (N,), `OUTLIER` where no class fits.
            whole: int (M,), the labels of the whole batch, of which N are this process's; None:
                all are.
        """
        whole = labels if whole is None else whole
        outlier, known = labels == OUTLIER, whole[whole != OUTLIER]
        total = logits.sum() * 0  # this part may be empty, and must still have a gradient
        if not outlier.all():
            own = labels[~outlier]
            each = nn.functional.cross_entropy(logits[~outlier], own, reduction="none",
                                               label_smoothing=LABEL_SMOOTHING)
            part = (each * self.class_weights[own]).sum() / self.class_weights[known].sum()
            total = total + part * len(known)
        if outlier.any():
            surprise = -nn.functional.log_softmax(logits[outlier], dim=1).mean(dim=1)
            total = total + OUTLIER_WEIGHT * surprise.sum()
        return total / len(whole)


def require_finite(loss: torch.Tensor, where: str) -> None:
    """Raise UserError if a loss is no longer a finite number."""
    if not torch.isfinite(loss):
        raise UserError(f"the loss became {loss.item()} {where}, so training stopped; no "
                        "checkpoint was replaced; try a lower --learning-rate")
