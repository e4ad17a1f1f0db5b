"""Maps of a body's surface: drawn once from a list of facts, then sampled at every pixel."""

import math

import numpy as np
import torch

from celestial.renderer.light.canvas import Canvas
from celestial.renderer.light.globe import Globe
from celestial.renderer.light.noise import fbm

# latitude, longitude east (degrees), half-height, half-width (degrees of arc), turn (degrees,
# counter-clockwise), strength
Feature = tuple[float, float, float, float, float, float]


def draw_map(features: list[Feature], height: int, wander: float, device: torch.device,
             sharpness: float = 1.5) -> torch.Tensor:
    """Draw blots at places on a sphere, with wandering edges.

    Args:
        features: where the blots lie, how large and how strong they are; strengths add up.
        height: rows of the map; it has twice as many columns.
        wander: how far edges stray, degrees; the same on every call.
        device: where the map lies.
        sharpness: of the edges; 1 a Gaussian bell, more: flat with steeper edges.

    Returns:
        float32 (height, 2 * height), north up, longitude -180..180.
    """
    fixed = Canvas(height, np.random.default_rng(1877), device)
    latitude = (0.5 - (torch.arange(height, device=device) + 0.5) / height) * math.pi
    longitude = ((torch.arange(2 * height, device=device) + 0.5) / height - 1) * math.pi
    latitude, longitude = torch.meshgrid(latitude, longitude, indexing="ij")
    points = torch.stack([latitude.cos() * longitude.cos(), latitude.cos() * longitude.sin(),
                          latitude.sin()])
    north = latitude.rad2deg() + wander * fbm(fixed, points, 1.8, 5, gain=0.5)
    east = longitude.rad2deg() + wander * fbm(fixed, points, 1.8, 5, gain=0.5)
    chart = torch.zeros_like(latitude)
    for lat, lon, tall, wide, turn, strength in features:
        up = north - lat
        right = ((east - lon + 180).remainder(360) - 180) * latitude.cos()
        cosine, sine = math.cos(math.radians(turn)), math.sin(math.radians(turn))
        square = (((right * cosine + up * sine) / wide) ** 2
                  + ((up * cosine - right * sine) / tall) ** 2)
        chart += strength * torch.exp(-square ** sharpness)
    return chart


def look_up(chart: torch.Tensor, globe: Globe, north: torch.Tensor | float = 0.0,
            east: torch.Tensor | float = 0.0) -> torch.Tensor:
    """Sample a map at each pixel of a globe.

    Args:
        chart: float32 (rows, columns), north up, longitude -180..180.
        globe: the body.
        north, east: added to where each pixel looks, radians.

    Returns:
        float32 (size, size).
    """
    columns = chart.shape[1]
    wrapped = torch.cat([chart[:, -1:], chart, chart[:, :1]], 1)
    turn = ((globe.longitude + east) / math.pi + 1).remainder(2) - 1
    x = turn * columns / (columns + 2)
    y = (globe.latitude + north) * (-2 / math.pi)
    grid = torch.stack([x, y], -1)[None]
    return torch.nn.functional.grid_sample(wrapped[None, None], grid, padding_mode="border",
                                           align_corners=False)[0, 0]
