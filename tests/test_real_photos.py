"""The benchmark on real photographs, run on drawn ones as a user runs it."""

import csv
import json

import pytest
from conftest import content_of, draw_folder, run


@pytest.mark.slow
def test_table_figures_and_mistakes(checkpoint, tmp_path):
    photographs = draw_folder(tmp_path / "photographs", 5, ("mars", "saturn"))
    (photographs / "mars/broken.jpg").write_bytes(b"\xff\xd8\xff half a picture")
    before = content_of(photographs)
    done = run("benchmarks/real_photos.py", photographs, "--checkpoint", checkpoint, cwd=tmp_path)
    assert done.status == 0, done.err
    assert "not counted" in done.out and "broken.jpg" in done.out
    assert content_of(photographs) == before
    result = done.result
    assert result["photographs"] == 10 and result["failed"] == 1
    assert all((tmp_path / path).is_file() for path in result["files"])

    # The same pictures through step 6 must get the same answers.
    other = run("predict_my_images.py", photographs, "--checkpoint", checkpoint, "--no-pictures",
                cwd=tmp_path)
    summary = next(path for path in other.result["files"] if path.endswith("summary.csv"))
    with (tmp_path / summary).open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["status"] != "failed"]
    first = [row["top5"].split(":")[0] for row in rows]
    right = sum(guess == row["filename"].split("/")[0]
                for guess, row in zip(first, rows, strict=True))
    assert result["accuracy"]["value"] == right / 10
    table = (tmp_path / "evaluation_results/real_photos/real_photos.md").read_text("utf-8")
    assert f"| all | 10 | {right} | {right / 10:.1%} (" in table and "| mars | 5 |" in table
    stored = json.loads((tmp_path / "evaluation_results/real_photos/real_photos.json")
                        .read_text("utf-8"))
    assert stored["accuracy"] == result["accuracy"]


@pytest.mark.slow
def test_wrong_folders_are_one_sentence(checkpoint, tmp_path):
    def sentence(folder):
        done = run("benchmarks/real_photos.py", folder, "--checkpoint", checkpoint, cwd=tmp_path)
        assert done.status == 1
        return done.error

    assert "there is no folder" in sentence("nowhere")
    (tmp_path / "empty/mars").mkdir(parents=True)
    assert "no pictures" in sentence("empty")
    draw_folder(tmp_path / "foreign", 1, ("mars", "saturn"))
    (tmp_path / "foreign/saturn").rename(tmp_path / "foreign/cat")
    assert "does not know cat" in sentence("foreign")
