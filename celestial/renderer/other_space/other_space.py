"""Other things in space, none of which is a class: moons, asteroids, comets, craft, night skies.

And what is drawn of it: charts, cartoons, many planets on one picture.
"""

import numpy as np

from celestial.renderer.light.canvas import Canvas
from celestial.renderer.other_space import (
    comet,
    lumps,
    night_sky,
    odd_light,
    small_bodies,
    spacecraft,
)
from celestial.renderer.pages import cartoons, charts, many_bodies

KINDS = {small_bodies: 42, lumps: 14, comet: 18, spacecraft: 12, night_sky: 9, odd_light: 5,
         cartoons: 9, charts: 9, many_bodies: 5}


def draw(canvas: Canvas) -> np.ndarray:
    """Draw a picture of something in space: uint8 (height, width, 3)."""
    modules = {module.__name__: module for module in KINDS}
    name = canvas.pick({module.__name__: weight for module, weight in KINDS.items()})
    return modules[name].draw(canvas)
