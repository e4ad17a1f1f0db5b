"""Names as text: shown on one line, output files that never meet, tables without formulas."""

import io
import os
import unicodedata
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from conftest import quickly
from hypothesis import example, given
from hypothesis import strategies as st
from table_checks import require_no_formula

from celestial.common import file_names, tables
from celestial.common.file_names import display_name, output_paths, path_named, short_name
from celestial.data import splits

# The pure functions, on what hypothesis thinks of. The second kind makes names meet.
parts = st.one_of(
    st.binary(min_size=1, max_size=60).map(lambda name: name.translate(None, b"/\0")),
    st.sampled_from(["a", "A", "a.png", "x.jpg", "x.jpg.png", "..", "C:", "\\", "é", "e\u0301",
                     "ß", "ss", "K", "\u212a", "n" * 255, "日" * 85, "~"]).map(str.encode))
names = st.lists(parts.filter(lambda name: name not in (b"", b".")), min_size=1, max_size=6).map(
    lambda found: os.fsdecode(b"/".join(found)))


@given(names)
@example("\x85")
@example(os.fsdecode(b"\x85"))
@quickly
def test_a_name_is_one_printable_line_and_no_other_files(name):
    shown = display_name(name)
    assert path_named(shown) == Path(name)
    assert len(shown.splitlines()) == 1 and shown.encode()
    assert not any(unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") for sign in shown)


@pytest.mark.parametrize("name", ["土星 3.png", "화성.png", "\u3000.png", "é e\u0301.png",
                                  "\U0001f468\u200d\U0001f680.png", "مريخ.png", "it's \"it\".png"])
def test_letters_of_any_language_stay(name):
    assert display_name(name) == name


def require_sound(wanted: dict[str, str]) -> dict[str, str]:
    found = output_paths(wanted)
    assert list(found) == list(wanted) or sorted(found) == sorted(wanted)
    assert output_paths(dict(reversed(wanted.items()))) == found
    places = {file_names.folded(path) for path in found.values()}
    assert len(places) == len(found)
    for path in found.values():
        *folders, name = path.split("/")
        assert not {"", ".", ".."} & {*folders, name}
        assert not places & {file_names.folded("/".join(folders[:end]))
                             for end in range(1, len(folders) + 1)}
        assert all(len(part.encode()) <= 255 for part in [*folders, f".{name}.tmp"])
        assert len(path.encode()) < 1000
        for kind in (PurePosixPath, PureWindowsPath):
            assert (kind("out") / path).parts == ("out", *folders, name)
    return found


@given(st.sets(names, max_size=12))
@quickly
def test_output_files_never_meet_and_never_leave_their_folder(several):
    found = require_sound({name: f"{name}.png" for name in map(display_name, several)})
    # Somebody may call a file just as another one's output is called.
    require_sound({name: f"{name}.png" for name in (
        *found, *(path.removesuffix(".png") for path in found.values()))})


@given(st.lists(st.text(max_size=20), max_size=6))
@quickly
def test_output_files_of_class_names_of_strangers(several):
    require_sound({str(number): path for number, path in enumerate(several)})


def test_an_output_path_that_is_taken_or_too_long():
    hashed = require_sound({"A.png": "A.png", "a.png": "a.png"})["a.png"]
    assert hashed.startswith("a~") and hashed.endswith(".png")
    require_sound({name: name for name in ("A.png", "a.png", hashed.upper())})
    require_sound({"deep": "/".join(["d" * 90] * 12)})


def test_plain_output_paths_stay_as_they_are():
    wanted = {name: name for name in ("mars/mars 1.jpg.png", "a.jpg.png", "a.png.png", "土星,.png")}
    assert output_paths(wanted) == wanted


@given(st.text(max_size=600), st.integers(0, 50))
@quickly
def test_a_short_name_fits_and_is_no_other_names(name, extra):
    name = name.encode(errors="ignore").decode()
    short = short_name(name, extra)
    assert len(short.encode()) <= 255 - extra
    assert (short == name) == (len(name.encode()) <= 255 - extra)
    assert short == name or short_name(f"{name}x", extra) != short
    assert len(short) < 250 or short_name(f"{name}.fits", extra).endswith(".fits")


cells = st.one_of(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
                  st.text("=+-@\t\r\n'\"＝;, a1.e", max_size=8),
                  st.floats(-1000, 1000).map(lambda value: f"{value:.4f}"))


@given(st.lists(st.lists(cells, min_size=1, max_size=5), max_size=5))
@quickly
def test_tables_come_back_and_hold_no_formula(rows):
    text = io.StringIO(newline="")
    tables.write_rows(text, rows)
    require_no_formula(text.getvalue())
    assert list(tables.read_rows(io.StringIO(text.getvalue(), newline=""))) == rows


def test_numbers_stay_numbers():
    text = io.StringIO(newline="")
    tables.write_rows(text, [["-1.09", "+2", "-3e-07", -0.5, "-1.09 km", "-"]])
    assert text.getvalue() == "-1.09,+2,-3e-07,-0.5,'-1.09 km,'-\r\n"


def test_a_manifest_of_formulas_comes_back(tmp_path):
    sources = ["mars/=1.png", "=1+1.png", "'x.png", "a;=1.png", "'", "''", "-1"]
    pictures = [splits.Picture(source, source, "train", "", "", 1, 1, source, "")
                for source in sources]
    assert splits.read_manifest(splits.write_manifest(tmp_path / "m.csv", pictures)) == pictures
