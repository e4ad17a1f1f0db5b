"""From a picture to the network's input: the one preprocessing, the same in every script."""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torchvision.transforms.v2 import functional

from celestial.images import load_image

# Mean and standard deviation of ImageNet's pictures (torchvision's own constants): the backbones'
# weights expect them.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
WHITE_PERCENTILE = 99.5  # of a picture's brightest channel: single hot pixels do not count
SHOWN_SIDE = 340  # pixels; what is decoded for the network is good enough for a card as well


@dataclass(frozen=True)
class Preprocessing:
    """How a picture becomes the network's input; stored in the checkpoint, the same everywhere.

    Attributes:
        size: side of the square input, pixels.
        fit: "pad": the longest side becomes `size`, black fills the rest; nothing is squashed
            or cut off, because the shape of a disc or a ring is evidence.
        mean, std: of the channels R, G, B on a scale of 0..1.
        largest_gain: a dark picture is brightened, by this factor at most, until its
            `WHITE_PERCENTILE` is white; 1: never.
    """

    size: int
    fit: str = "pad"
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    largest_gain: float = 4.0

    def load(self, path: Path) -> np.ndarray:
        """Decode a file for the network and for showing: uint8 (height, width, 3).

        Raises:
            ImageError: the reason why the file cannot be used.
        """
        return load_image(path, at_least=max(self.size, SHOWN_SIDE))

    def square(self, picture: np.ndarray) -> torch.Tensor:
        """Fit a picture into the square: uint8 (height, width, 3) -> uint8 (3, size, size)."""
        height, width = picture.shape[:2]
        scale = self.size / max(height, width)
        new_height = max(1, round(height * scale))
        new_width = max(1, round(width * scale))
        tensor = torch.from_numpy(picture).permute(2, 0, 1)
        tensor = functional.resize(tensor, [new_height, new_width], antialias=True)
        tensor = self._expose(tensor)
        top, left = (self.size - new_height) // 2, (self.size - new_width) // 2
        return functional.pad(tensor, [left, top, self.size - new_width - left,
                                       self.size - new_height - top])

    def _expose(self, picture: torch.Tensor) -> torch.Tensor:
        """Brighten a dark picture; the colours keep their ratios where nothing becomes white."""
        if self.largest_gain <= 1:
            return picture
        brightest = np.percentile(picture.amax(dim=0).numpy(), WHITE_PERCENTILE)
        gain = min(self.largest_gain, 255 / max(brightest, 1.0))
        return picture if gain <= 1 else (picture * gain).round().clamp(0, 255).to(torch.uint8)

    def normalise(self, batch: torch.Tensor) -> torch.Tensor:
        """Scale a batch: uint8 (N, 3, size, size) -> float32, channels last in memory."""
        scaled = functional.to_dtype(batch, torch.float32, scale=True)
        scaled = functional.normalize(scaled, list(self.mean), list(self.std))
        return scaled.to(memory_format=torch.channels_last)

    def to_dict(self) -> dict:
        """Return plain values for the checkpoint."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict) -> "Preprocessing":
        """Read what `to_dict` wrote."""
        return cls(int(values["size"]), str(values["fit"]), tuple(values["mean"]),
                   tuple(values["std"]), float(values.get("largest_gain", 1.0)))
