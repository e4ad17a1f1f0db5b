"""Tiny drawn pictures, and the scripts run as a user runs them: one real process each."""

import functools
import hashlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# One thread a process, before torch is imported: the tests themselves run side by side.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np  # noqa: E402
import pytest  # noqa: E402
from filelock import FileLock  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402
from PIL import Image  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

CLASSES = ("mars", "neptune", "saturn")
COLOURS = {"mars": (200, 90, 40), "neptune": (60, 90, 220), "saturn": (220, 190, 120)}
# Each file is one worker's (--dist loadfile): the long ones begin, or a worker ends alone.
LONGEST = ("test_interrupted", "test_training", "test_blind", "test_evaluate", "test_readme",
           "test_distributed", "test_cluster", "test_comparison", "test_notebook", "test_web",
           "test_report")
SECONDS = 600  # that a script may take
PYTHONPATH = os.environ.get("PYTHONPATH")
# Small and short, but every part of the training runs.
QUICK = ("--image-size", "32", "--epochs", "2", "--stage1-epochs", "2", "--stage1-views", "2",
         "--batch-size", "8")
# Of hypothesis: the same examples in every run.
quickly = settings(max_examples=300, deadline=None, derandomize=True, database=None,
                   suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest first."""
    items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST
               else len(LONGEST))


def draw(label: str, number: int, side: int = 48) -> np.ndarray:
    """Draw a disc of the class's colour at a place, size and brightness of its own; uint8 RGB."""
    random = np.random.default_rng([number, *label.encode()])
    y, x = np.mgrid[:side, :side]
    centre = side / 2 + random.uniform(-4, 4, 2)
    radius = side * random.uniform(0.2, 0.3)
    distance = np.hypot(y - centre[0], x - centre[1])
    light = np.clip(radius - distance, 0, 1) * random.uniform(0.6, 1.0)
    if label == "saturn":
        ring = np.abs(np.hypot((y - centre[0]) * 3, x - centre[1]) - radius * 1.6) < 3
        light = np.maximum(light, 0.5 * ring)
    noise = random.integers(0, 12, (side, side, 3))
    return np.uint8(np.clip(light[:, :, None] * COLOURS[label] + noise, 0, 255))


def draw_folder(folder: Path, per_class: int, classes: tuple[str, ...] = CLASSES) -> Path:
    """Write class folders of drawn PNG pictures, wider than high for every second one."""
    for label in classes:
        (folder / label).mkdir(parents=True)
        for number in range(per_class):
            picture = draw(label, number)[: 48 - 8 * (number % 2)]
            Image.fromarray(picture).save(folder / label / f"{label} {number}.png")
    return folder


@dataclass
class Done:
    """How a script ended."""

    status: int
    out: str
    err: str

    @property
    def result(self) -> dict:
        """The last line, `RESULT {json}`."""
        last = self.out.strip().splitlines()[-1]
        assert last.startswith("RESULT "), self.out + self.err
        return json.loads(last.removeprefix("RESULT "))

    @property
    def error(self) -> str:
        """The one sentence that a user gets when nothing could be done."""
        assert "Traceback" not in self.out + self.err, self.err
        lines = [line for line in self.err.splitlines() if line.startswith("error: ")]
        assert len(lines) == 1, self.err
        return lines[0]


def environment(home: Path) -> dict[str, str]:
    """Return an environment without network, cached weights and settings of this machine."""
    return {**os.environ, "TORCH_HOME": str(home / "torch"), "https_proxy": "http://127.0.0.1:9",
            "HTTPS_PROXY": "http://127.0.0.1:9", "CUDA_VISIBLE_DEVICES": "",
            "PYTHONWARNINGS": "ignore"}


def command(script: str, *options: object) -> list[str]:
    return [sys.executable, str(ROOT / script), *map(str, options)]


class Zygote:
    """tests/zygote.py and the socket to it; where there is no fork, each run is started anew."""

    def __init__(self):
        self.lock = threading.Lock()
        self.connection, other = socket.socketpair()
        self.process = subprocess.Popen(
            [sys.executable, ROOT / "tests/zygote.py", str(other.fileno())],
            env=environment(Path(tempfile.gettempdir())), pass_fds=[other.fileno()])
        other.close()
        self.answers = self.connection.makefile("r")

    def run(self, words: list[str], cwd: Path) -> Done:
        """Run a script to its end."""
        request = {"command": words, "cwd": str(cwd), "environment": environment(cwd)}
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            socket.send_fds(self.connection, [json.dumps(request).encode()],
                            [out.fileno(), err.fileno()])
            child = int(self.answers.readline())
            too_long = threading.Timer(SECONDS, os.kill, (child, signal.SIGKILL))
            too_long.start()
            status = int(self.answers.readline())
            too_long.cancel()
            for file in (out, err):
                file.seek(0)
            return Done(status, *(io.TextIOWrapper(file, "utf-8").read() for file in (out, err)))


@functools.cache
def zygote() -> Zygote:
    return Zygote()


def run(script: str, *options: object, cwd: Path, fresh: bool = False, **settings) -> Done:
    """Run a script in `cwd` to its end.

    Args:
        script, options: the command.
        cwd: the folder.
        fresh: by a new Python, as a user does, and not by a fork of one that has imported torch.
        settings: of `subprocess.run`; they need a new one as well.
    """
    words = command(script, *options)
    fresh = fresh or os.environ.get("PYTHONPATH") != PYTHONPATH  # it is read when Python starts
    if hasattr(os, "fork") and not fresh and not settings and zygote().lock.acquire(blocking=False):
        try:
            return zygote().run(words[1:], cwd)
        finally:
            zygote().lock.release()
    done = subprocess.run(words, cwd=cwd, env=environment(cwd), capture_output=True, text=True,
                          encoding="utf-8", timeout=SECONDS, **settings)
    return Done(done.returncode, done.stdout, done.stderr)


def start(script: str, *options: object, cwd: Path) -> subprocess.Popen:
    """Start a script and return at once."""
    return subprocess.Popen(command(script, *options), cwd=cwd, env=environment(cwd), text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8")


def without_override() -> dict:
    """Return settings for `run` that make file permissions hold for root as for anybody."""
    def drop_override() -> None:
        import ctypes

        drop_capability = 24  # PR_CAPBSET_DROP of linux/prctl.h
        for override in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
            ctypes.CDLL(None).prctl(drop_capability, override, 0, 0, 0)

    return {"preexec_fn": drop_override} if os.geteuid() == 0 else {}


def content_of(folder: Path) -> dict[str, str]:
    """Return the sha256 of every file below a folder."""
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*")) if path.is_file()}


def made_once(tmp_path_factory, worker_id: str, name: str, make: Callable[[Path], None]) -> Path:
    """Return a folder that the first worker of a run makes and all others use as it is."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / name
    made = folder.with_suffix(".made")
    with FileLock(folder.with_suffix(".lock")):
        if not made.exists():
            folder.mkdir()  # fails where another worker could not make it
            make(folder)
            made.touch()
    return folder


@pytest.fixture(scope="session")
def dataset(tmp_path_factory, worker_id) -> Path:
    """A dataset of three classes with 20 pictures each, made by datapre.py."""
    def make(base: Path) -> None:
        draw_folder(base / "data/input", 20)
        done = run("datapre.py", cwd=base)
        assert done.status == 0, done.err

    return made_once(tmp_path_factory, worker_id, "dataset", make) / "data/celestial_dataset"


@pytest.fixture(scope="session")
def checkpoint(dataset, tmp_path_factory, worker_id) -> Path:
    """A checkpoint trained from scratch for two epochs on the drawn dataset."""
    def make(base: Path) -> None:
        before = content_of(dataset)
        # Fresh: forked runs share the seed of Python's hashes, and a test compares one with this.
        # RegNet: two epochs from scratch teach EfficientNet-Lite nothing.
        done = run("improved_training.py", "--data-dir", dataset, "--model", "regnet_y_800mf",
                   "--weights", "none", *QUICK, cwd=base, fresh=True)
        assert done.status == 0, done.err
        assert content_of(dataset) == before, "training changed the dataset"

    return (made_once(tmp_path_factory, worker_id, "trained", make)
            / "model_checkpoints/celestial_classification_final_model.pth")


@pytest.fixture(scope="module")
def network():
    """The environment of a test file: only what runs on this machine can be reached."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "127.0.0.1,localhost")
        patch.setenv("no_proxy", "127.0.0.1,localhost")
        yield patch
