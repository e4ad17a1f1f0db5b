"""As on Windows: processes are spawned, never forked, and folders have spaces in their names."""

import os
import subprocess
import sys

import pytest
from conftest import draw_folder, run

from celestial.common.console import SHIPPED

SPAWN = """
import multiprocessing
multiprocessing.get_all_start_methods = lambda: ["spawn"]
multiprocessing.set_start_method("spawn", force=True)
"""


@pytest.fixture
def only_spawn(tmp_path, monkeypatch):
    """Let every Python that is started know no other way to start processes."""
    site = tmp_path / "site customised"
    site.mkdir()
    (site / "sitecustomize.py").write_text(SPAWN)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")]))


@pytest.mark.slow
def test_split_and_predict(only_spawn, tmp_path):
    told = subprocess.run([sys.executable, "-c", "import multiprocessing as m; print("
                           "m.get_all_start_methods(), m.get_start_method())"],
                          capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "['spawn'] spawn"
    draw_folder(tmp_path / "my data/in put", 4)
    (tmp_path / "my data/in put/mars/no picture.png").write_text("none")
    split = run("datapre.py", "--input-dir", "my data/in put", "--output-dir", "my data/the set",
                cwd=tmp_path)
    assert split.status == 0, split.err
    assert split.result["pictures"] == 12 and split.result["rejected"] == 1
    done = run("predict_my_images.py", "my data/the set/test", "--output-dir", "my answers",
               "--checkpoint", SHIPPED, cwd=tmp_path)
    assert done.status == 0, done.err
    assert done.result["rows"] == split.result["test"] and done.result["failed"] == 0
