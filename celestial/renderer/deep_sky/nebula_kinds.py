"""Nebulae lit by stars, or hiding them: emission, reflection, dark, and clouds of all three."""

import math

import numpy as np
import torch

from celestial.renderer.deep_sky.nebula_dust import dust_walls, veil
from celestial.renderer.deep_sky.nebula_gas import (
    develop,
    filaments,
    front,
    gas,
    palette,
    sample,
    warp,
)
from celestial.renderer.light.canvas import Canvas, rotated, smoothstep
from celestial.renderer.light.noise import gaussian_field
from celestial.renderer.light.stars import field_stars, splat, star_colours

EMISSION = {"natural": 5, "pink": 3, "deep red": 2, "earthy": 3, "hubble": 3, "hubble green": 1,
            "bicolour": 1.5, "infrared": 2.5, "dust bands": 0.7, "blue": 0.8, "grey": 1}


def bright_stars(canvas: Canvas, count: int, centre: tuple[float, float], spread: float,
                 brightest: float, temperature: float = 15000) -> torch.Tensor:
    """Return a loose group of bright stars, (3, size, size)."""
    rng = canvas.rng
    light = brightest * rng.random(count) ** 2 * canvas.scale ** 2
    colours = star_colours(temperature * np.exp(rng.normal(0, 0.3, count))) * light[:, None]
    place = rng.normal(0, spread, (2, count)) + np.array(centre)[:, None]
    return splat(canvas, place[0], place[1], colours)


def random_point(canvas: Canvas, room: float) -> tuple[float, float]:
    """Return a random point at most `room` from the middle in x and y."""
    return canvas.uniform(-room, room), canvas.uniform(-room, room)


def _outline(canvas: Canvas, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return how much gas there is where, 0..1: all over, a ragged patch or a hollow one."""
    form = canvas.pick({"full": 6, "patch": 3.5, "hollow": 1})
    if form == "full":
        return torch.ones_like(x)
    radius = canvas.uniform(0.35, 0.85)
    angle, squash = canvas.uniform(0, math.pi), canvas.uniform(0.6, 1)
    u, v = rotated(x, y, angle)
    u, v = u / radius, v / radius / squash
    edge = 1 - (u * u + v * v).sqrt() + 0.35 * gaussian_field(canvas, 3.0)
    inside = smoothstep(-0.3, canvas.uniform(0.1, 0.8), edge)
    if form == "hollow":
        inside = inside * smoothstep(0.8, 0.45, edge)
    return inside


def emission(canvas: Canvas, stars: torch.Tensor) -> torch.Tensor:
    """Draw an H II region: hot stars light turbulent gas; dust stands before it."""
    centre = random_point(canvas, canvas.uniform(0.1, 0.6))
    x, y = canvas.x - centre[0], canvas.y - centre[1]
    mask = _outline(canvas, x - 0.5 * centre[0], y - 0.5 * centre[1])
    dust = dust_walls(canvas, x, y) if canvas.chance(0.85) else torch.zeros_like(x)
    if canvas.chance(0.6):  # fine dark threads all over
        lanes = filaments(canvas, canvas.uniform(0.06, 0.2), 3.3, 1.5, 0.1)
        dust = torch.maximum(dust, lanes * canvas.uniform(0.2, 0.8))
    light = develop(canvas, _lit_gas(canvas, x, y, mask, dust), palette(canvas, EMISSION))
    light = light + stars * canvas.uniform(0.3, 1)
    light = veil(canvas, light, dust * canvas.log_uniform(0.8, 7) * (0.3 + 0.7 * mask))
    if canvas.chance(0.7):
        count = int(canvas.log_uniform(1, 25))
        light = light + bright_stars(canvas, count, centre, canvas.uniform(0.05, 0.25), 15)
    return light


def _lit_gas(canvas: Canvas, x: torch.Tensor, y: torch.Tensor, mask: torch.Tensor,
             dust: torch.Tensor) -> torch.Tensor:
    """Return the lines (4, size, size) of gas lit by a star at x = y = 0.

    Args:
        canvas: the picture.
        x, y: from the star, (size, size).
        mask: where gas is, 0..1, (size, size).
        dust: 0..1, (size, size); its surface towards the star is ionised and glows.
    """
    r2 = x * x + y * y
    density = gas(canvas, canvas.uniform(0.45, 1.1), canvas.uniform(3.1, 4.2)) * mask
    if canvas.chance(0.8):
        density = density * (0.3 + 2 * filaments(canvas, canvas.uniform(0.2, 0.7),
                                                 canvas.uniform(3, 3.8), 1, 0.1))
    core, zone = canvas.log_uniform(0.12, 0.6), canvas.uniform(0.3, 0.9)
    lit = 1 / (1 + r2 / core ** 2)
    inner = torch.exp(-r2 / zone ** 2)
    rim = front(canvas, dust, x, y) * mask / (1 + r2) * canvas.uniform(0.5, 4)
    lines = torch.stack([
        density * (0.5 * (1 - inner) * (lit + 0.15)) + rim,
        density * (lit + canvas.log_uniform(0.05, 0.4)) + rim,
        density * inner * canvas.log_uniform(0.1, 1.5),
        density * lit ** 2 * canvas.log_uniform(0.05, 1.5),
    ])
    if canvas.chance(0.12):  # dust that reflects, as beside the Trifid
        beside = random_point(canvas, 0.8)
        away2 = (canvas.x - beside[0]) ** 2 + (canvas.y - beside[1]) ** 2
        lines[3] += gas(canvas, 0.7) * torch.exp(-away2 / 0.15) * canvas.uniform(0.1, 0.4)
    return lines


def reflection(canvas: Canvas, stars: torch.Tensor) -> torch.Tensor:
    """Draw dust that scatters the light of bright stars: blue near them, brown far away."""
    count = int(canvas.rng.integers(1, 6))
    density = gas(canvas, canvas.uniform(0.4, 0.9), 3.3)
    if canvas.chance(0.5):  # the magnetic field combs the dust of the Pleiades
        density = density * _streaks(canvas)
    haze = torch.zeros_like(density)
    light = stars * canvas.uniform(0.2, 1)
    for _ in range(count):
        centre = random_point(canvas, 0.7 if count > 1 else 0.3)
        r2 = (canvas.x - centre[0]) ** 2 + (canvas.y - centre[1]) ** 2
        power = canvas.log_uniform(0.3, 1)
        haze += power * torch.exp(-r2 / canvas.uniform(0.2, 0.7) ** 2) / (0.05 + r2)
        light = light + bright_stars(canvas, 1, centre, 0.0, 150 * power)
    dust = smoothstep(0.2, 1.8, gaussian_field(canvas, 3.2))
    lines = torch.stack([density * canvas.log_uniform(0.05, 0.8), torch.zeros_like(haze),
                         torch.zeros_like(haze), density * haze])
    colours = torch.stack([canvas.colour(150, 110, 85)[:, 0, 0]] * 3 + [
        canvas.colour(canvas.uniform(70, 170), canvas.uniform(115, 190), 240)[:, 0, 0]])
    light = light + develop(canvas, lines, colours) * canvas.uniform(0.5, 1)
    return veil(canvas, light, dust * canvas.log_uniform(0.1, 4))


def _streaks(canvas: Canvas) -> torch.Tensor:
    """Return fine parallel wisps, about 1, (size, size)."""
    along, across = rotated(canvas.x, canvas.y, canvas.uniform(0, math.pi))
    bend = 0.15 * torch.sin(2.5 * along + canvas.uniform(0, 6))
    return torch.exp(0.6 * sample(gaussian_field(canvas, 2.8, 2),
                                  along * 0.2, across + bend))


def dark(canvas: Canvas, _stars: torch.Tensor) -> torch.Tensor:
    """Draw dust clouds before a crowded field of stars: globules, snakes, lanes."""
    form = canvas.pick({"globule": 2, "snake": 2, "clouds": 3})
    field = gaussian_field(canvas, canvas.uniform(2.8, 3.4))
    if form == "globule":
        centre, size = random_point(canvas, 0.3), canvas.log_uniform(0.2, 0.6)
        r = ((canvas.x - centre[0]) ** 2 + (canvas.y - centre[1]) ** 2).sqrt() / size
        depth = smoothstep(-0.25, 0.6, 1 - r + 0.2 * field)
    elif form == "snake":
        along, across = rotated(canvas.x, canvas.y, canvas.uniform(0, math.pi))
        curve = canvas.uniform(0.1, 0.35) * torch.sin(along * canvas.uniform(1.5, 5))
        width = canvas.uniform(0.05, 0.14)
        depth = smoothstep(-0.5, 0.6, 1 - (across - curve + 0.1 * field).abs() / width)
        depth = torch.maximum(depth, smoothstep(1.4, 2.0, field))
    else:
        depth = smoothstep(canvas.uniform(0, 0.8), 1.9, warp(canvas, field, 0.08))
    crowd = field_stars(canvas, int(canvas.log_uniform(4000, 15000)),
                        canvas.log_uniform(8, 60) * canvas.scale ** 2,
                        canvas.uniform(0.9, 1.3), canvas.uniform(0.5, 1.5))
    glow = canvas.colour(canvas.uniform(95, 125), 100, canvas.uniform(75, 115))
    glow = glow * gas(canvas, 0.25) * canvas.log_uniform(0.05, 0.6)
    light = veil(canvas, crowd + glow, depth * canvas.log_uniform(1.8, 6))
    return light + canvas.log_uniform(0.0005, 0.01) * depth * canvas.colour(150, 120, 95)


def complex_cloud(canvas: Canvas, stars: torch.Tensor) -> torch.Tensor:
    """Draw a wide field with all of them, as Rho Ophiuchi or Orion's belt and sword."""
    density = gas(canvas, 0.8, 3.5)
    light = stars * canvas.uniform(0.15, 0.5)
    names = ["blue", "red", "yellow", "blue", "red", "white"]
    sheen = {"blue": (95, 135, 225), "red": (210, 70, 80), "yellow": (220, 175, 105),
             "white": (190, 195, 220)}
    for name in canvas.rng.permutation(names)[:int(canvas.rng.integers(2, 6))]:
        centre = random_point(canvas, 0.9)
        r2 = (canvas.x - centre[0]) ** 2 + (canvas.y - centre[1]) ** 2
        width = canvas.uniform(0.12, 0.5)
        patch = (torch.exp(-r2 / width ** 2) + 0.3 / (1 + r2 / width ** 2)) * density
        light = light + canvas.colour(*sheen[name]) * patch * canvas.log_uniform(0.06, 0.4)
        light = light + bright_stars(canvas, 1, centre, 0.02, 40)
    lanes = smoothstep(0.1, 1.8, warp(canvas, gaussian_field(canvas, 3.3), 0.1))
    threads = filaments(canvas, 0.2, 3.3, 1.0, 0.1) * canvas.uniform(0, 0.7)
    light = light + 0.02 * density * canvas.colour(190, 140, 110)
    return veil(canvas, light, torch.maximum(lanes, threads) * canvas.log_uniform(0.8, 4))
