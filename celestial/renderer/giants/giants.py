"""What the giant planets share: faint rings, moons as dots, clouds drawn out, readable looks."""

import math

import numpy as np
import torch

from celestial.renderer.light.canvas import Canvas
from celestial.renderer.light.globe import Globe, Pose, minnaert
from celestial.renderer.light.look import Look, random_look
from celestial.renderer.light.rings import Profile, RingPlane
from celestial.renderer.light.stars import space, splat


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
        flatness: 1 less how far they scatter up and down, image-plane units.
    """
    rng, axes = canvas.rng, pose.axes
    away, angle = rng.uniform(2.2, 7, count), rng.uniform(0, 2 * math.pi, count)
    place = away[:, None] * (np.cos(angle)[:, None] * axes[0] + np.sin(angle)[:, None] * axes[1])
    x, y = pose.centre[0] + pose.radius * place[:, 0], pose.centre[1] + pose.radius * place[:, 1]
    seen = (place[:, 2] > 0) | (np.hypot(place[:, 0], place[:, 1]) > 1)
    light = brightest * rng.uniform(0.05, 1, count) ** 2 * canvas.scale ** 2 * seen
    return splat(canvas, x, y + rng.normal(0, 1 - flatness, count), light[:, None] * np.ones(3))


def streak(globe: Globe, latitude: float, longitude: float, length: float,
           width: float) -> torch.Tensor:
    """Return a soft spot drawn out along its parallel, 0..1 (size, size); all in degrees."""
    north = (globe.latitude - math.radians(latitude)) / math.radians(width)
    east = (globe.longitude - math.radians(longitude)).remainder(2 * math.pi)
    east = torch.minimum(east, 2 * math.pi - east) / math.radians(length)
    return torch.exp(-north * north - east * east)


def ice_giant_light(canvas: Canvas, globe: Globe, clouds: torch.Tensor, k: float,
                    kind: str) -> torch.Tensor:
    """Return the light of Uranus or Neptune before the sky, linear (3, size, size).

    Args:
        canvas: the picture.
        globe: the planet.
        clouds: their colour, linear (3, size, size).
        k: of Minnaert's law.
        kind: of picture; "program" has some light at night, "crescent" is exposed for it.
    """
    night = canvas.uniform(0.01, 0.05) if kind == "program" else 0
    light = globe.before(space(canvas), clouds * (minnaert(globe, k) + night))
    if kind == "crescent":
        light = light * (canvas.uniform(0.5, 1.0) / light.amax().clamp(min=0.02))
    return light


def ice_giant_look(canvas: Canvas, kind: str, mono: float) -> Look:
    """Draw a look that keeps the hue, because Uranus and Neptune are known by it.

    Args:
        canvas: the picture.
        kind: of picture; "mono" ones have at times lost lines on the way to the Earth.
        mono: probability of a monochrome camera.
    """
    look = random_look(canvas, mono=mono)
    look.calm_cast(0.3)
    look.tint = (1.0, 1.0, 1.0)
    if kind == "mono" and canvas.chance(0.12):
        look.missing = canvas.uniform(0.02, 0.12)
    return look


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
