"""Step 6: drop pictures into my_images/ and see what they are.

in:   my_images/*, sub-folders too; any picture format; never changed
out:  my_predictions/
      batch_prediction_summary.csv (one row for every file), pictures/ (an annotated picture each),
      contact_sheet.png

  python predict_my_images.py
  python predict_my_images.py ~/night_of_may_3 --output-dir may_3
  python predict_my_images.py --resume          # goes on where a killed run stopped
"""

import argparse
import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from celestial import console
from celestial.console import UserError

SUMMARY = "batch_prediction_summary.csv"
UNFINISHED = "batch_prediction_summary.partial.csv"
COLUMNS = ["filename", "status", "prediction", "confidence", "known_score", "top3",
           "prediction_zh", "prediction_ko", "reason"]
EXPLANATION = "README.md"  # of the folder my_images itself: no picture, no row
ON_SHEET = 120  # pictures on the contact sheet
ON_TERMINAL = 60  # rows of the table on the terminal


def parse_args() -> argparse.Namespace:
    parser = console.make_parser(__doc__)
    group = parser.add_argument_group("folders")
    group.add_argument("folder", nargs="?", type=Path, default=Path("my_images"),
                       metavar="FOLDER", help="pictures, sub-folders too")
    group.add_argument("--output-dir", type=Path, default=Path("my_predictions"),
                       metavar="FOLDER", help="where the table and the annotated pictures go")
    console.add_checkpoint_option(group)
    group = parser.add_argument_group("output")
    group.add_argument("--no-pictures", action="store_true",
                       help="write the table alone, no annotated pictures and no contact sheet")
    group.add_argument("--resume", action="store_true",
                       help="keep the rows of a run that was stopped and go on after them")
    console.add_compute_options(parser, batch_size=32)
    return parser.parse_args()


def list_pictures(folder: Path, output_dir: Path) -> list[Path]:
    """Return every file below the folder, without what this script itself wrote.

    Raises:
        UserError: no such folder, or nothing in it.
    """
    from celestial.files import walk_files

    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}; make it and put pictures into it, or name "
                        "another: python predict_my_images.py FOLDER")
    files = [path for path in walk_files(folder, leave_out=output_dir)
             if path != folder / EXPLANATION]
    if not files:
        raise UserError(f"{folder} is empty; put pictures into it, or name another folder")
    return files


def row_of(prediction, folder: Path, names: dict) -> list[str]:
    """Return one row of the table."""
    from celestial.images import display_name

    filename = display_name(prediction.path.relative_to(folder).as_posix())
    if prediction.status == "failed":
        return [filename, "failed", "", "", "", "", "", "", prediction.reason]
    best, probability = prediction.top(1)[0]
    reason = "" if prediction.status == "ok" else (
        f"none of the classes fits well enough; the nearest is {best}")
    translated = names.get(best, {"zh": best, "ko": best})
    if prediction.status == "unknown":
        best, translated = "unknown", names["unknown"]
    return [filename, prediction.status, best, f"{probability:.4f}",
            f"{prediction.known_score:.4f}",
            "; ".join(f"{name}:{value:.4f}" for name, value in prediction.top(3)),
            translated["zh"], translated["ko"], reason]


def rows_to_keep(partial: Path, summary: Path, run: dict, run_file: Path) -> list[list[str]]:
    """Return the complete rows of an earlier run with the same checkpoint.

    Raises:
        UserError: the earlier run used another checkpoint.
    """
    import json

    source = partial if partial.is_file() else summary
    if not source.is_file():
        return []
    earlier = json.loads(run_file.read_text(encoding="utf-8")) if run_file.is_file() else {}
    if earlier != run:
        raise UserError(f"{source} was made with another checkpoint or folder, so --resume would "
                        "mix two runs; leave --resume out or name another --output-dir")
    text = source.read_text(encoding="utf-8-sig")
    complete = text[:text.rfind("\n") + 1]  # a killed run may have left half a row
    return [row for row in csv.reader(complete.splitlines(keepends=True))
            if len(row) == len(COLUMNS)][1:]


def predict_rows(predictor, files: list[Path], args: argparse.Namespace,
                 cards: list) -> Iterator[list[str]]:
    """Predict, draw each annotated picture, collect cards for the sheet and yield the rows."""
    from tqdm import tqdm

    from celestial.cards import draw_card, prediction_card, save
    from celestial.files import short_name
    from celestial.names import load_names

    names = load_names()
    stream = predictor.predict(files, keep_pictures=not args.no_pictures)
    for prediction in tqdm(stream, total=len(files), desc="predicting", unit="file"):
        row = row_of(prediction, args.folder, names)
        if prediction.picture is not None:
            card = prediction_card(prediction, row[0])
            target = args.output_dir / "pictures" / prediction.path.relative_to(args.folder)
            save(draw_card(card), target.with_name(short_name(f"{target.name}.png", extra=5)))
            if len(cards) < ON_SHEET:
                cards.append(card)
        yield row


def print_table(rows: list[list[str]]) -> None:
    """Print the first rows, all that failed, and the counts."""
    width = min(44, max(len(row[0]) for row in rows[:ON_TERMINAL]))
    print(f"\n{'file':<{width}}  {'status':<8} {'prediction':<14} {'confidence':>10}  next")
    for row in rows[:ON_TERMINAL]:
        name = row[0] if len(row[0]) <= width else "..." + row[0][3 - width:]
        following = row[8] if row[1] == "failed" else "; ".join(row[5].split("; ")[1:])
        print(f"{name:<{width}}  {row[1]:<8} {row[2]:<14} {row[3]:>10}  {following}")
    if len(rows) > ON_TERMINAL:
        print(f"... and {len(rows) - ON_TERMINAL} more in the table")
    counts = Counter(row[2] or "failed" for row in rows)
    print("\n" + ", ".join(f"{count} {name}" for name, count in counts.most_common()))


def main() -> None:
    args = parse_args()
    from celestial.cards import card_sheet
    from celestial.checkpoints import find_checkpoint
    from celestial.devices import describe, pick_device
    from celestial.files import sha256_of, write_csv, write_json
    from celestial.images import display_name
    from celestial.inference import Predictor

    device = pick_device(args.device)
    console.print_header(__file__, args, describe(device))
    files = list_pictures(args.folder, args.output_dir)
    predictor = Predictor(find_checkpoint(args.checkpoint), device, args.batch_size, args.workers)
    out = args.output_dir
    out.mkdir(parents=True, exist_ok=True)
    summary, partial, run_file = out / SUMMARY, out / UNFINISHED, out / "run.json"
    run = {"folder": str(args.folder.resolve()), "checkpoint_sha256": sha256_of(predictor.path)}
    rows = rows_to_keep(partial, summary, run, run_file) if args.resume else []
    done = {row[0] for row in rows}
    todo = [path for path in files
            if display_name(path.relative_to(args.folder).as_posix()) not in done]
    if rows:
        print(f"{len(rows)} files were done before, {len(todo)} are left")

    write_csv(partial, COLUMNS, rows)
    write_json(run_file, run)
    cards = []
    with partial.open("a", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        for row in predict_rows(predictor, todo, args, cards):
            writer.writerow(row)
            file.flush()
            rows.append(row)
    partial.replace(summary)
    written = [summary]
    if cards:
        more = f", the first {len(cards)}" if len(cards) < len(todo) else ""
        written.append(card_sheet(cards, out / "contact_sheet.png",
                                  f"{len(todo)} files from {args.folder}{more}"))
    print_table(rows)
    statuses = Counter(row[1] for row in rows)
    console.print_result({"rows": len(rows), **{name: statuses[name] for name in
                                                 ("ok", "unknown", "failed")}}, written)


if __name__ == "__main__":
    console.run(main, "the rows so far are kept; add --resume to go on after them")
