"""Everyday things: each drawn over a picture at a place, by eye.

A thing is a function (canvas, light, place) -> light, linear (3, size, size).
"""

import math

import torch

from celestial.renderer.everyday.everyday_materials import (
    cells,
    colour,
    fur,
    material,
    plain,
    writing,
)
from celestial.renderer.everyday.everyday_shapes import Spot, box, disc, inside, relief
from celestial.renderer.light.canvas import Canvas, mix, rotated, smoothstep
from celestial.renderer.light.noise import in_plane, octave


def ball(canvas: Canvas, light: torch.Tensor, spot: Spot) -> torch.Tensor:
    """Balls, fruit, marbles, lamps: bulging, glossy, with seams, dimples, panels or stripes."""
    c = canvas
    u, v = spot.local(c)
    level = disc(u, v * c.uniform(0.85, 1.1))
    z = (1 - level.clamp(0, 1) ** 2).clamp(min=0.01).sqrt()
    lon, lat = torch.atan2(u, z), torch.asin(v.clamp(-1, 1))
    kind = c.pick({"paint": 1.5, "panels": 3, "dimples": 2, "gores": 2.5, "seam": 2, "made": 3,
                   "seeds": 1.5}) if spot.size < 0.9 else "made"
    paint = colour(c) * torch.ones_like(u)
    if kind == "panels":
        shade, border = cells(c, lon * 2 + 20, lat * 2 + 20)
        paint = mix(colour(c, "pale"), colour(c, "dark"), (shade > 0.6).float())
        paint = paint * (0.2 + 0.8 * smoothstep(0.02, 0.08, border))
    if kind in ("dimples", "seeds"):
        count = c.uniform(4, 9)
        pit = ((lon * count).remainder(1) - 0.5) ** 2 + ((lat * count).remainder(1) - 0.5) ** 2
        dent = smoothstep(0.16, 0.04, pit)
        paint = mix(paint, colour(c), dent) if kind == "seeds" else paint * (1 - 0.4 * dent)
    if kind == "gores":
        stripes = torch.sin(torch.atan2(u, z * c.uniform(0.6, 1.4)) * c.uniform(4, 12))
        paint = mix(paint, colour(c, "vivid"), smoothstep(-0.15, 0.15, stripes))
    if kind == "seam":
        bow = (lon - 0.7 + 0.6 * lat ** 2).abs()
        paint = mix(paint, colour(c), smoothstep(0.07, 0.03, bow))
    if kind == "made":
        paint = material(c, lon, lat, made=True)
    # Bulging and shining, because a smooth ball without a highlight looks like a planet.
    shade, shine = relief(c, u, v, level, c.uniform(1.2 if kind == "paint" else 0, 1.5))
    return mix(light, paint * shade + shine, inside(level, spot.soft(c)))


def wheel(canvas: Canvas, light: torch.Tensor, spot: Spot) -> torch.Tensor:
    """Wheels, fans, clocks, coins, plates, targets: rings, spokes or ticks around a hub."""
    c = canvas
    u, v = spot.local(c)
    v = v * c.uniform(1, 1.8) if c.chance(0.5) else v
    level, angle = disc(u, v), torch.atan2(v, u)
    soft = spot.soft(c)
    paint = colour(c, c.pick({"dark": 3, "": 2, "grey": 2, "pale": 2})) * torch.ones_like(u)
    for edge in sorted((c.uniform(0.15, 0.95) for _ in range(int(c.rng.integers(1, 5)))),
                       reverse=True):
        paint = mix(paint, colour(c), inside(level / edge, soft / edge))
    spokes = int(c.rng.integers(4, 25))
    width = c.uniform(0.03, 0.2) if c.chance(0.5) else 0.15 / spokes * 4
    near = torch.sin(angle * spokes / 2 + c.uniform(0, 3)).abs() * level * 2 / spokes
    low, high = (0.1, c.uniform(0.5, 0.9)) if c.chance(0.7) else (0.75, 0.92)
    ray = smoothstep(width + soft, width - soft, near * 2) * inside(level / high, soft) * (
        level > low)
    paint = mix(paint, colour(c), ray)
    if c.chance(0.25):  # the hands of a clock or gauge
        for length in (c.uniform(0.4, 0.6), c.uniform(0.6, 0.85)):
            along, across = rotated(u, v, c.uniform(0, 2 * math.pi))
            hand = inside(box(along - length / 2, across, length / 2, 0.04), soft * 4)
            paint = mix(paint, colour(c, "dark"), hand)
    slope = 1 + c.uniform(-0.4, 0.4) * u + c.uniform(-0.4, 0.4) * v
    sheen = c.uniform(0, 0.4) * (torch.cos(angle * 2 + c.uniform(0, 6)) > 0.8)
    return mix(light, paint * slope.clamp(min=0.1) + sheen * level, inside(level, soft))


def flower(canvas: Canvas, light: torch.Tensor, spot: Spot) -> torch.Tensor:
    """Flowers, starfish, leaves: petals around a middle, in layers."""
    c = canvas
    u, v = spot.local(c)
    petals, pointed = int(c.rng.integers(4, 22)), c.log_uniform(0.3, 2)
    tone = colour(c, c.pick({"vivid": 3, "pale": 2, "red": 1, "": 1}))
    for layer in range(int(c.rng.integers(1, 4))):
        scale = 1 - 0.28 * layer
        radius, angle = disc(u, v) / scale, torch.atan2(v, u) + layer * 0.6
        lobe = torch.cos(angle * petals / 2).abs()
        level = radius / (0.25 + 0.75 * lobe ** pointed)
        shade = (0.35 + 0.65 * radius.clamp(0, 1)) * (0.5 + 0.5 * lobe ** 0.7)
        light = mix(light, tone * shade * 1.15 ** layer, inside(level, spot.soft(c) * 2))
    heart = c.uniform(0.12, 0.35)
    grain = 1 + 0.3 * octave(c, in_plane(u, v), 6)
    level = disc(u, v, radius=heart)
    return mix(light, colour(c) * grain.clamp(min=0.2), inside(level, spot.soft(c) / heart))


def turned(canvas: Canvas, light: torch.Tensor, spot: Spot) -> torch.Tensor:
    """Bottles, cups, vases, lamps, towers, hot-air balloons: solids of revolution."""
    c = canvas
    u, v = spot.local(c)
    knots = c.rng.uniform(0.15, 0.85, 5)
    knots = c.tensor(knots if c.chance(0.6) else sorted(knots))
    at = ((v + 1) * 2).clamp(0, 3.999)
    index = at.long()
    width = mix(knots[index], knots[index + 1], smoothstep(0, 1, at - index))
    across = u / width
    level = torch.maximum(across.abs(), v.abs())
    paint = plain(c, u, v) if c.chance(0.5) else material(c, torch.asin(across.clamp(-1, 1)), v)
    if c.chance(0.5):  # a label or bands
        low = c.uniform(-0.8, 0.4)
        band = ((v > low) & (v < low + c.uniform(0.1, 0.6))).float()
        print_on = writing if c.chance(0.5) else plain
        paint = mix(paint, print_on(c, across, v), band)
    shade, shine = relief(c, across, 0 * v, across.abs(), c.uniform(0, 1))
    return mix(light, paint * shade + shine, inside(level, spot.soft(c) * 2))


def carton(canvas: Canvas, light: torch.Tensor, spot: Spot) -> torch.Tensor:
    """Boxes, houses, books, machines: three faces, each lit differently."""
    c = canvas
    u, v = spot.local(c)
    width, height, soft = c.uniform(0.35, 0.9), c.uniform(0.3, 0.8), spot.soft(c)
    lean, deep = c.uniform(-0.5, 0.5), c.uniform(0.1, 0.4)
    front = material(c, u, v) if c.chance(0.6) else plain(c, u, v)
    top = ((v - height) / deep).clamp(0, 1)
    roof = c.uniform(0, 1) if c.chance(0.4) else 0.0
    lid = torch.maximum((u - lean * top).abs() / (width * (1 - roof * top)).clamp(min=0.02),
                        (2 * (v - height) / deep - 1).abs())
    side = c.uniform(0.1, 0.5)
    flank = torch.maximum((2 * (u - width) / side - 1).abs(),
                          (v - c.uniform(0, 0.3) * (u - width)).abs() / height)
    tone = colour(c)
    light = mix(light, tone * c.uniform(0.2, 0.6), inside(flank, soft * 3))
    light = mix(light, colour(c) * c.uniform(0.7, 1.2), inside(lid, soft * 3))
    return mix(light, front, inside(box(u, v, width, height), soft * 2))


def face(canvas: Canvas, light: torch.Tensor, spot: Spot) -> torch.Tensor:
    """Heads of people and animals: ears, eyes, a nose, a mouth, fur or skin."""
    c = canvas
    u, v = spot.local(c)
    soft = spot.soft(c)
    skin = fur(c, u, v) if c.chance(0.7) else colour(c, "skin") * torch.ones_like(u)
    wide, high = c.uniform(0.55, 0.85), c.uniform(0.6, 0.95)
    ear, up, apart = c.uniform(0.15, 0.45), c.uniform(0.3, 0.9), c.uniform(0.35, 0.7)
    for side in (-1, 1):
        light = mix(light, 0.8 * skin, inside(disc(u, v * c.uniform(0.6, 1.2), side * apart,
                                                   up, ear), soft / ear))
    level = (u.abs() / wide) ** 2 + (v.abs() / high) ** 2
    shade, _ = relief(c, u, v, level.sqrt(), 0)
    light = mix(light, skin * shade, inside(level, soft * 3))
    eye, gap, height = c.uniform(0.06, 0.18), c.uniform(0.2, 0.4), c.uniform(0.0, 0.35)
    iris = colour(c)
    for side in (-1, 1):
        for proportion, tone in ((1.2, 0.3 * iris), (1, iris), (0.55, 0.02 * iris),
                            (0.2, 3 * iris + 0.5)):
            off = 0.3 * eye if proportion == 0.2 else 0
            level = disc(u, v * c.uniform(1, 1.3), side * gap + off, height + off, proportion * eye)
            light = mix(light, tone, inside(level, soft / (proportion * eye)))
    snout = disc(u, (v + c.uniform(0.1, 0.3)) * c.uniform(0.8, 2), radius=c.uniform(0.08, 0.25))
    light = mix(light, colour(c, "dark"), inside(snout, soft * 8))
    if c.chance(0.4):
        return light
    smile = (v + c.uniform(0.4, 0.6) - c.uniform(-0.5, 0.8) * u ** 2).abs()
    mouth = smoothstep(0.06, 0.02, smile) * (u.abs() < c.uniform(0.15, 0.4))
    return mix(light, colour(c, c.pick({"red": 1, "dark": 2})), mouth)


def vehicle(canvas: Canvas, light: torch.Tensor, spot: Spot) -> torch.Tensor:
    """Cars, vans, boats and bicycles from the side: a hull, a cabin with windows, wheels."""
    c = canvas
    u, v = spot.local(c)
    soft, paint = spot.soft(c), colour(c)
    taper, high = c.uniform(-0.3, 0.6), c.uniform(0.12, 0.3)
    cabin = torch.maximum((u - c.uniform(-0.3, 0.2)).abs() / (
        c.uniform(0.3, 0.65) - 0.6 * (v - high)).clamp(min=0.03), (v - high).abs() / (1.4 * high))
    light = mix(light, paint * 0.9, inside(cabin, soft * 4))
    pane = torch.sin(u * c.uniform(5, 12)).abs() > 0.2
    light = mix(light, colour(c, c.pick({"dark": 2, "sky": 1})),
                inside(cabin * 1.25, soft * 4) * pane)
    hull = torch.maximum(u.abs() / (0.95 + taper * v).clamp(min=0.05), v.abs() / high)
    gleam = 1 + c.uniform(0, 0.8) * (v / high).clamp(-1, 1)
    light = mix(light, paint * gleam, inside(hull, soft * 3))
    stripe = smoothstep(0.04, 0.02, (v - c.uniform(-0.5, 0.5) * high).abs())
    light = mix(light, colour(c), stripe * inside(hull, soft * 3))
    if c.chance(0.25):  # a boat with its masts
        for _ in range(int(c.rng.integers(0, 4))):
            mast = box(u - c.uniform(-0.7, 0.7), v - 0.6, 0.02, c.uniform(0.2, 0.6))
            light = mix(light, colour(c), inside(mast, soft * 20))
        return light
    radius, apart = c.uniform(0.15, 0.28), c.uniform(0.45, 0.65)
    for side in (-1, 1):
        for proportion, tone in ((1, "dark"), (0.6, "grey"), (0.15, "dark")):
            level = disc(u, v, side * apart, -high, radius * proportion)
            light = mix(light, colour(c, tone), inside(level, soft / (radius * proportion)))
    return light


def sign(canvas: Canvas, light: torch.Tensor, spot: Spot) -> torch.Tensor:
    """Signs, labels, logos: a flat shape with a rim and words or a mark, often on a post."""
    c = canvas
    u, v = spot.local(c)
    soft, corners = spot.soft(c), int(c.rng.integers(3, 9))
    angle = torch.atan2(v, u) + c.uniform(0, 6)
    sector = 2 * math.pi / corners
    polygon = disc(u, v) * torch.cos(angle.remainder(sector) - sector / 2) / math.cos(sector / 2)
    level = {"polygon": polygon, "box": box(u, v, 0.95, c.uniform(0.25, 0.9)),
             "disc": disc(u, v)}[c.pick({"polygon": 1, "box": 2, "disc": 1})]
    if c.chance(0.5):
        light = mix(light, colour(c, "grey"), inside(box(u, v + 2, 0.08, 2), soft * 10))
    light = mix(light, colour(c), inside(level, soft))
    mark = writing(c, u, v) if c.chance(0.6) else mix(
        colour(c), colour(c), inside(polygon / 0.5, soft * 2))
    return mix(light, mark, inside(level / c.uniform(0.7, 0.95), soft))


def blob(canvas: Canvas, light: torch.Tensor, spot: Spot) -> torch.Tensor:
    """Bodies, bags, stones, fruit, corals: a lobed outline, bulging, of any material."""
    c = canvas
    u, v = spot.local(c)
    angle = torch.atan2(v, u)
    radius = 0.75 + sum(c.rng.normal(0, 0.22 / order) * torch.cos(order * angle + c.uniform(0, 6))
                        for order in range(2, 6))
    level = disc(u, v * c.uniform(0.7, 1.8)) / radius.clamp(min=0.2)
    shade, shine = relief(c, u, v, level, c.uniform(0, 0.5))
    skin = material(c, u, v, made=spot.size > 1)  # a plain one that fills the frame shows nothing
    return mix(light, skin * shade + shine, inside(level, spot.soft(c) * 1.5))


def bubble(canvas: Canvas, light: torch.Tensor, spot: Spot) -> torch.Tensor:
    """Bubbles, lenses, glasses: a bright rim and highlights over what is behind."""
    c = canvas
    u, v = spot.local(c)
    level = disc(u, v)
    rim = smoothstep(c.uniform(0.6, 0.9), 1, level) * inside(level, spot.soft(c))
    film = torch.stack([torch.sin(level * 9 + shift) ** 2 for shift in (0, 1, 2)])
    spark = smoothstep(0.15, 0.05, disc(u, v, c.uniform(-0.6, 0.6), c.uniform(0.2, 0.6)))
    return light + rim * (0.3 + 0.5 * film) * c.uniform(0.2, 1) + spark * inside(level, 0.1)


def tree(canvas: Canvas, light: torch.Tensor, spot: Spot) -> torch.Tensor:
    """Trees and bushes: a trunk and a crown with a ragged edge."""
    c = canvas
    u, v = spot.local(c)
    soft, shrink = spot.soft(c), c.uniform(0, 0.6)
    trunk = box(u + 0.05 * v, v + 0.6, c.uniform(0.04, 0.12), 0.7)
    light = mix(light, colour(c, "wood") * 0.5, inside(trunk, soft * 10))
    ragged = 0.12 * octave(c, in_plane(u, v), 3) + 0.08 * octave(c, in_plane(u, v), 9)
    level = disc(u / (0.8 - shrink * v).clamp(min=0.1), v - 0.2, radius=0.8) + ragged
    leaves = colour(c, c.pick({"leaf": 6, "wood": 1, "dark": 2, "red": 0.5}))
    grain = (0.5 * octave(c, in_plane(u, v), 7) + 0.4 * octave(c, in_plane(u, v), 14)).exp()
    lit = (0.5 + 0.4 * (u + v)).clamp(min=0.15)
    return mix(light, leaves * grain * lit, inside(level, soft * 2))


THINGS = {ball: 3, wheel: 3, flower: 2, turned: 3, carton: 3, face: 2.5, vehicle: 2.5, sign: 2,
          blob: 4, bubble: 0.7, tree: 1.5}


def thing(canvas: Canvas, light: torch.Tensor, spot: Spot, flat: bool = False) -> torch.Tensor:
    """Draw a random thing over a picture, with its shadow on what is behind it.

    Args:
        canvas: the picture.
        light: what is there already, linear (3, size, size).
        spot: where it stands.
        flat: True: no shadow (it hangs in the air or in the dark).
    """
    if not flat and canvas.chance(0.7):
        u, v = spot.local(canvas)
        fall = disc(u - canvas.uniform(-0.5, 0.5), (v + 0.7) * canvas.uniform(1.5, 4))
        light = light * (1 - canvas.uniform(0.2, 0.7) * smoothstep(1.3, 0.5, fall))
    by_name = {kind.__name__: kind for kind in THINGS}
    name = canvas.pick({kind.__name__: weight for kind, weight in THINGS.items()})
    return by_name[name](canvas, light, spot)
