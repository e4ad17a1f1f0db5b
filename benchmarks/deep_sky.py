"""Galaxies, nebulae and star clusters: a plain CNN from scratch, and given weights.

in:   FOLDER/<class>/*, real photographs; --groups: which of them show one object
out:  deep_sky.md (a table), deep_sky.json, and each run's folder below runs/

  python benchmarks/deep_sky.py ~/deep_sky --groups objects.csv
  python benchmarks/deep_sky.py ~/deep_sky --groups objects.csv --runs two --seeds 1

Each seed splits the pictures anew, all of an object in one split, and trains anew. The two-class
runs learn from 236 galaxies and 228 nebulae (train and val together), as the known project did,
and are tested on all others. The epoch is chosen on val, nothing on test. The weights that ship are
no start here, for they may have learned from these photographs; --weights may name some that have
learned from drawings alone.
"""

import argparse
import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from celestial.common import console  # noqa: E402  (the project's folder must be on the path first)
from celestial.common.console import UserError  # noqa: E402

LEARNED = {"galaxy": 236, "nebula": 228}  # the known project's pictures
VAL = 0.15  # proportion of them
FINE_TUNING = ("--model", "efficientnet_lite0", "--stage1-epochs", 10, "--batch-size", 32,
               "--learning-rate", 4e-3, "--epochs", 30, "--patience", 30)
# run: what it is, how many of each class are learned from (None: 70/15/15), options of training
RUNS = {
    "cnn": ("plain CNN from scratch, galaxy against nebula", LEARNED,
            ("--model", "cnn", "--epochs", 100, "--patience", 100, "--batch-size", 32)),
    "two": ("from given weights, galaxy against nebula", LEARNED, FINE_TUNING),
    "three": ("from given weights, all three classes", None, FINE_TUNING),
}


def parse_args() -> argparse.Namespace:
    parser = console.make_parser(__doc__)
    parser.add_argument("folder", type=Path, metavar="FOLDER",
                        help=f"one folder a class: {', '.join(LEARNED)} and any others")
    parser.add_argument("--groups", type=Path, required=True, metavar="FILE",
                        help="as datapre.py takes it: columns source and object")
    parser.add_argument("--runs", nargs="+", choices=RUNS, default=list(RUNS), metavar="RUN",
                        help=f"of {', '.join(RUNS)}")
    parser.add_argument("--weights", default="imagenet", metavar="imagenet|FILE",
                        help="that the runs but the plain CNN's start from")
    parser.add_argument("--seeds", type=console.positive_int, default=5, help="how many")
    parser.add_argument("--output-dir", type=Path, default=Path("evaluation_results/deep_sky"),
                        metavar="FOLDER", help="what is there already is not run again")
    return parser.parse_args()


def run(script: str, out: Path, *options: object) -> None:
    """Run a script of the project with its log in `out`.

    Raises:
        UserError: it failed.
    """
    out.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, str(console.ROOT / script), *map(str, options)]
    log = out / f"{Path(script).stem}.log"
    with log.open("w") as file:
        if subprocess.run(command, stdout=file, stderr=subprocess.STDOUT).returncode:
            raise UserError(f"{script} failed; see {log}")


def deal_out(rows: list[dict], learned: dict[str, int], seed: int) -> dict[str, list[dict]]:
    """Split whole groups: as many pictures as asked for are learned from, the others are tested.

    Args:
        rows: of a manifest, of some classes.
        learned: class -> pictures of train and val together, at most.
        seed: another one draws another split.
    """
    import numpy as np

    groups = defaultdict(list)
    for row in rows:
        groups[row["group"]].append(row)
    names = sorted(groups)
    counts = {"train": Counter(), "val": Counter()}
    rooms = {"val": {name: round(VAL * most) for name, most in learned.items()},
             "train": {name: most - round(VAL * most) for name, most in learned.items()}}
    splits = {"train": [], "val": [], "test": []}
    for index in np.random.default_rng(seed).permutation(len(names)):
        group = groups[names[index]]
        own = Counter(row["class"] for row in group)
        split = next((split for split in ("val", "train") if all(
            counts[split][name] + count <= rooms[split][name] for name, count in own.items())),
            "test")
        if split != "test":
            counts[split] += own
        splits[split] += group
    return splits


def make_dataset(run_name: str, seed: int, args: argparse.Namespace) -> Path:
    """Write a run's dataset for a seed; return its folder."""
    from celestial.common.tables import read_csv

    whole = args.output_dir / "runs" / f"dataset_{seed}"
    if not (whole / "dataset/manifest.csv").exists():
        run("datapre.py", whole, "--input-dir", args.folder, "--groups", args.groups, "--seed",
            seed, "--output-dir", whole / "dataset", "--copy")
    learned = RUNS[run_name][1]
    if learned is None:
        return whole / "dataset"
    place = args.output_dir / "runs" / f"two_classes_{seed}"
    rows = [row for row in read_csv(whole / "dataset/manifest.csv") if row["class"] in learned]
    for split, own in deal_out(rows, learned, seed).items():
        for row in own:
            target = place / split / row["class"] / Path(row["path"]).name
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists():
                os.link(whole / "dataset" / row["path"], target)
    return place


def name_of_start(args: argparse.Namespace) -> str:
    """Return a name of the weights to start from: other weights are other runs.

    Raises:
        UserError: they are those that ship, or no file.
    """
    from celestial.common.files import sha256_of

    if args.weights == "imagenet":
        return args.weights
    file = Path(args.weights)
    if not file.is_file():
        raise UserError(f"--weights {file} is no file; say imagenet or name one that is there",
                        status=2)
    if sha256_of(file) == sha256_of(console.SHIPPED):
        raise UserError("the weights that ship may have learned from these photographs; name "
                        "others, or imagenet, with --weights", status=2)
    return sha256_of(file)[:8]


def measure(run_name: str, seed: int, start: str, args: argparse.Namespace) -> dict:
    """Train and evaluate once; return what evaluate_model.py found."""
    out, weights = args.output_dir / "runs" / f"{run_name}_{seed}", ()
    if run_name != "cnn":
        out, weights = out.with_name(f"{out.name}_from_{start}"), ("--weights", args.weights)
    found = out / "evaluation/metrics.json"
    if not found.exists():
        data = make_dataset(run_name, seed, args)
        run("improved_training.py", out, "--data-dir", data, "--output-dir", out / "model",
            "--seed", seed, *weights, *RUNS[run_name][2])
        checkpoint = out / "model" / console.FINAL_CHECKPOINT.name
        run("evaluate_model.py", out, "--data-dir", data, "--checkpoint", checkpoint,
            "--output-dir", out / "evaluation")
        if seed == 0:  # has it learned the content, or the sources' looks?
            run("blind_test_validation.py", out, "--data-dir", data, "--checkpoint", checkpoint,
                "--output-dir", out / "blind")
    return json.loads(found.read_text(encoding="utf-8"))


def as_markdown(found: dict[str, list[dict]]) -> str:
    """Return the table: a row a run, figures as mean (least to most) over the seeds."""
    import numpy as np

    lines = ["| what | test pictures | balanced accuracy, mean (least to most) | spread (standard "
             "deviation) | balanced accuracy of each seed |", "|---|---|---|---|---|"]
    for name, seeds in found.items():
        values = np.array([one["balanced_accuracy"]["value"] for one in seeds])
        spread = f"{values.std(ddof=1):.3f}" if len(values) > 1 else "one seed"
        counts = sorted({one["pictures"] for one in seeds})
        lines.append(
            f"| {RUNS[name][0]} | {counts[0]} to {counts[-1]} | {values.mean():.3f} "
            f"({values.min():.3f} to {values.max():.3f}) | {spread} | "
            f"{', '.join(f'{value:.3f}' for value in values)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    args = parse_args()
    console.print_header(__file__, args)
    from celestial.common.files import atomic_path, write_json

    args.output_dir = args.output_dir.resolve()
    start = name_of_start(args)
    found = {}
    for name in args.runs:
        for seed in range(args.seeds):
            found.setdefault(name, []).append(measure(name, seed, start, args))
            print(f"{name}, seed {seed}: balanced accuracy "
                  f"{found[name][-1]['balanced_accuracy']['value']:.3f}", flush=True)
    table = as_markdown(found)
    with atomic_path(args.output_dir / "deep_sky.md") as temporary:
        temporary.write_text(table, encoding="utf-8")
    print(f"\n{table}")
    console.print_result(
        {name: [one["balanced_accuracy"] for one in seeds] for name, seeds in found.items()},
        [args.output_dir / "deep_sky.md",
         write_json(args.output_dir / "deep_sky.json", found)])


if __name__ == "__main__":
    console.run(main)
