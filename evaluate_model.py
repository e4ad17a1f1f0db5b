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
from pathlib import Path

from celestial.common import console
from celestial.common.console import UserError

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


def write_predictions(path: Path, predictions: list, truth: list[str], classes: tuple[str, ...],
                      overlap, data_dir: Path) -> Path:
    """Write predictions.csv: one row a file, the unreadable ones with their reason."""
    from itertools import repeat

    from celestial.common.file_names import display_name
    from celestial.common.tables import write_csv

    header = ["path", "true", "predicted", "right", "status", "known_score",
              *(f"probability_{name}" for name in classes), "nearest_training_distance",
              "near_copy", "reason"]
    distances = repeat("") if overlap.distances is None else (
        f"{distance:.4f}" for distance in overlap.distances)
    near = repeat("") if overlap.near is None else (
        "yes" if copy else "no" for copy in overlap.near)
    rows = []
    for prediction, label in zip(predictions, truth, strict=True):
        name = display_name(prediction.path.relative_to(data_dir).as_posix())
        if prediction.probabilities is None:
            rows.append([name, label, "", "", "failed", *[""] * (len(classes) + 3),
                         prediction.reason])
            continue
        guess = prediction.top(1)[0][0]
        rows.append([name, label, guess, "yes" if guess == label else "no", prediction.status,
                     f"{prediction.known_score:.6f}",
                     *(f"{value:.8f}" for value in prediction.probabilities),
                     next(distances), next(near), ""])
    return write_csv(path, header, rows)


def write_class_report(path: Path, labels, predicted, classes: tuple[str, ...]) -> Path:
    """Write classification_report.csv: a row a class and the averages."""
    import numpy as np
    from sklearn.metrics import classification_report

    from celestial.common.tables import write_csv

    present = np.unique(labels)
    names = [classes[index] for index in present]
    report = classification_report(labels, predicted, labels=present, target_names=names,
                                   output_dict=True, zero_division=0)
    columns = ["precision", "recall", "f1-score", "support"]
    return write_csv(path, ["class", *columns],
                     [[name, *(report[name][column] for column in columns)]
                      for name in (*names, "macro avg", "weighted avg")])


def draw_plots(out: Path, answers, classes: tuple[str, ...], measured: dict) -> list[Path]:
    """Draw the confusion matrices, the accuracy of each class, the curves and the reliability."""
    import numpy as np
    from sklearn.metrics import confusion_matrix

    from celestial.drawing import figures
    from celestial.evaluation import metrics
    from celestial.evaluation.calibration import bin_intervals, rising_bins

    probs, labels = answers.probs, answers.labels
    counts = confusion_matrix(labels, probs.argmax(axis=1), labels=range(len(classes)))
    present = np.flatnonzero(counts.sum(axis=1))
    right, totals = np.diag(counts)[present], counts.sum(axis=1)[present]
    by_class = [answers.keep(labels == label) for label in present]
    recalls = [metrics.proportion_of(own.right, own.groups) for own in by_class]
    bins = rising_bins(probs.max(axis=1), answers.right)
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
        figures.draw_reliability(
            bins, bin_intervals(probs.max(axis=1), answers.right, bins, answers.groups),
            f"{len(labels)} pictures in groups of equal size ({len(bins.counts)})\n"
            f"calibration error (ECE) {metrics.as_text(measured['ece'], False)}",
            out / "reliability_diagram.png"),
    ]


def measure_outliers(out: Path, predictions: list, folder: Path, known: list, groups,
                   threshold: float) -> tuple[dict, list[Path]]:
    """Tell how many pictures of other things are taken for a class; return figures, files."""
    import numpy as np

    from celestial.drawing import figures
    from celestial.evaluation import metrics, rejection

    good = [prediction for prediction in predictions if not prediction.reason]
    known_scores, scores = (np.array([prediction.known_score for prediction in kind])
                            for kind in (known, good))
    measured = rejection.measure_outliers(
        known_scores, good, [rejection.kind_of(prediction.path, folder) for prediction in good],
        groups)
    print(f"\n{len(good)} pictures of {folder} that are none of the classes, "
          f"{len(predictions) - len(good)} unreadable")
    for name, found in measured.items():
        print(f"  {name}: AUROC {metrics.as_text(found['auroc'], False)}, taken for a class "
              f"{metrics.as_text(found['accepted'])} of {found['pictures']}")
    title = ("Known pictures score higher than others in "
             f"{metrics.as_text(measured[rejection.ALL]['auroc'])} of pairs (AUROC)")
    return measured, [
        rejection.write_outliers(out / "outliers.csv", predictions, folder),
        figures.draw_known_scores(known_scores, scores, threshold, title,
                                  out / "known_scores.png")]


def compare_models(out: Path, answers: list, far, seed: int) -> tuple[dict, list[Path]]:
    """Compare models and their soft vote on the same pictures; return figures, files written."""
    from dataclasses import asdict

    from celestial.drawing import figures
    from celestial.evaluation import comparison, metrics
    from celestial.evaluation.answers import CANNOT_TELL, measure

    answers = [*answers, comparison.soft_vote(answers)]
    measured = {}
    for own in answers:
        distant = None if far is None else own.keep(far)
        far_accuracy = distant and metrics.proportion_of(distant.right, distant.groups)
        measured[own.name] = {**measure(own, seed), "far_accuracy": far_accuracy}
    pairs = comparison.compare_all(answers, seed)
    print(f"\n{len(answers) - 1} models on the same pictures")
    for name, found in measured.items():
        of_far = CANNOT_TELL if far is None else metrics.as_text(found["far_accuracy"])
        print(f"  {name}: accuracy {metrics.as_text(found['accuracy'])}, of far pictures {of_far}, "
              f"log loss {metrics.as_text(found['log_loss'], False)}")
    for pair in pairs:
        print(f"  {pair.first} - {pair.second}: {metrics.as_text(asdict(pair))}, p {pair.p:.3g}")
    return {"models": measured, "differences": [asdict(pair) for pair in pairs]}, [
        *comparison.write_tables(out, measured, pairs),
        figures.draw_comparison(
            [(name, found["accuracy"]) for name, found in measured.items()],
            [(f"{pair.first} - {pair.second}", asdict(pair)) for pair in pairs],
            out / "model_comparison.png")]


def print_absent(classes: tuple[str, ...], present: set[str]) -> None:
    """Say of which classes there are no pictures, and what the figures then are worth."""
    if len(present) == 1:
        print(f"only pictures of {min(present)}: the accuracy is how often it is found, never how "
              "often others are taken for it; the curves need other classes and are empty")
    elif absent := [name for name in classes if name not in present]:
        print(f"no pictures of {', '.join(absent)}; the averages are over the other classes")


def print_figures(measured: dict, far: dict | str) -> None:
    """Print each figure with its 95 % interval, of all pictures and of the far ones alone."""
    from celestial.evaluation import metrics
    from celestial.evaluation.answers import NOT_PROPORTIONS

    told = isinstance(far, dict)
    print(f"  {'':<21} {'all pictures':<28} far pictures: {far['pictures'] if told else far}")
    for name, found in measured.items():
        texts = [metrics.as_text(part, name not in NOT_PROPORTIONS)
                 for part in ([found, far[name]] if told else [found])]
        print(f"  {name.replace('_', ' '):<21} " + " ".join(f"{text:<28}" for text in texts))


def check_labels(out: Path, predictor, answers, paths: list[Path],
                 data_dir: Path) -> tuple[int, list[Path]]:
    """List the labels that the model doubts; return how many may be wrong, files written."""
    from celestial.common.file_names import display_name
    from celestial.drawing.sheets import draw_doubts
    from celestial.evaluation import label_check

    doubts = label_check.check_labels(answers.probs, answers.labels)
    names = [display_name(path.relative_to(data_dir).as_posix()) for path in paths]
    return int(doubts.issue.sum()), [
        label_check.write_doubts(out, doubts, answers, names, predictor.classes),
        draw_doubts(out, doubts, answers, paths, predictor)]


def print_mistakes(predictions: list, truth: list[str]) -> None:
    """Print the pictures that are misclassified, or the first of many."""
    from celestial.common.file_names import display_name

    wrong = [prediction for prediction, name in zip(predictions, truth, strict=True)
             if prediction.top(1)[0][0] != name]
    for prediction in wrong[:MISTAKES]:
        guess, confidence = prediction.top(1)[0]
        print(f"  wrong: {display_name(prediction.path)}: {guess} {confidence:.2f}")
    if len(wrong) > MISTAKES:
        print(f"  ... and {len(wrong) - MISTAKES} more, all in predictions.csv")


def readable_ones(predictions: list, folder: Path) -> list[int]:
    """Return the places of the pictures that could be read; print why the others could not.

    Raises:
        UserError: none could be read.
    """
    from celestial.common.file_names import display_name

    for prediction in predictions:
        if prediction.reason:
            print(f"not evaluated: {display_name(prediction.path)}: {prediction.reason}")
    good = [place for place, prediction in enumerate(predictions) if not prediction.reason]
    if not good:
        raise UserError(f"no picture in {folder} can be read")
    return good


def main() -> None:
    args = parse_args()
    from celestial.common.files import write_json
    from celestial.data import design_effect
    from celestial.data.datasets import groups_of, list_outliers, list_split
    from celestial.drawing import sheets
    from celestial.drawing.report import commands_of, facts_of, write_report
    from celestial.evaluation import comparison, seen_in_training
    from celestial.evaluation.answers import answers_of, measure, measure_far

    predictors = comparison.start_predictors(__file__, args)
    predictor, classes, out = predictors[0], predictors[0].classes, args.output_dir
    files = list_split(args.data_dir, args.split, classes)
    outliers = list_outliers(args.outliers) if args.outliers else ()
    of_val = args.split != "val"
    exact = seen_in_training.find_exact(files.paths, predictors, args.allow_overlap, of_val)
    seen_in_training.find_exact(outliers, predictors[:1], args.allow_overlap)
    everything = list(predictor.predict(files.paths))
    all_truth = [classes[label] for label in files.labels]

    places = readable_ones(everything, args.data_dir / args.split)
    good, truth = [everything[i] for i in places], [all_truth[i] for i in places]
    paths = [prediction.path for prediction in good]
    print_absent(classes, set(truth))
    overlaps = seen_in_training.find_overlaps(
        paths, [None if own is None else own[places] for own in exact], predictors, of_val)
    names = comparison.model_names([own.path for own in predictors])
    groups = groups_of(args.data_dir, paths)
    answers = answers_of(names[0], good, truth, classes, groups)
    measured, far = measure(answers, args.seed), measure_far(answers, overlaps[0].far, args.seed)
    others = [comparison.ask(own, name, paths, truth, classes, groups)
              for own, name in zip(predictors[1:], names[1:], strict=True)]
    strange = list(predictor.predict(outliers))
    if strange:
        readable_ones(strange, args.outliers)

    doubtful, label_files = check_labels(out, predictor, answers, paths, args.data_dir)
    written = [
        write_predictions(out / "predictions.csv", everything, all_truth, classes, overlaps[0],
                          args.data_dir),
        write_class_report(out / "classification_report.csv", answers.labels,
                           answers.probs.argmax(axis=1), classes),
        *draw_plots(out, answers, classes, measured),
        *sheets.draw_cards(out, predictor, good, truth, args.seed),
        *sheets.draw_activations(out, predictor, good, truth),
        *sheets.draw_worst(out, predictor, good, truth),
        *label_files,
    ]
    unknown = len(good) - int(answers.accepted.sum())
    independence = design_effect.in_words(len(good), groups)
    print(f"\n{len(good)} pictures, {len(everything) - len(good)} unreadable, {unknown} called "
          f"unknown, {doubtful} labels may be wrong; in brackets the 95 % interval\n"
          f"  {independence}")
    for model, own in zip(predictors, overlaps, strict=True):
        print(f"  {seen_in_training.describe(own, model.path)}")
    print_figures(measured, far)
    print_mistakes(good, truth)
    content = {"checkpoint": str(predictor.path), "split": args.split, "pictures": len(good),
               **facts_of(predictor, args.data_dir),
               "failed": len(everything) - len(good), "called_unknown": unknown,
               "doubtful_labels": doubtful, "interval": "95 %", "independence": independence,
               "training_overlap": seen_in_training.summarise(overlaps[0], predictor.path),
               **measured, "far_pictures": far}
    if strange:
        content["outliers"], more = measure_outliers(out, strange, args.outliers, good, groups,
                                                   predictor.reject_below)
        written += more
    if others:
        content["comparison"], more = compare_models(
            out, [answers, *others], seen_in_training.far_from_all(overlaps), args.seed)
        written += more
    content["commands"] = commands_of(predictor.checkpoint, {
        "data_dir": args.data_dir, "checkpoint": args.checkpoint or [predictor.path],
        "split": args.split, "outliers": args.outliers, "allow_overlap": args.allow_overlap,
        "seed": args.seed, "views": None if args.views == 1 else args.views})
    content["figures"] = [path.name for path in written if path.suffix == ".png"]
    written += [write_json(out / "metrics.json", content), write_report(out)]
    several = {} if args.views == 1 else {"views": args.views}
    console.print_result({"pictures": len(good), **several, **measured, "far_pictures": far},
                         written)


if __name__ == "__main__":
    console.run(main)
