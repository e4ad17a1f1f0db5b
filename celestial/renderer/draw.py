"""Pictures of celestial bodies, drawn from physics where there is any: a module a class."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from celestial.common.console import UserError
from celestial.renderer.drawers import drawer
from celestial.renderer.light.camera import NothingSeenError
from celestial.renderer.light.canvas import Canvas
from celestial.renderer.pages import shown

if TYPE_CHECKING:
    from celestial.renderer.maps.map_choice import Source

TRIES = 200  # at one picture, until it shows something


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

    Raises:
        UserError: nothing was to be seen in so many tries: its map is all but black.
    """
    key = int.from_bytes(hashlib.sha256(class_name.encode()).digest()[:4], "big")
    if source is None:
        draw = drawer(class_name)
    else:
        from celestial.renderer.maps import map_pictures

        draw = partial(map_pictures.draw, source=source)
    canvas = Canvas(size, np.random.default_rng((seed, key, index)), torch.device(device))
    # A generator of its own: the pictures that are not chosen stay as they would be without it.
    showing = np.random.default_rng((seed, key, index, 1))
    is_shown = shown.is_shown(class_name, showing)
    if is_shown:
        canvas = replace(canvas, cutout=shown.ask_for_cutout(showing))
    pixels = _draw(draw, canvas)
    if pixels is None:
        raise UserError(f"number {index} of {class_name} stayed black in {TRIES} tries; " + (
            f"take the map {source} out of the folder" if source else "choose another --seed"))
    return shown.show(canvas, pixels) if is_shown else pixels


def _draw(draw: Callable[[Canvas], np.ndarray], canvas: Canvas) -> np.ndarray | None:
    """Draw until there is something to be seen; None: there never was."""
    for _ in range(TRIES):
        try:
            return draw(canvas)
        except NothingSeenError:  # one in some hundreds: all night, or beside the body
            if canvas.cutout is not None:
                canvas.cutout.forget()
    return None
