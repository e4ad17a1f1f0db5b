"""Round worlds that no class names: the large moons of the giants, planets of other stars."""

import math

import numpy as np
import torch

from celestial.renderer.light.camera import photograph
from celestial.renderer.light.canvas import Canvas, mix, smoothstep
from celestial.renderer.light.framing import frame, sunward
from celestial.renderer.light.globe import (
    Globe,
    Pose,
    beyond_limb,
    direction,
    gather_disc,
    minnaert,
    scatter_disc,
    see_globe,
)
from celestial.renderer.light.look import random_look
from celestial.renderer.light.noise import fbm
from celestial.renderer.light.stars import space
from celestial.renderer.rocky import airless_map, craters

KINDS = {"titan": 16, "veiled": 2, "europa": 14, "io": 18, "callisto": 12, "ganymede": 9,
         "enceladus": 8, "iapetus": 8, "triton": 8, "exoplanet": 13}
# Proportion of grey pictures. Other kinds are always in colour, because in grey they look like the
# Moon or a giant planet.
GREY = {"europa": 0.1, "enceladus": 0.1}
# Kinds that are also shown close up, without a limb. The ground of other kinds looks like that of
# Mars or the Moon.
CLOSE = ("europa", "io", "enceladus", "exoplanet")


def draw(canvas: Canvas) -> np.ndarray:
    """Draw a picture of a round world: uint8 (height, width, 3)."""
    kind = canvas.pick(KINDS)
    globe = see_globe(canvas, choose_pose(canvas, kind))
    look = random_look(canvas, mono=GREY.get(kind, 0.0))
    look.exposure = canvas.log_uniform(0.7, 1.5)
    look.calm_cast(0.6)
    look.read_noise = min(look.read_noise, 0.012)
    if kind in ("callisto", "ganymede", "iapetus"):
        look.saturation = canvas.uniform(1.0, 1.6)
    look.fwhm = min(look.fwhm, max(0.8, 0.02 * globe.pose.radius * canvas.size))
    disc, sky = PAINTERS[kind](canvas, globe), space(canvas)
    if kind == "titan" and canvas.chance(0.6):
        sky = sky + titan_haze(canvas, globe)
    if kind == "exoplanet":
        sky = sky + _glow(canvas, globe)
    return photograph(canvas, globe.before(sky, disc), look)


def choose_pose(canvas: Canvas, kind: str) -> Pose:
    """Choose viewpoint, sun and framing."""
    radius, centre = frame(canvas, {"full": 64, "small": 16, "partial": 12,
                                   "close": 8 * (kind in CLOSE)})
    phase = {"full": canvas.uniform(0, 20), "gibbous": canvas.uniform(20, 75),
             "half": canvas.uniform(75, 110)}[
        canvas.pick({"full": 50, "gibbous": 38, "half": 12})]
    if radius < 0.2:  # a speck shows nothing that tells it from the planets
        radius, centre = canvas.uniform(0.2, 0.4), (centre[0] / 2, centre[1] / 2)
    sun_turn = sunward(canvas, centre, canvas.uniform(0, 2 * math.pi))
    return Pose(radius, centre, canvas.rng.normal(0, 0.5), canvas.uniform(0, 2 * math.pi),
                canvas.uniform(-math.pi, math.pi), math.radians(phase), sun_turn)


def _titan(canvas: Canvas, globe: Globe) -> torch.Tensor:
    """Titan by visible light: smooth orange haze, a little darker in one hemisphere."""
    tone = mix(canvas.colour(222, 180, 105), canvas.colour(212, 140, 70), canvas.uniform(0, 1))
    tone = mix(tone, canvas.colour(220, 200, 110), canvas.uniform(0, 0.6))
    north = canvas.uniform(-0.12, 0.12) * globe.point[2]
    hood = canvas.uniform(0, 0.25) * smoothstep(0.75, 0.95, globe.point[2])
    clouds = canvas.uniform(0, 0.04) * fbm(canvas, globe.point, 1.5, 3, 0.6, globe.finest)
    return tone * (1 + north - hood + clouds) * minnaert(globe, canvas.uniform(0.85, 1.15)) * 1.1


def titan_haze(canvas: Canvas, globe: Globe) -> torch.Tensor:
    """Return the detached layer of haze around Titan, which scatters blue and purple light."""
    height = beyond_limb(canvas, globe.pose)
    width = canvas.uniform(0.015, 0.05)
    ring = torch.exp(-((height - canvas.uniform(0.0, 0.04)) / width) ** 2)
    lit = 0.2 + 0.8 * smoothstep(-0.4, 0.3, globe.mu0)
    tone = mix(canvas.colour(60, 95, 210), canvas.colour(140, 90, 200), canvas.uniform(0, 1))
    return tone * ring * lit * canvas.log_uniform(0.1, 0.8)


def _veiled(canvas: Canvas, globe: Globe) -> torch.Tensor:
    """Titan by infrared light: grey and soft, dark dunes along the equator, a few clouds."""
    dunes = smoothstep(-0.8, 1.6, fbm(canvas, globe.point, 0.8, 3, 0.5, globe.finest)
                       + 0.5 - 1.6 * globe.point[2].abs())
    clouds = smoothstep(0.8, 2.6, fbm(canvas, globe.point * canvas.planes([1, 1, 3]), 1.5, 3))
    grey = canvas.colour(205, 203, 200)
    shade = (0.75 - canvas.uniform(0.2, 0.5) * dunes + 0.5 * clouds)
    return grey * shade * minnaert(globe, canvas.uniform(1.1, 1.6))


def _europa(canvas: Canvas, globe: Globe) -> torch.Tensor:
    """Europa: cream ice, brown mottled terrain, a net of red-brown lines."""
    enhanced = canvas.chance(0.4)
    ice = canvas.colour(*((205, 205, 220) if enhanced else (225, 208, 172)))
    brown = canvas.colour(*((150, 75, 50) if enhanced else (160, 115, 75)))
    line = canvas.colour(*((125, 50, 30) if enhanced else (120, 62, 38)))
    mottle = fbm(canvas, globe.point, canvas.uniform(1, 2), 6, 0.65, globe.finest)
    colour = mix(ice, brown, smoothstep(-0.3, 1.3, mottle) * canvas.uniform(0.5, 1.0))
    net = _lines(canvas, globe, int(canvas.rng.integers(25, 50)), 0.016)
    colour = mix(colour, line, (net * canvas.uniform(0.7, 1.2)).clamp(0, 1))
    return colour * _rough(canvas, globe, canvas.uniform(0.0, 0.12))


def _io(canvas: Canvas, globe: Globe) -> torch.Tensor:
    """Io: yellow sulphur, white frost, orange poles, dark calderas, rings of fallout."""
    patches = fbm(canvas, globe.point, canvas.uniform(0.9, 1.6), 6, 0.6, globe.finest)
    frost = fbm(canvas, globe.point, canvas.uniform(1.5, 3), 5, 0.65, globe.finest)
    yellow = mix(canvas.colour(228, 195, 75), canvas.colour(205, 190, 130), canvas.uniform(0, 1))
    yellow = mix(yellow, canvas.colour(165, 165, 85), 0.5 * smoothstep(0.2, 1.5, -patches))
    orange = mix(canvas.colour(190, 110, 40), canvas.colour(150, 100, 70), canvas.uniform(0, 1))
    colour = mix(yellow, orange, smoothstep(-0.2, 1.8, patches) * 0.85)
    colour = mix(colour, canvas.colour(238, 232, 215), smoothstep(0.0, 1.8, frost) * 0.85)
    colour = mix(colour, canvas.colour(140, 85, 50),
                 0.7 * smoothstep(0.6, 0.95, globe.point[2].abs() + 0.08 * patches))
    halo, centre = _eruptions(canvas, globe, 0.13, int(canvas.rng.integers(2, 9)))
    tone = canvas.colour(*canvas.rng.choice([(190, 70, 30), (245, 240, 225), (120, 80, 50)]))
    colour = mix(colour, tone, (halo * 0.8).clamp(0, 1))
    soft, pits = _eruptions(canvas, globe, 0.055, int(canvas.rng.integers(25, 80)))
    colour = mix(colour, canvas.colour(230, 225, 200), (0.4 * soft).clamp(0, 1))
    colour = mix(colour, canvas.colour(45, 30, 20), (pits + centre).clamp(0, 0.92))
    return colour * minnaert(globe, canvas.uniform(0.55, 0.8))


def _callisto(canvas: Canvas, globe: Globe) -> torch.Tensor:
    """Callisto: dark brown all over, sown with bright speckles of ice."""
    brown = mix(canvas.colour(120, 95, 70), canvas.colour(105, 85, 60), canvas.uniform(0, 1))
    mottle = fbm(canvas, globe.point, 2, 6, 0.75, globe.finest)
    colour = brown * (1 + 0.3 * mottle).clamp(min=0.3)
    halo, frost = _eruptions(canvas, globe, canvas.uniform(0.02, 0.035),
                             int(canvas.rng.integers(90, 220)))
    ice = mix(canvas.colour(225, 215, 195), canvas.colour(205, 220, 235), canvas.uniform(0, 1))
    colour = mix(colour, ice, (0.5 * halo + 0.8 * frost).clamp(0, 1) * canvas.uniform(0.5, 1))
    return colour * _rough(canvas, globe, canvas.uniform(0.3, 0.7)) * canvas.uniform(0.9, 1.6)


def _ganymede(canvas: Canvas, globe: Globe) -> torch.Tensor:
    """Ganymede: old dark brown regions cut by brighter grooved lanes, blue-white rayed craters."""
    mottle = fbm(canvas, globe.point, 1.0, 6, 0.6, globe.finest)
    dark = smoothstep(-0.15, 0.15, mottle)
    lanes = (1.5 * _lines(canvas, globe, 14, 0.06)).clamp(0, 1)
    grooves = _lines(canvas, globe, 30, 0.015)
    young = mix(canvas.colour(168, 148, 115), canvas.colour(150, 142, 122), canvas.uniform(0, 1))
    old = mix(canvas.colour(98, 74, 48), canvas.colour(85, 66, 52), canvas.uniform(0, 1))
    colour = mix(young, old, dark * (1 - 0.85 * lanes))
    colour = colour * (1 + 0.14 * grooves * (1 - dark))
    rays = _rays(canvas, globe, int(canvas.rng.integers(2, 6)))
    frost = smoothstep(0.6, 0.95, globe.point[2].abs() + 0.1 * mottle) * canvas.uniform(0, 0.8)
    colour = mix(colour, canvas.colour(205, 225, 238), (rays + frost).clamp(0, 1))
    return colour * _rough(canvas, globe, canvas.uniform(0.2, 0.5)) * 1.3


def _enceladus(canvas: Canvas, globe: Globe) -> torch.Tensor:
    """Enceladus: the whitest ground there is, smooth or cratered, with blue-green cracks."""
    mottle = fbm(canvas, globe.point, 1.5, 5, 0.6, globe.finest)
    ice = mix(canvas.colour(228, 227, 225), canvas.colour(218, 212, 202), canvas.uniform(0, 1))
    teal = mix(canvas.colour(95, 165, 170), canvas.colour(120, 160, 200), canvas.uniform(0, 1))
    cracks = _lines(canvas, globe, int(canvas.rng.integers(20, 50)), 0.012)
    stripes = sum(torch.exp(-((globe.point[0] + 0.05 * mottle - 0.16 * i) / 0.016) ** 2)
                  for i in (-2, -1, 0, 1)) * smoothstep(0.7, 0.9, -globe.point[2])
    colour = mix(ice * (1 + 0.03 * mottle), teal,
                 (cracks * canvas.uniform(0.7, 1.1) + stripes).clamp(0, 1))
    return colour * _rough(canvas, globe, 0.4 * smoothstep(0.0, 0.6, mottle)) * 0.95


def _iapetus(canvas: Canvas, globe: Globe) -> torch.Tensor:
    """Iapetus: one half bright, the other nearly black with a ragged border; a belt of hills."""
    mottle = fbm(canvas, globe.point, 2.5, 6, 0.7, globe.finest)
    leading = smoothstep(-0.12, 0.12, globe.point[1] + canvas.uniform(-0.3, 0.3) + 0.3 * mottle
                         - 0.6 * globe.point[2].abs())
    bright = mix(canvas.colour(225, 218, 200), canvas.colour(205, 200, 195), canvas.uniform(0, 1))
    dark = mix(canvas.colour(60, 42, 30), canvas.colour(85, 70, 55), canvas.uniform(0, 1))
    ridge = 0.12 * torch.exp(-(globe.point[2] / 0.02) ** 2)
    return mix(bright, dark, leading) * _rough(canvas, globe, 0.8) * (1 + ridge)


def _triton(canvas: Canvas, globe: Globe) -> torch.Tensor:
    """Triton: a pink-white southern cap with dark streaks, a bluish fringe, grey-green rind."""
    mottle = fbm(canvas, globe.point, 2, 6, 0.65, globe.finest)
    edge = globe.point[2] + 0.12 * mottle + canvas.uniform(-0.2, 0.3)
    cap, fringe = smoothstep(0.1, -0.05, edge), torch.exp(-((edge - 0.1) / 0.12) ** 2)
    rind = mix(canvas.colour(165, 160, 140), canvas.colour(150, 140, 135), canvas.uniform(0, 1))
    pink = mix(canvas.colour(225, 195, 180), canvas.colour(205, 170, 160), canvas.uniform(0, 1))
    cells = fbm(canvas, globe.point, 12, 2, 0.6, globe.finest).abs()
    colour = mix(rind * (1 - 0.2 * smoothstep(0.3, 0.0, cells)), pink * (1 + 0.1 * mottle), cap)
    colour = mix(colour, canvas.colour(185, 205, 205), 0.6 * fringe)
    streaks = fbm(canvas, globe.point * canvas.planes([3, 0.8, 3]), 2.5, 4, 0.6)
    colour = colour * (1 - 0.45 * cap * smoothstep(0.9, 1.8, streaks))
    return colour * _rough(canvas, globe, 0.12)


def _exoplanet(canvas: Canvas, globe: Globe) -> torch.Tensor:
    """Paint an imagined planet, as artists do: magenta, lime, violet, lava."""
    palettes = [((225, 40, 150), (90, 20, 120), (255, 190, 220)),
                ((120, 220, 40), (30, 90, 30), (240, 255, 150)),
                ((130, 60, 210), (40, 20, 90), (220, 180, 255)),
                ((25, 15, 15), (60, 35, 30), (255, 110, 20)),
                ((200, 30, 40), (60, 10, 20), (255, 170, 60)),
                ((40, 150, 110), (140, 40, 110), (240, 220, 120)),
                ((230, 200, 60), (70, 130, 40), (120, 40, 90))]
    first, second, third = (canvas.colour(*tone) for tone in palettes[
        canvas.rng.integers(len(palettes))])
    stretch = canvas.planes([1, 1, canvas.log_uniform(0.7, 4)])
    land = fbm(canvas, globe.point * stretch, canvas.uniform(0.8, 2), 6, 0.6, globe.finest)
    warped = globe.point + 0.15 * land
    veins = fbm(canvas, warped, canvas.uniform(1.5, 4), 5, 0.6, globe.finest)
    sharp = canvas.log_uniform(0.05, 1.0)
    colour = mix(first, second, smoothstep(-sharp, sharp, land))
    colour = mix(colour, third, smoothstep(0.25, 0.0, veins.abs()) * canvas.uniform(0, 1))
    return colour * (1 + 0.12 * veins) * minnaert(globe, canvas.uniform(0.6, 1.2)) * 1.3


def _glow(canvas: Canvas, globe: Globe) -> torch.Tensor:
    """Return the glow that artists paint around a planet, in any colour."""
    tone = canvas.tensor(canvas.rng.dirichlet((0.7, 0.7, 0.7)))[:, None, None]
    height = beyond_limb(canvas, globe.pose)
    lit = smoothstep(-0.6, 0.6, globe.mu0)
    strength = canvas.uniform(0, 1.5) if canvas.chance(0.6) else 0.0
    return tone * torch.exp(-height / canvas.uniform(0.02, 0.15)) * lit * strength


def _rough(canvas: Canvas, globe: Globe, strength: torch.Tensor | float) -> torch.Tensor:
    """Return the light of cratered ice: darker at the limb than the Moon's dust is."""
    strength = torch.as_tensor(strength, device=canvas.device).expand_as(globe.mu)
    ground = craters.rugged(canvas, globe, canvas.uniform(0.5, 0.8), strength)
    return craters.moonlight(canvas, globe, ground) * globe.mu ** 0.3


def _lines(canvas: Canvas, globe: Globe, count: int, width: float) -> torch.Tensor:
    """Return lines along random circles of the globe, broken here and there, 0 to about 1.

    Args:
        canvas: gives the randomness and the device.
        globe: the body.
        count: of lines.
        width: of the widest, radii; thinner ones than a pixel fade instead.
    """
    globe, mask = gather_disc(globe)
    rng, total = canvas.rng, torch.zeros_like(globe.mu)
    bend = 0.04 * fbm(canvas, globe.point, 1.5, 3, 0.5, globe.finest)
    for _ in range(count):
        axis = _anywhere(canvas)
        across = (globe.point * axis).sum(0) - rng.uniform(-0.8, 0.8) + rng.normal(0, 1) * bend
        breadth = width * rng.uniform(0.25, 1)
        shown = max(breadth, 0.3 / globe.finest)
        whole = (0.5 + 1.5 * (globe.point * _anywhere(canvas)).sum(0)).clamp(0, 1)
        total = total + torch.exp(-(across / shown) ** 2) * whole * (breadth / shown)
    return scatter_disc(total.clamp(max=1.2)[None], mask)[0]


def _anywhere(canvas: Canvas) -> torch.Tensor:
    """Return a random direction in space, all equally likely, (3, 1, 1)."""
    way = canvas.rng.normal(size=3)
    return canvas.planes(way / np.linalg.norm(way))


def _eruptions(canvas: Canvas, globe: Globe, radius: float,
               count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return soft haloes and the spots in their middles, at random places, 0 to about 1 each.

    Args:
        canvas: gives the randomness and the device.
        globe: the body.
        radius: of a common halo, radians; few are three times as large.
        count: of places.
    """
    globe, mask = gather_disc(globe)
    halo, spot = torch.zeros_like(globe.mu), torch.zeros_like(globe.mu)
    uneven = 1 + 0.35 * fbm(canvas, globe.point, 6, 3, 0.6, globe.finest)
    for _ in range(count):
        place = direction(math.asin(canvas.uniform(-1, 1)), canvas.uniform(-math.pi, math.pi))
        if (place @ globe.pose.axes)[2] < -0.1:
            continue  # on the far side
        size = radius * 0.5 * min(6.0, canvas.rng.random() ** -0.5)
        away = (2 - 2 * (globe.point * canvas.planes(place)).sum(0)).clamp(min=0).sqrt() / size
        away = away * uneven
        halo = halo + torch.exp(-away ** 2) * canvas.uniform(0.3, 1)
        spot = spot + smoothstep(0.5, 0.3, away) * canvas.uniform(0.5, 1)
    halo, spot = scatter_disc(torch.stack([halo, spot]), mask)
    return halo, spot


def _rays(canvas: Canvas, globe: Globe, count: int) -> torch.Tensor:
    """Return the brightness of young craters with rays at random places, 0 to about 1."""
    points, total = globe.point.cpu().numpy(), np.zeros(globe.mu.shape)
    for _ in range(count):
        radius = canvas.log_uniform(0.8, 2.5)
        total += airless_map.ray_system(
            points, canvas.rng, math.degrees(math.asin(canvas.uniform(-1, 1))),
            canvas.uniform(-180, 180), radius, radius * canvas.uniform(5, 12))
    return canvas.tensor(total.clip(0, 1))


PAINTERS = {"titan": _titan, "veiled": _veiled, "europa": _europa, "io": _io,
            "callisto": _callisto, "ganymede": _ganymede, "enceladus": _enceladus,
            "iapetus": _iapetus, "triton": _triton, "exoplanet": _exoplanet}
