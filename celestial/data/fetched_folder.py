"""A folder of fetched pictures and its sources.csv: what was tried, kept, left out, and why."""

import csv
import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import astuple, dataclass, fields, replace
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np

from celestial.common.console import UserError
from celestial.common.file_names import display_name, folded, short_name
from celestial.common.files import SOURCES_TABLE, atomic_path, class_files, sha256_of
from celestial.common.left_behind import say_passed_over
from celestial.common.tables import read_csv, read_rows, write_csv
from celestial.data.archives import PICTURE_ENDINGS, Candidate
from celestial.data.copy_check import thumbnail
from celestial.data.fingerprint_distance import distances
from celestial.data.fingerprints import fingerprint
from celestial.data.near_copies import CANDIDATE_THRESHOLD, SURE_COPY_THRESHOLD, group
from celestial.data.splits import COMPARED_SIDE
from celestial.pictures.decoder_pool import decode_all, outcome, start_decoding
from celestial.pictures.loader import decode
from celestial.pictures.readers.types import ImageError

LONGEST_NAME = 80  # letters of an id in a file name; what is longer ends in a hash
# What is tried again by the next run; all else is settled.
UNSETTLED = ("failed",)


@dataclass(frozen=True)
class Row:
    """One row of sources.csv: a candidate that was tried for a class.

    Attributes:
        path: of the picture below the folder; empty unless it was kept.
        label: the class (column `class`).
        archive, id, title, credit, licence, page: see `archives.Candidate`.
        file: the address that was fetched.
        sha256: of the file's bytes.
        date: when it was tried, UTC, ISO 8601.
        status: kept, near-copy, unreadable, too large, licence, failed; removed: it was kept, and
            somebody deleted it.
        reason: why it was not kept.
    """

    path: str
    label: str
    archive: str
    id: str
    title: str
    credit: str
    licence: str
    page: str
    file: str
    sha256: str
    date: str
    status: str
    reason: str

    def ended(self, status: str, reason: str = "", **found: str) -> "Row":
        """Return the row with its end, and what else was found out."""
        return replace(self, status=status, reason=reason, **found)


HEADER = ["class" if field.name == "label" else field.name for field in fields(Row)]


@dataclass(frozen=True)
class Look:
    """What is compared of a picture; see `near_copies.group`."""

    fingerprint: np.ndarray
    thumbnail: np.ndarray


def look_at(source: Path | bytes) -> Look:
    """Return what is compared of a picture, decoded as datapre.py decodes it.

    Raises:
        ImageError: the reason why it cannot be used.
    """
    picture = decode(source, COMPARED_SIDE).picture
    return Look(fingerprint(picture), thumbnail(picture))


class Collection:
    """The rows of a folder and the looks of its pictures.

    Args:
        folder: holds the class folders and sources.csv; made when the first row is added.
        workers: processes that decode: bytes from anywhere may crash or hang their decoder.

    Raises:
        UserError: there is a sources.csv that this program did not write.
    """

    def __init__(self, folder: Path, workers: int):
        self.folder, self.table, self.workers = folder, folder / SOURCES_TABLE, workers
        self.rows = {_key(row): self._checked(row) for row in _read(self.table)}
        self.looks: dict[str, Look] = {}

    def _checked(self, row: Row) -> Row:
        """Return the row with what became of its file since: deleted, or put back."""
        there = bool(row.path) and (self.folder / row.path).is_file()
        if row.status == "kept" and not there:
            return row.ended("removed", "deleted by you; delete this row to have it fetched again")
        return row.ended("kept") if row.status == "removed" and there else row

    def kept(self, label: str) -> int:
        """Return how many fetched pictures a class has."""
        return sum(row.label == label and row.status == "kept" for row in self.rows.values())

    def learn_looks(self, progress: Callable[[Iterable, int], Iterable]) -> None:
        """Look at every picture in the class folders, the user's own too.

        Args:
            progress: wraps the iterable of results and shows how far it is (tqdm).
        """
        if not self.folder.is_dir():
            return
        found, passed_over = class_files(self.folder)
        say_passed_over(self.folder, passed_over)
        paths = [path for own in found.values() for path in own]
        for path, look in progress(decode_all(look_at, paths, self.workers), len(paths)):
            if isinstance(look, Look):
                self.looks[path.relative_to(self.folder).as_posix()] = look

    def look_at(self, content: bytes) -> Look:
        """Return what is compared of a picture's bytes; ImageError where they are none."""
        found = outcome(start_decoding(self.workers, look_at, content))
        if isinstance(found, ImageError):
            raise found
        return found

    def new_row(self, label: str, candidate: Candidate) -> Row:
        """Return the row of a candidate that is now tried."""
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        return Row("", label, candidate.archive, display_name(candidate.id), candidate.title,
                   candidate.credit, candidate.licence, candidate.page, "", "", now, "", "")

    def is_settled(self, label: str, candidate: Candidate, most_bytes: int) -> bool:
        """Say whether an earlier run, or this one, has decided about a candidate."""
        row = self.rows.get((label, candidate.archive, display_name(candidate.id)))
        if row is None or row.status in UNSETTLED:
            return False
        return row.status != "too large" or row.reason == too_large(most_bytes)

    def owner(self, label: str, candidate: Candidate) -> str:
        """Return where a candidate is kept for another class; empty where it is not."""
        return next((row.path for (other, *which), row in self.rows.items()
                     if which == [candidate.archive, display_name(candidate.id)]
                     and other != label and row.status == "kept"), "")

    def path_for(self, label: str, candidate: Candidate, url: str) -> str:
        """Return where a picture belongs below the folder; it is no other row's.

        Ids and addresses come from a server: of them only plain letters, digits, dots, dashes and
        underscores get into a name, and nothing leads out of the class folder.
        """
        ending = Path(unquote(urlsplit(url).path)).suffix.lower()
        ending = ending if ending in PICTURE_ENDINGS else ""
        plain = re.sub(r"[^A-Za-z0-9._-]", "_", candidate.id)[:LONGEST_NAME].rstrip(".")
        digest = hashlib.sha256(candidate.id.encode()).hexdigest()[:12]
        names = [f"{candidate.archive}_{plain}~{digest}{ending}"]
        if plain == candidate.id:
            names.insert(0, f"{candidate.archive}_{plain}{ending}")
        paths = [f"{label}/{short_name(name)}" for name in names]
        taken = {folded(row.path) for row in self.rows.values() if row.path}
        return next((path for path in paths if folded(path) not in taken), paths[-1])

    def copy_of(self, label: str, look: Look) -> str:
        """Return the path of a picture that this one is a near-copy of; empty where there is none.

        As in datapre.py: in its own class the pixels decide, and a picture of another class counts
        where it is the same to within `near_copies.SURE_COPY_THRESHOLD`.
        """
        if not self.looks:
            return ""
        paths, known = list(self.looks), list(self.looks.values())
        stored = np.stack([one.fingerprint for one in known])
        apart = distances(np.repeat(look.fingerprint[None], len(known), axis=0), stored)
        own = np.array([path.startswith(f"{label}/") for path in paths])
        close = np.flatnonzero(apart <= np.where(own, CANDIDATE_THRESHOLD, SURE_COPY_THRESHOLD))
        compared = [look, *(known[place] for place in close)]
        groups = group(np.stack([one.fingerprint for one in compared]),
                       np.stack([one.thumbnail for one in compared]))
        same = close[groups[1:] == groups[0]]
        return paths[same[apart[same].argmin()]] if len(same) else ""

    def keep(self, row: Row, content: bytes, look: Look) -> Row:
        """Write a picture's file, which was not there, and return its row."""
        target = self.folder / row.path
        with atomic_path(target) as temporary:
            temporary.write_bytes(content)
        self.looks[row.path] = look
        return row.ended("kept", sha256=hashlib.sha256(content).hexdigest())

    def adopt(self, row: Row) -> Row:
        """Return the row of a picture whose file a stopped run wrote before it wrote the row."""
        if row.path not in self.looks:
            return row.ended("unreadable", f"the file {row.path} was there, and is no picture",
                             path="")
        return row.ended("kept", sha256=sha256_of(self.folder / row.path))

    def add(self, row: Row) -> None:
        """Add a row, in place of an earlier one of the same candidate, and write the table."""
        self.rows[_key(row)] = row
        write_csv(self.table, HEADER, map(astuple, self.rows.values()))


def too_large(most_bytes: int) -> str:
    """Return the reason of a row whose file has more bytes than were allowed."""
    return f"larger than {most_bytes / 1e6:g} MB"


def _key(row: Row) -> tuple[str, str, str]:
    return row.label, row.archive, row.id


def _read(table: Path) -> list[Row]:
    """Return the rows of a table; UserError if it is not one that `Collection` wrote."""
    if not table.exists():
        return []
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            header = next(read_rows(file), [])
        rows = [Row(*row.values()) for row in read_csv(table)] if header == HEADER else None
    except (TypeError, UnicodeDecodeError, csv.Error):
        rows = None
    if rows is None:
        raise UserError(f"{table} is not, or no longer, a table that fetch_pictures.py wrote; move "
                        "it away or choose another --output-dir")
    return rows
