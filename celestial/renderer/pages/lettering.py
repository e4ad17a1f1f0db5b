"""Words as web sites set them: titles, captions, lines of text, in the fonts of matplotlib."""

from functools import cache, lru_cache
from pathlib import Path

import matplotlib
from PIL import Image, ImageDraw, ImageFont

from celestial.renderer.light.canvas import Canvas

# Words that stand on pictures of any kind: none tells what the picture shows.
WORDS = """space planet universe cosmos explore discover the world of our new journey into beyond
sky night science astronomy guide facts about did you know welcome to home free download image
wallpaper no background stock photo vector poster print gallery chapter lesson history life data
report team project studio club radio music records festival open day group media labs systems
energy design future orbit star light energy power first last next best big small deep far near
one two three 2019 2021 2024 vol part fig size scale distance mass days km million years""".split()


@cache
def _faces() -> tuple[Path, ...]:
    """Return matplotlib's fonts that have Latin letters: DejaVu, STIX and Computer Modern."""
    folder = Path(matplotlib.get_data_path(), "fonts", "ttf")
    names = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSans-BoldOblique",
             "DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-Italic", "DejaVuSansMono",
             "STIXGeneral", "STIXGeneralBol", "STIXGeneralItalic", "cmss10", "cmb10", "cmtt10")
    return tuple(folder / f"{name}.ttf" for name in names)


@lru_cache(maxsize=200)
def _font(path: Path, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size)


def any_face(canvas: Canvas) -> Path:
    """Return the file of any of the fonts."""
    return _faces()[int(canvas.rng.integers(len(_faces())))]


def words(canvas: Canvas, least: int, most: int) -> str:
    """Return least..most words, small, as titles are written or in capitals."""
    count = int(canvas.rng.integers(least, most + 1))
    text = " ".join(canvas.rng.choice(WORDS, count))
    case = canvas.pick({"upper": 4, "title": 3, "lower": 3})
    return {"upper": text.upper(), "title": text.title(), "lower": text}[case]


def fitted(face: Path, text: str, width: float, height: float) -> ImageFont.FreeTypeFont:
    """Return a font of a face in which a text is no wider and higher than this, pixels."""
    size = max(5, round(height))
    wide = _font(face, size).getlength(text)
    return _font(face, max(5, round(size * min(1.0, width / max(wide, 1)))))


def write(canvas: Canvas, image: Image.Image, text: str, box: tuple[float, float, float, float],
          colour: tuple[int, ...], anchor: str = "mm") -> None:
    """Write one line on a picture.

    Args:
        canvas: gives the randomness.
        image: that gets the words.
        text: one line.
        box: x and y of the anchor, greatest width and height, pixels.
        colour: of the letters.
        anchor: Pillow's, which part of the line stands at x and y.
    """
    x, y, width, height = box
    ImageDraw.Draw(image).text((x, y), text, fill=colour, anchor=anchor,
                               font=fitted(any_face(canvas), text, width, height))
