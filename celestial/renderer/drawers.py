"""Finds the module that draws a class."""

from collections.abc import Callable
from importlib import import_module

import numpy as np

from celestial.renderer.light.canvas import Canvas

# Room of the renderer -> the classes that it draws, each by the module of its name.
ROOMS = {
    "rocky": ("earth", "mars", "mercury", "pluto", "venus"),
    "moon": ("moon",),
    "giants": ("jupiter", "neptune", "saturn", "uranus"),
    "sun": ("sun",),
    "deep_sky": ("galaxy", "nebula", "star_cluster"),
    "other_space": ("other_space",),
    "everyday": ("everyday",),
}


def drawer(class_name: str) -> Callable[[Canvas], np.ndarray]:
    """Return the function that draws a class: canvas -> uint8 (height, width, 3), sRGB."""
    room = next(room for room, classes in ROOMS.items() if class_name in classes)
    return import_module(f"celestial.renderer.{room}.{class_name}").draw
