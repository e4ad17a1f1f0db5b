"""Earth's clouds: rain belts, clear subtropics, storms drawn out into spirals."""

import math

import torch

from celestial.renderer.light.canvas import Canvas, smoothstep
from celestial.renderer.light.globe import Globe, direction, turn_about_pole
from celestial.renderer.light.noise import fbm, octave


def clouds(canvas: Canvas, globe: Globe) -> torch.Tensor:
    """Return how much of each pixel is cloud, 0..1.

    Much along the rain belt near the equator and in the storms of middle latitudes, little in the
    subtropics, where the air sinks (ISCCP climatology, Rossow & Schiffer 1999, BAMS 80, 2261).
    """
    points = _stirred(canvas, globe)
    latitude = globe.latitude.rad2deg()
    season = canvas.uniform(-6, 10)
    coarse = max(1.3, globe.pose.radius * 1.2)
    streaked = points * canvas.planes([1, 1, 1.5])
    masses = fbm(canvas, streaked, coarse, 5, gain=0.8, finest=globe.finest)
    wide = octave(canvas, streaked, 0.9)
    belt = 0.9 * torch.exp(-((latitude - season) / 7) ** 2)
    storms = 0.9 * torch.exp(-((latitude.abs() - 55) / 17) ** 2)
    sinking = -0.9 * torch.exp(-((latitude.abs() - 21) / 11) ** 2)
    bias = belt + storms + sinking + canvas.uniform(-0.5, 0.5)
    if globe.pose.radius > 1.8:
        bias = 0.4 * bias + canvas.uniform(-0.3, 0.3)
    cover = masses + 0.55 * wide + bias
    thick = smoothstep(-0.1, canvas.uniform(1.3, 2.8), cover)
    cells = octave(canvas, globe.point, min(30.0, globe.finest)) if globe.finest > 10 else 0.0
    thin = 0.22 * smoothstep(-0.3, 1.5, cells + 0.8 * cover)  # fair-weather cumulus
    return (thick + thin * (1 - thick)).clamp(0, 0.97)


def _stirred(canvas: Canvas, globe: Globe) -> torch.Tensor:
    """Turn space around storms' eyes, so that noise sampled there is drawn out into spirals.

    Winds blow counter-clockwise around northern lows and clockwise around southern ones.
    """
    near = globe.pose.radius > 1.8  # weather is too small there to be drawn out over the picture
    calm = 0.25 if near else 1.0
    jet = calm * canvas.uniform(0.2, 0.5) * torch.sin(canvas.uniform(4, 7) * globe.point[2]
                                                      + canvas.uniform(0, 6.3))
    points = turn_about_pole(globe.point, jet)
    points = points + 0.06 * octave(canvas, points, 2.0)
    for _ in range(2 if near else int(canvas.rng.integers(6, 12))):
        hemisphere = 1 if canvas.chance(0.5) else -1
        latitude = math.radians(hemisphere * canvas.uniform(32, 66))
        longitude = canvas.uniform(-math.pi, math.pi)
        eye = direction(latitude, longitude)
        if (eye @ globe.pose.axes)[2] < -0.2:
            continue  # on the far side
        along = canvas.planes(eye)
        cosine = (globe.point * along).sum(0)
        size = canvas.log_uniform(0.06, 0.22)
        turns = -hemisphere * calm * canvas.uniform(1.5, 4)
        angle = turns * torch.exp((cosine - 1) / size ** 2)
        across = torch.cross(along.expand_as(points), points, dim=0)
        parallel = along * (points * along).sum(0)
        points = parallel + (points - parallel) * angle.cos() + across * angle.sin()
    return points
