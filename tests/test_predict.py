"""Step 6, run as a user runs it."""

import csv
import signal

import numpy as np
import pytest
import torch
from conftest import CLASSES, ROOT, content_of, draw, draw_folder, run, start, without_override
from PIL import Image

HEADER = ["filename", "status", "prediction", "confidence", "known_score", "top5",
          "prediction_zh", "prediction_ko", "reason"]


def rows_of(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
    assert reader.fieldnames == HEADER
    return rows


def top(row):
    pairs = [pair.rsplit(":", 1) for pair in row["top5"].split("; ")]
    return [(name, float(value)) for name, value in pairs]


@pytest.fixture
def folder(tmp_path):
    folder = draw_folder(tmp_path / "my_images", 3)
    (folder / "README.md").write_text("what goes in")
    (folder / "notes.jpg").write_text("no picture")
    (folder / "neptune/empty.png").touch()
    data = (folder / "mars/mars 0.png").read_bytes()
    (folder / "mars/mars 0 cut.png").write_bytes(data[: len(data) // 2])
    Image.fromarray(draw("mars", 9)).save(folder / "a.png")
    Image.fromarray(draw("mars", 9)).save(folder / "a.jpg")
    Image.fromarray(draw("saturn", 9)).save(folder / "土星, \"quoted\".png")
    deep = np.repeat(np.uint16(draw("neptune", 9).mean(axis=2))[:, :, None] * 257, 1, axis=2)
    Image.fromarray(deep[:, :, 0]).save(folder / "16 bit.png")
    return folder


def test_one_row_for_every_file_and_bad_ones_carry_no_prediction(folder, checkpoint, tmp_path):
    before = content_of(folder)
    done = run("predict_my_images.py", "--checkpoint", checkpoint, cwd=tmp_path)
    assert done.status == 0, done.err
    assert content_of(folder) == before
    out = tmp_path / "my_predictions"
    rows = {row["filename"]: row for row in rows_of(out / "batch_prediction_summary.csv")}
    assert sorted(rows) == sorted(before)
    failed = {name for name, row in rows.items() if row["status"] == "failed"}
    assert failed == {"README.md", "notes.jpg", "neptune/empty.png", "mars/mars 0 cut.png"}
    for name, row in rows.items():
        if name in failed:
            assert row["reason"] and not row["prediction"] and not row["top5"]
            continue
        best, probability = top(row)[0]
        assert best in CLASSES and float(row["confidence"]) == pytest.approx(probability, abs=1e-3)
        assert row["prediction"] == (best if row["status"] == "ok" else "unknown")
        with Image.open(out / "pictures" / f"{name}.png") as image:
            assert image.width == 356
    drawn = [path for path in (out / "pictures").rglob("*") if path.is_file()]
    assert len(drawn) == len(rows) - len(failed)
    with Image.open(out / "contact_sheet.png") as image:
        assert image.width > 1000
    assert "mars 0 cut.png" in done.out and done.result["failed"] == 4


def test_names_in_chinese_and_korean(folder, checkpoint, tmp_path):
    run("predict_my_images.py", "--checkpoint", checkpoint, "--no-pictures", cwd=tmp_path)
    names = {"mars": ("火星", "화성"), "neptune": ("海王星", "해왕성"), "saturn": ("土星", "토성"),
             "unknown": ("未知", "알 수 없음"), "": ("", "")}
    for row in rows_of(tmp_path / "my_predictions/batch_prediction_summary.csv"):
        assert (row["prediction_zh"], row["prediction_ko"]) == names[row["prediction"]]
    assert not (tmp_path / "my_predictions/pictures").exists()
    assert not (tmp_path / "my_predictions/contact_sheet.png").exists()


@pytest.mark.slow
def test_batches_do_not_change_an_answer(folder, checkpoint, tmp_path):
    tables = []
    for size in (1, 3, 64):
        out = tmp_path / f"out {size}"
        run("predict_my_images.py", folder, "--checkpoint", checkpoint, "--no-pictures",
            "--batch-size", size, "--output-dir", out, cwd=tmp_path)
        tables.append(rows_of(out / "batch_prediction_summary.csv"))
    for rows in zip(*tables, strict=True):
        assert len({row["filename"] for row in rows}) == 1
        if rows[0]["status"] != "failed":
            scores = [dict(top(row)) for row in rows]
            for name in CLASSES:
                assert max(s[name] for s in scores) - min(s[name] for s in scores) < 0.01


@pytest.mark.slow
def test_killed_and_resumed_has_every_row_once(checkpoint, tmp_path):
    folder = draw_folder(tmp_path / "many", 150)
    out = tmp_path / "out"
    options = (folder, "--checkpoint", checkpoint, "--no-pictures", "--batch-size", "4",
               "--output-dir", out)
    process = start("predict_my_images.py", *options, cwd=tmp_path)
    partial = out / "batch_prediction_summary.partial.csv"
    while process.poll() is None:
        if partial.exists() and partial.read_bytes().count(b"\n") > 20:
            process.send_signal(signal.SIGKILL)
            break
    process.communicate()
    assert not (out / "batch_prediction_summary.csv").exists()
    kept = partial.read_bytes().count(b"\n") - 1
    with partial.open("ab") as file:
        file.write("mars/half a row,ok,火".encode()[:-1])
    done = run("predict_my_images.py", *options, "--resume", cwd=tmp_path)
    assert done.status == 0 and f"{kept} files were done before" in done.out
    rows = rows_of(out / "batch_prediction_summary.csv")
    assert sorted(row["filename"] for row in rows) == sorted(content_of(folder))
    whole = tmp_path / "whole"
    run("predict_my_images.py", *options[:-1], whole, cwd=tmp_path)
    answers = [{row["filename"]: row["prediction"] for row in rows_of(path)} for path in
               (out / "batch_prediction_summary.csv", whole / "batch_prediction_summary.csv")]
    assert answers[0] == answers[1]


@pytest.mark.slow
def test_resume_never_mixes_two_models(folder, checkpoint, tmp_path):
    assert run("predict_my_images.py", "--checkpoint", checkpoint, "--no-pictures",
               cwd=tmp_path).status == 0
    other = draw_folder(tmp_path / "other", 1)
    content = torch.load(checkpoint, weights_only=True)
    torch.save(content | {"temperature": 3.0}, tmp_path / "other.pth")
    for arguments in ((other, "--checkpoint", checkpoint),
                      ("--checkpoint", tmp_path / "other.pth")):
        done = run("predict_my_images.py", *arguments, "--no-pictures", "--resume", cwd=tmp_path)
        assert done.status == 1 and "leave --resume out" in done.error


@pytest.mark.slow
def test_resume_tries_failed_files_again_forgets_lost_ones_and_draws_all(
        folder, checkpoint, tmp_path):
    odd = folder / "a\u2028b.png"
    (folder / "a.png").rename(odd)
    assert run("predict_my_images.py", "--checkpoint", checkpoint, cwd=tmp_path).status == 0
    (folder / "a.jpg").unlink()
    Image.fromarray(draw("mars", 5)).save(folder / "neptune/empty.png")
    done = run("predict_my_images.py", "--checkpoint", checkpoint, "--resume", cwd=tmp_path)
    assert done.status == 0, done.err
    out = tmp_path / "my_predictions"
    rows = {row["filename"]: row for row in rows_of(out / "batch_prediction_summary.csv")}
    assert sorted(rows) == sorted(
        name.replace("\u2028", "\\u2028") for name in content_of(folder))
    assert rows["neptune/empty.png"]["status"] != "failed"
    with Image.open(out / "contact_sheet.png") as sheet:
        cards = [path for path in (out / "pictures").rglob("*.png")]
        assert sheet.width * sheet.height > 0.7 * (len(cards) - 1) * 340 * 480


def test_answers_never_go_among_the_pictures(folder, checkpoint, tmp_path):
    before = content_of(folder)
    done = run("predict_my_images.py", folder, "--output-dir", folder, "--checkpoint", checkpoint,
               cwd=tmp_path)
    assert done.status == 2 and done.error and content_of(folder) == before


@pytest.mark.slow
def test_ctrl_c_keeps_the_rows_so_far(checkpoint, tmp_path):
    folder = draw_folder(tmp_path / "many", 150)
    process = start("predict_my_images.py", folder, "--checkpoint", checkpoint, "--no-pictures",
                    "--batch-size", "4", cwd=tmp_path)
    partial = tmp_path / "my_predictions/batch_prediction_summary.partial.csv"
    while process.poll() is None:
        if partial.exists() and partial.read_bytes().count(b"\n") > 8:
            process.send_signal(signal.SIGINT)
            break
    _, err = process.communicate()
    assert process.returncode == 1 and "Traceback" not in err and "--resume" in err
    assert len(rows_of(partial)) >= 8


def test_output_inside_the_folder_is_not_read_again(folder, checkpoint, tmp_path):
    options = (folder, "--checkpoint", checkpoint, "--output-dir", folder / "answers")
    first = run("predict_my_images.py", *options, cwd=tmp_path)
    second = run("predict_my_images.py", *options, cwd=tmp_path)
    assert first.result["rows"] == second.result["rows"] == 17


@pytest.mark.slow
def test_missing_empty_and_locked_folders(checkpoint, folder, tmp_path):
    done = run("predict_my_images.py", tmp_path / "none", "--checkpoint", checkpoint, cwd=tmp_path)
    assert done.status == 1 and "there is no folder" in done.error
    (tmp_path / "void").mkdir()
    done = run("predict_my_images.py", tmp_path / "void", "--checkpoint", checkpoint, cwd=tmp_path)
    assert done.status == 1 and "holds nothing" in done.error
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    done = run("predict_my_images.py", "--checkpoint", checkpoint, "--output-dir", locked,
               cwd=tmp_path, **without_override())
    assert done.status == 1 and "Permission denied" in done.error
    assert list(locked.iterdir()) == []


@pytest.mark.parametrize("script", sorted(path.name for path in ROOT.glob("*.py")))
def test_help_opens_with_commands_to_copy(script, tmp_path):
    done = run(script, "--help", cwd=tmp_path)
    assert done.status == 0 and f"python {script}" in done.out
