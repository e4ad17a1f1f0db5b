"""Rings in a planet's equatorial plane: where each pixel meets them, and the shadows both ways."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from celestial.renderer.canvas import Canvas
from celestial.renderer.globe import Globe, Pose

Profile = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class RingPlane:
    """What each pixel sees of the equatorial plane; float32 (size, size).

    Attributes:
        radius: distance from the planet's middle, equatorial radii.
        in_front: 1 where the plane is nearer than the planet or beside it, else 0; soft at the
            edges.
        sunlit: 0 in the planet's shadow, 1 outside.
        lit_face: whether the sun stands on the side of the rings that we see.
        slant: sine of the angle at which we look on the rings, 0 edge-on.
        sun_slant: the same for the sunlight.
        softness: width of a pixel on the rings, equatorial radii.
    """

    radius: torch.Tensor
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
    slant = float(pole[2]) if abs(pole[2]) > 0.01 else 0.01
    x = (canvas.x - pose.centre[0]) / pose.radius
    y = (canvas.y - pose.centre[1]) / pose.radius
    depth = -(x * float(pole[0]) + y * float(pole[1])) / slant
    radius = (x ** 2 + y ** 2 + depth ** 2).sqrt()
    nearer = (depth > globe.depth).float()
    in_front = 1 - globe.coverage * (1 - nearer)
    sunlit = 1 - in_shadow(pose, torch.stack([x, y, depth]))
    sun_slant = float(pole @ pose.sun)
    # Towards the ends of the ellipse a pixel spans its own width, elsewhere 1 / slant times that.
    tilt = (depth / radius.clamp(min=1e-3)) ** 2 * (1 / slant ** 2 - 1)
    softness = canvas.pixel / pose.radius * (1 + tilt.clamp(min=0)).sqrt()
    return RingPlane(radius, in_front, sunlit, sun_slant * slant > 0, abs(slant), abs(sun_slant),
                     softness)


def in_shadow(pose: Pose, place: torch.Tensor) -> torch.Tensor:
    """Return 1 where the planet hides the sun from a place in space, else 0.

    Args:
        pose: how the planet stands.
        place: camera axes from the planet's middle, equatorial radii, (3, height, width).
    """
    axes = torch.as_tensor(pose.axes, dtype=place.dtype, device=place.device)
    sun = torch.as_tensor(pose.sun, dtype=place.dtype, device=place.device)
    squash = torch.tensor([1, 1, 1 - pose.flattening], dtype=place.dtype, device=place.device)
    point = (axes @ place.reshape(3, -1)).reshape(place.shape) / squash[:, None, None]
    ray = (axes @ sun) / squash
    a = (ray ** 2).sum()
    b = (point * ray[:, None, None]).sum(0)
    c = (point ** 2).sum(0) - 1
    return ((b < 0) & (b ** 2 > a * c)).float()


def shadow_of_rings(globe: Globe, opacity: Profile) -> torch.Tensor:
    """Return the share of sunlight that the rings take away on the planet, (size, size).

    Args:
        globe: the planet.
        opacity: distance from the middle in equatorial radii -> share of light that is stopped,
            at normal incidence.
    """
    pose = globe.pose
    sun = pose.axes @ pose.sun  # in the planet's axes
    if abs(sun[2]) < 0.01:
        return torch.zeros_like(globe.mu)
    squash = 1 - pose.flattening
    norm = (globe.point[0] ** 2 + globe.point[1] ** 2 + (globe.point[2] / squash) ** 2).rsqrt()
    x, y, z = globe.point * norm
    way = -z / float(sun[2])
    radius = ((x + way * float(sun[0])) ** 2 + (y + way * float(sun[1])) ** 2).sqrt()
    stopped = 1 - (1 - opacity(radius)).clamp(min=1e-3) ** (1 / abs(float(sun[2])))
    return torch.where(way > 0, stopped, 0.0)
