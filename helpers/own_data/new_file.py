"""Another file for a model that is there: without labels to predict, with labels to score."""

import difflib
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TextIO

import numpy as np
import pandas as pd
from datasets import Dataset
from scipy.special import softmax

from helpers import corpora, runtime
from helpers.own_data.checks import LabelError
from helpers.own_data.counting import Count, count, labels_of, other_columns
from helpers.own_data.loading import OwnData
from helpers.own_data.records import Dialect, Row
from helpers.own_data.rows import fault_of, gather, key_of, leave_out, numbers_only, without_copies
from helpers.own_data.sources import FileError
from helpers.own_data.tables import Table, open_table
from helpers.own_data.writing import csv_line, inert, replacing

OWN_COLUMNS = ["row", "prediction", "probability", "note"]


def load_labelled(
    path: Path | str,
    text_column: str,
    label_column: str,
    like: OwnData,
    encoding: str | None = None,
    delimiter: str | None = None,
    quote: str | None = None,
) -> tuple[Dataset, pd.DataFrame]:
    """A second file with labels, to score a model on that learned from `like`.

    Args:
        path, text_column, label_column: as for `load`.
        encoding, delimiter, quote: as for `load`. What is not given is as in `like`'s file, if
            this one can be read so.

    Returns:
        `text`, `label` and `row` as in `like.datasets`; and the rows left out, each with a reason:
        those that `load` leaves out, and texts that the model has learned from.

    Raises:
        LabelError: a label that the model does not know; also the errors of `load`.
    """
    columns = {"TEXT_COLUMN": text_column, "LABEL_COLUMN": label_column}
    table = open_table(path, columns, encoding, delimiter, quote, like.dialect)
    say(count(table, [labels_of(table, label_column, not like.names, like.names or [])]), table)
    rows, dropped, _ = gather(table, text_column, label_column)
    if like.names:
        rows["label"] = known(rows, like.names, table.path.name)
    else:
        rows, dropped = numbers_only(rows, dropped)
    rows, dropped = without_copies(rows, dropped, regression=not like.names)
    if like.names:
        rows["label"] = rows["label"].map(like.names.index)
    seen = {
        corpora.normalized(t) for p in ("train", "validation") for t in like.datasets[p]["text"]
    }
    learned = rows["text"].map(lambda text: corpora.normalized(text) in seen)
    rows, dropped = leave_out(rows, dropped, learned, "the model has learned from this text")
    features = like.datasets["train"].features
    dataset = Dataset.from_pandas(rows[list(features)], features, preserve_index=False)
    return dataset, dropped.sort_values("row", ignore_index=True)


def known(rows: pd.DataFrame, names: list[str], file: str) -> pd.Series:
    """The model's spelling of the labels; `LabelError` for one that it does not know."""
    spelt = {key_of(name): name for name in names}
    found = rows["label"].map(key_of).map(spelt)
    unknown = rows[found.isna()]
    if len(unknown):
        label, number = unknown["label"].iloc[0], unknown["row"].iloc[0]
        near = difflib.get_close_matches(label, names, 1)
        guess = f" Did you mean {near[0]!r}?" if near else ""
        raise LabelError(
            f"row {number} of {file!r} has the label {label!r}, which the model does not know "
            f"({len(unknown)} such row(s)).{guess} It knows: {', '.join(names)}."
        )
    return found


def say(found: Count, table: Table) -> None:
    """Print what a reader should know about the lines of a file."""
    for note in found.notes():
        print(f"{table.path.name}: {note}")


def predict_file(
    path: Path | str,
    text_column: str,
    target: Path | str,
    predict: Callable[[list[str]], np.ndarray],
    names: list[str] | None = None,
    chunk: int = 1024,
    encoding: str | None = None,
    delimiter: str | None = None,
    quote: str | None = None,
    like: OwnData | object | None = None,
) -> dict[str, int]:
    """Predict every row of a CSV, in its order, and write a CSV with all its columns and more.

    The file is read once from end to end before anything is predicted, so whatever is wrong with
    it, or with the name of the new one, is said at once. Then a chunk of rows is held at a time, so
    memory does not grow with the file. A row that cannot be read or has no text stays in its place
    without a prediction, and `note` says why. Cells that a spreadsheet would run as a formula get
    an apostrophe in front.

    The first column is `row`, and the last three are `prediction`, `probability` and `note`. Where
    the file has a column of such a name, that one keeps it and ours becomes, say, `note (model)`.

    Args:
        target: the new CSV; complete or not there. Only a free name is taken, or that of a file
            that was written here and not changed since.
        predict: from texts to logits (n, C), or to numbers (n, 1) if there are no names; also the
            `predict_log_proba` of a scikit-learn classifier.
        names: of the classes; None: those of `like`, or without it none, for numbers.
        chunk: rows held at a time.
        encoding, delimiter, quote: of this file, as for `load`.
        like: what was learned from: the `OwnData`, or a model that `report.save_model` stored.
            How that file was written and the names of its classes are taken for what is not given;
            a file that is written in another way is read, too (see `tables.open_table`).

    Returns:
        How many `rows` there are, and how many were `predicted`.

    Raises:
        FileError, ColumnNotFoundError: one message with the cause and the cure.
    """
    dialect, known_names = inherited(like)
    names = known_names if names is None else names
    columns, target = {"TEXT_COLUMN": text_column}, Path(target).expanduser()
    table = open_table(path, columns, encoding, delimiter, quote, dialect)
    if target.resolve() == table.path.resolve():
        raise FileError(
            f"{table.path.name!r} would be replaced. Choose another name and try again."
        )
    with replacing(target) as file:
        found = count(table, other_columns(table, text_column))
        say(found, table)
        done = write_predictions(table, text_column, file, predict, names, chunk)
        if done["rows"] != found.rows:
            raise FileError(f"{table.path.name!r} was changed while it was read. Try again.")
    return done


def inherited(like: OwnData | object | None) -> tuple[Dialect | None, list[str] | None]:
    """How an earlier file was written, and the names of its classes (None: numbers)."""
    if like is None or isinstance(like, OwnData):
        return (like.dialect, like.names) if like else (None, None)
    config = like.config
    stored = getattr(config, "sft_unveiled", None)
    dialect = Dialect.from_dict(stored.get("dialect") if isinstance(stored, Mapping) else None)
    by_id = {int(number): name for number, name in config.id2label.items()}
    if getattr(config, "problem_type", None) == "regression" or len(by_id) < 2:
        return dialect, None
    return dialect, [by_id[number] for number in sorted(by_id)]


def write_predictions(
    table: Table,
    text_column: str,
    file: TextIO,
    predict: Callable[[list[str]], np.ndarray],
    names: list[str] | None,
    chunk: int,
) -> dict[str, int]:
    """The rows of a table with their predictions, as a CSV; arguments of `predict_file`."""
    place, done = table.header.index(text_column), {"rows": 0, "predicted": 0}
    own = [free_name(name, table.header) for name in OWN_COLUMNS]
    file.write(csv_line(map(inert, [own[0], *table.header, *own[1:]])))
    with runtime.progress(desc="predicting", unit=" rows") as bar:
        for rows in in_chunks(iter(table), chunk):
            faults = [row.fault or fault_of(row.fields[place]) for row in rows]
            texts = [r.fields[place].strip() for r, f in zip(rows, faults, strict=True) if not f]
            answers = iter(worded(predict(texts), names) if texts else [])
            for row, why in zip(rows, faults, strict=True):
                cells = ["" for _ in table.header] if row.fault else row.fields
                answer = ["", ""] if why else next(answers)
                file.write(csv_line([row.number, *map(inert, cells), *answer, why]))
            done["rows"] += len(rows)
            done["predicted"] += len(texts)
            bar.update(len(rows))
    return done


def free_name(name: str, header: list[str]) -> str:
    """A column's name, or one made of it that the header does not have."""
    number, free = 1, name
    while free in header:
        free = f"{name} (model)" if number == 1 else f"{name} (model {number})"
        number += 1
    return free


def in_chunks(rows: Iterator[Row], size: int) -> Iterator[list[Row]]:
    """Lists of `size` rows; the last may be shorter."""
    while chunk := list(islice(rows, size)):
        yield chunk


def worded(outputs: np.ndarray, names: list[str] | None) -> list[list[str]]:
    """Of logits (n, C) the likeliest name and its probability per row; of (n, 1) the number."""
    if names is None:
        values = np.asarray(outputs, np.float64)[:, 0]
        form = {"precision": 6, "fractional": False, "trim": "-"}
        return [[np.format_float_positional(value, **form), ""] for value in values]
    shares = softmax(outputs, axis=1)
    return [[inert(names[row.argmax()]), f"{row.max():.3f}"] for row in shares]
