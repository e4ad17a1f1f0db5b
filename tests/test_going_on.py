"""Step 2 with --improve: what of the present model goes into the next one, and what is refused."""

from dataclasses import replace

import pytest
import torch
from conftest import CLASSES, run
from trained import FINAL, train

from celestial.data.datasets import OUTLIER
from celestial.models.checkpoints import build_model, load_checkpoint, save_checkpoint
from celestial.models.networks import Classifier
from celestial.models.start_weights import weights_of
from celestial.training.present_model import with_seen_before

NEXT = ("ceres", "mars", "neptune", "pluto", "saturn")


def test_the_heads_rows_of_the_old_classes_are_kept(checkpoint):
    present = load_checkpoint(checkpoint)
    start = weights_of(present, checkpoint, NEXT)
    model = Classifier(present.model, len(NEXT), present.preprocessing.size)
    model.load_backbones(start.states)
    model.head.load_state_dict(start.head)
    pictures = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        before, after = build_model(present, checkpoint)(pictures), model.eval()(pictures)
    assert present.classes == CLASSES and before.std() > 0.1
    torch.testing.assert_close(after[:, [1, 2, 4]], before)
    assert not after[:, [0, 3]].any()
    turned = weights_of(present, checkpoint, CLASSES[::-1])
    assert turned.digest() != weights_of(present, checkpoint, CLASSES).digest()


def test_what_the_present_model_has_seen_stays_seen(checkpoint):
    present = load_checkpoint(checkpoint)
    present.train_labels[0] = OUTLIER
    own = replace(present, classes=NEXT, train_sha256=["new", present.train_sha256[3]],
                  train_labels=[0, 3], train_fingerprints=present.train_fingerprints[[1, 3]],
                  val_sha256=[], val_fingerprints=present.val_fingerprints[:0])
    found = with_seen_before(own, present)
    told = dict(zip(found.train_sha256, found.train_labels, strict=True))
    assert len(told) == len(found.train_sha256) == len(present.train_sha256) + 1
    assert told["new"] == 0 and told[present.train_sha256[3]] == 3, "the new training's labels"
    for digest, label, fingerprint in zip(present.train_sha256, present.train_labels,
                                          present.train_fingerprints, strict=True):
        place = found.train_sha256.index(digest)
        assert torch.equal(found.train_fingerprints[place], fingerprint)
        if place > 1:
            assert told[digest] == (NEXT.index(CLASSES[label]) if label >= 0 else OUTLIER)
    assert found.val_sha256 == present.val_sha256
    early = replace(present, train_labels=[], val_fingerprints=torch.empty((0, 0)).byte())
    assert with_seen_before(own, early) == own, "lists without labels or fingerprints"


@pytest.mark.parametrize("options, sentence", [
    (("--output-dir", "FOLDER"), "would write the new model over"),
    (("--image-size", "64"), "--image-size 64 is not that of"),
    (("--model", "cnn"), "--model cnn is not that of"),
    (("--denoise",), "--denoise True is not that of"),
    (("--weights", "none"), "leave --weights out")])
def test_an_option_that_contradicts_the_present_model(dataset, checkpoint, tmp_path, options,
                                                      sentence):
    given = (checkpoint.parent if word == "FOLDER" else word for word in options)
    done = run("improved_training.py", "--data-dir", dataset, "--improve", checkpoint,
               "--output-dir", "improved", *given, cwd=tmp_path)
    assert done.status == 2 and sentence in done.error
    assert list(tmp_path.iterdir()) == []


def test_without_a_file_it_goes_on_from_the_last_training(dataset, checkpoint, tmp_path):
    (tmp_path / "model_checkpoints").mkdir()
    content = replace(load_checkpoint(checkpoint), classes=("mars", "neptune", "vulcan"))
    save_checkpoint(tmp_path / "model_checkpoints" / FINAL, content)
    done = train(tmp_path, dataset, "--improve", "--output-dir", "improved")
    assert done.status == 1 and "train has no pictures of vulcan" in done.error
    assert f"improve=model_checkpoints/{FINAL}" in done.out and "model=regnet_y_800mf" in done.out
