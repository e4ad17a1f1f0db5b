"""Draws Jupiter from maps: true colour, filters, hard contrast, small blurs."""

import numpy as np
import torch

from celestial.renderer.giants.jupiter import (
    choose_look,
    choose_pose,
    galilean_moons,
    shadow_of_moon,
)
from celestial.renderer.light.camera import photograph
from celestial.renderer.light.canvas import Canvas, mix, smoothstep
from celestial.renderer.light.framing import at_most
from celestial.renderer.light.globe import (
    Globe,
    gather_disc,
    minnaert,
    night_light,
    scatter_disc,
    see_globe,
)
from celestial.renderer.light.look import Look
from celestial.renderer.light.stars import space
from celestial.renderer.maps.map_choice import Source
from celestial.renderer.maps.map_globe import largest_radius, wrap
from celestial.renderer.maps.map_looks import (
    contrasted,
    levelled,
    methane,
    saturated,
    small_pose,
    small_pose_radius,
    through_small_telescope,
)

KINDS = {"telescope": 22, "disc": 30, "partial": 13, "small": 11, "strong": 8, "mono": 6,
         "methane": 5, "planetarium": 6, "ultraviolet": 3}
FRAMED = {"small": "telescope", "strong": "disc", "mono": "disc", "methane": "disc",
          "ultraviolet": "disc"}  # kinds that are framed like another one


def draw(canvas: Canvas, source: Source) -> np.ndarray:
    """Draw a picture of Jupiter from a map: uint8 (height, width, 3)."""
    c, kind = canvas, canvas.pick(KINDS)
    framed = FRAMED.get(kind, kind)
    pose = at_most(choose_pose(c, framed, c.uniform(0, 360)), largest_radius(c, source.chart))
    if kind == "small":
        radius = small_pose_radius(c, 5, 32)
        pose = small_pose(c, pose, radius, 0.85 - radius)
    look = choose_look(c, framed)
    whole = see_globe(c, pose)
    globe, mask = gather_disc(whole)
    disc = levelled(c, globe, wrap(c, globe, source.chart), c.uniform(0.4, 0.6))
    disc = _filtered(c, globe, disc, kind, look)
    disc = disc * _shade(c, globe, kind)
    disc = scatter_disc(disc, mask)
    light = space(c) if kind != "small" and c.chance(0.15) else c.dark()
    if framed in ("telescope", "disc"):
        disc = shadow_of_moon(c, whole, disc)
        light = light + galilean_moons(c, pose, framed)
    if kind == "small":
        through_small_telescope(c, look, pose.radius / c.pixel)
    return photograph(c, whole.before(light, disc), look)


def _shade(canvas: Canvas, globe: Globe, kind: str) -> torch.Tensor:
    """Return the sunlight on the clouds; methane darkens the limb less, haze lies over it."""
    if kind == "methane":
        return minnaert(globe, canvas.uniform(0.6, 0.85)) * canvas.uniform(0.9, 1.4)
    shade = minnaert(globe, canvas.uniform(0.85, 1.0))
    if kind == "planetarium":
        shade = shade + (canvas.log_uniform(0.01, 0.08) if canvas.chance(0.6)
                         else night_light(canvas))
    return shade


def _filtered(canvas: Canvas, globe: Globe, disc: torch.Tensor, kind: str,
              look: Look) -> torch.Tensor:
    """Return the clouds' light as a filter or a processing shows it, (3, h, w)."""
    c = canvas
    if kind == "methane":
        look.mono = (1.0, 0.0, 0.0)
        return methane(c, globe, disc).expand(3, -1, -1)
    if kind == "ultraviolet":  # the poles' haze and the Red Spot are dark
        look.mono = (0.0, 0.0, 1.0)
        hood = smoothstep(40, 75, globe.latitude.rad2deg().abs())
        return contrasted(c, globe, disc, c.uniform(1.0, 1.6)) * (1 - c.uniform(0.2, 0.5) * hood)
    if kind == "mono":
        look.mono = tuple(np.roll((0.9, 0.1, 0.0), c.rng.integers(3)))
        return contrasted(c, globe, disc, c.uniform(0.9, 1.6))
    if kind == "strong":
        disc = saturated(c, contrasted(c, globe, disc, c.uniform(1.3, 2.2)), c.uniform(1.2, 2.2))
        if c.chance(0.4):  # near infrared composites: blue-green belts, pink and white zones
            turned = disc[torch.tensor(c.rng.permutation(3))]
            disc = mix(disc, turned, c.uniform(0.4, 1))
        return disc
    return saturated(c, contrasted(c, globe, disc, c.uniform(0.8, 1.3)), c.uniform(0.6, 1.5))
