"""What a network is taught: the loss of known classes of unequal size, and of outliers."""

import torch
from torch import nn

from celestial.common.console import UserError
from celestial.data.datasets import OUTLIER

LABEL_SMOOTHING = 0.1
OUTLIER_WEIGHT = 0.5  # of an outlier's loss (the weight of Hendrycks et al., see `outlier_loss`)


class ClassifierLoss(nn.Module):
    """The loss of a batch of known pictures and outliers, nats: a mean over all its pictures.

        loss = (known_loss of the known pictures + outlier_loss of the outliers) / pictures

    Where several processes share a batch, each computes this sum for its own part of the pictures,
    and divides by the numbers of the whole batch. So the parts add up to the loss that one process
    alone would have, however the pictures are divided. A mean over each part would give a picture
    more weight in a process that has few of them.
    """

    def __init__(self, class_weights: torch.Tensor):
        """Take float (classes,), weights that make up for unequal classes."""
        super().__init__()
        self.class_weights = class_weights

    def forward(self, logits: torch.Tensor, labels: torch.Tensor,
                whole: torch.Tensor | None = None) -> torch.Tensor:
        """Return this process's part of the loss; the parts of all processes add up to it.

        Args:
            logits: float (N, classes), of the pictures of this process.
            labels: int (N,), `OUTLIER` where no class fits.
            whole: int (M,), the labels of the whole batch, of which N are this process's; None:
                all are.
        """
        whole = labels if whole is None else whole
        known = labels != OUTLIER
        total = logits.sum() * 0  # a part without pictures must have a gradient as well
        if known.any():
            total = total + known_loss(logits[known], labels[known], self.class_weights,
                                       whole[whole != OUTLIER])
        if not known.all():
            total = total + outlier_loss(logits[~known])
        return total / len(whole)


def known_loss(logits: torch.Tensor, labels: torch.Tensor, class_weights: torch.Tensor,
               whole: torch.Tensor) -> torch.Tensor:
    """Return the sum of the known pictures' cross-entropies, each with the weight of its class.

        sum over n of  w[label_n] / (mean of w[label_k] over the K known of the whole batch)
                       * cross-entropy of picture n to its smoothed label

    The weights are relative to their mean over the batch, so that the loss does not depend on which
    classes happen to be in it. A picture's weight is that of its own class, for the smoothed part
    of its target too: in `CrossEntropyLoss(weight, label_smoothing)` the smoothed part of each
    class has the weight of that class, and a rare class would get most of every picture's target.

    Args:
        logits: float (N, classes).
        labels: int (N,).
        class_weights: float (classes,).
        whole: int (K,), the labels of all known pictures of the batch, these N among them.
    """
    each = nn.functional.cross_entropy(logits, labels, reduction="none",
                                       label_smoothing=LABEL_SMOOTHING)
    return (each * class_weights[labels]).sum() / class_weights[whole].sum() * len(whole)


def outlier_loss(logits: torch.Tensor) -> torch.Tensor:
    """Return the sum of the outliers' cross-entropies to the uniform distribution.

        sum over n of  OUTLIER_WEIGHT * mean over classes of -log p_n[class]

    It is smallest where all classes are equally likely, so the network learns to be sure of none.
    Outlier exposure: Hendrycks, Mazeika and Dietterich, "Deep Anomaly Detection with Outlier
    Exposure", 2019.

    Args:
        logits: float (N, classes).
    """
    each = -nn.functional.log_softmax(logits, dim=1).mean(dim=1)
    return OUTLIER_WEIGHT * each.sum()


def require_finite(loss: torch.Tensor, where: str) -> None:
    """Raise UserError if a loss is no longer a finite number."""
    if not torch.isfinite(loss):
        raise UserError(f"the loss became {loss.item()} {where}, so training stopped; no "
                        "checkpoint was replaced; try a lower --learning-rate")
