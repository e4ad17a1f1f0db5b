"""What the peers share, so that all do the same work: the network, the pictures, the answers' file.

Not a script. The network and the square are the project's own: only the manner of running differs.
"""

import argparse
import csv
import sys
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from celestial.models.checkpoints import build_model, load_checkpoint  # noqa: E402

ANSWERS = "answers.csv"


def make_parser(docstring: str) -> argparse.ArgumentParser:
    """Return a parser of the options that every peer has."""
    parser = argparse.ArgumentParser(description=docstring)
    parser.add_argument("folder", type=Path, help="pictures")
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--output-dir", type=Path, required=True, help=f"gets {ANSWERS}")
    return parser


def load(path: Path) -> tuple:
    """Return the network, which answers logits, its preprocessing and its classes."""
    checkpoint = load_checkpoint(path)
    return build_model(checkpoint, path), checkpoint.preprocessing, checkpoint.classes


def list_pictures(folder: Path) -> list[Path]:
    """Return the files of the folder."""
    return sorted(folder.iterdir())


def read_picture(path: Path) -> np.ndarray:
    """Decode a picture as most programs do: uint8 (height, width, 3)."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def write_answers(folder: Path, names: list[str], probabilities: np.ndarray,
                  classes: tuple[str, ...]) -> None:
    """Write one row a picture: its name, its class, the probability (N, classes) of each class."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ANSWERS).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["filename", "prediction", *classes])
        for name, row in zip(names, probabilities.tolist(), strict=True):
            writer.writerow([name, classes[int(np.argmax(row))], *row])
