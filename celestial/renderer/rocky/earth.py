"""Earth: oceans, continents at their places, weather, blue air; from far away and from orbit."""

import math
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from celestial.renderer.light.camera import photograph
from celestial.renderer.light.canvas import Canvas, mix, smoothstep
from celestial.renderer.light.framing import frame, on_screen, sunward
from celestial.renderer.light.globe import (
    Globe,
    Pose,
    beyond_limb,
    gather_disc,
    night_light,
    scatter_disc,
    see_globe,
)
from celestial.renderer.light.look import random_look
from celestial.renderer.light.noise import fbm, in_plane
from celestial.renderer.light.stars import program_stars, space
from celestial.renderer.rocky.atlas import Feature, draw_map, look_up
from celestial.renderer.rocky.weather import clouds

FLATTENING = 0.00335  # WGS 84
LAND = Path(__file__).with_name("land.png")  # Natural Earth 1:110m land (public domain)
# Optical depth of air at 650, 550 and 450 nm (Bucholtz 1995, Appl. Opt. 34, 2765).
AIR = (0.049, 0.097, 0.221)

# Deserts: places rounded from maps, sizes and strengths by eye.
DESERTS: list[Feature] = [
    (24, 2, 9, 19, 0, 1.0), (22, 25, 9, 13, 0, 1.0),  # Sahara
    (23, 46, 8, 9, -20, 1.0),  # Arabia
    (31, 60, 6, 9, 0, 0.7), (40, 60, 5, 9, 0, 0.7),  # Iran, Karakum
    (27, 70, 4, 4, 0, 0.8),  # Thar
    (39, 83, 4, 8, 0, 0.9), (42, 103, 4, 10, 0, 0.8),  # Taklamakan, Gobi
    (35, 85, 5, 12, 0, 0.6),  # Tibet
    (-25, 131, 8, 15, 0, 0.9),  # Australia
    (-24, 18, 8, 4, 0, 0.8), (-23, 22, 5, 5, 0, 0.5),  # Namib, Kalahari
    (-22, -69, 10, 2.5, -5, 0.9), (-44, -68, 8, 3, 0, 0.6),  # Atacama, Patagonia
    (33, -112, 7, 8, -20, 0.75), (39, -114, 6, 6, 0, 0.5),  # Sonora, Great Basin
    (7, 46, 7, 4, 30, 0.7),  # Somalia
    (73, -41, 11, 11, 0, -3.0),  # Greenland's ice, see _land
]


@lru_cache
def _charts(device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Return maps for `look_up`: proportion of land, 0..1, and dryness."""
    land = np.asarray(Image.open(LAND).convert("L"), np.float32) / 255
    return torch.as_tensor(land, device=device), draw_map(DESERTS, 180, 2.5, device)


def draw(canvas: Canvas) -> np.ndarray:
    """Draw a picture of Earth: uint8 (height, width, 3)."""
    kind = canvas.pick({"disc": 40, "phase": 16, "weather": 7, "horizon": 11, "close": 6,
                        "earthrise": 5, "program": 15})
    pose = choose_pose(canvas, kind)
    whole = see_globe(canvas, pose)
    globe, mask = gather_disc(whole)
    infrared = kind == "weather" and canvas.chance(0.5)
    light = (_infrared if infrared else _daylight)(canvas, globe)
    sky = program_stars(canvas) if kind == "program" else space(canvas)
    behind = sky + air_rim(canvas, whole) * (0 if infrared else 1)
    light = behind * (1 - whole.coverage) + scatter_disc(light * globe.coverage, mask)
    if kind == "earthrise":
        light = _moon_ground(canvas, light)
        canvas.covers(torch.ones_like(whole.coverage))  # an Earth above ground is not cut out
    look = random_look(canvas, mono=0.9 if kind == "weather" else 0.07)
    look.exposure = float(np.clip(look.exposure, 0.6, 1.4))
    if kind == "earthrise":
        look.calm_cast(0.3)
    if kind == "program":  # a screen: dim, and without a camera's noise
        look.show_on_screen(canvas, canvas.uniform(0.35, 1.1))
    return photograph(canvas, light, look)


def choose_pose(canvas: Canvas, kind: str) -> Pose:
    """Choose viewpoint, sun and framing as the kind of picture has them."""
    kinds = {"full": 8, "small": 1.5, "partial": 0.8}
    phase, latitude = abs(canvas.rng.normal(0, 18)), canvas.rng.normal(0, 18)
    turn = canvas.rng.normal(0, 0.2) if canvas.chance(0.7) else canvas.uniform(0, 2 * math.pi)
    if kind in ("phase", "earthrise"):
        phase, latitude = canvas.uniform(35, 130), canvas.rng.normal(0, 30)
        kinds = {"full": 6, "small": 2, "partial": 1.2}
    if kind == "weather":
        kinds, phase, latitude = {"full": 1}, abs(canvas.rng.normal(0, 20)), 0.0
    radius, centre = frame(canvas, kinds)
    if kind == "program":  # its user flies to the Earth from any side
        radius, centre = on_screen(canvas)
        latitude = math.degrees(math.asin(canvas.uniform(-1, 1)))
        turn, phase = canvas.uniform(0, 2 * math.pi), canvas.uniform(0, 150)
    if kind == "earthrise":
        radius, phase = canvas.uniform(0.15, 0.5), canvas.uniform(30, 110)
        centre = (canvas.uniform(-0.5, 0.5), canvas.uniform(-0.1, 0.5))
    if kind in ("horizon", "close"):
        phase, latitude = canvas.uniform(15, 80), canvas.uniform(-42, 42)
        turn = canvas.uniform(0, 2 * math.pi)
        radius = canvas.log_uniform(2.0, 9.0)
        if kind == "horizon":
            centre = (canvas.uniform(-0.4, 0.4), canvas.uniform(-0.4, 0.6) - radius)
        else:
            angle, away = canvas.uniform(0, 2 * math.pi), radius * canvas.uniform(0, 0.6)
            centre = (away * math.cos(angle), away * math.sin(angle))
    sun_turn = sunward(canvas, centre, canvas.uniform(0, 2 * math.pi))
    if kind == "horizon":  # sun above the horizon, at some side
        sun_turn, phase = canvas.uniform(0.6, 2.5), canvas.uniform(30, 80)
    return Pose(radius, centre, latitude=math.radians(latitude), turn=turn,
                longitude=canvas.uniform(-math.pi, math.pi), phase=math.radians(phase),
                sun_turn=sun_turn, flattening=FLATTENING)


def _daylight(canvas: Canvas, globe: Globe) -> torch.Tensor:
    """Return what the eye sees: ground or sea under clouds, under blue air."""
    lit = globe.mu0.clamp(min=0)
    lit = lit ** canvas.uniform(0.6, 1.0) + night_light(canvas)  # darker cameras' tone curves
    ground = _ground(canvas, globe)
    light = ground * lit
    white = canvas.colour(250, 250, 250) * canvas.uniform(0.75, 1.0)
    light = mix(light, white * lit, clouds(canvas, globe))
    depth = canvas.planes(AIR) * canvas.uniform(0.6, 1.6)
    return through_air(globe, light, depth)


def through_air(globe: Globe, light: torch.Tensor, depth: torch.Tensor) -> torch.Tensor:
    """Add the blue of air of an optical depth (3, 1, 1): light scattered once, Rayleigh's law.

    I/F = P / 4 mu0 / (mu0 + mu) (1 - exp(-depth (1/mu0 + 1/mu))) (Chandrasekhar 1950).
    """
    mu, mu0 = globe.mu.clamp(min=0.04), globe.mu0.clamp(min=0.02)
    day = smoothstep(-0.08, 0.12, globe.mu0)
    scattering = 0.75 * (1 + math.cos(globe.pose.phase) ** 2)
    passing = torch.exp(-depth * (1 / mu0 + 1 / mu))
    blue = scattering / 4 * mu0 / (mu0 + mu) * (1 - passing) * day
    return light * torch.exp(-0.5 * depth * (1 / mu + 1 / mu0.clamp(min=0.15))) + 1.6 * blue


def _ground(canvas: Canvas, globe: Globe) -> torch.Tensor:
    """Return the colour of sea and land without clouds, with the sun's glint on the sea."""
    chart, _ = _charts(canvas.device)
    grain = fbm(canvas, globe.point, 3.0, 4, gain=0.7, finest=globe.finest)
    land = look_up(chart, globe, 0.006 * grain, -0.006 * grain)
    land = smoothstep(0.3, 0.7, land)
    deep = canvas.colour(*canvas.rng.uniform((4, 18, 55), (40, 75, 140)))
    sea = deep * (1 + 0.15 * grain).clamp(min=0.5)
    # The sea mirrors the sun where waves stand halfway between us and it (Cox & Munk 1954).
    half = globe.pose.sun + np.array([0, 0, 1.0])
    half = canvas.planes(half / np.linalg.norm(half))
    cosine = (globe.normal * half).sum(0).clamp(0.05, 1)
    wind = 0.003 + 0.00512 * canvas.uniform(2, 12)
    glint = torch.exp(-(1 / cosine ** 2 - 1) / wind) * canvas.uniform(0.05, 0.5)
    sea = sea + canvas.colour(255, 245, 225) * glint
    ground = mix(sea, _land(canvas, globe, grain), land)
    latitude = globe.latitude.rad2deg()
    edge = 4 * grain
    ice = smoothstep(-3, 3, latitude + edge - canvas.uniform(70, 82)).maximum(
        smoothstep(-3, 3, edge - latitude - canvas.uniform(60, 70)))
    return mix(ground, canvas.colour(228, 236, 242), 0.9 * ice)


def _land(canvas: Canvas, globe: Globe, grain: torch.Tensor) -> torch.Tensor:
    """Return the colour of land: rainforest, savanna, deserts, boreal forest, tundra, ice."""
    _, deserts = _charts(canvas.device)
    latitude = globe.latitude.rad2deg().abs() + 3 * grain
    dry = look_up(deserts, globe)
    forest, savanna = canvas.colour(48, 72, 34), canvas.colour(132, 116, 72)
    land = mix(forest, savanna, smoothstep(5, 14, latitude))
    land = mix(land, canvas.colour(92, 98, 58), smoothstep(26, 38, latitude))
    land = mix(land, canvas.colour(58, 70, 48), smoothstep(46, 56, latitude))
    land = mix(land, canvas.colour(128, 122, 104), smoothstep(62, 70, latitude))
    sand = mix(canvas.colour(200, 172, 132), canvas.colour(170, 122, 90),
               smoothstep(0.1, -0.1, globe.point[2]))  # Australia and the Namib are redder
    land = mix(land, sand, smoothstep(0.12, 0.7, dry + 0.1 * grain))
    land = land * (1 + 0.12 * grain).clamp(min=0.3)
    winter = canvas.uniform(45, 75)  # snow on northern land
    snow = smoothstep(-0.5, -1.5, dry).maximum(
        0.8 * smoothstep(winter - 5, winter + 8, globe.latitude.rad2deg() + 4 * grain))
    return mix(land, canvas.colour(238, 240, 244), snow)


def _infrared(canvas: Canvas, globe: Globe) -> torch.Tensor:
    """Return a weather satellite's thermal picture, cold is white: no day and no night."""
    chart, _ = _charts(canvas.device)
    land = look_up(chart, globe)
    cold = smoothstep(30, 80, globe.latitude.rad2deg().abs())
    ground = 0.10 + 0.22 * cold + canvas.uniform(-0.07, 0.07) * land
    tops = clouds(canvas, globe) ** 1.4
    return mix(ground, torch.full_like(ground, 0.85), tops)[None].expand(3, -1, -1)


def air_rim(canvas: Canvas, globe: Globe) -> torch.Tensor:
    """Return the air beyond the limb, a thin blue line, widened to show.

    It falls by a factor e in some 29 km here, its fringe in 83; the air's scale height is 8 km.
    """
    away = beyond_limb(canvas, globe.pose)
    day = smoothstep(-0.12, 0.15, globe.mu0)
    thin = torch.exp(-away / 0.0045) * 0.55 + 0.1 * torch.exp(-away / 0.013)
    return canvas.colour(90, 150, 255) * (thin * day)


def _moon_ground(canvas: Canvas, light: torch.Tensor) -> torch.Tensor:
    """Lay the Moon's grey ground before the Earth, from low orbit."""
    top = canvas.uniform(-0.75, -0.25)
    bow = canvas.uniform(0.0, 0.2)
    along = in_plane(canvas.x, torch.zeros_like(canvas.x))
    edge = top - bow * canvas.x ** 2 + 0.012 * fbm(canvas, along, 1.5, 4, finest=canvas.size / 4)
    below = (edge - canvas.y).clamp(min=0)
    far = 1 / (below + 0.25)
    points = in_plane(canvas.x * far, far * 2.0)
    height = fbm(canvas, points, 0.7, 4, gain=0.5, finest=canvas.size / 12)
    slope = torch.gradient(height, spacing=canvas.pixel, dim=0)[0]
    grey = canvas.uniform(0.12, 0.3) * (1 + 0.25 * slope / (slope.std() + 1e-3) + 0.15 * height)
    grey = grey.clamp(0.01, 0.8)
    ground = canvas.colour(*canvas.rng.uniform((225, 220, 210), (250, 245, 240))) * grey
    covered = ((edge - canvas.y) / canvas.pixel + 0.5).clamp(0, 1)
    return mix(light, ground, covered)
