"""Lights in the dark: launches, their arcs in long exposures, cities, lamps, glare in the lens."""

import math

import numpy as np
import torch

from celestial.renderer.light.camera import blur, photograph
from celestial.renderer.light.canvas import Canvas, mix, rotated, smoothstep
from celestial.renderer.light.look import random_look
from celestial.renderer.light.noise import fbm, in_plane, plane_points
from celestial.renderer.light.stars import field_stars, splat

WARM = ((255, 190, 110), (255, 225, 170), (255, 160, 70), (255, 240, 220), (190, 215, 255))


def draw(canvas: Canvas) -> np.ndarray:
    """Draw lights at night: uint8 (height, width, 3)."""
    c = canvas
    kind = c.pick({"launch": 30, "arc": 16, "city": 18, "lamp": 14, "glare": 12, "from_above": 10})
    light = {"launch": _launch, "arc": _arc, "city": _city, "lamp": _lamp, "glare": _glare,
             "from_above": _from_above}[kind](c)
    look = random_look(c, mono=0.05)
    look.exposure = c.log_uniform(0.6, 2.0)
    look.fwhm = min(look.fwhm, 1.6 * c.scale)
    return photograph(c, light, look)


def _tone(canvas: Canvas) -> torch.Tensor:
    return canvas.colour(*WARM[int(canvas.rng.integers(len(WARM)))])


def _dark_sky(canvas: Canvas) -> torch.Tensor:
    """Return a night or dusk sky, brighter below, at times with stars."""
    c = canvas
    high, low = c.colour(*c.rng.uniform(0, (25, 30, 60))), c.colour(*c.rng.uniform(0, (90, 80, 95)))
    sky = mix(low, high, smoothstep(-1, 0.6, c.y))
    return sky + field_stars(c, int(c.log_uniform(5, 100)), 2.0) if c.chance(0.4) else sky


def _bloom(canvas: Canvas, x: float, y: float, size: float) -> torch.Tensor:
    """Return the light around a lamp, (size, size): a burnt-out core and a wide veil."""
    away = ((canvas.x - x) ** 2 + (canvas.y - y) ** 2).sqrt()
    return 3 * torch.exp(-(away / size) ** 2) + 0.3 * size / (away + size) * torch.exp(
        -away / (6 * size))


def _ground(canvas: Canvas, light: torch.Tensor, horizon: float) -> torch.Tensor:
    """Put dark land or water that mirrors the light below a horizon."""
    c = canvas
    line = in_plane(c.x[:1], torch.zeros_like(c.x[:1]))
    edge = horizon + 0.04 * fbm(c, line, c.uniform(1, 5), 4, 0.6)
    below = smoothstep(c.pixel, -c.pixel, c.y - edge)
    ground = c.colour(10, 11, 13) * c.uniform(0.3, 2)
    if c.chance(0.4):
        row = min(c.size - 2, max(1, round((1 - horizon) / c.pixel)))
        rows = (2 * row - torch.arange(c.size, device=c.device)).clamp(0, c.size - 1)
        ground = 0.4 * light[:, rows] + 0.3 * ground
    return mix(light, ground, below)


def _launch(canvas: Canvas) -> torch.Tensor:
    """Return a rocket on its flame, lit smoke below, seen from near or far."""
    c = canvas
    x, y, size = c.rng.normal(0, 0.3), c.uniform(-0.5, 0.6), c.log_uniform(0.05, 0.3)
    horizon, tone = c.uniform(-0.95, -0.6), _tone(c)
    light = _dark_sky(c)
    across, down = c.x - x, y - c.y
    wide = size * (0.15 + 0.12 * (down / size).clamp(min=0))
    flame = torch.exp(-(across / wide) ** 2 - down.clamp(min=0) / (size * c.uniform(1, 4)))
    flame = flame * smoothstep(-0.3 * size, 0.1 * size, down)
    smoke = fbm(c, plane_points(c), c.uniform(1.5, 4), 5, 0.6, 0.5 / c.pixel)
    billow = c.uniform(0.1, 0.9)
    cloud = smoothstep(horizon + billow, horizon - 0.2, c.y + 0.25 * smoke
                       + across.abs() * c.uniform(0, 0.9))
    trail = torch.exp(-(across / (wide * c.uniform(1, 3))) ** 2) * (down > 0)
    smoky = torch.maximum(cloud, 0.7 * trail) * (0.7 + 0.3 * smoke).clamp(0.1)
    lit = torch.exp(-((across ** 2 + down ** 2).sqrt()) / c.uniform(0.4, 1.2))
    light = mix(light, tone * lit * c.uniform(0.4, 1.4), (smoky * c.uniform(0.5, 1)).clamp(0, 1))
    light = light + tone * (5 * flame + c.uniform(0.2, 1) * _bloom(c, x, y - size, size))
    light = _ground(c, light, horizon)
    if size > 0.1:  # the rocket itself above its flame
        body = (across.abs() < 0.1 * size) & (down < 0) & (down > -1.3 * size)
        light = mix(light, tone * 0.25, body.float())
    return light


def _arc(canvas: Canvas) -> torch.Tensor:
    """Return the arcs of rockets, planes or cars in a long exposure."""
    c, light = canvas, _dark_sky(canvas)
    for _ in range(1 if c.chance(0.5) else int(c.rng.integers(2, 8))):
        t = np.linspace(0, 1, 900)
        x0, x1, high = c.uniform(-1, 1), c.uniform(-1.5, 1.5), c.uniform(0.3, 1.8)
        x = x0 + (x1 - x0) * t ** c.uniform(0.7, 2)
        y = -0.8 + high * np.sin(t * c.uniform(1, 2.4))
        glow = _tone(c)[:, 0, 0].cpu().numpy() * c.log_uniform(0.2, 3) / c.pixel / 200
        streak = splat(c, x, y, np.tile(glow, (900, 1)))
        light = light + streak + blur(streak, c.scale * c.log_uniform(0.6, 4))
    return _ground(c, light, c.uniform(-0.9, -0.5))


def _city(canvas: Canvas) -> torch.Tensor:
    """Return a skyline: towers with lit windows, lamps along a shore."""
    c, horizon = canvas, canvas.uniform(-0.7, -0.1)
    light, left = _dark_sky(c), -1.0
    while left < 1:
        wide, top = c.log_uniform(0.08, 0.3), horizon + c.log_uniform(0.1, 1.1)
        tower = ((c.x > left) & (c.x < left + wide) & (c.y < top) & (c.y > horizon)).float()
        cells = c.uniform(12, 40)
        column, row = ((c.x - left) * cells).floor(), ((c.y + 1) * cells).floor()
        on = (torch.sin(column * 12.9 + row * 78.2 + left * 9) * 43758.5).remainder(1)
        windows = (on > c.uniform(0.4, 0.9)).float() * c.uniform(0.2, 1.2)
        light = mix(light, _tone(c) * windows + 0.01, tower)
        left += wide * c.uniform(0.8, 1.3)
    for _ in range(int(c.rng.integers(3, 25))):
        light = light + _tone(c) * _bloom(c, c.uniform(-1, 1), c.rng.normal(horizon, 0.05),
                                          c.log_uniform(0.006, 0.03))
    return _ground(c, light, horizon)


def _lamp(canvas: Canvas) -> torch.Tensor:
    """Return one lamp or a few, near, in the dark or in fog, as balls of light or out of focus."""
    c, light = canvas, canvas.dark() + canvas.colour(*canvas.rng.uniform(0, (30, 28, 26)))
    for _ in range(1 if c.chance(0.45) else int(c.rng.integers(2, 12))):
        x, y, size = c.uniform(-0.8, 0.8), c.uniform(-0.5, 0.8), c.log_uniform(0.03, 0.2)
        shine = _bloom(c, x, y, size)
        light = light + _tone(c) * shine * c.log_uniform(0.3, 2)
        if c.chance(0.6):  # its post, its string or its socket
            post = smoothstep(0.014 + c.pixel, 0.014, (c.x - x).abs()) * (
                (c.y < y) if c.chance(0.6) else (c.y > y))
            light = mix(light, c.colour(35, 32, 30), post * 0.9)
    return blur(light, c.scale * c.log_uniform(0.5, 6)) if c.chance(0.3) else light


def _glare(canvas: Canvas) -> torch.Tensor:
    """Return a lamp or a low sun that blinds the lens, over land that is seen dimly."""
    c = canvas
    x, y, tone = c.uniform(-0.7, 0.7), c.uniform(-0.2, 0.8), _tone(c)
    light = mix(tone * 0.4, c.colour(*c.rng.uniform(20, (120, 140, 170))), smoothstep(-1, 1, c.y))
    light = _ground(c, light, c.uniform(-0.6, 0.0))
    away_x, away_y = rotated(c.x - x, c.y - y, c.uniform(0, 3))
    away = (away_x ** 2 + away_y ** 2).sqrt()
    rays = torch.cos(torch.atan2(away_y, away_x) * int(c.rng.integers(2, 8))).abs() ** 30
    light = light + tone * (_bloom(c, x, y, c.log_uniform(0.05, 0.2))
                            + rays * torch.exp(-away / c.uniform(0.2, 0.8)))
    for _ in range(int(c.rng.integers(2, 7))):  # ghosts on the line through the middle
        place, radius = c.uniform(-1.5, 0.7), c.log_uniform(0.04, 0.25)
        ghost = ((c.x - place * x) ** 2 + (c.y - place * y) ** 2).sqrt()
        hue = c.planes(c.rng.dirichlet((1, 1, 1)))
        light = light + hue * smoothstep(radius, radius * 0.9, ghost) * c.log_uniform(0.05, 0.4)
    return light


def _from_above(canvas: Canvas) -> torch.Tensor:
    """Return the lights of towns and roads as a plane or a station sees them, without a horizon."""
    c, light = canvas, canvas.dark() + canvas.colour(*canvas.rng.uniform(0, (16, 18, 26)))
    clumps = int(c.rng.integers(2, 7))
    for _ in range(clumps):
        count, middle = int(c.log_uniform(40, 900)), c.rng.uniform(-1, 1, 2)
        spread = c.log_uniform(0.05, 0.5)
        angle = c.rng.choice(np.arange(int(c.rng.integers(3, 8))) * math.pi / 3.5, count)
        far = c.rng.exponential(spread, count)  # along the roads out of town
        x = middle[0] + far * np.cos(angle) + c.rng.normal(0, 0.1 * spread, count)
        y = middle[1] + far * np.sin(angle) + c.rng.normal(0, 0.1 * spread, count)
        tone = _tone(c)[:, 0, 0].cpu().numpy()
        light = light + splat(c, x, y, c.rng.pareto(1.5, count)[:, None] * tone * 0.5)
    return light + blur(light, c.scale * c.uniform(1, 4)) * c.uniform(0.3, 1)
