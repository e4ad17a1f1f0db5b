"""Gather photographs of things that are none of the classes, from free packages of Debian.

in:   PACKAGES/, the unpacked packages `STAMPS` and `WALLPAPERS`
out:  FOLDER/*.jpg, at most 320 pixels; KEPT/*.jpg, one thing in five, to choose a recipe by

  apt-get download tuxpaint-stamps-default plasma-workspace-wallpapers mate-backgrounds \\
      gnome-backgrounds lomiri-wallpapers-16.04 lomiri-wallpapers-20.04 ukui-wallpapers
  for package in *.deb; do dpkg-deb -x $package packages/${package%%_*}; done
  python pretrained/other_things.py packages data/drawn_outliers/photographed data/strangers

Things cut out lie on black, on white or on a part of a wallpaper in turn. A wallpaper gives itself
and six parts. What shows the sky or a planet is left out, and so are letters.
"""

import argparse
import itertools
import re
import sys
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from celestial.common import console  # noqa: E402  (the project's folder must be on the path first)
from celestial.common.console import UserError  # noqa: E402

STAMPS = "tuxpaint-stamps-default"
WALLPAPERS = ("gnome-backgrounds", "lomiri-wallpapers-16.04", "lomiri-wallpapers-20.04",
              "mate-backgrounds", "plasma-workspace-wallpapers", "ukui-wallpapers")
# Planets and the sky, letters, and files that show the same again in another size.
LEFT_OUT = re.compile(r"stamps/space/|alphabets/\w+/(filled|outlined)|MilkyWay|Cluster|Infinite-Sea"
                      r"|screenshot|Elephants_|1080x1920|720x1440|1622x2880")
SIDE = 320  # pixels; the weights that ship look at 128
PLAIN = 4  # standard deviation of the levels 0..255 below which a picture shows nothing
PARTS = (3, 2)  # of a wallpaper, across and down
KEPT = 5  # one thing in so many is not learned from


def parse_args() -> argparse.Namespace:
    parser = console.make_parser(__doc__)
    parser.add_argument("packages", type=Path, metavar="PACKAGES")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="is made")
    parser.add_argument("kept", type=Path, metavar="KEPT", help="is made")
    return parser.parse_args()


def pictures_of(folder: Path) -> list[Path]:
    """Return the pictures of a package, less those left out, in order."""
    return sorted(file for file in folder.rglob("*")
                  if file.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp") and file.is_file()
                  and not file.is_symlink() and not LEFT_OUT.search(file.as_posix()))


def cut_into_parts(picture: Image.Image) -> list[Image.Image]:
    """Return the picture and its parts, each at most SIDE pixels."""
    across, down = PARTS
    width, height = picture.width // across, picture.height // down
    boxes = [(x * width, y * height, (x + 1) * width, (y + 1) * height)
             for y in range(down) for x in range(across)]
    parts = [picture, *(picture.crop(box) for box in boxes)]
    for part in parts:
        part.thumbnail((SIDE, SIDE))
    return [part for part in parts if np.std(part) > PLAIN]


def lay_on(thing: Image.Image, ground: Image.Image) -> Image.Image:
    """Return a thing with transparency (RGBA) on a ground with a margin of a fifth around it."""
    thing.thumbnail((SIDE, SIDE))
    side = round(1.2 * max(thing.size))
    laid = ground.resize((side, side)).convert("RGBA")
    laid.alpha_composite(thing, ((side - thing.width) // 2, (side - thing.height) // 2))
    return laid.convert("RGB")


def gather(packages: Path) -> dict[str, list[Image.Image]]:
    """Return a thing's pictures by its name: a wallpaper and its parts, or a stamp on a ground."""
    found = {}
    for package in WALLPAPERS:
        for file in pictures_of(packages / package):
            name = "_".join(file.relative_to(packages / package).with_suffix("").parts[2:])
            with Image.open(file) as picture:
                found[f"{package}_{name}"] = cut_into_parts(picture.convert("RGB"))
    plain = [Image.new("RGB", (1, 1), colour) for colour in ("black", "white")]
    parts = list(itertools.chain(*found.values()))
    grounds = itertools.cycle([ground for part in parts[::PARTS[0] * PARTS[1] + 1]
                               for ground in (*plain, part)])
    stamps = packages / STAMPS / "usr/share/tuxpaint/stamps"
    for file in pictures_of(stamps):
        with Image.open(file) as picture:
            laid = lay_on(picture.convert("RGBA"), next(grounds))
        name = "_".join(file.relative_to(stamps).with_suffix("").parts)
        found[f"stamp_{name}"] = [laid] if np.std(laid) > PLAIN else []
    return found


def main() -> None:
    args = parse_args()
    console.print_header(__file__, args)
    from celestial.common.files import atomic_path

    missing = [name for name in (STAMPS, *WALLPAPERS) if not (args.packages / name).is_dir()]
    if missing:
        raise UserError(f"{args.packages} lacks {', '.join(missing)}; download and unpack them as "
                        "python pretrained/other_things.py --help shows", status=2)
    counts = dict.fromkeys((args.folder, args.kept), 0)
    for name, pictures in gather(args.packages).items():
        # Numbered pictures of one thing go the same way.
        kept = zlib.crc32(re.sub(r"_\d$", "", name).encode()) % KEPT == 0
        folder = args.kept if kept else args.folder
        folder.mkdir(parents=True, exist_ok=True)
        for number, picture in enumerate(pictures):
            with atomic_path(folder / f"{name}_{number}.jpg") as temporary:
                picture.save(temporary, "JPEG", quality=92)
        counts[folder] += len(pictures)
    print(f"{counts[args.folder]} pictures to learn from, {counts[args.kept]} kept")
    console.print_result({"pictures": counts[args.folder], "kept": counts[args.kept]},
                         [args.folder, args.kept])


if __name__ == "__main__":
    console.run(main)
