"""Draws Earth from maps: EPIC's full discs, the Blue Marble, crescents, a low orbit's horizon."""

import math
from dataclasses import replace

import numpy as np
import torch

from celestial.renderer.light.camera import photograph
from celestial.renderer.light.canvas import Canvas, mix
from celestial.renderer.light.framing import at_most
from celestial.renderer.light.globe import (
    Globe,
    Pose,
    gather_disc,
    night_light,
    scatter_disc,
    see_globe,
    turn_about_pole,
)
from celestial.renderer.light.look import Look, random_look
from celestial.renderer.light.stars import program_stars, space
from celestial.renderer.maps.map_choice import Source
from celestial.renderer.maps.map_globe import fine_enough, largest_radius, wrap
from celestial.renderer.maps.map_looks import contrasted, grey_of, saturated
from celestial.renderer.rocky.earth import AIR, air_rim, choose_pose, through_air
from celestial.renderer.rocky.weather import clouds

KINDS = {"epic": 30, "marble": 22, "phase": 12, "crescent": 6, "horizon": 11, "close": 7,
         "program": 8, "bare": 4}
FRAMED = {"epic": "disc", "marble": "disc", "crescent": "phase", "bare": "disc"}


def draw(canvas: Canvas, source: Source) -> np.ndarray:
    """Draw a picture of Earth from a map: uint8 (height, width, 3)."""
    c, kind = canvas, canvas.pick(KINDS)
    pose = at_most(_pose(c, kind), largest_radius(c, source.chart))
    whole = see_globe(c, pose)
    globe, mask = gather_disc(whole)
    light = _daylight(c, globe, kind, source)
    sky = program_stars(c) if kind == "program" else space(c) if c.chance(0.4) else c.dark()
    behind = sky + air_rim(c, whole) * (0.3 if kind == "epic" else c.uniform(0.4, 1))
    light = behind * (1 - whole.coverage) + scatter_disc(light * globe.coverage, mask)
    return photograph(c, light, _look(c, kind))


def _pose(canvas: Canvas, kind: str) -> Pose:
    """Choose viewpoint, sun and framing."""
    c = canvas
    pose = choose_pose(c, FRAMED.get(kind, kind))
    if kind == "epic":  # from between us and the sun: full, north nearly up
        radius = c.uniform(0.72, 0.9)
        return replace(pose, radius=radius, centre=(c.rng.normal(0, 0.03), c.rng.normal(0, 0.03)),
                       latitude=math.radians(c.uniform(-23.4, 23.4)), turn=c.rng.normal(0, 0.2),
                       phase=math.radians(c.uniform(2, 14)))
    if kind == "crescent":
        return replace(pose, phase=math.radians(c.uniform(100, 150)))
    return pose


def _daylight(canvas: Canvas, globe: Globe, kind: str, source: Source) -> torch.Tensor:
    """Return what the eye sees, (3, h, w): ground or sea under clouds, under blue air."""
    c = canvas
    ground = wrap(c, globe, source.chart)
    vivid = c.uniform(1.0, 1.6) if kind == "epic" else c.uniform(0.7, 1.2)
    ground = saturated(c, ground, vivid) * c.uniform(0.7, 1.1)
    lit = globe.mu0.clamp(min=0) ** c.uniform(0.6, 1.0) + night_light(c)
    light = (ground + _glint(c, globe, ground)) * lit
    if kind != "bare":
        white = c.colour(250, 250, 250) * c.uniform(0.75, 1.0)
        light = mix(light, white * lit, _cover(c, globe, source))
    depth = c.planes(AIR) * (c.uniform(0.4, 0.9) if kind == "epic" else c.uniform(0.4, 1.2))
    light = through_air(globe, light, depth)
    if kind == "epic":
        light = contrasted(c, globe, light, c.uniform(1.0, 1.35))
    if kind == "marble":  # as printed: deep blue, hard white
        light = light * c.planes(c.rng.uniform((0.8, 0.8, 1.05), (1.0, 1.0, 1.5)))
        light = saturated(c, contrasted(c, globe, light, c.uniform(1.0, 1.25)), c.uniform(1.1, 1.8))
    return light


def _glint(canvas: Canvas, globe: Globe, ground: torch.Tensor) -> torch.Tensor:
    """Return the sun's image on the sea, (3, h, w); the sea is where a map is dark and blue.

    It is as wide as slopes of waves of 0.003 to 0.06 make it (Cox and Munk 1954).
    """
    sea = ((ground[2] > 1.3 * ground[0]) & (grey_of(canvas, ground)[0] < 0.2)).float()
    half = globe.pose.sun + np.array([0, 0, 1.0])
    half = canvas.planes(half / np.linalg.norm(half))
    cosine = (globe.normal * half).sum(0).clamp(0.05, 1)
    wind = 0.003 + 0.00512 * canvas.uniform(2, 12)
    shine = torch.exp(-(1 / cosine ** 2 - 1) / wind) * canvas.uniform(0.02, 0.3)
    return canvas.colour(255, 245, 225) * (shine * sea)


def _cover(canvas: Canvas, globe: Globe, source: Source) -> torch.Tensor:
    """Return how much of each pixel is cloud, 0..1: the layer, drifted, or drawn weather."""
    c = canvas
    if not fine_enough(c, globe, source.clouds) or c.chance(0.3):
        return clouds(c, globe)
    angle = torch.full_like(globe.mu, c.uniform(0, 2 * math.pi))
    point = turn_about_pole(globe.point, angle)
    if c.chance(0.5):  # the other hemisphere's weather: turned half round about the x axis
        point = point * c.planes([1, -1, -1])
    drifted = replace(globe, point=point)
    opacity = grey_of(c, wrap(c, drifted, source.clouds))[0] ** (1 / 2.2)  # undo wrap's decoding
    return (opacity * c.uniform(0.9, 1.3)).clamp(0, 0.97)


def _look(canvas: Canvas, kind: str) -> Look:
    """Choose how the picture is taken."""
    c = canvas
    look = random_look(c, mono=0.03)
    look.exposure = float(np.clip(look.exposure, 0.7, 1.4))
    if kind == "epic":
        look.calm_cast(0.3)
        look.saturation, look.exposure = c.uniform(0.7, 1.15), c.uniform(0.65, 1.05)
        look.fwhm, look.gamma, look.mono = min(look.fwhm, 1.1 * c.scale), 2.2, None
        look.photons, look.read_noise, look.sky = 50000, 0.0005, (0.0, 0.0, 0.0)
    if kind == "marble":
        look.fwhm = min(look.fwhm, 1.8 * c.scale)
    if kind == "program":  # a screen: dim, and without a camera's noise
        look.show_on_screen(c, c.uniform(0.35, 1.1))
    return look
