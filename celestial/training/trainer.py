"""How a network learns: stages, epochs, the average of its weights, stopping and resuming."""

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel

from celestial.common.console import UserError
from celestial.common.files import atomic_path
from celestial.data.datasets import OUTLIER, mixed_seed
from celestial.inference import confidence
from celestial.inference.devices import autocast, mixed_precision
from celestial.inference.streams import in_streams, start_stream, stream_count
from celestial.models.checkpoints import load_weights_only, save_tensors
from celestial.training.distributed import ALONE, Processes
from celestial.training.loss import ClassifierLoss, require_finite

WEIGHT_DECAY = 0.02
LARGEST_GRADIENT = 1.0  # norm, beyond which gradients are clipped
WARM_UP = 0.1  # proportion of a stage's steps in which the learning rate rises
LAST_RATE = 0.01  # the cosine ends at this proportion of the learning rate
SAVING_SHARE = 0.1  # of the time may go into writing the state of an unfinished training
EMA_DECAY = 0.99  # of the weights' moving average, reached after about 1,000 steps
OPTIMIZERS = {
    "adamw": partial(torch.optim.AdamW, weight_decay=WEIGHT_DECAY, fused=True),
    # Keras' settings, with which plain CNNs are often trained; its weights do not decay.
    "rmsprop": partial(torch.optim.RMSprop, alpha=0.9, eps=1e-7, foreach=True),
}

Batch = tuple[torch.Tensor, torch.Tensor]
# Inputs and labels of this process, and the labels of the whole batch over all processes.
TrainBatch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


@dataclass
class EpochFigures:
    """One row of training_history.csv; losses in nats, accuracies 0..1, times in seconds.

    Weights are chosen by `val_calibrated_loss`, the log loss on val after temperature scaling.
    """

    epoch: int
    stage: str
    train_loss: float
    train_accuracy: float
    train_top2: float
    val_loss: float
    val_accuracy: float
    val_top2: float
    val_calibrated_loss: float
    learning_rate: float
    seconds: float
    waiting_seconds: float


@dataclass
class Stage:
    """A part of the training with its own network, rates and data.

    Attributes:
        name: stands in the history and the figures.
        network: what is trained (the head alone, on cached features, or the whole model).
        parameter_groups: for the optimizer, each with its `lr`.
        epochs: at most.
        batches_per_epoch: number of batches that `train_batches` yields.
        train_batches: epoch -> batches, the same for the same epoch.
        val_batches: () -> batches of (input, labels), never augmented: this process's share.
    """

    name: str
    network: nn.Module
    parameter_groups: list[dict]
    epochs: int
    batches_per_epoch: int
    train_batches: Callable[[int], Iterable[TrainBatch]]
    val_batches: Callable[[], Iterable[Batch]]


@dataclass
class Progress:
    """Everything that a resumed training needs to go on as if it had never stopped.

    Attributes:
        stage, next_epoch: where it goes on; both count from 0.
        history: of all stages.
        kept: the epoch of the history whose weights are kept; 0: those before the first one.
        best, best_loss: the stage's best weights, and their log loss after temperature scaling.
        best_epoch: of the stage; -1: the weights that it began with.
        network, averaged, optimizer, schedule, scaler: see Learner.
    """

    stage: int = 0
    next_epoch: int = 0
    history: list[EpochFigures] = field(default_factory=list)
    kept: int = 0
    best: dict | None = None
    best_loss: float = math.inf
    best_epoch: int = -1
    network: dict | None = None
    averaged: dict | None = None
    optimizer: dict | None = None
    schedule: dict | None = None
    scaler: dict | None = None

    def save(self, path: Path) -> None:
        """Write all to a file, whole or not at all; the state before stays beside it."""
        content = {**vars(self), "history": [asdict(row) for row in self.history]}
        with atomic_path(path) as temporary:
            save_tensors(temporary, content)
            if path.exists():
                path.replace(_state_before(path))

    @classmethod
    def load(cls, path: Path) -> "Progress":
        """Read what `save` wrote last, or the state before where that is damaged.

        Raises:
            UserError: there are such files, and all are damaged.
        """
        present = [file for file in (path, _state_before(path)) if file.exists()]
        for file in present:
            try:
                content = load_weights_only(file)
                content["history"] = [EpochFigures(**row) for row in content["history"]]
                found = cls(**content)
            except (UserError, KeyError, TypeError):
                if file != present[-1]:
                    print(f"{file}, the state of an unfinished training, is damaged; going on from "
                          "the state before it")
                continue
            file.replace(path)  # or the next save would put the damaged one in its place
            return found
        if present:
            raise UserError(f"{path}, the state of an unfinished training, is damaged, and so is "
                            "any before it; start anew with --fresh")
        return cls()

    @staticmethod
    def forget(path: Path) -> None:
        """Remove what `save` wrote, where there is anything."""
        for file in (_state_before(path), path):
            file.unlink(missing_ok=True)


def _state_before(path: Path) -> Path:
    return path.with_name(f"{path.stem}_before{path.suffix}")


def rate_factor(step: int, steps: int) -> float:
    """Return a step's learning rate, of the highest: linear warm-up, then a cosine."""
    warm_up = max(1, round(WARM_UP * steps))
    if step < warm_up:
        return (step + 1) / warm_up
    along = (step - warm_up) / max(1, steps - warm_up)
    return LAST_RATE + (1 - LAST_RATE) * 0.5 * (1 + math.cos(math.pi * along))


def moving_average(averaged: list[torch.Tensor], current: list[torch.Tensor],
                   count: torch.Tensor | int) -> None:
    """Update exponential moving averages, in place, whose decay rises to `EMA_DECAY`.

    The rise, (1 + n) / (10 + n), is that of TensorFlow's ExponentialMovingAverage: early on the
    average must forget the random start.
    """
    if averaged[0].is_floating_point():
        decay = min(EMA_DECAY, (1 + int(count)) / (10 + int(count)))
        torch._foreach_lerp_(averaged, current, 1 - decay)
    else:  # BatchNorm's count of batches
        torch._foreach_copy_(averaged, current)


class Trainer:
    """Runs stages one after the other and keeps the best weights of each, its first among them.

    The best have the smallest log loss on val after temperature scaling.
    """

    def __init__(self, device: torch.device, class_weights: torch.Tensor, patience: int, seed: int,
                 state_file: Path, processes: Processes = ALONE, optimizer: str = "adamw"):
        """Take up the state of an unfinished training where `state_file` holds one.

        Args:
            device: where to compute.
            class_weights: float (classes,), weights of the training loss.
            patience: epochs without better weights after which a stage ends.
            seed: of dropout and stochastic depth.
            state_file: written after an epoch, as often as costs a tenth of the time at most;
                the first process alone reads and writes it.
            processes: those that learn together.
            optimizer: one of `OPTIMIZERS`.
        """
        self.device = device
        self.optimizer = optimizer
        self.loss = ClassifierLoss(class_weights.to(device))
        self.patience = patience
        self.seed = seed
        self.state_file = state_file
        self.report: Callable[[EpochFigures], None] = print
        self.saved_at = self.saving_seconds = 0.0
        self.processes = processes
        self.progress = processes.from_first(Progress.load(state_file) if processes.first else None)

    def run(self, number: int, stage: Stage) -> None:
        """Train one stage, from where an earlier run stopped, and load its best weights.

        Raises:
            UserError: the loss is no longer a finite number.
        """
        if number < self.progress.stage:
            return
        if number > self.progress.stage:
            self.progress = Progress(stage=number, history=self.progress.history,
                                     kept=self.progress.kept)
        learner = Learner(stage, self.device, self.processes, self.optimizer)
        if self.progress.next_epoch > 0:
            learner.restore(self.progress)
        else:
            self._begin(stage, learner)
        for epoch in range(self.progress.next_epoch, stage.epochs):
            if epoch - self.progress.best_epoch > self.patience:
                break
            # Not a running generator but the epoch decides, so that a resumed run draws the same.
            own = (self.processes.rank,) if self.processes.rank else ()
            torch.manual_seed(mixed_seed(self.seed, number, epoch, *own))
            figures = self._epoch(stage, learner, epoch)
            self._note(learner, epoch, figures)
        if self.progress.best_epoch < 0:
            print(f"{stage.name}: no epoch was better on val than the weights that the stage began "
                  f"with (log loss after temperature scaling {self.progress.best_loss:.3f}), so "
                  "these are kept")
        stage.network.load_state_dict(self.progress.best)

    def _begin(self, stage: Stage, learner: "Learner") -> None:
        """Keep the weights that a stage begins with until an epoch has better ones."""
        logits, labels = self._judge_val(stage, learner)
        # Random weights may overflow in 16 bits; any epoch is better than these.
        finite = bool(torch.isfinite(logits).all())
        self._keep(learner, -1, self._calibrated_loss(logits, labels) if finite else math.inf)

    def _judge_val(self, stage: Stage, learner: "Learner") -> tuple[torch.Tensor, torch.Tensor]:
        """Return the averaged weights' logits on val, and its labels, those of all processes."""
        logits, labels = predict_batches(learner.averaged.module, stage.val_batches(), self.device)
        return self.processes.gather(logits), self.processes.gather(labels)

    def _calibrated_loss(self, logits: torch.Tensor, labels: torch.Tensor) -> float:
        """Return the log loss after temperature scaling."""
        # The first process tells all: they must choose alike, though last digits may differ.
        own = confidence.calibrated_loss(
            logits.cpu().numpy(), labels.cpu().numpy()) if self.processes.first else None
        return self.processes.from_first(own)

    def _epoch(self, stage: Stage, learner: "Learner", epoch: int) -> EpochFigures:
        started = time.perf_counter()
        number = len(self.progress.history) + 1
        rate = learner.optimizer.param_groups[0]["lr"]
        loss, accuracy, top2, waiting = learner.train_epoch(
            stage.train_batches(epoch), self.loss, number)
        logits, labels = self._judge_val(stage, learner)
        val_loss = nn.functional.cross_entropy(logits, labels)
        require_finite(val_loss, f"on val in epoch {number}")
        val_accuracy, val_top2 = top_accuracies(logits, labels)
        return EpochFigures(number, stage.name, loss, accuracy, top2, val_loss.item(),
                            val_accuracy, val_top2, self._calibrated_loss(logits, labels), rate,
                            time.perf_counter() - started, waiting)

    def _keep(self, learner: "Learner", epoch: int, loss: float) -> None:
        progress = self.progress
        progress.best = {name: value.detach().cpu().clone()
                         for name, value in learner.averaged.module.state_dict().items()}
        progress.best_epoch, progress.best_loss = epoch, loss

    def _note(self, learner: "Learner", epoch: int, figures: EpochFigures) -> None:
        """Keep the epoch's weights if they are the best, write the state and report."""
        progress = self.progress
        if figures.val_calibrated_loss < progress.best_loss:
            self._keep(learner, epoch, figures.val_calibrated_loss)
            progress.kept = figures.epoch
        progress.history.append(figures)
        progress.next_epoch = epoch + 1
        if not self.processes.first:
            return
        started = time.perf_counter()
        if started - self.saved_at >= self.saving_seconds / SAVING_SHARE:
            learner.store(progress)
            progress.save(self.state_file)
            self.saved_at = time.perf_counter()
            self.saving_seconds = self.saved_at - started
        self.report(figures)


class Learner:
    """A stage's network with its moving average, optimizer, schedule and loss scaling.

    Several processes hold the same network: the gradients are those of the whole batch.
    """

    def __init__(self, stage: Stage, device: torch.device, processes: Processes, optimizer: str):
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
        self._share_statistics()
        logits, labels = map(self.processes.gather, (torch.cat(outputs), torch.cat(targets)))
        accuracy, top2 = top_accuracies(logits, labels)
        return self.processes.total(total_loss) / len(labels), accuracy, top2, waiting

    def _step(self, loss: torch.Tensor) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        # The processes' gradients are averaged, and the parts of the loss add up.
        self.scaler.scale(loss * self.processes.count).backward()
        self.scaler.unscale_(self.optimizer)
        nn.utils.clip_grad_norm_(self.network.parameters(), LARGEST_GRADIENT)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.schedule.step()
        self.averaged.update_parameters(self.network)

    def _share_statistics(self) -> None:
        """Give all processes the same BatchNorm statistics, the mean of what each has seen."""
        for network in (self.network, self.averaged.module):
            self.processes.average([buffer for buffer in network.buffers()
                                    if buffer.is_floating_point()])


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

    Outliers have no class and no part in it.
    """
    logits, labels = logits[labels != OUTLIER], labels[labels != OUTLIER]
    best = logits.topk(2, dim=1).indices == labels[:, None]
    return best[:, 0].float().mean().item(), best.any(dim=1).float().mean().item()
