"""Step 3: how good is the model on the test pictures, where does it fail, and what does it look at?

in:   data/celestial_dataset/test/<class>/*, the checkpoint
out:  evaluation_results/
      metrics.json, classification_report.csv, predictions.csv
      confusion_matrix.png, normalized_confusion_matrix.png, class_accuracy.png, roc_curves.png,
      precision_recall_curves.png, prediction_visualization.png, misclassified_samples.png,
      feature_activation_visualization.png (Grad-CAM)

  python evaluate_model.py
  python evaluate_model.py --checkpoint model_checkpoints/other.pth --output-dir evaluation_other
"""

import argparse
from dataclasses import replace
from pathlib import Path

from celestial import console
from celestial.console import UserError

SHOWN = 18  # pictures in prediction_visualization.png
MISTAKES = 36  # pictures in misclassified_samples.png


def parse_args() -> argparse.Namespace:
    parser = console.make_parser(__doc__)
    group = parser.add_argument_group("folders")
    console.add_data_option(group)
    console.add_checkpoint_option(group)
    group.add_argument("--output-dir", type=Path, default=Path("evaluation_results"),
                       metavar="FOLDER", help="where the figures and tables go")
    group.add_argument("--split", choices=("val", "test"), default="test",
                       help="pictures to evaluate on")
    group.add_argument("--seed", type=console.seed_number, default=42,
                       help="of the intervals and of the pictures that are shown")
    console.add_compute_options(parser, batch_size=32)
    return parser.parse_args()


def write_predictions(path: Path, predictions: list, truth: list[str], classes: tuple[str, ...],
                      data_dir: Path) -> Path:
    """Write predictions.csv: one row a file, the unreadable ones with their reason."""
    from celestial.files import write_csv
    from celestial.images import display_name

    header = ["path", "true", "predicted", "right", "status", "known_score",
              *(f"probability_{name}" for name in classes), "reason"]
    rows = []
    for prediction, label in zip(predictions, truth, strict=True):
        name = display_name(prediction.path.relative_to(data_dir).as_posix())
        if prediction.probabilities is None:
            rows.append([name, label, "", "", "failed", *[""] * (len(classes) + 1),
                         prediction.reason])
            continue
        guess = prediction.top(1)[0][0]
        rows.append([name, label, guess, "yes" if guess == label else "no", prediction.status,
                     f"{prediction.known_score:.6f}",
                     *(f"{value:.8f}" for value in prediction.probabilities), ""])
    return write_csv(path, header, rows)


def write_report(path: Path, labels, predicted, classes: tuple[str, ...]) -> Path:
    """Write classification_report.csv: a row a class and the averages."""
    import numpy as np
    from sklearn.metrics import classification_report

    from celestial.files import write_csv

    present = np.unique(labels)
    names = [classes[index] for index in present]
    report = classification_report(labels, predicted, labels=present, target_names=names,
                                   output_dict=True, zero_division=0)
    columns = ["precision", "recall", "f1-score", "support"]
    return write_csv(path, ["class", *columns],
                     [[name, *(report[name][column] for column in columns)]
                      for name in (*names, "macro avg", "weighted avg")])


def draw_plots(out: Path, probs, labels, classes: tuple[str, ...]) -> list[Path]:
    """Draw the confusion matrices, the accuracy of each class and the curves."""
    import numpy as np
    from sklearn.metrics import confusion_matrix

    from celestial import figures, metrics

    counts = confusion_matrix(labels, probs.argmax(axis=1), labels=range(len(classes)))
    present = np.flatnonzero(counts.sum(axis=1))
    right, totals = np.diag(counts)[present], counts.sum(axis=1)[present]
    intervals = [metrics.wilson(hit, total) for hit, total in zip(right, totals, strict=True)]
    return [
        figures.draw_confusion(counts, classes, out / "confusion_matrix.png"),
        figures.draw_confusion(counts, classes, out / "normalized_confusion_matrix.png", True),
        figures.draw_class_accuracy(right, totals, intervals, [classes[i] for i in present],
                                    out / "class_accuracy.png"),
        figures.draw_curves(labels, probs, classes, "roc", out / "roc_curves.png"),
        figures.draw_curves(labels, probs, classes, "precision_recall",
                            out / "precision_recall_curves.png"),
    ]


def draw_cards(out: Path, predictor, predictions: list, truth: list[str],
               seed: int) -> list[Path]:
    """Draw a random choice of pictures, and the mistakes, the most confident first."""
    import numpy as np

    from celestial.cards import card_sheet, draw_card, judged_card

    def draw(index: int):
        picture = predictor.preprocessing.load(predictions[index].path)
        return draw_card(judged_card(replace(predictions[index], picture=picture), truth[index]))

    chosen = np.random.default_rng(seed).permutation(len(predictions))[:SHOWN]
    wrong = [index for index, prediction in enumerate(predictions)
             if prediction.top(1)[0][0] != truth[index]]
    wrong.sort(key=lambda index: -predictions[index].known_score)
    return [
        card_sheet([draw(index) for index in chosen], out / "prediction_visualization.png",
                   f"{len(chosen)} of {len(predictions)} pictures, drawn at random; in all "
                   f"{len(predictions) - len(wrong)} are right"),
        card_sheet([draw(index) for index in wrong[:MISTAKES]], out / "misclassified_samples.png",
                   f"{len(wrong)} of {len(predictions)} pictures are misclassified"
                   + ("; the most confident first" if wrong else "")),
    ]


def draw_activations(out: Path, predictor, predictions: list, truth: list[str]) -> Path:
    """Draw Grad-CAM of one picture a class: what spoke for its class, and for the next best."""
    import torch

    from celestial.cards import labelled_rows
    from celestial.explain import grad_cam, heat_alone, overlay

    chosen = {}
    for prediction, label in zip(predictions, truth, strict=True):
        if label not in chosen or prediction.known_score > chosen[label].known_score:
            chosen[label] = prediction
    pictures = [predictor.preprocessing.load(prediction.path) for prediction in chosen.values()]
    squares = torch.stack([predictor.preprocessing.square(picture) for picture in pictures])
    names = [[name for name, _ in prediction.top(2)] for prediction in chosen.values()]
    best, second = (grad_cam(predictor, squares, [predictor.classes.index(pair[place])
                                                  for pair in names]) for place in (0, 1))
    cells = -(-predictor.preprocessing.size // 32)  # every backbone shrinks its input 32 times
    rows = [(f"{label}\npredicted {pair[0]}\nnext {pair[1]}",
             [picture, heat_alone(first), overlay(picture, first), overlay(picture, other)])
            for label, pair, picture, first, other
            in zip(chosen, names, pictures, best, second, strict=True)]
    return labelled_rows(rows, out / "feature_activation_visualization.png",
                         title=f"Grad-CAM: what speaks for a class, in {cells} x {cells} places "
                         "(red: most)",
                         columns=["picture", "heat map", "for the prediction", "for the next"])


def main() -> None:
    args = parse_args()
    import numpy as np

    from celestial import metrics
    from celestial.datasets import list_split
    from celestial.files import write_json
    from celestial.images import display_name
    from celestial.inference import start_predictor

    predictor = start_predictor(__file__, args)
    classes, out = predictor.classes, args.output_dir
    files = list_split(args.data_dir, args.split, classes)
    everything = list(predictor.predict(files.paths))
    all_truth = [classes[label] for label in files.labels]

    pairs = [(p, name) for p, name in zip(everything, all_truth, strict=True) if not p.reason]
    for prediction in everything:
        if prediction.reason:
            print(f"not evaluated: {display_name(prediction.path)}: {prediction.reason}")
    if not pairs:
        raise UserError(f"no picture in {args.data_dir / args.split} can be read")
    good, truth = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    probs = np.stack([prediction.probabilities for prediction in good])
    labels = np.array([classes.index(name) for name in truth])
    if absent := [name for name in classes if name not in truth]:
        print(f"no pictures of {', '.join(absent)}; the averages are over the other classes")

    figures = metrics.summarise(probs, labels, args.seed)
    unknown = sum(prediction.status == "unknown" for prediction in good)
    written = [
        write_predictions(out / "predictions.csv", everything, all_truth, classes, args.data_dir),
        write_report(out / "classification_report.csv", labels, probs.argmax(axis=1), classes),
        *draw_plots(out, probs, labels, classes),
        *draw_cards(out, predictor, good, truth, args.seed),
        draw_activations(out, predictor, good, truth),
        write_json(out / "metrics.json", {
            "checkpoint": str(predictor.path), "split": args.split, "pictures": len(good),
            "failed": len(everything) - len(good), "called_unknown": unknown,
            "interval": "95 %", **figures}),
    ]
    print(f"\n{len(good)} pictures, {len(everything) - len(good)} unreadable, "
          f"{unknown} called unknown; in brackets the 95 % interval")
    for name, figure in figures.items():
        print(f"  {name.replace('_', ' '):<18} {metrics.as_text(figure, name != 'log_loss')}")
    wrong = [p for p, name in pairs if p.top(1)[0][0] != name]
    for prediction in wrong[:MISTAKES]:
        guess, confidence = prediction.top(1)[0]
        print(f"  wrong: {display_name(prediction.path)}: {guess} {confidence:.2f}")
    if len(wrong) > MISTAKES:
        print(f"  ... and {len(wrong) - MISTAKES} more, all in predictions.csv")
    console.print_result({"pictures": len(good), **figures}, written)


if __name__ == "__main__":
    console.run(main)
