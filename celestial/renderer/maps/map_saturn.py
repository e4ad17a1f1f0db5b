"""Draws Saturn from maps, and its rings from a picture along their radius where there is one."""

import numpy as np
import torch

from celestial.renderer.giants.giants import moons
from celestial.renderer.giants.saturn import choose_look, choose_pose, sunlight
from celestial.renderer.giants.saturn_rings import EQUATOR, OUTER, add_rings, ring_tables
from celestial.renderer.light.camera import photograph
from celestial.renderer.light.canvas import Canvas
from celestial.renderer.light.framing import at_most
from celestial.renderer.light.globe import Globe, gather_disc, scatter_disc, see_globe
from celestial.renderer.light.look import Look
from celestial.renderer.light.rings import Profile, see_rings
from celestial.renderer.light.stars import space
from celestial.renderer.maps.map_choice import Source
from celestial.renderer.maps.map_files import SPAN, MapFile, read_rings
from celestial.renderer.maps.map_globe import fine_enough, largest_radius, wrap
from celestial.renderer.maps.map_looks import (
    contrasted,
    levelled,
    methane,
    saturated,
    small_pose,
    small_pose_radius,
    through_small_telescope,
)

KINDS = {"earth": 26, "amateur": 15, "cassini": 34, "close": 13, "backlit": 3, "program": 10,
         "spindle": 14, "false": 6, "methane": 4, "rings": 5}
FRAMED = {"spindle": "amateur", "false": "cassini", "methane": "earth"}
ALBEDO = 0.66  # single scattering, of the middle of the dense rings, as in saturn_rings.REGIONS


def draw(canvas: Canvas, source: Source) -> np.ndarray:
    """Draw a picture of Saturn from a map: uint8 (height, width, 3)."""
    c, kind = canvas, canvas.pick(KINDS)
    framed = FRAMED.get(kind, kind)
    pose = at_most(choose_pose(c, framed), largest_radius(c, source.chart))
    if kind == "spindle":
        radius = small_pose_radius(c, 4, 16)  # the rings are 2.3 times as wide
        pose = small_pose(c, pose, radius, 0.5, high=0.8)
    whole = see_globe(c, pose)
    plane = see_rings(c, whole)
    depth, albedo = (tables_of(c, source.rings) if fine_enough(c, whole, source.rings)
                     else ring_tables(c))
    stopped = Profile(OUTER, 1 - torch.exp(-depth / plane.sun_slant)[None])
    look = choose_look(c, whole, framed)
    globe, mask = gather_disc(whole)
    disc = levelled(c, globe, wrap(c, globe, source.chart), c.uniform(0.42, 0.6))
    disc = _filtered(c, globe, disc, kind, look) * sunlight(c, globe, stopped, framed)
    sky = c.dark() if kind == "spindle" else space(c)  # stars would outshine it
    light = whole.before(sky, scatter_disc(disc, mask))
    light = add_rings(c, light, whole, plane, depth, albedo, framed)
    if framed in ("cassini", "close", "backlit", "rings"):  # exposed for the brightest light
        light = light * (c.uniform(0.6, 1.1) / light.amax().clamp(min=0.02))
    if kind != "spindle" and c.chance(0.25):
        light = light + moons(c, pose, int(c.rng.integers(1, 6)), c.uniform(0.5, 4), flatness=0.99)
    if kind == "spindle":
        through_small_telescope(c, look, pose.radius / c.pixel)
        look.exposure = c.log_uniform(0.8, 2.5)
    return photograph(c, light, look)


def tables_of(canvas: Canvas, rings: MapFile) -> tuple[torch.Tensor, torch.Tensor]:
    """Return normal optical depth (N,) and albedo (3, N) of a picture of the rings.

    The form is that of `saturn_rings.ring_tables`. Opacity is 1 - exp(-depth). The colours, as
    light, are scaled so that the dense rings have the albedo that drawn ones have.
    """
    picture = read_rings(rings.path, rings.digest)
    cells = min(8192, max(2048, 16 * canvas.size))
    place = (np.arange(cells) + 0.5) / cells * OUTER * EQUATOR
    columns = (np.arange(len(picture)) + 0.5) / len(picture)
    along = (place - SPAN[0]) / (SPAN[1] - SPAN[0])
    opacity = np.interp(along, columns, picture[:, 3].clip(0, 0.985), left=0, right=0)
    light = np.stack([np.interp(along, columns, channel) ** 2.2 for channel in picture[:, :3].T])
    dense = light[:, opacity > 0.5]
    scale = ALBEDO / max(float(np.median(dense)) if dense.size else 1.0, 0.02)
    return canvas.tensor(-np.log1p(-opacity)), canvas.tensor((light * scale).clip(0, 0.97))


def _filtered(canvas: Canvas, globe: Globe, disc: torch.Tensor, kind: str,
              look: Look) -> torch.Tensor:
    """Return the clouds' light as a filter or a processing shows it, (3, h, w)."""
    c = canvas
    if kind == "methane":
        look.mono = (1.0, 0.0, 0.0)
        return methane(c, globe, disc).expand(3, -1, -1)
    if kind == "false":
        turned = disc[torch.tensor(c.rng.permutation(3))]
        return saturated(c, contrasted(c, globe, turned, c.uniform(1.3, 2.5)), c.uniform(0.6, 2))
    return saturated(c, contrasted(c, globe, disc, c.uniform(0.9, 1.6)), c.uniform(0.6, 1.3))
