"""Light that is no body: lens flares on black, the ring of an annular eclipse, meteors' trails."""

import math

import numpy as np
import torch

from celestial.renderer.light.camera import photograph
from celestial.renderer.light.canvas import Canvas, smoothstep
from celestial.renderer.light.look import random_look
from celestial.renderer.light.stars import field_stars, space


def draw(canvas: Canvas) -> np.ndarray:
    """Draw a picture of light alone: uint8 (height, width, 3)."""
    kind = canvas.pick({"flare": 55, "ring": 20, "meteor": 25})
    light = {"flare": _flare, "ring": _ring, "meteor": _meteor}[kind](canvas)
    return photograph(canvas, light, random_look(canvas, mono=0.05))


def _flare(canvas: Canvas) -> torch.Tensor:
    """Return a bright light in the frame with its rays and the ghosts that lenses add."""
    x, y = canvas.uniform(-0.9, 0.9), canvas.uniform(-0.9, 0.9)
    away_x, away_y = canvas.x - x, canvas.y - y
    distance = (away_x ** 2 + away_y ** 2).sqrt()
    angle = torch.atan2(away_y, away_x)
    warm = canvas.colour(*canvas.rng.choice([(255, 245, 225), (255, 220, 160), (190, 215, 255)]))
    rays = torch.cos(angle * int(canvas.rng.integers(2, 9)) + canvas.uniform(0, 6)).abs() ** 40
    core = canvas.log_uniform(0.02, 0.15)
    light = warm * (torch.exp(-(distance / core) ** 2) * 4 + 0.5 * core / (distance + core)
                    + rays * torch.exp(-distance / canvas.uniform(0.1, 0.8)))
    if canvas.chance(0.5):  # an anamorphic lens' streak
        streak = torch.exp(-(away_y / 0.02) ** 2 - away_x.abs() / canvas.uniform(0.3, 1.5))
        light = light + canvas.colour(80, 130, 255) * streak
    for _ in range(int(canvas.rng.integers(2, 9))):
        place, radius = canvas.uniform(-1.6, 0.8), canvas.log_uniform(0.03, 0.35)
        ghost = ((canvas.x - place * x) ** 2 + (canvas.y - place * y) ** 2).sqrt()
        tone = canvas.tensor(canvas.rng.dirichlet((0.8, 0.8, 0.8)))[:, None, None]
        inside = smoothstep(radius, radius * 0.92, ghost) * (0.4 + 0.6 * (ghost / radius) ** 2)
        light = light + tone * inside * canvas.log_uniform(0.02, 0.25)
    return light + space(canvas)


def _ring(canvas: Canvas) -> torch.Tensor:
    """Return an annular eclipse: a thin ring of the sun, whole or broken."""
    centre, radius = canvas.rng.normal(0, 0.12, 2), canvas.uniform(0.25, 0.8)
    sun = ((canvas.x - centre[0]) ** 2 + (canvas.y - centre[1]) ** 2).sqrt()
    moon_radius = radius * canvas.uniform(0.93, 0.98)
    offset = (radius - moon_radius) * canvas.uniform(0, 1.3)
    angle = canvas.uniform(0, 2 * math.pi)
    moon = ((canvas.x - centre[0] - offset * math.cos(angle)) ** 2
            + (canvas.y - centre[1] - offset * math.sin(angle)) ** 2).sqrt()
    lit = (smoothstep(radius + canvas.pixel, radius - canvas.pixel, sun)
           * smoothstep(moon_radius - canvas.pixel, moon_radius + canvas.pixel, moon))
    tones = [(255, 150, 40), (255, 225, 180), (255, 90, 40), (255, 255, 250)]
    tone = canvas.colour(*tones[canvas.rng.integers(4)])
    glow = torch.exp(-(sun - radius).abs() / 0.1) * canvas.uniform(0, 0.1)
    return tone * (lit * 1.5 + glow) + canvas.colour(70, 60, 80) * canvas.uniform(0, 0.3) ** 2


def _meteor(canvas: Canvas) -> torch.Tensor:
    """Return a meteor, or a shower of them, among stars."""
    level = canvas.colour(45, 50, 85) * canvas.uniform(0, 1)
    light = field_stars(canvas, int(canvas.log_uniform(40, 500)), canvas.log_uniform(1, 15))
    from_x, from_y = canvas.rng.normal(0, 1, 2)
    for _ in range(1 if canvas.chance(0.6) else int(canvas.rng.integers(3, 14))):
        x, y = canvas.uniform(-0.45, 0.45), canvas.uniform(-0.45, 0.45)
        angle = math.atan2(y - from_y, x - from_x)
        along = (canvas.x - x) * math.cos(angle) + (canvas.y - y) * math.sin(angle)
        across = (canvas.y - y) * math.cos(angle) - (canvas.x - x) * math.sin(angle)
        length = canvas.uniform(0.3, 1.0)
        shape = (smoothstep(-length / 2, length / 3, along)
                 * smoothstep(length / 2, length / 2.5, along))
        width = canvas.uniform(0.6, 1.3) * 0.016
        tone = canvas.colour(*canvas.rng.choice([(190, 255, 210), (255, 250, 240)]))
        light = light + tone * shape * torch.exp(-(across / width) ** 2) * canvas.uniform(0.8, 3)
    return light + level
