"""Spacecraft, stations, rockets and astronauts, before black, stars or a blue Earth."""

import math

import numpy as np
import torch
from PIL import Image, ImageDraw

from celestial.renderer.light.camera import photograph
from celestial.renderer.light.canvas import Canvas, mix, smoothstep
from celestial.renderer.light.look import random_look
from celestial.renderer.light.noise import fbm, plane_points, random_rotation
from celestial.renderer.light.stars import space

FINER = 3  # the craft is drawn this many times larger, for smooth edges
METALS = ((205, 205, 210), (215, 175, 90), (235, 235, 232), (150, 152, 158), (70, 72, 78))
CELLS = ((25, 30, 75), (45, 35, 60), (20, 22, 30), (120, 85, 45), (55, 70, 130))
# Corners of the six sides of a box, as indices into the corners that `_corners` returns.
SIDES = ((0, 1, 3, 2), (4, 5, 7, 6), (0, 1, 5, 4), (2, 3, 7, 6), (0, 2, 6, 4), (1, 3, 7, 5))

Part = tuple[np.ndarray, tuple[int, ...], int]  # corners (n, 3), sRGB colour, lines across it


def draw(canvas: Canvas) -> np.ndarray:
    """Draw a picture of a spacecraft: uint8 (height, width, 3)."""
    kind = canvas.pick({"craft": 62, "station": 16, "astronaut": 12, "launch": 10})
    look = random_look(canvas, mono=0.07)
    look.exposure = canvas.log_uniform(0.7, 1.4)
    look.fwhm = min(look.fwhm, 1.3 * canvas.scale)
    if kind == "launch":
        return photograph(canvas, _launch(canvas), look)
    parts = {"craft": _craft, "station": _station, "astronaut": _astronaut}[kind](canvas)
    return photograph(canvas, _place(canvas, parts), look)


def _earth(canvas: Canvas, sky: torch.Tensor) -> torch.Tensor:
    """Return the sky with Earth's limb across a part of the frame, or nothing but Earth."""
    radius = canvas.log_uniform(1.2, 8)
    angle, limb = canvas.uniform(0, 2 * math.pi), canvas.uniform(-0.7, 0.6)
    if canvas.chance(0.2):
        limb = -3.0  # nothing but ground
    middle = limb + radius
    away = ((canvas.x - middle * math.cos(angle)) ** 2
            + (canvas.y - middle * math.sin(angle)) ** 2).sqrt() - radius
    points = plane_points(canvas) * canvas.planes([1, canvas.uniform(1, 2.5), 1])
    weather = fbm(canvas, points, canvas.uniform(1, 2.5), 6, 0.65, 0.5 / canvas.pixel)
    clouds = smoothstep(canvas.uniform(-1, 0.5), 2.2, weather)
    sea = mix(canvas.colour(20, 55, 120), canvas.colour(90, 95, 75), float(canvas.chance(0.25)))
    ground = mix(sea, canvas.colour(235, 240, 245), clouds)
    haze = torch.exp(away.clamp(max=0) / 0.12)
    ground = mix(ground, canvas.colour(120, 170, 240), 0.7 * haze) * canvas.uniform(0.4, 1.1)
    air = canvas.colour(70, 130, 255) * torch.exp(-away.clamp(min=0) / 0.025)
    return mix(sky + air, ground, smoothstep(canvas.pixel, -canvas.pixel, away))


def _place(canvas: Canvas, parts: list[Part]) -> torch.Tensor:
    """Turn the parts at random, scale them into the frame and draw them before space or Earth.

    Before Earth they are large: a view of Earth with a speck before it is one of Earth.
    """
    behind, near = space(canvas), canvas.chance(0.4)
    if near:
        behind = _earth(canvas, behind)
    turn = random_rotation(canvas.rng)
    parts = [(corners @ turn.T, colour, lines) for corners, colour, lines in parts]
    reach = max(abs(corners[:, :2]).max() for corners, _, _ in parts)
    size = canvas.uniform(0.6, 1.15) if near or canvas.chance(0.75) else (
        canvas.uniform(0.18, 0.45))
    centre = canvas.rng.normal(0, 0.2, 2)
    side = canvas.size * FINER
    colours, mask = Image.new("RGB", (side, side)), Image.new("L", (side, side))
    paint, cut = ImageDraw.Draw(colours), ImageDraw.Draw(mask)
    sun = random_rotation(canvas.rng)[0]
    sun[2] = abs(sun[2])
    night = canvas.uniform(0.0, 0.12)
    for corners, colour, lines in sorted(parts, key=lambda part: part[0][:, 2].mean()):
        flat = (corners[:, :2] * size / reach + centre) * [1, -1]
        outline = [tuple(point) for point in (flat + 1) * side / 2]
        light = night + _gleam(corners, sun)
        shade = tuple(int(min(255, channel * min(1.3, light) ** 0.45)) for channel in colour)
        paint.polygon(outline, fill=shade)
        cut.polygon(outline, fill=255)
        _rule(paint, outline, lines, shade, side)
    small = (canvas.size, canvas.size)
    light = np.asarray(colours.resize(small, Image.Resampling.BOX), float) / 255
    cover = np.asarray(mask.resize(small, Image.Resampling.BOX), float) / 255
    foil = 1 + canvas.uniform(0, 0.3) * fbm(canvas, plane_points(canvas), 6, 3, 0.7)
    light = canvas.tensor((light ** 2.2).transpose(2, 0, 1)) * foil
    return behind * (1 - canvas.tensor(cover)) + light


def _gleam(corners: np.ndarray, sun: np.ndarray) -> float:
    """Return the sunlight that a flat part sends to us: Lambert's and a highlight (Phong's)."""
    normal = np.cross(corners[1] - corners[0], corners[2] - corners[1])
    normal = normal * np.sign(normal[2]) / max(1e-9, np.linalg.norm(normal))
    facing = float(normal @ sun)
    return max(0.0, facing) + 0.6 * max(0.0, 2 * float(normal[2]) * facing - float(sun[2])) ** 8


def _rule(paint: ImageDraw.ImageDraw, outline: list[tuple], lines: int, shade: tuple,
          side: int) -> None:
    """Draw the seams between the cells of a panel whose four corners are given."""
    if not lines:
        return
    a, b, c, d = (np.array(point) for point in outline)
    seam = tuple(min(255, channel + 45) for channel in shade)
    width = max(1, side // 300)
    for i in range(1, lines):
        t = i / lines
        paint.line([tuple(a + (b - a) * t), tuple(d + (c - d) * t)], fill=seam, width=width)
    for t in (1 / 3, 2 / 3):
        paint.line([tuple(a + (d - a) * t), tuple(b + (c - b) * t)], fill=seam, width=width)


def _corners(middle: tuple[float, ...], size: tuple[float, ...]) -> np.ndarray:
    """Return the corners of a box, (8, 3)."""
    signs = np.array(np.meshgrid([-1, 1], [-1, 1], [-1, 1], indexing="ij")).reshape(3, 8).T
    return np.array(middle) + signs * np.array(size) / 2


def _box(canvas: Canvas, middle: tuple[float, ...], size: tuple[float, ...],
         colour: tuple[int, ...]) -> list[Part]:
    """Return the sides of a box, each a little different in tone as foil and hatches are."""
    corners = _corners(middle, size)
    return [(corners[list(side)], _tone(canvas, colour), 0) for side in SIDES]


def _tone(canvas: Canvas, colour: tuple[int, ...]) -> tuple[int, ...]:
    """Return a colour, a little brighter or darker."""
    factor = canvas.uniform(0.8, 1.15)
    return tuple(int(min(255, channel * factor)) for channel in colour)


def _tube(canvas: Canvas, start: float, end: float, radii: tuple[float, float],
          colour: tuple[int, ...], middle: tuple[float, float] = (0, 0)) -> list[Part]:
    """Return a tube or cone along the z axis, with its ends."""
    angles = np.linspace(0, 2 * math.pi, 17)
    ring = np.stack([np.cos(angles), np.sin(angles)], 1)
    low = np.hstack([ring * radii[0] + middle, np.full((17, 1), start)])
    high = np.hstack([ring * radii[1] + middle, np.full((17, 1), end)])
    parts: list[Part] = [(np.stack([low[i], low[i + 1], high[i + 1], high[i]]), colour, 0)
                         for i in range(16)]
    return [*parts, (low[:-1], _tone(canvas, colour), 0), (high[:-1], _tone(canvas, colour), 0)]


def _panel(canvas: Canvas, middle: tuple[float, ...], width: float, height: float,
           colour: tuple[int, ...]) -> Part:
    """Return a flat panel of solar cells in the x-y plane."""
    x, y, z = middle
    w, h = width / 2, height / 2
    corners = np.array([[x - w, y - h, z], [x + w, y - h, z], [x + w, y + h, z],
                        [x - w, y + h, z]])
    return corners, colour, int(canvas.rng.integers(3, 9))


def _metal(canvas: Canvas) -> tuple[int, ...]:
    """Choose the colour of a body: silver, gold foil, white, grey, black."""
    return METALS[canvas.rng.choice(len(METALS), p=(0.3, 0.3, 0.2, 0.12, 0.08))]


def _craft(canvas: Canvas) -> list[Part]:
    """Return a probe, satellite or telescope: a body, panels, often a dish and booms."""
    body, rng = _metal(canvas), canvas.rng
    width, length = canvas.uniform(0.2, 0.45), canvas.uniform(0.3, 1.1)
    if canvas.chance(0.5):
        parts = _box(canvas, (0, 0, 0), (width, width * canvas.uniform(0.7, 1.3), length), body)
    else:
        parts = _tube(canvas, -length / 2, length / 2, (width / 2, width / 2), body)
        parts += _tube(canvas, -length / 2, -length / 4, (width * 0.62,) * 2, _metal(canvas))
    if canvas.chance(0.8):
        cells, span = CELLS[rng.integers(len(CELLS))], canvas.uniform(0.4, 1.3)
        height, tilt = canvas.uniform(0.25, 0.6), random_rotation(rng)[0] * 0.1
        for side in (-1, 1):
            middle = (side * (width / 2 + 0.12 + span / 2), tilt[1], tilt[2])
            parts.append(_panel(canvas, middle, span, height, cells))
            parts += _box(canvas, (side * (width / 2 + 0.06), 0, 0), (0.14, 0.03, 0.03), body)
    if canvas.chance(0.5):
        reach = canvas.uniform(0.25, 0.55)
        parts += _tube(canvas, length / 2 + 0.02, length / 2 + 0.15, (reach * 0.3, reach),
                       METALS[2])
    for _ in range(int(rng.integers(0, 4))):
        parts += _box(canvas, tuple(rng.normal(0, 0.25, 3)),
                      tuple(rng.choice([0.02, 0.02, 0.9, 0.12], 3)), _metal(canvas))
    return parts


def _station(canvas: Canvas) -> list[Part]:
    """Return a station: modules in a row, a truss across, pairs of long panels."""
    parts: list[Part] = []
    for i in range(int(canvas.rng.integers(2, 6))):
        start, radius = -0.7 + 0.33 * i, canvas.uniform(0.07, 0.13)
        parts += _tube(canvas, start, start + 0.3, (radius, radius), _metal(canvas))
    parts += _box(canvas, (0, 0.12, 0), (2.4, 0.06, 0.06), METALS[0])
    cells = CELLS[canvas.rng.integers(len(CELLS))]
    for x in (-1.1, -0.8, 0.8, 1.1):
        for side in (-1, 1):
            parts.append(_panel(canvas, (x, 0.12 + side * 0.5, 0), 0.22, 0.8, cells))
    for side in (-1, 1):
        parts.append(_panel(canvas, (side * 0.35, 0.1, 0.3), 0.2, 0.4, METALS[2]))
    return parts


def _astronaut(canvas: Canvas) -> list[Part]:
    """Return an astronaut in a white suit with a pack, limbs bent at random and a gold visor."""
    white, rng = (236, 236, 238), canvas.rng
    parts = _box(canvas, (0, 0, 0), (0.5, 0.7, 0.36), white)
    parts += _box(canvas, (0, 0.05, -0.3), (0.55, 0.75, 0.26), (215, 215, 218))
    parts += _ball(canvas, (0, 0.52, 0.02), 0.22, white)
    parts += _ball(canvas, (0, 0.52, 0.1), 0.19, (205, 150, 50) if canvas.chance(0.6)
                   else (40, 40, 48))
    for x, y in ((-0.3, 0.25), (0.3, 0.25), (-0.15, -0.4), (0.15, -0.4)):
        place = np.array([x, y, 0.0])
        way = np.array([np.sign(x) * 0.5, -1.0 if y < 0 else rng.normal(0, 0.6), 0.3])
        for _ in range(6):
            parts += _ball(canvas, tuple(place), 0.12, white)
            place = place + 0.11 * way / np.linalg.norm(way)
            way = way + rng.normal(0, 0.25, 3)
    return parts


def _ball(canvas: Canvas, middle: tuple[float, ...], radius: float,
          colour: tuple[int, ...]) -> list[Part]:
    """Return a ball of few sides."""
    parts: list[Part] = []
    heights = np.array([-1, -0.6, 0, 0.6, 1]) * radius
    for low, high in zip(heights[:-1], heights[1:], strict=True):
        radii = tuple(math.sqrt(max(0.0, radius ** 2 - z ** 2)) + 1e-3 for z in (low, high))
        parts += _tube(canvas, middle[2] + low, middle[2] + high, radii, colour, middle[:2])
    return parts


def _launch(canvas: Canvas) -> torch.Tensor:
    """Return a rocket on its column of fire, by day or night, with smoke."""
    day = canvas.chance(0.5)
    sky = canvas.colour(90, 140, 200) if day else canvas.colour(12, 14, 26)
    light = (sky * (1 - 0.35 * canvas.y)).expand(3, canvas.size, canvas.size)
    x, top = canvas.x - canvas.uniform(-0.4, 0.4), canvas.uniform(0.1, 0.85)
    length, width = canvas.uniform(0.3, 0.7), canvas.uniform(0.03, 0.07)
    below = (top - length - canvas.y).clamp(min=0)
    rough = fbm(canvas, plane_points(canvas), 2.5, 5, 0.6, 0.5 / canvas.pixel)
    plume = width * 1.2 + below * canvas.uniform(0.1, 0.3)
    smoke = smoothstep(1.3, 0.7, x.abs() / plume + 0.35 * rough) * smoothstep(0.1, 0.3, below)
    ash = canvas.colour(225, 222, 220) * (0.6 + 0.15 * rough) * (0.9 if day else 0.25)
    light = mix(light, ash, smoke)
    flame = torch.exp(-(x / (width + 0.1 * below)) ** 2 - below / canvas.uniform(0.15, 0.5))
    light = light + canvas.colour(255, 190, 90) * flame * (below > 0) * 3
    glow = torch.exp(-(x ** 2 + (canvas.y - top + length) ** 2) / 0.08)
    light = light + canvas.colour(255, 160, 70) * glow * canvas.uniform(0.1, 0.6)
    height = (canvas.y - top + length) / length
    shape = width * (1 - smoothstep(0.8, 1.0, height))
    body = smoothstep(canvas.pixel, 0, x.abs() - shape) * ((height > 0) & (height < 1))
    paint = canvas.colour(*METALS[canvas.rng.choice([0, 2, 3])]) * (0.6 + 0.4 * x / width)
    return mix(light, paint.clamp(min=0.02), body)
