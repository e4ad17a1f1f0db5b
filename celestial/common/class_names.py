"""Checks class folders: some hold a dataset's splits, some have names that look alike."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from celestial.common.console import UserError
from celestial.common.file_names import UNSAFE, folded, short_name
from celestial.common.files import class_folders
from celestial.common.left_behind import is_no_picture

UNKNOWN = "unknown"  # the answer where no class fits
NONE = "none_of_the_classes"  # what a person says of such a picture, and its folder
# The names that datasets give their splits, compared without regard to case.
SPLIT_NAMES = {"train": ("train", "training"), "val": ("val", "valid", "validation", "dev"),
               "test": ("test", "testing")}
FORBIDDEN = set('/\\<>:"|?*')  # in names of folders, on Windows or elsewhere


def split_folders(names: Iterable[str]) -> dict[str, str]:
    """Return split -> folder name; empty unless there is a train folder and another split."""
    by_name = {folded(name): name for name in names}
    found = {split: by_name[word] for split, words in SPLIT_NAMES.items() for word in words
             if word in by_name}
    return found if "train" in found and len(found) > 1 else {}


def require_no_split(input_dir: Path) -> None:
    """Raise UserError where a folder that is to be split holds pictures that are split already.

    A split that stands one folder deeper is refused too, if nothing stands beside it. So is a
    dataset of datapre.py among the class folders, because its pictures are copies of the others.
    """
    folders = class_folders(input_dir)
    for folder in (input_dir, *(folders if len(folders) == 1 else ())):
        if found := split_folders(entry.name for entry in class_folders(folder)):
            raise UserError(f"{folder} holds {_listed(found.values())}: a ready split, not one "
                            f"folder a class; {_advice(folder, found)}, or put all pictures of a "
                            f"class into one folder ({input_dir / 'mars'}, {input_dir / 'moon'}, "
                            "...) and run datapre.py again")
    for folder in folders:
        if ((folder / "manifest.csv").is_file()
                and split_folders(entry.name for entry in class_folders(folder))):
            raise UserError(f"{folder} is a dataset that datapre.py made, not a class; move it out "
                            f"of {input_dir}")


def _listed(names: Iterable[str]) -> str:
    *first, last = [f"{name}/" for name in names]
    return f"{', '.join(first)} and {last}"


def _advice(folder: Path, found: dict[str, str]) -> str:
    """Return how to change a ready split so that the scripts take it with --data-dir."""
    todo = [f"rename {name}/ to {split}/" for split, name in found.items() if name != split]
    if "val" not in found:
        todo.append("move some pictures of each class from train/ to val/")
    then = f"train on it as it is: improved_training.py --data-dir {folder}"
    return f"{', '.join(todo)} and {then}" if todo else then


def renamed_split(data_dir: Path, split: str) -> str:
    """Return the folder that holds a split under another name; empty where there is none."""
    if not data_dir.is_dir():
        return ""
    words = SPLIT_NAMES[split] if split in SPLIT_NAMES else ()
    return next((entry.name for entry in class_folders(data_dir)
                 if folded(entry.name) in words and entry.name != split), "")


def check_classes(folder: Path, names: Sequence[str]) -> None:
    """Refuse a class called unknown, and print which classes look alike.

    Raises:
        UserError: a class has the name of the answer where no class fits.
    """
    require_no_unknown(folder, names)
    say_alike(str(folder), names)


def require_no_unknown(folder: Path, names: Sequence[str]) -> None:
    """Raise UserError if a class has the name of the answer where no class fits."""
    for name in names:
        if folded(name).strip() == UNKNOWN:
            raise UserError(f"{folder / name} cannot be a class, because {UNKNOWN} is the answer "
                            "where no class fits; rename it, or move it away and name it with "
                            "--outliers when you train")


def say_alike(where: str, names: Sequence[str]) -> None:
    """Print which classes look alike."""
    alike = defaultdict(list)
    for name in names:
        alike[folded(name)].append(name)
    for several in alike.values():
        if len(several) > 1:
            print(f"{' and '.join(several)} in {where} differ only by {_difference(several)}, and "
                  f"count as {len(several)} classes; if they are one, put their pictures into one "
                  "folder", flush=True)


def input_classes(folders: Sequence[Path]) -> list[str]:
    """Return the classes of folders that are to be split together, sorted; print what is odd.

    Raises:
        UserError: a folder is split already, or has a class called unknown.
    """
    found = set()
    for folder in folders:
        require_no_split(folder)
        names = [entry.name for entry in class_folders(folder)]
        require_no_unknown(folder, names)
        if NONE in names:
            print(f"{folder / NONE} is no class; name it with --outliers when you "
                  "train", flush=True)
        found |= {*names} - {NONE}
    say_alike(" and ".join(map(str, folders)), sorted(found))
    return sorted(found)


def checked_class(written: str, known: Iterable[str] = ()) -> str:
    """Return the class that a person has written: a known one if they differ in case alone.

    Raises:
        UserError: it can be no class, because its pictures lie in a folder of that name.
    """
    name = unicodedata.normalize("NFC", written).strip()
    known = list(known)
    if name in known:
        return name
    if own := {folded(own): own for own in known}.get(folded(name)):
        return own
    if (not name or UNSAFE.search(name) or FORBIDDEN & set(name) or name.endswith(".")
            or is_no_picture(name) or short_name(name) != name or not name.isprintable()
            or folded(name) in (UNKNOWN, *(word for words in SPLIT_NAMES.values()
                                           for word in words))):
        raise UserError(f"{name!r} cannot be the name of a class, which becomes a folder's name: "
                        "write letters and digits, and none of unknown, train, val and test")
    return name


def look_alikes(names: Sequence[str], known: Sequence[str]) -> str:
    """Return which names differ from a known one in writing alone; empty where none does."""
    by_form = {folded(name): name for name in known}
    return ", ".join(f"{name} differs from {own} only by {_difference([name, own])}"
                     for name in names if (own := by_form.get(folded(name))))


def _difference(names: Sequence[str]) -> str:
    by_case = len({name.casefold() for name in names}) == 1
    return "capital and small letters" if by_case else "the Unicode form of its letters"
