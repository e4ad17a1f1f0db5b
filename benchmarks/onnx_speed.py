"""How fast the ONNX file is against torch's engine, side by side on the same squares.

in:   nothing; squares are drawn at random. --int8: a file that export_model.py --quantise wrote
out:  onnx_speed.md, a table

  python export_model.py
  python benchmarks/onnx_speed.py --onnx exported/model.onnx
  python benchmarks/onnx_speed.py --onnx exported/model.onnx --int8 exported/model_int8.onnx

Each round computes the same squares with each engine in turn, in all streams. The median of the
rounds' ratios counts; whatever else runs on the machine makes their spread wide.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from celestial.common import console  # noqa: E402  (the project's folder must be on the path first)


def parse_args() -> argparse.Namespace:
    parser = console.make_parser(__doc__)
    console.add_checkpoint_option(parser.add_argument_group("models"))
    parser.add_argument("--onnx", type=Path, default=Path("exported/model.onnx"), metavar="FILE",
                        help="of the same checkpoint")
    parser.add_argument("--int8", type=Path, default=None, metavar="FILE")
    parser.add_argument("--squares", type=console.positive_int, default=480,
                        help="computed in a round")
    parser.add_argument("--rounds", type=console.positive_int, default=7)
    parser.add_argument("--output-dir", type=Path, default=Path("evaluation_results"),
                        metavar="FOLDER")
    console.add_compute_options(parser)
    return parser.parse_args()


def seconds_of(predictor, squares) -> float:
    """Return how long a predictor takes for squares, uint8 (N, 3, size, size)."""
    start = time.perf_counter()
    for _ in predictor.predict_squares(squares):
        pass
    return time.perf_counter() - start


def measure(predictors: dict, squares, rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each predictor in each round, in turn; the first warms up."""
    seconds = {name: [] for name in predictors}
    for number in range(rounds + 1):
        for name, predictor in predictors.items():
            taken = seconds_of(predictor, squares)
            if number:
                seconds[name].append(taken)
        if number:
            print(f"round {number}: " + ", ".join(
                f"{name} {own[-1]:.2f} s" for name, own in seconds.items()), flush=True)
    return seconds


def main() -> None:
    args = parse_args()
    import numpy as np

    from celestial.common.files import atomic_path
    from celestial.inference.predictor import Predictor, start_predictor

    torch_engine = start_predictor(__file__, args)
    predictors = {"torch": torch_engine, **{
        name: Predictor(path, None, args.batch_size, args.workers, console.ONNX)
        for name, path in (("onnx", args.onnx), ("int8", args.int8)) if path is not None}}
    side = torch_engine.preprocessing.size
    squares = np.random.default_rng(0).integers(0, 256, (args.squares, 3, side, side), np.uint8)
    seconds = measure(predictors, squares, args.rounds)

    rows, figures = [], {}
    for name, own in seconds.items():
        ratios = [base / taken for base, taken in zip(seconds["torch"], own, strict=True)]
        rate = args.squares / statistics.median(own)
        figures[name] = {"squares_a_second": round(rate, 1),
                         "times_as_fast": round(statistics.median(ratios), 3)}
        rows.append(f"| {name} | {rate:.1f} | {statistics.median(ratios):.2f} "
                    f"({min(ratios):.2f} to {max(ratios):.2f}) |")
    path = args.output_dir / "onnx_speed.md"
    with atomic_path(path) as temporary:
        temporary.write_text("\n".join([
            f"Squares of {side} pixels, {args.rounds} rounds of {args.squares}.\n",
            "| engine | squares a second | times as fast as torch, median (least to most) |",
            "|---|---|---|", *rows, ""]), encoding="utf-8")
    print(path.read_text(encoding="utf-8"))
    console.print_result(figures, [path])


if __name__ == "__main__":
    console.run(main)
