"""Pictures of celestial bodies, drawn from physics where there is any: a module a class."""

import hashlib
from importlib import import_module

import numpy as np
import torch

from celestial.renderer.camera import NothingSeenError
from celestial.renderer.canvas import Canvas


def draw_picture(class_name: str, size: int, seed: int, index: int,
                 device: torch.device | str = "cpu") -> np.ndarray:
    """Draw one picture; the same arguments give the same bytes.

    Args:
        class_name: the module of this package that draws it (console.DRAWN, console.OUTLIERS).
        size: longer side, pixels.
        seed: of the whole set of pictures.
        index: number of the picture within its class: other counts or classes change nothing.
        device: where the light is computed.

    Returns:
        uint8 (height, width, 3), sRGB.
    """
    key = int.from_bytes(hashlib.sha256(class_name.encode()).digest()[:4], "big")
    rng = np.random.default_rng((seed, key, index))
    module = import_module(f"celestial.renderer.{class_name}")
    canvas = Canvas(size, rng, torch.device(device))
    while True:
        try:
            return module.draw(canvas)
        except NothingSeenError:  # one in some hundreds: all night, or beside the body
            continue
