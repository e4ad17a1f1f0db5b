"""Planetary nebulae: shells that dying stars have thrown off."""

import math

import torch

from celestial.renderer.deep_sky.nebula_gas import (
    axes_through,
    develop,
    filaments,
    gas,
    palette,
    polar,
    shell,
)
from celestial.renderer.deep_sky.nebula_kinds import bright_stars, random_point
from celestial.renderer.light.canvas import Canvas, rotated, smoothstep
from celestial.renderer.light.noise import fbm, gaussian_field

PLANETARY = {"natural": 3, "teal": 6, "bicolour": 5, "hubble": 2, "hubble green": 1, "violet": 2,
             "gold": 1.5, "green": 1.5, "blue": 2, "deep red": 0.8, "grey": 0.7, "infrared": 1}


def planetary(canvas: Canvas, stars: torch.Tensor) -> torch.Tensor:
    """Draw a planetary nebula: shells or lobes, halo, knots, the star in the middle."""
    size = canvas.pick({"large": 5, "middle": 3.5, "small": 2.5})
    radius = {"large": canvas.uniform(0.45, 0.95), "middle": canvas.uniform(0.2, 0.45),
              "small": canvas.log_uniform(0.06, 0.2)}[size]
    centre = random_point(canvas, 0.12 if size == "large" else 0.3)
    u, v = axes_through(canvas, centre, canvas.uniform(0, math.pi))
    u, v = u / radius, v / radius / canvas.uniform(0.6, 1)
    q = (u * u + v * v).sqrt() * (1 + canvas.rng.exponential(0.03) * gaussian_field(canvas, 4.5))
    form = canvas.pick({"elliptical": 75, "bipolar": 17, "multipolar": 8})
    lines = _elliptical(canvas, u, v, q) if form == "elliptical" else _bipolar(canvas, u, v, q)
    if form == "multipolar":  # more lobes than two, and the bright shell between
        along, across = rotated(u, v, canvas.uniform(0.5, 1.5))
        lines = lines + _bipolar(canvas, along, across, q) * canvas.uniform(0.3, 1)
        lines[1:3] += 1.5 * shell(q / canvas.uniform(0.2, 0.4), 0.4)
    lines = _texture(canvas, lines, u, v, radius)
    halo = torch.exp(-q * canvas.uniform(1.5, 4)) * canvas.log_uniform(0.01, 0.3)
    lines[1:3] += halo
    light = stars * canvas.uniform(0.3, 1) + develop(canvas, lines, palette(canvas, PLANETARY))
    if canvas.chance(0.6):
        light = light + bright_stars(canvas, 1, centre, 0.0, canvas.log_uniform(1, 15), 25000)
    return light


def _texture(canvas: Canvas, lines: torch.Tensor, u: torch.Tensor, v: torch.Tensor, radius: float
            ) -> torch.Tensor:
    """Make the gas of lines (4, size, size) uneven: clouds, a net of threads, radial knots."""
    lines = lines * gas(canvas, canvas.uniform(0.05, 0.4), 2.8, 2)
    if canvas.chance(0.5):
        net = filaments(canvas, canvas.uniform(0.2, 0.5), 3.0, 2 + 1 / radius)
        lines = lines * (0.6 + 1.2 * net)
    if canvas.chance(0.35):  # knots with tails away from the star (Helix: O'Dell & Handron 1996)
        rays = fbm(canvas, polar(u, v, 1.5, 0.5), 1.0, 3) * smoothstep(0.3, 0.7, u * u + v * v)
        lines[:2] *= torch.exp(canvas.uniform(0.2, 0.8) * rays)
    return lines


def _elliptical(canvas: Canvas, u: torch.Tensor, v: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
    """Draw ellipsoidal shells: [O III] within, H alpha and S II outside, as ions are layered.

    Args:
        canvas: the picture.
        u, v: coordinates along and across the axis, 1 at the outer edge, (size, size).
        q: distance from the middle in the same unit, with its unevenness.

    Returns:
        lines (4, size, size).
    """
    form = canvas.pick({"ring": 4.5, "disc": 1.5, "nested": 3, "double": 3, "owl": 0.8,
                        "dumbbell": 1.2, "eskimo": 1.2})
    ends = (u * u - v * v) / (u * u + v * v + 1e-4)  # 1 on the axis, -1 across
    bright = 1 + canvas.uniform(-0.7, 0.7) * ends
    wall = canvas.uniform(0.5, 1) if form == "disc" else canvas.uniform(0.12, 0.4)
    blur = canvas.log_uniform(0.02, 0.2)
    inner = canvas.uniform(0.55, 0.9)
    thick = canvas.uniform(0.2, 0.55) if form == "ring" else canvas.uniform(0.4, 0.95)
    oxygen = shell(q / inner, thick, canvas.uniform(0.05, 0.3))
    hydrogen, sulphur = shell(q, wall, blur) * bright, shell(q, wall * 0.5, blur) * bright
    hydrogen = hydrogen * _dimmed_middle(canvas, q)
    if form == "nested":
        oxygen, hydrogen = _nested(canvas, u, v, q, oxygen, hydrogen)
    elif form == "double":
        oxygen, hydrogen = _double(canvas, u, v, q)
    elif form == "owl":
        eyes = torch.exp(-((q - 0.42) / 0.22) ** 2) * ends.clamp(min=0)
        oxygen, hydrogen = oxygen * (1 - 0.6 * eyes), hydrogen * (1 - 0.4 * eyes)
    elif form == "dumbbell":
        core = torch.exp(-(ends - 1) ** 2 * canvas.uniform(0.5, 2))
        oxygen, hydrogen = oxygen * (0.3 + core), hydrogen * (0.15 + 1.3 * core)
    elif form == "eskimo":
        rays = fbm(canvas, polar(u, v, 1.5, 0.7), 1.0, 3)
        sulphur = smoothstep(0.5, 0.65, q) * smoothstep(1.05, 0.85, q)
        sulphur = sulphur * smoothstep(-0.3, 1.2, rays) * 1.2
        hydrogen = 0.3 * hydrogen + 0.6 * sulphur + shell(q / 0.45, 0.3)
        oxygen = 0.3 * oxygen + shell(q / 0.45, 0.4)
    return torch.stack([sulphur, hydrogen, oxygen * canvas.uniform(0.6, 1.8), 0 * q])


def _dimmed_middle(canvas: Canvas, q: torch.Tensor) -> torch.Tensor:
    """Return how much of the hydrogen in the middle shows, 0..1: often [O III] drowns it there."""
    floor = canvas.uniform(0, 1)
    return floor + (1 - floor) * smoothstep(0.35, 0.85, q)


def _nested(canvas: Canvas, u: torch.Tensor, v: torch.Tensor, q: torch.Tensor,
            oxygen: torch.Tensor, hydrogen: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Add an inner bubble, perhaps a second across it, and rings of the earlier wind.

    The Cat's Eye has them all (Balick, Wilson & Hajian 2001, AJ 121, 354: concentric rings).
    """
    oxygen, hydrogen = 0.6 * oxygen, 0.6 * hydrogen
    for _ in range(1 + canvas.chance(0.35)):
        turn, small = canvas.uniform(0, math.pi), canvas.uniform(0.4, 0.7)
        along, across = rotated(u, v, turn)
        across = across * canvas.uniform(1, 1.8)
        bubble = shell((along ** 2 + across ** 2).sqrt() / small, canvas.uniform(0.15, 0.4))
        oxygen, hydrogen = oxygen + bubble, hydrogen + canvas.uniform(0.2, 0.8) * bubble
    if canvas.chance(0.4):
        rings = 0.5 + 0.5 * torch.cos(q * canvas.uniform(15, 30))
        hydrogen = hydrogen + canvas.uniform(0.03, 0.2) * rings * torch.exp(-1.2 * q)
    return oxygen, hydrogen


def _double(canvas: Canvas, u: torch.Tensor, v: torch.Tensor,
            q: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return oxygen and hydrogen of a bright shell within a smooth round one with a sharp edge.

    NGC 6826 has both; so have half of the round nebulae and more (Chu, Jacoby & Arendt 1987,
    ApJS 64, 529).
    """
    along, across = rotated(u, v, canvas.uniform(0, math.pi))
    inner = (along ** 2 + (across * canvas.uniform(1, 1.6)) ** 2).sqrt()
    bright = shell(inner / canvas.uniform(0.35, 0.65), canvas.uniform(0.15, 0.7),
                   canvas.uniform(0.03, 0.15))
    around = smoothstep(1.0, canvas.uniform(0.85, 0.97), q) * (1 + canvas.uniform(-0.6, 0.4) * q)
    around = around * canvas.log_uniform(0.1, 0.6)
    return (canvas.uniform(0.6, 1.4) * bright + around,
            canvas.uniform(0.1, 1) * bright + canvas.uniform(0.1, 1) * around)


def _bipolar(canvas: Canvas, u: torch.Tensor, v: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
    """Draw twin lobes or torn wings seen from the side; arguments and result as `_elliptical`."""
    z, w = u.abs(), v.abs()
    if canvas.chance(0.5):  # closed lobes
        waist, opening = canvas.uniform(0.02, 0.12), canvas.uniform(0.2, 0.6)
        end = (1 - z.clamp(max=1) ** 2).sqrt()
        radius = (waist + opening * (z * 3).clamp(max=math.pi / 2).sin()) * end + 1e-3
        walls = shell(w / radius, canvas.uniform(0.15, 0.6), 0.08) * smoothstep(1.02, 0.9, z)
        near = torch.exp(-z / canvas.uniform(0.15, 0.5)) * shell(w / radius, 1.0, 0.1)
    else:
        torn = fbm(canvas, polar(u, v, 0.9, 0.6), 1.0, 3)
        past = torch.atan2(w, z) - canvas.uniform(0.35, 1.0) - canvas.uniform(0.1, 0.3) * torn
        reach = torch.exp(-(q * (1 + 0.2 * torn) / canvas.uniform(0.5, 1)) ** 2)
        fill = smoothstep(0.1, -0.15, past) * canvas.uniform(0.1, 0.8)
        walls = (torch.exp(-(past / canvas.uniform(0.06, 0.2)) ** 2) + fill) * reach
        near = walls * torch.exp(-q / canvas.uniform(0.15, 0.4)) * 2
    core = torch.exp(-(z ** 2 + w ** 2) / canvas.uniform(0.04, 0.12) ** 2)
    return torch.stack([walls, walls + near, near + 0.3 * walls,
                        core * canvas.log_uniform(0.3, 3)])
