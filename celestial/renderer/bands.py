"""Gas giants: belts and zones as profiles over latitude, clouds that winds shear, vortices."""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch

from celestial.renderer.canvas import Canvas
from celestial.renderer.globe import Globe

STEPS = 1441  # latitudes of a profile, one each eighth of a degree
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


def profile(canvas: Canvas, edges: np.ndarray, softness: np.ndarray,
            values: np.ndarray) -> torch.Tensor:
    """Return bands of constant values with soft edges, as a table for `look_up`.

    Args:
        canvas: gives the device.
        edges: latitudes between the bands, degrees, rising, (N,).
        softness: of each edge, degrees, (N,).
        values: of the bands from south to north, (N + 1, channels).

    Returns:
        float32 (channels, STEPS), from the south pole to the north pole.
    """
    latitudes = np.linspace(-90, 90, STEPS)
    rise = 0.5 + 0.5 * np.tanh((latitudes[:, None] - edges) / softness)
    return canvas.tensor((values[0] + rise @ np.diff(values, axis=0)).T)


def look_up(table: torch.Tensor, latitude: torch.Tensor) -> torch.Tensor:
    """Return a profile (channels, STEPS) at latitudes in radians (h, w): (channels, h, w)."""
    place = ((latitude / math.pi + 0.5) * (STEPS - 1)).clamp(0, STEPS - 1.001)
    below = place.floor()
    index, share = below.long(), place - below
    return torch.lerp(table[:, index], table[:, index + 1], share)


def streaks(canvas: Canvas, finest: float) -> torch.Tensor:
    """Return thin streaks as a table (1, STEPS) for `look_up`: standard deviation about 1.

    Looked up at latitudes that turbulence displaces they become filaments, folded as it folds.

    Args:
        canvas: gives the randomness.
        finest: highest frequency that the pixels can show, cycles per radian.
    """
    latitudes = np.linspace(-math.pi / 2, math.pi / 2, STEPS)
    total = np.zeros(STEPS)
    for frequency in 6.0 * 2.0 ** np.arange(5):
        if frequency < finest:
            knots = canvas.rng.standard_normal(int(frequency * 2 * math.pi) + 2)
            total += np.interp(latitudes, np.linspace(-1.6, 1.6, len(knots)), knots) / 1.8
    return canvas.tensor(total[None])


def planetocentric(latitude: float | np.ndarray, flattening: float) -> float | np.ndarray:
    """Turn planetographic into planetocentric latitudes, both degrees."""
    return np.degrees(np.arctan((1 - flattening) ** 2 * np.tan(np.radians(latitude))))


def turned(point: torch.Tensor, angle: torch.Tensor) -> torch.Tensor:
    """Turn points (3, h, w) about the pole by angles (h, w), radians: winds that differ."""
    cosine, sine = angle.cos(), angle.sin()
    return torch.stack([point[0] * cosine - point[1] * sine,
                        point[0] * sine + point[1] * cosine, point[2]])


def stir(canvas: Canvas, globe: Globe, vortices: list[Vortex]) -> tuple[torch.Tensor, list]:
    """Wind up the surface in vortices and bend the bands around them.

    Outside a vortex the bands follow the stream function of the flow around a cylinder,
    y (1 - 1 / r^2) (Milne-Thomson, Theoretical Hydrodynamics, 6.22), here out to REACH.

    Returns:
        (where the material of each pixel comes from, float (3, h, w);
        of each vortex that can be seen (vortex, window, square): the part of the picture around
        it, for indexing (3, h, w), and there the squared distance from its middle as a share of
        its half axes).
    """
    moved, seen = globe.point.clone(), []
    for vortex in vortices:
        lat, lon = math.radians(vortex.latitude), math.radians(vortex.longitude)
        a, b = math.radians(vortex.length), math.radians(vortex.width)
        middle = np.array([math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon),
                           math.sin(lat)])
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


def approach(canvas: Canvas, globe: Globe, distance: float) -> Globe:
    """Return the globe as a camera sees it that is near: less than half of it, in perspective.

    The limb stays where it is on the picture. A ray at the angle a from the axis meets a sphere
    at the angle asin(d sin a) - a from the point below the camera.

    Args:
        canvas: gives the device.
        globe: as seen from far away.
        distance: of the camera from the middle, equatorial radii, above 1.
    """
    sine = (1 - globe.mu ** 2).clamp(min=1e-8).sqrt()
    angle = torch.atan(sine / math.sqrt(distance ** 2 - 1))
    mu = (1 - (distance * angle.sin()) ** 2).clamp(min=0).sqrt()
    away = torch.acos(mu.clamp(-1, 1)) - angle
    side = away.sin() / sine
    normal = torch.stack([globe.normal[0] * side, globe.normal[1] * side, away.cos()])
    point = (canvas.tensor(globe.pose.axes) @ normal.reshape(3, -1)).reshape(normal.shape)
    sun = canvas.tensor(globe.pose.sun)[:, None, None]
    return replace(globe, point=point, normal=normal, mu=mu, mu0=(normal * sun).sum(0))
