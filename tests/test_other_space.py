"""The drawn things in space that are none of the classes."""

import math
from types import ModuleType

import numpy as np
import pytest
import torch

from celestial.renderer.draw import draw_picture, draw_until_seen
from celestial.renderer.light.canvas import Canvas
from celestial.renderer.light.globe import Pose
from celestial.renderer.other_space import lumps, other_space


@pytest.mark.parametrize("size", [33, 64])
def test_the_same_arguments_draw_the_same_picture_in_any_order(size: int) -> None:
    forwards = [draw_picture("other_space", size, 7, index) for index in range(8)]
    backwards = [draw_picture("other_space", size, 7, index) for index in reversed(range(8))]
    for one, other in zip(forwards, reversed(backwards), strict=True):
        assert one.dtype == np.uint8 and max(one.shape[:2]) == size and one.shape[2] == 3
        assert np.array_equal(one, other)
    assert len({picture.tobytes() for picture in forwards}) == 8


@pytest.mark.parametrize("kind", other_space.KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_shows_something(kind: ModuleType) -> None:
    for index in range(12):
        picture = draw_until_seen(kind.draw, Canvas(64, np.random.default_rng((3, index))))
        assert np.ptp(picture.astype(float).mean(axis=2)) > 25, index


def test_a_lump_of_one_ball_is_a_ball() -> None:
    canvas = Canvas(128, np.random.default_rng(5))
    pose = Pose(0.8, (0.0, 0.0), 0.3, 0.2, 0.0, 0.4, 0.0)
    globe = lumps._see(canvas, pose, np.array([[0.0, 0.0, 0.0, 0.7]]))
    covered = float(globe.coverage.sum()) * canvas.pixel ** 2
    assert covered == pytest.approx(math.pi * (0.7 * 0.8) ** 2, rel=0.1)  # the noise is 6 %
    middle = globe.depth[60:68, 60:68].mean()
    assert float(middle) == pytest.approx(0.7, abs=0.08)
    assert float(globe.normal[2, 64, 64]) == pytest.approx(1.0, abs=0.02)
    assert torch.all(globe.depth[globe.coverage == 0] < 0)


def test_a_lump_of_two_balls_apart_is_two() -> None:
    canvas = Canvas(64, np.random.default_rng(6))
    pose = Pose(1.0, (0.0, 0.0), 0.0, 0.0, 0.0, 0.4, 0.0)
    globe = lumps._see(canvas, pose, np.array([[-0.6, 0, 0, 0.2], [0.6, 0, 0, 0.2]]))
    row = globe.coverage[32] > 0.5
    assert int((row[1:] & ~row[:-1]).sum()) == 2
    assert not bool(row[32])
