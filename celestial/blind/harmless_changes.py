"""Changes of a picture that leave its content as it is: name -> function of (picture, random).

Pictures are uint8 (height, width, 3), about as large as the network's input; all lengths are
proportions of their longer side, so that a change is as strong for every network.
"""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageFilter

BLUR_SIGMA = 0.015  # standard deviation, proportion of the longer side
NOISE_SIGMA = 20.0  # standard deviation, grey levels
DARKER = 0.4  # times the brightness
QUALITY = 30  # of the JPEG

Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def _turn_30(picture: np.ndarray, random: np.random.Generator) -> np.ndarray:
    return np.array(Image.fromarray(picture).rotate(30, Image.Resampling.BICUBIC))


def _blur(picture: np.ndarray, random: np.random.Generator) -> np.ndarray:
    blur = ImageFilter.GaussianBlur(BLUR_SIGMA * max(picture.shape))
    return np.array(Image.fromarray(picture).filter(blur))


def _noise(picture: np.ndarray, random: np.random.Generator) -> np.ndarray:
    noisy = picture + random.normal(0, NOISE_SIGMA, picture.shape)
    return np.uint8(np.clip(np.rint(noisy), 0, 255))


def _grey(picture: np.ndarray, random: np.random.Generator) -> np.ndarray:
    return np.array(Image.fromarray(picture).convert("L").convert("RGB"))


def _jpeg(picture: np.ndarray, random: np.random.Generator) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, format="JPEG", quality=QUALITY)
    return np.array(Image.open(file))


def _smaller(times: int) -> Change:
    def change(picture: np.ndarray, random: np.random.Generator) -> np.ndarray:
        image = Image.fromarray(picture)
        size = tuple(max(1, side // times) for side in image.size)
        return np.array(image.resize(size, Image.Resampling.LANCZOS))

    return change


CHANGES: dict[str, Change] = {
    "turned by 90°": lambda picture, random: np.ascontiguousarray(np.rot90(picture)),
    "turned by 180°": lambda picture, random: np.ascontiguousarray(np.rot90(picture, 2)),
    "turned by 30°": _turn_30,
    "mirrored": lambda picture, random: np.ascontiguousarray(picture[:, ::-1]),
    "blurred": _blur,
    "noisy": _noise,
    "darker": lambda picture, random: np.uint8(np.rint(DARKER * picture)),
    "monochrome": _grey,
    "JPEG 30": _jpeg,
    "half the size": _smaller(2),
    "a quarter of the size": _smaller(4),
}
