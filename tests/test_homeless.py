"""A user without a home, and without a name, as in containers and services: all scripts run."""

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from conftest import ROOT, command, draw_folder, environment, without_override

from celestial.common import home
from celestial.common.console import SHIPPED
from celestial.drawing import fonts

pytestmark = pytest.mark.skipif(os.name == "nt", reason="users of POSIX systems")
NAMELESS = """
import pwd
def getpwuid(user):
    raise KeyError(f"getpwuid(): uid not found: {user}")
pwd.getpwuid = getpwuid
"""


def run_there(tmp_path: Path, *words: object, **settings: str):
    """Run a script as a user without an entry in passwd, HOME only if it is among the settings."""
    site = tmp_path / "site"
    site.mkdir(exist_ok=True)
    (site / "sitecustomize.py").write_text(NAMELESS)
    temporary = tempfile.mkdtemp(prefix="t")  # decoders' sockets have room for short paths alone
    gone = ("HOME", "TORCH_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "MPLCONFIGDIR", "USER",
            "LOGNAME", "USERNAME")
    variables = {name: value for name, value in environment(tmp_path).items() if name not in gone}
    variables |= {"PYTHONPATH": str(site), "TMPDIR": temporary, **settings}
    (tmp_path / "work").mkdir(exist_ok=True)
    done = subprocess.run(command(*words), cwd=tmp_path / "work", env=variables, text=True,
                          capture_output=True, timeout=600, **without_override())
    assert "Traceback" not in done.stderr and "there was an issue" not in done.stderr, done.stderr
    return done


@pytest.mark.parametrize("locked", [False, True], ids=["none", "somebody else's"])
def test_no_home_and_no_name(locked, tmp_path):
    settings = {}
    if locked:
        (tmp_path / "home").mkdir(mode=0)
        settings["HOME"] = str(tmp_path / "home")
    done = run_there(tmp_path, "datapre.py", "--input-dir", draw_folder(tmp_path / "in", 3),
                     "--output-dir", "set", **settings)
    assert done.returncode == 0 and "RESULT" in done.stdout, done.stderr
    assert [path.name for path in (tmp_path / "work").iterdir()] == ["set"], "a folder called ~?"


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["openvino", "ray"])
def test_engines_without_a_home(engine, tmp_path):
    pytest.importorskip(engine)
    done = run_there(tmp_path, "predict_my_images.py", draw_folder(tmp_path / "in", 1),
                     "--checkpoint", SHIPPED, "--engine", engine,
                     "--workers", 1, "--device", "cpu", "--output-dir", "out",
                     TMPDIR=tempfile.gettempdir())  # Ray's sockets have room for short paths alone
    assert done.returncode == 0 and '"rows": 3' in done.stdout, done.stderr
    assert [path.name for path in (tmp_path / "work").iterdir()] == ["out"]


@pytest.mark.slow
@pytest.mark.parametrize("locked", [False, True], ids=["none", "read-only"])
def test_weights_have_a_place_to_be_kept(locked, tmp_path):
    settings = {}
    if locked:
        (tmp_path / "home").mkdir(mode=0o555)
        settings["HOME"] = str(tmp_path / "home")
    done = run_there(tmp_path, "predict_my_images.py", draw_folder(tmp_path / "in", 1),
                     "--checkpoint", "imagenet:resnet50", "--output-dir", "out", **settings)
    assert done.returncode == 1 and "cannot be downloaded" in done.stderr
    assert "/celestial-home-" in done.stderr, "where it is looked for"
    assert list((tmp_path / "work").iterdir()) == []


def test_the_folder_in_place_of_a_home_is_the_users_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    monkeypatch.setenv("HOME", "before")
    home.ensure_home()
    mine = Path(os.environ["HOME"])
    assert stat.S_IMODE(mine.stat().st_mode) == 0o700 and mine.parent == tmp_path
    home.ensure_home()
    assert Path(os.environ["HOME"]) == mine, "what was downloaded is found again"
    mine.rmdir()
    mine.symlink_to(tmp_path)  # as somebody might who can guess the name
    home.ensure_home()
    assert Path(os.environ["HOME"]) != mine and Path(os.environ["HOME"]).is_dir()


@pytest.mark.parametrize("mode", [0o755, 0o555, 0])
def test_a_home_that_is_set_is_left_alone(mode, tmp_path):
    (tmp_path / "home").mkdir(mode=mode)
    variables = {"PATH": os.environ["PATH"], "HOME": str(tmp_path / "home"),
                 "TMPDIR": str(tmp_path)}
    told = subprocess.run(
        [sys.executable, "-c", "from celestial.common import home; import os; home.ensure_home(); "
         "print(*map(os.environ.get, ('HOME', 'MPLCONFIGDIR', 'TORCH_HOME')), sep='\\n')"],
        cwd=ROOT, env=variables, text=True, capture_output=True, check=True, **without_override())
    mine, fonts_of, downloads = told.stdout.splitlines()
    assert mine == variables["HOME"]
    for place in (fonts_of, downloads):
        assert place == "None" if mode == 0o755 else place.startswith(f"{tmp_path}/celestial-home")


def test_fonts_of_a_home_that_nobody_has(monkeypatch):
    monkeypatch.setattr(fonts, "FOLDERS", (Path("~nobody-of-this-name/.fonts"),))
    fonts.installed.cache_clear()
    assert fonts.installed() == ()
    fonts.installed.cache_clear()
