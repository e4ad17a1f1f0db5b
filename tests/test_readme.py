"""What the READMEs, docs/ and the Makefile promise, run as written.

`make demo` starts every script in a Python of its own; the other commands need not do so again.
"""

import functools
import re
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from conftest import QUICK, ROOT, draw_folder, environment, run
from PIL import Image

from celestial import __version__
from celestial.common.console import SHIPPED

READMES = ("README.md", "README.zh.md", "README.ko.md")
PAGES = ("README.md", *sorted(path.relative_to(ROOT).as_posix()
                              for path in ROOT.glob("docs/*.md")))
MOST_LINES, MOST_LETTERS = 150, 10_000  # of a README
SHORT = (*QUICK, "--epochs", "1", "--stage1-epochs", "1", "--stage1-views", "1")
FROM_SCRATCH = ("--weights", "none")
PICTURES = 6  # of a class, where they are split
# Commands that are not run here, by what they begin with or a word in them, and why.
NOT_RUN = {"web_app.py": "it would serve for ever; tests/test_web*.py ask it",
           "ray": "a cluster; tests/test_cluster.py starts one",
           "--page": "npm fetches 33 MB; tests/test_static_page.py exports one",
           "benchmarks/": "they measure, for minutes and on photographs"}
NEEDS_NETWORK = ("fetch_pictures.py", "imagenet:resnet50")  # and says so in one sentence
EXAMPLES = {"celestial/renderer/rocky/ceres.py"}  # of what a reader may add


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def commands(page: str) -> list[list[str]]:
    """Return the words of each `python script.py ...` in the fenced blocks of a page."""
    blocks = re.findall(r"^ *```\w+\n(.*?)```", text_of(page), re.DOTALL | re.MULTILINE)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [shlex.split(line, comments=True)[1:] for line in lines
            if re.match(r"python [\w/]+\.py", line)]


def is_run(words: list[str]) -> bool:
    return not any(words[0].startswith(what) or what in words for what in NOT_RUN)


def followed() -> list:
    """Return the pages that have a command to run; the README alone is quick."""
    return [pytest.param(page, marks=() if page == "README.md" else pytest.mark.slow)
            for page in PAGES if any(map(is_run, commands(page)))]


def prepare(words: list[str], place: Path) -> None:
    """Make what a command reads and no command before it has written."""
    for name in ("model_checkpoints/a.pth", "model_checkpoints/b.pth"):
        if name in words:
            shutil.copy(place / "model_checkpoints/celestial_classification_final_model.pth",
                        place / name)
    if "--collect" in words:  # the first answer is wrong, says the user
        table, *rows = (place / "my_predictions/batch_prediction_summary.csv").read_text(
            encoding="utf-8-sig").splitlines()
        (place / words[words.index("--corrections") + 1]).write_text(
            "\n".join([f"correct,{table}", f"ceres,{rows[0]}", *(f",{row}" for row in rows[1:])]))
    if "--groups" in words:  # the first two pictures belong together
        folder = place / (words[words.index("--input-dir") + 1] if "--input-dir" in words
                          else "data/input")
        names = [path.relative_to(folder).as_posix() for path in sorted(folder.glob("*/*"))]
        (place / words[words.index("--groups") + 1]).write_text("source,object\n" + "".join(
            f"{name},{max(number, 1)}\n" for number, name in enumerate(names)))


def small_settings(words: list[str], page: str) -> list:
    """Return what is added to a command, so that it takes seconds."""
    if words[0] == "render_samples.py":
        is_split = any(other[0] == "datapre.py" for other in commands(page))
        return ["--per-class", PICTURES if is_split else 1, "--size", 48]
    if "--improve" in words:  # the size of the pictures is the present model's
        return SHORT[SHORT.index("--epochs"):]
    if words[0] == "improved_training.py":
        return [*SHORT, *(() if "--weights" in words else FROM_SCRATCH)]
    return []


@pytest.mark.parametrize("page", followed())
def test_a_page_can_be_followed_from_top_to_bottom(page, tmp_path):
    """Every command as it is printed, in order, in a folder of its own, but for small settings."""
    draw_folder(tmp_path / "my_images", 1)
    draw_folder(tmp_path / "data/my_classes", PICTURES)
    (tmp_path / "data/input").mkdir()  # it is in the repository
    (tmp_path / "textures").mkdir()
    noise = np.random.default_rng(0).integers(40, 255, (256, 512, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "textures/mars.png")
    for words in filter(is_run, commands(page)):
        if "openvino" in words and not find_spec("openvino"):
            continue
        prepare(words, tmp_path)
        script, *options = ["my_images" if word == "FOLDER" else word for word in words]
        done = run(script, *options, *small_settings(words, page), cwd=tmp_path)
        if any(what in words for what in NEEDS_NETWORK):
            assert done.status == 1 and done.error, words
        else:
            assert done.status == 0, (words, done.err)
            assert done.result["files"], words
            assert all((tmp_path / path).exists() for path in done.result["files"]), words
    if page == "docs/steps.md":
        assert {"data", "model_checkpoints", "evaluation_results", "visual_predictions",
                "blind_test", "my_predictions"} <= {path.name for path in tmp_path.iterdir()}


def test_every_script_and_step_is_in_the_pages_that_are_followed():
    scripts = {path.name for path in ROOT.glob("*.py")}
    assert {words[0] for words in commands("docs/steps.md")} | {"web_app.py"} == scripts
    assert all(script in text_of("README.md") for script in scripts)


@functools.cache
def help_of(script: str) -> str:
    return subprocess.run([sys.executable, ROOT / script, "--help"], capture_output=True,
                          text=True, encoding="utf-8", check=True).stdout


def test_commands_that_are_not_run_have_options_that_exist():
    not_run = [words for page in PAGES for words in commands(page) if not is_run(words)]
    assert {what for what in NOT_RUN for words in not_run
            if words[0].startswith(what) or what in words} == {*NOT_RUN}, "each is used"
    for script, *words in not_run:
        for option in (word for word in words if word.startswith("--")):
            assert re.search(rf"{option}\b", help_of(script)), f"{script} has no {option}"


@pytest.mark.parametrize("name", READMES)
def test_a_readme_is_one_page(name):
    assert len(text_of(name).splitlines()) <= MOST_LINES
    assert len(text_of(name)) <= MOST_LETTERS


@pytest.mark.parametrize("name", READMES[1:])
def test_the_three_languages_say_the_same(name):
    first, other = text_of(READMES[0]), text_of(name)
    assert commands(name) == commands(READMES[0])
    for what, pattern in (("headings", r"^#+(?= )"), ("pictures", r"!\[[^\]]*\]\(([^)]*)\)"),
                          ("links", r"\]\(([^)\s]+)\)"), ("rows", r"^\|(?=.)")):
        assert re.findall(pattern, other, re.MULTILINE) == re.findall(
            pattern, first, re.MULTILINE), what
    for what, pattern in (("figures", r"\d+(?:[.,:-]\d+)*"), ("code", r"`[^`\n]+`")):
        assert sorted(re.findall(pattern, other)) == sorted(re.findall(pattern, first)), what


def pages_of_the_project() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True,
                            check=True).stdout.split()
    return [ROOT / name for name in listed]


def prose(page: Path) -> str:
    """Return a page without its fenced blocks."""
    return re.sub(r"^ *```.*?```", "", page.read_text(encoding="utf-8"),
                  flags=re.DOTALL | re.MULTILINE)


def test_every_link_and_picture_is_there():
    pages = pages_of_the_project()
    assert {ROOT / name for name in (*READMES, *PAGES)} <= set(pages)
    for page in pages:
        for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
            if target.startswith(("http://", "https://")):
                continue
            path, _, anchor = target.partition("#")
            to = (page.parent / path).resolve() if path else page
            assert to.exists(), f"{page.name}: {target}"
            if anchor:
                assert anchor in anchors(to), f"{page.name}: {target}"


def anchors(page: Path) -> set[str]:
    """Return the names under which GitHub links to a page's headings."""
    heads = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


def test_every_module_and_script_that_a_page_names_is_there():
    files = [f"/{name}" for name in subprocess.run(
        ["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True,
        check=True).stdout.split()]
    for page in (*PAGES, "CONTRIBUTING.md"):
        for name in set(re.findall(r"`([\w/]+\.py)[ `]", text_of(page))) - EXAMPLES:
            assert any(file.endswith(f"/{name}") for file in files), f"{page}: {name}"


def test_the_index_names_every_page():
    links = set(re.findall(r"\]\(([^)\s]+)\)", text_of("docs/README.md")))
    assert {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"} <= links


def test_the_citation_has_the_version():
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r"^version: (.*)$", text, re.MULTILINE)[1] == __version__


def make_demo(cwd, *settings):
    return subprocess.run(
        ["make", "--old-file=.venv/installed", "demo", f"DEMO={cwd / 'demo'}",
         f"PY={sys.executable}", *settings],
        cwd=ROOT, env=environment(cwd), capture_output=True, text=True, encoding="utf-8")


@pytest.mark.slow
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
