"""What the machine could do at most: decoding alone, and the network alone from memory.

Both are the project's own parts on all cores, warmed up, in one process. Pictures must be decoded
and computed, and on a CPU both take their share of the same cores; a GPU computes while they
decode.

  python benchmarks/peers/machine_limit.py FOLDER --checkpoint FILE --engine torch

prints {"decode": pictures a second, "forward": pictures a second, "limit": ..., "batch_size": N}
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from celestial.common import console  # noqa: E402  (the project's folder must be on the path first)

KEPT = 128  # squares that stay in memory for the network
TRIED, TIMED = 2, 16  # batches of each stream: to choose the batch's size, to measure


def parse_args() -> argparse.Namespace:
    parser = console.make_parser(__doc__)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="pictures")
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--engine", choices=("torch", "openvino"), default="torch")
    return parser.parse_args()


def rate_of(work: Callable[[], int]) -> float:
    """Return how many pictures a second a piece of work does; it returns how many it did."""
    started = time.perf_counter()
    done = work()
    return done / (time.perf_counter() - started)


def compute(engine, executor: Executor, squares, size: int, batches: int) -> int:
    """Send batches of one size through the network in all streams; return how many pictures."""
    import numpy as np

    engine.batch_size = size
    places = np.arange(batches * engine.streams * size).reshape(-1, size) % len(squares)
    done = executor.map(lambda rows: len(engine.outputs(squares[rows])[1]), places)
    return sum(done)


def forward_rate(engine, squares) -> tuple[float, int]:
    """Return the network's pictures a second with the best size of a batch, and that size."""
    usual = engine.batch_size
    sizes = sorted({max(1, usual // 2), usual, 2 * usual})
    with ThreadPoolExecutor(engine.streams, initializer=engine.start_stream) as executor:
        rates = {}
        for size in sizes:
            run = partial(compute, engine, executor, squares, size)
            run(TRIED)
            rates[size] = rate_of(partial(run, TRIED))
        best = max(rates, key=rates.get)
        return rate_of(partial(compute, engine, executor, squares, best, TIMED)), best


def main() -> None:
    args = parse_args()
    import numpy as np

    from celestial.common.files import walk_files
    from celestial.inference.devices import pick_device
    from celestial.inference.predictor import Predictor
    from celestial.pictures.decoder_pool import decode_all
    from celestial.pictures.preprocessing import prepare

    predictor = Predictor(args.checkpoint, pick_device("auto"), None, os.cpu_count(), args.engine)
    files = walk_files(args.folder)
    function = partial(prepare, predictor.preprocessing)

    def decode(paths: list[Path]) -> int:
        return sum(1 for _ in decode_all(function, paths, predictor.workers))

    squares = np.stack([found.square for _, found in decode_all(function, files[:KEPT],
                                                            predictor.workers)])
    decoded = rate_of(partial(decode, files))
    computed, size = forward_rate(predictor.engine, squares)
    shared = predictor.device.type == "cpu"
    limit = 1 / (1 / decoded + 1 / computed) if shared else min(decoded, computed)
    print(json.dumps({"decode": decoded, "forward": computed, "limit": limit, "batch_size": size}))


if __name__ == "__main__":
    console.run(main)
