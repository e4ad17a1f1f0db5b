"""Night skies above a landscape: auroras, star trails, the Milky Way."""

import math

import numpy as np
import torch

from celestial.renderer.light.camera import photograph
from celestial.renderer.light.canvas import Canvas, mix, rotated, smoothstep
from celestial.renderer.light.look import random_look
from celestial.renderer.light.noise import fbm, in_plane, plane_points
from celestial.renderer.light.stars import field_stars, splat, star_colours


def draw(canvas: Canvas) -> np.ndarray:
    """Draw a picture of a night sky: uint8 (height, width, 3)."""
    kind = canvas.pick({"aurora": 40, "trails": 25, "milky_way": 35})
    light = {"aurora": _aurora, "trails": _trails, "milky_way": _milky_way}[kind](canvas)
    if kind == "milky_way" or canvas.chance(0.85):  # a band alone is a galaxy seen edge-on
        light = _land(canvas, light)
    look = random_look(canvas, mono=0.03)
    look.exposure = canvas.log_uniform(0.7, 1.6)
    look.fwhm = min(look.fwhm, 1.6 * canvas.scale)
    return photograph(canvas, light, look)


def _dusk(canvas: Canvas) -> torch.Tensor:
    """Return the sky's own light, brighter and often warmer towards the horizon."""
    high = canvas.colour(*canvas.rng.choice([(8, 14, 36), (20, 24, 40), (4, 6, 12), (30, 40, 75)]))
    low = canvas.colour(*canvas.rng.choice([(90, 75, 60), (50, 60, 90), (30, 60, 60),
                                            (120, 80, 60), (20, 25, 45)]))
    return mix(low, high, smoothstep(-0.9, canvas.uniform(-0.2, 0.9), canvas.y))


def _land(canvas: Canvas, light: torch.Tensor) -> torch.Tensor:
    """Put a horizon before the sky: hills, trees, sometimes water that mirrors the sky."""
    horizon = canvas.uniform(-0.85, -0.35)
    if canvas.chance(0.25):
        row = min(canvas.size - 2, round((1 - horizon) / canvas.pixel))
        below = torch.arange(canvas.size, device=canvas.device)
        mirrored = light[:, (2 * row - below).clamp(0, canvas.size - 1)]
        light = torch.where(below[:, None] > row, 0.45 * mirrored, light)
    line = in_plane(canvas.x[:1], torch.zeros_like(canvas.x[:1]))
    hills = 0.12 * fbm(canvas, line, canvas.uniform(0.4, 1.2), 5, 0.5)
    trees = 0.03 * fbm(canvas, line, 10, 3, 0.8).abs() * float(canvas.chance(0.6))
    ground = smoothstep(canvas.pixel, -canvas.pixel, canvas.y - horizon - hills - trees)
    ground = ground * smoothstep(-1.0, horizon, canvas.y) ** 0.2 if canvas.chance(0.2) else ground
    dark = canvas.colour(*canvas.rng.choice([(6, 7, 9), (18, 22, 20), (70, 75, 90), (40, 32, 26)]))
    rough = 1 + 0.3 * fbm(canvas, plane_points(canvas), 5, 3, 0.7, 0.5 / canvas.pixel)
    return mix(light, dark * rough.clamp(min=0.1), ground)


def _aurora(canvas: Canvas) -> torch.Tensor:
    """Return curtains of light: sharp below, drawn out upwards in rays, green, red on top."""
    light = _dusk(canvas) + field_stars(canvas, int(canvas.log_uniform(30, 500)),
                                        canvas.log_uniform(0.5, 8))
    green = canvas.colour(*canvas.rng.choice([(70, 255, 130), (120, 255, 100), (60, 230, 180)]))
    top = canvas.colour(*canvas.rng.choice([(220, 60, 140), (150, 60, 220), (60, 200, 140)]))
    for _ in range(int(canvas.rng.integers(1, 5))):
        x, y = rotated(canvas.x, canvas.y, canvas.rng.normal(0, 0.35))
        line = in_plane(x, 0.25 * y)
        edge = canvas.uniform(-0.5, 0.5) + 0.3 * fbm(canvas, line, canvas.uniform(0.4, 1), 3, 0.5)
        rays = 1 + 0.5 * fbm(canvas, in_plane(x, 0.08 * y), canvas.uniform(3, 7), 3, 0.7)
        above, reach = y - edge, canvas.uniform(0.15, 0.6)
        curtain = smoothstep(-0.06, 0.04, above) * torch.exp(-above.clamp(min=0) / reach)
        colour = mix(green, top, smoothstep(0.2, 1.6, above / reach) * canvas.uniform(0, 1))
        light = light + colour * curtain * rays.clamp(min=0) * canvas.log_uniform(0.15, 0.9)
    return light


def _trails(canvas: Canvas) -> torch.Tensor:
    """Return the arcs that stars draw around the pole in a long exposure."""
    rng, count, parts = canvas.rng, int(canvas.log_uniform(60, 400)), 90
    pole, turn = rng.uniform(-0.9, 0.9, 2), canvas.uniform(0.2, 1.6)
    radius, start = rng.uniform(0.02, 2.5, count), rng.uniform(0, 2 * math.pi, count)
    angle = start + np.linspace(0, turn, parts)[:, None]
    light = canvas.log_uniform(3, 40) / (1 + rng.random(count) * count)
    light = (light * radius / canvas.pixel * turn / parts / 8)[:, None]
    colours = star_colours(np.exp(rng.normal(np.log(5500), 0.35, count)).clip(2600, 29000), 1.3)
    trails = splat(canvas, (pole[0] + radius * np.cos(angle)).ravel(),
                   (pole[1] + radius * np.sin(angle)).ravel(),
                   np.tile(light * colours, (parts, 1)))
    return _dusk(canvas) + trails


def _milky_way(canvas: Canvas) -> torch.Tensor:
    """Return the band of the Milky Way, cut by clouds of dust, rising from the horizon."""
    angle = canvas.uniform(0.25, math.pi - 0.25)
    along, across = rotated(canvas.x, canvas.y - canvas.uniform(-0.3, 0.3), angle)
    across = across + canvas.uniform(-0.3, 0.3) * along ** 2
    points = plane_points(canvas)
    clouds = fbm(canvas, points, 1.5, 6, 0.6, 0.5 / canvas.pixel)
    width = canvas.uniform(0.18, 0.4) * (1 - 0.25 * along)
    band = torch.exp(-(across / width) ** 2) * (1 + 0.35 * clouds).clamp(min=0)
    rift = smoothstep(1.0, 0.2, across.abs() / (0.4 * width) - 0.8 * fbm(
        canvas, points, 2.5, 5, 0.65, 0.5 / canvas.pixel))
    glow = mix(canvas.colour(150, 150, 175), canvas.colour(215, 180, 140), canvas.uniform(0, 1))
    light = _dusk(canvas) + glow * band * (1 - canvas.uniform(0.5, 0.9) * rift) * canvas.uniform(
        0.3, 1.1)
    stars = field_stars(canvas, int(canvas.log_uniform(400, 3000)), canvas.log_uniform(1, 8))
    return light + stars * (0.5 + 0.8 * band)
