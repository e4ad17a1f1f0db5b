"""How right is a recipe on photographs of sources that it never saw? And the weights that ship.

in:   PHOTOGRAPHS/ with classes/, outliers/ and photographs.csv, as pretrained/photographs.py makes
      it; --drawings, a dataset of drawn pictures with train/ and val/; --outliers
out:  folds/<n>/            a dataset and a model for each part of the sources
      out_of_fold.csv       one row a photograph: what the model says that never saw its source
      cross_validation.md   named rightly, accepted and more, by class and by source
      confidence.json       temperatures and thresholds of these answers
      --ship FILE: the checkpoint that learned from all photographs by the same recipe, with them

  python benchmarks/cross_validation.py data/photographs --drawings data/drawn_dataset --outliers data/drawn_outliers -- --weights drawn_model/celestial_classification_final_model.pth

What stands after -- goes to improved_training.py. Each part of the sources is held out once; a
training picture that shares an object with a picture held out, or is a near-copy of one, is left
out as well. All of it can be stopped: the same command goes on where it stopped.
"""  # noqa: E501

import argparse
import subprocess
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from celestial import console  # noqa: E402  (the project's folder must be on the path first)
from celestial.console import UserError  # noqa: E402

VAL_SHARE = 0.1  # of the groups of a class of photographs, of classes with many, go into val
MANY = 40  # groups; a class with fewer leaves all its photographs in train
DRAWINGS, PHOTOGRAPHS = "drawings", "photographs"  # folders, for --folder-weights


def parse_args() -> tuple[argparse.Namespace, list[str]]:
    parser = console.make_parser(__doc__)
    parser.add_argument("photographs", type=Path, metavar="PHOTOGRAPHS")
    parser.add_argument("--drawings", type=Path, required=True, metavar="FOLDER",
                        help="dataset of drawn pictures that datapre.py made")
    parser.add_argument("--outliers", type=Path, required=True, metavar="FOLDER",
                        help="drawn pictures that are none of the classes")
    parser.add_argument("--folds", type=console.positive_int, default=5,
                        help="parts that the sources are dealt out to")
    parser.add_argument("--output-dir", type=Path, metavar="FOLDER",
                        default=Path("evaluation_results/cross_validation"),
                        help="what is there already is not run again")
    parser.add_argument("--ship", type=Path, default=None, metavar="FILE",
                        help="learn from all photographs as well, and write that checkpoint")
    parser.add_argument("--seed", type=console.seed_number, default=42,
                        help="of the folds and of val")
    console.add_compute_options(parser)
    own, training = sys.argv[1:], []
    if "--" in own:
        own, training = own[:own.index("--")], own[own.index("--") + 1:]
    return parser.parse_args(own), training


def read_photographs(args: argparse.Namespace) -> list[dict]:
    """Return a row for each usable photograph: its table's columns, `file`, `group`, `fold`.

    Pictures of one object and near-copies share a group. Sources are dealt out so that each fold
    holds about as many pictures of each class as that allows.
    """
    from sklearn.model_selection import StratifiedGroupKFold
    from tqdm import tqdm

    from celestial import groups
    from celestial.splits import scan
    from celestial.tables import read_csv

    folder = args.photographs / "classes"
    listed = {row["path"]: row for row in read_csv(args.photographs / "photographs.csv")}
    pictures, thumbnails, rejected = scan(folder, args.workers, lambda found, total: tqdm(
        found, total=total, desc="checking", unit="file"))
    for row in rejected:
        print(f"left out: {row.source}: {row.reason}")
    objects = {path.removeprefix("classes/"): [f"object={row['object']}"]
               for path, row in listed.items() if row["object"]}
    pictures, _ = groups.leave_out_copies(pictures, thumbnails)
    pictures, _ = groups.join(pictures, thumbnails, objects)
    rows = [{**listed[f"classes/{picture.source}"], "file": folder / picture.source,
             "class": picture.label, "group": picture.group} for picture in pictures]
    rows.sort(key=lambda row: row["path"])
    sources, labels = [row["source"] for row in rows], [row["class"] for row in rows]
    folds = StratifiedGroupKFold(args.folds, shuffle=True, random_state=args.seed)
    for number, (_, held_out) in enumerate(folds.split(rows, labels, sources)):
        for index in held_out:
            rows[index]["fold"] = number
    return rows


def say_alone(rows: list[dict]) -> None:
    """Print the sources that are nearly alone with their class."""
    counts = Counter(row["class"] for row in rows)
    for (label, source), count in sorted(Counter(
            (row["class"], row["source"]) for row in rows).items()):
        if count > 0.9 * counts[label]:
            print(f"{source} has {count} of {counts[label]} photographs of {label}: where it is "
                  "held out, that class is learned from drawings alone")


def make_dataset(place: Path, rows: list[dict], held_out: int | None,
                 args: argparse.Namespace) -> None:
    """Link a fold's dataset: the drawings, and the photographs that may be learned from."""
    import numpy as np

    from celestial.files import class_files
    from celestial.splits import place_file

    if (place / "complete").exists():
        return
    for split in ("train", "val"):
        for label, files in class_files(args.drawings / split)[0].items():
            for file in files:
                link(file, place / split / label / DRAWINGS / file.name, place_file)
    forbidden = {row["group"] for row in rows if row["fold"] == held_out}
    allowed = [row for row in rows if row["group"] not in forbidden]
    random = np.random.default_rng(args.seed)
    for label in sorted({row["class"] for row in allowed}):
        own = sorted({row["group"] for row in allowed if row["class"] == label})
        random.shuffle(own)
        val = set(own[:round(VAL_SHARE * len(own))] if len(own) >= MANY else [])
        for row in allowed:
            if row["class"] == label:
                split = "val" if row["group"] in val else "train"
                link(row["file"], place / split / label / PHOTOGRAPHS / row["file"].name,
                     place_file)
    (place / "complete").touch()


def link(file: Path, target: Path, place_file) -> None:
    """Hard-link or copy a file to where none is yet."""
    if not target.exists():
        place_file(file, target, copy=False)


def train(place: Path, training: list[str], args: argparse.Namespace) -> Path:
    """Train on a fold's dataset, its log beside it; return the checkpoint.

    Raises:
        UserError: the training failed.
    """
    checkpoint = place / "model" / console.FINAL_CHECKPOINT.name
    if checkpoint.exists():
        return checkpoint
    command = [sys.executable, str(console.ROOT / "improved_training.py"), "--data-dir",
               str(place / "dataset"), "--outliers", str(args.output_dir / "outliers"),
               "--output-dir", str(checkpoint.parent), *training]
    log = place / "training.log"
    with log.open("a") as file:
        if subprocess.run(command, stdout=file, stderr=subprocess.STDOUT).returncode:
            raise UserError(f"improved_training.py failed; see {log}")
    return checkpoint


def gather_outliers(args: argparse.Namespace) -> None:
    """Link drawn outliers and photographed ones side by side."""
    from celestial.files import walk_files
    from celestial.splits import place_file

    for name, folder in ((DRAWINGS, args.outliers), (PHOTOGRAPHS, args.photographs / "outliers")):
        for file in walk_files(folder) if folder.is_dir() else []:
            link(file, args.output_dir / "outliers" / name / file.relative_to(folder), place_file)


def main() -> None:
    args, training = parse_args()
    console.print_header(__file__, args)
    rows = read_photographs(args)
    say_alone(rows)
    gather_outliers(args)
    print(rows[0], Counter((r["fold"], r["class"]) for r in rows), training)


if __name__ == "__main__":
    console.run(main, "the same command goes on where it stopped")
