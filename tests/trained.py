"""Short trainings, run as a user runs them, and what they leave."""

import csv

import torch
from conftest import QUICK, run

from celestial.models.checkpoints import load_checkpoint

FINAL = "celestial_classification_final_model.pth"


def history(folder):
    """Return the rows of training_history.csv."""
    with (folder / "training_history.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def train(cwd, dataset, *options, **settings):
    """Run improved_training.py with small settings."""
    return run("improved_training.py", "--data-dir", dataset, *QUICK, *options, cwd=cwd, **settings)


def same_weights(first, second):
    """Tell whether two checkpoints hold the same weights, bit for bit."""
    first, second = load_checkpoint(first).state, load_checkpoint(second).state
    return all(torch.equal(first[key], second[key]) for key in first | second)
