"""Dust between the stars: what it dims, and the shapes in which it stands before glowing gas."""

import math

import torch

from celestial.renderer.deep_sky.nebula_gas import filaments, gas, polar, warp
from celestial.renderer.light.canvas import Canvas, rotated, smoothstep
from celestial.renderer.light.noise import fbm, gaussian_field

REDDENING = (0.751, 1.0, 1.337)  # extinction in R, V, B of V's (Cardelli et al. 1989, ApJ 345, 245)


def veil(canvas: Canvas, light: torch.Tensor, depth: torch.Tensor) -> torch.Tensor:
    """Dim and redden light (3, size, size) behind dust of a visual optical depth (size, size)."""
    return light * torch.exp(-depth * canvas.planes(REDDENING))


def dust_walls(canvas: Canvas, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return dust before an H II region round x = y = 0, 0..1: lanes, clumps or pillars."""
    r = (x * x + y * y).sqrt()
    form = canvas.pick({"lanes": 2, "clumps": 2.5, "pillars": 1.5, "wall": 2, "fingers": 2})
    if form == "lanes":
        lane = filaments(canvas, canvas.uniform(0.1, 0.25), 3.3, 1.0, 0.15)
        return smoothstep(0.25, 0.9, lane * (0.5 + gas(canvas, 0.5)))
    field = gaussian_field(canvas, canvas.uniform(2.9, 3.4))
    if form == "clumps":
        return smoothstep(0.5, 1.5, field + canvas.uniform(-0.4, 0.4))
    if form == "fingers":
        return _fingers(canvas, x, y, field)
    if form == "pillars":
        rays = fbm(canvas, polar(x, y, canvas.uniform(0.5, 1.2), 0.6), 1.0, 3)
        rays = rays * smoothstep(0.1, 0.5, r)
        return smoothstep(0.0, 0.3, r - canvas.uniform(0.6, 1.1) + 0.25 * rays + 0.15 * field)
    turn = canvas.uniform(0, 2 * math.pi)
    side = x * math.cos(turn) + y * math.sin(turn) - canvas.uniform(0.2, 0.7)
    return smoothstep(-0.1, 0.25, side + 0.22 * warp(canvas, field, 0.1))


def _fingers(canvas: Canvas, x: torch.Tensor, y: torch.Tensor, field: torch.Tensor
            ) -> torch.Tensor:
    """Return pillars that stand in from the frame towards a star at x = y = 0, 0..1.

    Args:
        canvas: the picture.
        x, y: from the star, (size, size).
        field: what makes their sides rough, (size, size), standard deviation 1.
    """
    dust = torch.zeros_like(x)
    side = canvas.uniform(0, 2 * math.pi)
    for _ in range(int(canvas.rng.integers(1, 5))):
        angle = side + canvas.rng.normal(0, 0.35)
        along, across = rotated(x, y, angle)
        along = along - canvas.uniform(0.05, 0.4)
        across = across - canvas.rng.normal(0, 0.1)
        bend = canvas.uniform(-0.15, 0.15) * along * along
        width = canvas.uniform(0.05, 0.14) * (1 + along.clamp(min=0)) + 0.03 * field
        body = smoothstep(-0.02, 0.04, width - (across - bend).abs() + 0.02 * field)
        dust = torch.maximum(dust, body * smoothstep(-0.06, 0.04, along + 0.05 * field))
    return dust
