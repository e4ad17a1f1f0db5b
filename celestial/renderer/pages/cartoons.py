"""Draws planets as cartoons, unlike any photograph: flat fills, thick outlines, faces."""

import math

import numpy as np

from celestial.renderer.light.canvas import Canvas
from celestial.renderer.pages.backdrops import any_colour
from celestial.renderer.pages.flat import Colour, Point, Sheet, star_corners

PAPER = {"flat": 30, "white": 28, "black": 12, "checker": 12, "gradient": 12, "stars": 6}


def draw(canvas: Canvas) -> np.ndarray:
    """Draw one cartoon, or a set of them: uint8 (height, width, 3)."""
    c = canvas
    sheet = Sheet(c, PAPER, float(c.rng.choice([1.0, 1.0, 0.75, 0.6, 1.3])))
    style = c.pick({"outline": 60, "face": 40})
    if c.chance(0.5):
        _sprinkle(c, sheet)
    if c.chance(0.72):
        size = min(sheet.reach) * c.uniform(0.4, 0.78)
        _planet(c, sheet, (c.rng.normal(0, 0.05), c.rng.normal(0, 0.05)), size, style)
        return sheet.finished()
    columns, rows = int(c.rng.integers(2, 5)), int(c.rng.integers(1, 4))
    size = 0.6 * min(sheet.reach[0] / columns, sheet.reach[1] / rows)
    for place in range(columns * rows):
        x = (2 * (place % columns) + 1 - columns) / columns * sheet.reach[0]
        y = (2 * (place // columns) + 1 - rows) / rows * sheet.reach[1]
        _planet(c, sheet, (x, y), size * c.uniform(0.6, 1), style)
    return sheet.finished()


def _sprinkle(canvas: Canvas, sheet: Sheet) -> None:
    """Strew stars of four or five rays and dots, all in one colour."""
    c, tone = canvas, any_colour(canvas, 0.6)
    for _ in range(int(c.log_uniform(4, 30))):
        point = c.uniform(-1, 1) * sheet.reach[0], c.uniform(-1, 1) * sheet.reach[1]
        size = c.log_uniform(0.015, 0.07)
        if c.chance(0.5):
            sheet.disc(point, size * 0.5, tone)
        else:
            sheet.polygon(star_corners(point, size, int(c.rng.integers(4, 6)), 0.4), tone)


def _planet(canvas: Canvas, sheet: Sheet, point: Point, size: float, style: str) -> None:
    """Draw a planet, a sun or a moon with bands, patches or craters, and what the style asks."""
    c = canvas
    tone = any_colour(c, 0.5)
    other = tuple(int(v * c.uniform(0.55, 0.9)) for v in tone) if c.chance(0.6) else any_colour(c)
    line = (15, 15, 25) if c.chance(0.7) else tuple(v // 3 for v in tone)
    width = size * c.uniform(0.05, 0.11) if style == "outline" else 0.0
    ring = c.chance(0.4)
    ringed = (point, size * c.uniform(1.5, 1.75), size * c.uniform(0.2, 0.5), c.rng.normal(0, 0.35))
    ring_tone, body = any_colour(c, 0.5), size * (0.75 if ring else 1)
    if ring:
        _half_ring(sheet, ringed, (0, math.pi), ring_tone, line, width)
    if c.chance(0.12):  # a sun
        sheet.polygon(star_corners(point, body * 1.3, int(c.rng.integers(8, 16)), 0.8), other)
    sheet.disc(point, body, tone)
    _pattern(c, sheet, point, body, other)
    if width:
        sheet.disc(point, body, outline=line, width=width)
    if ring:
        _half_ring(sheet, ringed, (math.pi, 2 * math.pi), ring_tone, line, width)
    if style == "face" or c.chance(0.35):
        _face(c, sheet, point, body)


def _half_ring(sheet: Sheet, ringed: tuple[Point, float, float, float],
               part: tuple[float, float], tone: Colour, line: Colour, width: float) -> None:
    """Draw half a ring around a planet, outlined if the width is not 0."""
    point, wide, high, turn = ringed
    thick = wide * 0.13
    if width:
        sheet.ellipse(point, wide, high, turn, outline=line, width=thick + 1.6 * width, part=part)
    sheet.ellipse(point, wide, high, turn, outline=tone, width=thick, part=part)


def _pattern(canvas: Canvas, sheet: Sheet, point: Point, size: float, tone: Colour) -> None:
    """Draw what lies on a cartoon's ball, flat and with hard edges."""
    c = canvas
    kind = c.pick({"bands": 3, "craters": 3, "lands": 3, "shadow": 3, "gloss": 2, "plain": 1})
    if kind == "bands":
        for level in np.sort(c.rng.uniform(-0.85, 0.85, int(c.rng.integers(1, 5)))):
            high = c.uniform(0.05, 0.16)
            half = math.sqrt(1 - level ** 2) * size * 0.97
            low = math.sqrt(1 - min(0.99, abs(level - high)) ** 2) * size * 0.97
            y = point[1] + level * size
            sheet.polygon([(point[0] - half, y), (point[0] + half, y),
                           (point[0] + low, y - high * size), (point[0] - low, y - high * size)],
                          tone)
    elif kind in ("craters", "lands"):
        for _ in range(int(c.rng.integers(3, 9))):
            angle, far = c.uniform(0, 6.3), math.sqrt(c.uniform(0, 0.5)) * size
            place = point[0] + far * math.cos(angle), point[1] + far * math.sin(angle)
            radius = min(size * c.log_uniform(0.08, 0.32), size * 0.95 - far)
            if kind == "craters":
                sheet.disc(place, radius, tone)
            else:
                sheet.polygon(star_corners(place, radius, int(c.rng.integers(3, 7)),
                                           c.uniform(0.5, 0.85), c.uniform(0, 6)), tone)
    elif kind == "shadow":  # a crescent with a hard edge
        angle = np.linspace(-math.pi / 2, math.pi / 2, 40)
        inner = c.uniform(0.3, 0.8)
        x = np.concatenate([np.cos(angle), inner * np.cos(angle[::-1])]) * size
        y = np.concatenate([np.sin(angle), np.sin(angle[::-1])]) * size
        turn = c.rng.normal(-0.6, 0.3)
        sheet.polygon(np.stack([point[0] + x * math.cos(turn) - y * math.sin(turn),
                                point[1] + x * math.sin(turn) + y * math.cos(turn)], 1), tone)
    elif kind == "gloss":
        sheet.ellipse((point[0] - 0.4 * size, point[1] + 0.45 * size), size * 0.28, size * 0.14,
                      0.8, (255, 255, 255))


def _face(canvas: Canvas, sheet: Sheet, point: Point, size: float) -> None:
    """Draw eyes and a mouth, at times cheeks."""
    c, dark = canvas, (20, 15, 25)
    apart, up, eye = (size * c.uniform(*span) for span in ((0.25, 0.4), (0, 0.2), (0.07, 0.2)))
    for side in (-1, 1):
        place = point[0] + side * apart, point[1] + up
        if c.chance(0.5) and eye > 0.1 * size:
            sheet.disc(place, eye, (255, 255, 255), dark, eye * 0.15)
            sheet.disc((place[0] + eye * 0.2, place[1]), eye * 0.5, dark)
        else:
            sheet.ellipse(place, eye * 0.8, eye, fill=dark)
            sheet.disc((place[0] + eye * 0.3, place[1] + eye * 0.3), eye * 0.3, (255, 255, 255))
        if c.chance(0.25):
            sheet.ellipse((place[0] + side * 0.1 * size, place[1] - 0.3 * size), 0.12 * size,
                          0.08 * size, fill=(250, 130, 140))
    mouth = point[0], point[1] - c.uniform(0.05, 0.2) * size
    part = (math.pi, 2 * math.pi) if c.chance(0.85) else (0, math.pi)
    wide, high = c.uniform(0.12, 0.35) * size, c.uniform(0.08, 0.25) * size
    if c.chance(0.35):
        sheet.ellipse(mouth, wide, high, fill=(150, 30, 45), part=part)
    sheet.ellipse(mouth, wide, high, outline=dark, width=0.05 * size, part=part)
