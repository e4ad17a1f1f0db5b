"""Mercury: evenly grey-brown and cratered all over, with the bright rays of young craters."""

import math
from functools import lru_cache

import numpy as np
import torch

from celestial.renderer.light.camera import photograph
from celestial.renderer.light.canvas import Canvas, mix, smoothstep
from celestial.renderer.light.framing import frame
from celestial.renderer.light.globe import Globe, Pose, see_globe
from celestial.renderer.light.look import random_look
from celestial.renderer.light.noise import fbm, octave
from celestial.renderer.light.stars import program_stars, space
from celestial.renderer.rocky import airless_map, craters

# Latitude, longitude east, radius (degrees; 42.6 km each), reach of the rays, strength: Hokusai,
# Debussy, Kuiper, Degas, Amaral, Bartok, Copley, Xiao Zhao, Qi Baishi, Fonteyn, Dominici, Mena,
# Abedin, Rachmaninoff's neighbour Copland (about where the Gazetteer of Planetary Nomenclature,
# IAU/USGS, has them; reaches and strengths are estimates by eye).
RAYS = ((57.8, 16.8, 1.3, 38, 1.0), (-33.9, 12.5, 1.0, 26, 1.0), (-11.3, -31.2, 0.8, 13, 0.9),
        (37.1, -127.0, 0.7, 13, 0.8), (-26.5, 117.9, 1.2, 10, 0.6), (-29.3, -134.6, 1.2, 14, 0.7),
        (-38.4, -85.3, 0.5, 14, 0.8), (10.6, 123.6, 0.4, 12, 0.8), (-4.5, 164.3, 0.3, 11, 0.9),
        (32.8, 95.6, 0.4, 10, 0.8), (1.4, -36.5, 0.3, 7, 0.8), (0.1, -124.5, 0.3, 13, 0.8),
        (61.8, -10.6, 1.4, 8, 0.4), (37.4, 73.6, 2.4, 6, 0.3))

# Latitude, longitude, radius (degrees), strength of smooth plains, which are a little brighter and
# redder: Caloris and those around it, Borealis, Rembrandt, Rachmaninoff, Beethoven, Tolstoj
# (circles drawn by eye; mapped by Denevi et al. 2013, JGR Planets 118, 891).
PLAINS = ((31.5, 161, 18, 1), (75, 20, 16, 1), (62, -50, 14, 1), (66, 80, 14, 1), (55, 130, 9, 1),
          (-33, 88, 8, 1), (27.5, 57.5, 3.2, 1), (-21, -124, 6, 1), (-16, -165, 4, 1),
          (5, 150, 9, 1), (10, 178, 8, 1))


@lru_cache
def _map(device: torch.device) -> list[torch.Tensor]:
    """Return smooth plains, rays, dark blue ground (low-reflectance material), each 0 to 1."""
    rng, points = np.random.default_rng(2011), airless_map.map_points()
    coast = airless_map.map_noise(rng, points, 4, 4, 0.6)
    plains = airless_map.cover(points, PLAINS, lambda radius: coast * 0.12 * radius, lambda _: 3)
    rays = np.zeros(airless_map.MAP)
    for lat, lon, radius, reach, strength in RAYS:
        rays += strength * airless_map.ray_system(points, rng, lat, lon, radius, reach)
    for _ in range(45):  # young craters without a name here
        place = np.degrees(np.arcsin(rng.uniform(-1, 1))), rng.uniform(-180, 180)
        radius = 0.25 * rng.random() ** -0.4
        rays += rng.uniform(0.3, 0.9) * airless_map.ray_system(
            points, rng, *place, radius, radius * rng.uniform(8, 16))
    blue = 0.5 * airless_map.map_noise(rng, points, 2.5, 4, 0.65) + 0.1
    return airless_map.prepare_map(
        [plains, rays.clip(0, 1.3), blue.clip(0, 1) * (1 - plains)], device)


def draw(canvas: Canvas) -> np.ndarray:
    """Draw a picture of Mercury: uint8 (height, width, 3)."""
    globe = see_globe(canvas, _pose(canvas))
    enhanced = canvas.chance(0.18)
    look = random_look(canvas, mono=0.0 if enhanced else 0.65)
    look.exposure = canvas.log_uniform(0.8, 1.7)
    look.calm_cast(0.5)
    look.read_noise = min(look.read_noise, 0.012)
    blurred = max(0.8, 0.05 * globe.pose.radius * canvas.size / 2)
    look.fwhm = min(look.fwhm, blurred, canvas.size / 50)
    disc, sky = _surface(canvas, globe, enhanced), space(canvas)
    if canvas.chance(0.1):  # a planetarium program's screen
        look.exposure = canvas.uniform(0.5, 1)
        sky = program_stars(canvas)
        disc = disc + canvas.log_uniform(0.003, 0.03)
    if enhanced:
        look.saturation, look.cast = canvas.uniform(0.8, 1.6), (1.0, 1.0, 1.0)
    return photograph(canvas, globe.before(sky, disc), look)


def _pose(canvas: Canvas) -> Pose:
    """Choose viewpoint, sun and framing."""
    radius, centre = frame(canvas, {"full": 60, "small": 13, "partial": 15, "close": 12})
    # MESSENGER's and Mariner 10's frames: mostly gibbous or half discs; mosaics are fully lit.
    phase = {"mosaic": canvas.uniform(0, 12), "gibbous": canvas.uniform(25, 80),
             "half": canvas.uniform(80, 105), "crescent": canvas.uniform(105, 140)}[
        canvas.pick({"mosaic": 32, "gibbous": 38, "half": 22, "crescent": 8})]
    if radius > 1.5:  # look where the sun shines
        radius, phase = min(radius, 4.0), canvas.uniform(25, 75)
        centre = (canvas.uniform(-1, 1) * radius / 2, canvas.uniform(-1, 1) * radius / 2)
    turn = canvas.rng.normal(0, 12) if canvas.chance(0.75) else canvas.uniform(0, 360)
    side = 0 if canvas.chance(0.5) else 180
    latitude = canvas.rng.normal(0, 15) if canvas.chance(0.85) else canvas.uniform(-90, 90)
    return Pose(radius, centre, math.radians(latitude), math.radians(turn),
                canvas.uniform(-math.pi, math.pi), math.radians(phase),
                math.radians(turn + side + canvas.rng.normal(0, 8)))


def _surface(canvas: Canvas, globe: Globe, enhanced: bool) -> torch.Tensor:
    """Return the light of the ground, linear (3, size, size).

    Rays and plains are brighter than the mean ground, low-reflectance material is darker (Robinson
    et al. 2008, Science 321, 66; Denevi et al. 2009, Science 324, 613); by how much, here by eye.
    Enhanced: about the colours of MESSENGER's principal-component mosaics (see Blewett et al. 2009,
    EPSL 285, 272).
    """
    shift = 0.003 * octave(canvas, globe.point, min(40, globe.finest))
    plains, rays, blue = airless_map.look_up(_map(canvas.device), globe, shift)
    strength = (1 - 0.45 * plains) * canvas.uniform(0.6, 1.2)
    ground = craters.rugged(canvas, globe, canvas.uniform(0.55, 0.8), strength)
    mottle = fbm(canvas, globe.point, 5, 3, 0.7, globe.finest)
    rays = canvas.uniform(0.45, 0.85) * rays + 0.5 * ground.fresh
    light = craters.moonlight(canvas, globe, ground)
    albedo = 0.36 + 0.035 * mottle + 0.03 * plains - 0.06 * blue
    if not enhanced:
        tone = mix(canvas.colour(205, 203, 201), canvas.colour(215, 200, 182),
                   canvas.uniform(0, 1) ** 1.5)
        return tone * (albedo + rays).clamp(min=0.06) * light
    tan = smoothstep(-0.9, 1.1, plains - 1.5 * blue + 0.22 * mottle)
    colour = mix(canvas.colour(60, 75, 165), canvas.colour(225, 170, 100), tan)
    colour = mix(colour, canvas.colour(135, 110, 100), canvas.uniform(0.0, 0.5))
    fresh = canvas.colour(190, 225, 240) * 1.2 * rays
    return (colour * (1 + 0.2 * mottle).clamp(min=0.3) + fresh).clamp(min=0) * light
