"""Files of cameras and of astronomers, damaged in hundreds of ways: a picture or one sentence."""

import zlib

import lz4.block
import numpy as np
import pytest
import zstandard
from camera_files import dng, mosaic, ser, xisf_by_hand
from conftest import draw

from celestial.pictures.decoder_pool import decode_all
from celestial.pictures.loader import load_image
from celestial.pictures.readers.types import ImageError

PICTURE = draw("saturn", 3)
LIGHT = np.uint16(PICTURE) * 200
PLANES = np.moveaxis(LIGHT, 2, 0).tobytes()
RGB = {"geometry": "48:48:3", "sampleFormat": "UInt16", "colorSpace": "RGB"}


def packed(codec: str, data: bytes) -> bytes:
    return xisf_by_hand(data, {**RGB, "compression": f"{codec}:{len(PLANES)}"})


FILES = {
    "ser": ser(np.stack([PICTURE] * 4), 100, seconds=range(4)),
    "deep ser": ser(np.stack([LIGHT[..., 0]] * 3), 8, depth=16),
    "xisf": xisf_by_hand(PLANES, RGB), "zlib": packed("zlib", zlib.compress(PLANES)),
    "lz4": packed("lz4", lz4.block.compress(PLANES, store_size=False)),
    "zstd": packed("zstd", zstandard.compress(PLANES)),
    "dng": dng(mosaic(LIGHT)), "linear dng": dng(LIGHT)}


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_no_damage_ends_otherwise(name, tmp_path):
    random = np.random.default_rng(1)
    data, paths = FILES[name], []
    for number in range(200):
        broken = bytearray(data[:random.integers(1, len(data))] if number % 3 == 0 else data)
        head = min(len(broken), 700 if number % 2 else len(broken))
        for place in random.integers(0, head, random.integers(0, 8)):
            broken[place] = random.integers(256)
        paths.append(tmp_path / str(number))
        paths[-1].write_bytes(broken)
    pictures = 0
    for _, found in decode_all(load_image, paths, 2):
        if isinstance(found, ImageError):
            words = str(found)
            assert words and "\n" not in words and len(words) < 260 and "crashes" not in words
        else:
            pictures += 1
            assert found.dtype == np.uint8 and found.ndim == 3 and found.shape[2] == 3
    assert 0 < pictures < len(paths)
