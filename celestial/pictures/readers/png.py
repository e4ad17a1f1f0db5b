"""Repairs a PNG by leaving out what is damaged beside the picture (W3C, PNG, 3rd ed.)."""

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from celestial.pictures.readers.broken_off import Mended, require_enough
from celestial.pictures.readers.types import ImageError, Request

MAGIC = b"\x89PNG\r\n\x1a\n"
KEPT_ANCILLARY = (b"tRNS", b"iCCP", b"eXIf")  # ancillary chunks that change how the picture looks
MOST_PROFILE = 1 << 25  # bytes of an unpacked ICC profile; real ones have up to a few million
PIECE = 1 << 16  # packed bytes that are unpacked at once, to 64 MB at most
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
# Adam7: column and row that a pass begins with, and its steps.
PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
          (0, 1, 1, 2))


@dataclass(frozen=True)
class Chunk:
    """A chunk: `complete` unless the file breaks off in it, `sound` if its checksum is right."""

    kind: bytes
    content: bytes
    complete: bool = True
    sound: bool = True

    def __bytes__(self) -> bytes:
        checksum = zlib.crc32(self.content, zlib.crc32(self.kind))
        return b"".join((struct.pack(">I", len(self.content)), self.kind, self.content,
                         struct.pack(">I", checksum)))


def mend(file: BinaryIO, request: Request) -> Mended:
    """Leave out chunks that do not change the picture, and ancillary ones with a wrong checksum.

    Where the file breaks off, the missing rows are filled with black or the palette's first colour.
    Other damage stays, and the decoder will report it.

    Raises:
        ImageError: a critical chunk is damaged, too few rows are sound, or the picture is too
            large.
    """
    chunks = list(chunks_of(file.read()))
    require_sound(chunks)
    width, height, depth, colour, *_, interlaced = struct.unpack(">IIBBBBB", chunks[0].content)
    request.require_sane(width, height, 1)
    head = [chunk for chunk in chunks if chunk.kind != b"IDAT" and _is_wanted(chunk)]
    packed = [chunk.content for chunk in chunks if chunk.kind == b"IDAT"]
    sound_rows = height
    if chunks[-1].kind != b"IEND":
        sizes = _pass_sizes(width, height, depth * CHANNELS.get(colour, 1), bool(interlaced))
        whole = sum(rows * size for rows, size in sizes)
        sound_rows = _sound_rows(sum(map(len, _unpacked(packed, whole))), sizes, height)
        require_enough(sound_rows, height)
        packed = list(_packed(packed, whole))
    content = b"".join((MAGIC, *map(bytes, head), bytes(Chunk(b"IDAT", b"".join(packed))),
                        bytes(Chunk(b"IEND", b""))))
    return Mended(io.BytesIO(content), sound_rows, height)


def chunks_of(data: bytes) -> Iterator[Chunk]:
    """Yield the chunks up to IEND, or up to where the file breaks off.

    Raises:
        ImageError: something in it is no chunk.
    """
    place, kind = len(MAGIC), b""
    while place + 8 <= len(data) and kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, place)
        if not kind.isalpha():
            raise ImageError("damaged: something in it is no part of a PNG")
        end = place + 8 + length
        content, checksum = data[place + 8:end], data[end:end + 4]
        yield Chunk(kind, content, len(checksum) == 4,
                    checksum == struct.pack(">I", zlib.crc32(content, zlib.crc32(kind))))
        place = end + 4


def require_sound(chunks: list[Chunk]) -> None:
    """Raise ImageError where there is no header, or a chunk of the picture itself is damaged."""
    if not chunks or chunks[0].kind != b"IHDR" or len(chunks[0].content) != 13:
        raise ImageError("cut short or damaged: it has no header")
    for chunk in chunks:
        if chunk.kind[:1].isupper() and chunk.complete and not chunk.sound:
            raise ImageError(f"damaged: the checksum of its chunk {chunk.kind.decode()} is wrong")


def _is_wanted(chunk: Chunk) -> bool:
    if not chunk.sound or chunk.kind == b"IEND":
        return False
    if chunk.kind == b"iCCP":
        return _is_usable_profile(chunk.content)
    return chunk.kind[:1].isupper() or chunk.kind in KEPT_ANCILLARY


def _is_usable_profile(content: bytes) -> bool:
    unpacker = zlib.decompressobj()
    try:
        unpacker.decompress(content[content.index(b"\0") + 2:], MOST_PROFILE)
    except (ValueError, zlib.error):
        return False
    return not unpacker.unconsumed_tail


def _pass_sizes(width: int, height: int, bits: int, interlaced: bool) -> list[tuple[int, int]]:
    """Return for each pass its rows and the bytes of a row, the filter's byte included."""
    passes = PASSES if interlaced else ((0, 0, 1, 1),)
    counts = [(-((first_row - height) // down), -((first_column - width) // right))
              for first_column, first_row, right, down in passes]
    return [(rows, 1 + (columns * bits + 7) // 8) if rows > 0 and columns > 0 else (0, 1)
            for rows, columns in counts]


def _sound_rows(unpacked: int, sizes: list[tuple[int, int]], height: int) -> int:
    """Return how many rows are complete; an interlaced picture's last pass has every other row."""
    *before, (_, size) = sizes
    left = unpacked - sum(rows * size for rows, size in before)
    if left < 0:
        return 0
    return min(height, 2 * (left // size) + 1 if before else left // size)


def _unpacked(packed: list[bytes], most: int) -> Iterator[bytes]:
    """Yield the unpacked data that are there, up to `most` bytes."""
    unpacker = zlib.decompressobj()
    try:
        for content in packed:
            for place in range(0, len(content), PIECE):
                piece = unpacker.decompress(content[place:place + PIECE])[:most]
                yield piece
                most -= len(piece)
    except zlib.error as error:
        raise ImageError("damaged: what there is of it cannot be unpacked") from error


def _packed(packed: list[bytes], whole: int) -> Iterator[bytes]:
    """Yield the data again, filled with zeros up to `whole` bytes."""
    packer = zlib.compressobj(1)
    missing = whole
    for piece in _unpacked(packed, whole):
        missing -= len(piece)
        yield packer.compress(piece)
    for place in range(0, missing, PIECE):
        yield packer.compress(bytes(min(PIECE, missing - place)))
    yield packer.flush()
