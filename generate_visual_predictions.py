"""Step 4: a framed picture for each prediction, green where it is right and red where it is wrong.

in:   a blind mapping (blind_test_validation.py) or a folder of class folders; the checkpoint
out:  visual_predictions/
      <class>/<picture>.png, predictions.csv, showcase_summary.png

  python generate_visual_predictions.py                    # the newest mapping, else the test split
  python generate_visual_predictions.py --mapping blind_test_mapping_20260503_210000.json
  python generate_visual_predictions.py --input-dir data/celestial_dataset/val
"""

import argparse
from dataclasses import replace
from pathlib import Path

from celestial import console
from celestial.console import UserError

ON_SHEET = 60  # pictures in showcase_summary.png: the mistakes, then right ones of every class


def parse_args() -> argparse.Namespace:
    parser = console.make_parser(__doc__)
    group = parser.add_argument_group("folders")
    source = group.add_mutually_exclusive_group()
    source.add_argument("--mapping", type=Path, metavar="FILE",
                        help="blind mapping; None: the newest one here, else the test split "
                        f"of {console.DATASET}")
    source.add_argument("--input-dir", type=Path, metavar="FOLDER",
                        help="folder of class folders to take instead")
    source.add_argument("--data-dir", type=Path, metavar="FOLDER",
                        help="dataset whose test split is taken instead")
    console.add_checkpoint_option(group)
    group.add_argument("--output-dir", type=Path, default=Path("visual_predictions"),
                       metavar="FOLDER", help="where the framed pictures go")
    console.add_compute_options(parser, batch_size=32)
    return parser.parse_args()


def find_pictures(args: argparse.Namespace, classes: tuple[str, ...]) -> tuple[list, list, str]:
    """Return the files, their true classes, and where they come from."""
    from celestial import blind
    from celestial.datasets import list_split

    mapping = args.mapping
    if mapping is None and args.input_dir is None and args.data_dir is None:
        mapping = blind.newest_mapping(Path())
    if mapping is not None:
        folder, pictures = blind.read_mapping(mapping)
        if unknown := sorted({p.true for p in pictures} - set(classes)):
            raise UserError(f"{mapping} has classes that the checkpoint does not know: "
                            f"{', '.join(unknown)}; make a new mapping with "
                            "blind_test_validation.py")
        return [folder / p.blind for p in pictures], [p.true for p in pictures], str(mapping)
    folder = args.input_dir or (args.data_dir or console.DATASET) / "test"
    files = list_split(folder.parent, folder.name, classes)
    return list(files.paths), [classes[label] for label in files.labels], str(folder)


def frame_all(predictor, files: list[Path], truth: list[str], out: Path) -> tuple[list, list]:
    """Draw a framed picture of each file; return (path, prediction, true class), unreadable."""
    from tqdm import tqdm

    from celestial.cards import draw_card, judged_card, save
    from celestial.files import short_name

    framed, unreadable = [], []
    stream = zip(predictor.predict(files, keep_pictures=True), truth, strict=True)
    for prediction, true_name in tqdm(stream, total=len(files), desc="drawing", unit="file"):
        if prediction.status == "failed":
            unreadable.append(prediction)
            continue
        target = out / true_name / path_below_class(prediction.path, true_name)
        target = target.with_name(short_name(f"{target.name}.png", extra=5))
        save(draw_card(judged_card(prediction, true_name)), target)
        framed.append((target, replace(prediction, picture=None), true_name))
    return framed, unreadable


def path_below_class(path: Path, true_name: str) -> Path:
    """Return the picture's path below its class folder; of a blind copy, its name."""
    parents = [parent for parent in path.parents if parent.name == true_name]
    return path.relative_to(parents[-1]) if parents else Path(path.name)


def write_table(out: Path, framed: list) -> Path:
    """Write predictions.csv, and remove the pictures of an earlier run that it no longer names."""
    from celestial.files import read_csv, write_csv

    table = out / "predictions.csv"
    rows = [[path.relative_to(out).as_posix(), true_name, prediction.top(1)[0][0],
             f"{prediction.top(1)[0][1]:.6f}", prediction.status]
            for path, prediction, true_name in framed]
    earlier = {row["picture"] for row in read_csv(table)} if table.is_file() else set()
    write_csv(table, ["picture", "true", "predicted", "confidence", "status"], rows)
    for name in earlier - {row[0] for row in rows}:
        (out / name).unlink(missing_ok=True)
    return table


def main() -> None:
    args = parse_args()
    from PIL import Image

    from celestial import metrics
    from celestial.cards import card_sheet
    from celestial.files import display_name
    from celestial.inference import start_predictor

    predictor = start_predictor(__file__, args)
    files, truth, origin = find_pictures(args, predictor.classes)
    print(f"{len(files)} pictures from {origin}")
    framed, unreadable = frame_all(predictor, files, truth, args.output_dir)
    for prediction in unreadable:
        print(f"not drawn: {display_name(prediction.path)}: {prediction.reason}")
    if not framed:
        raise UserError(f"no picture from {origin} can be read")

    wrong = [path for path, prediction, name in framed if prediction.top(1)[0][0] != name]
    right = [path for path, prediction, name in framed if prediction.top(1)[0][0] == name]
    hits, total = len(right), len(framed)
    low, high = metrics.wilson(hits, total)
    accuracy = {"value": hits / total, "low": low, "high": high}
    room = min(len(right), max(0, ON_SHEET - len(wrong)))
    shown = wrong[:ON_SHEET] + [right[place * len(right) // room] for place in range(room)]
    summary = card_sheet([Image.open(path) for path in shown],
                         args.output_dir / "showcase_summary.png",
                         f"{hits} of {total} pictures right; the mistakes come first")
    table = write_table(args.output_dir, framed)
    print(f"\n{hits} of {total} right: {metrics.as_text(accuracy)}; in brackets the 95 % interval")
    console.print_result({"pictures": total, "accuracy": accuracy, "unreadable": len(unreadable)},
                         [summary, table, args.output_dir])


if __name__ == "__main__":
    console.run(main)
