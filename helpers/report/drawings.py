"""The figures of a report, each with the words that say what is seen in it."""

from collections.abc import Iterable

import numpy as np
from matplotlib.figure import Figure

from helpers import files, metrics, plots
from helpers.report.results import Result, as_number, per_class, scores, with_intervals
from helpers.report.several import mistakes_in_words

DRAWN_CLASSES = 12


def draw_scores(result: Result) -> tuple[Figure, str]:
    """The first figure of each model as a point with its interval, and the same in words."""
    table = scores(result)
    name, low, high = table.columns[:3]
    figure, axes = plots.new(5.6, 0.6 * len(table) + 1)
    marks = zip("osD^v" * 9, plots.colours_of([*table.index]), table.iterrows(), strict=False)
    for place, (marker, colour, (_, row)) in enumerate(marks):
        axes.plot([row[low], row[high]], [place, place], "-", color=colour)
        axes.plot(row[name], place, marker, color=colour)
    axes.set_yticks(range(len(table)), drawable(table.index))
    axes.set_ylim(len(table) - 0.5, -0.5)
    axes.set_xlabel(f"{name} on {len(result.labels):,} test texts, with 95 % interval")
    said = (f"{model} {words}" for model, words in with_intervals(table)[name].items())
    return figure, f"{name} of each model: {'; '.join(said)}."


def draw_errors(result: Result) -> tuple[Figure, str]:
    """Which class is taken for which, or which number for which, and the same in words."""
    model, names = result.outputs[result.model], result.mine.names
    if result.mine.multi_label:
        return draw_labels(result)
    if names is None:
        figure, axes = plots.new(5, 4)
        axes.plot(result.labels, model[:, 0], "o", color=plots.BLUE, alpha=0.5)
        axes.axline((result.labels.mean(),) * 2, slope=1, color=plots.GREY, linestyle=":")
        axes.set(xlabel="label", ylabel="prediction")
        low, high, least, most = (f(x) for x in (model[:, 0], result.labels) for f in (min, max))
        return figure, (
            f"Predictions from {as_number(low)} to {as_number(high)} over labels from "
            f"{as_number(least)} to {as_number(most)}; on the dotted line both are equal."
        )
    matrix = metrics.confusion_matrix(result.labels, model.argmax(axis=1), len(names))
    if len(names) > DRAWN_CLASSES:
        figure = bars_of(result, "recall")
    else:
        figure = plots.confusion(matrix, drawable(names))
    return figure, errors_in_words(matrix, names)


def bars_of(result: Result, name: str, written: str = "{:.0%}") -> Figure:
    """A figure of `per_class` as one bar for each class, the lowest on top."""
    values = per_class(result)[name].dropna().sort_values()
    figure, axes = plots.new(8, 0.25 * len(values) + 1)
    plots.bars(axes, drawable(values.index), values.tolist(), written)
    axes.set(xlabel=name, ylim=(-0.6, len(values) - 0.4))
    return figure


def draw_labels(result: Result) -> tuple[Figure, str]:
    """F1 of each of several labels, and what is most often missing or superfluous in words."""
    given = result.given(result.model)
    words = mistakes_in_words(result.labels, given, result.mine.names)
    return bars_of(result, "F1", "{:.2f}"), words


def errors_in_words(matrix: np.ndarray, names: list[str]) -> str:
    """The class that is found least, and the mistake made most, of a confusion matrix (C, C)."""
    wrong, total = matrix - np.diag(np.diag(matrix)), matrix.sum()
    if not wrong.any():
        return f"All {total:,} test texts are on the diagonal: none is wrong."
    recall = np.diag(matrix) / np.where(matrix.sum(axis=1), matrix.sum(axis=1), np.nan)
    least, (label, taken) = np.nanargmin(recall), np.unravel_index(wrong.argmax(), wrong.shape)
    found = f"{matrix[least, least]:,} of its {matrix[least].sum():,} texts"
    times = f"{wrong.max():,} times" if wrong.max() > 1 else "once"
    return (
        f"{wrong.sum():,} of {total:,} test texts are wrong. Recall is lowest for {names[least]} "
        f"({found}); most often {names[label]} is taken for {names[taken]} ({times})."
    )


def drawable(names: Iterable[str], most: int = 24) -> list[str]:
    """Names short enough for an axis, cut in the middle; their dollar signs start no formula."""
    half = most // 2
    seen = (files.shown(" ".join(name.split())) for name in names)
    short = (n if len(n) <= most else f"{n[:half]}…{n[1 - half :]}" for n in seen)
    return [name.replace("$", r"\$") for name in short]
