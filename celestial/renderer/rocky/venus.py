"""Venus: a white veil to the eye, dark streaks in ultraviolet light, a cracked globe to radar."""

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
    turn_about_pole,
)
from celestial.renderer.light.look import random_look
from celestial.renderer.light.noise import fbm, octave, ridged
from celestial.renderer.light.stars import space
from celestial.renderer.rocky.atlas import Feature, draw_map, look_up

# Radar-bright highlands and the darkest plains, about where the USGS Gazetteer of Planetary
# Nomenclature has them (rounded; east positive); sizes, turns and strengths by eye.
HIGHLANDS: list[Feature] = [
    (-3, 86, 11, 14, 0, 1.0),  # Ovda Regio, western Aphrodite Terra
    (-11, 130, 9, 13, 0, 0.9),  # Thetis Regio
    (-15, 155, 5, 22, -13, 0.7),  # Diana Chasma
    (-18, 167, 4, 20, 20, 0.5),  # Dali Chasma
    (9, -160, 7, 7, 0, 0.8),  # Atla Regio
    (0, -172, 3, 14, 20, 0.5),  # from there to Atla Regio, by eye
    (25, -77, 11, 6, -10, 0.8),  # Beta Regio
    (-6, -77, 7, 8, 0, 0.6),  # Phoebe Regio
    (18, -106, 3, 30, 11, 0.4),  # Hecate Chasma
    (-20, -105, 3, 25, -25, 0.4),  # Parga Chasmata
    (65, 3, 7, 9, 0, 1.2),  # Maxwell Montes
    (69, -21, 6, 11, 0, 0.3),  # Lakshmi Planum
    (70, 45, 8, 16, 0, 0.8),  # Fortuna Tessera
    (-25.5, 1, 9, 12, 0, 0.6),  # Alpha Regio
    (42.5, 77, 8, 14, 30, 0.5),  # Tellus Tessera
    (-47, -13, 12, 15, 0, -0.3),  # Lavinia Planitia
    (22, -35, 15, 20, 0, -0.2),  # Guinevere Planitia
]


@lru_cache
def _highlands(device: torch.device) -> torch.Tensor:
    """Return the map of radar brightness for `look_up`."""
    return draw_map(HIGHLANDS, 360, 4.0, device)


def draw(canvas: Canvas) -> np.ndarray:
    """Draw a picture of Venus: uint8 (height, width, 3)."""
    kind = canvas.pick({"veil": 30, "crescent": 10, "ultraviolet": 38, "radar": 22})
    pose = _pose(canvas, kind)
    whole = see_globe(canvas, pose)
    globe, mask = gather_disc(whole)
    if kind == "radar":
        disc = _radar(canvas, globe)
    else:
        # Haze above the clouds carries daylight some degrees past the terminator.
        twilight = 0.25 * smoothstep(-0.12, 0.25, globe.mu0) * smoothstep(0.3, 0.0, globe.mu0)
        lit = minnaert(globe, canvas.uniform(0.75, 1.0)) + 0.2 * twilight + night_light(canvas)
        disc = (_ultraviolet if kind == "ultraviolet" else _veil)(canvas, globe) * lit
    light = space(canvas) * (1 - whole.coverage) + scatter_disc(disc * globe.coverage, mask)
    look = random_look(canvas, mono={"radar": 0.15, "ultraviolet": 0.22}.get(kind, 0.3))
    look.calm_cast(0.4)
    if kind == "crescent" or kind == "veil" and canvas.chance(0.3):  # through the air
        look.fwhm = max(look.fwhm, canvas.scale * canvas.uniform(1.2, 4))
    look.exposure = float(np.clip(look.exposure, 0.45, 1.5))
    return photograph(canvas, light, look)


def _pose(canvas: Canvas, kind: str) -> Pose:
    """Choose viewpoint, sun and framing as the kind of picture has them."""
    kinds = {"full": 6, "small": 2, "partial": 0.7}
    if kind == "crescent":
        phase, kinds = canvas.uniform(100, 155), {"full": 6, "small": 4}
    elif kind == "radar":
        phase, kinds = 0.0, {"full": 8, "small": 0.7, "partial": 1.5, "close": 0.8}
    else:
        phase = abs(canvas.rng.normal(0, 45)) if canvas.chance(0.75) else canvas.uniform(40, 110)
    radius, centre = frame(canvas, kinds)
    turn = canvas.rng.normal(0, 0.35) if canvas.chance(0.75) else canvas.uniform(0, 2 * math.pi)
    # The sun stands above the equator: Venus's axis is tilted by 2.6 degrees.
    side = turn + canvas.rng.normal(0, 0.1) + (math.pi if canvas.chance(0.5) else 0)
    latitude = math.radians(canvas.rng.normal(0, 12 if kind != "ultraviolet" else 18))
    return Pose(radius, centre, latitude=latitude, turn=turn, phase=math.radians(phase),
                longitude=canvas.uniform(-math.pi, math.pi),
                sun_turn=sunward(canvas, centre, side))


def _veil(canvas: Canvas, globe: Globe) -> torch.Tensor:
    """Return the clouds in visible light: bright, pale yellow, hardly any marks."""
    pale = canvas.colour(*canvas.rng.uniform((240, 226, 196), (252, 244, 230)))
    if canvas.chance(0.25):  # as colour prints often show them
        pale = canvas.colour(*canvas.rng.uniform((225, 185, 120), (245, 215, 165)))
    marks = _streaks(canvas, globe)
    return pale * (1 - canvas.uniform(0.0, 0.12) * marks)


def _streaks(canvas: Canvas, globe: Globe) -> torch.Tensor:
    """Return the absorber that ultraviolet light shows, 0..1.

    The winds carry it westwards around the equator in four days and trail it polewards into a
    sideways Y or C (Rossow et al. 1980, JGR 85, 8107).
    """
    z = globe.point[2]
    trail = canvas.uniform(1.0, 2.6) * z.abs() ** 1.3
    # drawn out along the winds
    squeezed = globe.point * canvas.planes([0.6, 0.6, canvas.uniform(1.6, 3)])
    swept = turn_about_pole(squeezed, trail)
    swept = swept + 0.1 * octave(canvas, globe.point, 1.5)
    marks = fbm(canvas, swept, 0.55, 6, gain=canvas.uniform(0.45, 0.6), finest=globe.finest)
    fine = octave(canvas, swept * canvas.planes([1, 1, 2.5]), min(4.5, globe.finest))
    collar = smoothstep(0.72, 0.95, z.abs())
    return smoothstep(-2.2, 2.2, marks + 0.12 * fine + 0.3 - 2.4 * collar)


def _ultraviolet(canvas: Canvas, globe: Globe) -> torch.Tensor:
    """Return the clouds with ultraviolet contrast, in the colours that archives give them."""
    palette = canvas.pick({"sepia": 5, "mariner": 4, "akatsuki": 3, "blue": 1.5, "grey": 1.5})
    dark, middle, bright = {
        "sepia": ((150, 98, 45), (215, 170, 105), (252, 242, 222)),
        "mariner": ((165, 135, 110), (205, 195, 185), (236, 242, 250)),
        "akatsuki": ((120, 85, 75), (165, 145, 150), (200, 210, 240)),
        "blue": ((60, 75, 130), (120, 135, 185), (225, 230, 250)),
        "grey": ((110, 110, 110), (165, 165, 165), (235, 235, 235)),
    }[palette]
    shift = canvas.rng.uniform(-14, 14, 3) if palette != "grey" else 0
    marks = _streaks(canvas, globe) * canvas.uniform(0.65, 1.0)
    low = canvas.colour(*np.clip(np.array(dark) + shift, 0, 255))
    mid = canvas.colour(*np.clip(np.array(middle) + shift, 0, 255))
    disc = mix(canvas.colour(*bright), mid, smoothstep(0, 0.6, marks))
    return mix(disc, low, smoothstep(0.5, 1.05, marks))


def _radar(canvas: Canvas, globe: Globe) -> torch.Tensor:
    """Return the ground as radar sees it: rough is bright (Magellan; Pettengill et al. 1991)."""
    rugged = look_up(_highlands(canvas.device), globe)
    points = globe.point + 0.05 * octave(canvas, globe.point, 3.0)
    cracks = ridged(canvas, points, 2.5, 4, gain=0.75, finest=globe.finest)
    belts = smoothstep(0.6, 0.9, cracks)
    plains = fbm(canvas, points, 1.2, 5, gain=0.65, finest=globe.finest)
    echo = (0.36 + 0.08 * plains + 0.32 * belts
            + rugged * (0.15 + 0.6 * smoothstep(0.45, 0.85, cracks))).clamp(0.03, 1)
    echo = _coronae(canvas, globe, echo)
    if canvas.chance(0.85):
        stops = ((60, 25, 2), (165, 88, 18), (232, 160, 50), (255, 235, 165))
    else:  # redder prints
        stops = ((45, 8, 0), (150, 55, 20), (220, 110, 45), (255, 215, 150))
    colours = [canvas.colour(*stop) for stop in stops]
    disc = mix(colours[0], colours[1], smoothstep(0.0, 0.35, echo))
    disc = mix(disc, colours[2], smoothstep(0.3, 0.62, echo))
    disc = mix(disc, colours[3], smoothstep(0.6, 0.95, echo))
    return disc * globe.mu.clamp(min=0.02) ** canvas.uniform(0.0, 0.35)


def _coronae(canvas: Canvas, globe: Globe, echo: torch.Tensor) -> torch.Tensor:
    """Add rings of cracks, 240 to 850 km wide; Venus has hundreds, most some 200 to 300 km."""
    for _ in range(int(canvas.rng.integers(0, 7))):
        latitude = math.degrees(math.asin(canvas.uniform(-1, 1)))
        away = globe.distance_to(latitude, canvas.uniform(-180, 180))
        size = canvas.log_uniform(0.02, 0.07)
        echo = echo + 0.2 * torch.exp(-((away - size) / (0.3 * size)) ** 2)
    return echo
