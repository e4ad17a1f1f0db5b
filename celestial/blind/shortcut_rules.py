"""Does the model live on what is beside the content? The blind test's verdict (c), as a table.

`RULES` is the whole verdict. It rests on what parts of the picture carry the answers when the rest
is hidden, and on how far a plain classifier gets on file, colours and border alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from celestial.blind.shortcuts import TOGETHER
from celestial.blind.verdict import ENOUGH, FAIL, NO, PASS, YES, Part, as_points
from celestial.data.design_effect import kept
from celestial.evaluation.answers import CANNOT_TELL
from celestial.evaluation.chance import chance_of
from celestial.evaluation.comparison import paired_difference
from celestial.evaluation.metrics import as_text, proportion_of

TITLE = "(c) Shortcuts: file, colours, border, background"
TOO_FEW = "too few"  # pictures to ask
CARRIED = 0.5  # of what the model gains over chance; a part that keeps as much carries the answers


@dataclass(frozen=True)
class Hidden:
    """Which pictures are right with a part of them hidden; bool (N,) each, or (M,) where masked.

    Attributes:
        labels: int (N,).
        whole, without_border, border: of all N pictures; the last with nothing but the border.
        maskable: bool (N,), the M pictures whose object could be found.
        background, object: of these, with the object hidden and with all but the object hidden.
        groups: (N,) of `design_effect`.
    """

    labels: np.ndarray
    whole: np.ndarray
    without_border: np.ndarray
    border: np.ndarray
    maskable: np.ndarray
    background: np.ndarray
    object: np.ndarray
    groups: np.ndarray | None = None


class Evidence:
    """What the rules ask: each property is `YES`, `NO`, `CANNOT_TELL` or `TOO_FEW`.

    Attributes:
        figures: for the report; what a rule that was asked has measured is added.
    """

    def __init__(self, model: np.ndarray, by_cue: dict[str, np.ndarray], hidden: Hidden, seed: int):
        """Take the arguments of `shortcuts_verdict`."""
        self._model, self._by_cue, self._hidden, self._seed = model, by_cue, hidden, seed
        self._enough = len(model) >= ENOUGH
        whole = hidden.whole[hidden.maskable]
        self._masked = (whole, hidden.labels[hidden.maskable], kept(hidden.groups, hidden.maskable))
        self._enough_masked = len(whole) >= ENOUGH
        all_of = {"whole": hidden.whole, "without_border": hidden.without_border,
                  "border_alone": hidden.border}
        masked = {"maskable_whole": whole, "background_alone": hidden.background,
                  "object_alone": hidden.object}
        self.figures = {
            "maskable": len(whole), "pictures": len(hidden.labels),
            **{name: proportion_of(right, hidden.groups) for name, right in all_of.items()},
            **{name: proportion_of(right, self._masked[2]) for name, right in masked.items()},
            "model": proportion_of(model, hidden.groups),
            "cues": {name: proportion_of(right, hidden.groups) for name, right in by_cue.items()}}

    @cached_property
    def background(self) -> str:
        """The background alone carries the answers."""
        return carries(self._hidden.background, *self._masked) if self._enough_masked else TOO_FEW

    @cached_property
    def object(self) -> str:
        """The object alone carries the answers."""
        return carries(self._hidden.object, *self._masked) if self._enough_masked else TOO_FEW

    @cached_property
    def without_border(self) -> str:
        """The picture without its border carries the answers."""
        return self._carries(self._hidden.without_border)

    @cached_property
    def border(self) -> str:
        """The border alone carries the answers."""
        return self._carries(self._hidden.border)

    def _carries(self, part: np.ndarray) -> str:
        hidden = self._hidden
        return (carries(part, hidden.whole, hidden.labels, hidden.groups) if self._enough
                else TOO_FEW)

    @property
    def cues(self) -> str:
        """There are training pictures, of which a plain classifier could learn shortcuts."""
        return YES if self._by_cue else NO

    @cached_property
    def ahead_of_cues(self) -> str:
        """The model is surely better than a plain classifier on all shortcuts together."""
        ahead = self.figures["model_less_cues"] = paired_difference(
            self._model, self._by_cue[TOGETHER], self._hidden.groups, self._seed)
        if not self._enough:
            return TOO_FEW
        return YES if ahead["low"] > 0 else CANNOT_TELL

    @property
    def unclear(self) -> str:
        """Why the masks decide nothing, in words."""
        if self._enough_masked:
            return "neither object nor background alone surely carries the answers"
        return (f"{self.figures['maskable']} of {self.figures['pictures']} pictures with an object "
                f"that can be masked are too few ({ENOUGH} are needed)")


def of_masks(evidence: Evidence) -> str:
    """Return what is right by object and background, in words."""
    figures = evidence.figures
    if not figures["maskable"]:
        return "no picture has an object that can be masked"
    whole, alone, background = (as_text(figures[name]) for name in (
        "maskable_whole", "object_alone", "background_alone"))
    return (f"of {figures['maskable']} pictures whose object can be masked {whole} are right as "
            f"they are, {alone} by the object alone, {background} by the background alone")


def of_border(evidence: Evidence) -> str:
    """Return what is right by the border, in words."""
    alone, without, whole = (as_text(evidence.figures[name]) for name in (
        "border_alone", "without_border", "whole"))
    return (f"{alone} are right by the border alone, {without} with it hidden, {whole} as they "
            "are")


def of_cues(evidence: Evidence) -> str:
    """Return how far the model is ahead of a plain classifier, in words."""
    figures = evidence.figures
    return (f"it is {as_points(figures['model_less_cues'])} ahead of a plain classifier on file, "
            f"colours and border, which gets {as_text(figures['cues'][TOGETHER])}; "
            f"{of_masks(evidence)}")


@dataclass(frozen=True)
class Rule:
    """One row of the table.

    Attributes:
        where: properties of `Evidence` -> what each has to be; a tuple: any of these.
        verdict: `PASS`, `FAIL` or `CANNOT_TELL`.
        claim: what was found, in words; {unclear} is that of the evidence.
        numbers: that it rests on, in words.
    """

    where: Mapping[str, str | tuple[str, ...]]
    verdict: str
    claim: str
    numbers: Callable[[Evidence], str]

    def holds(self, evidence: Evidence) -> bool:
        """Tell whether the row's conditions are met; those after one that is not are not asked."""
        return all(getattr(evidence, name) in ((wanted,) if isinstance(wanted, str) else wanted)
                   for name, wanted in self.where.items())


# The first row that holds is the verdict. The last holds always.
RULES = (
    Rule({"background": YES}, FAIL,
         "the background alone carries the answers", of_masks),
    Rule({"without_border": NO, "border": YES}, FAIL,
         "the border carries the answers", of_border),
    Rule({"without_border": (NO, CANNOT_TELL)}, CANNOT_TELL,
         "much may hang on the border", of_border),
    Rule({"object": YES, "background": NO}, PASS,
         "the object carries the answers, the background does not", of_masks),
    Rule({"cues": NO}, CANNOT_TELL,
         "{unclear}, and without training pictures nobody can say what shortcuts would get",
         of_masks),
    Rule({"ahead_of_cues": YES}, PASS,
         "shortcuts do not explain the answers", of_cues),
    Rule({}, CANNOT_TELL,
         "shortcuts may explain the answers, and {unclear}", of_cues),
)


def shortcuts_verdict(model: np.ndarray, by_cue: dict[str, np.ndarray], hidden: Hidden,
                      seed: int) -> Part:
    """Decide whether the model may live on what is beside the content, by `RULES`.

    Args:
        model: which test pictures the model has right, bool (N,).
        by_cue: which of them a plain classifier has right, by cue; empty without train.
        hidden: the same for pictures with a part hidden.
        seed: of the intervals.
    """
    evidence = Evidence(model, by_cue, hidden, seed)
    rule = next(rule for rule in RULES if rule.holds(evidence))
    return Part("shortcuts", TITLE, rule.verdict, rule.claim.format(unclear=evidence.unclear),
                rule.numbers(evidence), evidence.figures)


def carries(part: np.ndarray, whole: np.ndarray, labels: np.ndarray,
            groups: np.ndarray | None) -> str:
    """Tell whether a part of the picture keeps `CARRIED` of what the model gains over chance.

    The interval of the accuracy less half of the whole's is put together as in
    `metrics.mean_of_proportions`. It is rather too wide, because both are right on the same
    pictures.

    Args:
        part, whole: which answers are right by the part and by the whole picture, bool (N,).
        labels: int (N,).
        groups: (N,) of `design_effect`.

    Returns:
        YES: surely, and surely more than chance. NO: surely not. CANNOT_TELL: neither is sure.
    """
    chance = chance_of(labels)
    own, all_of_it = proportion_of(part, groups), proportion_of(whole, groups)
    ahead = own["value"] - chance - CARRIED * (all_of_it["value"] - chance)
    below = np.hypot(own["value"] - own["low"], CARRIED * (all_of_it["high"] - all_of_it["value"]))
    above = np.hypot(own["high"] - own["value"], CARRIED * (all_of_it["value"] - all_of_it["low"]))
    if ahead - below > 0 and own["low"] > chance:
        return YES
    return NO if ahead + above < 0 else CANNOT_TELL
