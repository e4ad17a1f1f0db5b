"""Draws Mars from maps: Hubble's discs with caps and haze, mosaics, phases, small blurs."""

import math
from dataclasses import replace

import numpy as np

from celestial.renderer.light.camera import photograph
from celestial.renderer.light.canvas import Canvas
from celestial.renderer.light.framing import at_most
from celestial.renderer.light.globe import (
    Pose,
    gather_disc,
    minnaert,
    night_light,
    scatter_disc,
    see_globe,
)
from celestial.renderer.light.look import Look, random_look
from celestial.renderer.light.noise import fbm
from celestial.renderer.light.stars import space
from celestial.renderer.maps.map_choice import Source
from celestial.renderer.maps.map_globe import largest_radius, wrap
from celestial.renderer.maps.map_looks import (
    contrasted,
    hued,
    levelled,
    limb_haze,
    random_direction,
    small_pose,
    small_pose_radius,
    through_small_telescope,
)
from celestial.renderer.rocky.mars import FLATTENING, add_caps, choose_haze, choose_pose

KINDS = {"hubble": 26, "mosaic": 22, "phase": 13, "amateur": 14, "region": 14, "small": 7,
         "burnt": 4}
FRAMED = {"hubble": "distant", "small": "amateur", "burnt": "amateur"}
# Mean colours of photographs of Mars, sRGB, by eye, because maps are often redder than any.
HUES = {"tan": (205, 150, 100), "viking": (200, 128, 82), "red": (200, 100, 62),
        "pink": (205, 150, 122), "pale": (215, 175, 135)}
GREY = 0.02  # photographs of Mars are nearly never grey


def draw(canvas: Canvas, source: Source) -> np.ndarray:
    """Draw a picture of Mars from a map: uint8 (height, width, 3)."""
    c, kind = canvas, canvas.pick(KINDS)
    pose = at_most(_pose(c, kind, source), largest_radius(c, source.chart))
    whole = see_globe(c, pose)
    globe, mask = gather_disc(whole)
    disc = levelled(c, globe, wrap(c, globe, source.chart), c.uniform(0.17, 0.3))
    disc = contrasted(c, globe, disc, c.uniform(0.7, 1.3 if kind in ("hubble", "region") else 1.05))
    tone = HUES[c.pick({"tan": 4, "viking": 4, "red": 2, "pink": 2, "pale": 2})]
    disc = hued(c, globe, disc, tuple(tone + c.rng.uniform(-9, 9, 3)), c.uniform(0.5, 1))
    if kind != "region" and c.chance(0.45):
        grain = fbm(c, globe.point, 3.0, 4, gain=0.6, finest=globe.finest)
        disc = add_caps(c, globe, disc, grain)
    lit = minnaert(globe, c.uniform(0.55, 0.85)) + night_light(c)
    light = disc * lit + choose_haze(c, globe)
    if kind == "hubble" or c.chance(0.2):
        haze = limb_haze(globe, c.log_uniform(0.02, 0.12)) * c.uniform(0.3, 1.0)
        light = light + c.colour(175, 200, 240) * haze
    sky = c.dark() if kind in ("small", "burnt") else space(c)  # stars would outshine a speck
    light = sky * (1 - whole.coverage) + scatter_disc(light * globe.coverage, mask)
    return photograph(c, light * 1.2, _look(c, kind, pose))


def _pose(canvas: Canvas, kind: str, source: Source) -> Pose:
    """Choose viewpoint, sun and framing."""
    c = canvas
    if kind == "region":  # from orbit, the sun above the horizon
        latitude, longitude = random_direction(c)
        radius = min(c.log_uniform(2.0, 9.0), largest_radius(c, source.chart))
        angle, away = c.uniform(0, 2 * math.pi), radius * c.uniform(0, 0.6)
        return Pose(radius, (away * math.cos(angle), away * math.sin(angle)), 0.8 * latitude,
                    c.rng.normal(0, 0.4), longitude, math.radians(c.uniform(5, 55)),
                    c.uniform(0, 2 * math.pi), FLATTENING)
    pose = choose_pose(c, FRAMED.get(kind, kind))
    if kind in ("small", "burnt"):
        radius = small_pose_radius(c, 1.6, 12) if kind == "small" else c.uniform(0.1, 0.45)
        pose = small_pose(c, pose, radius, 0.85 - radius)
    if kind == "hubble" and pose.radius < 0.4:
        pose = replace(pose, radius=pose.radius + 0.4, centre=(0.05, 0.0))
    return pose


def _look(canvas: Canvas, kind: str, pose: Pose) -> Look:
    """Choose how the picture is taken."""
    c = canvas
    look = random_look(c, mono=GREY)
    radius = pose.radius / c.pixel
    if kind == "amateur":
        look.fwhm = max(look.fwhm, c.scale * c.uniform(1.5, 4.5))
    look.exposure = float(np.clip(look.exposure, 0.6, 1.3))
    look.calm_cast(0.6)
    if kind in ("small", "burnt"):
        through_small_telescope(c, look, radius)
        look.exposure = c.log_uniform(0.8, 2.0)
        look.saturation = c.uniform(0.8, 1.5)
    if kind == "burnt":
        look.exposure = c.log_uniform(1.6, 3.0)
    return look
