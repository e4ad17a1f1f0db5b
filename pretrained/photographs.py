"""Gather the photographs that the weights may learn from: one folder a class, and a table.

in:   SOURCES.csv (path, label, role, source, licence, note), the pictures beside it
out:  FOLDER/classes/<class>/photographs/*, FOLDER/outliers/photographs/*  (hard links or copies)
      FOLDER/photographs.csv (path, class, source, object, licence, credit)
      FOLDER/credits.md, the table of the model card

  python pretrained/photographs.py ~/pictures/SOURCES.csv data/photographs

Only rows whose role is `train` are taken. `object=` in the note names what the picture shows.
Labels that are no class of the weights that ship are outliers.
"""

import argparse
import re
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from celestial.common import console  # noqa: E402  (the project's folder must be on the path first)
from celestial.common.console import UserError  # noqa: E402

CLASSES = ("earth", "galaxy", "jupiter", "mars", "moon", "nebula", "neptune", "saturn",
           "star_cluster", "uranus")
OTHER_NAMES = {"cluster": "star_cluster"}
COLUMNS = ("path", "label", "role", "source", "licence", "note")


def parse_args() -> argparse.Namespace:
    parser = console.make_parser(__doc__)
    parser.add_argument("table", type=Path, metavar="SOURCES.csv")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="is made")
    return parser.parse_args()


def read_sources(table: Path) -> list[dict[str, str]]:
    """Return the rows of pictures that may be learned from.

    Raises:
        UserError: the table cannot be read or has no such row.
    """
    from celestial.common.tables import read_csv

    try:
        rows = read_csv(table)
    except (OSError, ValueError) as error:
        raise UserError(f"{table} cannot be read ({error}); name a CSV file with the columns "
                        f"{', '.join(COLUMNS)}", status=2) from error
    if not rows or not set(COLUMNS) <= rows[0].keys():
        raise UserError(f"{table} needs the columns {', '.join(COLUMNS)}", status=2)
    if not (taken := [row for row in rows if row["role"] == "train"]):
        raise UserError(f"no row of {table} has the role train", status=2)
    return taken


def described(row: dict[str, str]) -> dict[str, str]:
    """Return a row of photographs.csv: where the picture will lie and what is known of it."""
    label = OTHER_NAMES.get(row["label"], row["label"])
    known = label in CLASSES
    name = row["path"].replace("/", "_")
    shown = re.search(r"object=([^;]+)", row["note"])
    credit = re.search(r"credit: ([^;]+)", row["note"])
    return {"path": f"classes/{label}/photographs/{name}" if known else
            f"outliers/photographs/{name}", "class": label if known else "",
            "source": row["source"], "object": shown[1].strip() if shown else "",
            "licence": row["licence"], "credit": credit[1].strip() if credit else ""}


def require_usable(sources: list[dict[str, str]], rows: list[dict[str, str]],
                   args: argparse.Namespace) -> None:
    """Raise UserError for a file that is missing, a name that comes twice, or one from before.

    A picture that the table no longer calls `train` would otherwise still be learned from.
    """
    from celestial.common.files import walk_files

    for row in sources:
        if not (args.table.parent / row["path"]).is_file():
            raise UserError(f"{args.table} names {row['path']}, and there is no such file")
    name, times = Counter(row["path"] for row in rows).most_common(1)[0]
    if times > 1:
        raise UserError(f"{times} rows of {args.table} would both lie at {name}; rename a file")
    listed = {args.folder / row["path"] for row in rows}
    for folder in ("classes", "outliers"):
        for file in walk_files(args.folder / folder) if (args.folder / folder).is_dir() else []:
            if file not in listed:
                raise UserError(f"{file} is no longer among the pictures to learn from; remove it "
                                "or name another FOLDER")


def credits_table(rows: list[dict[str, str]]) -> str:
    """Return a Markdown table: what the weights learned from, by source and licence."""
    kinds = Counter((row["source"], row["licence"], row["class"] or "none of the classes")
                    for row in rows)
    together: dict[tuple[str, str], list[str]] = {}
    for (source, licence, label), count in sorted(kinds.items()):
        together.setdefault((source, licence), []).append(f"{count} {label}")
    lines = ["| source | licence | pictures |", "|---|---|---|"]
    lines += [f"| {source} | {licence} | {', '.join(counts)} |"
              for (source, licence), counts in together.items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    args = parse_args()
    console.print_header(__file__, args)
    from celestial.common.files import atomic_path
    from celestial.common.tables import write_csv
    from celestial.data.splits import place_file

    sources = read_sources(args.table)
    rows = [described(row) for row in sources]
    require_usable(sources, rows, args)
    for source, row in zip(sources, rows, strict=True):
        target = args.folder / row["path"]
        if not target.exists():
            place_file(args.table.parent / source["path"], target, copy=False)
    with atomic_path(args.folder / "credits.md") as temporary:
        temporary.write_text(credits_table(rows), encoding="utf-8")
    table = write_csv(args.folder / "photographs.csv", list(rows[0]),
                      [list(row.values()) for row in rows])
    counts = Counter(row["class"] or "outliers" for row in rows)
    print(", ".join(f"{count} {name}" for name, count in sorted(counts.items())))
    console.print_result({"photographs": len(rows), **counts},
                         [table, args.folder / "credits.md"])


if __name__ == "__main__":
    console.run(main)
