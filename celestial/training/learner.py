"""How the network of one stage learns: the optimizer's steps, the rate, the weights' average."""

import math
import time
from collections.abc import Iterable
from functools import partial

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel

from celestial.data.datasets import OUTLIER
from celestial.inference.devices import autocast, mixed_precision
from celestial.inference.streams import in_streams, start_stream, stream_count
from celestial.training.distributed import Processes
from celestial.training.loss import require_finite
from celestial.training.progress import Progress
from celestial.training.stages import Stage
from celestial.training.training_data import Batch, TrainBatch

WEIGHT_DECAY = 0.02
LARGEST_GRADIENT = 1.0  # norm, beyond which gradients are clipped
WARM_UP = 0.1  # proportion of a stage's steps in which the learning rate rises
LAST_RATE = 0.01  # the cosine ends at this proportion of the learning rate
EMA_DECAY = 0.99  # of the weights' moving average, reached after about 1,000 steps
OPTIMIZERS = {
    "adamw": partial(torch.optim.AdamW, weight_decay=WEIGHT_DECAY, fused=True),
    # Keras' settings, with which plain CNNs are often trained; its weights do not decay.
    "rmsprop": partial(torch.optim.RMSprop, alpha=0.9, eps=1e-7, foreach=True),
}


class Learner:
    """A stage's network with its moving average, optimizer, schedule and loss scaling.

    Of several processes each has the same network, because each takes its steps by the gradient of
    the whole batch.
    """

    def __init__(self, stage: Stage, device: torch.device, processes: Processes, optimizer: str):
        """Move the stage's network to the device; `optimizer` is one of `OPTIMIZERS`."""
        self.network = stage.network.to(device)
        self.processes = processes
        self.learning = self.network if processes.count == 1 else DistributedDataParallel(
            self.network, broadcast_buffers=False, gradient_as_bucket_view=True)
        self.averaged = AveragedModel(self.network, multi_avg_fn=moving_average, use_buffers=True)
        self.optimizer = OPTIMIZERS[optimizer](stage.parameter_groups)
        steps = stage.epochs * stage.batches_per_epoch
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer, lambda step: rate_factor(step, steps))
        needs_scaling = mixed_precision(device) == torch.float16
        self.scaler = torch.amp.GradScaler(device.type, enabled=needs_scaling)
        self.device = device
        self.parts = {"network": self.network, "averaged": self.averaged,
                      "optimizer": self.optimizer, "schedule": self.schedule,
                      "scaler": self.scaler}

    def store(self, progress: Progress) -> None:
        """Put the state of every part into `progress`."""
        for name, part in self.parts.items():
            setattr(progress, name, part.state_dict())

    def restore(self, progress: Progress) -> None:
        """Take the state of every part from `progress`."""
        for name, part in self.parts.items():
            part.load_state_dict(getattr(progress, name))

    def train_epoch(self, batches: Iterable[TrainBatch], loss_function: nn.Module,
                    epoch: int) -> tuple[float, float, float, float]:
        """Learn from each batch once.

        Returns:
            Mean loss, accuracy, top-2 accuracy, and the seconds spent waiting for batches.
        """
        self.learning.train()
        total_loss, waiting, outputs, targets = 0.0, 0.0, [], []
        asked = time.perf_counter()
        for step, (inputs, labels, whole) in enumerate(batches, start=1):
            waiting += time.perf_counter() - asked
            with autocast(self.device):
                logits = self.learning(inputs)
            loss = loss_function(logits.float(), labels, whole)
            require_finite(loss, f"in epoch {epoch}, step {step}")
            self._step(loss)
            total_loss += loss.item() * len(whole)
            outputs.append(logits.detach().float())
            targets.append(labels)
            asked = time.perf_counter()
        self._average_statistics()
        logits, labels = map(self.processes.gather, (torch.cat(outputs), torch.cat(targets)))
        accuracy, top2 = top_accuracies(logits, labels)
        return self.processes.total(total_loss) / len(labels), accuracy, top2, waiting

    def _step(self, loss: torch.Tensor) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        # The loss is multiplied because torch divides the gradients' sum by the processes' count.
        self.scaler.scale(loss * self.processes.count).backward()
        self.scaler.unscale_(self.optimizer)
        nn.utils.clip_grad_norm_(self.network.parameters(), LARGEST_GRADIENT)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.schedule.step()
        self.averaged.update_parameters(self.network)

    def _average_statistics(self) -> None:
        """Give all processes the same BatchNorm statistics, the mean over the processes."""
        for network in (self.network, self.averaged.module):
            self.processes.average([buffer for buffer in network.buffers()
                                    if buffer.is_floating_point()])


def rate_factor(step: int, steps: int) -> float:
    """Return a step's learning rate as a proportion of the highest: linear warm-up, then cosine."""
    warm_up = max(1, round(WARM_UP * steps))
    if step < warm_up:
        return (step + 1) / warm_up
    along = (step - warm_up) / max(1, steps - warm_up)
    return LAST_RATE + (1 - LAST_RATE) * 0.5 * (1 + math.cos(math.pi * along))


def moving_average(averaged: list[torch.Tensor], current: list[torch.Tensor],
                   count: torch.Tensor | int) -> None:
    """Update exponential moving averages, in place, whose decay rises to `EMA_DECAY`.

    It rises as (1 + n) / (10 + n), with n the count of steps, as in TensorFlow's
    ExponentialMovingAverage, because early on the average must forget the random start.
    """
    if averaged[0].is_floating_point():
        decay = min(EMA_DECAY, (1 + int(count)) / (10 + int(count)))
        torch._foreach_lerp_(averaged, current, 1 - decay)
    else:  # BatchNorm's count of batches
        torch._foreach_copy_(averaged, current)


def predict_batches(network: nn.Module, batches: Iterable[Batch],
                    device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Return logits float (N, classes) and labels (N,) of all batches, in their order."""
    network.eval()

    @torch.inference_mode()
    def logits_of(batch: Batch) -> torch.Tensor:
        with autocast(device):
            return network(batch[0]).float()

    logits, labels = [], []
    for (_, targets), found in in_streams(logits_of, batches, stream_count(device),
                                          partial(start_stream, device)):
        logits.append(found)
        labels.append(targets)
    return torch.cat(logits), torch.cat(labels)


def top_accuracies(logits: torch.Tensor, labels: torch.Tensor) -> tuple[float, float]:
    """Return the proportions of pictures whose class is the first, and among the first two.

    Outliers are left out, because they have no class.
    """
    logits, labels = logits[labels != OUTLIER], labels[labels != OUTLIER]
    best = logits.topk(2, dim=1).indices == labels[:, None]
    return best[:, 0].float().mean().item(), best.any(dim=1).float().mean().item()
