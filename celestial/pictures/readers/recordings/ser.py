"""Reads frames of a SER file (Lucam Recorder; SER format description, version 3)."""

import io
import struct
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import BinaryIO

import numpy as np

from celestial.pictures.readers.mosaics import pattern, read_planes
from celestial.pictures.readers.types import (
    Damaged,
    Decoded,
    ImageError,
    Request,
    three_channels,
)
from celestial.pictures.stretch import by_depth

HEADER = 178  # bytes; the numbers in it are little-endian, the frames follow it
NUMBERS = struct.Struct("<7i")
PLACE = 14  # of these numbers: LuID, ColorID, LittleEndian, width, height, depth, frames
TICKS = 10_000_000  # of a time, a second: 100 ns, counted from the year 1
SLACK = 0.0005  # s; times are named to the millisecond
MOST_TIMES = 10_000_000  # frames whose times are read
MOST_LOOKED_AT = 1_000_000_000  # samples of all frames together that are compared; some seconds
MONO, RGB, BGR = 0, 100, 101  # ColorID
FILTERS = {8: "RGGB", 9: "GRBG", 10: "GBRG", 11: "BGGR"}
INKS = {16: "CYYM", 17: "YCMY", 18: "YMCY", 19: "MYYC"}  # cyan, yellow, magenta filters
# From C, Y, M to red, green, blue: cyan is the mean of green and blue, yellow of red and green,
# magenta of red and blue, so that white is white.
FROM_INKS = np.float32([[-1, 1, 1], [1, 1, -1], [1, -1, 1]])
# The other order of bytes is taken where it makes a frame smoother by this factor. A wrong order
# makes noise of any scene; in one that is noise itself, both orders are alike.
SMOOTHER = 2
BAND = 128  # rows above and below the middle that are compared


class Ser:
    """An open SER file; see `frames.Recording`."""

    def __init__(self, file: BinaryIO, request: Request):
        """Read the header.

        Args:
            file: seekable, of any size.
            request: what is wanted.

        Raises:
            ImageError: it makes no sense, the frames are too large, or not one is whole.
        """
        self._file = file
        file.seek(0)
        header = file.read(HEADER)
        if len(header) < HEADER:
            raise Damaged("cut short: a SER video without a whole header")
        (_, self._colours, self._flag, self._width, self._height, self._depth,
         self._told) = NUMBERS.unpack_from(header, PLACE)
        if self._colours not in (MONO, RGB, BGR, *FILTERS, *INKS):
            raise ImageError(f"a SER video of unknown colours (ColorID {self._colours})")
        if min(self._width, self._height) < 1 or not 1 <= self._depth <= 16:
            raise Damaged(f"a SER video whose header makes no sense: {self._width} x "
                          f"{self._height} pixels of {self._depth} bits")
        request.require_sane(self._width, self._height, self._pixel_bytes)
        whole = (file.seek(0, io.SEEK_END) - HEADER) // self._frame_bytes
        self.count = min(self._told, whole) if self._told > 0 else whole
        if self.count < 1:
            raise Damaged("cut short: a SER video without a whole frame")

    @property
    def _planes(self) -> int:
        return 3 if self._colours in (RGB, BGR) else 1

    @property
    def _pixel_bytes(self) -> int:
        return self._planes * (1 if self._depth <= 8 else 2)

    @property
    def _frame_bytes(self) -> int:
        return self._width * self._height * self._pixel_bytes

    @property
    def note(self) -> str:
        """How many frames are missing at the end."""
        missing = self._told - self.count
        return f"the last {missing} of its {self._told} frames are missing" if missing > 0 else ""

    def most_frames(self) -> int:
        """See `Recording`."""
        return max(1, MOST_LOOKED_AT // (self._width * self._height * self._planes))

    def frames(self, numbers: Sequence[int]) -> Iterator[tuple[int, np.ndarray]]:
        """Yield frames as they are stored: uint8 or uint16 (height, width, planes)."""
        for number in numbers:
            raw = self._stored(number)
            yield number, self._as_samples(raw, "u1" if self._depth <= 8 else self._order + "u2")

    def _stored(self, number: int) -> bytes:
        self._file.seek(HEADER + number * self._frame_bytes)
        raw = self._file.read(self._frame_bytes)
        if len(raw) < self._frame_bytes:
            raise Damaged("cut short: a frame is incomplete")
        return raw

    def _as_samples(self, raw: bytes, kind: str) -> np.ndarray:
        return np.frombuffer(raw, kind).reshape(self._height, self._width, self._planes)

    @cached_property
    def _order(self) -> str:
        """The order of the bytes of a sample, "<" or ">".

        By the description LittleEndian is 1 for little-endian frames. The first programs took it
        for its contrary and most have followed them, not all: so 0 is taken for little-endian,
        unless the pixels of a frame contradict: they exceed its depth, or see `SMOOTHER`.
        """
        orders = "<>" if self._flag == 0 else "><"
        raw = self._stored(self.count // 2)
        told, other = (self._as_samples(raw, order + "u2") for order in orders)
        too_high = [bool(samples.max() >= 1 << self._depth) for samples in (told, other)]
        if too_high[0] != too_high[1]:
            return orders[too_high[0]]
        return orders[SMOOTHER * _roughness(other) < _roughness(told)]

    def grey(self, frame: np.ndarray) -> np.ndarray:
        """See `Recording`: one pixel of every four where there are colour filters."""
        import cv2

        frame = frame.astype(frame.dtype.newbyteorder("="))
        if self._planes == 3:
            return cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        frame = frame[..., 0]
        if self._colours == MONO or min(frame.shape) < 2:
            return frame
        half = self._width // 2, self._height // 2
        return cv2.resize(frame, half, interpolation=cv2.INTER_AREA)

    def number_at(self, seconds: float) -> int | None:
        """See `Recording`."""
        times = self._times
        if times is None:
            return None
        if seconds > times[-1] + SLACK:
            return self.count
        return int(np.searchsorted(times, seconds + SLACK, side="right")) - 1

    @cached_property
    def _times(self) -> np.ndarray | None:
        """Return seconds since the first frame, float64 (count,), rising; None: it has no times.

        They stand behind the last frame, if at all; some programs write zeros there.
        """
        if self.count < self._told or not 0 < self._told <= MOST_TIMES:
            return None
        self._file.seek(HEADER + self._told * self._frame_bytes)
        trailer = self._file.read(8 * self._told)
        if len(trailer) < 8 * self._told:
            return None
        ticks = np.frombuffer(trailer, "<i8")
        if ticks[0] <= 0 or ticks[-1] <= ticks[0]:
            return None
        return np.maximum.accumulate((ticks - ticks[0]) / TICKS)

    def shown(self, frame: np.ndarray, request: Request) -> Decoded:
        """Return a frame as a picture: colours taken apart, 8 bits as they are, deeper by the rule.

        Deeper samples are brought to 16 bits by their depth first, so that a frame that fills it is
        shown as it is.
        """
        name = {**FILTERS, **INKS}.get(self._colours)
        filters = None
        if name and min(self._width, self._height) > 1:
            filters = pattern(name, "RGB" if self._colours in FILTERS else "CYM")
        values = read_planes(lambda plane, rows: frame[rows, :, plane], frame.shape,
                             request.factor(self._width, self._height), filters)
        if self._colours == BGR:
            values = values[..., ::-1]
        if filters is not None and self._colours in INKS:
            values = np.clip(values @ FROM_INKS.T, 0, (1 << self._depth) - 1)
        if self._depth <= 8:
            shown = by_depth(values, (1 << self._depth) - 1)
        else:
            shown = request.stretch.to_8_bits(values * np.float32(1 << 16 - self._depth))
        return Decoded(three_channels(shown), self._width, self._height)


def _roughness(samples: np.ndarray) -> float:
    """Return the mean difference of pixels two columns apart, by the standard deviation.

    Two, because there the colour filter is the same. A band across the middle tells it.
    """
    middle = len(samples) // 2
    values = samples[max(0, middle - BAND):middle + BAND].astype(np.float32)
    deviation = float(values.std())
    differences = np.abs(values[:, 2:] - values[:, :-2])
    return float(differences.mean()) / deviation if deviation and differences.size else 0.0
