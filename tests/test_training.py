"""Step 2, run as a user runs it."""

import csv
import json
import os
import shutil
import signal

import numpy as np
import pytest
import torch
from conftest import (
    CLASSES,
    QUICK,
    draw,
    draw_folder,
    run,
    start,
    without_override,
)
from PIL import Image
from trained import FINAL, history, same_weights, train

from celestial.common.console import MODELS
from celestial.data.datasets import OUTLIER
from celestial.inference.predictor import Predictor
from celestial.models.checkpoints import load_checkpoint
from celestial.models.networks import Classifier
from celestial.pictures.preprocessing import Preprocessing


def test_from_scratch_writes_everything(checkpoint, dataset):
    folder = checkpoint.parent
    for name in ("training_history.png", "augmentation_examples.png"):
        with Image.open(folder / name) as image:
            assert image.width > 500
    rows = history(folder)
    assert len(rows) == 2 and {row["stage"] for row in rows} == {"whole network from scratch"}
    assert set(rows[0]) >= {"train_loss", "val_loss", "train_accuracy", "val_accuracy",
                            "train_top2", "val_top2", "learning_rate", "seconds"}
    options = json.loads((folder / "training_options.json").read_text())
    assert options["image_size"] == 32 and options["weights_used"].startswith("from scratch")
    assert [path for path in (folder / "logs").rglob("events*")]
    assert not list(folder.glob("unfinished*"))

    content = torch.load(checkpoint, weights_only=True)
    assert content["format_version"] == 3 and content["classes"] == list(CLASSES)
    assert content["preprocessing"]["size"] == 32 and content["preprocessing"]["fit"] == "pad"
    rows = csv.DictReader((dataset / "manifest.csv").open(encoding="utf-8-sig"))
    assert sorted(content["train_sha256"]) == sorted(
        row["sha256"] for row in rows if row["split"] == "train")
    assert content["temperature"] > 0 and content["reject_below"] >= np.log(3)
    assert {"commit", "torch", "torchvision"} <= content["versions"].keys()


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in MODELS if "lite" not in name])  # test_lite.py
def test_two_stages_on_a_weight_file_for_every_model(name, dataset, tmp_path):
    torch.manual_seed(1)
    given = Classifier(name, 2)
    if name == "ensemble":
        states = {f"backbones.{key}": value for key, value in given.backbones.state_dict().items()}
        file = tmp_path / "ensemble.pth"
        first = load_and_replace(tmp_path, dataset, states, file)
    else:
        file = tmp_path / "torchvision.pth"
        first = given.backbones[name].state_dict()
        torch.save(first, file)
        first = {f"backbones.{name}.{key}": value for key, value in first.items()}
    done = train(tmp_path, dataset, "--model", name, "--weights", file)
    assert done.status == 0, done.err
    assert f"weights: weights from {file}" in done.out
    stages = [row["stage"] for row in history(tmp_path / "model_checkpoints")]
    assert stages == ["head on frozen backbone"] * 2 + ["last blocks and head"] * 2

    state = load_checkpoint(tmp_path / "model_checkpoints" / FINAL).state
    last = ("backbones.efficientnet_b3.features.6", "backbones.efficientnet_b3.features.7",
            "backbones.efficientnet_b3.features.8", "backbones.resnet50.layer4",
            "backbones.regnet_y_800mf.trunk_output.block3",
            "backbones.regnet_y_800mf.trunk_output.block4",
            "backbones.cnn.blocks.3", "backbones.cnn.blocks.4")
    frozen = [key for key in first if not key.startswith(last)]
    assert all(torch.equal(state[key], first[key]) for key in frozen), "a frozen part has moved"
    moved = any(not torch.equal(state[key], first[key]) for key in first if key.startswith(last))
    assert moved == ("last blocks and head: no epoch was better" not in done.out)


def load_and_replace(tmp_path, dataset, states, file):
    """Write an ensemble's checkpoint of this project with the given backbones."""
    from celestial.models.checkpoints import Checkpoint, save_checkpoint

    torch.manual_seed(2)
    state = Classifier("ensemble", 2).state_dict() | states
    save_checkpoint(file, Checkpoint("ensemble", ("a", "b"), Preprocessing(32), state, 1.0, 0.0,
                                     {}, {}, "", []))
    return states


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX systems")
def test_killed_and_resumed_is_bit_for_bit_the_uninterrupted_run(dataset, tmp_path):
    """From scratch; test_interrupted.py kills a training of two stages, at 20 moments."""
    options = ("--weights", "none", "--epochs", "3")
    whole = tmp_path / "whole"
    assert train(tmp_path, dataset, *options, "--output-dir", whole).status == 0

    killed = tmp_path / "killed"
    process = start("improved_training.py", "--data-dir", dataset, *QUICK, *options,
                    "--output-dir", killed, cwd=tmp_path)
    for line in process.stdout:
        if line.startswith("epoch"):
            process.send_signal(signal.SIGKILL)
            break
    process.communicate()
    assert not (killed / FINAL).exists() and list(killed.glob("unfinished*"))
    again = train(tmp_path, dataset, *options, "--output-dir", killed)
    assert again.status == 0 and "going on after epoch" in again.out
    assert same_weights(whole / FINAL, killed / FINAL)
    figures = [[{key: value for key, value in row.items() if "seconds" not in key}
                for row in history(folder)] for folder in (whole, killed)]
    assert figures[0] == figures[1]


@pytest.mark.slow
def test_fresh_and_other_options_start_anew(dataset, tmp_path):
    process = start("improved_training.py", "--data-dir", dataset, *QUICK, "--weights", "none",
                    "--epochs", "50", cwd=tmp_path)
    for line in process.stdout:
        if line.startswith("epoch"):
            process.send_signal(signal.SIGINT)
            break
    _, err = process.communicate()
    assert process.returncode == 1 and "Traceback" not in err
    assert "the same command goes on where it stopped" in err
    folder = tmp_path / "model_checkpoints"
    left = set(folder.glob("unfinished*"))
    assert left
    other = train(tmp_path, dataset, "--weights", "none", "--seed", "7")
    assert other.status == 0 and "going on" not in other.out
    assert set(folder.glob("unfinished*")) == left, "another run's state was lost"


@pytest.mark.slow
def test_the_seed_decides(checkpoint, dataset, tmp_path):
    final = tmp_path / "model_checkpoints" / FINAL
    options = ("--model", "regnet_y_800mf", "--weights", "none")
    assert train(tmp_path, dataset, *options).status == 0
    assert same_weights(checkpoint, final)
    assert train(tmp_path, dataset, *options, "--seed", "7").status == 0
    assert not same_weights(checkpoint, final)


@pytest.mark.slow
def test_early_stopping_keeps_the_best_epoch(dataset, tmp_path):
    done = train(tmp_path, dataset, "--model", "regnet_y_800mf", "--weights", "none", "--epochs",
                 "60", "--patience", "1", "--learning-rate", "0.05")
    assert done.status == 0, done.err
    folder = tmp_path / "model_checkpoints"
    losses = [float(row["val_calibrated_loss"]) for row in history(folder)]
    assert len(losses) < 60 and losses.index(min(losses)) == len(losses) - 2
    evaluated = run("evaluate_model.py", "--data-dir", dataset, "--split", "val", cwd=tmp_path)
    assert evaluated.result["accuracy"]["value"] == pytest.approx(
        float(history(folder)[-2]["val_accuracy"]), abs=1e-6)


@pytest.mark.slow
def test_three_pictures_a_class_go_all_the_way(tmp_path):
    draw_folder(tmp_path / "data/input", 3)
    assert run("datapre.py", cwd=tmp_path).status == 0
    done = train(tmp_path, "data/celestial_dataset", "--weights", "none", "--batch-size", "2")
    assert done.status == 0, done.err
    assert run("evaluate_model.py", cwd=tmp_path).status == 0


def test_a_dataset_with_nothing_to_learn_from_is_one_sentence(dataset, tmp_path):
    data = tmp_path / "set"
    shutil.copytree(dataset, data)
    for path in (data / "train/mars").iterdir():
        path.write_text("no picture")
    done = train(tmp_path, data, "--weights", "none")
    assert done.status == 1 and "no readable picture of mars" in done.error
    for split in ("train", "val"):
        for name in ("mars", "saturn"):
            shutil.rmtree(data / split / name)
    done = train(tmp_path, data, "--weights", "none")
    assert done.status == 1 and "only one class" in done.error


def test_a_loss_that_is_no_number_stops_the_run(checkpoint, dataset, tmp_path):
    folder = tmp_path / "model_checkpoints"
    folder.mkdir()
    (folder / FINAL).write_bytes(checkpoint.read_bytes())
    done = train(tmp_path, dataset, "--weights", "none", "--learning-rate", "1e30")
    assert done.status == 1 and "the loss became" in done.error and "--learning-rate" in done.error
    assert (folder / FINAL).read_bytes() == checkpoint.read_bytes()


@pytest.mark.slow
def test_a_damaged_picture_is_named_and_left_out(dataset, tmp_path):
    copied = draw_folder(tmp_path / "in", 6)
    assert run("datapre.py", "--input-dir", copied, "--output-dir", tmp_path / "set", "--copy",
               cwd=tmp_path).status == 0
    victim = sorted((tmp_path / "set/train/mars").iterdir())[0]
    victim.write_bytes(victim.read_bytes()[:300])
    done = train(tmp_path, tmp_path / "set", "--weights", "none", "--epochs", "1")
    assert done.status == 0, done.err
    assert f"left out: {victim}" in done.out and "3 mars, 4 neptune" in done.out


def test_missing_data_and_locked_output(dataset, tmp_path):
    done = train(tmp_path, tmp_path / "nowhere")
    assert done.status == 1 and "run datapre.py first" in done.error
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    done = train(tmp_path, dataset, "--weights", "none", "--output-dir", locked,
                 **without_override())
    assert done.status == 1 and "Permission denied" in done.error
    assert list(locked.iterdir()) == []


@pytest.mark.parametrize("options", [("--model", "vgg"), ("--weights", "imagnet"),
                                     ("--seed", str(10**30)), ("--epochs", "0"),
                                     ("--image-size", "8"), ("--learning-rate", "-1"),
                                     ("--device", "abacus")])
def test_wrong_options(options, dataset, tmp_path):
    done = train(tmp_path, dataset, *options)
    assert done.status == 2 and "Traceback" not in done.err


@pytest.mark.slow
def test_outliers_teach_the_model_to_be_sure_of_nothing(dataset, tmp_path):
    folder = tmp_path / "outliers/cats"
    folder.mkdir(parents=True)
    # Of no class, but an untaught model is sure that these are Mars.
    red = [np.uint8(draw("mars", number) * [1, 0.4, 0.1]) for number in range(100, 150)]
    for number, disc in enumerate(red[:12]):
        Image.fromarray(disc).save(folder / f"{number}.png")
    (folder / "broken.jpg").write_bytes(b"no picture")
    options = ("--weights", "imagenet", "--epochs", "4", "--stage1-epochs", "40",
               "--learning-rate", "0.01")
    sureness = {}
    for name, given in (("with", ("--outliers", tmp_path / "outliers")), ("without", ())):
        out = tmp_path / name
        done = train(tmp_path, dataset, *options, *given, "--output-dir", out)
        assert done.status == 0, done.err
        assert ("12 outliers" in done.out) == ("broken.jpg" in done.out) == (name == "with")
        predictor = Predictor(out / FINAL, torch.device("cpu"), 16, 1)
        scores = [p.known_score for p in predictor.predict_pictures(red[12:])]
        sureness[name] = np.mean(scores) - np.log(len(CLASSES))  # 0: all classes are as likely
        labels = predictor.checkpoint.train_labels
        assert labels.count(OUTLIER) == (12 if name == "with" else 0)
        assert len(labels) == len(predictor.checkpoint.train_sha256) == len(
            predictor.checkpoint.train_fingerprints)
    assert sureness["with"] < 0.5 * sureness["without"], sureness
    missing = train(tmp_path, dataset, "--outliers", tmp_path / "nowhere")
    assert missing.status == 2 and "there is no folder" in missing.error


@pytest.mark.slow
def test_fine_tuning_all_moves_the_first_layer_too(dataset, tmp_path):
    torch.manual_seed(1)
    given = Classifier("regnet_y_800mf", 2).backbones["regnet_y_800mf"].state_dict()
    torch.save(given, tmp_path / "given.pth")
    done = train(tmp_path, dataset, "--model", "regnet_y_800mf", "--weights",
                 tmp_path / "given.pth", "--fine-tune", "all", "--stage1-epochs", "1", "--epochs",
                 "6", "--learning-rate", "0.01")
    assert done.status == 0 and "weights: no epoch was better" not in done.out, done.out
    state = load_checkpoint(tmp_path / "model_checkpoints" / FINAL).state
    assert not torch.equal(state["backbones.regnet_y_800mf.stem.0.weight"], given["stem.0.weight"])
    stages = [row["stage"] for row in history(tmp_path / "model_checkpoints")]
    assert stages == ["head on frozen backbone"] + ["whole network from given weights"] * 6
