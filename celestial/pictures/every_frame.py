"""Lists the frames of recordings that were taken every so many seconds."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path

from celestial.common.console import UserError
from celestial.common.file_names import display_name
from celestial.pictures.decoder_pool import decode_all
from celestial.pictures.loader import HEAD, open_source
from celestial.pictures.readers.recordings import frames, moments
from celestial.pictures.readers.types import ImageError, Request
from celestial.pictures.stretch import USUAL


def list_frames(paths: Iterable[Path], every: float, workers: int) -> list[Path]:
    """Return files, each recording among them replaced by its frames: see `moments_of`.

    Args:
        paths: the files.
        every: seconds.
        workers: processes that look into them.
    """
    looked_at = decode_all(partial(moments_of, every=every), paths, workers)
    return [frame for path, found in looked_at
            for frame in ([path] if isinstance(found, ImageError) else found)]


def moments_of(path: Path, every: float) -> list[Path]:
    """Return a path for the frame of a recording at every so many seconds, as the loader reads it.

    A file that is no recording, or that cannot be read, stays as it is. One whose frames have no
    times has one path, which the loader refuses for that reason.

    Raises:
        UserError: there would be far too many.
    """
    try:
        with open_source(path) as file:
            head = file.read(HEAD)
            if not frames.is_recording(head):
                return [path]
            recording = frames.open_recording(file, head, Request(path.stat().st_size, None, USUAL))
            return [moments.named(path, seconds) for seconds in moments.times(recording, every)]
    except moments.TooLong as error:
        raise UserError(f"{display_name(path)}: {error}; choose a larger --every") from error
    except (ImageError, OSError):
        return [path]  # the loader will say why
