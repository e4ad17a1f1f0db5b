"""Cleaning: what it does to a picture, that a checkpoint remembers it, and that it is shown."""

import csv

import numpy as np
import pytest
from conftest import QUICK, draw_folder, run
from PIL import Image

from celestial.models.checkpoints import load_checkpoint
from celestial.pictures.cleaning import Cleaning, denoised, noise_of
from celestial.pictures.preprocessing import Preprocessing

RANDOM = np.random.default_rng(3)


def scene(side=96):
    """A smooth disc on a sky that is not black: uint8 (side, side, 3)."""
    y, x = np.mgrid[:side, :side] - side / 2
    light = 140 / (1 + np.exp((np.hypot(x, y) - side / 4) / 2)) + 40
    return np.uint8(np.rint(light[:, :, None] * (1.0, 0.8, 0.6)))


def noisy(picture, sigma):
    return np.uint8(np.clip(np.rint(picture + sigma * RANDOM.standard_normal(picture.shape)),
                            0, 255))


@pytest.mark.parametrize("sigma", [4, 10, 25])
def test_noise_is_measured_and_taken_away(sigma):
    clean = scene()
    dirty = noisy(clean, sigma)
    assert noise_of(dirty) == pytest.approx(sigma, rel=0.2)
    error = np.abs(dirty.astype(float) - clean).mean()
    left = np.abs(denoised(dirty).astype(float) - clean).mean()
    assert left < 0.6 * error


def test_a_clean_picture_and_a_black_one_stay():
    assert np.array_equal(denoised(scene()), scene())
    black = np.zeros((40, 40, 3), np.uint8)
    for cleaning in (Cleaning(denoise=True), Cleaning(normalise=True), Cleaning(stretch="asinh")):
        assert np.array_equal(cleaning.apply(black), black)


def test_normalise_takes_a_cast_away():
    cast = np.uint8(scene() * (1.0, 0.5, 0.3))
    found = Cleaning(normalise=True).apply(cast).astype(int)
    assert np.abs(found - found.mean(axis=2, keepdims=True)).max() < 12
    assert found.min() == 0 and found.max() == 255


def test_stretch_runs_from_black_to_white():
    dark = np.uint8(20 + scene() // 5)
    black, white = np.percentile(dark, (0.5, 99.5))
    even = np.clip((dark - black) / (white - black), 0, 1)
    found = Cleaning(stretch="percentile").apply(dark)
    assert np.abs(found - 255 * even).max() <= 0.5 + 1e-6
    lifted = Cleaning(stretch="asinh").apply(dark)
    assert np.abs(lifted - 255 * np.arcsinh(even / 0.1) / np.arcsinh(10)).max() <= 0.5 + 1e-6
    assert lifted.mean() > found.mean()


def test_what_pads_a_picture_is_not_cleaned():
    square = Preprocessing(64, cleaning=Cleaning(normalise=True)).square(scene()[:48])
    assert square.shape == (3, 64, 64) and not square[:, :8].any() and square.any()


@pytest.fixture(scope="module")
def cleaned(dataset, tmp_path_factory):
    base = tmp_path_factory.mktemp("cleaned")
    done = run("improved_training.py", "--data-dir", dataset, "--weights", "none", *QUICK,
               "--denoise", "--stretch", "asinh", cwd=base)
    assert done.status == 0, done.err
    return base / "model_checkpoints/celestial_classification_final_model.pth"


def rows_of(folder):
    with (folder / "batch_prediction_summary.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_a_checkpoint_remembers_and_the_sheet_shows_it(cleaned, checkpoint, tmp_path):
    remembered = load_checkpoint(cleaned).preprocessing
    assert remembered.cleaning == Cleaning(denoise=True, stretch="asinh")
    draw_folder(tmp_path / "my_images", 2)
    (tmp_path / "my_images/bad.png").write_text("no picture")
    seen = {}
    for name, options in {"remembered": ("--checkpoint", cleaned),
                          "more": ("--checkpoint", cleaned, "--normalise"),
                          "none": ("--checkpoint", checkpoint),
                          "asked": ("--checkpoint", checkpoint, "--denoise")}.items():
        done = run("predict_my_images.py", *options, "--output-dir", tmp_path / name, cwd=tmp_path)
        assert done.status == 0, done.err
        seen[name] = rows_of(tmp_path / name)
        assert (tmp_path / name / "before_after.png").exists() == (name != "none")
        assert ("before_after" in " ".join(done.result["files"])) == (name != "none")
    assert seen["remembered"] != seen["more"]
    with Image.open(tmp_path / "asked/before_after.png") as sheet:
        assert sheet.width > 700


@pytest.mark.slow
def test_resume_does_not_mix_cleaned_and_plain(checkpoint, tmp_path):
    draw_folder(tmp_path / "my_images", 1)
    first = run("predict_my_images.py", "--checkpoint", checkpoint, "--denoise", cwd=tmp_path)
    assert first.status == 0, first.err
    done = run("predict_my_images.py", "--checkpoint", checkpoint, "--resume", cwd=tmp_path)
    assert done.status == 1 and "--resume would" in done.error
