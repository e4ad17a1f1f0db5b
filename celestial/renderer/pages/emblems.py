"""Logos, icons and lettering: flat shapes on one colour, as sites of any kind have them."""

import math

import numpy as np

from celestial.renderer.light.canvas import Canvas
from celestial.renderer.pages.backdrops import any_colour
from celestial.renderer.pages.flat import Colour, Point, Sheet, star_corners
from celestial.renderer.pages.lettering import words

PAPER = {"white": 30, "black": 30, "flat": 24, "gradient": 8, "checker": 8}


def draw(canvas: Canvas) -> np.ndarray:
    """Draw a logo, an icon or words: uint8 (height, width, 3)."""
    kind = canvas.pick({"logo": 40, "icon": 32, "lettering": 28})
    high = float(canvas.rng.choice([1.0, 1.0, 0.75, 0.56, 0.4 if kind == "lettering" else 1.0]))
    sheet = Sheet(canvas, PAPER, high)
    {"logo": _logo, "icon": _icon, "lettering": _lettering}[kind](canvas, sheet)
    return sheet.finished()


def _tones(canvas: Canvas, sheet: Sheet) -> list[Colour]:
    """Return three colours that stand out from the sheet; often they are the same."""
    c, dark = canvas, sheet.brightness() < 120
    if c.chance(0.3):
        return [sheet.ink()] * 3
    tones = [any_colour(c, 0.65, 1.0) if dark else any_colour(c, 0.1, 0.75) for _ in range(3)]
    return [tones[0]] * 3 if c.chance(0.3) else tones


def _logo(canvas: Canvas, sheet: Sheet) -> None:
    """Draw a ball, a letter or a badge with a ring, a swoosh, orbits or stars, and its name."""
    c, tones = canvas, _tones(canvas, sheet)
    size = c.uniform(0.3, 0.7) * min(sheet.reach)
    named = c.chance(0.6)
    beside = sheet.reach[1] < 0.7 and named
    middle = (-0.5, 0.0) if beside else (0.0, 0.25 * sheet.reach[1] if named else 0.0)
    if named:
        size *= 0.75
    if c.chance(0.2):  # a badge
        sheet.disc(middle, size * 1.35, any_colour(c), tones[2], 0.05 * size)
    core = c.pick({"disc": 5, "circle": 2, "letters": 4, "half": 2, "globe": 2, "none": 1})
    if core in ("disc", "half"):
        sheet.disc(middle, size * 0.75, tones[0])
    if core == "half":
        sheet.ellipse(middle, size * 0.76, size * 0.75, c.uniform(0, 6), tones[1],
                      part=(0, math.pi))
    if core == "circle":
        sheet.disc(middle, size * 0.75, outline=tones[0], width=size * c.uniform(0.05, 0.25))
    if core == "globe":
        _graticule(sheet, middle, size * 0.75, tones[0])
    if core == "letters":
        letters = "".join(c.rng.choice(list("ABCDEGHKLMNOPRSTVX"), int(c.rng.integers(1, 5))))
        sheet.text(middle, letters, size * 1.8, size * 1.4, tones[0])
    _around(c, sheet, middle, size, tones)
    if named:
        x, y = (0.4, 0.0) if beside else (0.0, middle[1] - size * 1.5)
        sheet.text((x, y), words(c, 1, 2), 1.0 if beside else 1.7, 0.3, tones[1])


def _graticule(sheet: Sheet, middle: Point, radius: float, colour: Colour) -> None:
    """Draw the globe that stands for "world" or "language": a circle with meridians."""
    width = radius * 0.09
    sheet.disc(middle, radius, outline=colour, width=width)
    for proportion in (0.0, 0.5):
        sheet.ellipse(middle, radius * max(proportion, 0.01), radius, outline=colour, width=width)
    for proportion in (-0.5, 0.0, 0.5):
        wide = radius * math.sqrt(1 - proportion ** 2)
        y = middle[1] + proportion * radius
        sheet.line([(middle[0] - wide, y), (middle[0] + wide, y)], colour, width)


def _around(canvas: Canvas, sheet: Sheet, middle: Point, size: float,
            tones: list[Colour]) -> None:
    """Draw what goes around a logo's core: rings, a swoosh, orbits with electrons, stars."""
    c = canvas
    what = c.pick({"ring": 4, "swoosh": 4, "orbits": 2, "stars": 2, "arc": 2, "nothing": 2})
    turn = c.rng.normal(0.35, 0.3)
    if what == "ring":
        gap = sheet.image.getpixel((2, 2))
        for width, tone in ((0.3, gap), (0.15, tones[1])):
            sheet.ellipse(middle, size * 1.25, size * 0.4, turn, outline=tone, width=size * width,
                          part=(math.pi * 0.85, math.pi * 2.15))
    if what == "swoosh":
        angle = np.linspace(math.pi * c.uniform(0.7, 1), math.pi * c.uniform(2, 2.5), 50)
        thick = 0.22 * np.sin(np.linspace(0.05, math.pi, 50)) * c.uniform(0.5, 1.5)
        outer, inner = 1.25 + 0 * thick, 1.25 - thick
        angle, far = np.concatenate([angle, angle[::-1]]), np.concatenate([outer, inner[::-1]])
        x, y = far * np.cos(angle) * size, far * np.sin(angle) * size * 0.55
        sheet.polygon(np.stack([middle[0] + x * math.cos(turn) - y * math.sin(turn),
                                middle[1] + x * math.sin(turn) + y * math.cos(turn)], 1), tones[1])
    if what == "orbits":
        for number in range(3):
            sheet.ellipse(middle, size * 1.3, size * 0.45, turn + number * math.pi / 3,
                          outline=tones[1], width=size * 0.07)
        sheet.disc(middle, size * 0.2, tones[2])
    if what == "arc":
        start = c.uniform(0, 6.3)
        sheet.ellipse(middle, size, size, outline=tones[1], width=size * c.uniform(0.05, 0.2),
                      part=(start, start + c.uniform(1.5, 5.5)))
    if what == "stars":
        for _ in range(int(c.rng.integers(1, 7))):
            angle, far = c.uniform(0, 6.3), size * c.uniform(0.8, 1.4)
            point = middle[0] + far * math.cos(angle), middle[1] + far * math.sin(angle)
            sheet.polygon(star_corners(point, size * c.uniform(0.06, 0.25),
                                       int(c.rng.integers(4, 6)), 0.4), tones[2])


def _icon(canvas: Canvas, sheet: Sheet) -> None:
    """Draw one sign, or several in rows, bare or on a tile."""
    c = canvas
    many = c.chance(0.25)
    grid = int(c.rng.integers(2, 5)) if many else 1
    width, height = sheet.reach
    size = min(width, height) * c.uniform(0.55, 0.85) / grid
    tones, tile = _tones(c, sheet), c.chance(0.35)
    tile_tone, corner = any_colour(c, 0.15), size * c.uniform(0.1, 1)
    for row in range(grid):
        for column in range(grid):
            x = (2 * column + 1 - grid) / grid * width
            y = (2 * row + 1 - grid) / grid * height
            if tile:
                sheet.box(x - size, y + size, x + size, y - size, tile_tone, corner)
            _sign(c, sheet, (x, y), size * (0.6 if tile else 0.9),
                  (245, 245, 245) if tile and sum(tile_tone) < 500 else tones[0])


def _sign(canvas: Canvas, sheet: Sheet, point: Point, size: float, tone: Colour) -> None:
    """Draw a star, moon, sun, gear, rocket, arrow, heart, cloud, lens or globe, in one colour."""
    c, (x, y) = canvas, point
    ground = sheet.image.getpixel(tuple(int(min(max(v, 0), side - 1)) for v, side in zip(
        sheet.place((x - size * 1.05, y)), sheet.image.size, strict=True)))
    kind = c.pick({"star": 2, "moon": 2, "sun": 1.5, "gear": 1, "rocket": 2, "arrow": 1.5,
                   "heart": 1, "cloud": 1, "lens": 1.5, "globe": 1.5, "disc": 1.5})
    if kind in ("star", "sun", "gear"):
        rays, inner = {"star": (5, 0.42), "sun": (int(c.rng.integers(8, 17)), 0.68),
                       "gear": (9, 0.78)}[kind]
        sheet.polygon(star_corners(point, size, rays, inner), tone)
        if kind == "gear":
            sheet.disc(point, size * 0.35, ground)
    elif kind == "moon":
        sheet.disc(point, size, tone)
        sheet.disc((x + size * c.uniform(0.3, 0.6), y + size * 0.2), size * 0.85, ground)
    elif kind == "rocket":
        sheet.ellipse(point, size * 0.35, size, fill=tone)
        sheet.polygon([(x - 0.7 * size, y - size), (x, y - 0.1 * size), (x + 0.7 * size, y - size),
                       (x, y - 0.6 * size)], tone)
        sheet.disc((x, y + 0.3 * size), size * 0.15, ground)
    elif kind == "arrow":
        sheet.polygon([(x, y + size), (x + size, y), (x - size, y)], tone)
        sheet.box(x - 0.4 * size, y + 0.05 * size, x + 0.4 * size, y - size, tone)
    elif kind == "heart":
        for side in (-0.45, 0.45):
            sheet.disc((x + side * size, y + 0.3 * size), size * 0.52, tone)
        sheet.polygon([(x - 0.92 * size, y + 0.08 * size), (x, y - size),
                       (x + 0.92 * size, y + 0.08 * size)], tone)
    elif kind == "cloud":
        for side, radius in ((-0.55, 0.4), (0.0, 0.6), (0.55, 0.42)):
            sheet.disc((x + side * size, y + (radius - 0.4) * size), radius * size, tone)
        sheet.box(x - 0.6 * size, y, x + 0.6 * size, y - 0.4 * size, tone)
    elif kind == "lens":
        sheet.line([(x, y), (x + 0.9 * size, y - 0.9 * size)], tone, size * 0.25)
        sheet.disc((x - 0.2 * size, y + 0.2 * size), size * 0.65, ground, tone, size * 0.2)
    elif kind == "globe":
        _graticule(sheet, point, size, tone)
    else:
        sheet.disc(point, size, tone)


def _lettering(canvas: Canvas, sheet: Sheet) -> None:
    """Write one to four lines, large, with or without lines above and below."""
    c, tones = canvas, _tones(canvas, sheet)
    lines = int(c.rng.integers(1, 5))
    step = min(0.55, 1.5 * sheet.reach[1] / lines)
    for line in range(lines):
        y = (lines - 1 - 2 * line) / 2 * step
        sheet.text((0, y), words(c, 1, 3), 1.8 * sheet.reach[0], step * c.uniform(0.5, 0.95),
                   tones[line % 3])
    if c.chance(0.3):
        for side in (-1, 1):
            y = side * min(sheet.reach[1] * 0.92, (lines * step) / 2 + 0.1)
            sheet.line([(-0.7 * sheet.reach[0], y), (0.7 * sheet.reach[0], y)], tones[0], 0.02)
