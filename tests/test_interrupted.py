"""Kill -9 at any moment of any script, then the same command again: as if nothing had happened."""

import csv
import json
import os
import random
import re
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch
from conftest import ROOT, content_of, draw_folder, environment, run

from celestial.common.console import UserError
from celestial.data.datasets import cached_array
from celestial.models.checkpoints import load_checkpoint
from celestial.models.networks import Classifier
from celestial.training.progress import Progress

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs POSIX processes")
MODEL = "regnet_y_800mf"  # others would import timm in each run
FINAL = "celestial_classification_final_model.pth"
EPOCHS = 6  # of each of two stages: more than the kills in the middle can use up
KILLS = {"decoding": 3, "caching": 3, "learning": 5, "saving": 5, "finishing": 4}


class Runs:
    """A process that runs one script again and again, see killing.py."""

    def __init__(self, script, cwd):
        self.process = subprocess.Popen(
            [sys.executable, ROOT / "tests/killing.py", script], cwd=cwd, text=True,
            env={**environment(cwd), "OMP_NUM_THREADS": "1"}, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE)
        self.log = cwd / "runs.log"

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.communicate()

    def one(self, *options, phase=None, step=None, counting=None):
        """Run once; return how it ended. Operations on files are always counted, calls if asked."""
        counting = phase not in (None, "files") if counting is None else counting
        order = {"options": [str(option) for option in options], "phase": phase, "step": step,
                 "counting": counting}
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def whole(self, *options, counting=False):
        """Run to the end; return the number of steps in each phase."""
        ended = self.one(*options, counting=counting)
        assert ended["status"] == 0, self.log.read_text()[-2000:]
        return ended["steps"]


def leftovers(folder):
    """Return the temporary files and folders below a folder."""
    return [path for pattern in (".*.tmp", ".*.new", ".*.old") for path in folder.rglob(pattern)]


def one_of(chance, most):
    """Draw a step from 1 to `most`, small ones as often as large ones."""
    return int(most ** chance.random())


def draw_kills(steps, seed):
    """Return the phase and the step of each of 20 kills of a training, in the order of phases."""
    chance = random.Random(seed)
    # At most half an epoch, or about one state, so that the epochs last for all kills.
    most = {"decoding": steps["decoding"] // 2, "caching": steps["caching"],
            "learning": steps["learning"] // (2 * EPOCHS),
            "saving": steps["saving"] // (2 * EPOCHS), "finishing": steps["finishing"]}
    kills = {phase: [(phase, one_of(chance, most[phase])) for _ in range(count)]
             for phase, count in KILLS.items()}
    # Early steps first: they fall into the first stage, whose epochs and states are small.
    middle = sorted(kills["learning"] + kills["saving"], key=lambda kill: kill[1])
    return [*kills["decoding"], *kills["caching"], *middle, *kills["finishing"]]


def outcome(folder):
    """Return what a training found: the checkpoint and the history without its seconds."""
    with (folder / "training_history.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = [{name: value for name, value in row.items() if "seconds" not in name}
                for row in csv.DictReader(file)]
    return load_checkpoint(folder / FINAL), rows


def assert_same_training(first, second):
    (first, first_rows), (second, second_rows) = outcome(first), outcome(second)
    assert all(torch.equal(first.state[name], second.state[name])
               for name in first.state | second.state)
    assert (first.temperature, first.reject_below, first.val) == (
        second.temperature, second.reject_below, second.val)
    assert first_rows == second_rows and len(first_rows) == 2 * EPOCHS


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A folder with a drawn dataset and first weights."""
    base = tmp_path_factory.mktemp("interrupted")
    draw_folder(base / "data/input", 8)
    assert run("datapre.py", cwd=base).status == 0
    torch.manual_seed(1)
    torch.save(Classifier(MODEL, 2).backbones[MODEL].state_dict(), base / "weights.pth")
    return base


@pytest.fixture(scope="module")
def training(base):
    with Runs("improved_training.py", base) as runs:
        yield runs


OPTIONS = ("--model", MODEL, "--weights", "weights.pth", "--image-size", 32, "--batch-size", 8,
           "--epochs", EPOCHS, "--stage1-epochs", EPOCHS, "--stage1-views", 2, "--patience", 99,
           "--output-dir")


@pytest.fixture(scope="module")
def undisturbed(training, base):
    """The folder of an undisturbed training, and its steps in each phase."""
    steps = training.whole(*OPTIONS, "whole", counting=True)
    return base / "whole", steps


@pytest.mark.slow
def test_a_training_killed_at_20_moments_ends_like_an_undisturbed_one(training, undisturbed, base):
    whole, steps = undisturbed
    kills = draw_kills(steps, seed=1)
    assert len(kills) == 20
    before = len(training.log.read_text())
    for phase, step in kills:
        ended = training.one(*OPTIONS, "killed", phase=phase, step=step)
        assert ended["status"] == -signal.SIGKILL, (phase, step)
        assert phase == "finishing" or not (base / "killed" / FINAL).exists()
    training.whole(*OPTIONS, "killed")
    resumed = {int(number) for number in re.findall(
        "going on after epoch ([0-9]+)", training.log.read_text()[before:])}
    assert len(resumed) >= 3 and min(resumed) < EPOCHS < max(resumed), "kills in both stages"
    assert_same_training(whole, base / "killed")
    assert leftovers(base) == [] and list((base / "killed").glob("unfinished*")) == []


@pytest.mark.slow
def test_a_training_killed_before_the_first_epoch_of_each_stage(training, undisturbed, base):
    whole, steps = undisturbed
    # The last steps copy the hundreds of tensors that stage 2 begins with.
    for step, epochs in ((1, 0), (steps["beginning"] - 200, EPOCHS)):
        before = len(training.log.read_text())
        ended = training.one(*OPTIONS, "early", phase="beginning", step=step)
        assert ended["status"] == -signal.SIGKILL, step
        done = re.findall("^epoch +([0-9]+) ", training.log.read_text()[before:], re.MULTILINE)
        assert len(done) == epochs, "killed elsewhere"
    training.whole(*OPTIONS, "early")
    assert_same_training(whole, base / "early")


@pytest.mark.slow
def test_a_damaged_state_falls_back_on_the_one_before(training, undisturbed, base):
    assert training.one(*OPTIONS, "damaged", phase="finishing", step=1)["status"] < 0
    newest, before = sorted((base / "damaged").glob("unfinished*"),
                            key=lambda path: "before" in path.name)
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes(content)
    training.whole(*OPTIONS, "damaged")
    assert f"{newest.name}, the state of an unfinished training, is damaged" in (
        training.log.read_text())
    assert_same_training(undisturbed[0], base / "damaged")


def cut(content):
    return content[:len(content) // 2]


def turn_a_bit(content):
    place = content.index(b"\x00\x00\x80\x3f" * 99)  # in the ones below
    return content[:place + 9] + b"\x01" + content[place + 10:]


@pytest.mark.parametrize("damage", [cut, turn_a_bit, lambda content: b"",
                                    lambda content: b"PK\x03\x04" + content[99:],
                                    lambda content: b"no state"])
def test_every_kind_of_damage_is_noticed(damage, tmp_path, capsys):
    path = tmp_path / "unfinished_x.pth"
    for epoch in (3, 4, 5):
        Progress(next_epoch=epoch, network={"weight": torch.ones(1000)}).save(path)
    assert Progress.load(path).next_epoch == 5
    files = list(tmp_path.iterdir())
    assert len(files) == 2
    path.write_bytes(damage(path.read_bytes()))
    assert Progress.load(path).next_epoch == 4
    assert "going on from the state before it" in capsys.readouterr().out
    path.replace(next(file for file in files if file != path))
    assert Progress.load(path).next_epoch == 4, "killed between two renames"
    assert list(tmp_path.iterdir()) == [path]
    Progress(next_epoch=5).save(path)
    for file in files:
        file.write_bytes(b"")
    with pytest.raises(UserError, match="start anew with --fresh"):
        Progress.load(path)
    Progress.forget(path)
    assert list(tmp_path.iterdir()) == [] and Progress.load(path).next_epoch == 0


def test_what_killed_runs_left_in_the_cache_goes_away(tmp_path):
    left = tmp_path / ".pictures_of_another_run.npy.tmp"
    left.write_bytes(bytes(1000))
    made = cached_array(tmp_path, "pictures", "key", save_three)
    assert made.tolist() == [0, 1, 2] and leftovers(tmp_path) == []


def save_three(path):
    with path.open("wb") as file:
        np.save(file, np.arange(3))


@pytest.mark.parametrize("script, options", [
    ("datapre.py", ("--output-dir", "OUT/set")),
    ("evaluate_model.py", ("--output-dir", "OUT")),
    ("generate_visual_predictions.py", ("--input-dir", "data/celestial_dataset/train",
                                        "--output-dir", "OUT")),
    ("blind_test_validation.py", ("--output-dir", "OUT")),
    ("predict_my_images.py", ("data/input", "--output-dir", "OUT")),
    ("render_samples.py", ("--per-class", 4, "--size", 64, "--classes", "mars", "saturn",
                           "--output-dir", "OUT")),
], ids=lambda value: value if isinstance(value, str) else "")
@pytest.mark.slow
def test_a_killed_script_run_again(script, options, undisturbed, base):
    chance = random.Random(script)
    if script not in ("datapre.py", "render_samples.py"):
        options = (*options, "--checkpoint", undisturbed[0] / FINAL)

    def into(folder):
        (base / folder).mkdir(exist_ok=True)
        return [str(option).replace("OUT", folder) for option in options]

    with Runs(script, base) as runs:
        steps = runs.whole(*into(f"{script} whole"), counting=True)
        killed = into(f"{script} killed")
        kills = sorted((chance.randint(1, steps[phase]) / steps[phase], phase)
                       for phase in ("files", "files", "all"))
        ended = [runs.one(*killed, phase=phase, step=round(proportion * steps[phase]))["status"]
                 for proportion, phase in kills]
        goes_on = script == "render_samples.py"  # its later runs have less to do, or nothing
        assert ended.count(-signal.SIGKILL) >= (1 if goes_on else 3), kills
        runs.whole(*killed)
    assert written(base / f"{script} whole") == written(base / f"{script} killed")
    assert leftovers(base) == []


def written(folder):
    """Return the content of all files but those that hold the time or the folder's own name."""
    return {name: digest for name, digest in content_of(folder).items() if not name.startswith(
        ("blind_test_mapping_", "blind_test_report.json", "batch_prediction_run.json"))}
