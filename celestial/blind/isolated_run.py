"""Predictions in a process of their own, which can see the blind folders and the checkpoint only.

A hook in Python's audit events refuses, and notes, every attempt of this process to open or list
anything else, to start another program or to reach a network. It holds for Python code, in this
project and in the libraries, not for machine code that asks the system itself.

  python -m celestial.blind.isolated_run job.json answers.json      # `predict_apart` starts it
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent
READS = {"open", "os.listdir", "os.scandir"}
NEVER = {"os.link", "os.symlink", "os.rename", "os.fork", "os.forkpty", "os.exec", "os.spawn",
         "os.posix_spawn", "os.system", "subprocess.Popen", "socket.connect", "socket.bind",
         "socket.getaddrinfo", "socket.sendto", "socket.sendmsg"}
SYSTEM = ("/proc", "/sys", "/dev")
# What Python and the libraries need; only these reach the process, none else of the session.
VARIABLES = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS",
             "MKL_NUM_THREADS", "PYTHONWARNINGS")


@dataclass(frozen=True)
class BlindAnswers:
    """What the separate process reported.

    Attributes:
        predictions: of each folder a list of `Prediction`, in the order of the file names.
        refused: what it tried to reach beside what it may: "event: path", each once.
        failure: the last line of its error output where it ended before the end, else empty.
    """

    predictions: list[list]
    refused: list[str]
    failure: str


def predict_apart(predictor, folders: Sequence[Path]) -> BlindAnswers:
    """Predict every file of some folders in a separate process.

    Args:
        predictor: a `Predictor`; its checkpoint's file, device and batches are used.
        folders: each holds pictures and nothing else.
    """
    from celestial.inference.predictor import Prediction

    variables = {name: os.environ[name] for name in VARIABLES if name in os.environ}
    paths = [str(PACKAGE.parent), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    with tempfile.TemporaryDirectory() as place:
        job, answers = Path(place, "job.json"), Path(place, "answers.json")
        job.write_text(json.dumps({
            "checkpoint": str(predictor.path.resolve()), "device": str(predictor.device),
            "batch_size": predictor.engine.batch_size,
            "folders": [str(folder.resolve()) for folder in folders]}), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-B", "-m", "celestial.blind.isolated_run", str(job), str(answers)],
            cwd=place, env={**variables, "PYTHONPATH": os.pathsep.join(paths), "HOME": place,
                            "TMPDIR": place},
            capture_output=True, text=True, encoding="utf-8", errors="replace")
        content = {"predictions": [], "refused": []}
        if answers.is_file():
            content = json.loads(answers.read_text(encoding="utf-8"))
    failure = (done.stderr.strip().splitlines() or ["no message"])[-1] if done.returncode else ""
    return BlindAnswers([[_as_prediction(Prediction, row, folder, predictor.classes)
                          for row in rows] for folder, rows
                         in zip(folders, content["predictions"], strict=False)],
                        content["refused"], failure)


def _as_prediction(kind: type, row: dict, folder: Path, classes: tuple[str, ...]):
    from numpy import array

    probs = None if row["probabilities"] is None else array(row["probabilities"])
    return kind(folder / row["name"], probs, classes, row["known_score"], row["accepted"],
                row["reason"])


class Fence:
    """Refuses, and notes, what this process must not reach."""

    def __init__(self, allowed: Sequence[str | Path]):
        """Take the files and folders that may be opened; what lies in such a folder may be too."""
        self.allowed = [os.path.realpath(path) for path in (*allowed, *SYSTEM)]
        self.refused: list[str] = []

    def close(self) -> None:
        """Put the fence up; Python has no way to take it down again."""
        sys.addaudithook(self._check)

    def _check(self, event: str, details: tuple) -> None:
        if event in NEVER:
            self._refuse(event, "" if not details else details[0])
        if event in READS and not isinstance(details[0], int):
            path = os.path.realpath(os.fsdecode(details[0] or "."))
            if not any(path == place or path.startswith(place.rstrip(os.sep) + os.sep)
                       for place in self.allowed):
                self._refuse(event, path)

    def _refuse(self, event: str, what: object) -> None:
        note = f"{event}: {os.fsdecode(what) if isinstance(what, (str, bytes)) else event}"
        if note not in self.refused:
            self.refused.append(note)
        raise PermissionError(13, "the blind test's process must not reach this", str(what))


def main() -> None:
    job_file, answers = Path(sys.argv[1]), Path(sys.argv[2])
    job = json.loads(job_file.read_text(encoding="utf-8"))
    # The libraries are imported before the fence is closed, because on import they look for
    # compilers and programs, which is harmless. This project's own modules are imported behind it.
    import torch  # noqa: F401
    import torchvision.transforms.v2  # noqa: F401

    # The project's folder leaves the path, because only the package in it may be read.
    sys.path[:] = [path for path in sys.path if Path(path).resolve() != PACKAGE.parent]
    fence = Fence([sys.prefix, sys.base_prefix, *filter(None, sys.path), PACKAGE, Path.cwd(),
                   job["checkpoint"], *job["folders"]])
    fence.close()
    content = {"predictions": [], "refused": fence.refused}
    try:
        content["predictions"] = predict_folders(job)
    finally:
        answers.write_text(json.dumps(content), encoding="utf-8")


def predict_folders(job: dict) -> list[list[dict]]:
    """Return of each folder what is to be known of each of its files."""
    import torch

    from celestial.common.files import walk_files
    from celestial.inference.predictor import Predictor

    # No workers, because behind the fence no process can be started; none are needed, because the
    # copies were written by this project.
    predictor = Predictor(Path(job["checkpoint"]), torch.device(job["device"]), job["batch_size"],
                          workers=0)
    return [[{"name": answer.path.name, "known_score": float(answer.known_score),
              "accepted": bool(answer.accepted), "reason": answer.reason,
              "probabilities": None if answer.probabilities is None
              else answer.probabilities.tolist()}
             for answer in predictor.predict(walk_files(Path(folder)))]
            for folder in job["folders"]]


if __name__ == "__main__":
    main()
