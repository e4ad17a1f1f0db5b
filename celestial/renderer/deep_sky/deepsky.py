"""What pictures of the deep sky share: plates, stretches, star shapes, the stars of the field."""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch

from celestial.renderer.light.camera import convolve, moffat, photograph
from celestial.renderer.light.canvas import Canvas, rotated, smoothstep
from celestial.renderer.light.look import LUMINANCE, Look, finish
from celestial.renderer.light.stars import field_stars

# how deep-sky pictures are made, and how often
KINDS = {"amateur": 0.40, "plate": 0.20, "texture": 0.17, "hubble": 0.13, "raw": 0.07,
         "webb": 0.03}


@dataclass
class DeepLook(Look):
    """A `Look` with what only deep-sky pictures have; `deep_photograph` uses it.

    Attributes:
        stretch: of the tone curve, asinh(stretch * light) / asinh(stretch) (Lupton et al. 2004,
            PASP 116, 133); faint light shows at 10 and more.
        white_cores: proportion of a bright star's colour that is burnt out, 0..1.
        spike_angles: directions of the diffraction spikes, radians.
        window: radius of a round window with soft edges, image-plane units; 0: none.
    """

    stretch: float = 8.0
    white_cores: float = 0.7
    spike_angles: tuple[float, ...] = (0.0, math.pi / 2)
    window: float = 0.0


def deep_look(canvas: Canvas, mono: float = 0.12,
              kinds: dict[str, float] | None = None) -> DeepLook:
    """Draw the way a picture of the deep sky is taken: by amateurs, survey plates, Hubble, Webb.

    Args:
        canvas: the picture; lengths scale with its size.
        mono: probability of a monochrome camera.
        kinds: weights of the kinds of pictures, instead of `KINDS`.
    """
    c = canvas
    kind = c.pick(kinds or KINDS)
    look = DeepLook(fwhm=c.scale * c.log_uniform(0.65, 1.6), beta=c.uniform(2.5, 4),
                    exposure=c.log_uniform(0.6, 1.6), stretch=c.log_uniform(3, 30),
                    white_cores=c.rng.random(), read_noise=c.log_uniform(0.0005, 0.006),
                    photons=c.log_uniform(1000, 30000), saturation=c.uniform(0.6, 1.5),
                    cast=tuple(np.exp(c.rng.normal(0, 0.08, 3))))
    finish(c, look)
    look.missing = 0.0
    {"amateur": _amateur, "plate": _plate, "texture": _texture, "hubble": _hubble, "raw": _raw,
     "webb": _webb}[kind](c, look)
    if kind != "webb" and c.chance(mono):
        look.mono, look.sky = LUMINANCE, (sum(look.sky) / 3,) * 3
    return look


def _amateur(c: Canvas, look: DeepLook) -> None:
    """A small telescope and long exposures; a Newtonian's spider gives crosses."""
    level = c.log_uniform(0.0008, 0.012)
    look.sky = tuple(level * np.exp(c.rng.normal(0, 0.25, 3)))
    look.gradient = c.uniform(0, 0.6)
    if c.chance(0.3):
        look.spikes = c.scale * c.log_uniform(5, 25)


def _plate(c: Canvas, look: DeepLook) -> None:
    """Survey plates (Palomar, UK Schmidt) in colour: their sky is blue or grey, never black."""
    blue = c.uniform(0.2, 1)
    level = c.log_uniform(0.35, 1.3)
    grey = np.array([75, 78, 88]) * (1 - blue) + np.array([38, 62, 120]) * blue
    look.sky = tuple((level * (grey * np.exp(c.rng.normal(0, 0.08, 3)) / 255) ** 2.2).tolist())
    look.gradient = c.uniform(0, 0.6)
    look.fwhm = c.scale * c.log_uniform(0.75, 1.6)
    look.beta = c.uniform(2.3, 3.2)
    look.read_noise = c.log_uniform(0.001, 0.02)
    if c.chance(0.5):
        look.spikes = c.scale * c.log_uniform(4, 20)
    if c.chance(0.5):
        look.vignette = c.uniform(0.1, 0.5)


def _texture(c: Canvas, look: DeepLook) -> None:
    """A planetarium's texture: the sky subtracted, the edges faded into black."""
    look.fwhm = c.scale * c.log_uniform(0.7, 1.6)
    look.read_noise = 0.0
    look.aspect = 1.0
    if c.chance(0.75):
        look.window = c.uniform(0.85, 1.3)


def _hubble(c: Canvas, look: DeepLook) -> None:
    """The Hubble Space Telescope: small stars, a dark sky, four spikes as an X."""
    look.fwhm = c.scale * c.log_uniform(0.6, 1.1)
    look.beta = c.uniform(3, 4.5)
    look.read_noise = c.log_uniform(0.0003, 0.003)
    look.saturation = c.uniform(0.8, 1.5)
    turn = c.uniform(0.5, 1.1)
    look.spike_angles = (turn, turn + math.pi / 2)
    if c.chance(0.7):
        look.spikes = c.scale * c.log_uniform(5, 20)


def _raw(c: Canvas, look: DeepLook) -> None:
    """A single exposure, hardly processed: a grey, noisy sky."""
    level = c.log_uniform(0.006, 0.08)
    look.sky = tuple(level * np.exp(c.rng.normal(0, 0.15, 3)))
    look.gradient = c.uniform(0, 0.8)
    look.photons = c.log_uniform(150, 3000)
    look.read_noise = c.log_uniform(0.004, 0.015)
    look.fwhm = c.scale * c.log_uniform(0.8, 2.2)
    look.saturation = c.uniform(0.3, 1.0)
    look.stretch = c.log_uniform(1, 8)


def _webb(c: Canvas, look: DeepLook) -> None:
    """Webb: six long spikes of the hexagonal mirrors and two short ones of a strut."""
    look.fwhm = c.scale * c.log_uniform(0.6, 1.0)
    look.read_noise = c.log_uniform(0.0003, 0.002)
    look.spikes = c.scale * c.log_uniform(12, 35)
    turn = c.uniform(0, math.pi)
    look.spike_angles = tuple(turn + math.pi / 3 * i for i in range(3))
    look.saturation = c.uniform(1.0, 1.6)


def star_field(canvas: Canvas, density: float, saturation: float = 1.0) -> torch.Tensor:
    """Return the stars of the field, before the telescope spreads their light.

    Args:
        canvas: the picture.
        density: how many stars, all over the picture: some 20 far from the Milky Way, 1000 in it.
        saturation: of their colours.

    Returns:
        linear float32 (3, size, size), as light for `deep_photograph`.
    """
    count = max(1, int(density))
    slope = canvas.uniform(0.75, 1.2)  # 0.3 to 0.48 dex a magnitude, by eye; Euclid's is 0.6
    faintest = canvas.log_uniform(0.05, 0.6) * canvas.scale ** 2
    brightest = faintest * min(count, 300) ** (1 / slope)
    return field_stars(canvas, count, brightest, slope, saturation)


def deep_photograph(canvas: Canvas, light: torch.Tensor, look: DeepLook) -> np.ndarray:
    """Take a picture of the deep sky; as `camera.photograph`, with a wide PSF and the stretch.

    Args:
        canvas: gives the randomness.
        light: linear float32 (3, size, size); 1 is white at exposure 1, and what is faint, about
            0.02 to 0.3, is shown by the stretch.
        look: how.

    Returns:
        uint8 (height, width, 3), sRGB.
    """
    light = _spread(canvas, light.clamp(min=0), look) * look.exposure
    level = light.mean(0, keepdim=True).clamp(min=1e-5)
    gain = torch.asinh(look.stretch * level) / (math.asinh(look.stretch) * level)
    own, burnt = light * gain, torch.asinh(look.stretch * light) / math.asinh(look.stretch)
    shown = own + (burnt - own) * look.white_cores
    if look.window:
        radius = (canvas.x ** 2 + canvas.y ** 2).sqrt()
        shown = shown * smoothstep(look.window, look.window * 0.4, radius)
    return photograph(canvas, shown, replace(look, exposure=1.0, fwhm=0.0, spikes=0.0))


def _spread(canvas: Canvas, light: torch.Tensor, look: DeepLook) -> torch.Tensor:
    """Convolve with the point spread function, as far as half the picture.

    Bright stars show the far wings of it: Moffat's profile, and spikes that fall as 1 / r, cut off
    by an exponential.
    """
    reach = canvas.size // 2
    axis = torch.arange(-reach, reach + 1, device=canvas.device, dtype=torch.float32)
    kernel = moffat(axis, look.fwhm, look.beta)
    if look.spikes:
        cross = torch.zeros_like(kernel)
        for angle in look.spike_angles:
            along, across = rotated(axis[None, :], -axis[:, None], angle)
            along = along.abs()
            width = max(0.6, 0.4 * look.fwhm)
            cross += torch.exp(-(across / width) ** 2 - along * 3 / look.spikes) / (along + width)
        kernel = 0.92 * kernel + 0.08 * cross / cross.sum()
    return convolve(light, kernel).clamp(min=0)
