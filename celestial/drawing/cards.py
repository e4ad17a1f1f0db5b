"""Draws pictures with words on them, with Pillow: rows of samples, framed cards, contact sheets."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from celestial.common.file_names import display_name
from celestial.common.files import DISK_FULL, atomic_path
from celestial.drawing.fonts import drawable, pillow_font
from celestial.pictures.preprocessing import SHOWN_SIDE

PAPER = (255, 255, 255)
INK = (30, 34, 42)
FAINT = (120, 126, 138)
BAR = (66, 103, 178)
BAR_GROUND = (232, 235, 240)
# Their brightness differs, so that red-green blind readers can tell them apart; the card's words
# say the same.
GREEN = (26, 152, 80)
RED = (178, 24, 43)
AMBER = (230, 145, 20)

TILE = 180  # pixels, a picture in a row of samples
CARD_FRAME = 8
CARD_WIDTH = SHOWN_SIDE + 2 * CARD_FRAME
CARD_BAR = 24
BARS = 3  # classes with a bar
FEW_CLASSES, MORE_BARS = 20, 5  # with more classes, as in ImageNet, five bars are drawn
MOST_ROWS = 40  # of samples on one sheet
ROW_LINE = 24  # pixels from a line of a row's label to the next
CARD_SHAPE = 1.5  # height of a card by its width
UNDRAWN = "its annotated picture cannot be written"


@dataclass(frozen=True)
class Card:
    """One picture with its prediction.

    Attributes:
        picture: uint8 (height, width, 3), or None where it could not be read.
        heading: the first line, large.
        lines: smaller lines below it.
        bars: (class, probability 0..1), best first.
        colour: of the frame, RGB.
        beside: a second picture, to the right of the first.
    """

    picture: np.ndarray | None
    heading: str
    lines: Sequence[str]
    bars: Sequence[tuple[str, float]] = field(default_factory=tuple)
    colour: tuple[int, int, int] = FAINT
    beside: np.ndarray | None = None


def answered_card(prediction, true_name: str) -> Card:
    """Return the card of a `Prediction` whose true class is known: green right, red wrong."""
    best, probability = prediction.top(1)[0]
    right = best == true_name
    verdict = f"{'right' if right else 'WRONG'}, it is {true_name}"
    doubt = "; called unknown" if prediction.status == "unknown" else ""
    return Card(prediction.picture, f"{best}  {percent(probability)}",
                (verdict + doubt, display_name(prediction.path.name)), prediction.top(BARS),
                GREEN if right else RED)


def prediction_card(prediction, name: str, beside: np.ndarray | None = None) -> Card:
    """Return the card of a `Prediction`: blue where accepted, amber where unknown.

    Args:
        prediction: with its picture.
        name: of the file.
        beside: the picture under the Grad-CAM of its best class, uint8 (height, width, 3).
    """
    best, probability = prediction.top(1)[0]
    accepted = prediction.status == "ok"
    heading = f"{best}  {percent(probability)}" if accepted else "unknown"
    doubt = "" if accepted else f"none of the classes; nearest: {best}"
    explained = "" if beside is None else f"right: what speaks for {best} (Grad-CAM)"
    line = "; ".join(filter(None, [doubt, prediction.note, explained]))
    bars = MORE_BARS if len(prediction.classes) > FEW_CLASSES else BARS
    return Card(prediction.picture, heading, (name, line), prediction.top(bars),
                BAR if accepted else AMBER, beside)


def percent(probability: float) -> str:
    """Return a probability as text that never rounds up to certainty."""
    return ">99.9 %" if 0.9995 <= probability < 1 else f"{100 * probability:.1f} %"


def write(draw: ImageDraw.ImageDraw, corner: tuple[float, float], text: str, size: int,
          colour: tuple[int, int, int], width: float, anchor: str = "la") -> None:
    """Write a line, shortened in the middle until it is at most `width` pixels wide."""
    text = drawable(text)
    face = pillow_font(size, text)
    draw.text(corner, fitted(text, face, width), colour, face, anchor=anchor)


def fitted(text: str, face: ImageFont.FreeTypeFont, width: float) -> str:
    """Return `text`, shortened in the middle until it is at most `width` pixels wide."""
    if face.getlength(text) <= width:
        return text
    kept = len(text) - 1
    while kept > 2 and face.getlength(_shortened(text, kept)) > width:
        kept -= 1
    return _shortened(text, kept)


def _shortened(text: str, kept: int) -> str:
    head = (kept + 1) // 2
    return f"{text[:head]}...{text[len(text) - (kept - head):]}"


def tile(picture: np.ndarray | None, side: int) -> Image.Image:
    """Return the whole picture, centred on a black square of `side` pixels."""
    square = Image.new("RGB", (side, side), (0, 0, 0))
    if picture is not None:
        small = Image.fromarray(picture)
        scale = side / max(small.size)
        size = tuple(max(1, round(length * scale)) for length in small.size)
        if size != small.size:
            small = small.resize(size, Image.Resampling.LANCZOS)
        square.paste(small, ((side - size[0]) // 2, (side - size[1]) // 2))
    return square


def draw_card(card: Card) -> Image.Image:
    """Return the picture in its frame with heading, lines and bars below it."""
    side = CARD_WIDTH - 2 * CARD_FRAME
    pictures = [card.picture] if card.beside is None else [card.picture, card.beside]
    inner = side * len(pictures)
    text_height = 36 + 21 * len(card.lines) + CARD_BAR * len(card.bars) + 14
    image = Image.new("RGB", (inner + 2 * CARD_FRAME, side + text_height + 2 * CARD_FRAME),
                      card.colour)
    draw = ImageDraw.Draw(image)
    for place, picture in enumerate(pictures):
        image.paste(tile(picture, side), (CARD_FRAME + place * side, CARD_FRAME))
    top = CARD_FRAME + side
    draw.rectangle((CARD_FRAME, top, CARD_FRAME + inner - 1, top + text_height - 1), PAPER)
    left, width = CARD_FRAME + 10, inner - 20
    write(draw, (left, top + 8), card.heading, 21, INK, width)
    y = top + 38
    for line in card.lines:
        write(draw, (left, y), line, 15, FAINT, width)
        y += 21
    for name, probability in card.bars:
        _draw_bar(draw, (left, y + 4), width, name, probability)
        y += CARD_BAR
    return image


def _draw_bar(draw: ImageDraw.ImageDraw, corner: tuple[int, int], width: int, name: str,
              probability: float) -> None:
    x, y = corner
    name_width, number_width = 104, 56
    bar_left, bar_width = x + name_width, width - name_width - number_width
    write(draw, (x, y), name, 14, INK, name_width - 8)
    draw.rectangle((bar_left, y + 3, bar_left + bar_width, y + 15), BAR_GROUND)
    if probability > 0:
        draw.rectangle((bar_left, y + 3, bar_left + bar_width * probability, y + 15), BAR)
    write(draw, (x + width, y), percent(probability), 14, INK, number_width, "ra")


def card_sheet(images: Sequence[Image.Image], path: Path, title: str) -> Path:
    """Write drawn cards side by side under a title, on a sheet about as wide as high."""
    widest = max((image.width for image in images), default=CARD_WIDTH)
    columns = math.ceil(math.sqrt(CARD_SHAPE * CARD_WIDTH / widest * max(1, len(images))))
    rows = [images[start:start + columns] for start in range(0, len(images), columns)]
    gap = 12
    heights = [max(image.height for image in row) + gap for row in rows]
    width = max(columns * (widest + gap) + gap, 3 * CARD_WIDTH)
    sheet, y = _titled_paper(title, width, sum(heights) + gap)
    for row, height in zip(rows, heights, strict=True):
        for column, image in enumerate(row):
            sheet.paste(image, (gap + column * (widest + gap), y))
        y += height
    return save(sheet, path)


def labelled_rows(rows: Sequence[tuple[str, Sequence[np.ndarray]]], path: Path, title: str,
                  columns: Sequence[str] = ()) -> Path:
    """Write a grid: each row a label (lines split at \\n) and its pictures side by side.

    Args:
        rows: (label, pictures), each picture uint8 (height, width, 3); `MOST_ROWS` are drawn.
        path: the PNG to write.
        title: stands above the grid.
        columns: a caption above each column of pictures.
    """
    gap, label_width = 8, 175
    if len(rows) > MOST_ROWS:
        title = f"{title} (the first {MOST_ROWS} of {len(rows)} rows)"
        rows = rows[:MOST_ROWS]
    most = max(len(pictures) for _, pictures in rows)
    head = 26 if columns else 0
    width = label_width + most * (TILE + gap) + gap
    sheet, y = _titled_paper(title, width, head + len(rows) * (TILE + gap) + gap)
    draw = ImageDraw.Draw(sheet)
    for column, caption in enumerate(columns):
        x = label_width + column * (TILE + gap) + TILE / 2
        write(draw, (x, y), caption, 16, FAINT, TILE, "ma")
    y += head
    for label, pictures in rows:
        lines = label.split("\n")
        for number, line in enumerate(lines):
            middle = y + TILE / 2 + ROW_LINE * (number - (len(lines) - 1) / 2)
            write(draw, (gap, middle), line, 16, INK, label_width - 2 * gap, "lm")
        for column, picture in enumerate(pictures):
            sheet.paste(tile(picture, TILE), (label_width + column * (TILE + gap), y))
        y += TILE + gap
    return save(sheet, path)


def _titled_paper(title: str, width: int, height: int) -> tuple[Image.Image, int]:
    """Return white paper with the title on top, and the y below it where drawing may begin."""
    top = 52
    paper = Image.new("RGB", (width, height + top), PAPER)
    write(ImageDraw.Draw(paper), (12, 14), title, 24, INK, width - 24)
    return paper, top


def save(image: Image.Image, path: Path) -> Path:
    """Write a picture as PNG, whole or not at all."""
    with atomic_path(path, durable=False) as temporary:
        image.save(temporary, format="PNG", compress_level=1)
    return path


def write_card(card: Card, path: Path) -> str:
    """Draw a card and write it, see `try_save`."""
    return try_save(draw_card(card), path)


def try_save(image: Image.Image, path: Path) -> str:
    """Write one of many pictures; return why it cannot be written, or an empty text.

    Raises:
        OSError: the disk is full, so that nothing else could be written either.
    """
    try:
        save(image, path)
    except OSError as error:
        if error.errno in DISK_FULL:
            raise
        return f"{UNDRAWN}: {error.strerror}"
    return ""
