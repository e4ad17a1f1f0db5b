"""Reads the pixels of an XISF image in strips and shows them, stretched where they are linear."""

import re
from functools import partial
from typing import BinaryIO

import numpy as np

from celestial.pictures.readers.mosaics import PATTERNS, filters_of, pattern, read_planes
from celestial.pictures.readers.types import (
    Damaged,
    Decoded,
    ImageError,
    Request,
    three_channels,
)
from celestial.pictures.readers.xisf.xisf_blocks import NO_SENSE, Pixels, open_pixels, text_of
from celestial.pictures.readers.xisf.xisf_header import Element, first_image
from celestial.pictures.stretch import by_depth

SAMPLES = {"UInt8": "u1", "UInt16": "u2", "UInt32": "u4", "Float32": "f4", "Float64": "f8"}
CHANNELS = {"Gray": 1, "RGB": 3}
TURNS = {"0": 0, "90": 1, "180": 2, "-90": 3}  # quarter turns, counter-clockwise
# PixInsight's history of an image is an XML text of its own: its processes, in order.
HISTORY = "PixInsight:ProcessingHistory"
PROCESS = re.compile(r'class="(\w+)"')
# Processes that bend the scale of brightness, so that what they made is no longer linear.
STRETCHES = {"AdaptiveStretch", "ArcsinhStretch", "AutoHistogram", "CurvesTransformation",
             "ExponentialTransformation", "GeneralizedHyperbolicStretch",
             "HistogramTransformation", "MaskedStretch", "MultiscaleAdaptiveStretch"}


def read(file: BinaryIO, request: Request) -> Decoded:
    """Read the first image of a file.

    It is linear and stretched as such, unless it has 8 bits or PixInsight's history of it names
    one of `STRETCHES`: then it is shown as it is, from its lower to its upper bound. Colours before
    whose pixels were filters (ColorFilterArray, or the keyword BAYERPAT) are taken apart. Channels
    beyond grey and RGB are left out.

    Args:
        file: seekable, of any size.
        request: what is wanted.

    Raises:
        ImageError: no image in it, one of a kind that is not read, too large or damaged.
    """
    image, inside = first_image(file)
    columns, rows, planes, sample = _layout(image.attributes)
    colours = CHANNELS[image.attributes.get("colorSpace", "Gray")]
    request.require_sane(columns, rows, planes * sample.itemsize)
    if planes < colours:
        raise Damaged(NO_SENSE)
    pixels = open_pixels(file, image, inside, sample.itemsize, rows * columns * planes)
    normal = image.attributes.get("pixelStorage", "Planar").lower() == "normal"
    section = partial(_section, pixels, sample, (rows, columns, planes), normal)
    filters = _filters(inside, rows) if planes == 1 and min(rows, columns) > 1 else None
    values = read_planes(section, (rows, columns, colours), request.factor(columns, rows), filters)
    if sample.itemsize == 1 or _was_stretched(file, inside):
        shown = _between(values, *_bounds(image.attributes, sample))
    else:
        shown = request.stretch.to_8_bits(values, linear=True)
    turn, *_ = orientation = image.attributes.get("orientation", "0").split(";")
    shown = np.rot90(shown, TURNS.get(turn, 0))
    if orientation[-1] == "flip":
        shown = shown[:, ::-1]
    if TURNS.get(turn, 0) % 2:
        rows, columns = columns, rows
    return Decoded(three_channels(shown), columns, rows)


def _layout(attributes: dict[str, str]) -> tuple[int, int, int, np.dtype]:
    """Return columns, rows, planes and the type of a sample."""
    kind, colours = attributes.get("sampleFormat", ""), attributes.get("colorSpace", "Gray")
    if kind not in SAMPLES:
        raise ImageError(f"an XISF image of {kind[:20] or 'unknown'} samples, which are not read")
    if colours not in CHANNELS:
        raise ImageError(f"an XISF image of colours in {colours[:20]}, which are not read")
    try:
        columns, rows, planes = map(int, attributes.get("geometry", "").split(":"))
    except ValueError as error:
        raise ImageError("an XISF image that has not two dimensions") from error
    if min(columns, rows, planes) < 1:
        raise Damaged(NO_SENSE)
    order = ">" if attributes.get("byteOrder", "little") == "big" else "<"
    return columns, rows, planes, np.dtype(order + SAMPLES[kind])


def _section(pixels: Pixels, sample: np.dtype, shape: tuple[int, int, int], normal: bool,
             plane: int, part: slice) -> np.ndarray:
    """Return rows of one plane: (rows, columns).

    Args:
        pixels: where they are; `sample`: their type.
        shape: rows, columns and planes of the image.
        normal: whether the samples of a pixel stand together; else those of a plane do.
        plane: number of the plane.
        part: the rows.
    """
    rows, columns, planes = shape
    count = (part.stop - part.start) * columns
    if normal:
        found = pixels.take(part.start * columns * planes, count * planes)
        return np.frombuffer(found, sample).reshape(-1, columns, planes)[..., plane]
    found = pixels.take((plane * rows + part.start) * columns, count)
    return np.frombuffer(found, sample).reshape(-1, columns)


def _filters(inside: list[Element], rows: int) -> np.ndarray | None:
    """Return the colour filters before the pixels as numbers, int (2, 2); None: none are named."""
    keywords = {}
    for element in inside:
        told = element.attributes
        if element.name == "ColorFilterArray" and told.get("pattern") in PATTERNS:
            return pattern(told["pattern"])
        if element.name == "FITSKeyword":
            keywords[told.get("name", "")] = _number_or_text(told.get("value", ""))
    return filters_of(keywords, rows, bottom_up=False)


def _number_or_text(value: str) -> float | str:
    try:
        return float(value)
    except ValueError:
        return value.strip("' ")


def _was_stretched(file: BinaryIO, inside: list[Element]) -> bool:
    """Tell whether the history of the image names a process that stretches."""
    histories = (text_of(file, element) for element in inside
                 if element.name == "Property" and element.attributes.get("id") == HISTORY)
    return any(STRETCHES & set(PROCESS.findall(history)) for history in histories)


def _bounds(attributes: dict[str, str], sample: np.dtype) -> tuple[float, float]:
    """Return what is black and what is white: the range of whole numbers, the bounds of others."""
    if sample.kind == "u":
        return 0.0, float(np.iinfo(sample).max)
    try:
        low, high = map(float, attributes.get("bounds", "0:1").split(":"))
    except ValueError as error:
        raise Damaged(NO_SENSE) from error
    if not low < high < np.inf:
        raise Damaged(NO_SENSE)
    return low, high


def _between(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Show low..high as 0..255: numbers (height, width, channels) -> uint8, same shape."""
    values = np.nan_to_num(values.astype(np.float32), nan=low, posinf=high, neginf=low)
    return by_depth(values - np.float32(low), high - low)
