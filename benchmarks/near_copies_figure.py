"""How a near-copy is found: the worked example and the picture of docs/near-copies.md.

in:   nothing; pictures are drawn
out:  near_copies.png (three pairs of pictures: a copy, a look-alike, another picture)

  python benchmarks/near_copies_figure.py
  python benchmarks/near_copies_figure.py --output-dir assets     # the one that the page shows

Each pair goes through the steps of celestial/data/near_copies.py: the distance of the fingerprints,
then one picture laid over the other and what is left of the difference.
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from celestial.common import console  # noqa: E402  (the project's folder must be on the path first)

if TYPE_CHECKING:
    import numpy as np

    from celestial.data.copy_check import Residual

SIDE = 160  # pixels
SEED = 42
CLASS = "jupiter"
ORIGINAL, LOOK_ALIKE, OTHER = 18, 34, 2  # numbers of drawn pictures


@dataclass(frozen=True)
class Pair:
    """Two pictures and what the steps find.

    Attributes:
        name: what the second picture is to the first.
        pictures: both, uint8 (height, width, 3).
        held: what both fingerprints hold, float32 (2, SQUARE, SQUARE), grey levels.
        distance: of the fingerprints.
        laid_over: the second thumbnail moved over the first, float32 (64, 64), grey levels.
        coarse: the coarse residual.
        left: what is left of the difference.
        verdict: in words.
    """

    name: str
    pictures: "tuple[np.ndarray, np.ndarray]"
    held: "np.ndarray"
    distance: float
    laid_over: "np.ndarray"
    coarse: float
    left: "Residual"
    verdict: str


def parse_args() -> argparse.Namespace:
    parser = console.make_parser(__doc__)
    parser.add_argument("--output-dir", type=Path, default=Path("evaluation_results"),
                        metavar="FOLDER")
    return parser.parse_args()


def copied(picture: "np.ndarray") -> "np.ndarray":
    """Return the picture turned by a quarter, cropped by 3 % and 2 % of a side, of gamma 1.4."""
    import numpy as np

    cropped = np.rot90(picture)[5:-3, 3:-5]
    return np.uint8(255 * (cropped / 255) ** 1.4 + 0.5)


def what_is_held(fingerprints: "np.ndarray") -> "np.ndarray":
    """Return the grey squares that fingerprints stand for, float32 (N, SQUARE, SQUARE)."""
    import numpy as np
    from scipy.fft import idctn

    from celestial.data.fingerprints import ORDERS, SQUARE, waves_of

    more = SQUARE - ORDERS
    waves = np.pad(waves_of(fingerprints), ((0, 0), (0, more), (0, more)))
    return idctn(waves, axes=(1, 2), norm="ortho")


def compare(name: str, one: "np.ndarray", other: "np.ndarray") -> Pair:
    """Take two pictures of one class through the steps."""
    import numpy as np

    from celestial.data import copy_check, near_copies
    from celestial.data.fingerprint_distance import distances
    from celestial.data.fingerprints import fingerprint

    prints = np.array([fingerprint(picture) for picture in (one, other)])
    small = np.array([copy_check.thumbnail(picture) for picture in (one, other)])
    apart = float(distances(prints, prints[::-1]).min())
    turned = np.concatenate(copy_check.orientations(small[1:]))
    moves, coarse = copy_check.register(np.repeat(small[:1], len(turned), axis=0), turned)
    best = coarse.argmin()
    laid_over = copy_check.warp(turned[best:best + 1].astype(np.float32), moves[best:best + 1])[0]
    if apart > near_copies.CANDIDATE_THRESHOLD:
        verdict = "no candidate"
    elif near_copies.are_near_copies(small, near_copies.Plainness(small), np.array([0]),
                                     np.array([1]), np.array([apart])).all():
        verdict = "a copy"
    else:
        verdict = "no copy"
    return Pair(name, (one, other), what_is_held(prints), apart, laid_over[0], float(coarse[best]),
                copy_check.residual(small[0], turned[best], moves[best]), verdict)


def as_markdown(pairs: list[Pair]) -> str:
    """Return the table of the worked example."""
    lines = ["| the second picture | distance | coarse residual | mean residual | worst residual "
             "| verdict |", "|---|---|---|---|---|---|"]
    lines += [f"| {pair.name} | {pair.distance:.2f} | {pair.coarse:.2f} | {pair.left.mean:.2f} "
              f"| {pair.left.worst:.2f} | {pair.verdict} |" for pair in pairs]
    return "\n".join(lines)


def draw(pairs: list[Pair], path: Path) -> Path:
    """Draw a row for each pair: the pictures, their fingerprints, laid over, what is left."""
    import numpy as np
    from PIL import Image

    from celestial.data.copy_check import MEAN_RESIDUAL_THRESHOLD
    from celestial.data.near_copies import CANDIDATE_THRESHOLD
    from celestial.drawing import cards
    from celestial.drawing.figures import plt, save

    heads = ("the first picture", "the second picture", "what the two fingerprints hold",
             "then laid over the first", "what still differs")
    figure, axes = plt.subplots(len(pairs), 5, figsize=(9.6, 1.95 * len(pairs)),
                                width_ratios=(1, 1, 2.05, 1, 1))
    for row, pair in zip(axes, pairs, strict=True):
        for axis in row:
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
        row[0].set_ylabel(pair.name, weight="bold")
        gap = np.full((len(pair.held[0]), 2), 255)
        held = np.concatenate([pair.held[0], gap, pair.held[1]], axis=1)
        for axis, shown in zip(row, (*pair.pictures, held), strict=False):
            axis.imshow(shown, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        if pair.distance > CANDIDATE_THRESHOLD:
            row[2].set_xlabel(f"distance {pair.distance:.2f} > {CANDIDATE_THRESHOLD}: "
                              f"{pair.verdict}")
            continue
        row[2].set_xlabel(f"distance {pair.distance:.2f} ≤ {CANDIDATE_THRESHOLD}: a candidate")
        row[3].imshow(pair.laid_over, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        row[4].imshow(pair.left.picture, cmap="RdBu_r", vmin=-60, vmax=60,
                      interpolation="nearest")
        sign = "≤" if pair.left.mean <= MEAN_RESIDUAL_THRESHOLD else ">"
        row[4].set_xlabel(f"{pair.left.mean:.2f} {sign} {MEAN_RESIDUAL_THRESHOLD}: {pair.verdict}",
                          fontsize=10)
    for axis, head in zip(axes[0], heads, strict=True):
        axis.set_title(head, fontsize=10)
    save(figure, path)
    with Image.open(path) as drawn:  # a palette makes the file three times smaller
        return cards.save(drawn.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE), path)


def main() -> None:
    args = parse_args()
    console.print_header(__file__, args)
    from celestial.renderer.draw import draw_picture

    original, look_alike, other = (draw_picture(CLASS, SIDE, SEED, number)
                                   for number in (ORIGINAL, LOOK_ALIKE, OTHER))
    pairs = [compare("a copy", original, copied(original)),
             compare("a look-alike", original, look_alike),
             compare("another picture", original, other)]
    print(as_markdown(pairs))
    console.print_result({"verdicts": {pair.name: pair.verdict for pair in pairs}},
                         [draw(pairs, args.output_dir / "near_copies.png")])


if __name__ == "__main__":
    console.run(main)
