"""Step 5: has the model learned the content of the pictures, or their names?

in:   data/celestial_dataset/test/<class>/*, the checkpoint
out:  blind_test/ (the pictures under random names, without metadata)
      blind_test_mapping_<time>.json (the key), blind_test_predictions.csv, blind_test_report.json

  python blind_test_validation.py
  python blind_test_validation.py --output-dir blind_run_2 --seed 7

The model sees the blind folder alone; its answers are scored with the key afterwards and compared
with its answers under the real names.
"""

import argparse
from pathlib import Path

from celestial import console
from celestial.console import UserError

SAME = 1e-6  # probability; equal pixels give equal answers


def parse_args() -> argparse.Namespace:
    parser = console.make_parser(__doc__)
    group = parser.add_argument_group("folders")
    console.add_data_option(group)
    console.add_checkpoint_option(group)
    group.add_argument("--output-dir", type=Path, default=Path(), metavar="FOLDER",
                       help="where blind_test/, the mapping and the report go")
    group.add_argument("--seed", type=console.seed_number, default=42,
                       help="of the random names and the intervals")
    console.add_compute_options(parser, batch_size=32)
    return parser.parse_args()


def compare(blind: list, named: list) -> tuple[int, float]:
    """Return how many classes differ between two predictions, and the largest difference."""
    import numpy as np

    changed = sum(b.top(1)[0][0] != n.top(1)[0][0] for b, n in zip(blind, named, strict=True))
    largest = max(float(np.abs(b.probabilities - n.probabilities).max())
                  for b, n in zip(blind, named, strict=True))
    return changed, largest


def write_predictions(path: Path, predictions: list, truth: dict[str, str]) -> Path:
    """Write blind_test_predictions.csv, the truth beside each answer."""
    from celestial.files import write_csv

    rows = []
    for prediction in predictions:
        guess, confidence = prediction.top(1)[0]
        true = truth[prediction.path.name]
        rows.append([prediction.path.name, guess, f"{confidence:.6f}", prediction.status, true,
                     "yes" if guess == true else "no"])
    return write_csv(path, ["blind", "predicted", "confidence", "status", "true", "right"], rows)


def print_classes(predictions: list, truth: dict[str, str], classes: tuple[str, ...]) -> None:
    """Print how many pictures of each class were recognised."""
    from celestial import metrics

    for name in classes:
        own = [p for p in predictions if truth[p.path.name] == name]
        if own:
            right = sum(p.top(1)[0][0] == name for p in own)
            low, high = metrics.wilson(right, len(own))
            print(f"  {name:<14} {right:>4} of {len(own):<4} ({100 * low:.0f} to {100 * high:.0f}"
                  " %)")


def main() -> None:
    args = parse_args()
    import numpy as np

    from celestial import blind, metrics
    from celestial.datasets import list_split
    from celestial.files import walk_files, write_json
    from celestial.images import display_name
    from celestial.inference import start_predictor

    predictor = start_predictor(__file__, args)
    classes, out = predictor.classes, args.output_dir
    files = list_split(args.data_dir, "test", classes)
    folder = out / "blind_test"
    made, bad = blind.make_blind_folder(files.paths, [classes[label] for label in files.labels],
                                        folder, predictor.preprocessing, args.seed)
    for path, reason in bad:
        print(f"left out: {display_name(path)}: {reason}")
    if not made:
        raise UserError(f"no picture in {args.data_dir / 'test'} can be read")
    mapping = blind.write_mapping(out, folder, made)
    print(f"{len(made)} pictures under random names in {folder}; the key is {mapping}")

    answers = list(predictor.predict(walk_files(folder)))
    if any(answer.status == "failed" for answer in answers):
        raise UserError(f"pictures in {folder} were changed while the test ran; run it again")

    key = {picture.blind: picture for picture in made}
    truth = {name: picture.true for name, picture in key.items()}
    probs = np.stack([answer.probabilities for answer in answers])
    labels = np.array([classes.index(truth[answer.path.name]) for answer in answers])
    figures = metrics.summarise(probs, labels, args.seed)
    by_name = {display_name(path): path for path in files.paths}
    named = list(predictor.predict(by_name[key[answer.path.name].source] for answer in answers))
    changed, largest = compare(answers, named)

    verdict = (f"{len(answers) - changed} of {len(answers)} answers are the same as under the real "
               f"names (probabilities differ by {largest:.1g} at most): "
               + ("names and metadata play no part" if not changed and largest < SAME
                  else "the file matters, not only its pixels"))
    print(f"\naccuracy {metrics.as_text(figures['accuracy'])}, log loss "
          f"{metrics.as_text(figures['log_loss'], percent=False)}; in brackets the 95 % interval")
    print_classes(answers, truth, classes)
    print(verdict)
    written = [
        write_predictions(out / "blind_test_predictions.csv", answers, truth),
        write_json(out / "blind_test_report.json", {
            "mapping": str(mapping), "checkpoint": str(predictor.path), "pictures": len(answers),
            "unreadable": len(bad), "changed_by_renaming": changed,
            "largest_difference": largest, "verdict": verdict, **figures}),
    ]
    console.print_result({"pictures": len(answers), "accuracy": figures["accuracy"],
                          "changed_by_renaming": changed}, [*written, mapping, folder])


if __name__ == "__main__":
    console.run(main)
