"""Kinds of galaxies: spirals, discs from the side, ellipticals, irregulars, rings, starbursts."""

import math
from dataclasses import dataclass

import numpy as np
import torch

from celestial.renderer.light.canvas import Canvas, mix, rotated, smoothstep
from celestial.renderer.light.noise import fbm, in_plane, octave, ridged

OLD, DISC, YOUNG, HYDROGEN = (255, 214, 160), (226, 212, 205), (165, 190, 255), (255, 95, 130)
# Extinction in R, V and B over that in V (Cardelli et al. 1989, ApJ 345, 245).
DUST = (0.75, 1.0, 1.34)


@dataclass(frozen=True)
class Place:
    """Where a galaxy lies: middle (x, y), radius of what is seen, position angle, radians."""

    x: float
    y: float
    radius: float
    angle: float

    def axes(self, canvas: Canvas) -> tuple[torch.Tensor, torch.Tensor]:
        """Return coordinates along the major and minor axis, in radii, (size, size) each."""
        x, y = (canvas.x - self.x) / self.radius, (canvas.y - self.y) / self.radius
        return rotated(x, y, self.angle)


def sersic(r: torch.Tensor, half: float, n: float) -> torch.Tensor:
    """Return Sersic's profile, 1 at the half-light radius; b_n after Ciotti & Bertin 1999."""
    b = 2 * n - 1 / 3 + 4 / (405 * n)
    return torch.exp(-b * ((r / half).clamp(min=1e-3) ** (1 / n) - 1))


def redden(canvas: Canvas, light: torch.Tensor, depth: torch.Tensor) -> torch.Tensor:
    """Return light behind dust of this optical depth in V."""
    return light * torch.exp(-depth * canvas.planes(DUST))


def _finest(canvas: Canvas, place: Place) -> float:
    """Return the highest frequency that pixels can show, cycles per radius of the galaxy."""
    return 0.5 * place.radius / canvas.pixel


def _wind(canvas: Canvas, place: Place, points: torch.Tensor,
          r: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, float]:
    """Wind logarithmic arms about the middle of a disc.

    Returns:
        the arms' phase (0 on their crests), noise drawn out along the arms, noise of clumps, all
        (size, size), and how torn the arms are: 0 a grand design, 1 flocculent.
    """
    c = canvas
    rough = octave(c, points, c.uniform(0.8, 1.5))
    pitch = math.radians(c.uniform(9, 30))  # Kennicutt 1981, AJ 86, 1847
    theta = torch.atan2(points[1], points[0]) * (1 if c.chance(0.5) else -1)
    radius = (r * (1 + 0.05 * rough)).log()
    octaves = 4 + round(max(0, math.log2(place.radius)))
    clumps = fbm(c, points, 3.5, octaves, 0.75, _finest(c, place))
    wound = theta - radius / math.tan(pitch) + 0.09 * clumps
    torn = c.rng.random() ** 1.3
    # torn pieces turn with the arms and trail like them
    twisted = torch.stack([wound.cos(), wound.sin(), 1.3 * radius])
    feathers = fbm(c, twisted, 1.4, 3, 0.7, _finest(c, place) * 0.5)
    arms = int(c.rng.choice([2, 3, 4], p=[0.68, 0.16, 0.16]))
    phase = arms * wound + (0.5 + 0.9 * torn) * rough + 0.5 * torn * feathers
    return phase, feathers, clumps, torn


def _spiral(canvas: Canvas, place: Place) -> torch.Tensor:
    """Return a disc with a bulge, often a bar, and arms: logarithmic spirals, more or less torn."""
    c = canvas
    cos = c.uniform(0.2, 1)  # discs lie in all directions
    u, v = place.axes(c)
    points = in_plane(u, v / cos)
    r = (u * u + points[1] ** 2).sqrt().clamp(min=0.01)
    phase, feathers, clumps, torn = _wind(c, place, points, r)
    bar = c.uniform(0.15, 0.35) if c.chance(0.5) else 0.0
    inner = smoothstep(0.75, 1.1, r / bar) if bar else smoothstep(0.04, 0.16, r)
    arm = mix(torch.exp(c.uniform(1.0, 3.0) * (phase.cos() - 1)),
              (0.35 + 0.4 * feathers).clamp(0, 1.6), 0.15 + 0.75 * torn) * inner
    arm = arm * (c.uniform(0.5, 0.9) * clumps).exp().clamp(max=4)
    length = c.uniform(0.2, 0.3)
    old = c.uniform(0.3, 0.8) * torch.exp(-r / length) * smoothstep(1.35, 0.8, r)
    young = arm * torch.exp(-r / (length * 1.45)) * smoothstep(1.3, 0.75, r)
    fine = octave(c, points, min(14 * max(1, place.radius), _finest(c, place)))
    knots = young * smoothstep(1.1, 2.4, fine + 0.6 * clumps)
    hydrogen = c.log_uniform(0.3, 3) if c.chance(0.6) else 0.0
    light = (c.colour(*DISC) * old + c.colour(*HYDROGEN) * hydrogen * knots
             + c.colour(*YOUNG) * (c.log_uniform(0.5, 2.5) * young + 1.5 * knots))
    # dust on the inner edges of the arms
    lane = torch.exp(3 * ((phase + 0.9).cos() - 1)) * (1 - torn) + 0.5 * (feathers < 0)
    depth = c.log_uniform(0.15, 1.6) * lane * (1 + 0.7 * clumps).clamp(min=0) * inner
    light = redden(c, light, depth * smoothstep(1.1, 0.3, r))
    threads = smoothstep(0.3, 1.8, feathers) * smoothstep(0.02, 0.15, r)
    light = light + redden(c, _bulge(c, place, r, cos, bar), c.log_uniform(0.1, 1.2) * threads)
    return c.log_uniform(0.15, 0.6) * light


def _bulge(canvas: Canvas, place: Place, r: torch.Tensor, cos: float, bar: float) -> torch.Tensor:
    """Return a spiral's bulge and bar, old and yellow; `r` is measured in the plane of the disc."""
    c = canvas
    u, minor = place.axes(c)
    flat = mix(cos, 1.0, 0.65)
    round_r = (u * u + (minor / flat) ** 2).sqrt()
    half = c.log_uniform(0.05, 0.16) / max(1, place.radius) ** 0.7
    shape = c.log_uniform(0.4, 2.5) * sersic(round_r, half, c.uniform(1, 3.5)).clamp(max=12)
    if bar:
        turn = c.uniform(0, math.pi)
        along, across = rotated(u, minor / cos, turn)
        width = bar * c.uniform(0.22, 0.4)
        shape = shape + c.uniform(0.6, 1.5) * torch.exp(
            -(along / bar) ** 4 - (across / width).abs() ** 1.5)
        if c.chance(0.35):
            shape = shape + 0.4 * torch.exp(-((r - bar * 1.1) / 0.05) ** 2)
    return c.colour(*OLD) * shape


def _edge(canvas: Canvas, place: Place) -> torch.Tensor:
    """Return a disc seen from the side, with its lane of dust."""
    c = canvas
    u, z = place.axes(c)
    thick = c.log_uniform(0.025, 0.09)
    z = z + c.rng.normal(0, 0.03) * u.abs() * u  # a warp
    points = in_plane(u, z * 2.5)
    clumps = fbm(c, points, 5, 3, 0.7, _finest(c, place))
    # sech^2 across, exponential along (van der Kruit & Searle 1981, A&A 95, 105)
    run = torch.exp(-u.abs() / c.uniform(0.22, 0.4)) * smoothstep(1.25, 0.7, u.abs())
    layer = torch.cosh((z / thick).clamp(-15, 15)) ** -2
    thin = torch.cosh((2.2 * z / thick).clamp(-15, 15)) ** -2
    level = c.log_uniform(0.25, 1.0)
    blue = mix(c.colour(*DISC), c.colour(*YOUNG), c.uniform(0, 1))
    light = level * run * (c.colour(*DISC) * layer + blue * thin * (0.7 * clumps).exp())
    size = c.log_uniform(0.02, 0.2)
    round_r = (u * u + (z / c.uniform(0.55, 0.9)) ** 2).sqrt()
    light = light + level * c.log_uniform(0.2, 1.2) * c.colour(*OLD) * sersic(
        round_r, size, c.uniform(1.2, 4)).clamp(max=12)
    lane = c.rng.normal(0, 0.35) * thick * (1 - (u / 1.1) ** 2).clamp(min=0).sqrt()
    across = (z - lane) / (thick * c.uniform(0.3, 0.7)) + 0.4 * clumps
    depth = c.log_uniform(0.5, 6) * torch.exp(-across ** 2) * (1 + 0.5 * clumps).clamp(min=0)
    return redden(c, light, depth * smoothstep(1.1, 0.5, u.abs()))


def _elliptical(canvas: Canvas, place: Place) -> torch.Tensor:
    """Return an elliptical or, with a faint disc, a lenticular galaxy."""
    c = canvas
    u, v = place.axes(c)
    r = (u * u + (v / c.uniform(0.4, 1)) ** 2).sqrt()
    colour = mix(c.colour(*OLD), c.colour(255, 248, 240), c.uniform(0, 1))
    light = c.log_uniform(0.06, 0.4) * colour * sersic(r, c.uniform(0.18, 0.4), c.uniform(2, 5))
    if c.chance(0.3):
        r = (u * u + (v / c.uniform(0.25, 0.9)) ** 2).sqrt()
        disc = torch.exp(-r / 0.3) + 0.15 * torch.exp(-((r - c.uniform(0.4, 0.8)) / 0.1) ** 2)
        light = light + c.log_uniform(0.1, 0.4) * c.colour(*DISC) * disc
    return light.clamp(max=8)


def _irregular(canvas: Canvas, place: Place) -> torch.Tensor:
    """Return a dwarf irregular galaxy: patchy, blue, with regions of hydrogen."""
    c = canvas
    u, v = place.axes(c)
    v = v / c.uniform(0.35, 1)
    points = in_plane(u, v)
    warp = octave(c, points, 1.0)
    r = ((u + 0.15 * warp) ** 2 + (v + 0.12 * octave(c, points, 1.2)) ** 2).sqrt()
    clumps = fbm(c, points, 2.0, 5, 0.75, _finest(c, place))
    body = sersic(r, 0.45, c.uniform(0.6, 1.2)) * smoothstep(1.5, 0.7, r)
    level = c.log_uniform(0.03, 0.25)
    colour = mix(c.colour(*DISC), c.colour(*YOUNG), c.uniform(0.2, 1))
    light = level * colour * body * (c.uniform(0.5, 1.1) * clumps).exp()
    knots = smoothstep(1.4, 2.4, clumps + 0.7 * octave(c, points, min(9, _finest(c, place)))) * body
    light = light + level * c.log_uniform(0.5, 6) * knots * mix(
        c.colour(*YOUNG), c.colour(*HYDROGEN), c.rng.random())
    if c.chance(0.6):  # the nearest ones are resolved into stars
        white = c.tensor(c.rng.standard_exponential((c.size, c.size), np.float32))
        light = light * mix(torch.ones_like(white), white ** 2 / 2, c.uniform(0.1, 0.9))
    return light


def _starburst(canvas: Canvas, place: Place) -> torch.Tensor:
    """Return a disc such as M82's, torn by dust, that blows out filaments of hydrogen."""
    c = canvas
    u, v = place.axes(c)
    points = in_plane(u, v)
    torn = ridged(c, points, 2.5, 4, 0.7, _finest(c, place))
    clumps = fbm(c, points, 3, 3, 0.7, _finest(c, place))
    light = c.uniform(0.3, 0.8) * c.colour(235, 225, 235) * torch.exp(
        -(u / 0.5).abs() ** 1.5 - (v / c.uniform(0.12, 0.2)).abs() ** 1.3) * (0.5 * clumps).exp()
    light = redden(c, light, 4 * smoothstep(0.62, 0.8, torn) * smoothstep(0.9, 0.2, u.abs()))
    cone = torch.exp(-(u / (0.15 + 0.45 * v.abs())) ** 2 - v.abs() / 0.3)
    # filaments fan out from the middle
    fan = torch.stack([u / (0.2 + 0.6 * v.abs()), 0.6 * v, v.sign()])
    threads = ridged(c, fan, 2.0, 3, 0.7, _finest(c, place))
    plume = c.log_uniform(0.1, 0.7) * cone * (0.25 + smoothstep(0.5, 0.95, threads))
    return light + plume * c.colour(255, 80, 80)


def _dust_lane(canvas: Canvas, place: Place) -> torch.Tensor:
    """Return an elliptical crossed by the dust of a galaxy it swallowed, as Centaurus A."""
    c = canvas
    u, v = place.axes(c)
    r = (u * u + v * v).sqrt()
    points = in_plane(u, v)
    clumps = fbm(c, points, 3, 4, 0.65, _finest(c, place))
    light = c.uniform(0.2, 0.5) * c.colour(*OLD) * sersic(r, 0.4, c.uniform(1.2, 2.5))
    middle = v + c.rng.normal(0, 0.15) * u + 0.12 * (u * 4).sin() * c.uniform(-1, 1)
    wide = c.uniform(0.05, 0.13)
    lane = torch.exp(-(middle / wide + 0.5 * clumps) ** 2) * smoothstep(0.95, 0.5, u.abs())
    light = redden(c, light, c.uniform(2, 5) * lane)
    rim = torch.exp(-((middle.abs() - wide) / wide) ** 2 * 4) * smoothstep(0.8, 0.3, u.abs())
    return light + 0.3 * rim * smoothstep(0.8, 2, clumps) * mix(
        c.colour(*YOUNG), c.colour(*HYDROGEN), c.rng.random())


def _ring(canvas: Canvas, place: Place) -> torch.Tensor:
    """Return a ring of young stars about an old middle: Hoag's object, the Cartwheel."""
    c = canvas
    u, v = place.axes(c)
    v = v / c.uniform(0.5, 1)
    points = in_plane(u, v)
    clumps = fbm(c, points, 2.5, 4, 0.7, _finest(c, place))
    off = c.rng.normal(0, 0.12, 2)
    r = ((u - off[0]) ** 2 + (v - off[1]) ** 2).sqrt()
    band = torch.exp(-((r - 0.75 + 0.03 * clumps) / c.uniform(0.06, 0.15)) ** 2)
    light = c.uniform(0.1, 0.35) * band * (0.7 * clumps).exp() * c.colour(*YOUNG)
    middle = 0.3 * sersic((u * u + v * v).sqrt(), c.uniform(0.1, 0.2), 2.5).clamp(max=10)
    return light + c.colour(*OLD) * (middle + 0.03 * smoothstep(0.9, 0.4, r))


def _infrared(canvas: Canvas, place: Place) -> torch.Tensor:
    """Return a face-on spiral as Webb's mid-infrared camera sees it: a skeleton of warm dust."""
    c = canvas
    u, v = place.axes(c)
    v = v / c.uniform(0.6, 1)
    r = (u * u + v * v).sqrt().clamp(min=0.01)
    wound = torch.atan2(v, u) * (1 if c.chance(0.5) else -1) - r.log() / c.uniform(0.25, 0.5)
    twisted = torch.stack([wound.cos(), wound.sin(), 2.5 * r.log()])
    webs = ridged(c, in_plane(u, v), 3, 4, 0.7, _finest(c, place))
    webs = webs + 0.25 * octave(c, twisted, 1.5) + 0.3 * ((2 * wound).cos() - 0.3)
    dust = smoothstep(0.45, 1.3, webs) ** 2 * torch.exp(-r / 0.4) * smoothstep(1.3, 0.7, r)
    light = c.uniform(0.6, 1.5) * dust * c.colour(255, c.uniform(110, 160), c.uniform(40, 100))
    glow = sersic(r, 0.12, 1.5).clamp(max=8)
    return light + 0.06 * c.colour(170, 200, 255) * (glow + 2 * torch.exp(-r / 0.3))


SINGLE = {"spiral": _spiral, "edge": _edge, "elliptical": _elliptical, "irregular": _irregular,
          "starburst": _starburst, "dust_lane": _dust_lane, "ring": _ring, "infrared": _infrared}
