"""Does cleaning help? A model on photographs, as they are and with noise, cleaned in each way.

in:   FOLDER/<class>/*, photographs of some of the model's classes; never changed
out:  cleaning.md (a table)

  python benchmarks/cleaning.py ~/deep_sky
  python benchmarks/cleaning.py ~/deep_sky --noise 0 15 --checkpoint model.pth

The noise is added to the pictures as decoded, before anything else is done; the same for all ways.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np  # noqa: E402  (the project's folder must be on the path first)
from real_photos import list_photographs  # noqa: E402

from celestial.common import console  # noqa: E402
from celestial.pictures.cleaning import Cleaning  # noqa: E402

WAYS = {"none": Cleaning(), "--denoise": Cleaning(denoise=True),
        "--normalise": Cleaning(normalise=True),
        "--stretch percentile": Cleaning(stretch="percentile"),
        "--stretch asinh": Cleaning(stretch="asinh"),
        "all (asinh)": Cleaning(True, True, "asinh")}


def parse_args() -> argparse.Namespace:
    parser = console.make_parser(__doc__)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="one folder a class in it")
    parser.add_argument("--noise", type=float, nargs="+", default=[0, 20, 50],
                        help="standard deviations, grey levels")
    parser.add_argument("--seed", type=console.seed_number, default=42)
    parser.add_argument("--output-dir", type=Path, default=Path("evaluation_results"),
                        metavar="FOLDER")
    console.add_checkpoint_option(parser)
    console.add_compute_options(parser)
    return parser.parse_args()


def with_noise(picture: np.ndarray, sigma: float, *seed: int) -> np.ndarray:
    """Return the picture with Gaussian noise, clipped: uint8 (height, width, 3)."""
    noise = sigma * np.random.default_rng(seed).standard_normal(picture.shape, np.float32)
    return np.uint8(np.clip(np.rint(picture + noise), 0, 255)) if sigma else picture


def main() -> None:
    args = parse_args()
    from celestial.common.files import atomic_path
    from celestial.data.datasets import groups_of
    from celestial.evaluation import metrics
    from celestial.inference.predictor import start_predictor

    predictor = start_predictor(__file__, args)
    paths, names = list_photographs(args.folder, predictor.classes)
    truth = np.array([predictor.classes.index(name) for name in names])
    groups = groups_of(args.folder.parent, paths)
    pictures = predictor.pictures(paths)
    fits = {way: replace(predictor.preprocessing, cleaning=cleaning)
            for way, cleaning in WAYS.items()}
    lines = [f"| noise, grey levels | {' | '.join(WAYS)} |", "|---" * (1 + len(WAYS)) + "|"]
    found = {}
    for sigma in args.noise:
        noisy = [with_noise(picture, sigma, args.seed, number)
                 for number, picture in enumerate(pictures)]
        cells = []
        for way, fit in fits.items():
            answers = predictor.predict_squares(map(fit.square, noisy))
            right = np.array([int(answer.probabilities.argmax()) for answer in answers]) == truth
            found[f"{sigma:g}, {way}"] = round(right.mean(), 4)
            cells.append(metrics.as_text(metrics.proportion_of(right, groups)))
        lines.append(f"| {sigma:g} | {' | '.join(cells)} |")
        print(lines[-1], flush=True)
    report = args.output_dir / "cleaning.md"
    with atomic_path(report) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
    console.print_result({"pictures": len(truth), **found}, [report])


if __name__ == "__main__":
    console.run(main)
