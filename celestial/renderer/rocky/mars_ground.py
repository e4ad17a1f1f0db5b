"""Mars from orbit, no limb in sight: craters, canyons and dunes under a low sun."""

import math

import torch

from celestial.renderer.light.canvas import Canvas, mix, smoothstep
from celestial.renderer.light.noise import fbm, octave, plane_points, ridged


def ground(canvas: Canvas, desert: torch.Tensor, rock: torch.Tensor) -> torch.Tensor:
    """Return the ground from orbit, no limb in sight: craters, canyons, dunes, lit from a side.

    Args:
        canvas: the picture.
        desert, rock: colours of bright and dark ground, linear (3, 1, 1).

    Returns:
        linear (3, size, size).
    """
    points = plane_points(canvas)
    finest = canvas.size / 4
    kind = canvas.pick({"craters": 5, "canyons": 3, "dunes": 2, "plain": 1.5})
    tone = fbm(canvas, points, 0.9, 5, gain=0.6, finest=finest)
    height = canvas.log_uniform(0.01, 0.035) * fbm(canvas, points, 1.2, 5, gain=0.52,
                                                   finest=finest)
    if kind == "canyons":
        warped = points + 0.12 * octave(canvas, points, 1.0)
        valley = octave(canvas, warped, canvas.uniform(0.35, 0.8)).abs()
        gullies = ridged(canvas, warped, 3.0, 4, gain=0.65, finest=finest)
        depth = smoothstep(0.55, 0.2, valley - 0.9 * (gullies - 0.6))
        height = height - 0.12 * depth
        tone = tone + depth
    if kind == "dunes":
        angle = canvas.uniform(0, math.pi)
        across = canvas.x * math.cos(angle) + canvas.y * math.sin(angle)
        wave = across * canvas.uniform(8, 20) + 1.1 * octave(canvas, points, 1.2)
        field = smoothstep(-0.5, 0.5, octave(canvas, points, 0.6) + 0.5)
        height = height + 0.018 * field * (wave * 2).sin().abs().sqrt()
        tone = tone + 0.8 * field
    height = height + _craters(canvas, {"craters": 45, "plain": 12}.get(kind, 8))
    light = _lit_ground(canvas, height)
    return mix(desert, rock, smoothstep(-1.5, 2.5, tone) * canvas.uniform(0.3, 1.0)) * light


def _craters(canvas: Canvas, most: int) -> torch.Tensor:
    """Return the height of craters: bowls with raised rims, many small ones and few large.

    Numbers fall as the square of the diameter; depth is a fifth to a tenth of it (Garvin et al.
    2003, Sixth International Conference on Mars, 3277).
    """
    height = torch.zeros_like(canvas.x)
    for _ in range(int(canvas.rng.integers(most // 4, most + 1))):
        radius = min(0.55, 0.045 * canvas.rng.random() ** -0.5)
        column, row = (canvas.rng.uniform(-0.15, 1.15, 2) * canvas.size).astype(int)
        reach = int(1.7 * radius / canvas.pixel) + 2
        window = (slice(max(0, row - reach), max(0, row + reach)),
                  slice(max(0, column - reach), max(0, column + reach)))
        x, y = canvas.x[window], canvas.y[window]
        if x.numel() == 0:
            continue
        away = ((x + 1 - column * canvas.pixel) ** 2
                + (y - 1 + row * canvas.pixel) ** 2).sqrt() / radius
        floor = canvas.uniform(0.3, 0.8)
        bowl = (away.clamp(min=floor) ** 2 - 1).clamp(max=0) / (1 - floor ** 2)
        rim = torch.exp(-((away - 1) / 0.22) ** 2)
        height[window] += radius * canvas.uniform(0.15, 0.4) * (bowl + 0.35 * rim)
    return height


def _lit_ground(canvas: Canvas, height: torch.Tensor) -> torch.Tensor:
    """Return the light of ground of this height under a low sun."""
    angle, low = canvas.uniform(0, 2 * math.pi), math.radians(canvas.uniform(15, 45))
    down, right = torch.gradient(height, spacing=canvas.pixel)
    slope = right * math.cos(angle) - down * math.sin(angle)
    flat = (1 + right ** 2 + down ** 2).rsqrt()
    lit = ((math.sin(low) - slope * math.cos(low)) * flat).clamp(min=0) / math.sin(low) ** 0.6
    return lit * 1.2
