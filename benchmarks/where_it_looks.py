"""Does Grad-CAM lie on the object? Measured on drawn planets that stand off-centre.

in:   nothing; pictures are drawn, cut out and laid on a dark sky, so that the place is known
out:  where_it_looks.md (a table), where_it_looks.png

A wrongly named picture has the map of the wrong class, which may well lie elsewhere; so what is
rightly named is told apart.

  python benchmarks/where_it_looks.py
  python benchmarks/where_it_looks.py --checkpoint model_checkpoints/a.pth model_checkpoints/b.pth
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np  # noqa: E402  (the project's folder must be on the path first)

from celestial.common import console  # noqa: E402

FIELD, BODY = 340, 200  # pixels: sides of the picture and of what is laid into it
SCENES_DRAWN = 3  # pictures of each class on the figure


def parse_args() -> argparse.Namespace:
    parser = console.make_parser(__doc__)
    console.add_checkpoint_option(parser, several=True)
    parser.add_argument("--per-class", type=console.positive_int, default=10)
    parser.add_argument("--seed", type=console.seed_number, default=42)
    parser.add_argument("--output-dir", type=Path, default=Path("evaluation_results"),
                        metavar="FOLDER")
    console.add_compute_options(parser)
    return parser.parse_args()


def off_centre(label: str, number: int, seed: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Draw a planet, cut it out in its circle and lay it into a corner of a dark sky.

    Returns:
        uint8 (FIELD, FIELD, 3) and where the planet is, bool (FIELD, FIELD); None where it does
        not stand out, as in close-ups.
    """
    from celestial.blind.masks import find_object
    from celestial.renderer.draw import draw_picture

    drawn = draw_picture(label, BODY, seed, number)
    inside = find_object(drawn)
    if inside is None:
        return None
    random = np.random.default_rng((seed, number, len(label)))
    height, width = inside.shape
    corner = [int(random.integers(2)) * (FIELD - side) for side in (height, width)]
    part = slice(corner[0], corner[0] + height), slice(corner[1], corner[1] + width)
    picture = random.integers(0, 6, (FIELD, FIELD, 3), np.uint8)  # a camera's dark noise
    mask = np.zeros((FIELD, FIELD), bool)
    mask[part] = inside
    picture[mask] = drawn[inside]
    return picture, mask


def draw_scenes(args: argparse.Namespace) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Return (class, picture, where the planet is) of `--per-class` pictures of each planet."""
    scenes = []
    for label in console.PLANETS:
        number = found = 0
        while found < args.per_class:
            scene = off_centre(label, number, args.seed)
            number += 1
            if scene is not None:
                scenes.append((label, *scene))
                found += 1
    return scenes


def inside_proportions(heats: np.ndarray, masks: list[np.ndarray]) -> np.ndarray:
    """Return the proportion of each map's mass on the object, 0..1: float (N,)."""
    import cv2

    proportions = []
    for heat, mask in zip(heats, masks, strict=True):
        small = cv2.resize(mask.astype(np.float32), heat.shape, interpolation=cv2.INTER_AREA)
        proportions.append(float((heat * small).sum() / max(heat.sum(), 1e-9)))
    return np.array(proportions)


def _median(proportions: np.ndarray) -> float | None:
    return round(float(np.median(proportions)), 3) if len(proportions) else None


def _spread(parts: np.ndarray) -> str:
    """Return the median and the least tenth of proportions as text."""
    return f"{_median(parts):.0%} ({np.quantile(parts, 0.1):.0%})" if len(parts) else "none"


def main() -> None:
    args = parse_args()
    import torch

    from celestial.common.files import atomic_path
    from celestial.drawing.cards import labelled_rows
    from celestial.drawing.explain import grad_cam, overlay
    from celestial.evaluation import comparison, metrics

    predictors = comparison.start_predictors(__file__, args)
    scenes = draw_scenes(args)
    lines = ["| model | pictures | rightly named | mass of the map on the planet, median (least "
             "tenth) | of the rightly named | area of the planets |", "|---|---|---|---|---|---|"]
    figures, rows = {}, []
    for predictor in predictors:
        squares = np.stack([predictor.preprocessing.square(picture) for _, picture, _ in scenes])
        answers = list(predictor.predict_squares(squares))
        heats = grad_cam(predictor, torch.from_numpy(squares),
                         [int(answer.probabilities.argmax()) for answer in answers])
        proportions = inside_proportions(heats, [mask for *_, mask in scenes])
        right = np.array([answer.top(1)[0][0] == label
                          for answer, (label, *_) in zip(answers, scenes, strict=True)])
        area = np.mean([mask.mean() for *_, mask in scenes])
        name = f"{predictor.checkpoint.model}, {predictor.preprocessing.size} pixels"
        figures[name] = {"all": _median(proportions), "rightly named": _median(proportions[right])}
        lines.append(f"| {name} | {len(scenes)} | "
                     f"{metrics.as_text(metrics.proportion(int(right.sum()), len(scenes)))} | "
                     f"{_spread(proportions)} | {_spread(proportions[right])} | {area:.0%} |")
        for label in console.PLANETS:
            own = [place for place, scene in enumerate(scenes) if scene[0] == label][:SCENES_DRAWN]
            rows.append((f"{label}\n{predictor.checkpoint.model}",
                         [overlay(scenes[place][1], heats[place]) for place in own]))
    report = args.output_dir / "where_it_looks.md"
    with atomic_path(report) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    console.print_result(figures, [report, labelled_rows(
        rows, args.output_dir / "where_it_looks.png",
        "Grad-CAM on planets that stand off-centre")])


if __name__ == "__main__":
    console.run(main)
