"""Makes random fields: turbulence on a sphere or in space, clouds in the image plane."""

from functools import lru_cache

import numpy as np
import torch

from celestial.renderer.light.canvas import Canvas

TILE = 64  # voxels along a side of the cube of noise that all noise is sampled from
BAND = (5.0, 11.0)  # cycles along a side of the cube: one octave, so that octaves add up
CENTRE = 8.0  # cycles along a side of the middle of the band


@lru_cache
def _tile(device: torch.device) -> torch.Tensor:
    """Return seamless band-limited noise of unit variance, (1, 1, TILE + 1, TILE + 1, TILE + 1)."""
    rng = np.random.default_rng(2006)
    spectrum = np.fft.rfftn(rng.standard_normal((TILE, TILE, TILE)))
    whole, half = np.fft.fftfreq(TILE, 1 / TILE), np.fft.rfftfreq(TILE, 1 / TILE)
    cycles = np.sqrt(whole[:, None, None] ** 2 + whole[None, :, None] ** 2 + half ** 2)
    spectrum[(cycles < BAND[0]) | (cycles > BAND[1])] = 0
    noise = np.fft.irfftn(spectrum, s=(TILE, TILE, TILE), axes=(0, 1, 2))
    noise = np.pad(noise / noise.std(), ((0, 1), (0, 1), (0, 1)), mode="wrap")
    return torch.as_tensor(noise.astype(np.float32), device=device)[None, None]


def random_rotation(rng: np.random.Generator) -> np.ndarray:
    """Return a random rotation matrix, (3, 3), all equally likely (QR of a Gaussian matrix)."""
    matrix, upper = np.linalg.qr(rng.standard_normal((3, 3)))
    matrix = matrix * np.sign(np.diag(upper))
    return matrix * np.sign(np.linalg.det(matrix))


def octave(canvas: Canvas, points: torch.Tensor, frequency: float) -> torch.Tensor:
    """Return one octave of noise at points in space.

    Args:
        canvas: gives the random turn and place of the noise, and the device.
        points: float (3, height, width).
        frequency: cycles per unit of length.

    Returns:
        float (height, width), mean 0, standard deviation about 1.
    """
    turn = canvas.tensor(random_rotation(canvas.rng) * (frequency / CENTRE))
    shift = canvas.tensor(canvas.rng.random(3))[:, None]
    place = (turn @ points.reshape(3, -1) + shift).remainder(1.0) * 2 - 1
    grid = place.T.reshape(1, 1, *points.shape[1:], 3)
    sampled = torch.nn.functional.grid_sample(_tile(canvas.device), grid, align_corners=True)
    return sampled[0, 0, 0]


def fbm(canvas: Canvas, points: torch.Tensor, frequency: float, octaves: int = 6,
        gain: float = 0.5, finest: float = float("inf")) -> torch.Tensor:
    """Return fractal noise ("fractional Brownian motion"): octaves of falling strength.

    Args:
        canvas: gives the randomness and the device.
        points: float (3, height, width).
        frequency: of the first octave, cycles per unit of length; each further one has twice.
        octaves: how many.
        gain: strength of an octave, of the one before.
        finest: highest frequency that the pixels can show; octaves beyond it are left out.

    Returns:
        float (height, width), mean 0, standard deviation about 1 with all octaves.
    """
    total = torch.zeros(points.shape[1:], device=canvas.device)
    strength, power = 1.0, 0.0
    for _ in range(octaves):
        if frequency <= finest:
            total += strength * octave(canvas, points, frequency)
        power += strength ** 2
        strength *= gain
        frequency *= 2
    return total / power ** 0.5


def ridged(canvas: Canvas, points: torch.Tensor, frequency: float, octaves: int = 5,
           gain: float = 0.5, finest: float = float("inf")) -> torch.Tensor:
    """Return noise with sharp crests (1 - |noise| of each octave), 0 to about 1; see `fbm`."""
    total = torch.zeros(points.shape[1:], device=canvas.device)
    strength, power = 1.0, 0.0
    for _ in range(octaves):
        if frequency <= finest:
            total += strength * (1 - octave(canvas, points, frequency).abs().clamp(max=2) / 2)
        else:
            total += strength * 0.6  # about the mean of what is too fine to be seen
        power += strength
        strength *= gain
        frequency *= 2
    return total / power


def in_plane(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return places of a plane (h, w) each as points in space, (3, h, w), for `fbm`."""
    return torch.stack([x, y, torch.zeros_like(x)])


def plane_points(canvas: Canvas) -> torch.Tensor:
    """Return the image plane as points in space, float (3, size, size), for `fbm`."""
    return in_plane(canvas.x, canvas.y)


def gaussian_field(canvas: Canvas, slope: float, coarsest: float = 1.0) -> torch.Tensor:
    """Return a Gaussian random field over the image plane, with a power spectrum of a power law.

    Args:
        canvas: gives size, randomness and device.
        slope: of the power spectrum, power ~ frequency ** -slope; the dust of the Polaris flare
            has 2.7 (Miville-Deschenes et al. 2010, A&A 518, L104), other gas up to about 3.6.
        coarsest: lowest frequency, cycles across the picture.

    Returns:
        float (size, size), mean 0, standard deviation 1. The field does not repeat at the edges.
    """
    side = canvas.size * 3 // 2
    white = canvas.tensor(canvas.rng.standard_normal((side, side), np.float32))
    rows = torch.fft.fftfreq(side, 1 / 1.5 / canvas.size, device=canvas.device)[:, None]
    columns = torch.fft.rfftfreq(side, 1 / 1.5 / canvas.size, device=canvas.device)
    cycles = torch.sqrt(rows ** 2 + columns ** 2) / 1.5
    strength = torch.where(cycles < coarsest, 0.0, cycles.clamp(min=1e-3) ** (-slope / 2))
    field = torch.fft.irfft2(torch.fft.rfft2(white) * strength, s=(side, side))
    field = field[:canvas.size, :canvas.size]
    return (field - field.mean()) / field.std()
