"""Turns and mirrors a square: the views whose logits are averaged."""

import numpy as np

from celestial.common.console import VIEWS

MIRRORED, UPSIDE_DOWN, ON_ITS_SIDE = 1, 2, 4  # bits of a view's number


def view(squares: np.ndarray, number: int) -> np.ndarray:
    """Return one of the eight views of each square, without copying.

    The first is the square as it is, the second its mirror image, then both upside down, then
    these four on their side (mirrored at the diagonal). The first 1, 2, 4 and 8 each form a group:
    their mean answer stays the same if the picture itself is turned or mirrored by one of them. The
    mirror image comes first because it leaves up and down as they are, and ImageNet's networks have
    learned from it. The quarter turns come last because bands and rings, which mostly lie flat in a
    picture, are upright in them.

    Args:
        squares: (..., size, size).
        number: 0 to 7.
    """
    if number & ON_ITS_SIDE:
        squares = squares.swapaxes(-1, -2)
    if number & UPSIDE_DOWN:
        squares = squares[..., ::-1, :]
    if number & MIRRORED:
        squares = squares[..., ::-1]
    return squares


def first_views(squares: np.ndarray, count: int) -> np.ndarray:
    """Return the first views of N squares: (N, 3, size, size) -> (count, N, 3, size, size).

    `count` is one of `VIEWS`.
    """
    return np.stack([view(squares, number) for number in range(count)])


def means_of_views(values: np.ndarray) -> dict[int, np.ndarray]:
    """Return the mean over the first 1, 2, 4 and 8 views: (8, N, K) -> {count: (N, K)}."""
    return {count: values[:count].mean(axis=0) for count in VIEWS}
