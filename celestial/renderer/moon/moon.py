"""The Moon: dark maria at their places, bright highlands, rays, craters along the terminator."""

import math

import numpy as np
import torch

from celestial.renderer.light.camera import photograph
from celestial.renderer.light.canvas import Canvas
from celestial.renderer.light.framing import at_most, frame, on_screen
from celestial.renderer.light.globe import Globe, Pose, see_globe
from celestial.renderer.light.look import Look, random_look
from celestial.renderer.light.noise import fbm, octave
from celestial.renderer.moon.moon_map import maria_and_rays
from celestial.renderer.moon.moon_styles import STYLES, glow
from celestial.renderer.rocky import airless_map, craters

VIEWS = {"near": 42, "orbit": 9, "close": 15, "program": 34}
STYLE_WEIGHTS = {
    "near": {"plain": 56, "haze": 20, "eclipse": 6, "day": 7, "low": 7, "mineral": 4},
    "orbit": {"plain": 97, "mineral": 3}, "close": {"plain": 97, "mineral": 3},
    "program": {"program": 1}}
MONO = {"near": 0.3, "orbit": 0.6, "close": 0.75, "program": 0.0}  # monochrome cameras' proportion


def draw(canvas: Canvas) -> np.ndarray:
    """Draw a picture of the Moon: uint8 (height, width, 3)."""
    view = canvas.pick(VIEWS)
    globe = turn_to_us(canvas, view)
    relief = canvas.uniform(0.1, 1.1) if view == "program" else canvas.uniform(0.8, 1.3)
    light, mare = _surface(canvas, globe, relief)
    style = canvas.pick(STYLE_WEIGHTS[view])
    look = random_look(canvas, MONO[view])
    tame(canvas, globe, light, look)
    disc, sky = STYLES[style](canvas, globe, light, mare, look)
    if view == "near" and style != "haze" and canvas.chance(0.2):
        sky = sky + glow(canvas, globe, disc, canvas.log_uniform(0.01, 0.3),
                         canvas.uniform(0.1, 0.6))
    light = globe.before(sky, disc)
    if canvas.chance(0.08):  # star diagonals and some prints show the mirror image
        light = light.flip(-1)
        canvas.covers(globe.coverage.flip(-1))
    return photograph(canvas, light, look)


def turn_to_us(canvas: Canvas, view: str, largest: float = math.inf) -> Globe:
    """Choose how the Moon stands in a view; largest: its radius, image-plane units."""
    poses = {"near": _near_side, "orbit": _from_space, "close": _close, "program": _on_screen}
    for _ in range(5):  # again, if too little of the sunlit side is in view
        globe = see_globe(canvas, at_most(poses[view](canvas), largest))
        sunlit = (globe.coverage * (globe.mu0 > 0.1)).mean()
        if view == "program" or sunlit > min(0.06, 0.1 * globe.pose.radius ** 2):
            break
    return globe


def tame(canvas: Canvas, globe: Globe, light: torch.Tensor, look: Look) -> None:
    """Restrict a look of planets to what photographers do with so bright a target."""
    bright = float((light * globe.coverage).std() + light.mean())
    if globe.coverage.mean() > 0.95:  # close-ups near the terminator are exposed for their light
        look.exposure = min(look.exposure, 1.3) * min(3.0, 0.6 / max(bright, 0.05))
    elif globe.pose.phase > 1.7:
        look.exposure = canvas.uniform(1, 2.5)
    else:
        look.exposure = min(max(look.exposure, 0.55), 1.45)
    look.read_noise = min(look.read_noise, 0.012)
    look.calm_cast(0.5)
    finest = 0.07 * globe.pose.radius * canvas.size / 2  # blurred more, maria run together
    look.fwhm = min(look.fwhm, max(finest, 0.8), canvas.size / 40)


def _phase(canvas: Canvas) -> float:
    """Choose a phase angle, degrees: people photograph the full Moon most."""
    low, high = {"full": (1, 14), "gibbous": (20, 80), "quarter": (75, 105),
                 "crescent": (110, 150)}[
        canvas.pick({"full": 38, "gibbous": 27, "quarter": 18, "crescent": 17})]
    return canvas.uniform(low, high)


def _seen_from_earth(canvas: Canvas, radius: float, centre: tuple[float, float],
                     phase: float) -> Pose:
    """Turn the near side to us, the sun close to the Moon's equator.

    Optical librations reach 7.9 degrees in longitude and 6.7 in latitude (Meeus 1998, chapter 53).
    """
    turn = {"north": canvas.rng.normal(0, 25), "south": canvas.rng.normal(180, 25),
            "any": canvas.uniform(0, 360)}[canvas.pick({"north": 55, "south": 12, "any": 33})]
    side = 0 if canvas.chance(0.55) else 180
    return Pose(radius, centre, latitude=math.radians(canvas.rng.normal(0, 4)),
                turn=math.radians(turn), longitude=math.radians(canvas.rng.normal(0, 4.5)),
                phase=math.radians(phase),
                sun_turn=math.radians(turn + side + canvas.rng.normal(0, 6)))


def _near_side(canvas: Canvas) -> Pose:
    """Look from the Earth, through whatever telescope."""
    radius, centre = frame(canvas, {"full": 62, "small": 22, "partial": 16})
    return _seen_from_earth(canvas, radius, centre, _phase(canvas))


def _anywhere(canvas: Canvas, radius: float, centre: tuple[float, float], phase: float) -> Pose:
    """Turn any side to us, the sun anywhere at this phase (degrees)."""
    return Pose(radius, centre, latitude=math.asin(canvas.uniform(-1, 1)),
                turn=canvas.uniform(0, 2 * math.pi), longitude=canvas.uniform(-math.pi, math.pi),
                phase=math.radians(phase), sun_turn=canvas.uniform(0, 2 * math.pi))


def _from_space(canvas: Canvas) -> Pose:
    """Look from afar at any side."""
    radius, centre = frame(canvas, {"full": 60, "small": 20, "partial": 20})
    return _anywhere(canvas, radius, centre, _phase(canvas))


def _on_screen(canvas: Canvas) -> Pose:
    """Look at any side as a planetarium program does: the chosen body in the middle."""
    radius, centre = on_screen(canvas)
    # all sunlit proportions are equally likely, because the program's user turns the Moon any way
    return _anywhere(canvas, radius, centre, math.degrees(math.acos(canvas.uniform(-0.92, 1))))


def _close(canvas: Canvas) -> Pose:
    """Look at a place near the terminator, so near that craters fill the frame."""
    phase, height = canvas.uniform(40, 120), canvas.uniform(2, 40)
    radius = canvas.log_uniform(2.2, 5) if canvas.chance(0.5) else canvas.log_uniform(5, 40)
    earthly = radius < 12 and canvas.chance(0.75)
    pose = (_seen_from_earth if earthly else _anywhere)(canvas, radius, (0, 0), phase)
    along = math.sin(math.radians(max(-65, min(65, phase - 90 + height)))) * radius
    across = canvas.uniform(-0.6, 0.6) * radius * (1 - (along / radius) ** 2) ** 0.5
    cos, sin = math.cos(pose.sun_turn), math.sin(pose.sun_turn)
    centre = (-along * cos + across * sin, -along * sin - across * cos)
    return Pose(radius, centre, pose.latitude, pose.turn, pose.longitude, pose.phase,
                pose.sun_turn)


def _surface(canvas: Canvas, globe: Globe, relief: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the sunlit ground's light, 1 for bright highlands, and how much of a mare it is.

    Normal albedo runs from 0.07 in the darkest maria to 0.23 in the brightest places (Pohn &
    Wildey 1970, USGS Professional Paper 599-E); in between, by eye. The relief is that of the
    highlands, 1 saturated with craters.
    """
    rough = 0.0015 * octave(canvas, globe.point, min(40, globe.finest))
    chart = maria_and_rays(int(canvas.rng.integers(3)), canvas.device)
    mare, rays = airless_map.look_up(chart, globe, rough)
    strength = (1 - 0.7 * mare) * relief
    ground = craters.rugged(canvas, globe, canvas.uniform(0.7, 1.1), strength)
    mottle = fbm(canvas, globe.point, 5, 3, 0.7, globe.finest)
    albedo = (0.70 + canvas.uniform(0.02, 0.12) * mottle - canvas.uniform(0.42, 0.54) * mare
              + canvas.uniform(0.25, 0.45) * rays + 0.3 * ground.fresh * (1 - 0.5 * mare))
    return albedo.clamp(min=0.08) * craters.moonlight(canvas, globe, ground), mare
