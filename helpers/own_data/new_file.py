"""Another file for a model that is there: without labels to predict, with labels to score."""

import csv
import difflib
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
from datasets import Dataset
from scipy.special import softmax

from helpers import corpora, runtime
from helpers.own_data.checks import LabelError
from helpers.own_data.loading import OwnData
from helpers.own_data.rows import fault_of, gather, key_of, leave_out, numbers_only, without_copies
from helpers.own_data.tables import FileError, Row, open_table
from helpers.own_data.writing import inert, replacing

OWN_COLUMNS = ["row", "prediction", "probability", "note"]


def load_labelled(
    path: Path | str, text_column: str, label_column: str, like: OwnData, **options
) -> tuple[Dataset, pd.DataFrame]:
    """A second file with labels, to score a model on that learned from `like`.

    Args:
        path, text_column, label_column, options: as for `load`.

    Returns:
        `text`, `label` and `row` as in `like.datasets`; and the rows left out, each with a reason:
        those that `load` leaves out, and texts that the model has learned from.

    Raises:
        LabelError: a label that the model does not know; also the errors of `load`.
    """
    columns = {"TEXT_COLUMN": text_column, "LABEL_COLUMN": label_column}
    table = open_table(path, columns, **options)
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


def predict_file(
    path: Path | str,
    text_column: str,
    target: Path | str,
    predict: Callable[[list[str]], np.ndarray],
    names: list[str] | None = None,
    chunk: int = 1024,
    encoding: str = "utf8",
    delimiter: str | None = None,
) -> dict[str, int]:
    """Predict every row of a CSV, in its order, and write a CSV with all its columns and more.

    A chunk of rows is held at a time, so memory does not grow with the file. A row that cannot be
    read or has no text stays in its place without a prediction, and `note` says why. Cells that a
    spreadsheet would run as a formula get an apostrophe in front.

    Args:
        target: the new CSV; complete or not there. The file that is read is never written to.
        predict: from texts to logits (n, C), or to numbers (n, 1) if `names` is None; also the
            `predict_log_proba` of a scikit-learn classifier.
        names: of the classes.
        chunk: rows held at a time.
        encoding, delimiter: of this file, as for `load`; it may be written in another way.

    Returns:
        How many `rows` there are, and how many were `predicted`.

    Raises:
        FileError, ColumnNotFoundError: one message with the cause and the cure.
    """
    table = open_table(path, {"TEXT_COLUMN": text_column}, encoding, delimiter)
    clash = set(OWN_COLUMNS) & set(table.header)
    if clash or Path(target).resolve() == table.path.resolve():
        word = f"already has a column {min(clash)!r}. Rename it" if clash else "would be replaced"
        raise FileError(f"{table.path.name!r} {word}. Choose another name and try again.")
    place, done = table.header.index(text_column), {"rows": 0, "predicted": 0}
    bar = runtime.progress(desc="predicting", unit=" rows")
    with replacing(Path(target)) as file, bar:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(map(inert, [OWN_COLUMNS[0], *table.header, *OWN_COLUMNS[1:]]))
        for rows in in_chunks(iter(table), chunk):
            faults = [fault or fault_of(fields[place]) for _, fields, fault in rows]
            texts = [r[1][place].strip() for r, f in zip(rows, faults, strict=True) if not f]
            answers = iter(worded(predict(texts), names) if texts else [])
            for (number, fields, fault), why in zip(rows, faults, strict=True):
                cells = ["" for _ in table.header] if fault else fields
                answer = ["", ""] if why else next(answers)
                writer.writerow([number, *map(inert, cells), *answer, why])
            done["rows"] += len(rows)
            done["predicted"] += len(texts)
            bar.update(len(rows))
    return done


def in_chunks(rows: Iterator[Row], size: int) -> Iterator[list[Row]]:
    """Lists of `size` rows; the last may be shorter."""
    while chunk := list(islice(rows, size)):
        yield chunk


def worded(outputs: np.ndarray, names: list[str] | None) -> list[list[str]]:
    """Of logits (n, C) the likeliest name and its probability a row; of (n, 1) the number."""
    if names is None:
        values = np.asarray(outputs, np.float64)[:, 0]
        form = {"precision": 6, "fractional": False, "trim": "-"}
        return [[np.format_float_positional(value, **form), ""] for value in values]
    shares = softmax(outputs, axis=1)
    return [[inert(names[row.argmax()]), f"{row.max():.3f}"] for row in shares]
