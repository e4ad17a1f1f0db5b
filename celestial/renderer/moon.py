"""The Moon: dark maria at their places, bright highlands, rays, craters along the terminator."""

import math
from functools import lru_cache

import numpy as np
import torch

from celestial.renderer import craters
from celestial.renderer.camera import Look, photograph, random_look
from celestial.renderer.canvas import Canvas, mix, smoothstep
from celestial.renderer.globe import Globe, Pose, frame, see_globe
from celestial.renderer.noise import fbm, octave
from celestial.renderer.stars import field_stars, space

# Latitude, longitude (degrees), radius (degrees; 30.3 km each), darkness: circles that together
# cover the maria, about where the Gazetteer of Planetary Nomenclature (IAU/USGS) has them;
# the darkness is an estimate by eye.
MARIA = np.array([
    (33, -17, 16.5, 0.85), (44, -32, 4.2, 0.8),  # Imbrium, Sinus Iridum
    (27.5, 18, 11, 0.85), (38, 30, 4.5, 0.45),  # Serenitatis, Lacus Somniorum
    (9, 32, 10.5, 1), (13, 24, 7, 1), (4, 24, 6, 1), (2, 38, 5.5, 0.95), (15, 38, 6, 0.95),
    (-5, 27, 3.3, 0.7),  # Tranquillitatis, Sinus Asperitatis
    (17, 56.5, 6.3, 1), (17, 61.5, 6.3, 1),  # Crisium
    (-4, 51, 8, 0.9), (-11, 50.5, 6.3, 0.85), (-17, 51, 3.5, 0.8), (1, 48, 4.5, 0.9),  # Fecund.
    (-15.2, 35.3, 5.5, 0.85), (-24.3, -38.6, 6.6, 0.95),  # Nectaris, Humorum
    (-20, -15, 8.5, 0.8), (-14, -12, 5.5, 0.75), (-25, -21, 6, 0.8), (-28, -27, 4, 0.6),  # Nubium
    (-10, -23, 6, 0.85), (6, -28, 7.5, 0.75), (2, -17, 5, 0.7), (7, -37, 7, 0.8),  # Insularum
    (20, -59, 9.5, 0.9), (31, -57, 10, 0.85), (41, -56, 8, 0.75), (9, -56, 9.5, 0.95),
    (-1, -50, 9.5, 0.95), (-8, -44, 7.5, 0.9), (16, -45, 9, 0.85), (46, -50, 7, 0.7),
    (27, -42, 9, 0.85), (-12, -36, 6, 0.85), (52, -52, 4.5, 0.6),  # Procellarum, Sinus Roris
    (17, -35, 7, 0.8), (36, -40, 8, 0.8), (-4, -33, 7, 0.8), (8, -46, 8, 0.9), (18, 24.5, 5, 0.95),
    (-1, 43, 4, 0.9), (-9, 30, 3, 0.6), (-15, -20, 6, 0.8), (-17, -37, 4, 0.7),  # between them
    (57, -35, 3.5, 0.6), (58, -26, 3.7, 0.6), (58.5, -17, 3.8, 0.6), (58, -8, 4, 0.6),
    (57, 1, 4, 0.6), (56, 10, 4.2, 0.6), (55, 19, 4.2, 0.6), (54, 28, 4, 0.55), (51, 36, 3, 0.5),
    (13.2, 4, 4, 0.8), (1.6, 1, 4, 0.5), (12, -8.4, 4.2, 0.75),  # Vaporum, Medii, Aestuum
    (57, 81, 4, 0.7), (12.5, 86, 5, 0.5), (-2, 87, 5.5, 0.7), (7, 69, 2.6, 0.6), (1, 65, 2.2, 0.6),
    (-40, 88, 5, 0.45), (-47, 94, 6, 0.45), (-38, 98, 4, 0.4), (-52, 85, 4, 0.4),  # Australe
    (-19.5, -94.5, 4.5, 0.8), (27, 148, 4.3, 0.9),  # Orientale, Moscoviense
    (-33.5, 163.5, 4, 0.75), (-20.5, 129, 2.9, 1), (-35, 147, 2.3, 0.6), (-36, -152, 4, 0.45),
    (55, 104, 2, 0.6), (-5.3, -68.4, 2.6, 1), (51.6, -9.4, 1.7, 0.9), (-3, -74.5, 1.8, 0.6),
    (54, 57, 2, 0.6), (-44, -55, 2.2, 0.4), (5, 141, 2, 0.4),
    (-54, -170, 20, 0.28),  # South Pole-Aitken
])

# Latitude, longitude, radius of the crater, reach of the rays (degrees), strength: the ray craters
# (rounded places as in the Gazetteer; reaches, strengths and rays are estimates by eye).
TYCHO = (-43.3, -11.4, 1.4, 30, 1.0, (37, 14, 336, 341, 300, 262, 225, 190, 150, 110, 75))
RAYS = (
    TYCHO, (9.6, -20.1, 1.6, 11, 1.0, ()), (8.1, -38, 0.7, 8, 0.9, ()),
    (23.7, -47.5, 0.8, 7, 1.0, ()), (-8.9, 61, 2.1, 7, 0.5, ()),
    (16.1, 46.9, 0.6, 6, 0.8, (15, 60, 100, 140, 330)), (-32, 53, 0.8, 9, 0.8, ()),
    (-24.6, -64, 0.5, 8, 0.7, ()), (73.5, -10.2, 0.9, 12, 0.6, ()), (61.7, 50.3, 0.6, 8, 0.5, ()),
    (8.1, -77.7, 0.8, 9, 0.6, ()), (33.9, 1.2, 0.9, 5, 0.4, ()), (-11.5, 26.3, 1.6, 4, 0.3, ()),
    (14.5, 9.1, 0.7, 3, 0.5, ()), (16.2, 16, 0.5, 3, 0.6, ()), (-20, 57, 0.6, 5, 0.5, ()),
    (36, 103, 0.5, 10, 0.9, ()), (22.4, -163.1, 1.2, 16, 0.9, ()), (18.4, -113.5, 1, 11, 0.7, ()),
    (-10.3, -164.5, 0.8, 9, 0.7, ()), (-5, 123, 0.6, 9, 0.7, ()), (-61.4, -50.3, 1, 6, 0.4, ()))


@lru_cache
def _map(variant: int, device: torch.device) -> list[torch.Tensor]:
    """Return darkness by maria and brightness by rays, with one of several random coastlines."""
    def build() -> np.ndarray:
        rng = np.random.default_rng(variant)
        points = craters.map_points()
        canvas = Canvas(16, rng)
        cloud = torch.as_tensor(points.astype(np.float32))
        coast = fbm(canvas, cloud, 4.5, 5, 0.55).numpy()
        patches = fbm(canvas, cloud, 3.5, 4, 0.6).numpy()
        maria = np.zeros(craters.MAP)
        for lat, lon, radius, darkness in MARIA:
            edge = craters.angle_to(points, lat, lon) - radius - coast * min(1.3, 0.22 * radius)
            maria = np.maximum(maria, darkness * (0.5 - edge / (0.08 * radius + 0.8)).clip(0, 1))
        maria *= (1 + 0.16 * patches).clip(0.4, 1.4)
        rays = np.zeros(craters.MAP)
        for lat, lon, radius, reach, strength, azimuths in RAYS:
            rays += strength * craters.ray_system(points, rng, lat, lon, radius, reach, azimuths)
        rays = rays * (1 + 0.3 * patches).clip(0.2)
        rays += 0.35 * np.exp(-craters.angle_to(points, *TYCHO[:2]) / 28)  # Tycho's wide ejecta
        specks = fbm(canvas, cloud, 14, 3, 0.8).numpy()  # many small bright craters
        rays += (0.12 * specks + 0.5 * (specks - 1.3).clip(0)) * (1 - 0.75 * maria)
        return np.stack([maria, rays])
    return craters.prepare_map(build, device)


def draw(canvas: Canvas) -> np.ndarray:
    """Draw a picture of the Moon: uint8 (height, width, 3)."""
    view = canvas.pick({"near": 62, "orbit": 14, "close": 24})
    for _ in range(5):  # nobody keeps a frame with none of the sunlit side
        pose = {"near": _near_side, "orbit": _from_space, "close": _close}[view](canvas)
        globe = see_globe(canvas, pose)
        if (globe.coverage * (globe.mu0 > 0.1)).mean() > min(0.06, 0.1 * pose.radius ** 2):
            break
    light, mare = _surface(canvas, globe)
    style = canvas.pick({"plain": 62, "eclipse": 6, "day": 7, "low": 7, "mineral": 5,
                         "program": 13} if view == "near" else
                        {"plain": 80, "mineral": 3, "program": 17 if view == "orbit" else 3})
    look = random_look(canvas, mono={"near": 0.3, "orbit": 0.6, "close": 0.75}[view])
    _tame(canvas, globe, light, look)
    disc, sky = STYLES[style](canvas, globe, light, mare, look)
    sky = sky + _glow(canvas, globe, disc) if view == "near" and canvas.chance(0.2) else sky
    light = sky * (1 - globe.coverage) + disc * globe.coverage
    if canvas.chance(0.08):  # star diagonals and some prints show the mirror image
        light = light.flip(-1)
    return photograph(canvas, light, look)


def _tame(canvas: Canvas, globe: Globe, light: torch.Tensor, look: Look) -> None:
    """Keep what the looks of all planets may do within what people do to so bright a target."""
    bright = float((light * globe.coverage).std() + light.mean())
    if globe.coverage.mean() > 0.95:  # close-ups near the terminator are exposed for their light
        look.exposure = min(look.exposure, 1.3) * min(3.0, 0.6 / max(bright, 0.05))
    elif globe.pose.phase > 1.7:
        look.exposure = canvas.uniform(1, 2.5)
    else:
        look.exposure = min(max(look.exposure, 0.55), 1.45)
    look.read_noise = min(look.read_noise, 0.012)
    look.cast = tuple(gain ** 0.5 for gain in look.cast)
    finest = 0.07 * globe.pose.radius * canvas.size / 2  # blurred more, maria run together
    look.fwhm = min(look.fwhm, max(finest, 0.8), canvas.size / 40)


def _phase(canvas: Canvas) -> float:
    """Choose a phase angle, degrees: people photograph the full Moon most."""
    low, high = {"full": (1, 14), "gibbous": (20, 80), "quarter": (75, 105),
                 "crescent": (110, 150)}[
        canvas.pick({"full": 38, "gibbous": 27, "quarter": 18, "crescent": 17})]
    return canvas.uniform(low, high)


def _seen_from_earth(canvas: Canvas, radius: float, centre: tuple[float, float], phase: float,
                     ) -> Pose:
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
    radius, centre = frame(canvas, {"full": 62, "small": 22, "partial": 16})
    return _seen_from_earth(canvas, radius, centre, _phase(canvas))


def _anywhere(canvas: Canvas, radius: float, centre: tuple[float, float], phase: float) -> Pose:
    return Pose(radius, centre, latitude=math.asin(canvas.uniform(-1, 1)),
                turn=canvas.uniform(0, 2 * math.pi), longitude=canvas.uniform(-math.pi, math.pi),
                phase=math.radians(phase), sun_turn=canvas.uniform(0, 2 * math.pi))


def _from_space(canvas: Canvas) -> Pose:
    radius, centre = frame(canvas, {"full": 60, "small": 20, "partial": 20})
    return _anywhere(canvas, radius, centre, _phase(canvas))


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


def _surface(canvas: Canvas, globe: Globe) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the sunlit ground's light, 1 for bright highlands, and how much of a mare it is.

    Normal albedo runs from 0.07 in the darkest maria to 0.23 in the brightest places (Pohn &
    Wildey 1970, USGS Professional Paper 599-E); in between, by eye.
    """
    rough = 0.0015 * octave(canvas, globe.point, min(40, globe.finest))
    mare, rays = craters.look_up(_map(int(canvas.rng.integers(3)), canvas.device), globe, rough)
    strength = (1 - 0.7 * mare) * canvas.uniform(0.8, 1.3)
    ground = craters.rugged(canvas, globe, canvas.uniform(0.7, 1.1), strength)
    mottle = fbm(canvas, globe.point, 5, 3, 0.7, globe.finest)
    albedo = (0.70 + 0.04 * mottle - canvas.uniform(0.42, 0.54) * mare
              + canvas.uniform(0.25, 0.45) * rays + 0.3 * ground.fresh * (1 - 0.5 * mare))
    return albedo.clamp(min=0.08) * craters.moonlight(canvas, globe, ground), mare


def _plain(canvas: Canvas, globe: Globe, light: torch.Tensor, mare: torch.Tensor, look: Look):
    """Sunlight: grey, a little warm (B-V 0.92 against the sun's 0.65); a dim earthlit night."""
    tone = mix(canvas.colour(205, 205, 205), canvas.colour(215, 203, 186), canvas.uniform(-0.3, 1))
    disc = tone * light
    if math.degrees(globe.pose.phase) > 100 and canvas.chance(0.4):
        shine = canvas.colour(170, 185, 205) * (0.9 - 0.4 * mare) * globe.mu ** 0.3
        disc = disc + canvas.log_uniform(0.005, 0.12) * shine
    return disc, space(canvas)


def _eclipse(canvas: Canvas, globe: Globe, light: torch.Tensor, mare: torch.Tensor, look: Look):
    """Earth's shadow: copper light bent through our air, brighter towards the shadow's edge."""
    x = (canvas.x - globe.pose.centre[0]) / globe.pose.radius
    y = (canvas.y - globe.pose.centre[1]) / globe.pose.radius
    angle, away = canvas.uniform(0, 2 * math.pi), canvas.uniform(0.4, 3.2)
    # the umbra's radius is about 2.65 of the Moon's (Meeus 1998, chapter 54)
    inside = ((x - away * math.cos(angle)) ** 2 + (y - away * math.sin(angle)) ** 2).sqrt() / 2.65
    flat = 0.75 - 0.4 * mare
    copper = mix(canvas.colour(120, 45, 22), canvas.colour(215, 115, 70),
                 smoothstep(0.2, 1.0, inside))
    lit = smoothstep(0.97, 1.12, inside)
    disc = flat * (copper * canvas.log_uniform(0.5, 2) + lit * canvas.colour(235, 220, 205) * 1.3)
    return disc, space(canvas)


def _day(canvas: Canvas, globe: Globe, light: torch.Tensor, mare: torch.Tensor, look: Look):
    """The blue sky lies before the Moon as well as behind it."""
    sky = mix(canvas.colour(60, 110, 175), canvas.colour(130, 175, 220), canvas.uniform(0, 1))
    sky = sky * canvas.uniform(0.4, 1.1) * (1 + canvas.uniform(-0.25, 0.25) * canvas.y)
    look.exposure = canvas.uniform(0.8, 1.15)
    return sky + canvas.colour(215, 210, 200) * light * canvas.uniform(0.4, 0.8), sky


def _low(canvas: Canvas, globe: Globe, light: torch.Tensor, mare: torch.Tensor, look: Look):
    """Near the horizon the air takes the blue: yellow to deep orange."""
    reddening = canvas.uniform(0.3, 1.0) ** (1 + 0.15 * canvas.y)
    thickness = 1 + canvas.uniform(0, 0.3) * canvas.y
    tint = torch.exp(-canvas.tensor([0.1, 0.75, 1.9])[:, None, None] * reddening / thickness)
    level = canvas.log_uniform(0.002, 0.06)
    dusk = canvas.colour(*canvas.rng.choice([(70, 80, 130), (130, 90, 90), (30, 30, 40)])) * level
    return tint * light * 0.9, dusk.expand(3, canvas.size, canvas.size)


def _mineral(canvas: Canvas, globe: Globe, light: torch.Tensor, mare: torch.Tensor, look: Look):
    """Stretched colours: titanium-rich maria blue, iron-rich ones and highlands tan."""
    titanium = smoothstep(-0.8, 0.8, octave(canvas, globe.point, 1.2)
                          + 2.2 * (0.6 - 1.6 * globe.distance_to(9, 30)).clamp(min=0))
    ground = mix(canvas.colour(205, 190, 180), canvas.colour(220, 195, 175),
                 smoothstep(-1, 1, octave(canvas, globe.point, 3)))
    basalt = mix(canvas.colour(215, 180, 140), canvas.colour(150, 175, 225), titanium)
    look.saturation, look.mono, look.sky = canvas.uniform(0.7, 1.9), None, (0.0, 0.0, 0.0)
    return mix(ground, basalt, mare.clamp(0, 1)) * light, space(canvas)


def _program(canvas: Canvas, globe: Globe, light: torch.Tensor, mare: torch.Tensor, look: Look):
    """A planetarium program's screen: dim, soft, a night side that is not quite black."""
    night = canvas.log_uniform(0.004, 0.06) * (0.8 - 0.4 * mare)
    look.exposure, look.gamma, look.sky = canvas.uniform(0.25, 0.8), 2.2, (0.0, 0.0, 0.0)
    look.fwhm = canvas.size / 128 * canvas.uniform(0.5, 1)
    stars = field_stars(canvas, int(canvas.log_uniform(20, 800)), canvas.log_uniform(0.05, 1))
    return canvas.colour(210, 208, 204) * (light * 0.9 + night), stars


def _glow(canvas: Canvas, globe: Globe, disc: torch.Tensor) -> torch.Tensor:
    """Haze and thin clouds around a bright disc."""
    x, y = canvas.x - globe.pose.centre[0], canvas.y - globe.pose.centre[1]
    away = ((x ** 2 + y ** 2).sqrt() / globe.pose.radius - 1).clamp(min=0)
    mean = (disc * globe.coverage).mean((1, 2), keepdim=True)
    mean = mean / globe.coverage.mean().clamp(min=0.01)
    return mean * canvas.log_uniform(0.01, 0.3) * torch.exp(-away / canvas.uniform(0.1, 0.6))


STYLES = {"plain": _plain, "eclipse": _eclipse, "day": _day, "low": _low, "mineral": _mineral,
          "program": _program}
