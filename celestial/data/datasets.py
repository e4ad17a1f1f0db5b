"""Split folders -> pictures as the network takes them, cached, and the batches made of these."""

import csv
import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from celestial import pictures
from celestial.common.class_names import check_classes, look_alikes, renamed_split
from celestial.common.console import UserError
from celestial.common.file_names import display_name, folded
from celestial.common.files import atomic_path, class_files, sha256_of, sort_files, write_json
from celestial.common.left_behind import say_passed_over
from celestial.common.locks import only_one
from celestial.common.tables import read_csv
from celestial.data import fingerprints
from celestial.pictures.decoder_pool import decode_all
from celestial.pictures.preprocessing import Preprocessing, prepare
from celestial.pictures.readers.types import ImageError

# The code that makes pictures. Cached arrays depend on it, so they are made anew when it changes.
LOADER = Path(pictures.__file__).parent
NAMED = 14  # classes in a sentence
OUTLIER = -1  # the label of a picture that is none of the classes


@dataclass(frozen=True)
class SplitFiles:
    """The files of one split: `labels[i]` is the index in `classes` of `paths[i]`, or `OUTLIER`."""

    classes: tuple[str, ...]
    paths: tuple[Path, ...]
    labels: np.ndarray

    def keep(self, wanted: Sequence[int]) -> "SplitFiles":
        """Return only the files at the indices `wanted`."""
        return SplitFiles(self.classes, tuple(self.paths[i] for i in wanted), self.labels[wanted])

    def with_outliers(self, paths: Sequence[Path]) -> "SplitFiles":
        """Return these files and others that are none of the classes."""
        labels = np.concatenate([self.labels, np.full(len(paths), OUTLIER)])
        return SplitFiles(self.classes, (*self.paths, *paths), labels)


def list_split(data_dir: Path, split: str, classes: Sequence[str] | None = None) -> SplitFiles:
    """List the files of a split.

    Args:
        data_dir: what datapre.py made; any folder with train/, val/, test/ class folders will do.
        split: train, val or test.
        classes: the classes of a checkpoint, in its order; None: the class folders, sorted.

    Raises:
        UserError: the split is missing, a class is empty, unknown to `classes` or called unknown.
    """
    folder = data_dir / split
    if not folder.is_dir():
        other = renamed_split(data_dir, split)
        raise UserError(f"there is no folder {folder}; " + (
            f"rename {data_dir / other} to {split}" if other else
            "run datapre.py first or name the dataset with --data-dir"))
    found, passed_over = class_files(folder)
    say_passed_over(folder, passed_over)
    present = list(found)
    if not present:
        raise UserError(f"{folder} has no class folders; run datapre.py first")
    if classes is None:
        check_classes(folder, present)
    names = tuple(classes) if classes is not None else tuple(present)
    if unknown := [name for name in present if name not in names]:
        alike = look_alikes(unknown, names)
        raise UserError(f"{folder} has classes that the checkpoint does not know: "
                        f"{some(unknown)} (it knows {some(names)}); " + (
                            f"{alike}: rename it" if alike else "train on these folders, or name "
                            "another --data-dir or --checkpoint"))
    paths, labels = [], []
    for name, files in found.items():
        if not files:
            raise UserError(f"{folder / name} is empty; run datapre.py again or remove the folder")
        paths += files
        labels += [names.index(name)] * len(files)
    return SplitFiles(names, tuple(paths), np.array(labels))


def some(names: Sequence[str], most: int = NAMED) -> str:
    """Return names for a sentence, at most so many of them."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def list_outliers(folder: Path) -> tuple[Path, ...]:
    """List every file below a folder of pictures that are none of the classes.

    Raises:
        UserError: there is no such folder, or it is empty.
    """
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}; put pictures that are none of the classes "
                        "into it, or draw some with render_samples.py", status=2)
    files, passed_over = sort_files(folder)
    say_passed_over(folder, passed_over)
    if not files:
        raise UserError(f"{folder} is empty; put pictures that are none of the classes into it")
    return tuple(files)


def manifest_rows(data_dir: Path) -> list[dict[str, str]]:
    """Return the rows of a dataset's manifest.csv; none where datapre.py did not make it."""
    try:
        rows = read_csv(data_dir / "manifest.csv")
    except (OSError, ValueError, csv.Error):
        return []
    return rows if rows and {"path", "class", "split", "group"} <= rows[0].keys() else []


def groups_of(data_dir: Path, paths: Sequence[Path]) -> np.ndarray | None:
    """Return the group of each of N files of a dataset by its manifest.csv, int (N,).

    A file that the manifest does not list is a group of its own. None where it lists none of them.
    """
    listed = {folded(row["path"]): row["group"] for row in manifest_rows(data_dir) if row["group"]}
    places = [folded(path.relative_to(data_dir).as_posix()) for path in paths]
    if not listed.keys() & set(places):
        return None
    names = [("of", listed[place]) if place in listed else ("alone", place) for place in places]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return np.array([numbers[name] for name in names])


def decode_split(files: SplitFiles, preprocessing: Preprocessing, cache_dir: Path,
                 content: Sequence[str], workers: int) -> tuple[np.ndarray, SplitFiles]:
    """Decode each picture once and keep it at the size the network takes.

    The pictures lie in a memory-mapped file, so that a large dataset costs disk and not memory,
    and a second run on the same files decodes nothing.

    Args:
        files: what `list_split` found.
        preprocessing: gives the size.
        cache_dir: where the file lies; it can be deleted at any time.
        content: sha256 of each file.
        workers: threads that decode.

    Returns:
        uint8 (N, 3, size, size), and the N files that could be read; the others are printed.
    """
    key = cache_key(preprocessing.to_dict(), list(content))

    def build(path: Path) -> None:
        shape = (len(files.paths), 3, preprocessing.size, preprocessing.size)
        array = new_array(path, np.uint8, shape)
        bad = {}
        decoded = decode_all(partial(prepare, preprocessing), files.paths, workers)
        for index, (_, result) in enumerate(decoded):
            if isinstance(result, ImageError):
                bad[index] = str(result)
            else:
                array[index] = result.square
        array.flush()
        write_json(cache_dir / f"bad_{key}.json", bad)

    array = cached_array(cache_dir, "pictures", key, build)
    bad = json.loads((cache_dir / f"bad_{key}.json").read_text(encoding="utf-8"))
    for index, reason in bad.items():
        print(f"left out: {display_name(files.paths[int(index)])}: {reason}")
    good = [index for index in range(len(files.paths)) if str(index) not in bad]
    return (array if not bad else array[good]), files.keep(good)


def fingerprint_files(paths: Sequence[Path], preprocessing: Preprocessing, cache_dir: Path,
                      content: Sequence[str], workers: int) -> np.ndarray:
    """Return the fingerprint of each readable file, by which near-copies of it are found.

    Args:
        paths, content: the files and the sha256 of each.
        preprocessing: decodes, so that a copy met later is decoded in the same way.
        cache_dir: keeps the fingerprints; it can be deleted at any time.
        workers: threads that decode.

    Returns:
        uint8 (N, fingerprints.WIDTH).
    """
    def build(path: Path) -> None:
        with path.open("wb") as file:
            np.save(file, fingerprints.fingerprint_files(paths, preprocessing, workers))

    code = sha256_of(Path(fingerprints.__file__))
    key = cache_key(preprocessing.to_dict(), list(content), code)
    return cached_array(cache_dir, "fingerprints", key, build)


def cache_key(*parts: object) -> str:
    """Return a short hash of all that a cached array depends on, the code that makes it too."""
    code = [sha256_of(path) for path in sorted(LOADER.rglob("*.py"))]
    text = json.dumps([code, *parts], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def cached_array(cache_dir: Path, kind: str, key: str,
                 build: Callable[[Path], None]) -> np.ndarray:
    """Return the memory-mapped array `kind_key.npy`, which `build(path)` writes when missing."""
    path = cache_dir / f"{kind}_{key}.npy"
    with only_one(cache_dir / "lock", "another training prepares its pictures; waiting for it"):
        if not path.exists():
            for left_by_killed in cache_dir.glob(".*.tmp"):
                left_by_killed.unlink()
            with atomic_path(path) as temporary:
                build(temporary)
    return np.load(path, mmap_mode="r")


def new_array(path: Path, dtype: type, shape: tuple[int, ...]) -> np.memmap:
    """Return a memory-mapped .npy file whose space on the disk is reserved.

    Raises:
        OSError: the disk is too full (without the reservation the first write would end the
            process with a bus error).
    """
    array = np.lib.format.open_memmap(path, "w+", dtype, shape)
    if hasattr(os, "posix_fallocate"):
        with path.open("rb+") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    return array


def mixed_seed(*numbers: int) -> int:
    """Return one 64-bit seed out of several numbers (numpy's SeedSequence)."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0])


def epoch_batches(count: int, batch_size: int, *seed: int, least: int = 2,
                  weights: np.ndarray | None = None) -> list[np.ndarray]:
    """Shuffle 0..count-1 and cut it into batches of nearly equal size.

    Equal sizes of at least `least`, because BatchNorm cannot learn from a batch of one picture.

    Args:
        count: of pictures.
        batch_size: about how many go into a batch.
        seed: numbers that decide the order.
        least: pictures in a batch.
        weights: float (count,), how often each picture comes on average, by systematic sampling
            (Madow 1949, Ann. Math. Stat. 20, 333): 2.5 means two or three times. None: once each.

    Returns:
        int arrays. `number % count` is the picture; `number // count` tells how often it came
        before in this epoch, so that each time can be another view.
    """
    rng = np.random.default_rng(list(seed))
    order = rng.permutation(count)
    if weights is not None:
        total = round(weights.sum())
        ends = np.cumsum(weights[order]) * (total / weights.sum())
        chosen = np.searchsorted(ends, np.arange(total) + rng.random(), side="right")
        chosen = np.minimum(chosen, count - 1)  # because rounding may leave the last end short
        times = np.arange(total) - np.searchsorted(chosen, chosen)
        order = rng.permutation(order[chosen] + count * times)
    return np.array_split(order, max(1, min(round(len(order) / batch_size), len(order) // least)))


def folder_weights(data_dir: Path, files: SplitFiles, asked: Mapping[str, float],
                   outliers: Path | None = None) -> np.ndarray:
    """Return how often an epoch takes each training picture: float64 (N,), 1 where nothing is said.

    Args:
        data_dir: the dataset, whose manifest.csv says which folder a picture came from.
        files: the training pictures, outliers among them.
        asked: name of a folder -> weight of the pictures in it, or in folders of it.
        outliers: the folder of the outliers.

    Raises:
        UserError: no picture came from one of the folders.
    """
    sources = {folded(row["path"]): row.get("source", "") for row in manifest_rows(data_dir)}
    weights, met = np.ones(len(files.paths)), set()
    for index, (path, label) in enumerate(zip(files.paths, files.labels, strict=True)):
        if label == OUTLIER:
            source = path.relative_to(outliers).as_posix()
        else:
            place = path.relative_to(data_dir).as_posix()
            source = sources.get(folded(place)) or place
        if named := [part for part in source.split("/")[:-1] if part in asked]:
            weights[index] = asked[named[-1]]  # of several named folders the innermost counts
            met.update(named)
    if missing := [name for name in asked if name not in met]:
        raise UserError(f"--folder-weights names {some(missing)}, and no training picture came "
                        "from a folder of that name; name a folder below the class folders of "
                        "data/input, or of --outliers", status=2)
    if weights[files.labels != OUTLIER].sum() < 2:
        raise UserError("--folder-weights leaves less than two pictures for an epoch; say larger "
                        "weights", status=2)
    return weights
