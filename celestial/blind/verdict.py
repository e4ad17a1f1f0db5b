"""Has the model learned the content? The single tests of the blind test, and the decision.

| the deciding tests               | has it learned the content? |
|----------------------------------|-----------------------------|
| one fails                        | no                          |
| none fails and one cannot tell   | cannot tell                 |
| all pass                         | yes                         |

A test passes or fails on evidence alone: the interval of what it measured lies on one side of its
limit. Robustness decides nothing, because a model may know what it sees although it knows it in
the pictures of one camera only. The test on shortcuts has a module of its own: `shortcut_rules`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from celestial.data.design_effect import kept
from celestial.data.fingerprint_distance import NEAR_COPY_THRESHOLD
from celestial.evaluation.answers import CANNOT_TELL
from celestial.evaluation.chance import PERMUTATIONS, gain_of
from celestial.evaluation.comparison import paired_difference
from celestial.evaluation.metrics import as_text, proportion_of

PASS, FAIL = "pass", "fail"
VERDICTS = {True: PASS, False: FAIL, None: CANNOT_TELL}
YES, NO = "yes", "no"
ENOUGH = 30  # pictures, because of fewer the interval of a proportion is up to 36 points wide
MOST_ROUNDING = 1e-4  # of a probability, because another process may round otherwise
COSTLY = 0.10  # of accuracy; the report says whether a change of the picture costs more


@dataclass(frozen=True)
class Part:
    """One test.

    Attributes:
        name: short.
        title: for a reader.
        verdict: `PASS`, `FAIL` or `CANNOT_TELL`.
        claim: what was found, in words.
        numbers: that it rests on, in words.
        figures: for the report; each measured proportion is {"value", "low", "high"}.
        decides: it has a part in the decision.
    """

    name: str
    title: str
    verdict: str
    claim: str
    numbers: str = ""
    figures: dict = field(default_factory=dict)
    decides: bool = True

    @property
    def because(self) -> str:
        """The reason for the verdict, with its numbers."""
        return f"{self.claim}: {self.numbers}" if self.numbers else self.claim


def decide(parts: Sequence[Part]) -> tuple[str, str]:
    """Return `YES`, `NO` or `CANNOT_TELL`, and the reasons in words."""
    deciding = [part for part in parts if part.decides]
    for verdict, answer in ((FAIL, NO), (CANNOT_TELL, CANNOT_TELL)):
        if reasons := [part.because for part in deciding if part.verdict == verdict]:
            return answer, "; ".join(reasons)
    return YES, "; ".join(part.claim for part in deciding)


def isolation_verdict(refused: Sequence[str], failure: str, forbidden: Sequence[Path]) -> Part:
    """Decide whether the separate process kept to the blind folder and the checkpoint.

    Args:
        refused: "event: path" of what it was refused.
        failure: why it ended early, else empty.
        forbidden: folders that hold the answers; looking elsewhere is noted and no fault, because
            libraries look for settings of their own.
    """
    places = [str(folder.resolve()) for folder in forbidden]
    looked = [note for note in refused if any(
        f"{note.partition(': ')[2]}/".startswith(f"{place}/") for place in places)]
    title = "Predictions by a process that sees the anonymous pictures and the weights alone"
    figures = {"refused": list(refused), "refused_where_the_answers_are": len(looked)}
    if looked:
        return Part("isolation", title, FAIL, "the model's process tried to look where the answers "
                    "are", ", ".join(looked[:3]), figures)
    if failure:
        return Part("isolation", title, FAIL, "the model's process ended early when it was refused "
                    "what it must not reach", f"{', '.join(refused[:3])}; {failure}", figures)
    return Part("isolation", title, PASS, "it answers when it sees nothing but anonymous pictures",
                f"{len(refused)} accesses were refused", figures)


def names_verdict(blind: np.ndarray, others: dict[str, np.ndarray],
                  groups: np.ndarray | None) -> Part:
    """Decide whether answers depend on the pixels alone.

    Args:
        blind: probabilities (N, classes) of the blind copies.
        others: how else the same pictures were given -> their probabilities (M, classes), of the
            first M pictures.
        groups: (N,) of `design_effect`.
    """
    title = "(a) Renamed, moved, without metadata, losslessly re-encoded"
    figures, worst, changed, largest = {}, "", 0, 0.0
    for name, probs in others.items():
        same = blind[:len(probs)]
        changes = probs.argmax(axis=1) != same.argmax(axis=1)
        differing = int(changes.sum())
        figures[name] = {"pictures": len(probs), "answers_changed": differing,
                         "share_changed": proportion_of(changes, kept(groups, slice(len(probs)))),
                         "largest_difference": float(np.abs(probs - same).max())}
        if not worst or differing > changed:
            changed, worst = differing, name
        largest = max(largest, figures[name]["largest_difference"])
    numbers = (f"{changed} of {figures[worst]['pictures']} answers differ between the anonymous "
               f"copies and {worst}, and probabilities by {largest:.1g} at most")
    if changed or largest > MOST_ROUNDING:
        return Part("names", title, FAIL, "the answers depend on the file, not only on its pixels",
                    numbers, figures)
    return Part("names", title, PASS, "names, places, metadata and formats play no part", numbers,
                figures)


def chance_verdict(predicted: np.ndarray, labels: np.ndarray, groups: np.ndarray | None,
                   seed: int) -> Part:
    """Compare the accuracy with that of shuffled labels.

    Args:
        predicted, labels: int (N,).
        groups: (N,) of `design_effect`.
        seed: of the shuffling.
    """
    title = "(b) Better than with shuffled labels"
    if len(np.unique(labels)) < 2:
        return Part("chance", title, CANNOT_TELL,
                    "all test pictures are of one class, so every answer may be luck",
                    figures={"accuracy": proportion_of(predicted == labels, groups)})
    gain = gain_of(predicted, labels, groups, seed)
    figures = {"accuracy": gain.accuracy, "p": gain.p, "permutations": PERMUTATIONS,
               "shuffled_accuracy": gain.shuffled, "chance_accuracy": gain.expected}
    numbers = (f"{as_text(gain.accuracy)} of {len(labels)} answers are right, "
               f"{100 * gain.shuffled:.1f} % with shuffled labels, p = {gain.p:.2g}")
    if len(labels) < ENOUGH:
        return Part("chance", title, CANNOT_TELL, f"{len(labels)} test pictures are too few "
                    f"({ENOUGH} are needed)", numbers, figures)
    words = {True: "better than", False: "no better than", None: "perhaps better than"}
    return Part("chance", title, VERDICTS[gain.found],
                f"the answers are {words[gain.found]} with shuffled labels", numbers, figures)


def as_points(figure: dict[str, float]) -> str:
    """Return a difference of accuracies with its interval, in words."""
    value, low, high = (100 * figure[name] for name in ("value", "low", "high"))
    return f"{value:.1f} points ({low:.1f} to {high:.1f})"


@dataclass(frozen=True)
class Neighbours:
    """The nearest training picture of each of N test pictures.

    Attributes:
        distances: float (N,), on the scale of `NEAR_COPY_THRESHOLD`.
        labels: int (N,), its class.
    """

    distances: np.ndarray
    labels: np.ndarray


def neighbours_verdict(predicted: np.ndarray, labels: np.ndarray, found: Neighbours | None,
                       groups: np.ndarray | None, seed: int) -> Part:
    """Decide whether the model knows pictures that are unlike those it was trained on.

    Args:
        predicted, labels: int (N,).
        found: None where the checkpoint has no list of its training pictures.
        groups: (N,) of `design_effect`.
        seed: of the shuffling.
    """
    title = "(d) Pictures unlike those of the training"
    if found is None:
        return Part("neighbours", title, CANNOT_TELL, "the checkpoint has no list of its training "
                    "pictures, so nobody can say whether these are copies of them")
    right = predicted == labels
    copies = found.distances <= NEAR_COPY_THRESHOLD
    others = np.flatnonzero(~copies)[np.argsort(found.distances[~copies], kind="stable")]
    near, far = np.array_split(others, 2)
    bands = {"near-copies": np.flatnonzero(copies), "near": near, "far": far}
    figures = {"by_distance": {name: _band(right, found.distances, groups, rows)
                               for name, rows in bands.items()},
               "near_distance": NEAR_COPY_THRESHOLD,
               "nearest_neighbour": proportion_of(found.labels == labels, groups),
               "not_near_copies": proportion_of(right[others], kept(groups, others))}
    if len(others) < ENOUGH:
        return Part("neighbours", title, CANNOT_TELL, _too_near(copies),
                    f"{as_text(proportion_of(right, groups))} of all answers are right, "
                    "which may be memory", figures)
    if len(np.unique(labels[others])) < 2:
        return Part("neighbours", title, CANNOT_TELL, "all pictures that are no near-copies of "
                    "training pictures are of one class", figures=figures)
    gain = gain_of(predicted[others], labels[others], kept(groups, others), seed)
    figures |= {"p": gain.p, "chance_accuracy": gain.expected}
    numbers = (f"{as_text(gain.accuracy)} of {len(others)} pictures that are no near-copies are "
               f"right, {100 * gain.shuffled:.1f} % with shuffled labels, p = {gain.p:.2g}")
    if copies.any():
        numbers += (f"; of {copies.sum()} near-copies of training pictures "
                    f"{100 * right[copies].mean():.1f} % are right")
    claim = {True: "it knows pictures that are unlike those of the training",
             False: "it knows its training pictures and no others",
             None: "it may know no pictures but those of its training"}[gain.found]
    return Part("neighbours", title, VERDICTS[gain.found], claim, numbers, figures)


def _band(right: np.ndarray, distances: np.ndarray, groups: np.ndarray | None,
          rows: np.ndarray) -> dict:
    band = {"pictures": len(rows), "accuracy": proportion_of(right[rows], kept(groups, rows))}
    if len(rows):
        band |= {"from": float(distances[rows].min()), "to": float(distances[rows].max())}
    return band


def _too_near(copies: np.ndarray) -> str:
    if copies.all():
        return f"the split leaks, all {len(copies)} test pictures are near-copies of training's"
    if copies.any():
        return (f"the split leaks, {copies.sum()} of {len(copies)} test pictures are near-copies "
                f"of training's, and {len(copies) - copies.sum()} others are too few ({ENOUGH} "
                "are needed)")
    return f"{len(copies)} test pictures are too few ({ENOUGH} are needed)"


def robustness_verdict(whole: np.ndarray, changed: dict[str, np.ndarray],
                       groups: np.ndarray | None, seed: int) -> Part:
    """Measure what changes of the picture cost.

    Args:
        whole: bool (N,), which answers are right.
        changed: the same of each change.
        groups: (N,) of `design_effect`.
        seed: of the intervals.
    """
    title = "(e) Changed pictures (told, decides nothing)"
    lost = {name: paired_difference(whole, right, groups, seed)
            for name, right in changed.items()}
    figures = {"accuracy": proportion_of(whole, groups), "pictures": len(whole),
               "changes": {name: {"accuracy": proportion_of(changed[name], groups),
                                  "lost": lost[name]} for name in changed}}
    worst = sorted(lost, key=lambda name: -lost[name]["value"])[:3]
    figures["worst"] = worst
    verdict = CANNOT_TELL
    if len(whole) >= ENOUGH and any(figure["low"] > COSTLY for figure in lost.values()):
        verdict = FAIL
    elif all(figure["high"] <= COSTLY for figure in lost.values()):
        verdict = PASS
    claim = {PASS: f"no change costs more than {100 * COSTLY:.0f} points",
             FAIL: f"some changes cost more than {100 * COSTLY:.0f} points",
             CANNOT_TELL: f"some changes may cost more than {100 * COSTLY:.0f} points"}[verdict]
    numbers = "lost most when " + ", ".join(f"{name} {as_points(lost[name])}" for name in worst)
    return Part("robustness", title, verdict, claim, numbers, figures, False)
