"""Chooses the frame of a recording that is the picture."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import BinaryIO, Protocol

import numpy as np

from celestial.pictures.readers import brands
from celestial.pictures.readers.types import Decoded, ImageError, Request

MOST_FRAMES = 64  # that are looked at
FEW = 0.1  # proportion of unreadable frames that is passed over: videos tell a few too many
SER = b"LUCAM-RECORDER"


class Recording(Protocol):
    """A file of many frames.

    Attributes:
        count: of its frames.
        note: what the user should know of the file, else empty.
    """

    count: int
    note: str

    def most_frames(self) -> int:
        """Return how many frames may be looked at within the time that a file has."""

    def frames(self, numbers: Sequence[int]) -> Iterator[tuple[int, np.ndarray]]:
        """Yield the number and the frame of those that can be read; the numbers rise."""

    def grey(self, frame: np.ndarray) -> np.ndarray:
        """Return the light of a frame, (height, width), uint8 or uint16, without its colours."""

    def number_at(self, seconds: float) -> int | None:
        """Return the frame that is shown at a time after the first one; None: it has no times."""

    def shown(self, frame: np.ndarray, request: Request) -> Decoded:
        """Return a frame as a picture."""


def is_recording(head: bytes) -> bool:
    """Tell a recording by the first bytes of its file."""
    return head.startswith(SER) or brands.kind_of(head) == brands.VIDEO


def open_recording(file: BinaryIO, head: bytes, request: Request) -> Recording:
    """Open what `is_recording` has told.

    Raises:
        ImageError: the file is damaged, or without a frame.
    """
    if head.startswith(SER):
        from celestial.pictures.readers.recordings.ser import Ser as Opened
    else:
        from celestial.pictures.readers.recordings.video import Video as Opened
    return Opened(file, request)


def read(recording: Recording, request: Request) -> Decoded:
    """Return the sharpest of at most `MOST_FRAMES` evenly spaced frames, or the one at a time.

    The note says which frame it is.

    Raises:
        ImageError: no frame can be read, or there is none at the time that is wanted.
    """
    number, frame, note = (_sharpest(recording) if request.at is None
                           else _at(recording, request.at))
    decoded = recording.shown(frame, request)
    notes = filter(None, [f"frame {number + 1} of {recording.count}, {note}", recording.note])
    return replace(decoded, note="; ".join(notes))


def _sharpest(recording: Recording) -> tuple[int, np.ndarray, str]:
    """Return number and pixels of the sharpest frame, and how many frames were compared.

    Sharp is what has the largest variance of its Laplacian (Pech-Pacheco et al. 2000, ICPR 3, 314).
    """
    best, most, compared = None, -1.0, 0
    wanted = evenly_spaced(recording.count, min(MOST_FRAMES, recording.most_frames()))
    for number, frame in recording.frames(wanted):
        compared += 1
        if (found := sharpness(recording.grey(frame))) > most:
            best, most = (number, frame), found
    if best is None:
        raise ImageError("a video without a readable frame")
    lost = len(wanted) - compared
    unread = f"; {lost} others cannot be read" if lost > FEW * len(wanted) else ""
    return *best, f"the sharpest of {compared}{unread}"


def evenly_spaced(count: int, most: int) -> list[int]:
    """Return numbers of at most `most` of `count` frames, the first and the last among them."""
    return sorted({round(place) for place in np.linspace(0, count - 1, max(1, min(count, most)))})


def sharpness(grey: np.ndarray) -> float:
    """Return the variance of the Laplacian of (height, width), uint8 or uint16."""
    import cv2

    _, deviation = cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_32F))
    return float(deviation[0, 0]) ** 2


def _at(recording: Recording, seconds: float) -> tuple[int, np.ndarray, str]:
    number = recording.number_at(seconds)
    if number is None:
        raise ImageError("its frames have no times, which --every needs")
    if number >= recording.count:
        raise ImageError(f"it ends before {seconds:g} s")
    for found in recording.frames([number]):
        return *found, f"at {seconds:g} s"
    raise ImageError(f"its frame at {seconds:g} s cannot be read")
