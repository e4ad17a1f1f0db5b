"""One scene at three exposures is one picture, where the file says that its data are linear."""

import numpy as np
import pytest
from camera_files import dng, mosaic
from conftest import CLASSES, draw

from celestial.pictures.loader import load_image
from celestial.pictures.preprocessing import Preprocessing
from celestial.pictures.stretch import Stretch

XISF = pytest.importorskip("xisf").XISF
EXPOSURES = (1.0, 1 / 3, 1 / 12)  # of the full one, whose white is nearly that of the sensor
MOST = 3  # levels


def light(label: str) -> np.ndarray:
    """Return a scene's linear light, 0..0.95: float (192, 192, 3) with a faint sky."""
    shown = np.kron(draw(label, 1), np.ones((4, 4, 1))) / 255
    return 0.002 + 0.948 * shown ** 2.2 / (shown ** 2.2).max()


def as_dng(path, scene):
    path.write_bytes(dng(mosaic(np.uint16(np.rint(scene * 16383)))))


def as_xisf(kind, white):
    return lambda path, scene: XISF.write(str(path), (scene * white).astype(kind), codec="lz4hc",
                                          shuffle=True)


WRITERS = {"a.dng": as_dng, "whole.xisf": as_xisf(np.uint16, 65535),
           "float.xisf": as_xisf(np.float32, 1)}


@pytest.mark.parametrize("label", CLASSES)
@pytest.mark.parametrize("name", WRITERS)
def test_three_exposures_are_one_picture(label, name, tmp_path):
    pictures = []
    for exposure in EXPOSURES:
        WRITERS[name](tmp_path / name, exposure * light(label))
        pictures.append(Preprocessing(96).load(tmp_path / name).astype(int))
    for picture in pictures[1:]:
        assert np.abs(picture - pictures[0]).max() <= MOST
    assert pictures[0].max() == 255 and pictures[0].std() > 20
    squares = [Preprocessing(96).square(np.uint8(picture)).astype(int) for picture in pictures]
    assert max(np.abs(square - squares[0]).max() for square in squares[1:]) <= MOST


def test_the_rule_for_data_of_unknown_kind_would_give_two_pictures():
    """Why the file has to say it: what spans a quarter of 65,535 is shown as it is."""
    bright, faint = (Stretch().to_8_bits(np.rint(exposure * 65535 * light("mars")))
                     for exposure in (1.0, 0.2))
    assert np.abs(bright.astype(int) - faint).max() > 10 * MOST


def test_the_kinds_of_file_agree_on_the_scene(tmp_path):
    shown = []
    for name, write in WRITERS.items():
        write(tmp_path / name, light("saturn"))
        shown.append(load_image(tmp_path / name, at_least=48).astype(int))
    assert all(picture.shape == shown[0].shape for picture in shown)
    assert all(np.abs(picture - shown[1]).mean() < 2 for picture in shown)
