"""A JPEG that breaks off, with an end (ITU-T T.81, annex B)."""

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
MARKER = re.compile(rb"\xff([\x02-\xcf\xd8-\xfe])")  # without a zero, fill bytes and restarts
FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
PROGRESSIVE = (0xC2, 0xC6, 0xCA, 0xCE)
SCAN = 0xDA
MANY = 4_000_000  # pixels, from which on half the size is looked at: that is twice as fast
HUGE = 40_000_000  # pixels, from which on one continuation must do: each takes seconds
CONTINUATIONS = [bytes(generator.randrange(255) for _ in range(4096))  # no 255, which is a marker
                 for generator in map(random.Random, range(3))]


class Segment(NamedTuple):
    """A marker, where it stands, and what it says."""

    marker: int
    place: int
    content: bytes


def mend(file: BinaryIO, request: Request) -> Mended | None:
    """Give a JPEG that breaks off an end; its decoder makes grey of what is missing.

    A row came if it looks the same whatever may follow: of a progressive JPEG those that the last
    pass refines as well.

    Returns:
        None for one that has an end, or no picture in it: what is wrong is something else.

    Raises:
        ImageError: too little of it came, or it is too large.
    """
    data = file.read()
    segments = list(_segments(data))
    last = segments[-1] if segments else None
    if SCAN not in [segment.marker for segment in segments] or last.marker == END[1]:
        return None
    if not _is_complete(segments):
        raise ImageError("cut short: passes over the picture are missing")
    if last.marker != SCAN:
        data = data[:last.place]
    data = data.rstrip(b"\xff")
    came, height = _rows_that_came(data, request)
    require_enough(came, height)
    return Mended(io.BytesIO(data + END), came, height)


def _segments(data: bytes) -> Iterator[Segment]:
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
    """Tell whether every part of the picture has been begun: each colour, and each detail of it."""
    frame = next((segment for segment in segments if segment.marker in FRAMES), None)
    if frame is None or len(frame.content) < 6:
        return False
    wanted = 64 if frame.marker in PROGRESSIVE else 1
    colours = frame.content[6::3][:frame.content[5]]
    found = set()
    for segment in segments:
        if segment.marker == SCAN and len(segment.content) >= 4:
            *names, first, last, bits = _scan(segment.content)
            if bits & 15 == 0:  # down to the last bit of each number
                found.update((name, number) for name in names
                             for number in (range(first, last + 1) if wanted > 1 else (0,)))
    return all(sum(name == colour for name, _ in found) == wanted for colour in colours)


def _scan(content: bytes) -> bytes:
    """Return the colours of a scan, its first and last coefficient, and its bits."""
    count = content[0]
    return content[1:1 + 2 * count:2] + content[1 + 2 * count:4 + 2 * count]


def _rows_that_came(data: bytes, request: Request) -> tuple[int, int]:
    """Return how many rows are the same whatever follows the data, and how many there are."""
    image, height = _load(data + END, request)
    tried = CONTINUATIONS[:1] if image.width * height > HUGE else CONTINUATIONS
    top = min(_first_difference(image, _load(data + more + END, request)[0]) for more in tried)
    if top == image.height:
        return height, height
    if image.height < height:  # halved; and a row takes a little of its colour from the next one
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
