"""Has the model learned the content? The single tests of the blind test, and the decision.

The decision is no where one deciding test fails, cannot tell where none fails and one cannot
tell, and yes where all pass. Robustness is told, but decides nothing: a model may know what it
sees in the pictures of one camera only.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from celestial import duplicates, metrics
from celestial.comparison import paired_interval
from celestial.evaluation import CANNOT_TELL
from celestial.metrics import as_text, share
from celestial.shortcuts import TOGETHER

PASS, FAIL = "pass", "fail"
YES, NO = "yes", "no"
ENOUGH = 30  # pictures; of fewer the interval of a share is up to 36 points wide
PERMUTATIONS = 10_000
SURE, DOUBTFUL = 0.01, 0.05  # p of a test passed, and of one failed
SAME = 1e-4  # probability; another process may round otherwise
HALF = 0.5  # of what the model gains over chance
MUCH = 0.10  # accuracy lost; a change that costs more is named


@dataclass(frozen=True)
class Part:
    """One test.

    Attributes:
        name: short.
        title: for a reader.
        verdict: `PASS`, `FAIL` or `CANNOT_TELL`.
        claim: what was found, in words.
        numbers: that it rests on, in words.
        figures: for the report; each measured share is {"value", "low", "high"}.
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


def chance_of(labels: np.ndarray) -> float:
    """Return what always naming the most frequent class would get, 0..1."""
    return float(np.bincount(labels).max() / len(labels))


def permutation_p(predicted: np.ndarray, labels: np.ndarray, seed: int) -> tuple[float, float]:
    """Return the p-value of the accuracy under shuffled labels, and their mean accuracy.

    p = (1 + count) / (1 + permutations), which is never 0: Phipson and Smyth, "Permutation
    p-values should never be zero", 2010.

    Args:
        predicted, labels: int (N,).
        seed: of the shuffling.
    """
    random = np.random.default_rng(seed)
    right = int((predicted == labels).sum())
    shuffled = np.array([(predicted == random.permutation(labels)).sum()
                         for _ in range(PERMUTATIONS)])
    p = (1 + int((shuffled >= right).sum())) / (1 + PERMUTATIONS)
    return p, float(shuffled.mean() / len(labels))


def judge_isolation(refused: Sequence[str], failure: str, forbidden: Sequence[Path]) -> Part:
    """Judge whether the separate process kept to the blind folder and the checkpoint.

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


def judge_names(blind: np.ndarray, others: dict[str, np.ndarray]) -> Part:
    """Judge whether answers depend on the pixels alone.

    Args:
        blind: probabilities (N, classes) of the blind copies.
        others: how else the same pictures were given -> their probabilities (M, classes), of the
            first M pictures.
    """
    title = "(a) Renamed, moved, without metadata, losslessly re-encoded"
    figures, worst, changed, largest = {}, "", 0, 0.0
    for name, probs in others.items():
        same = blind[:len(probs)]
        differing = int((probs.argmax(axis=1) != same.argmax(axis=1)).sum())
        figures[name] = {"pictures": len(probs), "answers_changed": differing,
                         "share_changed": share(differing, len(probs)),
                         "largest_difference": float(np.abs(probs - same).max())}
        if not worst or differing > changed:
            changed, worst = differing, name
        largest = max(largest, figures[name]["largest_difference"])
    numbers = (f"{changed} of {figures[worst]['pictures']} answers differ between the anonymous "
               f"copies and {worst}, and probabilities by {largest:.1g} at most")
    if changed or largest > SAME:
        return Part("names", title, FAIL, "the answers depend on the file, not only on its pixels",
                    numbers, figures)
    return Part("names", title, PASS, "names, places, metadata and formats play no part", numbers,
                figures)


def judge_chance(predicted: np.ndarray, labels: np.ndarray, seed: int) -> Part:
    """Judge the accuracy against shuffled labels; int (N,) each."""
    title = "(b) Better than with shuffled labels"
    accuracy = share(int((predicted == labels).sum()), len(labels))
    if len(np.unique(labels)) < 2:
        return Part("chance", title, CANNOT_TELL,
                    "all test pictures are of one class, so every answer may be luck",
                    figures={"accuracy": accuracy})
    p, mean = permutation_p(predicted, labels, seed)
    figures = {"accuracy": accuracy, "p": p, "permutations": PERMUTATIONS,
               "shuffled_accuracy": mean}
    numbers = (f"{as_text(accuracy)} of {len(labels)} answers are right, {100 * mean:.1f} % with "
               f"shuffled labels, p = {p:.2g}")
    if len(labels) < ENOUGH:
        return Part("chance", title, CANNOT_TELL, f"{len(labels)} test pictures are too few "
                    f"({ENOUGH} are needed)", numbers, figures)
    verdict = PASS if p < SURE else FAIL if p >= DOUBTFUL else CANNOT_TELL
    words = {PASS: "better than", FAIL: "no better than", CANNOT_TELL: "perhaps better than"}
    return Part("chance", title, verdict, f"the answers are {words[verdict]} with shuffled labels",
                numbers, figures)


def difference(first: np.ndarray, second: np.ndarray) -> dict[str, float]:
    """Return accuracy less accuracy on the same pictures, bool (N,) each, with its interval."""
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    interval = paired_interval(only_first, only_second, len(first))
    return metrics.as_figure((only_first - only_second) / len(first), interval)


@dataclass(frozen=True)
class Hidden:
    """Which pictures are right with a part of them hidden; bool (N,) each, or (M,) where masked.

    Attributes:
        labels: int (N,).
        whole, without_border, border: of all N pictures; the last with nothing but the border.
        maskable: bool (N,), the M pictures whose object could be found.
        background, object: of these, with the object hidden and with all but the object hidden.
    """

    labels: np.ndarray
    whole: np.ndarray
    without_border: np.ndarray
    border: np.ndarray
    maskable: np.ndarray
    background: np.ndarray
    object: np.ndarray


def judge_shortcuts(model: np.ndarray, by_cue: dict[str, np.ndarray],
                    hidden: Hidden) -> Part:
    """Judge whether the model may live on what is beside the content.

    It fails where the background alone carries the answers, or the border does and the rest does
    not; where neither of these two does, nobody can tell. It passes where the object alone carries
    them. Where no object can be masked, being better than a plain classifier on all shortcuts
    together must do. "Carries" means that at least half of what the model gains over chance is
    left, and surely more than chance.

    Args:
        model: which test pictures the model has right, bool (N,).
        by_cue: which of them a plain classifier has right, by cue; empty without train.
        hidden: the same for pictures with a part hidden.
    """
    title = "(c) Shortcuts: file, colours, border, background"
    verdict, claim, figures = _judge_masks(hidden)
    figures |= {"model": share(int(model.sum()), len(model)),
                "cues": {name: share(int(right.sum()), len(right))
                         for name, right in by_cue.items()}}
    masked = _in_words(figures)
    needed = _kept(hidden.without_border, hidden.whole, hidden.labels) < HALF
    if needed and verdict != FAIL and len(model) >= ENOUGH:
        alone = _carries(hidden.border, hidden.whole, hidden.labels)
        return Part("shortcuts", title, FAIL if alone else CANNOT_TELL,
                    "the border carries the answers" if alone else "much hangs on the border",
                    f"{as_text(figures['border_alone'])} are right by the border alone, "
                    f"{as_text(figures['without_border'])} with it hidden, "
                    f"{as_text(figures['whole'])} as they are", figures)
    if verdict != CANNOT_TELL:
        return Part("shortcuts", title, verdict, claim, masked, figures)
    if not by_cue:
        return Part("shortcuts", title, CANNOT_TELL, f"{claim}, and without training pictures "
                    "nobody can say what shortcuts would get", masked, figures)
    ahead = figures["model_less_cues"] = difference(model, by_cue[TOGETHER])
    numbers = (f"it is {_points(ahead)} ahead of a plain classifier on file, colours and border, "
               f"which gets {as_text(figures['cues'][TOGETHER])}; {masked}")
    if len(model) >= ENOUGH and ahead["low"] > 0:
        return Part("shortcuts", title, PASS, "shortcuts do not explain the answers", numbers,
                    figures)
    return Part("shortcuts", title, CANNOT_TELL, f"shortcuts may explain the answers, and {claim}",
                numbers, figures)


def _judge_masks(hidden: Hidden) -> tuple[str, str, dict]:
    """Return the verdict on object against background, in words, and the figures."""
    whole, labels = hidden.whole[hidden.maskable], hidden.labels[hidden.maskable]
    count = len(labels)
    figures = {"maskable": count, "pictures": len(hidden.labels),
               "whole": share(int(hidden.whole.sum()), len(hidden.whole)),
               "without_border": share(int(hidden.without_border.sum()), len(hidden.whole)),
               "border_alone": share(int(hidden.border.sum()), len(hidden.whole)),
               "maskable_whole": share(int(whole.sum()), count),
               "background_alone": share(int(hidden.background.sum()), count),
               "object_alone": share(int(hidden.object.sum()), count)}
    if count < ENOUGH:
        return CANNOT_TELL, (f"{count} of {len(hidden.labels)} pictures with an object that can be "
                             f"masked are too few ({ENOUGH} are needed)"), figures
    if _carries(hidden.background, whole, labels):
        return FAIL, "the background alone carries the answers", figures
    if (_carries(hidden.object, whole, labels)
            and _kept(hidden.background, whole, labels) < HALF):
        return PASS, "the object carries the answers, the background does not", figures
    return CANNOT_TELL, "neither object nor background alone carries the answers", figures


def _in_words(masked: dict) -> str:
    if not masked["maskable"]:
        return "no picture has an object that can be masked"
    whole, alone, background = (as_text(masked[name]) for name in (
        "maskable_whole", "object_alone", "background_alone"))
    return (f"of {masked['maskable']} pictures whose object can be masked {whole} are right as "
            f"they are, {alone} by the object alone, {background} by the background alone")


def _carries(part: np.ndarray, whole: np.ndarray, labels: np.ndarray) -> bool:
    """Tell whether a part keeps half of the gain, and surely more than chance."""
    return (_kept(part, whole, labels) >= HALF
            and share(int(part.sum()), len(part))["low"] > chance_of(labels))


def _kept(changed: np.ndarray, whole: np.ndarray, labels: np.ndarray) -> float:
    """Return how much of its gain over chance the model keeps: 1 all of it, 0 none."""
    chance = chance_of(labels)
    gain = whole.mean() - chance
    return float((changed.mean() - chance) / gain) if gain > 0 else 1.0


def _points(figure: dict[str, float]) -> str:
    value, low, high = (100 * figure[name] for name in ("value", "low", "high"))
    return f"{value:.1f} points ({low:.1f} to {high:.1f})"


@dataclass(frozen=True)
class Neighbours:
    """The nearest training picture of each of N test pictures.

    Attributes:
        distances: float (N,), on the scale of `duplicates.NEAR`.
        labels: int (N,), its class.
    """

    distances: np.ndarray
    labels: np.ndarray


def judge_neighbours(predicted: np.ndarray, labels: np.ndarray, found: Neighbours | None,
                     seed: int) -> Part:
    """Judge whether the model knows pictures that are unlike those it was trained on.

    Args:
        predicted, labels: int (N,).
        found: None where the checkpoint has no list of its training pictures.
        seed: of the shuffling.
    """
    title = "(d) Pictures unlike those of the training"
    if found is None:
        return Part("neighbours", title, CANNOT_TELL, "the checkpoint has no list of its training "
                    "pictures, so nobody can say whether these are copies of them")
    right = predicted == labels
    copies = found.distances <= duplicates.NEAR
    others = np.flatnonzero(~copies)[np.argsort(found.distances[~copies], kind="stable")]
    near, far = np.array_split(others, 2)
    bands = {"near-copies": np.flatnonzero(copies), "near": near, "far": far}
    figures = {"by_distance": {name: _band(right, found.distances, rows)
                               for name, rows in bands.items()},
               "near_distance": duplicates.NEAR,
               "nearest_neighbour": share(int((found.labels == labels).sum()), len(labels)),
               "not_near_copies": share(int(right[others].sum()), len(others))}
    if len(others) < ENOUGH:
        return Part("neighbours", title, CANNOT_TELL, _too_near(copies),
                    f"{as_text(share(int(right.sum()), len(right)))} of all answers are right, "
                    "which may be memory", figures)
    if len(np.unique(labels[others])) < 2:
        return Part("neighbours", title, CANNOT_TELL, "all pictures that are no near-copies of "
                    "training pictures are of one class", figures=figures)
    p, mean = permutation_p(predicted[others], labels[others], seed)
    figures["p"] = p
    numbers = (f"{as_text(figures['not_near_copies'])} of {len(others)} pictures that are no "
               f"near-copies are right, {100 * mean:.1f} % with shuffled labels, p = {p:.2g}")
    if copies.any():
        numbers += (f"; of {copies.sum()} near-copies of training pictures "
                    f"{100 * right[copies].mean():.1f} % are right")
    verdict = PASS if p < SURE else FAIL if p >= DOUBTFUL else CANNOT_TELL
    claim = {PASS: "it knows pictures that are unlike those of the training",
             FAIL: "it knows its training pictures and no others",
             CANNOT_TELL: "it may know no pictures but those of its training"}[verdict]
    return Part("neighbours", title, verdict, claim, numbers, figures)


def _band(right: np.ndarray, distances: np.ndarray, rows: np.ndarray) -> dict:
    band = {"pictures": len(rows), "accuracy": share(int(right[rows].sum()), len(rows))}
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


def judge_robustness(whole: np.ndarray, changed: dict[str, np.ndarray]) -> Part:
    """Judge what changes of the picture cost; bool (N,) each, whether the answer is right."""
    title = "(e) Changed pictures (told, decides nothing)"
    lost = {name: difference(whole, right) for name, right in changed.items()}
    figures = {"accuracy": share(int(whole.sum()), len(whole)), "pictures": len(whole),
               "changes": {name: {"accuracy": share(int(changed[name].sum()), len(whole)),
                                  "lost": lost[name]} for name in changed}}
    worst = sorted(lost, key=lambda name: -lost[name]["value"])[:3]
    figures["worst"] = worst
    verdict = PASS
    if len(whole) < ENOUGH:
        verdict = CANNOT_TELL
    elif any(figure["low"] > MUCH for figure in lost.values()):
        verdict = FAIL
    claim = {PASS: f"no change surely costs more than {100 * MUCH:.0f} points",
             FAIL: f"some changes cost more than {100 * MUCH:.0f} points",
             CANNOT_TELL: f"{len(whole)} pictures are too few"}[verdict]
    numbers = "lost most when " + ", ".join(f"{name} {_points(lost[name])}" for name in worst)
    return Part("robustness", title, verdict, claim, numbers, figures, False)
