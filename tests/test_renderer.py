"""The drawn pictures: the script as a user runs it, and the physics against plain geometry."""

import math

import numpy as np
import pytest
import torch
from conftest import content_of, run
from PIL import Image

from celestial.common import console
from celestial.renderer.draw import draw_picture
from celestial.renderer.light.camera import Look, photograph
from celestial.renderer.light.canvas import Canvas
from celestial.renderer.light.globe import Pose, lommel_seeliger, minnaert, see_globe
from celestial.renderer.light.noise import fbm, gaussian_field, plane_points
from celestial.renderer.light.rings import Profile, see_rings, shadow_of_rings
from celestial.renderer.light.stars import splat, star_colours


def canvas(size: int = 128, seed: int = 0) -> Canvas:
    return Canvas(size, np.random.default_rng(seed))


def pose(**changes) -> Pose:
    usual = {"radius": 0.8, "centre": (0.0, 0.0), "latitude": 0.0, "turn": 0.0, "longitude": 0.0,
             "phase": 0.0, "sun_turn": 0.0}
    return Pose(**{**usual, **changes})


def draw_small(cwd, *options):
    return run("render_samples.py", "--classes", "mars", "uranus", "--per-class", 3, "--size", 32,
               *options, cwd=cwd)


@pytest.mark.slow
def test_same_options_same_bytes_whatever_else_is_drawn(tmp_path):
    first = draw_small(tmp_path, "--output-dir", "first", "--workers", 1)
    assert first.status == 0, first.err
    assert first.result["drawn"] == 6 and first.result["classes"] == ["mars", "uranus"]
    more = run("render_samples.py", "--classes", "uranus", "moon", "mars", "--per-class", 8,
               "--size", 32, "--output-dir", "more", "--workers", 2, cwd=tmp_path, fresh=True)
    assert more.status == 0, more.err
    first, more = content_of(tmp_path / "first"), content_of(tmp_path / "more")
    assert len(more) == 24 and first.items() <= more.items()
    assert len(set(more.values())) == 24, "every picture is another"
    other = draw_small(tmp_path, "--output-dir", "other", "--seed", 43)
    assert not set(content_of(tmp_path / "other").values()) & set(more.values()), other.err


@pytest.mark.slow
def test_the_same_command_goes_on_where_it_stopped(tmp_path):
    assert draw_small(tmp_path).status == 0
    whole = content_of(tmp_path / "data/input")
    (tmp_path / "data/input/mars/mars_42_00001.jpg").unlink()
    (tmp_path / "data/input/mars/.mars_42_00001.jpg.tmp").write_bytes(b"half a pic")
    again = draw_small(tmp_path)
    assert again.result["drawn"] == 1 and "5 were there already" in again.out
    assert content_of(tmp_path / "data/input") == whole


@pytest.mark.slow
def test_a_folder_with_pictures_of_its_own_is_left_alone(tmp_path):
    mine = tmp_path / "data/input/moon/my night.jpg"
    mine.parent.mkdir(parents=True)
    Image.new("RGB", (40, 30), (90, 90, 90)).save(mine)
    before = mine.read_bytes()
    refused = draw_small(tmp_path)
    assert refused.status == 1 and "my night.jpg" in refused.error and "--add" in refused.error
    assert [path.name for path in (tmp_path / "data/input").rglob("*.jpg")] == ["my night.jpg"]
    added = draw_small(tmp_path, "--add")
    assert added.status == 0 and added.result["drawn"] == 6 and mine.read_bytes() == before
    kept = content_of(tmp_path / "data/input")
    assert draw_small(tmp_path, "--add", "--size", 48).result["drawn"] == 0
    assert content_of(tmp_path / "data/input") == kept, "--add overwrites nothing"
    other = draw_small(tmp_path, "--seed", 7)
    assert other.status == 1, "pictures drawn with other options are other pictures"


@pytest.mark.parametrize("options", [
    ("--classes", "krypton"), ("--per-class", "0"), ("--per-class", "-3"), ("--size", "15"),
    ("--size", "4097"), ("--size", "big"), ("--seed", "-1"), ("--device", "cuda:99"),
    ("--output-dir", "file.txt")])
def test_wrong_options(options, tmp_path):
    (tmp_path / "file.txt").write_text("mine")
    done = run("render_samples.py", *options, cwd=tmp_path)
    assert done.status == 2 and "Traceback" not in done.err
    assert "error: " in done.err and [path.name for path in tmp_path.iterdir()] == ["file.txt"]


@pytest.mark.parametrize("name", (*console.DRAWN, *console.OUTLIERS))
def test_every_class_at_odd_and_extreme_sizes(name):
    for size, count in ((16, 6), (97, 12), (128, 12)):
        pictures = [draw_picture(name, size, 3, index) for index in range(count)]
        assert all(p.dtype == np.uint8 and p.shape[2] == 3 for p in pictures)
        assert all(max(p.shape[:2]) == size for p in pictures)
        assert np.mean([p.max() > 40 for p in pictures]) > 0.8, "most show something"
    assert np.array_equal(draw_picture(name, 97, 3, 5), draw_picture(name, 97, 3, 5))


def test_disc_of_a_spheroid_is_the_ellipse_of_geometry():
    for flattening, latitude in ((0.0, 0.3), (0.098, 0.0), (0.098, 0.7), (0.065, math.pi / 2)):
        globe = see_globe(canvas(256), pose(flattening=flattening, latitude=latitude))
        # An oblate spheroid seen from this latitude (e.g. Hestroffer 1998, A&A 338, 750).
        polar = math.hypot((1 - flattening) * math.cos(latitude), math.sin(latitude))
        area = float(globe.coverage.sum()) * (2 / 256) ** 2
        assert area == pytest.approx(math.pi * 0.8 ** 2 * polar, rel=0.003)


def test_places_stand_where_the_pose_says():
    globe = see_globe(canvas(201), pose(latitude=0.4, longitude=1.2, turn=0.5))
    assert float(globe.latitude[100, 100]) == pytest.approx(0.4, abs=0.02)
    assert float(globe.longitude[100, 100]) == pytest.approx(1.2, abs=0.02)
    row, column = divmod(int((globe.distance_to(90, 0) + 9 * (globe.coverage < 1)).argmin()), 201)
    x, y = (column - 100) / 100.5, (100 - row) / 100.5
    assert x == pytest.approx(-0.8 * math.cos(0.4) * math.sin(0.5), abs=0.02)
    assert y == pytest.approx(0.8 * math.cos(0.4) * math.cos(0.5), abs=0.02)
    east = see_globe(canvas(201), pose(longitude=1.0))
    assert east.longitude[100, 140] > east.longitude[100, 60], "east is right where north is up"


def test_phase_lights_the_share_of_the_disc_that_it_should():
    for phase in (0.0, 0.6, math.pi / 2, 2.5):
        globe = see_globe(canvas(256), pose(phase=phase, sun_turn=2.0))
        lit = float(((globe.mu0 > 0) * globe.coverage).sum() / globe.coverage.sum())
        assert lit == pytest.approx((1 + math.cos(phase)) / 2, abs=0.01)


def test_photometric_laws():
    globe = see_globe(canvas(), pose())
    inside = globe.coverage == 1
    assert torch.allclose(minnaert(globe, 1.0)[inside], globe.mu0[inside], atol=1e-5)
    assert torch.allclose(lommel_seeliger(globe)[inside], torch.ones(1), atol=1e-3), \
        "a dark rough body at full phase is as bright at the limb as in the middle"
    night = see_globe(canvas(), pose(phase=2.0))
    assert float(minnaert(night, 0.8)[night.mu0 < 0].abs().max()) == 0


def test_rings_and_their_shadows():
    view = pose(radius=0.4, latitude=math.radians(25), flattening=0.098, phase=0.1,
                sun_turn=math.pi / 2)
    globe = see_globe(canvas(401), view)
    rings = see_rings(canvas(401), globe)
    assert float(rings.radius[200, 200 + 160]) == pytest.approx(2.0, abs=0.02)
    below = 200 + round(0.8 * math.sin(math.radians(25)) * 200.5)
    assert float(rings.radius[below, 200]) == pytest.approx(2.0, abs=0.03)
    assert float(rings.in_front[below, 200]) == 1
    assert float(rings.in_front[200 - 20, 200]) == pytest.approx(0.0), "behind the planet"
    from_side = see_rings(canvas(401), see_globe(canvas(401), pose(
        radius=0.4, latitude=math.radians(25), phase=math.pi / 2)))
    # The sun is right, in the ring plane's direction: the shadow falls left, a planet wide.
    assert float(from_side.sunlit[200, 200 - 140]) == 0 and float(
        from_side.sunlit[200, 200 + 140]) == 1
    opaque = torch.zeros(1, 250)
    opaque[:, 150:200] = 1  # from 1.5 to 2 equatorial radii
    band = shadow_of_rings(globe, Profile(2.5, opaque))
    lit = band * globe.coverage
    assert 0.005 < float((lit > 0.5).float().mean()) < 0.1
    shadow = globe.latitude[(lit > 0.5)]
    assert float(shadow.max() - shadow.min()) < 0.8, "a band along the latitudes"


def test_noise_has_the_statistics_it_promises():
    c = canvas(128)
    fields = torch.stack([fbm(c, plane_points(c), 3.0) for _ in range(20)])
    assert abs(float(fields.mean())) < 0.1 and float(fields.std()) == pytest.approx(1, abs=0.15)
    none = fbm(c, plane_points(c), 8.0, finest=4.0)
    assert float(none.abs().max()) == 0, "detail finer than a pixel is left out"
    power = torch.stack([torch.fft.rfft2(gaussian_field(c, 3.0)).abs() ** 2
                         for _ in range(30)]).mean(0)[0]
    slope = math.log(float(power[24:32].mean() / power[6:8].mean())) / math.log(28 / 7)
    assert slope == pytest.approx(-3.0, abs=0.6)


def test_stars_keep_their_light_and_their_colours():
    x, y = np.array([0.1, -0.33, 5.0]), np.array([0.2, 0.7, 0.0])
    light = np.array([[3.0, 2.0, 1.0], [1.0, 1.0, 1.0], [9.0, 9.0, 9.0]])
    sky = splat(canvas(64), x, y, light)
    assert sky.sum(dim=(1, 2)).numpy() == pytest.approx([4, 3, 2], rel=1e-5)
    cool, hot = star_colours(np.array([3000.0, 20000.0]))
    assert cool[0] > cool[2] and hot[2] > hot[0]


def test_camera_exposure_noise_and_colour():
    c = canvas(128)
    grey = torch.full((3, 128, 128), 0.2)
    plain = photograph(c, grey, Look(read_noise=0.0, photons=1e12))
    assert plain.std() == 0 and plain[0, 0, 0] == round(255 * (1.055 * 0.2 ** (1 / 2.4) - 0.055))
    brighter = photograph(c, grey, Look(exposure=2, read_noise=0.0, photons=1e12))
    assert brighter[0, 0, 0] == round(255 * (1.055 * 0.4 ** (1 / 2.4) - 0.055))
    noisy = photograph(c, grey, Look(read_noise=0.0, photons=1000, gamma=2.2)) / 255.0
    linear = ((noisy + 0.055) / 1.055) ** 2.4
    assert linear.std() == pytest.approx(math.sqrt(0.2 / 1000), rel=0.05), "Poisson's noise"
    star = torch.zeros(3, 128, 128)
    star[:, 64, 64] = 50.0
    spread = photograph(c, star, Look(fwhm=6, read_noise=0.0, photons=1e12, mono=(1, 0, 0)))
    line = ((spread[64, :, 0] / 255.0 + 0.055) / 1.055) ** 2.4
    assert np.ptp(spread, axis=2).max() == 0, "monochrome"
    assert np.sum(line > line.max() / 2) in (5, 6, 7), "as wide as its FWHM"
