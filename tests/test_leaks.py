"""No picture of val or test is a near-copy of a training picture, however many copies there are."""

import csv
import hashlib
import io

import numpy as np
import pytest
from conftest import draw, run
from PIL import Image

from celestial.common.console import UserError
from celestial.data import fingerprint_distance, fingerprints, leaks, near_copies
from celestial.data.copy_check import thumbnail
from celestial.data.fingerprint_distance import NEAR_COPY_THRESHOLD
from celestial.data.splits import Picture
from celestial.renderer.draw import draw_picture

COPIES = 60


def saved_again(picture, number):
    """Return what a picture becomes that is made brighter or darker and encoded again."""
    light = 0.85 + 0.3 * number / COPIES
    file = io.BytesIO()
    Image.fromarray(np.uint8(np.clip(picture * light, 0, 255))).save(
        file, "JPEG", quality=75 + number % 21)
    return file.getvalue()


def rows_of(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def looks_of(pictures):
    return (np.array([fingerprints.fingerprint(picture) for picture in pictures]),
            np.array([thumbnail(picture) for picture in pictures]))


def disc(radius):
    """Return a plain disc on black, as pictures of far planets are."""
    down, across = np.mgrid[:96, :96] - 47.5
    edge = np.clip(radius + 0.5 - np.hypot(down, across), 0, 1)
    return np.uint8(200 * edge)[:, :, None].repeat(3, axis=2)


def rows(pictures, labels, splits):
    """Return rows of the manifest and thumbnails of drawn pictures, each a group of its own."""
    prints, small = looks_of(pictures)
    found = []
    for number, (one, label, split) in enumerate(zip(prints, labels, splits, strict=True)):
        digest = hashlib.sha256(str(number).encode()).hexdigest()
        found.append(Picture("", label, split, digest[:12], digest, 96, 96,
                             f"{label}/{number}.png", one.tobytes().hex()))
    return found, {picture.sha256: one for picture, one in zip(found, small, strict=True)}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Two classes: one of many re-saves of a picture and some others, and one with a copy of it."""
    base = tmp_path_factory.mktemp("copies")
    for label in ("moon", "earth"):
        (base / "in" / label).mkdir(parents=True)
        for number in range(16):
            Image.fromarray(draw_picture(label, 96, 5, number)).save(
                base / "in" / label / f"{number}.png")
    picture = draw_picture("moon", 96, 5, 100)
    for number in range(COPIES):
        (base / f"in/moon/again {number}.jpg").write_bytes(saved_again(picture, number))
    # Of another class, cropped: no copy by the rule for two classes, so both stay.
    Image.fromarray(picture[4:-2, 3:-3]).save(base / "in/earth/cropped.png")
    done = run("datapre.py", "--input-dir", base / "in", "--output-dir", base / "out", cwd=base)
    assert done.status == 0, done.err
    return base, done


@pytest.mark.slow
def test_many_copies_of_one_picture_land_in_one_split(prepared):
    base, _ = prepared
    found = [row for row in rows_of(base / "out/manifest.csv") if "again" in row["source"]]
    assert len(found) == COPIES and len({(row["split"], row["group"]) for row in found}) == 1


def test_no_pair_across_splits_is_near(prepared):
    base, done = prepared
    kept = rows_of(base / "out/manifest.csv")
    pictures = [np.asarray(Image.open(base / "in" / row["source"]).convert("RGB")) for row in kept]
    prints, small = looks_of(pictures)
    splits = np.array([row["split"] for row in kept])
    ones, others = np.nonzero((splits != "train")[:, None] & (splits == "train")
                              | (splits == "test")[:, None] & (splits == "val"))
    across = fingerprint_distance.distances(prints[ones], prints[others])
    assert across.min() > near_copies.SURE_COPY_THRESHOLD
    labels = np.array([row["class"] for row in kept])
    asked = (across <= near_copies.CANDIDATE_THRESHOLD) & (labels[ones] == labels[others])
    for one, other in np.stack([ones, others])[:, asked].T:
        pair = [one, other]
        assert len(set(near_copies.group(prints[pair], small[pair]))) == 2
    held_out = (splits == "val").sum(), (splits == "test").sum()
    left_out = done.result["too_near_to_train"]
    assert "no picture of val or test is a near-copy of a training picture" in done.out
    assert f"{left_out} pictures left out for that" in done.out and min(held_out) > 0


def test_a_near_copy_in_another_class_is_left_out_with_its_reason():
    moons = [draw_picture("moon", 96, 7, number) for number in range(6)]
    copied = np.asarray(Image.open(io.BytesIO(saved_again(moons[0], 20))))
    pictures, small = rows([*moons, copied], ["moon"] * 6 + ["earth"],
                           ["train", "train", "val", "val", "test", "test", "val"])
    more, small_more = rows([draw_picture("earth", 96, 7, 1)], ["earth"], ["val"])
    more = [Picture(**{**vars(more[0]), "sha256": "1" * 64, "source": "earth/other.png"})]
    small["1" * 64] = next(iter(small_more.values()))
    kept, left_out, compared = leaks.leave_out_leaks(pictures + more, small)
    assert [leak.picture.source for leak in left_out] == ["earth/6.png"]
    assert left_out[0].reason == ("a near-copy of moon/0.png in train, which is in another group")
    assert compared == 4 * 2 + 2 * (2 + 3) and len(kept) == 7
    found, rejected = leaks.add_leaks([], left_out)
    assert rejected[0].source == "earth/6.png" and found[0].kind == "near" and found[0].reason
    with pytest.raises(UserError, match="every picture of earth that val would get"):
        leaks.leave_out_leaks(pictures, small)


def test_plain_discs_of_two_classes_are_no_copies():
    """In one class they are, for nothing in them tells otherwise."""
    pictures = [disc(30), *(draw_picture("galaxy", 96, 9, number) for number in range(4)), disc(31)]
    splits = ["train", "train", "val", "val", "test", "val"]
    left_out = []
    for other in ("moon", "earth"):
        made, small = rows(pictures, ["moon", "earth", "earth", "moon", "moon", other], splits)
        prints = np.array([np.frombuffer(bytes.fromhex(one.fingerprint), np.uint8) for one in made])
        [apart] = fingerprint_distance.distances(prints[:1], prints[-1:])
        assert near_copies.SURE_COPY_THRESHOLD < apart < NEAR_COPY_THRESHOLD
        labels = np.array([one.label == "moon" for one in made])
        thumbnails = np.stack([small[one.sha256] for one in made])
        found, _ = leaks.find_near_copies(prints, thumbnails, labels,
                                          near_copies.Plainness(thumbnails), np.array([5]),
                                          np.array([0, 1]))
        left_out.append(found.tolist())
    assert left_out == [[0], [-1]]


@pytest.mark.slow
def test_what_a_cut_chain_leaves_too_near_is_left_out(tmp_path):
    for name in ("far planet", "mars"):
        (tmp_path / "in" / name).mkdir(parents=True)
    for number, radius in enumerate(np.linspace(18, 45, 60)):
        Image.fromarray(disc(radius)).save(tmp_path / f"in/far planet/{number}.png")
    for number in range(12):
        Image.fromarray(draw("mars", number)).save(tmp_path / f"in/mars/{number}.png")
    done = run("datapre.py", "--input-dir", tmp_path / "in", "--output-dir", tmp_path / "out",
               cwd=tmp_path)
    assert done.status == 0, done.err
    left_out = {row["source"]: row["reason"] for row in rows_of(tmp_path / "out/rejected.csv")}
    assert left_out and len(left_out) == done.result["too_near_to_train"]
    assert all("a near-copy of far planet/" in reason for reason in left_out.values())
    kept = [row for row in rows_of(tmp_path / "out/manifest.csv") if row["class"] != "mars"]
    prints = np.array([np.frombuffer(bytes.fromhex(row["fingerprint"]), np.uint8) for row in kept])
    splits = np.array([row["split"] for row in kept])
    assert set(splits) == {"train", "val", "test"} and len(kept) + len(left_out) == 60
    ones, others = np.nonzero((splits != "train")[:, None] & (splits == "train"))
    assert fingerprint_distance.distances(prints[ones], prints[others]).min() > NEAR_COPY_THRESHOLD
    kinds = {row["source"]: row["kept"] for row in rows_of(tmp_path / "out/duplicates.csv")}
    assert {source for source, stays in kinds.items() if stays == "no"} == set(left_out)


def flat(*colour):
    return np.full((60, 40, 3), colour, np.uint8)


def test_both_ways_to_measure_agree_on_random_flat_and_mixed_pictures():
    random = np.random.default_rng(3)
    pictures = [*(np.uint8(random.integers(0, 256, (48, 48, 3))) for _ in range(6)),
                *(draw_picture("galaxy", 64, 1, number) for number in range(4)),
                flat(0, 0, 0), flat(127, 127, 127), flat(255, 255, 255), flat(200, 30, 30),
                flat(30, 30, 200), flat(13, 71, 202), np.uint8(random.integers(9, 11, (48, 48, 3)))]
    prints, _ = looks_of(pictures)
    for one in prints:
        paired = fingerprint_distance.distances(np.repeat(one[None], len(prints), axis=0), prints)
        single = [fingerprint_distance.nearest(one[None], other[None])[0][0] for other in prints]
        np.testing.assert_allclose(single, paired, atol=2e-3)


def test_flat_pictures_are_copies_where_their_colour_is_the_same():
    prints, _ = looks_of([flat(20, 20, 20), flat(200, 200, 200), flat(200, 30, 30),
                          flat(30, 30, 200), draw_picture("moon", 64, 1, 1)])
    apart = fingerprint_distance.nearest(prints[1:], prints[:1])[0]
    assert apart[0] == 0 and (apart[1:] > NEAR_COPY_THRESHOLD).all() and apart[3] > 1.3
