"""How long grouping and the check across splits take, and how much memory, by the pictures' number.

in:   nothing
out:  nothing but the table it prints

  python benchmarks/grouping_speed.py
  python benchmarks/grouping_speed.py --counts 1000 10000

`random`: smooth random pictures that have nothing to do with each other.
`crowded`: a thousand such pictures with noise, a hundred and more nearly equal ones of each.
`discs`: planets of one class: bands on a disc of any size and place on black.
The check compares the last 30 % of the pictures with the others, whatever their groups.
Every row is a process of its own, so that its peak memory is its own. Processor seconds are those
of all threads together; other programs on the machine make only the seconds longer.
"""

import argparse
import multiprocessing
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from celestial.common import console  # noqa: E402  (the project's folder must be on the path first)

KINDS = ("random", "crowded", "discs")
CROWDS = 1000
SIDE = 8  # pixels of the random pictures, which are made larger smoothly


def parse_args() -> argparse.Namespace:
    parser = console.make_parser(__doc__)
    parser.add_argument("--counts", nargs="+", type=console.positive_int,
                        default=[10_000, 30_000, 100_000], metavar="N", help="pictures")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=["random"], metavar="KIND",
                        help=f"any of {', '.join(KINDS)}; the two others take minutes")
    parser.add_argument("--seed", type=console.seed_number, default=42)
    return parser.parse_args()


def draw_all(kind: str, count: int, seed: int) -> tuple:
    """Return fingerprints and thumbnails of drawn pictures, see `near_copies.group`."""
    import numpy as np

    from celestial.data import copy_check, fingerprints

    rng = np.random.default_rng(seed)
    seeds = rng.integers(0, 256, (CROWDS if kind == "crowded" else count, SIDE, SIDE, 3), np.uint8)
    prints = np.empty((count, fingerprints.WIDTH), np.uint8)
    thumbnails = np.empty((count, copy_check.SIDE, copy_check.SIDE), np.uint8)
    for index in range(count):
        small = seeds[index % len(seeds)].astype(np.int16) + rng.integers(-2, 3, (SIDE, SIDE, 1))
        picture = drawn(np.clip(small, 0, 255).astype(np.uint8), kind == "discs", rng)
        prints[index] = fingerprints.fingerprint(picture)
        thumbnails[index] = copy_check.thumbnail(picture)
    return prints, thumbnails


def drawn(small, on_disc: bool, rng):
    """Return a picture, uint8 (64, 64, 3): a smooth one, or a banded disc on black."""
    import cv2
    import numpy as np

    size = 64
    if not on_disc:
        return cv2.resize(small, (size, size), interpolation=cv2.INTER_CUBIC)
    bands = cv2.resize(small[:, :1], (size, size), interpolation=cv2.INTER_CUBIC) // 4 + 150
    down, across = np.mgrid[:size, :size] - rng.uniform(0.4, 0.6, (2, 1, 1)) * size
    edge = np.clip(rng.uniform(0.15, 0.48) * size - np.hypot(down, across), 0, 1)
    return np.uint8(bands * edge[:, :, None])


def measure(task: tuple[str, int, int]) -> dict:
    """Group and check drawn pictures; return a row of the table."""
    import numpy as np

    from celestial.data.leaks import find_near_copies
    from celestial.data.near_copies import Plainness, group

    kind, count, seed = task
    data = draw_all(kind, count, seed)
    started, worked = time.perf_counter(), time.process_time()
    groups = int(group(*data).max()) + 1
    seconds, worked = time.perf_counter() - started, time.process_time() - worked
    first = count - 3 * count // 10
    checked = time.process_time()
    find_near_copies(*data, np.zeros(count, int), Plainness(data[1]), np.arange(first, count),
                     np.arange(first))
    checked = time.process_time() - checked
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)
    return {"kind": kind, "pictures": count, "seconds": round(seconds, 2),
            "processor_seconds": round(worked, 2), "check_processor_seconds": round(checked, 2),
            "peak_gb": round(peak, 2), "groups": groups}


def main() -> None:
    args = parse_args()
    console.print_header(__file__, args)
    tasks = [(kind, count, args.seed) for count in args.counts for kind in args.kinds]
    print("| pictures | kind | seconds | processor seconds | of the check | peak memory, GB "
          "| groups |\n|---|---|---|---|---|---|---|")
    rows = []
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for row in pool.imap(measure, tasks, chunksize=1):
            print("| {pictures:,} | {kind} | {seconds:.1f} | {processor_seconds:.1f} | "
                  "{check_processor_seconds:.1f} | {peak_gb:.2f} | {groups:,} |".format(**row),
                  flush=True)
            rows.append(row)
    console.print_result({"rows": rows}, [])


if __name__ == "__main__":
    console.run(main, "the rows above are complete")
