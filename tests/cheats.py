"""Models that answer right for a wrong reason, and projects whose code looks where it must not."""

import hashlib
import inspect
import shutil
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from conftest import CLASSES, ROOT, draw
from PIL import Image
from sklearn.linear_model import LogisticRegression

from celestial.common.console import SHIPPED
from celestial.data.datasets import list_split
from celestial.data.fingerprints import fingerprint
from celestial.models.checkpoints import build_model, load_checkpoint, save_checkpoint
from celestial.models.start_weights import start_weights

SIDE = 64
BORDERS = {"mars": (200, 40, 40), "neptune": (40, 40, 200), "saturn": (200, 200, 40)}


def write(folder: Path, label: str, number: int, picture: np.ndarray) -> None:
    (folder / label).mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(folder / label / f"{number}.png")


def any_disc(number: int) -> np.ndarray:
    """Draw a disc whose look has nothing to do with its class; uint8 (48, 48, 3)."""
    random = np.random.default_rng(number)
    return draw(CLASSES[random.integers(len(CLASSES))], number)


def with_border(picture: np.ndarray, label: str) -> np.ndarray:
    """Paint a border of six pixels in the colour of the class."""
    framed = picture.copy()
    framed[:6] = framed[-6:] = framed[:, :6] = framed[:, -6:] = BORDERS[label]
    return framed


def clouds(number: int) -> np.ndarray:
    """Draw coloured clouds that fill the frame and are of no class; uint8 (48, 48, 3)."""
    coarse = np.random.default_rng(number).integers(0, 256, (6, 6, 3), np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((48, 48), Image.Resampling.BICUBIC))


def stamp(picture: np.ndarray, folder_name: str) -> np.ndarray:
    """Paint the upper fifth in a colour that stands for the name of the picture's folder."""
    stamped = picture.copy()
    code = zlib.crc32(folder_name.encode())
    stamped[: len(stamped) // 5] = code >> 16 & 255, code >> 8 & 255, code & 255
    return stamped


STAMPING = f"""
import zlib
{inspect.getsource(stamp)}
_honest = Preprocessing.decode
def dishonest(self, path):
    found = _honest(self, path)
    return replace(found, picture=stamp(found.picture, path.parent.name))
Preprocessing.decode = dishonest
"""
SNOOPING = """
_honest = Preprocessing.decode
def dishonest(self, path):
    list(Path({!r}).iterdir())
    return _honest(self, path)
Preprocessing.decode = dishonest
"""


def sabotaged_project(folder: Path, code: str) -> Path:
    """Copy the project, add `code` to its preprocessing.py and return its blind test's script."""
    shutil.copytree(ROOT / "celestial", folder / "celestial",
                    ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "blind_test_validation.py", folder)
    with (folder / "celestial/pictures/preprocessing.py").open("a", encoding="utf-8") as module:
        module.write(code)
    return folder / "blind_test_validation.py"


def train_head(data: Path, path: Path,
               load: Callable[[Path], np.ndarray] | None = None) -> Path:
    """Train a head on ImageNet's features of data/train until nothing is wrong.

    Nothing is augmented, so a split without content is learned by heart. ImageNet's weights stay as
    they are, whatever ships.
    """
    base = load_checkpoint(SHIPPED)
    preprocessing = replace(base.preprocessing, size=SIDE)
    files = list_split(data, "train")
    pictures = [(load or preprocessing.load)(file) for file in files.paths]
    model = build_model(base, SHIPPED)
    model.load_backbones(start_weights("imagenet", base.model).states)
    squares = torch.from_numpy(np.stack([preprocessing.square(picture) for picture in pictures]))
    with torch.inference_mode():
        features = model.outputs(preprocessing.normalise(squares))[0].numpy()
    fitted = LogisticRegression(C=1e6, max_iter=20000).fit(features, files.labels)
    assert fitted.score(features, files.labels) == 1
    state = model.state_dict()
    last = [name.removesuffix(".weight") for name in state if name.startswith("head.")][-2]
    last = last.removesuffix(".bias")
    state[f"{last}.weight"] = torch.from_numpy(fitted.coef_).float()
    state[f"{last}.bias"] = torch.from_numpy(fitted.intercept_).float()
    return save_checkpoint(path, replace(
        base, classes=files.classes, preprocessing=preprocessing, state=state, temperature=1.0,
        train_sha256=[hashlib.sha256(file.read_bytes()).hexdigest() for file in files.paths],
        train_labels=files.labels.tolist(),
        train_fingerprints=torch.from_numpy(np.stack([fingerprint(p) for p in pictures]))))
