"""Files that are damaged, or no pictures at all, made from the whole ones of corpus.py."""

import gzip
import struct
import zlib
from collections.abc import Iterator

import numpy as np
from astropy.io import fits
from corpus import Whole, fits_bytes, table

CUTS = 16  # truncated copies of each whole file
FLIPS = 12  # copies with random bytes changed
CHANGED_HEADERS = 10  # copies with a number in the header replaced
EXTREMES = (b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f",
            b"\0\1\0\0", b"\0\0\1\0", b"\xff\xff", b"\0\0", b"\x20", b"\x01")


def broken_files(whole: dict[str, Whole]) -> dict[str, bytes]:
    """Return files made from whole ones that are damaged or are no pictures at all, by name."""
    broken = dict(_no_pictures())
    for number, (name, file) in enumerate(whole.items()):
        random = np.random.default_rng(number)
        stem, ending = name.split(".", 1)
        for length in cuts(file.data):
            broken[f"{stem} cut at {length}.{ending}"] = file.data[:length]
        for copy in range(FLIPS):
            broken[f"{stem} flipped {copy}.{ending}"] = _flip(file.data, random)
        for copy in range(CHANGED_HEADERS):
            broken[f"{stem} header {copy}.{ending}"] = _wrong_header(file.data, random)
    broken.update(_wrong_dimensions(whole))
    broken.update(_strange_bodies(whole))
    return broken


def cuts(data: bytes) -> list[int]:
    """Return lengths to which a file is cut, from its first bytes to nearly all of it."""
    proportions = np.linspace(0, 0.97, CUTS - 4)
    return sorted({3, 12, 40, 200, *(int(proportion * len(data)) for proportion in proportions)}
                  & set(range(1, len(data))))


def _flip(data: bytes, random: np.random.Generator) -> bytes:
    changed = bytearray(data)
    for place in random.integers(0, len(data), random.integers(1, 12)):
        changed[place] ^= int(random.integers(1, 256))
    return bytes(changed)


def _wrong_header(data: bytes, random: np.random.Generator) -> bytes:
    """Put a number that is far too large, or 0, where the header has one."""
    value = EXTREMES[random.integers(len(EXTREMES))]
    place = int(random.integers(2, min(220, len(data) - 4)))
    return data[:place] + value + data[place + len(value):]


def _wrong_dimensions(whole: dict[str, Whole]) -> Iterator[tuple[str, bytes]]:
    """Yield files whose headers are well-formed and claim what is not there."""
    png = whole["png.png"].data
    for width, height, depth, colour in [
            (60000, 60000, 8, 2), (1 << 31, 1, 8, 2), (0, 0, 8, 2), (64, 60000, 8, 2),
            (64, 53, 8, 2), (9000, 9000, 8, 2), (64, 52, 16, 2), (64, 52, 3, 2), (64, 52, 8, 7),
            (64, 52, 8, 0), (64, 52, 1, 3)]:
        header = b"IHDR" + struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
        yield (f"png of {width} x {height}, {depth} bits, colour {colour}.png",
               png[:12] + header + struct.pack(">I", zlib.crc32(header)) + png[33:])
    raw = whole["fits uint16.fits"].data
    for card, value in [("NAXIS1", 0), ("NAXIS1", -5), ("NAXIS1", 60000), ("NAXIS1", 65),
                        ("NAXIS2", 10 ** 9), ("NAXIS2", 53), ("NAXIS", 0), ("NAXIS", 1),
                        ("NAXIS", 999), ("BITPIX", 17), ("BITPIX", 64), ("BITPIX", 0),
                        ("BZERO", 10 ** 19)]:
        start = raw.index(f"{card:<8}=".encode())
        yield (f"fits with {card} {value}.fits",
               raw[:start] + f"{card:<8}= {value:>20}".encode() + raw[start + 30:])
    for magic in (b"P5", b"P6", b"P2"):
        for size in (b"60000 60000 255", b"0 0 255", b"-5 5 255", b"9 9 99999", b"9 9 0", b"9"):
            yield f"{magic.decode()} of {size.decode()}.ppm", magic + b" " + size + b"\n123 45"
    for form, (place, kind) in {"bmp": (18, "<ii"), "gif": (6, "<HH"), "tga": (12, "<HH")}.items():
        data = whole[f"{form}.{form}"].data
        for width, height in [(0, 0), (65, 52), (64, 53), (32767, 32767), (64, 32767), (1, 1)]:
            numbers = struct.pack(kind, width, height)
            yield (f"{form} of {width} x {height}.{form}",
                   data[:place] + numbers + data[place + len(numbers):])
    tiff = whole["tiff raw.tif"].data
    for tag, value in [(256, 60000), (256, 0), (257, 60000), (257, 53), (258, 16), (259, 5),
                       (259, 99), (262, 3), (277, 4), (277, 0), (277, 60000), (278, 0), (339, 3)]:
        yield f"tiff with tag {tag} as {value}.tif", _retag(tiff, tag, value)


def _retag(tiff: bytes, tag: int, value: int) -> bytes:
    """Give a tag of a little-endian TIFF one short value."""
    directory = struct.unpack_from("<I", tiff, 4)[0]
    changed = bytearray(tiff)
    for number in range(struct.unpack_from("<H", tiff, directory)[0]):
        entry = directory + 2 + 12 * number
        if struct.unpack_from("<H", tiff, entry)[0] == tag:
            struct.pack_into("<HHII", changed, entry, tag, 3, 1, value)
    return bytes(changed)


def _strange_bodies(whole: dict[str, Whole]) -> Iterator[tuple[str, bytes]]:
    """Yield noise and other formats' bodies under each header, and wrong extensions."""
    names = list(whole)
    for number, name in enumerate(names):
        stem, ending = name.split(".", 1)
        other = whole[names[(number + 7) % len(names)]].data
        noise = np.random.default_rng(number).bytes(3000)
        yield f"{stem} head on noise.{ending}", whole[name].data[:32] + noise
        yield f"{stem} magic on noise.{ending}", whole[name].data[:8] + noise
        yield f"{stem} head on another body.{ending}", whole[name].data[:120] + other[120:]
        yield f"{stem} after ten zeros.{ending}", bytes(10) + whole[name].data
    yield from ((f"noise.{ending}", np.random.default_rng(5).bytes(4000))
                for ending in ("jpg", "png", "tif", "fits", "gif", "tga", "heic", "webp", "bmp"))
    yield from ((f"nothing.{ending}", b"") for ending in ("jpg", "png", "fits"))


def _no_pictures() -> Iterator[tuple[str, bytes]]:
    for name, data in {
            "page.html": b"<!DOCTYPE html><html><body>no picture</body></html>",
            "text.txt": b"night of 3 May, seeing 2 arc seconds\n" * 20,
            "paper.pdf": b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n",
            "archive.zip": b"PK\3\4\x14\0\0\0\0\0" + bytes(200),
            "drawing.eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n",
            "dos drawing.eps": b"\xc5\xd0\xd3\xc6" + bytes(60),
            "drawing.ps": b"%!PS\n(/etc/passwd) (r) file\n",
            "drawing.svg": b"<svg xmlns='http://www.w3.org/2000/svg'><rect/></svg>",
            "table.csv": b"file,class\n=1+1,mars\n", "numbers.json": b"[1, 2, 3]",
            "program.exe": b"MZ\x90\0" + bytes(300), "archive.tar.gz": gzip.compress(bytes(5000)),
            "table.fits": fits_bytes(fits.HDUList([fits.PrimaryHDU(), table()])),
            "film.mp4": b"\0\0\0\x20ftypisom" + bytes(200), "photoshop.psd": b"8BPS\0\1"}.items():
        for ending in ("", ".jpg", ".tif", ".fits"):
            yield name + ending, data
