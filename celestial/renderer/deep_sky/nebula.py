"""Nebulae: gas and dust between the stars, glowing, reflecting or hiding."""

import numpy as np

from celestial.renderer.deep_sky.deepsky import deep_look, deep_photograph, star_field
from celestial.renderer.deep_sky.nebula_kinds import complex_cloud, dark, emission, reflection
from celestial.renderer.deep_sky.nebula_planetary import planetary
from celestial.renderer.deep_sky.nebula_shocks import bubble, jet, remnant
from celestial.renderer.light.canvas import Canvas

KINDS = {"emission": emission, "planetary": planetary, "reflection": reflection, "dark": dark,
         "remnant": remnant, "bubble": bubble, "complex": complex_cloud, "jet": jet}
PROPORTIONS = {"emission": 31, "planetary": 32, "reflection": 9, "dark": 7, "remnant": 11,
          "bubble": 4, "complex": 4, "jet": 1}
STARS = {"complex": (300, 4000), "planetary": (10, 300)}
TAKEN = {"amateur": 0.45, "plate": 0.1, "texture": 0.1, "hubble": 0.28, "raw": 0.04, "webb": 0.03}


def draw(canvas: Canvas) -> np.ndarray:
    """Draw a picture of a nebula: uint8 (height, width, 3)."""
    kind = canvas.pick(PROPORTIONS)
    look = deep_look(canvas, 0.08, TAKEN)
    look.stretch = canvas.log_uniform(2, 25)
    look.saturation = canvas.uniform(0.6, 1.35)
    count = canvas.log_uniform(*STARS.get(kind, (30, 1500)))
    stars = star_field(canvas, count, canvas.uniform(0.4, 1.4))
    stars = stars * canvas.log_uniform(0.2, 1)
    return deep_photograph(canvas, KINDS[kind](canvas, stars), look)
