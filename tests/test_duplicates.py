"""Copies and groups: planted near-copies are found, and a group goes into one split."""

import csv
import io
import re
from importlib import import_module

import numpy as np
import pytest
from conftest import ROOT, draw, draw_folder, run
from PIL import Image

from celestial.data import copy_check, fingerprint_distance, fingerprints, near_copies
from celestial.data.copy_check import thumbnail
from celestial.data.fingerprint_distance import NEAR_COPY_THRESHOLD
from celestial.renderer.draw import draw_picture

CLASSES = ("jupiter", "moon", "galaxy", "earth")


def encoded(picture, quality):
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def resized(picture, side):
    return np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.LANCZOS))


COPIES = {
    "smaller": lambda picture: resized(picture, 64),
    "encoded": lambda picture: encoded(picture, 40),
    "brighter": lambda picture: np.uint8(np.clip(picture * 1.3, 0, 255)),
    "darker": lambda picture: np.uint8(picture * 0.7),
    "turned": lambda picture: np.rot90(picture).copy(),
    "mirrored": lambda picture: picture[:, ::-1].copy(),
    "cropped": lambda picture: picture[2:-2, 2:-2].copy(),
    "gamma": lambda picture: np.uint8(255 * (picture / 255) ** 1.4 + 0.5),
    "all but the crop": lambda picture: encoded(
        resized(np.uint8(np.rot90(picture[::-1]) * 0.8), 80), 60),
}
CROPPED = {
    "one corner": lambda picture: picture[6:, 6:].copy(),
    "all": lambda picture: encoded(
        resized(np.uint8(np.rot90(picture[5:-2, 2:-5]) * 0.8), 90), 70),
}


def grouped(pictures):
    return near_copies.group(np.array([fingerprints.fingerprint(picture) for picture in pictures]),
                            np.array([thumbnail(picture) for picture in pictures]))


def disc(radius, light=200):
    """Return a plain disc on black, as large pictures of far planets are."""
    down, across = np.mgrid[:96, :96] - 47.5
    edge = np.clip(radius + 0.5 - np.hypot(down, across), 0, 1)
    return np.uint8(light * edge)[:, :, None].repeat(3, axis=2)


@pytest.fixture(scope="module")
def drawn():
    return [draw_picture(name, 128, 9, index) for name in CLASSES for index in range(8)]


@pytest.fixture(scope="module")
def originals(drawn):
    return np.array([fingerprints.fingerprint(picture) for picture in drawn])


@pytest.mark.parametrize("how", COPIES)
def test_planted_copies_are_nearest_to_their_originals(drawn, originals, how):
    copies = np.array([fingerprints.fingerprint(COPIES[how](picture)) for picture in drawn])
    distances, indices = fingerprint_distance.nearest(copies, originals)
    assert distances.dtype == np.float32 and indices.dtype == np.int64
    found = (indices == np.arange(len(drawn))) & (distances <= NEAR_COPY_THRESHOLD)
    # Some discs are drawn on pale paper: brighter, the paper is clipped and the disc is not.
    assert found.mean() >= (0.9 if how == "brighter" else 0.95)


def test_planted_copies_join_their_originals_and_nothing_else(drawn):
    kinds = COPIES | CROPPED
    groups = grouped([*drawn, *(copy(picture) for copy in kinds.values() for picture in drawn)])
    groups = groups.reshape(len(kinds) + 1, len(drawn))
    joined = groups[1:] == groups[0]
    assert joined.mean() >= 0.98  # of "one corner" an eighth is not found, of all others 1 in 300
    together = groups.ravel()[:, None] == groups.ravel()
    number = np.tile(np.arange(len(drawn)), len(kinds) + 1)
    true = number[:, None] == number
    np.fill_diagonal(together, False)
    assert (together & true).sum() >= 0.99 * together.sum()


def test_a_chain_of_discs_is_cut():
    radii = np.linspace(20, 44, 49)
    groups = grouped([disc(radius) for radius in radii])
    reach = [radii[groups == number] for number in set(groups)]
    assert max(map(len, reach)) > 1  # half a pixel is no difference
    assert max(own.max() / own.min() for own in reach) < 1.3


def test_far_pictures_have_a_distance(originals):
    found = fingerprint_distance.distances(originals[:12], originals[12:24])
    assert np.isfinite(found).all() and found.min() > NEAR_COPY_THRESHOLD


def test_paired_distances_are_those_of_nearest(originals):
    distances, indices = fingerprint_distance.nearest(originals[:20], originals[20:])
    paired = fingerprint_distance.distances(originals[:20], originals[20:][indices])
    np.testing.assert_allclose(paired, distances, atol=1e-3)


def test_plain_pictures_have_fingerprints():
    black = fingerprints.fingerprint(np.zeros((60, 40, 3), np.uint8))
    assert black.shape == (fingerprints.WIDTH,) and fingerprints.WIDTH <= 64
    mars = fingerprints.fingerprint(draw("mars", 1))
    assert fingerprint_distance.nearest(black[None], mars[None])[0][0] > NEAR_COPY_THRESHOLD
    plain = np.zeros((60, 40, 3), np.uint8)
    assert grouped([plain, plain, draw("mars", 1)]).tolist() == [0, 0, 1]
    assert grouped([plain]).tolist() == [0]


def rows_below(head, text):
    """Return the cells of the rows of a table in Markdown."""
    lines = text.partition(head)[2].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_worked_example_of_the_page_is_what_the_command_prints(tmp_path):
    done = run("benchmarks/near_copies_figure.py", cwd=tmp_path)
    assert done.status == 0 and (tmp_path / done.result["files"][0]).is_file(), done.err
    head = "| the second picture |"
    told, printed = (rows_below(head, text) for text in (
        (ROOT / "docs/near-copies.md").read_text(encoding="utf-8"), done.out))
    assert len(told) == 3 and [(row[0], row[-1]) for row in told] == [
        (row[0], row[-1]) for row in printed] == [
        ("a copy", "a copy"), ("a look-alike", "no copy"), ("another picture", "no candidate")]
    numbers = [np.array([row[1:-1] for row in rows], float) for rows in (told, printed)]
    np.testing.assert_allclose(*numbers, rtol=0.05, atol=0.02)


def test_the_page_has_every_threshold_with_its_value():
    text = (ROOT / "docs/near-copies.md").read_text(encoding="utf-8")
    told = set()
    for name, value, *_ in rows_below("| name |", text):
        if found := re.fullmatch(r"\*\*`(\w+)\.py`\*\*", name):
            module = import_module(f"celestial.data.{found[1]}")
            continue
        names = re.findall(r"`(\w+)`", name)
        values = np.concatenate([np.atleast_1d(getattr(module, one)) for one in names])
        assert [float(one) for one in re.findall(r"[\d.]+", value)] == values.tolist(), name
        told |= set(names)
    assert told >= {name for module in (fingerprint_distance, near_copies, copy_check)
                    for name in vars(module) if "THRESHOLD" in name}


def rows_of(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def draw_varied(folder, per_class=12):
    """Write class folders of pictures with enough detail to be told apart."""
    for name in CLASSES[:3]:
        (folder / name).mkdir(parents=True)
        for index in range(per_class):
            picture = draw_picture(name, 96, 3, index)
            Image.fromarray(picture).save(folder / name / f"{index}.png")
    return folder


def prepare(source, tmp_path, *options):
    return run("datapre.py", "--input-dir", source, "--output-dir", tmp_path / "out", *options,
               cwd=tmp_path)


def test_near_copies_stay_in_one_split_and_conflicts_are_left_out(tmp_path):
    source = draw_varied(tmp_path / "in")
    for index in range(6):
        picture = np.asarray(Image.open(source / f"moon/{index}.png"))
        Image.fromarray(np.rot90(picture)).save(source / f"moon/{index} turned.jpg", quality=60)
    Image.open(source / "galaxy/0.png").save(source / "jupiter/wrong.webp", lossless=True)
    done = prepare(source, tmp_path)
    assert done.status == 0, done.err
    split = {row["source"]: (row["split"], row["group"])
             for row in rows_of(tmp_path / "out/manifest.csv")}
    for index in range(6):
        assert split[f"moon/{index}.png"] == split[f"moon/{index} turned.jpg"]
    left_out = {row["source"]: row["reason"] for row in rows_of(tmp_path / "out/rejected.csv")}
    assert set(left_out) == {"galaxy/0.png", "jupiter/wrong.webp"}
    assert all("galaxy and jupiter" in reason for reason in left_out.values())
    kinds = {row["source"]: (row["kind"], row["kept"])
             for row in rows_of(tmp_path / "out/duplicates.csv")}
    assert kinds["moon/0.png"] == ("near", "yes")
    assert kinds["galaxy/0.png"] == ("conflict", "no")
    assert (tmp_path / "out/duplicates.png").is_file()
    assert done.result["conflicts"] == 2 and done.result["near_copies"] >= 12


def test_the_users_groups_stay_together(tmp_path):
    source = draw_varied(tmp_path / "in")
    lines = ["source,night,telescope"]
    lines += [f"moon/{index}.png,night {index // 3}," for index in range(12)]
    lines += ["galaxy/1.png,,big", "galaxy/2.png,,big", "jupiter/3.png,night 0,big"]
    (tmp_path / "groups.csv").write_text("\n".join(lines))
    done = prepare(source, tmp_path, "--groups", tmp_path / "groups.csv")
    assert done.status == 0, done.err
    rows = {row["source"]: row for row in rows_of(tmp_path / "out/manifest.csv")}
    together = ["moon/0.png", "moon/1.png", "moon/2.png", "galaxy/1.png", "galaxy/2.png",
                "jupiter/3.png"]
    assert len({(rows[name]["split"], rows[name]["group"]) for name in together}) == 1
    assert {row["split"] for row in rows.values() if row["class"] == "moon"} == {
        "train", "val", "test"}
    assert rows["galaxy/5.png"]["group"] == rows["galaxy/5.png"]["sha256"][:12]
    assert "because groups stay whole" in done.out


@pytest.mark.parametrize("text, status, says", [
    ("source,night\nmoon/none.png,1\n", 2, "moon/none.png"),
    ("source\nmoon/0.png\n", 2, "needs a column source"),
    ("picture,night\nmoon/0.png,1\n", 2, "needs a column source"),
    ("", 2, "needs a column source"),
    ("source,night\n" + "".join(f"mars/mars {i}.png,1\n" for i in range(4)), 1,
     "mars (4 pictures in 1)"),
], ids=["unknown", "no group", "no source", "empty", "one group a class"])
def test_bad_groups_are_one_sentence(tmp_path, text, status, says):
    source = draw_folder(tmp_path / "in", 4)
    (tmp_path / "groups.csv").write_text(text)
    done = prepare(source, tmp_path, "--groups", tmp_path / "groups.csv")
    assert done.status == status and says in done.error
    assert not (tmp_path / "out").exists()
