"""Belts and zones of gas giants: tables over latitude, from the south pole to the north pole."""

import math

import numpy as np
import torch

from celestial.renderer.light.canvas import Canvas

STEPS = 1441  # latitudes of a profile, one each eighth of a degree


def profile(canvas: Canvas, edges: np.ndarray, softness: np.ndarray,
            values: np.ndarray) -> torch.Tensor:
    """Return bands of constant values with soft edges, as a table for `look_up`.

    Args:
        canvas: gives the device.
        edges: latitudes between the bands, degrees, rising, (N,).
        softness: of each edge, degrees, (N,).
        values: of the bands from south to north, (N + 1, channels).

    Returns:
        float32 (channels, STEPS), from the south pole to the north pole.
    """
    latitudes = np.linspace(-90, 90, STEPS)
    rise = 0.5 + 0.5 * np.tanh((latitudes[:, None] - edges) / softness)
    return canvas.tensor((values[0] + rise @ np.diff(values, axis=0)).T)


def look_up(table: torch.Tensor, latitude: torch.Tensor) -> torch.Tensor:
    """Return a profile (channels, STEPS) at latitudes in radians (h, w): (channels, h, w)."""
    place = ((latitude / math.pi + 0.5) * (STEPS - 1)).clamp(0, STEPS - 1.001)
    below = place.floor()
    index, proportion = below.long(), place - below
    return torch.lerp(table[:, index], table[:, index + 1], proportion)


def by_latitude(values: torch.Tensor, latitude: torch.Tensor) -> torch.Tensor:
    """Look up a table of any number of columns, from the south pole to the north pole.

    Args:
        values: float (channels, N).
        latitude: radians, (height, width).

    Returns:
        float (channels, height, width), linear between the columns.
    """
    last = values.shape[1] - 1
    place = (latitude / math.pi + 0.5).clamp(0, 1) * last
    cell = place.long().clamp(max=last - 1)
    flat = cell.flatten()
    low = values.index_select(1, flat).reshape(-1, *cell.shape)
    high = values.index_select(1, flat + 1).reshape(-1, *cell.shape)
    return low + (high - low) * (place - cell)


def streaks(canvas: Canvas, finest: float) -> torch.Tensor:
    """Return thin streaks as a table (1, STEPS) for `look_up`: standard deviation about 1.

    Looked up at latitudes that turbulence displaces they become filaments, folded as it folds.

    Args:
        canvas: gives the randomness.
        finest: highest frequency that the pixels can show, cycles per radian.
    """
    latitudes = np.linspace(-math.pi / 2, math.pi / 2, STEPS)
    total = np.zeros(STEPS)
    for frequency in 6.0 * 2.0 ** np.arange(5):
        if frequency < finest:
            knots = canvas.rng.standard_normal(int(frequency * 2 * math.pi) + 2)
            total += np.interp(latitudes, np.linspace(-1.6, 1.6, len(knots)), knots) / 1.8
    return canvas.tensor(total[None])


def planetocentric(latitude: float | np.ndarray, flattening: float) -> float | np.ndarray:
    """Turn planetographic into planetocentric latitudes, both degrees."""
    return np.degrees(np.arctan((1 - flattening) ** 2 * np.tan(np.radians(latitude))))


def band_noise(canvas: Canvas, bands: float, octaves: int = 3, cells: int = 721) -> np.ndarray:
    """Return random bands, (cells,), pole to pole: about this many light and dark ones."""
    latitude, total = np.linspace(0, 1, cells), np.zeros(cells)
    for number in range(octaves):
        knots = int(bands * 2 ** number) + 2
        values = canvas.rng.standard_normal(knots)
        # Cosine steps between the knots: no kinks, which would look like sharp lines.
        place = latitude * (knots - 1)
        left = np.minimum(place.astype(int), knots - 2)
        part = 0.5 - 0.5 * np.cos(np.pi * (place - left))
        total += (values[left] * (1 - part) + values[left + 1] * part) / 2 ** number
    return total
