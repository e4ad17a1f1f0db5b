"""Draws what cleaning changes: the network's input without and with it, and both answers."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path

from celestial.drawing.cards import BAR, BARS, Card, card_sheet, draw_card, percent
from celestial.inference.predictor import Prediction, Predictor
from celestial.pictures.cleaning import Cleaning
from celestial.pictures.decoder_pool import decode_all
from celestial.pictures.preprocessing import as_picture
from celestial.pictures.readers.types import ImageError

PAIRS_DRAWN = 24  # pictures


def draw_before_after(predictor: Predictor, files: Mapping[str, Path], path: Path) -> list[Path]:
    """Write a sheet of the first pictures, each without and with cleaning.

    Args:
        predictor: its preprocessing has the cleaning.
        files: name -> file; those that cannot be read are left out.
        path: the PNG to write.

    Returns:
        The file that was written, or nothing where none can be read.
    """
    cleaned = predictor.preprocessing
    plain = replace(cleaned, cleaning=Cleaning())
    first = dict(islice(files.items(), PAIRS_DRAWN))
    decoded = decode_all(cleaned.load, first.values(), predictor.workers)
    pictures = {name: picture for name, (_, picture) in zip(first, decoded, strict=True)
                if not isinstance(picture, ImageError)}
    squares = [[fit.square(picture) for picture in pictures.values()] for fit in (plain, cleaned)]
    answers = [predictor.predict_squares(kind) for kind in squares]
    cards = [draw_card(Card(as_picture(before), name, (f"left, as it is: {_in_words(was)}",
                                                       f"right, cleaned: {_in_words(now)}"),
                            now.top(BARS), BAR, as_picture(after)))
             for name, before, after, was, now in zip(pictures, *squares, *answers, strict=True)]
    return [card_sheet(cards, path, "Before and after cleaning: what the network sees, and what "
                       "it answers")] if cards else []


def _in_words(prediction: Prediction) -> str:
    best, probability = prediction.top(1)[0]
    nearest = f"{best}  {percent(probability)}"
    return nearest if prediction.status == "ok" else f"unknown; nearest: {nearest}"
