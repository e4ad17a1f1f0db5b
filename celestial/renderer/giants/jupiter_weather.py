"""Jupiter's weather: the colours of its bands, its winds and storms, different every year."""

from dataclasses import dataclass

import numpy as np
import torch

from celestial.renderer.giants.bands import planetocentric, profile, streaks
from celestial.renderer.giants.vortices import Vortex
from celestial.renderer.light.canvas import Canvas, mix

FLATTENING = 0.06487  # 71492 and 66854 km (Archinal et al. 2018, CeMDA 130, 22)
# Rounded planetographic latitudes between the bands from south to north (Rogers 1995, The Giant
# Planet Jupiter; its nomenclature).
EDGES = np.array([-66, -48, -41, -37, -33, -27.5, -20, -15.5, -13, -7, -1.2, 1.0, 7, 17.5, 23.5,
                  30, 35, 39, 44, 66.0])
NAMES = ("SP", "SPR", "SSTZ", "SSTB", "STZ", "STB", "STrZ", "SEBs", "SEBZ", "SEBn", "EZs", "EB",
         "EZn", "NEB", "NTrZ", "NTB", "NTZ", "NNTB", "NNTZ", "NPR", "NP")
JUNO = ("pole", "close", "spot")  # what JunoCam and the Voyagers saw from near


@dataclass(frozen=True)
class Weather:
    """What the clouds look like; tables are for `look_up`.

    Attributes:
        colours: linear (3, STEPS).
        winds: (3, STEPS): turn by the jets, radians; waviness, radians; strength of texture.
        cream: linear (3, 1, 1), of the bright filaments.
        blue: how blue dark clouds are in places, 0..1.
        festoon: linear (3, 1, 1), of the hot spots and festoons.
        festoons: their opacity.
        vortices: all storms.
        wake: (longitude, strength) of the turbulence west of the Great Red Spot.
        chaos: how far turbulence folds the clouds, radians.
    """

    colours: torch.Tensor
    winds: torch.Tensor
    cream: torch.Tensor
    blue: float
    festoon: torch.Tensor
    festoons: float
    vortices: list[Vortex]
    wake: tuple[float, float]
    chaos: float


def random_weather(canvas: Canvas, kind: str, spot: float) -> Weather:
    """Choose the weather of a day.

    Args:
        canvas: gives the randomness and the device.
        kind: of picture, see `celestial.renderer.giants.jupiter.KINDS`.
        spot: longitude of the Great Red Spot, degrees.
    """
    c, juno = canvas, kind in JUNO
    bands = _bands(c, kind)
    calm = 0.35 if kind == "planetarium" else c.uniform(0.7, 1.3)
    edges = np.sort(EDGES + c.rng.normal(0, 0.6, len(EDGES)))
    if c.chance(0.25):
        edges[NAMES.index("NEB")] += c.uniform(1, 3.5)  # the belt expands north at times
    edges = planetocentric(np.sort(edges), FLATTENING)
    softness = c.rng.uniform(0.3, 1.2, len(edges)) * (2 if kind == "infrared" else 1)
    softness[[0, 1, -2, -1]] = c.rng.uniform(2, 8, 4)
    light = np.stack([c.colour(*bands[name]).cpu().numpy()[:, 0, 0] for name in NAMES])
    if kind != "infrared":
        contrast = c.uniform(1.0, 1.6) if juno else c.uniform(0.5, 1.3)
        light = light.mean(0) * (light / light.mean(0)) ** contrast
    colours = profile(c, edges, softness, light)
    return Weather(
        colours * torch.exp(c.uniform(0.03, 0.1) * calm * streaks(c, 40)),
        profile(c, edges, np.maximum(softness, 2.5), _winds(c, kind, calm)),
        cream=c.planes(light.max(0)),
        blue=c.uniform(0.3, 1.3) if juno else c.uniform(0, 0.4),
        festoon=c.colour(*bands["NEB"]) if kind == "infrared" else c.colour(128, 135, 145),
        festoons=c.uniform(0.2, 0.9) * (0.4 if kind == "planetarium" else 1),
        vortices=_spots(c, kind, spot, bands) + _curls(c, kind, spot),
        wake=(spot, c.uniform(0.6, 1.6)), chaos=calm * c.uniform(0.03, 0.07))


def _winds(canvas: Canvas, kind: str, calm: float) -> np.ndarray:
    """Return turn by the jets, waviness and texture of each band, (bands, 3)."""
    c, order = canvas, np.arange(len(NAMES))
    belt = np.array(["B" in name for name in NAMES], float)
    polar = np.abs(order - 10) > 7
    jets = np.where(order % 2, 1.0, -1.0) * c.uniform(0.03, 0.16)
    wave = np.radians(np.where(polar, 3.0, 0.6 + 0.5 * belt)) * calm
    texture = np.where(polar, 0.15, 0.07 + 0.07 * belt) * calm
    if kind in JUNO:
        texture *= c.uniform(1.6, 3.5)
    elif kind == "infrared":
        texture *= 2
    return np.stack([jets, wave, texture], 1)


def _bands(canvas: Canvas, kind: str) -> dict[str, tuple[float, float, float]]:
    """Choose the colours of the bands, sRGB: no two years are alike (Rogers 1995)."""
    c = canvas
    if kind == "infrared":
        return _infrared(c)
    zone, belt = np.array([233, 224, 208.0]), np.array([168, 124, 92.0])
    zone = zone + c.rng.normal(0, 5, 3)
    belt = belt + c.uniform(-1, 1) * np.array([14, 18, 17]) + c.rng.normal(0, 4, 3)
    grey = np.array([172, 160, 146.0]) + c.uniform(-18, 10)
    pole = np.array([150, 148, 147.0]) + c.uniform(-15, 8)
    strength = {"NEB": c.uniform(0.75, 1.1), "EB": c.uniform(0, 0.4), "NTB": c.uniform(0.1, 0.9),
                "NNTB": c.uniform(0.15, 0.6), "STB": c.uniform(0.15, 0.65),
                "SSTB": c.uniform(0.2, 0.6), "STZ": c.uniform(0.05, 0.3),
                "NTZ": c.uniform(0.05, 0.3)}
    seb = c.uniform(0.1, 0.3) if c.chance(0.08) else c.uniform(0.65, 1.0)  # it fades at times
    strength |= {"SEBn": seb, "SEBs": seb * c.uniform(0.8, 1.1), "SEBZ": seb * c.uniform(0.3, 0.9)}
    strength |= dict.fromkeys(("EZs", "EZn"), c.uniform(0.25, 0.6) if c.chance(0.15)
                              else c.uniform(0, 0.15))
    colours = {name: zone + (belt - zone) * strength.get(name, c.uniform(0, 0.1)) for name in NAMES}
    for name in ("STZ", "SSTZ", "NTZ", "NNTZ", "SSTB", "NNTB"):
        colours[name] = colours[name] * 0.6 + grey * 0.4
    colours |= {"SPR": grey, "NPR": grey, "SP": pole, "NP": pole}
    if kind in JUNO and c.chance(0.75 if kind == "pole" else 0.5):  # JunoCam, stretched
        blue = np.array([86, 108, 128.0]) + c.rng.normal(0, 5, 3)
        colours |= {"SP": blue, "NP": blue, "SPR": blue * 0.5 + grey * 0.5,
                    "NPR": blue * 0.5 + grey * 0.5}
    return colours


def _infrared(canvas: Canvas) -> dict[str, tuple[float, float, float]]:
    """Choose the false colours of the bands in infrared pictures, sRGB."""
    c = canvas
    kind = c.pick({"thermal": 1, "methane": 1, "webb": 1.5})
    belts = ("SSTB", "STB", "SEBs", "SEBn", "NEB", "NTB", "NNTB")
    if kind == "thermal":  # at 5 micrometres heat shines through where clouds are thin
        zone, belt, pole, ez = (60, 22, 8), (255, 170, 60), (110, 50, 20), (45, 15, 6)
    elif kind == "methane":  # at 889 nm only high haze is bright
        zone, belt, pole, ez = (110,) * 3, (70,) * 3, (170,) * 3, (210,) * 3
    else:
        zone, belt, pole, ez = (150, 120, 130), (110, 45, 40), (190, 205, 225), (245, 235, 220)
    colours = {name: belt if name in belts else zone for name in NAMES}
    return colours | {"SP": pole, "NP": pole, "EZs": ez, "EZn": ez, "EB": ez,
                      "SEBZ": tuple(np.add(zone, belt) / 2)}


def _spots(canvas: Canvas, kind: str, spot: float, bands: dict) -> list[Vortex]:
    """Choose the storms that have a colour of their own.

    Places after Rogers 1995, the Great Red Spot after Simon et al. 2018 (AJ 155, 151), rounded,
    planetocentric; the sizes of the others by eye.
    """
    c = canvas
    pale, dark = c.colour(238, 230, 218), c.colour(118, 88, 68)
    red = mix(c.colour(190, 98, 48), c.colour(226, 182, 142), c.uniform(0, 1) ** 1.5)
    if kind == "infrared":
        pale, red = c.colour(*bands["EZs"]), c.colour(*bands["EZs"])
        dark = c.colour(*bands["NEB"])
    storms = [Vortex(-19.8, spot, c.uniform(5.5, 9.0), c.uniform(4.3, 5.0), c.uniform(2, 6), red,
                     c.uniform(0.88, 1), pale, c.uniform(0.2, 0.8), 1.1)]
    if c.chance(0.7):  # Oval BA
        storms.append(Vortex(-29.5, spot + c.uniform(0, 360), 3.2, 2.4, 2.0,
                             mix(pale, red, c.uniform(0, 0.6)), 0.8, dark, 0.3, 0.8))
    start = c.uniform(0, 360)
    for k in range(int(c.rng.integers(4, 10))):  # the string of pearls
        storms.append(Vortex(-37.2 + c.rng.normal(0, 0.4), start + 26 * k + c.rng.normal(0, 5),
                             c.uniform(1.2, 2), c.uniform(1, 1.5), 2.0, pale, 0.9, dark, 0.25, 0.5))
    for _ in range(int(c.rng.integers(0, 5))):  # barges
        storms.append(Vortex(14.2 + c.rng.normal(0, 0.5), c.uniform(0, 360), c.uniform(1.5, 4),
                             c.uniform(0.6, 1), -1.0, dark, 0.7, pale))
    for _ in range(28 if kind in ("pole", "close") else 8):
        latitude = c.uniform(38, 84) * (1 if c.chance(0.5) else -1)
        size, tone = c.log_uniform(0.4, 1.6), c.uniform(0, 1)
        storms.append(Vortex(latitude, c.uniform(0, 360), size * c.uniform(1, 1.3), size,
                             c.uniform(-4, 4), mix(dark, pale, tone), c.uniform(0.05, 0.7), dark,
                             c.uniform(0, 0.2), 0.3))
    if c.chance(0.02):  # scars of an impact: comet Shoemaker-Levy 9 hit at 44 S in 1994
        for k in range(int(c.rng.integers(1, 6))):
            storms.append(Vortex(-44 + c.rng.normal(0, 1), start + 22 * k + c.rng.normal(0, 6),
                                 c.uniform(1.5, 4), c.uniform(1.2, 2.5), 0.0, 0.3 * dark, 0.85,
                                 dark, 0.3))
    return storms


def _curls(canvas: Canvas, kind: str, spot: float) -> list[Vortex]:
    """Choose vortices that only wind up the clouds: the wake of the spot, and rows of them."""
    c = canvas
    curls = [_curl(c, -14 + c.rng.normal(0, 2.5), spot - c.uniform(11, 50), c.uniform(1, 2.8))
             for _ in range(7)]
    for _ in range(3 if kind in JUNO else 2):  # rows of curls where winds shear
        latitude, start = c.uniform(-52, 52), c.uniform(0, 360)
        size = c.uniform(0.8, 1.6)
        curls += [_curl(c, latitude + c.rng.normal(0, 0.7), start + 3.5 * size * k,
                        size * c.uniform(0.6, 1.2)) for k in range(12)]
    return curls


def _curl(canvas: Canvas, latitude: float, longitude: float, size: float) -> Vortex:
    """Return a vortex without colour of its own: it only winds up what is there."""
    spin = canvas.uniform(2, 6) * (1 if latitude < 0 else -1)
    return Vortex(latitude, longitude, 1.4 * size, size, spin)
