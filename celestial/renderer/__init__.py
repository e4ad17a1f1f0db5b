"""Pictures of celestial bodies, drawn from physics where there is any: a module a class."""

import hashlib
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np
import torch

from celestial.renderer.camera import NothingSeenError
from celestial.renderer.canvas import Canvas

if TYPE_CHECKING:
    from celestial.renderer.map_choice import Source


def draw_picture(class_name: str, size: int, seed: int, index: int,
                 device: torch.device | str = "cpu", source: "Source | None" = None) -> np.ndarray:
    """Draw one picture; the same arguments give the same bytes.

    Args:
        class_name: the module of this package that draws it (console.DRAWN, console.OUTLIERS).
        size: longer side, pixels.
        seed: of the whole set of pictures.
        index: number of the picture within its class: other counts or classes change nothing.
        device: where the light is computed.
        source: maps that it is drawn from.

    Returns:
        uint8 (height, width, 3), sRGB.
    """
    key = int.from_bytes(hashlib.sha256(class_name.encode()).digest()[:4], "big")
    rng = np.random.default_rng((seed, key, index))
    if source is None:
        draw = import_module(f"celestial.renderer.{class_name}").draw
    else:
        draw = partial(import_module("celestial.renderer.map_pictures").draw, source=source)
    canvas = Canvas(size, rng, torch.device(device))
    while True:
        try:
            return draw(canvas)
        except NothingSeenError:  # one in some hundreds: all night, or beside the body
            continue
