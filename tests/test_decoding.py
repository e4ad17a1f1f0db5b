"""Decoding in processes that files may kill: each file costs its own row and nothing else."""

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, draw, environment, run
from PIL import Image
from processes import family, still_running

from celestial.pictures import decoder_pool
from celestial.pictures.decoder_pool import decode_all
from celestial.pictures.loader import load_image
from celestial.pictures.readers.types import ImageError

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
# Decodes one picture again and again, with two workers, until it is stopped.
ENDLESS = """
import itertools, sys
from pathlib import Path
from celestial.common import console
from celestial.pictures.decoder_pool import decode_all
from celestial.pictures.loader import load_image

def main():
    for _ in decode_all(load_image, itertools.repeat(Path(sys.argv[1])), 2):
        print("decoded", flush=True)

if __name__ == "__main__":
    console.run(main)
"""
# Says in how many threads a decoder multiplies matrices.
THREADS = """
import re
import numpy as np
from pathlib import Path
from celestial.pictures.decoder_pool import in_process

def threads():
    np.ones((600, 600)) @ np.ones((600, 600))
    return re.search(r"Threads:\\s*([0-9]+)", Path("/proc/self/status").read_text())[1]

if __name__ == "__main__":
    print(in_process(1, threads).result())
"""


def behave(path: Path) -> str:
    """Do what the name of the file says."""
    if path.name == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if path.name == "exit":
        os._exit(3)
    if path.name == "hang":
        time.sleep(600)
    if path.name == "eat":
        return str(np.ones(1 << 29).sum())  # 4 GB
    if path.name == "error":
        raise ImageError("a reason")
    return f"{path.name} is fine"


def outcomes(names: list[str], workers: int) -> list[tuple[str, str]]:
    return [(path.name, str(found))
            for path, found in decode_all(behave, map(Path, names), workers)]


@pytest.mark.slow
@LINUX
def test_a_file_that_kills_or_hangs_its_decoder_costs_its_own_row(monkeypatch):
    monkeypatch.setattr(decoder_pool, "SECONDS", 3)
    names = ["a", "crash", "b", "exit", "hang", "c", "eat", "crash", "error", "d", "e"]
    found = outcomes(names, 2)
    assert [name for name, _ in found] == names
    reasons = {"crash": "crashes the decoder", "exit": "crashes the decoder",
               "hang": "more than 3 seconds", "eat": "memory", "error": "a reason"}
    for name, answer in found:
        assert reasons.get(name, f"{name} is fine") in answer


@pytest.mark.slow
@LINUX
def test_it_goes_on_after_many_crashes():
    names = [name for number in range(12) for name in ("crash", str(number))]
    assert [answer for name, answer in outcomes(names, 2) if name != "crash"] == [
        f"{number} is fine" for number in range(12)]


def test_results_are_the_same_with_any_number_of_workers(tmp_path):
    paths = []
    for number in range(30):
        paths.append(tmp_path / f"{number}.png")
        Image.fromarray(draw("mars", number)).save(paths[-1])
    paths[7].write_bytes(b"no picture")
    paths[11].write_bytes(paths[12].read_bytes()[:900])
    alone, one, two = ([(path, found.tobytes() if isinstance(found, np.ndarray) else str(found))
                        for path, found in decode_all(load_image, paths, workers)]
                       for workers in (0, 1, 2))
    assert [path for path, _ in alone] == paths
    assert alone == one == two


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
def test_only_a_few_files_are_read_ahead(workers):
    taken = 0

    def endless() -> Iterator[Path]:
        nonlocal taken
        while True:
            taken += 1
            yield Path(str(taken))

    for count, _ in enumerate(islice(decode_all(behave, endless(), workers, ahead=5), 60)):
        assert taken <= count + 1 + 5


@pytest.mark.slow
@LINUX
def test_a_decoder_computes_with_one_thread(tmp_path):
    """On 16 cores OpenBLAS's threads took more than a decoder's memory, and all of them died."""
    (tmp_path / "threads.py").write_text(THREADS)
    variables = {name: value for name, value in environment(tmp_path).items()
                 if name not in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    done = subprocess.run([sys.executable, "threads.py"], cwd=tmp_path, text=True, timeout=60,
                          env={**variables, "PYTHONPATH": str(ROOT)}, capture_output=True)
    assert done.stdout == "1\n", done.stderr


@pytest.mark.slow
@LINUX
@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_no_process_remains_of_a_script_that_is_stopped(stop, tmp_path):
    Image.fromarray(draw("mars", 1)).save(tmp_path / "a.png")
    (tmp_path / "endless.py").write_text(ENDLESS)
    script = subprocess.Popen([sys.executable, "endless.py", "a.png"], cwd=tmp_path,
                              env={**environment(tmp_path), "PYTHONPATH": str(ROOT)}, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              start_new_session=True)
    assert script.stdout.readline() == "decoded\n"
    members = set(family(script.pid))
    assert len(members) >= 4, "the script, the server that forks, and two workers"
    if stop == signal.SIGINT:
        os.killpg(script.pid, stop)  # Ctrl-C reaches the workers as well
    else:
        script.send_signal(stop)
    _, err = script.communicate(timeout=60)
    assert "Traceback" not in err
    wait_for_end(members)


@pytest.mark.slow
@LINUX
def test_no_process_remains_of_a_script_that_ends(tmp_path):
    Image.fromarray(draw("mars", 1)).save(tmp_path / "a.png")
    (tmp_path / "short.py").write_text(ENDLESS.replace(
        "itertools.repeat(Path(sys.argv[1]))", "[Path(sys.argv[1])] * 5").replace(
        'flush=True)', 'flush=True)\n    input()'))
    script = subprocess.Popen([sys.executable, "short.py", "a.png"], cwd=tmp_path,
                              env={**environment(tmp_path), "PYTHONPATH": str(ROOT)}, text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert [script.stdout.readline() for _ in range(5)] == ["decoded\n"] * 5
    members = set(family(script.pid))
    script.communicate("\n", timeout=60)
    assert script.returncode == 0
    wait_for_end(members)


def wait_for_end(members: set[int]) -> None:
    """Give processes that have lost their parent half a minute to see it."""
    patience = time.monotonic() + 30
    while (left := still_running(members)) and time.monotonic() < patience:
        time.sleep(0.1)
    assert not left


# Python runs a file of this name when it starts: in the script, and in the server of its workers.
SITECUSTOMIZE = """
import os, signal, time
from celestial.pictures import decoder_pool, loader

read = loader._read
decoder_pool.SECONDS = 4

def _read(file, *rest):
    head = file.read(5)
    file.seek(0)
    if head == b"CRASH":
        os.kill(os.getpid(), signal.SIGSEGV)
    if head == b"HANGS":
        time.sleep(600)
    return read(file, *rest)

loader._read = _read
"""


@pytest.mark.slow
@LINUX
def test_a_whole_script_goes_on_after_a_crash_and_a_hang(checkpoint, tmp_path, monkeypatch):
    (tmp_path / "plant").mkdir()
    (tmp_path / "plant/sitecustomize.py").write_text(SITECUSTOMIZE)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(tmp_path / "plant"), str(ROOT))))
    folder = tmp_path / "my_images"
    folder.mkdir()
    for number in range(8):
        Image.fromarray(draw("mars", number)).save(folder / f"{number}.png")
    (folder / "1.png").write_bytes(b"CRASH")
    (folder / "4.png").write_bytes(b"HANGS")
    (folder / "6.png").write_bytes(b"CRASH")
    done = run("predict_my_images.py", "--checkpoint", checkpoint, "--no-pictures", "--workers", 2,
               cwd=tmp_path)
    assert done.status == 0, done.err
    assert "Traceback" not in done.err
    table = tmp_path / "my_predictions/batch_prediction_summary.csv"
    with table.open(encoding="utf-8-sig", newline="") as file:
        rows = {row["filename"]: row for row in csv.DictReader(file)}
    assert sorted(rows) == [f"{number}.png" for number in range(8)]
    for name, row in rows.items():
        reason = {"1.png": "crashes the decoder", "6.png": "crashes the decoder",
                  "4.png": "more than 4 seconds"}.get(name)
        assert (row["status"] == "failed") == (reason is not None)
        assert (reason or "") in row["reason"]
