"""Runs a script many times in forked copies of one process, and kills each copy where it is told.

  python killing.py improved_training.py < orders

Importing torch takes seconds; here one import serves all runs. Each line of stdin is one run:
{"options": [...], "phase": "saving", "step": 7, "counting": true} kills it with SIGKILL at the
seventh call of a function while it saves; without a phase it runs to its end. Each line of stdout
says how a run ended: {"status": 0, "steps": {phase: calls}}, or {"status": -9} where it was killed.
"""

import importlib.util
import json
import os
import pkgutil
import signal
import sys
from collections import Counter
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
PHASES = {"decode_split": ("datasets.py", "decoding"),
          "cached_features": ("features.py", "caching"),
          "_begin": ("trainer.py", "beginning"),
          "_epoch": ("trainer.py", "learning"),
          "save": ("progress.py", "saving"),
          "finish": ("finishing.py", "finishing"),
          "write_outputs": ("improved_training.py", "finishing")}
# A side effect; needs Ray.
NOT_LOADED = {"celestial.pictures.quiet_decoders", "celestial.inference.ray_cluster"}
# Python tells of these before it asks the system, so a kill falls between two operations on files.
FILES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.truncate"}


class Steps:
    """Counts calls in each phase of a run, and its operations on files, and kills it at one."""

    def __init__(self, phase: str | None, step: int | None):
        self.wanted = phase, step
        self.counts = Counter()
        self.within = [("all", None)]

    def start(self, counting: bool) -> None:
        """Begin; calls are counted where that is wanted, for it makes the run several times slower.
        """
        sys.addaudithook(self._audit)
        if counting:
            sys.setprofile(self._profile)

    def _count(self, phase: str) -> None:
        self.counts[phase] += 1
        if (phase, self.counts[phase]) == self.wanted:
            os.kill(os.getpid(), signal.SIGKILL)

    def _profile(self, frame, event: str, argument) -> None:
        if event == "call":
            file, phase = PHASES.get(frame.f_code.co_name, (None, None))
            if file and frame.f_code.co_filename.endswith(f"/{file}"):
                self.within.append((phase, frame))
        elif event == "return" and frame is self.within[-1][1]:
            self.within.pop()
        if event in ("call", "c_call"):
            self._count(self.within[-1][0])

    def _audit(self, event: str, details: tuple) -> None:
        writing = event == "open" and isinstance(details[2], int) and details[2] & (
            os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if writing or event in FILES:
            self._count("files")


def load(script: str):
    """Import a script, and before it all that scripts import late; nothing is computed yet."""
    import torch.utils.tensorboard  # noqa: F401

    import celestial
    from celestial.pictures.decoder_pool import decode_all

    # Workers of its own would cost each run the seconds that are saved here.
    for found in pkgutil.walk_packages(celestial.__path__, "celestial."):
        if found.name in NOT_LOADED:
            continue
        module = importlib.import_module(found.name)
        if hasattr(module, "decode_all"):
            module.decode_all = partial(in_this_process, decode_all)
    spec = importlib.util.spec_from_file_location("script", ROOT / script)
    module = importlib.util.module_from_spec(spec)
    sys.modules["script"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def in_this_process(decode_all, function, paths, workers, *more):
    """Decode with no workers."""
    return decode_all(function, paths, 0, *more)


def child(module, script: str, order: dict, answer: int) -> None:
    """Run the script once in this forked process and end it."""
    from celestial.common import console

    log = os.open("runs.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.stdout.reconfigure(line_buffering=True)
    sys.argv = [script, *order["options"]]
    steps = Steps(order.get("phase"), order.get("step"))
    steps.start(order["counting"])
    try:
        console.run(module.main)
        status = 0
    except SystemExit as ended:
        status = ended.code
    finally:
        sys.setprofile(None)
    sys.stdout.flush()
    os.write(answer, json.dumps({"status": status, "steps": steps.counts}).encode())
    os._exit(0)


def main() -> None:
    script = sys.argv[1]
    module = load(script)
    for line in sys.stdin:
        answer, given = os.pipe()
        pid = os.fork()
        if pid == 0:
            child(module, script, json.loads(line), given)
        os.close(given)
        with open(answer, encoding="utf-8") as told:  # noqa: PTH123 (a descriptor, not a path)
            found = told.read()
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        print(found or json.dumps({"status": status}), flush=True)


if __name__ == "__main__":
    main()
