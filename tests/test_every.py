"""--every: a row for each of a recording's frames, by itself, in a folder, and after a stop."""

import numpy as np
import pytest
from camera_files import blurred, ser, video
from conftest import draw, run
from PIL import Image
from test_predict import rows_of

FRAMES = [draw(label, number) for number, label in enumerate(["mars", "neptune", "saturn"] * 4)]


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "night"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "a.ser").write_bytes(
        ser(np.stack(FRAMES), 100, seconds=[0.5 * number for number in range(len(FRAMES))]))
    (folder / "no times.ser").write_bytes(ser(np.stack(FRAMES[:3]), 100))
    (folder / "film.avi").write_bytes(video(FRAMES, "avi", "MJPG", rate=2))
    Image.fromarray(FRAMES[0]).save(folder / "picture.png")
    (folder / "notes.mp4").write_text("no video")
    return folder


def names_of(rows: list[dict]) -> list[str]:
    return [row["filename"] for row in rows]


def test_every_two_seconds_a_row(folder, checkpoint, tmp_path):
    done = run("predict_my_images.py", folder, "--checkpoint", checkpoint, "--every", "2",
               cwd=tmp_path)
    assert done.status == 0, done.err
    out = tmp_path / "my_predictions"
    rows = rows_of(out / "batch_prediction_summary.csv")
    assert names_of(rows) == [
        "deep/a.ser#t=0.0", "deep/a.ser#t=2.0", "deep/a.ser#t=4.0", "film.avi#t=0.0",
        "film.avi#t=2.0", "film.avi#t=4.0", "no times.ser#t=0.0", "notes.mp4", "picture.png"]
    failed = {row["filename"]: row["reason"] for row in rows if row["status"] == "failed"}
    assert set(failed) == {"no times.ser#t=0.0", "notes.mp4"}
    assert failed["no times.ser#t=0.0"] == "its frames have no times, which --every needs"
    by_name = {row["filename"]: row for row in rows}
    assert "frame 5 of 12, at 2 s" in by_name["deep/a.ser#t=2.0"]["reason"]
    assert by_name["deep/a.ser#t=0.0"]["top5"] == by_name["picture.png"]["top5"], "the same pixels"
    assert (out / "pictures" / "deep" / "a.ser#t=4.0.png").is_file()


@pytest.mark.slow
def test_a_stopped_run_goes_on_with_the_frames_that_are_left(folder, checkpoint, tmp_path):
    options = ("--checkpoint", checkpoint, "--no-pictures", "--every", "2")
    assert run("predict_my_images.py", folder, *options, cwd=tmp_path).status == 0
    table = tmp_path / "my_predictions" / "batch_prediction_summary.csv"
    rows = rows_of(table)
    again = run("predict_my_images.py", folder, *options, "--resume", cwd=tmp_path)
    assert again.status == 0 and "7 files were done before, 2 are left" in again.out
    assert rows_of(table) == rows
    other = run("predict_my_images.py", folder, *options[:-1], "3", "--resume", cwd=tmp_path)
    assert "would mix two runs" in other.error


def test_without_it_a_recording_has_one_row_that_says_which_frame(folder, checkpoint, tmp_path):
    path = folder / "deep" / "a.ser"
    path.write_bytes(ser(np.stack(blurred(FRAMES[2], 9, sharp=4)), 100))
    done = run("predict_my_images.py", path, "--checkpoint", checkpoint, "--no-pictures",
               cwd=tmp_path)
    row, = rows_of(tmp_path / "my_predictions" / "batch_prediction_summary.csv")
    assert done.result["rows"] == 1 and row["filename"] == "a.ser"
    assert row["reason"].endswith("frame 5 of 9, the sharpest of 9")


@pytest.mark.parametrize("options, words", [
    (("--every", "nan"), "--every"),
    (("--every", "2", "--sort-into", "sorted"), "leave --sort-into and --engine ray out"),
    (("--every", "2", "--engine", "ray"), "leave --sort-into and --engine ray out")])
def test_what_does_not_go_together_is_refused(folder, options, words, tmp_path):
    done = run("predict_my_images.py", folder, *options, cwd=tmp_path)
    assert done.status == 2 and words in done.err
    assert not (tmp_path / "my_predictions").exists()


@pytest.mark.slow
def test_far_too_many_rows_are_refused_in_one_sentence(folder, checkpoint, tmp_path):
    (folder / "long.ser").write_bytes(ser(np.stack(FRAMES), 100, seconds=range(0, 6000, 500)))
    done = run("predict_my_images.py", folder, "--checkpoint", checkpoint, "--every", "0.01",
               cwd=tmp_path)
    assert done.status == 1
    assert "long.ser: longer than 100,000 times 0.01 s; choose a larger --every" in done.error
