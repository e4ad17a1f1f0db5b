"""Finds the maps of celestial bodies in a folder by the files' names, and reads them."""

import math
import re
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from celestial.common.console import PLANETS, UserError
from celestial.common.file_names import display_name
from celestial.common.files import sha256_of, walk_files
from celestial.pictures.loader import ImageError, decode
from celestial.pictures.readers.pillow_images import open_usual
from celestial.renderer.giants.saturn_rings import EQUATOR

OTHERS = ("amalthea", "ariel", "arrokoth", "bennu", "callisto", "ceres", "charon", "deimos",
          "dione", "enceladus", "eris", "eros", "europa", "ganymede", "haumea", "hyperion",
          "iapetus", "io", "itokawa", "janus", "makemake", "mercury", "mimas", "miranda", "oberon",
          "phobos", "phoebe", "pluto", "proteus", "puck", "quaoar", "rhea", "ryugu", "sedna", "sun",
          "tethys", "titan", "titania", "triton", "umbriel", "venus", "vesta")
# Names that NASA and USGS give their mosaics.
ALSO = {"bluemarble": "earth", "world": "earth", "lunar": "moon", "lroc": "moon"}
ENDINGS = {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".bmp"}

# A word such as "earthcloudmap" is taken apart where it holds nothing but these and bodies;
# "venuslike" is no Venus, "sunday" no Sun.
PIECES = ("maps?", "colou?rs?", "clouds?", "cover", "rings?", "bump", "dem", "disp", "norm",
          "normals?", "spec", "specular", "nights?", "(?<!sun)day", "(?<!sun)(?<!moon)lights?",
          "city", "surface", "atmosphere", "height", "topo", "mask", "tex", "textures?", "trans",
          "pattern")
_PIECE = "|".join(sorted([*PLANETS, *OTHERS, *ALSO, *PIECES], key=len, reverse=True))
_WORD = re.compile(r"[^\W\d_]+")

# Pictures that are no maps of what the eye sees, by the words of their names; the first that fits
# counts. World.topo.bathy is not among them, because it is NASA's Blue Marble.
PASSED_OVER = (
    ("normals of a relief", r"\b(norm|normals?|nrm)\b"),
    ("heights", r"bump|height|displace|\b(disp|d[et]m|elev)\b|elevation|relief|shade|mola|lola|"
                r"(?<!world )topo|(?<!topo )bathy"),
    ("shadows of a relief", r"\bao\b|occlusion"),
    ("a mask", r"mask|transparen|\btrans\b"),
    ("the night side", r"\bnight|(?<!day )\blights?\b"),
    ("reflection or roughness", r"\bspec\b|specular|\b(rough|gloss|emissi|metal)"),
    ("radar, which no eye sees", r"radar|magellan|venus surface"),
)
_ABSENT = r"(?<!\bno )(?<!without )"  # "earth_no_clouds" is a map
LAYERS = (("rings", _ABSENT + r"\brings?\b", "saturn"),
          ("clouds", _ABSENT + r"(?<!with )(?<!venus )\bclouds?\b(?! free)", "earth"))

SMALLEST = 32  # rows of a map, at least
BLACK = 8  # of 255; a map with less than a hundredth above it shows nothing
WIDEST = 2048  # columns; a map at least twice as wide is reduced by a whole factor


# What pictures of Saturn's rings show from their left to their right edge, km: from the C ring's
# inner edge to the F ring (Solar System Scope's, Celestia's and Stellarium's fit within 300 km).
SPAN = (74500, 140300)


@dataclass(frozen=True)
class MapFile:
    """A picture that is wrapped around a globe or laid around one.

    Attributes:
        path: where it lies.
        body: whose it is, one of PLANETS or OTHERS.
        kind: "map", "rings" (RGBA along the radius) or "clouds" (grey: how opaque they are).
        texels: pixels from pole to pole of a map, or along the radius of rings, once reduced.
        digest: first half of the SHA-256 of its bytes, hexadecimal.
    """

    path: Path
    body: str
    kind: str
    texels: int
    digest: str

    @property
    def rows(self) -> float:
        """Pixels from pole to pole of a map that is as fine as this one."""
        if self.kind != "rings":
            return self.texels
        return self.texels * math.pi * EQUATOR / (SPAN[1] - SPAN[0])

    def __str__(self) -> str:
        return f"{display_name(self.path.name)} {self.digest[:12]}"


def kind_of(name: str) -> tuple[str, str] | str | None:
    """Tell from a file's name what it is.

    Returns:
        (body, kind) of a MapFile; why it is passed over; None: it names no body.
    """
    words = _words_of(name)
    body = _body_of(words)
    if body is None or Path(name).suffix.lower() not in ENDINGS:
        return None
    for reason, pattern in PASSED_OVER:
        if re.search(pattern, words):
            return reason
    for kind, pattern, of in LAYERS:
        if re.search(pattern, words):
            return (body, kind) if body == of else f"{kind} of another body than {of.title()}"
    return body, "map"


def _words_of(name: str) -> str:
    """Return the words of a file's name, small letters with spaces between: digits are left out."""
    stem = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", Path(name).stem).lower()
    words = []
    for word in _WORD.findall(stem):
        parts = re.fullmatch(f"(?:{_PIECE})+", word)
        words += re.findall(_PIECE, word) if parts else [word]
    return " ".join(words)


def _body_of(words: str) -> str | None:
    """Return the body that words name: the last one, because "jupiter io" is Io.

    "titan moon" is Titan and "mars world map" Mars, but "earth moon" is the Moon.
    """
    words = words.replace("blue marble", "bluemarble").split()
    named = [word for word in words if word in (*PLANETS, *OTHERS)]
    others = [body for body in named if body != "moon"]
    if "moon" in named and set(others) <= {"earth"}:
        return "moon"
    if others:
        return others[-1]
    return next((ALSO[word] for word in reversed(words) if word in ALSO), None)


def read_folder(folder: Path) -> tuple[list[MapFile], dict[str, list[Path]]]:
    """Find the maps in a folder and those below it.

    Returns:
        the maps, sorted by their paths; and what was passed over though it names a body, by reason.

    Raises:
        UserError: there is no such folder, or no map in it.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder; --maps takes one with maps of celestial bodies",
                        status=2)
    maps, passed_over = [], defaultdict(list)
    for path in walk_files(folder):
        found = kind_of(path.name)
        try:
            if isinstance(found, tuple):
                maps.append(_examine(path, *found))
            elif found:
                passed_over[found].append(path)
        except (ImageError, OSError) as error:
            passed_over[str(error)].append(path)
    if not any(found.kind == "map" for found in maps):
        reasons = "".join(f"; {display_name(paths[0].name)}: {reason}"
                          for reason, paths in passed_over.items())
        raise UserError(f"{folder} holds no map of a celestial body: pictures twice as wide as "
                        f"high with a name such as mars.jpg or 2k_jupiter.jpg{reasons}")
    return maps, dict(passed_over)


def _examine(path: Path, body: str, kind: str) -> MapFile:
    """Read a file once, so that a damaged one is known before the first picture is drawn."""
    digest = sha256_of(path)[:32]
    if kind == "rings":
        return MapFile(path, body, kind, len(read_rings(path, digest)), digest)
    decoded = decode(path, at_least=WIDEST)
    if abs(decoded.width - 2 * decoded.height) > 0.01 * decoded.width:
        raise ImageError("not twice as wide as high")
    rows = len(decoded.picture)
    if rows < SMALLEST:
        raise ImageError(f"fewer than {SMALLEST} rows")
    if (decoded.picture > BLACK).mean() < 0.01:
        raise ImageError("all black")
    return MapFile(path, body, kind, rows, digest)


@lru_cache(maxsize=8)
def read_map(path: Path, digest: str) -> np.ndarray:
    """Return a map's pixels, uint8 (rows, columns, 3), sRGB; a large map is reduced.

    Args:
        path: of the file.
        digest: of its bytes, so that another file under the same name is another map.

    Raises:
        ImageError, OSError: it cannot be read.
    """
    return decode(path, at_least=WIDEST).picture


@lru_cache(maxsize=4)
def read_rings(path: Path, digest: str) -> np.ndarray:
    """Return a picture of rings, the inner edge left: sRGB and opacity, 0..1, (columns, 4).

    Args: as of `read_map`.

    Raises:
        ImageError, OSError: it cannot be read, or nothing in it is transparent.
    """
    decode(path)  # only for its errors, because it lays transparent parts on black
    with open_usual(path) as image:
        whole = np.asarray(image.convert("RGBA"), np.float32) / 255
    middle = whole[len(whole) // 2]
    if middle[:, 3].min() == 1 or len(middle) < 2 * len(whole):
        raise ImageError("rings without transparency, or not along the radius")
    return middle
