"""The empty border of a frame sets no black point; a round planet on a constant sky has none."""

import cv2
import numpy as np
import pytest
from astropy.visualization import AsinhStretch, ManualInterval

from celestial.pictures.stretch import Stretch

SIDE = 240
Y, X = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2


def linear_frame() -> np.ndarray:
    """Return a linear colour frame: a planet on a noisy sky above a pedestal; float32."""
    random = np.random.default_rng(5)
    planet = np.clip(50 - np.hypot(X + 8, Y - 5), 0, 1)[:, :, None] * (9000, 6000, 3000)
    return np.float32(planet + random.normal((1400, 1600, 1200), 15, (SIDE, SIDE, 3)))


def turned(degrees: float, across: float, along: float) -> np.ndarray:
    """Return a mask of a turned rectangle of these proportions of the picture."""
    angle = np.radians(degrees)
    u, v = X * np.cos(angle) + Y * np.sin(angle), Y * np.cos(angle) - X * np.sin(angle)
    return (np.abs(u) < across * SIDE / 2) & (np.abs(v) < along * SIDE / 2)


def dithered(degrees: float) -> np.ndarray:
    """Return a mask of a dozen frames beside each other, with a corner like a staircase."""
    random = np.random.default_rng(6)
    masks = [np.roll(turned(degrees, 0.8, 0.7), random.integers(-14, 15, 2), (0, 1))
             for _ in range(12)]
    return np.any(masks, axis=0)


def lacking_a_corner() -> np.ndarray:
    return ~((X < -30) & (Y > 20))


FRAMES = {"10 pixels all round": turned(0, 0.9, 0.9), "1 pixel all round": turned(0, 0.995, 0.995),
          "one side": X > -90, "a mosaic": lacking_a_corner(), "dithered": dithered(0),
          "dithered and turned": dithered(25),
          **{f"turned by {degrees}": turned(degrees, 0.9, 0.7) for degrees in (5, 30, 45)},
          "turned and cut": turned(8, 1, 1)}


@pytest.mark.parametrize("constant", [0, 65535, -32768, 123.4, np.nan])
@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_a_frame_looks_as_it_would_without_its_border(frame, constant):
    values = linear_frame()
    blacks = [np.percentile(channel[frame], 0.5) for channel in np.moveaxis(values, 2, 0)]
    white = np.percentile(values[frame], 99.8)
    proportions = np.stack([ManualInterval(black, white)(values[..., number])
                       for number, black in enumerate(blacks)], axis=2)
    expected = 255 * AsinhStretch(0.1)(proportions)
    found = Stretch().to_8_bits(np.where(frame[:, :, None], values, np.float32(constant)))
    assert np.abs(found[frame] - expected[frame]).max() < 4
    assert not found[~frame].any()


def test_pixels_interpolated_between_border_and_frame_count_as_little():
    """A mount that turns the frame: nothing of the border but its mixtures are left at its side."""
    matrix = cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), 20, 0.7)
    mixed = cv2.warpAffine(linear_frame(), matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR)
    sky = Stretch().to_8_bits(mixed)[SIDE // 2 - 60:SIDE // 2 - 50, SIDE // 2 - 20:SIDE // 2 + 20]
    alone = Stretch().to_8_bits(linear_frame())[5:25, 5:60]
    assert abs(sky.mean() - alone.mean()) < 6


def light(shape: np.ndarray) -> np.ndarray:
    """Return something that shines on a sky of exactly 0; float32 (SIDE, SIDE, 3)."""
    random = np.random.default_rng(7)
    glow = 3000 + 500 * np.sin(X / 9) + random.normal(0, 60, (SIDE, SIDE))
    return np.float32(np.where(shape, glow, 0)[:, :, None] * (1, 0.7, 0.4))


def stars() -> np.ndarray:
    random = np.random.default_rng(8)
    return np.any([np.hypot(X - x, Y - y) < 4 for x, y in random.uniform(-115, 115, (80, 2))], 0)


R, FLAT = np.hypot(X, Y), np.hypot(X, Y * 3)
ON_SKY = {"disc": R < 60, "large disc": R < 118,
          "disc across all edges": R < 140, "disc at an edge": np.hypot(X + 90, Y - 20) < 70,
          "limb": np.hypot(X + 300, Y + 250) < 400, "half": (R < 90) & (X > 0),
          "crescent": (R < 90) & (np.hypot(X - 40, Y) > 80),
          "rings": (R < 50) | ((FLAT < 110) & (FLAT > 70)), "ellipse": np.hypot(X, 2 * Y) < 110,
          "stars": stars(), "thresholded": np.random.default_rng(9).random((SIDE, SIDE)) < 0.6}


@pytest.mark.parametrize("shape", ON_SKY.values(), ids=ON_SKY)
def test_what_is_round_on_a_sky_of_exactly_0_looks_as_before(shape):
    values = light(shape)
    black, white = np.percentile(values[..., 0], 0.5), np.percentile(values, 99.8)
    expected = 255 * AsinhStretch(0.1)(ManualInterval(black, white)(values))
    assert np.abs(Stretch().to_8_bits(values) - expected).max() <= 0.51
    small = values[::5, ::5]
    black, white = np.percentile(small[..., 0], 0.5), np.percentile(small, 99.8)
    expected = 255 * AsinhStretch(0.1)(ManualInterval(black, white)(small))
    assert np.abs(Stretch().to_8_bits(small) - expected).max() <= 0.51, "48 pixels, too"


def test_a_border_does_not_make_a_linear_frame_one_for_looking():
    """With the border a high sky spans a quarter of 65535 and would be shown as it is."""
    random = np.random.default_rng(3)
    values = random.normal(20000, 40, (SIDE, SIDE, 1)).round()
    values[100:140, 100:140] += 500
    expected = Stretch().to_8_bits(values[12:-12, 12:-12])
    values[~turned(0, 0.9, 0.9)] = 0
    found = Stretch().to_8_bits(values)[12:-12, 12:-12]
    assert np.abs(found.astype(int) - expected).max() < 4 and found.max() == 255


def test_a_picture_for_looking_keeps_its_border():
    random = np.random.default_rng(4)
    values = random.integers(0, 256, (SIDE, SIDE, 1)).astype(np.int16)
    values[:20] = 255
    assert np.array_equal(Stretch().to_8_bits(values), values)


def test_a_picture_of_nothing_is_black():
    for value in (0, 5.5, np.nan, np.inf):
        assert not Stretch().to_8_bits(np.full((60, 80, 3), value)).any()


@pytest.mark.parametrize("noise", [0.5, 1.5, 3])
@pytest.mark.parametrize("side", [40, 240])
def test_noise_of_a_few_counts_is_no_border(noise, side):
    """Pixels of a sky in whole numbers are equal by chance, at the picture's edge as elsewhere."""
    random = np.random.default_rng(8)
    sky = np.rint(random.normal(1000, noise, (side, side)))
    sky[side // 2, side // 3:side // 2] = 9000
    black, white = np.percentile(sky, (0.5, 99.8))
    expected = 255 * AsinhStretch(0.1)(ManualInterval(black, white)(sky))
    assert np.abs(Stretch().to_8_bits(sky[:, :, None])[..., 0] - expected).max() < 1
