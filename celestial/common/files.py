"""Writes files whole or not at all, and walks folders in a fixed order."""

import errno
import hashlib
import json
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from celestial.common.console import UserError
from celestial.common.file_names import TEMPORARY, display_name, short_name
from celestial.common.left_behind import (
    LARGEST_NOTE,
    holds_answers,
    is_answer,
    is_no_picture,
    is_remade,
)

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# Tables beside the class folders: where fetched pictures come from, and who corrected what.
SOURCES_TABLE, CORRECTIONS_TABLE = "sources.csv", "corrections.csv"


@contextmanager
def atomic_path(path: Path, durable: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside `path` and move it into place when the block succeeds.

    The previous file stays untouched until then, whatever interrupts the block. The temporary
    name is always the same, so that what a killed run leaves behind is overwritten by the next.

    Args:
        path: the file to write; its folder is made when it is missing.
        durable: flush to the disk before and after the move (off for pictures that can be drawn
            again).

    Raises:
        OSError: with the name of `path` where the system gives none, as on a full disk.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{short_name(path.name, extra=TEMPORARY)}.tmp")
    try:
        yield temporary
        if durable:
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
        temporary.replace(path)
        if durable:
            _flush_folder(path.parent)
    except OSError as error:
        if error.filename in (None, str(temporary)):
            error.filename = str(path)
        raise
    finally:
        with suppress(OSError):  # an error here, as on a read-only disk, would hide the one above
            temporary.unlink()


def _flush_folder(folder: Path) -> None:
    if os.name == "nt":
        return  # Windows cannot open a folder
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def write_json(path: Path, content: dict) -> Path:
    """Write `content` as indented UTF-8 JSON, whole or not at all."""
    with atomic_path(path) as temporary:
        text = json.dumps(content, indent=2, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")
    return path


def sha256_of(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file's bytes.

    Raises:
        OSError: it cannot be read, or is a pipe or a folder.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "not a file", str(path))  # opening a pipe would wait for ever
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def walk_files(folder: Path, leave_out: Path | None = None) -> list[Path]:
    """Return the files of `sort_files` that may be pictures."""
    return sort_files(folder, leave_out)[0]


def sort_files(folder: Path, leave_out: Path | None = None) -> tuple[list[Path], list[Path]]:
    """Return the files below `folder` that may be pictures, and what is passed over, both sorted.

    Files and folders that are hidden or left behind by a system are passed over; of such a folder
    its own path alone is returned. Files that predict_my_images.py wrote are passed over too; of
    them the output folder is returned. Links to folders are not followed. Such a link, and a folder
    that cannot be entered, is returned among the files, so that the user is told of it.

    Args:
        folder: where to look; it may itself be a link, hidden, or an output folder.
        leave_out: a folder that is not entered (an output folder inside the input folder).
    """
    found, passed_over = [], []
    left_out = leave_out.resolve() if leave_out is not None else None

    def note(error: OSError) -> None:
        found.append(Path(error.filename))

    for root, folders, names in os.walk(folder, onerror=note):
        place = Path(root)
        if place != folder and holds_answers(names, partial(_read_note, place)):
            passed_over.append(place)
            folders[:] = [name for name in folders if not is_answer(name)]
            names = [name for name in names if not is_answer(name)]
        passed_over += [place / name for name in (*folders, *names) if is_no_picture(name)]
        below = [place / name for name in folders if not is_no_picture(name)]
        below = [path for path in below if path.resolve() != left_out]
        folders[:] = [path.name for path in below if not path.is_symlink()]
        found += [path for path in below if path.is_symlink()]
        found += [place / name for name in names if not is_no_picture(name)]
    return _in_order(found, folder), _in_order(passed_over, folder)


def owned_files(folder: Path) -> list[Path]:
    """Return the files below `folder` that a user may want to keep, hidden or not, sorted by path.

    Files that a system makes again when they are gone are left out. Links are not followed.
    """
    found = []

    def note(error: OSError) -> None:
        found.append(Path(error.filename))

    for root, folders, names in os.walk(folder, onerror=note):
        folders[:] = [name for name in folders if not is_remade(name)]
        links = [name for name in folders if Path(root, name).is_symlink()]
        found += [Path(root, name) for name in (*links, *names) if not is_remade(name)]
    return _in_order(found, folder)


def _in_order(paths: list[Path], folder: Path) -> list[Path]:
    return sorted(paths, key=lambda path: path.relative_to(folder).as_posix())


def _read_note(folder: Path, name: str) -> bytes:
    if not stat.S_ISREG((folder / name).stat().st_mode):
        raise OSError(errno.EINVAL, "not a file", name)  # opening a pipe would wait for ever
    with (folder / name).open("rb") as file:
        return file.read(LARGEST_NOTE)


def class_folders(folder: Path) -> list[Path]:
    """Return the class folders in `folder`, sorted, without hidden ones and those of a system.

    Raises:
        UserError: the name of one cannot stand in tables, file names and headings.
    """
    found = sorted(entry for entry in folder.iterdir()
                   if entry.is_dir() and not is_no_picture(entry.name))
    for entry in found:
        if (shown := display_name(entry.name)) != entry.name:
            raise UserError(f"the class folder {shown} has a backslash, a control character or "
                            "bytes that are not UTF-8 in its name; rename it")
    return found


def class_files(folder: Path) -> tuple[dict[str, list[Path]], list[Path]]:
    """Return the files below each class folder, by its name, and what is passed over.

    Raises:
        UserError: see `class_folders`.
    """
    passed_over = [entry for entry in folder.iterdir() if is_no_picture(entry.name)]
    files = {}
    for entry in class_folders(folder):
        files[entry.name], more = sort_files(entry)
        passed_over += more
    return files, _in_order(passed_over, folder)


def link_or_copy(source: Path, target: Path, copy: bool) -> tuple[bool, str]:
    """Hard-link a file, or copy it: where that is asked for, or where no link can be made.

    Returns:
        Whether it was linked, and why it could not be.

    Raises:
        OSError: the target cannot be written.
    """
    if not target.parent.is_dir():
        target.parent.mkdir(parents=True, exist_ok=True)
    reason = ""
    if not copy:
        try:
            os.link(source.resolve() if source.is_symlink() else source, target)
            return True, ""
        except OSError as error:  # another disk, a file system without links, another's file
            reason = error.strerror
    with atomic_path(target, durable=False) as temporary:
        shutil.copyfile(source, temporary)
    return False, reason


def remove_if_empty(folder: Path) -> None:
    """Remove a folder, but for one that holds something, is not there, or may not be removed."""
    with suppress(OSError):
        folder.rmdir()


def replace_folder(new: Path, old: Path) -> None:
    """Move a finished folder to the path `old`; the previous folder stays whole until then."""
    aside = old.with_name(f".{old.name}.old")
    shutil.rmtree(aside, ignore_errors=True)
    try:
        if old.exists():
            old.rename(aside)
        new.rename(old)
    finally:
        recover_folder(old)
    shutil.rmtree(aside, ignore_errors=True)


def recover_folder(folder: Path) -> None:
    """Bring back the old folder if a run was killed between the two renames above."""
    aside = folder.with_name(f".{folder.name}.old")
    if aside.exists() and not folder.exists():
        aside.rename(folder)
