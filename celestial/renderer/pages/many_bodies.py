"""Draws many bodies on one picture, none of which is its subject: grids and rows, collages."""

from dataclasses import replace

import numpy as np
from PIL import Image

from celestial.renderer.drawers import drawer
from celestial.renderer.light.camera import NothingSeenError, photograph
from celestial.renderer.light.canvas import Canvas
from celestial.renderer.light.cutout import Cutout
from celestial.renderer.light.globe import Pose, lommel_seeliger, see_globe
from celestial.renderer.light.look import random_look
from celestial.renderer.light.noise import fbm
from celestial.renderer.pages import backdrops
from celestial.renderer.pages.backdrops import backdrop
from celestial.renderer.pages.lettering import words, write
from celestial.renderer.pages.web_finish import finish_for_web

# Modules that draw small pictures at once; "rocky" stands for Mars, the Moon, Mercury and Pluto,
# whose maps take seconds to prepare and could not be told apart at this size.
BODIES = ("earth", "jupiter", "neptune", "saturn", "sun", "uranus", "venus", "rocky", "rocky",
          "rocky", "rocky")
ROCKS = ((190, 105, 65), (150, 146, 140), (120, 112, 106), (205, 180, 150), (165, 95, 70))  # sRGB
SCENES = ("galaxy", "nebula", "star_cluster")
LAYOUTS = {"rows": (20, 3, 5, 2, 4), "line": (14, 3, 9, 1, 1), "collage": (26, 2, 3, 2, 3),
           "few": (8, 3, 3, 1, 1)}  # weight, least and most columns, least and most rows


def draw(canvas: Canvas) -> np.ndarray:
    """Draw several bodies, each another: uint8 (height, width, 3)."""
    c = canvas
    layout = c.pick({name: values[0] for name, values in LAYOUTS.items()})
    _, least, most, low, high = LAYOUTS[layout]
    columns, rows = int(c.rng.integers(least, most + 1)), int(c.rng.integers(low, high + 1))
    cell = c.size // max(columns, rows)
    paper = Image.fromarray(backdrop(c, c.pick(
        {"black": 40, "stars": 20} | {kind: 8 for kind in backdrops.KINDS
                                      if kind not in ("black", "stars")})))
    width, height = (c.size, cell * rows) if columns >= rows else (cell * columns, c.size)
    if layout == "line":  # with room above and below
        height = max(height, round(c.size * c.uniform(0.4, 0.8)))
    paper = paper.crop((0, 0, width, height))
    names = BODIES * 2 if layout != "collage" else (BODIES + SCENES) * 2
    order, named = c.rng.permutation(len(names)), c.chance(0.35)
    for place in range(columns * rows):
        x = round((place % columns + 0.5) * width / columns)
        y = round((place // columns + 0.5) * height / rows)
        _put(c, paper, (x, y), cell, names[order[place % len(names)]], layout == "collage")
        if named:
            write(c, paper, words(c, 1, 1), (x, y + cell * 0.45, cell, cell * 0.15),
                  (255, 255, 255) if np.asarray(paper.convert("L")).mean() < 128 else (0, 0, 0))
    return finish_for_web(c, paper)


def _rocky(canvas: Canvas) -> np.ndarray:
    """Draw a globe of mottled ground, in the colours of Mars, the Moon, Mercury or Pluto."""
    c = canvas
    globe = see_globe(c, Pose(c.uniform(0.5, 0.95), (0.0, 0.0), 0.0, 0.0, 0.0, c.uniform(0, 1.5),
                              c.uniform(0, 6.3)))
    mottle = fbm(c, globe.point + c.uniform(-9, 9), c.uniform(1, 3), 4, 0.7, globe.finest)
    tone = c.colour(*ROCKS[int(c.rng.integers(len(ROCKS)))])
    disc = tone * (1 + c.uniform(0.1, 0.4) * mottle).clamp(0.2, 2) * lommel_seeliger(globe)
    return photograph(c, globe.before(c.dark(), disc * c.uniform(0.8, 1.5)), random_look(c, 0.1))


def _put(canvas: Canvas, paper: Image.Image, place: tuple[int, int], cell: int, name: str,
         square: bool) -> None:
    """Draw a body into its cell: a whole picture, or the body cut out."""
    side = max(16, cell - (0 if square else round(cell * canvas.uniform(0.02, 0.35))))
    cutout = None if square else Cutout(canvas.rng, clean=True)
    small = replace(canvas, size=side, cutout=cutout)
    try:
        draw_one = _rocky if name == "rocky" else drawer(name)
        picture = Image.fromarray(draw_one(small))
    except NothingSeenError:  # its cell stays empty
        return
    mask = None
    if cutout is not None and cutout.alpha is not None:
        mask = Image.fromarray((cutout.alpha * 255).round().byte().cpu().numpy())
    paper.paste(picture, (place[0] - picture.width // 2, place[1] - picture.height // 2), mask)
