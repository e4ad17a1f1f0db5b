"""How fast predict_my_images.py is, beside other ways to do the same and the machine's limit.

in:   nothing; pictures are drawn, and a network learns for a minute
out:  prediction_speed.md (a table), prediction_speed.csv (every run), prediction_speed.png

  python benchmarks/prediction_speed.py
  python benchmarks/prediction_speed.py --counts 105 1000 --rounds 5 --peers-python PATH

Whole processes in turn, several rounds, on the same pictures with the same network; the answers
are compared. benchmarks/peers/ holds the others: the usual script of the web, timm's manner at the
best setting it finds here, fastai, Ultralytics, and the limit: decoding and the network alone.
"""

import argparse
import importlib.util
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from prediction_report import (  # noqa: E402  (the project's folder must be on the path first)
    Row,
    compare,
    figures_of,
    read_answers,
    write_outputs,
)

from celestial.common import console  # noqa: E402

PEERS = Path(__file__).resolve().parent / "peers"
SEED = 42
PER_CLASS, SIDE = 15, 640  # of the drawn pictures
LEARNED_SIDE, LEARNED_EPOCHS = 96, 12  # pixels; 60 % of drawn pictures right, the answers spread
WARM, TUNING = 8, 105  # pictures of the uncounted round, and to find the best setting with
USUAL, TIMM = "usual script", "timm's manner"
SETTING = {"--batch-size": 32, "--workers": 1, "--channels-last": True, "--bf16": False}
NO_PEERS = "not installed: pip install -r benchmarks/requirements-peers.txt"
NO_OPENVINO = "not installed: pip install -r requirements-openvino.txt"


@dataclass(frozen=True)
class Contender:
    """A way to name the pictures of a folder.

    Attributes:
        name: in the table.
        script: takes FOLDER, --checkpoint and --output-dir.
        against: name of the run of ours it is compared with; for a peer one that draws as much.
        options: more options of the script.
        python: runs it.
        engine: whose limit it is compared with; empty for those that are not ours.
        missing: why it cannot run here; empty where it can.
    """

    name: str
    script: Path
    against: str
    options: dict = field(default_factory=dict)
    python: str = sys.executable
    engine: str = ""
    missing: str = ""

    @property
    def label(self) -> str:
        """The name with the settings that were found or given."""
        if self.engine or not self.options:
            return self.name
        return f"{self.name} ({' '.join(self.words())})"

    def words(self) -> list[str]:
        """Return the options as a command line has them; one that is False is left out."""
        return [part for name, value in self.options.items() if value is not False
                for part in ([name] if value is True else [name, str(value)])]


@dataclass(frozen=True)
class Run:
    """What a child process did: wall-clock seconds, its last line, probabilities by picture."""

    seconds: float
    last_line: str
    answers: dict[str, dict[str, float]]


def parse_args() -> argparse.Namespace:
    parser = console.make_parser(__doc__)
    parser.add_argument("--model", choices=console.MODELS, default="efficientnet_b3")
    parser.add_argument("--image-size", type=console.image_side, default=299,
                        help="side of the network's square input, pixels")
    parser.add_argument("--pictures", type=Path, default=None, metavar="FOLDER",
                        help="take these pictures; None: they are drawn")
    parser.add_argument("--counts", type=console.positive_int, nargs="+", default=[105, 1000],
                        help="numbers of pictures; links to the same few")
    parser.add_argument("--rounds", type=console.positive_int, default=3)
    parser.add_argument("--usual-most", type=console.positive_int, default=105,
                        help="from more pictures on the usual script's time is computed")
    parser.add_argument("--peers-python", type=Path, default=Path(sys.executable), metavar="PATH",
                        help="a python that has fastai and ultralytics")
    parser.add_argument("--output-dir", type=Path, default=Path("evaluation_results"),
                        metavar="FOLDER")
    return parser.parse_args()


def run_child(name: str, command: list, work: Path) -> tuple[float, str]:
    """Run a process to its end; return its wall-clock seconds and the last line it printed.

    Raises:
        UserError: it failed; with the end of its stderr.
    """
    environment = {**os.environ, "YOLO_CONFIG_DIR": str(work)}  # not the user's own settings
    started = time.perf_counter()
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True,
                          cwd=work, env=environment)
    seconds = time.perf_counter() - started
    if done.returncode:
        raise console.UserError(f"{name} failed: {' | '.join(done.stderr.splitlines()[-12:])}")
    return seconds, (done.stdout.splitlines() or [""])[-1]


def learn_briefly(work: Path, args: argparse.Namespace) -> Path:
    """Train a network for a minute from nothing; return its checkpoint, for the asked image size.

    Random weights would cost the same time, but 16 bits would change their answers: features
    that hardly differ from picture to picture leave the answers to rounding.
    """
    from celestial.models.checkpoints import load_checkpoint, save_checkpoint

    for split, count, seed in (("train", 24, SEED), ("val", 4, SEED + 1)):
        run_child("render_samples.py", [
            sys.executable, console.ROOT / "render_samples.py", "--per-class", count, "--size",
            LEARNED_SIDE, "--seed", seed, "--output-dir", work / "dataset" / split], console.ROOT)
    run_child("improved_training.py", [
        sys.executable, console.ROOT / "improved_training.py", "--data-dir", work / "dataset",
        "--output-dir", work, "--model", args.model, "--weights", "none", "--image-size",
        LEARNED_SIDE, "--epochs", LEARNED_EPOCHS], console.ROOT)
    checkpoint = load_checkpoint(work / console.FINAL_CHECKPOINT.name)
    checkpoint.preprocessing = replace(checkpoint.preprocessing, size=args.image_size)
    return save_checkpoint(work / "learned.pth", checkpoint)


class Bench:
    """The pictures, the checkpoint, and the way to run a contender on a number of pictures."""

    def __init__(self, work: Path, args: argparse.Namespace):
        from celestial.common.files import walk_files

        self.work = work
        if args.pictures is None:
            run_child("render_samples.py", [
                sys.executable, console.ROOT / "render_samples.py", "--per-class", PER_CLASS,
                "--size", SIDE, "--seed", SEED, "--output-dir", work / "drawn"], work)
        self.pictures = walk_files((args.pictures or work / "drawn").resolve())
        if not self.pictures:
            raise console.UserError(f"{args.pictures} is empty; name a folder with pictures")
        random.Random(SEED).shuffle(self.pictures)
        self.checkpoint = learn_briefly(work / "learning", args)

    def folder(self, count: int) -> Path:
        """Return a folder with `count` links to the pictures; the first ones are always alike."""
        folder = self.work / f"pictures_{count}"
        if not folder.exists():
            folder.mkdir()
            for number in range(count):
                source = self.pictures[number % len(self.pictures)]
                (folder / f"{number:06d}{source.suffix}").symlink_to(source)
        return folder

    def run(self, contender: Contender, count: int) -> Run:
        """Run a contender on `count` pictures."""
        out = self.work / "out"
        seconds, line = run_child(contender.name, [
            contender.python, contender.script, self.folder(count), "--checkpoint",
            self.checkpoint, "--output-dir", out, *contender.words()], self.work)
        answers = read_answers(out)
        shutil.rmtree(out)
        if len(answers) != count:
            raise console.UserError(f"{contender.name} answered {len(answers)} of {count} pictures")
        return Run(seconds, line, answers)

    def limit(self, engine: str, count: int) -> dict[str, float]:
        """Return pictures a second of decoding alone, of the network alone, and the limit."""
        _, line = run_child("machine_limit.py", [
            sys.executable, PEERS / "machine_limit.py", self.folder(count), "--checkpoint",
            self.checkpoint, "--engine", engine], self.work)
        return json.loads(line)


def can_import(python: str, module: str, work: Path) -> bool:
    """Say whether a python has a package that works."""
    try:
        run_child(module, [python, "-c", f"import {module}"], work)
    except (console.UserError, OSError):
        return False
    return True


def list_contenders(args: argparse.Namespace, device, work: Path) -> list[Contender]:
    """Return ours and the peers, in the order in which they take turns."""
    ours = console.ROOT / "predict_my_images.py"
    drawing, plain = ours.name, f"{ours.name} --no-pictures"
    listed = [Contender(drawing, ours, drawing, engine="torch"),
              Contender(plain, ours, drawing, {"--no-pictures": True}, engine="torch")]
    if device.type == "cpu":
        found = importlib.util.find_spec("openvino") is not None
        listed.append(Contender(f"{ours.name} --engine openvino", ours, drawing,
                                {"--engine": "openvino"}, engine="openvino",
                                missing="" if found else NO_OPENVINO))
    listed += [Contender(USUAL, PEERS / "usual_script.py", drawing),
               Contender(TIMM, PEERS / "timm_manner.py", plain, SETTING)]
    for name, module, script in (("fastai", "fastai.learner", "fastai_manner.py"),
                                 ("Ultralytics", "ultralytics", "ultralytics_manner.py")):
        python = str(args.peers_python.absolute())  # the children run in another folder
        listed.append(Contender(name, PEERS / script, plain, python=python, missing="" if
                                can_import(python, module, work) else NO_PEERS))
    return listed


def tune(timm: Contender, bench: Bench, count: int, native_bf16: bool) -> Contender:
    """Return timm's manner at its best setting: one option after the other, the fastest is kept."""
    best, least = timm, bench.run(timm, count).seconds
    tried = {"--channels-last": (False, True), "--bf16": (False, True) if native_bf16 else (),
             "--workers": sorted({0, 1, 2, os.cpu_count()}), "--batch-size": (8, 32, 128)}
    for option, values in tried.items():
        for value in values:
            if value == best.options[option]:
                continue
            other = replace(best, options={**best.options, option: value})
            seconds = bench.run(other, count).seconds
            print(f"{other.label}: {seconds:.1f} s for {count} pictures, the best so far "
                  f"{least:.1f} s", flush=True)
            if seconds < least:
                best, least = other, seconds
    return best


def tuned(listed: list[Contender], bench: Bench, args: argparse.Namespace,
          native_bf16: bool) -> list[Contender]:
    """Return the contenders with timm's best setting, which the other peers get as well."""
    timm = next(contender for contender in listed if contender.name == TIMM)
    best = tune(timm, bench, min(TUNING, max(args.counts)), native_bf16)
    batch = {"--batch-size": best.options["--batch-size"]}
    options = {best.name: best.options, "Ultralytics": batch,
               "fastai": {**batch, "--workers": best.options["--workers"]}}
    return [replace(contender, options=options.get(contender.name, contender.options))
            for contender in listed]


def measure(contenders: list[Contender], bench: Bench, number: int,
            args: argparse.Namespace) -> list[Row]:
    """Let the contenders take turns on each number of pictures: one round."""
    rows, usual = [], {}
    for count in args.counts:
        ours = None
        for contender in contenders:
            is_usual = contender.name == USUAL
            measured = min(count, args.usual_most) if is_usual else count
            done = usual.get(measured) if is_usual else None
            done = done or bench.run(contender, measured)
            seconds = done.seconds
            if is_usual:
                usual[measured] = done
            if measured < count:
                later = json.loads(done.last_line)["seconds_after_first"]
                seconds += (count - measured) * later / max(1, measured - 1)
            ours = ours or done.answers  # ours is the first
            same, largest = compare(ours, done.answers)
            rows.append(Row(number, contender.name, count, seconds, measured < count, same,
                            len(done.answers), largest))
            print(f"round {number}: {contender.name}, {count} pictures, {seconds:.1f} s"
                  f"{', computed' if measured < count else ''}", flush=True)
    return rows


def main() -> None:
    args = parse_args()
    args.counts = sorted(set(args.counts))
    import torch

    from celestial.inference.devices import (
        describe,
        inference_precision,
        mixed_precision,
        pick_device,
    )

    device = pick_device("auto")
    console.print_header(__file__, args, describe(device, inference_precision))
    native_bf16 = mixed_precision(device) == torch.bfloat16
    rows, limits = [], []
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        listed = list_contenders(args, device, work)
        bench = Bench(work, args)
        for contender in listed:  # files and libraries come into the page cache
            if not contender.missing:
                bench.run(contender, min(WARM, args.counts[0]))
        contenders = tuned(listed, bench, args, native_bf16)
        here = [contender for contender in contenders if not contender.missing]
        for number in range(1, args.rounds + 1):
            rows += measure(here, bench, number, args)
            for engine in dict.fromkeys(one.engine for one in here if one.engine):
                limits.append({"round": number, "engine": engine,
                               **bench.limit(engine, args.counts[-1])})
                print(f"round {number}: limit, {limits[-1]}", flush=True)
    written = write_outputs(contenders, rows, limits, args.counts, args.output_dir)
    console.print_result(figures_of(here, rows, limits, args.counts), written)


if __name__ == "__main__":
    console.run(main)
