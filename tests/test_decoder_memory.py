"""Memory of the decoders: what a large file took, what the next one finds, the most they take."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import pyvips
from conftest import ROOT, environment
from hostile import BOMBS, picture

from celestial.pictures import decoder_pool
from celestial.pictures.decoder_pool import decode_all
from celestial.pictures.loader import load_image
from celestial.pictures.readers.types import ImageError

STAYS = []  # what a worker keeps to its end
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
# Decodes one picture and says how many kB the process took at most; what getrusage says begins
# with the memory of the process that started this one.
PEAK = """
import re, sys
from pathlib import Path
from celestial.pictures.loader import decode
found = decode(Path(sys.argv[1]), 340)
status = Path("/proc/self/status").read_text()
print(found.width, found.height, *found.picture.shape[:2], found.picture[::40, ::40, 0].std(),
      re.search(r"VmHWM:\\s*([0-9]+) kB", status)[1])
"""


def leave_memory(path: Path) -> tuple[int, int]:
    """Return the process's own bytes and the pages it has taken; do what the name of the file says.

    Of many blocks the last one stays, above the others: nothing goes back by itself.
    """
    import resource

    _, resident, of_files, *_ = map(int, Path("/proc/self/statm").read_text().split())
    before = ((resident - of_files) * resource.getpagesize(),
              resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
    blocks = [np.ones(1 << 20, np.uint8) for _ in range(200 if "large" in path.name else 10)]
    if "large" in path.name:
        STAYS.append(blocks.pop())
    if "broken" in path.name:
        raise ImageError(f"after {len(blocks)} blocks")
    return before

@pytest.mark.slow
@LINUX
@pytest.mark.parametrize("name", ["large", "large and broken"])
def test_a_worker_gives_back_what_a_large_file_took(name):
    found = []
    for path in map(Path, ("a", name, "b", name, name, "c")):
        found.append(decoder_pool.outcome(decoder_pool.start_decoding(1, leave_memory, path)))
    first, *later = (found[place][0] for place in (0, 2, 5))
    assert max(later) < first + (20 << 20)
    assert isinstance(found[1], ImageError) == (name == "large and broken")


@pytest.mark.slow
@LINUX
def test_what_the_threads_of_a_library_took_is_given_back_as_well():
    def settled(content: bytes, times: int) -> int:
        for _ in range(times):
            found = decoder_pool.outcome(decoder_pool.start_decoding(1, reduced, content))
            assert isinstance(found, np.ndarray)
        return decoder_pool.outcome(decoder_pool.start_decoding(1, leave_memory, Path("a")))[0]

    list(decode_all(end_the_process, [Path("a")], 1))  # so that the worker is a new one
    before = settled(picture("TIFF"), 1)  # libvips is there
    room = max(8, 2 * os.cpu_count()) << 20  # libvips has a thread for each core
    assert settled(BOMBS[0], 12) < before + room, "144 million pixels each"


def end_the_process(path: Path) -> None:
    os._exit(3)


def reduced(content: bytes) -> np.ndarray:
    return load_image(content, 340)


@cache
def huge() -> pyvips.Image:
    across = pyvips.Image.xyz(12000, 12000)
    return (across[0] / 12000 * 255).cast("uchar").bandjoin(
        [(across[1] / 12000 * 255).cast("uchar"), (across[0] + across[1]).cast("uchar")])


@pytest.mark.slow
@LINUX
@pytest.mark.parametrize("name, options", [
    ("a.tif", {"compression": "lzw"}), ("tiles.tif", {"tile": True, "compression": "deflate"}),
    ("a.png", {"compression": 1})])
def test_144_million_pixels_take_less_than_one_and_a_half_gigabytes(name, options, tmp_path):
    huge().write_to_file(str(tmp_path / name), **options)
    done = subprocess.run([sys.executable, "-c", PEAK, tmp_path / name], text=True, check=True,
                          capture_output=True, env={**environment(tmp_path),
                                                    "PYTHONPATH": str(ROOT)})
    width, height, rows, columns, contrast, peak = map(float, done.stdout.split())
    assert (width, height) == (12000, 12000)
    assert 680 <= rows == columns < 1400 and contrast > 60
    assert peak * 1024 < 1.5e9
