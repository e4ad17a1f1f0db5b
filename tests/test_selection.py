"""What val decides: which weights are kept, when a stage ends, the checkpoint's temperature."""

import math

import numpy as np
import pytest
import torch
from conftest import QUICK
from scipy.special import log_softmax
from sklearn.metrics import log_loss, top_k_accuracy_score

import improved_training
from celestial.common.console import DEFAULT_MODEL
from celestial.data.datasets import list_split
from celestial.inference import confidence, devices, engines
from celestial.inference.predictor import Predictor
from celestial.models.checkpoints import save_checkpoint
from celestial.models.networks import Classifier
from celestial.models.start_weights import start_weights
from celestial.training.distributed import ALONE
from celestial.training.finishing import finish
from celestial.training.stages import Stage
from celestial.training.trainer import Trainer
from celestial.training.training_data import TrainingData

CPU = torch.device("cpu")
LABELS = torch.arange(200) % 4


def answers(right: float, sharpness: float) -> torch.Tensor:
    """Draw logits of which about a share is right, and which are as sure as asked for."""
    random = torch.Generator().manual_seed(round(1000 * right))
    noise = torch.randn(len(LABELS), 4, generator=random)
    return sharpness * (noise + 6 * (right - 0.5) * torch.eye(4)[LABELS])


class Told:
    """A stage whose network answers in each validation what it is told, and learns nothing."""

    def __init__(self, *told: torch.Tensor, epochs: int | None = None, name: str = "a stage"):
        self.told = iter(told)
        network = torch.nn.Linear(4, 4, bias=False)
        torch.nn.init.eye_(network.weight)
        some = torch.randn(8, 4), torch.arange(8) % 4, torch.arange(8) % 4
        self.stage = Stage(name, network, [{"params": network.parameters(), "lr": 0.0}],
                           epochs or len(told) - 1, 1, lambda epoch: [some],
                           lambda: [(next(self.told), LABELS)])


def trainer(tmp_path, patience=10) -> Trainer:
    made = Trainer(CPU, torch.ones(4), patience, 1, tmp_path / "unfinished.pth")
    made.report = lambda figures: None
    return made


def best_log_loss(logits: torch.Tensor) -> float:
    """Return the log loss at the best of many temperatures, by SciPy."""
    own = np.arange(len(LABELS)), LABELS.numpy()
    return min(-log_softmax(logits.double().numpy() / temperature, axis=1)[own].mean()
               for temperature in np.geomspace(0.05, 20, 500))


def test_the_better_ranking_is_kept_however_sure_it_is(tmp_path):
    told = [answers(0.6, 1.0), answers(0.8, 1.0), answers(0.9, 0.1), answers(0.7, 1.0)]
    ready = trainer(tmp_path)
    ready.run(0, Told(*told).stage)
    rows = ready.progress.history
    assert rows[0].val_loss < rows[1].val_loss, "by the log loss itself the first epoch would win"
    assert (ready.progress.best_epoch, ready.progress.kept) == (1, 2)
    for row, logits in zip(rows, told[1:], strict=True):
        assert row.val_calibrated_loss == pytest.approx(best_log_loss(logits), abs=1e-3)


def test_a_stage_ends_when_patience_is_over(tmp_path):
    told = [answers(right, 1.0) for right in (0.6, 0.7, 0.8, 0.75, 0.74, 0.9)]
    ready = trainer(tmp_path, patience=2)
    ready.run(0, Told(*told).stage)
    assert len(ready.progress.history) == 4 and ready.progress.kept == 2


def test_where_val_does_not_choose_the_last_weights_of_the_first_stage_are_kept(tmp_path):
    told = [answers(right, 1.0) for right in (0.9, 0.8, 0.7, 0.6, 0.5)]
    ready = trainer(tmp_path, patience=2)
    ready.choosing = False
    ready.run(0, Told(*told).stage)
    assert len(ready.progress.history) == ready.progress.kept == 4 == ready.progress.best_epoch + 1
    ready.run(1, Told(*told[3:1:-1], *told[3:]).stage)
    assert ready.progress.kept == 5, "in the next stage it does: the epoch with 0.7"


def test_the_weights_that_a_stage_begins_with_may_be_the_best(tmp_path, capsys):
    """Stage 2 learns from wrong labels: what stage 1 had found is kept, and said so."""
    first = Told(answers(0.6, 1.0), answers(0.9, 1.0), answers(0.8, 1.0), name="stage 1")
    ready = trainer(tmp_path, patience=3)
    ready.run(0, first.stage)
    assert "kept" not in capsys.readouterr().out
    second = Told(*[answers(0.9, 1.0)] * 9, name="stage 2").stage
    second.parameter_groups[0]["lr"] = 1.0
    ready.run(1, second)
    assert torch.equal(second.network.weight, torch.eye(4))
    assert len(ready.progress.history) == 2 + 3, "three epochs of patience"
    assert ready.progress.kept == 1, "the epoch of stage 1 from which they are"
    said, = capsys.readouterr().out.splitlines()
    assert said.startswith("stage 2: no epoch was better") and said.endswith("these are kept")
    assert f"{ready.progress.history[0].val_calibrated_loss:.3f}" in said


def test_a_start_that_is_no_number_is_no_best(tmp_path):
    ready = trainer(tmp_path)
    ready.run(0, Told(answers(0.9, math.inf), answers(0.6, 1.0)).stage)
    assert ready.progress.kept == 1


def test_a_resumed_stage_knows_what_it_began_with(tmp_path):
    told = [answers(right, 1.0) for right in (0.9, 0.7, 0.8, 0.6)]
    with pytest.raises(StopIteration):  # as a kill does, in the second epoch
        trainer(tmp_path).run(0, Told(*told[:2], epochs=3).stage)
    again = trainer(tmp_path)
    assert len(again.progress.history) == 1 and again.progress.best_epoch == -1
    again.run(0, Told(*told[2:], epochs=3).stage)
    assert len(again.progress.history) == 3 and again.progress.kept == 0


def nearest_mean(data: TrainingData) -> Classifier:
    """Return a network that names the class whose mean features are nearest."""
    model = Classifier(DEFAULT_MODEL, 3)
    model.load_backbones(start_weights("imagenet", DEFAULT_MODEL).states)
    with torch.no_grad():
        features = model.eval().features(
            data.preprocessing.normalise(torch.from_numpy(np.array(data.train))))
        means = torch.stack([features[data.train_labels == label].mean(0) for label in range(3)])
        model.head[-1].weight.copy_(means)
        model.head[-1].bias.copy_(-means.square().sum(dim=1) / 2)
        logits = model.head(features)
        for values in model.head[-1].parameters():
            values.mul_(3 / logits.std())
    return model


@pytest.mark.slow
@pytest.mark.parametrize("float16", [False, True])
def test_what_is_fitted_on_val_is_what_a_predictor_finds(float16, dataset, tmp_path, monkeypatch):
    """In 16 bits, in which training and prediction compute differently."""
    monkeypatch.setattr(devices, "mixed_precision", lambda device: torch.bfloat16)
    monkeypatch.setattr(engines, "inference_precision", lambda device: torch.bfloat16)
    options = ["--data-dir", dataset, *QUICK, "--output-dir", tmp_path]
    monkeypatch.setattr("sys.argv", ["improved_training.py", *map(str, options),
                                     *["--float16"] * float16])
    args = improved_training.parse_args()
    data, files, val_files, hashes = improved_training.load_data(args, CPU, ALONE, None)
    made = finish(nearest_mean(data), data, files, val_files, hashes, "given", None, args)
    file = save_checkpoint(tmp_path / "made.pth", made)

    val = list_split(dataset, "val", made.classes)
    found = list(Predictor(file, CPU, None, 0).predict(val.paths))
    logits = np.stack([one.logits for one in found])
    probs = np.stack([one.probabilities for one in found])
    assert confidence.TEMPERATURES[0] * 1.01 < made.temperature < confidence.TEMPERATURES[1] * 0.99
    assert made.temperature == pytest.approx(confidence.fit_temperature(logits, val.labels),
                                             rel=1e-6)
    assert made.val["log_loss"] == pytest.approx(log_loss(val.labels, probs, labels=range(3)),
                                                 abs=1e-6)
    assert made.val["accuracy"] == pytest.approx(
        top_k_accuracy_score(val.labels, probs, k=1, labels=range(3)))
    assert made.reject_below == pytest.approx(min(one.known_score for one in found), abs=1e-6)
    assert made.val["pictures"] == len(found) < 20, "the threshold is the lowest score"
