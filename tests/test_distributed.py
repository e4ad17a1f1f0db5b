"""Training in two processes under torchrun: the same batches, the same result, nothing twice."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import QUICK, ROOT, Done, environment, run
from processes import family

from celestial.common.tables import read_csv
from celestial.data.datasets import OUTLIER, epoch_batches
from celestial.models.checkpoints import load_checkpoint
from celestial.models.networks import Classifier
from celestial.training.distributed import Processes
from celestial.training.loss import ClassifierLoss
from celestial.training.sampler import StridedSampler

FINAL = "model_checkpoints/celestial_classification_final_model.pth"
LONG = ("--epochs", "16", "--patience", "16")  # after the options of QUICK: time for a kill


@pytest.fixture(scope="module")
def given(tmp_path_factory) -> Path:
    """First weights for RegNet, whose head has no dropout."""
    torch.manual_seed(1)
    path = tmp_path_factory.mktemp("given") / "given.pth"
    torch.save(Classifier("regnet_y_800mf", 2).backbones["regnet_y_800mf"].state_dict(), path)
    return path


def options(dataset: Path, given: Path, *more: object) -> list[str]:
    return [str(option) for option in ("--data-dir", dataset, "--model", "regnet_y_800mf",
                                       "--weights", given, *QUICK, *more)]


def torchrun(*arguments: object, **settings: object) -> list[str]:
    settings = {"nproc-per-node": 2, **settings}
    launch = [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]
    return [sys.executable, "-m", "torch.distributed.run", "--standalone", *launch,
            str(ROOT / "improved_training.py"), *map(str, arguments)]


def train(cwd: Path, *arguments: object, **settings: object) -> Done:
    cwd.mkdir(exist_ok=True)
    done = subprocess.run(torchrun(*arguments, **settings), cwd=cwd, env=environment(cwd),
                          capture_output=True, text=True, timeout=600)
    return Done(done.returncode, done.stdout, done.stderr)


def history(folder: Path) -> list[dict[str, str]]:
    return read_csv(folder / "model_checkpoints/training_history.csv")


def same_state(one: Path, other: Path) -> bool:
    first, second = (load_checkpoint(folder / FINAL).state for folder in (one, other))
    return all(torch.equal(first[name], second[name]) for name in first)


@pytest.fixture(scope="module")
def uninterrupted(dataset, given, tmp_path_factory) -> tuple[Path, Done]:
    folder = tmp_path_factory.mktemp("two")
    return folder, train(folder, *options(dataset, given, *LONG))


@pytest.mark.slow
def test_two_processes_learn_what_one_learns(uninterrupted, dataset, given, tmp_path):
    folder, done = uninterrupted
    assert done.status == 0, done.err
    alone = run("improved_training.py", *options(dataset, given, "--epochs", "1"), cwd=tmp_path)
    assert alone.status == 0, alone.err
    together, single = history(folder), history(tmp_path)
    assert [row["stage"] for row in together[:3]] == [row["stage"] for row in single]
    for name in ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "learning_rate"):
        for one, other in zip(together[:2], single[:2], strict=True):
            assert float(one[name]) == pytest.approx(float(other[name]), rel=0.01), name
    # BatchNorm that learns sees half of a batch in each process, so that stage 2 may differ.
    assert float(together[2]["train_loss"]) == pytest.approx(float(single[2]["train_loss"]),
                                                             rel=0.3)


@pytest.mark.slow
def test_only_the_first_process_speaks_and_writes(uninterrupted):
    folder, done = uninterrupted
    assert done.out.count("improved_training.py  celestial") == done.out.count("RESULT ") == 1
    assert done.out.count("epoch   1 ") == 1
    assert "2 processes share each batch of 8" in done.out
    assert done.result["val"]["pictures"] == 9
    assert len(list((folder / "model_checkpoints/logs/").glob("*/*"))) == len(
        list((folder / "model_checkpoints/logs/").glob("*/events*"))) + 1, "two logs"
    assert not list((folder / "model_checkpoints").glob("unfinished*"))


@pytest.mark.slow
def test_a_killed_process_costs_no_more_than_a_restart(uninterrupted, dataset, given, tmp_path):
    process = subprocess.Popen(
        torchrun(*options(dataset, given, *LONG), max_restarts=2), cwd=tmp_path,
        env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("epoch   5 ") and "going on after" not in "".join(lines):
            os.kill(process_of_rank(1, process.pid), signal.SIGKILL)
    assert process.wait(timeout=60) == 0, "".join(lines)
    assert "going on after epoch" in "".join(lines), "nobody was killed in time"
    assert same_state(uninterrupted[0], tmp_path)


def process_of_rank(rank: int, parent: int) -> int:
    """Return the process of torchrun's that has a rank."""
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        for member in sorted(family(parent)):  # the process itself comes before its helpers
            words = Path(f"/proc/{member}/environ").read_bytes().split(b"\0")
            if f"RANK={rank}".encode() in words:
                return member
    raise AssertionError("there is no such process")


@pytest.mark.slow
def test_a_batch_too_small_to_share(dataset, given, tmp_path):
    done = train(tmp_path, *options(dataset, given, "--batch-size", 3))
    assert done.status != 0
    assert "--batch-size 3 is too small for 2 processes" in done.err
    assert "improved_training.py\", line" not in done.err, "a traceback of ours"


def test_the_parts_of_the_loss_add_up():
    torch.manual_seed(0)
    loss = ClassifierLoss(torch.tensor([0.5, 2.0, 1.0]))
    logits = torch.randn(11, 3, requires_grad=True)
    labels = torch.tensor([0, 1, 2, 2, OUTLIER, 1, 0, OUTLIER, 0, 0, 2])
    whole = loss(logits, labels)
    expected = torch.autograd.grad(whole, logits)[0]
    for cuts in ([4, 7], [5, 6, 0], [11, 0], [1, 1, 9]):
        parts = zip(logits.split(cuts), labels.split(cuts), strict=True)
        total = sum(loss(own, own_labels, labels) for own, own_labels in parts)
        assert total.item() == pytest.approx(whole.item(), rel=1e-5)
        assert torch.allclose(torch.autograd.grad(total, logits)[0], expected, atol=1e-6)


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_parts_are_all_and_nothing_twice(count):
    indices = np.arange(20)[::-1]
    parts = [Processes(rank, count).partition(indices) for rank in range(count)]
    assert np.concatenate(parts).tolist() == indices.tolist()
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_each_picture_of_a_batch_goes_to_the_process_that_has_its_features(count):
    pictures = 11  # features stand for pictures: that of picture p is p
    weights = np.linspace(0.2, 3, pictures)  # some pictures come several times in an epoch
    wholes = epoch_batches(pictures, 4, 42, 0, weights=weights)
    samplers = [StridedSampler(Processes(rank, count), pictures) for rank in range(count)]
    assert sorted(np.concatenate([sampler.own for sampler in samplers])) == list(range(pictures))
    dealt = [list(sampler.batches(wholes)) for sampler in samplers]
    for number, whole in enumerate(wholes):
        parts = [batches[number][0] for batches in dealt]
        assert sorted(np.concatenate(parts)) == sorted(whole)
        for sampler, part in zip(samplers, parts, strict=True):
            assert sampler.own[sampler.rows(part)].tolist() == (part % pictures).tolist()
