"""What the READMEs and the Makefile promise, run as written.

`make demo` starts every script in a Python of its own; the other commands need not do so again.
"""

import re
import shutil
import subprocess
import sys

import pytest
from conftest import QUICK, ROOT, draw_folder, environment, run

from celestial import __version__
from celestial.common.console import SHIPPED

SMALL = {"improved_training.py": QUICK, "render_samples.py": ("--per-class", 8, "--size", 64)}
FROM_SCRATCH = {"improved_training.py": ("--weights", "none")}
READMES = ("README.md", "README.zh.md", "README.ko.md")


def blocks(name: str) -> list[str]:
    """Return the fenced code blocks of a README."""
    return re.findall(r"```\w+\n(.*?)```", (ROOT / name).read_text(encoding="utf-8"), re.DOTALL)


def commands(name: str) -> list[list[str]]:
    """Return the options of each `python script.py ...` in the code blocks."""
    lines = [line for block in blocks(name) for line in block.splitlines()]
    return [line.split()[1:] for line in lines if re.match(r"python \w+\.py", line)]


def bare() -> list[str]:
    """Return the scripts that the README runs without options, in its order."""
    return [command[0] for command in commands("README.md") if len(command) == 1 and
            command != ["web_app.py"]]  # which would serve for ever


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder in which the steps have run in order, without options but for small settings."""
    folder = tmp_path_factory.mktemp("readme")
    draw_folder(folder / "my_images", 1)
    for script in bare():
        done = run(script, *SMALL.get(script, ()), *FROM_SCRATCH.get(script, ()), cwd=folder)
        assert done.status == 0, done.err
        assert all((folder / path).exists() for path in done.result["files"])
    names = [path.relative_to(folder / "data/input").as_posix()
             for path in sorted((folder / "data/input").glob("*/*"))]
    (folder / "groups.csv").write_text("source,night\n" + "".join(
        f"{name},{number // 2}\n" for number, name in enumerate(names)))
    (folder / "pretrained").symlink_to(ROOT / "pretrained")
    return folder


def test_the_steps_in_order_with_their_own_folders(place):
    assert len(bare()) == 7
    made = {path.name for path in place.iterdir()}
    assert {"data", "model_checkpoints", "evaluation_results", "visual_predictions", "blind_test",
            "my_predictions"} <= made


def with_options() -> list[list[str]]:
    """Return the README's other commands; test_web.py serves, test_cluster.py starts Ray."""
    return [command for command in commands("README.md") if len(command) > 1
            and command[0] != "web_app.py" and "ray" not in command]


@pytest.mark.parametrize("words", with_options(), ids=" ".join)
def test_every_other_command_runs(place, words):
    """Each as it is printed, but for small settings; two that need a network say so."""
    if "openvino" in words:
        pytest.importorskip("openvino")
    for name in ("model_checkpoints/a.pth", "model_checkpoints/b.pth"):
        if name in words:
            shutil.copy(place / "model_checkpoints/celestial_classification_final_model.pth",
                        place / name)
    script, *options = ["my_images" if word == "FOLDER" else word for word in words]
    more = SMALL.get(script, ())
    if "--weights" not in words:
        more += FROM_SCRATCH.get(script, ())
    done = run(script, *options, *more, cwd=place)
    if script == "fetch_pictures.py" or "imagenet:resnet50" in words:
        assert done.status == 1 and done.error
    else:
        assert done.status == 0, done.err
        assert done.result["files"]


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


def test_every_link_and_picture_is_there():
    pages = [ROOT / name for name in subprocess.run(
        ["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True,
        check=True).stdout.split()]
    assert {ROOT / name for name in READMES} <= set(pages)
    for page in pages:
        text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if target.startswith(("http://", "https://")):
                continue
            path, _, anchor = target.partition("#")
            to = (page.parent / path).resolve() if path else page
            assert to.exists(), f"{page.name}: {target}"
            if anchor:
                assert anchor in anchors(to), f"{page.name}: {target}"


def anchors(page) -> set[str]:
    """Return the names under which GitHub links to a page's headings."""
    heads = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


def test_the_citation_has_the_version():
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r"^version: (.*)$", text, re.MULTILINE)[1] == __version__


def make_demo(cwd, *settings):
    return subprocess.run(
        ["make", "--old-file=.venv/installed", "demo", f"DEMO={cwd / 'demo'}",
         f"PY={sys.executable}", *settings],
        cwd=ROOT, env=environment(cwd), capture_output=True, text=True, encoding="utf-8")


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make here")
def test_make_demo_draws_and_runs_everything(tmp_path):
    drawn = tmp_path / "drawn"
    done = make_demo(tmp_path, f"DRAWN={drawn}", "DRAWING=--per-class 6 --size 48",
                     f"TRAINING={' '.join(QUICK)}")
    assert done.returncode == 0, done.stderr
    assert f"weights: weights from {SHIPPED}" in done.stdout
    assert len(list(drawn.glob("*/*.jpg"))) == 7 * 6
    to_open = re.findall(rf"^  ({tmp_path}\S+)", done.stdout, re.MULTILINE)
    assert len(to_open) == 9
    for path in to_open:
        assert (tmp_path / path).is_file()


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make here")
def test_make_demo_leaves_pictures_of_your_own_alone(tmp_path):
    mine = draw_folder(tmp_path / "in put", 1)
    for settings in ([f"DRAWN={mine}"], [f"INPUT={mine}"]):
        done = make_demo(tmp_path, *settings)
        assert "too few in: mars (1)" in done.stderr, "datapre.py saw just these pictures"
    missing = make_demo(tmp_path, f"INPUT={tmp_path / 'typo'}")
    assert "there is no folder" in missing.stderr and not (tmp_path / "typo").exists()


def test_git_ignores_what_the_scripts_make():
    for path in ("data/celestial_dataset/manifest.csv", "data/input/mars/a.png", "demo/x.png",
                 "my_images/a.jpg", "model_checkpoints/a.pth", "evaluation_results/a.png",
                 "visual_predictions/a.png", "blind_test/a.png", "my_predictions/a.csv",
                 "blind_test_mapping_1.json", "blind_test_predictions.csv",
                 "blind_test_report.json", ".venv/x"):
        ignored = subprocess.run(["git", "check-ignore", "-q", path], cwd=ROOT)
        assert ignored.returncode == 0, path
