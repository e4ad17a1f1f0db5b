"""Which kinds of copies are found, and how often pictures that are none are taken for copies.

in:   nothing; pictures are drawn
out:  nothing but the table it prints

  python benchmarks/copies_found.py
  python benchmarks/copies_found.py --per-class 40 --seed 7

Each drawn picture is changed in one way, and the copy is compared with all drawn pictures, as
datapre.py compares a picture of val or test with those of train. The nearest of its near-copies is
its own original, another drawn picture, or there is none.
"""

import argparse
import io
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from celestial.common import console  # noqa: E402  (the project's folder must be on the path first)

SIDE = 160  # pixels
CLASSES = console.DRAWN


def parse_args() -> argparse.Namespace:
    parser = console.make_parser(__doc__)
    parser.add_argument("--per-class", type=console.positive_int, default=20, metavar="N",
                        help="pictures of each class")
    parser.add_argument("--seed", type=console.seed_number, default=42)
    return parser.parse_args()


def saved(picture, quality: int):
    """Return the picture as JPEG brings it back."""
    import numpy as np
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def resized(picture, side: int):
    """Return the picture in another size."""
    import cv2

    return cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)


def toned(picture, gain: float, gamma: float):
    """Return the picture brighter or of another gamma."""
    import numpy as np

    return np.uint8(255 * np.clip(gain * (picture / 255) ** gamma, 0, 1) + 0.5)


def turned(picture, degrees: float):
    """Return the picture turned about its middle; black comes in at the corners."""
    import cv2

    size = len(picture)
    matrix = cv2.getRotationMatrix2D((size / 2 - 0.5, size / 2 - 0.5), degrees, 1)
    return cv2.warpAffine(picture, matrix, (size, size), flags=cv2.INTER_CUBIC)


def framed(picture, down: int, across: int, light: int):
    """Return the picture with a border of one brightness, pixels."""
    import numpy as np

    return np.pad(picture, ((down, down), (across, across), (0, 0)), constant_values=light)


def marked(picture):
    """Return the picture with a caption at the lower edge, as a watermark is."""
    import cv2

    words = cv2.putText(picture.copy(), "(c) somebody", (SIDE // 3, SIDE - 6),
                        cv2.FONT_HERSHEY_SIMPLEX, 0.45, (255, 255, 255), 1, cv2.LINE_AA)
    return cv2.addWeighted(words, 0.8, picture, 0.2, 0)


def kinds() -> dict:
    """Return the ways to change a picture, by name."""
    import numpy as np

    crop = SIDE // 20
    return {
        "saved again (JPEG 75)": lambda one: saved(one, 75),
        "saved again (JPEG 40)": lambda one: saved(one, 40),
        "half the size": lambda one: resized(one, SIDE // 2),
        "brighter by 15 %": lambda one: toned(one, 1.15, 1),
        "darker by 30 %": lambda one: toned(one, 0.7, 1),
        "gamma 1.4": lambda one: toned(one, 1, 1.4),
        "quarter turn": lambda one: np.rot90(one).copy(),
        "mirrored": lambda one: one[:, ::-1].copy(),
        "cropped by 2.5 % at each edge": lambda one: one[crop // 2:-crop // 2,
                                                         crop // 2:-crop // 2].copy(),
        "cropped by 5 % at two edges": lambda one: one[crop:, crop:].copy(),
        "caption": marked,
        "frame of 2 % at each edge": lambda one: framed(one, SIDE // 50, SIDE // 50, 255),
        "frame of 6 % at each edge": lambda one: framed(one, SIDE // 16, SIDE // 16, 255),
        "letterbox of 12 % above and below": lambda one: framed(one, SIDE // 8, 0, 0),
        "turned by 2 degrees": lambda one: turned(one, 2),
        "turned by 5 degrees": lambda one: turned(one, 5),
        "turned by 10 degrees": lambda one: turned(one, 10),
        "turned by 45 degrees": lambda one: turned(one, 45),
    }


def main() -> None:
    args = parse_args()
    console.print_header(__file__, args)
    import numpy as np

    from celestial.data import copy_check, fingerprints, near_copies
    from celestial.data.leaks import find_near_copies
    from celestial.evaluation import metrics
    from celestial.renderer.draw import draw_picture

    drawn = [draw_picture(name, SIDE, args.seed, number) for name in CLASSES
             for number in range(args.per_class)]
    print("| kind | found | taken for another's |\n|---|---|---|")
    rows = []
    for name, change in kinds().items():
        every = [*drawn, *map(change, drawn)]
        prints = np.array([fingerprints.fingerprint(picture) for picture in every])
        small = np.array([copy_check.thumbnail(picture) for picture in every])
        first = np.arange(len(drawn))
        labels = np.tile(first // args.per_class, 2)
        nearest = find_near_copies(prints, small, labels, near_copies.Plainness(small),
                                   first + len(drawn), first)[0]
        found, taken = (metrics.proportion(int(mask.sum()), len(drawn)) for mask in (
            nearest == first, (nearest >= 0) & (nearest != first)))
        print(f"| {name} | {metrics.as_text(found)} | {metrics.as_text(taken)} |", flush=True)
        rows.append({"kind": name, "found": found, "wrong": taken})
    console.print_result({"pictures": len(drawn), "rows": rows}, [])


if __name__ == "__main__":
    console.run(main, "the rows above are complete")
