"""Files pictures whose answer a person has corrected, and keeps the table of corrections."""

import errno
import hashlib
import io
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from celestial.common.class_names import NONE, checked_class
from celestial.common.console import UserError
from celestial.common.file_names import display_name, paths_to_try, plain_path
from celestial.common.files import CORRECTIONS_TABLE, atomic_path, remove_if_empty, sha256_of
from celestial.common.left_behind import is_no_picture
from celestial.common.locks import only_one
from celestial.common.tables import read_rows, write_csv, write_rows
from celestial.filing.metadata import without_metadata
from celestial.pictures.readers.types import ImageError

COLUMNS = ["time_utc", "filename", "sha256_sent", "sha256_stored", "file", "answer", "probability",
           "correction", "model_sha256"]
STORED, PLACE, CORRECTION = map(COLUMNS.index, ("sha256_stored", "file", "correction"))
SHA256_DIGITS = 64
LOCK = ".corrections.lock"
LONE = re.compile("[\ud800-\udc7f\udd00-\udfff]")  # surrogates that stand for no byte of a name


@dataclass(frozen=True)
class Correction:
    """What a person says of an answer.

    Attributes:
        filename: of the picture, as it was sent.
        answer: what the model said, a class or unknown.
        probability: of the answer, 0..1, where it is known.
        correction: the right class, the answer itself where that is right, or `NONE`.
        model_sha256: of the checkpoint, hexadecimal; empty where it is not known.
    """

    filename: str
    answer: str
    probability: float | None
    correction: str
    model_sha256: str


@dataclass(frozen=True)
class Filed:
    """Where a picture lies now.

    Attributes:
        path: the file.
        sha256_sent, sha256_stored: of its bytes, hexadecimal, as they came and as they lie there.
        cleaned: whether its metadata were taken out; else its format is stored unchanged.
        known: whether it was filed before with this correction, so that nothing was written.
    """

    path: Path
    sha256_sent: str
    sha256_stored: str
    cleaned: bool
    known: bool


class CollectingFolder:
    """A folder of corrected pictures, one folder a class, and corrections.csv.

    Several programs and threads may file into it. A picture is known by its content without
    metadata, whatever its name is.
    """

    def __init__(self, folder: Path):
        """Make the folder and its table where there are none.

        Raises:
            UserError: it cannot be written, or its table is no table of corrections.
        """
        self.folder = folder
        self.table = folder / CORRECTIONS_TABLE
        self._thread = threading.Lock()
        self._last: dict[str, list[str]] = {}  # sha256_stored -> its last row
        self._state: tuple[int, int] | None = None  # of the table when it was read or written
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with self._alone(), self.table.open("ab"):
                pass
        except OSError as error:
            raise UserError(f"{folder} cannot be written ({error.strerror}); name another folder, "
                            "or let yourself write there") from error

    def file(self, data: bytes, correction: Correction) -> Filed:
        """Store a picture without its metadata at FOLDER/<class>/<name>, and add a row.

        One that was filed under another class moves, if it lies where it was put and is unchanged.
        No file is overwritten.

        Args:
            data: the file's bytes, of any format; JPEG, PNG and WebP lose their metadata.
            correction: what is said of it.

        Raises:
            UserError: the class can be none, or the file is too damaged to take its metadata out.
            OSError: the disk is full, or the folder can no longer be written; nothing is changed.
        """
        try:
            cleaned = without_metadata(data)
        except ImageError as error:
            raise UserError(f"{_line(correction.filename)} is {error}; it cannot be stored without "
                            "its metadata, and was not stored") from error
        stored = data if cleaned is None else cleaned
        sent, digest = (hashlib.sha256(content).hexdigest() for content in (data, stored))
        with self._alone():
            label = checked_class(correction.correction, (NONE, *self._folders()))
            own = self._own_file(digest)
            known = own is not None and self._last[digest][CORRECTION] == label
            if not known:
                path = self._free_path(label, correction.filename, digest)
                with self._placed(path, own, stored):
                    self._append([_now(), _line(correction.filename), sent, digest,
                                  path.relative_to(self.folder).as_posix(),
                                  _line(correction.answer), _shown(correction.probability), label,
                                  correction.model_sha256])
        return Filed(own if known else path, sent, digest, cleaned is not None, known)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let one thread of one process at a time work on the folder, with its newest table."""
        waiting = f"waiting for another program that files into {self.folder}"
        with self._thread, only_one(self.folder / LOCK, waiting):
            if not self.table.exists():
                write_csv(self.table, COLUMNS, [])
            if self._state != (state := _state_of(self.table)):
                self._read()
                self._state = state
            yield
            self._state = _state_of(self.table)

    def _read(self) -> None:
        """Read the table; a row that a killed program left half written is taken out."""
        data = self.table.read_bytes()
        end = data.rfind(b"\n") + 1
        rows = list(read_rows(io.StringIO(data.decode("utf-8-sig", errors="replace"), newline="")))
        if not rows or rows[0] != COLUMNS:
            raise UserError(f"{self.table} is not the table that this program wrote; move it away, "
                            "or name another folder")
        if end < len(data):
            whole = len(rows[-1]) == len(COLUMNS) and len(rows[-1][-1]) in (0, SHA256_DIGITS)
            with self.table.open("rb+") as file:
                file.seek(len(data) if whole else end)
                file.write(b"\r\n" if whole else b"")
                file.truncate()
            rows = rows if whole else rows[:-1]
        self._last = {row[STORED]: row for row in rows[1:] if len(row) == len(COLUMNS)}

    def _append(self, row: list[str]) -> None:
        """Add a whole row to the table, or none."""
        text = io.StringIO(newline="")
        write_rows(text, [row])
        data = text.getvalue().encode()
        with self.table.open("ab", buffering=0) as file:
            size = file.tell()
            try:
                if file.write(data) < len(data):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(file.fileno())
            except OSError as error:
                file.truncate(size)
                error.filename = str(self.table)
                raise
        self._last[row[STORED]] = row

    def _folders(self) -> list[str]:
        return [entry.name for entry in self.folder.iterdir() if entry.is_dir()]

    def _own_file(self, digest: str) -> Path | None:
        """Return where a picture lies, if it is where its last row says, and unchanged."""
        if digest not in self._last:
            return None
        path = self.folder / self._last[digest][PLACE]
        inside = path.resolve().is_relative_to(self.folder.resolve())
        return path if inside and not path.is_symlink() and _is_content(path, digest) else None

    def _free_path(self, label: str, filename: str, digest: str) -> Path:
        """Return a path for a picture: one where nothing lies, or this very picture."""
        name = filename.replace("\\", "/").rpartition("/")[2] or "picture"
        name = f"_{name}" if is_no_picture(name) else name  # else datapre.py would pass it over
        plain = plain_path(f"{label}/{name}", digest)
        paths = (self.folder / path for path in paths_to_try(plain, digest))
        return next(path for path in paths
                    if not os.path.lexists(path) or _is_content(path, digest))

    @contextmanager
    def _placed(self, path: Path, own: Path | None, stored: bytes) -> Iterator[None]:
        """Put a picture in its place; undo that if the block fails."""
        fresh = own is None and not path.exists()
        try:
            if own is not None:
                path.parent.mkdir(exist_ok=True)
                own.replace(path)
            elif fresh:
                with atomic_path(path) as temporary:
                    temporary.write_bytes(stored)
            yield
        except OSError:
            if own is not None and not own.exists():
                path.replace(own)
            elif fresh:
                path.unlink(missing_ok=True)
            remove_if_empty(path.parent)
            raise
        if own is not None:
            remove_if_empty(own.parent)


def _is_content(path: Path, digest: str) -> bool:
    try:
        return not path.is_symlink() and sha256_of(path) == digest
    except OSError:
        return False


def _state_of(table: Path) -> tuple[int, int]:
    found = table.stat()
    return found.st_size, found.st_mtime_ns


def _now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _line(text: str) -> str:
    """Return a text from anywhere as one line that can be written."""
    return display_name(LONE.sub("\ufffd", text))


def _shown(probability: float | None) -> str:
    return "" if probability is None else f"{probability:.4f}"
