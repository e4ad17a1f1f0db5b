"""Charts of the sky and the solar system: orbits, sizes, phases, constellations, infographics."""

import math

import numpy as np

from celestial.renderer.light.canvas import Canvas
from celestial.renderer.pages.backdrops import any_colour
from celestial.renderer.pages.flat import Colour, Sheet
from celestial.renderer.pages.lettering import words

DARK = {"black": 50, "flat": 15, "gradient": 15, "stars": 20, "white": 10}
PALE = {"white": 60, "flat": 25, "black": 15}
SKY = {"black": 30, "flat": 15, "white": 30, "gradient": 9}
PAPER = {"orbits": DARK, "row": DARK, "stars": SKY, "phases": DARK, "facts": PALE, "paths": PALE}


def draw(canvas: Canvas) -> np.ndarray:
    """Draw a diagram: uint8 (height, width, 3)."""
    kind = canvas.pick({"orbits": 28, "row": 18, "stars": 28, "phases": 8, "facts": 12, "paths": 6})
    high = float(canvas.rng.choice({"row": [0.4, 0.56, 0.7], "facts": [1.0, 1.4, 0.75]}.get(
        kind, [1.0, 1.0, 0.75, 0.6])))
    sheet = Sheet(canvas, PAPER[kind], high)
    {"orbits": _orbits, "row": _row, "stars": _star_chart, "phases": _phases, "facts": _facts,
     "paths": _paths}[kind](canvas, sheet)
    return sheet.finished()


def _ball(sheet: Sheet, point: tuple[float, float], radius: float, tone: Colour) -> None:
    """Draw a diagram's planet: a disc, at times with a flat shadow or a line for its ring."""
    c = sheet.canvas
    sheet.disc(point, radius, tone)
    if c.chance(0.25):
        sheet.ellipse(point, radius, radius, c.uniform(0, 6), tuple(v // 2 for v in tone),
                      part=(0, math.pi))
    if c.chance(0.2):
        sheet.ellipse(point, radius * 1.7, radius * 0.4, 0.3, outline=tone, width=radius * 0.2)


def _orbits(canvas: Canvas, sheet: Sheet) -> None:
    """Draw a sun, circles or ellipses about it, and a small disc on each, with or without names."""
    c, ink = canvas, sheet.ink()
    squash, turn = float(c.rng.choice([1.0, 0.35, 0.5])), c.rng.normal(0, 0.15)
    x, y = (0.0, 0.0) if c.chance(0.7) else (-0.9 * sheet.reach[0], 0.0)
    count, far = int(c.rng.integers(3, 10)), min(sheet.reach) * (0.95 if x == 0 else 1.9)
    faint = tuple(int(v * 0.5 + 60) for v in ink)
    sheet.disc((x, y), far * c.uniform(0.06, 0.14), any_colour(c, 0.85))
    for number in range(count):
        wide = far * ((number + 1.6) / (count + 0.8)) / (1 if squash == 1 else squash ** 0.3)
        sheet.ellipse((x, y), wide, wide * squash, turn, outline=faint, width=c.uniform(.003, .012))
        angle = c.uniform(0, 2 * math.pi) if x == 0 else c.uniform(-1, 1)
        east, north = wide * math.cos(angle), wide * squash * math.sin(angle)
        place = (x + east * math.cos(turn) - north * math.sin(turn),
                 y + east * math.sin(turn) + north * math.cos(turn))
        size = far * c.log_uniform(0.015, 0.06)
        _ball(sheet, place, size, any_colour(c, 0.5))
        if c.chance(0.6):
            sheet.text((place[0], place[1] - size - 0.05), words(c, 1, 1), 0.4, 0.07, ink)
    _title(c, sheet, 0.5)


def _row(canvas: Canvas, sheet: Sheet) -> None:
    """Draw the planets side by side, with names and figures below."""
    c, ink = canvas, sheet.ink()
    count = int(c.rng.integers(4, 11))
    if c.chance(0.6):  # the sun's edge
        sheet.disc((-sheet.reach[0] - 0.9, 0), 1.1, any_colour(c, 0.9))
    left, step = -0.7, 1.6 / count
    for number in range(count):
        x = left + (number + 0.5) * step
        _ball(sheet, (x, 0), step * c.log_uniform(0.12, 0.48), any_colour(c, 0.5))
        if c.chance(0.8):
            sheet.text((x, -0.6 * step - 0.06), words(c, 1, 1), step, 0.08, ink)
    if c.chance(0.4):
        sheet.line([(-1, 0), (1, 0)], ink, 0.006)
    _title(c, sheet, 0.6)


def _title(canvas: Canvas, sheet: Sheet, chance: float) -> None:
    """Write a title above a diagram."""
    if canvas.chance(chance):
        sheet.text((0, sheet.reach[1] * 0.88), words(canvas, 1, 4), 1.6 * sheet.reach[0], 0.14,
                   sheet.ink())


def _star_chart(canvas: Canvas, sheet: Sheet) -> None:
    """Draw stars as dots, lines of constellations, a grid, names; all within a circle, or not."""
    c, ink = canvas, sheet.ink()
    wide, high = sheet.reach
    faint = tuple(int(0.45 * v + 70) for v in ink)
    line_tone = any_colour(c, 0.3, 0.9) if c.chance(0.6) else faint
    if c.chance(0.7):
        _grid(c, sheet, faint)
    if c.chance(0.25):  # the Milky Way as a flat band
        x = np.linspace(-1, 1, 30)
        middle = c.rng.normal(0, 0.3) + c.rng.normal(0, 0.5) * x + 0.1 * np.sin(3 * x)
        band = np.concatenate([np.stack([x, middle + 0.2], 1),
                               np.stack([x, middle - 0.2], 1)[::-1]])
        sheet.polygon(band, tuple((a + b) // 2 for a, b in zip(
            faint, sheet.image.getpixel((3, 3)), strict=True)))
    for _ in range(int(c.rng.integers(2, 9))):
        count = int(c.rng.integers(3, 8))
        corners = np.cumsum(c.rng.normal(0, 0.22, (count, 2)), axis=0) + c.rng.uniform(
            -0.7, 0.7, 2) * sheet.reach
        sheet.line(corners, line_tone, c.uniform(0.006, 0.015))
        for corner in corners:
            sheet.disc(corner, c.uniform(0.012, 0.035), ink)
        if c.chance(0.7):
            sheet.text(corners.mean(axis=0), words(c, 1, 1), 0.5, c.uniform(0.06, 0.1), line_tone)
    for _ in range(int(c.log_uniform(20, 300))):
        sheet.disc((c.uniform(-wide, wide), c.uniform(-high, high)),
                   min(0.03, 0.005 * (1 + c.rng.pareto(2))), ink)
    _title(c, sheet, 0.15)


def _grid(canvas: Canvas, sheet: Sheet, tone: Colour) -> None:
    """Draw circles of declination and hours about a pole, or a grid of straight lines."""
    c, width = canvas, canvas.uniform(0.003, 0.01)
    if c.chance(0.5):
        pole = (0.0, 0.0) if c.chance(0.6) else (c.uniform(-1, 1), c.uniform(-2, 2))
        far = min(sheet.reach) * 0.95 if pole == (0.0, 0.0) else 3.5
        for number in range(1, 6):
            sheet.disc(pole, far * number / 5, outline=tone, width=width)
        for angle in np.arange(12) * math.pi / 6:
            sheet.line([pole, (pole[0] + far * math.cos(angle), pole[1] + far * math.sin(angle))],
                       tone, width)
        return
    step = c.uniform(0.15, 0.5)
    for place in np.arange(-1, 1, step):
        sheet.line([(place, -1), (place, 1)], tone, width)
        sheet.line([(-1, place), (1, place)], tone, width)


def _phases(canvas: Canvas, sheet: Sheet) -> None:
    """Draw how the phases come about: small half-lit discs around a ball, rays from one side."""
    c, ink = canvas, sheet.ink()
    far, size = min(sheet.reach) * 0.66, min(sheet.reach) * c.uniform(0.1, 0.17)
    lit, dark = any_colour(c, 0.8), (60, 60, 66)
    sheet.disc((0, 0), size * 1.6, any_colour(c, 0.4))
    sheet.disc((0, 0), far, outline=ink, width=0.006)
    for number in range(8):
        place = far * math.cos(number * math.pi / 4), far * math.sin(number * math.pi / 4)
        sheet.disc(place, size, dark)
        sheet.ellipse(place, size, size, -math.pi / 2, lit, part=(0, math.pi))
        if c.chance(0.6):
            sheet.text((place[0], place[1] - size - 0.06), words(c, 1, 2), 0.5, 0.07, ink)
    for y in np.linspace(-0.8, 0.8, 5) * sheet.reach[1]:
        sheet.line([(0.98 * sheet.reach[0], y), (0.86 * sheet.reach[0], y)], lit, 0.02)
    _title(c, sheet, 0.3)


def _facts(canvas: Canvas, sheet: Sheet) -> None:
    """Draw an infographic: a title, panels with figures, bars, a ball, a few lines of text."""
    c, ink, (wide, high) = canvas, sheet.ink(), sheet.reach
    sheet.text((0, high * 0.86), words(c, 1, 3), 1.7 * wide, 0.22, any_colour(c, 0.2, 0.8))
    columns, rows = int(c.rng.integers(1, 4)), int(c.rng.integers(2, 5))
    step_x, step_y = 2 * wide / columns, 1.6 * high / rows
    for place in range(columns * rows):
        x = -wide + (place % columns + 0.5) * step_x
        y = high * 0.7 - (place // columns + 0.5) * step_y
        if c.chance(0.4):
            sheet.box(x - step_x * 0.46, y + step_y * 0.46, x + step_x * 0.46, y - step_y * 0.46,
                      any_colour(c, 0.3), 0.03)
        what = c.pick({"number": 2, "ball": 1.5, "bars": 1.5, "text": 3})
        if what == "number":
            sheet.text((x, y + 0.1 * step_y), f"{int(c.log_uniform(2, 99999)):,}", step_x * 0.8,
                       step_y * 0.45, any_colour(c, 0.1, 0.9))
            sheet.text((x, y - 0.3 * step_y), words(c, 1, 3), step_x * 0.8, step_y * 0.2, ink)
        elif what == "ball":
            _ball(sheet, (x, y), min(step_x, step_y) * 0.35, any_colour(c, 0.4))
        elif what == "bars":
            for number in range(4):
                top = y + step_y * (0.35 - 0.2 * number)
                sheet.box(x - step_x * 0.4, top, x + step_x * c.uniform(-0.3, 0.4),
                          top - step_y * 0.12, any_colour(c, 0.3))
        else:
            for number in range(4):
                sheet.text((x - step_x * 0.42, y + step_y * (0.3 - 0.2 * number)), words(c, 3, 7),
                           step_x * 0.84, step_y * 0.15, ink, "lm")


def _paths(canvas: Canvas, sheet: Sheet) -> None:
    """Draw a textbook's drawing: balls, arrows between them, dashed lines, labels."""
    c, ink = canvas, sheet.ink()
    points = [(c.uniform(-0.8, 0.8) * sheet.reach[0], c.uniform(-0.7, 0.7) * sheet.reach[1])
              for _ in range(int(c.rng.integers(3, 7)))]
    for first, second in zip(points, points[1:], strict=False):
        for start in np.arange(0, 1, 0.1):
            ends = [(first[0] + (second[0] - first[0]) * part,
                     first[1] + (second[1] - first[1]) * part) for part in (start, start + 0.06)]
            sheet.line(ends, ink, 0.012)
    for point in points:
        sheet.disc(point, c.log_uniform(0.04, 0.25), any_colour(c, 0.4), ink, 0.015)
        sheet.text((point[0], point[1] - 0.3), words(c, 1, 2), 0.6, 0.09, ink)
