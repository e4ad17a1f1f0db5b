"""Every plot with axes; nothing else imports matplotlib."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

from celestial.files import atomic_path  # noqa: E402

# Okabe and Ito's palette, which colour-blind readers can tell apart.
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#777777"
plt.rcParams.update({
    "figure.dpi": 110, "savefig.dpi": 110, "font.size": 11, "axes.titlesize": 12,
    "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
    "figure.constrained_layout.use": True,
})


def save(figure: Figure, path: Path) -> Path:
    """Write a figure as PNG, whole or not at all, and free it."""
    with atomic_path(path, durable=False) as temporary:
        figure.savefig(temporary, format="png")
    plt.close(figure)
    return path


def draw_history(rows: Sequence[dict], path: Path) -> Path:
    """Draw loss, accuracy, top-2 accuracy and learning rate by epoch, the stages marked."""
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
    axes[0, 0].legend()
    best = min(rows, key=lambda row: (row["stage"] != rows[-1]["stage"], row["val_loss"]))
    axes[0, 0].annotate("kept", (best["epoch"], best["val_loss"]), (0, 16), ha="center",
                        textcoords="offset points", arrowprops={"arrowstyle": "->"})
    axes[1, 1].plot(epochs, [row["learning_rate"] for row in rows], ".-", color=GREY)
    axes[1, 1].set_title("Learning rate of the head")
    axes[1, 1].set_yscale("log")
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
