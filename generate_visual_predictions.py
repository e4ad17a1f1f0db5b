"""Step 4: a framed picture for each prediction, green where it is right and red where it is wrong.

in:   a blind mapping (blind_test_validation.py) or a folder of class folders; the checkpoint
out:  visual_predictions/
      <class>/<picture>.png, predictions.csv, showcase_summary.png

  python generate_visual_predictions.py                    # the newest mapping, else the test split
  python generate_visual_predictions.py --mapping blind_test_mapping_20260503_210000.json
  python generate_visual_predictions.py --input-dir data/celestial_dataset/val
"""

import argparse
import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from celestial.common import console
from celestial.common.console import UserError

if TYPE_CHECKING:
    import numpy as np

    from celestial.blind.hidden_names import BlindPicture
    from celestial.inference.predictor import Prediction, Predictor

ON_SHEET = 60  # pictures in showcase_summary.png


@dataclass(frozen=True)
class Framed:
    """What became of one file.

    Attributes:
        place: its framed picture below the output folder; empty where there is none.
        prediction: of the file, without the picture.
        true: its class.
        reason: why there is no framed picture.
    """

    place: str
    prediction: "Prediction"
    true: str
    reason: str

    @property
    def right(self) -> bool:
        """The most probable class is the true one."""
        return self.prediction.top(1)[0][0] == self.true


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
    console.add_compute_options(parser)
    return parser.parse_args()


def find_pictures(args: argparse.Namespace, classes: tuple[str, ...]
                  ) -> tuple[list[Path], list[str], "np.ndarray | None", str]:
    """Return the files, their true classes, their groups or None, and where they come from."""
    from celestial.blind import hidden_names
    from celestial.data.datasets import groups_of, list_split

    mapping = args.mapping
    if mapping is None and args.input_dir is None and args.data_dir is None:
        mapping = hidden_names.newest_mapping(Path())
    if mapping is not None:
        folder, pictures = hidden_names.read_mapping(mapping)
        if unknown := sorted({p.true for p in pictures} - set(classes)):
            raise UserError(f"{mapping} has classes that the checkpoint does not know: "
                            f"{', '.join(unknown)}; make a new mapping with "
                            "blind_test_validation.py")
        return ([folder / p.blind for p in pictures], [p.true for p in pictures],
                groups_behind(pictures), str(mapping))
    folder = args.input_dir or (args.data_dir or console.DATASET) / "test"
    files = list_split(folder.parent, folder.name, classes)
    return (list(files.paths), [classes[label] for label in files.labels],
            groups_of(folder.parent, files.paths), str(folder))


def groups_behind(pictures: list["BlindPicture"]) -> "np.ndarray | None":
    """Return the groups of a mapping's pictures, None where their dataset is no longer there."""
    from celestial.common.file_names import path_named
    from celestial.data.datasets import groups_of

    sources = [path_named(picture.source) for picture in pictures]
    for folder in sources[0].parents if sources else ():
        if (folder / "manifest.csv").is_file():
            known = all(source.is_relative_to(folder) for source in sources)
            return groups_of(folder, sources) if known else None
    return None


def frame_all(predictor: "Predictor", files: list[Path], truth: list[str], out: Path,
              workers: int) -> list[Framed]:
    """Draw a framed picture of each file."""
    from tqdm import tqdm

    from celestial.common.file_names import display_name, output_paths
    from celestial.drawing.card_writer import write_cards
    from celestial.drawing.cards import answered_card

    places = output_paths({
        str(number): f"{true_name}/{display_name(path_below_class(path, true_name))}.png"
        for number, (path, true_name) in enumerate(zip(files, truth, strict=True))})

    def jobs() -> Iterator:
        stream = predictor.predict(files, keep_pictures=True)
        for number, (prediction, true_name) in enumerate(zip(stream, truth, strict=True)):
            place, readable = places[str(number)], prediction.status != "failed"
            one = Framed(place if readable else "", replace(prediction, picture=None), true_name,
                         prediction.reason)
            yield one, answered_card(prediction, true_name) if readable else None, out / place

    written = tqdm(write_cards(jobs(), workers), total=len(files), desc="drawing", unit="file")
    return [replace(one, place="", reason=undrawn) if undrawn else one
            for one, undrawn in written]


def path_below_class(path: Path, true_name: str) -> Path:
    """Return the picture's path below its class folder; of a blind copy, its name."""
    parents = [parent for parent in path.parents if parent.name == true_name]
    return path.relative_to(parents[-1]) if parents else Path(path.name)


def write_table(out: Path, framed: list[Framed]) -> Path:
    """Write predictions.csv, and remove the pictures of an earlier run that it no longer names."""
    from celestial.common.file_names import display_name, folded, output_paths
    from celestial.common.tables import write_csv

    table = out / "predictions.csv"
    rows = []
    for one in framed:
        guess = [("", ""), *((name, f"{p:.6f}") for name, p in one.prediction.top(1))][-1]
        rows.append([one.place, one.true, *guess, one.prediction.status,
                     display_name(one.prediction.path), one.reason])
    kept = {folded(one.place) for one in framed}
    for name, place in output_paths({name: name for name in earlier_pictures(table)}).items():
        if name == place and folded(name) not in kept and (out / name).is_file():
            (out / name).unlink()
    return write_csv(table, ["picture", "true", "predicted", "confidence", "status", "file",
                             "reason"], rows)


def earlier_pictures(table: Path) -> set[str]:
    """Return the framed pictures that an earlier run's table names; none of a damaged one."""
    from celestial.common.tables import read_csv

    try:
        return {row.get("picture", "") for row in read_csv(table)}
    except (FileNotFoundError, UnicodeDecodeError, csv.Error):
        return set()


def draw_summary(path: Path, framed: list[Framed], title: str) -> Path:
    """Write a sheet of framed pictures: the mistakes, then right ones of every class."""
    from PIL import Image

    from celestial.drawing.cards import card_sheet

    drawn = [one for one in framed if one.place]
    wrong = [one for one in drawn if not one.right]
    right = [one for one in drawn if one.right]
    room = min(len(right), max(0, ON_SHEET - len(wrong)))
    shown = wrong[:ON_SHEET] + [right[place * len(right) // room] for place in range(room)]
    return card_sheet([Image.open(path.parent / one.place) for one in shown], path, title)


def main() -> None:
    args = parse_args()
    import numpy as np

    from celestial.common.file_names import display_name
    from celestial.data import design_effect
    from celestial.evaluation import metrics
    from celestial.inference.predictor import start_predictor

    predictor = start_predictor(__file__, args)
    files, truth, groups, origin = find_pictures(args, predictor.classes)
    print(f"{len(files)} pictures from {display_name(origin)}")
    framed = frame_all(predictor, files, truth, args.output_dir, args.workers)
    table = write_table(args.output_dir, framed)
    for one in framed:
        if one.reason:
            print(f"not drawn: {display_name(one.prediction.path)}: {one.reason}")
    read = [one for one in framed if one.prediction.status != "failed"]
    if not read:
        raise UserError(f"no picture from {origin} can be read")

    hits, total = sum(one.right for one in read), len(read)
    groups = design_effect.kept(groups, [one.prediction.status != "failed" for one in framed])
    accuracy = metrics.proportion_of(np.array([one.right for one in read]), groups)
    summary = draw_summary(args.output_dir / "showcase_summary.png", read,
                           f"{hits} of {total} pictures right; the mistakes come first")
    print(f"\n{hits} of {total} right: {metrics.as_text(accuracy)}; in brackets the 95 % interval\n"
          f"  {design_effect.in_words(total, groups)}")
    console.print_result(
        {"pictures": total, "accuracy": accuracy, "unreadable": len(framed) - total},
        [summary, table, args.output_dir])


if __name__ == "__main__":
    console.run(main)
