"""Draws stars: points of light with the colours and brightnesses that stars have."""

import numpy as np
import torch

from celestial.renderer.light.canvas import Canvas

# sRGB of black bodies, kelvin -> red, green, blue (Mitchell Charity, "What color is a blackbody?",
# vendian.org, CIE 1964 10-degree observer; below 3500 and above 6500 K to a few units).
TEMPERATURES = np.array([2500, 3500, 4500, 5500, 6500, 8000, 10000, 15000, 30000], float)
COLOURS = np.array([[255, 159, 70], [255, 196, 137], [255, 219, 186], [255, 236, 224],
                    [255, 249, 253], [229, 233, 255], [204, 219, 255], [181, 205, 255],
                    [163, 192, 255]], float)


def star_colours(temperatures: np.ndarray, saturation: float = 1.0) -> np.ndarray:
    """Return the light of black bodies.

    Args:
        temperatures: kelvin, (N,).
        saturation: 0 white, 1 as the eye would see it, more as in processed pictures.

    Returns:
        linear (N, 3), the largest channel 1.
    """
    srgb = np.stack([np.interp(temperatures, TEMPERATURES, channel) for channel in COLOURS.T], 1)
    light = (srgb / 255) ** 2.2
    grey = light.mean(1, keepdims=True)
    light = (grey + (light - grey) * saturation).clip(0.02)
    return light / light.max(1, keepdims=True)


def splat(canvas: Canvas, x: np.ndarray, y: np.ndarray, light: np.ndarray) -> torch.Tensor:
    """Put points of light on an empty sky, each divided among its four nearest pixels.

    Args:
        canvas: the picture.
        x, y: image-plane coordinates, (N,); points outside are left out.
        light: linear (N, 3), total light of each point in units of one full white pixel.

    Returns:
        float32 (3, size, size).
    """
    column = (x + 1) / canvas.pixel - 0.5
    row = (1 - y) / canvas.pixel - 0.5
    left, top = np.floor(column).astype(int), np.floor(row).astype(int)
    sky = np.zeros((canvas.size * canvas.size, 3))
    for right, down in ((0, 0), (1, 0), (0, 1), (1, 1)):
        proportion = (1 - abs(column - left - right)) * (1 - abs(row - top - down))
        i, j = top + down, left + right
        inside = (i >= 0) & (i < canvas.size) & (j >= 0) & (j < canvas.size)
        for channel in range(3):
            sky[:, channel] += np.bincount((i * canvas.size + j)[inside],
                                           (proportion * light[:, channel])[inside], len(sky))
    return canvas.tensor(sky.T.reshape(3, canvas.size, canvas.size))


def field_stars(canvas: Canvas, count: int, brightest: float = 30.0, slope: float = 0.8,
                saturation: float = 1.0) -> torch.Tensor:
    """Return a background of field stars, before the telescope spreads their light.

    Args:
        canvas: the picture.
        count: how many stars, all over the picture.
        brightest: light of the brightest, in units of one full white pixel.
        slope: of the counts, N(> light) ~ light ** -slope; 1.5 for stars evenly filling space
            (Euclid), less in reality, where the Galaxy thins out.
        saturation: of their colours.

    Returns:
        float32 (3, size, size).
    """
    rng = canvas.rng
    light = brightest * (1 + rng.random(count) * count) ** (-1 / slope)
    temperatures = np.exp(rng.normal(np.log(5500), 0.35, count)).clip(2600, 29000)
    colours = star_colours(temperatures, saturation) * light[:, None]
    return splat(canvas, rng.uniform(-1, 1, count), rng.uniform(-1, 1, count), colours)


def space(canvas: Canvas) -> torch.Tensor:
    """Return the space behind a planet, mostly dark: most exposures are too short for stars."""
    if canvas.cutout is not None or canvas.chance(0.75):
        return canvas.dark()
    return field_stars(canvas, int(canvas.log_uniform(10, 400)), canvas.log_uniform(0.5, 20))


def program_stars(canvas: Canvas) -> torch.Tensor:
    """Return the stars that a planetarium program shows behind a body, (3, size, size)."""
    if canvas.cutout is not None:
        return canvas.dark()
    return field_stars(canvas, int(canvas.log_uniform(20, 800)), canvas.log_uniform(0.05, 1))
