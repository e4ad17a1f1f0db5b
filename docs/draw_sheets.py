"""Draw the contact sheets of docs/drawn-pictures.md and the gallery of docs/steps.md.

in:   nothing
out:  docs/sheets/<class>.jpg, assets/gallery.jpg

  python docs/draw_sheets.py

The pictures are the first ones of seed 42, nothing is picked out.
"""

import sys
from multiprocessing import get_context
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from celestial.common import console  # noqa: E402  (the project's folder must be on the path first)

SEED = 42
SIDE = 128  # pixels of a picture on a sheet
COLUMNS, ROWS = 8, 4
IN_GALLERY = 6  # pictures of each class


def draw_row(job: tuple[str, int, int]) -> list:
    """Draw pictures number first..last-1 of a class: PIL images."""
    import torch
    from PIL import Image

    from celestial.renderer.draw import draw_picture

    torch.set_num_threads(1)
    name, first, last = job
    return [Image.fromarray(draw_picture(name, SIDE, SEED, index)) for index in range(first, last)]


def sheet(rows: list[list], path: Path, names: list[tuple[str, ...]] | None = None) -> Path:
    """Write rows of pictures as one JPEG; each row stands under its names, evenly spaced."""
    from PIL import Image, ImageDraw

    from celestial.drawing.fonts import pillow_font
    head = 18 if names else 0
    width, height = max(map(len, rows)) * (SIDE + 2), len(rows) * (SIDE + 2 + head)
    paper = Image.new("RGB", (width, height), "white")
    for line, row in enumerate(rows):
        top = line * (SIDE + 2 + head)
        for place, name in enumerate(names[line] if names else ()):
            left = place * width // len(names[line]) + 2
            ImageDraw.Draw(paper).text((left, top), name, fill="black", font=pillow_font(14))
        for column, picture in enumerate(row):
            place = Image.new("RGB", (SIDE, SIDE), (32, 32, 32))
            place.paste(picture, ((SIDE - picture.width) // 2, (SIDE - picture.height) // 2))
            paper.paste(place, (column * (SIDE + 2), top + head))
    path.parent.mkdir(parents=True, exist_ok=True)
    paper.save(path, quality=88)
    return path


def main() -> None:
    console.make_parser(__doc__).parse_args()
    count, names = COLUMNS * ROWS, (*console.DRAWN, *console.OUTLIERS)
    with get_context("spawn").Pool() as pool:
        drawn = pool.map(draw_row, [(name, 0, count) for name in names], chunksize=1)
    written = [sheet([pictures[line * COLUMNS:(line + 1) * COLUMNS] for line in range(ROWS)],
                     ROOT / "docs/sheets" / f"{name}.jpg")
               for name, pictures in zip(names, drawn, strict=True)]
    drawn = drawn[:len(console.DRAWN)]
    pairs = list(zip(drawn[::2], drawn[1::2], strict=True))
    written.append(sheet([[*left[:IN_GALLERY], *right[:IN_GALLERY]] for left, right in pairs],
                         ROOT / "assets/gallery.jpg",
                         list(zip(console.DRAWN[::2], console.DRAWN[1::2], strict=True))))
    console.print_result({"pictures": count * len(names)}, written)


if __name__ == "__main__":
    console.run(main)
