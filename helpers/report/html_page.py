"""One page for people: filled from computed values, and inert."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from helpers import own_data, plots
from helpers.report.drawings import draw_errors, draw_scores
from helpers.report.results import (
    Result,
    as_number,
    comparison,
    differences,
    errors,
    per_class,
    scores,
    with_intervals,
)
from helpers.report.templating import filled
from helpers.report.wording import (
    explained,
    explained_differences,
    limits,
    settings,
    sizes,
    worst,
)

LISTED_ROWS, LISTED_ERRORS, LISTED_CHARACTERS = 100, 10, 300
LONG = 30  # characters from which on a cell gets a minimum width
FITS_A_PHONE = 6  # inches: a wider figure could not be read if it were narrowed to a phone


class Picture(NamedTuple):
    """A figure for the template: its PNG in base64, its description, whether it may scroll."""

    png: str
    words: str
    large: bool


class Cell(NamedTuple):
    """A table's cell for the template: its text, its CSS class, and whether it is a text."""

    text: str
    kind: str = ""
    is_text: bool = True


@dataclass(frozen=True)
class HtmlTable:
    """A table for the template: the columns' names, and a list of cells per row."""

    columns: list[str]
    rows: list[list[Cell]]


def picture(figure: Figure, words: str) -> Picture:
    """A figure, which is closed, and the words that describe it."""
    large = figure.get_figwidth() > FITS_A_PHONE
    return Picture(plots.png_base64(figure), words, large)


def cell(value: object, is_figure: bool = False) -> Cell:
    """A table's cell: cut to a readable length, and harmless if pasted into a spreadsheet."""
    if isinstance(value, float | np.floating):
        return Cell(as_number(value), is_text=False)
    text = str(value)
    cut = text[:LISTED_CHARACTERS] + "…" * (len(text) > LISTED_CHARACTERS)
    kind = "figure" if is_figure else "long" if len(cut) > LONG else ""
    return Cell(own_data.inert(cut), kind)


def listed(table: pd.DataFrame) -> HtmlTable:
    """The rows of a table, without its index."""
    rows = [[cell(value) for value in row] for row in table.itertuples(index=False)]
    return HtmlTable([str(name) for name in table.columns], rows)


def figures(table: pd.DataFrame) -> HtmlTable:
    """A table of figures: the index first, then each figure with its interval in one cell."""
    table = with_intervals(table)
    rows = [
        [cell(name), *(cell(value, is_figure=True) for value in values)]
        for name, *values in table.itertuples()
    ]
    return HtmlTable(["", *map(str, table.columns)], rows)


def page(result: Result) -> str:
    """The report: one HTML page that needs no other file and runs nothing."""
    mine, compared = result.mine, len(result.outputs) > 1
    return filled(
        "page.html.j2",
        title=f"What a model of {mine.file} is worth",
        date=result.date,
        sizes=sizes(result),
        comparison=comparison(result),
        scores_picture=picture(*draw_scores(result)),
        scores=figures(scores(result)),
        explained=explained(result),
        differences=figures(differences(result)) if compared else None,
        differences_explained=explained_differences(result) if compared else None,
        errors_picture=picture(*draw_errors(result)),
        per_class=figures(per_class(result)) if mine.names else None,
        worst=worst(result),
        worst_errors=listed(errors(result).head(LISTED_ERRORS)),
        limits=limits(result),
        dropped_count=len(mine.dropped),
        dropped=listed(mine.dropped.head(LISTED_ROWS)),
        unlisted=len(mine.dropped) - LISTED_ROWS,
        notes=mine.notes or ["nothing"],
        settings=settings(result),
    )


def write_page(result: Result, target: Path | str) -> None:
    """Write `page`; the file is complete or not there. It quotes texts: mind who may read them.

    Raises:
        own_data.FileError: the name belongs to another file, or it cannot be written.
    """
    with own_data.replacing(Path(target)) as file:
        file.write(page(result))
