"""What every stored model has beside its weights, and whether that makes sense; without torch.

A `.pth` file and an ONNX file both have it, and the second is used where torch is not installed.
"""

import math
from collections.abc import Sequence
from pathlib import Path

from celestial.common.console import LARGEST_SIDE, SMALLEST_SIDE, STRETCHES, VIEWS
from celestial.common.file_names import display_name
from celestial.pictures.preprocessing import FITS, RESAMPLING, Preprocessing

KIND = "celestial classifier"
MOST_CLASSES = 10_000  # the network is built for as many before its weights are compared


class Unusable(Exception):
    """Why a file cannot be used: the part of a sentence that follows its name and "because"."""


class Fitted:
    """What a `Checkpoint` and an `OnnxModel` have in common.

    Attributes:
        classes: names in the order of the network's outputs.
        preprocessing: how a picture becomes its input.
        temperature: the logits are divided by it before the softmax (fitted on val).
        reject_below: a known_score below it means "none of my classes" (set on val).
        by_views: number of views whose logits are averaged, 2, 4 or 8 -> {"temperature",
            "reject_below"} for that mean; none in files that were written before there were any.
    """

    classes: tuple[str, ...]
    preprocessing: Preprocessing
    temperature: float
    reject_below: float
    by_views: dict[int, dict[str, float]]

    def fitted_for(self, views: int) -> tuple[float, float]:
        """Return temperature and threshold for a number of views, else those for one."""
        own = self.by_views.get(views, {})
        return (own.get("temperature", self.temperature),
                own.get("reject_below", self.reject_below))


def say_unfitted(model: Fitted, path: Path, views: int) -> None:
    """Print a notice where a model was fitted to fewer views than it is to average.

    The mean of several views' logits is less spread than those of one view, so with the temperature
    for one view the model is less sure than it should be.
    """
    rejects = model.reject_below > float("-inf")  # ImageNet's own head accepts everything
    if rejects and views > 1 and views not in model.by_views:
        print(f"{path} has a temperature and a threshold of the unknown for one view alone; with "
              f"{views} views they are used as they are, which makes it a little less sure and "
              "calls a few more pictures unknown", flush=True)


def require(rules: dict[str, bool]) -> None:
    """Raise Unusable with the first reason whose rule does not hold."""
    for reason, holds in rules.items():
        if not holds:
            raise Unusable(reason)


def check_classes(classes: Sequence) -> None:
    """Raise Unusable unless the names of classes are apart and fit to be names of folders."""
    if not 1 <= len(classes) <= MOST_CLASSES or len(set(classes)) < len(classes):
        raise Unusable(f"it needs 1 to {MOST_CLASSES} classes, each of another name")
    for name in classes:
        if (not isinstance(name, str) or name in ("", ".", "..") or "/" in name
                or name != display_name(name)):
            raise Unusable(f"the class name {ascii(name)[:80]} cannot be the name of a folder")


def check_fitted(model: Fitted) -> None:
    """Raise Unusable if classes, preprocessing, a temperature or a threshold makes no sense."""
    check_classes(model.classes)
    fit = model.preprocessing
    require({
        f"its image size is not between {SMALLEST_SIDE} and {LARGEST_SIDE} pixels":
            SMALLEST_SIDE <= fit.size <= LARGEST_SIDE,
        "its mean or standard deviation is not one number a channel":
            len(fit.mean) == len(fit.std) == 3 and all(map(_is_number, (*fit.mean, *fit.std)))
            and min(fit.std) > 0,
        "it fits pictures into the square in a way that this program does not know":
            fit.fit in FITS and fit.resampling in RESAMPLING
            and (fit.fit == "pad" or fit.size <= fit.cropped_from <= LARGEST_SIDE),
        "it cleans pictures in a way that this program does not know":
            fit.cleaning.stretch in STRETCHES
            and {type(fit.cleaning.denoise), type(fit.cleaning.normalise)} == {bool},
        "its largest gain is no number above 0":
            _is_number(fit.largest_gain) and fit.largest_gain > 0,
        "its temperature is no number above 0": _is_temperature(model.temperature),
        "its threshold of the unknown is no number": _is_number(model.reject_below),
        "its temperatures and thresholds for several views make no sense":
            _are_by_views(model.by_views),
    })


def _are_by_views(value: object) -> bool:
    return isinstance(value, dict) and all(
        views in VIEWS[1:] and isinstance(own, dict)
        and own.keys() == {"temperature", "reject_below"}
        and _is_temperature(own["temperature"]) and _is_number(own["reject_below"])
        for views, own in value.items())


def _is_temperature(value: object) -> bool:
    return _is_number(value) and value > 0


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
