"""The figures of a report, each with the words that say what is seen in it."""

from collections.abc import Iterable

from matplotlib.figure import Figure

from helpers import metrics, plots
from helpers.report.results import Result, as_number, per_class, scores, with_intervals

DRAWN_CLASSES = 12


def draw_scores(result: Result) -> tuple[Figure, str]:
    """The first figure of each model as a point with its interval, and the same in words."""
    table = scores(result)
    name, low, high = table.columns[:3]
    figure, axes = plots.new(7, 0.6 * len(table) + 1)
    for place, (marker, (_, row)) in enumerate(zip("osD^v" * 9, table.iterrows(), strict=False)):
        axes.plot([row[low], row[high]], [place, place], "-", color=plots.BLUE)
        axes.plot(row[name], place, marker, color=plots.BLUE)
    axes.set_yticks(range(len(table)), drawable(table.index))
    axes.set_ylim(len(table) - 0.5, -0.5)
    axes.set_xlabel(f"{name} on {len(result.labels):,} test texts, with 95 % interval")
    said = (f"{model} {words}" for model, words in with_intervals(table)[name].items())
    return figure, f"{name} of each model: {'; '.join(said)}."


def draw_errors(result: Result) -> tuple[Figure, str]:
    """Which class is taken for which, or which number for which, and the same in words."""
    model, names = next(iter(result.outputs.values())), result.mine.names
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
    table = per_class(result)
    if len(names) > DRAWN_CLASSES:
        figure, axes = plots.new(7, 0.25 * len(names) + 1)
        plots.bars(axes, drawable(names), table["recall"].tolist())
        axes.set(xlabel="recall")
    else:
        matrix = metrics.confusion_matrix(result.labels, model.argmax(axis=1), len(names))
        figure = plots.confusion(matrix, drawable(names))
    worst = table["recall"].idxmin()
    return figure, f"Recall is lowest for {worst}: {table.loc[worst, 'recall']:.0%} of its texts."


def drawable(names: Iterable[str]) -> list[str]:
    """Names short enough for an axis, with dollar signs that start no formula."""
    short = (name if len(name) <= 16 else f"{name[:15]}…" for name in names)
    return [name.replace("$", r"\$") for name in short]
