"""Galaxies: one, two after an encounter, a group, a field of many."""

import math

import numpy as np
import torch

from celestial.renderer.deep_sky.deepsky import deep_look, deep_photograph, star_field
from celestial.renderer.deep_sky.encounter import encounter
from celestial.renderer.deep_sky.galaxy_kinds import OLD, SINGLE, YOUNG, Place, redden, sersic
from celestial.renderer.light.camera import blur
from celestial.renderer.light.canvas import Canvas, mix, smoothstep
from celestial.renderer.light.noise import fbm, plane_points
from celestial.renderer.light.stars import splat

KINDS = {"spiral": 0.38, "edge": 0.14, "elliptical": 0.11, "irregular": 0.10, "pair": 0.09,
         "group": 0.07, "deep": 0.03, "starburst": 0.025, "dust_lane": 0.025, "ring": 0.015,
         "infrared": 0.015}

# Largest radius of a kind in a picture of its own, because larger it would show too little
# structure; other kinds have more.
LARGEST = {"elliptical": 0.65, "irregular": 0.85, "starburst": 0.8, "dust_lane": 1.2, "edge": 1.8,
           "ring": 1.1, "infrared": 1.0}


def draw(canvas: Canvas) -> np.ndarray:
    """Draw a picture of a galaxy or several: uint8 (height, width, 3)."""
    c = canvas
    kind = c.pick(KINDS)
    look = deep_look(c)
    if kind in SINGLE:
        place = _frame(c, LARGEST.get(kind, 3.5))
        light = SINGLE[kind](c, place)
        if place.radius > 0.75:  # planetariums' windows hold whole galaxies
            look.window = 0.0
    else:
        light = {"pair": _pair, "group": _group, "deep": _deep_field}[kind](c)
    if kind in ("spiral", "edge") and c.chance(0.15):  # a companion, as M51's or M31's
        _stamp(c, light, "elliptical", c.log_uniform(0.08, 0.25), 0.8)
    if kind != "infrared" and c.chance(0.04):  # ultraviolet, hydrogen or infrared in false colours
        cast = (1.3, c.uniform(0.4, 0.9), c.uniform(0.2, 0.7))
        look.cast = cast if c.chance(0.5) else cast[::-1]
    crowded = c.chance(0.25) and kind in SINGLE
    return deep_photograph(c, light + _stars_in_front(c, crowded), look)


def _frame(canvas: Canvas, largest: float) -> Place:
    """Draw how large and where a single galaxy is shown, up to this radius."""
    c = canvas
    kind = c.pick({"usual": 5.5, "small": 3, "filling": 2, "close": 0.9})
    radius = {"usual": (0.45, 1.0), "small": (0.09, 0.45), "filling": (1.0, 1.7),
              "close": (1.7, 3.5)}[kind]
    size = min(c.log_uniform(*radius), largest)
    off = 0.35 * size if kind == "close" else 0.35 * max(0.15, 1 - size)
    x, y = c.rng.normal(0, off / 2, 2).clip(-0.8 * off - 0.2, 0.8 * off + 0.2)
    return Place(x, y, size, c.uniform(0, 2 * math.pi))


def _stars_in_front(canvas: Canvas, crowded: bool) -> torch.Tensor:
    """Return the Milky Way's stars: few, as galaxies are mostly photographed far from its plane."""
    c = canvas
    if crowded:
        return c.uniform(0.15, 0.4) * star_field(c, c.log_uniform(80, 1200), c.uniform(0.3, 1.5))
    return c.log_uniform(0.3, 1) * star_field(c, c.log_uniform(3, 80), c.uniform(0.3, 1.5))


def _pair(canvas: Canvas) -> torch.Tensor:
    """Return two galaxies after a close passage, with the tails and bridges of their tides."""
    c = canvas
    seen, middles = encounter(c)
    scale = c.uniform(0.6, 0.95) / np.quantile(np.abs(seen - np.median(seen, (0, 1))), 0.97)
    centre = np.median(seen, (0, 1))
    seen, middles = (seen - centre) * scale, (middles - centre) * scale
    clumps = fbm(c, plane_points(c), 5, 4, 0.7, 0.5 / c.pixel)
    level = c.log_uniform(0.08, 0.25)
    light, dust = c.dark(), 0
    for places, middle in zip(seen, middles, strict=True):
        colour = mix(c.colour(*OLD), c.colour(*YOUNG), c.uniform(0.2, 1))
        weight = np.full((len(places), 3), 1 / len(places))
        stars = splat(c, places[:, 0], places[:, 1], weight)[:1] * c.scale ** 2
        fine, wide = blur(stars, 0.022 / c.pixel), blur(stars, 0.05 / c.pixel)
        stars = 700 * (0.6 * fine + 0.4 * wide).clamp(min=0)
        r = ((c.x - middle[0]) ** 2 + (c.y - middle[1]) ** 2).sqrt() / scale
        bulge = c.colour(*OLD) * sersic(r, c.log_uniform(0.06, 0.2), 2).clamp(max=8)
        light = light + level * (stars * (c.uniform(0.3, 0.7) * clumps).exp() * colour + bulge)
        dust = dust + smoothstep(0.3, 2, -clumps) * smoothstep(1.2, 0.2, r)
    return redden(c, light, c.uniform(0.3, 1.2) * dust)


def _stamp(canvas: Canvas, light: torch.Tensor, kind: str, radius: float,
           spread: float) -> None:
    """Add a small galaxy of this radius to light, in the middle part of it (proportion)."""
    side = max(6, int(radius * 3.2 / canvas.pixel))
    part = Canvas(side, canvas.rng, canvas.device)
    galaxy = SINGLE[kind](part, Place(0, 0, 1 / 1.6, canvas.uniform(0, 2 * math.pi)))
    galaxy = galaxy * smoothstep(1.0, 0.3, (part.x ** 2 + part.y ** 2).sqrt())
    middle = canvas.size * (0.5 + canvas.rng.uniform(-1, 1, 2) * spread / 2)
    top, left = (middle - side / 2).astype(int)
    a, b = max(0, top), max(0, left)
    seen = galaxy[:, a - top:canvas.size - top, b - left:canvas.size - left]
    light[:, a:a + seen.shape[1], b:b + seen.shape[2]] += seen


def _group(canvas: Canvas) -> torch.Tensor:
    """Return a compact group or the middle of a cluster of galaxies."""
    c, light = canvas, canvas.dark()
    size, spread = c.log_uniform(0.2, 0.5), c.uniform(0.45, 0.8)
    for _ in range(int(c.rng.integers(2, 7))):
        kind = c.pick({"spiral": 4, "elliptical": 4, "edge": 2, "irregular": 0.5})
        _stamp(c, light, kind, size * c.log_uniform(0.4, 1.1), spread)
    return light


def _deep_field(canvas: Canvas) -> torch.Tensor:
    """Return a deep field: galaxies near and far."""
    c, light = canvas, canvas.dark()
    for _ in range(int(c.rng.integers(20, 50))):
        kind = c.pick({"elliptical": 6, "edge": 3, "spiral": 1})
        redshift = c.rng.normal(0, 0.35)
        tint = c.planes(np.exp([redshift, 0, -redshift]))
        one = c.dark()
        _stamp(c, one, kind, 0.04 * (1 + c.rng.exponential(0.8)), 1.0)
        light += one * tint
    return light
