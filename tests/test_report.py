"""report.html: one page of what the evaluation and the blind test found, and of nothing else."""

import json
import re
import shlex
import shutil

import pytest
from conftest import draw_folder, run


def as_words(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


@pytest.fixture(scope="module")
def place(checkpoint, tmp_path_factory):
    """A dataset, evaluated; another class's plot lies there from an earlier evaluation."""
    folder = tmp_path_factory.mktemp("report")
    draw_folder(folder / "data/test", 4)
    (folder / "evaluation_results").mkdir()
    shutil.copy(folder / "data/test/mars/mars 0.png",
                folder / "evaluation_results/binary_curves.png")
    done = run("evaluate_model.py", "--data-dir", "data", "--checkpoint", checkpoint,
               "--allow-overlap", "--output-dir", "evaluation_results", cwd=folder)
    assert done.status == 0, done.err
    return folder


@pytest.mark.slow
def test_the_page_says_what_was_found(place):
    page = (place / "evaluation_results/report.html").read_text(encoding="utf-8")
    found = json.loads((place / "evaluation_results/metrics.json").read_text())
    words = as_words(page)
    for name in ("accuracy", "balanced_accuracy", "macro_f1", "accuracy_of_accepted"):
        value, low, high = (f"{100 * found[name][part]:.1f} %" for part in ("value", "low", "high"))
        assert words.count(f"{value} ({low} to {high})") >= 1, name
    assert f"Of {found['pictures']} test pictures" in words
    assert found["training_overlap"]["in_words"] in words
    assert found["checkpoint_sha256"] in words
    assert "Not made for these weights yet" in words
    assert "--allow-overlap" in words and "python evaluate_model.py --data-dir data" in words
    for name in ("confusion_matrix.png", "reliability_diagram.png", "activation_maps.png"):
        assert f"({name})" in page
    assert "binary_curves.png" not in page, "a figure of an earlier evaluation"


@pytest.mark.slow
def test_its_commands_are_commands(place, monkeypatch):
    import evaluate_model
    import improved_training

    found = json.loads((place / "evaluation_results/metrics.json").read_text())
    told = {words[1]: words[1:] for words in map(shlex.split, found["commands"])}
    monkeypatch.setattr("sys.argv", told["improved_training.py"])
    args = improved_training.parse_args()
    assert (args.weights, args.image_size, args.epochs) == ("none", 32, 2)
    monkeypatch.setattr("sys.argv", told["evaluate_model.py"])
    assert evaluate_model.parse_args().allow_overlap


@pytest.mark.slow
def test_the_page_stands_alone(place):
    page = (place / "evaluation_results/report.html").read_text(encoding="utf-8")
    sources = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert sources and all(source.startswith(("data:image/webp;base64,", "#"))
                           for source in sources)
    assert "http" not in re.sub(r"base64,[^\"]*|<code>.*?</code>", "", page, flags=re.DOTALL)
    assert "<script" not in page and "url(" not in page and "@import" not in page
    for target in re.findall(r'href="#([^"]*)"', page):
        assert f'id="{target}"' in page


@pytest.mark.slow
def test_the_blind_test_is_added_if_it_is_of_the_same_weights(place, checkpoint):
    other = place / "other.pth"
    other.write_bytes(checkpoint.read_bytes() + b"\0")
    report = place / "evaluation_results/report.html"
    before = report.read_text(encoding="utf-8")
    done = run("blind_test_validation.py", "--data-dir", "data", "--checkpoint", other, cwd=place)
    assert done.status == 0, done.err
    assert report.read_text(encoding="utf-8") == before
    shutil.rmtree(place / "blind_test")
    done = run("blind_test_validation.py", "--data-dir", "data", "--checkpoint", checkpoint,
               cwd=place)
    assert done.status == 0, done.err
    verdict = json.loads((place / "blind_test_report.json").read_text())["verdict"]
    words = as_words(report.read_text(encoding="utf-8")).replace("&#39;", "'")
    assert f"Blind test: {verdict}." in words and "(blind_test_report.png)" in words
