"""From class folders to train, val and test: what is usable, what goes where, the manifest."""

import csv
import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np

from celestial.common.class_names import NONE
from celestial.common.console import UserError
from celestial.common.file_names import output_paths, source_of
from celestial.common.files import (
    CORRECTIONS_TABLE,
    SOURCES_TABLE,
    class_files,
    link_or_copy,
    sha256_of,
)
from celestial.common.left_behind import is_no_picture, say_passed_over
from celestial.common.tables import read_csv, write_csv
from celestial.data.copy_check import thumbnail
from celestial.data.fingerprints import fingerprint
from celestial.pictures.decoder_pool import decode_all
from celestial.pictures.loader import decode
from celestial.pictures.readers.types import ImageError

SPLITS = ("train", "val", "test")
PROPORTIONS = {"train": 0.70, "val": 0.15, "test": 0.15}
TOLERANCE = 0.02  # of a class; where its proportions are further off, a sentence says why
LEAST_PICTURES = 3  # a class needs one picture, and one group, in every split
COMPARED_SIDE = 512  # pixels; larger pictures are reduced before they are compared, to save time


@dataclass(frozen=True)
class Picture:
    """One row of manifest.csv.

    Attributes:
        path: where the picture lies below the dataset folder; empty until it is placed.
        label: the class (column `class`).
        split: train, val or test; empty until it is drawn.
        group: pictures that must stay in one split share it.
        sha256: of the file's bytes.
        width, height: pixels, as the picture is shown.
        source: where it came from, see `source_of`.
        fingerprint: of `fingerprints.fingerprint`, hexadecimal; empty in manifests of version 1.
    """

    path: str
    label: str
    split: str
    group: str
    sha256: str
    width: int
    height: int
    source: str
    fingerprint: str


MANIFEST_HEADER = ["class" if field.name == "label" else field.name for field in fields(Picture)]


@dataclass(frozen=True)
class Rejected:
    """One row of rejected.csv: a file that is left out, and why."""

    source: str
    reason: str


def scan(folders: Sequence[Path], workers: int,
         progress) -> tuple[list[Picture], dict[str, np.ndarray], list[Rejected]]:
    """Decode every file below the class folders of `folders` completely.

    Args:
        folders: each holds one folder a class; sub-folders of these count too.
        workers: threads that decode.
        progress: wraps the iterable of results and shows how far it is (tqdm).

    Returns:
        The usable pictures without a split, the thumbnail of each sha256 (see
        `copy_check.thumbnail`), and the files that cannot be used.
    """
    files = [file for folder in folders for file in _files_in(folder)]
    results = progress(decode_all(partial(_check, folders), files, workers), len(files))
    checked = [Rejected(source_of(file, folders), str(found))
               if isinstance(found, ImageError) else found for file, found in results]
    usable = [item for item in checked if not isinstance(item, Rejected)]
    return ([picture for picture, _ in usable], {own.sha256: small for own, small in usable},
            [item for item in checked if isinstance(item, Rejected)])


def _files_in(folder: Path) -> list[Path]:
    found, passed_over = class_files(folder)
    say_passed_over(folder, passed_over)
    loose = [entry for entry in folder.iterdir() if not entry.is_dir() and not (
        entry.name in (SOURCES_TABLE, CORRECTIONS_TABLE) or is_no_picture(entry.name))]
    return loose + [file for name, own in found.items() if name != NONE
                    for file in own]


def _check(folders: Sequence[Path], file: Path) -> tuple[Picture, np.ndarray]:
    below = next(file.relative_to(folder) for folder in folders if folder in file.parents)
    if len(below.parts) < 2:
        raise ImageError("not inside a class folder")
    decoded = decode(file, COMPARED_SIDE)
    try:
        digest = sha256_of(file)
    except OSError as error:
        raise ImageError(f"cannot be read: {error.strerror}") from error
    checked = Picture("", below.parts[0], "", digest[:12], digest, decoded.width, decoded.height,
                      source_of(file, folders), fingerprint(decoded.picture).tobytes().hex())
    return checked, thumbnail(decoded.picture)


def split_sizes(count: int) -> dict[str, int]:
    """Return how many of `count` pictures of a class go into train, val and test.

    Each is at least 1 and, from 4 pictures on, within one picture of its proportion.
    """
    held_out = max(2, int(2 * PROPORTIONS["test"] * count + 0.5))
    test = max(1, int(PROPORTIONS["test"] * count + 0.5))
    return {"train": count - held_out, "val": held_out - test, "test": test}


def draw_splits(pictures: Iterable[Picture], classes: list[str], seed: int) -> list[Picture]:
    """Give every picture its split and its place: 70/15/15 in each class, a group in one split.

    The order is drawn from the seed and the content, so that names, the order of files and the
    other classes have no part in it.

    Raises:
        UserError: fewer than two classes, or a class with fewer than three pictures or groups.
    """
    groups = defaultdict(list)
    for picture in pictures:
        groups[picture.group].append(picture)
    _require_enough(groups, classes)
    drawn = [replace(picture, split=split)
             for group, split in _assign(groups, seed).items() for picture in groups[group]]
    _require_every_split(drawn, classes)
    return _place(sorted(drawn, key=lambda p: (SPLITS.index(p.split), p.label, p.source)))


def _require_enough(groups: dict[str, list[Picture]], classes: list[str]) -> None:
    counts = Counter(picture.label for members in groups.values() for picture in members)
    if len(classes) < 2 or not counts:
        found = {0: "no class folder", 1: f"only one class folder ({', '.join(classes)})"}.get(
            len(classes), "no usable picture")
        raise UserError(f"there is {found} in the input folder; put at least two class folders "
                        "with pictures into it (data/input/mars/, data/input/moon/, ...)")
    small = [f"{label} ({counts[label]})" for label in sorted(classes)
             if counts[label] < LEAST_PICTURES]
    if small:
        raise UserError(f"a class needs at least {LEAST_PICTURES} usable pictures, one for each "
                        f"of train, val and test; too few in: {', '.join(small)}")
    parts = _groups_of_classes(groups)
    joined = [f"{label} ({counts[label]} pictures in {parts[label]})" for label in sorted(classes)
              if parts[label] < LEAST_PICTURES]
    if joined:
        raise UserError(f"a class needs at least {LEAST_PICTURES} groups, because near-copies and "
                        "groups of yours stay together in one of train, val and test; add "
                        f"pictures of other nights or objects to: {', '.join(joined)}")


def _require_every_split(drawn: list[Picture], classes: list[str]) -> None:
    present = {(picture.label, picture.split) for picture in drawn}
    for label, split in product(sorted(classes), SPLITS):
        if (label, split) not in present:
            raise UserError(f"the groups that {label} shares with other classes leave nothing of "
                            f"it for {split}; add pictures of {label} of other nights or objects")


def _groups_of_classes(groups: dict[str, list[Picture]]) -> Counter:
    """Return in how many groups each class has pictures."""
    return Counter(label for members in groups.values() for label in {p.label for p in members})


def _assign(groups: dict[str, list[Picture]], seed: int) -> dict[str, str]:
    """Return the split of each group: the large ones first, where the most room is left."""
    def drawn_order(group: str) -> bytes:
        content = min(picture.sha256 for picture in groups[group])
        return hashlib.sha256(f"{seed}:{content}".encode()).digest()

    order = sorted(sorted(groups, key=drawn_order), key=lambda group: -len(groups[group]))
    counts = Counter(picture.label for members in groups.values() for picture in members)
    wanted = {label: split_sizes(count) for label, count in counts.items()}
    room = {label: dict(sizes) for label, sizes in wanted.items()}
    waiting = _groups_of_classes(groups)
    chosen = {}
    for group in order:
        members = Counter(picture.label for picture in groups[group])
        waiting.subtract(set(members))
        if len(groups[group]) > 1:
            chosen[group] = min(SPLITS, key=lambda split, members=members: _misfit(
                split, members, room, wanted, waiting))
        else:
            [label] = members
            _fit(room[label], waiting[label] + 1)
            chosen[group] = next(split for split in SPLITS if room[label][split] > 0)
        for label, count in members.items():
            room[label][chosen[group]] -= count
    return chosen


def _misfit(split: str, members: Counter, room: dict, wanted: dict, waiting: Counter) -> tuple:
    """Return how badly a group fits into a split; smaller is better, the first number counts most.

    Three numbers: how many other splits no later group could fill, how many pictures find no room,
    and how full the split is.
    """
    unfilled = excess = full = 0
    for label, count in members.items():
        empty = sum(room[label][name] == wanted[label][name] for name in SPLITS if name != split)
        unfilled += max(0, empty - waiting[label])
        excess += max(0, count - room[label][split])
        full -= room[label][split] / wanted[label][split]
    return unfilled, excess, full


def _fit(room: dict[str, int], count: int) -> None:
    """Reduce the largest room until `count` pictures fill it, because large groups overflowed."""
    while sum(max(0, places) for places in room.values()) > count:
        room[max(room, key=room.get)] -= 1


def uneven_splits(pictures: list[Picture], left_out: Counter) -> list[str]:
    """Return a sentence for each class whose groups do not allow 70/15/15 within 2 points.

    Args:
        pictures: with their splits.
        left_out: of each class, the pictures that were too near to another split.
    """
    found = []
    for label in sorted({picture.label for picture in pictures}):
        own = [picture for picture in pictures if picture.label == label]
        sizes = Counter(picture.split for picture in own)
        allowed = max(1, TOLERANCE * len(own))  # at least one, because pictures cannot be divided
        if any(abs(sizes[split] - PROPORTIONS[split] * len(own)) > allowed for split in SPLITS):
            proportions = " / ".join(f"{100 * sizes[split] / len(own):.0f}" for split in SPLITS)
            largest = max(Counter(picture.group for picture in own).values())
            reasons = [f"groups stay whole and its largest holds {largest} of {len(own)} pictures"
                       if largest > 1 or not left_out[label] else "",
                       f"{left_out[label]} more are left out, too near to another split"
                       if left_out[label] else ""]
            found.append(f"{label} is split {proportions} % in place of 70 / 15 / 15, because "
                         + "; and ".join(filter(None, reasons)))
    return found


def _place(pictures: list[Picture]) -> list[Picture]:
    """Name each picture's file: its own name, made unique where sub-folders hold equal names."""
    paths = output_paths({p.source: f"{p.split}/{p.label}/{p.source.rpartition('/')[2]}"
                          for p in pictures})
    return [replace(picture, path=paths[picture.source]) for picture in pictures]


def place_file(source: Path, target: Path, copy: bool) -> bool:
    """Hard-link `source` at `target`, or copy it; return whether it was linked.

    A link needs one file system for both; where it cannot be made the file is copied.

    Raises:
        ImageError: the source can no longer be read.
        OSError: the target cannot be written.
    """
    try:
        with source.open("rb") as file:
            file.read(1)
    except OSError as error:
        raise ImageError(f"can no longer be read: {error.strerror}") from error
    return link_or_copy(source, target, copy)[0]


def write_manifest(path: Path, pictures: Iterable[Picture]) -> Path:
    """Write manifest.csv."""
    rows = ([getattr(picture, field.name) for field in fields(Picture)] for picture in pictures)
    return write_csv(path, MANIFEST_HEADER, rows)


def read_manifest(path: Path) -> list[Picture]:
    """Read manifest.csv; older ones have a column more, `phash`, which is passed over.

    Raises:
        UserError: the file lacks a column or a number is not one.
    """
    try:
        return [Picture(row["path"], row["class"], row["split"], row["group"], row["sha256"],
                        int(row["width"]), int(row["height"]), row["source"],
                        row.get("fingerprint", ""))
                for row in read_csv(path)]
    except (KeyError, ValueError, TypeError, csv.Error) as error:
        raise UserError(f"{path} was changed and can no longer be read ({error}); delete "
                        f"{path.parent} and run datapre.py again") from error
