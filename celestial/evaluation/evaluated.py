"""Every file of a split as one model answers it, and the readable ones beside what is true."""

from dataclasses import dataclass
from pathlib import Path

from celestial.common.console import UserError
from celestial.common.file_names import display_name
from celestial.data.datasets import SplitFiles, groups_of
from celestial.evaluation.answers import Answers, answers_of
from celestial.inference.predictor import Prediction, Predictor


@dataclass(frozen=True)
class Evaluated:
    """What one model says of the files of a split.

    Attributes:
        predictor: the model.
        every, every_truth: the prediction and the true class of every file.
        places: where the readable files stand among these.
        good, truth: the prediction and the true class of each readable file.
        answers: the same as arrays.
    """

    predictor: Predictor
    every: list[Prediction]
    every_truth: list[str]
    places: list[int]
    good: list[Prediction]
    truth: list[str]
    answers: Answers

    @property
    def paths(self) -> list[Path]:
        """The readable files."""
        return [prediction.path for prediction in self.good]

    @property
    def called_unknown(self) -> int:
        """How many of them are called unknown."""
        return len(self.good) - int(self.answers.accepted.sum())


def evaluate(predictor: Predictor, name: str, files: SplitFiles, folder: Path) -> Evaluated:
    """Predict the files of a split; print which are unreadable and which classes are absent.

    Args:
        predictor: the model.
        name: of the model, for tables.
        files: of the split, the classes in the model's order.
        folder: of the split, within the dataset.

    Raises:
        UserError: no file can be read.
    """
    every = list(predictor.predict(files.paths))
    every_truth = [files.classes[label] for label in files.labels]
    places = readable_ones(every, folder)
    good, truth = [every[i] for i in places], [every_truth[i] for i in places]
    print_absent(files.classes, set(truth))
    groups = groups_of(folder.parent, [prediction.path for prediction in good])
    return Evaluated(predictor, every, every_truth, places, good, truth,
                     answers_of(name, good, truth, files.classes, groups))


def readable_ones(predictions: list[Prediction], folder: Path) -> list[int]:
    """Return the places of the pictures that could be read; print why the others could not.

    Raises:
        UserError: none could be read.
    """
    for prediction in predictions:
        if prediction.reason:
            print(f"not evaluated: {display_name(prediction.path)}: {prediction.reason}")
    good = [place for place, prediction in enumerate(predictions) if not prediction.reason]
    if not good:
        raise UserError(f"no picture in {folder} can be read")
    return good


def print_absent(classes: tuple[str, ...], present: set[str]) -> None:
    """Print of which classes there are no pictures, and what the figures then are worth."""
    if len(present) == 1:
        print(f"only pictures of {min(present)}: the accuracy is how often it is found, never how "
              "often others are taken for it; the curves need other classes and are empty")
    elif absent := [name for name in classes if name not in present]:
        print(f"no pictures of {', '.join(absent)}; the averages are over the other classes")
