"""What sharing costs: two processes that learn together against two that learn on their own.

in:   nothing; pictures are drawn
out:  shared_training.md, a table

  python benchmarks/shared_training.py
  python benchmarks/shared_training.py --models efficientnet_lite0 efficientnet_b3 --rounds 5

Together: torchrun with two processes of one thread each (gloo), which share batches of twice the
size. On their own: two trainings of one thread each at the same time, each on half of the
pictures. Both in turn, several rounds; the epochs of stage 2 count, but for the first.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from celestial.common import console  # noqa: E402  (the project's folder must be on the path first)

CLASSES = ("jupiter", "mars", "neptune", "saturn")
ONE_THREAD = {"OMP_NUM_THREADS": "1"}


def parse_args() -> argparse.Namespace:
    parser = console.make_parser(__doc__)
    parser.add_argument("--models", nargs="+", choices=console.MODELS, metavar="MODEL",
                        default=[console.DEFAULT_MODEL, "efficientnet_b3"])
    parser.add_argument("--image-size", type=console.image_side, default=128,
                        help="side of the network's square input, pixels")
    parser.add_argument("--per-class", type=console.positive_int, default=80,
                        help="pictures drawn of each of four classes")
    parser.add_argument("--batch-size", type=console.positive_int, default=16,
                        help="pictures of a process in a batch")
    parser.add_argument("--epochs", type=console.positive_int, default=3)
    parser.add_argument("--rounds", type=console.positive_int, default=3)
    parser.add_argument("--seed", type=console.seed_number, default=42)
    parser.add_argument("--output-dir", type=Path, default=Path("evaluation_results"),
                        metavar="FOLDER")
    return parser.parse_args()


def make_datasets(work: Path, args: argparse.Namespace) -> tuple[Path, list[Path]]:
    """Draw a dataset and divide it; return it and its halves, each with train/ and val/."""
    subprocess.run([sys.executable, str(console.ROOT / "render_samples.py"), "--classes", *CLASSES,
                    "--per-class", str(args.per_class), "--size", "256", "--output-dir",
                    str(work / "drawn"), "--seed", str(args.seed)], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    whole, halves = work / "whole", [work / "half0", work / "half1"]
    for label in CLASSES:
        for number, picture in enumerate(sorted((work / "drawn" / label).glob("*.jpg"))):
            split = "val" if number % 5 == 0 else "train"
            for dataset in (whole, halves[number // 5 % 2]):
                place = dataset / split / label
                place.mkdir(parents=True, exist_ok=True)
                shutil.copy(picture, place)
    return whole, halves


def first_weights(work: Path, model: str) -> Path:
    """Write random weights of a backbone, so that there are two stages."""
    import torch

    from celestial.models.backbones import MEMBERS
    from celestial.models.networks import Classifier

    name, = MEMBERS[model]
    torch.manual_seed(0)
    torch.save(Classifier(model, 2).backbones[name].state_dict(), work / f"{model}.pth")
    return work / f"{model}.pth"


def start(dataset: Path, out: Path, model: str, weights: Path, batch_size: int, processes: int,
          args: argparse.Namespace) -> subprocess.Popen:
    """Start a training in one process or several."""
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    options = ["--data-dir", dataset, "--output-dir", out, "--model", model, "--weights", weights,
               "--image-size", args.image_size, "--epochs", args.epochs, "--stage1-epochs", 1,
               "--stage1-views", 1, "--batch-size", batch_size, "--device", "cpu", "--fresh"]
    return subprocess.Popen(
        [sys.executable, *(launcher if processes > 1 else []),
         str(console.ROOT / "improved_training.py"), *map(str, options)],
        env={**os.environ, **ONE_THREAD}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def speed_of(dataset: Path, out: Path) -> float:
    """Return the pictures a second that a training learned from in stage 2."""
    import numpy as np

    from celestial.common.tables import read_csv

    rows = read_csv(out / "training_history.csv")
    seconds = [float(row["seconds"]) for row in rows if row["stage"] == rows[-1]["stage"]][1:]
    return len(list((dataset / "train").glob("*/*"))) / float(np.median(seconds))


def one_round(model: str, work: Path, datasets: tuple[Path, list[Path]],
              args: argparse.Namespace) -> tuple[float, float]:
    """Return the pictures a second learned together, and by both on their own."""
    whole, halves = datasets
    weights = first_weights(work, model)
    outs = [work / f"{model}_{name}" for name in ("together", "first", "second")]
    runs = [start(whole, outs[0], model, weights, 2 * args.batch_size, 2, args)]
    failed = runs[0].wait()
    runs = [start(half, out, model, weights, args.batch_size, 1, args)
            for half, out in zip(halves, outs[1:], strict=True)]
    if failed or any([run.wait() for run in runs]):
        raise console.UserError("a training failed; run improved_training.py to see why")
    return speed_of(whole, outs[0]), sum(map(speed_of, halves, outs[1:]))


def main() -> None:
    args = parse_args()
    console.print_header(__file__, args)
    import numpy as np

    from celestial.common.files import atomic_path

    lines = ["| network | together, pictures/s | on their own | ratio, median (least to most) |",
             "|---|---|---|---|"]
    ratios = {}
    with tempfile.TemporaryDirectory() as work:
        datasets = make_datasets(Path(work), args)
        for model in args.models:
            pairs = np.array([one_round(model, Path(work), datasets, args)
                              for _ in range(args.rounds)])
            ratio = pairs[:, 0] / pairs[:, 1]
            ratios[model] = round(float(np.median(ratio)), 3)
            lines.append("| {} | {:.1f} | {:.1f} | {:.2f} ({:.2f} to {:.2f}) |".format(
                model, *np.median(pairs, axis=0), np.median(ratio), ratio.min(), ratio.max()))
            print(lines[-1], flush=True)
    report = args.output_dir / "shared_training.md"
    with atomic_path(report) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
    console.print_result(ratios, [report])


if __name__ == "__main__":
    console.run(main)
