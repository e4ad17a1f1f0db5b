"""What every table that a person may open in a spreadsheet must keep to."""

import csv
import io

from celestial.common import tables

SIGNS = tuple("=+-@＝＋－＠")  # what formulas begin with


def require_no_formula(text: str) -> None:
    """Read a table as spreadsheets do that are set to comma or to semicolon."""
    for row in csv.reader(io.StringIO(text, newline="")):
        assert not any(cell.startswith((*SIGNS, "\t", "\r", "\n"))
                       and not tables.NUMBER.fullmatch(cell) for cell in row), row
    for row in csv.reader(io.StringIO(text, newline=""), delimiter=";"):
        for cell in row:  # a number may have the rest of its row behind it
            assert (not cell.lstrip("\t\r\n").startswith(SIGNS)
                    or tables.NUMBER.fullmatch(cell.strip().partition(",")[0])), row
