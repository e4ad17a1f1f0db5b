"""Shows file names on one line, cuts them to what disks allow, and keeps outputs apart."""

import hashlib
import os
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path, PurePosixPath

LONGEST_NAME = 255  # bytes; the limit of ext4, NTFS, APFS and most others
LONGEST_PATH = 800  # bytes below an output folder; macOS allows 1024 for a whole path
LONGEST_ENDING = 16  # bytes; a longer text after the last dot is no file type
TEMPORARY = 5  # bytes that `atomic_path` adds to a name
# Characters that control a terminal, or that break or reverse the line that a name stands in.
# Bytes that are not UTF-8 have the code points 0xdc80..0xdcff in Python.
ESCAPES = {**{code: f"\\x{code:02x}" for code in (*range(0x20), 0x7f)},
           **{code: f"\\u{code:04x}" for code in (*range(0x80, 0xa0), 0x2028, 0x2029,
                                                  *range(0x202a, 0x202f), *range(0x2066, 0x206a))},
           **{0xdc00 + byte: f"\\x{byte:02x}" for byte in range(0x80, 0x100)},
           ord("\\"): "\\\\", ord("\n"): "\\n", ord("\r"): "\\r", ord("\t"): "\\t"}
ESCAPED = re.compile(r"\\(?:[\\nrt]|x[0-9a-f]{2}|u[0-9a-f]{4})")
UNESCAPED = {escape: chr(code) for code, escape in ESCAPES.items()}
# Characters that may not stand in a part of an output path. After one letter a colon is among
# them, because Windows takes the letter for a drive.
UNSAFE = re.compile(r"[\x00-\x1f\x7f\\\ud800-\udfff]|(?<=^.):")


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
    r"""Return a path as one line that can be printed and written; no two paths have the same.

    Letters of any language stay as they are. Backslashes, control characters, those that turn
    the direction of writing and bytes that are not UTF-8 become \\, \n, \x1b, \u202e, \xff.
    """
    text = path if isinstance(path, str) else path.as_posix()
    return os.fsencode(text).decode("utf-8", errors="surrogateescape").translate(ESCAPES)


def path_named(name: str) -> Path:
    """Return the path whose `display_name` is `name`."""
    text = ESCAPED.sub(lambda found: UNESCAPED[found[0]], name)
    return Path(os.fsdecode(text.encode("utf-8", errors="surrogateescape")))


def source_of(file: Path, folders: Sequence[Path]) -> str:
    """Return a file's path below the one folder, or with its folder where it is of several.

    `file_of` is the inverse.
    """
    return display_name(file.relative_to(folders[0]) if len(folders) == 1 else file)


def file_of(source: str, folders: Sequence[Path]) -> Path:
    """Return the file whose `source_of` is `source`."""
    return (folders[0] if len(folders) == 1 else Path()) / path_named(source)


def output_paths(wanted: Mapping[str, str]) -> dict[str, str]:
    """Return where each of many output files goes: key -> path below the output folder.

    A path that is plain, short and wanted once stays as it is. Every result lies below the output
    folder. No two results are the same file, and none is a folder where another is a file, even on
    disks that ignore case or the Unicode form, because a hash of the key tells them apart.

    Args:
        wanted: key -> relative path with slashes.
    """
    plain = {key: plain_path(path, key) for key, path in wanted.items()}
    taken = set()
    for folder in {path.rpartition("/")[0] for path in plain.values()}:
        taken |= {folded(str(parent)) for parent in (PurePosixPath(folder, "file")).parents}
    found = {}
    for key in sorted(plain):
        path = next(path for path in paths_to_try(plain[key], key) if folded(path) not in taken)
        taken.add(folded(path))
        found[key] = path
    return found


def paths_to_try(path: str, key: str) -> Iterator[str]:
    """Yield a path, then without end others in the same folder, with a hash of the key."""
    yield path
    folder, slash, name = path.rpartition("/")
    for tries in count():
        yield folder + slash + _hashed_name(name, f"{tries}:{key}", TEMPORARY)


def plain_path(path: str, key: str) -> str:
    """Return a relative path that stays below its folder and fits every file system.

    Args:
        path: with slashes.
        key: tells it from others where it has to be shortened.
    """
    parts = [UNSAFE.sub("_", "_" if part in ("", ".", "..") else part) for part in path.split("/")]
    *folders, name = parts
    short = "/".join([*map(short_name, folders), short_name(name, extra=TEMPORARY)])
    return short if len(short.encode()) <= LONGEST_PATH else _hashed_name(name, key, TEMPORARY)


def folded(path: str) -> str:
    """Return a form that is equal for paths that differ only in case and Unicode form."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", path).casefold())
