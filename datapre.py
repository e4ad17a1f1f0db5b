"""Step 1: check the pictures in the class folders and split them into train, val and test.

Near-copies of a picture (smaller, encoded again, brighter, turned, mirrored, slightly cropped)
form a group with it, and a group goes into one split: nothing is tested that was learned by heart.
All pairs across splits are compared afterwards, and what is still too near is left out.

in:   data/input/<class>/*                      any picture format, sub-folders too; never changed;
      <class>/ in several folders is one class, none_of_the_classes/ is none
out:  data/celestial_dataset/{train,val,test}/<class>/*    70 / 15 / 15 of each class
      manifest.csv (one row a picture), rejected.csv (file, reason), class_indices.json,
      duplicates.csv (every copy and group), duplicates.png (the largest groups, where there are
      any), sample_images.png

  python datapre.py
  python datapre.py --input-dir ~/pictures/planets --seed 7
  python datapre.py --input-dir data/input collected
  python datapre.py --copy        # copies instead of hard links
  python datapre.py --groups groups.csv   # columns source, night, telescope: shared values stay
                                          # together
"""

import argparse
import os
import shutil
from collections import Counter
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from celestial.common import console
from celestial.common.console import UserError

if TYPE_CHECKING:
    import numpy as np

    from celestial.data.groups import Duplicate
    from celestial.data.leaks import Leak
    from celestial.data.splits import Picture, Rejected

TABLES = ("manifest.csv", "rejected.csv", "duplicates.csv", "class_indices.json",
          "sample_images.png", "duplicates.png")
LISTED = 30  # rejected files on the terminal; rejected.csv has all


def parse_args() -> argparse.Namespace:
    parser = console.make_parser(__doc__)
    group = parser.add_argument_group("folders")
    group.add_argument("--input-dir", type=Path, nargs="+", default=[Path("data/input")],
                       metavar="FOLDER", help="folder that holds one folder a class; of several "
                       "the manifest's sources begin with the folder as it is named here")
    group.add_argument("--output-dir", type=Path, default=Path("data/celestial_dataset"),
                       metavar="FOLDER", help="the dataset; an older one is replaced when the new "
                       "one is complete")
    group = parser.add_argument_group("split")
    group.add_argument("--seed", type=console.seed_number, default=42,
                       help="another seed draws another split")
    group.add_argument("--groups", type=Path, default=None, metavar="FILE",
                       help="CSV with the column source (as in manifest.csv: the path below the "
                       "input folder) and any others (night, object, telescope): pictures that "
                       "share a value stay in one split")
    group.add_argument("--copy", action="store_true",
                       help="copy the files; hard links take no space but share their content")
    group.add_argument("--workers", type=console.positive_int, default=os.cpu_count(),
                       help="threads that decode pictures")
    return parser.parse_args()


def check_folders(input_dirs: list[Path], output_dir: Path) -> None:
    """Refuse an input that is not there, and folders that lie in each other."""
    for input_dir in input_dirs:
        if not input_dir.is_dir():
            raise UserError(f"there is no folder {input_dir}; make it and put one folder a class "
                            "into it, or name yours with --input-dir")
    for first, second in combinations([output_dir, *input_dirs], 2):
        one, other = first.resolve(), second.resolve()
        if one == other or one in other.parents or other in one.parents:
            option = "--output-dir" if first is output_dir else "--input-dir"
            raise UserError(f"{first} and {second} lie in each other; choose another {option}",
                            status=2)
    if output_dir.exists() and not output_dir.is_dir():
        raise UserError(f"{output_dir} is a file; choose another --output-dir", status=2)


def require_own_dataset(dataset: Path) -> None:
    """Raise UserError if the folder holds anything that an earlier run did not write."""
    from celestial.common.file_names import display_name
    from celestial.common.files import owned_files
    from celestial.data.splits import read_manifest

    present = {display_name(path.relative_to(dataset)) for path in owned_files(dataset)}
    if present and "manifest.csv" not in present:
        raise UserError(f"{dataset} has files but no manifest.csv, so datapre.py did not make it; "
                        "choose another --output-dir")
    ours = set(TABLES)
    if present:
        ours |= {picture.path for picture in read_manifest(dataset / "manifest.csv")}
    if foreign := sorted(present - ours):
        raise UserError(f"{dataset} holds {len(foreign)} files that datapre.py did not put there "
                        f"({foreign[0]}); move them away or choose another --output-dir")


def place_all(dataset: Path, pictures: list["Picture"], args: argparse.Namespace
              ) -> tuple[list["Picture"], list["Rejected"], int]:
    """Put each picture's file into `dataset`; return the placed, the lost, and how many are links.

    Raises:
        UserError: so many files vanished since they were checked that a split lacks a class.
    """
    from celestial.common.file_names import file_of
    from celestial.data.splits import Rejected, place_file
    from celestial.pictures.readers.types import ImageError

    placed, lost, linked = [], [], 0
    for picture in pictures:
        try:
            linked += place_file(file_of(picture.source, args.input_dir), dataset / picture.path,
                                 args.copy)
            placed.append(picture)
        except ImageError as error:
            lost.append(Rejected(picture.source, str(error)))
    if gone := sorted({(picture.split, picture.label) for picture in pictures}
                      - {(picture.split, picture.label) for picture in placed}):
        raise UserError(f"{len(lost)} files can no longer be read ({lost[0].source}: "
                        f"{lost[0].reason}) and nothing is left for {'/'.join(gone[0])}; run it "
                        "again when nobody changes the input folder")
    return placed, lost, linked


def build(dataset: Path, pictures: list["Picture"], rejected: list["Rejected"],
          found: list["Duplicate"], input_dirs: list[Path]) -> None:
    """Write the tables and sheets beside the placed pictures."""
    from celestial.common import files, tables
    from celestial.data import groups
    from celestial.data.splits import write_manifest
    from celestial.drawing.dataset_sheets import draw_groups, draw_samples

    write_manifest(dataset / "manifest.csv", pictures)
    tables.write_csv(dataset / "rejected.csv", ["source", "reason"],
                     [(row.source, row.reason) for row in rejected])
    tables.write_csv(dataset / "duplicates.csv", groups.HEADER, groups.table(found, pictures))
    classes = sorted({picture.label for picture in pictures})
    files.write_json(dataset / "class_indices.json",
                     {label: index for index, label in enumerate(classes)})
    draw_samples(dataset, pictures, classes)
    draw_groups(dataset, found, input_dirs)


def print_rejected(rejected: list["Rejected"]) -> None:
    """Print the first files that are left out, with their reasons."""
    for row in rejected[:LISTED]:
        print(f"left out: {row.source}: {row.reason}")
    if len(rejected) > LISTED:
        print(f"... and {len(rejected) - LISTED} more")


def print_counts(pictures: list["Picture"]) -> None:
    """Print the table of pictures by class and split."""
    from celestial.data.splits import SPLITS

    counts = Counter((picture.label, picture.split) for picture in pictures)
    classes = sorted({picture.label for picture in pictures})
    width = max(map(len, [*classes, "class"]))
    print(f"{'class':<{width}}" + "".join(f"{name:>8}" for name in (*SPLITS, "all")))
    for label in [*classes, "all"]:
        row = [sum(n for (c, s), n in counts.items() if label in (c, "all") and s == split)
               for split in SPLITS]
        print(f"{label:<{width}}" + "".join(f"{n:>8}" for n in (*row, sum(row))))


def find_groups(pictures: list["Picture"], thumbnails: dict[str, "np.ndarray"],
                rejected: list["Rejected"], groups_file: Path | None
                ) -> tuple[list["Picture"], list["Rejected"], list["Duplicate"]]:
    """Return the pictures with their groups, all files left out, and the rows of duplicates.csv."""
    from celestial.data import groups

    sources = {row.source for row in [*pictures, *rejected]}
    named = groups.read_user_groups(groups_file, sources) if groups_file else {}
    pictures, copies = groups.leave_out_copies(pictures, thumbnails)
    pictures, found = groups.join(pictures, thumbnails, named)
    left_out = sorted(rejected + groups.rejected_of(copies), key=lambda row: row.source)
    return pictures, left_out, sorted(
        found + copies, key=lambda row: (row.picture.group, row.distance, row.picture.source))


def print_groups(pictures: list["Picture"], found: list["Duplicate"], leaks: list["Leak"],
                 compared: int) -> dict[str, int]:
    """Print what copies were found and which classes are split unevenly; return the counts."""
    from celestial.data.splits import uneven_splits

    kinds = Counter(row.kind for row in found)
    kinds["near"] -= len(leaks)
    sizes = Counter(picture.group for picture in pictures)
    largest = max(sizes.values())
    print(f"\n{kinds['exact']} exact copies and {kinds['conflict']} pictures under two classes are "
          f"left out; {kinds['near']} near-copies and {kinds['user']} pictures of your groups "
          f"stay together ({len(sizes)} groups, the largest of {largest} pictures)")
    print("no picture of val or test is a near-copy of a training picture, and none of test of one "
          f"of val: {compared:,} pairs compared, {len(leaks)} pictures left out for that")
    for sentence in uneven_splits(pictures, Counter(leak.picture.label for leak in leaks)):
        print(sentence)
    return {"groups": len(sizes), "largest_group": largest, "exact_copies": kinds["exact"],
            "near_copies": kinds["near"], "conflicts": kinds["conflict"],
            "too_near_to_train": len(leaks)}


def main() -> None:
    args = parse_args()
    console.print_header(__file__, args)
    check_folders(args.input_dir, args.output_dir)
    # Heavy imports wait until the options are read: --help answers at once.
    from tqdm import tqdm

    from celestial.common.class_names import input_classes
    from celestial.common.files import recover_folder, replace_folder
    from celestial.data.leaks import add_leaks, leave_out_leaks
    from celestial.data.splits import SPLITS, draw_splits, scan

    dataset = args.output_dir.resolve()  # the folder itself, where the name is a link to it
    unfinished = dataset.with_name(f".{dataset.name}.new")
    recover_folder(dataset)
    if dataset.exists():
        require_own_dataset(dataset)

    classes = input_classes(args.input_dir)

    def show(results: Iterable, total: int) -> Iterable:
        return tqdm(results, total=total, desc="checking", unit="file")

    pictures, thumbnails, rejected = scan(args.input_dir, args.workers, show)
    pictures, rejected, found = find_groups(pictures, thumbnails, rejected, args.groups)
    print_rejected(rejected)
    pictures, leaks, compared = leave_out_leaks(draw_splits(pictures, classes, args.seed),
                                                thumbnails)
    found, more = add_leaks(found, leaks)
    print_rejected(more)

    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        pictures, lost, linked = place_all(unfinished, pictures, args)
        print_rejected(lost)
        rejected = sorted(rejected + more + lost, key=lambda row: row.source)
        build(unfinished, pictures, rejected, found, args.input_dir)
        replace_folder(unfinished, dataset)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)

    print_counts(pictures)
    grouped = print_groups(pictures, found, leaks, compared)
    print(f"{linked} files are hard links, {len(pictures) - linked} are copies"
          + ("; edit a link and you edit the original" if linked else ""))
    by_split = Counter(picture.split for picture in pictures)
    console.print_result(
        {"pictures": len(pictures), "rejected": len(rejected),
         "classes": sorted({p.label for p in pictures}),
         **{split: by_split[split] for split in SPLITS}, **grouped},
        [args.output_dir / name for name in TABLES if (dataset / name).is_file()])


if __name__ == "__main__":
    console.run(main, "the earlier dataset, if there was one, is whole and data/input is untouched")
