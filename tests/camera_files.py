"""Files as cameras and astronomers' programs write them: DNG, XISF, SER, video."""

import io
import struct
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

import cv2
import numpy as np
import pytest

# XYZ (D65) to linear sRGB (IEC 61966-2-1): a camera whose colours are those of sRGB.
COLOUR_MATRIX = (3.2404542, -1.5371385, -0.4985314, -0.9692660, 1.8760108, 0.0415560,
                 0.0556434, -0.2040259, 1.0572252)
WHITE = 16383  # of a sensor of 14 bits
FIRST_TICK = 638_000_000_000_000_000  # 100 ns since the year 1: some day of 2022


def mosaic(scene: np.ndarray, name: str = "RGGB") -> np.ndarray:
    """Return what a sensor with colour filters sees of (height, width, 3): (height, width)."""
    seen = np.empty(scene.shape[:2], scene.dtype)
    for number, letter in enumerate(name):
        part = slice(number // 2, None, 2), slice(number % 2, None, 2)
        seen[part] = scene[(*part, "RGB".index(letter))]
    return seen


def dng(raw: np.ndarray, name: str = "RGGB", orientation: int = 1, white: int = WHITE,
        balance: tuple[float, float, float] = (1, 1, 1), camera: str = "Camera", **options
        ) -> bytes:
    """Return a DNG: raw uint16 (height, width), the counts behind filters, or (height, width, 3).

    Args:
        raw: the counts.
        name: of the filters, row by row.
        orientation: of TIFF.
        white: the count of white.
        balance: the camera's white balance, its counts of a neutral grey.
        camera: the name of its model.
        options: of tifffile.
    """
    tifffile = pytest.importorskip("tifffile")
    rational = [part for value in COLOUR_MATRIX for part in (round(value * 1e6), 10 ** 6)]
    neutral = [part for value in balance for part in (round(value * 1e6), 10 ** 6)]
    filters = () if raw.ndim == 3 else (
        (33421, "H", 2, (2, 2), True),
        (33422, "B", 4, bytes("RGB".index(letter) for letter in name), True))
    tags = (*filters, (271, "s", 0, "Drawn", True), (272, "s", 0, camera, True),
            (274, "H", 1, orientation, True), (50706, "B", 4, bytes((1, 4, 0, 0)), True),
            (50708, "s", 0, f"Drawn {camera}", True), (50717, "I", 1, white, True),
            (50721, "2i", 9, rational, True), (50728, "2I", 3, neutral, True),
            (50778, "H", 1, 21, True))
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, raw, photometric="cfa" if raw.ndim == 2 else "linear_raw",
                     extratags=tags, metadata=None, **options)
    return buffer.getvalue()


def xisf_by_hand(pixels: bytes, attributes: Mapping[str, str], inside: str = "",
                 before: str = "", text: str = "") -> bytes:
    """Return an XISF whose header says what is given, as no library would write it.

    Args:
        pixels: what is attached, if the attributes name no location.
        attributes: of its image.
        inside: elements within the image.
        before: what precedes the root of the header.
        text: the text of the image.
    """
    place = 4096
    attributes = {"location": f"attachment:{place}:{len(pixels)}", **attributes}
    told = " ".join(f"{name}={quoteattr(value)}" for name, value in attributes.items())
    header = (f'<?xml version="1.0" encoding="UTF-8"?>{before}'
              f'<xisf version="1.0" xmlns="http://www.pixinsight.com/xisf">'
              f"<Image {told}>{text}{inside}</Image></xisf>").encode()
    assert len(header) <= place - 16 or not pixels
    return (b"XISF0100" + struct.pack("<II", len(header), 0) + header).ljust(place, b"\0") + pixels


def ser(frames: np.ndarray, colours: int = 0, depth: int = 8, flag: int = 0, order: str = "<",
        seconds: Sequence[float] | None = None, told: int | None = None) -> bytes:
    """Return a SER file.

    Args:
        frames: whole numbers (frames, height, width) or (frames, height, width, 3).
        colours: its ColorID.
        depth: bits of a sample.
        flag: its LittleEndian.
        order: of the bytes of a sample.
        seconds: times of the frames for its trailer; None: it has none.
        told: frames that the header tells; None: as many as there are.
    """
    count, height, width = frames.shape[:3]
    head = b"LUCAM-RECORDER" + struct.pack(
        "<7i", 0, colours, flag, width, height, depth, count if told is None else told)
    head += b"an observer".ljust(40) + b"a camera".ljust(40) + b"a telescope".ljust(40)
    head += struct.pack("<2q", FIRST_TICK, FIRST_TICK)
    kind = "u1" if depth <= 8 else order + "u2"
    times = [] if seconds is None else [FIRST_TICK + round(each * 1e7) for each in seconds]
    return head + frames.astype(kind).tobytes() + struct.pack(f"<{len(times)}q", *times)


def video(frames: Sequence[np.ndarray], ending: str, code: str, rate: float = 10.0) -> bytes:
    """Return a video of frames, uint8 (height, width, 3), RGB.

    Args:
        frames: its frames.
        ending: of its name, by which OpenCV chooses the container.
        code: of what packs the frames, four letters.
        rate: frames a second.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"video.{ending}")
        height, width = frames[0].shape[:2]
        writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter_fourcc(*code), rate,
                                 (width, height))
        assert writer.isOpened()
        for frame in frames:
            writer.write(np.ascontiguousarray(frame[..., ::-1]))
        writer.release()
        return path.read_bytes()


def blurred(scene: np.ndarray, count: int, sharp: int, amount: float = 3.0) -> list[np.ndarray]:
    """Return `count` copies of a scene, all blurred but for number `sharp`."""
    soft = cv2.GaussianBlur(scene, (0, 0), amount)
    return [scene if number == sharp else soft for number in range(count)]
