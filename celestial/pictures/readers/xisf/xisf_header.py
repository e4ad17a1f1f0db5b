"""Finds the first image in the header of an XISF file."""

from dataclasses import dataclass, field
from typing import BinaryIO
from xml.parsers import expat

from celestial.pictures.readers.types import Damaged, ImageError

LENGTH = 8  # where the length of the header stands, in 4 bytes; 4 that are reserved follow
START = 16  # where the header begins
MOST_HEADER = 1 << 26  # bytes; the pixels of a small image may stand in it
KEPT = ("ColorFilterArray", "Data", "FITSKeyword", "Property")  # elements of an image that matter


@dataclass
class Element:
    """An element of the header: its name, its attributes and the pieces of the text in it."""

    name: str
    attributes: dict[str, str]
    text: list[str] = field(default_factory=list)


def first_image(file: BinaryIO) -> tuple[Element, list[Element]]:
    """Return the first image of a file, and those of the elements in it that are `KEPT`.

    Nothing else of the header is kept. A document type is refused: without one no entity can be
    defined, so that a header never unpacks to more than it is.

    Raises:
        ImageError: no image in it, or the header is damaged.
    """
    file.seek(LENGTH)
    length = int.from_bytes(file.read(4), "little")
    if length > MOST_HEADER:
        raise ImageError(f"an XISF file whose header has more than {MOST_HEADER >> 20} MB")
    file.seek(START)
    header = file.read(length)
    if len(header) < length:
        raise Damaged("cut short or damaged: its header is incomplete")
    reader = _Reader()
    try:
        reader.parser.Parse(header.rstrip(b"\0"), True)
    except expat.ExpatError as error:
        raise Damaged(f"cut short or damaged: its header is no XML: {error}") from error
    if not reader.found:
        raise ImageError("an XISF file without an image")
    return reader.found[0], reader.found[1:]


class _Reader:
    """Collects the first image while expat reads the header."""

    def __init__(self):
        self.found: list[Element] = []
        self.path: list[Element | None] = []  # open elements from the image on; None: not kept
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text

    def _refuse(self, *_: object) -> None:
        raise ImageError("an XISF file whose header declares a document type, as none does")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        name = name.rpartition(" ")[2]
        if not self.path and (self.found or name != "Image"):
            return
        kept = Element(name, attributes) if not self.path or name in KEPT else None
        self.path.append(kept)
        if kept:
            self.found.append(kept)

    def _end(self, _: str) -> None:
        if self.path:
            self.path.pop()

    def _text(self, letters: str) -> None:
        if self.path and self.path[-1]:
            self.path[-1].text.append(letters)
