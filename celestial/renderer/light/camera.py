"""Turns light into a picture, taken and processed as a `Look` says."""

import io
import math
from dataclasses import replace

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from celestial.renderer.light.canvas import Canvas, smoothstep
from celestial.renderer.light.look import LUMINANCE, Look

LEAST_BRIGHT = 0.28  # of white, to which the brightest 0.5 % of a picture are exposed, at least


class NothingSeenError(ValueError):
    """No light falls on the picture, so that it has to be drawn again."""


def photograph(canvas: Canvas, light: torch.Tensor, look: Look) -> np.ndarray:
    """Take and process a picture.

    Args:
        canvas: gives the randomness.
        light: linear float32 (3, size, size), 1 is white at exposure 1; no upper limit.
        look: how it is taken and processed.

    Returns:
        uint8 (height, width, 3), sRGB; the longer side is the canvas's size.

    Raises:
        NothingSeenError: what is before the camera is dark.
    """
    if canvas.cutout is not None:
        light, look = _cut_out(canvas, light, look)
    light = _spread(canvas, light.clamp(min=0), look) * look.exposure
    if _nth_brightest(light, 0.001) < 1e-3:
        raise NothingSeenError("What is before the camera is dark.")
    light = light + _sky(canvas, look)
    if look.mono is not None:
        light = (light * canvas.planes(look.mono)).sum(0, keepdim=True)
    light = light * _longer(light, look)
    light = _colour(canvas, _add_noise(canvas, light, look), look)
    picture = _tone(canvas, light, look)
    if look.missing:
        picture = _lose_panels(canvas, picture, look.missing)
    pixels = (picture.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    return _deliver(canvas, pixels, look)


def _cut_out(canvas: Canvas, light: torch.Tensor, look: Look) -> tuple[torch.Tensor, Look]:
    """Note each pixel's opacity, and return the light as if all were opaque, with a plainer look.

    The picture stays whole, square and without marks, because `pages.shown` adds these later.
    """
    cutout = canvas.cutout
    matte = cutout.matte(light)
    if matte is None:
        return light, look
    look = replace(look, aspect=1.0, shrink=1.0, quality=0, text="", missing=0.0, vignette=0.0,
                   sky=(0.0, 0.0, 0.0))
    if cutout.clean:
        look = replace(look, photons=1e9, read_noise=0.0, spikes=0.0,
                       fwhm=min(look.fwhm, 0.8 * canvas.scale))
    cutout.alpha = _spread(canvas, matte[None], look)[0].clamp(0, 1)
    light = _spread(canvas, light.clamp(min=0), look) / cutout.alpha.clamp(min=0.02)
    return light, replace(look, fwhm=0.0, spikes=0.0)


def _longer(light: torch.Tensor, look: Look) -> float:
    """Return how many times longer an all but dark picture (1 or 3, size, size) is exposed.

    The brightest 0.5 % of the pixels set the exposure, but only until the brightest 0.1 % reach
    half of white, because bodies that are small in the picture would be overexposed.
    """
    wanted = LEAST_BRIGHT ** look.gamma / float(_nth_brightest(light, 0.005).clamp(min=1e-6))
    room = 0.5 / float(_nth_brightest(light, 0.001).clamp(min=1e-6))
    return max(1.0, min(wanted, room))


def _nth_brightest(light: torch.Tensor, proportion: float) -> torch.Tensor:
    """Return the light that this proportion of the pixels (1 or 3, size, size) reach."""
    brightest = light.amax(0).flatten()
    return brightest.topk(max(1, round(proportion * len(brightest)))).values[-1]


def _colour(canvas: Canvas, light: torch.Tensor, look: Look) -> torch.Tensor:
    """Return the light (1 or 3, size, size) in colour, (3, size, size)."""
    if look.mono is not None:
        return light * canvas.planes(look.tint)
    light = light * canvas.planes(look.cast)
    grey = (light * canvas.planes(LUMINANCE)).sum(0, keepdim=True)
    return grey + (light - grey) * look.saturation


def _tone(canvas: Canvas, light: torch.Tensor, look: Look) -> torch.Tensor:
    """Encode linear light as sRGB, with the tone curve, sharpening and vignette of a look."""
    picture = _to_srgb(light)
    if look.gamma != 2.2:
        brightest = light.amax(0, keepdim=True).clamp(1e-4, 1)
        picture = picture * brightest ** (1 / look.gamma - 1 / 2.2)
    if look.sharpening:
        picture = picture + look.sharpening * (picture - blur(picture, look.sharpening_radius))
    if look.contrast:
        picture = picture + look.contrast * (smoothstep(0, 1, picture) - picture.clamp(0, 1))
    if look.vignette:
        corner = (canvas.x ** 2 + canvas.y ** 2) / 2
        picture = picture * (1 - look.vignette * corner)
    return picture


def _to_srgb(light: torch.Tensor) -> torch.Tensor:
    """Encode linear light as sRGB, both 0..1 (IEC 61966-2-1)."""
    light = light.clamp(0, 1)
    return torch.where(light <= 0.0031308, 12.92 * light,
                       1.055 * light.clamp(min=1e-6) ** (1 / 2.4) - 0.055)


def _spread(canvas: Canvas, light: torch.Tensor, look: Look) -> torch.Tensor:
    """Convolve with the point spread function: Moffat's profile and diffraction spikes."""
    if look.fwhm < 0.3 and not look.spikes:
        return light
    reach = int(min(canvas.size // 2, max(4, math.ceil(look.fwhm * 4), look.spikes * 1.5)))
    axis = torch.arange(-reach, reach + 1, device=canvas.device, dtype=torch.float32)
    kernel = moffat(axis, look.fwhm, look.beta)
    if look.spikes:
        falloff = torch.exp(-axis.abs() / (look.spikes / 3)) / (axis.abs() + 1)
        cross = torch.zeros_like(kernel)
        cross[reach, :] += falloff
        cross[:, reach] += falloff
        kernel = 0.9 * kernel + 0.1 * cross / cross.sum()
    return convolve(light, kernel)


def moffat(axis: torch.Tensor, fwhm: float, beta: float) -> torch.Tensor:
    """Return a point spread function of air, its sum 1.

    I(r) ~ (1 + (r / a)^2)^-beta with a = FWHM / (2 sqrt(2^(1/beta) - 1)) (Moffat 1969, A&A 3,
    455).

    Args:
        axis: offsets along a side, pixels, float (n,).
        fwhm: full width at half maximum, pixels.
        beta: the smaller, the wider the wings.

    Returns:
        float (n, n).
    """
    a = fwhm / (2 * math.sqrt(2 ** (1 / beta) - 1))
    kernel = (1 + (axis[:, None] ** 2 + axis ** 2) / a ** 2) ** -beta
    return kernel / kernel.sum()


def blur(picture: torch.Tensor, sigma: float) -> torch.Tensor:
    """Blur by a Gaussian of this width in pixels; the edge is continued by mirroring."""
    reach = min(picture.shape[-1] // 2, math.ceil(sigma * 3))
    axis = torch.arange(-reach, reach + 1, device=picture.device, dtype=torch.float32)
    kernel = torch.exp(-axis ** 2 / (2 * sigma ** 2))
    return convolve(picture, torch.outer(kernel, kernel) / kernel.sum() ** 2)


def convolve(picture: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    """Convolve each channel with a kernel of odd side; the edge is continued by mirroring."""
    reach = kernel.shape[0] // 2
    padded = torch.nn.functional.pad(picture[None], (reach,) * 4, mode="reflect")[0]
    shape = padded.shape[1:]
    spectrum = torch.fft.rfft2(padded)
    del padded  # freed early, because large pictures need gigabytes here
    spectrum *= torch.fft.rfft2(kernel, s=shape)
    spectrum = torch.fft.ifft(spectrum, dim=-2)
    return torch.fft.irfft(spectrum, n=shape[1])[:, 2 * reach:, 2 * reach:]


def _sky(canvas: Canvas, look: Look) -> torch.Tensor:
    """Return the light of the sky, brighter on one side, that broadcasts to (3, size, size)."""
    if not any(look.sky):
        return torch.zeros(1, device=canvas.device)
    angle = canvas.uniform(0, 2 * math.pi)
    slope = (canvas.x * math.cos(angle) + canvas.y * math.sin(angle)) / 2
    return canvas.planes(look.sky) * (1 + look.gradient * slope)


def _add_noise(canvas: Canvas, light: torch.Tensor, look: Look) -> torch.Tensor:
    """Add photon noise (Poisson's, by its normal limit) and read noise."""
    width = (light.clamp(0, 4) / look.photons + look.read_noise ** 2).sqrt()
    noise = canvas.rng.standard_normal(tuple(light.shape), np.float32)
    return light + width * canvas.tensor(noise)


def _lose_panels(canvas: Canvas, picture: torch.Tensor, proportion: float) -> torch.Tensor:
    """Black out rows (lost in transmission) or corners of a mosaic (never taken)."""
    picture = picture.clone()
    side = canvas.size
    if canvas.chance(0.5):
        for _ in range(max(1, int(proportion * 25))):
            row, start = canvas.rng.integers(side, size=2)
            picture[:, row:row + max(1, side // 100), start:] = 0
        return picture
    panel = int(side * math.sqrt(proportion))
    top = 0 if canvas.chance(0.5) else side - panel
    left = 0 if canvas.chance(0.5) else side - panel
    picture[:, top:top + panel, left:left + panel] = 0
    return picture


def _deliver(canvas: Canvas, pixels: np.ndarray, look: Look) -> np.ndarray:
    """Cut to shape, pass through a smaller size, write the words, compress as JPEG."""
    picture = _crop(pixels, look.aspect)
    if look.shrink > 1:
        full = picture.size
        small = [max(8, round(side / look.shrink)) for side in full]
        picture = picture.resize(small, Image.Resampling.BILINEAR)
        picture = picture.resize(full, Image.Resampling.BICUBIC)
    if look.text:
        side = canvas.size
        font = ImageFont.load_default(max(6, side / 18))
        top = picture.height - side / 14 if canvas.chance(0.7) else 1
        ImageDraw.Draw(picture).text((side * 0.02, top), look.text, fill=(200, 200, 200),
                                     font=font)
    if look.quality:
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=look.quality)
        picture = Image.open(buffer).convert("RGB")
    return np.asarray(picture)


def _crop(pixels: np.ndarray, aspect: float) -> Image.Image:
    """Cut a square picture to this height / width around what it shows, as people do."""
    side = len(pixels)
    height, width = min(side, round(side * aspect)), min(side, round(side / aspect))
    grey = pixels.sum(axis=2, dtype=float)
    middle = [np.average(np.arange(side), weights=grey.sum(axis=axis) + 1) for axis in (1, 0)]
    top = int(np.clip(middle[0] - height / 2, 0, side - height))
    left = int(np.clip(middle[1] - width / 2, 0, side - width))
    return Image.fromarray(pixels).crop((left, top, left + width, top + height))
