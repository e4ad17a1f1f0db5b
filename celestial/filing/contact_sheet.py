"""Draws what lies beside the table of answers: the contact sheet, and what cleaning changed."""

import argparse
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from celestial.common.file_names import display_name
from celestial.drawing.cards import card_sheet
from celestial.pictures.decoder_pool import decode_all
from celestial.pictures.loader import load_image
from celestial.pictures.readers.types import ImageError

if TYPE_CHECKING:
    from celestial.inference.predictor import Predictor

PICTURES = "pictures"  # the folder of annotated pictures
ON_SHEET = 60  # pictures on the contact sheet


def readable_cards(rows: list[list[str]], cards: dict[str, str],
                   args: argparse.Namespace) -> Iterator[Image.Image]:
    """Yield the annotated pictures that lie on the disk, this run's and an earlier one's."""
    drawn = (args.output_dir / PICTURES / cards[row[0]] for row in rows if row[1] != "failed")
    for _, card in decode_all(load_image, drawn, args.workers):
        if not isinstance(card, ImageError):  # drawn by no run, or deleted since
            yield Image.fromarray(card)


def draw_contact_sheet(rows: list[list[str]], count: int, cards: dict[str, str],
                       args: argparse.Namespace) -> list[Path]:
    """Write contact_sheet.png from the first annotated pictures; return what was written."""
    out = args.output_dir
    shown = [] if args.no_pictures else list(islice(readable_cards(rows, cards, args), ON_SHEET))
    if not shown:
        return []
    named = display_name(args.folder)
    title = (named if args.folder.is_file() else f"{count} files in {named}") + (
        f", the first {ON_SHEET} pictures" if len(shown) == ON_SHEET < count else "")
    return [card_sheet(shown, out / "contact_sheet.png", title), out / PICTURES]


def show_cleaning(predictor: "Predictor", files: dict[str, Path],
                  args: argparse.Namespace) -> list[Path]:
    """Write before_after.png where pictures are cleaned; return what was written."""
    if args.no_pictures or not predictor.preprocessing.cleaning.active:
        return []
    from celestial.drawing.before_after import draw_before_after

    return draw_before_after(predictor, dict(sorted(files.items())),
                             args.output_dir / "before_after.png")
