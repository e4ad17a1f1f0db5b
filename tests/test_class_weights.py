"""Classes of unequal size: a rare one weighs more, and takes nothing of the others' target."""

from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import draw, run
from PIL import Image
from sklearn.utils.class_weight import compute_class_weight

from celestial.data.datasets import list_split
from celestial.inference.predictor import Predictor
from celestial.training.loss import LABEL_SMOOTHING, ClassifierLoss

FINAL = "model_checkpoints/celestial_classification_final_model.pth"
CPU = torch.device("cpu")


def balanced(labels: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(compute_class_weight(
        "balanced", classes=labels.unique().numpy(), y=labels.numpy())).float()


@pytest.mark.parametrize("counts", [(20, 1), (100, 20, 1)])
def test_the_best_answer_is_each_pictures_own_smoothed_target(counts):
    """Pictures of a class look alike, so that its logits are free: the loss alone decides."""
    labels = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    loss = ClassifierLoss(balanced(labels))
    logits = torch.zeros(len(counts), len(counts), requires_grad=True)
    optimizer = torch.optim.LBFGS([logits], max_iter=200, line_search_fn="strong_wolfe")

    def step():
        optimizer.zero_grad()
        value = loss(logits[labels], labels)
        value.backward()
        return value

    optimizer.step(step)
    target = (1 - LABEL_SMOOTHING) * torch.eye(len(counts)) + LABEL_SMOOTHING / len(counts)
    assert torch.allclose(logits.detach().softmax(dim=1), target, atol=0.01)


def test_a_picture_weighs_as_much_as_its_class():
    torch.manual_seed(0)
    logits, labels = torch.randn(30, 3), torch.arange(30) % 3
    weights = torch.tensor([0.5, 2.0, 7.0])
    each = np.array([-(0.9 * row[label] + 0.1 * row.mean()) for row, label in zip(
        logits.double().log_softmax(dim=1).numpy(), labels.numpy(), strict=True)])
    expected = np.average(each, weights=weights.numpy()[labels])
    assert ClassifierLoss(weights)(logits, labels).item() == pytest.approx(expected, rel=1e-5)


@pytest.fixture(scope="module")
def unequal(tmp_path_factory) -> Path:
    """A dataset with 20 pictures of Neptune to each one of Saturn."""
    data = tmp_path_factory.mktemp("unequal")
    for split, label, count in (("train", "neptune", 60), ("train", "saturn", 3),
                                ("val", "neptune", 20), ("val", "saturn", 2)):
        (data / split / label).mkdir(parents=True)
        for number in range(count):
            place = data / split / label / f"{number}.png"
            Image.fromarray(draw(label, number + 100 * (split == "val"))).save(place)
    return data


@pytest.mark.slow
def test_a_short_training_names_the_common_class_too(unequal, tmp_path):
    done = run("improved_training.py", "--data-dir", unequal, "--weights", "imagenet",
               "--image-size", "48", "--stage1-epochs", "10", "--stage1-views", "2",
               "--epochs", "2", "--learning-rate", "0.02", cwd=tmp_path)
    assert done.status == 0, done.err
    val = list_split(unequal, "val")
    found = list(Predictor(tmp_path / FINAL, CPU, None, 0).predict(val.paths))
    right = np.array([one.top(1)[0][0] == val.classes[label]
                      for one, label in zip(found, val.labels, strict=True)])
    assert right[val.labels == 0].mean() > 0.9 and right[val.labels == 1].all()
