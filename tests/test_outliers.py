"""The drawn outliers that are graphics, screens, lights at night, or next to nothing."""

import math
from importlib import import_module

import numpy as np
import pytest

from celestial.renderer.everyday import everyday
from celestial.renderer.light.canvas import Canvas
from celestial.renderer.other_space import other_space
from celestial.renderer.pages import many_bodies
from celestial.renderer.pages.flat import FINER, Sheet, star_corners
from celestial.renderer.pages.lettering import any_face, fitted, words

NEW = {"blank": "everyday", "cartoons": "pages", "charts": "pages", "emblems": "pages",
       "many_bodies": "pages", "night_lights": "everyday", "screens": "pages"}  # in which room


def drawn(name: str, size: int, seed: int) -> np.ndarray:
    draw = import_module(f"celestial.renderer.{NEW[name]}.{name}").draw
    return draw(Canvas(size, np.random.default_rng(seed)))


def sheet(size: int = 100) -> Sheet:
    return Sheet(Canvas(size, np.random.default_rng(0)), {"black": 1})


@pytest.mark.parametrize("name", NEW)
def test_every_kind_of_outlier_at_odd_and_extreme_sizes(name):
    for size, count in ((16, 4), (73, 3)):
        for seed in range(count):
            picture = drawn(name, size, seed)
            assert picture.dtype == np.uint8 and picture.shape[2] == 3
            assert max(picture.shape[:2]) == size and min(picture.shape[:2]) >= 4
    assert np.array_equal(drawn(name, 73, 2), drawn(name, 73, 2))
    assert len({drawn(name, 40, seed).tobytes() for seed in range(3)}) == 3


def test_the_outliers_draw_them_all():
    modules = {module.__name__.rsplit(".", 1)[-1] for module in other_space.KINDS}
    assert set(NEW) <= modules | set(everyday.OTHERS)
    assert set(everyday.OTHERS) <= set(everyday.KINDS)


def test_graphics_are_flat_and_blank_pictures_are_empty():
    def steps(picture):
        return np.abs(np.diff(picture.astype(int), axis=0)).max(axis=2)

    flat = [np.mean(steps(drawn(name, 96, seed)) <= 6) for name in ("emblems", "cartoons")
            for seed in range(10)]
    assert np.median(flat) > 0.7
    dark = [drawn("blank", 48, seed) for seed in range(40)]
    assert sum(picture.mean() < 20 for picture in dark) >= 4, "some are nearly black"


def test_many_bodies_are_many():
    assert all(columns * rows >= 3 for _, columns, _, rows, _ in many_bodies.LAYOUTS.values())


def test_shapes_have_the_size_and_the_place_that_they_are_given():
    page = sheet()
    page.image.paste((0, 0, 0), (0, 0, *page.image.size))
    page.disc((0.3, -0.2), 0.4, (255, 255, 255))
    white = np.asarray(page.image)[..., 0] > 128
    assert white.sum() / page.unit ** 2 == pytest.approx(math.pi * 0.4 ** 2, rel=0.02)
    rows, columns = np.nonzero(white)
    assert columns.mean() / page.unit - 1 == pytest.approx(0.3, abs=0.02)
    assert 1 - rows.mean() / page.unit == pytest.approx(-0.2, abs=0.02)
    page.image.paste((0, 0, 0), (0, 0, *page.image.size))
    page.ellipse((0, 0), 0.8, 0.2, math.pi / 2, (255, 255, 255))
    rows, columns = np.nonzero(np.asarray(page.image)[..., 0] > 128)
    assert np.ptp(rows) / page.unit == pytest.approx(1.6, abs=0.03), "turned upright"
    assert np.ptp(columns) / page.unit == pytest.approx(0.4, abs=0.03)
    assert len(star_corners((0, 0), 1.0, 5, 0.4)) == 10
    assert page.image.width == 100 * FINER and page.finished().shape == (100, 100, 3)


def test_words_fit_where_they_are_put():
    canvas = Canvas(64, np.random.default_rng(3))
    for _ in range(30):
        text, face = words(canvas, 1, 5), any_face(canvas)
        assert 1 <= len(text.split()) <= 5
        assert fitted(face, text, 150, 40).getlength(text) <= 160
        assert fitted(face, text, 1e9, 40).size == 40
