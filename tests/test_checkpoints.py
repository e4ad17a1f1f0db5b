"""Checkpoints from strangers: one sentence each, and nothing of them is run or fills the memory."""

import os
import zipfile

import pytest
import torch
from conftest import draw_folder, run, without_override

from celestial.common.console import DEFAULT_MODEL, SHIPPED, UserError
from celestial.models.checkpoints import build_model, load_checkpoint, load_weights_only
from celestial.models.start_weights import start_weights

PREFIX, STEM = f"backbones.{DEFAULT_MODEL}.", "conv_stem.weight"
FIRST = PREFIX + STEM


@pytest.fixture(scope="module")
def content():
    """What a good checkpoint holds; tests change copies of it."""
    return torch.load(SHIPPED, weights_only=True)


def refusal(path):
    """Return the one sentence with which a checkpoint is refused."""
    with pytest.raises(UserError) as refused:
        build_model(load_checkpoint(path), path)
    sentence = str(refused.value)
    assert str(path) in sentence and "\n" not in sentence and len(sentence) < 400, sentence
    return sentence


class Code:
    """A pickle that would make a folder when it is read."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


class LongArray:
    """A pickle of some bytes that would fill the memory."""

    def __reduce__(self):
        return bytearray, (1 << 40,)


def rewritten(source, target, compression=zipfile.ZIP_STORED, twice=False):
    """Write the parts of a checkpoint into another archive."""
    with zipfile.ZipFile(source) as given, zipfile.ZipFile(target, "w", compression) as made:
        for name in given.namelist():
            made.writestr(name, given.read(name))
            if twice and name.endswith("data.pkl"):
                made.writestr(name.replace("data.pkl", "DATA.PKL"), given.read(name))
    return target


def test_the_weights_that_ship_pass():
    checkpoint = load_checkpoint(SHIPPED)
    assert build_model(checkpoint, SHIPPED).name == checkpoint.model
    assert start_weights(str(SHIPPED), checkpoint.model).states


@pytest.mark.parametrize("script", ["predict_my_images.py", "improved_training.py"])
def test_code_in_a_checkpoint_is_not_run(script, tmp_path, dataset):
    draw_folder(tmp_path / "my_images", 1)
    torch.save({"kind": Code(tmp_path / "ran")}, tmp_path / "code.pth")
    torch.load(tmp_path / "code.pth", weights_only=False)
    (tmp_path / "ran").rmdir()  # so the code is there, and works
    options = ("--checkpoint", "code.pth") if "predict" in script else (
        "--weights", "code.pth", "--data-dir", dataset)
    done = run(script, *options, cwd=tmp_path)
    assert done.status == 1 and "it would run" in done.error and "mkdir" in done.error
    assert not (tmp_path / "ran").exists()


def test_a_checkpoint_that_would_fill_the_memory(tmp_path, content):
    torch.save({"kind": LongArray()}, tmp_path / "array.pth")
    assert "bytearray" in refusal(tmp_path / "array.pth")
    torch.save({"kind": LongArray()}, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    assert "bytearray" in refusal(tmp_path / "old.pth")
    bomb = rewritten(SHIPPED, tmp_path / "bomb.pth", zipfile.ZIP_DEFLATED)
    assert "compressed" in refusal(bomb)
    assert "same part twice" in refusal(rewritten(SHIPPED, tmp_path / "twice.pth", twice=True))

    huge = torch.zeros(1).expand(1 << 40)
    torch.save({**content, "train_fingerprints": huge}, tmp_path / "stride.pth")
    assert "claims more numbers" in refusal(tmp_path / "stride.pth")
    changed = {**content["state"], FIRST: torch.zeros(1).expand(32, 3, 3, 3)}
    torch.save({**content, "state": changed}, tmp_path / "state.pth")
    assert "claims more numbers" in refusal(tmp_path / "state.pth")
    nested = []
    for _ in range(60):
        nested = [nested, nested]  # as a tree it would have 2 to the 60 leaves
    torch.save({**content, "options": nested}, tmp_path / "nested.pth")
    assert "no tables" in refusal(tmp_path / "nested.pth")


FITTED = {"temperature": 1.5, "reject_below": 2.0}


def broken(content, **changes):
    return {**content, **changes}


def with_weight(content, name, value):
    return broken(content, state={**content["state"], name: value})


def with_preprocessing(content, **changes):
    return broken(content, preprocessing={**content["preprocessing"], **changes})


WRONG = {
    "another kind": (lambda c: broken(c, kind="a cake"), "no checkpoint of this project"),
    "a list": (lambda c: [1, 2], "no checkpoint of this project"),
    "later format": (lambda c: broken(c, format_version=4), "update the program"),
    "earlier format": (lambda c: broken(c, format_version=1), "train again"),
    "no format": (lambda c: broken(c, format_version="2"), "version of its format"),
    "no classes": (lambda c: broken(c, classes=[]), "classes"),
    "classes twice": (lambda c: broken(c, classes=["a"] * 10), "classes"),
    "too many classes": (lambda c: broken(c, classes=[str(n) for n in range(20000)]), "classes"),
    "classes no list": (lambda c: broken(c, classes=7), "missing or of the wrong kind"),
    "a part missing": (lambda c: {k: v for k, v in c.items() if k != "val"}, "missing"),
    "a part too much": (lambda c: broken(c, cake=1), "missing or of the wrong kind"),
    "another model": (lambda c: broken(c, model="vgg"), "no model 'vgg'"),
    "a model of models": (lambda c: broken(c, model=[DEFAULT_MODEL]), "no model"),
    "temperature": (lambda c: broken(c, temperature=0.0), "temperature"),
    "temperature NaN": (lambda c: broken(c, temperature=float("nan")), "temperature"),
    "temperature word": (lambda c: broken(c, temperature="hot"), "temperature"),
    "threshold": (lambda c: broken(c, reject_below=float("inf")), "threshold"),
    "several views": (lambda c: broken(c, by_views=[2]), "for several views"),
    "three views": (lambda c: broken(c, by_views={3: FITTED}), "for several views"),
    "views by words": (lambda c: broken(c, by_views={"2": FITTED}), "for several views"),
    "half of it": (lambda c: broken(c, by_views={2: {"temperature": 1.0}}), "for several views"),
    "cold views": (lambda c: broken(c, by_views={2: FITTED, 8: FITTED | {"temperature": 0.0}}),
                   "for several views"),
    "views NaN": (lambda c: broken(c, by_views={4: FITTED | {"reject_below": float("nan")}}),
                  "for several views"),
    "mean": (lambda c: with_preprocessing(c, mean=(0.5, float("nan"), 0.5)), "mean"),
    "two means": (lambda c: with_preprocessing(c, mean=(0.5, 0.5)), "mean"),
    "deviation": (lambda c: with_preprocessing(c, std=(0.0, 0.2, 0.2)), "deviation"),
    "size": (lambda c: with_preprocessing(c, size=1 << 20), "image size"),
    "small": (lambda c: with_preprocessing(c, size=0), "image size"),
    "gain": (lambda c: with_preprocessing(c, largest_gain=float("nan")), "gain"),
    "labels": (lambda c: broken(c, train_labels=c["train_labels"][1:]), "labels do not fit"),
    "a label": (lambda c: broken(c, train_labels=[99, *c["train_labels"][1:]]), "labels do not"),
    "fingerprints": (lambda c: broken(c, train_fingerprints=c["train_fingerprints"][1:].clone()),
                     "fingerprints do not fit"),
    "hashes": (lambda c: broken(c, train_sha256=[1] * len(c["train_labels"])), "list of training"),
    "fingerprints of val": (
        lambda c: broken(c, val_sha256=["0"], val_fingerprints=c["train_fingerprints"][:2].clone()),
        "fingerprints of val do not fit"),
    "hashes of val": (lambda c: broken(c, val_sha256="0"), "list of val"),
    "figures": (lambda c: broken(c, val=[]), "no tables"),
    "no weights": (lambda c: broken(c, state={}), "its weights lack"),
    "weights a list": (lambda c: broken(c, state=[1]), "its weights are none"),
    "a word": (lambda c: with_weight(c, FIRST, "heavy"), f"lack {FIRST}"),
    "shape": (lambda c: with_weight(c, FIRST, torch.zeros(32, 3, 3)), "where the network takes"),
    "whole numbers": (lambda c: with_weight(c, FIRST, c["state"][FIRST].int()), "takes"),
    "NaN": (lambda c: with_weight(c, FIRST, c["state"][FIRST] * float("nan")), "no finite"),
    "infinite": (lambda c: with_weight(c, FIRST, c["state"][FIRST].double() + 1e300), "no finite"),
    "foreign": (lambda c: with_weight(c, "cake", torch.zeros(1)), "no place for 1"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_part_that_makes_no_sense(name, content, tmp_path):
    change, words = WRONG[name]
    path = tmp_path / "wrong.pth"
    torch.save(change(content), path)
    assert words in refusal(path)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../../etc", "a\\b", "a\nb", "\x1b[31m", 7,
                                  "\u202egnp", "\udcff"])
def test_a_class_that_cannot_be_a_folder(name, content, tmp_path):
    path = tmp_path / "wrong.pth"
    torch.save(broken(content, classes=[name, *content["classes"][1:]]), path)
    assert "cannot be the name of a folder" in refusal(path)


def test_classes_of_any_language(content, tmp_path):
    names = ["火星", "토성", "étoile", "sun 2", "it's", "=sum", "नेपच्यून", "🪐", ".hidden", "x.jpg"]
    torch.save(broken(content, classes=names), tmp_path / "good.pth")
    assert load_checkpoint(tmp_path / "good.pth").classes == tuple(names)


def test_files_that_are_no_checkpoints(tmp_path):
    whole = SHIPPED.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 3] ^= 1
    for number, data in enumerate((b"", b"PK", b"no weights", b"\x80\x02.", bytes(1000), b"(" * 999,
                                   whole[:1000], whole[:-1000], whole[:-1], whole[1:],
                                   b"PK\x03\x04" + bytes(99), flipped)):
        path = tmp_path / f"{number}.pth"
        path.write_bytes(data)
        assert "damaged" in refusal(path), number
    assert "there is no checkpoint" in refusal(tmp_path / "none.pth")
    assert "Is a directory" in refusal(tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX systems")
def test_a_checkpoint_that_may_not_be_read(tmp_path):
    draw_folder(tmp_path / "my_images", 1)
    (tmp_path / "locked.pth").write_bytes(b"x")
    (tmp_path / "locked.pth").chmod(0)
    done = run("predict_my_images.py", "--checkpoint", "locked.pth", cwd=tmp_path,
               **without_override())
    assert done.status == 1 and "locked.pth cannot be read (Permission denied)" in done.error


@pytest.mark.parametrize("change, words", [
    (lambda state: {**state, STEM: state[STEM] * float("inf")}, "no finite"),
    (lambda state: {**state, STEM: torch.zeros(3)}, "where the network takes"),
    (lambda state: {"kind": "celestial classifier", "state": [1]}, "has no weights for"),
    (lambda state: {"kind": "celestial classifier", "state": {"backbones.x": 1, 7: 2}},
     "has no weights for"),
    (lambda state: {}, "weights lack"),
])
def test_first_weights_that_make_no_sense(change, words, content, tmp_path):
    state = {name.removeprefix(PREFIX): value for name, value in content["state"].items()
             if name.startswith(PREFIX)}
    torch.save(change(state), tmp_path / "first.pth")
    with pytest.raises(UserError, match=words) as refused:
        start_weights(str(tmp_path / "first.pth"), DEFAULT_MODEL)
    assert "\n" not in str(refused.value)


def test_the_older_format_of_torch_is_read(tmp_path):
    torch.save({"weight": torch.arange(5)}, tmp_path / "old.pth",
               _use_new_zipfile_serialization=False)
    assert load_weights_only(tmp_path / "old.pth")["weight"].tolist() == [0, 1, 2, 3, 4]
