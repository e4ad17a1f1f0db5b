"""Screens of programs: windows, terminals, tables, plots, web pages."""

import math

import numpy as np

from celestial.renderer.light.canvas import Canvas
from celestial.renderer.pages.backdrops import any_colour
from celestial.renderer.pages.flat import Colour, Sheet
from celestial.renderer.pages.lettering import words

PAPER = {"white": 35, "black": 30, "flat": 15, "gradient": 20}


def draw(canvas: Canvas) -> np.ndarray:
    """Draw a screen: uint8 (height, width, 3)."""
    c = canvas
    kind = c.pick({"window": 30, "terminal": 22, "table": 14, "plot": 20, "page": 22})
    sheet = Sheet(c, PAPER, float(c.rng.choice([0.56, 0.62, 0.75, 1.0, 1.7])))
    wide, high = sheet.reach
    box = (-wide, high, wide, -high)
    if kind == "window":
        for _ in range(int(c.rng.integers(1, 4))):
            left, top = c.uniform(-1, 0) * wide, c.uniform(0, 1) * high
            right, bottom = left + c.uniform(0.7, 1.6) * wide, top - c.uniform(0.7, 1.6) * high
            _window(c, sheet, (left, top, right, bottom))
        return sheet.finished()
    if c.chance(0.4):
        box = _frame(c, sheet, box)
    {"terminal": _terminal, "table": _table, "plot": _plot, "page": _page}[kind](c, sheet, box)
    return sheet.finished()


Box = tuple[float, float, float, float]  # left, top, right, bottom


def _frame(canvas: Canvas, sheet: Sheet, box: Box) -> Box:
    """Draw a title bar and return what lies below it."""
    c, (left, top, right, bottom) = canvas, box
    bar = 0.13
    tone = any_colour(c, 0.15) if c.chance(0.5) else (225, 225, 228)
    sheet.box(left, top, right, top - bar, tone)
    for number, light in enumerate(((255, 95, 86), (255, 189, 46), (39, 201, 63))):
        sheet.disc((left + 0.07 + 0.09 * number, top - bar / 2), 0.03, light)
    ink = (20, 20, 20) if sum(tone) > 380 else (235, 235, 235)
    sheet.text(((left + right) / 2, top - bar / 2), words(c, 1, 3), right - left - 0.6, 0.09, ink)
    return left, top - bar, right, bottom


def _window(canvas: Canvas, sheet: Sheet, box: Box) -> None:
    """Draw a window with something in it."""
    c = canvas
    sheet.box(*box, (250, 250, 250) if c.chance(0.6) else (30, 30, 34), outline=(120, 120, 125))
    inside = _frame(c, sheet, box)
    if inside[1] - inside[3] > 0.25:
        c.rng.choice([_terminal, _table, _plot, _page])(c, sheet, inside)


def _inks(canvas: Canvas) -> tuple[Colour, Colour]:
    """Return the colours of a surface and of the letters on it, dark or pale."""
    if canvas.chance(0.5):
        return (int(canvas.uniform(235, 255)),) * 3, (25, 25, 30)
    return any_colour(canvas, 0.0, 0.2), any_colour(canvas, 0.75)


def _terminal(canvas: Canvas, sheet: Sheet, box: Box) -> None:
    """Draw lines of code or of a program's answers, indented and coloured."""
    c, (left, top, right, bottom) = canvas, box
    ground, ink = _inks(c)
    sheet.box(left, top, right, bottom, ground)
    step, y = c.uniform(0.07, 0.15), top - 0.08
    while y > bottom + step * 0.5:
        x, tone = left + 0.05 + 0.1 * int(c.rng.integers(0, 4)), ink
        if c.chance(0.35):
            tone = any_colour(c, 0.55) if sum(ground) < 380 else any_colour(c, 0.2, 0.7)
        if c.chance(0.88):
            sheet.text((x, y), words(c, 1, 6), c.uniform(0.3, 1) * (right - x), step * 0.75, tone,
                       "lm")
        y -= step


def _table(canvas: Canvas, sheet: Sheet, box: Box) -> None:
    """Draw rows and columns of figures under headings."""
    c, (left, top, right, bottom) = canvas, box
    ground, ink = _inks(c)
    head = any_colour(c, 0.3)
    sheet.box(left, top, right, bottom, ground)
    columns, step = int(c.rng.integers(2, 8)), c.uniform(0.09, 0.18)
    wide = (right - left) / columns
    for row in range(max(1, int((top - bottom) / step))):
        y = top - row * step
        if row == 0:
            sheet.box(left, y, right, y - step, head)
        elif row % 2 and c.chance(0.7):
            sheet.box(left, y, right, y - step, tuple(int(0.93 * v + 6) for v in ground))
        for column in range(columns):
            text = words(c, 1, 1) if row == 0 or column == 0 else f"{c.log_uniform(0.1, 9999):.1f}"
            sheet.text((left + (column + 0.5) * wide, y - step / 2), text, wide * 0.9, step * 0.65,
                       (250, 250, 250) if row == 0 and sum(head) < 400 else ink)


def _plot(canvas: Canvas, sheet: Sheet, box: Box) -> None:
    """Draw axes and curves, bars, dots or a pie."""
    c, (left, top, right, bottom) = canvas, box
    ground, ink = _inks(c)
    sheet.box(left, top, right, bottom, ground)
    wide, high = right - left, top - bottom
    x0, x1 = left + 0.13 * wide, right - 0.06 * wide
    y0, y1 = bottom + 0.16 * high, top - 0.12 * high
    kind = c.pick({"curves": 3, "bars": 2, "dots": 3, "pie": 1.5})
    sheet.text(((left + right) / 2, top - 0.06 * high), words(c, 1, 4), wide * 0.7, 0.1 * high, ink)
    if kind == "pie":
        _pie(c, sheet, ((left + right) / 2, (top + bottom) / 2), 0.34 * min(wide, high))
        return
    sheet.line([(x0, y1), (x0, y0), (x1, y0)], ink, 0.012)
    for proportion in np.linspace(0.1, 0.9, 5):
        sheet.text((x0 + proportion * (x1 - x0), y0 - 0.05 * high), f"{c.uniform(0, 99):.0f}",
                   0.12 * wide, 0.06 * high, ink)
    along = np.linspace(0, 1, 40)
    for _ in range(int(c.rng.integers(1, 4))):
        tone = any_colour(c, 0.4)
        level = 0.5 + 0.3 * np.sin(along * c.uniform(1, 9) + c.uniform(0, 6)) + c.rng.normal(
            0, c.uniform(0, 0.08), 40)
        places = np.stack([x0 + along * (x1 - x0), y0 + level.clip(0, 1) * (y1 - y0)], 1)
        if kind == "curves":
            sheet.line(places, tone, c.uniform(0.008, 0.025))
        elif kind == "dots":
            for place in c.rng.normal(places, 0.06 * high):
                sheet.disc(place, 0.018, tone)
        else:
            for x, y in places[::4]:
                sheet.box(x, y, x + 0.06 * wide, y0, tone)


def _pie(canvas: Canvas, sheet: Sheet, middle: tuple[float, float], radius: float) -> None:
    """Draw a pie chart."""
    ends = np.cumsum(canvas.rng.dirichlet(np.ones(int(canvas.rng.integers(2, 7))))) * 2 * math.pi
    for start, end in zip([0.0, *ends], ends, strict=False):
        angle = np.linspace(start, end, 30)
        rim = np.stack([middle[0] + radius * np.cos(angle), middle[1] + radius * np.sin(angle)], 1)
        sheet.polygon(np.vstack([[middle], rim]), any_colour(canvas, 0.4))


def _page(canvas: Canvas, sheet: Sheet, box: Box) -> None:
    """Draw a web page: a bar, a banner, cards, columns of text, buttons."""
    c, (left, top, right, bottom) = canvas, box
    ground, ink = _inks(c)
    sheet.box(left, top, right, bottom, ground)
    sheet.box(left, top, right, top - 0.14, any_colour(c))
    y = top - 0.2
    if c.chance(0.6):
        sheet.box(left + 0.06, y, right - 0.06, y - 0.5, any_colour(c))
        sheet.text(((left + right) / 2, y - 0.25), words(c, 1, 3), (right - left) * 0.7, 0.18,
                   (250, 250, 250))
        y -= 0.58
    columns = int(c.rng.integers(1, 5))
    wide = (right - left) / columns
    while y > bottom + 0.1:
        high, what = c.uniform(0.2, 0.5), c.pick({"card": 3, "text": 4, "button": 1})
        for column in range(columns):
            x = left + column * wide + 0.04
            end = left + (column + 1) * wide - 0.04
            if what == "card":
                sheet.box(x, y, end, y - high, any_colour(c, 0.2), 0.03)
            elif what == "button":
                sheet.box(x, y, x + wide * 0.5, y - 0.12, any_colour(c, 0.3), 0.06)
            else:
                for line in np.arange(0.05, high, 0.09):
                    sheet.text((x, y - line), words(c, 2, 6), end - x, 0.07, ink, "lm")
        y -= high + 0.08
