"""What web sites put behind a picture that was cut out: paper, a checkerboard, colours, skies."""

import colorsys

import numpy as np
import torch

from celestial.renderer.light.camera import blur
from celestial.renderer.light.canvas import Canvas, mix, rotated, smoothstep
from celestial.renderer.light.noise import fbm, plane_points
from celestial.renderer.light.stars import field_stars

KINDS = {"white": 22, "checker": 16, "flat": 14, "gradient": 14, "stars": 14, "nebula": 14,
         "black": 6}


def backdrop(canvas: Canvas, kind: str) -> np.ndarray:
    """Return a background of one of `KINDS`, sRGB uint8 (size, size, 3)."""
    painted = {"white": _white, "checker": _checker, "flat": _flat, "gradient": _gradient,
               "stars": _stars, "nebula": _nebula, "black": _black}[kind](canvas)
    whole = painted.expand(3, canvas.size, canvas.size).clamp(0, 1)
    return (whole * 255).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()


def any_colour(canvas: Canvas, least: float = 0.0, most: float = 1.0) -> tuple[int, int, int]:
    """Return an sRGB colour, 0..255, whose brightest channel is between least and most of white."""
    c = canvas
    dull = c.uniform(0, 0.25) if c.chance(0.35) else c.uniform(0.25, 1)
    red, green, blue = colorsys.hsv_to_rgb(c.uniform(0, 1), dull, c.uniform(least, most))
    return round(red * 255), round(green * 255), round(blue * 255)


def _tone(canvas: Canvas, least: float = 0.0, most: float = 1.0) -> torch.Tensor:
    return canvas.planes(any_colour(canvas, least, most)) / 255


def _white(canvas: Canvas) -> torch.Tensor:
    return canvas.planes([1.0] * 3) * (1 if canvas.chance(0.8) else canvas.uniform(0.88, 1))


def _black(canvas: Canvas) -> torch.Tensor:
    return canvas.planes([canvas.uniform(0, 0.12) if canvas.chance(0.4) else 0.0] * 3)


def _checker(canvas: Canvas) -> torch.Tensor:
    """Return the squares that stand for transparency: white and grey, at times two greys."""
    c = canvas
    side = c.log_uniform(3, 14) * c.scale * c.pixel
    odd = ((c.x + 5) / side).floor() + ((c.y + 5) / side).floor()
    light = 1.0 if c.chance(0.85) else c.uniform(0.3, 0.6)
    dark = light * c.uniform(0.72, 0.93)
    return (light + (dark - light) * odd.remainder(2))[None]


def _flat(canvas: Canvas) -> torch.Tensor:
    return _tone(canvas, 0.1)


def _gradient(canvas: Canvas) -> torch.Tensor:
    """Return two colours that run into each other along a line or from a middle outwards."""
    c = canvas
    along = rotated(c.x, c.y, c.uniform(0, 6.3))[0] if c.chance(0.6) else (
        (c.x - c.rng.normal(0, 0.3)) ** 2 + (c.y - c.rng.normal(0, 0.3)) ** 2).sqrt() * 2 - 1
    return mix(_tone(c), _tone(c), smoothstep(-1.2, 1.2, along))


def _stars(canvas: Canvas) -> torch.Tensor:
    """Return a dense starry sky as illustrators fill one in: many stars, some of them large."""
    c = canvas
    light = field_stars(c, int(c.log_uniform(60, 3000)), c.log_uniform(0.6, 12),
                        c.uniform(0.7, 1.5), c.uniform(0, 1.2))
    if c.chance(0.5):
        light = light + 2 * blur(light, c.scale * c.uniform(0.6, 1.2))
    base = _tone(c, 0.0, 0.25) if c.chance(0.5) else c.planes([0.0] * 3)
    return base + light.clamp(0, 1) ** (1 / 2.2)


def _nebula(canvas: Canvas) -> torch.Tensor:
    """Return clouds of two or three colours among stars, as behind an artist's impression."""
    c = canvas
    points = plane_points(c)
    sky = _tone(c, 0.0, 0.3) * c.uniform(0.2, 1)
    for _ in range(int(c.rng.integers(1, 4))):
        cloud = fbm(c, points + c.uniform(-9, 9), c.log_uniform(0.6, 2.0), 4, 0.55)
        thick = smoothstep(c.uniform(-1, 0.5), 2.5, cloud) * c.uniform(0.3, 1)
        sky = mix(sky, _tone(c, 0.3), thick)
    return sky + _stars(c) * c.uniform(0.3, 1)
