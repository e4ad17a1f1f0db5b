"""A spheroid as a camera far away sees it: where each pixel looks, and how the sun falls there."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from celestial.renderer.canvas import Canvas


@dataclass(frozen=True)
class Pose:
    """How a body stands before the camera. Camera axes: x right, y up, z towards the camera.

    Attributes:
        radius: equatorial, image-plane units (1 reaches from the middle to the edge).
        centre: (x, y) of its middle, image-plane units.
        latitude: of the point below the camera, radians; positive: the north pole is turned to us.
        turn: position angle of the north pole, radians, counter-clockwise from up.
        longitude: of the point below the camera, radians, east positive.
        phase: angle at the body between sun and camera, radians: 0 full, pi new.
        sun_turn: direction on the picture in which the sun stands, radians, counter-clockwise from
            right.
        flattening: (equatorial - polar) / equatorial radius.
    """

    radius: float
    centre: tuple[float, float]
    latitude: float
    turn: float
    longitude: float
    phase: float
    sun_turn: float
    flattening: float = 0.0

    @cached_property
    def axes(self) -> np.ndarray:
        """Rows: the body's x (prime meridian), y and z (north pole) axes in camera axes."""
        b, p, lon = self.latitude, self.turn, self.longitude
        pole = np.array([-math.sin(p) * math.cos(b), math.cos(p) * math.cos(b), math.sin(b)])
        east = np.array([math.cos(p), math.sin(p), 0.0])  # of the central meridian's equator
        front = np.cross(east, pole)
        x = math.cos(lon) * front - math.sin(lon) * east
        return np.stack([x, np.cross(pole, x), pole])

    @cached_property
    def sun(self) -> np.ndarray:
        """Unit vector towards the sun in camera axes."""
        side = math.sin(self.phase)
        return np.array([side * math.cos(self.sun_turn), side * math.sin(self.sun_turn),
                         math.cos(self.phase)])


@dataclass(frozen=True)
class Globe:
    """What each pixel sees of a spheroid; all tensors float32, (size, size) or (3, size, size).

    Pixels beyond the limb hold the values of a point on it; `coverage` is 0 there.

    Attributes:
        pose: how the body stands.
        coverage: share of the pixel that the body fills, 0..1.
        point: unit vector from the body's middle, in the body's axes.
        normal: unit vector out of the surface, in camera axes.
        depth: z of the surface in camera axes, equatorial radii, from the body's middle.
        mu: cosine of the angle to the camera, 0..1.
        mu0: cosine of the angle to the sun, negative on the night side.
        finest: highest frequency that the pixels can show, cycles per equatorial radius.
    """

    pose: Pose
    coverage: torch.Tensor
    point: torch.Tensor
    normal: torch.Tensor
    depth: torch.Tensor
    mu: torch.Tensor
    mu0: torch.Tensor
    finest: float

    @cached_property
    def latitude(self) -> torch.Tensor:
        """Planetocentric latitude, radians."""
        return torch.asin(self.point[2].clamp(-1, 1))

    @cached_property
    def longitude(self) -> torch.Tensor:
        """Longitude, radians, -pi..pi, east positive."""
        return torch.atan2(self.point[1], self.point[0])

    def distance_to(self, latitude: float, longitude: float) -> torch.Tensor:
        """Angle from each pixel's point to a place on the body (degrees in), radians."""
        lat, lon = math.radians(latitude), math.radians(longitude)
        x, y, z = math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)
        cosine = self.point[0] * x + self.point[1] * y + self.point[2] * z
        return torch.acos(cosine.clamp(-0.999999, 0.999999))


def see_globe(canvas: Canvas, pose: Pose) -> Globe:
    """Cast a ray from each pixel on the spheroid of a pose."""
    axes = canvas.tensor(pose.axes)
    polar = 1 - pose.flattening
    squash = canvas.tensor([1, 1, polar])[:, None, None]
    x = (canvas.x - pose.centre[0]) / pose.radius
    y = (canvas.y - pose.centre[1]) / pose.radius
    flat = (axes[:, 0, None, None] * x + axes[:, 1, None, None] * y) / squash
    ray = axes[:, 2, None, None] / squash
    a, b = (ray ** 2).sum(), (flat * ray).sum(0)
    under_root = b ** 2 - a * ((flat ** 2).sum(0) - 1)
    # Half the distance to the limb in pixels, for a disc of radius 1 (1 - r^2 ~ 2 (1 - r)).
    edge = under_root / a * polar ** 2 if pose.flattening else under_root
    coverage = (0.5 + edge / 2 * pose.radius / canvas.pixel).clamp(0, 1)
    depth = (-b + under_root.clamp(min=0).sqrt()) / a
    scaled = flat + ray * depth
    scaled = unit(scaled)
    point = scaled * squash
    outward = scaled / squash
    normal = unit((axes.T @ outward.reshape(3, -1)).reshape(outward.shape))
    sun = canvas.tensor(pose.sun)[:, None, None]
    return Globe(pose, coverage, unit(point), normal, depth,
                 normal[2].clamp(min=0.0), (normal * sun).sum(0),
                 finest=0.5 * pose.radius / canvas.pixel)


def unit(vectors: torch.Tensor) -> torch.Tensor:
    """Scale vectors (3, ...) to length 1."""
    return vectors * (vectors * vectors).sum(0, keepdim=True).clamp(min=1e-12).rsqrt()


def night_light(canvas: Canvas) -> float:
    """Choose the light on the night side: none in space, some in most planetarium programs.

    Returns:
        light as a share of full sun, to be added to what the phase law gives.
    """
    return canvas.log_uniform(0.004, 0.06) if canvas.chance(0.25) else 0.0


def minnaert(globe: Globe, k: float) -> torch.Tensor:
    """Return Minnaert's law, mu0^k mu^(k-1) (Minnaert 1941, ApJ 93, 403): k 0.5 flat, 1 Lambert."""
    lit = globe.mu0.clamp(min=0)
    return torch.where(lit > 0, lit ** k * globe.mu.clamp(min=0.02) ** (k - 1), 0.0)


def lommel_seeliger(globe: Globe) -> torch.Tensor:
    """Return the Lommel-Seeliger law of dark, rough ground, 2 mu0 / (mu0 + mu): 1 at full phase."""
    lit = globe.mu0.clamp(min=0)
    return 2 * lit / (lit + globe.mu).clamp(min=1e-3)


def frame(canvas: Canvas, kinds: dict[str, float]) -> tuple[float, tuple[float, float]]:
    """Choose how large a body is in the picture and where.

    Args:
        canvas: the picture.
        kinds: weights of "full" (the disc fills much of the frame), "small" (a small disc in a
            large field), "partial" (the frame cuts the disc), "close" (little or no limb).

    Returns:
        (radius, centre) in image-plane units, for a Pose.
    """
    kind = canvas.pick(kinds)
    if kind == "full":
        radius = canvas.uniform(0.5, 0.97)
        room = max(0.0, 1 - radius) * 0.9
        return radius, (canvas.uniform(-room, room), canvas.uniform(-room, room))
    if kind == "small":
        radius = canvas.log_uniform(0.09, 0.5)
        room = (0.9 - radius) * canvas.uniform(0.1, 1)
        return radius, (canvas.uniform(-room, room), canvas.uniform(-room, room))
    angle = canvas.uniform(0, 2 * math.pi)
    if kind == "partial":
        radius = canvas.uniform(0.7, 2.0)
        away = canvas.uniform(max(0.2, radius - 0.8), radius + 0.3)
    else:
        radius = canvas.log_uniform(2.0, 8.0)
        away = canvas.uniform(0, radius * 0.75)
    return radius, (away * math.cos(angle), away * math.sin(angle))
