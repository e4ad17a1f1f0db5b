"""Jupiter: belts and zones, the Great Red Spot, ovals, festoons, chaotic poles, moons."""

import math

import numpy as np
import torch

from celestial.renderer.giants.bands import look_up, streaks
from celestial.renderer.giants.jupiter_weather import FLATTENING, JUNO, Weather, random_weather
from celestial.renderer.giants.vortices import stir
from celestial.renderer.light.camera import photograph
from celestial.renderer.light.canvas import Canvas, mix, smoothstep
from celestial.renderer.light.framing import frame
from celestial.renderer.light.globe import (
    Globe,
    Pose,
    approach,
    minnaert,
    night_light,
    see_globe,
    turn_about_pole,
)
from celestial.renderer.light.look import Look, random_look
from celestial.renderer.light.noise import fbm
from celestial.renderer.light.stars import space

KINDS = {"telescope": 25, "disc": 24, "partial": 13, "planetarium": 9, "pole": 9, "close": 10,
         "spot": 5, "infrared": 5}
# Of the Galilean moons: radius and orbit, equatorial radii of Jupiter; geometric albedo (JPL
# Solar System Dynamics, satellite parameters); colour, sRGB, by eye.
MOONS = ((0.0255, 5.90, 0.63, (245, 225, 160)), (0.0218, 9.39, 0.67, (240, 235, 225)),
         (0.0368, 14.97, 0.43, (225, 220, 210)), (0.0337, 26.33, 0.17, (215, 205, 195)))


def draw(canvas: Canvas) -> np.ndarray:
    """Draw a picture of Jupiter: uint8 (height, width, 3)."""
    c, kind = canvas, canvas.pick(KINDS)
    spot = c.uniform(0, 360)
    pose = choose_pose(c, kind, spot)
    globe = see_globe(c, pose)
    if kind in JUNO and c.chance(0.8):
        globe = approach(c, globe, c.uniform(1.7, 5.0) if kind == "pole" else c.uniform(1.3, 3.0))
    weather = random_weather(c, kind, spot)
    disc = _clouds(c, globe, weather)
    shade = minnaert(globe, c.uniform(0.85, 1.0))
    if kind == "planetarium":
        shade = shade + (c.log_uniform(0.01, 0.08) if c.chance(0.6) else night_light(c))
    if kind in JUNO:  # exposed for the part in view
        proportion = (shade * globe.coverage).sum() / globe.coverage.sum().clamp(min=1)
        shade = shade * (0.62 / proportion.clamp(min=0.35))
    disc = disc * shade
    light = space(c) if c.chance(0.15) else c.dark()
    if kind in ("telescope", "disc"):
        disc = shadow_of_moon(c, globe, disc)
        light = light + galilean_moons(c, pose, kind)
    return photograph(c, globe.before(light, disc), choose_look(c, kind))


def choose_look(canvas: Canvas, kind: str) -> Look:
    """Choose how the picture is taken."""
    c = canvas
    mono = {"telescope": 0.1, "infrared": 0.25, "planetarium": 0.0, "pole": 0.05, "close": 0.08}
    look = random_look(c, mono=mono.get(kind, 0.15))
    if kind == "telescope":
        look.fwhm = c.scale * c.log_uniform(1.0, 3.5)
        look.exposure = max(look.exposure, c.uniform(0.45, 0.7))
        if c.chance(0.4):
            look.sharpening, look.sharpening_radius = c.uniform(0.5, 2), c.scale * c.uniform(1, 2.5)
        return look
    if kind != "infrared":
        look.saturation = c.uniform(0.9, 1.35) if kind in JUNO else c.uniform(0.6, 1.2)
    look.cast = tuple(np.sqrt(look.cast))
    look.fwhm = c.scale * c.log_uniform(0.5, 1.4)
    if c.chance(0.9):
        look.exposure = c.log_uniform(0.75, 1.2 if kind in JUNO else 1.35)
    if c.chance(0.8):  # spacecraft and the large telescopes
        look.photons, look.read_noise = c.log_uniform(3e3, 5e4), c.log_uniform(5e-4, 5e-3)
        look.sky = (0.0, 0.0, 0.0)
    return look


def choose_pose(canvas: Canvas, kind: str, spot: float) -> Pose:
    """Choose the view, and the sun in the plane of the equator: Jupiter's tilt is 3.1 degrees."""
    c, any_turn = canvas, canvas.uniform(0, 2 * math.pi)
    latitude, hour, turn = c.rng.normal(0, 2), c.rng.normal(0, 5), c.rng.normal(0, 0.35)
    longitude = spot + (c.rng.normal(0, 35) if c.chance(0.5) else c.uniform(0, 360))
    if kind in ("telescope", "partial") and c.chance(0.35):
        turn = any_turn
    if kind in ("disc", "partial") and c.chance(0.4):  # spacecraft that pass
        latitude, hour = c.rng.normal(0, 15), c.rng.normal(0, 50)
    if kind == "planetarium":
        latitude, turn, hour = c.rng.normal(0, 30), c.rng.normal(0, 1.0), c.uniform(-110, 110)
    if kind == "pole":
        latitude, turn = (-1 if c.chance(0.65) else 1) * c.uniform(30, 75), any_turn
        hour = c.rng.normal(0, 40)
    if kind == "close":
        latitude, turn, hour = c.uniform(-52, 52), any_turn, c.uniform(-50, 50)
    if kind == "spot":
        latitude, longitude = c.uniform(-45, 0), spot + c.rng.normal(0, 15)
        turn, hour = c.rng.normal(0, 0.8), c.uniform(-50, 50)
    b, h = math.radians(latitude), math.radians(float(np.clip(hour, -130, 130)))
    phase = math.acos(math.cos(b) * math.cos(h))
    sun_turn = turn + math.atan2(-math.sin(b) * math.cos(h), math.sin(h))
    radius, centre = _frame(c, kind, turn, sun_turn, math.radians(-20) - b)
    return Pose(radius, centre, b, turn, math.radians(longitude), phase, sun_turn, FLATTENING)


def _frame(canvas: Canvas, kind: str, turn: float, sun_turn: float,
           south: float) -> tuple[float, tuple[float, float]]:
    """Choose radius and centre; south: angle from the middle of the disc to the Red Spot."""
    c = canvas
    if kind == "telescope":
        radius = c.log_uniform(0.15, 0.85)
        room = 0.6 * (0.95 - radius)
        return radius, (c.uniform(-room, room), c.uniform(-room, room))
    if kind == "close":
        return c.log_uniform(2.0, 7), (c.rng.normal(0, 0.5), c.rng.normal(0, 0.5))
    if kind == "spot":
        radius = c.log_uniform(1.5, 7)
        away = -0.8 * radius * math.sin(south)
        return radius, (c.rng.normal(0, 0.2) - away * math.sin(turn),
                        c.rng.normal(0, 0.2) + away * math.cos(turn))
    if kind in ("partial", "pole"):
        radius = c.uniform(0.85, 2.2) if kind == "partial" else c.log_uniform(0.6, 1.5)
        away = max(0.0, c.uniform(radius - 0.8, radius - 0.15))
        angle = sun_turn + math.pi + c.rng.normal(0, 0.9)  # mostly the side in the sun is seen
        return radius, (away * math.cos(angle), away * math.sin(angle))
    return frame(c, {"full": 5, "small": 0.8})


def _clouds(canvas: Canvas, globe: Globe, weather: Weather) -> torch.Tensor:
    """Return the light of the clouds in full sun, (3, size, size)."""
    c = canvas
    moved, storms = stir(c, globe, weather.vortices)
    latitude = torch.asin(moved[2].clamp(-1, 1))
    turn, wave, texture = look_up(weather.winds, latitude)
    sheared = turn_about_pole(moved, turn) * c.planes([1, 1, 2])
    finest = globe.finest * 0.6  # the winds and storms squeeze the noise
    first = fbm(c, sheared, 3.5, 2, 0.7, finest)
    second = fbm(c, sheared, 8, 2, 0.7, finest)
    patch = _wake(weather, globe, latitude) + smoothstep(-0.3, 1.6, first)
    patch = patch.clamp(max=1.5)
    folds = torch.stack([first, second, -first]) * (weather.chaos * (0.5 + patch))
    fine = fbm(c, sheared + folds, 10, 5, 0.75, finest)
    noise = 0.5 * (first + second + fine)
    colour = look_up(weather.colours, latitude + wave * noise * (0.5 + patch))
    hot = _festoons(c, weather, moved, latitude + 0.5 * wave * fine, first)
    colour = mix(colour, weather.festoon, hot)
    drift = 1.3 * wave * (first + second) * (0.5 + patch)
    thread = look_up(streaks(c, finest / 2), latitude + drift)[0]
    # What is dark is brown in most belts, and blue between pale clouds at the poles.
    blue = smoothstep(0.75, 1.0, latitude.abs())
    blue = torch.maximum(blue, weather.blue * smoothstep(0.0, 1.0, second))
    depth = torch.stack([0.8 + 0.6 * blue, torch.ones_like(blue), 1.2 - 0.6 * blue])
    detail = ((fine + thread) * texture * (0.5 + patch)).clamp(-1.0, 0.4)
    colour = colour * torch.exp(detail * depth)
    filament = (1 - (thread / 0.4) ** 2).clamp(min=0) * smoothstep(0.2, 1.5, fine) * patch
    colour = mix(colour, weather.cream, (2 * texture * filament).clamp(max=0.8))
    _paint(colour, storms, detail)
    return colour


def _paint(colour: torch.Tensor, storms: list, detail: torch.Tensor) -> None:
    """Paint storms as `stir` returns them over the clouds, in place: collar, dark rim, inside."""
    for vortex, window, square in storms:
        if vortex.colour is None:
            continue
        ring = (1 - (square - 1.5) ** 2 / 0.7).clamp(min=0) * vortex.collar_opacity
        rim = (1 - (square - 1.15) ** 2 / 0.05).clamp(min=0) * vortex.opacity
        part = mix(colour[window], vortex.collar, ring) * (1 - 0.3 * rim)
        inside = smoothstep(1.25, 0.75, square) * vortex.opacity
        marks = 1 + 0.6 * detail[window[1:]] + 0.12 * smoothstep(0.2, 0.9, square)
        colour[window] = mix(part, vortex.colour * marks, inside)


def _wake(weather: Weather, globe: Globe, latitude: torch.Tensor) -> torch.Tensor:
    """Return how turbulent the South Equatorial Belt is west of the Great Red Spot, 0 and more."""
    behind = (math.radians(weather.wake[0]) - globe.longitude).remainder(2 * math.pi)
    return (smoothstep(0.05, 0.2, behind) * smoothstep(1.2, 0.3, behind) * weather.wake[1]
            * smoothstep(0.15, 0.22, -latitude) * smoothstep(0.36, 0.3, -latitude))


def _festoons(canvas: Canvas, weather: Weather, point: torch.Tensor, latitude: torch.Tensor,
              noise: torch.Tensor) -> torch.Tensor:
    """Return the opacity of hot spots at 7 N and the festoons that trail from them south-west.

    Some 8 to 10 stand around the planet at a time (Ortiz et al. 1998, JGR 103, 23051); here 8 to
    13.
    """
    degrees = latitude * (180 / math.pi)
    crests = int(canvas.rng.integers(8, 14))
    longitude = torch.atan2(point[1], point[0]) + (6.5 - degrees) * 0.035
    crest = 0.5 + 0.5 * torch.cos(crests * longitude + 1.2 * noise)
    spot = (1 - ((degrees - 6.5) / 2) ** 2).clamp(min=0) * smoothstep(0.45, 0.8, crest)
    streak = smoothstep(-1, 3, degrees) * smoothstep(7.5, 5.5, degrees) * smoothstep(0.7, 1, crest)
    return weather.festoons * torch.maximum(spot, 0.7 * streak)


def shadow_of_moon(canvas: Canvas, globe: Globe, disc: torch.Tensor) -> torch.Tensor:
    """Sometimes put the round black shadow of a moon on the disc."""
    c = canvas
    if not c.chance(0.12):
        return disc
    pose, radius = globe.pose, MOONS[int(c.rng.integers(4))][0]
    x, y = c.uniform(-0.7, 0.7), c.uniform(-0.45, 0.45)
    return disc * (1 - _dot(c, pose, x, y, radius))


def _dot(canvas: Canvas, pose: Pose, x: float, y: float, radius: float) -> torch.Tensor:
    """Return the proportion of each pixel that a small disc fills; x, y, radius in planet radii."""
    cosine, sine = math.cos(pose.turn), math.sin(pose.turn)
    across = canvas.x - pose.centre[0] - pose.radius * (x * cosine - y * sine)
    down = canvas.y - pose.centre[1] - pose.radius * (x * sine + y * cosine)
    true = radius * pose.radius
    drawn = max(true, 0.7 * canvas.pixel)
    distance = (across * across + down * down).sqrt()
    return (0.5 + (drawn - distance) / canvas.pixel).clamp(0, 1) * (true / drawn) ** 2


def galilean_moons(canvas: Canvas, pose: Pose, kind: str) -> torch.Tensor:
    """Return the Galilean moons beside the planet; exposures for them are often longer."""
    c, light = canvas, canvas.dark()
    if not c.chance(0.55 if kind == "telescope" else 0.2):
        return light
    gain = c.log_uniform(1, 8) if kind == "telescope" else 1.0
    for radius, orbit, albedo, colour in MOONS:
        reach = min(orbit, 0.95 / pose.radius) if c.chance(0.6) else orbit  # framed to show them
        x = c.uniform(-reach, reach)
        y = math.sqrt(orbit ** 2 - x ** 2) * math.sin(pose.latitude) * c.rng.choice([-1, 1])
        light = light + c.colour(*colour) * (albedo * gain * _dot(c, pose, x, y, radius))
    return light
