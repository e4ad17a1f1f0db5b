"""Writes and reads CSV tables in which spreadsheets find no formula."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TextIO

from celestial.common.files import atomic_path

# The place where a spreadsheet, set to comma or semicolon, begins a cell, if a formula's sign
# follows (or a wide one, which Chinese and Korean spreadsheets accept), or our own apostrophe.
FORMULA = re.compile("(^|[;\t\r\n]\"*)(?=[=+\\-@\t\r\n'＝＋－＠])")
MARKED = re.compile("(^|[;\t\r\n]\"*)'")
NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?")


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


def read_rows(lines: Iterable[str], delimiter: str = ",") -> Iterator[list[str]]:
    """Yield the rows that `write_rows` wrote, without its apostrophes."""
    for row in csv.reader(lines, delimiter=delimiter):
        yield [MARKED.sub(r"\1", cell) for cell in row]
