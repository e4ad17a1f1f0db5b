"""Outlines and shading of everyday things: a level is below 1 inside an outline, 1 at its edge."""

import math
from dataclasses import dataclass

import torch

from celestial.renderer.light.canvas import Canvas, rotated


@dataclass(frozen=True)
class Spot:
    """Where a thing stands: its middle, half its size and its turn (radians), image plane."""

    x: float
    y: float
    size: float
    turn: float = 0.0

    def local(self, canvas: Canvas) -> tuple[torch.Tensor, torch.Tensor]:
        """Return each pixel's place on the thing, u to its right and v up, 1 at its edge."""
        u, v = rotated(canvas.x - self.x, canvas.y - self.y, self.turn)
        return u / self.size, v / self.size

    def soft(self, canvas: Canvas) -> float:
        """Return the side of a pixel in units of the thing."""
        return canvas.pixel / self.size


def inside(level: torch.Tensor, soft: float) -> torch.Tensor:
    """Return the coverage 0..1 of what lies where level < 1, with an edge this soft."""
    return ((1 - level) / soft + 0.5).clamp(0, 1)


def box(u: torch.Tensor, v: torch.Tensor, width: float, height: float) -> torch.Tensor:
    """Return a level that is 1 at the edge of a rectangle of these half sides."""
    return torch.maximum(u.abs() / width, v.abs() / height)


def disc(u: torch.Tensor, v: torch.Tensor, x: float = 0.0, y: float = 0.0,
         radius: float = 1.0) -> torch.Tensor:
    """Return a level that is 1 at the edge of a disc."""
    return ((u - x) ** 2 + (v - y) ** 2).sqrt() / radius


def relief(canvas: Canvas, u: torch.Tensor, v: torch.Tensor, level: torch.Tensor,
           gloss: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Return (shade, highlight) of a bulging thing: Lambert's law and Phong's highlight."""
    z = (1 - level.clamp(0, 1) ** 2).clamp(min=0.02).sqrt()
    norm = (u ** 2 + v ** 2 + z ** 2).sqrt()
    angle, height = canvas.uniform(0, 2 * math.pi), canvas.uniform(0.4, 0.95)
    side = math.sqrt(1 - height ** 2)
    facing = (u * math.cos(angle) * side + v * math.sin(angle) * side + z * height) / norm
    ambient = canvas.uniform(0.15, 0.6)
    shade = ambient + (1 - ambient) * facing.clamp(min=0)
    return shade, gloss * facing.clamp(0, 1) ** canvas.log_uniform(15, 200)
