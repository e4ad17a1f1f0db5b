"""Shows a spheroid from far away: the place that each pixel sees, and how the sun falls there."""

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch

from celestial.renderer.light.canvas import Canvas


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
        coverage: proportion of the pixel that the body fills, 0..1.
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

    def before(self, sky: torch.Tensor, disc: torch.Tensor) -> torch.Tensor:
        """Return the light of the sky, (3, size, size), with that of the disc in front of it."""
        return sky * (1 - self.coverage) + disc * self.coverage

    def distance_to(self, latitude: float, longitude: float) -> torch.Tensor:
        """Angle from each pixel's point to a place on the body (degrees in), radians."""
        x, y, z = direction(math.radians(latitude), math.radians(longitude))
        cosine = self.point[0] * x + self.point[1] * y + self.point[2] * z
        return torch.acos(cosine.clamp(-0.999999, 0.999999))


def see_globe(canvas: Canvas, pose: Pose) -> Globe:
    """Cast a ray from each pixel on the spheroid of a pose."""
    axes = canvas.tensor(pose.axes)
    polar = 1 - pose.flattening
    squash = canvas.planes([1, 1, polar])
    x, y = from_middle(canvas, pose)
    flat = (axes[:, 0, None, None] * x + axes[:, 1, None, None] * y) / squash
    ray = axes[:, 2, None, None] / squash
    a, b = (ray ** 2).sum(), (flat * ray).sum(0)
    under_root = b ** 2 - a * ((flat ** 2).sum(0) - 1)
    # Half the distance to the limb in pixels, for a disc of radius 1 (1 - r^2 ~ 2 (1 - r)).
    edge = under_root / a * polar ** 2 if pose.flattening else under_root
    coverage = (0.5 + edge / 2 * pose.radius / canvas.pixel).clamp(0, 1)
    canvas.covers(coverage)
    depth = (-b + under_root.clamp(min=0).sqrt()) / a
    scaled = unit(flat + ray * depth)
    normal = unit(apply(axes.T, scaled / squash))
    sun = canvas.planes(pose.sun)
    return Globe(pose, coverage, unit(scaled * squash), normal, depth,
                 normal[2].clamp(min=0.0), (normal * sun).sum(0),
                 finest=0.5 * pose.radius / canvas.pixel)


def approach(canvas: Canvas, globe: Globe, distance: float) -> Globe:
    """Return the globe as a near camera sees it: less than half of it, in perspective.

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
    point = apply(canvas.tensor(globe.pose.axes), normal)
    sun = canvas.planes(globe.pose.sun)
    return replace(globe, point=point, normal=normal, mu=mu, mu0=(normal * sun).sum(0))


def gather_disc(globe: Globe) -> tuple[Globe, torch.Tensor]:
    """Keep only the pixels that show the body, because noise on fewer pixels takes less time.

    Returns:
        the globe with its pixels in one row, (1, N) and (3, 1, N), and which pixels they are,
        bool (size, size), for `scatter_disc`.
    """
    mask = globe.coverage > 0
    mask[0, 0] = True  # so that no function has to deal with an empty selection
    return Globe(globe.pose, globe.coverage[mask][None], globe.point[:, mask][:, None],
                 globe.normal[:, mask][:, None], globe.depth[mask][None], globe.mu[mask][None],
                 globe.mu0[mask][None], globe.finest), mask


def scatter_disc(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return values (channels, 1, N) of `gather_disc`'s pixels as a picture, 0 elsewhere."""
    picture = torch.zeros(values.shape[0], *mask.shape, device=values.device)
    picture[:, mask] = values[:, 0]
    return picture


def unit(vectors: torch.Tensor) -> torch.Tensor:
    """Scale vectors (3, ...) to length 1."""
    return vectors * (vectors * vectors).sum(0, keepdim=True).clamp(min=1e-12).rsqrt()


def apply(matrix: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
    """Return a matrix (3, 3) times each of the vectors (3, h, w)."""
    return (matrix @ vectors.reshape(3, -1)).reshape(vectors.shape)


def direction(latitude: float, longitude: float) -> np.ndarray:
    """Return the unit vector (3,) of a place (radians) in the body's axes."""
    return np.array([math.cos(latitude) * math.cos(longitude),
                     math.cos(latitude) * math.sin(longitude), math.sin(latitude)])


def turn_about_pole(point: torch.Tensor, angle: torch.Tensor) -> torch.Tensor:
    """Turn points (3, h, w) about the pole by angles (h, w), radians, eastwards."""
    cosine, sine = angle.cos(), angle.sin()
    return torch.stack([point[0] * cosine - point[1] * sine,
                        point[0] * sine + point[1] * cosine, point[2]])


def from_middle(canvas: Canvas, pose: Pose) -> tuple[torch.Tensor, torch.Tensor]:
    """Return x and y of each pixel from the middle of the disc, radii, (size, size) each."""
    return ((canvas.x - pose.centre[0]) / pose.radius,
            (canvas.y - pose.centre[1]) / pose.radius)


def beyond_limb(canvas: Canvas, pose: Pose) -> torch.Tensor:
    """Return how far each pixel lies beyond the limb of a sphere, radii; 0 on the disc."""
    x, y = canvas.x - pose.centre[0], canvas.y - pose.centre[1]
    return ((x ** 2 + y ** 2).sqrt() / pose.radius - 1).clamp(min=0)


def night_light(canvas: Canvas) -> float:
    """Choose the light on the night side: none in space, some in most planetarium programs.

    Returns:
        light as a proportion of full sun, to be added to what the phase law gives.
    """
    return canvas.log_uniform(0.004, 0.06) if canvas.chance(0.25) else 0.0


def minnaert(globe: Globe, k: float) -> torch.Tensor:
    """Return Minnaert's law, mu0^k mu^(k-1) (Minnaert 1941, ApJ 93, 403): k 0.5 flat, 1 Lambert."""
    lit = globe.mu0.clamp(min=0)
    return torch.where(lit > 0, lit ** k * globe.mu.clamp(min=0.02) ** (k - 1), 0.0)


def lommel_seeliger(globe: Globe, least: float = 1e-3) -> torch.Tensor:
    """Return the Lommel-Seeliger law of dark, rough ground, 2 mu0 / (mu0 + mu): 1 at full phase.

    Args:
        globe: the body.
        least: of mu0 + mu, which is 0 where the terminator meets the limb.
    """
    lit = globe.mu0.clamp(min=0)
    return 2 * lit / (lit + globe.mu).clamp(min=least)
