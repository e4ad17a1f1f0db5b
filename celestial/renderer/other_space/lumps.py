"""Bodies too small to be round: asteroids, comets' nuclei, Phobos, Deimos."""

import math

import numpy as np
import torch

from celestial.renderer.light.camera import photograph
from celestial.renderer.light.canvas import Canvas, mix, smoothstep
from celestial.renderer.light.framing import frame
from celestial.renderer.light.globe import Globe, Pose, apply, from_middle, unit
from celestial.renderer.light.look import random_look
from celestial.renderer.light.noise import fbm, in_plane
from celestial.renderer.light.stars import space
from celestial.renderer.rocky import craters

STEPS = 20  # of the search for the surface along each ray


def draw(canvas: Canvas) -> np.ndarray:
    """Draw a picture of an irregular body: uint8 (height, width, 3)."""
    globe = _see(canvas, _pose(canvas), _blobs(canvas))
    canvas.covers(globe.coverage)
    look = random_look(canvas, mono=0.4)
    look.exposure = canvas.log_uniform(0.8, 2.0)
    look.read_noise = min(look.read_noise, 0.012)
    look.fwhm = min(look.fwhm, canvas.size / 50)
    sky = space(canvas)
    if canvas.chance(0.12):  # a comet's nucleus in its own dust
        jet = torch.exp(-(canvas.x ** 2 + canvas.y ** 2) / canvas.uniform(0.2, 1))
        sky = sky + canvas.colour(200, 205, 210) * jet * canvas.log_uniform(0.02, 0.3)
    return photograph(canvas, globe.before(sky, _surface(canvas, globe)), look)


def _pose(canvas: Canvas) -> Pose:
    """Choose viewpoint, sun and framing."""
    radius, centre = frame(canvas, {"full": 75, "small": 25})
    phase = canvas.uniform(5, 90)
    radius = max(radius, 0.18) * canvas.uniform(1.0, 1.35)
    return Pose(radius, centre, canvas.rng.normal(0, 0.6), canvas.uniform(0, 2 * math.pi),
                canvas.uniform(-math.pi, math.pi), math.radians(phase),
                canvas.uniform(0, 2 * math.pi))


def _blobs(canvas: Canvas) -> np.ndarray:
    """Return the balls whose blend is the body: x, y, z in camera axes, size, (n, 4)."""
    rng = canvas.rng
    kind = canvas.pick({"pair": 30, "long": 35, "potato": 35})
    if kind == "pair":
        small = rng.uniform(0.26, 0.42)
        blobs = np.array([[-0.42, 0, 0, rng.uniform(0.36, 0.46)], [0.48, 0, 0, small]])
        blobs = np.vstack([blobs, [0.05, 0, 0, rng.uniform(0.1, 0.25)]])
    elif kind == "long":
        along = np.linspace(-0.6, 0.6, 4)
        blobs = np.stack([along, rng.normal(0, 0.1, 4), rng.normal(0, 0.1, 4),
                          rng.uniform(0.22, 0.38, 4)], 1)
    else:
        blobs = np.hstack([rng.normal(0, (0.36, 0.2, 0.2), (6, 3)), rng.uniform(0.3, 0.5, (6, 1))])
    turn, lean = rng.uniform(0, 2 * math.pi), rng.normal(0, 0.5)
    x, y, z = blobs[:, :3].T
    x, z = x * math.cos(lean) - z * math.sin(lean), x * math.sin(lean) + z * math.cos(lean)
    x, y = x * math.cos(turn) - y * math.sin(turn), x * math.sin(turn) + y * math.cos(turn)
    return np.stack([x, y, z, blobs[:, 3]], 1)


def _see(canvas: Canvas, pose: Pose, blobs: np.ndarray) -> Globe:
    """Find the surface that each pixel sees: where the blend of the balls passes a threshold.

    A ball adds exp(-(distance / size)^2) (Blinn 1982, ACM Trans. Graph. 1, 235), which falls
    apart into a factor of the pixel and one of the depth.
    """
    x, y = from_middle(canvas, pose)
    uneven = 0.06 * fbm(canvas, in_plane(x, y), 1.6, 4, 0.5, 0.5 / canvas.pixel) - math.exp(-1)
    middle_x, middle_y, middle_z, size = blobs.T
    flat = torch.stack([torch.exp(-((x - a) ** 2 + (y - b) ** 2) / s ** 2)
                        for a, b, s in zip(middle_x, middle_y, size, strict=True)])
    depth, before, best = (torch.full_like(x, value) for value in (-1.2, -1.0, -1.0))
    heights = np.linspace(1.2, -1.2, STEPS)
    for z in heights:
        weights = canvas.tensor(np.exp(-((z - middle_z) / size) ** 2))
        value = torch.tensordot(weights, flat, 1) + uneven
        entry = z + (heights[0] - heights[1]) * value / (value - before).clamp(min=1e-6)
        depth = torch.where((value > 0) & (best <= 0), entry, depth)
        before, best = value, torch.maximum(best, value)
    outwards = _outwards(canvas, blobs, flat, torch.stack([x, y, depth]))
    normal = unit(outwards)
    pixel = canvas.pixel / pose.radius
    coverage = (0.5 + best / (outwards[:2].norm(dim=0).clamp(min=0.5) * pixel)).clamp(0, 1)
    point = unit(apply(canvas.tensor(pose.axes), torch.stack([x, y, depth])))
    return Globe(pose, coverage * (best > 0), point, normal, depth, normal[2].clamp(min=0.05),
                 (normal * canvas.planes(pose.sun)).sum(0), finest=0.5 / pixel)


def _outwards(canvas: Canvas, blobs: np.ndarray, flat: torch.Tensor,
              place: torch.Tensor) -> torch.Tensor:
    """Return how fast the blend of the balls falls at places (3, size, size), a vector there."""
    fall = torch.zeros_like(place)
    for blob, near in zip(blobs, flat, strict=True):
        offset = place - canvas.planes(blob[:3])
        fall += near * torch.exp(-(offset[2] / blob[3]) ** 2) * offset * (2 / blob[3] ** 2)
    return fall


def _surface(canvas: Canvas, globe: Globe) -> torch.Tensor:
    """Return the light of the ground, linear (3, size, size)."""
    strength = torch.full_like(globe.mu, canvas.uniform(0.4, 1.3))
    ground = craters.rugged(canvas, globe, canvas.uniform(0.8, 1.6), strength)
    mottle = fbm(canvas, globe.point, 2.5, 5, 0.7, globe.finest)
    tones = [(150, 148, 145), (165, 140, 120), (130, 110, 95), (180, 165, 140), (120, 120, 128)]
    colour = canvas.colour(*tones[canvas.rng.integers(len(tones))])
    colour = mix(colour, canvas.colour(190, 185, 178), 0.3 * smoothstep(-0.5, 2, mottle))
    grooves = 0.0
    if canvas.chance(0.25):  # Phobos' chains of pits
        along = globe.point[0] + canvas.uniform(-1, 1) * globe.point[1] + 0.02 * mottle
        grooves = 0.18 * smoothstep(0.7, 1.0, torch.sin(canvas.uniform(25, 50) * along))
    colour = colour * (1 + 0.1 * mottle - grooves + 0.3 * ground.fresh).clamp(min=0.2)
    shade = globe.mu0.clamp(min=0) ** 0.4  # soft shade shows the shape
    return colour * craters.moonlight(canvas, globe, ground) * shade * 1.2
