"""Step 1, run as a user runs it."""

import csv
import json
import os
import shutil
import signal
import time
from collections import Counter

import pytest
from conftest import CLASSES, content_of, draw, draw_folder, run, start, without_override
from PIL import Image

from celestial.data.splits import Picture, read_manifest, split_sizes


def rows_of(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def splits_by_source(dataset):
    return {row["source"]: row["split"] for row in rows_of(dataset / "manifest.csv")}


def test_manifests_with_a_perceptual_hash_still_load(tmp_path):
    manifest = tmp_path / "manifest.csv"
    manifest.write_text("path,class,split,group,sha256,phash,width,height,source,fingerprint\n"
                        "val/mars/a.png,mars,val,7,abc,ffff0000ffff0000,96,64,mars/a.png,0f\n")
    assert read_manifest(manifest) == [
        Picture("val/mars/a.png", "mars", "val", "7", "abc", 96, 64, "mars/a.png", "0f")]


def test_dataset_and_its_tables(tmp_path):
    source = draw_folder(tmp_path / "data/input", 20)
    before = content_of(source)
    done = run("datapre.py", cwd=tmp_path)
    assert done.status == 0, done.err
    dataset = tmp_path / "data/celestial_dataset"

    rows = rows_of(dataset / "manifest.csv")
    assert list(rows[0]) == ["path", "class", "split", "group", "sha256", "width", "height",
                             "source", "fingerprint"]
    assert Counter((row["class"], row["split"]) for row in rows) == {
        (label, split): count for label in CLASSES
        for split, count in (("train", 14), ("val", 3), ("test", 3))}
    for row in rows:
        assert (dataset / row["path"]).read_bytes() == (source / row["source"]).read_bytes()
        with Image.open(dataset / row["path"]) as image:
            assert image.size == (int(row["width"]), int(row["height"]))
    assert content_of(source) == before == {row["source"]: row["sha256"] for row in rows}
    assert json.loads((dataset / "class_indices.json").read_text()) == {
        label: index for index, label in enumerate(CLASSES)}
    with Image.open(dataset / "sample_images.png") as image:
        assert image.width > 500
    assert done.result["train"] == 42
    assert all((tmp_path / path).is_file() for path in done.result["files"])


@pytest.mark.parametrize("count", range(4, 200))
def test_each_class_is_within_one_picture_of_its_share(count):
    sizes = split_sizes(count)
    assert sum(sizes.values()) == count and min(sizes.values()) >= 1
    for split, proportion in (("train", 0.70), ("val", 0.15), ("test", 0.15)):
        assert abs(sizes[split] - proportion * count) <= 1


def test_three_pictures_give_one_to_each_split():
    assert split_sizes(3) == {"train": 1, "val": 1, "test": 1}


def test_bad_files_are_listed_with_their_reason(tmp_path):
    source = draw_folder(tmp_path / "in", 4)
    (source / "mars/notes.jpg").write_text("this is a text file")
    (source / "mars/empty.png").touch()
    good = (source / "mars/mars 0.png").read_bytes()
    (source / "mars/cut.png").write_bytes(good[: len(good) // 2])
    (source / "mars/copy.png").write_bytes(good)
    (source / "loose.png").write_bytes(good)
    (source / ".gitkeep").touch()
    Image.fromarray(draw("mars", 77)).save(source / "mars/no extension", format="PNG")
    done = run("datapre.py", "--input-dir", source, "--output-dir", tmp_path / "out", cwd=tmp_path)
    assert done.status == 0, done.err
    reasons = {row["source"]: row["reason"] for row in rows_of(tmp_path / "out/rejected.csv")}
    assert set(reasons) == {"loose.png", "mars/notes.jpg", "mars/empty.png", "mars/cut.png",
                            "mars/mars 0.png"}
    assert "not a picture" in reasons["mars/notes.jpg"]
    assert "empty" in reasons["mars/empty.png"]
    assert "cut short" in reasons["mars/cut.png"]
    assert reasons["mars/mars 0.png"] == "exact copy of mars/copy.png"
    assert "mars/no extension" in splits_by_source(tmp_path / "out")


def test_the_same_picture_in_two_classes_is_left_out(tmp_path):
    source = draw_folder(tmp_path / "in", 5)
    (source / "mars/both.png").write_bytes((source / "saturn/saturn 0.png").read_bytes())
    run("datapre.py", "--input-dir", source, "--output-dir", tmp_path / "out", cwd=tmp_path)
    rejected = rows_of(tmp_path / "out/rejected.csv")
    assert [row["source"] for row in rejected] == ["mars/both.png", "saturn/saturn 0.png"]
    assert all("mars and saturn" in row["reason"] for row in rejected)


def test_equal_names_in_sub_folders_both_stay(tmp_path):
    source = draw_folder(tmp_path / "in", 3)
    for number in range(8):
        (source / f"mars/night {number}").mkdir()
        Image.fromarray(draw("mars", 50 + number)).save(source / f"mars/night {number}/m.png")
    run("datapre.py", "--input-dir", source, "--output-dir", tmp_path / "out", cwd=tmp_path)
    rows = rows_of(tmp_path / "out/manifest.csv")
    assert len({row["path"] for row in rows}) == len(rows) == 17
    assert all((tmp_path / "out" / row["path"]).is_file() for row in rows)


@pytest.mark.slow
def test_the_seed_and_the_content_decide_not_names(tmp_path):
    source = draw_folder(tmp_path / "in", 20)

    def split_again(name, *options):
        out = tmp_path / name
        assert run("datapre.py", "--input-dir", source, "--output-dir", out, *options,
                   cwd=tmp_path).status == 0
        return out

    first = content_of(split_again("a"))
    assert content_of(split_again("a")) == first, "a second run into the same folder"
    assert splits_by_source(split_again("b", "--seed", 7)) != splits_by_source(tmp_path / "a")
    by_content = {row["sha256"]: row["split"] for row in rows_of(tmp_path / "a/manifest.csv")}
    for number, path in enumerate(sorted((source / "mars").iterdir(), reverse=True)):
        path.rename(path.with_name(f"{number:03d}"))
    renamed = {row["sha256"]: row["split"] for row in
               rows_of(split_again("c") / "manifest.csv")}
    assert renamed == by_content


def test_links_by_default_and_copies_on_demand(tmp_path):
    source = draw_folder(tmp_path / "in", 3)
    for name, options, linked in (("links", (), True), ("copies", ("--copy",), False)):
        run("datapre.py", "--input-dir", source, "--output-dir", tmp_path / name, *options,
            cwd=tmp_path)
        for row in rows_of(tmp_path / name / "manifest.csv"):
            same = (tmp_path / name / row["path"]).samefile(source / row["source"])
            assert same == linked


@pytest.mark.parametrize("arrange, says", [
    (lambda source: None, "there is no folder"),
    (lambda source: source.mkdir(), "no class folder"),
    (lambda source: draw_folder(source, 5, ("mars",)), "only one class folder (mars)"),
    (lambda source: (draw_folder(source, 5, ("mars",)), draw_folder(source, 2, ("saturn",))),
     "saturn (2)"),
    (lambda source: (draw_folder(source, 5), (source / "venus").mkdir()), "venus (0)"),
], ids=["missing", "empty", "one class", "two pictures", "empty class"])
def test_too_little_input_is_one_sentence(tmp_path, arrange, says):
    source = tmp_path / "in"
    arrange(source)
    before = content_of(source)
    done = run("datapre.py", "--input-dir", source, "--output-dir", tmp_path / "out", cwd=tmp_path)
    assert done.status == 1 and says in done.error
    assert [path.name for path in tmp_path.iterdir() if path.name != "in"] == []
    assert content_of(source) == before


def test_foreign_files_in_the_output_folder_are_safe(tmp_path):
    source = draw_folder(tmp_path / "in", 3)
    out = tmp_path / "out"
    options = ("--input-dir", source, "--output-dir", out)
    out.mkdir()
    (out / "thesis.txt").write_text("years of work")
    assert "choose another --output-dir" in run("datapre.py", *options, cwd=tmp_path).error
    assert (out / "thesis.txt").read_text() == "years of work"
    (out / "thesis.txt").unlink()
    assert run("datapre.py", *options, cwd=tmp_path).status == 0
    (out / "train/thesis.txt").write_text("years of work")
    before = content_of(out)
    assert "thesis.txt" in run("datapre.py", *options, cwd=tmp_path).error
    assert content_of(out) == before


@pytest.mark.slow
def test_what_a_desktop_drops_into_folders_is_nobodys(tmp_path):
    source = draw_folder(tmp_path / "in", 3)
    options = ("--input-dir", source, "--output-dir", tmp_path / "out")
    for _ in range(2):
        (source / "mars/.DS_Store").write_bytes(b"x")
        done = run("datapre.py", *options, cwd=tmp_path)
        assert done.status == 0 and done.result["rejected"] == 0
        (tmp_path / "out/train/.DS_Store").write_bytes(b"x")


@pytest.mark.slow
def test_linked_folders(tmp_path):
    source = draw_folder(tmp_path / "elsewhere", 3)
    (tmp_path / "in").mkdir()
    for label in CLASSES:
        (tmp_path / "in" / label).symlink_to(source / label)
    (tmp_path / "big disk").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "big disk")
    for _ in range(2):
        done = run("datapre.py", "--input-dir", tmp_path / "in", "--output-dir", tmp_path / "out",
                   cwd=tmp_path)
        assert done.status == 0, done.err
        assert (tmp_path / "out").is_symlink() and (tmp_path / "big disk/manifest.csv").is_file()


def test_a_failure_says_which_files_were_at_fault(tmp_path):
    source = draw_folder(tmp_path / "in", 3)
    (source / "mars/mars 1.png").write_text("no picture")
    done = run("datapre.py", "--input-dir", source, "--output-dir", tmp_path / "out", cwd=tmp_path)
    assert done.status == 1 and "mars (2)" in done.error
    assert "left out: mars/mars 1.png: not a picture" in done.out


def test_a_manifest_that_a_spreadsheet_changed(tmp_path):
    source = draw_folder(tmp_path / "in", 3)
    options = ("--input-dir", source, "--output-dir", tmp_path / "out")
    run("datapre.py", *options, cwd=tmp_path)
    manifest = tmp_path / "out/manifest.csv"
    manifest.write_text(manifest.read_text(encoding="utf-8-sig").replace(",", ";"))
    done = run("datapre.py", *options, cwd=tmp_path)
    assert done.status == 1 and "delete" in done.error


def test_output_inside_input_is_refused(tmp_path):
    source = draw_folder(tmp_path / "in", 3)
    done = run("datapre.py", "--input-dir", source, "--output-dir", source / "out", cwd=tmp_path)
    assert done.status == 2 and "lie in each other" in done.error
    assert not (source / "out").exists()


def test_read_only_output_folder(tmp_path):
    source = draw_folder(tmp_path / "in", 3)
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    done = run("datapre.py", "--input-dir", source, "--output-dir", locked / "out", cwd=tmp_path,
               **without_override())
    assert done.status == 1 and "Permission denied" in done.error
    assert list(locked.iterdir()) == []


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX systems")
@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_an_interrupted_run_leaves_the_old_dataset_or_the_new_one_whole(tmp_path, how):
    source = draw_folder(tmp_path / "in", 3)
    options = ("--input-dir", source, "--output-dir", tmp_path / "out")
    assert run("datapre.py", *options, cwd=tmp_path).status == 0
    old = content_of(tmp_path / "out")
    for number in range(300):
        Image.fromarray(draw("mars", 1000 + number, side=200)).save(source / f"mars/n{number}.png")
    seen = []
    for delay in (0, 0.3, 0.6, 0.9):
        process = start("datapre.py", *options, cwd=tmp_path)
        process.stdout.readline()  # the header: the program runs
        time.sleep(delay)
        process.send_signal(getattr(signal, how))
        _, err = process.communicate()
        assert "Traceback" not in err
        seen.append(content_of(tmp_path / "out"))
        if how != "SIGKILL":
            assert not (tmp_path / ".out.new").exists()
    assert run("datapre.py", *options, cwd=tmp_path).status == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]
    new = content_of(tmp_path / "out")
    assert old in seen and all(content in (old, new) for content in seen), "half a dataset"


@pytest.mark.slow
def test_a_run_killed_between_its_two_renames_is_recovered(tmp_path):
    source = draw_folder(tmp_path / "in", 3)
    options = ("--input-dir", source, "--output-dir", tmp_path / "out")
    assert run("datapre.py", *options, cwd=tmp_path).status == 0
    old = content_of(tmp_path / "out")
    (tmp_path / "out").rename(tmp_path / ".out.old")
    for label in ("mars", "neptune"):
        shutil.rmtree(source / label)
    assert run("datapre.py", *options, cwd=tmp_path).status == 1, "one class is not enough"
    assert content_of(tmp_path / "out") == old


def test_wrong_option_and_help(tmp_path):
    done = run("datapre.py", "--sead", "3", cwd=tmp_path)
    assert done.status == 2 and "Traceback" not in done.err
    done = run("datapre.py", "--help", cwd=tmp_path)
    assert done.status == 0 and "python datapre.py" in done.out and "default: 42" in done.out
