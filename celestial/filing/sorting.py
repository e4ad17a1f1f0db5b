"""Sorts pictures into a folder for each class, as hard links or copies; none is moved away."""

import filecmp
import io
import os
import stat
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cached_property
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from celestial.common.class_names import UNKNOWN
from celestial.common.console import UserError
from celestial.common.file_names import (
    display_name,
    output_paths,
    path_named,
    paths_to_try,
    plain_path,
)
from celestial.common.files import link_or_copy, remove_if_empty
from celestial.common.locks import lock_for, only_one
from celestial.common.tables import read_rows, write_csv, write_rows
from celestial.filing.summary_table import rows_of

SORTED = "sorted.csv"
UNFINISHED = "sorted.partial.csv"  # of a run that has not ended
COLUMNS = ["file", "where", "class", "confidence", "how"]
FAILED = "failed"
LINKED, COPIED, KEPT, MOVED, LEFT_OUT = "linked", "copied", "kept", "moved", "left out"
INTENDED = "intended"  # in the unfinished table alone


class Answer(NamedTuple):
    """A file to be sorted, and its answer: status, prediction and confidence as in the table."""

    file: Path
    status: str
    name: str
    confidence: str


class SortedFolder:
    """A folder with a folder for each class, and sorted.csv, which says what went where.

    What the user puts into it, changes or renames there is never touched. A file there is this
    program's own if sorted.csv names it, and it is the picture itself (a hard link) or has the same
    content (a copy).
    """

    def __init__(self, folder: Path, classes: Sequence[str], copy: bool):
        """Make the folder where there is none.

        Args:
            folder: where the pictures are sorted into.
            classes: of the model.
            copy: copy all pictures; else they are linked where that can be done.

        Raises:
            UserError: it cannot be written, or its table is no table of sorted pictures.
        """
        self.folder = folder
        self.table = folder / SORTED
        self._inside = folder.resolve()
        self.copy = copy
        self._said = False  # that pictures cannot be linked
        own = {f" {status}": status for status in (FAILED, UNKNOWN)}  # a class may be called failed
        self._folders = output_paths(own | {name: name.replace("/", "_") for name in classes})
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise UserError(f"{folder} cannot be written ({error.strerror}); name another folder "
                            "with --sort-into, or make room and let yourself write there"
                            ) from error
        self._rows = self._read()

    def sort(self, answers: Iterable[Answer]) -> Counter:
        """Put each file into the folder of its class, and write sorted.csv.

        A file that was sorted before stays, or moves to the folder of the class that it has now.
        What a killed run has done is taken up.

        Returns:
            How many files were linked, copied, kept, moved and left out.

        Raises:
            OSError: the disk is full, or the folder can no longer be written; the next run goes on.
        """
        waiting = f"waiting for another run that sorts into {self.folder}"
        with only_one(lock_for(self.folder), waiting):
            self._rows = self._read()
            self._taken = {row[1] for row in self._rows.values()}
            unfinished = self.folder / UNFINISHED
            write_csv(unfinished, COLUMNS, self._rows.values())
            counts = Counter()
            with unfinished.open("a", encoding="utf-8", newline="") as self._notes:
                for answer in answers:
                    row = self._sort_one(answer)
                    counts[row[-1].partition(":")[0]] += 1
                    self._taken.add(row[1])
                    self._rows[row[0]] = row
            write_csv(self.table, COLUMNS, sorted(self._rows.values(), key=itemgetter(0)))
            unfinished.unlink()
        return counts

    def _read(self) -> dict[str, list[str]]:
        """Return the row of each file that was sorted before, by a run that ended or was killed."""
        found = {}
        for name in (SORTED, UNFINISHED):
            try:
                data = (self.folder / name).read_bytes()
            except FileNotFoundError:
                continue
            whole = data[:data.rfind(b"\n") + 1].decode("utf-8-sig", errors="replace")
            header, *rows = list(read_rows(io.StringIO(whole, newline=""))) or [[]]
            if header != COLUMNS:
                raise UserError(f"{self.folder / name} is not the table that this program wrote; "
                                "move it away, or name another folder with --sort-into")
            found |= {row[0]: row for row in rows if len(row) == len(COLUMNS) and (
                row[-1] != INTENDED or os.path.lexists(self.folder / path_named(row[1])))}
        return found

    def _sort_one(self, answer: Answer) -> list[str]:
        """Sort one file and return its row."""
        key = display_name(answer.file)
        before = self._rows[key][1] if key in self._rows else ""
        row = [key, before, answer.name, answer.confidence]
        try:
            source = answer.file.resolve() if answer.file.is_symlink() else answer.file
            if not stat.S_ISREG(source.stat().st_mode):  # opening a pipe would wait for ever
                return [*row, f"{LEFT_OUT}: not a file"]
            os.close(os.open(source, os.O_RDONLY))
        except OSError as error:
            return [*row, f"{LEFT_OUT}: {error.strerror}"]
        folder = self._folders[answer.name if answer.status == "ok" else f" {answer.status}"]
        at_place = path_named(before).parent.as_posix() == folder
        own = before != "" and self._is_own(before, source, at_place)
        if own and at_place:
            return [*row, KEPT]
        if before and not own and (renamed := self._renamed(source)):
            return [key, renamed, *row[2:], KEPT]
        path = self._free(key, f"{folder}/{answer.file.name}")
        row[1] = self._where(path)
        self._note([*row, INTENDED])
        return [*row, self._move(before, path) if own else self._put(source, path)]

    def _note(self, row: list[str]) -> None:
        """Write a row before it comes true, so that the work of a killed run is known as ours."""
        write_rows(self._notes, [row])
        self._notes.flush()

    def _where(self, path: Path) -> str:
        """Return how a path is written in the table."""
        return display_name(path.relative_to(self.folder).as_posix())

    def _free(self, key: str, wanted: str) -> Path:
        """Return a path in the folder at which nothing lies."""
        paths = (self.folder / where for where in paths_to_try(plain_path(wanted, key), key))
        return next(path for path in paths if not os.path.lexists(path))

    def _put(self, source: Path, path: Path) -> str:
        """Link or copy a file; return which of them was done."""
        linked, reason = link_or_copy(source, path, self.copy)
        if linked:
            return LINKED
        with suppress(OSError):  # not each file system keeps times
            os.utime(path, ns=(source.stat().st_atime_ns, source.stat().st_mtime_ns))
        if reason and not self._said:
            self._said = True
            print(f"{self.folder}: pictures are copied, because they cannot be linked there "
                  f"({reason})", flush=True)
        return COPIED

    def _move(self, before: str, path: Path) -> str:
        """Move this program's own file to another class; return that it was done."""
        old = self.folder / path_named(before)
        path.parent.mkdir(exist_ok=True)
        old.rename(path)
        remove_if_empty(old.parent)
        return MOVED

    def _is_own(self, where: str, source: Path, shallow: bool) -> bool:
        """Say whether a path that sorted.csv names is in the folder and is still the picture."""
        path = self.folder / path_named(where)
        inside = path.parent.resolve().is_relative_to(self._inside)
        return inside and _is_same(path, source, shallow)

    def _renamed(self, source: Path) -> str:
        """Return where the user has put a picture that lay elsewhere in the folder, or nothing."""
        found = source.stat()
        paths = self._by_size_and_time[found.st_size, found.st_mtime_ns]
        return next((where for path in paths if (where := self._where(path)) not in self._taken
                     and _is_same(path, source, shallow=False)), "")

    @cached_property
    def _by_size_and_time(self) -> dict[tuple[int, int], list[Path]]:
        """The files that lie in the folder; a link or copy has the picture's size and time."""
        found = defaultdict(list)
        for path in sorted(self.folder.rglob("*")):
            if stat.S_ISREG((state := path.lstat()).st_mode):
                found[state.st_size, state.st_mtime_ns].append(path)
        return found


def _is_same(path: Path, source: Path, shallow: bool) -> bool:
    """Say whether a file is a picture, or has its content.

    Args:
        shallow: equal size and time are enough.
    """
    try:
        state = path.lstat()
        return stat.S_ISREG(state.st_mode) and (os.path.samestat(state, source.stat())
                                                or filecmp.cmp(path, source, shallow))
    except OSError:
        return False


def sort_answers(into: SortedFolder, out: Path, folder: Path, files: dict[str, Path]) -> Counter:
    """Sort each file of the table of answers, and say how many were.

    Args:
        into: where they are sorted into.
        out: where the table lies.
        folder: of the pictures.
        files: by their names in the table.
    """
    place = folder.resolve()
    answers = (Answer(place / files[row[0]].relative_to(folder), *row[1:4]) for row in rows_of(out))
    counts = into.sort(tqdm(answers, total=len(files), desc="sorting", unit="file"))
    told = ", ".join(f"{count} {how}" for how, count in sorted(counts.items()))
    print(f"sorted into {into.folder}: {told}")
    return counts
