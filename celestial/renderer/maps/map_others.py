"""Draws other bodies from maps: moons, asteroids, Mercury, Venus, Pluto, the Sun."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import torch

from celestial.renderer.light.camera import photograph
from celestial.renderer.light.canvas import Canvas, mix, smoothstep
from celestial.renderer.light.framing import at_most
from celestial.renderer.light.globe import (
    Globe,
    beyond_limb,
    gather_disc,
    lommel_seeliger,
    minnaert,
    night_light,
    scatter_disc,
    see_globe,
)
from celestial.renderer.light.look import Look, random_look
from celestial.renderer.light.stars import space
from celestial.renderer.maps.map_choice import Source
from celestial.renderer.maps.map_files import MapFile, read_map
from celestial.renderer.maps.map_globe import largest_radius, wrap
from celestial.renderer.maps.map_looks import contrasted, levelled, limb_haze, saturated
from celestial.renderer.other_space.small_bodies import choose_pose, titan_haze

CLOUDED = {"titan": (205, 150, 80), "venus": (245, 230, 200)}  # colour of the haze, sRGB, by eye
BRIGHT = ("dione", "enceladus", "europa", "mimas", "rhea", "tethys", "triton", "venus")  # white
# Far from round; ratios of the axes rounded from Archinal et al. 2018, CeMDA 130, 22.
FLATTENED = {"phobos": 0.3, "deimos": 0.3, "hyperion": 0.4, "amalthea": 0.4, "vesta": 0.2,
             "phoebe": 0.07, "haumea": 0.45, "eros": 0.6, "itokawa": 0.5, "arrokoth": 0.4}


def draw(canvas: Canvas, source: Source) -> np.ndarray:
    """Draw a picture of another body from its map: uint8 (height, width, 3)."""
    c, body = canvas, source.chart.body
    pose = at_most(choose_pose(c, "callisto"), largest_radius(c, source.chart))
    pose = replace(pose, flattening=FLATTENED.get(body, 0.0))
    if side := _mapped_side(source.chart):
        pose = replace(pose, latitude=side * c.uniform(0.7, 1.5))
    whole = see_globe(c, pose)
    globe, mask = gather_disc(whole)
    ground = levelled(c, globe, wrap(c, globe, source.chart),
                      c.uniform(0.4, 0.65) if body in BRIGHT else c.uniform(0.2, 0.45))
    ground = saturated(c, contrasted(c, globe, ground, c.uniform(0.8, 1.6)), c.uniform(0.7, 1.4))
    light = (_sun if body == "sun" else _lit)(c, globe, ground, body)
    sky = space(c) + _sky(c, whole, body)
    light = sky * (1 - whole.coverage) + scatter_disc(light * globe.coverage, mask)
    return photograph(c, light, _look(c, body, whole))


@lru_cache
def _mapped_side(chart: MapFile) -> int:
    """Return the half that a map shows, 1 north, -1 south; 0: both.

    Of the moons of Uranus and Neptune only one half was photographed, by Voyager 2; maps fill the
    other half with grey.
    """
    picture = read_map(chart.path, chart.digest)
    marked = picture.mean(2).std(1) > 1.5
    north, south = (float(half.mean()) for half in np.array_split(marked, 2))
    return 0 if min(north, south) >= 0.6 * max(north, south) else 1 if north > south else -1


def _lit(canvas: Canvas, globe: Globe, ground: torch.Tensor, body: str) -> torch.Tensor:
    """Return the sunlit ground's light, (3, h, w), under its haze where there is any."""
    c = canvas
    if body in CLOUDED:
        tone = c.colour(*CLOUDED[body])
        veil = mix(ground, tone * 0.6, c.uniform(0.2, 0.9))
        light = veil * minnaert(globe, c.uniform(0.85, 1.1))
        return light + tone * limb_haze(globe, c.log_uniform(0.01, 0.08))
    # ice darkens to the limb
    proportion = c.uniform(0.3, 1) if body in BRIGHT else c.uniform(0, 0.5)
    shade = mix(lommel_seeliger(globe), minnaert(globe, c.uniform(0.8, 1.0)), proportion)
    return ground * (shade + night_light(c))


def _sun(canvas: Canvas, globe: Globe, ground: torch.Tensor, body: str) -> torch.Tensor:
    """Return the light of the Sun's own disc, darker at its limb."""
    return ground * (1 - canvas.uniform(0.2, 0.7) * (1 - globe.mu)) * 1.6


def _sky(canvas: Canvas, globe: Globe, body: str) -> torch.Tensor:
    """Return what shines around a body: the Sun's glow, the haze of Titan, Venus and Pluto."""
    if body == "titan" and canvas.chance(0.6):
        return titan_haze(canvas, globe)
    if body not in ("sun", "venus", "pluto") or canvas.chance(0.4):
        return canvas.dark()
    tone = {"sun": (255, 140, 40), "venus": (245, 230, 200), "pluto": (130, 165, 225)}[body]
    width = canvas.uniform(0.02, 0.3) if body == "sun" else canvas.uniform(0.01, 0.03)
    away = beyond_limb(canvas, globe.pose)
    lit = 1.0 if body == "sun" else smoothstep(-0.3, 0.3, globe.mu0)
    return canvas.colour(*tone) * (torch.exp(-away / width) * lit * canvas.log_uniform(0.05, 0.5))


def _look(canvas: Canvas, body: str, globe: Globe) -> Look:
    """Choose how the picture is taken."""
    c = canvas
    look = random_look(c, mono=0.0 if body in ("sun", "venus", "titan", "io") else 0.2)
    look.exposure = c.log_uniform(0.7, 1.5)
    look.calm_cast(0.6)
    look.read_noise = min(look.read_noise, 0.012)
    look.fwhm = min(look.fwhm, max(0.8, 0.02 * globe.pose.radius * c.size))
    return look
