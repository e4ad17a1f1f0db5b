"""Step 3: how good is the model on the test pictures, where does it fail, and what does it look at?

in:   data/celestial_dataset/test/<class>/*, the checkpoint; --outliers: pictures of other things
out:  evaluation_results/
      report.html (all of it on one page), metrics.json, classification_report.csv,
      predictions.csv
      confusion_matrix.png, normalized_confusion_matrix.png, class_accuracy.png, roc_curves.png,
      precision_recall_curves.png, reliability_diagram.png, prediction_visualization.png,
      misclassified_samples.png, worst_mistakes.png (with Grad-CAM),
      feature_activation_visualization.png (Grad-CAM),
      activation_maps.png (what single layers see), binary_curves.png (of two classes)
      label_check.csv, label_check.png (labels that the model doubts)
      outliers.csv, known_scores.png (with --outliers)
      model_comparison.csv, model_comparison.png, model_differences.csv (of several checkpoints)

  python evaluate_model.py
  python evaluate_model.py --outliers data/outliers_test
  python evaluate_model.py --checkpoint model_checkpoints/a.pth model_checkpoints/b.pth

Each figure is given for all pictures and for the far ones alone: those that are no near-copies of
training pictures. Of several checkpoints the first is evaluated, then all are compared.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from celestial.common import console

if TYPE_CHECKING:
    import numpy as np

    from celestial.data.datasets import SplitFiles
    from celestial.evaluation.answers import Answers
    from celestial.evaluation.evaluated import Evaluated
    from celestial.evaluation.seen_in_training import Overlap
    from celestial.inference.predictor import Prediction, Predictor

MISTAKES = 36  # that are printed


def parse_args() -> argparse.Namespace:
    parser = console.make_parser(__doc__)
    group = parser.add_argument_group("folders")
    console.add_data_option(group)
    console.add_checkpoint_option(group, several=True)
    group.add_argument("--output-dir", type=Path, default=Path("evaluation_results"),
                       metavar="FOLDER", help="where the figures and tables go")
    group.add_argument("--split", choices=("val", "test"), default="test",
                       help="pictures to evaluate on")
    group.add_argument("--outliers", type=Path, default=None, metavar="FOLDER",
                       help="pictures that are none of the classes, in any sub-folders: are they "
                       "called unknown?")
    group.add_argument("--allow-overlap", action="store_true",
                       help="evaluate also where pictures are exact copies of those that the model "
                       "has learned from or was fitted to")
    group.add_argument("--seed", type=console.seed_number, default=42,
                       help="of the intervals and of the pictures that are shown")
    console.add_views_option(console.add_compute_options(parser))
    return parser.parse_args()


def find_files(predictors: list["Predictor"], args: argparse.Namespace
               ) -> tuple["SplitFiles", Sequence[Path], list["np.ndarray | None"]]:
    """Return the files of the split, the outliers, and which files each model has learned from.

    Raises:
        UserError: a folder is missing or empty, or a model has learned from some of the pictures.
    """
    from celestial.data.datasets import list_outliers, list_split
    from celestial.evaluation.seen_in_training import find_exact

    files = list_split(args.data_dir, args.split, predictors[0].classes)
    outliers = list_outliers(args.outliers) if args.outliers else ()
    exact = find_exact(files.paths, predictors, args.allow_overlap, args.split != "val")
    find_exact(outliers, predictors[:1], args.allow_overlap)
    return files, outliers, exact


def draw_plots(out: Path, answers: "Answers", classes: tuple[str, ...], ece: dict) -> list[Path]:
    """Draw the confusion matrices, the accuracy of each class, the curves and the reliability."""
    import numpy as np
    from sklearn.metrics import confusion_matrix

    from celestial.drawing import figures
    from celestial.evaluation import metrics

    probs, labels = answers.probs, answers.labels
    counts = confusion_matrix(labels, probs.argmax(axis=1), labels=range(len(classes)))
    present = np.flatnonzero(counts.sum(axis=1))
    right, totals = np.diag(counts)[present], counts.sum(axis=1)[present]
    by_class = [answers.keep(labels == label) for label in present]
    recalls = [metrics.proportion_of(own.right, own.groups) for own in by_class]
    of_two = [figures.draw_binary(labels == 1, probs[:, 1], classes, out / "binary_curves.png")
              ] if len(classes) == len(present) == 2 else []
    return [
        *of_two,
        figures.draw_confusion(counts, classes, out / "confusion_matrix.png"),
        figures.draw_confusion(counts, classes, out / "normalized_confusion_matrix.png", True),
        figures.draw_class_accuracy(right, totals, [(own["low"], own["high"]) for own in recalls],
                                    [classes[i] for i in present], out / "class_accuracy.png"),
        figures.draw_curves(labels, probs, classes, "roc", out / "roc_curves.png"),
        figures.draw_curves(labels, probs, classes, "precision_recall",
                            out / "precision_recall_curves.png"),
        draw_reliability(out / "reliability_diagram.png", answers, ece)]


def draw_reliability(path: Path, answers: "Answers", ece: dict) -> Path:
    """Draw how often answers of each confidence are right; `ece` is the calibration error."""
    from celestial.drawing import figures
    from celestial.evaluation import metrics
    from celestial.evaluation.calibration import bin_intervals, rising_bins

    confidence = answers.probs.max(axis=1)
    bins = rising_bins(confidence, answers.right)
    title = (f"{len(answers.labels)} pictures in groups of equal size ({len(bins.counts)})\n"
             f"calibration error (ECE) {metrics.as_text(ece, False)}")
    return figures.draw_reliability(
        bins, bin_intervals(confidence, answers.right, bins, answers.groups), title, path)


def check_labels(out: Path, found: "Evaluated", data_dir: Path) -> tuple[int, list[Path]]:
    """List the labels that the model doubts; return how many may be wrong, files written."""
    from celestial.common.file_names import display_name
    from celestial.drawing.sheets import draw_doubts
    from celestial.evaluation import label_check

    answers, predictor = found.answers, found.predictor
    doubts = label_check.check_labels(answers.probs, answers.labels)
    names = [display_name(path.relative_to(data_dir).as_posix()) for path in found.paths]
    return int(doubts.issue.sum()), [
        label_check.write_doubts(out, doubts, answers, names, predictor.classes),
        draw_doubts(out, doubts, answers, found.paths, predictor)]


def show_predictions(out: Path, found: "Evaluated", seed: int) -> list[Path]:
    """Draw the sheets of pictures: right and wrong ones, and what the model looks at."""
    from celestial.drawing import sheets

    predictor, good, truth = found.predictor, found.good, found.truth
    return [*sheets.draw_cards(out, predictor, good, truth, seed),
            *sheets.draw_activations(out, predictor, good, truth),
            *sheets.draw_worst(out, predictor, good, truth)]


def measure_outliers(out: Path, outliers: list["Prediction"], folder: Path,
                     found: "Evaluated") -> tuple[dict, list[Path]]:
    """Tell how many pictures of other things are taken for a class; return figures, files."""
    import numpy as np

    from celestial.drawing import figures
    from celestial.evaluation import metrics, rejection

    good = [prediction for prediction in outliers if not prediction.reason]
    known_scores, scores = (np.array([prediction.known_score for prediction in kind])
                            for kind in (found.good, good))
    measured = rejection.measure_outliers(
        known_scores, good, [rejection.kind_of(prediction.path, folder) for prediction in good],
        found.answers.groups)
    print(f"\n{len(good)} pictures of {folder} that are none of the classes, "
          f"{len(outliers) - len(good)} unreadable")
    for name, figure in measured.items():
        print(f"  {name}: AUROC {metrics.as_text(figure['auroc'], False)}, taken for a class "
              f"{metrics.as_text(figure['accepted'])} of {figure['pictures']}")
    title = ("Known pictures score higher than others in "
             f"{metrics.as_text(measured[rejection.ALL]['auroc'])} of pairs (AUROC)")
    return measured, [
        rejection.write_outliers(out / "outliers.csv", outliers, folder),
        figures.draw_known_scores(known_scores, scores, found.predictor.reject_below, title,
                                  out / "known_scores.png")]


def compare_models(out: Path, answers: list["Answers"], far: "np.ndarray | None",
                   seed: int) -> tuple[dict, list[Path]]:
    """Compare models and their soft vote on the same pictures; return figures, files written."""
    from dataclasses import asdict

    from celestial.drawing import figures
    from celestial.evaluation import comparison, metrics
    from celestial.evaluation.answers import measure

    answers = [*answers, comparison.soft_vote(answers)]
    measured = {}
    for own in answers:
        distant = None if far is None else own.keep(far)
        far_accuracy = distant and metrics.proportion_of(distant.right, distant.groups)
        measured[own.name] = {**measure(own, seed), "far_accuracy": far_accuracy}
    pairs = comparison.compare_all(answers, seed)
    differences = [asdict(pair) for pair in pairs]
    print_comparison(measured, differences, far is not None)
    return {"models": measured, "differences": differences}, [
        *comparison.write_tables(out, measured, pairs),
        figures.draw_comparison(
            [(name, figure["accuracy"]) for name, figure in measured.items()],
            [(f"{pair['first']} - {pair['second']}", pair) for pair in differences],
            out / "model_comparison.png")]


def print_comparison(measured: dict[str, dict], differences: list[dict], far_known: bool) -> None:
    """Print the figures of each model, and the difference of each two."""
    from celestial.evaluation import metrics
    from celestial.evaluation.answers import CANNOT_TELL

    print(f"\n{len(measured) - 1} models on the same pictures")  # the soft vote is no model
    for name, figure in measured.items():
        of_far = metrics.as_text(figure["far_accuracy"]) if far_known else CANNOT_TELL
        print(f"  {name}: accuracy {metrics.as_text(figure['accuracy'])}, of far pictures "
              f"{of_far}, log loss {metrics.as_text(figure['log_loss'], False)}")
    for pair in differences:
        print(f"  {pair['first']} - {pair['second']}: {metrics.as_text(pair)}, p {pair['p']:.3g}")


def print_figures(measured: dict, far: dict | str) -> None:
    """Print each figure with its 95 % interval, of all pictures and of the far ones alone."""
    from celestial.evaluation import metrics
    from celestial.evaluation.answers import NOT_PROPORTIONS

    told = isinstance(far, dict)
    print(f"  {'':<21} {'all pictures':<28} far pictures: {far['pictures'] if told else far}")
    for name, figure in measured.items():
        texts = [metrics.as_text(part, name not in NOT_PROPORTIONS)
                 for part in ([figure, far[name]] if told else [figure])]
        print(f"  {name.replace('_', ' '):<21} " + " ".join(f"{text:<28}" for text in texts))


def print_mistakes(found: "Evaluated") -> None:
    """Print the pictures that are misclassified, or the first of many."""
    from celestial.common.file_names import display_name

    wrong = [prediction for prediction, name in zip(found.good, found.truth, strict=True)
             if prediction.top(1)[0][0] != name]
    for prediction in wrong[:MISTAKES]:
        guess, confidence = prediction.top(1)[0]
        print(f"  wrong: {display_name(prediction.path)}: {guess} {confidence:.2f}")
    if len(wrong) > MISTAKES:
        print(f"  ... and {len(wrong) - MISTAKES} more, all in predictions.csv")


def content_of(found: "Evaluated", doubtful: int, overlap: "Overlap",
               args: argparse.Namespace) -> dict[str, object]:
    """Return what metrics.json says beside the figures: of what they are, and how many pictures."""
    from celestial.data import design_effect
    from celestial.drawing.report import facts_of
    from celestial.evaluation import seen_in_training

    path = found.predictor.path
    return {"checkpoint": str(path), "split": args.split, "pictures": len(found.good),
            **facts_of(found.predictor, args.data_dir),
            "failed": len(found.every) - len(found.good), "called_unknown": found.called_unknown,
            "doubtful_labels": doubtful, "interval": "95 %",
            "independence": design_effect.in_words(len(found.good), found.answers.groups),
            "training_overlap": seen_in_training.summarise(overlap, path)}


def commands(predictor: "Predictor", args: argparse.Namespace) -> list[str]:
    """Return the commands by which the report can be made again."""
    from celestial.drawing.report import commands_of

    return commands_of(predictor.checkpoint, {
        "data_dir": args.data_dir, "checkpoint": args.checkpoint or [predictor.path],
        "split": args.split, "outliers": args.outliers, "allow_overlap": args.allow_overlap,
        "seed": args.seed, "views": None if args.views == 1 else args.views})


def print_counts(content: dict, sentences: list[str]) -> None:
    """Print how many pictures the figures are of, and how many of them were seen in training."""
    print(f"\n{content['pictures']} pictures, {content['failed']} unreadable, "
          f"{content['called_unknown']} called unknown, {content['doubtful_labels']} labels may be "
          f"wrong; in brackets the 95 % interval\n  {content['independence']}")
    for sentence in sentences:
        print(f"  {sentence}")


def main() -> None:
    args = parse_args()
    # Heavy imports wait until the options are read: --help answers at once.
    from celestial.common.files import write_json
    from celestial.drawing.report import write_report
    from celestial.evaluation import comparison, seen_in_training
    from celestial.evaluation.answer_tables import write_class_report, write_predictions
    from celestial.evaluation.answers import measure, measure_far
    from celestial.evaluation.evaluated import evaluate, readable_ones

    # What do the models say, and which of the pictures are too near to what they have seen?
    predictors = comparison.start_predictors(__file__, args)
    predictor, out = predictors[0], args.output_dir
    files, outliers, exact = find_files(predictors, args)
    names = comparison.model_names([own.path for own in predictors])
    found = evaluate(predictor, names[0], files, args.data_dir / args.split)
    answers = found.answers
    overlaps = seen_in_training.find_overlaps(
        found.paths, [None if own is None else own[found.places] for own in exact], predictors,
        args.split != "val")
    measured, far = measure(answers, args.seed), measure_far(answers, overlaps[0].far, args.seed)
    others = [comparison.ask(own, name, found.paths, found.truth, predictor.classes, answers.groups)
              for own, name in zip(predictors[1:], names[1:], strict=True)]
    strange = list(predictor.predict(outliers))
    if strange:
        readable_ones(strange, args.outliers)

    # The evaluated model: tables, figures, and the same in words.
    doubtful, label_files = check_labels(out, found, args.data_dir)
    written = [write_predictions(out / "predictions.csv", found, overlaps[0], args.data_dir),
               write_class_report(out / "classification_report.csv", answers, predictor.classes),
               *draw_plots(out, answers, predictor.classes, measured["ece"]),
               *show_predictions(out, found, args.seed), *label_files]
    content = {**content_of(found, doubtful, overlaps[0], args), **measured, "far_pictures": far}
    print_counts(content, [seen_in_training.describe(own, model.path)
                           for model, own in zip(predictors, overlaps, strict=True)])
    print_figures(measured, far)
    print_mistakes(found)

    # Other things than the classes, and other models.
    if strange:
        content["outliers"], more = measure_outliers(out, strange, args.outliers, found)
        written += more
    if others:
        content["comparison"], more = compare_models(
            out, [answers, *others], seen_in_training.far_from_all(overlaps), args.seed)
        written += more

    # All of it on one page.
    content["commands"] = commands(predictor, args)
    content["figures"] = [path.name for path in written if path.suffix == ".png"]
    written += [write_json(out / "metrics.json", content), write_report(out)]
    several = {} if args.views == 1 else {"views": args.views}
    console.print_result({"pictures": len(found.good), **several, **measured, "far_pictures": far},
                         written)


if __name__ == "__main__":
    console.run(main)
