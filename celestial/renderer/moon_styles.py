"""How the Moon's light is shown: plainly, eclipsed, by day, low, in stretched colours, on a screen.

A style takes the canvas, the globe, the light of the sunlit ground and how much of a mare it is,
(size, size) each, and the look, which it may change. It returns the light of the disc and of the
sky behind it, linear (3, size, size).
"""

import math

import torch

from celestial.renderer.canvas import Canvas, mix, smoothstep
from celestial.renderer.globe import Globe, from_middle
from celestial.renderer.look import Look
from celestial.renderer.noise import octave
from celestial.renderer.stars import program_stars, space

Shown = tuple[torch.Tensor, torch.Tensor]  # disc, sky


def _plain(canvas: Canvas, globe: Globe, light: torch.Tensor, mare: torch.Tensor,
           look: Look) -> Shown:
    """Sunlight: grey, a little warm (B-V 0.92 against the sun's 0.65); a dim earthlit night."""
    tone = mix(canvas.colour(205, 205, 205), canvas.colour(215, 203, 186), canvas.uniform(-0.3, 1))
    disc = tone * light
    if math.degrees(globe.pose.phase) > 100 and canvas.chance(0.4):
        shine = canvas.colour(170, 185, 205) * (0.9 - 0.4 * mare) * globe.mu ** 0.3
        disc = disc + canvas.log_uniform(0.005, 0.12) * shine
    return disc, space(canvas)


def _eclipse(canvas: Canvas, globe: Globe, light: torch.Tensor, mare: torch.Tensor,
             look: Look) -> Shown:
    """Earth's shadow: copper light bent through our air, brighter towards the shadow's edge."""
    x, y = from_middle(canvas, globe.pose)
    angle, away = canvas.uniform(0, 2 * math.pi), canvas.uniform(0.4, 3.2)
    # the umbra's radius is about 2.65 of the Moon's (Meeus 1998, chapter 54)
    inside = ((x - away * math.cos(angle)) ** 2 + (y - away * math.sin(angle)) ** 2).sqrt() / 2.65
    flat = 0.75 - 0.4 * mare
    copper = mix(canvas.colour(120, 45, 22), canvas.colour(215, 115, 70),
                 smoothstep(0.2, 1.0, inside))
    lit = smoothstep(0.97, 1.12, inside)
    disc = flat * (copper * canvas.log_uniform(0.5, 2) + lit * canvas.colour(235, 220, 205) * 1.3)
    return disc, space(canvas)


def _day(canvas: Canvas, globe: Globe, light: torch.Tensor, mare: torch.Tensor,
         look: Look) -> Shown:
    """The blue sky lies before the Moon as well as behind it."""
    sky = mix(canvas.colour(60, 110, 175), canvas.colour(130, 175, 220), canvas.uniform(0, 1))
    sky = sky * canvas.uniform(0.4, 1.1) * (1 + canvas.uniform(-0.25, 0.25) * canvas.y)
    look.exposure = canvas.uniform(0.8, 1.15)
    return sky + canvas.colour(215, 210, 200) * light * canvas.uniform(0.4, 0.8), sky


def _low(canvas: Canvas, globe: Globe, light: torch.Tensor, mare: torch.Tensor,
         look: Look) -> Shown:
    """Near the horizon the air takes the blue: yellow to deep orange."""
    reddening = canvas.uniform(0.3, 1.0) ** (1 + 0.15 * canvas.y)
    thickness = 1 + canvas.uniform(0, 0.3) * canvas.y
    tint = torch.exp(-canvas.planes([0.1, 0.75, 1.9]) * reddening / thickness)
    level = canvas.log_uniform(0.002, 0.06)
    dusk = canvas.colour(*canvas.rng.choice([(70, 80, 130), (130, 90, 90), (30, 30, 40)])) * level
    return tint * light * 0.9, dusk.expand(3, canvas.size, canvas.size)


def _mineral(canvas: Canvas, globe: Globe, light: torch.Tensor, mare: torch.Tensor,
             look: Look) -> Shown:
    """Stretched colours: titanium-rich maria blue, iron-rich ones and highlands tan."""
    titanium = smoothstep(-0.8, 0.8, octave(canvas, globe.point, 1.2)
                          + 2.2 * (0.6 - 1.6 * globe.distance_to(9, 30)).clamp(min=0))
    ground = mix(canvas.colour(205, 190, 180), canvas.colour(220, 195, 175),
                 smoothstep(-1, 1, octave(canvas, globe.point, 3)))
    basalt = mix(canvas.colour(215, 180, 140), canvas.colour(150, 175, 225), titanium)
    look.saturation, look.mono, look.sky = canvas.uniform(0.7, 1.9), None, (0.0, 0.0, 0.0)
    return mix(ground, basalt, mare.clamp(0, 1)) * light, space(canvas)


def _program(canvas: Canvas, globe: Globe, light: torch.Tensor, mare: torch.Tensor,
             look: Look) -> Shown:
    """A planetarium program's screen: dim, soft, a night side that is not quite black."""
    night = canvas.log_uniform(0.004, 0.06) * (0.8 - 0.4 * mare)
    look.exposure, look.gamma, look.sky = canvas.uniform(0.25, 0.8), 2.2, (0.0, 0.0, 0.0)
    look.fwhm = canvas.scale * canvas.uniform(0.5, 1)
    return canvas.colour(210, 208, 204) * (light * 0.9 + night), program_stars(canvas)


STYLES = {"plain": _plain, "eclipse": _eclipse, "day": _day, "low": _low, "mineral": _mineral,
          "program": _program}
