"""How much faster the two stages are than the usual training script (benchmarks/peers).

in:   nothing; pictures are drawn. Or --data-dir: a folder with train/ and val/ class folders
out:  training_speed.md (a table), training_speed.csv (every time that was taken)

  python benchmarks/training_speed.py
  python benchmarks/training_speed.py --data-dir data/celestial_dataset --image-size 299

Both scripts run in turn, several rounds, on the same pictures and first weights (random ones, which
cost the same time). The usual one decodes every file and runs it through the whole network in every
epoch. Ours decodes once, and computes the features that stage 1 learns from once; both count.

Stage 1 of 20 and 100 epochs is not run but added up from measured parts. The usual epochs all cost
the same, so few are run, and the first, a warm-up, is left out. Ours are the time until the first
epoch began (decoding and features, and the start of TensorBoard), and the mean of the later epochs.
Of stage 2 the median epoch counts, again without the first. An epoch is train and val; ours also
holds the writing of state and log, between one printed line and the next.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

# The project's folder must be on the path first.
from shared_training import first_weights  # noqa: E402

from celestial.common import console  # noqa: E402

USUAL = Path(__file__).resolve().parent / "peers" / "usual_training.py"
SPANS = (20, 100)  # epochs of stage 1: our default, and what is usual
VAL_OF = 3, 17  # of so many drawn pictures go to val: 15 of 85
PARTS = ["decoding", "features", "stage 1 epoch", *(f"stage 1, {n} epochs" for n in SPANS),
         "stage 2 epoch"]


def parse_args() -> argparse.Namespace:
    parser = console.make_parser(__doc__)
    networks = [name for name in console.MODELS if name != "ensemble"]
    parser.add_argument("--models", nargs="+", choices=networks, metavar="MODEL",
                        default=["efficientnet_b3"])
    parser.add_argument("--image-size", type=console.image_side, default=224,
                        help="side of the network's square input, pixels")
    parser.add_argument("--data-dir", type=Path, default=None, metavar="FOLDER",
                        help="folder with train/ and val/ class folders; None: pictures are drawn")
    parser.add_argument("--per-class", type=console.positive_int, default=85,
                        help="pictures drawn of each of seven classes, 15 of 85 for val")
    parser.add_argument("--size", type=console.picture_side, default=640,
                        help="longer side of a drawn picture, pixels")
    parser.add_argument("--usual-epochs", type=console.positive_int, default=2,
                        help="of the usual stage 1, the first of them a warm-up")
    parser.add_argument("--epochs", type=console.positive_int, default=3,
                        help="of stage 2 of both, the first of them a warm-up")
    parser.add_argument("--rounds", type=console.positive_int, default=3)
    parser.add_argument("--device", default="auto",
                        help="auto (CUDA when there is one), cpu, cuda")
    parser.add_argument("--seed", type=console.seed_number, default=42)
    parser.add_argument("--output-dir", type=Path, default=Path("evaluation_results"),
                        metavar="FOLDER")
    args = parser.parse_args()
    if min(args.usual_epochs, args.epochs) < 2:
        parser.error("the first epoch is a warm-up, so --usual-epochs and --epochs begin at 2")
    return args


def draw_dataset(work: Path, args: argparse.Namespace) -> Path:
    """Draw pictures and deal them out to train/ and val/ class folders."""
    subprocess.run([sys.executable, str(console.ROOT / "render_samples.py"), "--per-class",
                    str(args.per_class), "--size", str(args.size), "--output-dir",
                    str(work / "drawn"), "--seed", str(args.seed)], check=True,
                   stdout=subprocess.DEVNULL)
    for folder in (work / "drawn").iterdir():
        for number, picture in enumerate(sorted(folder.glob("*.jpg"))):
            split = "val" if number % VAL_OF[1] < VAL_OF[0] else "train"
            place = work / "dataset" / split / folder.name
            place.mkdir(parents=True, exist_ok=True)
            shutil.move(picture, place)
    return work / "dataset"


def timed_lines(script: Path, *options: object) -> list[tuple[float, str]]:
    """Run a script to its end; return the lines it printed, each with the second it came at."""
    command = [sys.executable, str(script), *map(str, options)]
    # Without a buffer, or lines would come late and several at once.
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                          env={**os.environ, "PYTHONUNBUFFERED": "1"}) as process:
        try:
            lines = [(time.perf_counter(), line.rstrip()) for line in process.stdout]
        except BaseException:
            process.kill()  # or it would go on after Ctrl-C
            raise
    if process.returncode:
        raise console.UserError(f"a training failed; to see why, run {' '.join(command)}")
    return lines


def usual_times(model: str, data: Path, weights: Path, device: str,
                args: argparse.Namespace) -> dict[str, list[float]]:
    """Run the usual script; return the seconds of the epochs of each stage."""
    from celestial.models.backbones import BACKBONES

    lines = timed_lines(USUAL, data, "--model", model, "--weights", weights, "--image-size",
                        args.image_size, "--stage1-epochs", args.usual_epochs, "--epochs",
                        args.epochs, "--device", device, "--unfreeze",
                        *BACKBONES[model].last_blocks)
    seconds = json.loads(lines[-1][1])
    return {"stage 1 epoch": seconds["stage1"], "stage 2 epoch": seconds["stage2"]}


def our_times(model: str, data: Path, weights: Path, out: Path, device: str,
              args: argparse.Namespace) -> dict[str, list[float]]:
    """Run improved_training.py in a new folder; return the seconds of its parts and epochs."""
    from celestial.common.tables import read_csv
    from celestial.training.stages import HEAD

    lines = timed_lines(console.ROOT / "improved_training.py", "--data-dir", data, "--output-dir",
                        out, "--model", model, "--weights", weights, "--image-size",
                        args.image_size, "--epochs", args.epochs, "--stage1-epochs", SPANS[0],
                        "--patience", max(SPANS[0], args.epochs), "--device", device)
    came = {start: next(second for second, line in lines if line.startswith(start))
            for start in ("options:", "train:", "weights:")}
    ends = [second for second, line in lines if line.startswith("epoch ")]
    rows = read_csv(out / "training_history.csv")
    own = [float(row["seconds"]) for row in rows]
    whole = [own[0], *(after - before for before, after in zip(ends, ends[1:], strict=False))]
    first = [row["stage"] for row in rows].count(HEAD)
    return {"decoding": [came["train:"] - came["options:"]],
            "features": [ends[0] - own[0] - came["weights:"]],
            "stage 1 epoch": whole[:first], "stage 2 epoch": whole[first:],
            "stage 1 epoch in the history": own[:first],
            "stage 2 epoch in the history": own[first:]}


def summary(times: dict[str, list[float]]) -> list[float]:
    """Return the seconds of each of `PARTS`; what a script does not do takes none."""
    import numpy as np

    once = [times.get(part, [0.0])[0] for part in ("decoding", "features")]
    # The mean, as the state is written after some epochs only.
    head = float(np.mean(times["stage 1 epoch"][1:]))
    return [*once, head, *(sum(once) + epochs * head for epochs in SPANS),
            float(np.median(times["stage 2 epoch"][1:]))]


def one_round(model: str, data: Path, work: Path, device: str,
              args: argparse.Namespace) -> dict[str, dict[str, list[float]]]:
    """Run both scripts, one after the other."""
    weights = first_weights(work, model)
    with tempfile.TemporaryDirectory(dir=work) as out:
        return {"usual": usual_times(model, data, weights, device, args),
                "ours": our_times(model, data, weights, Path(out), device, args)}


def as_markdown(model: str, rounds: list[dict], args: argparse.Namespace) -> tuple[str, dict]:
    """Return the table of a network, and the median ratio of each part that both scripts have."""
    import numpy as np

    usual, ours = (np.array([summary(times[script]) for times in rounds])
                   for script in ("usual", "ours"))
    lines = [f"{model}, {args.image_size} pixels; stage 1 of {' and '.join(map(str, SPANS))} epochs"
             " is added up from measured parts", "",
             "| | usual, s | ours, s | times faster, median (least to most) |", "|---|---|---|---|"]
    ratios = {}
    for part, theirs, own in zip(PARTS, usual.T, ours.T, strict=True):
        if part in ("decoding", "features"):
            lines.append(f"| {part}, once | in every epoch | {np.median(own):.2f} | |")
            continue
        ratio = theirs / own
        ratios[part] = round(float(np.median(ratio)), 2)
        lines.append(f"| {part} | {np.median(theirs):.2f} | {np.median(own):.3f} "
                     f"| {np.median(ratio):.2f} ({ratio.min():.2f} to {ratio.max():.2f}) |")
    return "\n".join(lines) + "\n", ratios


def raw_rows(model: str, rounds: list[dict]) -> list[tuple]:
    """Return a row of the CSV for every time that was taken."""
    return [(model, number, script, part, index, f"{seconds:.4f}")
            for number, times in enumerate(rounds, start=1) for script, parts in times.items()
            for part, values in parts.items() for index, seconds in enumerate(values, start=1)]


def main() -> None:
    args = parse_args()
    from celestial.common.files import atomic_path
    from celestial.common.tables import write_csv
    from celestial.inference.devices import describe, pick_device

    device = pick_device(args.device)
    console.print_header(__file__, args, describe(device))
    tables, rows, ratios = [], [], {}
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        data = args.data_dir or draw_dataset(work, args)
        counts = [len(list((data / split).glob("*/*"))) for split in ("train", "val")]
        print("{} pictures of train, {} of val".format(*counts), flush=True)
        for model in args.models:
            rounds = []
            for number in range(1, args.rounds + 1):
                rounds.append(one_round(model, data, work, str(device), args))
                seconds = {script: [round(value, 2) for value in summary(times)]
                           for script, times in rounds[-1].items()}
                print(f"{model} round {number}: {seconds}", flush=True)
            table, ratios[model] = as_markdown(model, rounds, args)
            tables.append(table)
            rows += raw_rows(model, rounds)
    report = args.output_dir / "training_speed.md"
    with atomic_path(report) as temporary:
        temporary.write_text("\n".join(tables), encoding="utf-8")
    raw = write_csv(args.output_dir / "training_speed.csv",
                    ["network", "round", "script", "part", "number", "seconds"], rows)
    print("\n" + "\n".join(tables))
    console.print_result({"pictures": counts, "times_faster": ratios}, [report, raw])


if __name__ == "__main__":
    console.run(main)
