"""What the blind test's verdicts are made from: the model's answers to changed pictures."""

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from celestial.blind import masks, shortcuts
from celestial.blind.harmless_changes import CHANGES
from celestial.blind.shortcut_rules import Hidden
from celestial.blind.verdict import Neighbours
from celestial.data import fingerprint_distance, fingerprints
from celestial.data.datasets import SplitFiles
from celestial.inference.predictor import Predictor
from celestial.pictures.decoder_pool import decode_all
from celestial.pictures.loader import display_copy
from celestial.pictures.readers.types import ImageError

MOST_TRAIN = 5000  # training pictures that a plain classifier learns the shortcuts from


def small_copies(predictor: Predictor, paths: Sequence[Path]) -> list[np.ndarray]:
    """Return pictures about as large as the network sees them: uint8 (height, width, 3).

    They are changed at this size, because a fine change of a large picture is gone once it is
    resized.
    """
    return [np.array(display_copy(picture, predictor.preprocessing.size))
            for picture in predictor.pictures(paths)]


def right_answers(predictor: Predictor, pictures: Iterable[np.ndarray],
                  labels: np.ndarray) -> np.ndarray:
    """Return which pictures the model has right: bool (N,)."""
    answers = [int(answer.probabilities.argmax()) for answer
               in predictor.predict_pictures(pictures)]
    return np.array(answers, int) == labels


def hide_parts(predictor: Predictor, pictures: Sequence[np.ndarray], labels: np.ndarray,
               groups: np.ndarray | None, seed: int) -> Hidden:
    """Ask the model with the border, the object and the background hidden."""
    circles = [masks.find_object(picture) for picture in pictures]
    maskable = np.array([circle is not None for circle in circles])
    masked = [(picture, circle) for picture, circle in zip(pictures, circles, strict=True)
              if circle is not None]
    background = (masks.without_object(picture, circle, seed + number)
                  for number, (picture, circle) in enumerate(masked))
    objects = (masks.object_alone(picture, circle) for picture, circle in masked)
    borderless = (masks.without_border(picture) for picture in pictures)
    borders = (masks.border_alone(picture) for picture in pictures)
    return Hidden(labels, right_answers(predictor, pictures, labels),
                  right_answers(predictor, borderless, labels),
                  right_answers(predictor, borders, labels), maskable,
                  right_answers(predictor, background, labels[maskable]),
                  right_answers(predictor, objects, labels[maskable]), groups)


def change_pictures(predictor: Predictor, pictures: Sequence[np.ndarray], labels: np.ndarray,
                    seed: int) -> dict[str, np.ndarray]:
    """Return of each change which pictures the model still has right: bool (N,)."""
    return {name: right_answers(predictor, (change(picture, np.random.default_rng((seed, number)))
                                            for number, picture in enumerate(pictures)), labels)
            for name, change in CHANGES.items()}


def find_neighbours(predictor: Predictor, paths: Sequence[Path]) -> Neighbours | None:
    """Return the nearest training picture of each file; None where nobody knows them."""
    known = predictor.checkpoint.train_fingerprints.numpy()
    if not len(known) or known.shape[1] != fingerprints.WIDTH:
        return None
    prints = fingerprints.fingerprint_files(paths, predictor.preprocessing, predictor.workers)
    distances, indices = fingerprint_distance.nearest(prints, known)
    return Neighbours(distances, np.array(predictor.checkpoint.train_labels)[indices])


def right_by_shortcuts(predictor: Predictor, train: SplitFiles, paths: Sequence[Path],
                       labels: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """Return which pictures a plain classifier has right from each shortcut: bool (N,).

    Args:
        predictor: decodes.
        train: the files that it learns from, `MOST_TRAIN` of them at most.
        paths, labels: the N files that it is tested on.
        seed: of the classifier and of the choice.
    """
    chosen = np.random.default_rng(seed).permutation(len(train.paths))[:MOST_TRAIN]
    learned, usable = _cues(predictor, [train.paths[index] for index in chosen])
    tested, tested_rows = _cues(predictor, paths)
    if not learned or len(tested_rows) < len(paths):
        return {}
    return shortcuts.right_by_cues(shortcuts.gather(learned, train.labels[chosen[usable]]),
                                   shortcuts.gather(tested, labels), seed)


def _cues(predictor: Predictor, paths: Sequence[Path]) -> tuple[list, list[int]]:
    """Return the cues of the readable files and the rows of these."""
    found = [cues for _, cues in decode_all(partial(shortcuts.cues_of, predictor.preprocessing),
                                            paths, predictor.workers)]
    rows = [row for row, cues in enumerate(found) if not isinstance(cues, ImageError)]
    return [found[row] for row in rows], rows


def example_rows(pictures: Sequence[np.ndarray], labels: np.ndarray, classes: Sequence[str],
                 seed: int) -> list[tuple[str, list[np.ndarray]]]:
    """Return a row a class for a sheet: a picture, its parts hidden, and the changes."""
    rows = []
    for label in np.unique(labels):
        own = [pictures[index] for index in np.flatnonzero(labels == label)]
        picture = next((one for one in own if masks.find_object(one) is not None), own[0])
        circle = masks.find_object(picture)
        hidden = [np.zeros_like(picture)] * 2 if circle is None else [
            masks.without_object(picture, circle, seed), masks.object_alone(picture, circle)]
        changed = [change(picture, np.random.default_rng(seed)) for change in CHANGES.values()]
        rows.append((classes[label], [picture, *hidden, masks.without_border(picture),
                                      masks.border_alone(picture), *changed]))
    return rows
