"""Draws Uranus and Neptune from maps: Voyager's colours, Hubble's, filters, crescents."""

import math
from dataclasses import replace

import numpy as np
import torch

from celestial.renderer.giants import neptune, uranus
from celestial.renderer.giants.bands import by_latitude
from celestial.renderer.giants.giants import ice_giant_light, moons, streak
from celestial.renderer.light.camera import photograph
from celestial.renderer.light.canvas import Canvas, mix, smoothstep
from celestial.renderer.light.framing import at_most
from celestial.renderer.light.globe import Globe, Pose, gather_disc, scatter_disc, see_globe
from celestial.renderer.light.look import Look
from celestial.renderer.maps.map_choice import Source
from celestial.renderer.maps.map_globe import largest_radius, wrap
from celestial.renderer.maps.map_looks import (
    contrasted,
    grey_of,
    hued,
    levelled,
    limb_haze,
    saturated,
    small_pose,
    small_pose_radius,
    through_small_telescope,
)

URANUS = {"voyager": 26, "mono": 18, "cap": 16, "hubble": 12, "false": 12, "crescent": 8,
          "small": 8, "program": 9}
NEPTUNE = {"voyager": 22, "deep": 22, "clouds": 14, "close": 12, "mono": 16, "small": 8,
           "crescent": 3, "program": 9}
FRAMED = {"cap": "telescope", "hubble": "telescope", "false": "webb", "small": "telescope",
          "deep": "voyager", "clouds": "telescope", "close": "voyager"}
# Hubble's near infrared composites of Uranus from the sunlit pole on, sRGB, by eye: methane and
# haze make the pole orange or pink, the dark side of the collar green and blue.
FALSE = (((240, 130, 110), (235, 170, 140), (120, 190, 150), (20, 160, 160)),
         ((235, 150, 150), (190, 190, 165), (80, 190, 175), (15, 150, 165)),
         ((250, 170, 90), (225, 190, 130), (90, 160, 190), (40, 90, 170)),
         ((225, 120, 150), (170, 140, 190), (90, 140, 210), (40, 90, 190)))


def draw_uranus(canvas: Canvas, source: Source) -> np.ndarray:
    """Draw a picture of Uranus from a map: uint8 (height, width, 3)."""
    c, kind = canvas, canvas.pick(URANUS)
    framed = FRAMED.get(kind, kind)
    pose = _fit(c, uranus.choose_pose(c, framed), kind, source)
    whole = see_globe(c, pose)
    look = uranus.choose_look(c, whole, framed)
    globe, mask = gather_disc(whole)
    clouds = scatter_disc(_clouds_of_uranus(c, globe, kind, source), mask)
    light = ice_giant_light(c, whole, clouds, c.uniform(0.7, 1.05), framed)
    if kind in ("false", "hubble", "cap", "program"):
        tint = c.colour(235, 190, 150) if kind == "false" else c.colour(225, 230, 235)
        rings = uranus.choose_rings(c, whole, "infrared" if kind == "false" else framed)
        light = light + rings * tint
    if c.chance(0.5 if kind in ("false", "hubble") else 0.12):
        light = light + moons(c, pose, int(c.rng.integers(1, 8)), c.uniform(0.5, 5))
    return photograph(c, light, _settle(c, look, kind, pose))


def draw_neptune(canvas: Canvas, source: Source) -> np.ndarray:
    """Draw a picture of Neptune from a map: uint8 (height, width, 3)."""
    c, kind = canvas, canvas.pick(NEPTUNE)
    framed = FRAMED.get(kind, kind)
    pose = _fit(c, neptune.choose_pose(c, framed), kind, source)
    whole = see_globe(c, pose)
    look = neptune.choose_look(c, whole, framed)
    globe, mask = gather_disc(whole)
    clouds = scatter_disc(_clouds_of_neptune(c, globe, kind, source), mask)
    light = ice_giant_light(c, whole, clouds, c.uniform(0.65, 1.0), framed)
    if kind == "program":
        light = light + neptune.choose_rings(c, whole, framed)
    if c.chance(0.15):
        light = light + moons(c, pose, int(c.rng.integers(1, 5)), c.uniform(0.5, 6))
    return photograph(c, light, _settle(c, look, kind, pose))


def _fit(canvas: Canvas, pose: Pose, kind: str, source: Source) -> Pose:
    """Fit a pose to the kind of picture and to the map's resolution."""
    if kind == "small":
        pose = small_pose(canvas, pose, small_pose_radius(canvas, 4, 26), 0.8)
    if kind in ("hubble", "false") and pose.radius > 0.45:
        radius = canvas.uniform(0.25, 0.45)  # room for the rings
        pose = replace(pose, radius=radius, centre=(pose.centre[0] / 3, pose.centre[1] / 3))
    if kind == "close":
        radius, angle = canvas.uniform(1.1, 2.6), canvas.uniform(0, 2 * math.pi)
        away = radius * canvas.uniform(0.0, 0.8)
        pose = replace(pose, radius=radius,
                       centre=(away * math.cos(angle), away * math.sin(angle)))
    return at_most(pose, largest_radius(canvas, source.chart))


def _settle(canvas: Canvas, look: Look, kind: str, pose: Pose) -> Look:
    """Fit a look to the kind of picture; returns the same look."""
    if kind == "small":
        through_small_telescope(canvas, look, pose.radius / canvas.pixel)
        look.saturation = max(look.saturation, 0.8)  # little else is to be seen
    elif kind in ("deep", "clouds", "hubble", "false", "cap"):
        look.mono = None
        look.exposure = min(max(look.exposure, 0.75), 1.2)
    return look


def _clouds_of_uranus(canvas: Canvas, globe: Globe, kind: str, source: Source) -> torch.Tensor:
    """Return the clouds' light, (3, h, w)."""
    c = canvas
    light = levelled(c, globe, wrap(c, globe, source.chart), c.uniform(0.4, 0.75))
    if kind == "mono":
        grey = grey_of(c, contrasted(c, globe, light, c.uniform(0.8, 2)))
        return grey.expand(3, -1, -1)
    side = 1.0 if globe.pose.latitude > 0 else -1.0
    if kind == "false":
        colours = np.array(FALSE[c.rng.integers(len(FALSE))], float) + c.rng.uniform(-15, 15, 3)
        table = c.tensor((colours.clip(0, 255) / 255).T ** 2.2)
        texture = grey_of(c, contrasted(c, globe, light, 2)) / max(float(light.mean()), 1e-3)
        light = by_latitude(table, globe.latitude * -side) * (0.7 + 0.3 * texture)
        return _storms(c, globe, light, side, c.colour(255, 170, 120))
    light = saturated(c, light, c.uniform(0.3, 1.1))
    if kind == "hubble":  # strong blue, bright clouds
        light = light * c.colour(*c.rng.uniform((115, 175, 225), (170, 212, 250))) * 1.5
        return _storms(c, globe, light, side, c.colour(250, 250, 255))
    if kind == "cap":
        edge, soft = c.uniform(30, 50), c.uniform(4, 14)
        cap = smoothstep(math.radians(edge - soft), math.radians(edge + soft),
                         globe.latitude * side)
        return mix(light, c.colour(240, 246, 248), cap * c.uniform(0.35, 0.95))
    if kind == "voyager" and c.chance(0.5):  # as published in 1986: pale blue-white, no marks
        return mix(light, c.colour(205, 232, 240), c.uniform(0.3, 0.9))
    return light


def _storms(canvas: Canvas, globe: Globe, light: torch.Tensor, side: float,
            colour: torch.Tensor) -> torch.Tensor:
    """Add a few bright clouds at middle latitudes."""
    for _ in range(int(canvas.rng.integers(0, 7))):
        spot = streak(globe, side * canvas.uniform(-45, 50), math.degrees(globe.pose.longitude)
                      + canvas.uniform(-75, 75), canvas.uniform(2, 9), canvas.uniform(1, 3))
        light = mix(light, colour, (spot * canvas.uniform(0.3, 1.2)).clamp(max=1))
    return light


def _clouds_of_neptune(canvas: Canvas, globe: Globe, kind: str, source: Source) -> torch.Tensor:
    """Return the clouds' light, (3, h, w)."""
    c = canvas
    light = levelled(c, globe, wrap(c, globe, source.chart), c.uniform(0.2, 0.45))
    if kind == "mono":
        light = grey_of(c, contrasted(c, globe, light, c.uniform(1, 3))).expand(3, -1, -1)
        return levelled(c, globe, light, c.uniform(0.25, 0.6))
    if kind in ("deep", "clouds", "close"):
        light = contrasted(c, globe, light, c.uniform(1.2, 2.6))
        light = light * c.planes(c.rng.uniform((0.25, 0.55, 1.1), (0.75, 0.95, 1.5)))
        light = saturated(c, light, c.uniform(1.0, 1.6))
    else:  # blue, paler or deeper: paler maps would be Uranus's
        light = hued(c, globe, light, tuple(c.rng.uniform((70, 115, 205), (125, 165, 230))),
                     c.uniform(0.4, 1))
    if kind == "clouds":
        return neptune.add_clouds(c, globe, light, "infrared")
    if kind in ("deep", "close") or c.chance(0.3):
        light = neptune.add_clouds(c, globe, light, "telescope")
    return light + c.colour(150, 180, 235) * (limb_haze(globe, c.log_uniform(0.005, 0.05)) * 0.5)
