"""Nebulae of shocks: supernova remnants, bubbles of hot stars' winds, jets of newborn stars."""

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
from celestial.renderer.light.canvas import Canvas, mix, smoothstep
from celestial.renderer.light.noise import fbm, gaussian_field

REMNANT = {"natural": 2, "bicolour": 3, "deep red": 2, "hubble": 1.5, "hubble green": 1,
           "blue": 1.5, "teal": 1, "violet": 1, "green": 0.7, "grey": 0.7, "infrared": 0.7}


def _threads(canvas: Canvas, along: torch.Tensor, across: torch.Tensor, width: float,
             radius: float) -> torch.Tensor:
    """Return thin threads round a middle, 0..1, (size, size)."""
    points = polar(along, across, canvas.uniform(0.5, 1.0) * radius, canvas.uniform(2, 3.5))
    return torch.exp(-fbm(canvas, points, 1.0, 3, 0.45).abs() / width)


def remnant(canvas: Canvas, stars: torch.Tensor) -> torch.Tensor:
    """Draw a supernova remnant: thin shocked sheets on a shell, or a part of it; X-ray shells."""
    form = canvas.pick({"shell": 4, "wisps": 3, "crab": 2, "young": 2})
    radius = canvas.uniform(0.5, 0.9) if form != "wisps" else canvas.uniform(1.2, 3)
    angle = canvas.uniform(0, 2 * math.pi)
    away = radius - canvas.uniform(-0.3, 0.3) if form == "wisps" else 0.05
    along, across = axes_through(canvas, (away * math.cos(angle), away * math.sin(angle)), angle)
    q = (along ** 2 + (across / canvas.uniform(0.75, 1)) ** 2).sqrt() / radius
    q = q * (1 + canvas.uniform(0.03, 0.1) / max(1, radius) * gaussian_field(canvas, 3.6))
    blur = canvas.uniform(0.02, 0.1)
    limb = shell(q, canvas.uniform(0.1, 0.35), blur) * (0.3 + gas(canvas, 0.6, 3.6))
    limb, red, teal, blue = _sheets(canvas, form, along, across, q, radius, limb)
    red, teal = (sheets * gas(canvas, 0.8, 3.2) for sheets in (red, teal))
    faint = canvas.log_uniform(0.02, 0.3) * limb
    lines = torch.stack([red ** 2 * limb, red * limb + faint, teal * limb + faint, blue])
    light = develop(canvas, lines, palette(canvas, REMNANT))
    return light + stars * canvas.uniform(0.2, 1)


def _sheets(canvas: Canvas, form: str, along: torch.Tensor, across: torch.Tensor, q: torch.Tensor,
            radius: float, limb: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Return what a form of remnant is made of, (size, size) each.

    Args:
        canvas: the picture.
        form: "shell", "wisps", "crab" or "young".
        along, across: coordinates from its middle.
        q: distance from the middle, radii.
        radius: in image-plane units.
        limb: light of a shell.

    Returns:
        where its gas glows, its red and its teal sheets, 0..1, and its blue light.
    """
    inside = smoothstep(1.02, 0.9, q)
    width = canvas.log_uniform(0.05, 0.25)
    if form == "shell" and canvas.chance(0.5):
        red, teal = (_threads(canvas, along, across, 2 * width, 2 * radius)
                     * smoothstep(0.3, 0.75, q) for _ in range(2))
    else:
        red, teal = (filaments(canvas, width, 3.4, 1.5, 0.1) for _ in range(2))
    blue = 0 * q
    if form == "wisps":  # long threads along the shock
        band = torch.exp(-((q - 0.9) / canvas.log_uniform(0.04, 0.2) * radius) ** 2)
        limb = band * gas(canvas, 1.0, 3.4)
        red, teal = (_threads(canvas, along, across, width, radius) for _ in range(2))
    elif form == "crab":
        limb = inside
        blue = torch.exp(-(q / 0.65) ** 2) * gas(canvas, 0.4, 2.8, 2)
        blue = blue * canvas.log_uniform(0.1, 0.5)
        red, teal = red * smoothstep(0.1, 0.7, q), teal * 0.6
    elif form == "young":
        limb = inside * (0.3 + shell(q / 0.9, 0.4)) * gas(canvas, 0.5, 2.4, 4)
        red, teal = (torch.exp(0.8 * gaussian_field(canvas, 2.8, 2)) for _ in range(2))
        blue = shell(q, 0.04) * 1.5
    return limb, red, teal, blue


def bubble(canvas: Canvas, stars: torch.Tensor) -> torch.Tensor:
    """Draw a bubble blown by a hot star's wind, in the gas that it lights."""
    radius, centre = canvas.uniform(0.3, 0.8), random_point(canvas, 0.2)
    along, across = axes_through(canvas, centre, canvas.uniform(0, 2 * math.pi))
    q = (along ** 2 + (across / canvas.uniform(0.7, 1)) ** 2).sqrt() / radius
    q = q * (1 + canvas.uniform(0.01, 0.05) * gaussian_field(canvas, 4.0))
    lopsided = torch.exp(canvas.uniform(0, 1.5) * along / radius)
    skin = shell(q, canvas.log_uniform(0.02, 0.12), 0.02) * lopsided
    wrinkles = 0.3 + filaments(canvas, 0.25, 3.3, 2, 0.05)
    around = gas(canvas, 1.0, 3.4) * canvas.log_uniform(0.005, 0.2)
    inside = smoothstep(1.05, 0.9, q)
    lines = torch.stack([around + skin * wrinkles * 0.5, mix(around, 0.6 * around, inside)
                         + skin * wrinkles, 0.7 * skin, 0 * q])
    light = develop(canvas, lines, palette(canvas, REMNANT)) + stars
    return light + bright_stars(canvas, 1, centre, 0.1, 20)


def jet(canvas: Canvas, stars: torch.Tensor) -> torch.Tensor:
    """Draw a newborn star's Herbig-Haro jets, knots and bow shocks, and the cloud round it."""
    length = canvas.uniform(0.4, 0.95)
    along, across = axes_through(canvas, random_point(canvas, 0.15), canvas.uniform(0, math.pi))
    z = along.abs() / length
    bend = 0.02 * torch.sin(z * canvas.uniform(2, 9)) * torch.sign(along)
    knots = torch.exp(gaussian_field(canvas, 2.6, 4) * 0.8)
    beam = torch.exp(-((across - bend) / (0.025 + 0.05 * z)) ** 2 - 0.5 * z ** 4) * knots
    bow = torch.exp(-((z - 0.95 + (across / 0.12) ** 2 * 0.15) / 0.04) ** 2) * knots
    bow = bow * torch.exp(-(across / 0.2) ** 2) * canvas.uniform(0.3, 1)
    cloud = gas(canvas, 1.0, 3.5) * canvas.log_uniform(0.02, 0.2)
    glow = torch.exp(-(along ** 2 + across ** 2).sqrt() / canvas.uniform(0.08, 0.25)) * knots
    lines = torch.stack([beam + cloud, beam + bow + cloud * 0.6, bow * 0.6, beam ** 2 + glow])
    return develop(canvas, lines, palette(canvas, REMNANT)) + stars * canvas.uniform(0.1, 0.4)
