"""Pictures with next to nothing on them: one colour, a gradient, a lens cap, noise alone."""

import numpy as np
from PIL import Image

from celestial.renderer.light.canvas import Canvas
from celestial.renderer.light.noise import gaussian_field
from celestial.renderer.pages.backdrops import any_colour, backdrop
from celestial.renderer.pages.web_finish import finish_for_web


def draw(canvas: Canvas) -> np.ndarray:
    """Draw next to nothing: uint8 (height, width, 3)."""
    kind = canvas.pick({"cap": 30, "gradient": 25, "noise": 15, "fog": 15, "one": 10, "paper": 5})
    picture = {"cap": _cap, "gradient": lambda c: backdrop(c, "gradient"), "noise": _noise,
               "fog": _fog, "one": lambda c: backdrop(c, c.pick({"flat": 2, "white": 1})),
               "paper": lambda c: backdrop(c, "checker")}[kind](canvas)
    high = float(canvas.rng.choice([1.0, 0.75, 0.56]))
    image = Image.fromarray(picture).crop((0, 0, canvas.size, max(8, round(canvas.size * high))))
    return finish_for_web(canvas, image) if kind != "cap" else np.asarray(image)


def _cap(canvas: Canvas) -> np.ndarray:
    """Return a dark frame: read noise, hot pixels, an amplifier's glow in a corner, bands."""
    c = canvas
    level = c.log_uniform(0.3, 30)
    noise = c.rng.normal(level, c.log_uniform(0.3, 12), (c.size, c.size, 3))
    if c.chance(0.4):
        noise = noise.mean(axis=2, keepdims=True)
    if c.chance(0.3):
        noise = noise + c.rng.normal(0, c.uniform(0.5, 4), (c.size, 1, 1))
    if c.chance(0.3):
        x, y = (c.x + 1).cpu().numpy(), (c.y + 1).cpu().numpy()
        noise = noise + c.uniform(5, 60) * np.exp(-(x + y) / c.uniform(0.2, 1))[..., None]
    picture = np.broadcast_to(noise, (c.size, c.size, 3)).copy()
    for _ in range(int(c.rng.integers(0, 12))):
        picture[tuple(c.rng.integers(0, c.size, 2))] += c.uniform(0, 200)
    return picture.clip(0, 255).astype(np.uint8)


def _noise(canvas: Canvas) -> np.ndarray:
    """Return noise alone, of each pixel or coarser, in grey or in colour."""
    c = canvas
    side = max(4, round(c.size / c.log_uniform(1, 12)))
    noise = c.rng.normal(c.uniform(20, 230), c.log_uniform(4, 80), (side, side, 3))
    if c.chance(0.5):
        noise[:] = noise.mean(axis=2, keepdims=True)
    small = Image.fromarray(noise.clip(0, 255).astype(np.uint8))
    return np.asarray(small.resize((c.size, c.size), Image.Resampling.BICUBIC))


def _fog(canvas: Canvas) -> np.ndarray:
    """Return a colour that comes and goes softly, as of something far out of focus."""
    c = canvas
    ground, veil = np.array(any_colour(c), float), np.array(any_colour(c), float)
    proportion = gaussian_field(c, c.uniform(3.5, 5)).cpu().numpy()
    proportion = 1 / (1 + np.exp(-proportion.reshape(c.size, c.size, 1) * c.uniform(0.5, 2)))
    grain = c.rng.normal(0, c.uniform(0, 6), (c.size, c.size, 3))
    return (ground + (veil - ground) * proportion + grain).clip(0, 255).astype(np.uint8)
