"""What --views 2, 4 and 8 gain and cost: one model on the same photographs, side by side.

in:   FOLDER/<class>/*, photographs of some of the model's classes; --outliers: of none of them
out:  views.md (a table), views.json

  python benchmarks/views.py ~/photographs --outliers ~/none_of_them
  python benchmarks/views.py ~/photographs --checkpoint pretrained/efficientnet_lite0.pth --rounds 5

Each round predicts all photographs with each number of views in turn, from files to answers. The
median of the rounds counts; whatever else runs on the machine makes their spread wide.
"""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from real_photos import list_photographs  # noqa: E402  (the project's folder must be on the path)

from celestial.common import console  # noqa: E402
from celestial.common.console import VIEWS, UserError  # noqa: E402

HEADER = ["views", "accuracy (95 % interval)", "less one view's", "mean over the classes",
          "log loss", "called unknown", "AUROC against outliers",
          "pictures a second, median (least to most)", "time of one view's"]


def parse_args() -> argparse.Namespace:
    parser = console.make_parser(__doc__)
    group = parser.add_argument_group("folders")
    group.add_argument("folder", type=Path, metavar="FOLDER", help="one folder a class in it")
    group.add_argument("--outliers", type=Path, default=None, metavar="FOLDER",
                       help="pictures that are none of the classes, in any sub-folders")
    group.add_argument("--output-dir", type=Path, default=Path("evaluation_results/views"),
                       metavar="FOLDER", help="where the table goes")
    console.add_checkpoint_option(group)
    parser.add_argument("--rounds", type=console.positive_int, default=3)
    parser.add_argument("--seed", type=console.seed_number, default=42, help="of the intervals")
    console.add_compute_options(parser)
    return parser.parse_args()


def predict_in_turn(predictors: dict, paths: list[Path], rounds: int) -> tuple[dict, dict]:
    """Return the predictions of each number of views, and the seconds of each of its rounds."""
    found, seconds = {}, {views: [] for views in predictors}
    for number in range(1, rounds + 1):
        for views, predictor in predictors.items():
            start = time.perf_counter()
            found[views] = list(predictor.predict(paths))
            seconds[views].append(time.perf_counter() - start)
        print(f"round {number}: " + ", ".join(
            f"{views} views {own[-1]:.1f} s" for views, own in seconds.items()), flush=True)
    return found, seconds


def figures_of(answers: dict, scores: dict, strange: dict, seed: int) -> dict[int, dict]:
    """Return the figures of each number of views, each {"value", "low", "high"} or None.

    Args:
        answers: views -> Answers.
        scores: views -> known_score of the photographs, float (N,).
        strange: views -> known_score of the outliers, float (M,), which may be empty.
        seed: of the intervals.
    """
    from celestial.evaluation import metrics
    from celestial.evaluation.answers import measure
    from celestial.evaluation.comparison import paired_difference

    one = answers[1]
    return {views: {
        **measure(own, seed),
        "difference": paired_difference(own.right, one.right, one.groups, seed),
        "auroc": metrics.auroc(scores[views], strange[views], one.groups)
        if len(strange[views]) else None} for views, own in answers.items()}


def as_markdown(figures: dict[int, dict], seconds: dict[int, list[float]], count: int) -> str:
    """Return the table: a row a number of views."""
    from statistics import median

    from prediction_report import spread

    from celestial.evaluation.metrics import as_text

    lines = [f"| {' | '.join(HEADER)} |", "|---" * len(HEADER) + "|"]
    for views, own in figures.items():
        cells = [str(views), as_text(own["accuracy"]),
                 as_text(own["difference"]) if views > 1 else "", as_text(own["balanced_accuracy"]),
                 as_text(own["log_loss"], False), as_text(own["share_unknown"]),
                 as_text(own["auroc"], False), spread(count / value for value in seconds[views]),
                 f"{median(seconds[views]) / median(seconds[1]):.2f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    args = parse_args()
    import numpy as np

    from celestial.common.files import atomic_path, write_json
    from celestial.data.datasets import groups_of, list_outliers
    from celestial.evaluation.answers import answers_of
    from celestial.inference.predictor import Predictor, start_predictor

    one = start_predictor(__file__, args)
    predictors = {1: one, **{views: Predictor(one.path, one.device, args.batch_size, args.workers,
                                              views=views) for views in VIEWS[1:]}}
    paths, names = list_photographs(args.folder, one.classes)
    others = list_outliers(args.outliers) if args.outliers else ()
    found, seconds = predict_in_turn(predictors, paths, args.rounds)
    good = [number for number, answer in enumerate(found[1]) if not answer.reason]
    if not good:
        raise UserError(f"no photograph in {args.folder} can be read")
    groups = groups_of(args.folder.parent, [paths[number] for number in good])
    answers, scores, strange = {}, {}, {}
    for views, predictor in predictors.items():
        own = [found[views][number] for number in good]
        answers[views] = answers_of(f"{views} views", own, [names[number] for number in good],
                                    one.classes, groups)
        scores[views] = np.array([answer.known_score for answer in own])
        strange[views] = np.array([answer.known_score for answer in predictor.predict(others)
                                   if not answer.reason])
    figures = figures_of(answers, scores, strange, args.seed)
    table = as_markdown(figures, seconds, len(paths))
    print(f"\n{table}")
    with atomic_path(args.output_dir / "views.md") as temporary:
        temporary.write_text(table, encoding="utf-8")
    content = {"photographs": len(good), "failed": len(paths) - len(good),
               "outliers": len(strange[1]), "seconds": seconds, "figures": figures}
    console.print_result(content, [args.output_dir / "views.md",
                                   write_json(args.output_dir / "views.json", content)])


if __name__ == "__main__":
    console.run(main)
