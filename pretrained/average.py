"""The mean of two networks' weights: of one and of what it became by learning further.

in:   BEFORE and AFTER, two checkpoints of one network and the same classes; DATASET/val/<class>/*
out:  AVERAGED, a checkpoint with what AFTER tells of its training; its option weights_used names
      the sha256 of BEFORE as well; date and versions are of this run

  python pretrained/average.py round3.pth round4.pth averaged.pth --data-dir data/drawn_dataset

What a network learns further makes it forget some of what held for other pictures; between the two
lies what holds for both (Wortsman et al. 2022, "Robust Fine-Tuning of Zero-Shot Models", which
takes the middle where it cannot be chosen on pictures of the other kind).
"""

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from celestial import console  # noqa: E402  (the project's folder must be on the path first)
from celestial.console import UserError  # noqa: E402


def parse_args() -> argparse.Namespace:
    parser = console.make_parser(__doc__)
    for name in ("before", "after", "averaged"):
        parser.add_argument(name, type=Path, metavar=name.upper())
    console.add_data_option(parser)
    console.add_compute_options(parser)
    return parser.parse_args()


def average(before: dict, after: dict) -> dict:
    """Return the mean of two state dicts, computed in 32 bits; integers are those of `after`."""
    return {name: ((before[name].float() + value.float()) / 2).to(value.dtype)
            if value.is_floating_point() else value for name, value in after.items()}


def main() -> None:
    args = parse_args()
    from torch import from_numpy

    from celestial.checkpoints import Checkpoint, load_checkpoint, save_checkpoint
    from celestial.datasets import decode_split, groups_of, list_split
    from celestial.devices import pick_device
    from celestial.duplicates import fingerprint_files
    from celestial.files import sha256_of
    from celestial.fitting import fit_checkpoint

    console.print_header(__file__, args)
    before, after = load_checkpoint(args.before), load_checkpoint(args.after)
    if (before.model, before.classes) != (after.model, after.classes):
        raise UserError(f"{args.before} and {args.after} are of different networks or classes")
    kept = {name: value for name, value in vars(after).items()
            if name not in ("versions", "date")}  # which are now this run's
    manifest = args.data_dir / "manifest.csv"
    averaged = Checkpoint(**{
        **kept, "state": average(before.state, after.state), "options": {
            **after.options, "weights_used":
            f"{after.options['weights_used']}, averaged with {sha256_of(args.before)}"},
        "manifest_sha256": sha256_of(manifest) if manifest.is_file() else ""})
    val = list_split(args.data_dir, "val", averaged.classes)
    with tempfile.TemporaryDirectory() as cache:
        squares, val = decode_split(val, averaged.preprocessing, Path(cache),
                                    [sha256_of(path) for path in val.paths], args.workers)
        if not len(squares):
            raise UserError(f"val of {args.data_dir} has no readable picture to fit on")
        fitted = fit_checkpoint(averaged, args.averaged, squares, val.labels,
                                groups_of(args.data_dir, val.paths), pick_device(args.device),
                                args.batch_size)
        del squares  # or the folder could not be removed on Windows
    prints = fingerprint_files(val.paths, averaged.preprocessing, args.workers)
    save_checkpoint(args.averaged, replace(
        fitted, val_sha256=[sha256_of(path) for path in val.paths],
        val_fingerprints=from_numpy(prints)))
    console.print_result({"temperature": fitted.temperature, "reject_below": fitted.reject_below,
                          "by_views": fitted.by_views, "val": fitted.val}, [args.averaged])


if __name__ == "__main__":
    console.run(main)
