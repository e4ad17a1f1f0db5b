"""Writing files whole or not at all, and walking folders in a fixed order."""

import csv
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

LONGEST_NAME = 255  # bytes; the limit of ext4, NTFS, APFS and most others
# What desktops and git put into folders by themselves; nobody means them.
NOBODYS_FILES = {".DS_Store", "Thumbs.db", "desktop.ini", ".gitkeep"}


@contextmanager
def atomic_path(path: Path, durable: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside `path` and move it into place when the block succeeds.

    The previous file stays untouched until then, whatever interrupts the block. The temporary
    name is always the same, so that what a killed run leaves behind is overwritten by the next.

    Args:
        path: the file to write; its folder is made when it is missing.
        durable: flush to the disk before the move (off for pictures that can be drawn again).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{short_name(path.name, extra=5)}.tmp")
    try:
        yield temporary
        if durable:
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def short_name(name: str, extra: int = 0) -> str:
    """Return `name`, shortened with a hash of itself where `name` + `extra` bytes is too long."""
    encoded = os.fsencode(name)
    if len(encoded) + extra <= LONGEST_NAME:
        return name
    digest = hashlib.sha256(encoded).hexdigest()[:12]
    kept = encoded[: LONGEST_NAME - extra - len(digest) - 1].decode("utf-8", errors="ignore")
    return f"{kept}~{digest}"


def display_name(path: Path | str) -> str:
    """Return a path as text that can be printed and written whatever bytes its name holds."""
    return os.fsencode(path).decode("utf-8", errors="backslashreplace")


def write_json(path: Path, content: dict) -> Path:
    """Write `content` as indented UTF-8 JSON, whole or not at all."""
    with atomic_path(path) as temporary:
        text = json.dumps(content, indent=2, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")
    return path


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence]) -> Path:
    """Write a table as UTF-8 CSV with BOM (spreadsheets need it), whole or not at all."""
    with atomic_path(path) as temporary:
        with temporary.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(header)
            writer.writerows(rows)
    return path


def read_csv(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV written by `write_csv`, each as a dict of strings."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def sha256_of(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def walk_files(folder: Path, leave_out: Path | None = None) -> list[Path]:
    """Return every file below `folder`, sorted by its path; links to folders are not followed.

    A folder that cannot be entered is returned in place of its files, so that somebody sees it.

    Args:
        folder: where to look; itself it may be a link.
        leave_out: a folder that is not entered (an output folder inside the input folder).
    """
    found = []

    def note(error: OSError) -> None:
        found.append(Path(error.filename))

    for root, folders, names in os.walk(folder, onerror=note):
        folders[:] = [name for name in folders if leave_out is None
                      or (Path(root) / name).resolve() != leave_out.resolve()]
        found += [Path(root) / name for name in names if name not in NOBODYS_FILES]
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def class_folders(folder: Path) -> list[Path]:
    """Return the class folders in `folder`, sorted; hidden ones (.ipynb_checkpoints) are none."""
    return sorted(entry for entry in folder.iterdir()
                  if entry.is_dir() and not entry.name.startswith("."))


def replace_folder(new: Path, old: Path) -> None:
    """Put a finished folder in the place of `old`, which is whole until then."""
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
