"""Which font can draw a text: Pillow's own, one of the system's for Chinese and Korean, or none."""

import functools
import os
import sys
from pathlib import Path

from anyascii import anyascii
from PIL import ImageFont

# Fonts with Chinese and Korean glyphs beside Latin ones, the best first: Google's and Adobe's,
# free ones of Linux, then what Windows and macOS bring.
NAMES = ("NotoSansCJK-Regular.ttc", "NotoSansCJKsc-Regular.otf", "SourceHanSans-Regular.ttc",
         "SourceHanSansSC-Regular.otf", "wqy-microhei.ttc", "wqy-zenhei.ttc",
         "DroidSansFallbackFull.ttf", "Arial Unicode.ttf", "msyh.ttc", "malgun.ttf", "PingFang.ttc",
         "AppleSDGothicNeo.ttc")
FOLDERS = {
    "win32": (Path(os.environ.get("WINDIR", "C:/Windows"), "Fonts"),),
    "darwin": (Path("/System/Library/Fonts"), Path("/Library/Fonts"),
               Path.home() / "Library/Fonts"),
}.get(sys.platform, (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"),
                     Path.home() / ".fonts", Path.home() / ".local/share/fonts"))


@functools.cache
def wide_font() -> Path | None:
    """Return an installed font that has Chinese and Korean, or None."""
    found = {path.name: path for folder in FOLDERS if folder.is_dir()
             for path in folder.rglob("*.*t[tc]*")}
    return next((found[name] for name in NAMES if name in found), None)


def _is_plain(text: str) -> bool:
    """Say whether Pillow's and matplotlib's own fonts have all of it: Latin and punctuation."""
    return all(ord(letter) < 0x250 or 0x2010 <= ord(letter) < 0x2040 for letter in text)


def drawable(text: str) -> str:
    """Return a text as it can be drawn here: in Latin letters where there is no font for it.

    An empty box for each letter would make all such names look alike.
    """
    return text if _is_plain(text) or wide_font() else anyascii(text)


def pillow_font(size: int, text: str = "") -> ImageFont.FreeTypeFont:
    """Return a font for a `drawable` text: Pillow's own, unless the text needs another."""
    return (ImageFont.load_default(size) if _is_plain(text) else
            ImageFont.truetype(wide_font(), size))
