"""Draws a picture of a class, from physics where there is any, or from maps."""

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

TRIES = 200  # drawings of one picture, until something is to be seen


def draw_picture(class_name: str, size: int, seed: int, index: int,
                 device: torch.device | str = "cpu", source: "Source | None" = None) -> np.ndarray:
    """Draw one picture; the same arguments give the same bytes.

    Args:
        class_name: one of `console.DRAWN` and `console.OUTLIERS`.
        size: longer side, pixels.
        seed: of the whole set of pictures.
        index: number of the picture within its class; what else is drawn does not change it.
        device: where the light is computed.
        source: the maps that it is drawn from; None: it is drawn without maps.

    Returns:
        uint8 (height, width, 3), sRGB.

    Raises:
        UserError: nothing was to be seen in `TRIES` drawings, because its map is all but black.
    """
    key = int.from_bytes(hashlib.sha256(class_name.encode()).digest()[:4], "big")
    if source is None:
        draw = drawer(class_name)
    else:
        from celestial.renderer.maps import map_pictures

        draw = partial(map_pictures.draw, source=source)
    canvas = Canvas(size, np.random.default_rng((seed, key, index)), torch.device(device))
    # A generator of its own, so that the choice does not change the drawing itself.
    showing = np.random.default_rng((seed, key, index, 1))
    is_shown = shown.is_shown(class_name, showing)
    if is_shown:
        canvas = replace(canvas, cutout=shown.ask_for_cutout(showing))
    pixels = draw_until_seen(draw, canvas)
    if pixels is None:
        raise UserError(f"number {index} of {class_name} stayed black in {TRIES} tries; " + (
            f"take the map {source} out of the folder" if source else "choose another --seed"))
    return shown.show(canvas, pixels) if is_shown else pixels


def draw_until_seen(draw: Callable[[Canvas], np.ndarray], canvas: Canvas) -> np.ndarray | None:
    """Draw until something is to be seen, at most `TRIES` times; None: nothing ever was."""
    for _ in range(TRIES):
        try:
            return draw(canvas)
        except NothingSeenError:  # one in some hundreds shows only night, or misses the body
            if canvas.cutout is not None:
                canvas.cutout.forget()
    return None
