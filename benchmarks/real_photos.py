"""How a model that learned from drawn pictures does on real photographs: the table of its failures.

in:   FOLDER/<class>/*, real photographs that no picture was drawn after; never changed
out:  real_photos.md (the table), real_photos.json, real_photos_mistakes.png

  python benchmarks/real_photos.py ~/photographs
  python benchmarks/real_photos.py ~/photographs --checkpoint pretrained/efficientnet_lite0.pth

The class folders may be some of the model's classes. Every file counts once; one that cannot be
read is named and counts for nothing.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from celestial.common import console  # noqa: E402  (the project's folder must be on the path first)
from celestial.common.console import UserError  # noqa: E402

MISTAKES = 200  # on the contact sheet


def parse_args() -> argparse.Namespace:
    parser = console.make_parser(__doc__)
    group = parser.add_argument_group("folders")
    group.add_argument("folder", type=Path, metavar="FOLDER", help="one folder a class in it")
    group.add_argument("--output-dir", type=Path, default=Path("evaluation_results/real_photos"),
                       metavar="FOLDER", help="where the table and the mistakes go")
    console.add_checkpoint_option(group)
    console.add_compute_options(parser)
    return parser.parse_args()


def list_photographs(folder: Path, classes: tuple[str, ...]) -> tuple[list[Path], list[str]]:
    """Return every file below the class folders, and its class.

    Raises:
        UserError: no class folder, or one that the model does not know.
    """
    from celestial.common.files import class_files
    from celestial.common.left_behind import say_passed_over

    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}; name one that holds a folder a class")
    found, passed_over = class_files(folder)
    say_passed_over(folder, passed_over)
    if unknown := [name for name in found if name not in classes]:
        raise UserError(f"the model does not know {', '.join(unknown)}; it knows "
                        f"{', '.join(classes)}: rename or remove the folders")
    pairs = [(path, name) for name, own in found.items() for path in own]
    if not pairs:
        raise UserError(f"{folder} has no pictures in class folders")
    return [path for path, _ in pairs], [name for _, name in pairs]


def table_of(good: list, truth: list[str], groups) -> list[str]:
    """Return the lines of a Markdown table: a row a class and one for all."""
    import numpy as np

    from celestial.data.design_effect import kept
    from celestial.evaluation import metrics

    lines = ["| class | photographs | right | accuracy (95 % interval) | taken for | unknown |",
             "|---|---|---|---|---|---|"]
    for name in [*sorted(set(truth)), "all"]:
        wanted = np.array([name in (t, "all") for t in truth])
        own = [(p, t) for p, t, of_it in zip(good, truth, wanted, strict=True) if of_it]
        guesses = Counter(p.top(1)[0][0] for p, t in own if p.top(1)[0][0] != t)
        right = len(own) - guesses.total()
        figure = metrics.proportion_of(np.array([p.top(1)[0][0] == t for p, t in own]),
                                  kept(groups, wanted))
        wrong = ", ".join(f"{guess} {count}" for guess, count in guesses.most_common())
        unknown = sum(p.status == "unknown" for p, _ in own)
        lines.append(f"| {name} | {len(own)} | {right} | {figure['value']:.1%} "
                     f"({figure['low']:.1%} to {figure['high']:.1%}) | {wrong} | {unknown} |")
    return lines


def draw_mistakes(good: list, truth: list[str], predictor, path: Path) -> Path:
    """Draw the pictures whose class was not found, the most confident first."""
    from dataclasses import replace

    from celestial.drawing.cards import answered_card, card_sheet, draw_card

    wrong = [(p, t) for p, t in zip(good, truth, strict=True) if p.top(1)[0][0] != t]
    wrong.sort(key=lambda pair: -pair[0].known_score)
    pictures = predictor.pictures(p.path for p, _ in wrong[:MISTAKES])
    cards = [draw_card(answered_card(replace(p, picture=picture), t))
             for (p, t), picture in zip(wrong, pictures, strict=False)]
    return card_sheet(cards, path, f"{len(wrong)} of {len(good)} photographs are misclassified")


def main() -> None:
    args = parse_args()
    import numpy as np

    from celestial.common.file_names import display_name
    from celestial.common.files import atomic_path, write_json
    from celestial.data.datasets import groups_of
    from celestial.evaluation import metrics
    from celestial.inference.predictor import start_predictor

    predictor = start_predictor(__file__, args)
    paths, names = list_photographs(args.folder, predictor.classes)
    predictions = list(predictor.predict(paths))
    for prediction in predictions:
        if prediction.reason:
            print(f"not counted: {display_name(prediction.path)}: {prediction.reason}")
    pairs = [(p, t) for p, t in zip(predictions, names, strict=True) if not p.reason]
    if not pairs:
        raise UserError(f"no photograph in {args.folder} can be read")
    good, truth = [p for p, _ in pairs], [t for _, t in pairs]

    groups = groups_of(args.folder.parent, [p.path for p in good])
    lines = table_of(good, truth, groups)
    print("\n" + "\n".join(lines))
    report = args.output_dir / "real_photos.md"
    with atomic_path(report) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
    right = np.array([p.top(1)[0][0] == t for p, t in pairs])
    figures = {"photographs": len(pairs), "failed": len(names) - len(pairs),
               "accuracy": metrics.proportion_of(right, groups),
               "called_unknown": sum(p.status == "unknown" for p in good)}
    console.print_result(figures, [
        report, write_json(args.output_dir / "real_photos.json",
                           {"checkpoint": str(predictor.path), **figures}),
        draw_mistakes(good, truth, predictor, args.output_dir / "real_photos_mistakes.png")])


if __name__ == "__main__":
    console.run(main)
