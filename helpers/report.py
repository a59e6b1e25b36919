"""One page for people, one card for the model: filled from computed values, inert."""

import base64
import html
import io
import re
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from huggingface_hub import EvalResult, ModelCardData
from matplotlib.figure import Figure
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from helpers import checkpoints, metrics, new_data, plots, runtime, storage, tables
from helpers.results import Result, comparison, errors, per_class, scores

DRAWN_CLASSES, LISTED_ROWS, LISTED_ERRORS, LISTED_CHARACTERS = 12, 100, 10, 300
STYLE = """body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#111}
table{border-collapse:collapse;margin:1em 0}td,th{border:1px solid #bbb;padding:.3em .6em;
text-align:left;vertical-align:top;max-width:36em;overflow-wrap:break-word}img{max-width:100%}"""
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


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
    said = (f"{i} {r[name]:.2f} ({r[low]:.2f} to {r[high]:.2f})" for i, r in table.iterrows())
    return figure, f"{name} of each model: {'; '.join(said)}."


def draw_errors(result: Result) -> tuple[Figure, str]:
    """Which class is taken for which, or which number for which, and the same in words."""
    model, names = next(iter(result.outputs.values())), result.mine.names
    if names is None:
        figure, axes = plots.new(5, 4)
        axes.plot(result.labels, model[:, 0], "o", color=plots.BLUE, alpha=0.5)
        axes.axline((result.labels.mean(),) * 2, slope=1, color=plots.GREY, linestyle=":")
        axes.set(xlabel="label", ylabel="prediction")
        return figure, "Predictions over labels; on the dotted line both are equal."
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


def picture(figure: Figure, words: str) -> str:
    """A figure as an HTML element that needs no other file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100, metadata={"Software": None})
    plt.close(figure)
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<p><img src="data:image/png;base64,{data}" alt="{html.escape(words)}"></p>'


def cell(value: object) -> str:
    """A table's cell: text escaped, cut, and harmless if pasted into a spreadsheet."""
    if isinstance(value, float | np.floating):
        return f"<td>{value:.3g}</td>"
    text = str(value)
    cut = text[:LISTED_CHARACTERS] + "…" * (len(text) > LISTED_CHARACTERS)
    return f'<td dir="auto">{html.escape(new_data.inert(cut))}</td>'


def as_html(table: pd.DataFrame, index: bool = False) -> str:
    """A table as HTML, every text escaped."""
    table = table.reset_index(names="") if index else table
    head = "".join(f"<th>{html.escape(str(name))}</th>" for name in table.columns)
    rows = "".join(f"<tr>{''.join(map(cell, row))}</tr>" for row in table.itertuples(index=False))
    return f"<table><tr>{head}</tr>{rows}</table>"


def as_list(lines: Iterable[str]) -> str:
    """Lines as an HTML list, escaped."""
    return "<ul>" + "".join(f"<li>{html.escape(line)}</li>" for line in lines) + "</ul>"


def settings(result: Result) -> list[str]:
    """How the model came about: its checkpoint, its dials, the versions."""
    dials = [f"{name} {value}" for name, value in asdict(result.run.config).items()]
    versions = [f"{name} {version}" for name, version in runtime.versions().items()]
    stayed = f"epoch {result.run.best_epoch} of {result.run.epoch} stayed"
    return [f"checkpoint {result.base_model}; {stayed}", ", ".join(dials), ", ".join(versions)]


def sizes(result: Result) -> str:
    """One sentence: how many rows there are, and where they went."""
    mine = result.mine
    parts = ", ".join(f"{part} {len(rows):,}" for part, rows in mine.datasets.items())
    return f"{mine.file}: {mine.rows:,} rows, {len(mine.dropped):,} left out; {parts}."


def limits(result: Result) -> list[str]:
    """What the figures do not say."""
    return [
        "The intervals know the luck of having just these test texts. They do not know the luck of "
        "the training run or of the split.",
        "All parts come from one file. Texts of another time, place or kind may do worse.",
        "A wrong label counts as an error of the model. Read the surest errors: some may be right.",
        "Once you choose by these figures, the test part is used up.",
    ]


def page(result: Result) -> str:
    """The report: one HTML page that needs no other file and runs nothing."""
    title = html.escape(f"What a model of {result.mine.file} is worth")
    dropped = result.mine.dropped
    more = len(dropped) - LISTED_ROWS
    blocks = [
        f"<h1>{title}</h1><p>{html.escape(sizes(result))} {result.date}</p>",
        f"<p><b>{html.escape(comparison(result))}</b></p>",
        picture(*draw_scores(result)) + as_html(scores(result), index=True),
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
    head += f"<title>{title}</title><style>{STYLE}</style>"
    body = "".join(blocks)
    return f'<!DOCTYPE html><html lang="en"><head>{head}</head><body>{body}</body></html>'


def write_page(result: Result, target: Path | str) -> None:
    """Write `page`; the file is complete or not there. It quotes texts: mind who may read them."""
    with tables.replacing(Path(target)) as file:
        file.write(page(result))


def figures_of_card(result: Result) -> list[EvalResult]:
    """The model's own figures as a hub reads them."""
    row = scores(result).iloc[0]
    task = {"task_type": "text-classification", "dataset_type": "csv"}
    task |= {"dataset_name": result.mine.file, "dataset_split": "test"}
    named = {"accuracy": "accuracy", "macro F1": "f1", "mean absolute error": "mae"}
    found = [(kind, row[name]) for name, kind in named.items() if name in row]
    return [EvalResult(**task, metric_type=k, metric_value=round(float(v), 4)) for k, v in found]


def model_card(result: Result, name: str) -> str:
    """A model card in Markdown, with the head that model hubs read. It quotes no text.

    Args:
        name: of the model.
    """
    head = ModelCardData(
        library_name="transformers",
        pipeline_tag="text-classification",
        base_model=result.base_model,
        metrics=[figure.metric_type for figure in figures_of_card(result)],
        model_name=name,
        eval_results=figures_of_card(result),
    )
    names = result.mine.names
    gives = f"one of {len(names)} labels: {', '.join(names)}" if names else "a number"
    blocks = [
        f"---\n{head.to_yaml()}\n---\n\n# {plain(name)}",
        f"Takes a text, gives {plain(gives)}. {result.base_model}, fine-tuned.",
        f"## Data\n{plain(sizes(result))} Who wrote and who labelled the texts: *to be filled in*.",
        f"## Figures on the test part, {len(result.labels):,} texts\n{as_markdown(scores(result))}",
        f"{plain(comparison(result))} Intervals are of 95 %: Wilson for accuracy, else BCa.",
        f"## Each class\n{as_markdown(per_class(result))}" if names else "",
        "## Limits\n" + "\n".join(f"- {line}" for line in limits(result)),
        "## Use\nWhat it is meant for, and what it must not decide alone: *to be filled in*.",
        "## Training\n" + "\n".join(f"- {plain(line)}" for line in settings(result)),
        f"Made on {result.date}. Licence: *to be filled in*; that of the base model applies, too.",
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def plain(text: str) -> str:
    """A text that Markdown shows as it is, in one line."""
    return re.sub(r"([\\`*\[\]<>|#])", r"\\\1", " ".join(text.split()))


def as_markdown(table: pd.DataFrame) -> str:
    """A table in Markdown."""
    lines = [["", *table.columns], ["---"] * (len(table.columns) + 1)]
    lines += [[plain(str(i)), *(f"{value:.3g}" for value in row)] for i, *row in table.itertuples()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def save_model(
    result: Result,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    folder: Path | str,
) -> None:
    """Store model, tokenizer and card in one move, complete or not there.

    `transformers.pipeline("text-classification", model=folder)` reads the folder.

    Raises:
        StorageError: if the disk is full or the place cannot be written to.
    """
    folder = Path(folder)

    def fill(new: Path) -> None:
        model.save_pretrained(new)
        tokenizer.save_pretrained(new)
        (new / "README.md").write_text(model_card(result, folder.name), encoding="utf8")

    with checkpoints.quiet():
        storage.write_folder(folder, fill)
