"""Pictures of celestial bodies, drawn from physics where there is any."""

import hashlib
from importlib import import_module

import numpy as np
import torch

from celestial.renderer.canvas import Canvas

# class -> the module of this package whose draw(canvas) draws a picture of it
MODULES = {
    "earth": "earth", "galaxy": "galaxy", "jupiter": "jupiter", "mars": "mars",
    "mercury": "mercury", "moon": "moon", "nebula": "nebula", "neptune": "neptune",
    "pluto": "pluto", "saturn": "saturn", "star_cluster": "star_cluster", "sun": "sun",
    "uranus": "uranus", "venus": "venus",
}
CLASSES = tuple(MODULES)


def draw_picture(class_name: str, size: int, seed: int, index: int,
                 device: torch.device | str = "cpu") -> np.ndarray:
    """Draw one picture; the same arguments give the same bytes.

    Args:
        class_name: one of CLASSES.
        size: longer side, pixels.
        seed: of the whole set of pictures.
        index: number of the picture within its class: other counts or classes change nothing.
        device: where the light is computed.

    Returns:
        uint8 (height, width, 3), sRGB.
    """
    key = int.from_bytes(hashlib.sha256(class_name.encode()).digest()[:4], "big")
    rng = np.random.default_rng((seed, key, index))
    module = import_module(f"celestial.renderer.{MODULES[class_name]}")
    return module.draw(Canvas(size, rng, torch.device(device)))
