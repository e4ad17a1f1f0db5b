"""Finds a font that can draw a text: Pillow's own, or a system's for Chinese and Korean."""

import functools
import os
import sys
from pathlib import Path

from anyascii import anyascii
from PIL import Image, ImageDraw, ImageFont

SIZE = 24  # pixels of a letter when a font is tried
NOWHERE = "\uffff"  # no letter, by definition of Unicode
# Fonts with Chinese or Korean glyphs beside Latin ones, the best first: Google's and Adobe's,
# free ones of Linux, then what Windows and macOS bring.
NAMES = ("NotoSansCJK-Regular.ttc", "NotoSansCJKsc-Regular.otf", "SourceHanSans-Regular.ttc",
         "SourceHanSansSC-Regular.otf", "wqy-microhei.ttc", "wqy-zenhei.ttc",
         "DroidSansFallbackFull.ttf", "Arial Unicode.ttf", "msyh.ttc", "malgun.ttf", "PingFang.ttc",
         "AppleSDGothicNeo.ttc")
# ~ is the user's home.
FOLDERS = {
    "win32": (Path(os.environ.get("WINDIR", "C:/Windows"), "Fonts"),),
    "darwin": (Path("/System/Library/Fonts"), Path("/Library/Fonts"), Path("~/Library/Fonts")),
}.get(sys.platform, (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"),
                     Path("~/.fonts"), Path("~/.local/share/fonts")))


@functools.cache
def installed() -> tuple[Path, ...]:
    """Return the fonts of `NAMES` that are there and can be opened, the best first."""
    found = {path.name: path for folder in FOLDERS for path in _files_below(folder)}
    return tuple(found[name] for name in NAMES if name in found and _opens(found[name]))


def _files_below(folder: Path) -> list[Path]:
    """Return a folder's fonts; none if it may not be read, or if ~ stands for no home."""
    try:
        return list(folder.expanduser().rglob("*.[ot]t[cf]"))
    except (OSError, RuntimeError):
        return []


def _opens(path: Path) -> bool:
    try:
        ImageFont.truetype(path, SIZE)
    except OSError:
        return False
    return True


@functools.lru_cache(maxsize=10_000)
def _has(path: Path, letter: str) -> bool:
    """Say whether a font has a letter: else it is drawn like a letter that no font has."""
    face = ImageFont.truetype(path, SIZE)
    drawn = []
    for text in (letter, NOWHERE):
        paper = Image.new("L", (2 * SIZE, 2 * SIZE))
        ImageDraw.Draw(paper).text((0, 0), text, 255, face)
        drawn.append(paper.tobytes())
    return drawn[0] != drawn[1]


def font_for(text: str) -> Path | None:
    """Return the first installed font that has every letter of a text, or None."""
    letters = {letter for letter in text if not _is_plain(letter)}
    return next((path for path in installed() if all(_has(path, letter) for letter in letters)),
                None)


def _is_plain(text: str) -> bool:
    """Say whether Pillow's and matplotlib's own fonts have all of it: Latin and punctuation."""
    return all(ord(letter) < 0x250 or 0x2010 <= ord(letter) < 0x2040 for letter in text)


def drawable(text: str) -> str:
    """Return a text as it can be drawn here: in Latin letters where there is no font for it.

    Without a font each letter would be an empty box, and all such names would look alike.
    """
    return text if _is_plain(text) or font_for(text) else anyascii(text)


def pillow_font(size: int, text: str = "") -> ImageFont.FreeTypeFont:
    """Return a font for a `drawable` text: Pillow's own, unless the text needs another."""
    return (ImageFont.load_default(size) if _is_plain(text) else
            ImageFont.truetype(font_for(text), size))
