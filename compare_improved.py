"""Step 8: is the model that learned from corrections better than the one it went on from?

in:   improved/celestial_dataset/test/<class>/*    what datapre.py made of data/input and
      corrections
      the improved checkpoint, and the present one
out:  improved/comparison/
      comparison.json, comparison.csv (a row a test picture: what both models say of it)

  python compare_improved.py --corrections collected
  python compare_improved.py --corrections collected --checkpoint model_checkpoints/a.pth

`make improve FOLDER=collected` runs this after the steps that lead to it (docs/improving.md). The
models are compared on test pictures of the classes that both know, none of which is a correction or
resembles what a model has learned from. Corrections and new classes are measured apart. Nothing is
replaced: the script prints the command that does it.
"""

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from celestial.common import console

if TYPE_CHECKING:
    import numpy as np

    from celestial.data.datasets import SplitFiles
    from celestial.evaluation.answers import Answers
    from celestial.evaluation.evaluated import Evaluated
    from celestial.evaluation.improvement import Measured
    from celestial.inference.predictor import Predictor

HOME = Path("improved")  # where `make improve` writes
PREVIOUS = console.FINAL_CHECKPOINT.with_name("celestial_classification_previous_model.pth")


def parse_args() -> argparse.Namespace:
    parser = console.make_parser(__doc__)
    group = parser.add_argument_group("folders")
    group.add_argument("--corrections", type=Path, required=True, metavar="FOLDER",
                       help="where corrections were collected, one folder a class")
    group.add_argument("--data-dir", type=Path, default=HOME / console.DATASET.name,
                       metavar="FOLDER", help="the dataset that the improved model learned from")
    group.add_argument("--improved", type=Path, default=HOME / console.FINAL_CHECKPOINT,
                       metavar="FILE", help="the improved model")
    console.add_checkpoint_option(group)
    group.add_argument("--output-dir", type=Path, default=HOME / "comparison", metavar="FOLDER",
                       help="where the tables go")
    group.add_argument("--seed", type=console.seed_number, default=42, help="of the intervals")
    console.add_compute_options(parser)
    return parser.parse_args()


def start_both(args: argparse.Namespace) -> tuple["Predictor", "Predictor"]:
    """Print the run header and load the improved model and the present one."""
    from celestial.inference.devices import describe, pick_device
    from celestial.inference.predictor import Predictor
    from celestial.models.checkpoints import find_checkpoint

    device = pick_device(args.device)
    console.print_header(__file__, args, describe(device))
    paths = args.improved, find_checkpoint(args.checkpoint)
    if paths[0].resolve() == paths[1].resolve():
        raise console.UserError(f"--improved and --checkpoint are both {paths[0]}; name the model "
                                "that it went on from with --checkpoint", status=2)
    improved, present = (Predictor(path, device, args.batch_size, args.workers) for path in paths)
    return improved, present


def find_parts(files: "SplitFiles", found: "Evaluated", predictors: list["Predictor"],
               new: list[str], args: argparse.Namespace) -> "np.ndarray":
    """Return the part of each readable test picture; print what is known of their likeness."""
    from celestial.evaluation import improvement, seen_in_training

    exact = seen_in_training.find_exact(files.paths, predictors, allowed=True)
    overlaps = seen_in_training.find_overlaps(
        found.paths, [None if own is None else own[found.places] for own in exact], predictors)
    for predictor, overlap in zip(predictors, overlaps, strict=True):
        print(seen_in_training.describe(overlap, predictor.path))
    corrected = improvement.are_corrections(args.data_dir, found.paths, args.corrections)
    return improvement.parts_of(found.truth, corrected, seen_in_training.far_from_all(overlaps),
                                new)


def print_part(title: str, part: "Measured | None") -> None:
    """Print what both models say of one part of the test pictures."""
    from celestial.evaluation import metrics

    if part is None:
        print(f"\n{title}: none held out for the test")
        return
    print(f"\n{title}: {part.pictures} pictures")
    for name, accuracy, unknown in (("improved", part.improved, part.improved_unknown),
                                    ("present", part.present, part.present_unknown)):
        print(f"  {name} model: accuracy {metrics.as_text(accuracy)}, {unknown} called unknown")


def write_tables(out: Path, content: dict, parts: "np.ndarray", found: "Evaluated",
                 present: "Answers", data_dir: Path) -> list[Path]:
    """Write comparison.json and comparison.csv; return both."""
    from celestial.common.file_names import display_name
    from celestial.common.files import write_json
    from celestial.common.tables import write_csv

    classes, both = found.predictor.classes, (found.answers, present)
    columns = ["path", "true", "part"]
    rows = [[display_name(path.relative_to(data_dir)), true, part]
            for path, true, part in zip(found.paths, found.truth, parts, strict=True)]
    for name, answers in zip(("improved", "present"), both, strict=True):
        columns += [name, f"{name}_probability", f"{name}_status"]
        for row, probs, accepted in zip(rows, answers.probs, answers.accepted, strict=True):
            row += [classes[probs.argmax()], f"{probs.max():.6f}", "ok" if accepted else "unknown"]
    return [write_csv(out / "comparison.csv", columns, rows),
            write_json(out / "comparison.json", content)]


def print_commands(improved: Path) -> None:
    """Print how to try the improved model, and how to use it from now on."""
    final = console.FINAL_CHECKPOINT
    keep = (f"cp {final} {PREVIOUS}" if final.is_file() else f"mkdir -p {final.parent}")
    name = shlex.quote(str(improved))
    print(f"To try it: python predict_my_images.py --checkpoint {name}\n"
          f"To use it from now on: {keep} && cp {name} {final}")


def main() -> None:
    args = parse_args()
    # Heavy imports wait until the options are read: --help answers at once.
    from dataclasses import asdict

    from celestial.data.datasets import list_split
    from celestial.evaluation import comparison, improvement
    from celestial.evaluation.evaluated import evaluate

    # What do both models say of the test pictures?
    improved, present = start_both(args)
    new = improvement.new_classes(improved, present)
    files = list_split(args.data_dir, "test", improved.classes)
    found = evaluate(improved, "improved", files, args.data_dir / "test")
    answers = found.answers
    others = comparison.ask(present, "present", found.paths, found.truth, improved.classes,
                            answers.groups)
    parts = find_parts(files, found, [improved, present], new, args)

    # Each part by itself; the old classes alone decide.
    old, corrected = (improvement.measure_part(answers, others, parts == part, args.seed)
                      for part in (improvement.OLD, improvement.CORRECTED))
    left_out = int((parts == improvement.SEEN).sum())
    print_part(f"old classes without corrections ({left_out} more are left out: a model has learned"
               " from them or what they resemble)", old)
    print_part("corrections of old classes", corrected)
    of_new = {}
    for name in new:
        column = improved.classes.index(name)
        of_new[name] = improvement.measure_part(answers, others, (parts == improvement.NEW)
                                                & (answers.labels == column), args.seed)
        print_part(f"new class {name}", of_new[name])
        print(f"  {improvement.taken_for(answers, parts == improvement.OLD, [column])} of the "
              f"{old.pictures} pictures of old classes are taken for {name}")

    sentence = improvement.in_words(old)
    print(f"\n{sentence}")
    print_commands(improved.path)
    content = {"verdict": improvement.verdict_of(old.difference), "in_words": sentence,
               "improved": str(improved.path), "present": str(present.path),
               "left_out": left_out, "old_classes": asdict(old),
               "corrections": corrected and asdict(corrected),
               "new_classes": {name: part and asdict(part) for name, part in of_new.items()}}
    written = write_tables(args.output_dir, content, parts, found, others, args.data_dir)
    console.print_result(content, written)


if __name__ == "__main__":
    console.run(main)
