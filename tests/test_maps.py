"""Pictures from maps: how a globe is wrapped, which maps are used, what the script says."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from map_samples import save_map, save_maps
from PIL import Image

from celestial.common.console import PLANETS
from celestial.renderer.draw import draw_picture
from celestial.renderer.giants.saturn_rings import EQUATOR, OUTER
from celestial.renderer.light.canvas import Canvas
from celestial.renderer.light.globe import Pose, see_globe
from celestial.renderer.maps import map_earth, map_globe, map_saturn
from celestial.renderer.maps.map_choice import MapSet, Source
from celestial.renderer.maps.map_files import MapFile, read_folder
from celestial.renderer.maps.map_looks import methane
from celestial.renderer.maps.map_others import _mapped_side
from celestial.renderer.maps.map_saturn import tables_of


def places(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return latitude (rows, 1) and longitude (1, 2 * rows) of the texels' middles, radians."""
    return ((0.5 - (np.arange(rows) + 0.5) / rows)[:, None] * math.pi,
            ((np.arange(2 * rows) + 0.5) / rows - 1)[None] * math.pi)


def seen(chart: MapFile, size: int = 129, **pose):
    """Return (globe, what the map shows there, which pixels lie well inside the disc)."""
    canvas = Canvas(size, np.random.default_rng(0))
    usual = {"radius": 0.9, "centre": (0.0, 0.0), "latitude": 0.0, "turn": 0.0, "longitude": 0.0,
             "phase": 0.0, "sun_turn": 0.0}
    globe = see_globe(canvas, Pose(**{**usual, **pose}))
    return globe, map_globe.wrap(canvas, globe, chart), globe.mu > 0.3


def test_north_is_up_and_east_is_right(tmp_path):
    latitude, longitude = places(32)
    north = np.broadcast_to(latitude > 0, (32, 64))
    east = np.broadcast_to(longitude > 0, (32, 64))
    chart = save_map(tmp_path / "mars.png", np.stack([north, east, 0 * north], 2).astype(float))
    _, light, _ = seen(chart)
    assert light[:2, 30, 98].tolist() == pytest.approx([1, 1]), "up and right: north-east"
    assert light[:2, 98, 30].tolist() == pytest.approx([0, 0]), "down and left: south-west"
    assert light[:2, 30, 30].tolist() == pytest.approx([1, 0])
    _, turned, _ = seen(chart, turn=math.pi / 2)  # north to the left
    assert float(turned[0, 64, 20]) == pytest.approx(1) and float(turned[0, 64, 108]) == 0


def test_a_place_of_the_map_lies_where_the_globe_has_it(tmp_path):
    light = np.zeros((90, 180))
    light[90 // 2 - 20, 90 + 15] = 1  # the texel at 39 N, 31 E
    globe, shown, _ = seen(save_map(tmp_path / "moon.png", light), latitude=0.3, longitude=0.2)
    place = divmod(int(shown[0].argmax()), 129)
    assert math.degrees(globe.latitude[place]) == pytest.approx(39, abs=2)
    assert math.degrees(globe.longitude[place]) == pytest.approx(31, abs=2)


@pytest.mark.parametrize("longitude", (0.0, 2.9, math.pi, -3.0))
def test_no_seam_where_the_map_ends(tmp_path, longitude):
    latitude, east = places(64)
    chart = save_map(tmp_path / "mars.png", 0.5 + 0.4 * np.cos(latitude) * np.cos(east - 1))
    globe, light, inside = seen(chart, longitude=longitude)
    true = 0.5 + 0.4 * globe.latitude.cos() * (globe.longitude - 1).cos()
    assert float((light[0] - true)[inside].abs().max()) < 0.01


def test_no_pinch_at_the_poles(tmp_path):
    stripes = np.broadcast_to(np.arange(128) % 2, (64, 128)).astype(float)
    globe, light, _ = seen(save_map(tmp_path / "saturn.png", stripes), latitude=math.pi / 2)
    near = globe.latitude > math.radians(86)
    assert near.sum() > 30 and float((light[0] - 0.5)[near].abs().max()) < 0.1, \
        "meridians closer than a pixel are their mean"
    latitude = places(64)[0]
    rings = save_map(tmp_path / "jupiter.png", np.broadcast_to(latitude / math.pi + 0.5, (64, 128)))
    globe, light, inside = seen(rings, latitude=-math.pi / 2)
    assert float((light[0] - (globe.latitude / math.pi + 0.5))[inside].abs().max()) < 0.02


def test_a_map_finer_than_the_pixels_is_averaged(tmp_path):
    board = (np.add.outer(np.arange(128), np.arange(256)) % 2).astype(float)
    _, light, inside = seen(save_map(tmp_path / "mars.png", board), size=33)
    assert float((light[0] - 0.5)[inside].abs().max()) < 0.03, "the mean of light, not of sRGB"
    noise = np.random.default_rng(1).random((600, 1200))  # above what is kept in memory as well
    chart = save_map(tmp_path / "moon.png", noise)
    globe, light, _ = seen(chart, size=65, radius=9.0, latitude=0.2, longitude=1.0)
    assert light.shape[1:] == (65, 65)
    fine, _, _ = seen(chart, size=65 * 9, radius=9.0, latitude=0.2, longitude=1.0)
    row = ((0.5 - fine.latitude / math.pi) * 600).long().clamp(0, 599)
    column = ((fine.longitude / math.pi + 1) * 600).long() % 1200
    nearest = torch.as_tensor(noise)[row, column].reshape(65, 9, 65, 9).mean((1, 3))
    assert float((light[0] - nearest)[9:-9, 9:-9].abs().mean()) < 0.05
    level = map_globe.wrap(Canvas(65, np.random.default_rng(0)), globe, chart)
    assert torch.equal(level, light)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return save_maps(tmp_path_factory.mktemp("maps"))


def test_a_folder_is_walked_and_what_is_no_map_is_named(folder):
    maps, passed_over = read_folder(folder)
    found = {(part.body, part.kind) for part in maps}
    assert found == {*((body, "map") for body in (*PLANETS, "sun", "titan", "phobos", "venus")),
                     ("earth", "clouds"), ("saturn", "rings")}
    assert len(maps) == len(found) + 1, "two of Uranus"
    reasons = {path.name: reason for reason, paths in passed_over.items() for path in paths}
    assert reasons["neptune_square.png"] == "not twice as wide as high"
    assert reasons["moon_normals.png"] == "normals of a relief"
    assert set(reasons) == {"neptune_square.png", "moon_normals.png", "uranus_broken.jpg"}


@pytest.mark.parametrize("body", (*PLANETS, "sun", "titan", "phobos", "venus"))
def test_maps_of_every_body_and_never_larger_than_their_texels_allow(folder, body, monkeypatch):
    by_kind = {(part.body, part.kind): part for part in read_folder(folder)[0]}
    source = Source(by_kind[body, "map"], by_kind.get((body, "rings")),
                    by_kind.get((body, "clouds")))
    sizes = []
    real = map_globe._footprint

    def note(canvas, globe):
        sizes.append(globe.pose.radius / canvas.pixel)  # pixels
        return real(canvas, globe)

    monkeypatch.setattr(map_globe, "_footprint", note)
    for size, count in ((16, 2), (49, 6)):
        pictures = [draw_picture(body, size, 3, index, source=source) for index in range(count)]
        assert all(p.dtype == np.uint8 and max(p.shape[:2]) == size for p in pictures)
        assert np.mean([p.max() > 40 for p in pictures]) > 0.7, "most show something"
    assert np.array_equal(pictures[4], draw_picture(body, 49, 3, 4, source=source))
    assert max(sizes) * math.pi / source.chart.texels <= 2.001, "pixels to a texel, at most"


def test_too_coarse_a_map_is_left_out_for_large_pictures(folder):
    maps = MapSet(tuple(read_folder(folder)[0]))
    assert maps.source("uranus", 0, 64) is not None
    assert maps.source("uranus", 0, 1024) is None, "drawn as without maps"
    assert maps.source("galaxy", 0, 64) is None
    of_others = [maps.source("other_space", index, 64) for index in range(30)]
    assert {part.chart.body for part in of_others if part} == {"sun", "titan", "phobos", "venus"}
    assert {maps.source("sun", index, 64).chart.body for index in (0, 2)} == {"sun"}


def test_too_coarse_rings_and_clouds_are_left_out_as_well():
    def part(body, kind, texels):
        return MapFile(Path(f"{body}_{kind}_{texels}.png"), body, kind, texels, "")

    maps = MapSet((part("earth", "map", 2048), part("earth", "clouds", 256),
                   part("earth", "clouds", 512), part("saturn", "map", 2048),
                   part("saturn", "rings", 128)))
    # A disc 512 pixels wide needs pi * 256 / 2 = 402 rows; 128 pixels along the rings, which span
    # 65800 km of Saturn's 60268, are as fine as 368.
    assert {maps.source("earth", index, 1024).clouds.texels for index in (0, 2, 5)} == {512}
    assert maps.source("earth", 0, 2048).clouds is None
    assert {maps.source("earth", index, 512).clouds.texels for index in (0, 2, 5)} == {256, 512}
    assert maps.source("saturn", 0, 1024).rings is None
    assert maps.source("saturn", 0, 900).rings.texels == 128


def test_a_coarse_layer_limits_no_globe_and_is_not_magnified_with_it(tmp_path, monkeypatch):
    random, largest = np.random.default_rng(2), 2.0 * 32 / math.pi  # pixels, of a radius
    radii = {"map": [], "clouds": [], "rings": []}

    def wrap(canvas, globe, chart):
        radii[chart.kind].append(globe.pose.radius / canvas.pixel)
        return map_globe.wrap(canvas, globe, chart)

    def see_rings(canvas, globe):
        radii["rings"].append(globe.pose.radius / canvas.pixel)
        return real_rings(canvas, globe)

    def drawn(canvas):
        drawn_at.append(radii["rings"].pop())
        return real_tables(canvas)

    real_rings, real_tables, drawn_at = map_saturn.see_rings, map_saturn.ring_tables, []
    for module in (map_earth, map_saturn):
        monkeypatch.setattr(module, "wrap", wrap)
    monkeypatch.setattr(map_saturn, "see_rings", see_rings)
    monkeypatch.setattr(map_saturn, "ring_tables", drawn)
    clouds = replace(save_map(tmp_path / "clouds.png", random.random((32, 64))), kind="clouds")
    strip = np.full((2, 11, 4), 200, np.uint8)
    Image.fromarray(strip).save(tmp_path / "rings.png")
    rings = MapFile(tmp_path / "rings.png", "saturn", "rings", 11, "")  # as fine as 31.7 rows
    for body, layers in (("earth", {"clouds": clouds}), ("saturn", {"rings": rings})):
        chart = save_map(tmp_path / f"{body}.png", random.random((128, 256)))
        for index in range(20):
            draw_picture(body, 33, 3, index, source=Source(chart, **layers))
        assert max(radii["map"]) > largest, "limited by its own map alone"
        radii["map"].clear()
    assert 0 < max(radii["clouds"]) <= largest and 0 < max(radii["rings"]) <= largest
    assert min(drawn_at) > 0.98 * largest, "drawn rings only where the picture is too coarse"


def test_a_half_that_was_never_seen_is_one_without_marks(tmp_path):
    random = np.random.default_rng(4).random((32, 64))
    zones = np.broadcast_to(np.linspace(0, 1, 32)[:, None], (32, 64))
    north = np.where(np.arange(32)[:, None] < 16, random, 0.4)
    for name, light, side in (("flat", 0 * zones + 0.5, 0), ("zones", zones, 0),
                              ("whole", random, 0), ("north", north, 1),
                              ("south", north[::-1], -1)):
        assert _mapped_side(save_map(tmp_path / f"{name}.png", light)) == side, name


def test_rings_take_opacity_and_radius_from_their_picture(folder):
    rings = [part for part in read_folder(folder)[0] if part.kind == "rings"][0]
    depth, albedo = tables_of(Canvas(128, np.random.default_rng(0)), rings)
    radius = (np.arange(len(depth)) + 0.5) / len(depth) * OUTER * EQUATOR
    inner, outer = 74500, 140300
    gap = inner + (outer - inner) * np.array([66, 78]) / 128  # transparent there
    assert float(depth[(radius > gap[0]) & (radius < gap[1])].max()) == 0
    assert float(depth[(radius < inner) | (radius > outer)].max()) == 0
    dense = (radius > inner + 500) & (radius < gap[0] - 2000)
    assert depth[dense].numpy() == pytest.approx(-math.log(1 - 200 / 255), rel=1e-4)
    assert 0.5 < float(albedo[:, dense].mean()) < 0.8


def test_methane_shows_the_poles_and_the_equator_bright(tmp_path):
    globe, light, _ = seen(save_map(tmp_path / "jupiter.png", np.full((32, 64), 0.5)))
    grey = methane(Canvas(129, np.random.default_rng(0)), globe, light)[0]
    middle = grey[:, 64]
    assert middle[64] > 2 * middle[35] and middle[10] > 2 * middle[35]
