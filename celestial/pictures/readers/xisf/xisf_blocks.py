"""Unpacks the pixels of an XISF image, never to more than its header says."""

import base64
import hashlib
import io
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

from celestial.pictures.readers.types import Damaged, ImageError
from celestial.pictures.readers.xisf.xisf_header import Element

MOST_UNPACKED = 1 << 30  # bytes of packed pixels; others are read in strips, however many
MOST_TEXT = 1 << 24  # bytes of a property
MOST_WINDOW = 1 << 27  # bytes that zstd may look back, as its own program allows
PIECE = 1 << 22  # bytes that are read at once for a checksum
HASHES = {"sha-1": "sha1", "sha1": "sha1", "sha-256": "sha256", "sha256": "sha256",
          "sha-512": "sha512", "sha512": "sha512", "sha3-256": "sha3_256", "sha3-512": "sha3_512"}
DECODERS = {"base64": base64.b64decode, "hex": bytes.fromhex, "base16": bytes.fromhex}
NO_SENSE = "cut short or damaged: its header makes no sense"


@dataclass(frozen=True)
class Pixels:
    """The unpacked samples of an image.

    Attributes:
        fetch: first byte and how many -> these bytes.
        size: of a sample, bytes.
        shuffled: how many samples there are, if the first bytes of all of them precede the second
            bytes and so on; 0: each sample's bytes stand together.
    """

    fetch: Callable[[int, int], bytes | memoryview]
    size: int
    shuffled: int = 0

    def take(self, first: int, count: int) -> bytes:
        """Return the bytes of `count` samples from number `first` on, in their natural order."""
        if not self.shuffled:
            return self.fetch(first * self.size, count * self.size)
        samples = bytearray(count * self.size)
        for place in range(self.size):
            samples[place::self.size] = self.fetch(place * self.shuffled + first, count)
        return samples


def open_pixels(file: BinaryIO, image: Element, inside: list[Element], size: int,
                count: int) -> Pixels:
    """Find the pixels of an image, check them and, where they are packed, unpack them.

    Args:
        file: seekable.
        image, inside: see `xisf_header.first_image`.
        size: of a sample, bytes.
        count: of the samples, as the size of the image says.

    Raises:
        ImageError: they stand in another file, are packed in an unknown way, too large or damaged.
    """
    stored, start, length, element = _located(file, image, inside)
    attributes = {**image.attributes, **element.attributes}
    _check_sum(stored, start, length, attributes.get("checksum", ""))
    compression = attributes.get("compression", "")
    if not compression:
        if length != size * count:
            raise Damaged(NO_SENSE)
        return Pixels(partial(_fetch, stored, start), size)
    codec, unpacked, item = _compression(compression)
    if unpacked != size * count:
        raise Damaged(NO_SENSE)
    if unpacked > MOST_UNPACKED:
        raise ImageError(f"unpacks to more than {MOST_UNPACKED >> 20} MB; save it without "
                         "compression")
    if item not in (1, size):
        raise ImageError(f"an XISF image whose bytes are shuffled by {item}, not by {size}")
    parts = _parts(attributes.get("subblocks", ""), length, unpacked)
    view = memoryview(_unpack_parts(stored, start, codec, parts))
    return Pixels(lambda first, number: view[first:first + number], size,
                  count if item > 1 else 0)


def text_of(file: BinaryIO, element: Element) -> str:
    """Return the text of a property, which stands in the header or in a block of its own.

    It is empty where that is too large or cannot be read: no picture is lost by it.
    """
    if "location" not in element.attributes:
        return "".join([element.attributes.get("value", ""), *element.text])
    try:
        stored, start, length, _ = _located(file, element, [])
        compression = element.attributes.get("compression", "")
        codec, unpacked, _ = _compression(compression) if compression else ("", length, 1)
        if max(length, unpacked) > MOST_TEXT:
            return ""
        parts = _parts(element.attributes.get("subblocks", ""), length, unpacked)
        content = (_unpack_parts(stored, start, codec, parts) if codec
                   else _fetch(stored, start, 0, length))
    except ImageError:
        return ""
    return content.decode("utf-8", errors="replace")


def _unpack_parts(file: BinaryIO, start: int, codec: str, parts: list[tuple[int, int]]) -> bytes:
    """Unpack what `_parts` tells, from `start` on."""
    pieces = []
    for packed, size in parts:
        pieces.append(_unpack(codec, _fetch(file, start, 0, packed), size))
        start += packed
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _located(file: BinaryIO, image: Element, inside: list[Element]
             ) -> tuple[BinaryIO, int, int, Element]:
    """Return where the stored pixels are: a file, first byte, length, the element that says so."""
    kind, *rest = image.attributes.get("location", "").split(":")
    if kind == "attachment":
        try:
            start, length = map(int, rest)
        except ValueError as error:
            raise Damaged(NO_SENSE) from error
        came = file.seek(0, io.SEEK_END) - start
        if start < 0 or length < 1 or came < length:
            raise Damaged(f"cut short: only {max(0, 100 * came // max(1, length))} % of its "
                          "pixels came" if start >= 0 and length > 0 else NO_SENSE)
        return file, start, length, image
    if kind in ("inline", "embedded"):
        element = image if kind == "inline" else next(
            (one for one in inside if one.name == "Data"), Element("Data", {}))
        encoding = rest[0] if kind == "inline" and rest else element.attributes.get("encoding")
        try:
            content = DECODERS[encoding]("".join(element.text))
        except (KeyError, ValueError) as error:
            raise Damaged("cut short or damaged: its pixels in the header cannot be decoded"
                          ) from error
        return io.BytesIO(content), 0, len(content), element
    raise ImageError("an XISF image whose pixels stand in another file"
                     if kind.startswith(("url(", "path(")) else NO_SENSE)


def _fetch(file: BinaryIO, start: int, first: int, count: int) -> bytes:
    """Return `count` bytes from `start` + `first` on.

    Raises:
        Damaged: there are fewer.
    """
    file.seek(start + first)
    found = file.read(count)
    if len(found) < count:
        raise Damaged("cut short or damaged: its pixels are incomplete")
    return found


def _check_sum(file: BinaryIO, start: int, length: int, told: str) -> None:
    """Compare what is stored with its checksum; one of an unknown kind is passed over."""
    kind, _, expected = told.partition(":")
    if kind.lower() not in HASHES:
        return
    digest = hashlib.new(HASHES[kind.lower()], usedforsecurity=False)
    for first in range(0, length, PIECE):
        digest.update(_fetch(file, start, first, min(PIECE, length - first)))
    if digest.hexdigest() != expected.strip().lower():
        raise Damaged("damaged: the checksum of its pixels is wrong")


def _compression(told: str) -> tuple[str, int, int]:
    """Return codec, unpacked bytes and the size of a shuffled item; 1 where none is shuffled."""
    codec, *numbers = told.split(":")
    codec, _, shuffled = codec.partition("+")
    try:
        unpacked, item = int(numbers[0]), int(numbers[1]) if shuffled == "sh" else 1
    except (IndexError, ValueError) as error:
        raise Damaged(NO_SENSE) from error
    if codec not in UNPACKERS or shuffled not in ("", "sh"):
        raise ImageError(f"an XISF image packed by {told.partition(':')[0][:20]}, which is not "
                         "read")
    return codec, unpacked, item


def _parts(told: str, length: int, unpacked: int) -> list[tuple[int, int]]:
    """Return packed and unpacked bytes of each part that was packed by itself."""
    if not told:
        return [(length, unpacked)]
    try:
        parts = [(int(packed), int(size))
                 for packed, size in (part.split(",") for part in told.split(":"))]
    except ValueError as error:
        raise Damaged(NO_SENSE) from error
    packed, sizes = zip(*parts, strict=True)
    if min(*packed, *sizes) < 1 or sum(packed) > length or sum(sizes) != unpacked:
        raise Damaged(NO_SENSE)
    return parts


def _of_zlib(packed: bytes, size: int) -> bytes:
    return zlib.decompressobj().decompress(packed, size)


def _of_lz4(packed: bytes, size: int) -> bytes:
    import lz4.block

    return lz4.block.decompress(packed, uncompressed_size=size)


def _of_zstd(packed: bytes, size: int) -> bytes:
    import zstandard

    if zstandard.frame_content_size(packed) not in (-1, size):  # it would unpack what that says
        raise Damaged(NO_SENSE)
    unpacker = zstandard.ZstdDecompressor(max_window_size=MOST_WINDOW)
    return unpacker.decompress(packed, max_output_size=size)


UNPACKERS = {"zlib": _of_zlib, "lz4": _of_lz4, "lz4hc": _of_lz4, "zstd": _of_zstd}


def _unpack(codec: str, packed: bytes, size: int) -> bytes:
    """Unpack one part to `size` bytes, and never to more.

    Raises:
        Damaged: it cannot be unpacked, or to fewer bytes alone.
    """
    try:
        content = UNPACKERS[codec](packed, size)
    except (Damaged, ImportError, MemoryError):
        raise
    except Exception as error:  # each library has an error of its own
        raise Damaged("cut short or damaged: its pixels cannot be unpacked") from error
    if len(content) != size:
        raise Damaged("cut short or damaged: its pixels unpack to fewer than they should")
    return content
