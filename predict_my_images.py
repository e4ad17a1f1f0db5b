"""Step 6: drop pictures into my_images/ and see what they are.

in:   my_images/*, sub-folders too, or one file; any picture format; never changed
out:  my_predictions/
      batch_prediction_summary.csv (one row for every file), pictures/ (an annotated picture each),
      contact_sheet.png, before_after.png (where pictures are cleaned)

  python predict_my_images.py
  python predict_my_images.py ~/night_of_may_3 --output-dir may_3
  python predict_my_images.py photo.jpg
  python predict_my_images.py --resume          # goes on where a killed run stopped
  python predict_my_images.py jupiter.ser --every 2      # a row for the frame at every 2 seconds
  python predict_my_images.py --explain         # what in each picture spoke for its class
  python predict_my_images.py --sort-into sorted             # a link of each file, by class
  python predict_my_images.py --checkpoint imagenet:resnet50 --denoise     # everyday things
  python predict_my_images.py s3://bucket/survey --engine ray --ray-address 10.0.0.1:6379 \
      --output-dir s3://bucket/answers          # millions of pictures, see docs/scale.md

--engine ray writes a folder of parquet files in place of all this.
"""

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from itertools import repeat
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from celestial.common import console
from celestial.common.class_names import NONE
from celestial.common.console import UserError
from celestial.common.left_behind import RUN

if TYPE_CHECKING:
    from celestial.inference.predictor import Predictor


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
    group.add_argument("--every", type=console.positive_float, default=None, metavar="SECONDS",
                       help="give each recording (SER, AVI, MP4, MOV) a row for its frame at every "
                       "so many seconds; None: one row, for its sharpest frame")
    add_filing_options(parser)
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
    refuse_odd_options(parser, args)
    return args


def add_filing_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that put pictures into folders by class."""
    group = parser.add_argument_group("sorting")
    group.add_argument("--sort-into", type=Path, default=None, metavar="SORTED",
                       help="put a hard link of each file into SORTED/<class>/, SORTED/unknown/ or "
                       "SORTED/failed/; there is no --move, because a wrong answer would take "
                       "a picture from the place where you look for it")
    group.add_argument("--copy", action="store_true",
                       help="copy the files into SORTED, where links are the default")
    group = parser.add_argument_group("correcting; nothing is classified")
    group.add_argument("--corrections", type=Path, default=None, metavar="TABLE",
                       help="a copy of batch_prediction_summary.csv with a column `correct`: the "
                       f"right class, {NONE}, or empty where you have nothing to say")
    group.add_argument("--collect", type=Path, default=None, metavar="FOLDER",
                       help="where the pictures of corrected rows are filed, without metadata")


def refuse_odd_options(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """End with status 2 where options do not go together."""
    if args.explain and (args.no_pictures or args.engine == "ray"):
        parser.error("--explain draws pictures; leave --no-pictures and --engine ray out")
    if args.copy and args.sort_into is None:
        parser.error("--copy copies into a folder that --sort-into names")
    if args.sort_into is not None and (
            args.sort_into.resolve() == Path(args.output_dir).resolve()):
        parser.error("the sorted pictures and the answers need two folders")
    if (args.corrections is None) != (args.collect is None):
        parser.error("--corrections and --collect go together")
    if args.every is not None and (args.sort_into or args.engine == "ray"):
        parser.error("--every gives one file many rows; leave --sort-into and --engine ray out")
    if args.engine == "ray" and (args.sort_into or args.corrections):
        parser.error("--sort-into and --collect file pictures on this machine; leave --engine ray "
                     "out")
    if args.engine == "ray" and (args.denoise or args.normalise or args.stretch != "none"
                                 or str(args.checkpoint).startswith("imagenet:")):
        parser.error("--engine ray takes a checkpoint file and cleans as that remembers; leave the "
                     "cleaning options and imagenet: out")
    if args.engine != "ray":
        for name in ("folder", "output_dir", "ray_address"):
            if isinstance(value := getattr(args, name), str):
                parser.error(f"{value} needs --engine ray")


def predict_rows(predictor: "Predictor", folder: Path, files: list[Path], cards: dict[str, str],
                 args: argparse.Namespace) -> Iterator[list[str]]:
    """Predict, draw each annotated picture and yield the rows, one for each file."""
    from tqdm import tqdm

    from celestial.common.translations import load_names
    from celestial.drawing.card_writer import write_cards
    from celestial.drawing.cards import prediction_card
    from celestial.filing.contact_sheet import PICTURES
    from celestial.filing.summary_table import row_of

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


def predict_here(args: argparse.Namespace) -> None:
    """Predict on this machine: the table, the annotated pictures and the contact sheet."""
    from celestial.pictures.decoder_pool import start_early

    if args.folder.is_file():
        args.workers = 1  # one file keeps no more busy, and a run starts sooner
    start_early(args.workers)
    from celestial.common.file_names import display_name, output_paths
    from celestial.common.files import sha256_of, write_json
    from celestial.filing.contact_sheet import draw_contact_sheet, show_cleaning
    from celestial.filing.listing import list_pictures, require_apart
    from celestial.filing.sorting import SortedFolder, sort_answers
    from celestial.filing.summary_table import (
        SUMMARY,
        of_several,
        print_counts,
        print_table,
        read_table,
        rows_to_keep,
        write_table,
    )
    from celestial.inference.predictor import start_predictor

    predictor = start_predictor(__file__, args)
    folder, paths = list_pictures(args.folder, args.output_dir)
    if args.every is not None:
        from celestial.pictures.every_frame import list_frames

        paths = list_frames(paths, args.every, args.workers)
    into = None
    if args.sort_into is not None:
        require_apart(args.folder, args.sort_into, "--sort-into")
        into = SortedFolder(args.sort_into, predictor.classes, args.copy)
    files = {display_name(path.relative_to(folder).as_posix()): path for path in paths}
    out = args.output_dir
    out.mkdir(parents=True, exist_ok=True)
    cleaning = predictor.preprocessing.cleaning
    run = {"folder": display_name(args.folder.resolve()),
           "checkpoint_sha256": sha256_of(predictor.path),
           **({"cleaning": asdict(cleaning)} if cleaning.active else {}), **of_several(args),
           **({"every": args.every} if args.every else {})}
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
    done = {}
    if into is not None:
        done["sorted"] = sort_answers(into, out, folder, files)
        written.append(into.table)
    print_counts(counts, written, args, **done)


def collect(args: argparse.Namespace) -> None:
    """File the pictures of a corrected table; nothing is classified."""
    from celestial.filing.collecting import CollectingFolder
    from celestial.filing.corrected_table import file_corrections
    from celestial.filing.listing import require_apart
    from celestial.filing.summary_table import read_run

    console.print_header(__file__, args)
    require_apart(args.folder, args.collect, "--collect")
    runs = (read_run(folder / RUN) for folder in (args.corrections.parent, args.output_dir))
    model = next((run["checkpoint_sha256"] for run in runs if run), "")
    into = CollectingFolder(args.collect)
    counts = file_corrections(args.corrections, args.folder, into, model)
    console.print_result(counts, [into.folder, into.table])


def predict_on_cluster(args: argparse.Namespace) -> None:
    """Predict on a Ray cluster: a parquet file for each part of the pictures."""
    from tqdm import tqdm

    from celestial.common.file_names import display_name
    from celestial.common.files import sha256_of
    from celestial.common.left_behind import say_passed_over
    from celestial.common.remote_folders import Folder
    from celestial.filing.listing import list_pictures
    from celestial.filing.summary_table import of_several, print_counts
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


def main() -> None:
    args = parse_args()
    if args.corrections is not None:
        collect(args)
    elif args.engine == "ray":
        predict_on_cluster(args)
    else:
        predict_here(args)


if __name__ == "__main__":
    console.run(main, "the rows so far are kept; add --resume to go on after them")
