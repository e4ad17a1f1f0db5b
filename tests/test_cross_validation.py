"""Photographs with roles, and a recipe that is judged on sources it never saw."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from conftest import draw, run
from PIL import Image

from celestial.inference.confidence import known_score
from celestial.models.checkpoints import load_checkpoint

LABELS = ("mars", "neptune", "saturn")
SOURCES = {"north": 4, "south": 4, "east": 3}  # pictures of each class
TRAINING = ("--model", "cnn", "--weights", "none", "--image-size", 32, "--epochs", 2,
            "--batch-size", 8, "--folder-weights", "drawings=0.5", "few_photographs=2")


def write_sources(folder: Path) -> Path:
    """Write pictures and the table of them; two of different sources show one object."""
    rows = []
    for place, (source, count) in enumerate(SOURCES.items()):
        for label in LABELS:
            for number in range(count):
                path = folder / f"{source}/{label}/{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(draw(label, 100 * place + number)).save(path)
                note = "credit: J. Doe; object=Olympus; x" if (label, number) == ("mars", 0) else ""
                rows.append([path.relative_to(folder), label, "train", source, "CC0", note])
    for label, role in (("cat", "train"), ("mars", "measure")):
        Image.fromarray(draw("mars", 999)).save(folder / f"{role}.png")
        rows.append([f"{role}.png", label, role, "north", "CC0", ""])
    with (folder / "SOURCES.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["path", "label", "role", "source", "licence", "note"], *rows])
    return folder / "SOURCES.csv"


@pytest.fixture(scope="module")
def gathered(tmp_path_factory) -> Path:
    base = tmp_path_factory.mktemp("photographs")
    done = run("pretrained/photographs.py", write_sources(base), base / "out", cwd=base)
    assert done.status == 0, done.err
    return base / "out"


def rows_of(path: Path) -> list[dict]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_only_pictures_that_may_be_learned_from_are_gathered(gathered):
    rows = rows_of(gathered / "photographs.csv")
    assert len(rows) == 3 * 11 + 1, "not the one that only measures"
    assert all((gathered / row["path"]).is_file() for row in rows)
    cat, = (row for row in rows if not row["class"])
    assert cat["path"] == "outliers/photographs/train.png"
    named = [row for row in rows if row["object"]]
    assert {(row["object"], row["credit"]) for row in named} == {("Olympus", "J. Doe")}
    assert len(named) == 3
    assert "| north | CC0 | 4 mars, 4 neptune, 1 none of the classes, 4 saturn |" in (
        gathered / "credits.md").read_text()


def test_a_table_that_does_not_serve_is_one_sentence(tmp_path):
    table = tmp_path / "SOURCES.csv"
    for text, words in ((None, "cannot be read"), ("a,b\n1,2\n", "needs the columns"),
                        ("path,label,role,source,licence,note\na,mars,measure,x,y,z\n",
                         "has the role train")):
        if text:
            table.write_text(text)
        done = run("pretrained/photographs.py", table, "out", cwd=tmp_path)
        assert done.status == 2 and words in done.error


def test_pictures_that_cannot_be_gathered_are_one_sentence(tmp_path):
    table = write_sources(tmp_path)
    command = ("pretrained/photographs.py", table, "out")
    (tmp_path / "out/classes/mars").mkdir(parents=True)
    Image.fromarray(draw("mars", 1)).save(tmp_path / "out/classes/mars/before.png")
    done = run(*command, cwd=tmp_path)
    assert done.status == 1 and "before.png is no longer among the pictures" in done.error
    (tmp_path / "out/classes/mars/before.png").unlink()
    with table.open("a", newline="") as file:
        csv.writer(file).writerow(["north_mars/0.png", "mars", "train", "x", "CC0", ""])
    done = run(*command, cwd=tmp_path)
    assert done.status == 1 and "north_mars/0.png, and there is no such file" in done.error
    (tmp_path / "north_mars").mkdir()
    Image.fromarray(draw("mars", 2)).save(tmp_path / "north_mars/0.png")
    done = run(*command, cwd=tmp_path)
    assert done.status == 1 and "2 rows" in done.error and "rename a file" in done.error
    assert not list((tmp_path / "out").rglob("*.png")), "nothing is gathered by halves"


@pytest.mark.slow
def test_each_source_is_judged_by_a_network_that_never_saw_it(gathered, dataset, tmp_path):
    (tmp_path / "strange").mkdir()
    Image.fromarray(draw("mars", 5)).save(tmp_path / "strange/a.png")
    command = ("benchmarks/cross_validation.py", gathered, "--drawings", dataset, "--outliers",
               "strange", "--output-dir", "out", "--ship", "shipped.pth")
    done = run(*command, "--folds", 4, "--", *TRAINING, cwd=tmp_path)
    assert done.status == 2 and "--folds 4 does not fit photographs of 3 sources" in done.error
    done = run(*command, "--folds", 2, "--", *TRAINING, cwd=tmp_path)
    assert done.status == 0, done.err
    rows = rows_of(tmp_path / "out/out_of_fold.csv")
    assert len(rows) == 33
    folds = {row["source"]: row["fold"] for row in rows}
    assert set(folds) == set(SOURCES) and len(set(folds.values())) == 2
    for fold in "01":
        place = tmp_path / "out/folds" / fold / "dataset"
        learned = {path.name for path in place.glob("*/*/few_photographs/*")}
        held_out = {path.name for path in place.glob("test/*/*")}
        own = {row["path"].rsplit("/")[-1] for row in rows if row["fold"] == fold}
        assert held_out == own and not learned & own
        assert not any("mars_0" in name for name in learned), "an object that is held out"
        groups = {row["group"] for row in rows if row["fold"] == fold}
        assert learned == {row["path"].rsplit("/")[-1] for row in rows
                           if row["group"] not in groups}, "nor near-copies of what is held out"
        assert len(list(place.glob("train/*/drawings/*"))) == len(list(dataset.glob("train/*/*")))
        strangers = {path.name for path in (place.parent / "outliers").rglob("*.png")}
        assert strangers == {"a.png"} | ({"train.png"} if folds["north"] != fold else set())
    check_figures(rows, tmp_path, done.result)
    done = run(*command, "--folds", 2, "--", *TRAINING, "--seed", 7, cwd=tmp_path)
    assert done.status == 1 and "holds the folds of another command" in done.error
    done = run(*command, "--folds", 2, "--", *TRAINING, "--weights", "shipped.pth",
               cwd=tmp_path)
    assert done.status == 2 and "has learned from 33 of these photographs" in done.error


def check_figures(rows: list[dict], folder: Path, result: dict) -> None:
    """Compare what was written with what its logits say."""
    fitted = json.loads((folder / "out/confidence.json").read_text())
    logits = np.array([[float(row[f"logit_{label}"]) for label in LABELS] for row in rows])
    accepted = np.array([row["accepted_1"] == "True" for row in rows])
    above = known_score(logits) - fitted["reject_below"]
    sure = abs(above) > 1e-6  # the table's numbers are rounded
    assert (accepted == (above > 0))[sure].all() and sure.any()
    assert accepted.mean() >= 0.9, "of each class, the objects' groups alike, 95 % are accepted"
    right = np.array([LABELS[best] for best in logits.argmax(1)]) == [r["class"] for r in rows]
    groups = np.array([row["group"] for row in rows])
    means = []
    for label in LABELS:
        own = np.array([row["class"] == label for row in rows])
        means.append(np.mean([(right & accepted)[own & (groups == group)].mean()
                              for group in set(groups[own])]))
    assert result["all"]["named_rightly"] == pytest.approx(np.mean(means), abs=1e-6)
    shipped = load_checkpoint(folder / "shipped.pth")
    assert shipped.temperature == fitted["temperature"] == result["temperature"]
    assert {str(views) for views in shipped.by_views} == set(fitted["by_views"]) == {"2", "4", "8"}
    assert len(shipped.train_sha256) == 33 + 42 + 2, "all photographs, drawings, strangers"
    assert "33 photographs" in shipped.options["confidence_from"]
