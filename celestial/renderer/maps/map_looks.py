"""Changes pictures from maps: tones of filters, stretched colours, small telescopes."""

import math
from dataclasses import replace

import torch

from celestial.renderer.light.canvas import Canvas, smoothstep
from celestial.renderer.light.globe import Globe, Pose
from celestial.renderer.light.look import LUMINANCE, Look


def grey_of(canvas: Canvas, light: torch.Tensor) -> torch.Tensor:
    """Return the luminance of linear light (3, h, w), (1, h, w)."""
    return (light * canvas.planes(LUMINANCE)).sum(0, keepdim=True)


def mean_light(canvas: Canvas, globe: Globe, light: torch.Tensor) -> float:
    """Return the mean luminance of what is seen of a globe."""
    weight = globe.coverage
    return float((grey_of(canvas, light)[0] * weight).sum() / weight.sum().clamp(min=1e-6))


def levelled(canvas: Canvas, globe: Globe, light: torch.Tensor, level: float) -> torch.Tensor:
    """Scale a body's light, (3, h, w), so that its mean luminance is a level: maps differ."""
    return light * (level / max(mean_light(canvas, globe, light), 1e-3))


def hued(canvas: Canvas, globe: Globe, light: torch.Tensor, srgb: tuple[float, ...],
         power: float) -> torch.Tensor:
    """Return light (3, h, w) with its mean colour moved towards another.

    Args:
        canvas: gives the device.
        globe: the body.
        light: of it, linear.
        srgb: the colour, 0..255.
        power: how far: 0 not at all, 1 all the way.
    """
    mean = (light * globe.coverage).flatten(1).sum(1)[:, None, None] + 1e-6
    gain = (canvas.colour(*srgb) / mean) ** power
    return light * (gain / gain.mean())


def saturated(canvas: Canvas, light: torch.Tensor, amount: float) -> torch.Tensor:
    """Return light with its colours drawn apart (amount above 1) or together, (3, h, w)."""
    grey = grey_of(canvas, light)
    return (grey + (light - grey) * amount).clamp(min=0)


def contrasted(canvas: Canvas, globe: Globe, light: torch.Tensor, power: float) -> torch.Tensor:
    """Return light with a power law about its mean, as stretched pictures have it."""
    mean = max(mean_light(canvas, globe, light), 1e-3)
    return light * (grey_of(canvas, light) / mean).clamp(0.02, 8) ** (power - 1)


def methane(canvas: Canvas, globe: Globe, light: torch.Tensor) -> torch.Tensor:
    """Return what a filter at methane's band at 889 nm shows of Jupiter or Saturn, grey (1, h, w).

    Only what lies high is bright: hoods of the poles, the zone at the equator, and the Great Red
    Spot (West et al. 2004, in "Jupiter", Cambridge, ch. 5; amounts by eye).
    """
    degrees = globe.latitude.rad2deg()
    hood = smoothstep(52, 72, degrees.abs())
    zone = torch.exp(-(degrees / 7.5) ** 2)
    red = (light[0] / light[2].clamp(min=0.02) - 1).clamp(0, 3)
    spot = smoothstep(0.9, 1.8, red) * torch.exp(-((degrees + 22) / 6) ** 2)
    grey = grey_of(canvas, light)[0]
    detail = (grey / max(float(grey.mean()), 1e-3)).clamp(0.3, 2)
    return ((0.13 + 0.42 * zone + 0.5 * spot) * detail + 0.4 * hood)[None]


def through_small_telescope(canvas: Canvas, look: Look, radius: float) -> None:
    """Make a look that of a phone at an eyepiece or a small lens: soft, noisy, often overexposed.

    Args:
        canvas: the picture.
        look: is changed.
        radius: of the disc, pixels.
    """
    c = canvas
    look.fwhm = max(0.8, min(radius * c.log_uniform(0.25, 0.9), c.size / 12))
    look.exposure = c.log_uniform(0.5, 2.2)
    look.saturation = c.uniform(0.4, 1.2)
    look.photons, look.read_noise = c.log_uniform(150, 4000), c.log_uniform(0.002, 0.02)
    if c.chance(0.5):
        level = c.log_uniform(0.001, 0.012)  # a sky that is not black
        look.sky = (level, level * c.uniform(0.8, 1.1), level * c.uniform(0.8, 1.2))
    look.sharpening, look.contrast, look.missing = 0.0, 0.0, 0.0
    if c.chance(0.6):
        look.aspect = c.uniform(0.56, 0.8)


def small_pose_radius(canvas: Canvas, fewest: float, most: float) -> float:
    """Return the radius of a disc so many pixels wide at a size of 128, image-plane units."""
    return canvas.log_uniform(fewest, most) / 128


def small_pose(canvas: Canvas, pose: Pose, radius: float, room: float, high: float = 0.6) -> Pose:
    """Return a pose with a small disc anywhere in the middle of the picture.

    Args:
        canvas: gives the randomness.
        pose: how the body is turned and lit.
        radius: of the disc, image-plane units.
        room: how far from the picture's middle, at most, to the left and right.
        high: proportion of it, up and down.
    """
    x, y = (canvas.uniform(-room, room) for _ in range(2))
    return replace(pose, radius=radius, centre=(x, y * high))


def limb_haze(globe: Globe, depth: float) -> torch.Tensor:
    """Return the light of thin haze over a sunlit ground, brightest at the limb, like globe.mu.

    Single scattering of a layer of optical depth `depth` (Chandrasekhar 1960).
    """
    lit = globe.mu0.clamp(min=0)
    return lit / (lit + globe.mu + 0.05) * (1 - torch.exp(-2 * depth / (globe.mu + 0.03)))


def random_direction(canvas: Canvas) -> tuple[float, float]:
    """Return (latitude, longitude) of a place on a sphere, all equally likely, radians."""
    return math.asin(canvas.uniform(-1, 1)), canvas.uniform(-math.pi, math.pi)
