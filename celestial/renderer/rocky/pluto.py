"""Pluto: a bright heart of nitrogen ice, a dark red belt, tan highlands, a yellowish north."""

import math
from functools import lru_cache

import numpy as np
import torch

from celestial.renderer.light.camera import photograph
from celestial.renderer.light.canvas import Canvas, mix, smoothstep
from celestial.renderer.light.framing import frame
from celestial.renderer.light.globe import Globe, Pose, lommel_seeliger, minnaert, see_globe
from celestial.renderer.light.look import random_look
from celestial.renderer.light.noise import fbm, octave
from celestial.renderer.light.stars import space
from celestial.renderer.rocky import airless_map, craters

# Latitude, longitude east, radius (degrees; 20.7 km each), strength: circles that together cover a
# region, drawn by eye (mapped by Schenk et al. 2018, Icarus 314, 400).
SPUTNIK = ((36, 175, 11, 1), (32, 182, 12, 1), (26, 175, 12, 1), (20, 181, 12, 1),
           (12, 176, 10, 1), (4, 176, 8, 1), (-4, 176, 6, 1), (-11, 178, 3.5, 1))
EAST_TOMBAUGH = ((24, 197, 11, 0.9), (12, 202, 13, 1), (3, 197, 12, 0.9), (-7, 193, 9, 0.8),
                 (14, 214, 8, 0.6))
DARK = ((-8, 157, 9, 1), (-7, 147, 11, 1), (-4, 135, 13, 1), (-3, 122, 14, 1), (-3, 108, 13, 1),
        (-2, 95, 12, 0.95), (0, 83, 9, 0.9), (-17, 165, 7, 0.9), (-18, 140, 9, 0.8),
        (-14, 196, 7, 0.85), (-10, 212, 8, 0.7), (-4, 235, 9, 0.8), (-6, 256, 8, 0.75),
        (-2, 281, 9, 0.8), (-3, 305, 8, 0.75), (0, 326, 8, 0.7), (-2, 352, 7, 0.7),
        (-3, 15, 8, 0.75), (-2, 42, 8, 0.7), (0, 62, 7, 0.7))
CHARON = 606.0 / 1188.3  # radii, km (Nimmo et al. 2017, Icarus 287, 12)


@lru_cache
def _map(device: torch.device) -> list[torch.Tensor]:
    """Return Sputnik Planitia, the heart's eastern lobe, dark red ground: each 0 to 1."""
    rng, points = np.random.default_rng(2015), airless_map.map_points()
    coast = airless_map.map_noise(rng, points, 4.5, 5, 0.65)

    def region(circles: tuple[airless_map.Circle, ...], rough: np.ndarray,
               soft: float) -> np.ndarray:
        return airless_map.cover(points, circles, lambda radius: rough * min(3.0, 0.3 * radius),
                                 lambda _: soft)

    ice = region(SPUTNIK, 0.45 * coast, 1.2)
    east = region(EAST_TOMBAUGH, -0.8 * coast, 5)
    dark = region(DARK, 0.8 * coast + airless_map.map_noise(rng, points, 2.5, 2), 3)
    return airless_map.prepare_map(
        [ice, east * (1 - ice), dark * (1 - ice) * (1 - 0.6 * east)], device)


def draw(canvas: Canvas) -> np.ndarray:
    """Draw a picture of Pluto: uint8 (height, width, 3)."""
    kind = canvas.pick({"heart": 52, "other": 14, "close": 10, "crescent": 5, "charon": 10,
                        "far": 8})
    pose = _pose(canvas, kind)
    globe = see_globe(canvas, pose)
    look = random_look(canvas, mono=0.5 if kind in ("close", "far", "other") else 0.18)
    look.exposure = canvas.log_uniform(0.7, 1.35)
    look.calm_cast(0.5)
    look.read_noise = min(look.read_noise, 0.012)
    enhanced = kind != "far" and canvas.chance(0.25)
    disc = _surface(canvas, globe, enhanced)
    sky = space(canvas)
    if kind == "crescent":
        sky = sky + _haze(canvas, pose)
    if kind == "charon":
        sky = _charon(canvas, pose, sky)
        canvas.covers(globe.coverage)
    if kind == "far":  # Hubble's and New Horizons' first discs, a few resolution elements wide
        look.fwhm = canvas.size * pose.radius * canvas.uniform(0.06, 0.2)
    elif look.fwhm > canvas.size / 64:
        look.fwhm = canvas.size / 64
    return photograph(canvas, globe.before(sky, disc), look)


def _pose(canvas: Canvas, kind: str) -> Pose:
    """Stand where New Horizons flew: 43 degrees north, the heart in view, the sun behind us."""
    latitude, longitude = canvas.rng.normal(38, 9), canvas.rng.normal(178, 18)
    phase, turn = abs(canvas.rng.normal(15, 8)), canvas.rng.normal(0, 15)
    radius, centre = frame(canvas, {"full": 80, "small": 10, "partial": 10})
    if kind in ("other", "far"):
        latitude, longitude = canvas.rng.normal(35, 15), canvas.uniform(0, 360)
    if kind == "far":
        radius, centre = frame(canvas, {"full": 60, "small": 40})
    if kind == "close":
        radius = canvas.log_uniform(2, 7)
        angle, away = canvas.uniform(0, 2 * math.pi), canvas.uniform(0, 0.6) * radius
        centre = (away * math.cos(angle), away * math.sin(angle))
        longitude, phase = canvas.rng.normal(165, 25), canvas.uniform(15, 55)
    if kind == "crescent":
        phase, latitude, longitude = canvas.uniform(130, 168), -30, canvas.uniform(0, 360)
    if kind == "charon":
        radius = canvas.uniform(0.2, 0.42)
        centre = (canvas.uniform(0.1, 0.5) * canvas.rng.choice([-1, 1]), canvas.uniform(-0.4, 0.4))
    if canvas.chance(0.12):
        turn = canvas.uniform(0, 360)
    return Pose(radius, centre, math.radians(latitude), math.radians(turn),
                math.radians(longitude), math.radians(phase), canvas.uniform(0, 2 * math.pi))


def _surface(canvas: Canvas, globe: Globe, enhanced: bool) -> torch.Tensor:
    """Return the light of the ground, linear (3, size, size).

    Normal reflectance runs from 0.1 in Belton (Cthulhu) Regio to nearly 1 in Sputnik Planitia
    (Buratti et al. 2017, Icarus 287, 207). Enhanced: infrared, red and blue shown as red, green
    and blue, stretched, as released on 2015 July 24.
    """
    shift = 0.003 * octave(canvas, globe.point, min(30, globe.finest))
    ice, east, dark = airless_map.look_up(_map(canvas.device), globe, shift)
    mottle = fbm(canvas, globe.point, 3, 4, 0.8, globe.finest)
    strength = (1 - ice) * (1 - 0.5 * east) * canvas.uniform(0.5, 1.0)
    ground = craters.rugged(canvas, globe, canvas.uniform(0.5, 0.7), strength)
    north = smoothstep(0.72, 0.95, globe.point[2] + 0.05 * mottle)
    south = smoothstep(-0.25, -0.6, globe.point[2])
    colours = [(186, 152, 122), (202, 174, 136), (232, 212, 188), (230, 208, 182), (68, 42, 30)]
    if enhanced:
        colours = [(155, 165, 175), (200, 180, 130), (228, 216, 192), (190, 215, 232),
                   (118, 42, 30)]
    plain, polar, sputnik, lobe, red = (canvas.colour(*colour) for colour in colours)
    if enhanced:  # blue-grey and tan ground side by side
        plain = mix(plain, canvas.colour(212, 192, 160), 0.7 * smoothstep(-1.4, 1.8, mottle))
    colour = mix(plain, polar, north) * (1 + 0.1 * mottle).clamp(min=0.3)
    colour = mix(colour, lobe, east * (0.85 + 0.2 * mottle).clamp(0, 1))
    colour = mix(colour, sputnik * (1 + 0.03 * mottle), ice)
    colour = mix(colour, red * (1 + 0.2 * mottle), (dark * (1 + 0.15 * mottle)).clamp(0, 1))
    if globe.pose.radius > 2:
        colour = colour * (1 - 0.25 * ice * _cells(canvas, globe))
    relief = craters.moonlight(canvas, globe, ground)
    return colour.clamp(min=0) * (1 - 0.35 * south) * relief * _limb(globe)


def _limb(globe: Globe) -> torch.Tensor:
    """Turn Lommel-Seeliger's law of dark ground into the stronger limb darkening of bright ice."""
    flat = lommel_seeliger(globe, 0.02).clamp(min=0.05)
    return (minnaert(globe, 0.68) / flat).clamp(0, 1.2)


def _cells(canvas: Canvas, globe: Globe) -> torch.Tensor:
    """Return the troughs between convection cells, 10 to 40 km wide (McKinnon et al. 2016)."""
    nodes = canvas.rng.normal(size=(160, 3)) * [0.22, 0.22, 0.25] + [-0.87, 0.03, 0.42]
    nodes = nodes / np.linalg.norm(nodes, axis=1, keepdims=True)
    # In parts: large pictures have too many pixels for all their distances at once.
    parts = [torch.cdist(part, canvas.tensor(nodes)).topk(2, dim=1, largest=False).values
             for part in globe.point.reshape(3, -1).T.split(2 ** 20)]
    nearest = torch.cat(parts)
    between = (nearest[:, 1] - nearest[:, 0]).reshape(globe.mu.shape)
    return smoothstep(0.008, 0.0, between)


def _haze(canvas: Canvas, pose: Pose) -> torch.Tensor:
    """Return the blue ring of backlit haze, scale height some 50 km (Gladstone et al. 2016)."""
    x, y = canvas.x - pose.centre[0], canvas.y - pose.centre[1]
    away = (x ** 2 + y ** 2).sqrt() / pose.radius - 1
    towards = x * math.cos(pose.sun_turn) + y * math.sin(pose.sun_turn)
    glow = 0.35 + 0.65 * smoothstep(-pose.radius, pose.radius, towards)
    ring = torch.exp(-away.clamp(min=0) / 0.045) * smoothstep(-0.05, 0.0, away)
    return canvas.colour(130, 165, 225) * ring * glow * canvas.log_uniform(0.2, 1.2)


def _charon(canvas: Canvas, pose: Pose, sky: torch.Tensor) -> torch.Tensor:
    """Put Charon beside Pluto: grey, half as large, its north pole ("Mordor Macula") dark red."""
    angle = canvas.uniform(-0.7, 0.7) + (math.pi if pose.centre[0] > 0 else 0)
    away = pose.radius * canvas.uniform(1.8, 3)
    centre = (pose.centre[0] + away * math.cos(angle), pose.centre[1] + away * math.sin(angle))
    globe = see_globe(canvas, Pose(pose.radius * CHARON, centre, pose.latitude, pose.turn,
                                   canvas.uniform(0, 6.28), pose.phase, pose.sun_turn))
    mottle = fbm(canvas, globe.point, 3, 2, 0.7, globe.finest)
    grey = canvas.colour(150, 142, 136) * (1 + 0.12 * mottle)
    colour = mix(grey, canvas.colour(105, 75, 65), smoothstep(0.85, 0.97, globe.point[2]))
    return mix(sky, colour * minnaert(globe, 0.6), globe.coverage)
