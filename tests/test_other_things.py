"""Photographs of things that are none of the classes, from the folders of unpacked packages."""

import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, run
from PIL import Image

sys.path.insert(0, str(ROOT / "pretrained"))

import other_things  # noqa: E402  (its folder must be on the path first)


def picture(path: Path, side: int, mode: str = "RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    levels = np.random.default_rng(len(path.name)).integers(0, 256, (side, side, len(mode)))
    Image.fromarray(levels.astype(np.uint8), mode).save(path)


@pytest.fixture
def packages(tmp_path) -> Path:
    for name in other_things.WALLPAPERS:
        (tmp_path / "packages" / name).mkdir(parents=True)
    stamps = tmp_path / "packages" / other_things.STAMPS / "usr/share/tuxpaint/stamps"
    for name in ("animals/cow", "food/pear", "space/planets/mars",
                 "symbols/alphabets/english/filled/a", "sports/ball", "town/house"):
        picture(stamps / f"{name}.png", 40, "RGBA")
    papers = tmp_path / "packages" / other_things.WALLPAPERS[0] / "usr/share/backgrounds"
    picture(papers / "dunes.png", 400)
    picture(papers / "MilkyWay.png", 400)
    (papers / "dunes_small.png").symlink_to(papers / "dunes.png")
    Image.new("RGB", (400, 400), "grey").save(papers / "plain.png")
    return tmp_path / "packages"


def test_what_shows_the_sky_and_what_shows_nothing_is_left_out(packages, tmp_path):
    done = run("pretrained/other_things.py", packages, "learn", "kept", cwd=tmp_path)
    assert done.status == 0, done.err
    found = sorted(path.name for folder in ("learn", "kept")
                   for path in (tmp_path / folder).glob("*.jpg"))
    assert len([name for name in found if "dunes" in name]) == 7, "itself and six parts"
    assert [name.rsplit("_", 2)[1] for name in found if name.startswith("stamp")] == [
        "cow", "pear", "ball", "house"]
    assert len(found) == 11 == done.result["pictures"] + done.result["kept"]
    for folder in ("learn", "kept"):
        for path in (tmp_path / folder).glob("*.jpg"):
            with Image.open(path) as image:
                assert max(image.size) <= other_things.SIDE
    assert not {path.name.rsplit("_", 1)[0] for path in (tmp_path / "learn").iterdir()} & {
        path.name.rsplit("_", 1)[0] for path in (tmp_path / "kept").glob("*")}


def test_packages_that_are_missing_are_named(tmp_path):
    done = run("pretrained/other_things.py", tmp_path, "learn", "kept", cwd=tmp_path)
    assert done.status == 2 and "lacks tuxpaint-stamps-default, gnome-backgrounds" in done.error
