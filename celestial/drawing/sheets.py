"""Draws an evaluation's sheets of pictures: samples, mistakes, doubtful labels, Grad-CAM."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from celestial.common.file_names import display_name
from celestial.drawing.cards import (
    BARS,
    FAINT,
    MOST_ROWS,
    RED,
    Card,
    answered_card,
    card_sheet,
    draw_card,
    labelled_rows,
    percent,
)
from celestial.drawing.explain import activation_maps, grad_cam, heat_alone, overlay
from celestial.evaluation.answers import Answers
from celestial.evaluation.label_check import Doubts
from celestial.inference.predictor import Prediction, Predictor

CARDS_DRAWN = 18  # pictures in prediction_visualization.png
MISTAKES = 36  # pictures in misclassified_samples.png
WORST = 8  # pictures in worst_mistakes.png
DOUBTED = 24  # pictures in label_check.png


def draw_cards(out: Path, predictor: Predictor, predictions: Sequence[Prediction],
               truth: Sequence[str], seed: int) -> list[Path]:
    """Draw a random choice of pictures, and the mistakes, the most confident first.

    Args:
        out: the folder of the sheets.
        predictor: decodes the pictures.
        predictions: of readable pictures.
        truth: their classes.
        seed: of the choice.
    """
    def draw(indices) -> list:
        pictures = predictor.pictures([predictions[index].path for index in indices])
        return [draw_card(answered_card(replace(predictions[index], picture=picture), truth[index]))
                for index, picture in zip(indices, pictures, strict=True)]

    chosen = np.random.default_rng(seed).permutation(len(predictions))[:CARDS_DRAWN]
    wrong = _mistakes(predictions, truth)
    return [
        card_sheet(draw(chosen), out / "prediction_visualization.png",
                   f"{len(chosen)} of {len(predictions)} pictures, drawn at random; in all "
                   f"{len(predictions) - len(wrong)} are right"),
        card_sheet(draw(wrong[:MISTAKES]), out / "misclassified_samples.png",
                   f"{len(wrong)} of {len(predictions)} pictures are misclassified"
                   + ("; the most confident first" if wrong else "")),
    ]


def draw_activations(out: Path, predictor: Predictor, predictions: Sequence[Prediction],
                     truth: Sequence[str]) -> list[Path]:
    """Draw Grad-CAM and activation maps for one picture a class, the one with the surest answer.

    Grad-CAM shows what spoke for the answer and for the next best class.
    """
    chosen = {}
    for prediction, label in zip(predictions, truth, strict=True):
        if label not in chosen or prediction.top(1)[0][1] > chosen[label].top(1)[0][1]:
            chosen[label] = prediction
    chosen = dict(sorted(chosen.items())[:MOST_ROWS])
    pictures = predictor.pictures(prediction.path for prediction in chosen.values())
    squares = _squares(predictor, pictures)
    names = [[name for name, _ in prediction.top(2)] for prediction in chosen.values()]
    best, second = (grad_cam(predictor, squares, [predictor.classes.index(pair[place])
                                                  for pair in names]) for place in (0, 1))
    rows = [(f"{label}\npredicted {pair[0]}\nnext {pair[1]}",
             [picture, heat_alone(first), overlay(picture, first), overlay(picture, other)])
            for label, pair, picture, first, other
            in zip(chosen, names, pictures, best, second, strict=True)]
    maps = [activation_maps(predictor, square) for square in squares.numpy()]
    return [
        labelled_rows(rows, out / "feature_activation_visualization.png",
                      title="Grad-CAM: what in the picture speaks for a class (red: most)",
                      columns=["picture", "heat map", "for the prediction", "for the next"]),
        labelled_rows([(label, [picture, *(drawn for _, drawn in layers)])
                       for label, picture, layers in zip(chosen, pictures, maps, strict=True)],
                      out / "activation_maps.png",
                      title="What the layers see: of each its nine most varied channels "
                      "(yellow: most)",
                      columns=["picture", *(name for name, _ in maps[0])]),
    ]


def draw_worst(out: Path, predictor: Predictor, predictions: Sequence[Prediction],
               truth: Sequence[str]) -> list[Path]:
    """Draw the mistakes that the model was most sure of, with Grad-CAM for answer and truth."""
    places = _mistakes(predictions, truth)[:WORST]
    if not places:
        return []
    pictures = predictor.pictures(predictions[place].path for place in places)
    squares = _squares(predictor, pictures)
    guesses = [predictions[place].top(1)[0] for place in places]
    for_guess, for_truth = (
        grad_cam(predictor, squares, [predictor.classes.index(name) for name in names])
        for names in ([name for name, _ in guesses], [truth[place] for place in places]))
    rows = [(f"it is {truth[place]}\npredicted {name}\n{percent(probability)}",
             [picture, overlay(picture, first), overlay(picture, second)])
            for place, (name, probability), picture, first, second
            in zip(places, guesses, pictures, for_guess, for_truth, strict=True)]
    return [labelled_rows(rows, out / "worst_mistakes.png",
                          "The mistakes it was most sure of",
                          ["picture", "for the prediction", "for the truth"])]


def _mistakes(predictions: Sequence[Prediction], truth: Sequence[str]) -> list[int]:
    """Return the places of the wrong answers, the most confident first."""
    wrong = [place for place, prediction in enumerate(predictions)
             if prediction.top(1)[0][0] != truth[place]]
    return sorted(wrong, key=lambda place: -predictions[place].top(1)[0][1])


def _squares(predictor: Predictor, pictures: Sequence[np.ndarray]) -> torch.Tensor:
    """Return the network's inputs, uint8 (N, 3, size, size)."""
    return torch.from_numpy(np.stack([predictor.preprocessing.square(picture)
                                      for picture in pictures]))


def draw_doubts(folder: Path, doubts: Doubts, answers: Answers, paths: Sequence[Path],
                predictor: Predictor) -> Path:
    """Draw the pictures with the most doubtful labels: red where the label is an issue."""
    classes, cards, shown = predictor.classes, [], doubts.order[:DOUBTED]
    for i, picture in zip(shown, predictor.pictures([paths[i] for i in shown]), strict=True):
        best = np.argsort(-answers.probs[i], kind="stable")[:BARS]
        lines = (f"probability of the label {percent(answers.probs[i, answers.labels[i]])}"
                 + (": wrong?" if doubts.issue[i] else ""), display_name(paths[i].name))
        cards.append(draw_card(Card(
            picture, f"labelled {classes[answers.labels[i]]}", lines,
            [(classes[k], float(answers.probs[i, k])) for k in best],
            RED if doubts.issue[i] else FAINT)))
    return card_sheet(cards, folder / "label_check.png",
                      f"{doubts.issue.sum()} of {len(doubts.score)} labels may be wrong (red); the "
                      "most doubtful first")
