"""Every figure of the course in one style: readable in grey and by a colour-blind reader."""

import base64
import html
import io
import re
import textwrap
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from helpers import files, metrics

# Okabe and Ito's colours, ordered so that neighbours also differ in lightness.
BLUE, ORANGE, GREEN, BLACK, SKY, GREY, RED, PURPLE = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#000000",
    "#56B4E9",
    "#999999",
    "#D55E00",
    "#CC79A7",
)
# One colour for each model and each part of the data, in the whole course.
FINE_TUNED, FROZEN, TF_IDF, RANDOM_WEIGHTS, HUMAN, CHANCE = BLUE, GREEN, ORANGE, GREY, PURPLE, BLACK
TRAINING, VALIDATION = SKY, RED
CAUSAL = RED  # the language model of notebook 12, trained or prompted
ROLES = {  # a model's name begins with one of these
    "fine-tun": FINE_TUNED,
    "frozen": FROZEN,
    "tf-idf": TF_IDF,
    "random weights": RANDOM_WEIGHTS,
    "smollm2": CAUSAL,
    "few-shot": CAUSAL,
    "zero-shot": CAUSAL,
    "human": HUMAN,
    "chance": CHANCE,
}
LIGHT_TEXT_FROM = 0.72  # of `Blues`: from here on white is easier to read on it than black
ROOMY = 4  # so many classes have room for their names along the axes, and for zeros
LINE_STYLES = ("-", "--", ":", "-.")
CROWD = 600  # so many markers are drawn as one picture of dots: each would be an element of its own
DOTS = 200  # an inch, where a vector figure holds dots
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
# Letters as outlines look the same everywhere; names of elements that do not change by chance.
VECTOR = {"svg.fonttype": "path", "svg.hashsalt": "sft-unveiled"}
LINES_JOIN = "stroke-linejoin: round; stroke-linecap: butt"  # what matplotlib says of every element
NOTHING_OF_TODAY = {"Date": None, "Creator": None, "Format": None, "Type": None}


def new(
    width: float = 7, height: float = 3.2, columns: int = 1, **options
) -> tuple[Figure, np.ndarray]:
    """An empty figure in the course's style.

    Args:
        width, height: inches; 7 of them are 672 pixels wide in a notebook.
        columns: number of panels side by side.

    Returns:
        The figure and its axes; one `Axes` if there is one panel, else an array of them.
    """
    with plt.rc_context(STYLE):
        return plt.subplots(1, columns, figsize=(width, height), **options)


def png_base64(figure: Figure, dpi: int = 100) -> str:
    """A figure as a PNG in base64, which HTML and notebooks can embed. The figure is closed.

    The same figure gives the same bytes: no date and no version is written into it.
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    plt.close(figure)
    return base64.b64encode(buffer.getvalue()).decode()


def svg(figure: Figure) -> str:
    """A figure as SVG on a white ground, sharp at any size. The figure is closed.

    The same figure gives the same text on the same machine: no date, no version, no chance.
    """
    draw_crowds_as_dots(figure)
    buffer = io.StringIO()
    with plt.rc_context(VECTOR):
        figure.savefig(buffer, format="svg", dpi=DOTS, metadata=NOTHING_OF_TODAY)
    plt.close(figure)
    return tidied(buffer.getvalue())


def tidied(drawn: str) -> str:
    """An SVG of matplotlib's in long lines, and without a rule that would hold for other SVGs."""
    drawn = re.sub(
        r"\s*<metadata>.*?</metadata>", "", drawn[drawn.index("<svg") :], flags=re.DOTALL
    )
    drawn = re.sub(r"\s*<defs>\s*<style[^>]*>\*\{(.*?)\}</style>\s*</defs>", "", drawn, count=1)
    drawn = drawn.replace("<svg", f'<svg style="{LINES_JOIN}"', 1)
    return re.sub(r"\s*\n\s*(?=[A-Za-z\d\"])", " ", re.sub(r"\n +<", "\n<", drawn))


def draw_crowds_as_dots(figure: Figure) -> None:
    """Let what has more than `CROWD` markers be one picture inside the vector figure."""
    for axes in figure.axes:
        for line in axes.lines:
            marked = line.get_marker() not in ("None", "none", "", " ", None)
            if marked and len(line.get_xdata()) > CROWD:
                line.set_rasterized(True)
        for points in axes.collections:
            if len(points.get_offsets()) > CROWD:
                points.set_rasterized(True)


def show(figure: Figure, words: str) -> None:
    """Display a figure together with words that say what is seen in it.

    The words are stored as the output's plain text and as the picture's alternative text, and
    can be compared by a test.
    """
    show_svg(svg(figure), words)


def show_svg(picture: str, words: str) -> None:
    """Display a picture, with its words for who cannot see it."""
    display(
        {"image/svg+xml": picture, "text/plain": words},
        metadata={"image/svg+xml": {"alt": words}},
        raw=True,
    )


def drawing(name: str) -> None:
    """Display one of the course's drawings, with its words for who cannot see it.

    Args:
        name: of the file in `notebooks/drawings`, without its ending.

    Raises:
        FileNotFoundError: if there is no such drawing; the message lists those that exist.
    """
    path = files.drawings_folder() / f"{name}.svg"
    if not path.is_file():
        names = ", ".join(sorted(other.stem for other in path.parent.glob("*.svg")))
        raise FileNotFoundError(f"There is no drawing '{name}'. There are: {names}.")
    picture = path.read_text(encoding="utf8")
    words = " ".join(re.search(r"<desc[^>]*>(.*?)</desc>", picture, re.DOTALL)[1].split())
    show_svg(picture, html.unescape(words))


def colours_of(names: Sequence[str]) -> list[str]:
    """A colour for each model: that of its role, or the next one that none of them has.

    Args:
        names: of the models, such as "frozen features"; case makes no difference.
    """
    known = [next((ROLES[r] for r in ROLES if name.lower().startswith(r)), None) for name in names]
    free = iter([c for c in (BLUE, ORANGE, GREEN, BLACK, PURPLE, RED) if c not in known])
    return [colour or next(free, GREY) for colour in known]


def learning_curves(
    history: pd.DataFrame, metric: str = "accuracy", loss: str = "loss", title: str = ""
) -> Figure:
    """Loss and validation metric over the epochs of a training run.

    Args:
        history: one row per epoch: `epoch`, `train_loss`, `validation_loss` and the metric.
        metric: column to draw on the right; its axis spans at least 0.1.
        loss: what the losses are, for their axis, such as "cross-entropy (nats)".
        title: the figure's message, above both panels.
    """
    figure, (left, right) = new(8, 3.2, columns=2)
    with plt.rc_context(STYLE):
        for part, style, colour in (("train", "-o", TRAINING), ("validation", "--s", VALIDATION)):
            label = "training" if part == "train" else part
            left.plot(history["epoch"], history[f"{part}_loss"], style, color=colour, label=label)
        left.set(xlabel="epoch", ylabel=loss, xticks=history["epoch"])
        left.legend()
        right.plot(history["epoch"], history[metric], "--s", color=VALIDATION)
        right.set(xlabel="epoch", ylabel=f"validation {metric}", xticks=history["epoch"])
        # An axis as narrow as the noise would make hills of it.
        middle, half = np.mean(right.get_ylim()), max(0.05, np.ptp(right.get_ylim()) / 2)
        right.set_ylim(middle - half, middle + half)
        figure.suptitle(title)
    return figure


def losses(history: pd.DataFrame) -> Figure:
    """Training and validation loss over the epochs of a run, without a metric.

    Args:
        history: one row per epoch: `epoch`, `train_loss`, `validation_loss`.
    """
    figure, axes = new(6, 2.4)
    for part, style, colour in (("train", "-o", TRAINING), ("validation", "--s", VALIDATION)):
        label = "training" if part == "train" else part
        axes.plot(history["epoch"], history[f"{part}_loss"], style, color=colour, label=label)
    axes.set(xlabel="epoch", ylabel="loss", xticks=history["epoch"], ylim=(0, None))
    axes.legend()
    return figure


def folds(models: dict[str, pd.DataFrame], jitter: float = 0.09) -> Figure:
    """Accuracy on each held-out fold, for one model or two on the same folds.

    Args:
        models: name to a table with the columns `fold`, `n`, `accuracy` and perhaps `seed`: a
            point a row, a line between the means of the first and the second model in a fold.
        jitter: distance between neighbouring seeds, in folds.
    """
    figure, axes = new(7, 3.4)
    styles = zip(models.items(), ("o", "s"), colours_of(list(models)), strict=False)
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


def ratios(axes: Axes, table: pd.DataFrame, ends: tuple[float, float]) -> None:
    """A forest plot of ratios: in each row a point, its interval, and how large it is in words.

    A line stands at 1, no difference. What is in grey has an interval that holds 1.

    Args:
        table: `mean`, `low` and `high`; the index names the rows, from top to bottom.
        ends: of the axis, which is logarithmic.
    """
    axes.axvline(1, color=BLACK, lw=1, zorder=0)
    for place, (low, mean, high) in enumerate(table[["low", "mean", "high"]].to_numpy()):
        colour = GREY if low <= 1 <= high else BLUE
        axes.plot([low, high], [place, place], "-", color=colour, lw=3)
        axes.plot(mean, place, "o", color=colour, ms=7)
        words = f"{mean:.2f} ({low:.2f} to {high:.2f})"
        axes.text(1.02, place, words, transform=axes.get_yaxis_transform(), va="center")
    axes.set_xscale("log")
    ticks = [tick for tick in (0.25, 0.5, 1, 1.5, 2, 3, 4) if ends[0] <= tick <= ends[1]]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_xticks([], minor=True)
    axes.set_xlim(ends)
    name_rows(axes, table.index)


def bars(
    axes: Axes,
    labels: Sequence[str],
    values: Sequence[float],
    written: str = "{:.0%}",
    colours: str | Sequence[str] = BLUE,
) -> None:
    """Horizontal bars from top to bottom, each with its value written at its end.

    Args:
        labels, values: of the bars, as many of the one as of the other.
        written: how a value is written.
        colours: one for all bars, or one for each, as from `colours_of(labels)`.
    """
    places = np.arange(len(labels))[::-1]
    drawn = axes.barh(places, values, color=colours)
    axes.bar_label(drawn, [written.format(v) for v in values], padding=3)
    axes.set_yticks(places, labels)
    axes.margins(x=0.15)
    axes.grid(False)


def forest(
    axes: Axes,
    table: pd.DataFrame,
    colour: str = BLUE,
    hollow: bool = False,
    shift: float = 0,
) -> None:
    """A point and its interval in each row of a table, from top to bottom, and a line at zero.

    A second call with another `shift` draws beside the first one.

    Args:
        table: `mean`, `low` and `high`; a row of NaN stays empty. The index names the rows.
        colour: of points and intervals.
        hollow: points without a filling, intervals dashed.
        shift: how far below the middle of its row everything is drawn, in rows.
    """
    places = np.arange(len(table)) + shift
    axes.axvline(0, color=GREY, lw=1, zorder=0)
    style = {"color": colour, "ls": "--" if hollow else "-", "lw": 1.6}
    axes.hlines(places, table["low"], table["high"], **style)
    axes.plot(table["mean"], places, "o", color=colour, mfc="white" if hollow else colour, ms=6)
    names = [f"{name:,}" if isinstance(name, int) else str(name) for name in table.index.tolist()]
    name_rows(axes, names)


def model_forests(tables: dict[str, pd.DataFrame], title: str, xlabel: str) -> Figure:
    """Forest plots side by side with a row for each model, in the model's colour, from 0 to 100.

    Args:
        tables: the heading of each panel, and its table: `mean`, `low`, `high`, the models as its
            index, the same in each.
        title: the figure's message, above all panels.
        xlabel: what the points are.
    """
    rows = max(map(len, tables.values()))
    size = (2.4 + 2.6 * len(tables), 1.3 + 0.35 * rows)
    figure, panels = new(*size, len(tables), sharex=True, sharey=True, squeeze=False)
    for panel, (heading, table) in zip(panels[0], tables.items(), strict=True):
        for place, colour in enumerate(colours_of(table.index)):
            forest(panel, table.iloc[[place]], colour, shift=place)
        name_rows(panel, list(table.index))
        panel.set_xlim(0, 100)
        panel.set_title(heading if len(tables) > 1 else "", fontsize=11)
    figure.supxlabel(xlabel, fontsize=11)
    figure.suptitle(title)
    return figure


def name_rows(axes: Axes, names: Sequence[str]) -> None:
    """Rows at 0, 1, 2, … from top to bottom, each with its name on the left."""
    axes.set_yticks(np.arange(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(False, axis="y")


def forests(
    tables: dict[str, pd.DataFrame],
    title: str,
    xlabel: str,
    colour: str = BLUE,
    hollow: dict[str, pd.DataFrame] | None = None,
) -> Figure:
    """Forest plots side by side, as of `forest`, on one scale and with the same rows.

    Args:
        tables: the heading of each panel, and its table.
        title: the figure's message, above all panels.
        xlabel: what the points are.
        colour: of points and intervals.
        hollow: tables for the second points of the panels, if there are any.
    """
    size = (2.4 + 2 * len(tables), 1.5 + 0.3 * max(map(len, tables.values())))
    figure, panels = new(*size, len(tables), sharex=True, sharey=True, squeeze=False)
    for panel, (name, table) in zip(panels[0], tables.items(), strict=True):
        forest(panel, table, colour, shift=-0.14)
        if hollow:
            forest(panel, hollow[name], colour, hollow=True, shift=0.14)
        else:  # the points stand alone, so the names are moved to them
            panel.set_yticks(np.arange(len(table)) - 0.14, [str(name) for name in table.index])
        panel.set_title(name, fontsize=11)
    figure.supxlabel(xlabel, fontsize=11)
    figure.suptitle(title)
    return figure


def word_scores(
    words: Sequence[str], scores: dict[str, Sequence[float]], title: str = ""
) -> Figure:
    """The words of a sentence over squares coloured by their scores, a row for each method.

    Blue speaks for the answer and red against it. Each row has a scale of its own, since methods
    have different units: its largest score, whatever its sign, has the full colour.

    Args:
        words: of the sentence.
        scores: by method, one score for each word.
        title: the figure's message.
    """
    figure, axes = new(1.6 + 0.62 * len(words), 0.95 + 0.36 * len(scores))
    for row, values in enumerate(scores.values()):
        values = np.asarray(values, dtype=float)
        depth = abs(values) / (abs(values).max() or 1)
        for place, (value, alpha) in enumerate(zip(values, depth, strict=True)):
            corner, colour = (place - 0.48, row - 0.46), BLUE if value >= 0 else RED
            axes.add_patch(plt.Rectangle(corner, 0.96, 0.92, fc=colour, alpha=0.9 * alpha, lw=0))
            axes.add_patch(plt.Rectangle(corner, 0.96, 0.92, fill=False, ec=GREY, lw=0.6))
    axes.xaxis.tick_top()
    axes.set_xticks(range(len(words)), words, rotation=40, ha="left", rotation_mode="anchor")
    axes.set_xlim(-0.5, len(words) - 0.5)
    name_rows(axes, list(scores))
    axes.tick_params(length=0)
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    figure.suptitle(title)
    return figure


def mean_band(
    axes: Axes, rows: pd.DataFrame, at: str, value: str, name: str, marker: str = "o"
) -> None:
    """The mean over the draws as a line, and behind it a band from the lowest to the highest draw.

    The band is no interval: it shows the draws that there are.

    Args:
        rows: one row for each draw at each place.
        at, value: columns: the place, and what is drawn there.
        name: of the model, for legend and colour.
        marker: of the means.
    """
    (colour,) = colours_of([name])
    groups = rows.groupby(at)[value]
    axes.plot(groups.mean(), marker=marker, color=colour, label=name)
    axes.fill_between(
        groups.mean().index, groups.min(), groups.max(), color=colour, alpha=0.18, lw=0
    )


def confusion(matrix: np.ndarray, names: Sequence[str]) -> Figure:
    """A confusion matrix: counts, and in brackets the share of the row. It fits on one screen.

    Args:
        matrix: from `metrics.confusion_matrix`: rows are labels, columns predictions, (C, C).
        names: of the C classes. With more than `ROOMY` of them cells of 0 stay empty.
    """
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    many, room = len(names) > ROOMY, 0.09 * max(map(len, names))
    size = (1.3 + room + 0.72 * len(names), 1.2 + 0.7 * room + 0.5 * len(names))
    if not many:
        size = (1.6 + 1.3 * len(names), 1.2 + 0.9 * len(names))
    if len(names) <= 12:  # seen at once on a projector
        size = (min(9, size[0]), min(5.4, size[1]))
    figure, axes = new(*size)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (row, column), count in np.ndenumerate(matrix):
        colour = "white" if shares[row, column] >= LIGHT_TEXT_FROM else "black"
        text = "" if many and not count else f"{count:,}\n({shares[row, column]:.0%})"
        axes.text(
            column, row, text, ha="center", va="center", color=colour, fontsize=8 if many else 11
        )
    slanted = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if many else {}
    axes.set_xticks(range(len(names)), names, **slanted)
    axes.set_yticks(range(len(names)), names, rotation=0 if many else 90, va="center")
    axes.set(xlabel="predicted", ylabel="label", title=f"n = {matrix.sum():,}")
    axes.grid(False)
    return figure


Scored = dict[str, tuple[metrics.Values, metrics.Values]]


def roc_band(
    labels: metrics.Values, scores: metrics.Values, resamples: int = 500, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Limits of the true positive rate at each false positive rate by itself (pointwise).

    Returns:
        false positive rates, and the 2.5 and 97.5 % quantiles of the true positive rate there
        over bootstrap samples of the rows, drawn within each class: three arrays (101,).
    """
    labels, scores = np.asarray(labels), np.asarray(scores)
    rng, grid, rates = np.random.default_rng(seed), np.linspace(0, 1, 101), []
    classes = [np.flatnonzero(labels == label) for label in (0, 1)]
    for _ in range(resamples):
        rows = np.concatenate([rng.choice(rows, len(rows)) for rows in classes])
        false_positive_rate, true_positive_rate, _ = metrics.roc_curve(labels[rows], scores[rows])
        rates.append(np.interp(grid, false_positive_rate, true_positive_rate))
    low, high = np.quantile(rates, [0.025, 0.975], axis=0)
    return grid, low, high


def roc(scored: Scored, band: bool = True) -> Figure:
    """ROC curves, each with its AUC, and a band of 95 % around the first.

    Args:
        scored: name to (labels, scores), each of shape (n,).
        band: whether to draw `roc_band`.
    """
    figure, axes = new(5, 4.2)
    with plt.rc_context(STYLE):
        for number, (name, (labels, scores)) in enumerate(scored.items()):
            false_positive_rate, true_positive_rate, _ = metrics.roc_curve(labels, scores)
            text = f"{name}: AUC {metrics.auc(labels, scores):.3f}, n = {len(labels):,}"
            axes.plot(false_positive_rate, true_positive_rate, label=text)
            if band and number == 0:
                grid, low, high = roc_band(labels, scores)
                axes.fill_between(grid, low, high, color=SKY, alpha=0.3, lw=0, label="95 % band")
        axes.plot([0, 1], [0, 1], ":", color=CHANCE, label="coin: AUC 0.5")
        axes.set(xlabel="false positive rate", ylabel="true positive rate (recall)")
        axes.legend(loc="lower right", fontsize=9)
    return figure


def precision_recall(scored: Scored) -> Figure:
    """Precision over recall, each curve with its average precision and the share of positives.

    Args:
        scored: name to (labels, scores), each of shape (n,).
    """
    figure, axes = new(5, 4.2)
    with plt.rc_context(STYLE):
        for name, (labels, scores) in scored.items():
            precisions, recalls, _ = metrics.precision_recall_curve(labels, scores)
            area = metrics.average_precision(labels, scores)
            text = f"{name}: AP {area:.2f}, n = {len(labels):,}"
            (line,) = axes.plot(recalls, precisions, drawstyle="steps-pre", label=text)
            axes.axhline(np.mean(labels), color=line.get_color(), ls=":", lw=1)
        axes.set(xlabel="recall", ylabel="precision", ylim=(0, 1.03))
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), fontsize=9)
    return figure


def reliability(judged: Scored, title: str = "", bins: int = 10) -> Figure:
    """Share of events over the probability given: a panel for each model.

    A dot is a bin, the larger the more cases it holds, with a 95 % interval of its share; a line
    leads from the dot to the diagonal, where the model would say what happens.

    Args:
        judged: name to (events, probabilities), each of shape (n,).
        title: the figure's message, above all panels.
        bins: number of equal parts of 0 … 1.
    """
    figure, panels = new(3.5 * len(judged), 3.9, len(judged), sharey=True, squeeze=False)
    with plt.rc_context(STYLE):
        for axes, (name, (events, probabilities)) in zip(panels[0], judged.items(), strict=True):
            table = metrics.reliability_table(events, probabilities, bins)
            said, happened = table["probability"], table["share"]
            axes.plot([0, 1], [0, 1], "-", color=GREY, lw=1)
            axes.vlines(said, said, happened, color=ORANGE, lw=4)
            axes.vlines(said, *metrics.wilson(happened * table["n"], table["n"]), color=BLUE, lw=1)
            axes.scatter(said, happened, 10 + 700 * table["n"] / len(events), color=BLUE, zorder=3)
            error = metrics.expected_calibration_error(events, probabilities, bins)
            axes.set(title=f"{name}: ECE {error:.3f}", xlabel="probability given to positive")
        panels[0, 0].set(ylabel="share that is positive")
        figure.suptitle(title)
    return figure


def show_sentences(table: pd.DataFrame) -> None:
    """Display a table whose texts are whole and wrap, where pandas would cut them off.

    Args:
        table: a sentence in its last column; the others are short.
    """
    cell = 'style="text-align: left; vertical-align: top; white-space: normal"'
    with pd.option_context("display.max_colwidth", None):
        page = table.to_html(index=False, border=0)
    page = page.replace("<td>", f"<td {cell}>").replace("<th>", f"<th {cell}>")
    lines = [", ".join(table.columns)]
    for row in table.itertuples(index=False):
        lines += textwrap.wrap(" | ".join(map(str, row)), 90, subsequent_indent="    ")
    display({"text/html": page, "text/plain": "\n".join(lines)}, raw=True)
