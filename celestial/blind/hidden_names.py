"""Pictures under names that tell nothing: made, listed, and matched with the truth again."""

import datetime
import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from celestial.common.console import UserError
from celestial.common.file_names import display_name
from celestial.common.files import (
    DISK_FULL,
    owned_files,
    recover_folder,
    replace_folder,
    write_json,
)
from celestial.pictures.decoder_pool import decode_all
from celestial.pictures.preprocessing import Preprocessing
from celestial.pictures.readers.types import ImageError

PREFIX, DIGITS = "blind_", 16
MAPPING = "blind_test_mapping_*.json"
NAMELESS = "picture"  # name of a copy while it is decoded; the number of its worker follows
LOSSLESS = {"WEBP": {"lossless": True, "method": 0}, "BMP": {}}  # format -> Pillow's options for it
WEBP_LIMIT = 16383  # pixels a side
EPOCH = (0, 0)  # access and modification time, so that no date tells the class either


@dataclass(frozen=True)
class BlindPicture:
    """Which picture stands behind an anonymous name."""

    blind: str
    source: str
    true: str


def make_blind_folder(paths: Sequence[Path], labels: Sequence[str], folder: Path,
                      preprocessing: Preprocessing, seed: int, workers: int
                      ) -> tuple[list[BlindPicture], list[tuple[Path, str]]]:
    """Write each picture's pixels under a random name, without metadata.

    A copy is a PNG of exactly the pixels that the network's preprocessing would have got. It is
    decoded from a file that has lost its name and place already, so that a preprocessing that
    looks at these finds nothing to put into the pixels.

    Args:
        paths, labels: the pictures and their classes.
        folder: is replaced when all is written, if an earlier run made it; it stays as it is
            where no picture can be read.
        preprocessing: decodes.
        seed: of the names.
        workers: see `decoding.decode_all`.

    Returns:
        The pictures by anonymous name, and (path, reason) of those that cannot be read.

    Raises:
        UserError: the folder holds files that are not blind copies.
    """
    recover_folder(folder)
    if folder.exists() and any(not _is_blind(path) for path in owned_files(folder)):
        raise UserError(f"{folder} holds files that this script did not make; move them away or "
                        "choose another --output-dir")
    unfinished = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    made, bad = [], []
    try:
        load = partial(_load_nameless, unfinished, preprocessing)
        decoded = decode_all(load, paths, workers)
        for number, ((path, pixels), label) in enumerate(zip(decoded, labels, strict=True)):
            if isinstance(pixels, ImageError):
                bad.append((path, str(pixels)))
                continue
            name = _blind_name(pixels, number, seed)
            Image.fromarray(pixels).save(unfinished / name, compress_level=1)
            os.utime(unfinished / name, EPOCH)
            made.append(BlindPicture(name, display_name(path), label))
        made.sort(key=lambda picture: picture.blind)
        if made:
            replace_folder(unfinished, folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return made, bad


def _load_nameless(folder: Path, preprocessing: Preprocessing, path: Path) -> np.ndarray:
    nameless = folder / f"{NAMELESS}_{os.getpid()}"
    try:
        shutil.copyfile(path, nameless)
        return preprocessing.load(nameless)
    except OSError as error:
        if error.errno in DISK_FULL:
            raise
        raise ImageError(f"cannot be read: {error.strerror or error}") from error
    finally:
        nameless.unlink(missing_ok=True)


def reencode(names: Sequence[str], folder: Path, target: Path, form: str, seed: int) -> Path:
    """Write blind copies once more: elsewhere, in another lossless format, under other names.

    Args:
        names: of the copies in `folder`, sorted.
        target: the new folder; its names sort as `names` do.
        form: one of `LOSSLESS`.
        seed: of the new names.
    """
    target.mkdir(parents=True)
    numbers = np.random.default_rng(seed).choice(16 ** 8, len(names), replace=False)
    for name, number in zip(names, np.sort(numbers), strict=True):
        with Image.open(folder / name) as picture:
            fits = max(picture.size) <= WEBP_LIMIT
            picture.save(target / f"{number:08x}", format=form if fits else "BMP", **LOSSLESS[form])
    return target


def _blind_name(pixels: np.ndarray, number: int, seed: int) -> str:
    """Return a name drawn from the seed and the content, so that no other picture ever has it."""
    digest = hashlib.sha256(f"{seed}:{number}:".encode() + pixels.tobytes())
    return f"{PREFIX}{digest.hexdigest()[:DIGITS]}.png"


def _is_blind(path: Path) -> bool:
    digits = path.stem.removeprefix(PREFIX)
    return path.suffix == ".png" and path.stem.startswith(PREFIX) and len(digits) == DIGITS


def write_mapping(folder: Path, blind_folder: Path, pictures: Sequence[BlindPicture]) -> Path:
    """Write blind_test_mapping_<time>.json into `folder`, the key to the anonymous names."""
    for left_by_a_killed_run in folder.glob(f".{MAPPING}.tmp"):
        left_by_a_killed_run.unlink(missing_ok=True)
    now = datetime.datetime.now(datetime.timezone.utc)
    return write_json(folder / MAPPING.replace("*", now.strftime("%Y%m%d_%H%M%S")), {
        "date": now.isoformat(timespec="seconds"),
        "blind_folder": blind_folder.relative_to(folder).as_posix(),
        "pictures": [asdict(picture) for picture in pictures]})


def newest_mapping(folder: Path) -> Path | None:
    """Return the latest mapping in a folder, or None."""
    return max(folder.glob(MAPPING), default=None)


def read_mapping(path: Path) -> tuple[Path, list[BlindPicture]]:
    """Return the blind folder and the pictures of a mapping.

    Raises:
        UserError: there is no such file, or it is not a mapping.
    """
    if not path.is_file():
        raise UserError(f"there is no mapping {path}; blind_test_validation.py writes one")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        pictures = [BlindPicture(**picture) for picture in content["pictures"]]
        if not all(_is_blind(Path(picture.blind)) and Path(picture.blind).name == picture.blind
                   for picture in pictures):
            raise ValueError("it names other files than blind copies")
        return path.parent / content["blind_folder"], pictures
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is not a mapping that blind_test_validation.py wrote") from error
