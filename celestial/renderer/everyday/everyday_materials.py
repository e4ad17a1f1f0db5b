"""What everyday things are made of: colours and textures, computed at any place of a surface.

A material is a function (canvas, x, y) -> linear light (3, h, w); x and y are float (h, w), places
on the surface in image-plane units, which a caller may have turned, scaled or put in perspective.
All shapes and colours are by eye.
"""

import colorsys
import math

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from celestial.renderer.light.canvas import Canvas, mix, rotated, smoothstep
from celestial.renderer.light.look import LETTERS
from celestial.renderer.light.noise import fbm, in_plane, octave

TABLE = 64  # cells along a side after which a lattice repeats; a power of 2, so & wraps quickly
SHEET = 192  # pixels along a side of a sheet of writing

# hue, saturation and value (low, high) of what stands around people
COLOURS = {
    "vivid": ((0, 1), (0.7, 1), (0.55, 1)), "dull": ((0, 0.68), (0.1, 0.5), (0.2, 0.8)),
    "grey": ((0, 1), (0, 0.08), (0.1, 0.95)), "pale": ((0, 1), (0.02, 0.25), (0.8, 1)),
    "dark": ((0, 1), (0, 0.7), (0.02, 0.2)), "wood": ((0.04, 0.1), (0.35, 0.75), (0.2, 0.7)),
    "leaf": ((0.2, 0.38), (0.25, 0.8), (0.15, 0.55)), "red": ((0.96, 1.04), (0.7, 1), (0.5, 0.95)),
    "skin": ((0.03, 0.09), (0.2, 0.6), (0.35, 0.95)), "sky": ((0.53, 0.61), (0.2, 0.7), (0.6, 1)),
}
ANY = {"vivid": 2, "dull": 4, "grey": 2.5, "pale": 1.5, "dark": 2, "wood": 2, "leaf": 1.5,
       "red": 1, "skin": 1.5, "sky": 1.5}


def colour(canvas: Canvas, kind: str = "") -> torch.Tensor:
    """Return a random colour of a kind of `COLOURS` (any if empty), linear (3, 1, 1)."""
    ranges = COLOURS[kind or canvas.pick(ANY)]
    hue, saturation, value = (canvas.uniform(*pair) for pair in ranges)
    return canvas.colour(*(255 * part for part in colorsys.hsv_to_rgb(hue % 1, saturation, value)))


def lattice(canvas: Canvas, column: torch.Tensor, row: torch.Tensor) -> torch.Tensor:
    """Return a random number 0..1 for each cell of a lattice; column and row are whole (h, w)."""
    table = canvas.tensor(canvas.rng.random((TABLE, TABLE)))
    return table[row.long() & (TABLE - 1), column.long() & (TABLE - 1)]


def cells(canvas: Canvas, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return cells of about unit size around scattered points (Worley 1996, SIGGRAPH).

    Returns:
        (shade, border): a random number 0..1 of the cell a place lies in, and how far it is from
        the cell's border, in cells; both (h, w).
    """
    jitter = canvas.tensor(canvas.rng.random((3, TABLE, TABLE)))
    column, row = x.floor().long(), y.floor().long()
    first, second = torch.full_like(x, 9.0), torch.full_like(x, 9.0)
    shade = torch.zeros_like(x)
    for i in (-1, 0, 1):
        for j in (-1, 0, 1):
            place = jitter[:, (row + j) & (TABLE - 1), (column + i) & (TABLE - 1)]
            away = ((column + i + place[0] - x) ** 2 + (row + j + place[1] - y) ** 2).sqrt()
            shade = torch.where(away < first, place[2], shade)
            second = second.minimum(first.maximum(away))
            first = first.minimum(away)
    return shade, second - first


def plain(canvas: Canvas, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Paint, with a slight gradient."""
    slope = x * canvas.uniform(-0.3, 0.3) + y * canvas.uniform(-0.3, 0.3)
    return colour(canvas) * (1 + slope).clamp(min=0.1)


def mottled(canvas: Canvas, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Stone, rust, marble: two colours in patches."""
    patches = fbm(canvas, in_plane(x, y), canvas.log_uniform(1, 6), 4, 0.6)
    sharp = canvas.uniform(0.2, 2)
    return mix(colour(canvas), colour(canvas), smoothstep(-sharp, sharp, patches))


def fur(canvas: Canvas, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Hair, straw, grass: streaks along a direction that bends, in shades of one colour."""
    points = in_plane(x, y)
    along, across = rotated(x, y, canvas.uniform(0, math.pi))
    bend = canvas.uniform(0.05, 0.25) * octave(canvas, points, canvas.uniform(0.5, 1.5))
    fine = canvas.log_uniform(6, 20)
    hairs = octave(canvas, in_plane(along * 0.2, across + bend), fine)
    tufts = fbm(canvas, in_plane(along * 0.5, across + bend), fine / 6, 2)
    tone = (canvas.uniform(0.2, 0.45) * hairs + canvas.uniform(0.1, 0.5) * tufts).exp()
    kind = canvas.pick({"wood": 4, "skin": 2, "grey": 3, "dark": 2, "leaf": 1, "dull": 1})
    base = colour(canvas, kind)
    if canvas.chance(0.3):
        patch = smoothstep(0, 0.2, octave(canvas, points, canvas.uniform(0.5, 1.5)))
        base = mix(base, colour(canvas, canvas.pick({"pale": 1, "dark": 1, "wood": 1})), patch)
    return base * tone


def foliage(canvas: Canvas, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Leaves, gravel, petals on the ground: small cells, lit and in shade."""
    count = canvas.log_uniform(6, 40)
    along, across = rotated(x, y, canvas.uniform(0, math.pi))
    warp = 0.3 * octave(canvas, in_plane(x, y), count / 3)
    shade, border = cells(canvas, along * count * canvas.uniform(0.4, 1) + warp, across * count)
    depth = fbm(canvas, in_plane(x, y), canvas.uniform(1, 3), 3, 0.7)
    kind = canvas.pick({"leaf": 6, "wood": 2, "dull": 1.5, "red": 0.7, "vivid": 0.7, "grey": 1})
    lit = (shade * canvas.uniform(0.5, 2) + canvas.uniform(0.4, 0.9) * depth - 0.5).exp()
    dark = canvas.uniform(0, 0.7)
    gap = 1 - dark + dark * smoothstep(0, canvas.uniform(0.1, 0.5), border)
    second = kind if canvas.chance(0.75) else canvas.pick(
        {"pale": 2, "vivid": 1, "sky": 1, "dark": 1})
    rare = smoothstep(0.7, 0.75, lattice(canvas, shade * 997, shade * 991))
    return mix(colour(canvas, kind), colour(canvas, second), rare) * lit * gap


def bricks(canvas: Canvas, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Brick walls, tiles, paving: rows of blocks, shifted or not, each of its own shade."""
    count, long = canvas.log_uniform(2, 9), canvas.uniform(1, 3)
    row = (y * count).floor()
    along = x * count / long + row * (0.5 if canvas.chance(0.7) else 0.0)
    shade = lattice(canvas, along.floor(), row)
    edge = torch.minimum((along - along.floor() - 0.5).abs() * -long + long / 2,
                         0.5 - (y * count - row - 0.5).abs())
    joint = smoothstep(0.02, canvas.uniform(0.06, 0.15), edge)
    stone = colour(canvas, canvas.pick({"red": 1, "wood": 3, "grey": 3, "pale": 1, "dull": 2}))
    rough = 0.15 * octave(canvas, in_plane(x, y), count * 3)
    stone = stone * (canvas.uniform(0.2, 1.2) * (shade - 0.5) + rough).exp()
    return mix(colour(canvas, canvas.pick({"grey": 2, "pale": 1, "dark": 2})), stone, joint)


def planks(canvas: Canvas, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Boards, blinds, fences, corrugated iron: strips with grain and dark joints."""
    count = canvas.log_uniform(1.5, 10)
    if canvas.chance(0.6):
        x, y = y, x
    strip = (x * count).floor()
    inside = x * count - strip
    shade = lattice(canvas, strip, torch.zeros_like(strip))
    grain = fbm(canvas, in_plane(x, y * 0.08 + shade), canvas.uniform(6, 14), 2)
    base = colour(canvas, canvas.pick({"wood": 5, "grey": 2, "pale": 1, "dull": 2, "vivid": 0.6}))
    joint = smoothstep(0, canvas.uniform(0.05, 0.25), 0.5 - (inside - 0.5).abs())
    tone = (0.6 * (shade - 0.5) + canvas.uniform(0, 0.25) * grain).exp()
    return base * tone * (canvas.uniform(0.05, 0.7) * (1 - joint) + joint)


def cloth(canvas: Canvas, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Stripes, checks, tartan and dots, with folds."""
    fold = canvas.uniform(0, 0.5) * octave(canvas, in_plane(x, y), canvas.uniform(0.7, 2))
    along, across = rotated(x, y, canvas.uniform(0, math.pi))
    count = canvas.log_uniform(1.5, 10)
    first = smoothstep(-0.2, 0.2, torch.sin((along + 0.1 * fold) * count * math.pi))
    second = smoothstep(-0.2, 0.2, torch.sin((across + 0.1 * fold) * count * math.pi))
    dots = smoothstep(0.5, 0.7, torch.sin(along * count * math.pi)
                      * torch.sin(across * count * math.pi))
    proportion = {"stripes": first, "tartan": (first + second) / 2, "dots": dots,
             "checks": first + second - 2 * first * second}[
        canvas.pick({"stripes": 3, "checks": 2, "tartan": 2, "dots": 1.5})]
    return mix(colour(canvas), colour(canvas), proportion) * (0.6 * fold).exp()


def facade(canvas: Canvas, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Windows in rows on a wall, some lit or reflecting the sky."""
    count, high = canvas.log_uniform(1.5, 8), canvas.uniform(0.6, 1.6)
    column, row = (x * count).floor(), (y * count * high).floor()
    u, v = (x * count - column - 0.5).abs(), (y * count * high - row - 0.5).abs()
    width, height = canvas.uniform(0.2, 0.46), canvas.uniform(0.2, 0.46)
    soft = 0.03
    pane = smoothstep(width + soft, width - soft, u) * smoothstep(height + soft, height - soft, v)
    frame = smoothstep(0.02, 0.05, u) * smoothstep(0.02, 0.05, v) if canvas.chance(0.5) else 1.0
    glass = colour(canvas, canvas.pick({"dark": 4, "sky": 2, "grey": 1}))
    lit = lattice(canvas, column, row) ** canvas.uniform(1, 4)
    glass = mix(glass, colour(canvas, canvas.pick({"pale": 2, "skin": 1, "sky": 1})), lit)
    wall = bricks if canvas.chance(0.25) else plain
    return mix(wall(canvas, x, y), glass, pane * frame)


def shelf(canvas: Canvas, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Upright things side by side in rows: books, bottles, tins."""
    rows, thin = canvas.uniform(1, 3.5), canvas.log_uniform(0.1, 0.35)
    row = (y * rows).floor()
    place = x / thin * 2 + 3 * lattice(canvas, row, row)
    place = place + 0.35 * torch.sin(place * 1.7 + row * 2)  # books are not all as thick
    item = place.floor()
    across, up = place - item, y * rows - row
    tall = 0.6 + 0.3 * lattice(canvas, item, row)
    paint = torch.stack([lattice(canvas, item, row) ** 2 for _ in range(3)])
    paint = mix(colour(canvas), paint, canvas.uniform(0.2, 0.9))
    round_back = (1 - (2 * across - 1) ** 2).clamp(0.05).sqrt()
    label = smoothstep(0.08, 0.05, (up - 0.3 * tall - 0.15).abs()) * canvas.uniform(0, 0.8)
    there = smoothstep(tall, tall - 0.03, up) * smoothstep(0.04, 0.06, up)
    board = colour(canvas, "wood") * smoothstep(0.06, 0.04, up)
    return mix(board, mix(paint * round_back, colour(canvas, "pale"), label), there)


def waves(canvas: Canvas, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Water: ripples drawn out along x, that glitter."""
    ripples = fbm(canvas, in_plane(x * canvas.uniform(0.15, 0.5), y), canvas.log_uniform(2, 7), 3)
    sea = colour(canvas, canvas.pick({"sky": 3, "dull": 2, "grey": 2, "dark": 1, "leaf": 0.5}))
    foam = smoothstep(1.2, 2, ripples) * canvas.uniform(0, 1)
    return mix(sea * (canvas.uniform(0.1, 0.6) * ripples).exp(), colour(canvas, "pale"), foam)


def writing(canvas: Canvas, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Lines of letters on paper, a screen or a sign; the sheet repeats."""
    sheet = Image.new("L", (SHEET, SHEET))
    pen, top = ImageDraw.Draw(sheet), 4.0
    usual = canvas.log_uniform(9, 40)
    while top < SHEET - 12:
        size = usual if canvas.chance(0.8) else canvas.log_uniform(9, 60)
        words = "".join(canvas.rng.choice(list(LETTERS), int(canvas.rng.integers(3, 40))))
        pen.text((8, top), words, fill=255, font=ImageFont.load_default(size))
        top += size * canvas.uniform(1, 1.6)
    place = torch.stack([x, -y], -1) * canvas.log_uniform(0.7, 2)
    seen = torch.nn.functional.grid_sample(
        canvas.tensor(np.asarray(sheet))[None, None] / 255, (place[None] + 1).remainder(2) - 1,
        align_corners=False)[0, 0]
    paper, ink = ("pale", "dark") if canvas.chance(0.6) else ("", "pale")
    return mix(colour(canvas, paper), colour(canvas, ink), seen)


MADE = {bricks: 2, planks: 1.5, cloth: 2, facade: 1.5, shelf: 1.5, writing: 2}
MATERIALS = MADE | {plain: 3, mottled: 1.2, fur: 3, foliage: 3, waves: 1}


def material(canvas: Canvas, x: torch.Tensor, y: torch.Tensor, made: bool = False) -> torch.Tensor:
    """Return the light of a random material, linear (3, h, w).

    Args:
        canvas: gives the randomness.
        x, y: places on the surface, (h, w).
        made: True: only what people make, with the regular marks that no planet or nebula has.
    """
    weights = MADE if made else MATERIALS
    by_name = {kind.__name__: kind for kind in weights}
    name = canvas.pick({kind.__name__: weight for kind, weight in weights.items()})
    return by_name[name](canvas, x, y)
