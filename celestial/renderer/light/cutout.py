"""Cuts a body out of its picture: the pixels that it covers, and its light without the sky's."""

from dataclasses import dataclass

import numpy as np
import torch

SOLID = 0.35  # sRGB light beside the disc from which rings or a corona are opaque (by eye)
DARK_SKY = 0.02  # linear; a picture with a brighter border shows a sky, which is left out


@dataclass
class Cutout:
    """A request to draw the body alone, in which the drawing notes the pixels that it covers.

    Attributes:
        rng: decides how the picture is shown; it is not the drawing's own generator.
        clean: the picture has no camera's noise, as three-dimensional programs render.
        coverage: how much of each pixel the globe fills, 0..1, float (size, size); None before a
            globe is drawn, and where there is none.
        alpha: coverage by the globe, its rings, moons and air, as blurred as the picture; None
            without a globe.
    """

    rng: np.random.Generator
    clean: bool = False
    coverage: torch.Tensor | None = None
    alpha: torch.Tensor | None = None

    def forget(self) -> None:
        """Drop the notes of a drawing that is drawn again."""
        self.coverage = self.alpha = None

    def matte(self, light: torch.Tensor) -> torch.Tensor | None:
        """Return each pixel's opacity, 0..1, float (size, size): the disc and the light beside it.

        Args:
            light: of the picture on a black sky, linear (3, size, size), at exposure 1.
        """
        if self.coverage is None:
            return None
        border = torch.cat([light[:, 0], light[:, -1], light[:, :, 0], light[:, :, -1]], 1)
        if float(border.amax(0).median()) > DARK_SKY and float(self.coverage.mean()) < 0.6:
            return self.coverage
        shining = (light.amax(0).clamp(min=0) ** (1 / 2.2) / SOLID).clamp(max=1)
        # A pixel at the limb shines with the disc's light, so its neighbours tell what is behind.
        shining = torch.where(self.coverage > 0, 0.0, shining)
        beside = torch.nn.functional.max_pool2d(shining[None], 3, 1, 1)[0]
        shining = torch.where(self.coverage > 0, beside, shining)
        return self.coverage + (1 - self.coverage) * shining
