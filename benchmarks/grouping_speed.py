"""How long grouping takes and how much memory, by the number of pictures.

in:   nothing
out:  nothing but the table it prints

  python benchmarks/grouping_speed.py
  python benchmarks/grouping_speed.py --counts 1000 10000

`random`: fingerprints of smooth random pictures that have nothing to do with each other.
`crowded`: a thousand such pictures with noise, a hundred and more nearly equal ones of each.
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

from celestial import console  # noqa: E402  (the project's folder must be on the path first)

KINDS = ("random", "crowded")
CROWDS = 1000
SIDE = 8  # pixels of the random pictures, which are made larger smoothly


def parse_args() -> argparse.Namespace:
    parser = console.make_parser(__doc__)
    parser.add_argument("--counts", nargs="+", type=console.positive_int,
                        default=[10_000, 30_000, 100_000], metavar="N", help="pictures")
    parser.add_argument("--seed", type=console.seed_number, default=42)
    return parser.parse_args()


def drawn_fingerprints(kind: str, count: int, seed: int):
    """Return fingerprints of random pictures, uint8 (count, WIDTH)."""
    import cv2
    import numpy as np

    from celestial import duplicates

    rng = np.random.default_rng(seed)
    seeds = rng.integers(0, 256, (CROWDS if kind == "crowded" else count, SIDE, SIDE, 3), np.uint8)
    found = []
    for index in range(count):
        small = seeds[index % len(seeds)].astype(np.int16) + rng.integers(-2, 3, (SIDE, SIDE, 1))
        small = np.clip(small, 0, 255).astype(np.uint8)
        picture = cv2.resize(small, (duplicates.GREY,) * 2, interpolation=cv2.INTER_CUBIC)
        found.append(duplicates.fingerprint(picture))
    return np.array(found)


def measure(task: tuple[str, int, int]) -> tuple[str, int, float, float, float, int]:
    """Group drawn fingerprints; return kind, count, seconds, processor seconds, GB, groups."""
    from celestial.duplicates import group

    kind, count, seed = task
    data = drawn_fingerprints(kind, count, seed)
    started, worked = time.perf_counter(), time.process_time()
    groups = int(group(data).max()) + 1
    seconds, worked = time.perf_counter() - started, time.process_time() - worked
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)
    return kind, count, seconds, worked, peak, groups


def main() -> None:
    args = parse_args()
    console.print_header(__file__, args)
    tasks = [(kind, count, args.seed) for count in args.counts for kind in KINDS]
    print("| pictures | kind | seconds | processor seconds | peak memory, GB | groups |\n"
          "|---|---|---|---|---|---|")
    rows = []
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for row in pool.imap(measure, tasks, chunksize=1):
            kind, count, seconds, worked, peak, groups = row
            print(f"| {count:,} | {kind} | {seconds:.1f} | {worked:.1f} | {peak:.2f} "
                  f"| {groups:,} |", flush=True)
            rows.append({"kind": kind, "pictures": count, "seconds": round(seconds, 2),
                         "processor_seconds": round(worked, 2), "peak_gb": round(peak, 2),
                         "groups": groups})
    console.print_result({"rows": rows}, [])


if __name__ == "__main__":
    console.run(main, "the rows above are complete")
