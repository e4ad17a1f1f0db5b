"""Tells which files in a folder are no pictures: hidden ones, a system's, earlier answers."""

import json
from collections.abc import Callable, Collection, Iterable
from pathlib import Path, PurePath

from celestial.common.file_names import display_name

# Names, compared without regard to case. Files that desktops, git and network disks write again
# when they are gone: thumbnails of Windows, Synology (@eaDir) and QNAP (@__thumb), a Mac's icon.
REMADE = {".ds_store", ".gitkeep", "thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini",
          "@eadir", "@__thumb", ".@__thumb", "icon\r"}
# Folders that may hold a user's files, but no pictures to learn from or to classify: deleted
# files, snapshots, recovered pieces of files, and what a Mac adds to a zip.
KEPT_BY_SYSTEMS = {"__macosx", "#recycle", "@recycle", "$recycle.bin", "recycler", "lost+found",
                   "#snapshot", "~snapshot", "@recently-snapshot", "system volume information",
                   "network trash folder", "temporary items", "@tmp"}
SILENT = {".gitkeep"}  # passed over without a word, because this repository contains some
# The file that predict_my_images.py writes first, without and with --engine ray.
RUN, RAY_RUN = "batch_prediction_run.json", "run.json"
RUN_KEYS = {"folder", "checkpoint_sha256"}
# The other files and folders that it writes into its output folder.
ANSWERS = {"batch_prediction_summary.csv", "batch_prediction_summary.partial.csv", "pictures",
           "contact_sheet.png", "before_after.png"}
ANSWERS_OF_RAY = ".parquet"
LARGEST_NOTE = 1 << 16  # bytes
NAMED = 3  # names in a sentence, at most


def is_remade(name: str) -> bool:
    """Say whether a system makes a file or folder of this name again when it is deleted."""
    return name.casefold() in REMADE or name.startswith("._")  # a Mac's, on other disks


def is_no_picture(name: str) -> bool:
    """Say whether a file or folder is hidden or left behind by a system."""
    return name.startswith(".") or name.casefold() in REMADE | KEPT_BY_SYSTEMS


def holds_answers(names: Collection[str], read: Callable[[str], bytes]) -> bool:
    """Say whether predict_my_images.py wrote a folder.

    Args:
        names: of the files in it.
        read: returns the content of one, at most `LARGEST_NOTE` bytes, or raises OSError.
    """
    note = next((name for name in (RUN, RAY_RUN) if name in names), None)
    if note is None:
        return False
    try:
        content = json.loads(read(note))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and content.keys() >= RUN_KEYS


def is_answer(name: str) -> bool:
    """Say whether predict_my_images.py writes a file or folder of this name."""
    return name in {RUN, RAY_RUN} | ANSWERS or name.endswith(ANSWERS_OF_RAY)


def say_passed_over(folder: Path | str, passed_over: Iterable[PurePath]) -> None:
    """Print how many files and folders below `folder` are passed over, in one line, if any."""
    below = [path.relative_to(folder) for path in passed_over if path.name not in SILENT]
    hidden = [display_name(path) for path in below if is_no_picture(path.name)]
    answers = [display_name(path) for path in below if not is_no_picture(path.name)]
    parts = [f"{len(found)} {what} ({', '.join(found[:NAMED])}{', ...' * (len(found) > NAMED)})"
             for found, what in ((hidden, "hidden files and folders, or left behind by a system"),
                                 (answers, "folders' answers of earlier predictions")) if found]
    if parts:
        print(f"passed over in {display_name(folder)}: {'; '.join(parts)}", flush=True)
