"""Reads a table of answers that a person has corrected, and files its pictures.

The table is a copy of batch_prediction_summary.csv, with a column more, as a spreadsheet saves it:
with commas, semicolons or tabs, in UTF-8 or UTF-16, its columns in any order.
"""

import csv
import io
import re
import stat
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from celestial.common.class_names import NONE, UNKNOWN, checked_class
from celestial.common.console import UserError
from celestial.common.file_names import path_named
from celestial.common.tables import read_rows
from celestial.filing.collecting import CollectingFolder, Correction

CORRECT = "correct"
NEEDED = {"filename", CORRECT}
NOTHING = {UNKNOWN, "none"}  # other words for NONE
LARGEST = 1 << 30  # bytes of a file, which is read into the memory
MOST_SAID = 20  # rows that cannot be filed, each with a sentence
SEPARATOR = re.compile(r"sep=(.)\r?\n")  # a first line of Excel's


@dataclass(frozen=True)
class Row:
    """A row that has a correction: where it stands in the table, and what it says."""

    number: int
    filename: str
    answer: str
    confidence: str
    correct: str


def file_corrections(table: Path, folder: Path, into: CollectingFolder,
                     model_sha256: str) -> dict[str, object]:
    """File the picture of each row that has a correction; what cannot be filed has a sentence.

    Args:
        table: the corrected table.
        folder: of the pictures, in which the table names them, or one picture.
        into: where they are filed.
        model_sha256: of the checkpoint that answered; empty where that is not known.

    Returns:
        Figures for the RESULT line.

    Raises:
        UserError: the table cannot be read, has no correction, or none that can be filed.
        OSError: the disk is full.
    """
    rows, classes = read_corrected(table)
    folder = folder.parent if folder.is_file() else folder
    counts, fresh = Counter(), Counter()
    for row in rows:
        try:
            label = _class_of(row.correct, [*classes, *fresh])
            filed = into.file(_content(folder, row.filename), Correction(
                path_named(row.filename).as_posix(), row.answer, _probability(row), label,
                model_sha256))
        except UserError as error:
            counts["failed"] += 1
            if counts["failed"] <= MOST_SAID:
                print(f"row {row.number} of {table}: {error}", flush=True)
            continue
        counts["known" if filed.known else "filed"] += 1
        counts["unchanged"] += not (filed.known or filed.cleaned)
        if label not in (*classes, NONE):
            fresh[label] += 1
    if (more := counts["failed"] - MOST_SAID) > 0:
        print(f"... and {more} more rows that cannot be filed")
    if counts["failed"] == len(rows):
        raise UserError(f"none of the {len(rows)} corrections in {table} can be filed; is {folder} "
                        "the folder that was classified?")
    print(f"{counts['filed']} pictures filed in {into.folder}, {counts['known']} were there before")
    if counts["unchanged"]:
        print(f"{counts['unchanged']} of them keep their metadata, which only JPEG, PNG and WebP "
              "can lose here")
    if fresh:
        print("new classes: " + ", ".join(f"{name} ({n})" for name, n in sorted(fresh.items())))
    return {"corrections": len(rows), **{how: counts[how] for how in ("filed", "known", "failed")},
            "new_classes": sorted(fresh)}


def read_corrected(table: Path) -> tuple[list[Row], list[str]]:
    """Return the rows of a table that have a correction, and the classes that its answers name.

    Raises:
        UserError: it cannot be read, lacks a column, or has no correction.
    """
    header, *rows = _cells(table)
    places = {name.strip().casefold(): place for place, name in reversed([*enumerate(header)])}
    if missing := NEEDED - places.keys():
        raise UserError(f"{table} has no column {' and no column '.join(sorted(missing))}; it has "
                        "to be a copy of batch_prediction_summary.csv with a column correct")

    def cell(row: list[str], column: str) -> str:
        place = places.get(column, len(row))
        return row[place].strip() if place < len(row) else ""

    found = [Row(number, cell(row, "filename"), cell(row, "prediction"), cell(row, "confidence"),
                 cell(row, CORRECT)) for number, row in enumerate(rows, 2) if cell(row, CORRECT)]
    if not found:
        raise UserError(f"{table} has nothing in its column {CORRECT}; write the right class "
                        "into the rows that you want to correct")
    named = {pair.rpartition(":")[0] for row in rows for pair in cell(row, "top5").split("; ")}
    named |= {cell(row, "prediction") for row in rows}
    return found, sorted(named - {"", UNKNOWN})


def _cells(table: Path) -> list[list[str]]:
    """Return the cells of a table, its header first."""
    try:
        data = table.read_bytes()
        wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
        text = data.decode("utf-16" if wide else "utf-8-sig")
    except OSError as error:
        raise UserError(f"{table} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{table} is no text in UTF-8; save it as CSV UTF-8") from error
    told = SEPARATOR.match(text)
    text = text[told.end():] if told else text
    first = text.partition("\n")[0]
    delimiter = told[1] if told else max(",;\t", key=first.count)
    try:
        return list(read_rows(io.StringIO(text, newline=""), delimiter)) or [[]]
    except csv.Error as error:
        raise UserError(f"{table} is no table: {error}") from error


def _class_of(written: str, known: list[str]) -> str:
    if written.casefold() in NOTHING and written not in known:
        return NONE
    return checked_class(written, [*known, NONE])


def _content(folder: Path, filename: str) -> bytes:
    """Return the bytes of a picture.

    Raises:
        UserError: there is none of this name, or it cannot be read.
    """
    path = folder / path_named(filename)
    if not path.parent.resolve().is_relative_to(folder.resolve()):
        raise UserError(f"{filename} lies outside {folder}")
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):  # opening a pipe would wait for ever
            raise UserError(f"{filename} is no file in {folder}")
        if state.st_size > LARGEST:
            raise UserError(f"{filename} is larger than {LARGEST >> 20} MB")
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{filename} cannot be read in {folder}: {error.strerror}") from error


def _probability(row: Row) -> float | None:
    """Return the answer's probability, which some languages write with a comma, if it is told."""
    try:
        value = float(row.confidence.replace(",", "."))
    except ValueError:
        return None
    return value if 0 <= value <= 1 and row.answer != UNKNOWN else None
