"""Pictures as web sites show them: what is cut out, what is put behind it, how many there are."""

import hashlib
from itertools import cycle

import numpy as np
import pytest
import torch
from PIL import Image

from celestial.common import console
from celestial.renderer.draw import draw_picture
from celestial.renderer.drawers import drawer
from celestial.renderer.light.camera import Look, photograph
from celestial.renderer.light.canvas import Canvas
from celestial.renderer.light.cutout import Cutout
from celestial.renderer.light.globe import Pose, see_globe
from celestial.renderer.pages import backdrops, shown
from celestial.renderer.pages.web_finish import finish_for_web

SIDE = 96
POSE = Pose(0.5, (0.1, -0.2), 0.0, 0.0, 0.0, 0.0, 0.0)


def cutting(size: int = SIDE, seed: int = 1) -> Canvas:
    return Canvas(size, np.random.default_rng(seed), cutout=Cutout(np.random.default_rng(seed)))


def red_ball(canvas: Canvas, beside: float = 0.0, sky: float = 0.0) -> np.ndarray:
    """Photograph a red disc, with a bar of this light beside it, before a sky of this light."""
    globe = see_globe(canvas, POSE)
    light = canvas.dark() + sky
    light[:, :, 3:9] += beside
    disc = canvas.colour(200, 60, 20).expand(3, canvas.size, canvas.size)
    return photograph(canvas, globe.before(light, disc), Look(photons=1e12, read_noise=0.0))


def middle_of(pose: Pose) -> tuple[int, int]:
    """Return row and column of a disc's middle."""
    return (round((1 - pose.centre[1]) * SIDE / 2), round((1 + pose.centre[0]) * SIDE / 2))


def as_drawn(name: str, size: int, seed: int, index: int) -> np.ndarray:
    """Draw a picture that is not shown, by the class's module alone."""
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
    rng = np.random.default_rng((seed, key, index))
    return drawer(name)(Canvas(size, rng))


def test_a_share_is_shown_and_the_others_stay_byte_for_byte():
    count, proportion = 48, shown.PROPORTION
    same = sum(np.array_equal(draw_picture("neptune", 16, 3, index),
                              as_drawn("neptune", 16, 3, index)) for index in range(count))
    spread = (proportion * (1 - proportion) / count) ** 0.5
    assert 1 - same / count == pytest.approx(proportion, abs=2.5 * spread)


def test_every_class_has_its_share():
    scenes = {"galaxy", "nebula", "star_cluster", "everyday"}
    for name in (*console.DRAWN, *console.OUTLIERS):
        rng = np.random.default_rng(4)
        chosen = [shown.is_shown(name, rng) for _ in range(4000)]
        assert np.mean(chosen) == pytest.approx(0.1 if name in scenes else 0.25, abs=0.03)


def test_on_white_the_corners_are_white_and_the_disc_has_its_own_colour(monkeypatch):
    monkeypatch.setattr(backdrops, "KINDS", {"white": 1})
    monkeypatch.setattr(backdrops, "_white", lambda canvas: canvas.planes([1.0] * 3))
    monkeypatch.setattr(shown, "finish_for_web", lambda canvas, image: np.asarray(image))
    monkeypatch.setattr(shown, "_rendered", lambda canvas, body, coverage: body)
    monkeypatch.setattr(shown, "PLACES", {"as it is": 1})
    canvas = cutting()
    pixels = shown.show(canvas, red_ball(canvas)).astype(int)
    row, column = middle_of(POSE)
    own = red_ball(Canvas(SIDE, np.random.default_rng(1)))[row, column].astype(int)
    assert np.abs(own - (200, 60, 20)).max() <= 1
    assert np.abs(pixels[row, column] - own).max() <= 1
    for corner in (pixels[0, 0], pixels[0, -1], pixels[-1, 0], pixels[-1, -1]):
        assert corner.tolist() == [255, 255, 255]
    # No dark fringe: from the middle outwards each channel only rises, from the disc's to white.
    steps = np.diff(pixels[row, column:], axis=0)
    assert steps.min() >= -1 and pixels[row, :, 1].min() >= own[1] - 1


def test_the_alpha_is_the_disc_and_what_shines_beside_it():
    canvas = cutting()
    red_ball(canvas, beside=0.6)
    alpha, globe = canvas.cutout.alpha, see_globe(Canvas(SIDE, canvas.rng), POSE)
    assert float(alpha[globe.coverage == 1].min()) > 0.7, "the limb is as sharp as the picture"
    assert float(alpha[:, 4:8].min()) > 0.8, "a ring is as opaque as the disc"
    beyond = (globe.coverage == 0)
    beyond[:, :16] = False
    assert float(alpha[beyond].mean()) < 0.02
    canvas = cutting()
    red_ball(canvas, sky=0.4)
    outside = torch.ones(SIDE, SIDE, dtype=torch.bool)
    outside[20:, 20:80] = False
    assert float(canvas.cutout.alpha[outside].max()) < 0.05, "a bright sky is no part of the body"


def test_a_shadow_does_not_come_back_at_the_other_edge():
    layer = Image.new("RGBA", (SIDE, SIDE))
    layer.paste((200, 60, 20, 255), (SIDE - 20, SIDE - 20, SIDE, SIDE))
    for seed in range(5):
        shaded = np.asarray(shown._shadow(cutting(seed=seed), Image.new("RGB", layer.size, "white"),
                                          layer))
        assert shaded[-1, -1, 0] < 200 and shaded[:20].min() == shaded[:, :20].min() == 255


def test_a_disc_that_is_all_night_is_not_cut_out(monkeypatch):
    monkeypatch.setattr(shown, "_page", lambda canvas, image: image)
    monkeypatch.setattr(shown, "finish_for_web", lambda canvas, image: np.asarray(image))
    canvas = cutting()
    night = (red_ball(canvas) * 0.05).astype(np.uint8)
    assert np.array_equal(shown.show(canvas, night), night)


def test_the_sky_is_left_out_of_a_cutout():
    from celestial.renderer.light.stars import program_stars, space

    for seed in range(8):
        assert float(space(cutting(seed=seed)).max()) == 0
        assert float(program_stars(cutting(seed=seed)).max()) == 0


@pytest.mark.parametrize("place", [*shown.PLACES, "as it is"])
def test_every_place_and_background_at_odd_sizes(place, monkeypatch):
    monkeypatch.setattr(shown, "is_shown", lambda name, rng: True)
    monkeypatch.setattr(shown, "PLACES", {place: 1})
    bodies = cycle(((16, "uranus"), (65, "saturn"), (48, "galaxy"), (33, "neptune")))
    for kind, (size, name) in zip(backdrops.KINDS, bodies, strict=False):
        monkeypatch.setattr(backdrops, "KINDS", {kind: 1})
        picture = draw_picture(name, size, 5, 1)
        assert picture.dtype == np.uint8 and picture.shape[2] == 3
        assert max(picture.shape[:2]) == size
        assert np.array_equal(picture, draw_picture(name, size, 5, 1))


def test_backgrounds_are_what_they_are_called():
    def painted(kind, seed=2):
        return backdrops.backdrop(Canvas(64, np.random.default_rng(seed)), kind)

    assert len(np.unique(painted("white"))) == 1 and painted("white").min() > 200
    assert painted("black").max() < 40
    checker = painted("checker")
    assert len(np.unique(checker)) == 2 and 0.3 < (checker == checker.max()).mean() < 0.7
    assert len(np.unique(painted("flat").reshape(-1, 3), axis=0)) == 1
    for kind in ("gradient", "stars", "nebula"):
        assert len(np.unique(painted(kind).reshape(-1, 3), axis=0)) > 20
    assert np.median(painted("stars")) < 70 < painted("stars").max()


def test_what_sites_do_to_a_picture_keeps_its_size_and_most_of_its_content():
    picture = Image.fromarray(draw_picture("uranus", 96, 1, 4)).resize((96, 61))
    far = []
    for seed in range(40):
        finished = finish_for_web(Canvas(96, np.random.default_rng(seed)), picture)
        assert finished.shape == (61, 96, 3) and finished.dtype == np.uint8
        far.append(np.abs(finished.astype(int) - np.asarray(picture)).mean())
    assert np.median(far) < 12 and max(far) > 0
