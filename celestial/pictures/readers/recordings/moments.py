"""Names the frames of a recording by the time at which they were taken."""

import re
from collections.abc import Iterator
from pathlib import Path

from celestial.pictures.readers.recordings.frames import Recording
from celestial.pictures.readers.types import ImageError

MOST_STEPS = 100_000  # of one recording
# As Media Fragments URI 1.0 (W3C), 4.2.1 has it: seconds since the first frame.
MOMENT = re.compile(r"(.+)#t=(\d+(?:\.\d+)?)", re.DOTALL)


class TooLong(ImageError):
    """A recording with more times than anybody wants rows."""


def split(path: Path) -> tuple[Path, float | None]:
    """Return the file that a path means and, where it names a frame of it, the seconds.

    `night.ser#t=12.0` is the frame of night.ser at 12 s, unless a file has that very name.
    """
    found = MOMENT.fullmatch(path.name)
    if found is None or path.exists():
        return path, None
    return path.with_name(found[1]), float(found[2])


def named(path: Path, seconds: float) -> Path:
    """Return the path that `split` splits."""
    return path.with_name(f"{path.name}#t={seconds}")


def times(recording: Recording, every: float) -> Iterator[float]:
    """Yield every so many seconds, to the millisecond, where another frame is shown.

    It is 0.0 alone where the frames have no times.

    Raises:
        TooLong: the recording is longer than `MOST_STEPS` times as many seconds.
    """
    last = None
    for step in range(MOST_STEPS):
        seconds = round(step * float(every), 3)
        number = recording.number_at(seconds)
        if number is None:
            yield seconds
            return
        if number >= recording.count and step:
            return
        if number != last:
            yield seconds
        last = number
    raise TooLong(f"longer than {MOST_STEPS:,} times {every:g} s")
