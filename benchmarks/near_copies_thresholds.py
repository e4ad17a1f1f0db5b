"""What each threshold of near-copies catches: planted copies, and pictures that are none.

in:   nothing; pictures are drawn
out:  nothing but the table it prints

  python benchmarks/near_copies_thresholds.py
  python benchmarks/near_copies_thresholds.py --per-class 20 --seed 7

A good threshold has nearly all copies within and few of the other pairs. The copies are those of
copies_found.py that keep the whole picture or nearly so. Plain discs are left out, because their
pixels are not compared.
"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from copies_found import CLASSES, SIDE, kinds  # noqa: E402  (beside this script)

from celestial.common import console  # noqa: E402  (the project's folder must be on the path first)

if TYPE_CHECKING:
    import numpy as np

WHOLE = 8  # kinds of copies that keep the whole picture, the first ones of copies_found.py
SMALL_CROP, CROP = "cropped by 2.5 % at each edge", "cropped by 5 % at two edges"


def parse_args() -> argparse.Namespace:
    parser = console.make_parser(__doc__)
    parser.add_argument("--per-class", type=console.positive_int, default=8, metavar="N",
                        help="pictures of each class")
    parser.add_argument("--seed", type=console.seed_number, default=42)
    return parser.parse_args()


def pairs_of(args: argparse.Namespace) -> dict:
    """Return pairs of pictures by kind: name -> list of (picture, picture), none of them plain."""
    import numpy as np

    from celestial.data.copy_check import are_plain, thumbnail
    from celestial.renderer.draw import draw_picture

    drawn = [[draw_picture(name, SIDE, args.seed, number) for number in range(args.per_class)]
             for name in CLASSES]
    drawn = [[one for one, plain in zip(own, are_plain(np.array([*map(thumbnail, own)])),
                                        strict=True) if not plain] for own in drawn]
    every, ways = [one for own in drawn for one in own], kinds()
    whole = [*list(ways)[:WHOLE], SMALL_CROP]
    return {"copies": [(one, ways[name](one)) for name in whole for one in every],
            CROP: [(one, ways[CROP](one)) for one in every],
            "others of one class": [(one, other) for own in drawn for place, one in enumerate(own)
                                    for other in own[place + 1:]],
            "of two classes": [(one, other) for own, next_ in zip(drawn, drawn[1:], strict=False)
                               for one in own for other in next_]}


def measured(pairs: list) -> "dict[str, np.ndarray]":
    """Return what the thresholds are compared with, for each pair: name -> (P,)."""
    import numpy as np

    from celestial.data import copy_check
    from celestial.data.fingerprint_distance import distances, weighted_colours
    from celestial.data.fingerprints import fingerprint
    from celestial.data.near_copies import coarse_features

    ones, others = (np.array([fingerprint(pair[side]) for pair in pairs]) for side in (0, 1))
    found = {"distance": np.minimum(distances(ones, others), distances(others, ones))}
    for name, features in (("colour", weighted_colours), ("coarse waves", coarse_features)):
        found[name] = np.linalg.norm(features(ones) - features(others), axis=1)
    residuals = []
    for one, other in pairs:
        small, turned = copy_check.thumbnail(one), copy_check.thumbnail(other)[None]
        turned = np.concatenate(copy_check.orientations(turned))
        moves, coarse = copy_check.register(np.repeat(small[None], len(turned), axis=0), turned)
        best = coarse.argmin()
        left = copy_check.residual(small, turned[best], moves[best])
        residuals.append((coarse[best], left.mean, left.worst))
    names = ("coarse residual", "mean residual", "worst residual")
    return found | dict(zip(names, np.array(residuals).T, strict=True))


def thresholds() -> dict[str, tuple[str, float]]:
    """Return what each threshold is compared with and its value: name -> (what, value)."""
    from celestial.data import copy_check, fingerprint_distance, near_copies

    return {f"`{name}`": (what, getattr(module, name)) for module, name, what in (
        (near_copies, "SURE_COPY_THRESHOLD", "distance"),
        (fingerprint_distance, "NEAR_COPY_THRESHOLD", "distance"),
        (near_copies, "CANDIDATE_THRESHOLD", "distance"),
        (near_copies, "COLOUR_THRESHOLD", "colour"),
        (near_copies, "COARSE_THRESHOLD", "coarse waves"),
        (copy_check, "COARSE_RESIDUAL_THRESHOLD", "coarse residual"),
        (copy_check, "MEAN_RESIDUAL_THRESHOLD", "mean residual"),
        (copy_check, "WORST_RESIDUAL_THRESHOLD", "worst residual"))}


def main() -> None:
    args = parse_args()
    console.print_header(__file__, args)
    from celestial.evaluation import metrics

    pairs = pairs_of(args)
    found = {kind: measured(own) for kind, own in pairs.items()}
    print(f"| threshold | value | {' | '.join(pairs)} |\n|---|---|{'---|' * len(pairs)}")
    rows = []
    for name, (what, value) in thresholds().items():
        within = {kind: metrics.proportion(int((own[what] <= value).sum()), len(own[what]))
                  for kind, own in found.items()}
        print(f"| {name} | {value} | {' | '.join(map(metrics.as_text, within.values()))} |")
        rows.append({"threshold": name.strip("`"), "value": value, "within": within})
    console.print_result({"pairs": {kind: len(own) for kind, own in pairs.items()}, "rows": rows},
                         [])


if __name__ == "__main__":
    console.run(main)
