"""Gives every script its common options, run header, RESULT line and ending."""

import argparse
import gc
import importlib.metadata
import json
import os
import platform
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import celestial
from celestial.common.home import ensure_home
from celestial.common.import_errors import lacking

ROOT = Path(__file__).resolve().parent.parent.parent
FINAL_CHECKPOINT = Path("model_checkpoints/celestial_classification_final_model.pth")
DATASET = Path("data/celestial_dataset")
MODELS = ("efficientnet_lite0", "efficientnet_lite2", "efficientnet_b3", "resnet50", "ensemble",
          "regnet_y_800mf", "cnn")
DEFAULT_MODEL, DEFAULT_SIDE = "efficientnet_lite0", 128  # pixels of its square
SHIPPED = ROOT / f"pretrained/{DEFAULT_MODEL}.pth"  # the weights that ship
TIMM = "timm:"  # begins the name of any network of timm
OPTIMIZERS = ("adamw", "rmsprop")
VIEWS = (1, 2, 4, 8)  # numbers of a square's views whose logits may be averaged: see views.py
STRETCHES = ("none", "percentile", "asinh")
DRAWN = ("earth", "galaxy", "jupiter", "mars", "mercury", "moon", "nebula", "neptune", "pluto",
         "saturn", "star_cluster", "sun", "uranus", "venus")  # classes that the renderer can draw
PLANETS = ("earth", "jupiter", "mars", "moon", "neptune", "saturn", "uranus")  # the default classes
COMPUTING = ("torch", "torchvision")  # packages whose versions a result depends on
ONNX = "onnx"  # the engine that needs no torch
SMALLEST_SIDE, LARGEST_SIDE = 32, 2048  # pixels of a network's input, which networks reduce 32-fold
OUTLIERS = ("everyday", "other_space")  # drawn as well, but none of them is a class


class UserError(Exception):
    """An error that a user can cause and correct: one sentence, what is wrong and what to do.

    `status` is the script's exit status: 1 nothing could be done, 2 wrong options.
    """

    def __init__(self, message: str, status: int = 1):
        super().__init__(message)
        self.status = status


class HelpFormatter(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Shows the module docstring as it stands and each option's default."""


def make_parser(docstring: str) -> argparse.ArgumentParser:
    """Return a parser whose help opens with the script's docstring."""
    return argparse.ArgumentParser(description=docstring.strip(), formatter_class=HelpFormatter,
                                   allow_abbrev=False)


def positive_int(text: str) -> int:
    """Read an option as a whole number of at least 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number of at least 1")
    return value


def model_name(text: str) -> str:
    """Read an option as one of `MODELS` or timm:NAME, which is looked up later."""
    if text not in MODELS and not text.startswith(TIMM):
        raise argparse.ArgumentTypeError(
            f"{text} is none of {', '.join(MODELS)}, nor {TIMM}NAME for a network of timm")
    return text


def seed_number(text: str) -> int:
    """Read an option as a seed, which numpy and torch take up to 32 bits."""
    value = int(text)
    if not 0 <= value < 2**32:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from 0 to {2**32 - 1}")
    return value


def positive_float(text: str) -> float:
    """Read an option as a number above 0."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
    return value


def image_side(text: str) -> int:
    """Read an option as the side of a network's input."""
    value = int(text)
    if not SMALLEST_SIDE <= value <= LARGEST_SIDE:
        raise argparse.ArgumentTypeError(
            f"{text} is not between {SMALLEST_SIDE} and {LARGEST_SIDE} pixels")
    return value


def picture_side(text: str) -> int:
    """Read an option as the side of a drawn picture."""
    value = int(text)
    if not 16 <= value <= 4096:
        raise argparse.ArgumentTypeError(f"{text} is not between 16 and 4096 pixels")
    return value


def place(text: str) -> Path | str:
    """Read an option as a folder, or as the URI of one, which stays text."""
    return text if "://" in text else Path(text)


def add_data_option(group: argparse._ArgumentGroup) -> None:
    """Add --data-dir, the folder that datapre.py made."""
    group.add_argument("--data-dir", type=Path, default=DATASET, metavar="FOLDER",
                       help="folder with train/, val/ and test/ class folders")


def add_checkpoint_option(group: argparse._ArgumentGroup, several: bool = False) -> None:
    """Add --checkpoint, one file or several; without it a script takes the last training's."""
    group.add_argument("--checkpoint", type=Path, default=None, metavar="FILE",
                       nargs="+" if several else None,
                       help=f"trained model; None: {FINAL_CHECKPOINT}, else the one in pretrained/"
                       + ("; several are compared on the same pictures" if several else ""))


def add_compute_options(parser: argparse.ArgumentParser,
                        batch_size: int | None = None) -> argparse._ArgumentGroup:
    """Add --device, --batch-size and --workers; return their group."""
    group = parser.add_argument_group("computing")
    group.add_argument("--device", default="auto",
                       help="auto (CUDA when there is one), cpu, cuda, cuda:1, mps")
    group.add_argument("--batch-size", type=positive_int, default=batch_size,
                       help="pictures that go through the network at once"
                       + ("" if batch_size else "; None: what suits the device and the network"))
    group.add_argument("--workers", type=positive_int, default=os.cpu_count(),
                       help="helpers that decode pictures")
    return group


def add_views_option(group: argparse._ArgumentGroup) -> None:
    """Add --views."""
    group.add_argument("--views", type=int, choices=VIEWS, default=1,
                       help="turned and mirrored views of each picture whose mean is the answer: "
                       "steadier, and so many times the work")


def add_cleaning_options(parser: argparse.ArgumentParser, when: str) -> None:
    """Add --denoise, --normalise and --stretch, which clean each picture."""
    group = parser.add_argument_group(f"cleaning each picture, {when}")
    group.add_argument("--denoise", action="store_true",
                       help="take the noise away (OpenCV's non-local means)")
    group.add_argument("--normalise", action="store_true",
                       help="let each channel run from black to white: no cast remains")
    group.add_argument("--stretch", choices=STRETCHES, default=STRETCHES[0],
                       help="let the picture run from black to white; asinh lifts what is faint")


def git_commit() -> str:
    """Return the short commit of this project, with -dirty for local changes, or 'no git'."""
    if not (ROOT / ".git").exists():
        return "no git"
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return "no git"
    return done.stdout.strip()


def versions(packages: tuple[str, ...] = COMPUTING) -> dict[str, str]:
    """Return the versions that a result depends on, among them those of some packages."""
    installed = {name: importlib.metadata.version(name) for name in packages}
    return {"celestial": celestial.__version__, "commit": git_commit(),
            "python": platform.python_version(), **installed}


def print_header(script: str, args: argparse.Namespace, device: str = "none needed",
                 packages: tuple[str, ...] = COMPUTING) -> None:
    """Print which program runs where with which options: the first lines of every script.

    Args:
        script: its file.
        args: its options.
        device: what computes.
        packages: that it computes with; their versions are printed.
    """
    seen = versions(packages)
    computing = "  ".join(f"{name} {seen[name]}" for name in packages)
    print(f"{Path(script).name}  celestial {seen['celestial']} (commit {seen['commit']})")
    print(f"python {seen['python']}  {computing}  device {device}  "
          f"seed {getattr(args, 'seed', 'none needed')}")
    options = "  ".join(f"{name}={_shown(value)}" for name, value in sorted(vars(args).items()))
    print(f"options: {_one_line(options)}\n", flush=True)
    cores = os.cpu_count() or 1
    if getattr(args, "workers", 0) > cores and getattr(args, "engine", "") != "ray":
        print(f"{args.workers} workers on {cores} cores: more than there are make nothing faster",
              flush=True)


def _shown(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _one_line(text: str) -> str:
    """Escape control characters, so that no file name breaks the line or controls the terminal."""
    from celestial.common.file_names import ESCAPES

    return text.translate({code: shown for code, shown in ESCAPES.items() if chr(code) != "\\"})


def print_result(figures: dict, files: Iterable[Path]) -> None:
    """Print the last line of every script: `RESULT {json}` with figures and the files written."""
    result = {**figures, "files": [str(path) for path in files]}
    print("\nRESULT " + json.dumps(result, ensure_ascii=False), flush=True)


def is_out_of_memory(error: BaseException) -> bool:
    """Say whether the memory of the machine or of a device was full (torch says it in words)."""
    return isinstance(error, MemoryError) or any(
        words in str(error) for words in ("out of memory", "not enough memory",
                                          "can't allocate memory"))


def _stop(signum: int, frame: object) -> None:
    raise KeyboardInterrupt


def run(main: Callable[[], None], when_stopped: str = "nothing was half-written") -> None:
    """Run a script's main() and end the process: 0 done, 1 nothing could be done, 2 wrong options.

    Whatever a user can cause ends in one sentence on stderr, without a traceback.

    Args:
        main: the script.
        when_stopped: the end of the sentence that Ctrl-C prints: what is left behind, how to go on.
    """
    signal.signal(signal.SIGTERM, _stop)
    # Importing torch makes 180,000 objects that live to the end. Searching them for garbage would
    # take 0.2 s during the import and 0.4 s at the end, so we search seldom, and not at the end.
    gc.set_threshold(50_000)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")
    try:
        ensure_home()
        main()
    except UserError as error:
        _fail(str(error), error.status)
    except KeyboardInterrupt:
        _fail(f"stopped before the end: {when_stopped}", 1)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except OSError as error:
        if sentence := lacking(error):
            _fail(sentence, 1)
        # The error of a copy has two names; the second is the file that is written.
        _fail(f"{error.filename2 or error.filename or 'a file'}: {error.strerror or error}; "
              "check that the folder exists, may be written and has space", 1)
    except Exception as error:
        if is_out_of_memory(error):
            _fail("the memory is full; try a smaller --batch-size or --image-size", 1)
        if not (sentence := lacking(error)):
            raise  # a bug of this program, for which the traceback is wanted
        _fail(sentence, 1)
    finally:
        gc.freeze()


def _fail(sentence: str, status: int) -> None:
    try:
        sys.stdout.flush()
    except OSError:  # stdout goes to a full disk; without this Python would fail again at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    print(f"error: {_one_line(sentence)}", file=sys.stderr, flush=True)
    sys.exit(status)
