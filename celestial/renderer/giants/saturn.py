"""Saturn: pale gold bands, and rings that are bright, dark or glowing with the sun's place."""

import math

import numpy as np
import torch

from celestial.renderer.giants.bands import band_noise, by_latitude
from celestial.renderer.giants.giants import keep_readable, moons, streak
from celestial.renderer.giants.saturn_rings import OUTER, add_rings, ring_tables
from celestial.renderer.light.camera import photograph
from celestial.renderer.light.canvas import Canvas, mix, smoothstep
from celestial.renderer.light.framing import sun_at
from celestial.renderer.light.globe import Globe, Pose, minnaert, night_light, see_globe
from celestial.renderer.light.look import Look, random_look
from celestial.renderer.light.noise import octave
from celestial.renderer.light.rings import Profile, see_rings, shadow_of_rings
from celestial.renderer.light.stars import space

FLATTENING = 0.09796  # 60268 and 54364 km (Archinal et al. 2018, CeMDA 130, 22)
OBLIQUITY = 26.73  # degrees

# Latitude (degrees), sRGB (chosen by eye) of the bands in visible light; winter is bluish.
GOLD = ((-90, 150, 128, 92), (-76, 172, 146, 103), (-60, 196, 170, 122), (-46, 188, 160, 112),
        (-34, 212, 184, 134), (-22, 204, 176, 128), (-14, 226, 201, 155), (0, 240, 219, 176),
        (14, 228, 204, 158), (22, 205, 178, 131), (34, 214, 188, 139), (48, 190, 166, 119),
        (62, 197, 174, 128), (76, 178, 154, 112), (90, 150, 134, 104))
# Colours (sRGB) of false colour composites: Voyager's, Cassini's infrared, Hubble's ultraviolet.
FALSE = (((120, 150, 190), (235, 190, 120), (170, 200, 150), (245, 235, 200), (190, 120, 80)),
         ((60, 110, 120), (230, 160, 90), (110, 190, 160), (240, 225, 170), (170, 90, 60)),
         ((110, 90, 160), (150, 190, 230), (240, 200, 220), (120, 220, 200), (250, 240, 230)))


def draw(canvas: Canvas) -> np.ndarray:
    """Draw a picture of Saturn: uint8 (height, width, 3)."""
    kind = canvas.pick({"earth": 2.6, "amateur": 1.8, "cassini": 4.2, "backlit": 0.7, "close": 1.6,
                        "rings": 0.9, "pole": 0.5, "program": 1.6, "infrared": 0.4})
    pose = choose_pose(canvas, kind)
    globe = see_globe(canvas, pose)
    plane = see_rings(canvas, globe)
    depth, albedo = ring_tables(canvas)
    stopped = Profile(OUTER, 1 - torch.exp(-depth / plane.sun_slant)[None])
    look = choose_look(canvas, globe, kind)
    disc = _bands(canvas, globe, kind, 0.10 if look.mono else 0.04)
    disc = disc * sunlight(canvas, globe, stopped, kind)
    light = globe.before(space(canvas), disc)
    light = add_rings(canvas, light, globe, plane, depth, albedo, kind)
    if kind in ("cassini", "close", "backlit", "rings", "pole"):  # exposed for the brightest light
        light = light * (canvas.uniform(0.6, 1.1) / light.amax().clamp(min=0.02))
    if canvas.chance(0.3):
        count = int(canvas.rng.integers(1, 6))
        light = light + moons(canvas, pose, count, canvas.uniform(0.5, 5), flatness=0.99)
    return photograph(canvas, light, look)


def choose_pose(canvas: Canvas, kind: str) -> Pose:
    """Choose viewpoint, sun and framing as the kind of picture has them."""
    c = canvas
    sun_latitude = math.radians(OBLIQUITY * math.sin(c.uniform(-math.pi, math.pi)))
    turn = c.rng.normal(0, 0.25) if c.chance(0.75) else c.uniform(0, 2 * math.pi)
    if kind in ("earth", "amateur", "infrared"):
        latitude = sun_latitude + math.radians(c.uniform(-3, 3))
        # The Earth and the sun are on the same side of the rings but for a few weeks.
        latitude = math.copysign(max(abs(latitude), 0.025), sun_latitude)
        hour = math.radians(c.uniform(-6, 6))
    elif kind == "backlit":
        sun_latitude = math.copysign(max(abs(sun_latitude), 0.1), sun_latitude)
        latitude = -sun_latitude + math.radians(c.rng.normal(0, 3))
        hour = math.pi + math.radians(c.rng.normal(0, 5))
    elif kind == "pole":  # the hexagon was in sunlight from 2009 on
        sun_latitude = math.radians(c.uniform(8, OBLIQUITY))
        latitude, hour = math.radians(c.uniform(55, 90)), c.rng.normal(0, 0.8)
    else:
        latitude = math.asin(c.uniform(-1, 1)) if c.chance(0.5) else c.rng.normal(0, 0.3)
        hour = math.radians(c.rng.normal(0, 60))
    if kind == "rings":
        latitude = math.copysign(c.uniform(0.1, 1.3), latitude)
    radius, centre = _framing(c, kind, abs(math.sin(latitude)), turn)
    phase, sun_turn = sun_at(latitude, turn, sun_latitude, hour)
    return Pose(radius, centre, latitude, turn, c.uniform(-math.pi, math.pi), phase, sun_turn,
                FLATTENING)


def _framing(canvas: Canvas, kind: str, slant: float,
             turn: float) -> tuple[float, tuple[float, float]]:
    """Choose the radius and the middle: with all rings, cut by the frame, or rings alone."""
    c = canvas
    if kind == "rings" or (kind == "close" and c.chance(0.35)):
        radius = c.log_uniform(1.0, 6.0 if kind == "rings" else 2.2)
        # A place in the rings, or on the limb, comes to the middle of the picture.
        along, away = c.uniform(0, 2 * math.pi), c.uniform(1.35, 2.3)
        x, y = away * math.cos(along), away * math.sin(along) * max(slant, 0.05)
        if kind == "close":
            x, y = 0.9 * math.cos(along), 0.8 * math.sin(along)
    elif kind == "pole":
        radius = c.log_uniform(0.7, 2.5)
        x, y = c.rng.normal(0, 0.1), 0.9 * math.sqrt(1 - slant ** 2) + c.rng.normal(0, 0.1)
    elif kind == "close":
        radius = c.log_uniform(0.5, 1.6)
        x, y = c.uniform(-0.8, 0.8) / radius, c.uniform(-0.6, 0.6) / radius
    else:
        radius = c.uniform(0.28, 0.44) if c.chance(0.7) else c.log_uniform(0.10, 0.28)
        if kind in ("cassini", "backlit") and c.chance(0.3):
            radius = c.uniform(0.42, 0.9)
        room = max(0.05, 0.95 - 2.3 * radius) / radius
        x, y = c.uniform(-room, room), c.uniform(-room, room)
    cosine, sine = math.cos(turn), math.sin(turn)
    return radius, (-radius * (x * cosine - y * sine), -radius * (x * sine + y * cosine))


def _bands(canvas: Canvas, globe: Globe, kind: str, contrast: float) -> torch.Tensor:
    """Return the colour of the planet's clouds, linear (3, size, size)."""
    c, table, fine = canvas, np.array(GOLD, float), np.linspace(-90, 90, 721)
    if kind != "program" and c.chance(0.06):
        colours = np.array(FALSE[c.rng.integers(len(FALSE))], float)
        table = np.column_stack([np.linspace(-90, 90, 13), colours[c.rng.integers(0, 5, 13)]])
    srgb = np.stack([np.interp(fine, table[:, 0], table[:, i]) for i in (1, 2, 3)])
    if kind in ("earth", "cassini", "close") and c.chance(0.25):  # the winter hemisphere is blue
        side = -1 if globe.pose.axes[2] @ globe.pose.sun > 0 else 1
        winter = np.clip((side * fine - 15) / 45, 0, 1) * c.uniform(0.3, 0.8)
        srgb = srgb + (np.array([[140], [160], [185]]) - srgb) * winter
    light = (srgb / 255) ** 2.2 * (1 + contrast * c.uniform(0.5, 1.5) * band_noise(c, 20))
    latitude = globe.latitude
    if globe.pose.latitude > 0.3:
        latitude = _hexagon(globe)
        inside = np.clip((fine - 76) / 3, 0, 1) * c.uniform(0.1, 0.4)
        jet = np.exp(-((fine - 77.5) / 0.8) ** 2) * c.uniform(-0.1, 0.25)
        eye = np.clip((fine - 87) / 1.5, 0, 1) * c.uniform(0.2, 0.5)
        light = light * (1 - inside) * (1 - jet) * (1 - eye)
        light = light * (1 + 0.06 * band_noise(c, 60) * (fine > 60))
    disc = by_latitude(c.tensor(light), latitude + octave(c, globe.point, 4.0) * 0.004)
    if c.chance(0.05):  # a great white spot, as in 2010
        storm = streak(globe, 35, math.degrees(globe.pose.longitude), c.uniform(8, 60), 4)
        disc = mix(disc, c.colour(245, 238, 220), (0.7 * storm * (
            1 + 0.5 * octave(c, globe.point, 9.0))).clamp(0, 1))
    return disc * (c.uniform(0.06, 0.3) if kind == "infrared" else 1)


def _hexagon(globe: Globe) -> torch.Tensor:
    """Return the latitude that a parcel of air would have if the jet at 78 N were a circle.

    The jet's six-sided shape: Godfrey 1988, Icarus 76, 335.
    """
    colatitude = math.pi / 2 - globe.latitude
    corner = globe.longitude.remainder(math.pi / 3) - math.pi / 6
    side = 0.955 / corner.cos()  # distance of a hexagon's side, its mean is 1
    near = torch.exp(-((colatitude / math.radians(12) - 1) / 0.6) ** 2)
    return math.pi / 2 - colatitude * (1 + near * (1 / side - 1))


def sunlight(canvas: Canvas, globe: Globe, stopped: Profile, kind: str) -> torch.Tensor:
    """Return the light on the planet: sun, the rings' shadow, night."""
    lit = minnaert(globe, canvas.uniform(0.75, 1.0))
    if kind != "program" or canvas.chance(0.5):
        lit = lit * (1 - shadow_of_rings(globe, stopped))
    if kind == "program":
        return lit + canvas.uniform(0.01, 0.06)
    if kind != "backlit":
        return lit + night_light(canvas)  # here: the shine of the rings
    # Behind the planet: sunlight bent by the air at the limb, and the rings' shine on the night.
    limb = smoothstep(0.25, 0.0, globe.mu) * canvas.uniform(0.05, 0.5)
    return lit * 0.5 + limb + canvas.log_uniform(0.005, 0.05)


def choose_look(canvas: Canvas, globe: Globe, kind: str) -> Look:
    """Choose how the picture is taken."""
    c, pose = canvas, globe.pose
    mono = {"cassini": 0.5, "close": 0.5, "rings": 0.6, "backlit": 0.3, "amateur": 0.4,
            "pole": 0.5, "earth": 0.1, "program": 0.0, "infrared": 0.4}[kind]
    look = random_look(c, mono=mono)
    pixels = pose.radius / c.pixel
    if kind == "amateur":
        look.fwhm = pixels * c.log_uniform(0.06, 0.35)
        if look.mono and c.chance(0.6):  # video frames, exposed for the rings
            look.exposure = c.uniform(1.0, 2.5)
            look.photons, look.read_noise = c.log_uniform(60, 2000), c.uniform(0.01, 0.04)
    if kind not in ("close", "rings", "pole") and c.chance(0.5):
        opening = max(abs(math.sin(pose.latitude) * math.cos(pose.turn)), abs(math.sin(pose.turn)))
        height = pose.radius * max(1.0, 2.3 * opening) + abs(pose.centre[1])
        look.aspect = min(1.0, max(0.4, height * c.uniform(1.05, 1.5)))
    return keep_readable(look, pixels)
