"""How memory and time of prediction and of datapre.py grow with the number of pictures.

in:   nothing; pictures are drawn
out:  growth.md (a table), growth.png (memory and speed against the number of pictures), growth.csv

  python benchmarks/growth.py
  python benchmarks/growth.py --counts 1000 10000

Prediction meets many links to a few hundred drawn pictures; datapre.py, which would tell that those
are copies, as many pictures of random clouds. Memory is that of a script and all its helpers
together, pages that they share counted for each of them.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from processes import family  # noqa: E402  (the project's folders must be on the path first)

from celestial.common import console  # noqa: E402

LINKED = 20  # pictures of each class that the links lead to
SIDE = 160  # pixels of all pictures
SAMPLE = 0.5  # seconds between two looks at the memory
SPAN = 0.1  # proportion of the pictures that count as the first and as the last ones


@dataclass
class Watched:
    """What was seen of a running script: at each time its memory and the rows of its table."""

    seconds: list[float] = field(default_factory=list)
    gigabytes: list[float] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)


def parse_args() -> argparse.Namespace:
    parser = console.make_parser(__doc__)
    parser.add_argument("--counts", type=console.positive_int, nargs="+",
                        default=[1_000, 10_000, 100_000], help="numbers of pictures")
    parser.add_argument("--checkpoint", type=Path, metavar="FILE",
                        default=console.SHIPPED)
    parser.add_argument("--seed", type=console.seed_number, default=42)
    parser.add_argument("--output-dir", type=Path, default=Path("evaluation_results"),
                        metavar="FOLDER")
    return parser.parse_args()


def run(script: str, *options: object) -> list[str]:
    """Return the command that runs a script of the project."""
    return [sys.executable, str(console.ROOT / script), *map(str, options)]


def watch(command: list[str], table: Path | None, folder: Path) -> Watched:
    """Run a command to its end and look at it every `SAMPLE` seconds."""
    seen, started, read, rows = Watched(), time.perf_counter(), 0, 0
    with (folder / "log.txt").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=folder)
        while process.poll() is None:
            if table is not None and table.exists():
                with table.open("rb") as file:
                    file.seek(read)
                    data = file.read()
                read, rows = read + len(data), rows + data.count(b"\n")
            seen.seconds.append(time.perf_counter() - started)
            seen.gigabytes.append(sum(family(process.pid).values()) / 1e9)
            seen.rows.append(rows)
            time.sleep(SAMPLE)
    seen.seconds.append(time.perf_counter() - started)
    if process.returncode:
        raise console.UserError(f"{' '.join(command)} failed; its output is in {log.name}")
    return seen


def link_pictures(drawn: Path, folder: Path, count: int) -> Path:
    """Fill a folder with `count` links to the drawn pictures, a thousand in each sub-folder."""
    pictures = sorted(drawn.glob("*/*.jpg"))
    for number in range(count):
        place = folder / f"{number // 1000:04d}"
        if number % 1000 == 0:
            place.mkdir(parents=True)
        (place / f"{number:07d}.jpg").symlink_to(pictures[number % len(pictures)])
    return folder


def draw_clouds(folder: Path, count: int, seed: int) -> Path:
    """Fill two class folders with pictures of random clouds, no two of them alike."""
    import numpy as np
    from PIL import Image

    random = np.random.default_rng(seed)
    for label in ("bright", "dark"):
        (folder / label).mkdir(parents=True)
    for number in range(count):
        coarse = random.integers(0, 256, (9, 9, 3), np.uint8)
        cloud = Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        label = ("bright", "dark")[number % 2]
        cloud.save(folder / label / f"{number:07d}.jpg", quality=85)
    return folder


def speed_of_part(seen: Watched, first: float, last: float) -> float:
    """Return the pictures a second between two proportions of all rows."""
    import numpy as np

    rows = np.array(seen.rows)
    seconds = np.array(seen.seconds[:len(rows)])
    known = rows > 0
    ends = np.interp([first * rows[-1], last * rows[-1]], rows[known], seconds[known])
    return (last - first) * rows[-1] / (ends[1] - ends[0])


def measure(args: argparse.Namespace, work: Path) -> tuple[list[dict], Watched]:
    """Run both scripts on each number of pictures.

    Returns:
        A row of the table for each number, and what was seen of the last prediction.
    """
    drawn = work / "drawn"
    subprocess.run(run("render_samples.py", "--per-class", LINKED, "--size", SIDE, "--output-dir",
                       drawn, "--seed", args.seed), check=True, stdout=subprocess.DEVNULL)
    found = []
    for count in args.counts:
        place = work / str(count)
        out = place / "out"
        pictures = link_pictures(drawn, place / "linked", count)
        predicted = watch(run("predict_my_images.py", pictures, "--checkpoint",
                              args.checkpoint.resolve(), "--no-pictures", "--output-dir", out),
                          out / "batch_prediction_summary.partial.csv", place)
        split = watch(run("datapre.py", "--input-dir", draw_clouds(place / "clouds", count,
                                                                   args.seed),
                          "--output-dir", place / "dataset"), None, place)
        found.append({
            "pictures": count, "prediction_s": predicted.seconds[-1],
            "prediction_gb": max(predicted.gigabytes),
            "first_per_s": speed_of_part(predicted, 0.02, 0.02 + SPAN),
            "last_per_s": speed_of_part(predicted, 0.98 - SPAN, 0.98),
            "datapre_s": split.seconds[-1], "datapre_gb": max(split.gigabytes)})
        print({name: round(value, 2) for name, value in found[-1].items()}, flush=True)
    return found, predicted


def as_markdown(rows: list[dict]) -> str:
    """Return the table."""
    lines = ["| pictures | prediction, s | memory, GB | pictures/s, first tenth | last tenth "
             "| datapre.py, s | memory, GB |", "|---|---|---|---|---|---|---|"]
    lines += ["| {pictures:,} | {prediction_s:.0f} | {prediction_gb:.2f} | {first_per_s:.0f} | "
              "{last_per_s:.0f} | {datapre_s:.0f} | {datapre_gb:.2f} |".format(**row)
              for row in rows]
    return "\n".join(lines) + "\n"


def draw_growth(rows: list[dict], seen: Watched, path: Path) -> Path:
    """Draw the memory and the speed of the longest prediction, and datapre.py by its pictures."""
    import numpy as np

    from celestial.drawing.figures import BLUE, ORANGE, plt, save

    figure, (memory, speed, split) = plt.subplots(1, 3, figsize=(14, 4.2))
    done = np.array(seen.rows)
    memory.plot(done, seen.gigabytes, color=BLUE)
    memory.set(title="Prediction: memory of all its processes, GB", ylim=(0, None),
               xlabel="Pictures done")
    edges = np.linspace(0.01, 0.99, 25)
    rates = [speed_of_part(seen, *ends) for ends in zip(edges[:-1], edges[1:], strict=True)]
    speed.plot((edges[1:] + edges[:-1]) / 2 * done[-1], rates, ".-", color=BLUE)
    speed.set(title="Prediction: pictures a second", ylim=(0, None), xlabel="Pictures done")
    counts = [row["pictures"] for row in rows]
    split.loglog(counts, [row["datapre_s"] for row in rows], "o-", color=BLUE, label="seconds")
    split.loglog(counts, [row["datapre_gb"] for row in rows], "s-", color=ORANGE, label="GB")
    split.set(title="datapre.py: time and memory", xlabel="Pictures")
    split.xaxis.set_major_formatter("{x:,.0f}")
    split.yaxis.set_major_formatter("{x:g}")
    split.legend()
    return save(figure, path)


def main() -> None:
    args = parse_args()
    console.print_header(__file__, args)
    from celestial.common.files import atomic_path
    from celestial.common.tables import write_csv

    with tempfile.TemporaryDirectory() as work:
        rows, seen = measure(args, Path(work))
    out = args.output_dir
    with atomic_path(out / "growth.md") as temporary:
        temporary.write_text(as_markdown(rows), encoding="utf-8")
    table = write_csv(out / "growth.csv", list(rows[0]), (row.values() for row in rows))
    print(as_markdown(rows))
    console.print_result({"counts": args.counts},
                         [out / "growth.md", table, draw_growth(rows, seen, out / "growth.png")])


if __name__ == "__main__":
    console.run(main)
