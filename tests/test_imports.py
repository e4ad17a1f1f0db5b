"""An import that fails says what failed, and how to mend that: one sentence, no traceback."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module

import pytest
from conftest import ROOT, draw_folder, run

from celestial.common.console import SHIPPED
from celestial.common.import_errors import lacking

GONE = "cannot open shared object file: No such file or directory"
# A module whose library is missing: in the loader's own words, by its own name.
MISSING = "import ctypes\nctypes.CDLL('libnobody-has-it.so.7')\n"


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Return a function that puts a module in the place of an installed one."""
    place = tmp_path / "modules"
    place.mkdir()
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(place), os.environ.get("PYTHONPATH", "")
                                                      ]).rstrip(os.pathsep))

    def put(name: str, content: str) -> None:
        (place / f"{name}.py").write_text(content)

    return put


@pytest.mark.parametrize("module, content, says", [
    ("cv2", f"raise ImportError('libGL.so.1: {GONE}', name='cv2')",
     "no library libGL.so.1, which cv2 needs; on Debian and Ubuntu run apt install libgl1,"),
    ("pebble", MISSING, "no library libnobody-has-it.so.7; install the package that holds it"),
    ("pebble", "raise ValueError('numpy.dtype size changed, may indicate')",
     "pebble cannot be imported: numpy.dtype size changed, may indicate; pip install --upgrade"),
], ids=["library", "unknown library", "binary"])
def test_what_an_import_lacks(module, content, says, stand_in, tmp_path):
    stand_in(module, content)
    source = draw_folder(tmp_path / "in", 1)
    done = run("datapre.py", "--input-dir", source, "--output-dir", tmp_path / "out", cwd=tmp_path)
    assert done.status == 1 and says in done.error
    assert "pip install cv2" not in done.error and not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_library_that_only_the_decoders_load(stand_in, tmp_path):
    stand_in("pillow_heif", MISSING)
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(64))
    done = run("predict_my_images.py", folder, "--no-pictures", "--checkpoint",
               SHIPPED, cwd=tmp_path)
    assert done.status == 0 and done.result["failed"] == 1, done.err
    assert "cannot be read here: the system has no library libnobody-has-it.so.7" in done.out
    assert "damaged" not in done.out, "nothing is wrong with the file"


@pytest.mark.slow
def test_an_engine_that_is_broken_is_not_called_missing(stand_in, tmp_path):
    draw_folder(tmp_path / "in", 1)
    options = ("in", "--engine", "openvino", "--device", "cpu", "--checkpoint",
               SHIPPED)
    stand_in("openvino", "raise ModuleNotFoundError('No module', name='openvino')")
    done = run("predict_my_images.py", *options, cwd=tmp_path)
    assert done.status == 2 and "requirements-openvino.txt" in done.error
    stand_in("openvino", f"raise ImportError('libtbb.so.12: {GONE}', name='openvino')")
    done = run("predict_my_images.py", *options, cwd=tmp_path)
    assert done.status == 1 and "no library libtbb.so.12" in done.error


def failing(function: Callable, *words: str) -> Exception:
    try:
        function(*words)
    except Exception as error:
        return error
    raise AssertionError(words)


@pytest.mark.parametrize("error, says", [
    (ModuleNotFoundError("", name="cv2"), "cv2 (opencv-python-headless) is not installed"),
    (ModuleNotFoundError("", name="ray"), "requirements-ray.txt"),
    (ModuleNotFoundError("", name="pywt"), "pywt is not installed; activate .venv"),
    (ImportError("cannot import name 'a' from 'b' (/b)", name="b"),
     "b cannot be imported: cannot import name 'a' from 'b' (/b); pip install --upgrade"),
    (failing(import_module, "json.no_such_part"), "is installed, but has no json.no_such_part"),
    (failing(import_module, "celestial.no_such_part"), "fetch all of them anew"),
    (ImportError("DLL load failed while importing cv2: not found.", name="cv2"),
     "cv2 cannot be imported: DLL load failed while importing cv2: not found."),
    (ImportError("/x/libb.so: undefined symbol: f", name="b"), "/x/libb.so: undefined symbol: f"),
    (ImportError(f"\nmany\nlines\n{GONE}\nlibgthread-2.0.so.0: {GONE}"), "libglib2.0-0"),
], ids=str)
def test_the_sentence(error, says):
    assert says in lacking(error) and "\n" not in lacking(error)


def test_a_mistake_of_this_program_keeps_its_traceback():
    assert lacking(failing(int, "one")) == lacking(failing(re.compile, "(")) == ""


def test_opencv_needs_no_screen():
    """A bare server has no libGL, and of two OpenCV packages in one folder the last one wins."""
    named = re.findall(r"^opencv[\w-]*", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert named == ["opencv-python-headless"], "what grad-cam brings, and no other beside it"


def test_help_needs_no_library_at_all(tmp_path):
    done = subprocess.run([sys.executable, "-S", "-I", "-c", "import sys, runpy; sys.path.insert("
                           f"0, {str(ROOT)!r}); sys.argv = ['datapre.py', '--help']; "
                           f"runpy.run_path({str(ROOT / 'datapre.py')!r}, run_name='__main__')"],
                          cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and "python datapre.py" in done.stdout, done.stderr
