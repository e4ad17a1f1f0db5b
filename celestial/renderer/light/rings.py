"""Shows a planet's rings: where each pixel meets them, and the shadows both ways."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from celestial.renderer.light.canvas import Canvas
from celestial.renderer.light.globe import Globe, Pose, apply, from_middle


@dataclass(frozen=True)
class Profile:
    """A quantity that depends on the distance from the planet alone.

    Attributes:
        outer: distance at which the table ends, equatorial radii; it starts at 0.
        values: float (channels, cells).
    """

    outer: float
    values: torch.Tensor

    @cached_property
    def _integral(self) -> torch.Tensor:
        """Sum of the cells up to each edge: differences of it are means without aliasing."""
        # Summed on the CPU, because not every device has double precision.
        total = self.values.cpu().double().cumsum(1).float().to(self.values.device)
        return torch.cat([torch.zeros_like(total[:, :1]), total], 1)

    def mean(self, radius: torch.Tensor, width: torch.Tensor) -> torch.Tensor:
        """Return the mean over this width around each distance, (channels, *radius.shape)."""
        cells = self.values.shape[1]
        middle = radius * (cells / self.outer)
        half = (width * (cells / self.outer / 2)).clamp(min=0.5)
        low, high = (middle - half).clamp(0, cells), (middle + half).clamp(0, cells)
        return (self._up_to(high) - self._up_to(low)) / (2 * half)

    def _up_to(self, place: torch.Tensor) -> torch.Tensor:
        """Return the integral up to places in cells, linear within a cell."""
        cell = place.long().clamp(max=self.values.shape[1] - 1)
        flat = cell.flatten()
        below = self._integral.index_select(1, flat)
        inside = self.values.index_select(1, flat) * (place - cell).flatten()
        return (below + inside).reshape(-1, *place.shape)


@dataclass(frozen=True)
class RingPlane:
    """What each pixel sees of the equatorial plane; float32 (size, size).

    Attributes:
        radius: distance from the planet's middle, equatorial radii.
        longitude: around the planet from where the plane comes nearest to us, radians.
        in_front: 1 where the plane is nearer than the planet or beside it, else 0; soft at the
            edges.
        sunlit: 0 in the planet's shadow, 1 outside.
        lit_face: whether the sun stands on the side of the rings that we see.
        slant: sine of the angle at which we look on the rings, 0 edge-on.
        sun_slant: the same for the sunlight.
        softness: width of a pixel on the rings, equatorial radii.
    """

    radius: torch.Tensor
    longitude: torch.Tensor
    in_front: torch.Tensor
    sunlit: torch.Tensor
    lit_face: bool
    slant: float
    sun_slant: float
    softness: torch.Tensor


def see_rings(canvas: Canvas, globe: Globe) -> RingPlane:
    """Cast a ray from each pixel on the equatorial plane."""
    pose = globe.pose
    pole = pose.axes[2]
    slant = math.copysign(max(abs(float(pole[2])), 0.01), float(pole[2]))
    x, y = from_middle(canvas, pose)
    depth = -(x * float(pole[0]) + y * float(pole[1])) / slant
    radius = (x ** 2 + y ** 2 + depth ** 2).sqrt()
    east = np.array([math.cos(pose.turn), math.sin(pose.turn), 0.0])
    front = [float(value) for value in np.cross(east, pole)]
    longitude = torch.atan2(x * float(east[0]) + y * float(east[1]),
                            x * front[0] + y * front[1] + depth * front[2])
    nearer = (depth > globe.depth).float()
    in_front = 1 - globe.coverage * (1 - nearer)
    # |gradient of the distance| for a plane inclined so: 1 at the ends of the ellipse, 1 / slant
    # at its narrow places.
    steep = (1 + (depth / radius.clamp(min=1e-3) / slant) ** 2).sqrt()
    softness = canvas.pixel / pose.radius * steep
    sunlit = 1 - _in_shadow(pose, torch.stack([x, y, depth]), softness.clamp(max=0.2))
    sun_slant = float(pole @ pose.sun)
    return RingPlane(radius, longitude, in_front, sunlit, sun_slant * slant > 0, abs(slant),
                     max(abs(sun_slant), 0.01), softness)


def _in_shadow(pose: Pose, place: torch.Tensor, width: torch.Tensor | float = 0.01) -> torch.Tensor:
    """Return the proportion of the sun that the planet hides from a place in space, 0..1.

    Args:
        pose: how the planet stands.
        place: camera axes from the planet's middle, equatorial radii, (3, height, width).
        width: over which the shadow's edge is softened, equatorial radii.
    """
    axes = torch.as_tensor(pose.axes, dtype=place.dtype, device=place.device)
    sun = torch.as_tensor(pose.sun, dtype=place.dtype, device=place.device)
    squash = torch.tensor([1, 1, 1 - pose.flattening], dtype=place.dtype, device=place.device)
    point = apply(axes, place) / squash[:, None, None]
    ray = (axes @ sun) / squash
    along = (point * ray[:, None, None]).sum(0)
    # 1 - (distance of the sun's ray from the middle)^2, about twice the way inside the shadow
    inside = 1 - (point ** 2).sum(0) + along ** 2 / (ray ** 2).sum()
    return torch.where(along < 0, (0.5 + inside / (2 * width)).clamp(0, 1), 0.0)


def shadow_of_rings(globe: Globe, stopped: Profile) -> torch.Tensor:
    """Return the proportion of sunlight that the rings take away on the planet, (size, size).

    Args:
        globe: the planet.
        stopped: proportion of the light that is stopped at this height of the sun, one channel.
    """
    pose = globe.pose
    sun = pose.axes @ pose.sun  # in the planet's axes
    if abs(sun[2]) < 0.005:
        return torch.zeros_like(globe.mu)
    squash = 1 - pose.flattening
    norm = (globe.point[0] ** 2 + globe.point[1] ** 2 + (globe.point[2] / squash) ** 2).rsqrt()
    x, y, z = globe.point * norm
    way = -z / float(sun[2])
    radius = ((x + way * float(sun[0])) ** 2 + (y + way * float(sun[1])) ** 2).sqrt()
    # A pixel spans 1 / mu of its width on the ground; the sun casts that on the rings at a slant.
    width = (0.5 / globe.finest / abs(float(sun[2]))) / globe.mu.clamp(min=0.2)
    return torch.where(way > 0, stopped.mean(radius, width)[0], 0.0)
