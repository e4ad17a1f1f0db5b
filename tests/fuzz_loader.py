"""Fuzz the loader: whatever the bytes are, a picture or an ImageError comes out.

Not part of the test suite; needs `pip install atheris`. Run it from this folder:

  python fuzz_loader.py SEEDS -max_total_time=1200 -rss_limit_mb=4096 -timeout=20 -max_len=20000

SEEDS is a folder; where it is empty, a good file of every format is written into it first. atheris
stops at the first finding and writes its bytes to crash-*, timeout-* or oom-*: make each a test in
test_corpus.py.
"""

import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

with atheris.instrument_imports(include=["celestial", "PIL", "astropy.io.fits", "pillow_heif"]):
    import numpy as np
    import pillow_heif  # noqa: F401 (the loader imports it later, when it would be too late)
    from astropy.io import fits  # noqa: F401
    from PIL import Image

    from celestial.pictures.loader import decode
    from celestial.pictures.readers import vips  # noqa: F401
    from celestial.pictures.readers.tiff import tiff_pixels  # noqa: F401
    from celestial.pictures.readers.types import ImageError

AT_LEAST = 64  # pixels


def write_seeds(folder: Path) -> None:
    """Write the good files of the corpus; not into a folder that holds some already."""
    folder.mkdir(exist_ok=True)
    if any(folder.iterdir()):
        return
    from corpus import whole_files

    for name, file in whole_files().items():
        (folder / name).write_bytes(file.data)


def try_bytes(data: bytes) -> None:
    """Decode; any exception that leaves this function is a finding."""
    try:
        decoded = decode(data, AT_LEAST)
    except ImageError as error:
        assert str(error), "an error without a reason"
        return
    picture = decoded.picture
    assert picture.dtype == np.uint8 and picture.ndim == 3 and picture.shape[2] == 3
    assert 1 <= picture.shape[0] <= decoded.height and 1 <= picture.shape[1] <= decoded.width


if __name__ == "__main__":
    Image.init()
    write_seeds(Path(sys.argv[1]))
    atheris.Setup(sys.argv, try_bytes)
    atheris.Fuzz()
