"""Uranus: an almost featureless ball that lies on its side, with thin dark rings."""

import math

import numpy as np
import torch

from celestial.renderer.giants.bands import band_noise, by_latitude
from celestial.renderer.giants.giants import (
    faint_rings,
    ice_giant_light,
    ice_giant_look,
    keep_readable,
    moons,
    streak,
)
from celestial.renderer.light.camera import photograph
from celestial.renderer.light.canvas import Canvas, mix, smoothstep
from celestial.renderer.light.framing import frame, sun_at
from celestial.renderer.light.globe import Globe, Pose, see_globe
from celestial.renderer.light.look import Look
from celestial.renderer.light.rings import see_rings

EQUATOR = 25559.0  # km
FLATTENING = 0.02293  # polar radius 24973 km (Archinal et al. 2018, CeMDA 130, 22)
OBLIQUITY = 82.2  # degrees, the sun's highest latitude

# Middle and width (km, rounded; French et al. 1991, in "Uranus", Univ. Arizona Press), relative
# light (by eye): zeta, 6, 5, 4, alpha, beta, eta, gamma, delta, lambda, epsilon.
RINGS = ((38300, 2500, 0.06), (41837, 2, 0.08), (42234, 3, 0.1), (42571, 3, 0.1), (44718, 8, 0.25),
         (45661, 9, 0.25), (47176, 2, 0.12), (47627, 3, 0.15), (48300, 6, 0.2), (50024, 3, 0.05),
         (51149, 58, 1))
# Dust as programs show it, by eye, and last the broad rings nu and mu, far out (Showalter &
# Lissauer 2006, Science 311, 973).
DUST = ((38300, 2500, 0.5), (44500, 3000, 0.7), (48000, 1500, 0.6), (51149, 600, 1.0),
        (67300, 3800, 0.5), (97700, 17000, 0.35))


def draw(canvas: Canvas) -> np.ndarray:
    """Draw a picture of Uranus: uint8 (height, width, 3)."""
    kind = canvas.pick({"voyager": 3.0, "mono": 3.0, "crescent": 1.2, "telescope": 2.2,
                        "infrared": 1.0, "webb": 0.9, "rings": 0.08, "program": 1.6})
    pose = choose_pose(canvas, kind)
    globe = see_globe(canvas, pose)
    clouds = _clouds(canvas, globe, kind)
    light = ice_giant_light(canvas, globe, clouds, canvas.uniform(0.7, 1.05), kind)
    light = light + choose_rings(canvas, globe, kind)
    if kind in ("infrared", "webb") or canvas.chance(0.15):
        light = light + moons(canvas, pose, int(canvas.rng.integers(1, 9)), canvas.uniform(0.5, 6))
    return photograph(canvas, light, choose_look(canvas, globe, kind))


def choose_pose(canvas: Canvas, kind: str) -> Pose:
    """Choose viewpoint, sun and framing as the kind of picture has them."""
    c = canvas
    turn = c.uniform(0, 2 * math.pi)
    hour = 0.0
    if kind in ("voyager", "mono"):  # 1986: over the sunlit south pole
        sun_latitude = math.radians(-OBLIQUITY)
        latitude = math.radians(c.uniform(-90, -45))
        hour = c.uniform(-0.5, 0.5)
    elif kind == "crescent":
        sun_latitude = math.radians(-OBLIQUITY)
        latitude = math.radians(c.uniform(30, 65))
        hour = c.uniform(-math.pi, math.pi)
    elif kind == "program":
        sun_latitude = math.radians(OBLIQUITY * c.uniform(-1, 1))
        latitude = math.asin(c.uniform(-1, 1))
        hour = max(-2.2, min(2.2, c.rng.normal(0, 1.2)))
    else:  # from the Earth, 1986 to 2030
        sun_latitude = math.radians(c.uniform(-75, 80))
        latitude = sun_latitude + math.radians(c.uniform(-3, 3))
        turn = c.rng.normal(math.pi / 2, 0.4) if c.chance(0.7) else turn
    kinds = {"full": 6, "small": 2.5, "partial": 1}
    if kind in ("infrared", "webb", "program"):
        kinds = {"full": 1, "small": 5}
    radius, centre = frame(c, kinds)
    if kind == "rings":  # arcs alone
        latitude, radius = math.copysign(c.uniform(0.4, 1.4), latitude), c.log_uniform(1.2, 5)
        centre = (-1.85 * radius * math.cos(turn), -1.85 * radius * math.sin(turn))
    phase, sun_turn = sun_at(latitude, turn, sun_latitude, hour)
    return Pose(radius, centre, latitude, turn, c.uniform(-math.pi, math.pi), phase, sun_turn,
                FLATTENING)


def _clouds(canvas: Canvas, globe: Globe, kind: str) -> torch.Tensor:
    """Return the colour of the clouds, linear (3, size, size)."""
    c = canvas
    if kind == "mono":
        base = c.colour(*[c.uniform(120, 225)] * 3)
    elif kind == "program":
        base = c.colour(c.uniform(135, 165), c.uniform(172, 190), c.uniform(182, 198))
    else:
        base = mix(c.colour(150, 206, 216), c.colour(205, 229, 236), c.uniform(0, 1))
    side = 1.0 if globe.pose.latitude > 0 else -1.0
    polar = smoothstep(0.3, 1.0, globe.latitude.sin() * side)
    if kind in ("voyager", "mono", "crescent", "program"):
        return base * (1 + c.uniform(0, 0.15) * (polar - 0.5))
    # The bright cap ends near 45 degrees (Hammel & Lockwood 2007, Icarus 186, 291).
    edge, soft = c.uniform(35, 48), c.uniform(3, 14)
    cap = smoothstep(math.radians(edge - soft), math.radians(edge + soft), globe.latitude * side)
    tones = c.tensor(1 + 0.03 * band_noise(c, 6))[None]
    light = base * by_latitude(tones, globe.latitude)
    if kind == "infrared":
        light = _false_colours(c, globe, side) * by_latitude(tones, globe.latitude)
    light = mix(light, c.colour(235, 242, 245), cap * c.uniform(0.1, 0.7))
    for _ in range(int(c.rng.integers(0, 5))):
        spot = streak(globe, side * c.uniform(-20, 60), math.degrees(globe.pose.longitude)
                      + c.uniform(-70, 70), c.uniform(2, 8), c.uniform(1, 3))
        light = light + spot * c.uniform(0.1, 0.8)
    return light


def _false_colours(canvas: Canvas, globe: Globe, side: float) -> torch.Tensor:
    """Return near infrared composites' colours from pole to pole: the summer pole first."""
    palettes = (((200, 165, 170), (190, 190, 175), (110, 195, 165), (20, 190, 175)),
                ((225, 225, 215), (90, 180, 200), (60, 150, 190), (50, 120, 170)),
                ((240, 190, 150), (120, 200, 120), (50, 160, 120), (40, 130, 150)),
                ((235, 240, 245), (150, 190, 225), (120, 165, 215), (110, 150, 205)))
    colours = np.array(palettes[canvas.rng.integers(len(palettes))], float)
    table = canvas.tensor((colours / 255).T ** 2.2)
    return by_latitude(table, globe.latitude * -side) * canvas.uniform(0.5, 1.0)


def choose_rings(canvas: Canvas, globe: Globe, kind: str) -> torch.Tensor:
    """Return the light of the rings: lost against the planet but in methane's bands."""
    strength = {"infrared": canvas.uniform(0.15, 0.8), "webb": canvas.uniform(0.3, 1.0),
                "program": canvas.log_uniform(0.003, 0.08), "rings": canvas.uniform(0.3, 1.2),
                "telescope": canvas.uniform(0, 0.25)}.get(kind, 0.0)
    if not strength:
        return canvas.dark()
    plane = see_rings(canvas, globe)
    if kind == "program":
        glow = faint_rings(canvas, plane, DUST, EQUATOR, finest=300)
        return glow * strength * canvas.colour(200, 200, 215)
    finest = canvas.uniform(0.5, 1.2) * canvas.pixel / globe.pose.radius * EQUATOR
    glow = faint_rings(canvas, plane, RINGS, EQUATOR, finest=max(finest, 60))
    return glow * strength * canvas.colour(230, 222, 215)


def choose_look(canvas: Canvas, globe: Globe, kind: str) -> Look:
    """Choose how the picture is taken."""
    mono = {"voyager": 0.0, "mono": 1.0, "crescent": 0.5, "telescope": 0.2, "infrared": 0.2,
            "webb": 0.15, "rings": 1.0, "program": 0.0}[kind]
    look = ice_giant_look(canvas, kind, mono)
    look.exposure = min(look.exposure, 1.4)
    look.saturation = min(look.saturation, 1.15)
    return keep_readable(look, globe.pose.radius / canvas.pixel)
