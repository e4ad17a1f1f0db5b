"""Draws the sheets of a dataset: its first training pictures, and its largest groups of copies."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from celestial.common.file_names import file_of
from celestial.data.groups import Duplicate
from celestial.data.splits import Picture
from celestial.drawing.cards import labelled_rows
from celestial.pictures.loader import load_image
from celestial.pictures.readers.types import ImageError

SAMPLES_PER_CLASS = 5
GROUPS_SHOWN = 12  # the largest
SHOWN_OF_GROUP = 6


def draw_samples(dataset: Path, pictures: Sequence[Picture], classes: Sequence[str]) -> None:
    """Write sample_images.png: the first training pictures of each class, a row a class."""
    rows = []
    for label in classes:
        own = [p for p in pictures if p.label == label and p.split == "train"]
        shown = load_readable([dataset / p.path for p in own[:SAMPLES_PER_CLASS]])
        rows.append((f"{label}\n{sum(p.label == label for p in pictures)} pictures", shown))
    labelled_rows(rows, dataset / "sample_images.png", title="Training pictures of each class")


def load_readable(paths: Sequence[Path]) -> list[np.ndarray]:
    """Decode pictures to show, without those that can no longer be read."""
    pictures = []
    for path in paths:
        try:
            pictures.append(load_image(path, at_least=256))
        except ImageError:
            pass  # it vanished since it was checked
    return pictures


def draw_groups(dataset: Path, found: Sequence[Duplicate], input_dirs: Sequence[Path]) -> None:
    """Write duplicates.png: the largest groups, a row each; nothing where no picture has copies."""
    groups = {}
    for row in found:
        groups.setdefault((row.picture.group, row.kind == "conflict"), []).append(row)
    largest = sorted(groups.values(), key=len, reverse=True)[:GROUPS_SHOWN]
    rows = []
    for members in largest:
        labels = " and ".join(sorted({row.picture.label for row in members}))
        kinds = ", ".join(sorted({row.kind for row in members}))
        rows.append((f"{labels}\n{kinds}\n{len(members)} pictures",
                     load_readable([file_of(row.picture.source, input_dirs)
                                    for row in members[:SHOWN_OF_GROUP]])))
    if rows:
        labelled_rows(rows, dataset / "duplicates.png",
                      title=f"The largest of {len(groups)} groups of copies")
