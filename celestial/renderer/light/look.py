"""Chooses how a picture is taken and processed, as telescopes, spacecraft and users do it."""

from dataclasses import dataclass

import numpy as np

from celestial.renderer.light.canvas import Canvas

LETTERS = "ABCDEFGHIKLMNOPRSTUabcdefghiklmnoprstu 0123456789:/-."  # of words in a corner
LUMINANCE = (0.2126, 0.7152, 0.0722)  # of linear sRGB (ITU-R BT.709)


@dataclass
class Look:
    """How a picture is taken and processed. `random_look` draws one.

    Attributes:
        exposure: factor on the light; 1 makes a white sheet in full sun white.
        fwhm: of the point spread function, pixels.
        beta: of Moffat's profile; 2.5 to 5 for air (Trujillo et al. 2001, MNRAS 328, 977).
        spikes: length of diffraction spikes, pixels; 0: none.
        sky: background light, (3,), linear.
        gradient: how much the sky differs between two sides, proportion.
        photons: number that makes a pixel white; their noise is Poisson's.
        read_noise: standard deviation in a pixel, proportion of white.
        cast: gain of each channel, (3,).
        saturation: 1 as it is, 0 grey.
        mono: None: in colour; else the channel weights of a monochrome camera, (3,).
        tint: colour of a monochrome picture, (3,), linear.
        gamma: of the tone curve; 2.2 about sRGB's, 1 for linear data shown as they are.
        contrast: of an s-curve, 0 none.
        sharpening: amount of unsharp masking; its halos are part of many pictures.
        sharpening_radius: its radius, pixels.
        vignette: darkening of the corners, proportion.
        aspect: height / width of the picture kept.
        shrink: the picture passes through a size this many times smaller.
        quality: of the JPEG compression; 0: none.
        text: words in a corner; empty: none.
        missing: proportion of the picture lost in missing mosaic panels or lines.
    """

    exposure: float = 1.0
    fwhm: float = 1.0
    beta: float = 3.0
    spikes: float = 0.0
    sky: tuple[float, float, float] = (0.0, 0.0, 0.0)
    gradient: float = 0.0
    photons: float = 20000.0
    read_noise: float = 0.0005
    cast: tuple[float, float, float] = (1.0, 1.0, 1.0)
    saturation: float = 1.0
    mono: tuple[float, float, float] | None = None
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    gamma: float = 2.2
    contrast: float = 0.0
    sharpening: float = 0.0
    sharpening_radius: float = 1.5
    vignette: float = 0.0
    aspect: float = 1.0
    shrink: float = 1.0
    quality: int = 0
    text: str = ""
    missing: float = 0.0

    def calm_cast(self, power: float) -> None:
        """Bring the channels' gains nearer to 1 (power 0), for bodies that are known by hue."""
        self.cast = tuple(gain ** power for gain in self.cast)

    def show_on_screen(self, canvas: Canvas, exposure: float) -> None:
        """Make it the look of a planetarium program's screen, which no camera photographed."""
        self.exposure, self.gamma, self.sky = exposure, 2.2, (0.0, 0.0, 0.0)
        self.fwhm, self.aspect = canvas.scale * canvas.uniform(0.4, 1), canvas.uniform(0.7, 1)
        self.read_noise, self.photons, self.missing = 0.0, 1e9, 0.0
        self.calm_cast(0.5)


def random_look(canvas: Canvas, mono: float = 0.15) -> Look:
    """Draw the way a picture of a solar system body is taken.

    Args:
        canvas: the picture; lengths scale with its size.
        mono: probability of a monochrome camera.
    """
    c = canvas
    width = c.log_uniform(0.4, 1.1) if c.chance(0.75) else c.log_uniform(1.1, 3.5)
    look = Look(fwhm=c.scale * width, beta=c.uniform(2.5, 5))
    _expose(c, look)
    look.cast = tuple(np.exp(c.rng.normal(0, 0.04, 3)))
    look.saturation = c.uniform(0.75, 1.35)
    if c.chance(mono):
        look.mono = _random_filter(c)
        if c.chance(0.12):
            look.tint = (1.0, c.uniform(0.8, 1.0), c.uniform(0.6, 1.0))
    _process(c, look)
    if c.chance(0.15):
        level = c.log_uniform(0.001, 0.03)
        look.sky = tuple(level * np.exp(c.rng.normal(0, 0.3, 3)))
        look.gradient = c.uniform(0, 0.8)
    finish(c, look)
    return look


def _expose(canvas: Canvas, look: Look) -> None:
    """Choose exposure and noise."""
    exposure = canvas.rng.random()
    if exposure < 0.80:
        look.exposure = canvas.log_uniform(0.6, 1.3)
    elif exposure < 0.91:
        look.exposure = canvas.log_uniform(0.15, 0.6)  # underexposed
    else:
        look.exposure = canvas.log_uniform(1.3, 3.0)  # overexposed
    if canvas.chance(0.35):
        look.photons = canvas.log_uniform(200, 8000)
        look.read_noise = canvas.log_uniform(0.0005, 0.01)


def _random_filter(canvas: Canvas) -> tuple[float, float, float]:
    """Return the channel weights of a monochrome camera: clear, or with a filter of one colour."""
    weights = canvas.rng.dirichlet((1.2, 1.2, 1.2))
    return tuple(float(weight) for weight in weights)


def _process(canvas: Canvas, look: Look) -> None:
    """Choose tone curve and sharpening."""
    if canvas.chance(0.4):
        look.gamma = canvas.uniform(1.0, 2.2)
    if canvas.chance(0.35):
        look.contrast = canvas.uniform(-0.15, 0.5)
    if canvas.chance(0.3):
        look.sharpening = canvas.uniform(0.3, 1.5)
        look.sharpening_radius = canvas.scale * canvas.uniform(0.8, 2.5)


def finish(canvas: Canvas, look: Look) -> None:
    """Draw what happens to any picture after it is taken: crops, sizes, compression, words."""
    c = canvas
    if c.chance(0.12):
        look.vignette = c.uniform(0.1, 0.6)
    if c.chance(0.4):
        look.aspect = c.uniform(0.56, 1.0) if c.chance(0.75) else c.uniform(1.0, 1.6)
    if c.chance(0.15):
        look.shrink = c.uniform(1.2, 2.0)
    if c.chance(0.4):
        look.quality = int(c.uniform(50, 95))
    if c.chance(0.06):
        look.text = "".join(c.rng.choice(list(LETTERS), int(c.rng.integers(5, 22))))
    if c.chance(0.04):
        look.missing = c.uniform(0.01, 0.15)
