"""What the Sun's activity makes: regions in two belts, prominences on the limb."""

from dataclasses import dataclass

import torch

from celestial.renderer.light.canvas import Canvas, smoothstep
from celestial.renderer.light.globe import Globe, beyond_limb, from_middle
from celestial.renderer.light.noise import fbm, in_plane, octave


@dataclass(frozen=True)
class Region:
    """An active region: latitude and longitude from the middle of the disc (degrees), size."""

    latitude: float
    longitude: float
    size: float


def regions(canvas: Canvas, most: int) -> list[Region]:
    """Choose active regions: two belts, 8 to 30 degrees from the equator (Spoerer's law)."""
    middle = canvas.uniform(9, 26)
    return [Region((1 if canvas.chance(0.5) else -1) * (middle + canvas.rng.normal(0, 4)),
                   canvas.uniform(-88, 88), canvas.log_uniform(0.03, 0.11))
            for _ in range(int(canvas.rng.integers(0, most + 1)))]


def prominences(canvas: Canvas, globe: Globe) -> torch.Tensor:
    """Return the rim of spicules and the flames beyond the limb, 0..1."""
    points = in_plane(*from_middle(canvas, globe.pose))
    along = octave(canvas, globe.normal, 2.2)
    height = canvas.uniform(0.02, 0.09) * smoothstep(0.9, 2.2, along) + 0.004
    away = beyond_limb(canvas, globe.pose)
    lace = smoothstep(-0.6, 0.8, fbm(canvas, points, 7.0, 3, gain=0.7, finest=globe.finest))
    return torch.exp(-(away / height) ** 2) * (0.35 + 0.65 * lace)
