"""Random views of training pictures, a whole batch at once on the device that learns from it."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional

NUMBERS = 10  # random numbers that decide a view
SMALLEST = 0.65  # a picture shrinks to this proportion of its size at most
BRIGHTNESS, CONTRAST, SATURATION = 0.4, 0.3, 0.3  # largest changes, proportions
HUE = 0.02 * 2 * math.pi  # largest turn of the hue, radians: colour tells Mars from the Moon
BLURRED, NOISY = 0.2, 0.2  # proportions of the views that are
BLUR_SIGMAS = (0.1, 1.2)  # standard deviation, pixels
NOISE_SIGMA = 0.03  # standard deviation, proportion of white
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
# RGB -> YIQ, in which a turn about the first axis changes the hue alone (NTSC, 1953).
YIQ = torch.tensor([[0.299, 0.587, 0.114], [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]])


def random_views(pictures: torch.Tensor, seed: int, view: int, indices: Sequence[int],
                 side: int | None = None) -> torch.Tensor:
    """Return a random view of each picture.

    Pictures are turned and mirrored at will, because space has no up. They shrink but neither grow
    nor move, so that no disc is cut off. No view loses all its colour, because Mars is hardly ever
    grey in photographs, and grey views of it were confused with the Moon. The numbers that decide a
    view come from (seed, view, index) alone, so that batches and their order change nothing, and a
    resumed training sees what an uninterrupted one would have seen.

    Args:
        pictures: uint8 (N, 3, size, size).
        seed: of the training.
        view: number of the round; another round, another view.
        indices: number of each picture in the dataset.
        side: pixels of the views; None: as they are.

    Returns:
        float32 (N, 3, side, side), 0..1.
    """
    rngs = [np.random.default_rng((seed, view, int(index))) for index in indices]
    u = torch.tensor(np.array([rng.random(NUMBERS) for rng in rngs]), dtype=torch.float32,
                     device=pictures.device)
    views = pictures.float() / 255
    if side is not None and side != views.shape[-1]:
        views = functional.interpolate(views, (side, side), mode="bilinear", antialias=True)
    views = _turn(views, u[:, 0], u[:, 1], u[:, 2])
    views = _recolour(views, u[:, 3:7])
    _blur(views, u[:, 7], u[:, 8])
    for row in (u[:, 9] < NOISY).nonzero()[:, 0].tolist():
        noise = rngs[row].standard_normal(tuple(views.shape[1:]), np.float32)
        views[row] += NOISE_SIGMA * torch.from_numpy(noise).to(views.device)
    return views.clamp_(0, 1)


def _turn(views: torch.Tensor, angle: torch.Tensor, mirrored: torch.Tensor,
          scale: torch.Tensor) -> torch.Tensor:
    """Turn by any angle, mirror half of them and shrink.

    What comes into view has the commonest colour along the picture's edge (the median): black in
    space, white on a page.
    """
    angle = angle * 2 * math.pi
    grow = 1 / (SMALLEST + (1 - SMALLEST) * scale)
    sign = torch.where(mirrored < 0.5, -1.0, 1.0)
    cosine, sine, zero = angle.cos() * grow, angle.sin() * grow, torch.zeros_like(angle)
    matrix = torch.stack([torch.stack([cosine * sign, -sine, zero], 1),
                          torch.stack([sine * sign, cosine, zero], 1)], 1)
    grid = functional.affine_grid(matrix, list(views.shape), align_corners=False)
    edge = torch.cat([views[:, :, 0], views[:, :, -1], views[:, :, :, 0], views[:, :, :, -1]], 2)
    fill = edge.median(dim=2).values[:, :, None, None]
    return functional.grid_sample(views - fill, grid, align_corners=False) + fill


def _recolour(views: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
    """Change brightness, contrast, saturation and hue, all of them by one matrix a picture."""
    brightness, contrast, saturation, hue = (2 * u - 1).T
    luma = torch.tensor(LUMA, device=views.device)
    saturation = 1 + SATURATION * saturation
    eye = torch.eye(3, device=views.device)
    saturate = saturation[:, None, None] * eye + (1 - saturation)[:, None, None] * luma
    cosine, sine = (HUE * hue).cos(), (HUE * hue).sin()
    turn = eye.repeat(len(u), 1, 1)
    turn[:, 1, 1], turn[:, 1, 2], turn[:, 2, 1], turn[:, 2, 2] = cosine, -sine, sine, cosine
    yiq = YIQ.to(views.device)
    matrix = torch.linalg.inv(yiq) @ turn @ yiq @ saturate
    gain = (1 + CONTRAST * contrast) * (1 + BRIGHTNESS * brightness)
    mean = torch.einsum("nchw,c->n", views, luma) / (views.shape[-1] * views.shape[-2])
    level = -CONTRAST * contrast * (1 + BRIGHTNESS * brightness) * mean
    flat = torch.baddbmm(level[:, None, None].expand(-1, 3, 1), gain[:, None, None] * matrix,
                         views.flatten(2))
    return flat.view_as(views)


def _blur(views: torch.Tensor, which: torch.Tensor, width: torch.Tensor) -> None:
    """Blur some of the views, in place, by a Gaussian over 5 x 5 pixels."""
    rows = (which < BLURRED).nonzero()[:, 0]
    if not len(rows):
        return
    sigma = BLUR_SIGMAS[0] + (BLUR_SIGMAS[1] - BLUR_SIGMAS[0]) * width[rows]
    axis = torch.arange(-2.0, 3.0, device=views.device)
    line = torch.exp(-0.5 * (axis / sigma[:, None]) ** 2)
    line = line / line.sum(1, keepdim=True)
    kernel = (line[:, :, None] * line[:, None, :]).repeat_interleave(3, 0)[:, None]
    part = views[rows].flatten(0, 1)[None]
    part = functional.conv2d(functional.pad(part, (2, 2, 2, 2), mode="reflect"), kernel,
                             groups=part.shape[1])
    views[rows] = part.view(len(rows), *views.shape[1:])
