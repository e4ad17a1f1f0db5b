"""Mars: ochre deserts, dark regions at their places, polar caps, canyons, haze, close-ups."""

import math
from functools import lru_cache

import numpy as np
import torch

from celestial.renderer.light.camera import photograph
from celestial.renderer.light.canvas import Canvas, mix, smoothstep
from celestial.renderer.light.framing import frame, sunward
from celestial.renderer.light.globe import (
    Globe,
    Pose,
    gather_disc,
    minnaert,
    night_light,
    scatter_disc,
    see_globe,
)
from celestial.renderer.light.look import random_look
from celestial.renderer.light.noise import fbm, octave
from celestial.renderer.light.stars import space
from celestial.renderer.rocky.atlas import Feature, draw_map, look_up
from celestial.renderer.rocky.craters import cratered
from celestial.renderer.rocky.mars_ground import ground

FLATTENING = 0.00589  # 3396.19 and 3376.20 km (Archinal et al. 2018, CeMDA 130, 22)

# Albedo features about where the USGS Gazetteer has them (rounded; east positive); sizes,
# strengths (1 as dark as Syrtis Major) and what has no name here are by eye.
DARK: list[Feature] = [
    (10, 70, 13, 7, 0, 1.0),  # Syrtis Major
    (-3, 67, 5, 10, 0, 0.7),
    (-20, 105, 9, 22, -12, 0.75),  # Mare Tyrrhenum
    (-8, 108, 4, 12, -25, 0.5),
    (-20, 140, 8, 20, -14, 0.8),  # Mare Cimmerium
    (-30, -155, 7, 20, -10, 0.8),  # Mare Sirenum
    (-10, 22, 4.5, 24, 4, 0.8),  # Sinus Sabaeus
    (-5, 0, 4, 6, 0, 0.9),  # Sinus Meridiani
    (-28, 10, 10, 22, 0, 0.55),  # Deucalionis, Pandorae Fretum, by eye
    (-27, -38, 14, 24, 10, 0.75),  # Mare Erythraeum
    (-10, -24, 10, 9, 30, 0.7),  # Margaritifer Sinus
    (-14, -50, 6, 8, 0, 0.6),  # Aurorae Sinus
    (45, -28, 16, 18, 0, 0.85),  # Mare Acidalium
    (30, -60, 5, 9, 30, 0.45),  # Nilokeras, Lunae Lacus
    (-26, -88, 5, 7, 0, 0.8),  # Solis Lacus
    (-34, -80, 4, 24, 8, 0.4),
    (-44, -105, 6, 20, -8, 0.5),  # Aonium Sinus
    (49, 110, 12, 24, 0, 0.55),  # Utopia
    (22, 62, 4, 6, 60, 0.5),  # the tip of Syrtis, by eye
    (-57, 150, 8, 60, 0, 0.4),  # Mare Chronium
    (-55, 90, 7, 40, 0, 0.35),  # Mare Australe, by eye
    (-58, -20, 6, 50, 0, 0.3),
    (14, 155, 4, 9, 40, 0.35),  # Cerberus
    (74, 0, 6, 400, 0, 0.55),  # the dunes around the north pole
    (-42, 70, 16, 20, 0, -0.6),  # Hellas
    (-50, -43, 7, 9, 0, -0.5),  # Argyre
    (20, 25, 18, 22, 0, -0.35),  # Arabia
    (10, -120, 22, 26, 0, -0.25),  # Tharsis, by eye
    (20, 160, 18, 22, 0, -0.2),  # between Amazonis and Elysium
    (14, 88, 10, 12, 0, -0.3),  # Isidis
]
# Narrow and sharp: the canyons (Valles Marineris) and the great volcanoes' dark flanks; places
# about where the USGS Gazetteer has them (rounded), sizes and strengths by eye.
CANYONS: list[Feature] = [
    (-6.5, -101, 2.8, 6, 10, 0.6),  # Noctis Labyrinthus
    (-5, -84.5, 1.7, 9, -8, 0.8),  # Tithonium Chasma
    (-7.5, -85.5, 1.4, 8, -8, 0.8),  # Ius Chasma
    (-10.5, -73, 3.1, 5, -10, 1.0),  # Melas Chasma
    (-6.5, -71, 2.2, 4, 0, 0.9),  # Candor Chasma
    (-4, -72, 1.7, 4, 0, 0.7),  # Ophir Chasma
    (-13.5, -62, 1.8, 10, -10, 1.0),  # Coprates Chasma
    (-14, -50, 2.8, 6, 8, 0.8),  # from Coprates towards Eos Chasma, by eye
    (-9, -42, 2.1, 6, 35, 0.6),  # Capri Chasma and what lies north-east of it, by eye
    (-1, -76, 1.4, 3.5, 0, 0.5),  # Hebes Chasma
    (11.9, -104.1, 2.0, 2.0, 0, 0.8),  # Ascraeus Mons
    (1.5, -112.9, 1.9, 1.9, 0, 0.7),  # Pavonis Mons
    (-8.4, -120.1, 2.3, 2.3, 0, 0.8),  # Arsia Mons
    (18.65, -133.8, 4.3, 4.3, 0, 0.5),  # Olympus Mons: its scarp is a ring
    (18.65, -133.8, 3.3, 3.3, 0, -0.6),
    (25, 147.2, 2.0, 2.0, 0, 0.4),  # Elysium Mons
]


@lru_cache
def _charts(device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Return maps for `look_up`: darkness of the ground, and canyons and volcanoes."""
    return (draw_map(DARK, 360, 4.5, device),
            draw_map(CANYONS, 540, 0.8, device, sharpness=2))


def draw(canvas: Canvas) -> np.ndarray:
    """Draw a picture of Mars: uint8 (height, width, 3)."""
    kind = canvas.pick({"mosaic": 30, "distant": 28, "phase": 19, "amateur": 14, "ground": 9})
    if kind == "ground":
        look = random_look(canvas, mono=0.01)  # grey craters could be any body's
        look.exposure = max(look.exposure, 0.6)
        look.calm_cast(0.3)
        return photograph(canvas, ground(canvas, *_palette(canvas, kind)), look)
    whole = see_globe(canvas, choose_pose(canvas, kind))
    globe, mask = gather_disc(whole)
    disc = _surface(canvas, globe, kind)
    lit = minnaert(globe, canvas.uniform(0.55, 0.85)) + night_light(canvas)
    haze = choose_haze(canvas, globe)
    disc = scatter_disc((disc * lit + haze) * globe.coverage, mask)
    light = space(canvas) * (1 - whole.coverage) + disc
    look = random_look(canvas, mono=0.01)  # a grey Mars is rare, and would pass for the Moon
    if kind == "amateur":
        look.fwhm = max(look.fwhm, canvas.scale * canvas.uniform(1.5, 4.5))
    look.exposure = float(np.clip(look.exposure, 0.6, 1.3))
    look.calm_cast(0.6)
    return photograph(canvas, light * 1.2, look)


def choose_pose(canvas: Canvas, kind: str) -> Pose:
    """Choose viewpoint, sun and framing as the kind of picture has them."""
    kinds, phase = {"full": 6, "small": 2.5}, abs(canvas.rng.normal(0, 22))
    turn = canvas.rng.normal(0, 0.4) if canvas.chance(0.8) else canvas.uniform(0, 2 * math.pi)
    latitude, longitude = canvas.rng.normal(0, 14), canvas.uniform(-180, 180)
    if kind == "mosaic":
        kinds = {"full": 8, "partial": 1}
        if canvas.chance(0.6):  # the hemispheres that Viking's mosaics show: canyons, Syrtis...
            longitude = (-75, 65, -10, 150, -125)[canvas.rng.integers(5)] + canvas.rng.normal(0, 12)
    if kind == "phase":
        phase = canvas.uniform(35, 110)
        kinds = {"full": 6, "small": 2, "partial": 3, "close": 1.5}
        latitude = canvas.rng.normal(0, 30)
    if kind == "amateur":
        kinds = {"full": 3, "small": 4}
    radius, centre = frame(canvas, kinds)
    if kind == "phase":
        centre = (0.85 * centre[0], 0.85 * centre[1])
    side = turn + canvas.rng.normal(0, 0.35) + (math.pi if canvas.chance(0.5) else 0)
    return Pose(radius, centre, latitude=math.radians(latitude), turn=turn,
                longitude=math.radians(longitude), phase=math.radians(phase),
                sun_turn=sunward(canvas, centre, side), flattening=FLATTENING)


def _surface(canvas: Canvas, globe: Globe, kind: str) -> torch.Tensor:
    """Return the ground's colour: deserts, dark regions, canyons, caps."""
    albedo, canyons = _charts(canvas.device)
    grain = fbm(canvas, globe.point, 3.0, 5, gain=0.6, finest=globe.finest)
    shift = octave(canvas, globe.point, 6.0) * 0.012
    dark = look_up(albedo, globe, shift, -shift)
    dust = canvas.uniform(0.6, 1.15) if canvas.chance(0.95) else 0.1  # a global dust storm
    sharp = 0.15 if dust < 0.2 else 1.0 if kind == "mosaic" else canvas.uniform(0.3, 0.9)
    dark = smoothstep(-0.5, 1.0, dark + 0.08 * grain) * dust + 0.05 * grain * sharp
    desert, rock = _palette(canvas, kind)
    disc = mix(desert, rock, dark.clamp(0, 1.1))
    cracks = look_up(canyons, globe).clamp(-1, 1) * (0.85 + 0.3 * grain).clamp(0.3, 1.3)
    disc = disc * (1 - 0.75 * sharp * cracks).clamp(min=0.1)
    if kind in ("mosaic", "phase") and globe.finest > 20:
        disc = disc * _relief(canvas, globe, canvas.uniform(0.2, 1.0))
    return add_caps(canvas, globe, disc, grain)


def _relief(canvas: Canvas, globe: Globe, strength: float) -> torch.Tensor:
    """Return the shading of craters, most in the old southern highlands, as a factor."""
    slope = cratered(canvas, globe, 0.8).slope
    sun = globe.pose.axes @ globe.pose.sun + canvas.rng.normal(0, 0.4, 3)  # mosaics mix noons
    towards = (slope * canvas.planes(sun)).sum(0)
    return (1 - strength * smoothstep(0.6, -0.3, globe.point[2]) * towards).clamp(0.4, 1.6)


def _palette(canvas: Canvas, kind: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the colours of bright and dark ground.

    Bright dust reflects several times as much red as blue light (Bell et al. 1997, JGR 102,
    9109); the colours are chosen by eye.
    """
    name = canvas.pick({"mosaic": {"viking": 5, "red": 3, "butterscotch": 2},
                        "amateur": {"viking": 3, "pink": 2, "butterscotch": 3}}.get(
        kind, {"viking": 3, "butterscotch": 4, "pink": 2, "red": 1}))
    bright, dark = {"viking": ((222, 135, 82), (95, 56, 42)),
                    "red": ((215, 98, 58), (85, 35, 28)),
                    "butterscotch": ((208, 150, 104), (98, 72, 58)),
                    "pink": ((220, 160, 130), (125, 95, 85))}[name]
    shift = canvas.rng.uniform(-7, 7, 3)
    return (canvas.colour(*np.clip(bright + shift, 0, 255)),
            canvas.colour(*np.clip(dark + shift, 0, 255)))


def add_caps(canvas: Canvas, globe: Globe, disc: torch.Tensor, grain: torch.Tensor) -> torch.Tensor:
    """Lay ice on the poles: one is large in its winter and spring, the other small."""
    large, small = canvas.uniform(55, 75), canvas.uniform(80, 89)
    north, south = (large, small) if canvas.chance(0.5) else (small, large)
    if canvas.chance(0.4):
        north, south = canvas.uniform(78, 84), canvas.uniform(80, 88)  # the ice that stays
    latitude = globe.latitude.rad2deg()
    # The ice that stays in the south lies off the pole (87 S, 315 E).
    southern = 90 - globe.distance_to(-87, -45).rad2deg()
    edge = 1.2 * grain + 0.8 * octave(canvas, globe.point, 5.0)
    ice = smoothstep(-0.8, 0.8, latitude - north + edge).maximum(
        smoothstep(-0.8, 0.8, southern - south + edge))
    return mix(disc, canvas.colour(246, 244, 240), ice * canvas.uniform(0.7, 1.0))


def choose_haze(canvas: Canvas, globe: Globe) -> torch.Tensor:
    """Return light from dust and ice clouds in the air: bright limbs, bluish morning clouds."""
    depth = canvas.log_uniform(0.005, 0.07)
    lit = globe.mu0.clamp(min=0)
    path = lit / (lit + globe.mu + 0.05) * (1 - torch.exp(-depth * 2 / (globe.mu + 0.03)))
    light = canvas.colour(*((190, 200, 225) if canvas.chance(0.6) else (225, 185, 150))) * path
    if canvas.chance(0.3):
        belt = torch.exp(-((globe.latitude.rad2deg() - 10) / 18) ** 2)  # aphelion cloud belt
        drawn_out = globe.point * canvas.planes([1, 1, 1.6])
        wisps = fbm(canvas, drawn_out, 2.0, 4, gain=0.65, finest=globe.finest)
        hood = smoothstep(48, 75, globe.latitude.rad2deg().abs())
        olympus = torch.exp(-(globe.distance_to(18.6, -134) / 0.13) ** 2)
        clouds = smoothstep(0.0, 1.8, wisps) * (0.25 * belt + 0.5 * hood + 0.08) + 0.3 * olympus
        light = light + canvas.colour(215, 225, 240) * (canvas.uniform(0.2, 0.9) * clouds * lit)
    return light
