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
import io
import json
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from celestial import console
from celestial.console import UserError

SUMMARY = "batch_prediction_summary.csv"
UNFINISHED = "batch_prediction_summary.partial.csv"
RUN = "batch_prediction_run.json"
COLUMNS = ["filename", "status", "prediction", "confidence", "known_score", "top3",
           "prediction_zh", "prediction_ko", "reason"]
EXPLANATION = console.ROOT / "my_images" / "README.md"  # says what goes in; it gets no row
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
        UserError: no such folder, nothing in it, or the answers would lie among the pictures.
    """
    from celestial.files import walk_files

    if folder.resolve() == output_dir.resolve():
        raise UserError(f"{output_dir} holds the pictures themselves; choose another --output-dir",
                        status=2)
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}; make it and put pictures into it, or name "
                        "another: python predict_my_images.py FOLDER")
    place = folder.resolve()
    files = [path for path in walk_files(folder, leave_out=output_dir)
             if place / path.relative_to(folder) != EXPLANATION]
    if not files:
        raise UserError(f"{folder} is empty; put pictures into it, or name another folder")
    return files


def row_of(prediction, folder: Path, names: dict) -> list[str]:
    """Return one row of the table."""
    from celestial.file_names import display_name

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


def rows_to_keep(out: Path, run: dict) -> list[list[str]]:
    """Return the rows of an earlier run with the same checkpoint, but for those to try again.

    Raises:
        UserError: the earlier run used another checkpoint.
    """
    from celestial.cards import UNDRAWN
    from celestial.tables import read_rows

    source = next((out / name for name in (UNFINISHED, SUMMARY) if (out / name).is_file()), None)
    if source is None:
        return []
    if read_run(out / RUN) != run:
        raise UserError(f"{source} was made with another checkpoint or folder, so --resume would "
                        "mix two runs; leave --resume out or name another --output-dir")
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


def picture_paths(out: Path, filenames: list[str]) -> dict[str, Path]:
    """Return where the annotated picture of each file goes."""
    from celestial.file_names import output_paths

    below = output_paths({name: f"{name}.png" for name in filenames})
    return {name: out / "pictures" / path for name, path in below.items()}


def predict_rows(predictor, files: list[Path], cards: dict[str, Path],
                 args: argparse.Namespace) -> Iterator[list[str]]:
    """Predict, draw each annotated picture and yield the rows, one for each file."""
    from tqdm import tqdm

    from celestial.cards import draw_card, prediction_card, try_save
    from celestial.names import load_names

    names = load_names()
    stream = predictor.predict(files, keep_pictures=not args.no_pictures)
    for prediction in tqdm(stream, total=len(files), desc="predicting", unit="file"):
        row = row_of(prediction, args.folder, names)
        if prediction.picture is not None:
            card = draw_card(prediction_card(prediction, row[0]))
            row[-1] = "; ".join(filter(None, [row[-1], try_save(card, cards[row[0]])]))
        yield row


def readable_cards(rows: list[list[str]], cards: dict[str, Path]) -> Iterator:
    """Yield the annotated pictures that lie on the disk, this run's and an earlier one's."""
    from PIL import Image

    from celestial.images import load_image
    from celestial.reading import ImageError

    for row in rows:
        try:
            if row[1] != "failed":
                yield Image.fromarray(load_image(cards[row[0]]))
        except ImageError:
            pass  # drawn by no run, or deleted since


def draw_contact_sheet(rows: list[list[str]], cards: dict[str, Path],
                       args: argparse.Namespace) -> list[Path]:
    """Write contact_sheet.png from the annotated pictures; return what was written."""
    from celestial.cards import card_sheet
    from celestial.file_names import display_name

    shown = [] if args.no_pictures else list(islice(readable_cards(rows, cards), ON_SHEET))
    if not shown:
        return []
    title = f"{len(rows)} files in {display_name(args.folder)}" + (
        f", the first {ON_SHEET} pictures" if len(shown) == ON_SHEET < len(rows) else "")
    sheet = card_sheet(shown, args.output_dir / "contact_sheet.png", title)
    return [sheet, args.output_dir / "pictures"]


def print_table(rows: list[list[str]]) -> None:
    """Print the first rows and the counts."""
    from celestial.cards import UNDRAWN

    width = min(44, max(len(row[0]) for row in rows[:ON_TERMINAL]))
    print(f"\n{'file':<{width}}  {'status':<8} {'prediction':<14} {'confidence':>10}  next")
    for row in rows[:ON_TERMINAL]:
        name = row[0] if len(row[0]) <= width else "..." + row[0][3 - width:]
        following = row[8] if row[1] == "failed" else "; ".join(row[5].split("; ")[1:])
        print(f"{name:<{width}}  {row[1]:<8} {row[2]:<14} {row[3]:>10}  {following}")
    if len(rows) > ON_TERMINAL:
        print(f"... and {len(rows) - ON_TERMINAL} more in the table")
    if undrawn := sum(UNDRAWN in row[-1] for row in rows):
        print(f"{undrawn} annotated pictures cannot be written; the column reason says why")
    counts = Counter(row[2] or "failed" for row in rows)
    print("\n" + ", ".join(f"{count} {name}" for name, count in counts.most_common()))


def main() -> None:
    args = parse_args()
    from celestial.file_names import display_name
    from celestial.files import sha256_of, write_json
    from celestial.inference import start_predictor
    from celestial.tables import write_csv, write_rows

    predictor = start_predictor(__file__, args)
    files = {display_name(path.relative_to(args.folder).as_posix()): path
             for path in list_pictures(args.folder, args.output_dir)}
    out = args.output_dir
    out.mkdir(parents=True, exist_ok=True)
    run = {"folder": display_name(args.folder.resolve()),
           "checkpoint_sha256": sha256_of(predictor.path)}
    cards = picture_paths(out, list(files))
    rows = [row for row in rows_to_keep(out, run) if row[0] in files] if args.resume else []
    done = {row[0] for row in rows}
    if done:
        print(f"{len(done)} files were done before, {len(files) - len(done)} are left")

    write_csv(out / UNFINISHED, COLUMNS, rows)
    write_json(out / RUN, run)
    todo = [path for name, path in files.items() if name not in done]
    with (out / UNFINISHED).open("a", encoding="utf-8", newline="") as file:
        for row in predict_rows(predictor, todo, cards, args):
            write_rows(file, [row])
            file.flush()
            rows.append(row)

    rows.sort(key=lambda row: row[0])
    written = [write_csv(out / SUMMARY, COLUMNS, rows), out / RUN,
               *draw_contact_sheet(rows, cards, args)]
    (out / UNFINISHED).unlink()
    print_table(rows)
    statuses = Counter(row[1] for row in rows)
    console.print_result({"rows": len(rows), **{name: statuses[name] for name in
                                                ("ok", "unknown", "failed")}}, written)


if __name__ == "__main__":
    console.run(main, "the rows so far are kept; add --resume to go on after them")
