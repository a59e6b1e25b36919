"""One page for people: filled from computed values, and inert."""

import base64
import html
import io
from collections.abc import Iterable
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from helpers import own_data
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
from helpers.report.wording import explained, limits, settings, sizes, told_apart

LISTED_ROWS, LISTED_ERRORS, LISTED_CHARACTERS = 100, 10, 300
LONG = 30  # characters of a cell that wants room
FITS_A_PHONE = 6  # inches: a figure so wide can still be read when it is made narrower
# What is too wide for a phone scrolls by itself; paper cannot scroll, so there it is made narrower.
STYLE = """:root{color-scheme:light dark}
body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em;
color:#111;background:#fff;overflow-wrap:break-word}
.wide{overflow-x:auto;margin:1em 0}figure{margin:1em 0}img{max-width:100%;height:auto}
.large{max-width:max(100%,42em)}
table{border-collapse:collapse}th,td{border:1px solid #bbb;padding:.3em .6em;text-align:left;
vertical-align:top;max-width:34em}.long{min-width:15em}.figure{white-space:nowrap}
@media(max-width:40em){body{font-size:14px;margin:1em auto}td,th{padding:.2em .3em}
.figure{white-space:normal}}
@media(prefers-color-scheme:dark){body{color:#ddd;background:#161616}th,td{border-color:#666}}
@media print{:root{color-scheme:light}body{font-size:10pt;max-width:none;margin:0;padding:0;
color:#000;background:#fff}
.wide{overflow:visible}.large{max-width:100%}.long{min-width:0}tr,figure{break-inside:avoid}
h2{break-after:avoid}}"""
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def picture(figure: Figure, words: str) -> str:
    """A figure as an HTML element that needs no other file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100, metadata={"Software": None})
    plt.close(figure)
    data = base64.b64encode(buffer.getvalue()).decode()
    size = ' class="large"' if figure.get_figwidth() > FITS_A_PHONE else ""
    image = f'<img{size} src="data:image/png;base64,{data}" alt="{html.escape(words)}">'
    caption = f'<figcaption aria-hidden="true">{html.escape(words)}</figcaption>'
    return f'<figure><div class="wide">{image}</div>{caption}</figure>'


def cell(value: object, is_figure: bool = False) -> str:
    """A table's cell: text escaped, cut, and harmless if pasted into a spreadsheet."""
    if isinstance(value, float | np.floating):
        return f"<td>{as_number(value)}</td>"
    text = str(value)
    cut = text[:LISTED_CHARACTERS] + "…" * (len(text) > LISTED_CHARACTERS)
    kind = ' class="figure"' if is_figure else ' class="long"' if len(cut) > LONG else ""
    return f'<td dir="auto"{kind}>{html.escape(own_data.inert(cut))}</td>'


def as_html(table: pd.DataFrame, index: bool = False) -> str:
    """A table as HTML, every text escaped; figures (with `index`) have their intervals."""
    if table.empty:
        return "<p>none</p>"
    table = with_intervals(table).reset_index(names="") if index else table
    names = "".join(f'<th scope="col">{html.escape(str(name))}</th>' for name in table.columns)
    lines = [
        "".join(cell(value, index and place > 0) for place, value in enumerate(row))
        for row in table.itertuples(index=False)
    ]
    body = "".join(f"<tr>{line}</tr>" for line in [names, *lines])
    return f'<div class="wide"><table>{body}</table></div>'


def as_list(lines: Iterable[str]) -> str:
    """Lines as an HTML list, escaped."""
    return "<ul>" + "".join(f"<li>{html.escape(line)}</li>" for line in lines) + "</ul>"


def against_others(result: Result) -> str:
    """The differences as HTML, with what they say."""
    table = as_html(differences(result), index=True)
    return f"<p>{html.escape(told_apart(result))}</p>" + table


def page(result: Result) -> str:
    """The report: one HTML page that needs no other file and runs nothing."""
    title = html.escape(f"What a model of {result.mine.file} is worth")
    dropped = result.mine.dropped
    more = len(dropped) - LISTED_ROWS
    blocks = [
        f"<h1>{title}</h1><p>{html.escape(sizes(result))} {result.date}</p>",
        f"<p><b>{html.escape(comparison(result))}</b></p>",
        picture(*draw_scores(result)) + as_html(scores(result), index=True),
        f"<p>{html.escape(explained(result))}</p>",
        against_others(result) if len(result.outputs) > 1 else "",
        "<h2>Where it is wrong</h2>" + picture(*draw_errors(result)),
        as_html(per_class(result), index=True) if result.mine.names else "",
        "<h2>The worst errors</h2>" + as_html(errors(result).head(LISTED_ERRORS)),
        "<h2>What this does not say</h2>" + as_list(limits(result)),
        f"<h2>Rows left out ({len(dropped):,})</h2>" + as_html(dropped.head(LISTED_ROWS)),
        f"<p>{more:,} more are not listed here.</p>" if more > 0 else "",
        "<h2>Kept, with a remark</h2>" + as_list(result.mine.notes or ["nothing"]),
        "<h2>How it was made</h2>" + as_list(settings(result)),
    ]
    head = f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    head += '<meta name="viewport" content="width=device-width, initial-scale=1">'
    head += f"<title>{title}</title><style>{STYLE}</style>"
    body = "".join(blocks)
    return f'<!DOCTYPE html><html lang="en"><head>{head}</head><body>{body}</body></html>'


def write_page(result: Result, target: Path | str) -> None:
    """Write `page`; the file is complete or not there. It quotes texts: mind who may read them."""
    with own_data.replacing(Path(target)) as file:
        file.write(page(result))
