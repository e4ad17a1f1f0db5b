"""Airless rocky ground: the relief of craters of all sizes, its shading and its shadows."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

from celestial.renderer.light.canvas import Canvas, smoothstep
from celestial.renderer.light.globe import Globe, apply, unit
from celestial.renderer.light.noise import random_rotation

TILE = 1024  # texels along a side of the seamless square of craters
SMALLEST, LARGEST = 5.0, 170.0  # diameters of its craters, texels
FLAT_FLOORED = 40.0  # from this diameter on they have flat floors and central peaks
SMALLEST_LEVEL = 16  # texels along a side of the coarsest copy of the tile


@dataclass(frozen=True)
class Ground:
    """The relief of each pixel; float32 (size, size) or (3, size, size).

    Attributes:
        height: above the sphere, radii of the body.
        slope: gradient of the height, a vector in the body's axes.
        fresh: bright ejecta of young craters, 0 to about 1.
    """

    height: torch.Tensor
    slope: torch.Tensor
    fresh: torch.Tensor


def _profile(r: np.ndarray, diameter: float, depth: float) -> np.ndarray:
    """Return a crater's height at distances r from its middle, rim radii.

    Bowls up to a size and flat floors with central peaks beyond it; the rim is a fifth of the
    depth above the plain and the ejecta thin out as r^-3 (Pike 1977, Impact and Explosion
    Cratering, 489; McGetchin et al. 1973, EPSL 20, 226).
    """
    rim = 0.22 * depth
    outside = rim * (r.clip(1) ** -3 - 2.2 ** -3).clip(0)
    if diameter < FLAT_FLOORED:
        inside = (depth + rim) * (r ** 2 - 1) + rim
    else:
        wall = ((r - 0.62) / 0.38).clip(0, 1) ** 1.3
        inside = (depth * 0.6 + rim) * (wall - 1) + rim + 0.35 * depth * np.exp(-(r / 0.1) ** 2)
    return np.where(r < 1, inside, outside)


def _paint(height: np.ndarray, fresh: np.ndarray, rng: np.random.Generator, diameter: float):
    """Add a crater at a random place to the tile's heights (texels) and bright ejecta."""
    youth = rng.random()
    young = youth > 0.93
    reach = math.ceil(diameter * (1.6 if young else 1.1))
    row, column = rng.random(2) * TILE
    rows = np.arange(int(row) - reach, int(row) + reach + 1)
    columns = np.arange(int(column) - reach, int(column) + reach + 1)
    down, right = rows[:, None] - row, columns - column
    distance = np.sqrt(down ** 2 + right ** 2) * (2 / diameter)
    place = np.ix_(rows % TILE, columns % TILE)
    if diameter > 10:  # rims are not quite round
        angle = np.arctan2(down, right)
        distance = distance * (1 + 0.04 * np.sin(3 * angle + 9 * youth)
                               + 0.025 * np.sin(7 * angle + 50 * youth))
    before = height[place]
    erased = 0.85 * (1.15 - distance).clip(0, 0.15) / 0.15
    height[place] = (before + (before.mean() - before) * erased
                     + _profile(distance, diameter, 0.17 * diameter * (0.15 + 0.85 * youth)))
    fresh[place] *= 1 - 0.7 * erased
    if young:
        streaks = 0.65
        if diameter > 10:
            streaks = 0.5 + 0.25 * np.sin(5 * angle) + 0.25 * np.sin(11 * angle + youth * 99)
        fresh[place] += streaks * (1 - distance / 3.2).clip(0) ** 2


@lru_cache
def _tiles(device: torch.device) -> list[torch.Tensor]:
    """Return height, slopes along columns and rows, ejecta: (1, 4, n + 1, n + 1), n halving.

    Heights are in sides of the tile. Cumulative numbers go as diameter^-2, about the power law
    of saturated ground (Hartmann 1984, Icarus 60, 56, has -1.83).
    """
    rng = np.random.default_rng(1969)
    height, fresh = np.zeros((TILE, TILE)), np.zeros((TILE, TILE))
    proportion = rng.random(7500)
    for diameter in SMALLEST / np.sqrt(1 - proportion * (1 - (SMALLEST / LARGEST) ** 2)):
        _paint(height, fresh, rng, diameter)
    height = (height - height.mean()) / TILE
    levels, side = [], TILE
    while side >= SMALLEST_LEVEL:
        right = (np.roll(height, -1, 1) - np.roll(height, 1, 1)) * (side / 2)
        down = (np.roll(height, -1, 0) - np.roll(height, 1, 0)) * (side / 2)
        level = np.stack([height, right, down, fresh.clip(0, 1)])
        level = np.pad(level, ((0, 0), (0, 1), (0, 1)), mode="wrap").astype(np.float32)
        levels.append(torch.as_tensor(level, device=device)[None])
        side //= 2
        height = height.reshape(side, 2, side, 2).mean((1, 3))
        fresh = fresh.reshape(side, 2, side, 2).mean((1, 3))
    return levels


def cratered(canvas: Canvas, globe: Globe, side: float) -> Ground:
    """Cover a globe with craters: the tile on the six sides of a randomly turned cube.

    Args:
        canvas: gives the randomness and the device.
        globe: the body.
        side: of the tile, radians; the largest craters are a sixth of it, the smallest 1/200.
    """
    turn = canvas.tensor(random_rotation(canvas.rng))
    point = apply(turn, globe.point)
    texels = 2 * globe.finest * side  # pixels along a side of the tile
    level = min(6, max(0, round(math.log2(TILE / texels))))
    tile = _tiles(canvas.device)[level]
    weights = point.abs() ** 12
    weights = weights / weights.sum(0)
    height = torch.zeros_like(globe.mu)
    fresh = torch.zeros_like(globe.mu)
    slope = torch.zeros_like(point)
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        front = point[i].abs().clamp(min=1e-3)
        # angles from the face's middle, so that craters near its edges are not stretched
        place = torch.stack([torch.atan(point[j] / front), torch.atan(point[k] / front)], -1)
        place = place / side + 0.37 * point[i].sign()[..., None] + canvas.tensor(
            canvas.rng.random(2))
        sampled = torch.nn.functional.grid_sample(tile, (place.remainder(1.0) * 2 - 1)[None],
                                                  align_corners=True)[0] * weights[i]
        height += sampled[0] * side
        slope[j] += sampled[1]
        slope[k] += sampled[2]
        fresh += sampled[3]
    return Ground(height, apply(turn.T, slope), fresh)


def rugged(canvas: Canvas, globe: Globe, side: float, strength: torch.Tensor) -> Ground:
    """Cover a globe with craters of all sizes that the pixels show; see `cratered`.

    Args:
        canvas: gives the randomness and the device.
        globe: the body.
        side: of the coarsest tile, radians.
        strength: of the relief, (size, size), 1 saturated highlands.
    """
    first = cratered(canvas, globe, side)
    height, slope, fresh = first.height * 0.6, first.slope * 0.6, first.fresh
    while globe.finest * side > 400:  # large craters are shallower (Pike 1977) than small ones
        side /= 9
        finer = cratered(canvas, globe, side)
        height = height + finer.height * 0.8
        slope = slope + finer.slope * 0.8
        fresh = fresh + 0.6 * finer.fresh
    return Ground(height * strength, slope * strength, fresh)


def moonlight(canvas: Canvas, globe: Globe, ground: Ground) -> torch.Tensor:
    """Return the light of dark, rough ground as a proportion of that at full phase, (size, size).

    Lommel-Seeliger's law with the normals of the relief. The phase function, an opposition surge
    of more than 40 % from 4 degrees to 0 (Buratti et al. 1996, Icarus 124, 490), is left to the
    exposure, since a picture shows one phase.
    """
    slope = apply(canvas.tensor(globe.pose.axes).T, ground.slope)
    slope = slope * smoothstep(0.0, 0.3, globe.mu)  # at the limb, slopes turned away are hidden
    along = (slope * globe.normal).sum(0)
    normal = unit(globe.normal - (slope - along * globe.normal))
    sun = canvas.planes(globe.pose.sun)
    mu0 = (normal * sun).sum(0).clamp(min=0) * smoothstep(-0.06, 0.03, globe.mu0)
    mu = torch.maximum(normal[2], 0.5 * globe.mu)
    return 2 * mu0 / (mu0 + mu).clamp(min=0.02) * shadows(canvas, globe, ground.height)


def shadows(canvas: Canvas, globe: Globe, height: torch.Tensor) -> torch.Tensor:
    """Return 0 where the relief hides the sun, else 1, (size, size).

    Marches from each pixel towards the sun over the depths of the pixels on the way.
    """
    sun = globe.pose.sun
    side = math.hypot(sun[0], sun[1])
    if side < 0.3 or globe.finest < 12:
        return torch.ones_like(globe.mu)
    depth = globe.depth + height * globe.normal[2]
    step = canvas.pixel / globe.pose.radius
    here = torch.stack([canvas.x, -canvas.y], -1)
    way = canvas.tensor([sun[0] / side, -sun[1] / side]) * canvas.pixel
    room = torch.full_like(depth, 9.0)
    pixels, farthest = 1.0, canvas.size * min(0.3, 0.05 * (1 + globe.pose.radius))
    while pixels < farthest:
        met = torch.nn.functional.grid_sample(depth[None, None], (here + way * pixels)[None],
                                              padding_mode="border", align_corners=False)[0, 0]
        room = torch.minimum(room, depth + pixels * step * (sun[2] / side) - met)
        pixels *= 1.45
    lit = smoothstep(-0.8 * step, 0.1 * step, room)
    return torch.where(globe.mu > 0.12, lit, 1.0)
