"""Reads frames of a video (AVI, MP4, MOV) with FFmpeg, through OpenCV."""

import io
import math
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import numpy as np

from celestial.pictures.readers.mosaics import read_planes
from celestial.pictures.readers.types import Decoded, ImageError, Request, three_channels
from celestial.pictures.stretch import by_depth

# To show one frame FFmpeg begins at the last whole one before it, and OpenCV 16 frames earlier; so
# many frames it decodes for one on average, where whole ones come every second of 30 frames.
DECODED_FOR_ONE = 32
MOST_DECODED = 1_000_000_000  # pixels of all frames that are decoded; MPEG-4 on one core: 3 s


class Video:
    """An open video; see `frames.Recording`."""

    note = ""

    def __init__(self, file: BinaryIO, request: Request):
        """Open it.

        FFmpeg reads this file alone, and not by its name: so no video makes it open another.

        Args:
            file: seekable, of any size.
            request: what is wanted.

        Raises:
            ImageError: FFmpeg does not know it, or its frames are too large.
        """
        import cv2

        if not cv2.videoio_registry.hasBackend(cv2.CAP_FFMPEG):
            raise ImageError("a video, and this OpenCV was built without FFmpeg, which reads it")
        file.seek(0)
        self._file = _Stream(file)  # kept, because OpenCV reads from it later
        # One thread, because frames that are decoded at once would take the memory of a worker.
        self._capture = cv2.VideoCapture(self._file, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
        self._size = tuple(int(self._capture.get(wanted)) for wanted in (
            cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
        if not self._capture.isOpened() or min(self._size) < 1:
            raise ImageError("a video without a readable frame")
        request.require_sane(*self._size, 3)
        self.count = max(1, int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT)))
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        self.rate = rate if 0 < rate < math.inf else None
        self._next: float = 0  # number of the frame that comes next; inf: unknown

    def most_frames(self) -> int:
        """See `Recording`: all are looked at where the whole video can be decoded in time."""
        decoded = MOST_DECODED // (self._size[0] * self._size[1])
        return self.count if self.count <= decoded else max(1, decoded // DECODED_FOR_ONE)

    def frames(self, numbers: Sequence[int]) -> Iterator[tuple[int, np.ndarray]]:
        """Yield frames, upright: uint8 (height, width, 3), BGR; those that cannot be read are left
        out.
        """
        import cv2

        for number in numbers:
            if 0 <= number - self._next < DECODED_FOR_ONE:  # faster than to seek
                while self._next < number and self._capture.grab():
                    self._next += 1
            if self._next != number:
                self._capture.set(cv2.CAP_PROP_POS_FRAMES, number)
            came, frame = self._capture.read()
            self._next = number + 1 if came else math.inf
            if came:
                yield number, frame

    def grey(self, frame: np.ndarray) -> np.ndarray:
        """See `Recording`."""
        import cv2

        return cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)

    def number_at(self, seconds: float) -> int | None:
        """See `Recording`."""
        return int(seconds * self.rate + 1e-6) if self.rate else None

    def shown(self, frame: np.ndarray, request: Request) -> Decoded:
        """Return a frame as a picture; its colours are taken for sRGB."""
        rows, columns = frame.shape[:2]
        values = read_planes(lambda plane, part: frame[part, :, 2 - plane], frame.shape,
                             request.factor(columns, rows))
        return Decoded(three_channels(by_depth(values, 255)), columns, rows)


class _Stream(io.BufferedIOBase):
    """The file as OpenCV wants it, which asks for this base and crashes where an error is raised.

    A damaged video makes FFmpeg seek to places that no file has.
    """

    def __init__(self, file: BinaryIO):
        self._file = file

    def read(self, size: int = -1) -> bytes:
        """Return what is there, nothing where it cannot be read."""
        try:
            return self._file.read(size)
        except (OSError, ValueError, OverflowError):
            return b""

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Return the new place; -1, which FFmpeg takes for an error, where there is none such."""
        try:
            return self._file.seek(offset, whence)
        except (OSError, ValueError, OverflowError):
            return -1
