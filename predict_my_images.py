"""Step 6: drop pictures into my_images/ and see what they are.

in:   my_images/*, sub-folders too, or one file; any picture format; never changed
out:  my_predictions/
      batch_prediction_summary.csv (one row for every file), pictures/ (an annotated picture each),
      contact_sheet.png, before_after.png (where pictures are cleaned)

  python predict_my_images.py
  python predict_my_images.py ~/night_of_may_3 --output-dir may_3
  python predict_my_images.py photo.jpg
  python predict_my_images.py --resume          # goes on where a killed run stopped
  python predict_my_images.py --explain         # what in each picture spoke for its class
  python predict_my_images.py --checkpoint imagenet:resnet50 --denoise     # everyday things
  python predict_my_images.py s3://bucket/survey --engine ray --ray-address 10.0.0.1:6379 \
      --output-dir s3://bucket/answers          # millions of pictures, see docs/scale.md

--engine ray writes a folder of parquet files in place of all this.
"""

import argparse
import heapq
import io
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from itertools import islice, repeat
from operator import itemgetter
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from celestial.common import console
from celestial.common.console import UserError
from celestial.common.left_behind import RUN

if TYPE_CHECKING:
    from PIL import Image

    from celestial.inference.predictor import Prediction, Predictor

SUMMARY = "batch_prediction_summary.csv"
UNFINISHED = "batch_prediction_summary.partial.csv"
PICTURES = "pictures"
COLUMNS = ["filename", "status", "prediction", "confidence", "known_score", "top5",
           "prediction_zh", "prediction_ko", "reason"]
EXPLANATION = console.ROOT / "my_images" / "README.md"  # says what goes in; it gets no row
ON_SHEET = 60  # pictures on the contact sheet
ON_TERMINAL = 60  # rows of the table on the terminal


def parse_args() -> argparse.Namespace:
    parser = console.make_parser(__doc__)
    group = parser.add_argument_group("folders")
    group.add_argument("folder", nargs="?", type=console.place, default=Path("my_images"),
                       metavar="FOLDER|FILE", help="pictures, sub-folders too, or one picture; "
                       "with --engine ray also s3://bucket/folder or gs://bucket/folder")
    group.add_argument("--output-dir", type=console.place, default=Path("my_predictions"),
                       metavar="FOLDER", help="where the table and the annotated pictures go")
    console.add_checkpoint_option(group)
    group = parser.add_argument_group("output")
    group.add_argument("--no-pictures", action="store_true",
                       help="write the table alone, no annotated pictures and no contact sheet")
    group.add_argument("--explain", action="store_true",
                       help="show beside each picture what in it speaks for its class (Grad-CAM)")
    group.add_argument("--resume", action="store_true",
                       help="keep the rows of a run that was stopped and go on after them")
    console.add_cleaning_options(parser, "beside what the checkpoint remembers")
    group = console.add_compute_options(parser)
    group.add_argument(
        "--engine", choices=("torch", "openvino", "onnx", "ray"), default="torch",
        help="what computes the network; openvino may be faster for many pictures: pip install "
        "-r requirements-openvino.txt; onnx takes what export_model.py wrote and needs no torch: "
        "requirements-onnx.txt; ray shares the pictures among many machines: "
        "requirements-ray.txt")
    console.add_views_option(group)
    group.add_argument("--ray-address", default=None, metavar="HOST:PORT",
                       help="the Ray cluster of --engine ray; None: one on this machine alone")
    args = parser.parse_args()
    if args.explain and (args.no_pictures or args.engine == "ray"):
        parser.error("--explain draws pictures; leave --no-pictures and --engine ray out")
    if args.engine == "ray" and (args.denoise or args.normalise or args.stretch != "none"
                                 or str(args.checkpoint).startswith("imagenet:")):
        parser.error("--engine ray takes a checkpoint file and cleans as that remembers; leave the "
                     "cleaning options and imagenet: out")
    if args.engine != "ray":
        for name in ("folder", "output_dir", "ray_address"):
            if isinstance(value := getattr(args, name), str):
                parser.error(f"{value} needs --engine ray")
    return args


def list_pictures(place: Path, output_dir: Path) -> tuple[Path, list[Path]]:
    """Return a folder and every file below it, without what this script itself wrote.

    Args:
        place: the folder, or one file, which is predicted whatever its name is.
        output_dir: where the answers go.

    Raises:
        UserError: no such place, nothing in it, or the answers would lie among the pictures.
    """
    from celestial.common.files import sort_files
    from celestial.common.left_behind import say_passed_over

    alone = place.is_file()
    if (place.parent if alone else place).resolve() == output_dir.resolve():
        raise UserError(f"{output_dir} holds the pictures themselves; choose another --output-dir",
                        status=2)
    if alone:
        return place.parent, [place]
    if not place.is_dir():
        raise UserError(f"there is no folder {place}, nor such a file; make it and put pictures "
                        "into it, or name another: python predict_my_images.py FOLDER")
    inside = place.resolve()
    files, passed_over = sort_files(place, leave_out=output_dir)
    say_passed_over(place, passed_over)
    files = [path for path in files if inside / path.relative_to(place) != EXPLANATION]
    if not files:
        but = "nothing but what was passed over" if passed_over else "nothing"
        raise UserError(f"{place} holds {but}; put pictures into it, or name another folder")
    return place, files


def row_of(prediction: "Prediction", folder: Path, names: dict[str, dict[str, str]]) -> list[str]:
    """Return one row of the table."""
    from celestial.common.file_names import display_name

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
    from celestial.common.tables import read_rows
    from celestial.drawing.cards import UNDRAWN

    source = next((out / name for name in (UNFINISHED, SUMMARY) if (out / name).is_file()), None)
    if source is None:
        return []
    if read_run(out / RUN) != run:
        raise UserError(f"{source} was made with another checkpoint, folder, cleaning or "
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


def predict_rows(predictor: "Predictor", folder: Path, files: list[Path], cards: dict[str, str],
                 args: argparse.Namespace) -> Iterator[list[str]]:
    """Predict, draw each annotated picture and yield the rows, one for each file."""
    from tqdm import tqdm

    from celestial.common.translations import load_names
    from celestial.drawing.card_writer import write_cards
    from celestial.drawing.cards import prediction_card

    names = load_names()

    def predictions() -> Iterator:
        found = predictor.predict(files, keep_pictures=not args.no_pictures)
        if not args.explain:
            return zip(found, repeat(None), strict=False)
        from celestial.drawing.explain import explained

        return explained(predictor, found)

    def jobs() -> Iterator:
        for prediction, heat in predictions():
            row = row_of(prediction, folder, names)
            card = (None if prediction.picture is None
                    else prediction_card(prediction, row[0], heat))
            yield row, card, args.output_dir / PICTURES / cards[row[0]]

    written = write_cards(jobs(), args.workers)
    for row, undrawn in tqdm(written, total=len(files), desc="predicting", unit="file"):
        row[-1] = "; ".join(filter(None, [row[-1], undrawn]))
        yield row


def write_table(out: Path, kept: list[list[str]], fresh: Iterator[list[str]]) -> None:
    """Write the rows of an earlier run and this one's, each as soon as it is known."""
    from celestial.common.tables import read_rows, write_csv, write_rows

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


def readable_cards(rows: list[list[str]], cards: dict[str, str],
                   args: argparse.Namespace) -> Iterator["Image.Image"]:
    """Yield the annotated pictures that lie on the disk, this run's and an earlier one's."""
    from PIL import Image

    from celestial.pictures.decoder_pool import decode_all
    from celestial.pictures.loader import load_image
    from celestial.pictures.readers.types import ImageError

    drawn = (args.output_dir / PICTURES / cards[row[0]] for row in rows if row[1] != "failed")
    for _, card in decode_all(load_image, drawn, args.workers):
        if not isinstance(card, ImageError):  # drawn by no run, or deleted since
            yield Image.fromarray(card)


def draw_contact_sheet(rows: list[list[str]], count: int, cards: dict[str, str],
                       args: argparse.Namespace) -> list[Path]:
    """Write contact_sheet.png from the first annotated pictures; return what was written."""
    from celestial.common.file_names import display_name
    from celestial.drawing.cards import card_sheet

    out = args.output_dir
    shown = [] if args.no_pictures else list(islice(readable_cards(rows, cards, args), ON_SHEET))
    if not shown:
        return []
    named = display_name(args.folder)
    title = (named if args.folder.is_file() else f"{count} files in {named}") + (
        f", the first {ON_SHEET} pictures" if len(shown) == ON_SHEET < count else "")
    return [card_sheet(shown, out / "contact_sheet.png", title), out / PICTURES]


def show_cleaning(predictor: "Predictor", files: dict[str, Path],
                  args: argparse.Namespace) -> list[Path]:
    """Write before_after.png where pictures are cleaned; return what was written."""
    if args.no_pictures or not predictor.preprocessing.cleaning.active:
        return []
    from celestial.drawing.before_after import draw_before_after

    return draw_before_after(predictor, dict(sorted(files.items())),
                             args.output_dir / "before_after.png")


def read_table(out: Path) -> tuple[list[list[str]], Counter, int]:
    """Return the first rows of the finished table, what was found how often, and what is undrawn.

    The counts are those of (status, prediction).
    """
    from celestial.common.tables import read_rows
    from celestial.drawing.cards import UNDRAWN

    first, counts, undrawn = [], Counter(), 0
    with (out / SUMMARY).open(encoding="utf-8-sig", newline="") as file:
        for row in islice(read_rows(file), 1, None):
            counts[row[1], row[2]] += 1
            undrawn += UNDRAWN in row[-1]
            if len(first) < max(ON_TERMINAL, ON_SHEET):
                first.append(row)
    return first, counts, undrawn


def print_table(rows: list[list[str]], counts: Counter, undrawn: int) -> None:
    """Print the first rows and the counts."""
    width = min(44, max(len(row[0]) for row in rows[:ON_TERMINAL]))
    print(f"\n{'file':<{width}}  {'status':<8} {'prediction':<14} {'confidence':>10}  next")
    for row in rows[:ON_TERMINAL]:
        name = row[0] if len(row[0]) <= width else "..." + row[0][3 - width:]
        following = row[8] if row[1] == "failed" else "; ".join(row[5].split("; ")[1:])
        print(f"{name:<{width}}  {row[1]:<8} {row[2]:<14} {row[3]:>10}  {following}")
    if (more := counts.total() - ON_TERMINAL) > 0:
        print(f"... and {more} more in the table")
    if undrawn:
        print(f"{undrawn} annotated pictures cannot be written; the column reason says why")
    print("\n" + ", ".join(f"{count} {name or status}"
                            for (status, name), count in counts.most_common()))


def predict_here(args: argparse.Namespace) -> None:
    """Predict on this machine: the table, the annotated pictures and the contact sheet."""
    from celestial.pictures.decoder_pool import start_early

    start_early(args.workers)
    from celestial.common.file_names import display_name, output_paths
    from celestial.common.files import sha256_of, write_json
    from celestial.inference.predictor import start_predictor

    predictor = start_predictor(__file__, args)
    folder, paths = list_pictures(args.folder, args.output_dir)
    files = {display_name(path.relative_to(folder).as_posix()): path for path in paths}
    out = args.output_dir
    out.mkdir(parents=True, exist_ok=True)
    cleaning = predictor.preprocessing.cleaning
    run = {"folder": display_name(args.folder.resolve()),
           "checkpoint_sha256": sha256_of(predictor.path),
           **({"cleaning": asdict(cleaning)} if cleaning.active else {}), **of_several(args)}
    cards = output_paths({name: f"{name}.png" for name in files})
    kept = [row for row in rows_to_keep(out, run) if row[0] in files] if args.resume else []
    done = {row[0] for row in kept}
    if done:
        print(f"{len(done)} files were done before, {len(files) - len(done)} are left")

    write_json(out / RUN, run)
    todo = [path for name, path in sorted(files.items()) if name not in done]
    write_table(out, kept, predict_rows(predictor, folder, todo, cards, args))

    first, counts, undrawn = read_table(out)
    written = [out / SUMMARY, out / RUN, *draw_contact_sheet(first, len(files), cards, args),
               *show_cleaning(predictor, files, args)]
    print_table(first, counts, undrawn)
    print_counts(counts, written, args)


def of_several(args: argparse.Namespace) -> dict[str, int]:
    """Return the number of views where it is not 1."""
    return {"views": args.views} if args.views > 1 else {}


def predict_on_cluster(args: argparse.Namespace) -> None:
    """Predict on a Ray cluster: a parquet file for each part of the pictures."""
    from tqdm import tqdm

    from celestial.common.file_names import display_name
    from celestial.common.files import sha256_of
    from celestial.common.left_behind import say_passed_over
    from celestial.common.remote_folders import Folder
    from celestial.inference import ray_cluster
    from celestial.models.checkpoints import find_checkpoint, load_checkpoint
    from celestial.models.fitted import say_unfitted

    console.print_header(__file__, args, "each node's own")
    checkpoint = find_checkpoint(args.checkpoint)
    if args.views > 1:  # what the nodes print is not seen here
        say_unfitted(load_checkpoint(checkpoint), checkpoint, args.views)
    output = Folder.at(str(args.output_dir))
    if isinstance(args.folder, str):
        source = Folder.at(args.folder)
        names, passed_over = source.sort_names(leave_out=output)
        say_passed_over(args.folder, [PurePosixPath(args.folder, name) for name in passed_over])
    else:
        folder, paths = list_pictures(args.folder, Path(args.output_dir))
        source = Folder.at(str(folder))
        names = [display_name(path.relative_to(folder).as_posix()) for path in paths]
    if not names:
        raise UserError(f"{args.folder} is empty; name another folder")
    place = args.folder if isinstance(args.folder, str) else str(args.folder.resolve())
    run = {"folder": display_name(place), "checkpoint_sha256": sha256_of(checkpoint),
           **of_several(args)}
    ray_cluster.require_same_run(output, run, args.resume)

    ray_cluster.connect(args.ray_address)
    resources = ray_cluster.resources_for_predictors(args.workers, args.device)
    sizes = ray_cluster.make_plan(output, run, names, resources.predictors)
    todo = ray_cluster.parts_left(output, len(sizes))
    left = sum(sizes[part] for part in todo)
    print(f"{sum(sizes)} files in {len(sizes)} parts, {left} files are left; "
          f"{resources.predictors} predictors of {resources.cores} cores"
          + (" and a GPU" if resources.gpus else ""), flush=True)
    done = ray_cluster.predict_parts(todo, resources, checkpoint, source, output, args)
    with tqdm(total=left, desc="predicting", unit="file") as progress:
        for files in done:
            progress.update(files)
    ray_cluster.leave()
    print_counts(ray_cluster.count_answers(output, len(sizes)), [output.address], args)


def print_counts(counts: Counter, written: list[Path | str], args: argparse.Namespace) -> None:
    """Print the RESULT line: how many rows there are of each status."""
    statuses = {name: sum(count for (status, _), count in counts.items() if status == name)
                for name in ("ok", "unknown", "failed")}
    console.print_result({"rows": counts.total(), **statuses, **of_several(args)}, written)


def main() -> None:
    args = parse_args()
    if args.engine == "ray":
        predict_on_cluster(args)
    else:
        predict_here(args)


if __name__ == "__main__":
    console.run(main, "the rows so far are kept; add --resume to go on after them")
