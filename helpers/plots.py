"""Every figure of the course in one style: readable in grey and by a colour-blind reader."""

import base64
import io
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Okabe and Ito's colours, ordered so that neighbours also differ in lightness.
BLUE, ORANGE, GREEN, BLACK, SKY, GREY = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#000000",
    "#56B4E9",
    "#999999",
)
LINE_STYLES = ("-", "--", ":", "-.")
STYLE = {
    "figure.dpi": 100,
    "figure.constrained_layout.use": True,
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": plt.cycler(color=[BLUE, ORANGE, GREEN, BLACK], linestyle=LINE_STYLES),
    "axes.grid": True,
    "grid.alpha": 0.3,
    "image.cmap": "cividis",
    "legend.frameon": False,
}


def new(
    width: float = 7, height: float = 3.2, columns: int = 1, **options
) -> tuple[Figure, np.ndarray]:
    """An empty figure in the course's style.

    Args:
        width, height: inches, at 100 dots each.
        columns: number of panels side by side.

    Returns:
        The figure and its axes; one `Axes` if there is one panel, else an array of them.
    """
    with plt.rc_context(STYLE):
        return plt.subplots(1, columns, figsize=(width, height), **options)


def show(figure: Figure, words: str) -> None:
    """Display a figure together with words that say what is seen in it.

    The words are stored as the output's plain text and as the picture's alternative text, and
    can be compared by a test.
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100, metadata={"Software": None})
    plt.close(figure)
    picture = base64.b64encode(buffer.getvalue()).decode()
    display(
        {"image/png": picture, "text/plain": words},
        metadata={"image/png": {"alt": words}},
        raw=True,
    )


def learning_curves(history: pd.DataFrame, metric: str = "accuracy") -> Figure:
    """Loss and validation metric over the epochs of a training run.

    Args:
        history: one row an epoch: `epoch`, `train_loss`, `validation_loss` and the metric.
        metric: column to draw on the right, a share: its axis spans at least 0.1.
    """
    figure, (left, right) = new(8, 3.2, columns=2)
    with plt.rc_context(STYLE):
        left.plot(history["epoch"], history["train_loss"], "-o", color=BLUE, label="training")
        left.plot(
            history["epoch"], history["validation_loss"], "--s", color=ORANGE, label="validation"
        )
        left.set(xlabel="epoch", ylabel="cross-entropy (nats)", xticks=history["epoch"])
        left.legend()
        right.plot(history["epoch"], history[metric], "--s", color=ORANGE)
        right.set(xlabel="epoch", ylabel=f"validation {metric}", xticks=history["epoch"])
        # An axis as narrow as the noise would make hills of it.
        middle, half = np.mean(right.get_ylim()), max(0.05, np.ptp(right.get_ylim()) / 2)
        right.set_ylim(middle - half, middle + half)
    return figure


def folds(models: dict[str, pd.DataFrame], jitter: float = 0.09) -> Figure:
    """Accuracy on each held-out fold, for one model or two on the same folds.

    Args:
        models: name to a table with the columns `fold`, `n`, `accuracy` and perhaps `seed`: a
            point a row, a line between the means of the first and the second model in a fold.
        jitter: distance between neighbouring seeds, in folds.
    """
    figure, axes = new(7, 3.4)
    styles = zip(models.items(), ("o", "s"), (BLUE, ORANGE), strict=False)
    means = []
    for (name, table), marker, colour in styles:
        rank = table.groupby("fold").cumcount()
        size = table.groupby("fold")["fold"].transform("size")
        places = table["fold"] + (rank - (size - 1) / 2) * jitter * (size > 1)
        mean = table.groupby("fold")["accuracy"].mean()
        words = f"{name}, mean {mean.mean():.1%}"
        axes.plot(places, table["accuracy"], marker, color=colour, alpha=0.75, label=words)
        axes.axhline(mean.mean(), color=colour, linestyle="-" if marker == "o" else "--")
        means.append(mean)
    if len(means) == 2:
        axes.vlines(means[0].index, *means, color=GREY, linestyle=":", zorder=0)
    sizes = table.groupby("fold")["n"].first()
    axes.set_xticks(sizes.index, [f"fold {fold}\nn = {n:,}" for fold, n in sizes.items()])
    axes.set(ylabel="accuracy on the held-out fold", xlim=(-0.4, len(sizes) - 0.6))
    # As in `learning_curves`: no hills of noise.
    middle, half = np.mean(axes.get_ylim()), max(0.05, np.ptp(axes.get_ylim()) * 0.6)
    axes.set_ylim(middle - half, middle + half)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.2), ncols=2, frameon=False)
    return figure


def bars(
    axes: Axes, labels: Sequence[str], values: Sequence[float], written: str = "{:.0%}"
) -> None:
    """Horizontal bars from top to bottom, each with its value written at its end."""
    places = np.arange(len(labels))[::-1]
    drawn = axes.barh(places, values, color=BLUE)
    axes.bar_label(drawn, [written.format(v) for v in values], padding=3)
    axes.set_yticks(places, labels)
    axes.margins(x=0.15)
    axes.grid(False)
