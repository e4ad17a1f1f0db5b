"""How the Moon's light is shown: plainly, through haze, by day, in other colours, on a screen.

A style takes the canvas, the globe, the light of the sunlit ground and how much of a mare it is,
(size, size) each, and the look, which it may change. It returns the light of the disc and of the
sky behind it, linear (3, size, size).
"""

import math

import torch

from celestial.renderer.light.canvas import Canvas, mix, smoothstep
from celestial.renderer.light.globe import Globe, beyond_limb, from_middle
from celestial.renderer.light.look import Look
from celestial.renderer.light.noise import fbm, octave, plane_points
from celestial.renderer.light.stars import program_stars, space

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


def glow(canvas: Canvas, globe: Globe, disc: torch.Tensor, strength: float,
         width: float) -> torch.Tensor:
    """Return the light of haze and thin clouds around a bright disc, linear (3, size, size).

    Args:
        canvas: the picture.
        globe: the Moon.
        disc: its light, linear (3, size, size).
        strength: of the light at the limb, proportion of the disc's mean.
        width: in which it falls to 1/e, radii of the Moon.
    """
    mean = (disc * globe.coverage).mean((1, 2), keepdim=True)
    mean = mean / globe.coverage.mean().clamp(min=0.01)
    return mean * strength * torch.exp(-beyond_limb(canvas, globe.pose) / width)


def _haze(canvas: Canvas, globe: Globe, light: torch.Tensor, mare: torch.Tensor,
          look: Look) -> Shown:
    """Mist, thin cloud or blue hour: a halo, and a white balance anywhere from orange to blue."""
    warm, cool = canvas.colour(225, 165, 105), canvas.colour(165, 190, 228)
    tone = mix(canvas.colour(212, 205, 195), warm if canvas.chance(0.6) else cool,
               canvas.uniform(0.1, 1))
    disc = tone * light
    halo = glow(canvas, globe, disc, canvas.log_uniform(0.05, 0.7), canvas.log_uniform(0.04, 0.6))
    if canvas.chance(0.4):  # cloud in patches
        halo = halo * (0.5 * fbm(canvas, plane_points(canvas), 1.5, 4, 0.5, 32)).exp()
    sky = canvas.dark()
    if canvas.chance(0.4):
        dusk = mix(canvas.colour(14, 22, 48), canvas.colour(70, 100, 165), canvas.uniform(0, 1))
        sky = dusk * (1 + canvas.uniform(-0.4, 0.4) * canvas.y)
    return disc + sky + halo, sky + halo


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
    look.show_on_screen(canvas, canvas.uniform(0.18, 0.75))
    # programs shade by Lambert's law or somewhere between it and Lommel-Seeliger's
    lambert = light * (globe.mu0.clamp(min=0) + globe.mu) / 2
    shaded = mix(light, lambert, canvas.uniform(0, 1)) * (1 + canvas.uniform(0, 0.6) * mare)
    return canvas.colour(207, 209, 210) * (shaded * 0.9 + night), program_stars(canvas)


STYLES = {"plain": _plain, "eclipse": _eclipse, "day": _day, "low": _low, "haze": _haze,
          "mineral": _mineral, "program": _program}
