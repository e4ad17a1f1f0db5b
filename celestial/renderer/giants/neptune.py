"""Neptune: azure to deep blue, with faint bands, white streaks and now and then a dark spot."""

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
from celestial.renderer.light.noise import octave
from celestial.renderer.light.rings import see_rings

EQUATOR = 24764.0  # km
FLATTENING = 0.01708  # polar radius 24341 km (Archinal et al. 2018, CeMDA 130, 22)
OBLIQUITY = 28.3  # degrees

# Middle, width (km, rounded; Porco et al. 1995, in "Neptune and Triton", Univ. Arizona Press, 703),
# relative light (by eye): Galle, Le Verrier, Lassell, Arago, Adams.
RINGS = ((42000, 2000, 0.15), (53200, 110, 1.0), (55200, 4000, 0.12), (57200, 100, 0.3),
         (62932, 50, 1.0))


def draw(canvas: Canvas) -> np.ndarray:
    """Draw a picture of Neptune: uint8 (height, width, 3)."""
    kind = canvas.pick({"voyager": 4.0, "mono": 2.8, "crescent": 0.5, "telescope": 1.8,
                        "infrared": 1.5, "rings": 0.12, "program": 1.8})
    pose = choose_pose(canvas, kind)
    globe = see_globe(canvas, pose)
    clouds = _clouds(canvas, globe, kind)
    light = ice_giant_light(canvas, globe, clouds, canvas.uniform(0.65, 1.0), kind)
    if kind == "rings":  # exposed for them: the planet burns out, or is hidden behind a bar
        light = light * 8
        if canvas.chance(0.5):
            light = light * ((canvas.x - pose.centre[0]).abs() > 1.2 * pose.radius)
    light = light + choose_rings(canvas, globe, kind)
    if canvas.chance(0.5 if kind == "infrared" else 0.15):
        light = light + moons(canvas, pose, int(canvas.rng.integers(1, 5)), canvas.uniform(0.5, 8))
    return photograph(canvas, light, choose_look(canvas, globe, kind))


def choose_pose(canvas: Canvas, kind: str) -> Pose:
    """Choose viewpoint, sun and framing as the kind of picture has them."""
    c = canvas
    turn = c.rng.normal(0, 0.4) if c.chance(0.8) else c.uniform(0, 2 * math.pi)
    sun_latitude = math.radians(-c.uniform(20, OBLIQUITY))  # southern summer, 1989 to 2024
    latitude, hour = sun_latitude + c.rng.normal(0, 0.08), c.rng.normal(0, 0.15)
    if kind == "crescent":
        latitude, hour = c.rng.normal(-0.4, 0.3), c.uniform(1.9, 2.7) * c.rng.choice((-1, 1))
    elif kind == "program":
        sun_latitude = math.radians(OBLIQUITY * c.uniform(-1, 1))
        latitude, hour = math.asin(c.uniform(-1, 1)), max(-2.2, min(2.2, c.rng.normal(0, 1.2)))
    elif kind in ("voyager", "mono"):
        latitude, hour = latitude + c.rng.normal(0, 0.15), c.rng.normal(0, 0.5)
    kinds = {"full": 6, "small": 2.5, "partial": 1.2}
    if kind == "rings":
        kinds = {"small": 1}
    elif kind in ("infrared", "program"):
        kinds = {"full": 2, "small": 5}
    elif kind == "telescope":
        kinds = {"full": 3, "small": 4}
    radius, centre = frame(c, kinds)
    phase, sun_turn = sun_at(latitude, turn, sun_latitude, hour)
    return Pose(radius, centre, latitude, turn, c.uniform(-math.pi, math.pi), phase, sun_turn,
                FLATTENING)


def _base(canvas: Canvas, kind: str) -> torch.Tensor:
    """Return the mean colour: vivid as Voyager's pictures were shown, or paler, or infrared's."""
    c = canvas
    if kind == "mono":
        return c.colour(*[c.uniform(120, 215)] * 3)
    if kind == "program":
        return c.colour(c.uniform(95, 125), c.uniform(128, 150), c.uniform(195, 220))
    if kind == "infrared":
        return mix(c.colour(30, 45, 120), c.colour(205, 195, 228), c.uniform(0, 1))
    if c.chance(0.06):  # as recalibrated by Irwin et al. 2024, MNRAS 527, 11521
        return c.colour(132, 174, 208)
    return mix(c.colour(38, 82, 225), c.colour(108, 152, 215), c.uniform(0, 1))


def _clouds(canvas: Canvas, globe: Globe, kind: str) -> torch.Tensor:
    """Return the colour of the clouds, linear (3, size, size)."""
    c = canvas
    contrast = c.uniform(0.05, 0.15) if kind == "mono" else c.uniform(0.02, 0.07)
    bands = 1 + contrast * band_noise(c, 7)
    wobble = octave(c, globe.point, 3.0) * 0.01
    light = _base(c, kind) * by_latitude(c.tensor(bands)[None], globe.latitude + wobble)
    return add_clouds(c, globe, light, kind)


def add_clouds(canvas: Canvas, globe: Globe, light: torch.Tensor, kind: str) -> torch.Tensor:
    """Add dark spots and white clouds, as the kind of picture shows them, to light (3, h, w)."""
    c, middle = canvas, math.degrees(globe.pose.longitude)
    white = c.colour(235, 240, 250)
    if kind in ("voyager", "mono") and c.chance(0.5):
        light = _dark_spot(c, globe, light, white, middle + c.uniform(-50, 50))
    strength = {"program": 0.15, "infrared": 1.0}.get(kind, c.uniform(0.2, 0.8))
    spots = torch.zeros_like(globe.mu)
    if kind == "infrared" and c.chance(0.5):  # the warm south pole
        spots = spots + smoothstep(-1.3, -1.45, globe.latitude)
    for _ in range(int(c.rng.integers(1, 7) * (2 if kind == "infrared" else 1))):
        latitude = c.rng.choice((-68, -42, -33, -30, -27, 25, 30)) + c.rng.normal(0, 4)
        spots = spots + streak(globe, latitude, middle + c.uniform(-75, 75),
                               c.uniform(4, 28) if latitude > -55 else c.uniform(4, 12),
                               c.uniform(0.6, 2.5)) * c.uniform(0.3, 1)
    # Wisps along the parallels: noise squeezed from north to south.
    wisps = octave(c, globe.point * c.planes([1, 1, 5]), min(4.0, globe.finest / 5))
    return mix(light, white, (spots * strength * (0.8 + 0.4 * wisps)).clamp(0, 1))


def _dark_spot(canvas: Canvas, globe: Globe, light: torch.Tensor, white: torch.Tensor,
               longitude: float) -> torch.Tensor:
    """Add the Great Dark Spot of 1989 and its companion, and often the second one and Scooter.

    13,000 by 6,600 km at 20 S; the Scooter at 42 S, the second dark spot at 55 S (Smith et al.
    1989, Science 246, 1422).
    """
    c = canvas
    spot = smoothstep(0.25, 0.6, streak(globe, -20, longitude, 15, 7))
    light = light * (1 - spot * c.uniform(0.2, 0.45))
    rim = streak(globe, -29, longitude + c.uniform(-4, 4), 10, 1.3)
    rim = rim + 0.6 * streak(globe, -32, longitude + c.uniform(0, 8), 6, 0.9)
    scooter = streak(globe, -42, longitude + c.uniform(-60, 60), 4, 1.2)
    second = streak(globe, -55, longitude + c.uniform(-40, 40), 5, 2.5)
    light = light * (1 - 0.3 * second) + 0.2 * white * second ** 6
    return mix(light, white, ((rim + scooter) * c.uniform(0.4, 0.9)).clamp(max=1))


def choose_rings(canvas: Canvas, globe: Globe, kind: str) -> torch.Tensor:
    """Return the light of the rings: few pictures are exposed long enough for them."""
    strength = {"infrared": canvas.uniform(0, 0.6), "rings": canvas.uniform(0.1, 0.5),
                "program": canvas.log_uniform(0.003, 0.05)}.get(kind, 0.0)
    if not strength:
        return canvas.dark()
    plane = see_rings(canvas, globe)
    finest = canvas.uniform(0.4, 1.2) * canvas.pixel / globe.pose.radius * EQUATOR
    glow = faint_rings(canvas, plane, RINGS, EQUATOR, finest=max(finest, 100))
    return glow * strength * canvas.colour(215, 215, 225)


def choose_look(canvas: Canvas, globe: Globe, kind: str) -> Look:
    """Choose how the picture is taken."""
    mono = {"mono": 1.0, "crescent": 0.5, "telescope": 0.2, "infrared": 0.35,
            "rings": 0.8}.get(kind, 0.0)
    look = ice_giant_look(canvas, kind, mono)
    look.exposure = min(look.exposure, 1.0 if look.mono else 1.4)
    look.saturation = max(look.saturation, 0.95)
    if kind == "infrared" and canvas.chance(0.3):  # Webb's: Triton outshines the planet
        look.spikes = canvas.scale * canvas.uniform(5, 16)
    return keep_readable(look, globe.pose.radius / canvas.pixel)
