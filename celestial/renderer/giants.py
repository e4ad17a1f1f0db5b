"""What the giant planets share: bands by latitude, faint rings, moons as dots, lost lines."""

import math

import numpy as np
import torch

from celestial.renderer.camera import Look
from celestial.renderer.canvas import Canvas
from celestial.renderer.globe import Globe, Pose
from celestial.renderer.rings import Profile, RingPlane
from celestial.renderer.stars import splat


def by_latitude(values: torch.Tensor, latitude: torch.Tensor) -> torch.Tensor:
    """Look up a table whose columns run from the south pole to the north pole.

    Args:
        values: float (channels, N).
        latitude: radians, (height, width).

    Returns:
        float (channels, height, width), linear between the columns.
    """
    last = values.shape[1] - 1
    place = (latitude / math.pi + 0.5).clamp(0, 1) * last
    cell = place.long().clamp(max=last - 1)
    flat = cell.flatten()
    low = values.index_select(1, flat).reshape(-1, *cell.shape)
    high = values.index_select(1, flat + 1).reshape(-1, *cell.shape)
    return low + (high - low) * (place - cell)


def band_noise(canvas: Canvas, bands: float, octaves: int = 3, cells: int = 721) -> np.ndarray:
    """Return random bands, (cells,), pole to pole: about this many light and dark ones."""
    latitude, total = np.linspace(0, 1, cells), np.zeros(cells)
    for number in range(octaves):
        knots = int(bands * 2 ** number) + 2
        values = canvas.rng.standard_normal(knots)
        # Cosine steps between the knots: no kinks, which would look like sharp lines.
        place = latitude * (knots - 1)
        left = np.minimum(place.astype(int), knots - 2)
        part = 0.5 - 0.5 * np.cos(np.pi * (place - left))
        total += (values[left] * (1 - part) + values[left + 1] * part) / 2 ** number
    return total


def faint_rings(canvas: Canvas, plane: RingPlane, rings: tuple[tuple[float, float, float], ...],
                equator: float, finest: float) -> torch.Tensor:
    """Return the light of rings too thin to hide anything, (1, size, size).

    Args:
        canvas: gives the device.
        plane: where the pixels meet the equatorial plane.
        rings: of each, middle and width in km, and light.
        equator: equatorial radius, km.
        finest: least width, km, to which narrower rings are broadened at the same light, as by
            exposures long enough to show them at all.
    """
    outer = max(middle + width for middle, width, _ in rings) / equator * 1.02
    cells = 8192
    place = (np.arange(cells) + 0.5) / cells * outer * equator
    table = np.zeros(cells)
    for middle, width, light in rings:
        wide = max(width, finest, outer * equator / cells)
        table[abs(place - middle) < wide / 2] += light
    glow = Profile(outer, canvas.tensor(table)[None]).mean(plane.radius, plane.softness)
    return glow * plane.in_front * plane.sunlit


def moons(canvas: Canvas, pose: Pose, count: int, brightest: float,
          flatness: float = 1.0) -> torch.Tensor:
    """Return moons as dots on circular orbits over the equator, (3, size, size).

    Args:
        canvas: the picture.
        pose: of the planet.
        count: how many.
        brightest: light of the brightest, white pixels of a picture 128 wide.
        flatness: 1: in the plane of the equator.
    """
    rng, axes = canvas.rng, pose.axes
    away, angle = rng.uniform(2.2, 7, count), rng.uniform(0, 2 * math.pi, count)
    place = away[:, None] * (np.cos(angle)[:, None] * axes[0] + np.sin(angle)[:, None] * axes[1])
    x, y = pose.centre[0] + pose.radius * place[:, 0], pose.centre[1] + pose.radius * place[:, 1]
    seen = (place[:, 2] > 0) | (np.hypot(place[:, 0], place[:, 1]) > 1)
    light = brightest * rng.uniform(0.05, 1, count) ** 2 * (canvas.size / 128) ** 2 * seen
    return splat(canvas, x, y + rng.normal(0, 1 - flatness, count), light[:, None] * np.ones(3))


def streak(globe: Globe, latitude: float, longitude: float, length: float,
           width: float) -> torch.Tensor:
    """Return a soft spot drawn out along its parallel, 0..1 (size, size); all in degrees."""
    north = (globe.latitude - math.radians(latitude)) / math.radians(width)
    east = (globe.longitude - math.radians(longitude)).remainder(2 * math.pi)
    east = torch.minimum(east, 2 * math.pi - east) / math.radians(length)
    return torch.exp(-north * north - east * east)


def keep_readable(look: Look, radius: float) -> Look:
    """Keep blur and noise below what hides the planet; returns the same look.

    Args:
        look: is changed.
        radius: of the planet, pixels.
    """
    look.fwhm = min(look.fwhm, 0.35 * radius)
    look.shrink = min(look.shrink, max(1.0, radius / 5))
    look.read_noise = min(look.read_noise, 0.1 * look.exposure)
    if look.exposure < 0.4:
        look.exposure, look.read_noise = max(look.exposure, 0.2), min(look.read_noise, 0.005)
        look.gamma = 2.2
    return look
