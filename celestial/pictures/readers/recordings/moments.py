"""Names the frames of a recording by the time at which they were taken."""

import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from celestial.pictures.readers.recordings.frames import Recording

# As Media Fragments URI 1.0 (W3C), 4.2.1 has it: seconds since the first frame.
MOMENT = re.compile(r"(.+)#t=(\d+(?:\.\d+)?)", re.DOTALL)


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
    """Yield every so many seconds, to the millisecond, the first time of each frame; at least 0."""
    last = None
    for step in count():
        seconds = round(step * every, 3)
        number = recording.number_at(seconds)
        if number != last:
            if last is not None and number >= recording.count:
                return
            yield seconds
            if number is None:
                return
            last = number
