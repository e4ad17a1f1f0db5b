"""A training from its first stage to its last: epochs, the best weights, stopping and resuming."""

import math
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from celestial.data.datasets import mixed_seed
from celestial.inference import confidence
from celestial.training.distributed import ALONE, Processes
from celestial.training.learner import Learner, predict_batches, top_accuracies
from celestial.training.loss import ClassifierLoss, require_finite
from celestial.training.progress import EpochFigures, Progress
from celestial.training.stages import Stage

SAVING = 0.1  # proportion of the time that may go into writing the state of the training


class Trainer:
    """Runs stages one after the other and keeps the best weights of each, its first among them.

    The best have the smallest log loss on val after temperature scaling.
    """

    def __init__(self, device: torch.device, class_weights: torch.Tensor, patience: int, seed: int,
                 state_file: Path, processes: Processes = ALONE, optimizer: str = "adamw",
                 choosing: bool = True):
        """Take up the state of an unfinished training where `state_file` holds one.

        Args:
            device: where to compute.
            class_weights: float (classes,), weights of the training loss.
            patience: epochs without better weights after which a stage ends.
            seed: of dropout and stochastic depth.
            state_file: written after an epoch, but so seldom that it takes at most `SAVING` of the
                time; the first process alone reads and writes it.
            processes: those that learn together.
            optimizer: one of `OPTIMIZERS`.
            choosing: whether val chooses the weights of the first stage and may end it. It cannot
                where it has only a picture or two of a new class; then the last weights are taken.
        """
        self.device = device
        self.optimizer, self.choosing = optimizer, choosing
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
            # The epoch alone gives the seed, so that a resumed run draws the same random numbers.
            own = (self.processes.rank,) if self.processes.rank else ()
            torch.manual_seed(mixed_seed(self.seed, number, epoch, *own))
            figures = self._epoch(stage, learner, epoch)
            self._note(learner, epoch, figures)
        if self.progress.best_epoch < 0:
            print(f"{stage.name}: no epoch was better on val than the weights that the stage began "
                  f"with (log loss after temperature scaling {self.progress.best_loss:.3f}), so "
                  "these are kept")
        stage.network.load_state_dict(self.progress.best)

    def _begin(self, stage: Stage, learner: Learner) -> None:
        """Keep the weights that a stage begins with until an epoch has better ones."""
        logits, labels = self._predict_val(stage, learner)
        # Random weights may overflow in 16 bits; any epoch is better than these.
        finite = bool(torch.isfinite(logits).all())
        self._keep(learner, -1, self._calibrated_loss(logits, labels) if finite else math.inf)

    def _predict_val(self, stage: Stage, learner: Learner) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the averaged weights' logits on all of val, and its labels."""
        logits, labels = predict_batches(learner.averaged.module, stage.val_batches(), self.device)
        return self.processes.gather(logits), self.processes.gather(labels)

    def _calibrated_loss(self, logits: torch.Tensor, labels: torch.Tensor) -> float:
        """Return the log loss after temperature scaling."""
        # The last digits may differ between processes, and all must choose the same weights: so the
        # first process computes it for all.
        own = confidence.calibrated_loss(
            logits.cpu().numpy(), labels.cpu().numpy()) if self.processes.first else None
        return self.processes.from_first(own)

    def _epoch(self, stage: Stage, learner: Learner, epoch: int) -> EpochFigures:
        """Learn from every batch once, and measure the result on val."""
        started = time.perf_counter()
        number = len(self.progress.history) + 1
        rate = learner.optimizer.param_groups[0]["lr"]
        loss, accuracy, top2, waiting = learner.train_epoch(
            stage.train_batches(epoch), self.loss, number)
        logits, labels = self._predict_val(stage, learner)
        val_loss = nn.functional.cross_entropy(logits, labels)
        require_finite(val_loss, f"on val in epoch {number}")
        val_accuracy, val_top2 = top_accuracies(logits, labels)
        return EpochFigures(number, stage.name, loss, accuracy, top2, val_loss.item(),
                            val_accuracy, val_top2, self._calibrated_loss(logits, labels), rate,
                            time.perf_counter() - started, waiting)

    def _keep(self, learner: Learner, epoch: int, loss: float) -> None:
        """Keep a copy of the averaged weights as the best of the stage."""
        progress = self.progress
        progress.best = {name: value.detach().cpu().clone()
                         for name, value in learner.averaged.module.state_dict().items()}
        progress.best_epoch, progress.best_loss = epoch, loss

    def _note(self, learner: Learner, epoch: int, figures: EpochFigures) -> None:
        """Keep the epoch's weights if they are the best, write the state and report."""
        progress = self.progress
        last_counts = progress.stage == 0 and not self.choosing
        if figures.val_calibrated_loss < progress.best_loss or last_counts:
            self._keep(learner, epoch, figures.val_calibrated_loss)
            progress.kept = figures.epoch
        progress.history.append(figures)
        progress.next_epoch = epoch + 1
        if not self.processes.first:
            return
        started = time.perf_counter()
        if started - self.saved_at >= self.saving_seconds / SAVING:
            learner.store(progress)
            progress.save(self.state_file)
            self.saved_at = time.perf_counter()
            self.saving_seconds = self.saved_at - started
        self.report(figures)
