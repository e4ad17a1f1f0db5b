"""Uranus: an almost featureless ball that lies on its side."""

import math

import numpy as np

from celestial.renderer.camera import photograph, random_look
from celestial.renderer.canvas import Canvas, mix, smoothstep
from celestial.renderer.globe import Pose, frame, minnaert, night_light, see_globe
from celestial.renderer.stars import space

FLATTENING = 0.02293  # 25559 and 24973 km (Archinal et al. 2018, CeMDA 130, 22)


def draw(canvas: Canvas) -> np.ndarray:
    """Draw a picture of Uranus: uint8 (height, width, 3)."""
    radius, centre = frame(canvas, {"full": 6, "small": 3, "partial": 1})
    pose = Pose(radius, centre, latitude=math.radians(canvas.uniform(-90, 90)),
                turn=canvas.uniform(0, 2 * math.pi), longitude=0.0,
                phase=math.radians(abs(canvas.rng.normal(0, 30))),
                sun_turn=canvas.uniform(0, 2 * math.pi), flattening=FLATTENING)
    globe = see_globe(canvas, pose)
    colour = mix(canvas.colour(150, 205, 215), canvas.colour(190, 225, 235),
                 smoothstep(0.5, 1.0, globe.latitude.sin()))
    disc = colour * (minnaert(globe, 0.75) + night_light(canvas))
    light = space(canvas) * (1 - globe.coverage) + disc * globe.coverage
    return photograph(canvas, light, random_look(canvas, mono=0.4))
