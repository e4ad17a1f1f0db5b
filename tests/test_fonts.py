"""Names in Chinese and Korean on cards and in plots: no two look alike, whatever is installed."""

import shutil
import warnings
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import Image

from celestial.drawing import fonts
from celestial.drawing.cards import CARD_WIDTH, Card, draw_card, labelled_rows
from celestial.drawing.figures import draw_confusion

NAMES = ("火星", "土星", "화성", "토성")


@pytest.fixture(params=["the fonts of this machine", "no fonts"])
def no_fonts(request, monkeypatch):
    if request.param == "no fonts":
        monkeypatch.setattr(fonts, "FOLDERS", ())
    fonts.installed.cache_clear()
    yield request.param == "no fonts"
    monkeypatch.undo()
    fonts.installed.cache_clear()


def drawn_apart(pictures: list[np.ndarray]) -> bool:
    return all((first != second).any() for place, first in enumerate(pictures)
               for second in pictures[:place])


def test_names_on_cards_differ(no_fonts, tmp_path):
    cards = [np.asarray(draw_card(Card(None, name, [name], [(name, 0.5)]))) for name in NAMES]
    assert drawn_apart(cards)
    bars = [card[-40:, :CARD_WIDTH // 3] for card in cards]
    assert drawn_apart(bars), "the names beside the bars as well"
    sheets = [np.asarray(Image.open(labelled_rows([(name, [cards[0]])], tmp_path / "a.png", "one")))
              for name in NAMES]
    assert drawn_apart(sheets)


def test_names_in_plots_differ(no_fonts, tmp_path):
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="Glyph .* missing")
        plots = [draw_confusion(np.eye(2, dtype=int), (name, "b"), tmp_path / "a.png").read_bytes()
                 for name in NAMES]
    assert len(set(plots)) == len(NAMES)


def test_without_a_font_names_are_in_latin_letters(no_fonts):
    assert fonts.drawable("mars – ü") == "mars – ü"
    if no_fonts:
        assert fonts.drawable("火星") == "HuoXing" and not fonts.installed()
    elif fonts.font_for("火星"):
        assert fonts.drawable("火星") == "火星"


def test_a_font_without_a_letter_is_not_taken_for_it(tmp_path, monkeypatch):
    """Under a name that promises Chinese and Korean there lies one that has Latin letters alone."""
    latin = Path(matplotlib.get_data_path(), "fonts/ttf/DejaVuSans.ttf")
    shutil.copy(latin, tmp_path / fonts.NAMES[0])
    (tmp_path / fonts.NAMES[-1]).write_bytes(b"no font")
    monkeypatch.setattr(fonts, "FOLDERS", (tmp_path,))
    fonts.installed.cache_clear()
    try:
        assert [path.name for path in fonts.installed()] == [fonts.NAMES[0]]
        assert fonts.font_for("火星") is None and fonts.drawable("火星") == "HuoXing"
        assert fonts.font_for("Марс") == tmp_path / fonts.NAMES[0]
    finally:
        fonts.installed.cache_clear()
