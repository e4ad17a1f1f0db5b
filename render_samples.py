"""Step 0: draw sample pictures of celestial bodies; without --maps no photograph, no licence.

in:   nothing, or maps of celestial bodies with --maps
out:  data/input/<class>/<class>_<seed>_<number>.jpg    each says in its comment how it was drawn

  python render_samples.py
  python render_samples.py --classes galaxy nebula star_cluster --output-dir data/deep_sky
  python render_samples.py --classes everyday other_space --output-dir data/outliers
  python render_samples.py --lacking data/input --output-dir data/drawn_beside
  python render_samples.py --maps textures --output-dir data/from_maps
  python render_samples.py --per-class 2000 --size 128 --seed 7 --output-dir data/many

The same command draws the same bytes, and after a kill it goes on where it stopped.
"""

import argparse
import multiprocessing
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from celestial.common import console
from celestial.common.console import UserError

if TYPE_CHECKING:
    from celestial.renderer.maps.map_choice import MapSet, Source

QUALITY = 92  # of the JPEG files
NAMED = 10  # files that are passed over for one reason


def parse_args() -> argparse.Namespace:
    parser = console.make_parser(__doc__)
    group = parser.add_argument_group("pictures")
    wanted = group.add_mutually_exclusive_group()
    wanted.add_argument("--classes", nargs="+", choices=(*console.DRAWN, *console.OUTLIERS),
                        default=[*console.PLANETS], metavar="CLASS",
                        help=f"any of {', '.join(console.DRAWN)}; or things that are none of them, "
                        f"{' and '.join(console.OUTLIERS)}")
    wanted.add_argument("--lacking", type=Path, default=None, metavar="FOLDER",
                        help="the classes of a trained model that have no picture in this folder, "
                        "which holds one folder a class")
    console.add_checkpoint_option(group)
    group.add_argument("--per-class", type=console.positive_int, default=60,
                       help="pictures of each class")
    group.add_argument("--size", type=console.picture_side, default=256,
                       help="longer side of a picture, pixels")
    group.add_argument("--seed", type=console.seed_number, default=42,
                       help="another seed draws other pictures")
    group.add_argument("--maps", type=Path, default=None, metavar="FOLDER",
                       help="maps to wrap globes in: equirectangular pictures named after their "
                       "bodies, such as 2k_mars.jpg; None: everything is drawn")
    group = parser.add_argument_group("folders")
    group.add_argument("--output-dir", type=Path, default=Path("data/input"), metavar="FOLDER",
                       help="gets one folder a class")
    group.add_argument("--add", action="store_true",
                       help="draw although the folder holds other pictures; none is overwritten")
    group = parser.add_argument_group("computing")
    group.add_argument("--device", default="cpu",
                       help="where light is computed: cpu, auto (CUDA when there is one), cuda")
    group.add_argument("--workers", type=console.positive_int, default=os.cpu_count(),
                       help="processes that draw")
    return parser.parse_args()


def how_drawn(name: str, index: int, args: argparse.Namespace) -> str:
    """Return the comment in a picture's file: all that decides its content."""
    source = source_of(name, index, args)
    return (f"drawn by render_samples.py: {name} size {args.size} seed {args.seed} number {index}"
            + (f" from {source}" if source else ""))


def source_of(name: str, index: int, args: argparse.Namespace) -> "Source | None":
    """Return the maps that a picture is drawn from; None: there are none, or none for it."""
    return args.map_set.source(name, index, args.size) if args.maps else None


def target(name: str, index: int, args: argparse.Namespace) -> Path:
    """Return where a picture goes."""
    return args.output_dir / name / f"{name}_{args.seed}_{index:05d}.jpg"


def lacking_classes(args: argparse.Namespace) -> list[str]:
    """Return the classes of a model that have no picture in `--lacking`.

    Raises:
        UserError: there is no such folder, or one of the classes cannot be drawn.
    """
    from celestial.common.files import class_files
    from celestial.models.checkpoints import find_checkpoint, load_checkpoint

    if not args.lacking.is_dir():
        raise UserError(f"there is no folder {args.lacking}; name one that holds one folder a "
                        "class, which may be empty", status=2)
    path = find_checkpoint(args.checkpoint)
    found = class_files(args.lacking)[0]
    lacking = [name for name in load_checkpoint(path).classes if not found.get(name)]
    if other := [name for name in lacking if name not in console.DRAWN]:
        raise UserError(f"{path} knows {', '.join(other)}, of which {args.lacking} has no picture "
                        f"and which cannot be drawn; put 20 or more into {args.lacking / other[0]}")
    print(f"{args.lacking} has no picture of {', '.join(lacking)}" if lacking else
          f"{args.lacking} has pictures of every class of {path}, so nothing is drawn")
    return lacking


def read_maps(folder: Path) -> "MapSet":
    """Read the maps of a folder and say what they are, and what was passed over and why."""
    from celestial.common.file_names import display_name
    from celestial.data.datasets import some
    from celestial.renderer.maps.map_choice import MapSet
    from celestial.renderer.maps.map_files import read_folder

    maps, passed_over = read_folder(folder)
    bodies = Counter(found.body if found.kind == "map" else f"{found.body}'s {found.kind}"
                     for found in maps)
    print("maps: " + ", ".join(f"{body} {count}" for body, count in sorted(bodies.items())))
    for reason, paths in passed_over.items():
        names = [display_name(path.relative_to(folder)) for path in paths]
        print(f"passed over ({reason}): {some(names, NAMED)}")
    return MapSet(tuple(maps))


def comment_of(path: Path) -> str:
    """Return the comment of a JPEG file; empty where there is none or the file is no picture."""
    from PIL import Image

    try:
        with Image.open(path, formats=["JPEG"]) as picture:
            return picture.info.get("comment", b"").decode(errors="replace")
    except OSError:
        return ""


def require_own_folder(args: argparse.Namespace) -> None:
    """Raise UserError if the folder holds pictures that the same options would not draw."""
    from celestial.common.files import walk_files

    if not args.output_dir.is_dir():
        if args.output_dir.exists():
            raise UserError(f"{args.output_dir} is a file; choose another --output-dir", status=2)
        return
    for path in walk_files(args.output_dir):
        name, number = path.parent.name, path.stem.rsplit("_", 1)[-1]
        ours = number.isdecimal() and comment_of(path) == how_drawn(name, int(number), args)
        if not ours:
            raise UserError(f"{args.output_dir} already holds other pictures "
                            f"({path.relative_to(args.output_dir)}); choose another --output-dir, "
                            "or say --add to draw beside them")


def prepare() -> None:
    """Start a drawing process: one thread each, as there are as many processes as cores."""
    import torch

    torch.set_num_threads(1)


def draw(job: tuple[str, int, argparse.Namespace]) -> None:
    """Draw one picture and write its file."""
    from PIL import Image

    from celestial.common.files import atomic_path
    from celestial.renderer.draw import draw_picture

    name, index, args = job
    pixels = draw_picture(name, args.size, args.seed, index, args.device,
                          source_of(name, index, args))
    with atomic_path(target(name, index, args), durable=False) as temporary:
        Image.fromarray(pixels).save(temporary, "JPEG", quality=QUALITY,
                                     comment=how_drawn(name, index, args))


def draw_all(jobs: list[tuple[str, int, argparse.Namespace]], args: argparse.Namespace) -> None:
    """Draw in as many processes as asked for, or here on a GPU or for a few pictures."""
    from tqdm import tqdm

    def progress(done: Iterable) -> Iterable:
        return tqdm(done, total=len(jobs), desc="drawing", unit="picture")

    if args.device != "cpu" or args.workers == 1 or len(jobs) < 20:
        prepare()
        for _ in progress(map(draw, jobs)):
            pass
        return
    with multiprocessing.get_context("spawn").Pool(args.workers, prepare) as pool:
        for _ in progress(pool.imap_unordered(draw, jobs, chunksize=8)):
            pass


def main() -> None:
    args = parse_args()
    # Heavy imports wait until the options are read: --help answers at once.
    from celestial.inference.devices import describe, pick_device

    device = pick_device(args.device)
    console.print_header(__file__, args, describe(device))
    args.device = str(device)
    if args.maps:
        args.map_set = read_maps(args.maps)
    if args.lacking:
        args.classes = lacking_classes(args)
        args.output_dir.mkdir(parents=True, exist_ok=True)  # datapre.py reads it even if empty
    if not args.add:
        require_own_folder(args)
    wanted = [(name, index, args) for name in args.classes for index in range(args.per_class)]
    if args.maps:
        from_maps = sum(source_of(*job) is not None for job in wanted)
        print(f"{from_maps} of {len(wanted)} pictures are drawn from maps" + (
            "" if from_maps else ": none is of these classes and fine enough for this --size"))
    jobs = [job for job in wanted if not target(*job).exists()]
    draw_all(jobs, args)
    print(f"{len(jobs)} pictures drawn" + (f", {len(wanted) - len(jobs)} were there already"
                                           if len(jobs) < len(wanted) else ""))
    console.print_result({"drawn": len(jobs), "pictures": len(wanted),
                          "classes": list(args.classes)}, [args.output_dir])


if __name__ == "__main__":
    console.run(main, "the same command goes on where it stopped")
