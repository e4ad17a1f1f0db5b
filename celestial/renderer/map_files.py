"""Which pictures of a folder are maps of celestial bodies, told by names; their pixels."""

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from celestial.console import UserError
from celestial.file_names import display_name
from celestial.files import sha256_of, walk_files
from celestial.images import ImageError, decode
from celestial.pillow_images import open_usual

PLANETS = ("earth", "jupiter", "mars", "moon", "neptune", "saturn", "uranus")
OTHERS = ("amalthea", "ariel", "arrokoth", "bennu", "callisto", "ceres", "charon", "deimos",
          "dione", "enceladus", "eris", "eros", "europa", "ganymede", "haumea", "hyperion",
          "iapetus", "io", "itokawa", "janus", "makemake", "mercury", "mimas", "miranda", "oberon",
          "phobos", "phoebe", "pluto", "proteus", "puck", "quaoar", "rhea", "ryugu", "sedna", "sun",
          "tethys", "titan", "titania", "triton", "umbriel", "venus", "vesta")
# Names that NASA and USGS give their mosaics.
ALSO = {"bluemarble": "earth", "blue_marble": "earth", "world": "earth", "lunar": "moon",
        "lroc": "moon"}
ENDINGS = {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".bmp"}

# What a name says beside the body's: the first that fits, or else it is a map of what one sees.
PASSED_OVER = (
    ("normals of a relief", r"normal|_nrm|_norm"),
    ("heights", r"bump|height|displace|elevation|relief|shade|mola|lola|(?<!world.)topo|dem\b"),
    ("a mask", r"mask|transparen|trans\b"),
    ("the night side", r"night|(?<!day)light"),
    ("reflection or roughness", r"specular|_spec\b|rough|gloss|emissi"),
    ("radar, which no eye sees", r"radar|magellan|venus_?surface"),
)
LAYERS = (("rings", r"ring", "saturn"), ("clouds", r"(?<!venus)(?<!venus.)cloud", "earth"))

# A body's name is a word of the file's, or begins one as in "marsmap1k"; "venuslike" is no Venus.
_AFTER = (r"(?=$|[^a-z]|map|colou?r|cloud|ring|bump|norm|spec|night|day|light|surface|atmosphere|"
          r"height|topo|mask|tex)")
_BODY = re.compile(rf"(?:^|[^a-z])({'|'.join([*PLANETS, *OTHERS, *ALSO])}){_AFTER}")

SMALLEST = 32  # rows of a map that is worth the name
WIDEST = 2048  # columns; a map at least twice as wide is reduced by a whole factor


@dataclass(frozen=True)
class MapFile:
    """A picture that is wrapped around a globe or laid around one.

    Attributes:
        path: where it lies.
        body: whose it is, one of PLANETS or OTHERS.
        kind: "map", "rings" (RGBA along the radius) or "clouds" (grey: how opaque they are).
        texels: as it is used, pixels from pole to pole of a map, or along the radius of rings.
        digest: first half of the SHA-256 of its bytes, hexadecimal.
    """

    path: Path
    body: str
    kind: str
    texels: int
    digest: str

    def __str__(self) -> str:
        return f"{display_name(self.path.name)} {self.digest[:12]}"


def kind_of(name: str) -> tuple[str, str] | str | None:
    """Say what a file's name promises.

    Returns:
        (body, kind) of a MapFile; why it is passed over; None: it names no body.
    """
    stem = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", Path(name).stem).lower()
    bodies = [match[1] for match in _BODY.finditer(stem)]
    if not bodies or Path(name).suffix.lower() not in ENDINGS:
        return None
    body = ALSO.get(bodies[-1], bodies[-1])  # "jupiter_io" is Io
    for reason, pattern in PASSED_OVER:
        if re.search(pattern, stem):
            return reason
    for kind, pattern, of in LAYERS:
        if re.search(pattern, stem):
            return (body, kind) if body == of else f"{kind} of another body than {of.title()}"
    return body, "map"


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
        reasons = "".join(f"; {paths[0].name}: {reason}" for reason, paths in passed_over.items())
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
    return MapFile(path, body, kind, rows, digest)


@lru_cache(maxsize=8)
def read_map(path: Path, digest: str) -> np.ndarray:
    """Return a map's pixels, uint8 (rows, columns, 3), sRGB, of large ones fewer.

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
    decode(path)  # says what is wrong with a file, but lays what is transparent on black
    with open_usual(path) as image:
        whole = np.asarray(image.convert("RGBA"), np.float32) / 255
    middle = whole[len(whole) // 2]
    if middle[:, 3].min() == 1 or len(middle) < 2 * len(whole):
        raise ImageError("rings without transparency, or not along the radius")
    return middle
