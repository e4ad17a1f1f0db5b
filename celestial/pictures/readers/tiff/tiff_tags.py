"""Reads what the tags of a TIFF say of its pages.

The tags are those of TIFF Revision 6.0 (Adobe, 1992); those of BigTIFF differ in their width alone.
"""

import io
import struct
from collections import deque
from dataclasses import dataclass
from typing import BinaryIO

from celestial.pictures.readers.types import ImageError

MOST_PAGES = 64  # pages among which the picture is looked for
MOST_ENTRIES = 4096  # tags of a page
MOST_VALUES = 64  # values of a tag that are read; longer ones are lists of strips and tiles

# Tags, by their names in the standard.
SUBFILE, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 254, 256, 257, 258, 259, 262
SAMPLES, ROWS_PER_STRIP, PLANAR, PREDICTOR, TILE_WIDTH, TILE_HEIGHT = 277, 278, 284, 317, 322, 323
ORIENTATION = 274
SUB_IFDS, INK_SET, EXTRA_SAMPLES, SAMPLE_FORMAT = 330, 332, 338, 339
COEFFICIENTS, SUBSAMPLING, BLACK_WHITE = 529, 530, 532
PIECES = ((273, 279), (324, 325))  # where the strips or tiles stand, and how long they are
WANTED = (SUBFILE, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, ORIENTATION, SAMPLES,
          ROWS_PER_STRIP, PLANAR, PREDICTOR, TILE_WIDTH, TILE_HEIGHT, SUB_IFDS, INK_SET,
          EXTRA_SAMPLES, SAMPLE_FORMAT, COEFFICIENTS, SUBSAMPLING, BLACK_WHITE, *PIECES[0],
          *PIECES[1])
# The kinds of numbers in a tag, as `struct` calls them; the two of rationals are a fraction.
LONG = 4
KINDS = {1: "B", 3: "H", LONG: "I", 5: "II", 6: "b", 8: "h", 9: "i", 10: "ii", 11: "f", 12: "d",
         13: "I", 16: "Q", 17: "q", 18: "Q"}

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, MASK = 0, 1, 2, 3, 4
CMYK, YCBCR, CIELAB, ICCLAB = 5, 6, 8, 9
PLAIN = (BLACK_IS_ZERO, RGB, PALETTE)  # shown as they are, once a palette is looked up
COLOURS = {WHITE_IS_ZERO: 1, BLACK_IS_ZERO: 1, RGB: 3, PALETTE: 1, CMYK: 4, YCBCR: 3, CIELAB: 3,
           ICCLAB: 3}
ASSOCIATED, UNASSOCIATED = 1, 2  # kinds of extra samples; the meaning of others is unknown
REDUCED, IS_MASK = 1, 4  # bits of SUBFILE, the kind of page
JPEG = 7  # of COMPRESSION
SEPARATE = 2  # of PLANAR: a plane for each sample
UNSIGNED, SIGNED, FLOAT, VOID, COMPLEX_INT, COMPLEX = 1, 2, 3, 4, 5, 6
TYPES = {(UNSIGNED, 1): "uint8", (UNSIGNED, 2): "uint8", (UNSIGNED, 4): "uint8",
         (UNSIGNED, 8): "uint8", (UNSIGNED, 16): "uint16", (UNSIGNED, 32): "uint32",
         (UNSIGNED, 64): "uint64", (SIGNED, 8): "int8", (SIGNED, 16): "int16",
         (SIGNED, 32): "int32", (SIGNED, 64): "int64", (FLOAT, 16): "float32",
         (FLOAT, 32): "float32", (FLOAT, 64): "float64"}


@dataclass(frozen=True)
class Layout:
    """How a file stores numbers: in the order `<` or `>`, and whether it is a BigTIFF."""

    order: str
    big: bool

    def number(self, data: bytes) -> int:
        return int.from_bytes(data, "little" if self.order == "<" else "big")

    def packed(self, number: int, width: int) -> bytes:
        return number.to_bytes(width, "little" if self.order == "<" else "big")

    @property
    def width(self) -> int:
        """Bytes of a place in the file."""
        return 8 if self.big else 4


@dataclass(frozen=True)
class Tag:
    """A tag of a page.

    Attributes:
        values: the first `MOST_VALUES` of them.
        count: of all values.
        entry: where its entry stands, bytes from the start of the file.
        start: where its values stand, bytes from the start of the file.
        length: of its values, bytes.
    """

    values: tuple
    count: int
    entry: int
    start: int
    length: int


@dataclass(frozen=True)
class Page:
    """One picture of a TIFF, as its tags describe it.

    Attributes:
        layout: of the file.
        place: where its directory begins, bytes from the start of the file.
        first: the file begins with it.
        link: where the place of the next page stands.
        last: there is no next page.
        tags: those of `WANTED` that it has.
    """

    layout: Layout
    place: int
    first: bool
    link: int
    last: bool
    tags: dict[int, Tag]

    def value(self, tag: int, default: int) -> int:
        """Return the first value of a tag."""
        return self.tags[tag].values[0] if tag in self.tags else default

    @property
    def width(self) -> int:
        return self.value(WIDTH, 0)

    @property
    def height(self) -> int:
        return self.value(HEIGHT, 0)

    @property
    def samples(self) -> int:
        return self.value(SAMPLES, 1)

    @property
    def bits(self) -> int:
        return self.value(BITS, 1)

    @property
    def photometric(self) -> int:
        return self.value(PHOTOMETRIC, RGB if self.samples >= 3 else BLACK_IS_ZERO)

    @property
    def compression(self) -> int:
        return self.value(COMPRESSION, 1)

    @property
    def colours(self) -> int:
        """Samples of a pixel that are its colour; L*a*b* of one sample is L* alone."""
        lightness = self.photometric in (CIELAB, ICCLAB) and self.samples < 3
        return 1 if lightness else COLOURS.get(self.photometric, 1)

    @property
    def extra(self) -> tuple[int, ...]:
        """The kinds of the samples beside the colours; 0 where the tags do not tell."""
        count = max(0, self.samples - self.colours)
        said = self.tags[EXTRA_SAMPLES].values if EXTRA_SAMPLES in self.tags else ()
        return (*said, *[0] * count)[:count]

    @property
    def alpha(self) -> int | None:
        """Which of the samples says how opaque the pixel is; None where none does."""
        return next((self.colours + number for number, kind in enumerate(self.extra)
                     if kind in (ASSOCIATED, UNASSOCIATED)), None)

    @property
    def type(self) -> str | None:
        """The numpy type of the samples once they are read; None where there is none."""
        form = self.value(SAMPLE_FORMAT, UNSIGNED)
        return TYPES.get((UNSIGNED if form == VOID else form, self.bits))

    @property
    def separate(self) -> bool:
        """Whether each sample has a plane of its own."""
        return self.value(PLANAR, 1) == SEPARATE and self.samples > 1

    @property
    def plane_by_plane(self) -> bool:
        """Whether each plane has to be read by itself, because libvips would mix them up."""
        halves = self.bits == 16 and self.type == "float32"
        return self.separate and (self.samples < 3 or halves or TILE_WIDTH in self.tags)

    @property
    def by_libjpeg(self) -> bool:
        """Whether YCbCr is turned into RGB while it is unpacked."""
        return self.photometric == YCBCR and self.compression == JPEG

    @property
    def subsampling(self) -> tuple[int, int]:
        """Columns and rows of pixels that share their two colour differences."""
        if self.photometric != YCBCR or self.by_libjpeg:
            return 1, 1
        return self.tags[SUBSAMPLING].values[:2] if SUBSAMPLING in self.tags else (2, 2)

    @property
    def area(self) -> int:
        return self.width * self.height

    @property
    def reduced(self) -> bool:
        return bool(self.value(SUBFILE, 0) & REDUCED)

    @property
    def is_mask(self) -> bool:
        return bool(self.value(SUBFILE, 0) & IS_MASK) or self.photometric == MASK


def all_pages(file: BinaryIO) -> list[Page]:
    """Return the pages in their order, then those that are parts of others (SubIFDs).

    A link that leads to no page ends its chain alone; the other pages are returned.

    Raises:
        ImageError: the first page cannot be read, or a later one lies beyond the end of the file.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    head = file.read(16)
    layout = Layout("<" if head.startswith(b"II") else ">", head[2:4].strip(b"\0") == b"+")
    chain, parts = deque([layout.number(head[layout.width:2 * layout.width])]), deque()
    pages, seen = [], {0}  # 0 is no place: the chain of pages ends there
    while (chain or parts) and len(pages) < MOST_PAGES:
        waiting = chain or parts
        place = waiting.popleft()
        if place in seen:
            continue
        seen.add(place)
        try:
            page, following = _read_page(file, layout, place, not pages)
        except ImageError:
            if not pages or waiting is chain and place >= size:
                raise
            continue
        pages.append(page)
        waiting.appendleft(following)
        parts.extend(page.tags[SUB_IFDS].values if SUB_IFDS in page.tags else ())
    return pages


def _read_page(file: BinaryIO, layout: Layout, place: int,
               first: bool) -> tuple[Page, int]:
    """Return a page, and where the next one begins (0: nowhere)."""
    width, size = (8, 20) if layout.big else (2, 12)
    file.seek(place)
    count = layout.number(file.read(width))
    table = file.read(min(count, MOST_ENTRIES) * size)
    if not 1 <= count <= MOST_ENTRIES or len(table) < count * size:
        raise ImageError("cut short or damaged: a page begins where none is")
    after = layout.number(file.read(layout.width))
    tags = {}
    for number in range(count):
        entry = table[number * size:(number + 1) * size]
        tag = layout.number(entry[:2])
        if tag in WANTED:
            found = _read_tag(file, layout, entry, place + width + number * size)
            if found:
                tags[tag] = found
    link = place + width + len(table)
    return Page(layout, place, first, link, after == 0, tags), after


def _read_tag(file: BinaryIO, layout: Layout, entry: bytes, place: int) -> Tag | None:
    """Return a tag; None where it has no values, or values that are no numbers."""
    kind = KINDS.get(layout.number(entry[2:4]))
    count = layout.number(entry[4:-layout.width])
    if kind is None or count < 1:
        return None
    read = min(count, MOST_VALUES)
    length = struct.calcsize("=" + kind) * count
    data, start = entry[-layout.width:], place + len(entry) - layout.width
    if length > layout.width:
        start = layout.number(data)
        file.seek(start)
        data = file.read(struct.calcsize("=" + kind) * read)
    try:
        values = struct.unpack_from(layout.order + kind * read, data)
    except struct.error as error:
        raise ImageError("cut short or damaged: a tag of it is missing") from error
    if len(kind) == 2:
        values = tuple(above / below if below else 0.0
                       for above, below in zip(values[::2], values[1::2], strict=True))
    return Tag(values, count, place, start, length)
