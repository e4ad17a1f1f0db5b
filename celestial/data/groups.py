"""Copies, near-copies, label conflicts and the user's own groups among the pictures."""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from celestial.common.console import UserError
from celestial.common.tables import csv_cell
from celestial.data import fingerprint_distance, fingerprints, near_copies
from celestial.data.copy_check import SIDE
from celestial.data.splits import Picture, Rejected

HEADER = ["group", "kind", "source", "class", "split", "distance", "kept"]
NAMED = 3  # unknown pictures that an error names


@dataclass(frozen=True)
class Duplicate:
    """One row of duplicates.csv.

    Attributes:
        kind: exact (the same file), near (near-copies), user (joined by --groups alone),
            conflict (the same picture under two classes).
        picture: with its group.
        distance: to the first picture of the group; see `fingerprint_distance.nearest`.
        reason: why it is left out; empty where it is kept.
    """

    kind: str
    picture: Picture
    distance: float
    reason: str = ""


def table(found: Iterable[Duplicate], placed: list[Picture]) -> list[tuple]:
    """Return the rows of duplicates.csv below `HEADER`, with the splits of what is placed."""
    splits = {picture.source: picture.split for picture in placed}
    return [(row.picture.group, row.kind, row.picture.source, row.picture.label,
             splits.get(row.picture.source, ""), f"{row.distance:.3f}",
             "no" if row.reason else "yes") for row in found]


def rejected_of(found: Iterable[Duplicate]) -> list[Rejected]:
    """Return the rows of rejected.csv of what is left out."""
    return [Rejected(row.picture.source, row.reason) for row in found if row.reason]


def leave_out_copies(pictures: list[Picture],
                     thumbnails: dict[str, np.ndarray]) -> tuple[list[Picture], list[Duplicate]]:
    """Keep the first of exact copies in one class; leave out what stands under two classes.

    Of two classes, only pictures within `near_copies.SURE_COPY_THRESHOLD` count as one, because
    the pixels of featureless discs of different planets may be alike.

    Args:
        pictures: all that can be read.
        thumbnails: of each sha256.
    """
    by_look = defaultdict(list)
    looks = near_copies.group(fingerprints_of(pictures), stacked(pictures, thumbnails),
                             near_copies.SURE_COPY_THRESHOLD)
    for picture, look in zip(pictures, looks, strict=True):
        by_look[look].append(picture)
    kept, left_out = [], []
    for alike in by_look.values():
        labels = sorted({picture.label for picture in alike})
        if len(labels) > 1:
            reason = "the same picture stands under " + " and ".join(labels)
            left_out += _described("conflict", alike, reason)
            continue
        by_content = defaultdict(list)
        for picture in alike:
            by_content[picture.sha256].append(picture)
        for first, *copies in by_content.values():
            kept.append(first)
            left_out += [Duplicate("exact", copy, 0.0, f"exact copy of {first.source}")
                         for copy in copies]
    return sorted(kept, key=lambda picture: picture.source), left_out


def join(pictures: list[Picture], thumbnails: dict[str, np.ndarray],
         named: dict[str, list[str]]) -> tuple[list[Picture], list[Duplicate]]:
    """Give near-copies of one class, and what the user's groups hold together, one group.

    Args:
        pictures: without exact copies.
        thumbnails: of each sha256.
        named: from `read_user_groups`: the groups of a source; empty without --groups.

    Returns:
        The pictures with their groups, and a row for each one that is not alone in its group.
    """
    looks = _near_groups(pictures, thumbnails)
    users = [[("user", name) for name in named.get(picture.source, [])] for picture in pictures]
    joined = _joined([[("near", look), *own] for look, own in zip(looks, users, strict=True)])
    members = defaultdict(list)
    for picture, number, look in zip(pictures, joined, looks, strict=True):
        members[number].append((picture, look))
    grouped, found = [], []
    for own in members.values():
        name = min(picture.sha256 for picture, _ in own)[:12]
        own_looks = Counter(look for _, look in own)
        own_pictures = [replace(picture, group=name) for picture, _ in own]
        grouped += own_pictures
        if len(own) > 1:
            described = _described("near", own_pictures)
            found += [row if own_looks[look] > 1 else replace(row, kind="user")
                      for row, (_, look) in zip(described, own, strict=True)]
    return grouped, found


def _near_groups(pictures: list[Picture], thumbnails: dict[str, np.ndarray]) -> list[int]:
    """Return the number of each picture's near-copies; classes never share one."""
    numbers = np.zeros(len(pictures), np.int64)
    labels = np.array([picture.label for picture in pictures])
    prints, small = fingerprints_of(pictures), stacked(pictures, thumbnails)
    for label in np.unique(labels):
        own = labels == label
        numbers[own] = near_copies.group(prints[own], small[own]) + numbers.max(initial=0) + 1
    return numbers.tolist()


def stacked(pictures: Sequence[Picture], thumbnails: dict[str, np.ndarray]) -> np.ndarray:
    """Return the thumbnail of each picture, uint8 (N, SIDE, SIDE)."""
    empty = np.zeros((0, SIDE, SIDE), np.uint8)
    return np.stack([thumbnails[picture.sha256] for picture in pictures]) if pictures else empty


def _joined(keys: list[list[tuple]]) -> np.ndarray:
    """Return one number for all that share any key, directly or through others."""
    columns = {}
    edges = [(row, columns.setdefault(key, len(columns)))
             for row, own in enumerate(keys) for key in own]
    if not edges:
        return np.zeros(0, np.int64)
    rows, found = np.array(edges).T
    count = len(keys) + len(columns)
    graph = coo_matrix((np.ones(len(rows), bool), (rows, found + len(keys))), (count, count))
    return connected_components(graph, directed=False)[1][:len(keys)]


def _described(kind: str, pictures: list[Picture], reason: str = "") -> list[Duplicate]:
    prints = fingerprints_of(pictures)
    apart = fingerprint_distance.distances(prints, np.repeat(prints[:1], len(prints), axis=0))
    name = min(picture.sha256 for picture in pictures)[:12]
    return [Duplicate(kind, replace(picture, group=name), float(distance), reason)
            for picture, distance in zip(pictures, apart, strict=True)]


def fingerprints_of(pictures: Sequence[Picture]) -> np.ndarray:
    """Return the fingerprints in the manifest, uint8 (N, WIDTH)."""
    data = b"".join(bytes.fromhex(picture.fingerprint) for picture in pictures)
    return np.frombuffer(data, np.uint8).reshape(-1, fingerprints.WIDTH)


def read_user_groups(path: Path, sources: set[str]) -> dict[str, list[str]]:
    """Read the user's own groups.

    Args:
        path: CSV with a column `source` (below the input folder, as in the manifest) and at least
            one more; pictures that share a value in any of these belong together. Empty cells
            join nothing.
        sources: every file below the class folders.

    Returns:
        The groups of each source, as "column=value".

    Raises:
        UserError: the file cannot be read, lacks columns, or names unknown pictures.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} cannot be read as UTF-8 CSV ({error}); save it as CSV or name "
                        "another file with --groups", status=2) from error
    columns = [name for name in (rows[0] if rows else {}) if name and name != "source"]
    if not rows or "source" not in rows[0] or not columns:
        raise UserError(f"{path} needs a column source, at least one more (night, object, "
                        "telescope ...) and a row for each picture; mend its first line",
                        status=2)
    # A user may copy a source out of manifest.csv, with the mark against formulas, or type it.
    known = {source: source for source in sources} | {csv_cell(source): source
                                                      for source in sources}
    unknown = sorted({row["source"] or "(empty)" for row in rows} - set(known))
    if unknown:
        more = f" and {len(unknown) - NAMED} more" if len(unknown) > NAMED else ""
        raise UserError(f"{path} names pictures that are not in the input folder: "
                        f"{', '.join(unknown[:NAMED])}{more}; write their paths as in the column "
                        "source of manifest.csv", status=2)
    named = defaultdict(list)
    for row in rows:
        named[known[row["source"]]] += [f"{name}={row[name].strip()}" for name in columns
                                 if row[name] and row[name].strip()]
    return named
