"""Maps of airless bodies: regions made of circles with rough coasts, young craters with rays."""

import math
from collections.abc import Callable, Iterable

import numpy as np
import torch

from celestial.renderer.light.canvas import Canvas
from celestial.renderer.light.globe import Globe, direction
from celestial.renderer.light.noise import fbm

MAP = (512, 1024)  # texels of a map of a globe: latitudes, longitudes
LEVELS = 6  # copies of a map, each half as large as the one before

# latitude, longitude east, radius (degrees), strength 0..1
Circle = tuple[float, float, float, float]


def map_points() -> np.ndarray:
    """Return the unit vectors of the texels of a map of a globe, (3, *MAP); north is the top."""
    lat = (0.5 - (np.arange(MAP[0])[:, None] + 0.5) / MAP[0]) * math.pi
    lon = ((np.arange(MAP[1]) + 0.5) / MAP[1] * 2 - 1) * math.pi
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon),
                     np.sin(lat) + 0 * lon]).astype(np.float32)


def map_noise(rng: np.random.Generator, points: np.ndarray, frequency: float, octaves: int,
              gain: float = 0.5) -> np.ndarray:
    """Return `fbm` at points (3, h, w), float32 (h, w)."""
    return fbm(Canvas(16, rng), torch.as_tensor(points), frequency, octaves, gain).numpy()


def angle_to(points: np.ndarray, latitude: float, longitude: float) -> np.ndarray:
    """Return the angle from points (3, h, w) to a place (degrees in), degrees (h, w)."""
    place = direction(math.radians(latitude), math.radians(longitude))
    cosine = np.tensordot(place.astype(np.float32), points, 1)
    return np.degrees(np.arccos(cosine.clip(-1, 1)))


def cover(points: np.ndarray, circles: Iterable[Circle], coast: Callable[[float], np.ndarray],
          softness: Callable[[float], float]) -> np.ndarray:
    """Return how much circles cover each point (3, *MAP), 0 to 1.

    Args:
        points: from `map_points`.
        circles: they do not add up; the strongest counts.
        coast: radius -> how far the coast of such a circle strays inwards, degrees, (*MAP).
        softness: radius -> width of its edge, degrees.
    """
    covered = np.zeros(MAP)
    for latitude, longitude, radius, strength in circles:
        edge = angle_to(points, latitude, longitude) - radius - coast(radius)
        covered = np.maximum(covered, strength * (0.5 - edge / softness(radius)).clip(0, 1))
    return covered


def ray_system(points: np.ndarray, rng: np.random.Generator, latitude: float, longitude: float,
               radius: float, reach: float, azimuths: tuple[float, ...] = ()) -> np.ndarray:
    """Return the brightness of a young crater: its floor, halo and rays, 0 to about 1.

    Args:
        points: unit vectors, (3, h, w).
        rng: of the rays that are not given.
        latitude, longitude: degrees.
        radius: of the crater, degrees.
        reach: of the rays, degrees.
        azimuths: of known rays, degrees east of north.
    """
    up = direction(math.radians(latitude), math.radians(longitude))
    east = np.cross([0, 0, 1], up) / math.hypot(up[0], up[1])
    distance = angle_to(points, latitude, longitude)
    near = distance < 2.2 * reach
    distance = distance[near]
    flat = points[:, near].astype(float)
    azimuth = np.arctan2(east @ flat, np.cross(up, east) @ flat)
    light = np.exp(-(distance / (1.8 * radius)) ** 2) + 0.5 * np.exp(-distance / (0.25 * reach))
    rays = np.radians(azimuths) if azimuths else rng.uniform(0, 2 * math.pi, 9)
    for ray in rays:
        length = reach * rng.uniform(0.5, 1.3)
        offset = (azimuth - ray + math.pi) % (2 * math.pi) - math.pi
        width = radius * rng.uniform(0.25, 0.6) + 0.017 * distance
        wobble = 0.35 * width * np.sin(distance / (5 * radius) + rng.uniform(0, 7))
        beside = (distance * np.sin(offset.clip(-1.5, 1.5)) + wobble) / width
        light += 0.55 * np.exp(-beside ** 2) * np.exp(-(distance / length) ** 2) * (abs(offset) < 1)
    result = np.zeros(points.shape[1:])
    result[near] = light.clip(0, 1.2)
    return result


def prepare_map(channels: list[np.ndarray], device: torch.device) -> list[torch.Tensor]:
    """Return maps (*MAP) as tensors (1, channels, h, w + 2) of halving size, for `look_up`."""
    texture = torch.as_tensor(np.stack(channels).astype(np.float32), device=device)[None]
    levels = []
    for _ in range(LEVELS):
        levels.append(torch.cat([texture[..., -1:], texture, texture[..., :1]], -1))
        texture = torch.nn.functional.avg_pool2d(texture, 2)
    return levels


def look_up(levels: list[torch.Tensor], globe: Globe, shift: torch.Tensor | float = 0.0
            ) -> torch.Tensor:
    """Return what a map holds at each pixel, (channels, size, size).

    Args:
        levels: from `prepare_map`.
        globe: the body.
        shift: added to the coordinates (of the map's -1..1), to roughen edges.
    """
    texels = MAP[0] / math.pi / (2 * globe.finest)  # of the map, to a pixel in the disc's middle
    texture = levels[min(len(levels) - 1, max(0, round(math.log2(max(texels, 1)))))]
    wide = texture.shape[-1]
    place = torch.stack([globe.longitude / math.pi * (wide - 2) / wide + shift,
                         -globe.latitude * 2 / math.pi + shift], -1)
    return torch.nn.functional.grid_sample(texture, place[None], padding_mode="border",
                                           align_corners=False)[0]
