"""How far a training has come: the figures of its epochs, its best weights, the state it is in."""

import math
from dataclasses import asdict, dataclass, field
from pathlib import Path

from celestial.common.console import UserError
from celestial.common.files import atomic_path
from celestial.models.checkpoints import load_weights_only, save_tensors


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
class Progress:
    """Everything that a resumed training needs to go on as if it had never stopped.

    Attributes:
        stage, next_epoch: where it goes on, both from 0.
        history: of all stages.
        kept: the epoch of the history whose weights are kept; 0: those before the first one.
        best, best_loss: the stage's best weights, and their log loss after temperature scaling.
        best_epoch: of the stage; -1: the weights that it began with.
        network, averaged, optimizer, schedule, scaler: the state of each part of the `Learner`.
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
            file.replace(path)  # because the next save keeps what lies there as the state before
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
