"""Folders of maps as render_samples.py takes them."""

import io
from pathlib import Path

import numpy as np
import pytest
from conftest import content_of, run
from map_samples import save_map, save_maps
from PIL import Image

import render_samples
from celestial.common.console import UserError
from celestial.renderer import draw
from celestial.renderer.draw import draw_picture
from celestial.renderer.maps.map_choice import Source
from celestial.renderer.maps.map_files import read_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return save_maps(tmp_path_factory.mktemp("maps"))


def draw_some(cwd: Path, *options):
    return run("render_samples.py", "--classes", "uranus", "--per-class", 4, "--size", 32,
               "--workers", 1, *options, cwd=cwd)


def test_the_script_draws_a_share_from_maps_in_turn_and_goes_on(folder, tmp_path):
    first = draw_some(tmp_path, "--maps", folder)
    assert first.status == 0, first.err
    assert "passed over (not twice as wide as high): neptune_square.png" in first.out
    assert "landscape" not in first.out, "it names no body"
    assert "2 of 4 pictures are drawn from maps\n" in first.out
    pictures = tmp_path / "data/input"
    said = {path.stem: Image.open(path).info["comment"].decode()
            for path in pictures.rglob("*.jpg")}
    named = {name: text.split(" from ")[1].split()[0] for name, text in said.items()
             if " from " in text}
    assert named == {"uranus_42_00000": "2k_uranus.png", "uranus_42_00002": "uranus_second.jpg"}
    plain = io.BytesIO()
    Image.fromarray(draw_picture("uranus", 32, 42, 1)).save(plain, "JPEG", quality=92,
                                                          comment=said["uranus_42_00001"])
    assert (pictures / "uranus/uranus_42_00001.jpg").read_bytes() == plain.getvalue(), \
        "as it is drawn without maps"
    whole = content_of(pictures)
    (pictures / "uranus/uranus_42_00002.jpg").unlink()
    again = draw_some(tmp_path, "--maps", folder)
    assert again.result["drawn"] == 1 and content_of(pictures) == whole
    refused = draw_some(tmp_path)
    assert refused.status == 1 and "already holds other pictures" in refused.error


def test_many_files_that_are_passed_over_are_named_in_part(tmp_path, capsys):
    save_map(tmp_path / "mars.png", np.full((32, 64), 0.5))
    for number in range(12):
        (tmp_path / f"moon_normals_{number:02d}.png").touch()
    render_samples.read_maps(tmp_path)
    said = capsys.readouterr().out
    assert "moon_normals_09.png and 2 more\n" in said and "moon_normals_10" not in said


def test_another_map_under_the_same_name_is_another_picture(tmp_path):
    for seed in (1, 2):
        (tmp_path / f"of{seed}").mkdir()
        save_map(tmp_path / f"of{seed}/uranus.png", np.random.default_rng(seed).random((32, 64, 3)))
    assert draw_some(tmp_path, "--maps", "of1", "--output-dir", "out").status == 0
    other = draw_some(tmp_path, "--maps", "of2", "--output-dir", "out")
    assert other.status == 1 and "already holds other pictures" in other.error


def test_a_folder_without_a_map_gets_one_sentence(tmp_path):
    (tmp_path / "none").mkdir()
    save_map(tmp_path / "none/landscape.png", np.ones((32, 64)))
    (tmp_path / "none/mars\x1b[2J.png").write_bytes(b"no picture")
    save_map(tmp_path / "none/mars_normals.png", np.ones((32, 64)))
    for name, status, word in (("none", 1, "normals of a relief"), ("nowhere", 2, "no folder")):
        done = draw_some(tmp_path, "--maps", name)
        assert done.status == status and word in done.error and "Traceback" not in done.err
        assert "\x1b" not in done.error
        assert not (tmp_path / "data").exists(), "nothing is drawn"


def test_a_black_map_is_passed_over_and_never_drawn_from_for_ever(tmp_path, monkeypatch):
    chart = save_map(tmp_path / "callisto.png", np.zeros((64, 128)))
    save_map(tmp_path / "mars.png", np.full((32, 64), 0.1))
    maps, passed_over = read_folder(tmp_path)
    assert [part.body for part in maps] == ["mars"]
    assert passed_over == {"all black": [chart.path]}
    monkeypatch.setattr(draw, "TRIES", 3)
    with pytest.raises(UserError, match=r"take the map callisto\.png .* out of the folder"):
        draw_picture("other_space", 24, 1, 3, source=Source(chart))
