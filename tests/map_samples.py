"""Tiny maps of bodies."""

from pathlib import Path

import numpy as np
from PIL import Image

from celestial.common.console import PLANETS
from celestial.renderer.maps.map_files import OTHERS, MapFile


def save_map(path: Path, light: np.ndarray) -> MapFile:
    """Write a map of linear light (rows, columns) or (rows, columns, 3), 0..1, as sRGB."""
    light = np.repeat(light[:, :, None], 3, 2) if light.ndim == 2 else light
    coded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    Image.fromarray(np.uint8(np.round(coded * 255))).save(path)
    return MapFile(path, path.stem, "map", len(light), str(path))


def save_maps(folder: Path) -> Path:
    """Write maps of every planet and a few other bodies, rings, clouds, and what is no map."""
    (folder / "deep" / "er").mkdir(parents=True)
    random = np.random.default_rng(5)
    for body in (*PLANETS, "sun", "titan", "phobos", "venus"):
        below = "deep/er" if body in OTHERS else "."
        save_map(folder / below / f"2k_{body}.png", random.random((32, 64, 3)))
    save_map(folder / "uranus_second.jpg", random.random((48, 96, 3)))
    save_map(folder / "earth_clouds.png", random.random((32, 64)))
    save_map(folder / "neptune_square.png", random.random((32, 32)))
    save_map(folder / "moon_normals.png", random.random((32, 64)))
    save_map(folder / "landscape.png", random.random((32, 64)))
    (folder / "uranus_broken.jpg").write_bytes(b"\xff\xd8 no picture")
    rings = np.full((2, 128, 4), 200, np.uint8)
    rings[:, 64:80, 3] = 0
    Image.fromarray(rings).save(folder / "saturn_rings.png")
    return folder
