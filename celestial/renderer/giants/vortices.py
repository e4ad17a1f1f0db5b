"""Vortices of a gas giant: ovals that wind up the clouds and bend the bands around them."""

import math
from dataclasses import dataclass

import numpy as np
import torch

from celestial.renderer.light.canvas import Canvas
from celestial.renderer.light.globe import Globe, direction

REACH = 3.5  # of a vortex, in its half axes


@dataclass(frozen=True)
class Vortex:
    """An oval storm.

    Attributes:
        latitude: planetocentric, degrees.
        longitude: degrees.
        length: half its extent along longitude, degrees of arc on the surface.
        width: half its extent along latitude, degrees.
        spin: by how much its middle is wound up, radians; positive: counter-clockwise.
        colour: linear (3, 1, 1), of its inside; None: it only winds up what is there.
        opacity: of its colour, 0..1.
        collar: linear (3, 1, 1), of the ring around it.
        collar_opacity: of the ring, 0..1.
        push: how far it makes the bands go round it: 1 like the flow around a cylinder, 0 not.
    """

    latitude: float
    longitude: float
    length: float
    width: float
    spin: float
    colour: torch.Tensor | None = None
    opacity: float = 0.0
    collar: torch.Tensor | None = None
    collar_opacity: float = 0.0
    push: float = 0.0


def stir(canvas: Canvas, globe: Globe, vortices: list[Vortex]) -> tuple[torch.Tensor, list]:
    """Wind up the surface in vortices and bend the bands around them.

    Outside a vortex the bands follow the stream function of the flow around a cylinder,
    y (1 - 1 / r^2) (Milne-Thomson, Theoretical Hydrodynamics, 6.22), here out to REACH.

    Returns:
        (where the material of each pixel comes from, float (3, h, w);
        of each vortex that can be seen (vortex, window, square): the part of the picture around
        it, for indexing (3, h, w), and there the squared distance from its middle in units of its
        half axes).
    """
    moved, seen = globe.point.clone(), []
    for vortex in vortices:
        lon = math.radians(vortex.longitude)
        a, b = math.radians(vortex.length), math.radians(vortex.width)
        middle = direction(math.radians(vortex.latitude), lon)
        smallest = 1.2 if vortex.colour is None else 0.4  # that the pixels can show
        if middle @ globe.pose.axes[:, 2] < -0.1 or a * globe.finest < smallest:
            continue
        window = _around(canvas, globe, middle, math.cos(min(1.4, REACH * max(a, b))))
        if window is None:
            continue
        east = np.array([-math.sin(lon), math.cos(lon), 0.0])
        north = np.cross(middle, east)
        near = globe.point[window]
        x, y = (canvas.tensor([east / a, north / b]) @ near.reshape(3, -1)).reshape(
            2, *near.shape[1:])
        square = x * x + y * y
        angle = vortex.spin * (1 - square / 2.5).clamp(min=0) ** 2
        cosine, sine = angle.cos() - 1, angle.sin()
        bend = vortex.push * y * (1 + square * square).rsqrt()
        bend = bend * (1 - square / REACH ** 2).clamp(min=0)
        drift = torch.stack([x * cosine + y * sine, y * cosine - x * sine - bend]).reshape(2, -1)
        step = canvas.tensor(np.stack([east * a, north * b], 1))
        moved[window] += (step @ drift).reshape(near.shape)
        seen.append((vortex, window, square))
    return moved, seen


def _around(canvas: Canvas, globe: Globe, middle: np.ndarray,
            cosine: float) -> tuple[slice, slice, slice] | None:
    """Return the rectangle of pixels within an angle (its cosine) of a direction, if any."""
    near = (canvas.tensor(middle) @ globe.point.reshape(3, -1)).reshape(globe.mu.shape) > cosine
    rows = near.any(1).nonzero().flatten().tolist()
    columns = near.any(0).nonzero().flatten().tolist()
    if not rows:
        return None
    return slice(None), slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
