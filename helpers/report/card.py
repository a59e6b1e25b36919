"""One card for the model, filled from computed values, and the folder that holds both."""

from pathlib import Path

import numpy as np
import pandas as pd
from huggingface_hub import EvalResult, ModelCardData
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from helpers import checkpoints, files, storage, training
from helpers.report.results import (
    Result,
    as_number,
    comparison,
    per_class,
    scores,
    thresholds_by_name,
    with_intervals,
)
from helpers.report.templating import filled, one_line, plain
from helpers.report.wording import explained, limits, settings, sizes


def figures_of_card(result: Result) -> list[EvalResult]:
    """The model's own figures as a hub reads them."""
    row = scores(result).iloc[0]
    task = {"task_type": "text-classification", "dataset_type": "csv"}
    task |= {"dataset_name": one_line(result.mine.file), "dataset_split": "test"}
    named = {"accuracy": "accuracy", "macro F1": "f1"}
    named |= {"micro F1": "f1", "exact match": "exact_match"}
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
        base_model=one_line(result.base_model),
        metrics=list(dict.fromkeys(one.metric_type for one in figures_of_card(result))),
        model_name=one_line(name),
        eval_results=figures_of_card(result),
    )
    return filled(
        "card.md.j2",
        head=head.to_yaml(),
        name=name,
        pair=result.is_pair,
        several=result.mine.multi_label,
        gives=answers(result),
        base_model=result.base_model,
        sizes=sizes(result),
        test_texts=len(result.labels),
        scores=as_markdown(scores(result)),
        comparison=comparison(result),
        explained=explained(result),
        per_class=as_markdown(per_class(result)) if result.mine.names else None,
        limits=limits(result),
        settings=settings(result),
        date=result.date,
    )


def answers(result: Result) -> str:
    """What the model answers: one of its labels, any of them, or a number."""
    names = result.mine.names
    if result.mine.multi_label:
        return f"any of {len(names)} labels, or none: {', '.join(names)}"
    if names:
        return f"one of {len(names)} labels: {', '.join(names)}"
    learned = result.mine.datasets["train"]["label"][:]
    return f"a number; it learned from {as_number(min(learned))} to {as_number(max(learned))}"


def as_markdown(table: pd.DataFrame) -> str:
    """A table in Markdown, each figure with its interval, every text escaped."""
    table = with_intervals(table)
    rows = [[plain(cell) for cell in row] for row in table.itertuples()]
    return files.markdown_table(["", *map(plain, table.columns)], rows)


def save_model(
    result: Result,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    folder: Path | str,
) -> None:
    """Store model, tokenizer and card in one move, complete or not there.

    `transformers.pipeline("text-classification", model=folder)` reads the folder, and with
    `truncation=True` as many tokens of a text as were trained on. A model of numbers is marked as
    one, or the pipeline would send them through a sigmoid; one of several labels per text is marked
    so that it does, and its thresholds, if there are any, stay with the model (`thresholds` in
    `checkpoints.remembered`). How the file was written stays with the model, too, so that
    `own_data.predict_file(…, like=model)` reads the next one.

    Raises:
        StorageError: the folder is somebody else's, the disk is full, or it cannot be written to.
    """
    if result.mine.names is None:
        model.config.problem_type = "regression"
    if result.mine.multi_label:
        model.config.problem_type = training.MULTI_LABEL
    if "sft_unveiled" not in vars(model.config):  # trained by other means than `fine_tune`
        config = result.run.config
        checkpoints.remember(model, max_length=config.max_length, precision=config.precision)
    if result.mine.dialect is not None:
        checkpoints.remember(model, dialect=result.mine.dialect.as_dict())
    if result.model in thresholds_by_name(result):
        own = result.thresholds_of(result.model).tolist()
        checkpoints.remember(model, thresholds=own)
    storage.save_model(model, tokenizer, folder, model_card(result, Path(folder).absolute().name))
