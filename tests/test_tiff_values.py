"""Values of a TIFF that are no levels: negative, none, hidden, to be stretched."""

import numpy as np
import pytest
from tiff_meaning import GREY, NEGATIVE, RGB, UNASSOCIATED, depth, full, written

from celestial.pictures.loader import decode, load_image


def test_linear_data_of_which_the_least_is_white_are_stretched_as_a_negative():
    """The formula of AsinhStretch, computed here, of the values below zero."""
    sky = np.random.default_rng(1).normal(1000, 20, (40, 50))
    sky[10:20, 20:30] += 4000
    for kind in ("float32", "float64", "int32"):
        values = (200_000 - sky).astype(kind)[..., None]
        dark = -values[..., 0].astype(float)
        black, white = np.percentile(dark, 0.5), np.percentile(dark, 99.8)
        part = np.clip((dark - black) / (white - black), 0, 1)
        levels = 255 * np.arcsinh(part / 0.1) / np.arcsinh(1 / 0.1)
        assert np.abs(load_image(written(values, NEGATIVE)) - levels[..., None]).max() <= 1.01


@pytest.mark.parametrize("kind", ["float16", "float32", "float64"])
def test_a_value_that_is_none_costs_its_own_pixel_alone(kind):
    """Blocks that are reduced to one pixel are the mean of what is finite in them."""
    random = np.random.default_rng(8)
    values = random.random((160, 240)).astype(kind)
    values[random.random(values.shape) < 0.03] = np.nan
    values[3, 5], values[4, 6] = np.inf, -np.inf
    values[16:24, 32:40] = np.nan
    decoded = decode(written(values[..., None], GREY), at_least=15)
    finite = np.where(np.isfinite(values), values, np.nan).astype(float)
    blocks = finite.reshape(20, 8, 30, 8).swapaxes(1, 2).reshape(20, 30, 64)
    filled = np.isfinite(blocks).any(axis=2)
    means = np.zeros((20, 30))
    means[filled] = np.nanmean(blocks[filled], axis=1)
    assert (decoded.width, decoded.height) == (240, 160) and not filled.all()
    assert decoded.picture.shape == (20, 30, 3)
    levels = stretched_by_rule(means, filled)
    assert np.abs(decoded.picture[..., 0] - levels).max() <= 0.6


def stretched_by_rule(means: np.ndarray, filled: np.ndarray) -> np.ndarray:
    """The rule for floats (docs/pictures.md, "Deep data"): these span a quarter, or are stretched.
    """
    black, white = np.percentile(means[filled], 0.5), np.percentile(means[filled], 99.8)
    if white - black >= 0.25:
        return 255 * means
    part = np.clip((means - black) / (white - black), 0, 1)
    return np.where(filled, 255 * np.arcsinh(part / 0.1) / np.arcsinh(10), 0)


@pytest.mark.parametrize("kind", ["uint8", "uint16", "float32", "int32"])
def test_hidden_colours_do_not_shine_through_when_they_are_reduced(kind):
    samples = np.zeros((64, 64, 4), kind)
    samples[:, ::2] = [depth(kind), 0, 0, 0]  # hidden
    samples[:, 1::2] = [0, depth(kind), 0, full(kind)]
    found = decode(written(samples, RGB, (UNASSOCIATED,)), at_least=16).picture
    assert found.shape == (32, 32, 3)
    assert np.abs(found - np.array([0, 127.5, 0])).max() <= 1
