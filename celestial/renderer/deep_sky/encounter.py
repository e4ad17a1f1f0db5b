"""Two galaxies pass each other: the tides draw out tails and bridges."""

import math

import numpy as np

from celestial.renderer.light.canvas import Canvas
from celestial.renderer.light.noise import random_rotation

STEP = 0.08  # in units of a disc's radius / its rotation speed
SOFTENING = 0.15  # of gravity, disc radii


def _pull(place: np.ndarray, mass: float) -> np.ndarray:
    """Return the acceleration of places (N, 3) towards a mass at the origin, softened."""
    distance2 = np.einsum("ij,ij->i", place, place) + SOFTENING ** 2
    return place * (-mass / (distance2 * np.sqrt(distance2)))[:, None]


def _disc(canvas: Canvas, count: int, mass: float) -> tuple[np.ndarray, np.ndarray]:
    """Return places and velocities of stars on circles about a mass, turned at random, (N, 3)."""
    rng, turn = canvas.rng, random_rotation(canvas.rng)
    if canvas.chance(0.6):  # prograde discs in the plane of the orbit grow the longest tails
        turn = np.eye(3)
    radius = mass ** 0.5 * (0.1 + rng.gamma(2, 0.22, count)).clip(max=1.2)  # exponential
    angle = rng.uniform(0, 2 * math.pi, count)
    place = np.stack([np.cos(angle), np.sin(angle), np.zeros(count)], 1) * radius[:, None]
    across = np.stack([-np.sin(angle), np.cos(angle), np.zeros(count)], 1)
    speed = np.sqrt(mass * radius ** 2 / (radius ** 2 + SOFTENING ** 2) ** 1.5)
    return place @ turn, across * speed[:, None] @ turn


def encounter(canvas: Canvas, count: int = 2000) -> tuple[np.ndarray, np.ndarray]:
    """Let two discs of test particles pass (Toomre & Toomre 1972, ApJ 178, 623).

    Args:
        canvas: gives the randomness.
        count: particles in each disc.

    Returns:
        places of the particles of both discs, (2, N, 2), and of their two middles, (2, 2), as we
        see them from a random direction, in radii of the first disc, about the first middle.
    """
    c = canvas
    mass = c.log_uniform(0.25, 1.0)
    nearest, total = c.uniform(0.7, 1.5), 1 + mass
    # a parabola (Barker's equation), then followed by the same steps as the particles
    d = -c.uniform(1.5, 2.2)  # tangent of half the true anomaly at the start
    apart = nearest * np.array([1 - d * d, 2 * d, 0.0])
    speed = math.sqrt(2 * total / nearest) / (1 + d * d)
    moving = speed * np.array([-d, 1.0, 0.0])
    first, first_speed = _disc(c, count, 1.0)
    second, second_speed = _disc(c, count, mass)
    place = np.concatenate([first, second + apart])
    velocity = np.concatenate([first_speed, second_speed + moving])
    before = nearest ** 1.5 * (-d - d ** 3 / 3) * math.sqrt(2 / total)  # time until nearest
    for _ in range(int((before + c.uniform(1.0, 4.5)) / STEP)):
        # the last term, because our origin, the first galaxy's middle, is accelerated as well
        pull = _pull(place, 1.0) + _pull(place - apart, mass) + _pull(apart[None], mass)
        velocity = velocity + STEP * pull
        moving = moving + STEP * _pull(apart[None], total)[0]
        place, apart = place + STEP * velocity, apart + STEP * moving
    view = random_rotation(c.rng)[:, :2] if c.chance(0.5) else np.eye(3)[:, :2]
    seen = (place @ view).reshape(2, count, 2)
    return seen, np.stack([np.zeros(2), apart @ view])
