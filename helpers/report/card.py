"""One card for the model, filled from computed values, and the folder that holds both."""

import re
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
from huggingface_hub import EvalResult, ModelCardData
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from helpers import checkpoints, storage
from helpers.report.results import Result, as_number, comparison, per_class, scores, with_intervals
from helpers.report.wording import explained, limits, settings, sizes

USE = """```python
from transformers import pipeline

answer = pipeline("text-classification", model="this folder")("a text", truncation=True)
```

`truncation=True` reads the beginning of a long text, as in training; without it one may stop the
program."""


def figures_of_card(result: Result) -> list[EvalResult]:
    """The model's own figures as a hub reads them."""
    row = scores(result).iloc[0]
    task = {"task_type": "text-classification", "dataset_type": "csv"}
    task |= {"dataset_name": result.mine.file, "dataset_split": "test"}
    named = {"accuracy": "accuracy", "macro F1": "f1"}
    named |= {"MAE": "mae", "RMSE": "rmse", "r": "pearsonr"}
    found = [name for name in named if name in row and not np.isnan(row[name])]
    return [
        EvalResult(
            **task,
            metric_type=named[name],
            metric_name=name,
            metric_value=round(float(row[name]), 4),
        )
        for name in found
    ]


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
    learned = result.mine.datasets["train"]["label"][:]
    gives = f"a number; it learned from {as_number(min(learned))} to {as_number(max(learned))}"
    if names:
        gives = f"one of {len(names)} labels: {', '.join(names)}"
    blocks = [
        f"---\n{head.to_yaml()}\n---\n\n# {plain(name)}",
        f"Takes a text, gives {plain(gives)}. {result.base_model}, fine-tuned.",
        f"## Data\n{plain(sizes(result))} Who wrote and who labelled the texts: *to be filled in*.",
        f"## Figures on the test part, {len(result.labels):,} texts\n{as_markdown(scores(result))}",
        f"{plain(comparison(result))} {explained(result)}",
        f"## Each class\n{as_markdown(per_class(result))}" if names else "",
        "## Limits\n" + "\n".join(f"- {line}" for line in limits(result)),
        "## Use\nWhat it is meant for, and what it must not decide alone: *to be filled in*.",
        USE + ("" if names else " Its `score` is the number."),
        "## Training\n" + "\n".join(f"- {plain(line)}" for line in settings(result)),
        f"Made on {result.date}. Licence: *to be filled in*; that of the base model applies, too.",
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def plain(text: str) -> str:
    """A text that Markdown shows as it is, in one line."""
    return re.sub(r"([\\`*\[\]<>|#])", r"\\\1", " ".join(text.split()))


def as_markdown(table: pd.DataFrame) -> str:
    """A table in Markdown, each figure with its interval."""
    table = with_intervals(table)
    lines = [["", *table.columns], ["---"] * (len(table.columns) + 1)]
    lines += [[plain(cell) for cell in row] for row in table.itertuples()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def save_model(
    result: Result,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    folder: Path | str,
) -> None:
    """Store model, tokenizer and card in one move, complete or not there.

    `transformers.pipeline("text-classification", model=folder)` reads the folder, and with
    `truncation=True` as many tokens of a text as were trained on. A model of numbers is marked as
    one, or the pipeline would send them through a sigmoid. How the file was written stays with the
    model, so that `own_data.predict_file(…, like=model)` reads the next one.

    Raises:
        StorageError: the folder is somebody else's, the disk is full, or it cannot be written to.
    """
    if result.mine.names is None:
        model.config.problem_type = "regression"
    if "sft_unveiled" not in vars(model.config):  # trained by other means than `fine_tune`
        config = result.run.config
        checkpoints.remember(model, max_length=config.max_length, precision=config.precision)
    if result.mine.dialect is not None:
        checkpoints.remember(model, dialect=asdict(result.mine.dialect))
    storage.save_model(model, tokenizer, folder, model_card(result, Path(folder).absolute().name))
