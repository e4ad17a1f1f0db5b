"""The camera: light -> a picture as telescopes, spacecraft and their users make it."""

import io
import math
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from celestial.renderer.canvas import Canvas

LETTERS = "ABCDEFGHIKLMNOPRSTUabcdefghiklmnoprstu 0123456789:/-."
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
        gradient: how much the sky differs between two sides, share.
        photons: that fill a white pixel; their noise is Poisson's.
        read_noise: of a pixel, share of white.
        cast: gain of each channel, (3,).
        saturation: 1 as it is, 0 grey.
        mono: None: in colour; else the channel weights of a monochrome camera, (3,).
        tint: colour of a monochrome picture, (3,), linear.
        gamma: of the tone curve; 2.2 about sRGB's, 1 for linear data shown as they are.
        contrast: of an s-curve, 0 none.
        sharpening: amount of unsharp masking; its halos are part of many pictures.
        sharpening_radius: its radius, pixels.
        vignette: darkening of the corners, share.
        aspect: height / width of the picture kept.
        shrink: the picture passes through a size this many times smaller.
        quality: of the JPEG compression; 0: none.
        text: words in a corner; empty: none.
        missing: share of the picture lost in missing mosaic panels or lines.
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


def random_look(canvas: Canvas, mono: float = 0.15) -> Look:
    """Draw the way a picture of a solar system body is taken.

    Args:
        canvas: the picture; lengths scale with its size.
        mono: probability of a monochrome camera.
    """
    c, scale = canvas, canvas.size / 128
    look = Look(fwhm=scale * (c.log_uniform(0.4, 1.1) if c.chance(0.75)
                              else c.log_uniform(1.1, 3.5)),
                beta=c.uniform(2.5, 5))
    exposure = c.rng.random()
    if exposure < 0.80:
        look.exposure = c.log_uniform(0.6, 1.3)
    elif exposure < 0.91:
        look.exposure = c.log_uniform(0.15, 0.6)  # barely there
    else:
        look.exposure = c.log_uniform(1.3, 3.0)  # burnt out
    if c.chance(0.35):
        look.photons = c.log_uniform(200, 8000)
        look.read_noise = c.log_uniform(0.0005, 0.01)
    look.cast = tuple(np.exp(c.rng.normal(0, 0.04, 3)))
    look.saturation = c.uniform(0.75, 1.35)
    if c.chance(mono):
        look.mono = _random_filter(c)
        if c.chance(0.12):
            look.tint = (1.0, c.uniform(0.8, 1.0), c.uniform(0.6, 1.0))
    if c.chance(0.4):
        look.gamma = c.uniform(1.0, 2.2)
    if c.chance(0.35):
        look.contrast = c.uniform(-0.15, 0.5)
    if c.chance(0.3):
        look.sharpening = c.uniform(0.3, 1.5)
        look.sharpening_radius = scale * c.uniform(0.8, 2.5)
    if c.chance(0.15):
        level = c.log_uniform(0.001, 0.03)
        look.sky = tuple(level * np.exp(c.rng.normal(0, 0.3, 3)))
        look.gradient = c.uniform(0, 0.8)
    finish(c, look)
    return look


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
        look.text = "".join(c.rng.choice(list(LETTERS),
                                         int(c.rng.integers(5, 22))))
    if c.chance(0.04):
        look.missing = c.uniform(0.01, 0.15)


def _random_filter(canvas: Canvas) -> tuple[float, float, float]:
    """Return the channel weights of a monochrome camera: clear, or with a filter of one colour."""
    weights = canvas.rng.dirichlet((1.2, 1.2, 1.2))
    return tuple(float(weight) for weight in weights)


def photograph(canvas: Canvas, light: torch.Tensor, look: Look) -> np.ndarray:
    """Take and process a picture.

    Args:
        canvas: gives the randomness.
        light: linear float32 (3, size, size), 1 is white at exposure 1; no upper limit.
        look: how.

    Returns:
        uint8 (height, width, 3), sRGB; the longer side is the canvas's size.
    """
    light = spread(canvas, light.clamp(min=0), look) * look.exposure
    light = light + _sky(canvas, look)
    if look.mono is not None:
        weights = canvas.tensor(look.mono)
        light = (light * weights[:, None, None]).sum(0, keepdim=True)
    light = _add_noise(canvas, light, look)
    if look.mono is None:
        light = light * canvas.tensor(look.cast)[:, None, None]
        grey = (light * canvas.tensor(LUMINANCE)[:, None, None]).sum(0, keepdim=True)
        light = grey + (light - grey) * look.saturation
    else:
        light = light * canvas.tensor(look.tint)[:, None, None]
    picture = to_srgb(light)
    if look.gamma != 2.2:
        brightest = light.amax(0, keepdim=True).clamp(1e-4, 1)
        picture = picture * brightest ** (1 / look.gamma - 1 / 2.2)
    if look.sharpening:
        picture = picture + look.sharpening * (picture - blur(picture, look.sharpening_radius))
    if look.contrast:
        curved = picture.clamp(0, 1)
        picture = picture + look.contrast * (curved * curved * (3 - 2 * curved) - curved)
    if look.vignette:
        corner = (canvas.x ** 2 + canvas.y ** 2) / 2
        picture = picture * (1 - look.vignette * corner)
    if look.missing:
        picture = _lose_panels(canvas, picture, look.missing)
    pixels = (picture.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    return _deliver(canvas, pixels, look)


def to_srgb(light: torch.Tensor) -> torch.Tensor:
    """Encode linear light as sRGB, both 0..1 (IEC 61966-2-1)."""
    light = light.clamp(0, 1)
    return torch.where(light <= 0.0031308, 12.92 * light,
                       1.055 * light.clamp(min=1e-6) ** (1 / 2.4) - 0.055)


def spread(canvas: Canvas, light: torch.Tensor, look: Look) -> torch.Tensor:
    """Convolve with the point spread function: Moffat's profile and diffraction spikes.

    I(r) ~ (1 + (r / a)^2)^-beta with a = FWHM / (2 sqrt(2^(1/beta) - 1)) (Moffat 1969, A&A 3,
    455). The edge is continued by mirroring.
    """
    if look.fwhm < 0.3 and not look.spikes:
        return light
    reach = int(min(canvas.size // 2, max(4, math.ceil(look.fwhm * 4), look.spikes * 1.5)))
    axis = torch.arange(-reach, reach + 1, device=canvas.device, dtype=torch.float32)
    a = look.fwhm / (2 * math.sqrt(2 ** (1 / look.beta) - 1))
    kernel = (1 + (axis[:, None] ** 2 + axis ** 2) / a ** 2) ** -look.beta
    kernel = kernel / kernel.sum()
    if look.spikes:
        falloff = torch.exp(-axis.abs() / (look.spikes / 3)) / (axis.abs() + 1)
        cross = torch.zeros_like(kernel)
        cross[reach, :] += falloff
        cross[:, reach] += falloff
        kernel = 0.9 * kernel + 0.1 * cross / cross.sum()
    return _convolve(light, kernel)


def blur(picture: torch.Tensor, sigma: float) -> torch.Tensor:
    """Blur by a Gaussian of this width in pixels; the edge is continued by mirroring."""
    reach = min(picture.shape[-1] // 2, math.ceil(sigma * 3))
    axis = torch.arange(-reach, reach + 1, device=picture.device, dtype=torch.float32)
    kernel = torch.exp(-axis ** 2 / (2 * sigma ** 2))
    return _convolve(picture, torch.outer(kernel, kernel) / kernel.sum() ** 2)


def _convolve(picture: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    """Convolve each channel with a kernel of odd side, by Fourier transforms."""
    reach = kernel.shape[0] // 2
    padded = torch.nn.functional.pad(picture[None], (reach,) * 4, mode="reflect")[0]
    shape = padded.shape[1:]
    transform = torch.fft.rfft2(padded) * torch.fft.rfft2(kernel, s=shape)
    return torch.fft.irfft2(transform, s=shape)[:, 2 * reach:, 2 * reach:]


def _sky(canvas: Canvas, look: Look) -> torch.Tensor:
    if not any(look.sky):
        return torch.zeros(1, device=canvas.device)
    angle = canvas.uniform(0, 2 * math.pi)
    slope = (canvas.x * math.cos(angle) + canvas.y * math.sin(angle)) / 2
    return canvas.tensor(look.sky)[:, None, None] * (1 + look.gradient * slope)


def _add_noise(canvas: Canvas, light: torch.Tensor, look: Look) -> torch.Tensor:
    """Add photon noise (Poisson's, by its normal limit) and read noise."""
    width = (light.clamp(0, 4) / look.photons + look.read_noise ** 2).sqrt()
    noise = canvas.rng.standard_normal(tuple(light.shape), np.float32)
    return light + width * canvas.tensor(noise)


def _lose_panels(canvas: Canvas, picture: torch.Tensor, share: float) -> torch.Tensor:
    """Black out rows (lost in transmission) or corners of a mosaic (never taken)."""
    picture = picture.clone()
    side = canvas.size
    if canvas.chance(0.5):
        for _ in range(max(1, int(share * 25))):
            row, start = canvas.rng.integers(side, size=2)
            picture[:, row:row + max(1, side // 100), start:] = 0
        return picture
    panel = int(side * math.sqrt(share))
    top = 0 if canvas.chance(0.5) else side - panel
    left = 0 if canvas.chance(0.5) else side - panel
    picture[:, top:top + panel, left:left + panel] = 0
    return picture


def _deliver(canvas: Canvas, pixels: np.ndarray, look: Look) -> np.ndarray:
    """Cut to shape, write the words, pass through a smaller size and JPEG."""
    side = canvas.size
    height = min(side, round(side * look.aspect))
    width = min(side, round(side / look.aspect))
    # People cut pictures around what they show.
    grey = pixels.sum(axis=2, dtype=float)
    middle = [np.average(np.arange(side), weights=grey.sum(axis=axis) + 1) for axis in (1, 0)]
    top = int(np.clip(middle[0] - height / 2, 0, side - height))
    left = int(np.clip(middle[1] - width / 2, 0, side - width))
    picture = Image.fromarray(pixels).crop((left, top, left + width, top + height))
    if look.shrink > 1:
        small = (max(8, round(width / look.shrink)), max(8, round(height / look.shrink)))
        picture = picture.resize(small, Image.Resampling.BILINEAR)
        picture = picture.resize((width, height), Image.Resampling.BICUBIC)
    if look.text:
        draw = ImageDraw.Draw(picture)
        font = ImageFont.load_default(max(6, side / 18))
        place = (side * 0.02, height - side / 14) if canvas.chance(0.7) else (side * 0.02, 1)
        draw.text(place, look.text, fill=(200, 200, 200), font=font)
    if look.quality:
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=look.quality)
        picture = Image.open(buffer).convert("RGB")
    return np.asarray(picture)
