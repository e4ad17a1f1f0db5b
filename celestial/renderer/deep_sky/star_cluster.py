"""Star clusters: globular ones, hundreds of thousands of old stars, and young open ones."""

import math

import numpy as np
import torch

from celestial.renderer.deep_sky.deepsky import KINDS, deep_look, deep_photograph, star_field
from celestial.renderer.light.canvas import Canvas
from celestial.renderer.light.noise import fbm, plane_points
from celestial.renderer.light.stars import splat, star_colours

CLUSTERS = {"globular": 0.42, "core": 0.07, "open": 0.24, "rich": 0.12, "bright": 0.05,
            "sparse": 0.10}
LOOKS = {  # weights of the kinds of pictures: clusters are mostly seen on sky surveys' plates
    "core": {"hubble": 0.83, "amateur": 0.07, "plate": 0.04, "raw": 0.04, "webb": 0.02},
    "sparse": {"plate": 0.65, "amateur": 0.2, "texture": 0.1, "raw": 0.05}}
OTHER_LOOKS = {**KINDS, "plate": 0.33, "texture": 0.20}


def draw(canvas: Canvas) -> np.ndarray:
    """Draw a picture of a star cluster: uint8 (height, width, 3)."""
    kind = canvas.pick(CLUSTERS)
    look = deep_look(canvas, kinds=LOOKS.get(kind, OTHER_LOOKS))
    light = {"globular": _globular, "core": _core, "open": _open_cluster, "rich": _rich,
             "bright": _bright, "sparse": _sparse}[kind](canvas)
    if kind != "core":
        light = light + _background(canvas, kind)
    likely = {"open": 0.2, "rich": 0.2, "bright": 0.2, "sparse": 0.5}.get(kind, 0)
    if not look.spikes and canvas.chance(likely):
        look.spikes = canvas.log_uniform(5, 20) * canvas.scale
    return deep_photograph(canvas, light, look)


def _background(canvas: Canvas, kind: str) -> torch.Tensor:
    """Return the stars of the field: open clusters lie in the Milky Way, globulars anywhere."""
    c = canvas
    density = c.log_uniform(10, 300) if c.chance(0.75) else c.log_uniform(300, 2500)
    dim = c.log_uniform(0.15, 0.7) if kind != "globular" else c.log_uniform(0.2, 1.0)
    return dim * star_field(c, density, c.uniform(0.3, 1.5))


def _king_radii(canvas: Canvas, count: int, core: float, tidal: float) -> np.ndarray:
    """Return distances from the middle by King's profile (1962, AJ 67, 471), (count,).

    Density ~ (1 / sqrt(1 + (r/core)^2) - 1 / sqrt(1 + (tidal/core)^2))^2.
    """
    r = np.linspace(0, tidal, 2000)
    density = ((1 + (r / core) ** 2) ** -0.5 - (1 + (tidal / core) ** 2) ** -0.5) ** 2
    total = np.cumsum(density * r)
    return np.interp(canvas.rng.random(count), total / total[-1], r)


def _placed(canvas: Canvas, r: np.ndarray, flat: float) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y at distances r from about the middle, in random directions."""
    c = canvas
    angle, turn = c.rng.uniform(0, 2 * math.pi, len(r)), c.uniform(0, math.pi)
    u, v = r * np.cos(angle), r * np.sin(angle) * flat
    x, y = c.rng.normal(0, 0.06, 2)
    return x + u * math.cos(turn) - v * math.sin(turn), y + u * math.sin(turn) + v * math.cos(turn)


def _old_stars(canvas: Canvas, light: np.ndarray) -> np.ndarray:
    """Return the colours of stars of a globular cluster, linear (N, 3), by their brightness.

    The brightest are red giants (4000 to 5000 K), among them the blue horizontal branch (8000 to
    12000 K); fainter ones stand about the turn-off (6000 K).
    """
    c, count = canvas, len(light)
    giant = np.clip(np.log(light / np.median(light)) / 4, 0, 1)
    temperature = 6000 - 1700 * giant + c.rng.normal(0, 250, count)
    blue = c.rng.random(count) < c.uniform(0, 0.15)
    temperature = np.where(blue, c.rng.uniform(8000, 12000, count), temperature)
    return star_colours(temperature, c.log_uniform(0.3, 2.5))


def _globular(canvas: Canvas) -> torch.Tensor:
    """Return a globular cluster's light, (3, size, size)."""
    c = canvas
    tidal = c.log_uniform(0.65, 1.8)
    concentration = c.uniform(0.7, 2.2)  # log of tidal / core radius: Harris 1996, AJ 112, 1487
    count = int(c.log_uniform(1500, 14000))
    r = _king_radii(c, count, tidal / 10 ** concentration, tidal)
    # counts rise by 0.33 to 0.5 dex a magnitude towards the faint, by eye
    light = (1e-4 + c.rng.random(count)) ** -c.uniform(0.8, 1.2)
    light *= c.log_uniform(80, 2000) * tidal ** 2 / light.sum() * c.scale ** 2
    x, y = _placed(c, r, c.uniform(0.88, 1))
    # what is too faint to be told apart, on many plates all of the core
    level = c.log_uniform(0.2, 2) if c.chance(0.3) else c.log_uniform(0.004, 0.15)
    away = (c.x - x.mean()) ** 2 + (c.y - y.mean()) ** 2
    glow = level * (1 + away / c.log_uniform(0.05, 0.3) ** 2) ** -1.5
    return splat(c, x, y, _old_stars(c, light) * light[:, None]) + glow * c.colour(255, 235, 205)


def _core(canvas: Canvas) -> torch.Tensor:
    """Return the inside of a globular cluster, all stars, as Hubble shows it."""
    c = canvas
    count = int(c.log_uniform(1500, 9000))
    r = _king_radii(c, count, c.log_uniform(0.3, 1.2), 4.0)
    light = (3e-4 + c.rng.random(count)) ** -c.uniform(0.9, 1.3)
    light *= c.log_uniform(500, 2500) / light.sum() * c.scale ** 2
    x, y = _placed(c, r, 1.0)
    return splat(c, x, y, _old_stars(c, light) * light[:, None])


def _loose_radii(canvas: Canvas, count: int, core: float, tidal: float) -> np.ndarray:
    """Return King's distances, scattered: open clusters have no sharp edge, (count,)."""
    return _king_radii(canvas, count, core, tidal) * np.exp(canvas.rng.normal(0, 0.25, count))


def _young_stars(canvas: Canvas, count: int, brightest: float, slope: float) -> np.ndarray:
    """Return the light of stars of an open cluster, linear (N, 3), the brightest first.

    Hot stars of the main sequence, the brighter the bluer, and now and then orange giants.
    """
    c = canvas
    light = brightest * (1 + np.arange(count) * c.rng.uniform(0.7, 1.3, count)) ** (-1 / slope)
    hottest = c.log_uniform(9000, 25000)
    temperature = hottest * (light / brightest) ** 0.12 * np.exp(c.rng.normal(0, 0.12, count))
    giant = c.rng.random(count) < c.uniform(0, 0.12)
    temperature = np.where(giant, c.rng.uniform(3600, 5000, count), temperature)
    colours = star_colours(temperature, c.log_uniform(0.3, 2.5))
    return colours * light[:, None] * c.scale ** 2


def _open_cluster(canvas: Canvas) -> torch.Tensor:
    """Return an open cluster's light: tens of stars, sometimes two clusters side by side."""
    c, light = canvas, canvas.dark()
    double, small = c.chance(0.06), c.chance(0.12)
    for side in (-1, 1) if double else (0,):
        tidal = c.log_uniform(0.3, 0.6) if double or small else c.log_uniform(0.55, 2.0)
        count = int(c.log_uniform(15, 250))
        slope = c.uniform(0.8, 1.8)
        stars = _young_stars(c, count, c.log_uniform(0.3, 2) * count ** (1 / slope), slope)
        x, y = _placed(c, _loose_radii(c, count, tidal * c.uniform(0.15, 0.6), tidal),
                       c.uniform(0.5, 1))
        light = light + splat(c, x + 0.45 * side, y, stars)
    return light


def _rich(canvas: Canvas) -> torch.Tensor:
    """Return a rich open cluster such as M11 or M37."""
    c = canvas
    count, tidal = int(c.log_uniform(250, 1500)), c.log_uniform(0.6, 1.5)
    slope = c.uniform(1.0, 1.8)
    stars = _young_stars(c, count, c.log_uniform(0.1, 0.6) * count ** (1 / slope), slope)
    x, y = _placed(c, _loose_radii(c, count, tidal * c.uniform(0.1, 0.4), tidal), c.uniform(0.7, 1))
    light = splat(c, x, y, stars)
    if c.chance(0.08):  # the youngest still have a little of their gas
        gas = (0.8 * fbm(c, plane_points(c), 1.2, 4, 0.6, 0.5 / c.pixel)).exp()
        light = light + c.log_uniform(0.004, 0.02) * gas * c.colour(255, 110, 120)
    return light


def _bright(canvas: Canvas) -> torch.Tensor:
    """Return a few bright blue stars as the Pleiades, often with dust that reflects their light."""
    c = canvas
    count = int(c.log_uniform(8, 40))
    stars = _young_stars(c, count, c.log_uniform(60, 500), c.uniform(0.6, 1.0))
    x, y = _placed(c, _loose_radii(c, count, 0.4, 1.1), c.uniform(0.6, 1))
    light = splat(c, x, y, stars)
    if c.chance(0.4):
        wisps = (0.8 * fbm(c, plane_points(c), 1.5, 4, 0.6, 0.5 / c.pixel)).exp()
        for i in range(min(7, count)):
            near = ((c.x - x[i]) ** 2 + (c.y - y[i]) ** 2) / c.uniform(0.01, 0.05)
            light = light + 0.07 * wisps / (1 + near) ** 1.5 * (
                c.log_uniform(0.1, 1) * c.colour(90, 140, 255))
    return light


def _sparse(canvas: Canvas) -> torch.Tensor:
    """Return a few bright stars all over the frame, each with a halo as plates have it."""
    c = canvas
    count = int(c.log_uniform(6, 45))
    stars = _young_stars(c, count, c.log_uniform(40, 500), c.uniform(0.8, 2.0))
    x, y = _placed(c, _loose_radii(c, count, c.uniform(0.4, 1.2), c.uniform(0.9, 1.8)),
                   c.uniform(0.5, 1))
    halo, width = c.log_uniform(1e-4, 3e-3) / c.scale ** 2, c.uniform(0.05, 0.14)
    light = splat(c, x, y, stars)
    for i in range(min(12, count)):
        away = (c.x - x[i]) ** 2 + (c.y - y[i]) ** 2
        light = light + halo * c.planes(stars[i]) * torch.exp(-away / width ** 2)
    return light
