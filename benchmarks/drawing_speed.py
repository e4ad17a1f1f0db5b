"""How many pictures of each class one core draws a second.

in:   nothing
out:  drawing_speed.md, a table with the median and the spread over the rounds

  python benchmarks/drawing_speed.py
  python benchmarks/drawing_speed.py --size 256 --rounds 3

Processor time of one thread is counted, so that other programs disturb little. All classes are
drawn in turn in every round; the first pictures of each, which build its maps, are not counted.
"""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from celestial.common import console  # noqa: E402  (the project's folder must be on the path first)

PICTURES = 20  # of each class in a round


def parse_args() -> argparse.Namespace:
    parser = console.make_parser(__doc__)
    parser.add_argument("--size", type=console.picture_side, default=128,
                        help="longer side of a picture, pixels")
    parser.add_argument("--rounds", type=console.positive_int, default=5)
    parser.add_argument("--seed", type=console.seed_number, default=42)
    parser.add_argument("--output-dir", type=Path, default=Path("evaluation_results"),
                        metavar="FOLDER")
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    console.print_header(__file__, args)
    import numpy as np
    import torch

    from celestial.common.files import atomic_path
    from celestial.renderer.draw import draw_picture

    torch.set_num_threads(1)
    for name in console.DRAWN:
        for index in range(3):
            draw_picture(name, args.size, args.seed, index)
    speeds = {name: [] for name in console.DRAWN}
    for turn in range(args.rounds):
        for name, found in speeds.items():
            started = time.process_time()
            for index in range(turn * PICTURES, (turn + 1) * PICTURES):
                draw_picture(name, args.size, args.seed, index)
            found.append(PICTURES / (time.process_time() - started))
    lines = [f"| class | pictures a second and core at {args.size} px, median (least to most) |",
             "|---|---|"]
    lines += [f"| {name} | {np.median(found):.0f} ({min(found):.0f} to {max(found):.0f}) |"
              for name, found in speeds.items()]
    print("\n".join(lines))
    report = args.output_dir / "drawing_speed.md"
    with atomic_path(report) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
    console.print_result({name: round(float(np.median(found)), 1)
                          for name, found in speeds.items()}, [report])


if __name__ == "__main__":
    console.run(main)
