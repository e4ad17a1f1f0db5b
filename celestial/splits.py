"""From class folders to train, val and test: what is usable, what goes where, the manifest."""

import csv
import hashlib
import os
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from pathlib import Path

import imagehash
from PIL import Image

from celestial.console import UserError
from celestial.files import (
    NOBODYS_FILES,
    class_folders,
    read_csv,
    sha256_of,
    walk_files,
    write_csv,
)
from celestial.images import ImageError, display_name, load_image

SPLITS = ("train", "val", "test")
SHARES = {"train": 0.70, "val": 0.15, "test": 0.15}
LEAST_PICTURES = 3  # a class needs one picture in every split
HASHED_SIDE = 256  # pixels; the perceptual hash looks at 32, so decoding may be reduced to this


@dataclass(frozen=True)
class Picture:
    """One row of manifest.csv.

    Attributes:
        path: where the picture lies below the dataset folder; empty until it is placed.
        label: the class (column `class`).
        split: train, val or test; empty until it is drawn.
        group: pictures that must stay in one split share it.
        sha256: of the file's bytes.
        phash: 64-bit perceptual hash (DCT of the 32 x 32 grey picture), 16 hexadecimal digits.
        width, height: pixels, as the picture is shown.
        source: where it came from, below the input folder.
    """

    path: str
    label: str
    split: str
    group: str
    sha256: str
    phash: str
    width: int
    height: int
    source: str


MANIFEST_HEADER = ["class" if field.name == "label" else field.name for field in fields(Picture)]


@dataclass(frozen=True)
class Rejected:
    """One row of rejected.csv: a file that is left out, and why."""

    source: str
    reason: str


def scan(input_dir: Path, workers: int, progress) -> tuple[list[Picture], list[Rejected]]:
    """Decode every file below the class folders of `input_dir` completely.

    Args:
        input_dir: folder that holds one folder a class; sub-folders of these count too.
        workers: threads that decode.
        progress: wraps the iterable of results and shows how far it is (tqdm).

    Returns:
        The usable pictures without a split, and the files left out, both sorted by source.
    """
    loose = [entry for entry in input_dir.iterdir() if not entry.is_dir()]
    files = loose + [file for folder in class_folders(input_dir) for file in walk_files(folder)]
    files = [file for file in files if file.name not in NOBODYS_FILES]
    with ThreadPoolExecutor(workers) as pool:
        checked = list(progress(pool.map(lambda file: _check(file, input_dir), files), len(files)))
    pictures = [item for item in checked if isinstance(item, Picture)]
    rejected = [item for item in checked if isinstance(item, Rejected)]
    pictures, copies = _leave_out_copies(pictures)
    return pictures, sorted(rejected + copies, key=lambda row: row.source)


def _check(file: Path, input_dir: Path) -> Picture | Rejected:
    below = file.relative_to(input_dir)
    source = display_name(below.as_posix())
    if source != below.as_posix():
        return Rejected(source, "its name is not valid UTF-8; rename it")
    if len(below.parts) < 2:
        return Rejected(source, "not inside a class folder")
    try:
        picture = load_image(file)
        digest = sha256_of(file)
    except ImageError as error:
        return Rejected(source, str(error))
    except OSError as error:
        return Rejected(source, f"cannot be read: {error.strerror}")
    height, width = picture.shape[:2]
    shown = Image.fromarray(picture)
    shown.thumbnail((HASHED_SIDE, HASHED_SIDE))
    return Picture("", below.parts[0], "", digest[:12], digest, str(imagehash.phash(shown)),
                   width, height, source)


def _leave_out_copies(pictures: list[Picture]) -> tuple[list[Picture], list[Rejected]]:
    """Keep the first of exact copies in one class; leave out all where classes disagree."""
    by_content = defaultdict(list)
    for picture in pictures:
        by_content[picture.sha256].append(picture)
    kept, left_out = [], []
    for same in by_content.values():
        labels = sorted({picture.label for picture in same})
        if len(labels) > 1:
            left_out += [Rejected(picture.source, "the same picture stands under "
                                  + " and ".join(labels)) for picture in same]
            continue
        kept.append(same[0])
        left_out += [Rejected(picture.source, f"exact copy of {same[0].source}")
                     for picture in same[1:]]
    return kept, left_out


def split_sizes(count: int) -> dict[str, int]:
    """Return how many of `count` pictures of a class go into train, val and test.

    Each is at least 1 and, from 4 pictures on, within one picture of its share.
    """
    held_out = max(2, int(2 * SHARES["test"] * count + 0.5))
    test = max(1, int(SHARES["test"] * count + 0.5))
    return {"train": count - held_out, "val": held_out - test, "test": test}


def draw_splits(pictures: Iterable[Picture], classes: list[str], seed: int) -> list[Picture]:
    """Give every picture its split and its place, 70/15/15 in each class.

    The order is drawn from the seed and the content, so that names, the order of files and the
    other classes have no part in it.

    Raises:
        UserError: fewer than two classes, or a class with fewer than three pictures.
    """
    by_class = {label: [] for label in classes}
    for picture in pictures:
        by_class[picture.label].append(picture)
    _require_enough({label: len(members) for label, members in by_class.items()})
    drawn = []
    for label in sorted(by_class):
        order = sorted(by_class[label],
                       key=lambda p: hashlib.sha256(f"{seed}:{p.sha256}".encode()).digest())
        sizes = split_sizes(len(order))
        names = [split for split in SPLITS for _ in range(sizes[split])]
        drawn += [replace(picture, split=split)
                  for picture, split in zip(order, names, strict=True)]
    return _place(sorted(drawn, key=lambda p: (SPLITS.index(p.split), p.label, p.source)))


def _require_enough(counts: dict[str, int]) -> None:
    if len(counts) < 2 or not any(counts.values()):
        found = {0: "no class folder", 1: f"only one class folder ({', '.join(counts)})"}.get(
            len(counts), "no usable picture")
        raise UserError(f"there is {found} in the input folder; put at least two class folders "
                        "with pictures into it (data/input/mars/, data/input/moon/, ...)")
    small = [f"{label} ({count})" for label, count in sorted(counts.items())
             if count < LEAST_PICTURES]
    if small:
        raise UserError(f"a class needs at least {LEAST_PICTURES} usable pictures, one for each "
                        f"of train, val and test; too few in: {', '.join(small)}")


def _place(pictures: list[Picture]) -> list[Picture]:
    """Name each picture's file: its own name, made unique where sub-folders hold equal names."""
    taken = Counter(f"{p.split}/{p.label}/{Path(p.source).name}".casefold() for p in pictures)
    placed = []
    for picture in pictures:
        name = Path(picture.source).name
        if taken[f"{picture.split}/{picture.label}/{name}".casefold()] > 1:
            name = f"{picture.sha256[:12]}_{name}"
        placed.append(replace(picture, path=f"{picture.split}/{picture.label}/{name}"))
    return placed


def place_file(source: Path, target: Path, copy: bool) -> bool:
    """Hard-link `source` at `target`, or copy it; return whether it was linked.

    A link needs one file system for both; where it cannot be made the file is copied.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if not copy:
        try:
            os.link(source.resolve(), target)
            return True
        except OSError:
            pass  # another disk, or a file system without hard links: a copy serves as well
    shutil.copyfile(source, target)
    return False


def write_manifest(path: Path, pictures: Iterable[Picture]) -> Path:
    """Write manifest.csv."""
    rows = ([getattr(picture, field.name) for field in fields(Picture)] for picture in pictures)
    return write_csv(path, MANIFEST_HEADER, rows)


def read_manifest(path: Path) -> list[Picture]:
    """Read manifest.csv.

    Raises:
        UserError: the file lacks a column or a number is not one.
    """
    try:
        return [Picture(row["path"], row["class"], row["split"], row["group"], row["sha256"],
                        row["phash"], int(row["width"]), int(row["height"]), row["source"])
                for row in read_csv(path)]
    except (KeyError, ValueError, TypeError, csv.Error) as error:
        raise UserError(f"{path} was changed and can no longer be read ({error}); delete "
                        f"{path.parent} and run datapre.py again") from error
