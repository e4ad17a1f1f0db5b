"""Draws the Moon from maps: its true maria, rays and hues in the styles of the drawn Moon."""

import numpy as np
import torch

from celestial.renderer.light.camera import photograph
from celestial.renderer.light.canvas import Canvas, mix, smoothstep
from celestial.renderer.light.globe import Globe
from celestial.renderer.light.look import random_look
from celestial.renderer.maps.map_choice import Source
from celestial.renderer.maps.map_globe import largest_radius, wrap
from celestial.renderer.maps.map_looks import contrasted, grey_of, levelled, saturated
from celestial.renderer.moon.moon import tame, turn_to_us
from celestial.renderer.moon.moon_styles import STYLES, glow
from celestial.renderer.rocky import craters

VIEWS = {"near": 56, "orbit": 9, "close": 19, "program": 16}
STYLE_WEIGHTS = {
    "near": {"plain": 50, "haze": 20, "eclipse": 5, "day": 6, "low": 14, "mineral": 5},
    "orbit": {"plain": 97, "mineral": 3}, "close": {"plain": 97, "mineral": 3},
    "program": {"program": 1}}
MONO = {"near": 0.25, "orbit": 0.5, "close": 0.6, "program": 0.0}  # monochrome cameras' proportion


def draw(canvas: Canvas, source: Source) -> np.ndarray:
    """Draw a picture of the Moon from a map: uint8 (height, width, 3)."""
    c, view = canvas, canvas.pick(VIEWS)
    globe = turn_to_us(c, view, largest_radius(c, source.chart))
    ground, mare = _ground(c, globe, source)
    style = c.pick(STYLE_WEIGHTS[view])
    light = grey_of(c, ground)[0]
    look = random_look(c, MONO[view])
    tame(c, globe, light, look)
    disc, sky = STYLES[style](c, globe, light, mare, look)
    if style == "plain":
        disc = disc * _hue(c, ground)
    if view == "near" and style != "haze" and c.chance(0.2):
        sky = sky + glow(c, globe, disc, c.log_uniform(0.01, 0.3), c.uniform(0.1, 0.6))
    picture = globe.before(sky, disc)
    if c.chance(0.08):  # star diagonals and some prints show the mirror image
        picture = picture.flip(-1)
        c.covers(globe.coverage.flip(-1))
    return photograph(c, picture, look)


def _ground(canvas: Canvas, globe: Globe, source: Source) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the sunlit ground's light (3, h, w) and how much of a mare it is (h, w), 0..1.

    The relief is drawn, because a map has none and nothing would stand out along the terminator.
    Close up it is weak, because there the map shows craters of its own.
    """
    c = canvas
    albedo = levelled(c, globe, wrap(c, globe, source.chart), 0.62)
    albedo = contrasted(c, globe, albedo, c.uniform(0.8, 1.25)).clamp(max=1.6)
    mare = smoothstep(0.75, 0.3, grey_of(c, albedo)[0])
    strong = c.uniform(0.2, 0.7) if globe.pose.radius > 2 else c.uniform(0.6, 1.2)
    relief = craters.rugged(c, globe, c.uniform(0.7, 1.1), strong * (1 - 0.7 * mare))
    fresh = 0.15 * relief.fresh * (1 - 0.5 * mare)
    return (albedo + fresh) * craters.moonlight(c, globe, relief), mare


def _hue(canvas: Canvas, ground: torch.Tensor) -> torch.Tensor:
    """Return factors on the colours, (3, h, w) or (3, 1, 1): the map's own, or a toned print's."""
    c = canvas
    if c.chance(0.25):  # brownish and sepia, from old lenses, screens and dusty air
        tone = mix(c.colour(235, 215, 190), c.colour(205, 165, 110), c.uniform(0, 1))
        return tone * 1.2
    hue = saturated(c, ground, c.uniform(0.0, 1.5)) / grey_of(c, ground).clamp(min=1e-4)
    return hue.clamp(0.5, 1.6)
