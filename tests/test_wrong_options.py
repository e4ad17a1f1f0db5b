"""Nonsense options and wrong places: one sentence, and nothing is changed."""

import contextlib
import importlib
import io
import sys

import pytest
from conftest import ROOT, content_of, draw_folder, quickly, run
from hypothesis import given, settings
from hypothesis import strategies as st

SCRIPTS = sorted(path.stem for path in ROOT.glob("*.py"))
OPTIONS = ("--checkpoint", "--data-dir", "--input-dir", "--output-dir", "--seed", "--workers",
           "--batch-size", "--device", "--epochs", "--image-size", "--groups", "--mapping",
           "--learning-rate", "--per-class", "--size", "--model", "--weights", "--split", "-h",
           "--")
values = st.one_of(st.sampled_from(OPTIONS), st.text(max_size=12), st.integers().map(str),
                   st.floats().map(str), st.sampled_from(["9" * 5000, "1_0", "٣", "", "--seed=x"]))


@pytest.mark.parametrize("script", SCRIPTS)
def test_nonsense_options_are_wrong_options(script):
    module = importlib.import_module(script)

    @given(st.lists(values, max_size=6))
    @settings(quickly, max_examples=100)
    def read(options):
        before = sys.argv
        sys.argv = [f"{script}.py", *options]
        said = io.StringIO()
        try:
            with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
                module.parse_args()
        except SystemExit as error:
            assert error.code == 2 or (error.code == 0 and "-h" in options)
        finally:
            sys.argv = before

    read()


@pytest.mark.parametrize("script, options", [
    ("datapre.py", ("--input-dir", "in", "--groups", "in")),
    ("datapre.py", ("--input-dir", "in/mars/mars 0.png")),
    ("predict_my_images.py", ("in", "--output-dir", "in/mars/mars 0.png")),
], ids=str)
def test_wrong_places_are_one_sentence(script, options, checkpoint, tmp_path):
    draw_folder(tmp_path / "in", 1)
    before = content_of(tmp_path)
    model = () if script == "datapre.py" else ("--checkpoint", checkpoint)
    done = run(script, *options, *model, cwd=tmp_path)
    assert done.status in (1, 2) and done.error
    assert content_of(tmp_path) == before
