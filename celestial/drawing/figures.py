"""Draws every plot with axes; no other module of this room imports matplotlib."""

import logging
import textwrap
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import seaborn
from matplotlib import font_manager
from matplotlib.figure import Figure
from sklearn import metrics as sklearn_metrics

from celestial.common.files import atomic_path
from celestial.drawing.fonts import drawable, installed
from celestial.evaluation.calibration import Bins

plt.switch_backend("Agg")  # draws without a screen

# Okabe and Ito's palette, which colour-blind readers can tell apart.
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#777777"
VERDICTS = {"yes": GREEN, "pass": GREEN, "no": ORANGE, "fail": ORANGE, "cannot tell": GREY}
LINE = 1.4 / 72  # inches from one line of text to the next, for each point of the text's size
plt.rcParams.update({
    "figure.dpi": 110, "savefig.dpi": 110, "font.size": 11, "axes.titlesize": 12,
    "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
    "figure.constrained_layout.use": True, "text.parse_math": False,  # names may have a $
})
for wide in installed():
    font_manager.fontManager.addfont(wide)
    plt.rcParams["font.family"].append(font_manager.FontProperties(fname=wide).get_name())
# Quiet, because these fonts have one weight, and matplotlib would warn at every bold title.
logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)


def save(figure: Figure, path: Path) -> Path:
    """Write a figure as PNG, whole or not at all, and free it."""
    with atomic_path(path, durable=False) as temporary:
        figure.savefig(temporary, format="png")
    plt.close(figure)
    return path


def draw_history(rows: Sequence[dict], kept: int, path: Path) -> Path:
    """Draw loss, accuracy, top-2 accuracy and learning rate by epoch, the stages marked.

    Args:
        rows: training_history.csv.
        kept: the epoch whose weights are kept; 0: none.
        path: of the figure.
    """
    epochs = [row["epoch"] for row in rows]
    figure, axes = plt.subplots(2, 2, figsize=(11, 7), sharex=True)
    for axis, (title, name) in zip(axes.flat, [("Loss (log loss; that of training is smoothed "
                                                "and weighted)", "loss"),
                                               ("Accuracy", "accuracy"),
                                               ("Top-2 accuracy", "top2")], strict=False):
        axis.plot(epochs, [row[f"train_{name}"] for row in rows], ".-", color=BLUE,
                  label="train (augmented)")
        axis.plot(epochs, [row[f"val_{name}"] for row in rows], ".-", color=ORANGE, label="val")
        axis.set_title(title)
        if name != "loss":
            axis.set_ylim(0, 1.02)
    axes[0, 0].plot(epochs, [row["val_calibrated_loss"] for row in rows], ".-", color=GREEN,
                    label="val, after temperature scaling")
    axes[0, 0].legend()
    if kept:
        axes[0, 0].annotate("kept", (kept, rows[kept - 1]["val_calibrated_loss"]), (0, 16),
                            ha="center", textcoords="offset points",
                            arrowprops={"arrowstyle": "->"})
    axes[1, 1].plot(epochs, [row["learning_rate"] for row in rows], ".-", color=GREY)
    axes[1, 1].set_title("Learning rate of the head")
    axes[1, 1].set_yscale("log")
    axes[1, 1].yaxis.set_major_formatter(lambda value, _: f"{value:.0e}")
    for axis in axes[1]:
        axis.set_xlabel("Epoch")
    for axis in axes.flat:
        _mark_stages(axis, rows)
    return save(figure, path)


def _mark_stages(axis: plt.Axes, rows: Sequence[dict]) -> None:
    for index, row in enumerate(rows):
        if index == 0 or row["stage"] != rows[index - 1]["stage"]:
            if index:
                axis.axvline(row["epoch"] - 0.5, color=GREY, linestyle=":", linewidth=1)
            axis.text(row["epoch"], 0.02, f" {row['stage']}", fontsize=8, color=GREY,
                      transform=axis.get_xaxis_transform())


def draw_confusion(counts: np.ndarray, classes: Sequence[str], path: Path,
                   normalised: bool = False) -> Path:
    """Draw a confusion matrix: int (classes, classes), rows true, columns predicted."""
    classes = [drawable(name) for name in classes]
    side = min(30.0, max(5.5, 0.62 * len(classes) + 2.2))
    figure, axis = plt.subplots(figsize=(side + 0.8, side))
    totals = counts.sum(axis=1, keepdims=True)
    shown = 100 * counts / np.maximum(totals, 1) if normalised else counts
    seaborn.heatmap(shown, annot=len(classes) <= 25, fmt=".0f" if normalised else "d", cmap="Blues",
                    vmin=0, vmax=100 if normalised else None, square=True, linewidths=0.5,
                    xticklabels=classes, yticklabels=classes, ax=axis,
                    cbar_kws={"label": "% of the true class" if normalised else "pictures",
                              "shrink": 0.8})
    axis.set_xlabel("Predicted")
    axis.set_ylabel("True")
    axis.tick_params(axis="x", rotation=45)
    axis.tick_params(axis="y", rotation=0)
    right = np.trace(counts)
    axis.set_title(f"{right} of {counts.sum()} pictures right"
                   + (" (percent of each row)" if normalised else ""))
    return save(figure, path)


def draw_class_accuracy(right: Sequence[int], totals: Sequence[int],
                        intervals: Sequence[tuple[float, float]], classes: Sequence[str],
                        path: Path) -> Path:
    """Draw the proportion of each class that is right, 0..1, with its confidence interval."""
    figure, axis = plt.subplots(figsize=(8.5, 0.42 * len(classes) + 1.8))
    proportions = np.array(right) / np.array(totals)
    limits = np.array(intervals)
    errors = np.abs(np.stack([proportions - limits[:, 0], limits[:, 1] - proportions]))
    places = np.arange(len(classes))
    axis.barh(places, proportions, color=BLUE, height=0.62, alpha=0.85)
    axis.errorbar(proportions, places, xerr=errors, fmt="none", ecolor="black", capsize=3,
                  linewidth=1)
    axis.set_yticks(places, [f"{drawable(name)}  ({hit} of {total})" for name, hit, total
                             in zip(classes, right, totals, strict=True)])
    axis.invert_yaxis()
    axis.set_xlim(0, 1.02)
    axis.set_xlabel("Proportion of the class's pictures that is right; lines: 95 % interval")
    return save(figure, path)


def draw_reliability(bins: Bins, intervals: Sequence[tuple[float, float]], title: str,
                     path: Path) -> Path:
    """Draw the proportion of answers that is right against the probability that was claimed.

    Args:
        bins: of `calibration.rising_bins`.
        intervals: of each bin's proportion that is right, 0..1.
        title: the calibration error in words.
        path: the PNG to write.
    """
    figure, (axis, below) = plt.subplots(2, 1, figsize=(6.5, 7.5), sharex=True,
                                         height_ratios=(4, 1))
    proportions, limits = bins.right / bins.counts, np.array(intervals)
    errors = np.abs(np.stack([proportions - limits[:, 0], limits[:, 1] - proportions]))
    axis.plot([0, 1], [0, 1], "--", color=GREY, label="as sure as it should be")
    axis.errorbar(bins.confidence, proportions, yerr=errors, fmt="o-", color=BLUE, capsize=3,
                  label="this model, with 95 % intervals")
    axis.text(0.03, 0.62, "above the line:\ntoo careful", color=GREY)
    axis.text(0.97, 0.2, "below the line:\ntoo sure of itself", color=GREY, ha="right")
    axis.set_ylabel("Proportion of the answers that is right")
    axis.set_ylim(-0.02, 1.02)
    axis.set_title(title)
    axis.legend(loc="upper left")
    below.vlines(bins.confidence, 0, bins.counts, color=BLUE, linewidth=4)
    below.set_ylim(0, None)
    below.set_ylabel("Pictures")
    below.set_xlabel("Probability of the answer (mean of a group of pictures)")
    below.set_xlim(-0.02, 1.02)
    return save(figure, path)


def draw_known_scores(known: np.ndarray, outliers: np.ndarray, threshold: float, title: str,
                      path: Path) -> Path:
    """Draw the distribution of known_score: of known pictures (N,) and of outliers (M,)."""
    figure, axis = plt.subplots(figsize=(8.5, 5))
    edges = np.histogram_bin_edges(np.concatenate([known, outliers, [threshold]]), bins=40)
    for scores, name, colour, hatch in ((known, "known classes", BLUE, ""),
                                        (outliers, "none of the classes", ORANGE, "///")):
        axis.hist(scores, edges, weights=np.full(len(scores), 100 / len(scores)), alpha=0.55,
                  color=colour, hatch=hatch, edgecolor=colour, histtype="stepfilled",
                  label=f"{name} ({len(scores)} pictures)")
    axis.axvline(threshold, color="black", linestyle="--",
                 label="threshold: what lies left of it is called unknown")
    axis.set_xlabel("known_score: how well a picture fits any class")
    axis.set_ylabel("% of the pictures of its kind")
    axis.set_ylim(0, 1.3 * axis.get_ylim()[1])
    axis.set_title(title)
    axis.legend(loc="upper left", frameon=True, framealpha=1, edgecolor="none")
    return save(figure, path)


def draw_comparison(accuracies: Sequence[tuple[str, dict[str, float]]],
                    differences: Sequence[tuple[str, dict[str, float]]], path: Path) -> Path:
    """Draw models' accuracy and the differences between them, each with its interval.

    Args:
        accuracies: (model, {"value", "low", "high"}), 0..1.
        differences: (pair, {"value", "low", "high"}), -1..1.
        path: the PNG to write.
    """
    figure, axes = plt.subplots(2, 1, figsize=(10, 0.42 * (len(accuracies) + len(differences)) + 3),
                                height_ratios=(len(accuracies) + 0.5, len(differences) + 0.5))
    for axis, rows, label in ((axes[0], accuracies, "Accuracy, %; lines: 95 % interval"),
                              (axes[1], differences, "Difference, percentage points; right of 0: "
                               "the first is better")):
        values, low, high = (100 * np.array([row[name] for _, row in rows])
                             for name in ("value", "low", "high"))
        axis.errorbar(values, np.arange(len(rows)), xerr=np.abs([values - low, high - values]),
                      fmt="o", color=BLUE, ecolor="black", capsize=3)
        axis.set_yticks(np.arange(len(rows)), [drawable(name) for name, _ in rows])
        axis.set_ylim(len(rows) - 0.5, -0.5)
        axis.grid(axis="x", alpha=0.3)
        axis.set_xlabel(label)
    axes[1].axvline(0, color=GREY, linestyle="--")
    return save(figure, path)


def draw_curves(labels: np.ndarray, probs: np.ndarray, classes: Sequence[str], kind: str,
                path: Path) -> Path:
    """Draw one-against-the-rest curves of each class.

    Args:
        labels: int (N,).
        probs: float (N, classes).
        classes: names in the order of the columns; classes without a picture are left out.
        kind: "roc" or "precision_recall".
        path: the PNG to write.
    """
    figure, axis = plt.subplots(figsize=(7.5, 6))
    colours = seaborn.color_palette("colorblind", 10)
    lines = ("-", "--", ":", "-.")
    for index, name in enumerate(classes):
        own = labels == index
        if not own.any() or own.all():
            continue
        style = {"color": colours[index % 10], "linestyle": lines[index // 10 % 4]}
        if kind == "roc":
            x, y, _ = sklearn_metrics.roc_curve(own, probs[:, index])
            area = sklearn_metrics.roc_auc_score(own, probs[:, index])
        else:
            y, x, _ = sklearn_metrics.precision_recall_curve(own, probs[:, index])
            area = sklearn_metrics.average_precision_score(own, probs[:, index])
        axis.plot(x, y, label=f"{drawable(name)}  {area:.3f}", **style)
    names = {"roc": ("False positive rate", "True positive rate", "ROC curves, area"),
             "precision_recall": ("Recall", "Precision", "Precision-recall, average precision")}
    axis.set_xlabel(names[kind][0])
    axis.set_ylabel(names[kind][1])
    axis.set_title(f"{names[kind][2]} of each class against the rest")
    axis.set_xlim(-0.01, 1.01)
    axis.set_ylim(-0.01, 1.02)
    if len(classes) <= 30:
        axis.legend(loc="lower right" if kind == "roc" else "lower left")
    return save(figure, path)


def draw_binary(positive: np.ndarray, scores: np.ndarray, classes: Sequence[str],
                path: Path) -> Path:
    """Draw how well two classes are told apart: ROC, precision-recall, and each threshold's rates.

    Args:
        positive: bool (N,), of the second class.
        scores: float (N,), its probability.
        classes: the two names.
        path: the PNG to write.
    """
    classes = [drawable(name) for name in classes]
    figure, (roc, recalls, thresholds) = plt.subplots(1, 3, figsize=(15, 4.8))
    false, true, _ = sklearn_metrics.roc_curve(positive, scores)
    area = sklearn_metrics.roc_auc_score(positive, scores)
    roc.plot(false, true, color=BLUE)
    roc.plot([0, 1], [0, 1], "--", color=GREY)
    roc.set(title=f"ROC, area {area:.3f}", xlabel=f"Proportion of {classes[0]} called {classes[1]}",
            ylabel=f"Proportion of {classes[1]} found")
    precision, recall, _ = sklearn_metrics.precision_recall_curve(positive, scores)
    average = sklearn_metrics.average_precision_score(positive, scores)
    recalls.plot(recall, precision, color=BLUE)
    recalls.axhline(positive.mean(), linestyle="--", color=GREY)
    recalls.set(title=f"Precision-recall, average precision {average:.3f}",
                xlabel=f"Recall: proportion of {classes[1]} found",
                ylabel=f"Precision: proportion of those called {classes[1]}", ylim=(0, 1.02))
    steps = np.linspace(0, 1, 201)
    called = scores >= steps[:, None]
    for values, name, style in (
            (called[:, positive].mean(axis=1), f"{classes[1]} found", {"color": ORANGE}),
            (1 - called[:, ~positive].mean(axis=1), f"{classes[0]} found", {"color": BLUE}),
            ((called == positive).mean(axis=1), "all right", {"color": "black", "ls": "--"})):
        thresholds.plot(steps, values, label=name, **style)
    thresholds.axvline(0.5, color=GREY, linestyle=":", label="0.5, as used")
    thresholds.set(title="What another threshold would give", ylim=(0, 1.02), ylabel="Share",
                   xlabel=f"Least probability at which it is called {classes[1]}")
    thresholds.legend(loc="lower center")
    return save(figure, path)


def draw_blind_page(answer: str, because: str, tests: Sequence[tuple[str, str, str]],
                    accuracies: Sequence[tuple[str, str, dict[str, float]]], chance: float,
                    path: Path) -> Path:
    """Draw the blind test's one page: the answer, the single tests, every accuracy.

    Args:
        answer: yes, no or cannot tell; because: the reasons in words.
        tests: (title, verdict, reason) of each test.
        accuracies: (group, of what, {"value", "low", "high"}), 0..1.
        chance: drawn as a line, 0..1.
        path: the PNG to write.
    """
    lines = [(f"Learned the content: {answer}", 20, VERDICTS[answer]),
             *((line, 10, "black") for line in textwrap.wrap(drawable(f"because {because}"), 110))]
    for title, verdict, reason in tests:
        lines += [("", 8, "black"), (f"{title}: {verdict}", 11, VERDICTS[verdict]),
                  *((line, 9, "black") for line in textwrap.wrap(drawable(reason), 122))]
    text = sum(LINE * size for _, size, _ in lines) + 0.4
    rows = len(accuracies) + len({group for group, _, _ in accuracies})
    height = text + 0.21 * rows + 0.6
    figure = plt.figure(figsize=(9.5, height), layout="none")
    y = height - 0.2
    for line, size, colour in lines:
        figure.text(0.03, y / height, line, fontsize=size, color=colour, va="top",
                    weight="bold" if size > 10 else "normal")
        y -= LINE * size
    if accuracies:
        axis = figure.add_axes((0.36, 0.55 / height, 0.6, 0.21 * rows / height))
        _draw_groups(axis, accuracies, chance)
    return save(figure, path)


def _draw_groups(axis: plt.Axes, rows: Sequence[tuple[str, str, dict[str, float]]],
                 chance: float) -> None:
    names, place, last = [], -1, None
    for group, name, figure in rows:
        if group != last:
            place += 1
            names.append((place, group))
            last = group
        place += 1
        names.append((place, name))
        value, low, high = (100 * figure[key] for key in ("value", "low", "high"))
        axis.barh(place, value, color=BLUE, height=0.6, alpha=0.85)
        axis.errorbar(value, place, xerr=[[value - low], [high - value]], fmt="none",
                      ecolor="black", capsize=2, linewidth=1)
    axis.axvline(100 * chance, color=ORANGE, linestyle="--")
    axis.set_yticks([at for at, _ in names], [name for _, name in names], fontsize=9)
    groups = {group for group, _, _ in rows}
    for label in axis.get_yticklabels():
        label.set_weight("bold" if label.get_text() in groups else "normal")
    axis.tick_params(axis="y", length=0)
    axis.set_ylim(place + 0.6, -0.6)
    axis.set_xlim(0, 101)
    axis.set_xlabel("Accuracy, %; black lines: 95 % interval; dashed: chance, the largest class")
