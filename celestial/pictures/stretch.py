"""Turns deep pictures into 8 bits a channel, by one rule that the checkpoint remembers."""

from dataclasses import dataclass

import numpy as np

from celestial.pictures.borders import border_of, with_seam

DEPTHS = (255.0, 65535.0)  # white in whole numbers of 8 and of 16 bits
ROWS = 1024  # rows scaled at once
FILLS = 0.25  # proportion of the range up to white; data that span more are shown as they are


@dataclass(frozen=True)
class Stretch:
    """The rule for data that do not say what white is: FITS frames, float and 32-bit TIFF.

    Raw files of cameras and XISF say that they are linear: these are always stretched.

    Most of these are linear: as many counts as photons, so that all but a few stars is next to
    black. They are stretched as astropy.visualization does it: what lies between two percentiles
    becomes 0..1, and `AsinhStretch` (Lupton et al. 2004, PASP 116, 133) lifts what is faint.

    Some were stretched before they were saved. If their values between the two percentiles span a
    quarter of the range up to white or more, they are shown as they are. White is the smallest of
    1 (floats alone), 255 and 65535 that no value exceeds.

    Data of whole numbers of up to 16 bits in formats made for looking (PNG, PGM, JPEG 2000, TIFF)
    and 8-bit FITS declare their white by their depth and are never stretched.

    Attributes:
        black: percentile of each channel that becomes 0, which takes away the sky's colour.
        white: percentile of all channels that becomes 255.
        softening: `a` of AsinhStretch; below this proportion of white the stretch is nearly linear.
    """

    black: float = 0.5
    white: float = 99.8
    softening: float = 0.1

    def to_8_bits(self, values: np.ndarray, linear: bool = False) -> np.ndarray:
        """Apply the rule: numbers of any kind (height, width, channels) -> uint8, same shape.

        What is not a finite number is black, and so is data of one value only. The empty border
        of a frame (`borders.border_of`) counts in no percentile, and is black in linear data.

        Args:
            values: the data.
            linear: whether they are known to be linear, so that they are stretched whatever they
                span: one scene is one picture at every exposure.
        """
        values = values.astype(np.float32)
        values[~np.isfinite(values)] = np.nan
        empty, counted = _empty_and_counted(values)
        if not counted.any():
            return np.zeros(values.shape, np.uint8)
        blacks = [np.percentile(channel[usable], self.black) if usable.any() else 0.0
                  for channel, usable in zip(_channels(values), _channels(counted), strict=True)]
        brightest = float(np.percentile(values[counted], self.white))
        depth = None if linear else _white_of(values[counted])
        if depth is not None and brightest - min(blacks) >= FILLS * depth:
            return by_depth(np.nan_to_num(values, copy=False), depth)
        values[empty] = np.nan
        return self._asinh(values, blacks, brightest)

    def _asinh(self, values: np.ndarray, blacks: list[float], brightest: float) -> np.ndarray:
        from astropy.visualization import AsinhStretch, ManualInterval

        curve = AsinhStretch(self.softening)
        shown = np.zeros(values.shape, np.uint8)
        for number, black in enumerate(blacks):
            if brightest > black:
                scaled = ManualInterval(black, brightest)(values[..., number])
                shown[..., number] = np.rint(255 * curve(np.nan_to_num(scaled, nan=0.0)))
        return shown


USUAL = Stretch()


def by_depth(values: np.ndarray, white: float) -> np.ndarray:
    """Scale 0..white to 0..255, rounded: numbers (height, ...) -> uint8. Nothing is stretched."""
    shown = np.empty(values.shape, np.uint8)
    for top in range(0, len(values), ROWS):  # a large picture of floats would take gigabytes
        strip = np.clip(values[top:top + ROWS] / np.float32(white), 0, 1)
        shown[top:top + ROWS] = np.rint(strip * 255)
    return shown


def _empty_and_counted(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Tell which values are no part of a frame, and which are well within it; bool, same shape."""
    empty = np.isnan(values)
    counted = ~empty
    for number, channel in enumerate(_channels(values)):
        border = border_of(channel)
        if border is not None:
            empty[..., number] |= border
            counted[..., number] &= ~with_seam(border)
    return empty, counted


def _channels(values: np.ndarray) -> np.ndarray:
    return np.moveaxis(values, -1, 0)


def _white_of(values: np.ndarray) -> float | None:
    """Return the value of white if the values may be shown as they are; None where none fits."""
    highest = float(values.max())
    if float(values.min()) < -0.01 * highest:
        return None
    whole = not np.any(values % 1)
    depths = DEPTHS if whole else (1.0, *DEPTHS)
    return next((depth for depth in depths if depth >= highest), None)
