"""Saturn's rings: which light they scatter towards us, which they stop."""

import math

import numpy as np
import torch

from celestial.renderer.light.canvas import Canvas
from celestial.renderer.light.globe import Globe, night_light
from celestial.renderer.light.rings import Profile, RingPlane

EQUATOR = 60268.0  # km, of Saturn at 1 bar (Archinal et al. 2018, CeMDA 130, 22)
OUTER = 2.4  # end of the tables, equatorial radii

# Inner and outer edge (km, NASA PDS Ring-Moon Systems Node), normal optical depth at both (Colwell
# et al. 2009, in "Saturn from Cassini-Huygens", ch. 13, rounded), how much ringlets differ (by
# eye), single scattering albedo (Cuzzi et al. 2009, ibid. ch. 15, rounded), colour (sRGB, by eye).
REGIONS = (
    (66900, 74658, 0.0003, 0.002, 0.3, 0.25, (190, 185, 180)),  # D
    (74658, 92000, 0.07, 0.15, 0.30, 0.28, (196, 186, 170)),  # C
    (92000, 99000, 1.00, 1.30, 0.40, 0.60, (226, 206, 172)),  # B, four parts
    (99000, 104500, 1.20, 2.00, 0.50, 0.64, (232, 211, 174)),
    (104500, 110000, 3.50, 4.00, 0.20, 0.68, (236, 214, 176)),
    (110000, 117580, 2.60, 1.70, 0.40, 0.66, (234, 213, 177)),
    (117580, 122050, 0.07, 0.13, 0.50, 0.35, (200, 190, 175)),  # Cassini Division
    (122050, 133424, 0.90, 0.50, 0.12, 0.55, (224, 208, 180)),  # A
    (133424, 136775, 0.55, 0.60, 0.12, 0.55, (222, 207, 180)),
    (139900, 140400, 0.12, 0.08, 0.60, 0.45, (225, 220, 210)),  # F
)
# Middle and width of empty gaps, km: Colombo, Maxwell, Huygens, Encke, Keeler (same sources; the
# Huygens gap's middle is given as 117,680 to 117,820, its width as 285 to 440).
GAPS = ((77870, 170), (87491, 270), (117815, 380), (133589, 325), (136505, 40))


def ring_tables(canvas: Canvas) -> tuple[torch.Tensor, torch.Tensor]:
    """Return normal optical depth (N,) and single scattering albedo (3, N) of the rings."""
    cells = min(8192, max(2048, 16 * canvas.size))
    place = (np.arange(cells) + 0.5) / cells * OUTER * EQUATOR  # km
    noise = np.zeros(cells)
    for step in (3000, 1200, 500, 200, 80):  # km; ringlets have all widths
        knots = np.arange(0, OUTER * EQUATOR + step, step)
        noise += np.interp(place, knots, canvas.rng.standard_normal(len(knots))) / 1.6
    depth, albedo = np.zeros(cells), np.zeros((3, cells))
    for inner, outer, first, last, rough, scatter, colour in REGIONS:
        part = (place >= inner) & (place < outer)
        smooth = np.interp(place[part], (inner, outer), (first, last))
        depth[part] = smooth * np.exp(rough * noise[part])
        albedo[:, part] = scatter * canvas.colour(*colour).cpu().numpy()[:, :, 0]
    for middle, width in GAPS:
        depth[abs(place - middle) < width / 2] = 0
    return canvas.tensor(depth), canvas.tensor(albedo)


def add_rings(canvas: Canvas, light: torch.Tensor, globe: Globe, plane: RingPlane,
              depth: torch.Tensor, albedo: torch.Tensor, kind: str) -> torch.Tensor:
    """Lay the rings over planet and sky: they scatter the sun's light and stop what is behind.

    Single scattering of a thin layer (Chandrasekhar 1960, "Radiative transfer"), towards the sun's
    side or through the rings.

    Args:
        canvas: the picture.
        light: of planet and sky, linear (3, size, size).
        globe, plane: what the pixels see of the planet and of its equatorial plane.
        depth, albedo: from `ring_tables`.
        kind: of picture: "program" and "infrared" have other brightness, "backlit" shows dust.

    Returns:
        linear (3, size, size).
    """
    sun, eye = plane.sun_slant, plane.slant
    if plane.lit_face or kind == "program":
        proportion = sun / (sun + eye) * (1 - torch.exp(-depth * (1 / sun + 1 / eye)))
    else:
        sun = sun if abs(sun - eye) > 1e-3 else eye + 1e-3
        proportion = sun / (sun - eye) * (torch.exp(-depth / sun) - torch.exp(-depth / eye))
    # Phase curve of the rings' big particles, (1 - phase / pi)^n (Dones et al. 1993, Icarus 105,
    # 184, have n = 3.1; less here, for the light that Saturn itself throws on them).
    curve = (1 - math.acos(float(globe.pose.sun[2])) / math.pi) ** 1.5 + 0.05
    gain = {"program": canvas.uniform(0.15, 0.7), "infrared": 3.0, "backlit": 1.0}.get(
        kind, 1.6 * curve)
    glow = albedo * (proportion * gain)
    if kind == "backlit":  # dust scatters forward: the thin regions shine
        glow = glow * (1 + 3 * (albedo[0] < 0.36)) + 0.02 * albedo
    seen = Profile(OUTER, torch.cat([glow, 1 - torch.exp(-depth / eye)[None]]))
    rings = seen.mean(plane.radius, plane.softness)
    scattered = rings[:3]
    if kind == "backlit":
        scattered = scattered + _dust(canvas, plane)
    scattered = scattered * (plane.sunlit + night_light(canvas))
    return light * (1 - rings[3] * plane.in_front) + scattered * plane.in_front


def _dust(canvas: Canvas, plane: RingPlane) -> torch.Tensor:
    """Return the light of fine dust against the sun: G (170,000 km) and the wide, bluish E ring."""
    thin = torch.exp(-((plane.radius - 2.82) / 0.05) ** 2) * canvas.uniform(0.005, 0.03)
    wide = torch.exp(-((plane.radius - 3.95) / 0.8) ** 2) * canvas.log_uniform(0.002, 0.03)
    return canvas.colour(215, 215, 220) * thin + canvas.colour(130, 165, 230) * wide
