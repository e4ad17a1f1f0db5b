"""Lists the frames of recordings that were taken every so many seconds."""

from itertools import islice
from pathlib import Path

from celestial.pictures.loader import HEAD, open_source
from celestial.pictures.readers.recordings import frames, moments
from celestial.pictures.readers.types import ImageError, Request
from celestial.pictures.stretch import USUAL

MOST = 100_000  # frames of one recording


def moments_of(path: Path, every: float) -> list[Path]:
    """Return a path for the frame of a recording at every so many seconds, as the loader reads it.

    A file that is no recording, or that cannot be read, stays as it is. One whose frames have no
    times has one path, which the loader refuses for that reason.

    Raises:
        ImageError: there are more than `MOST`.
    """
    try:
        with open_source(path) as file:
            head = file.read(HEAD)
            if not frames.is_recording(head):
                return [path]
            recording = frames.open_recording(file, head, Request(path.stat().st_size, None, USUAL))
            found = [moments.named(path, seconds)
                     for seconds in islice(moments.times(recording, every), MOST + 1)]
    except (ImageError, OSError):
        return [path]  # the loader will say why
    if len(found) > MOST:
        raise ImageError(f"more than {MOST:,} frames")
    return found
