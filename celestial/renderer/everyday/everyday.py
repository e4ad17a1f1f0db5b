"""Pictures of what is none of the classes: landscapes, rooms, streets, animals, things, pages.

They are drawn for a network to learn what lies outside its classes (outlier exposure, Hendrycks et
al. 2019, ICLR), so variety matters more than likeness; nothing here is measured. Things on black
are meant: a dark sky is no sign of an outlier, nor is its absence.
"""

import math

import numpy as np
import torch

from celestial.renderer.everyday import blank, night_lights
from celestial.renderer.everyday.everyday_materials import (
    colour,
    facade,
    foliage,
    material,
    plain,
    shelf,
    waves,
    writing,
)
from celestial.renderer.everyday.everyday_shapes import Spot, box, disc, inside
from celestial.renderer.everyday.everyday_things import thing, tree
from celestial.renderer.light.camera import blur, photograph
from celestial.renderer.light.canvas import Canvas, mix, rotated, smoothstep
from celestial.renderer.light.look import Look, random_look
from celestial.renderer.light.noise import fbm, gaussian_field, in_plane, octave, plane_points
from celestial.renderer.pages import emblems, screens

KINDS = {"outdoors": 24, "indoors": 13, "depth": 13, "studio": 10, "black": 8, "surface": 7,
         "leaves": 6, "street": 6, "page": 4, "night": 4, "fireworks": 1.5, "emblems": 14,
         "screens": 8, "night_lights": 8, "blank": 5}
OTHERS = {"emblems": emblems, "screens": screens, "night_lights": night_lights, "blank": blank}


def draw(canvas: Canvas) -> np.ndarray:
    """Draw a picture of something on Earth: uint8 (height, width, 3)."""
    kind = canvas.pick(KINDS)
    if kind in OTHERS:
        return OTHERS[kind].draw(canvas)
    light = {"outdoors": _outdoors, "indoors": _indoors, "depth": _depth, "studio": _studio,
             "black": _black, "surface": _surface, "leaves": _leaves, "street": _street,
             "page": _page, "night": _night, "fireworks": _fireworks}[kind](canvas)
    if kind not in ("page", "fireworks"):
        light = light * _unevenness(canvas)
    picture = photograph(canvas, light, _look(canvas))
    return _framed(canvas, picture) if canvas.chance(0.06) else picture


def _look(canvas: Canvas) -> Look:
    """Choose how the picture is taken: mostly by a hand-held camera in good light."""
    look = random_look(canvas, mono=0.08)
    look.exposure = canvas.log_uniform(0.6, 1.6) if canvas.chance(0.9) else look.exposure
    look.gamma, look.missing = max(look.gamma, 1.7), 0.0
    look.fwhm = min(look.fwhm, 2 * canvas.scale)
    look.sky = (0.0, 0.0, 0.0)
    return look


def _unevenness(canvas: Canvas) -> torch.Tensor:
    """Return a factor on the light, (size, size): soft shadows, or fine texture of all there is."""
    if canvas.chance(0.4):
        return (canvas.uniform(0, 0.25) * gaussian_field(canvas, 4.5)).exp()
    return (canvas.uniform(0, 0.2) * gaussian_field(canvas, canvas.uniform(1.3, 2.5), 8)).exp()


def _framed(canvas: Canvas, picture: np.ndarray) -> np.ndarray:
    """Lay a plain frame, black, white or of any colour, over the border of a picture."""
    width = max(1, round(canvas.size * canvas.uniform(0.01, 0.06)))
    framed = np.empty_like(picture)
    framed[:] = canvas.rng.choice([0, 255, canvas.rng.integers(256)])
    framed[width:-width, width:-width] = picture[width:-width, width:-width]
    return framed


def _sky(canvas: Canvas) -> torch.Tensor:
    """Return the sky by day or at dusk: two colours one above the other, and clouds."""
    c = canvas
    kind = c.pick({"blue": 5, "overcast": 3, "dusk": 2, "any": 0.3})
    zenith, low = {"blue": ("sky", "pale"), "overcast": ("grey", "pale"), "dusk": ("dull", "skin"),
                   "any": ("", "")}[kind]
    height = smoothstep(c.uniform(-1, 0), c.uniform(0.6, 1.5), c.y)
    sky = mix(colour(c, low), colour(c, zenith), height)
    if c.chance(0.6):
        flat = in_plane(c.x, c.y * c.uniform(1, 3))
        clouds = fbm(c, flat, c.log_uniform(0.4, 2), 4, 0.55)
        cover = smoothstep(c.uniform(-0.5, 1), c.uniform(1, 2.5), clouds)
        sky = mix(sky, colour(c, c.pick({"pale": 4, "grey": 2, "skin": 0.6})), cover)
    return sky


def _ground(canvas: Canvas, horizon: float) -> torch.Tensor:
    """Return a floor in perspective below the horizon: water, grass, paving, sand."""
    away = canvas.uniform(0.3, 1) / (horizon - canvas.y).clamp(min=0.06)
    kind = waves if canvas.chance(0.3) else material
    shift = canvas.uniform(0, 9)
    return kind(canvas, canvas.x * away + shift, away)


def _along(canvas: Canvas, steps: int = 0) -> torch.Tensor:
    """Return one row of places for a curve of noise over x, (3, 1, size), smooth or in steps."""
    x = canvas.x[:1]
    return in_plane((x * steps).floor() / steps if steps else x, torch.zeros_like(x))


def _land(canvas: Canvas) -> tuple[torch.Tensor, float]:
    """Return (light, horizon's y): sky, hills or trees far away, ground."""
    c = canvas
    horizon = c.uniform(-0.7, 0.6)
    light = _sky(c) if c.chance(0.75) else foliage(c, c.x, c.y)
    for _ in range(int(c.rng.integers(0, 4))):
        outline = c.uniform(0.05, 0.4) * (1 + octave(c, _along(c), c.log_uniform(0.5, 3)))
        ragged = c.uniform(0, 0.06) * octave(c, plane_points(c), 8)
        far = smoothstep(-c.pixel, c.pixel, horizon + outline * c.uniform(0.2, 1) + ragged - c.y)
        tone = foliage(c, c.x, c.y) if c.chance(0.25) else colour(
            c, c.pick({"leaf": 3, "dull": 2, "wood": 1, "grey": 1, "dark": 1}))
        light = mix(light, tone, far)
    tilt = c.x * c.rng.normal(0, 0.03)
    below = smoothstep(-c.pixel, c.pixel, horizon + tilt - c.y)
    return mix(light, _ground(c, horizon), below), horizon


def _outdoors(canvas: Canvas) -> torch.Tensor:
    """Return a landscape with trees and things, near and far."""
    c = canvas
    light, horizon = _land(c)
    count = int(c.rng.integers(1, 7))
    for size in sorted(c.log_uniform(0.1, 0.8) for _ in range(count)):
        spot = Spot(c.uniform(-0.9, 0.9), horizon + c.uniform(-0.4, 0.6) * size, size,
                    c.rng.normal(0, 0.06))
        light = tree(c, light, spot) if c.chance(0.3) else thing(c, light, spot)
    return light


def _indoors(canvas: Canvas) -> torch.Tensor:
    """Return a wall, a table or floor, and things on it."""
    c = canvas
    edge = c.uniform(-0.8, 0.3)
    wall = plain if c.chance(0.4) else (shelf if c.chance(0.15) else material)
    light = wall(c, c.x, c.y) * c.uniform(0.3, 1)
    below = smoothstep(-c.pixel, c.pixel, edge + c.x * c.rng.normal(0, 0.1) - c.y)
    light = mix(light, _ground(c, edge + c.uniform(0.2, 1)), below)
    for size in sorted((c.log_uniform(0.15, 0.7) for _ in range(int(c.rng.integers(1, 7)))),
                       reverse=True):
        light = thing(c, light, Spot(c.uniform(-0.9, 0.9), edge + c.uniform(-0.4, 0.9) * size, size,
                                     c.rng.normal(0, 0.15)))
    return light


def _main_spot(canvas: Canvas) -> Spot:
    """Return where the one thing stands that a picture is about."""
    size = canvas.log_uniform(0.3, 1) if canvas.chance(0.75) else canvas.log_uniform(1, 1.8)
    turn = canvas.rng.normal(0, 0.2) if canvas.chance(0.7) else canvas.uniform(0, 2 * math.pi)
    x, y = canvas.rng.normal(0, 0.2, 2)
    return Spot(float(x), float(y), size, turn)


def _depth(canvas: Canvas) -> torch.Tensor:
    """Return a sharp thing before what a wide aperture blurs."""
    c = canvas
    behind = c.pick({"land": 2, "leaves": 2, "room": 2, "lights": 1})
    light = {"land": lambda: _land(c)[0], "leaves": lambda: _leaves(c),
             "room": lambda: _indoors(c), "lights": lambda: _night(c)}[behind]()
    light = blur(light, c.scale * c.log_uniform(2, 9))
    for _ in range(int(c.rng.integers(1, 3))):
        light = thing(c, light, _main_spot(c), flat=True)
    return light


def _studio(canvas: Canvas) -> torch.Tensor:
    """Return a thing or several on white, pale or coloured paper."""
    c = canvas
    light = colour(c, c.pick({"pale": 3, "": 1.5})) * (1 + c.uniform(-0.3, 0.3) * c.y)
    light = light + (1 - light) * c.uniform(0, 1) if c.chance(0.5) else light
    for _ in range(1 if c.chance(0.7) else int(c.rng.integers(2, 9))):
        light = thing(c, light, _main_spot(c))
    return light.expand(3, c.size, c.size)


def _black(canvas: Canvas) -> torch.Tensor:
    """Return a thing lit before a dark background, or by its own light."""
    c = canvas
    light = c.dark() + c.uniform(0, 0.3) * colour(c, "dark")
    for _ in range(1 if c.chance(0.7) else int(c.rng.integers(2, 6))):
        light = thing(c, light, _main_spot(c), flat=True)
    if c.chance(0.3):  # it stands on something that mirrors it
        low = c.uniform(-0.9, -0.4)
        below = smoothstep(low + c.pixel, low - c.pixel, c.y)
        light = mix(light, light.flip(1) * c.uniform(0.1, 0.6) + colour(c, "dark"), below)
    return light


def _surface(canvas: Canvas) -> torch.Tensor:
    """Return a made surface that fills the frame, seen straight on or aslant."""
    c = canvas
    u, v = rotated(c.x, c.y, c.rng.normal(0, 0.5))
    away = 1 / (1 + c.uniform(0, 0.7) * v).clamp(min=0.2)
    zoom = c.log_uniform(0.5, 2)
    place = u * away * zoom + 9, v * away * zoom + 9
    light = material(c, *place, made=True) if c.chance(0.75) else foliage(c, *place)
    if c.chance(0.4):
        light = thing(c, light, _main_spot(c))
    return light.expand(3, c.size, c.size)


def _leaves(canvas: Canvas) -> torch.Tensor:
    """Return things that hide one another ("dead leaves", Lee et al. 2001, IJCV 41, 35).

    Sizes follow a power law, as those in photographs do.
    """
    c = canvas
    light = material(c, c.x, c.y)
    tones = [colour(c) for _ in range(int(c.rng.integers(2, 8)))]
    grain = 0.15 * fbm(c, plane_points(c), 5, 3)
    round_ones = c.rng.random()
    for size in 0.07 * c.rng.pareto(1.5, int(c.rng.integers(12, 50))) + 0.07:
        spot = Spot(c.uniform(-1, 1), c.uniform(-1, 1), min(size, 1), c.uniform(0, 6.3))
        u, v = spot.local(c)
        high = c.uniform(0.3, 1.2)
        level = disc(u, v / high) if c.chance(round_ones) else box(u, v, 1, high)
        tone = tones[c.rng.integers(len(tones))] * c.log_uniform(0.5, 1.5)
        shade = (1 + c.uniform(-0.5, 0.5) * u + c.uniform(-0.5, 0.5) * v + grain).clamp(min=0.1)
        light = mix(light, tone * shade, inside(level, spot.soft(c)))
    return light


def _street(canvas: Canvas) -> torch.Tensor:
    """Return buildings side by side under the sky, and what stands before them."""
    c = canvas
    light, horizon = _land(c)
    left = -1.0
    while left < 1:
        width, top = c.log_uniform(0.2, 1.2), horizon + c.log_uniform(0.3, 1.6)
        lean = 1 + c.uniform(-0.2, 0.2) * c.x
        wall = ((c.x > left) & (c.x < left + width) & (c.y < top * lean) & (c.y > horizon - 0.1))
        front = facade(c, (c.x - left), c.y * lean) * c.uniform(0.4, 1.1)
        light = mix(light, front, wall.float())
        left += width + (c.uniform(0, 0.4) if c.chance(0.3) else 0)
    for _ in range(int(c.rng.integers(0, 4))):
        size = c.log_uniform(0.12, 0.5)
        light = thing(c, light, Spot(c.uniform(-1, 1), horizon - 0.2 + 0.3 * size, size))
    return light


def _page(canvas: Canvas) -> torch.Tensor:
    """Return a document, a screen, a diagram or a drawing."""
    c = canvas
    light = writing(c, c.x + 9, c.y + 9)
    for _ in range(int(c.rng.integers(1, 5))):
        panel = box(c.x - c.uniform(-0.8, 0.8), c.y - c.uniform(-0.8, 0.8), c.uniform(0.2, 0.8),
                    c.uniform(0.1, 0.6))
        what = c.pick({"paper": 2, "bars": 1, "plot": 1, "picture": 2, "words": 1})
        if what == "bars":
            fill = mix(colour(c, "pale"), colour(c), (
                octave(c, _along(c, 8), 1) > c.y * 2).float())
        elif what == "plot":
            curve = (c.y - 0.3 * octave(c, _along(c), 1.5)).abs()
            fill = mix(colour(c, "pale"), colour(c), smoothstep(0.04, 0.02, curve))
        else:
            fill = {"paper": plain, "picture": material, "words": writing}[what](c, c.x, c.y)
        light = mix(light, fill, inside(panel, 2 * c.pixel))
    return thing(c, light, _main_spot(c), flat=True) if c.chance(0.3) else light


def _night(canvas: Canvas) -> torch.Tensor:
    """Return lamps, lit windows and their reflections in the dark."""
    c = canvas
    light = c.dark() + colour(c, "dark") * c.uniform(0.05, 0.6)
    wet = c.chance(0.5)
    if not wet:
        skyline = 0.3 * octave(c, _along(c, 5), 2)
        light = mix(light, facade(c, c.x, c.y) * c.uniform(0.05, 0.5), (c.y < skyline).float())
    tones = [colour(c, c.pick({"skin": 3, "vivid": 2, "pale": 1})) for _ in range(3)]
    level = c.uniform(-0.6, 0.3)
    for _ in range(int(c.rng.integers(4, 20))):
        x, y, size = c.uniform(-1, 1), c.rng.normal(level, 0.2), c.log_uniform(0.03, 0.15)
        tone = tones[c.rng.integers(3)] * c.log_uniform(0.5, 3)
        away = disc(c.x, c.y, x, y)
        light = light + tone * (inside(away / size, c.pixel / size)
                                + 0.15 * torch.exp(-away / (3 * size)))
        if wet:  # its streak on wet ground or water
            down = (y - c.y).clamp(min=0)
            light = light + tone * 0.3 * torch.exp(-((c.x - x) / size) ** 2 - down) * (down > 0)
    return light


def _fireworks(canvas: Canvas) -> torch.Tensor:
    """Return bursts of bright streaks, long exposures of sparks and traffic."""
    c, light = canvas, canvas.dark() + colour(canvas, "dark") * 0.3
    for _ in range(int(c.rng.integers(1, 5))):
        spot = Spot(c.uniform(-0.7, 0.7), c.uniform(-0.4, 0.7), c.log_uniform(0.2, 1),
                    c.uniform(0, 6))
        u, v = spot.local(c)
        v = v + c.uniform(0, 0.3) * u ** 2
        radius, rays = disc(u, v), int(c.rng.integers(12, 50))
        angle = torch.atan2(v, u) * rays / (2 * math.pi)
        length = 0.6 + 0.4 * canvas.tensor(c.rng.random(rays))[angle.floor().long() % rays]
        thin = (angle - angle.floor() - 0.5).abs() * radius * 6 / rays
        streak = smoothstep(c.uniform(0.02, 0.05), 0.005, thin) * smoothstep(0.02, 0.2, radius)
        spark = 2 * colour(c, c.pick({"vivid": 2, "skin": 1}))
        light = light + spark * streak * smoothstep(length, 0.8 * length, radius)
    return light
