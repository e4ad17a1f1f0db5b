"""Step 5: has the model learned the content of the pictures, or something beside it?

in:   data/celestial_dataset/{train,test}/<class>/*, the checkpoint
out:  blind_test/ (the test pictures under random names, without metadata)
      blind_test_mapping_<time>.json (the key), blind_test_predictions.csv,
      blind_test_report.json, .md and .png, blind_test_changes.png; evaluation_results/report.html
      is written anew where it is of the same checkpoint

  python blind_test_validation.py
  python blind_test_validation.py --output-dir blind_run_2 --seed 7

The answers come from a process that can see the blind folder and the weights alone. Then: (a) do
names, metadata or formats change them, (b) are they better than with shuffled labels, (c) would
shortcuts explain them, (d) do they hold far from the training pictures, (e) what do changed
pictures cost. The report opens with "learned the content: yes / no / cannot tell, because ...".
"""

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from celestial.common import console
from celestial.common.console import UserError

if TYPE_CHECKING:
    import numpy as np

    from celestial.blind.hidden_names import BlindPicture
    from celestial.blind.isolated_run import BlindAnswers
    from celestial.blind.verdict import Part
    from celestial.data.datasets import SplitFiles
    from celestial.inference.predictor import Prediction, Predictor

EXAMINED = 1024  # pictures at most that are re-encoded, masked and changed


def parse_args() -> argparse.Namespace:
    parser = console.make_parser(__doc__)
    group = parser.add_argument_group("folders")
    console.add_data_option(group)
    console.add_checkpoint_option(group)
    group.add_argument("--output-dir", type=Path, default=Path(), metavar="FOLDER",
                       help="where blind_test/, the mapping and the report go")
    group.add_argument("--seed", type=console.seed_number, default=42,
                       help="of the random names, the shuffling, the noise and the intervals")
    console.add_compute_options(parser)
    return parser.parse_args()


def hide_names(predictor: "Predictor", files: "SplitFiles", args: argparse.Namespace
               ) -> tuple[list["BlindPicture"], list[tuple[Path, str]], Path, Path]:
    """Write blind_test/ and the key; return its pictures, the unreadable, the folder, the key."""
    from celestial.blind import hidden_names
    from celestial.common.file_names import display_name

    folder = args.output_dir / "blind_test"
    made, bad = hidden_names.make_blind_folder(
        files.paths, [files.classes[k] for k in files.labels], folder, predictor.preprocessing,
        args.seed, args.workers)
    for path, reason in bad:
        print(f"left out: {display_name(path)}: {reason}")
    if not made:
        raise UserError(f"no picture in {args.data_dir / 'test'} can be read")
    mapping = hidden_names.write_mapping(args.output_dir, folder, made)
    print(f"{len(made)} pictures under random names in {folder}; the key is {mapping}", flush=True)
    return made, bad, folder, mapping


def answer_blind(predictor: "Predictor", folder: Path, examined: list["BlindPicture"],
                 seed: int) -> "BlindAnswers":
    """Ask in the separate process, for the blind folder and lossless re-encodings of it."""
    from celestial.blind.hidden_names import LOSSLESS, reencode
    from celestial.blind.isolated_run import predict_apart

    with tempfile.TemporaryDirectory() as place:
        names = [picture.blind for picture in examined]
        copies = [reencode(names, folder, Path(place, form), form, seed + number)
                  for number, form in enumerate(LOSSLESS)]
        answers = predict_apart(predictor, [folder, *copies])
    if not answers.refused and answers.failure:
        raise UserError(f"the process that answers blind ended early: {answers.failure}")
    if any(answer.status == "failed" for rows in answers.predictions for answer in rows):
        raise UserError(f"pictures in {folder} were changed while the test ran; run it again")
    return answers


def all_verdicts(predictor: "Predictor", answers: "BlindAnswers", sources: list[Path],
                 labels: "np.ndarray", groups: "np.ndarray | None", args: argparse.Namespace
                 ) -> tuple[list["Part"], list]:
    """Return the verdicts (a) to (e) and the rows of the sheet of changed pictures.

    Args:
        predictor: the model under test.
        answers: of the separate process.
        sources, labels: the N pictures under their own names and their classes, in its order.
        groups: (N,) of `design_effect`, or None.
        args: the options.
    """
    import numpy as np

    from celestial.blind import evidence, shortcut_rules, verdict
    from celestial.blind.hidden_names import LOSSLESS
    from celestial.data.datasets import list_split
    from celestial.data.design_effect import kept

    seed, count = args.seed, len(answers.predictions[1])
    probs = [np.stack([row.probabilities for row in rows]) for rows in answers.predictions]
    named = np.stack([row.probabilities for row in predictor.predict(sources)])
    predicted = probs[0].argmax(axis=1)
    blind_paths = [row.path for row in answers.predictions[0]]
    small = evidence.small_copies(predictor, blind_paths[:count])
    known, their_groups = labels[:count], kept(groups, slice(count))
    print("asking about changed pictures", flush=True)
    hidden = evidence.hide_parts(predictor, small, known, their_groups, seed)
    by_cue = {}
    if (args.data_dir / "train").is_dir():
        train = list_split(args.data_dir, "train", predictor.classes)
        by_cue = evidence.right_by_shortcuts(predictor, train, sources[:count], known, seed)
    changed = evidence.change_pictures(predictor, small, known, seed)
    forms = [f"lossless {form} copies elsewhere" for form in LOSSLESS]
    neighbours = evidence.find_neighbours(predictor, blind_paths)
    return [verdict.names_verdict(probs[0], {"their real names": named,
                                           **dict(zip(forms, probs[1:], strict=True))}, groups),
            verdict.chance_verdict(predicted, labels, groups, seed),
            shortcut_rules.shortcuts_verdict(predicted[:count] == known, by_cue, hidden, seed),
            verdict.neighbours_verdict(predicted, labels, neighbours, groups, seed),
            verdict.robustness_verdict(hidden.whole, changed, their_groups, seed),
            ], evidence.example_rows(small, known, predictor.classes, seed)


def write_predictions(path: Path, predictions: list["Prediction"],
                      truth: dict[str, str]) -> Path:
    """Write blind_test_predictions.csv, the truth beside each answer."""
    from celestial.common.tables import write_csv

    rows = []
    for prediction in predictions:
        guess, confidence = prediction.top(1)[0]
        true = truth[prediction.path.name]
        rows.append([prediction.path.name, guess, f"{confidence:.6f}", prediction.status, true,
                     "yes" if guess == true else "no"])
    return write_csv(path, ["blind", "predicted", "confidence", "status", "true", "right"], rows)


def draw_changes(path: Path, rows: list) -> Path:
    """Write blind_test_changes.png: what the model was shown."""
    from celestial.blind.harmless_changes import CHANGES
    from celestial.drawing.cards import labelled_rows

    return labelled_rows(rows, path, "What the model was shown (black: no object found to hide)",
                         ["as it is", "background alone", "object alone", "border hidden",
                          "border alone", *CHANGES])


def main() -> None:
    args = parse_args()
    import numpy as np

    from celestial.blind import verdict
    from celestial.blind.blind_report import headline, write_reports
    from celestial.common.file_names import display_name
    from celestial.common.files import sha256_of
    from celestial.data import design_effect
    from celestial.data.datasets import groups_of, list_split
    from celestial.drawing.report import refresh_report
    from celestial.evaluation import metrics
    from celestial.evaluation.chance import chance_of
    from celestial.inference.predictor import start_predictor

    predictor = start_predictor(__file__, args)
    classes, out = predictor.classes, args.output_dir
    files = list_split(args.data_dir, "test", classes)
    made, bad, folder, mapping = hide_names(predictor, files, args)
    # Whole batches: the last digits of an answer depend on how many pictures share its batch.
    whole = predictor.engine.batch_size
    count = max(1, EXAMINED // whole) * whole
    answers = answer_blind(predictor, folder, made[:count], args.seed)

    labels = np.array([classes.index(picture.true) for picture in made])
    by_name = {display_name(path): path for path in files.paths}
    sources = [by_name[picture.source] for picture in made]
    groups = groups_of(args.data_dir, sources)
    parts = [verdict.isolation_verdict(answers.refused, answers.failure, [args.data_dir, mapping])]
    digest = sha256_of(predictor.path)
    facts = {"mapping": str(mapping), "checkpoint": str(predictor.path),
             "checkpoint_sha256": digest, "pictures": len(made),
             "unreadable": len(bad), "chance": chance_of(labels),
             "independence": design_effect.in_words(len(made), groups)}
    written, result = [], {}
    if not answers.failure:
        own, rows = all_verdicts(predictor, answers, sources, labels, groups, args)
        parts += own
        blind = answers.predictions[0]
        facts |= metrics.summarise(np.stack([row.probabilities for row in blind]), labels,
                                   args.seed, groups)
        named = parts[1].figures["their real names"]
        facts |= {"changed_by_renaming": named["answers_changed"],
                  "largest_difference": named["largest_difference"]}
        result = {"accuracy": facts["accuracy"], "changed_by_renaming": named["answers_changed"]}
        truth = {picture.blind: picture.true for picture in made}
        written = [write_predictions(out / "blind_test_predictions.csv", blind, truth),
                   draw_changes(out / "blind_test_changes.png", rows)]
    for part in parts:
        print(f"\n{part.title}: {part.verdict}\n  {part.because}")
    print(f"\n{headline(parts)}\nin the intervals {facts['independence']}")
    written += [*write_reports(out, parts, facts),
                *refresh_report(out / "evaluation_results", digest)]
    console.print_result({"pictures": len(made), "learned_the_content": verdict.decide(parts)[0],
                          **result}, [*written, mapping, folder])


if __name__ == "__main__":
    console.run(main)
