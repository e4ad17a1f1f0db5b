"""Turns a file into the network's input: the one preprocessing, the same in every script.

torch is imported only when a batch is normalised, so that the processes that decode start quickly
and stay small.
"""

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image

from celestial.pictures.cleaning import Cleaning
from celestial.pictures.loader import decode, display_copy
from celestial.pictures.readers.types import Decoded
from celestial.pictures.stretch import Stretch

if TYPE_CHECKING:
    import torch

# Mean and standard deviation of ImageNet's pictures (torchvision's own constants): the backbones'
# weights expect them.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
WHITE_PERCENTILE = 99.5  # of the pixels' brightest channels, so that single hot pixels do not count
FITS = ("pad", "crop")
RESAMPLING = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
SHOWN_SIDE = 340  # pixels of a picture on a card; files are decoded at least as large


@dataclass(frozen=True)
class Preprocessing:
    """How a picture becomes the network's input; stored in the checkpoint, the same everywhere.

    Attributes:
        size: side of the square input, pixels.
        fit: "pad": the longest side becomes `size`, black fills the rest; nothing is squashed
            or cut off, because the shape of a disc or a ring is evidence. "crop": the shorter
            side becomes `cropped_from` pixels and the middle is cut out, as with torchvision's
            own weights.
        mean, std: of the channels R, G, B on a scale of 0..1.
        largest_gain: a dark picture is brightened, by this factor at most, until its
            `WHITE_PERCENTILE` is white; 1: never.
        stretch: how data of undeclared depth, FITS above all, become 8 bits.
        cleaning: what else is done to each picture.
        cropped_from: see `fit`; 0 where it pads.
        resampling: one of `RESAMPLING`.
    """

    size: int
    fit: str = "pad"
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    largest_gain: float = 4.0
    stretch: Stretch = field(default_factory=Stretch)
    cleaning: Cleaning = field(default_factory=Cleaning)
    cropped_from: int = 0
    resampling: str = "bilinear"

    def decode(self, source: Path | bytes) -> Decoded:
        """Decode a file, or the bytes of one, large enough for the network and for showing.

        Raises:
            ImageError: the reason why the file cannot be used.
        """
        # A crop is scaled by the shorter side, which is not known yet: so decode the whole picture.
        at_least = max(self.size, SHOWN_SIDE) if self.fit == "pad" else None
        return decode(source, at_least, self.stretch)

    def load(self, source: Path | bytes) -> np.ndarray:
        """Return the picture alone, uint8 (height, width, 3): see `decode`."""
        return self.decode(source).picture

    def square(self, picture: np.ndarray) -> np.ndarray:
        """Fit a picture into the square: uint8 (height, width, 3) -> uint8 (3, size, size)."""
        fitted = self._crop(picture) if self.fit == "crop" else self._shrink(picture)
        fitted = self._expose(self.cleaning.apply(fitted))
        height, width = fitted.shape[:2]
        top, left = (self.size - height) // 2, (self.size - width) // 2
        square = np.zeros((3, self.size, self.size), np.uint8)
        square[:, top:top + height, left:left + width] = fitted.transpose(2, 0, 1)
        return square

    def _shrink(self, picture: np.ndarray) -> np.ndarray:
        """Give the longest side the length `size`."""
        height, width = picture.shape[:2]
        scale = self.size / max(height, width)
        new = max(1, round(width * scale)), max(1, round(height * scale))
        return np.asarray(Image.fromarray(picture).resize(new, RESAMPLING[self.resampling]))

    def _crop(self, picture: np.ndarray) -> np.ndarray:
        """Give the shorter side the length `cropped_from`, and cut `size` out of the middle."""
        height, width = picture.shape[:2]
        shorter = min(height, width)
        new = int(self.cropped_from * width / shorter), int(self.cropped_from * height / shorter)
        top, left = round((new[1] - self.size) / 2), round((new[0] - self.size) / 2)
        resized = Image.fromarray(picture).resize(new, RESAMPLING[self.resampling])
        return np.asarray(resized.crop((left, top, left + self.size, top + self.size)))

    def _expose(self, picture: np.ndarray) -> np.ndarray:
        """Brighten a dark picture; the colours keep their ratios where nothing becomes white."""
        if self.largest_gain <= 1:
            return picture
        red, green, blue = np.moveaxis(picture, 2, 0)
        brightest = percentile(np.maximum(np.maximum(red, green), blue), WHITE_PERCENTILE)
        gain = min(self.largest_gain, 255 / max(brightest, 1.0))
        if gain <= 1:
            return picture
        return np.clip(np.rint(picture * np.float32(gain)), 0, 255).astype(np.uint8)

    def normalise(self, batch: "torch.Tensor") -> "torch.Tensor":
        """Scale a batch (N, 3, size, size) by the mean and standard deviation of each channel.

        uint8, or float32 0..1 -> float32, channels last in memory.
        """
        import torch

        white = 255 if batch.dtype == torch.uint8 else 1
        mean, std = (torch.tensor(values, device=batch.device)[:, None, None] * white
                     for values in (self.mean, self.std))
        return batch.to(torch.float32, memory_format=torch.channels_last).sub(mean).div_(std)

    def cleaned(self, cleaning: Cleaning) -> "Preprocessing":
        """Return this preprocessing with another cleaning added."""
        return replace(self, cleaning=self.cleaning.and_also(cleaning))

    def to_dict(self) -> dict:
        """Return plain values for the checkpoint."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict) -> "Preprocessing":
        """Read what `to_dict` wrote."""
        return cls(int(values["size"]), str(values["fit"]), tuple(values["mean"]),
                   tuple(values["std"]), float(values.get("largest_gain", 1.0)),
                   Stretch(**values.get("stretch", {})), Cleaning(**values.get("cleaning", {})),
                   int(values.get("cropped_from", 0)), str(values.get("resampling", "bilinear")))


def as_picture(square: np.ndarray) -> np.ndarray:
    """Turn the network's input, uint8 (3, size, size), into a picture (size, size, 3)."""
    return np.ascontiguousarray(square.transpose(1, 2, 0))


def percentile(values: np.ndarray, percent: float) -> float:
    """Return numpy.percentile of uint8 values, faster: counting them needs no sorting."""
    below = np.cumsum(np.bincount(values.ravel(), minlength=256))
    place = percent / 100 * (below[-1] - 1)
    lower, upper = np.searchsorted(below, (np.floor(place), np.ceil(place)), side="right")
    return float(lower + (upper - lower) * (place % 1))


class Input(NamedTuple):
    """What a readable file becomes.

    Attributes:
        square: for the network, uint8 (3, size, size).
        picture: a copy for showing, uint8 (height, width, 3), where it is wanted.
        note: see `Decoded.note`.
    """

    square: np.ndarray
    picture: np.ndarray | None
    note: str


def prepare(preprocessing: Preprocessing, source: Path | bytes,
            keep_picture: bool = False) -> Input:
    """Decode a file for the network and, where it is wanted, for showing.

    Raises:
        ImageError: the reason why the file cannot be used.
    """
    decoded = preprocessing.decode(source)
    shown = display_copy(decoded.picture, SHOWN_SIDE) if keep_picture else None
    return Input(preprocessing.square(decoded.picture), shown, decoded.note)
