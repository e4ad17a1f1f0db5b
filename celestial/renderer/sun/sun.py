"""The Sun: photosphere, chromosphere, the corona in ultraviolet light, eclipses, sunsets."""

import math

import numpy as np
import torch

from celestial.renderer.light.camera import photograph
from celestial.renderer.light.canvas import Canvas, mix, smoothstep
from celestial.renderer.light.framing import frame
from celestial.renderer.light.globe import Globe, Pose, beyond_limb, see_globe
from celestial.renderer.light.look import Look, random_look
from celestial.renderer.light.noise import fbm, octave, plane_points
from celestial.renderer.sun.sun_activity import prominences, regions
from celestial.renderer.sun.sun_corona import eclipse, ultraviolet


def draw(canvas: Canvas) -> np.ndarray:
    """Draw a picture of the Sun: uint8 (height, width, 3)."""
    kind = canvas.pick({"white": 28, "ultraviolet": 38, "hydrogen": 15, "close": 5, "eclipse": 7,
                        "bitten": 3, "sunset": 2, "magnetogram": 2})
    if kind == "close":
        return photograph(canvas, _granules(canvas), _look(canvas, 0.3))
    if kind == "eclipse":
        return photograph(canvas, eclipse(canvas), _look(canvas, 0.2))
    frames = {"full": 8, "small": 0.8, "partial": 1.2, "close": 0.8}
    if kind in ("white", "bitten", "sunset"):
        frames = {"full": 8, "small": 2, "partial": 0.6}
    radius, centre = frame(canvas, frames)
    # The Earth sees the Sun's equator tilted by up to 7.25 degrees (Carrington).
    pose = Pose(radius, centre, latitude=math.radians(canvas.uniform(-7.25, 7.25)),
                turn=canvas.rng.normal(0, 0.3), longitude=0.0, phase=0.0, sun_turn=0.0)
    globe = see_globe(canvas, pose)
    light = {"white": _white, "bitten": _bitten, "sunset": _sunset, "ultraviolet": ultraviolet,
             "hydrogen": _hydrogen, "magnetogram": _magnetogram}[kind](canvas, globe)
    return photograph(canvas, light, _look(canvas, {"white": 0.12, "ultraviolet": 0.08,
                                                    "hydrogen": 0.2}.get(kind, 0.0)))


def _look(canvas: Canvas, mono: float) -> Look:
    """Choose how the picture is taken; mono: probability of a monochrome camera."""
    look = random_look(canvas, mono=mono)
    look.exposure = float(np.clip(look.exposure, 0.75, 1.6))
    look.calm_cast(0.5)
    return look


def _limb_darkening(globe: Globe, strength: float) -> torch.Tensor:
    """Return 1 - u (1 - mu); u is about 0.6 in white light (Cox 2000, Allen's Quantities)."""
    return 1 - strength * (1 - globe.mu)


def _white(canvas: Canvas, globe: Globe) -> torch.Tensor:
    """Return the photosphere through a dense filter, in the colour the filter gives."""
    tint = {"yellow": (255, 222, 95), "orange": (255, 165, 45), "white": (255, 250, 238),
            "deep": (240, 120, 25), "grey": (220, 220, 220)}[
        canvas.pick({"yellow": 4, "orange": 5, "white": 2, "deep": 1.5, "grey": 1.2})]
    colour = canvas.colour(*np.clip(np.array(tint) + canvas.rng.uniform(-12, 12, 3), 0, 255))
    disc = _limb_darkening(globe, canvas.uniform(0.5, 0.75)) * _spots(canvas, globe)
    if canvas.chance(0.6):
        grain = octave(canvas, globe.point, min(globe.finest, 40.0))
        disc = disc * (1 + canvas.uniform(0.005, 0.04) * grain)
    # Redder towards the limb: blue light is darkened more.
    disc = torch.stack([disc, disc ** 1.15, disc ** 1.4]) if canvas.chance(0.7) else disc[None]
    return colour * disc * globe.coverage + colour * _glow(canvas, globe)


def _glow(canvas: Canvas, globe: Globe) -> torch.Tensor:
    """Return light that the optics and the air scatter around the disc."""
    away = beyond_limb(canvas, globe.pose)
    strength = canvas.log_uniform(0.001, 0.1) if canvas.chance(0.5) else 0.0
    return strength * torch.exp(-away / 0.3) * (1 - globe.coverage)


def _spots(canvas: Canvas, globe: Globe) -> torch.Tensor:
    """Return sunspots and faculae as a factor on the light.

    Umbrae have about a fifth of the light, penumbrae three quarters (rounded; Solanki 2003, A&A Rev
    11, 153).
    """
    factor = torch.ones_like(globe.mu)
    for region in regions(canvas, 7):
        away = globe.distance_to(region.latitude, region.longitude)
        faculae = smoothstep(1.6 * region.size, 0.4 * region.size, away) * (1 - globe.mu) ** 2
        factor = factor * (1 + 0.35 * faculae)
        tilt = math.copysign(0.15, region.latitude)  # the leading spot is nearer the equator
        for _ in range(int(canvas.rng.integers(1, 6))):
            along = canvas.rng.normal(0, 1) * math.degrees(region.size) * 0.7
            spot = canvas.log_uniform(0.12, 0.45) * region.size
            away = globe.distance_to(region.latitude - along * tilt, region.longitude + along)
            soft = max(0.2 * spot, 0.7 * canvas.pixel / globe.pose.radius)
            factor = factor * (1 - 0.3 * smoothstep(spot + soft, spot - soft, away))
            umbra = 0.5 * spot
            factor = factor * (1 - 0.75 * smoothstep(umbra + soft, umbra - soft, away))
    return factor


def _bitten(canvas: Canvas, globe: Globe) -> torch.Tensor:
    """Return a partial or annular eclipse; the Moon looks 0.9 to 1.08 times as large."""
    light = _white(canvas, globe)
    moon = globe.pose.radius * canvas.uniform(0.9, 1.08)
    away = max(canvas.uniform(0, 1.5) * globe.pose.radius, 1.2 * (moon - globe.pose.radius) + 0.05)
    angle = canvas.uniform(0, 2 * math.pi)
    x = canvas.x - globe.pose.centre[0] - away * math.cos(angle)
    y = canvas.y - globe.pose.centre[1] - away * math.sin(angle)
    inside = ((moon - (x ** 2 + y ** 2).sqrt()) / canvas.pixel + 0.5).clamp(0, 1)
    return light * (1 - inside)


def _sunset(canvas: Canvas, globe: Globe) -> torch.Tensor:
    """Return the Sun low in hazy air: yellow above, red below, in a glowing sky."""
    height = canvas.y[None] * 0.5 + 0.5
    disc = mix(canvas.colour(255, 110, 30), canvas.colour(255, 235, 150), height)
    sky = mix(canvas.colour(110, 40, 15), canvas.colour(200, 110, 50), height)
    sky = sky * canvas.uniform(0.2, 1) * (0.4 + torch.exp(-beyond_limb(canvas, globe.pose) / 0.5))
    return mix(sky, disc * canvas.uniform(0.9, 2.5), globe.coverage)


def _hydrogen(canvas: Canvas, globe: Globe) -> torch.Tensor:
    """Return the chromosphere in hydrogen's red line: cells, filaments, plages, prominences."""
    tint = {"red": (255, 60, 20), "orange": (255, 140, 30), "gold": (255, 190, 70),
            "grey": (225, 225, 225)}[canvas.pick({"red": 4, "orange": 4, "gold": 1.5, "grey": 2})]
    cells = fbm(canvas, globe.point, min(9.0, globe.finest), 4, gain=0.85, finest=globe.finest)
    bright = 0.62 + canvas.uniform(0.05, 0.12) * cells
    for region in regions(canvas, 6):
        away = globe.distance_to(region.latitude, region.longitude)
        bright = bright + 0.5 * smoothstep(1.7 * region.size, 0.0, away) * smoothstep(
            -0.8, 1.2, cells)
    line = octave(canvas, globe.point * canvas.planes([1, 1, 1.8]), 1.8)
    where = octave(canvas, globe.point, 1.2)
    thread = smoothstep(0.13, 0.02, line.abs() + 0.03 * cells.abs()) * smoothstep(0.7, 1.3, where)
    disc = bright * (1 - 0.6 * thread) * _limb_darkening(globe, canvas.uniform(0.2, 0.6))
    flames = prominences(canvas, globe) * canvas.uniform(0.2, 0.8)
    light = (disc * globe.coverage + flames * (1 - globe.coverage)).clamp(min=0)
    colour = canvas.colour(*tint)
    return colour * light + 0.35 * (light - 0.75).clamp(min=0)  # film and screens burn out white


def _magnetogram(canvas: Canvas, globe: Globe) -> torch.Tensor:
    """Return a grey disc with black and white poles side by side (SDO's HMI, SOHO's MDI)."""
    field = 0.04 * octave(canvas, globe.point, min(20.0, globe.finest))
    patches = fbm(canvas, globe.point, 8.0, 3, gain=0.8, finest=globe.finest)
    for region in regions(canvas, 8):
        apart = math.degrees(region.size) * 0.6
        sign = 1 if region.latitude > 0 else -1  # Hale's law
        for side in (-1, 1):
            away = globe.distance_to(region.latitude, region.longitude + side * apart)
            field = field + side * sign * smoothstep(region.size, 0.0, away + 0.02 * patches)
    grey = (0.22 + field * globe.mu).clamp(0, 1)
    return (grey * globe.coverage)[None].expand(3, -1, -1)


def _granules(canvas: Canvas) -> torch.Tensor:
    """Return the photosphere close up: granules with dark lanes, and sunspots with filaments."""
    cells = canvas.log_uniform(6, 22)
    points = plane_points(canvas)
    lanes = _lanes(canvas, min(cells, canvas.size / 6))
    bright = 0.52 + 0.22 * smoothstep(0.0, 0.8, lanes) + 0.05 * octave(canvas, points, 1.5)
    for _ in range(int(canvas.rng.integers(0 if cells < 10 else 1, 4))):
        x, y = canvas.x - canvas.uniform(-0.6, 0.6), canvas.y - canvas.uniform(-0.6, 0.6)
        size = canvas.log_uniform(0.12, 0.5)
        edge = 0.08 * octave(canvas, points, 1.6)
        away = (x ** 2 + y ** 2).sqrt() / size + edge
        combed = torch.stack([x, y, away * 0.15]) / (x ** 2 + y ** 2 + 1e-4).sqrt()
        hairs = octave(canvas, combed, min(6.0, canvas.size * size / 12))
        bright = mix(bright, 0.30 + 0.07 * hairs, smoothstep(1.05, 0.95, away))
        bright = mix(bright, torch.full_like(bright, 0.03), smoothstep(0.52, 0.42,
                                                                       away + 0.02 * hairs))
    tint = {"orange": (255, 160, 45), "gold": (255, 205, 95), "red": (255, 95, 30),
            "white": (255, 250, 240)}[canvas.pick({"orange": 4, "gold": 3, "red": 1, "white": 2})]
    return canvas.colour(*tint) * bright * 1.3


def _lanes(canvas: Canvas, count: float) -> torch.Tensor:
    """Return how far each pixel lies from the border between cells, in cells (Worley's noise).

    Args:
        canvas: the picture.
        count: cells along half of its side.
    """
    points = plane_points(canvas)
    x = canvas.x * count + 0.12 * octave(canvas, points, count / 3) + 40
    y = canvas.y * count + 0.12 * octave(canvas, points, count / 3) + 40
    jitter = canvas.tensor(0.15 + 0.7 * canvas.rng.random((2, 80, 80)))
    column, row = x.floor().long(), y.floor().long()
    first, second = torch.full_like(x, 9.0), torch.full_like(x, 9.0)
    for i in (-1, 0, 1):
        for j in (-1, 0, 1):
            place = jitter[:, (row + j) % 80, (column + i) % 80]
            away = ((column + i + place[0] - x) ** 2 + (row + j + place[1] - y) ** 2).sqrt()
            second = second.minimum(first.maximum(away))
            first = first.minimum(away)
    return second - first
