"""Cleans a picture before a network sees it: noise, the colours' balance, faint light."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from celestial.common.console import STRETCHES
from celestial.pictures.stretch import USUAL

BLACK, WHITE = 0.5, 99.5  # percentiles that become black and white
LEAST_NOISE = 1.0  # grey levels; rounding alone makes as much
MOST_NOISE = 40.0  # grey levels; stronger differences are taken for detail
PATCH, SEARCHED = 5, 15  # pixels, sides of the areas compared and of the area searched for them


@dataclass(frozen=True)
class Cleaning:
    """What is done to a picture once it has the network's size; a checkpoint remembers it.

    Attributes:
        denoise: non-local means as strong as the picture's own noise (Buades, Coll and Morel, "A
            non-local algorithm for image denoising", 2005).
        normalise: each channel by itself runs from black to white, which removes a colour cast,
            but also the colour of a picture that has only one.
        stretch: all channels together run from black to white: "percentile" evenly, "asinh" with
            what is faint lifted, as `stretch.Stretch` does; "none".
    """

    denoise: bool = False
    normalise: bool = False
    stretch: str = STRETCHES[0]

    @property
    def active(self) -> bool:
        """Say whether anything is done at all."""
        return self != Cleaning()

    def and_also(self, other: "Cleaning") -> "Cleaning":
        """Return a cleaning that does what this or another one does; the other's stretch wins."""
        return Cleaning(self.denoise or other.denoise, self.normalise or other.normalise,
                        self.stretch if other.stretch == STRETCHES[0] else other.stretch)

    def apply(self, picture: np.ndarray) -> np.ndarray:
        """Clean a picture, uint8 (height, width, 3); one without contrast stays as it is."""
        if self.denoise:
            picture = denoised(picture)
        if self.normalise:
            picture = np.stack([_between_percentiles(channel, float)
                                for channel in np.moveaxis(picture, 2, 0)], axis=2)
        if self.stretch != STRETCHES[0]:
            picture = _between_percentiles(picture, _asinh if self.stretch == "asinh" else float)
        return picture


def denoised(picture: np.ndarray) -> np.ndarray:
    """Return the picture without noise: uint8 (height, width, 3), the same shape."""
    import cv2  # imported here, so that the processes that decode start without it

    strength = min(noise_of(picture), MOST_NOISE)
    if strength < LEAST_NOISE:
        return picture
    return cv2.fastNlMeansDenoisingColored(np.ascontiguousarray(picture), None, strength, strength,
                                           PATCH, SEARCHED)


def noise_of(picture: np.ndarray) -> float:
    """Return the standard deviation of a picture's noise, grey levels.

    The picture is convolved with a kernel that is zero on planes and ramps: Immerkaer, "Fast noise
    variance estimation", 1996. The median of the results takes the place of their mean, because
    stars and edges do not raise it.

    Args:
        picture: uint8 (height, width, 3).
    """
    import cv2

    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    answers = np.abs(cv2.filter2D(picture.astype(np.float32), -1, kernel))
    shown = picture.max(axis=2) > 0  # black sky that was clipped holds no noise
    return float(1.4826 * np.median(answers[shown]) / 6) if shown.any() else 0.0


def _between_percentiles(values: np.ndarray, curve: Callable[[float], float]) -> np.ndarray:
    """Let uint8 values run from black to white along a curve from 0..1 to 0..1."""
    black, white = np.percentile(values, (BLACK, WHITE))
    if white <= black:
        return values
    proportions = np.clip((np.arange(256) - black) / (white - black), 0, 1)
    table = np.array([round(255 * curve(proportion)) for proportion in proportions], np.uint8)
    return table[values]


def _asinh(proportion: float) -> float:
    """Return AsinhStretch's value of 0..1 (Lupton et al. 2004, PASP 116, 133)."""
    return float(np.arcsinh(proportion / USUAL.softening) / np.arcsinh(1 / USUAL.softening))
