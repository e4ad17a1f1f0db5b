"""The table of answers: its rows, what an earlier run left of it, and what of it is printed."""

import argparse
import heapq
import io
import json
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

from celestial.common import console
from celestial.common.console import UserError
from celestial.common.file_names import display_name
from celestial.common.left_behind import RUN
from celestial.common.tables import read_rows, write_csv, write_rows
from celestial.drawing.cards import UNDRAWN

if TYPE_CHECKING:
    from celestial.inference.predictor import Prediction

SUMMARY = "batch_prediction_summary.csv"
UNFINISHED = "batch_prediction_summary.partial.csv"
COLUMNS = ["filename", "status", "prediction", "confidence", "known_score", "top5",
           "prediction_zh", "prediction_ko", "reason"]
FIRST_ROWS = 60  # of the finished table, which are printed and whose pictures are on the sheet


def row_of(prediction: "Prediction", folder: Path, names: dict[str, dict[str, str]]) -> list[str]:
    """Return one row of the table."""
    filename = display_name(prediction.path.relative_to(folder).as_posix())
    if prediction.status == "failed":
        return [filename, "failed", "", "", "", "", "", "", prediction.reason]
    name = prediction.name
    translated = names.get(name, {"zh": name, "ko": name})
    return [filename, prediction.status, name, f"{prediction.probabilities.max():.4f}",
            f"{prediction.known_score:.4f}",
            "; ".join(f"{name}:{value:.4f}" for name, value in prediction.top(5)),
            translated["zh"], translated["ko"], prediction.explanation]


def rows_to_keep(out: Path, run: dict) -> list[list[str]]:
    """Return the rows of an earlier run with the same checkpoint, but for those to try again.

    Raises:
        UserError: the earlier run used another checkpoint.
    """
    source = next((out / name for name in (UNFINISHED, SUMMARY) if (out / name).is_file()), None)
    if source is None:
        return []
    if read_run(out / RUN) != run:
        raise UserError(f"{source} was made with another checkpoint, folder, cleaning, --every or "
                        "number of views, so --resume would mix two runs; leave --resume out or "
                        "name another --output-dir")
    data = source.read_bytes()
    whole = data[:data.rfind(b"\n") + 1]  # the last row may have been cut off
    rows = read_rows(io.StringIO(whole.decode("utf-8-sig", errors="replace"), newline=""))
    return [row for row in rows if len(row) == len(COLUMNS) and row[1] in ("ok", "unknown")
            and UNDRAWN not in row[-1]]


def read_run(path: Path) -> dict | None:
    """Return which folder and checkpoint an earlier run had, or None."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None


def write_table(out: Path, kept: list[list[str]], fresh: Iterator[list[str]]) -> None:
    """Write the rows of an earlier run and this one's, each as soon as it is known."""
    kept.sort(key=itemgetter(0))
    write_csv(out / UNFINISHED, COLUMNS, kept)
    done = (out / UNFINISHED).stat().st_size
    with (out / UNFINISHED).open("a", encoding="utf-8", newline="") as file:
        for row in fresh:
            write_rows(file, [row])
            file.flush()
    with (out / UNFINISHED).open("rb") as file:
        file.seek(done)
        rows = read_rows(io.TextIOWrapper(file, encoding="utf-8", newline=""))
        write_csv(out / SUMMARY, COLUMNS, heapq.merge(kept, rows, key=itemgetter(0)))
    (out / UNFINISHED).unlink()


def rows_of(out: Path) -> Iterator[list[str]]:
    """Yield the rows of the finished table."""
    with (out / SUMMARY).open(encoding="utf-8-sig", newline="") as file:
        yield from islice(read_rows(file), 1, None)


def read_table(out: Path) -> tuple[list[list[str]], Counter, int]:
    """Return the first rows of the finished table, what was found how often, and what is undrawn.

    The counts are those of (status, prediction).
    """
    first, counts, undrawn = [], Counter(), 0
    for row in rows_of(out):
        counts[row[1], row[2]] += 1
        undrawn += UNDRAWN in row[-1]
        if len(first) < FIRST_ROWS:
            first.append(row)
    return first, counts, undrawn


def print_table(rows: list[list[str]], counts: Counter, undrawn: int) -> None:
    """Print the first rows and the counts."""
    width = min(44, max(len(row[0]) for row in rows))
    print(f"\n{'file':<{width}}  {'status':<8} {'prediction':<14} {'confidence':>10}  next")
    for row in rows:
        name = row[0] if len(row[0]) <= width else "..." + row[0][3 - width:]
        following = row[8] if row[1] == "failed" else "; ".join(row[5].split("; ")[1:])
        print(f"{name:<{width}}  {row[1]:<8} {row[2]:<14} {row[3]:>10}  {following}")
    if (more := counts.total() - FIRST_ROWS) > 0:
        print(f"... and {more} more in the table")
    if undrawn:
        print(f"{undrawn} annotated pictures cannot be written; the column reason says why")
    print("\n" + ", ".join(f"{count} {name or status}"
                            for (status, name), count in counts.most_common()))


def of_several(args: argparse.Namespace) -> dict[str, int]:
    """Return the number of views where it is not 1."""
    return {"views": args.views} if args.views > 1 else {}


def print_counts(counts: Counter, written: list[Path | str], args: argparse.Namespace,
                 **more: object) -> None:
    """Print the RESULT line: how many rows there are of each status, and what else is given."""
    statuses = {name: sum(count for (status, _), count in counts.items() if status == name)
                for name in ("ok", "unknown", "failed")}
    console.print_result({"rows": counts.total(), **statuses, **of_several(args), **more},
                         written)
