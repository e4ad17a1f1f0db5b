"""Writing files whole or not at all, and walking folders in a fixed order."""

import csv
import errno
import hashlib
import json
import os
import re
import shutil
import stat
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import zip_longest
from pathlib import Path, PurePosixPath
from typing import TextIO

from celestial.console import UserError

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
LONGEST_NAME = 255  # bytes; the limit of ext4, NTFS, APFS and most others
LONGEST_PATH = 800  # bytes below an output folder; macOS allows 1024 for a whole path
LONGEST_ENDING = 16  # bytes; what follows the last dot of a longer one is no file type
TEMPORARY = 5  # bytes that `atomic_path` adds to a name
# What a terminal obeys, or what would break or turn round the line that a name stands in; bytes
# that are not UTF-8 have the code points 0xdc80..0xdcff in Python.
ESCAPES = {**{code: f"\\x{code:02x}" for code in (*range(0x20), 0x7f)},
           **{code: f"\\u{code:04x}" for code in (*range(0x80, 0xa0), 0x2028, 0x2029,
                                                  *range(0x202a, 0x202f), *range(0x2066, 0x206a))},
           **{0xdc00 + byte: f"\\x{byte:02x}" for byte in range(0x80, 0x100)},
           ord("\\"): "\\\\", ord("\n"): "\\n", ord("\r"): "\\r", ord("\t"): "\\t"}
ESCAPED = re.compile(r"\\(?:[\\nrt]|x[0-9a-f]{2}|u[0-9a-f]{4})")
MEANT = {escape: chr(code) for code, escape in ESCAPES.items()}
# Of a part of an output path. With a colon in the second place Windows takes it for a drive.
UNSAFE = re.compile(r"[\x00-\x1f\x7f\\\ud800-\udfff]|(?<=^.):")
# Where a spreadsheet, set to comma or semicolon, begins a cell, followed by what begins a formula
# (also the wide signs that Chinese and Korean ones take) or by our own mark against it.
FORMULA = re.compile("(^|[;\t\r\n]\"*)(?=[=+\\-@\t\r\n'＝＋－＠])")
MARKED = re.compile("(^|[;\t\r\n]\"*)'")
NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?")
# What desktops and git put into folders by themselves; nobody means them.
NOBODYS_FILES = {".DS_Store", "Thumbs.db", "desktop.ini", ".gitkeep"}


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
    temporary = path.with_name(f".{short_name(path.name, extra=5)}.tmp")
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
        with suppress(OSError):  # of a read-only disk: it would hide the reason above
            temporary.unlink()


def _flush_folder(folder: Path) -> None:
    if os.name == "nt":
        return  # Windows opens no folders
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def short_name(name: str, extra: int = 0) -> str:
    """Return `name`, shortened with a hash of itself where `name` + `extra` bytes is too long."""
    too_long = len(os.fsencode(name)) + extra > LONGEST_NAME
    return _hashed_name(name, name, extra) if too_long else name


def _hashed_name(name: str, key: str, extra: int) -> str:
    """Return `name` with a hash of `key` before its ending, `LONGEST_NAME` - `extra` at most."""
    ending = Path(name).suffix
    if len(os.fsencode(ending)) > LONGEST_ENDING:
        ending = ""
    digest = hashlib.sha256(key.encode("utf-8", errors="surrogatepass")).hexdigest()[:12]
    end = os.fsencode(f"~{digest}{ending}")
    begin = os.fsencode(name.removesuffix(ending))[:LONGEST_NAME - extra - len(end)]
    return begin.decode("utf-8", errors="ignore") + end.decode("utf-8", errors="ignore")


def display_name(path: Path | str) -> str:
    r"""Return a path as one line that can be printed and written; no two paths share one.

    Letters of any language stay as they are. Backslashes, control characters, those that turn
    the direction of writing and bytes that are not UTF-8 become \\, \n, \x1b, \u202e, \xff.
    """
    text = path if isinstance(path, str) else path.as_posix()
    return os.fsencode(text).decode("utf-8", errors="surrogateescape").translate(ESCAPES)


def path_named(name: str) -> Path:
    """Return the path whose `display_name` is `name`."""
    text = ESCAPED.sub(lambda found: MEANT[found[0]], name)
    return Path(os.fsdecode(text.encode("utf-8", errors="surrogateescape")))


def output_paths(wanted: Mapping[str, str]) -> dict[str, str]:
    """Return where each of many output files goes: key -> path below the output folder.

    A path that is plain, short and no other's stays as it is. No result leads out of the folder,
    and no two are one file or need a folder where the other has a file, not even on disks that
    ignore case or the Unicode form: a hash of the key keeps them apart.

    Args:
        wanted: key -> relative path with slashes.
    """
    plain = {key: _plain_path(path, key) for key, path in wanted.items()}
    taken = set()
    for folder in {path.rpartition("/")[0] for path in plain.values()}:
        taken |= {folded(str(parent)) for parent in (PurePosixPath(folder, "file")).parents}
    found = {}
    for key in sorted(plain):
        path, tries = plain[key], 0
        while folded(path) in taken:
            folder, slash, name = plain[key].rpartition("/")
            path = folder + slash + _hashed_name(name, f"{tries}:{key}", TEMPORARY)
            tries += 1
        taken.add(folded(path))
        found[key] = path
    return found


def _plain_path(path: str, key: str) -> str:
    """Return a relative path that stays below its folder and fits every file system."""
    parts = [UNSAFE.sub("_", "_" if part in ("", ".", "..") else part) for part in path.split("/")]
    *folders, name = parts
    short = "/".join([*map(short_name, folders), short_name(name, extra=TEMPORARY)])
    return short if len(short.encode()) <= LONGEST_PATH else _hashed_name(name, key, TEMPORARY)


def folded(path: str) -> str:
    """Return what paths have in common that are one on disks that ignore case and Unicode form."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", path).casefold())


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
            write_rows(file, [header])
            write_rows(file, rows)
    return path


def write_rows(file: TextIO, rows: Iterable[Sequence]) -> None:
    """Write rows of CSV in which no spreadsheet finds a formula."""
    csv.writer(file).writerows([csv_cell(cell) for cell in row] for row in rows)


def csv_cell(cell: object) -> object:
    """Return a cell of a table with an apostrophe wherever a spreadsheet would see a formula."""
    if not isinstance(cell, str) or NUMBER.fullmatch(cell):
        return cell
    return FORMULA.sub(r"\1'", cell)


def read_csv(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV written by `write_csv`, each as a dict of strings."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = read_rows(file)
        header = next(rows, [])
        return [dict(zip_longest(header, row, fillvalue="")) for row in rows if row]


def read_rows(lines: Iterable[str]) -> Iterator[list[str]]:
    """Yield the rows that `write_rows` wrote, without its apostrophes."""
    for row in csv.reader(lines):
        yield [MARKED.sub(r"\1", cell) for cell in row]


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
    """Return every file below `folder`, sorted by its path; links to folders are not followed.

    Such a link, and a folder that cannot be entered, is returned like a file, so that somebody
    sees it.

    Args:
        folder: where to look; itself it may be a link.
        leave_out: a folder that is not entered (an output folder inside the input folder).
    """
    found = []
    left_out = leave_out.resolve() if leave_out is not None else None

    def note(error: OSError) -> None:
        found.append(Path(error.filename))

    for root, folders, names in os.walk(folder, onerror=note):
        below = [Path(root) / name for name in folders]
        below = [path for path in below if path.resolve() != left_out]
        folders[:] = [path.name for path in below if not path.is_symlink()]
        found += [path for path in below if path.is_symlink()]
        found += [Path(root) / name for name in names if name not in NOBODYS_FILES]
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def class_folders(folder: Path) -> list[Path]:
    """Return the class folders in `folder`, sorted; hidden ones (.ipynb_checkpoints) are none.

    Raises:
        UserError: the name of one cannot stand in tables, file names and headings.
    """
    found = sorted(entry for entry in folder.iterdir()
                   if entry.is_dir() and not entry.name.startswith("."))
    for entry in found:
        if (shown := display_name(entry.name)) != entry.name:
            raise UserError(f"the class folder {shown} has a backslash, a control character or "
                            "bytes that are not UTF-8 in its name; rename it")
    return found


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
