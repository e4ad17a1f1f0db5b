"""Gives a JPEG that breaks off an end (ITU-T T.81, annex B)."""

import io
import random
import re
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from PIL import Image, ImageChops

from celestial.pictures.readers.broken_off import Mended, require_enough
from celestial.pictures.readers.types import ImageError, Request

MAGIC = b"\xff\xd8\xff"
END = b"\xff\xd9"
MARKER = re.compile(rb"\xff([\x02-\xcf\xd8-\xfe])")  # not stuffed zeros, fill bytes, restarts
FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
PROGRESSIVE = (0xC2, 0xC6, 0xCA, 0xCE)
SCAN = 0xDA
MANY = 4_000_000  # pixels; a larger picture is compared at half its size, which is twice as fast
HUGE = 40_000_000  # pixels; for a larger picture one continuation is tried: each takes seconds
# Random data put behind the break: rows that depend on them are not the picture's.
CONTINUATIONS = [bytes(generator.randrange(255) for _ in range(4096))  # no 255, which is a marker
                 for generator in map(random.Random, range(3))]


class Segment(NamedTuple):
    """A marker, where it stands, and what it says."""

    marker: int
    place: int
    content: bytes


def mend(file: BinaryIO, request: Request) -> Mended | None:
    """Add an end to a JPEG that breaks off; its decoder then fills the missing rows with grey.

    A row is sound if it looks the same whatever data follow the break; in a progressive JPEG the
    last pass has to have refined it.

    Returns:
        None where the file has an end or holds no picture, because then something else is wrong.

    Raises:
        ImageError: too few rows are sound, or the picture is too large.
    """
    data = file.read()
    segments = list(segments_of(data))
    last = segments[-1] if segments else None
    if SCAN not in [segment.marker for segment in segments] or last.marker == END[1]:
        return None
    if not _is_complete(segments):
        raise ImageError("cut short: passes over the picture are missing")
    if last.marker != SCAN:
        data = data[:last.place]
    data = data.rstrip(b"\xff")
    sound_rows, height = _sound_rows(data, request)
    require_enough(sound_rows, height)
    return Mended(io.BytesIO(data + END), sound_rows, height)


def segments_of(data: bytes) -> Iterator[Segment]:
    """Yield the segments up to the end of the picture; one that breaks off has the marker 0."""
    place = 2
    while found := MARKER.search(data, place):
        marker, start = found[1][0], found.start()
        length = int.from_bytes(data[start + 2:start + 4], "big") if marker != END[1] else 0
        place = start + 2 + length
        yield Segment(marker if place <= len(data) else 0, start, data[start + 4:place])
        if marker == END[1]:
            return


def _is_complete(segments: list[Segment]) -> bool:
    """Tell whether scans of each colour, and of each coefficient if progressive, have begun."""
    frame = next((segment for segment in segments if segment.marker in FRAMES), None)
    if frame is None or len(frame.content) < 6:
        return False
    wanted = 64 if frame.marker in PROGRESSIVE else 1
    colours = frame.content[6::3][:frame.content[5]]
    found = set()
    for segment in segments:
        if segment.marker == SCAN and len(segment.content) >= 4:
            *names, first, last, bits = _scan(segment.content)
            if bits & 15 == 0:  # the scan goes down to the last bit of each coefficient
                found.update((name, number) for name in names
                             for number in (range(first, last + 1) if wanted > 1 else (0,)))
    return all(sum(name == colour for name, _ in found) == wanted for colour in colours)


def _scan(content: bytes) -> bytes:
    """Return the colours of a scan, its first and last coefficient, and its bits."""
    count = content[0]
    return content[1:1 + 2 * count:2] + content[1 + 2 * count:4 + 2 * count]


def _sound_rows(data: bytes, request: Request) -> tuple[int, int]:
    """Return how many rows are the same whatever follows the data, and how many there are."""
    image, height = _load(data + END, request)
    tried = CONTINUATIONS[:1] if image.width * height > HUGE else CONTINUATIONS
    top = min(_first_difference(image, _load(data + more + END, request)[0]) for more in tried)
    if top == image.height:
        return height, height
    if image.height < height:  # halved; a row's colour depends on the next row too
        top = max(0, 2 * top - 2)
    return top, height


def _load(data: bytes, request: Request) -> tuple[Image.Image, int]:
    """Return the picture, halved where it is large, and its whole height."""
    with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
        width, height = image.size
        request.require_sane(width, height, len(image.getbands()))
        if width * height > MANY:
            image.draft(image.mode, (max(1, width // 2), max(1, height // 2)))
        image.load()
        return image, height


def _first_difference(image: Image.Image, other: Image.Image) -> int:
    """Return the first row in which two pictures of one size differ; their height if none does."""
    box = ImageChops.difference(image, other).getbbox()
    return box[1] if box else image.height
