"""The map of the Moon: dark maria and the bright rays of young craters, at their places."""

from functools import lru_cache

import numpy as np
import torch

from celestial.renderer.rocky.airless_map import (
    MAP,
    angle_to,
    cover,
    map_noise,
    map_points,
    prepare_map,
    ray_system,
)

# Latitude, longitude (degrees), radius (degrees; 30.3 km each), darkness: circles that together
# cover the maria, about where the Gazetteer of Planetary Nomenclature (IAU/USGS) has them;
# the darkness is an estimate by eye.
MARIA = np.array([
    (33, -17, 16.5, 0.85), (44, -32, 4.2, 0.8),  # Imbrium, Sinus Iridum
    (27.5, 18, 11, 0.85), (38, 30, 4.5, 0.45),  # Serenitatis, Lacus Somniorum
    (9, 32, 10.5, 1), (13, 24, 7, 1), (4, 24, 6, 1), (2, 38, 5.5, 0.95), (15, 38, 6, 0.95),
    (-5, 27, 3.3, 0.7),  # Tranquillitatis, Sinus Asperitatis
    (17, 56.5, 6.3, 1), (17, 61.5, 6.3, 1),  # Crisium
    (-4, 51, 8, 0.9), (-11, 50.5, 6.3, 0.85), (-17, 51, 3.5, 0.8), (1, 48, 4.5, 0.9),  # Fecund.
    (-15.2, 35.3, 5.5, 0.85), (-24.3, -38.6, 6.6, 0.95),  # Nectaris, Humorum
    (-20, -15, 8.5, 0.8), (-14, -12, 5.5, 0.75), (-25, -21, 6, 0.8), (-28, -27, 4, 0.6),  # Nubium
    (-10, -23, 6, 0.85), (6, -28, 7.5, 0.75), (2, -17, 5, 0.7), (7, -37, 7, 0.8),  # Insularum
    (20, -59, 9.5, 0.9), (31, -57, 10, 0.85), (41, -56, 8, 0.75), (9, -56, 9.5, 0.95),
    (-1, -50, 9.5, 0.95), (-8, -44, 7.5, 0.9), (16, -45, 9, 0.85), (46, -50, 7, 0.7),
    (27, -42, 9, 0.85), (-12, -36, 6, 0.85), (52, -52, 4.5, 0.6),  # Procellarum, Sinus Roris
    (17, -35, 7, 0.8), (36, -40, 8, 0.8), (-4, -33, 7, 0.8), (8, -46, 8, 0.9), (18, 24.5, 5, 0.95),
    (-1, 43, 4, 0.9), (-9, 30, 3, 0.6), (-15, -20, 6, 0.8), (-17, -37, 4, 0.7),  # between them
    (57, -35, 3.5, 0.6), (58, -26, 3.7, 0.6), (58.5, -17, 3.8, 0.6), (58, -8, 4, 0.6),
    (57, 1, 4, 0.6), (56, 10, 4.2, 0.6), (55, 19, 4.2, 0.6), (54, 28, 4, 0.55), (51, 36, 3, 0.5),
    (13.2, 4, 4, 0.8), (1.6, 1, 4, 0.5), (12, -8.4, 4.2, 0.75),  # Vaporum, Medii, Aestuum
    (57, 81, 4, 0.7), (12.5, 86, 5, 0.5), (-2, 87, 5.5, 0.7), (7, 69, 2.6, 0.6), (1, 65, 2.2, 0.6),
    (-40, 88, 5, 0.45), (-47, 94, 6, 0.45), (-38, 98, 4, 0.4), (-52, 85, 4, 0.4),  # Australe
    (-19.5, -94.5, 4.5, 0.8), (27, 148, 4.3, 0.9),  # Orientale, Moscoviense
    (-33.5, 163.5, 4, 0.75), (-20.5, 129, 2.9, 1), (-35, 147, 2.3, 0.6), (-36, -152, 4, 0.45),
    (55, 104, 2, 0.6), (-5.3, -68.4, 2.6, 1), (51.6, -9.4, 1.7, 0.9), (-3, -74.5, 1.8, 0.6),
    (54, 57, 2, 0.6), (-44, -55, 2.2, 0.4), (5, 141, 2, 0.4),
    (-54, -170, 20, 0.28),  # South Pole-Aitken
])

# Latitude, longitude, radius of the crater, reach of the rays (degrees), strength: the ray craters
# (rounded places as in the Gazetteer; reaches, strengths and rays are estimates by eye).
TYCHO = (-43.3, -11.4, 1.4, 30, 1.0, (37, 14, 336, 341, 300, 262, 225, 190, 150, 110, 75))
RAYS = (
    TYCHO, (9.6, -20.1, 1.6, 11, 1.0, ()), (8.1, -38, 0.7, 8, 0.9, ()),
    (23.7, -47.5, 0.8, 7, 1.0, ()), (-8.9, 61, 2.1, 7, 0.5, ()),
    (16.1, 46.9, 0.6, 6, 0.8, (15, 60, 100, 140, 330)), (-32, 53, 0.8, 9, 0.8, ()),
    (-24.6, -64, 0.5, 8, 0.7, ()), (73.5, -10.2, 0.9, 12, 0.6, ()), (61.7, 50.3, 0.6, 8, 0.5, ()),
    (8.1, -77.7, 0.8, 9, 0.6, ()), (33.9, 1.2, 0.9, 5, 0.4, ()), (-11.5, 26.3, 1.6, 4, 0.3, ()),
    (14.5, 9.1, 0.7, 3, 0.5, ()), (16.2, 16, 0.5, 3, 0.6, ()), (-20, 57, 0.6, 5, 0.5, ()),
    (36, 103, 0.5, 10, 0.9, ()), (22.4, -163.1, 1.2, 16, 0.9, ()), (18.4, -113.5, 1, 11, 0.7, ()),
    (-10.3, -164.5, 0.8, 9, 0.7, ()), (-5, 123, 0.6, 9, 0.7, ()), (-61.4, -50.3, 1, 6, 0.4, ()))


@lru_cache
def maria_and_rays(variant: int, device: torch.device) -> list[torch.Tensor]:
    """Return the map, channels: darkness by maria, brightness by rays, each 0 to about 1.

    Args:
        variant: seed of the random coastlines and rays.
        device: where the map lies.

    Returns:
        levels for `airless_map.look_up`.
    """
    rng, points = np.random.default_rng(variant), map_points()
    coast = map_noise(rng, points, 4.5, 5, 0.55)
    patches = map_noise(rng, points, 3.5, 4, 0.6)
    maria = cover(points, MARIA, lambda radius: coast * min(1.3, 0.22 * radius),
                  lambda radius: 0.13 * radius + 1.4)
    maria *= (1 + 0.16 * patches).clip(0.4, 1.4)
    rays = np.zeros(MAP)
    for lat, lon, radius, reach, strength, azimuths in RAYS:
        rays += strength * ray_system(points, rng, lat, lon, radius, reach, azimuths)
    rays = rays * (1 + 0.3 * patches).clip(0.2)
    rays += 0.35 * np.exp(-angle_to(points, *TYCHO[:2]) / 28)  # Tycho's wide ejecta
    specks = map_noise(rng, points, 14, 3, 0.8)  # many small bright craters
    rays += (0.12 * specks + 0.5 * (specks - 1.3).clip(0)) * (1 - 0.75 * maria)
    return prepare_map([maria, rays], device)
