"""Files of every format, whole and broken in thousands of ways: each has one true answer."""

import csv
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import content_of, draw_folder, run, start
from corpus import LOSSLESS, same, whole_files
from damaged_files import broken_files, cuts
from processes import family

from celestial.pictures.loader import decode, load_image
from celestial.pictures.readers.types import ImageError

pytestmark = pytest.mark.slow

WHOLE = whole_files()
BROKEN = broken_files(WHOLE)
MOST_MEMORY = 2 << 30  # bytes of a script and all its processes
# What may be missing at the end of a file that is then taken as whole: nothing of the picture.
SPARE = {
    ".jpg": 2,  # the marker of the end
    ".ico": 22,  # the same of the PNG in it
    ".png": 22,  # check sums, and the empty chunk that closes the file
    ".gif": 2,  # the last bytes of the last colour table index, and the trailer
    ".tga": 26,  # the footer
    ".tif": 8,  # where the next page would begin
    ".fits": 2880, ".fits.fz": 2880,  # the padding of a block
}
BROKEN_OFF = (".jpg", ".png", ".ico")  # that are judged by the rows that came
WITHOUT_PROFILE = "tiff icc.tif"  # libtiff writes the profile last and does without a cut one
AFTER_THE_PICTURE = {
    "gif animated.gif": 10_000,  # the other frames
    WITHOUT_PROFILE: 500,
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_file_of_every_format_shows_the_drawn_picture(name):
    assert same(load_image(WHOLE[name].data), WHOLE[name])


@pytest.mark.parametrize("name", WHOLE)
def test_a_cut_file_is_an_error_or_shows_all_of_the_picture(name):
    data = WHOLE[name].data
    ending = name[name.index("."):]
    spare = AFTER_THE_PICTURE.get(name, SPARE.get(ending, 0))
    complete = load_image(data)
    for length in {*cuts(data), *range(len(data) - 30, len(data))}:
        try:
            decoded = decode(data[:length])
        except ImageError:
            continue
        found = decoded.picture
        if ending in BROKEN_OFF and decoded.note:
            assert_rows_that_came(found, complete, turned="rotated" in name)
            continue
        assert len(data) - length <= spare
        if name == WITHOUT_PROFILE:
            assert np.abs(found - complete.astype(float)).mean() < 1.5
        else:
            assert np.array_equal(found, complete), f"half a picture: {length} of {len(data)} bytes"


def assert_rows_that_came(found: np.ndarray, complete: np.ndarray, turned: bool) -> None:
    """Assert that a picture is nine tenths of another; what lacks is at its end, as stored."""
    rows, whole = (np.rot90(picture) if turned else picture for picture in (found, complete))
    assert 0.9 * len(whole) <= len(rows) < len(whole)
    assert np.array_equal(rows, whole[:len(rows)])


@pytest.mark.parametrize("name, reason", [
    ("page.html", "a web page"), ("drawing.eps", "which is a program"), ("archive.zip", "a ZIP"),
    ("archive.tar.gz", "packed file without FITS data"), ("noise.tif", "not a picture of a known"),
    ("nothing.png", "empty"), ("table.fits", "a FITS file without an image"),
    ("png of 60000 x 60000, 8 bits, colour 2.png", "pixels"),
    ("fits with NAXIS2 1000000000.fits", "pixels"), ("tiff raw cut at 892.tif", "cut short"),
    ("fits cube cut at 6095.fits", "cut short")])
def test_the_reason_says_what_is_wrong(name, reason):
    with pytest.raises(ImageError, match=reason) as caught:
        load_image(BROKEN[name])
    assert ("cut short" in str(caught.value)) == (reason == "cut short")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    """A folder with the whole files and all that is broken."""
    folder = tmp_path_factory.mktemp("corpus") / "pictures"
    folder.mkdir()
    whole = {name: file.data for name, file in WHOLE.items()}
    assert len(BROKEN) >= 2000 and not BROKEN.keys() & whole.keys()
    for name, data in {**whole, **BROKEN}.items():
        (folder / name).write_bytes(data)
    return folder


def rows_of(table: Path, column: str) -> dict[str, dict]:
    with table.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    found = {row[column]: row for row in rows}
    assert len(found) == len(rows), "a file has two rows"
    return found


def probabilities(row: dict) -> dict[str, float]:
    pairs = (entry.rsplit(":", 1) for entry in row["top5"].split("; "))
    return {label: float(value) for label, value in pairs}


@pytest.fixture(scope="module")
def predicted(corpus, checkpoint) -> dict[str, dict]:
    """The rows that predict_my_images.py writes of the corpus; how it behaves is checked here."""
    before = content_of(corpus)
    process = start("predict_my_images.py", corpus, "--checkpoint", checkpoint, "--no-pictures",
                    "--workers", 2, cwd=corpus.parent)
    peaks = [0]

    def watch() -> None:
        while process.poll() is None:
            peaks.append(sum(family(process.pid).values()))
            time.sleep(0.2)

    watcher = threading.Thread(target=watch)
    if Path("/proc/self/stat").exists():
        watcher.start()
    out, err = process.communicate()
    if watcher.ident:
        watcher.join()
    assert process.returncode == 0, err
    assert "Traceback" not in out + err, err
    assert max(peaks) < MOST_MEMORY
    assert content_of(corpus) == before, "an input was changed"
    return rows_of(corpus.parent / "my_predictions/batch_prediction_summary.csv", "filename")


def test_every_file_has_one_row_and_the_failed_ones_a_reason(corpus, predicted):
    assert set(predicted) == {path.name for path in corpus.iterdir()}
    for name, row in predicted.items():
        failed = row["status"] == "failed"
        assert failed == (row["prediction"] == ""), name
        assert not failed or row["reason"], name
    assert sum(row["status"] == "failed" for row in predicted.values()) > 1500


def test_a_good_file_has_the_prediction_that_it_has_alone(predicted, checkpoint, tmp_path):
    (tmp_path / "my_images").mkdir()
    for name, file in WHOLE.items():
        (tmp_path / "my_images" / name).write_bytes(file.data)
    done = run("predict_my_images.py", "--checkpoint", checkpoint, "--no-pictures", cwd=tmp_path)
    assert done.status == 0, done.err
    alone = rows_of(tmp_path / "my_predictions/batch_prediction_summary.csv", "filename")
    for name, row in alone.items():
        assert row["prediction"] == predicted[name]["prediction"] != "", name
        assert probabilities(row) == pytest.approx(probabilities(predicted[name]), abs=1e-3), name


def test_deep_and_fits_versions_of_a_picture_have_its_class(predicted):
    eight_bits = {file.picture.tobytes(): name for name, file in reversed(WHOLE.items())}
    exact = [name for name, file in WHOLE.items() if file.tolerance == LOSSLESS]
    assert len(exact) > len(eight_bits) + 20
    for name in exact:
        of = eight_bits[WHOLE[name].picture.tobytes()]
        assert predicted[name]["prediction"] == predicted[of]["prediction"], name
        assert probabilities(predicted[name]) == pytest.approx(probabilities(predicted[of]),
                                                               abs=0.02), name


def test_datapre_lists_every_file_in_one_of_its_tables(corpus, tmp_path):
    folder = draw_folder(tmp_path / "data/input", 8)
    for path in corpus.iterdir():
        (folder / "mars" / path.name).hardlink_to(path)
    before = content_of(folder)
    done = run("datapre.py", "--workers", 2, cwd=tmp_path)
    assert done.status == 0, done.err
    assert "Traceback" not in done.out + done.err
    assert content_of(folder) == before, "an input was changed"
    dataset = tmp_path / "data/celestial_dataset"
    used = rows_of(dataset / "manifest.csv", "source")
    rejected = rows_of(dataset / "rejected.csv", "source")
    assert not used.keys() & rejected.keys()
    assert used.keys() | rejected.keys() == before.keys()
