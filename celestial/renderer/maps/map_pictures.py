"""Draws a picture of a body from its maps, by the module that wraps the body."""

import numpy as np

from celestial.renderer.light.canvas import Canvas
from celestial.renderer.maps import map_earth, map_ice, map_jupiter, map_mars, map_moon, map_saturn
from celestial.renderer.maps import map_others as others
from celestial.renderer.maps.map_choice import Source

DRAW = {"earth": map_earth.draw, "jupiter": map_jupiter.draw, "mars": map_mars.draw,
        "moon": map_moon.draw, "neptune": map_ice.draw_neptune, "saturn": map_saturn.draw,
        "uranus": map_ice.draw_uranus}


def draw(canvas: Canvas, source: Source) -> np.ndarray:
    """Draw a picture of a body from its maps: uint8 (height, width, 3)."""
    return DRAW.get(source.chart.body, others.draw)(canvas, source)
