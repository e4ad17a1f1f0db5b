"""What the READMEs and the Makefile promise, run as written."""

import re
import shutil
import subprocess
import sys

import pytest
from conftest import QUICK, ROOT, draw_folder, environment, run

READMES = ("README.md", "README.zh.md", "README.ko.md")


def blocks(name: str) -> list[str]:
    """Return the fenced code blocks of a README."""
    return re.findall(r"```\w+\n(.*?)```", (ROOT / name).read_text(encoding="utf-8"), re.DOTALL)


def commands(name: str) -> list[list[str]]:
    """Return the options of each `python script.py ...` in the code blocks."""
    lines = [line for block in blocks(name) for line in block.splitlines()]
    return [line.split()[1:] for line in lines if re.match(r"python \w+\.py", line)]


def test_the_six_steps_in_order_with_their_own_folders(tmp_path):
    draw_folder(tmp_path / "data/input", 8)
    draw_folder(tmp_path / "my_images", 1)
    steps = [command for command in commands("README.md") if len(command) == 1]
    assert len(steps) == 6
    for script, in steps:
        quick = QUICK if script == "improved_training.py" else ()
        done = run(script, *quick, *(("--weights", "none") if quick else ()), cwd=tmp_path)
        assert done.status == 0, done.err
        assert all((tmp_path / path).exists() for path in done.result["files"])
    made = {path.name for path in tmp_path.iterdir()}
    assert {"data", "model_checkpoints", "evaluation_results", "visual_predictions", "blind_test",
            "my_predictions"} <= made


@pytest.mark.parametrize("name", READMES)
def test_every_option_in_the_readmes_exists(name):
    for script, *words in commands(name):
        text = subprocess.run([sys.executable, ROOT / script, "--help"], capture_output=True,
                              text=True, encoding="utf-8", check=True).stdout
        for option in (word for word in words if word.startswith("--")):
            assert re.search(rf"{option}\b", text), f"{script} has no {option}"


def test_the_three_languages_say_the_same():
    first = (ROOT / READMES[0]).read_text(encoding="utf-8")
    for name in READMES[1:]:
        other = (ROOT / name).read_text(encoding="utf-8")
        assert [len(h) for h in re.findall(r"^#+", other, re.MULTILINE)] == [
            len(h) for h in re.findall(r"^#+", first, re.MULTILINE)], "headings"
        assert commands(name) == commands(READMES[0])
        figures = [sorted(re.findall(r"\d+(?:\.\d+)? (?:%|s|GB)(?![a-z])", text))
                   for text in (first, other)]
        assert figures[0] == figures[1], "figures"


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make here")
def test_make_demo(tmp_path):
    draw_folder(tmp_path / "in put", 8)
    training = " ".join((*QUICK, "--weights none"))
    done = subprocess.run(
        ["make", "--old-file=.venv/installed", "demo", f"INPUT={tmp_path / 'in put'}",
         f"DEMO={tmp_path / 'demo'}", f"PY={sys.executable}", f"TRAINING={training}"],
        cwd=ROOT, env=environment(tmp_path), capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    to_open = re.findall(rf"^  ({tmp_path}\S+)", done.stdout, re.MULTILINE)
    assert len(to_open) == 8
    for path in to_open:
        assert (tmp_path / path).is_file()


def test_git_ignores_what_the_scripts_make():
    for path in ("data/celestial_dataset/manifest.csv", "data/input/mars/a.png", "demo/x.png",
                 "my_images/a.jpg", "model_checkpoints/a.pth", "evaluation_results/a.png",
                 "visual_predictions/a.png", "blind_test/a.png", "my_predictions/a.csv",
                 "blind_test_mapping_1.json", "blind_test_predictions.csv",
                 "blind_test_report.json", ".venv/x"):
        ignored = subprocess.run(["git", "check-ignore", "-q", path], cwd=ROOT)
        assert ignored.returncode == 0, path
