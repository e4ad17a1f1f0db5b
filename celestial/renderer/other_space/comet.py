"""Comets: a bright head, a blue tail of ions, a yellowish fan of dust, trailed or sharp stars."""

import math

import numpy as np
import torch

from celestial.renderer.light.camera import photograph
from celestial.renderer.light.canvas import Canvas, mix, rotated, smoothstep
from celestial.renderer.light.look import random_look
from celestial.renderer.light.noise import fbm, in_plane
from celestial.renderer.light.stars import field_stars, splat


def draw(canvas: Canvas) -> np.ndarray:
    """Draw a picture of a comet: uint8 (height, width, 3)."""
    look = random_look(canvas, mono=0.12)
    look.exposure = canvas.log_uniform(0.7, 1.8)
    look.fwhm = min(look.fwhm, 1.6 * canvas.scale)
    light = _stars(canvas) + _sky(canvas) + _comet(canvas)
    return photograph(canvas, light, look)


def _stars(canvas: Canvas) -> torch.Tensor:
    """Return the stars, drawn out into trails where the camera followed the comet."""
    count, brightest = int(canvas.log_uniform(20, 900)), canvas.log_uniform(1, 30)
    if canvas.chance(0.75):
        return field_stars(canvas, count, brightest)
    rng, parts = canvas.rng, 12
    length, angle = canvas.uniform(0.02, 0.12), canvas.uniform(0, math.pi)
    light = brightest / (1 + rng.random(count) * count) / parts
    x, y = rng.uniform(-1, 1, (2, count))
    along = np.linspace(0, length, parts)[:, None]
    return splat(canvas, (x + along * math.cos(angle)).ravel(),
                 (y + along * math.sin(angle)).ravel(),
                 np.tile(light[:, None] * [1.0, 0.97, 0.93], (parts, 1)))


def _sky(canvas: Canvas) -> torch.Tensor:
    """Return the sky: black, or grey, blue or purple of twilight and long exposures."""
    if canvas.chance(0.35):
        return canvas.dark()
    tones = [(20, 30, 60), (40, 40, 42), (30, 22, 50), (15, 40, 50), (60, 50, 45), (70, 55, 90)]
    tone = canvas.colour(*tones[canvas.rng.integers(len(tones))])
    slope = 1 + canvas.uniform(-0.6, 0.6) * canvas.y + canvas.uniform(-0.3, 0.3) * canvas.x
    return tone * slope * canvas.uniform(0.3, 1.4)


def _comet(canvas: Canvas) -> torch.Tensor:
    """Return coma and tails, linear (3, size, size)."""
    away = canvas.uniform(0, 2 * math.pi)  # direction of the tails
    back = canvas.uniform(0.1, 0.85)
    head = (-back * math.cos(away) + canvas.rng.normal(0, 0.12),
            -back * math.sin(away) + canvas.rng.normal(0, 0.12))
    x, y = canvas.x - head[0], canvas.y - head[1]
    distance = (x ** 2 + y ** 2).sqrt()
    scale = canvas.log_uniform(0.012, 0.07)
    coma = scale / (distance + scale * 0.15) * torch.exp(-distance / (scale * 6))
    tones = [(120, 235, 170), (200, 225, 255), (255, 240, 215), (110, 220, 220)]
    colour = canvas.colour(*tones[canvas.rng.integers(4)])
    light = colour * coma * canvas.log_uniform(0.3, 2)
    light = light + torch.exp(-(distance / (scale * 0.5)) ** 2) * canvas.uniform(0.5, 3)
    has = canvas.pick({"both": 45, "dust": 27, "ion": 20, "none": 8})
    along, across = rotated(x, y, away)
    if has in ("both", "dust"):
        light = light + _dust(canvas, along, across, scale)
    if has in ("both", "ion"):
        lean = canvas.rng.normal(0, 0.12) + (0.3 * canvas.rng.choice([-1, 1]) if has == "both"
                                             else 0)
        light = light + _ions(canvas, *rotated(x, y, away + lean), scale)
    return light


def _dust(canvas: Canvas, along: torch.Tensor, across: torch.Tensor,
          scale: float) -> torch.Tensor:
    """Return the tail of dust: a fan that bends away from the comet's way."""
    behind = along.clamp(min=0)
    bent = across - canvas.rng.normal(0, 0.18) * behind ** 1.7
    width = scale * 0.7 + behind * canvas.log_uniform(0.08, 0.45)
    side = bent / width
    skew = canvas.uniform(-0.7, 0.7)  # one edge is sharp, the other is lost in the sky
    profile = torch.exp(-(side / (1 + skew * side.sign())) ** 2)
    start = smoothstep(-1.2 * scale, scale, along)
    fade = torch.exp(-behind / canvas.uniform(0.3, 2.0)) / (1 + behind / (4 * scale)) ** 0.5
    fan = torch.atan2(bent, behind + scale)
    bands = 1 + canvas.uniform(0, 0.2) * torch.sin(canvas.uniform(15, 60) * fan)
    tones = [(255, 235, 200), (240, 225, 215), (220, 225, 245), (255, 215, 165)]
    tone = canvas.colour(*tones[canvas.rng.integers(4)])
    return tone * profile * start * fade * bands * canvas.log_uniform(0.1, 0.9)


def _ions(canvas: Canvas, along: torch.Tensor, across: torch.Tensor,
          scale: float) -> torch.Tensor:
    """Return the tail of ions: narrow, blue, made of rays that the solar wind twists."""
    behind = along.clamp(min=0)
    kinks = fbm(canvas, in_plane(along, torch.zeros_like(along)), canvas.uniform(0.4, 1.5), 3, 0.4)
    across = across + canvas.uniform(0, 0.045) * kinks * behind
    total, reach = torch.zeros_like(along), canvas.uniform(0.5, 3)
    for _ in range(int(canvas.rng.integers(1, 7))):
        ray = across - canvas.rng.normal(0, 0.06) * behind
        width = scale * canvas.uniform(0.15, 0.5) + behind * canvas.uniform(0.01, 0.05)
        total = total + torch.exp(-(ray / width) ** 2) * canvas.uniform(0.2, 1)
    start = smoothstep(-0.5 * scale, scale, along)
    tone = mix(canvas.colour(90, 150, 255), canvas.colour(130, 190, 240), canvas.uniform(0, 1))
    return tone * total * start * torch.exp(-behind / reach) * canvas.log_uniform(0.05, 0.5)
