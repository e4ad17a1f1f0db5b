"""How well are linear frames recognised under different settings of the stretch?

in:   FOLDER/<class>/*  pictures made for looking, of the checkpoint's classes; never changed
out:  linear_frames.csv

  python benchmarks/linear_frames.py data/input --per-class 40

Each picture is turned into what a camera would have recorded, 14 bits with sky, photon noise and
read noise, by undoing the curve that made it fit for looking: a gamma, or an asinh of some
strength. Then it is stretched again by `stretch.Stretch` with other percentiles and softenings.
"""

import argparse
import itertools
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from celestial.common import console  # noqa: E402  (the project's folder must be on the path first)

CURVES = ("gamma 2.2", "asinh 0.1", "asinh 0.03", "asinh 0.01")  # strength: softening, see Stretch
WHITES = (99.5, 99.8, 99.95)
SOFTENINGS = (0.01, 0.03, 0.1, 0.3)
BRIGHTEST = 30000  # electrons of a white pixel; full wells of cameras hold 15,000 to 80,000
SKY = 400  # electrons
READ_NOISE = 15  # electrons
OFFSET = 800  # counts that a camera adds so that noise is never below 0
ELECTRONS_A_COUNT = 4  # 14 bits hold a full well then


def parse_args() -> argparse.Namespace:
    parser = console.make_parser(__doc__)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="one folder a class")
    parser.add_argument("--per-class", type=console.positive_int, default=40, help="pictures")
    parser.add_argument("--output-dir", type=Path, default=Path("evaluation_results"),
                        metavar="FOLDER", help="where the table goes")
    parser.add_argument("--seed", type=console.seed_number, default=42, help="of the noise")
    console.add_checkpoint_option(parser.add_argument_group("model"))
    console.add_compute_options(parser)
    return parser.parse_args()


def record(picture, curve: str, random):
    """Return what a camera would have recorded: uint8 (height, width, 3) -> uint16, same shape."""
    import numpy as np

    kind, strength = curve.split()
    shown, strength = picture / 255, float(strength)
    linear = (shown ** strength if kind == "gamma"
              else strength * np.sinh(shown * np.arcsinh(1 / strength)))
    electrons = random.poisson(linear * BRIGHTEST + SKY) + random.normal(0, READ_NOISE, shown.shape)
    return np.clip(electrons / ELECTRONS_A_COUNT + OFFSET, 0, 2 ** 14 - 1).astype(np.uint16)


def main() -> None:
    args = parse_args()
    import numpy as np

    from celestial.common.files import class_folders, walk_files
    from celestial.common.tables import write_csv
    from celestial.inference.predictor import start_predictor
    from celestial.pictures.stretch import Stretch, by_depth

    predictor = start_predictor(__file__, args)
    folders = [folder for folder in class_folders(args.folder) if folder.name in predictor.classes]
    paths = [path for folder in folders for path in walk_files(folder)[:args.per_class]]
    truth = np.array([predictor.classes.index(path.relative_to(args.folder).parts[0])
                      for path in paths])
    pictures = predictor.pictures(paths)

    def accuracy(shown) -> str:
        answers = [p.probabilities.argmax() for p in predictor.predict_pictures(shown)]
        return f"{np.mean(np.array(answers) == truth):.3f}"

    rows = [["as they are", "", "", accuracy(pictures)]]
    for number, curve in enumerate(CURVES):
        random = np.random.default_rng((args.seed, number))
        frames = [record(picture, curve, random) for picture in pictures]
        rows.append([curve, "by depth", "", accuracy(by_depth(frame, 65535) for frame in frames)])
        for white, softening in itertools.product(WHITES, SOFTENINGS):
            rule = Stretch(white=white, softening=softening)
            rows.append([curve, white, softening, accuracy(map(rule.to_8_bits, frames))])
    for row in rows:
        print("{:<12} white {:<9} softening {:<6} accuracy {}".format(*row))
    table = write_csv(args.output_dir / "linear_frames.csv",
                      ["curve", "white", "softening", "accuracy"], rows)
    console.print_result({"pictures": len(paths)}, [table])


if __name__ == "__main__":
    console.run(main)
