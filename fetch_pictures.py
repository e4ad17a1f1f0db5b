"""Step 0, with photographs: fetch pictures of each class from NASA's and ESA/Hubble's archives.

in:   NASA Image and Video Library (https://images.nasa.gov; generally not copyrighted) and
      ESA/Hubble (https://esahubble.org; CC BY 4.0), searched for the names of the classes
out:  data/input/<class>/<archive>_<id>.jpg
      data/input/sources.csv    one row for every candidate: title, credit, licence, addresses,
                                sha256, and why it was not kept

  python fetch_pictures.py
  python fetch_pictures.py --classes galaxy nebula star_cluster --output-dir data/deep_sky
  python fetch_pictures.py --classes mars --per-class 200 --sources nasa --seconds-between 2

Stopped? The same command goes on; what sources.csv has is not fetched again. An archive's words are
no labels: look at the pictures and delete what is wrong, and the same command brings others in its
place. Nothing that exists is overwritten. Who shows the pictures names the credit in sources.csv.

Mirrors: CELESTIAL_NASA_URL and CELESTIAL_ESAHUBBLE_URL in the environment take the place of
https://images-api.nasa.gov and https://esahubble.org.
"""

import argparse
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from celestial.common import console
from celestial.common.class_names import UNKNOWN
from celestial.common.console import UserError
from celestial.common.left_behind import is_no_picture

if TYPE_CHECKING:
    from tqdm import tqdm

    from celestial.data.archives import Candidate, HubbleArchive, NasaLibrary
    from celestial.data.fetched_folder import Collection, Row

    Archive = NasaLibrary | HubbleArchive

ARCHIVES = ("nasa", "esahubble")
MOST_FAILURES = 5  # in a row; then the archive, or the network, is taken to be down
FORBIDDEN = set('/\\<>:"|?*')  # in the name of a folder, on one system or another
LONGEST_CLASS = 100  # bytes


def parse_args() -> argparse.Namespace:
    parser = console.make_parser(__doc__)
    group = parser.add_argument_group("pictures")
    group.add_argument("--classes", nargs="+", type=class_name, default=[*console.PLANETS],
                       metavar="CLASS", help="any names; good search words are known for "
                       f"{', '.join(console.DRAWN)}")
    group.add_argument("--per-class", type=console.positive_int, default=60,
                       help="fetched pictures that each class shall have")
    group.add_argument("--sources", nargs="+", choices=ARCHIVES, default=list(ARCHIVES),
                       metavar="ARCHIVE", help=f"{' or '.join(ARCHIVES)}; several take turns")
    group.add_argument("--most-megabytes", type=up_to_a_million, default=20.0,
                       help="of one picture, 10^6 bytes; larger ones are left out")
    group = parser.add_argument_group("folders")
    group.add_argument("--output-dir", type=Path, default=Path("data/input"), metavar="FOLDER",
                       help="gets one folder a class, and sources.csv")
    group = parser.add_argument_group("network")
    group.add_argument("--seconds-between", type=up_to_a_million, default=1.0,
                       help="pause between two requests to one host, seconds")
    group = parser.add_argument_group("computing")
    group.add_argument("--workers", type=console.positive_int, default=os.cpu_count(),
                       help="processes that decode")
    return parser.parse_args()


def up_to_a_million(text: str) -> float:
    """Read an option as a number that neither a pause nor a size in bytes makes overflow."""
    value = console.positive_float(text)
    if value > 1e6:
        raise argparse.ArgumentTypeError(f"{text} is more than a million")
    return value


def class_name(text: str) -> str:
    """Read an option as the name of a class, which becomes that of a folder."""
    if (not text.strip(" .") or text != text.strip()
            or text.endswith(".") or not text.isprintable() or FORBIDDEN & set(text)
            or is_no_picture(text) or text.casefold() == UNKNOWN
            or len(os.fsencode(text)) > LONGEST_CLASS):
        raise argparse.ArgumentTypeError(f"{text!r} cannot be the name of a class folder")
    return text


def check_folders(args: argparse.Namespace) -> None:
    """Refuse a file where a folder is to be."""
    for folder in (args.output_dir, *(args.output_dir / name for name in args.classes)):
        if folder.exists() and not folder.is_dir():
            raise UserError(f"{folder} is a file; choose another --output-dir", status=2)


def take_turns(archives: list["Archive"], name: str) -> Iterator[tuple["Archive", "Candidate"]]:
    """Yield archives, each with its next candidate for a class, as long as they have any.

    What keeps an archive from answering is noted in its `trouble`, and the others go on.
    """
    from celestial.data.downloads import DownloadError

    searches = {archive: archive.search(name) for archive in archives}
    while searches:
        for archive, found in list(searches.items()):
            candidate = None
            try:
                candidate = None if archive.trouble else next(found, None)
            except DownloadError as error:
                archive.trouble = str(error)
            if candidate is None:
                del searches[archive]
            else:
                yield archive, candidate


def download(archive: "Archive", candidate: "Candidate", row: "Row", collection: "Collection",
             most_bytes: int) -> tuple["Row", bytes | None]:
    """Return the row with its address and path, and the bytes; None where the file is there.

    Raises:
        DownloadError: why the first size of the picture that is small enough cannot be had.
    """
    from celestial.data.downloads import DownloadError, TooLarge

    urls = archive.files(candidate)
    for url in urls:
        path = collection.path_for(row.label, candidate, url)
        found = row.ended("", file=url, path=path)
        if os.path.lexists(collection.folder / path):
            return found, None
        try:
            return found, archive.client.read(url, most_bytes)
        except DownloadError as error:
            error.url = url
            if url == urls[-1] or not isinstance(error, TooLarge):
                raise
    raise AssertionError("the last address returns or raises")


def try_candidate(archive: "Archive", candidate: "Candidate", label: str,
                  collection: "Collection", most_bytes: int) -> "Row":
    """Return the row of a candidate; if it is kept, its picture lies in the class folder."""
    from celestial.data.downloads import DownloadError, TooLarge
    from celestial.data.fetched_folder import too_large
    from celestial.pictures.readers.types import ImageError

    row = collection.new_row(label, candidate)
    if candidate.refused:
        return row.ended("licence", candidate.refused)
    if owner := collection.owner(label, candidate):
        return row.ended("near-copy", f"the same picture as {owner}")
    try:
        row, content = download(archive, candidate, row, collection, most_bytes)
        if content is None:
            return collection.adopt(row)
        look = collection.look_at(content)
    except TooLarge as error:
        return row.ended("too large", too_large(most_bytes), file=error.url)
    except DownloadError as error:
        return row.ended("failed", str(error), file=error.url)
    except ImageError as error:
        return row.ended("unreadable", str(error), path="")
    if copy := collection.copy_of(label, look):
        return row.ended("near-copy", f"near-copy of {copy}", path="")
    return collection.keep(row, content, look)


def fetch_class(label: str, archives: list["Archive"], collection: "Collection",
                args: argparse.Namespace, bar: "tqdm") -> Counter[str]:
    """Fetch what a class lacks; return how many candidates of this run ended in which status."""
    most_bytes = int(args.most_megabytes * 1e6)
    turns, ended, failures, tried = take_turns(archives, label), Counter(), Counter(), set()
    while collection.kept(label) < args.per_class and (turn := next(turns, None)):
        archive, candidate = turn
        # Several searches find the same picture; what failed is for the next run.
        if (again := (archive.name, candidate.id)) in tried or collection.is_settled(
                label, candidate, most_bytes):
            continue
        tried.add(again)
        row = try_candidate(archive, candidate, label, collection, most_bytes)
        collection.add(row)
        ended[row.status] += 1
        bar.update(row.status == "kept")
        failures[archive] = failures[archive] + 1 if row.status == "failed" else 0
        if failures[archive] == MOST_FAILURES:
            archive.trouble = (f"{archive.name} failed to give {MOST_FAILURES} pictures in a row, "
                               f"the last because {row.reason}")
    return ended


def fetch_all(archives: list["Archive"], collection: "Collection",
              args: argparse.Namespace) -> Counter[str]:
    """Fetch what the classes lack; return how many candidates ended in which status.

    Raises:
        UserError: no archive answers.
    """
    from tqdm import tqdm

    lacking = [name for name in args.classes if collection.kept(name) < args.per_class]
    ended = Counter()
    if not lacking:
        return ended

    def show(results: Iterable, total: int) -> Iterable:
        return tqdm(results, total=total, desc="looking", unit="file", disable=not total)

    collection.learn_looks(show)
    have = sum(min(collection.kept(name), args.per_class) for name in args.classes)
    wanted = args.per_class * len(args.classes)
    with tqdm(total=wanted, initial=have, desc="fetching", unit="picture") as bar:
        for name in list(lacking):
            ended += fetch_class(name, archives, collection, args, bar)
            lacking = [name for name in lacking if collection.kept(name) < args.per_class]
            if lacking and all(archive.trouble for archive in archives):
                raise UserError(" and ".join(archive.trouble for archive in archives)
                                + f" ({ended['kept']} pictures were fetched); check the network, "
                                "then the same command goes on")
    return ended


def print_counts(counts: dict[str, int], archives: list["Archive"],
                 args: argparse.Namespace) -> None:
    """Print what each class has, what it lacks, and which archive did not answer."""
    width = max(map(len, [*counts, "class"]))
    print(f"{'class':<{width}}{'pictures':>10}")
    exhausted = not any(archive.trouble for archive in archives)
    for name, count in counts.items():
        print(f"{name:<{width}}{count:>10}" + (f"   of {args.per_class}" + (
            ": the archives have no more that could be kept" if exhausted else "")
            if count < args.per_class else ""))
    for archive in archives:
        if archive.trouble:
            print(f"{archive.name} did not answer to the end: {archive.trouble}; the same command "
                  "tries again")


def main() -> None:
    args = parse_args()
    args.classes = list(dict.fromkeys(args.classes))
    console.print_header(__file__, args)
    check_folders(args)
    # Heavy imports wait until the options are read: --help answers at once.
    from celestial.common.locks import lock_for, only_one
    from celestial.data.archives import open_archives
    from celestial.data.downloads import Client
    from celestial.data.fetched_folder import Collection

    archives = open_archives(args.sources, Client(args.seconds_between))
    # Of two at once each would write the table without the other's rows.
    with only_one(lock_for(args.output_dir), f"another run fetches into {args.output_dir}; "
                  "waiting for its end"):
        collection = Collection(args.output_dir, args.workers)
        ended = fetch_all(archives, collection, args)

    counts = {name: collection.kept(name) for name in args.classes}
    if not any(counts.values()):
        raise UserError(f"no picture of {', '.join(counts)} could be kept"
                        + (f" ({collection.table} says why)" if ended else
                           ", because the archives have none") + "; try other --classes")
    print_counts(counts, archives, args)
    left_out = {status: count for status, count in sorted(ended.items()) if status != "kept"}
    reasons = ", ".join(f"{count} {status}" for status, count in left_out.items())
    print(f"{ended['kept']} pictures fetched, {sum(left_out.values())} candidates left out"
          + (f" ({reasons})" if reasons else "")
          + f"; {collection.table} has the credit and the licence of each\n"
          "Look at them before you train: delete what shows something else, and run this again.")
    console.print_result({"pictures": sum(counts.values()), "fetched": ended["kept"],
                          "left_out": left_out, "classes": counts},
                         [args.output_dir, collection.table])


if __name__ == "__main__":
    console.run(main, "what was fetched is listed in sources.csv, and the same command goes on")
