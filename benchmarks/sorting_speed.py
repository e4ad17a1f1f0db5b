"""What --sort-into costs: predict_my_images.py --no-pictures without it, with links, with copies.

in:   nothing; pictures are drawn
out:  sorting_speed.md, a table

  python benchmarks/sorting_speed.py
  python benchmarks/sorting_speed.py --count 300 --rounds 5

Whole processes in turn, several rounds, on the same files, which are copies of a few hundred
drawn ones; each of them sorts into a new folder, but for the last, which finds all files sorted.
Speed is that of the round's run without sorting, divided by this one's time.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from prediction_report import spread  # noqa: E402  (the project's folder must be on the path first)

from celestial.common import console  # noqa: E402

DRAWN = 20  # pictures of each class that the files are copies of
PLAIN, LINKS, COPIES, AGAIN = "not sorted", "linked", "copied", "sorted before"


def parse_args() -> argparse.Namespace:
    parser = console.make_parser(__doc__)
    parser.add_argument("--count", type=console.positive_int, default=10_000, help="files")
    parser.add_argument("--size", type=console.picture_side, default=160,
                        help="side of the pictures, pixels")
    parser.add_argument("--rounds", type=console.positive_int, default=3)
    parser.add_argument("--checkpoint", type=Path, metavar="FILE", default=console.SHIPPED)
    parser.add_argument("--seed", type=console.seed_number, default=42)
    parser.add_argument("--output-dir", type=Path, default=Path("evaluation_results"),
                        metavar="FOLDER")
    return parser.parse_args()


def make_files(work: Path, args: argparse.Namespace) -> Path:
    """Draw pictures and fill a folder with copies of them, a thousand in each sub-folder."""
    subprocess.run([sys.executable, str(console.ROOT / "render_samples.py"), "--per-class",
                    str(DRAWN), "--size", str(args.size), "--output-dir", str(work / "drawn"),
                    "--seed", str(args.seed)], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    pictures = sorted((work / "drawn").glob("*/*.jpg"))
    folder = work / "files"
    for number in range(args.count):
        place = folder / f"{number // 1000:04d}"
        place.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(pictures[number % len(pictures)], place / f"{number:07d}.jpg")
    return folder


def seconds_of(files: Path, out: Path, args: argparse.Namespace, *options: object) -> float:
    """Classify and perhaps sort all files by a new process; return its wall-clock seconds."""
    started = time.perf_counter()
    subprocess.run([sys.executable, str(console.ROOT / "predict_my_images.py"), str(files),
                    "--checkpoint", str(args.checkpoint.resolve()), "--no-pictures",
                    "--output-dir", str(out), *map(str, options)], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def measure(work: Path, args: argparse.Namespace) -> list[dict[str, float]]:
    """Return the seconds of each way, one dict a round."""
    files, out = make_files(work, args), work / "out"
    seconds_of(files / "0000", out, args)  # files and libraries come into the page cache
    rounds = []
    for number in range(args.rounds):
        linked, copied = work / f"linked {number}", work / f"copied {number}"
        options = {PLAIN: (), LINKS: ("--sort-into", linked), AGAIN: ("--sort-into", linked),
                   COPIES: ("--sort-into", copied, "--copy")}
        rounds.append({way: seconds_of(files, out, args, *words)
                       for way, words in options.items()})
        print(f"round {number + 1}: " + ", ".join(f"{way} {seconds:.1f} s"
                                                  for way, seconds in rounds[-1].items()),
              flush=True)
        shutil.rmtree(linked)
        shutil.rmtree(copied)
    return rounds


def as_markdown(rounds: list[dict[str, float]], args: argparse.Namespace) -> str:
    """Return the table; medians, least and most of the rounds in brackets."""
    lines = [f"{args.count:,} files of {args.size} x {args.size} pixels, {args.rounds} rounds.", "",
             "| what | s | files/s | speed, by that of not sorted |", "|---|---|---|---|"]
    for way in rounds[0]:
        speeds = spread((args.count / found[way] for found in rounds), "{:.0f}")
        relative = spread((found[PLAIN] / found[way] for found in rounds), "{:.1%}")
        lines.append(f"| {way} | {spread(found[way] for found in rounds)} | {speeds} "
                     f"| {relative} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    args = parse_args()
    console.print_header(__file__, args)
    from celestial.common.files import atomic_path

    with tempfile.TemporaryDirectory() as work:
        rounds = measure(Path(work), args)
    table = as_markdown(rounds, args)
    with atomic_path(args.output_dir / "sorting_speed.md") as temporary:
        temporary.write_text(table, encoding="utf-8")
    print(table)
    ratios = sorted(found[PLAIN] / found[LINKS] for found in rounds)
    console.print_result({"linked_by_plain": round(ratios[len(ratios) // 2], 3)},
                         [args.output_dir / "sorting_speed.md"])


if __name__ == "__main__":
    console.run(main)
