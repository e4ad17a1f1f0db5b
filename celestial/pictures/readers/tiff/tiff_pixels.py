"""Reads the samples of a TIFF with libvips, reduced, and turns them into colours as its tags say.

libvips reduces while it reads: a mosaic of 12,000 x 12,000 pixels takes some 150 MB in place of
1 GB. Because libvips knows few of the meanings that samples can have, we hide the meaning from it:
it reads every page as plain grey or RGB, and the formulas of TIFF Revision 6.0 are applied here.
"""

import io
import math
import mmap
import sys
from functools import partial
from typing import BinaryIO

import numpy as np
import pyvips
from PIL import Image

from celestial.pictures.readers import pillow_images
from celestial.pictures.readers.tiff import tiff_pages, tiff_tags
from celestial.pictures.readers.tiff.tiff_colours import on_screen
from celestial.pictures.readers.tiff.tiff_tags import (
    BLACK_IS_ZERO,
    CIELAB,
    CMYK,
    PALETTE,
    PLAIN,
    RGB,
    UNASSOCIATED,
    WHITE_IS_ZERO,
    YCBCR,
    Page,
)
from celestial.pictures.readers.types import Decoded, ImageError, Request, three_channels
from celestial.pictures.readers.vips import WHITE, as_image_error, source_of

ROWS = 512  # rows computed at once
FINITE = float(np.finfo(np.float32).max)
open_tiff = partial(Image.open, formats=("TIFF",))
# The pages that libvips cannot unpack and that Pillow shows as their tags say: photometric
# interpretation, type, extra samples.
RIGHT_IN_PILLOW = {
    *((colours, "uint8", extra) for colours in (BLACK_IS_ZERO, RGB)
      for extra in ((), (0,), (UNASSOCIATED,))),
    (WHITE_IS_ZERO, "uint8", ()), (PALETTE, "uint8", ()), (CMYK, "uint8", ()), (YCBCR, "uint8", ()),
    *((BLACK_IS_ZERO, kind, ()) for kind in ("uint16", "int16", "int32", "float32")),
    (RGB, "uint16", ())}


def read(file: BinaryIO, request: Request) -> Decoded:
    """Read the page that is the picture, upright, alpha laid over black, its colours in sRGB.

    Args:
        file: seekable.
        request: what is wanted.

    Raises:
        ImageError: the file is too large, damaged, or of a kind that is not supported.
    """
    page = tiff_pages.picture_page(file)
    width, height = page.width, page.height
    request.require_sane(width, height, page.samples * -(-page.bits // 8))
    if page.compression in tiff_pages.BY_PILLOW:
        return _read_by_pillow(file, request, page)
    try:
        image = _weighted(_samples(file, page), page)
        turned = image.get_typeof("orientation") and image.get("orientation") >= 5
        profile = (image.get("icc-profile-data") if image.get_typeof("icc-profile-data")
                   else None)
        values = _shrunk(image, request.factor(width, height)).numpy()
        shown = on_screen(values.reshape(*values.shape[:2], -1), page, profile, request.stretch)
    except pyvips.Error as error:
        raise as_image_error(error) from error
    return Decoded(three_channels(shown), *((height, width) if turned else (width, height)))


def _read_by_pillow(file: BinaryIO, request: Request, page: Page) -> Decoded:
    known = (page.photometric, page.type, page.extra) in RIGHT_IN_PILLOW
    if not page.first or not known or page.bits != 8 * np.dtype(page.type).itemsize:
        name = tiff_pages.BY_PILLOW[page.compression]
        raise ImageError(f"a TIFF of this kind packed by {name} is not supported: save it with "
                         "LZW or Deflate")
    file.seek(0)
    return pillow_images.read(file, request, open_tiff)


def _samples(file: BinaryIO, page: Page) -> pyvips.Image:
    """Return the samples as they are stored; palettes, and JPEG's YCbCr, come as RGB or grey."""
    width = page.layout.width  # also where the file tells the place of its first page
    changes = {} if page.first else {width: page.layout.packed(page.place, width)}
    if not page.last:  # else libtiff reads the tags of all pages, and stops at an odd one
        changes[page.link] = bytes(width)
    if page.value(tiff_tags.ORIENTATION, 1) not in range(1, 9):  # else libtiff refuses the page
        changes |= _changed(page, tiff_tags.ORIENTATION, 1)
    if tiff_tags.EXTRA_SAMPLES in page.tags:  # else libvips divides by alpha, sometimes wrongly
        extra = page.tags[tiff_tags.EXTRA_SAMPLES]
        if any(extra.values):
            changes[extra.start] = bytes(extra.length)
    if page.photometric != PALETTE and not page.by_libjpeg:
        grey = page.samples < 3 or page.plane_by_plane
        changes |= _changed(page, tiff_tags.PHOTOMETRIC, BLACK_IS_ZERO if grey else RGB)
    if page.subsampling != (1, 1):
        image = _joined_blocks(file, page, changes)
    elif page.bits == 64:
        image = _joined_halves(file, page, changes)
    else:
        image = _load(file, page, changes)
    if page.photometric == CIELAB:  # a* and b* are signed; make them offset as in ICCLAB
        middle = 1 << page.bits - 1
        image = image ^ [0, *[middle] * (page.colours - 1), *[0] * len(page.extra)]
    return image


def _load(file: BinaryIO, page: Page, changes: dict[int, bytes]) -> pyvips.Image:
    if page.plane_by_plane:
        planes = [_open(file, _one_plane(file, page, number) | changes)
                  for number in range(page.samples)]
        return planes[0].bandjoin(planes[1:])
    return _open(file, changes)


def _open(file: BinaryIO, changes: dict[int, bytes]) -> pyvips.Image:
    source = _changed_source(file, changes) if changes else source_of(file)
    # Not tiffload_source, because its image would not keep the source's memory alive.
    return pyvips.Image.new_from_source(source, "", access="sequential", fail_on="error")


def _one_plane(file: BinaryIO, page: Page, number: int) -> dict[int, bytes]:
    """Return the changes that make a grey picture of the plane of one sample."""
    changes = {}
    for tag, value in ((tiff_tags.PLANAR, 1), (tiff_tags.SAMPLES, 1), (tiff_tags.BITS, page.bits),
                       (tiff_tags.SAMPLE_FORMAT, page.value(tiff_tags.SAMPLE_FORMAT, 1)),
                       (tiff_tags.EXTRA_SAMPLES, 0)):
        changes |= _changed(page, tag, value)
    width = page.layout.width
    for pieces in (page.tags[tag] for tag in sum(tiff_tags.PIECES, ()) if tag in page.tags):
        length = pieces.length // page.samples
        start = pieces.start + number * length
        file.seek(start)
        place = (file.read(length).ljust(width, b"\0") if length <= width
                 else page.layout.packed(start, width))
        changes[pieces.entry + 4] = page.layout.packed(pieces.count // page.samples, width) + place
    return changes


def _changed(page: Page, tag: int, value: int) -> dict[int, bytes]:
    """Return the change that gives a tag one value, if the page has it: place -> bytes."""
    if tag not in page.tags or page.tags[tag].values == (value,):
        return {}
    layout = page.layout
    return {page.tags[tag].entry + 2: layout.packed(tiff_tags.LONG, 2)
            + layout.packed(1, layout.width) + layout.packed(value, 4)}


def _changed_source(file: BinaryIO, changes: dict[int, bytes]) -> pyvips.Source:
    """Give libvips a file with some bytes of it changed; the file itself stays as it is."""
    if isinstance(file, io.BytesIO):
        data = bytearray(file.getvalue())
    else:  # of the mapped file only the changed pages are copied to memory
        try:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        except OSError as error:
            raise MemoryError from error  # the limit of a decoder's memory
    for place, new in changes.items():
        data[place:place + len(new)] = new
    return pyvips.Source.new_from_memory(data)


def _joined_blocks(file: BinaryIO, page: Page, changes: dict[int, bytes]) -> pyvips.Image:
    """Return subsampled YCbCr with all of its samples: uint8, three bands.

    libvips reads the page as a picture of blocks, whose samples are the block's luminances and then
    its two colour differences.
    """
    across, down = page.subsampling
    columns, rows = -(-page.width // across), -(-page.height // down)
    strip = page.value(tiff_tags.ROWS_PER_STRIP, page.height)
    for tag, value in ((tiff_tags.WIDTH, columns), (tiff_tags.HEIGHT, rows),
                       (tiff_tags.ROWS_PER_STRIP, -(-strip // down)),
                       (tiff_tags.TILE_WIDTH, page.value(tiff_tags.TILE_WIDTH, 0) // across),
                       (tiff_tags.TILE_HEIGHT, page.value(tiff_tags.TILE_HEIGHT, 0) // down),
                       (tiff_tags.SAMPLES, across * down + 2), (tiff_tags.BITS, 8),
                       (tiff_tags.SAMPLE_FORMAT, tiff_tags.UNSIGNED)):
        changes |= _changed(page, tag, value)
    blocks = _load(file, page, changes)
    values = np.empty((rows * down, columns * across, 3), np.uint8)
    for top in range(0, rows, ROWS):
        part = blocks.crop(0, top, columns, min(ROWS, rows - top)).numpy()
        strip = values[top * down:(top + len(part)) * down]
        luminance = part[..., :-2].reshape(len(part), columns, down, across)
        strip[..., 0] = luminance.swapaxes(1, 2).reshape(strip.shape[:2])
        strip[..., 1:] = part[..., -2:].repeat(down, axis=0).repeat(across, axis=1)
    return _with_metadata_of(blocks, values[:page.height, :page.width])


def _joined_halves(file: BinaryIO, page: Page, changes: dict[int, bytes]) -> pyvips.Image:
    """Return numbers of 64 bits as float32; libvips reads their halves as numbers of 32 bits."""
    for tag in (tiff_tags.WIDTH, tiff_tags.TILE_WIDTH):
        changes |= _changed(page, tag, 2 * page.value(tag, 0))
    changes |= _changed(page, tiff_tags.BITS, 32)
    changes |= _changed(page, tiff_tags.SAMPLE_FORMAT, tiff_tags.UNSIGNED)
    halves = _load(file, page, changes)
    values = np.empty((page.height, page.width, page.samples), np.float32)
    for top in range(0, page.height, ROWS):
        part = halves.crop(0, top, halves.width, min(ROWS, page.height - top)).numpy()
        if page.separate:
            part = part.reshape(len(part), page.width, 2, page.samples).swapaxes(2, 3)
        part = part.reshape(len(part), page.width, page.samples, 2)
        if (page.layout.order == "<") != (sys.byteorder == "little"):
            part = part[..., ::-1]
        with np.errstate(over="ignore"):  # beyond float32 is infinite, shown black
            values[top:top + len(part)] = np.ascontiguousarray(part).view(page.type)[..., 0]
    return _with_metadata_of(halves, values)


def _with_metadata_of(image: pyvips.Image, values: np.ndarray) -> pyvips.Image:
    """Return an image of other values with the orientation and the profile of `image`."""
    other = pyvips.Image.new_from_array(np.ascontiguousarray(values)).copy()
    for kind, name in ((pyvips.GValue.gint_type, "orientation"),
                       (pyvips.GValue.blob_type, "icc-profile-data")):
        if image.get_typeof(name):
            other.set_type(kind, name, image.get(name))
    return other


def _weighted(image: pyvips.Image, page: Page) -> pyvips.Image:
    """Return the colours, times alpha where there is one, which is then the last band.

    Alpha is 0..1, but for whole numbers of up to 16 bits it has their depth.
    """
    colours = image.extract_band(0, n=image.bands - len(page.extra))
    if page.alpha is None:
        return colours
    alpha = image.extract_band(colours.bands + page.alpha - page.colours)
    unassociated = page.extra[page.alpha - page.colours] == UNASSOCIATED
    if image.format in ("uchar", "ushort"):
        if unassociated:
            colours = colours * alpha / WHITE[page.type]
        if unassociated and page.photometric in PLAIN:
            colours = colours.rint().cast(image.format)
        return colours.bandjoin(alpha)
    kind = np.dtype(page.type)
    alpha = (alpha / (1.0 if kind.kind == "f" else float(np.iinfo(kind).max))).clamp()
    return (colours * alpha if unassociated else colours.cast("float")).bandjoin(alpha)


def _shrunk(image: pyvips.Image, factor: int) -> pyvips.Image:
    """Return the image in memory, upright, each pixel the mean of factor x factor."""
    if factor > 1 and image.format in ("float", "double"):
        image = _mean_of_finite(image, factor)
    elif factor > 1:
        image = image.shrink(factor, factor)
    return image.copy_memory().autorot()


def _mean_of_finite(image: pyvips.Image, factor: int) -> pyvips.Image:
    """Average the finite values of each block; NaN where there are none."""
    finite = image.abs() <= FINITE  # false for NaN too
    both = finite.ifthenelse(image, 0).bandjoin(finite / 255).shrink(factor, factor)
    sums, proportions = both[:image.bands], both[image.bands:]
    return (proportions > 0).ifthenelse(sums / proportions, math.nan)
