"""How much of a device's arithmetic the networks use, predicting and learning.

in:   nothing; pictures are drawn at random
out:  arithmetic.md, a table

  python benchmarks/arithmetic.py
  python benchmarks/arithmetic.py --device cuda --image-size 224

The peak is what the largest of a few matrix products reaches on this device in the type the
network computes in, measured in the same run, not what a data sheet promises. A product of two
numbers and their sum are two operations; torch's own counter counts those of a forward pass, and
learning is taken for three times as many (of a backward pass it miscounts grouped convolutions).
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from celestial.common import console  # noqa: E402  (the project's folder must be on the path first)

SIDES = {"cpu": (1024, 2048), "cuda": (4096, 8192)}  # of the square matrices
LEARNING_BATCH = {"cpu": 16, "cuda": 256}


def parse_args() -> argparse.Namespace:
    parser = console.make_parser(__doc__)
    parser.add_argument("--models", nargs="+", choices=console.MODELS, metavar="MODEL",
                        default=[console.DEFAULT_MODEL, "efficientnet_b3", "resnet50"])
    parser.add_argument("--image-size", type=console.image_side, default=128,
                        help="side of the network's square input, pixels")
    parser.add_argument("--rounds", type=console.positive_int, default=5)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda")
    parser.add_argument("--output-dir", type=Path, default=Path("evaluation_results"),
                        metavar="FOLDER")
    return parser.parse_args()


def seconds_of(work: Callable[[], object], device, rounds: int) -> float:
    """Return the shortest time of a piece of work; the first one warms up and does not count."""
    import torch

    def timed() -> float:
        started = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return time.perf_counter() - started

    timed()
    return min(timed() for _ in range(rounds))


def peak_of(device, dtype, rounds: int) -> float:
    """Return the operations a second that matrix products reach."""
    import torch

    best = 0.0
    for side in SIDES.get(device.type, SIDES["cuda"]):
        left, right = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
        best = max(best, 2 * side**3 / seconds_of(lambda: left @ right, device, rounds))  # noqa: B023
    return best


def predicting(model, preprocessing, device, rounds: int) -> tuple[float, float]:
    """Return pictures a second and operations a second of all streams together."""
    from concurrent.futures import ThreadPoolExecutor

    import numpy as np
    from torch.utils.flop_counter import FlopCounterMode

    from celestial.inference.engines import TorchEngine

    engine = TorchEngine(model, preprocessing, device)
    squares = np.random.default_rng(0).integers(
        0, 256, (engine.batch_size, 3, preprocessing.size, preprocessing.size), np.uint8)
    with FlopCounterMode(display=False) as counter:
        engine.outputs(squares[:1])
    with ThreadPoolExecutor(engine.streams, initializer=engine.start_stream) as executor:
        batches = 4 * engine.streams
        speed = batches * engine.batch_size / seconds_of(
            lambda: list(executor.map(engine.outputs, [squares] * batches)), device, rounds)
    return speed, speed * counter.get_total_flops()


def learning(model, size: int, device, rounds: int) -> tuple[float, float]:
    """Return pictures a second and operations a second where the whole network learns."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from celestial.inference.devices import autocast

    count = LEARNING_BATCH.get(device.type, LEARNING_BATCH["cuda"])
    model = model.train().to(device, memory_format=torch.channels_last)
    pictures = torch.randn(count, 3, size, size, device=device).to(
        memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters())

    def step() -> None:
        with autocast(device):
            logits = model(pictures)
        logits.float().logsumexp(dim=1).mean().backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(pictures)
    speed = count / seconds_of(step, device, rounds)
    return speed, speed * 3 * counter.get_total_flops() / count


def main() -> None:
    args = parse_args()
    import torch

    from celestial.common.files import atomic_path
    from celestial.inference.devices import (
        describe,
        inference_precision,
        mixed_precision,
        pick_device,
    )
    from celestial.models.networks import Classifier
    from celestial.pictures.preprocessing import Preprocessing

    device = pick_device(args.device)
    console.print_header(__file__, args, describe(device))
    lines = ["| network | work | type | pictures/s | GFLOP/s | proportion of the peak |",
             "|---|---|---|---|---|---|"]
    figures = {}
    for name in args.models:
        for work, precision in (("predicting", inference_precision), ("learning",
                                                                      mixed_precision)):
            dtype = precision(device) or torch.float32
            peak = peak_of(device, dtype, args.rounds)
            model = Classifier(name, 10).eval()
            speed, operations = (
                predicting(model, Preprocessing(args.image_size), device, args.rounds)
                if work == "predicting" else learning(model, args.image_size, device, args.rounds))
            figures[f"{name} {work}"] = round(operations / peak, 3)
            lines.append(f"| {name} | {work} | {str(dtype).removeprefix('torch.')} | {speed:.0f} | "
                         f"{operations / 1e9:.0f} | {operations / peak:.1%} of "
                         f"{peak / 1e12:.2f} TFLOP/s |")
            print(lines[-1], flush=True)
    report = args.output_dir / "arithmetic.md"
    with atomic_path(report) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
    console.print_result(figures, [report])


if __name__ == "__main__":
    console.run(main)
