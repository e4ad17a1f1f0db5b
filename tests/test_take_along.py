"""export_model.py from end to end, and what it wrote in an environment without torch."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, content_of, draw, draw_folder, environment, run
from PIL import Image

pytest.importorskip("onnx")
pytest.importorskip("onnxscript")
pytest.importorskip("onnxruntime")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def exported(checkpoint, dataset, tmp_path_factory):
    """Run the script as a user does; return its folder and its RESULT."""
    place = tmp_path_factory.mktemp("exported")
    done = run("export_model.py", "--checkpoint", checkpoint, "--output-dir", "along",
               "--quantise", "--data-dir", dataset, "--workers", 1, "--licence", "CC0", cwd=place)
    assert done.status == 0, done.err
    return place / "along", done.result


def test_the_files_and_the_figures(exported, checkpoint):
    folder, result = exported
    assert set(content_of(folder)) == {"model.onnx", "model_int8.onnx", "classes.json",
                                       "README.md"}
    assert result["pictures"] == 100 and result["largest_difference"] <= 0.01
    assert result["largest_difference_from_square"] <= 1e-4 and result["equal_verdicts"] == 1
    int8 = result["int8"]
    assert int8["pictures"] == 9 and int8["times_as_fast"] > 0
    assert int8["bytes"] < (folder / "model.onnx").stat().st_size / 2
    about = json.loads((folder / "classes.json").read_text())
    assert about["classes"] == ["mars", "neptune", "saturn"] and about["licence"] == "CC0"


def test_both_files_are_used(exported, tmp_path):
    draw_folder(tmp_path / "in", 2)
    for name in ("model.onnx", "model_int8.onnx"):
        done = run("predict_my_images.py", "in", "--engine", "onnx", "--checkpoint",
                   exported[0] / name, "--no-pictures", "--workers", 1, cwd=tmp_path)
        assert done.status == 0 and done.result["rows"] == 6, done.err


def test_the_lines_for_python_run(exported, tmp_path):
    folder, _ = exported
    lines = re.search(r"```python\n(.*?)```", (folder / "README.md").read_text(), re.DOTALL)[1]
    Image.fromarray(draw("saturn", 1, 96)).save(folder / "picture.jpg")
    done = subprocess.run([sys.executable, "-c", lines], cwd=folder, capture_output=True, text=True)
    (folder / "picture.jpg").unlink()
    assert done.returncode == 0, done.stderr
    assert re.match(r"(mars|neptune|saturn|none of the classes) [01]?\.\d+", done.stdout)


def test_a_refused_export_writes_nothing(checkpoint, tmp_path):
    done = run("export_model.py", "--checkpoint", "imagenet:efficientnet_lite0", "--output-dir",
               "along", cwd=tmp_path)
    assert done.status in (1, 2) and done.error and not (tmp_path / "along").exists()
    done = run("export_model.py", "--checkpoint", checkpoint, "--quantise", "--data-dir", "none",
               "--output-dir", "along", cwd=tmp_path)
    assert done.status == 1 and "there is no folder" in done.error
    assert not (tmp_path / "along").exists()


def test_an_environment_without_torch(exported, tmp_path):
    place = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", place], check=True)
    python = place / "bin/python"
    done = subprocess.run([python, "-m", "pip", "install", "--quiet", "-r",
                           ROOT / "requirements-onnx.txt"],
                          capture_output=True, text=True, timeout=600)
    if "connection" in done.stderr.lower() or "No matching distribution" in done.stderr:
        pytest.skip("the package index cannot be reached")
    assert done.returncode == 0, done.stderr
    draw_folder(tmp_path / "in", 1)
    Image.fromarray(np.uint16(draw("mars", 3).astype(int) * 257)[..., 0]).save(
        tmp_path / "in/deep.png")
    (tmp_path / "in/broken.jpg").write_bytes(b"\xff\xd8\xff no")
    words = [python, ROOT / "predict_my_images.py", "in", "--engine", "onnx", "--checkpoint",
             exported[0] / "model.onnx", "--output-dir", "out"]
    done = subprocess.run(words, cwd=tmp_path, env=environment(tmp_path), capture_output=True,
                          text=True, timeout=300)
    assert done.returncode == 0 and '"failed": 1' in done.stdout, done.stdout + done.stderr
    assert (tmp_path / "out/contact_sheet.png").is_file()
    assert not list(Path(place).rglob("site-packages/torch"))
    done = subprocess.run([*words[:-4], "--explain"], cwd=tmp_path, capture_output=True, text=True,
                          timeout=300, env=environment(tmp_path))
    assert done.returncode == 2 and "error: --engine onnx" in done.stderr
