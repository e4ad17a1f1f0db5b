"""Holds what every drawing starts from: an image plane, a random generator, a device."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from celestial.renderer.light.cutout import Cutout


@dataclass(frozen=True)
class Canvas:
    """A square picture to be drawn.

    Image-plane coordinates run from -1 to 1, x to the right and y up.

    Attributes:
        size: side, pixels.
        rng: the source of everything random in this picture.
        device: where its tensors lie.
        cutout: None: the picture is drawn as a camera takes it. Else the body is drawn without its
            sky, and the pixels that it covers are noted here.
    """

    size: int
    rng: np.random.Generator
    device: torch.device = torch.device("cpu")
    cutout: Cutout | None = None

    @property
    def pixel(self) -> float:
        """Side of a pixel in image-plane units."""
        return 2 / self.size

    @property
    def scale(self) -> float:
        """Factor on lengths in pixels that are given for a picture 128 pixels wide."""
        return self.size / 128

    @cached_property
    def axis(self) -> torch.Tensor:
        """Image-plane coordinates of the pixels' centres, float32 (size,), rising."""
        return (torch.arange(self.size, device=self.device) + 0.5) * self.pixel - 1

    @cached_property
    def x(self) -> torch.Tensor:
        """x of each pixel, float32 (size, size)."""
        return self.axis.expand(self.size, self.size)

    @cached_property
    def y(self) -> torch.Tensor:
        """y of each pixel, up, float32 (size, size)."""
        return -self.axis[:, None].expand(self.size, self.size)

    def dark(self) -> torch.Tensor:
        """Return an empty sky, float32 (3, size, size)."""
        return torch.zeros(3, self.size, self.size, device=self.device)

    def covers(self, coverage: torch.Tensor) -> None:
        """Note how much of each pixel the body fills, 0..1, float (size, size), in the cutout."""
        if self.cutout is not None:
            self.cutout.coverage = coverage

    def chance(self, probability: float) -> bool:
        """Return True with this probability."""
        return bool(self.rng.random() < probability)

    def uniform(self, low: float, high: float) -> float:
        """Return a number between low and high, all equally likely."""
        return float(self.rng.uniform(low, high))

    def log_uniform(self, low: float, high: float) -> float:
        """Return a number between low and high, all orders of magnitude equally likely."""
        return float(np.exp(self.rng.uniform(np.log(low), np.log(high))))

    def pick(self, weights: dict[str, float]) -> str:
        """Return one of the names, each as likely as its weight among the others."""
        proportions = np.array(list(weights.values()), float)
        return str(self.rng.choice(list(weights), p=proportions / proportions.sum()))

    def tensor(self, values) -> torch.Tensor:
        """Return values as a float32 tensor on the canvas's device."""
        return torch.as_tensor(np.asarray(values, np.float32), device=self.device)

    def planes(self, values) -> torch.Tensor:
        """Return a number for each plane of a tensor (n, h, w), float32 (n, 1, 1)."""
        return self.tensor(values)[:, None, None]

    def colour(self, *rgb: float) -> torch.Tensor:
        """Return a colour as light: sRGB 0..255 -> linear float32 (3, 1, 1).

        The curve is IEC 61966-2-1's (sRGB).
        """
        values = np.asarray(rgb, float) / 255
        linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
        return self.planes(linear)


def rotated(x: torch.Tensor, y: torch.Tensor,
            angle: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Return coordinates along and across an axis at this angle (radians) from the x axis."""
    cosine, sine = math.cos(angle), math.sin(angle)
    return x * cosine + y * sine, y * cosine - x * sine


def smoothstep(low: float, high: float, values: torch.Tensor) -> torch.Tensor:
    """Return 0 below low, 1 above high, and a smooth cubic between; high may be below low."""
    t = ((values - low) / (high - low)).clamp(0, 1)
    return t * t * (3 - 2 * t)


def mix(first: torch.Tensor, second: torch.Tensor, proportion: torch.Tensor | float
        ) -> torch.Tensor:
    """Return first where proportion is 0, second where it is 1."""
    return first + (second - first) * proportion
