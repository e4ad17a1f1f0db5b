"""The Sun's corona: in extreme ultraviolet light, and around the Moon in eclipses."""

import math

import torch

from celestial.renderer.light.canvas import Canvas, mix, rotated, smoothstep
from celestial.renderer.light.globe import Globe, beyond_limb, direction
from celestial.renderer.light.noise import fbm, in_plane, octave, ridged
from celestial.renderer.light.stars import field_stars
from celestial.renderer.sun.sun_activity import Region, prominences, regions

# Extreme-ultraviolet bands of SDO's AIA and SOHO's EIT (angstroms): the exponents of red, green and
# blue (sRGB ~ brightness ** exponent), chosen by eye so that each band has about the colour that
# archives give it, and the strength of the light from beyond the limb.
BANDS = {
    "304": ((0.30, 1.7, 4.2), 0.3), "171": ((0.75, 1.05, 2.4), 0.8),
    "193": ((0.75, 1.05, 1.55), 1.0), "211": ((0.75, 1.25, 0.85), 1.0),
    "131": ((1.7, 0.75, 0.75), 0.7), "094": ((1.6, 0.75, 1.25), 0.7),
    "335": ((1.7, 1.1, 0.65), 0.9), "195": ((1.6, 0.75, 1.5), 0.8), "284": ((0.7, 0.85, 2.2), 0.8),
}
BAND_SHARES = {"304": 34, "171": 20, "193": 15, "211": 7, "131": 5, "094": 4, "335": 5, "195": 5,
               "284": 5}


def ultraviolet(canvas: Canvas, globe: Globe) -> torch.Tensor:
    """Return the Sun as SDO, SOHO and STEREO see it, in the colours of their tables."""
    band = canvas.pick(BAND_SHARES)
    exponents, corona = BANDS[band]
    cool = band == "304"
    wisps = fbm(canvas, globe.point + 0.05 * octave(canvas, globe.point, 3.0),
                5.0 if cool else 2.2, 5, gain=0.85 if cool else 0.75, finest=globe.finest)
    net = ridged(canvas, globe.point, 4.0, 3, gain=0.8, finest=globe.finest)
    bright = (0.62 if cool else 0.45) + (0.08 if cool else 0.10) * wisps + 0.25 * (net - 0.6)
    active = torch.zeros_like(bright)
    loops = torch.zeros_like(bright)
    for region in regions(canvas, 8):
        away = globe.distance_to(region.latitude, region.longitude)
        active = active + torch.exp(-(away / (2.0 * region.size)) ** 2)
        if not cool:
            loops = loops + _loops(canvas, globe, region)
    patchy = smoothstep(-1.2, 1.6, wisps + 3 * (net - 0.6))
    bright = bright + active * (0.1 + 0.7 * patchy) + 0.6 * loops
    hole = octave(canvas, globe.point, 0.8) + 1.6 * smoothstep(0.75, 0.98, globe.point[2].abs())
    bright = bright * (1 - canvas.uniform(0.2, 0.7) * smoothstep(0.8, 1.6, hole)
                       * (0.4 if cool else 1.0))
    # Optically thin gas is seen edge-on at the limb: up to twice as bright.
    bright = bright * (1 + (0.25 if cool else 0.5) * (1 - globe.mu) ** 4)
    outside = _corona(canvas, globe, active, corona) + 0.5 * loops
    if cool or canvas.chance(0.2):
        outside = outside + 0.8 * prominences(canvas, globe)
    light = mix(outside, bright, globe.coverage).clamp(min=0) * canvas.uniform(0.85, 1.2)
    light = light.clamp(max=1)
    return torch.stack([light ** (2.2 * exponent) for exponent in exponents])


def _corona(canvas: Canvas, globe: Globe, active: torch.Tensor, strength: float) -> torch.Tensor:
    """Return the glow beyond the limb: brighter over active regions, drawn out in rays."""
    away = beyond_limb(canvas, globe.pose)
    rays = octave(canvas, globe.normal, 3.0) + 0.6 * octave(canvas, globe.normal, 9.0)
    level = (0.5 + 0.12 * rays + 0.5 * active).clamp(0.1)
    return strength * level * torch.exp(-away / (0.13 + 0.09 * active.clamp(max=1)))


def _loops(canvas: Canvas, globe: Globe, region: Region) -> torch.Tensor:
    """Return bright arches between two magnetic poles.

    In the plane the field lines of two opposite poles are the circles through both: lines on which
    the angle between the directions to the poles is the same.
    """
    spot = direction(math.radians(region.latitude), math.radians(region.longitude))
    middle = (spot @ globe.pose.axes) * globe.pose.radius
    span = region.size * globe.pose.radius * canvas.uniform(0.6, 1.2)
    turn = canvas.rng.normal(0, 0.4)
    x = (canvas.x - globe.pose.centre[0] - float(middle[0])) / span
    y = (canvas.y - globe.pose.centre[1] - float(middle[1])) / span
    u, v = rotated(x, y, turn)
    angle = torch.atan2(2 * v, u ** 2 + v ** 2 - 1)
    strands = sum(torch.sin(angle * k + canvas.uniform(0, 6.3)) for k in (5, 9, 14)) / 3
    reach = torch.exp(-(u ** 2 + v ** 2) / 3)
    return smoothstep(-0.1, 0.8, strands) * reach * canvas.uniform(0.3, 1.0)


def eclipse(canvas: Canvas) -> torch.Tensor:
    """Return the corona around a black disc: a total eclipse, or a coronagraph."""
    radius = canvas.log_uniform(0.12, 0.5)
    x0, y0 = canvas.uniform(-0.15, 0.15), canvas.uniform(-0.15, 0.15)
    x, y = (canvas.x - x0) / radius, (canvas.y - y0) / radius
    r = (x ** 2 + y ** 2).sqrt().clamp(min=1e-3)
    turn = canvas.uniform(0, math.pi)
    across = (x * math.cos(turn) + y * math.sin(turn)) / r
    around = torch.stack([x / r, y / r, 0.15 * r])
    streamers = (octave(canvas, around, 0.8) + 0.7 * octave(canvas, around, 2.2)
                 + 0.5 * octave(canvas, around, 5.0))
    flat = canvas.uniform(0, 1.2)  # at the minimum of activity the poles have little corona
    shape = torch.exp(0.6 * streamers + flat * (across ** 2 - 0.5))
    # Baumbach's law of the corona's brightness, r in solar radii (Cox 2000): steep, then r^-2.5.
    glow = (2.565 * r ** -17 + 1.425 * r ** -7 + 0.0532 * r ** -2.5) * shape
    outside = smoothstep(1.0 - canvas.pixel / radius, 1.0 + canvas.pixel / radius, r)
    if canvas.chance(0.15):
        return _coronagraph(canvas, r, glow, shape, canvas.pixel / radius)
    light = canvas.colour(255, 250, 245) * (canvas.log_uniform(0.3, 3) * glow) ** 0.75 * outside
    if canvas.chance(0.6):
        flames = octave(canvas, in_plane(x / r, y / r), 2.0)
        pink = smoothstep(1.2, 2.2, flames) * torch.exp(-(r - 1).abs() / 0.03)
        light = light + canvas.colour(255, 70, 90) * pink * outside
    if canvas.chance(0.3):  # the diamond ring
        angle = canvas.uniform(0, 2 * math.pi)
        away = (x - math.cos(angle)) ** 2 + (y - math.sin(angle)) ** 2
        light = light + 6 * torch.exp(-away / 0.01) + 0.3 * torch.exp(-away.sqrt() / 0.25)
    if canvas.chance(0.2):
        light = light + field_stars(canvas, 40, 1.0) * outside
    return light + canvas.colour(20, 25, 60) * canvas.uniform(0, 1) * outside


def _coronagraph(canvas: Canvas, r: torch.Tensor, glow: torch.Tensor, shape: torch.Tensor,
                 pixel: float) -> torch.Tensor:
    """Return the corona around a wide stop, in SOHO's blue or red, the Sun's edge drawn on it.

    Args:
        canvas: the picture.
        r: distance from the Sun's middle, solar radii, (size, size).
        glow: the corona's brightness, (size, size).
        shape: what the streamers make of it, (size, size).
        pixel: side of a pixel, solar radii.
    """
    stop = canvas.uniform(1.6, 2.5)
    outside = smoothstep(stop, stop + 0.1, r)
    tint = canvas.colour(90, 140, 255) if canvas.chance(0.5) else canvas.colour(255, 120, 50)
    rim = torch.exp(-((r - 1) / pixel) ** 2)
    return tint * (0.03 + 14 * glow * outside * r ** 1.2 * shape) + 0.8 * rim
