"""Views that a network learns from, the learning rate, the moving average, the loss of outliers."""

import argparse
from pathlib import Path

import numpy as np
import pytest
import torch

from celestial.data.datasets import OUTLIER, epoch_batches
from celestial.pictures.preprocessing import Preprocessing
from celestial.training.augmentation import random_views
from celestial.training.learner import moving_average, rate_factor, top_accuracies
from celestial.training.loss import LABEL_SMOOTHING, OUTLIER_WEIGHT, ClassifierLoss
from celestial.training.training_data import TrainingData, side_in_epoch


def test_each_epoch_sees_each_picture_once_in_batches_of_equal_size():
    for count, size in ((490, 16), (33, 32), (5, 8), (5, 1), (3, 2)):
        batches = epoch_batches(count, size, 42, 0)
        assert sorted(np.concatenate(batches)) == list(range(count))
        lengths = {len(batch) for batch in batches}
        assert max(lengths) - min(lengths) <= 1 and min(lengths) >= 2


def test_views_depend_on_seed_round_and_picture_alone():
    rng = np.random.default_rng(0)
    pictures = torch.from_numpy(rng.integers(0, 255, (40, 3, 32, 32), dtype=np.uint8))
    views = random_views(pictures, 9, 4, range(40))
    state = torch.get_rng_state()
    order = rng.permutation(40)
    shuffled = random_views(pictures[order], 9, 4, order)
    alone = torch.cat([random_views(pictures[i:i + 1], 9, 4, [i]) for i in range(40)])
    assert torch.equal(torch.get_rng_state(), state), "augmentation disturbs the random numbers"
    assert torch.allclose(shuffled, views[order], atol=1e-5)
    assert torch.allclose(alone, views, atol=1e-5)
    for other in (random_views(pictures, 9, 5, range(40)), random_views(pictures, 8, 4, range(40)),
                  random_views(pictures, 9, 4, range(1, 41))):
        assert (other - views).abs().mean(dim=(1, 2, 3)).min() > 0.01


def test_views_turn_mirror_and_shrink_but_cut_nothing_off():
    disc = torch.zeros(1, 3, 64, 64, dtype=torch.uint8)
    y, x = torch.meshgrid(torch.arange(64) - 31.5, torch.arange(64) - 31.5, indexing="ij")
    disc[0, :, (x ** 2 + y ** 2 < 30 ** 2) & (x > 0)] = 200  # its right half is lit
    views = random_views(disc.expand(200, 3, 64, 64), 3, 0, range(200)).mean(1)
    bright = views > 0.5 * views.amax(dim=(1, 2), keepdim=True)
    proportion = bright.float().mean(dim=(1, 2)) / (disc[0, 0] > 0).float().mean()
    assert 0.35 < proportion.min() < 0.5 and 0.95 < proportion.max() < 1.1, "0.65 squared to 1"
    middle = (bright * x).sum(dim=(1, 2)) / bright.sum(dim=(1, 2))
    assert middle.min() < -8 and middle.max() > 8, "the lit half comes to stand on either side"


def test_views_keep_the_hue_and_never_lose_all_colour():
    red = torch.zeros(400, 3, 16, 16, dtype=torch.uint8)
    red[:, 0], red[:, 1] = 160, 60
    red[:, 2] = 40
    colour = random_views(red, 1, 0, range(400))[:, :, 4:12, 4:12].mean(dim=(2, 3))
    assert (colour.amax(1) - colour.amin(1) > 0.05).all()
    assert (colour.argmax(1) == 0).all(), "red stays red"


def test_what_comes_into_view_has_the_colour_of_the_edge():
    page = torch.full((50, 3, 32, 32), 255, dtype=torch.uint8)
    page[:, :, 12:20, 12:20] = 0
    corner = random_views(page, 1, 0, range(50))[:, :, 0, 0]
    assert (corner > 0.4).all(), "white paper, darkened at most, not the black of space"


def test_views_of_another_side():
    picture = torch.full((2, 3, 64, 64), 255, dtype=torch.uint8)
    views = random_views(picture, 0, 0, [0, 1], side=32)
    assert views.shape == (2, 3, 32, 32) and views.dtype == torch.float32
    assert views[:, :, 12:20, 12:20].min() > 0.5 and views.max() <= 1


def test_pictures_grow_to_the_size_of_the_network():
    args = argparse.Namespace(grow_from=64, image_size=128, epochs=10)
    sides = [side_in_epoch(epoch, args) for epoch in range(10)]
    assert sides[0] == 64 and sides[7:] == [128] * 3 and sides == sorted(sides)
    assert all(side % 16 == 0 for side in sides)
    args.grow_from = None
    assert {side_in_epoch(epoch, args) for epoch in range(10)} == {128}


def test_validation_is_never_augmented():
    pictures = np.random.default_rng(0).integers(0, 255, (5, 3, 32, 32), dtype=np.uint8)
    labels = np.arange(5)
    as_stored = Preprocessing(32, mean=(0, 0, 0), std=(1 / 255,) * 3)
    data = TrainingData(pictures, labels, pictures, labels, [], as_stored, Path(),
                        torch.device("cpu"))
    for _ in range(2):
        batches = list(data.val_batches(argparse.Namespace(batch_size=2)))
        assert [len(batch) for batch, _ in batches] == [2, 2, 1]
        seen = torch.cat([batch for batch, _ in batches])
        assert torch.allclose(seen, torch.from_numpy(pictures).float(), atol=1e-3)
        assert torch.cat([found for _, found in batches]).tolist() == labels.tolist()


def test_moving_average_against_the_sum_it_stands_for():
    values = torch.randn(200, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    averaged, expected = [values[0].clone()], float(values[0])
    for count in range(1, 200):
        moving_average(averaged, [values[count]], count)
        decay = min(0.99, (1 + count) / (10 + count))
        expected = decay * expected + (1 - decay) * float(values[count])
    assert float(averaged[0]) == pytest.approx(expected)


def test_learning_rate_rises_then_falls_as_a_cosine():
    factors = [rate_factor(step, 100) for step in range(100)]
    assert factors[9] == factors[10] == 1 and factors[0] == 0.1
    assert factors[55] == pytest.approx(0.505, abs=0.01)
    assert factors[99] < 0.02 and factors == factors[:10] + sorted(factors[10:], reverse=True)

def test_the_loss_of_outliers_is_their_distance_from_the_uniform_distribution():
    logits = torch.tensor([[2.0, 0.0, -1.0], [0.5, 0.5, 0.5], [3.0, 0.0, 0.0]])
    loss = ClassifierLoss(torch.ones(3))
    even = loss(logits[1:2], torch.tensor([OUTLIER])).item()
    assert even == pytest.approx(OUTLIER_WEIGHT * np.log(3), rel=1e-6)
    assert loss(logits[2:], torch.tensor([OUTLIER])).item() > even
    known = torch.nn.functional.cross_entropy(logits[:1], torch.tensor([0]),
                                              label_smoothing=LABEL_SMOOTHING).item()
    assert loss(logits[:2], torch.tensor([0, OUTLIER])).item() == pytest.approx(
        (known + even) / 2, rel=1e-6)
    assert top_accuracies(logits, torch.tensor([0, OUTLIER, 1])) == (0.5, 1.0)
