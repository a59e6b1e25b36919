"""Another file for a model that is there: without labels to predict, with labels to score."""

import difflib
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TextIO

import numpy as np
import pandas as pd
import torch
from datasets import Dataset
from scipy.special import expit, softmax

from helpers import files, runtime
from helpers.own_data.cells import NUMBER, OWN_COLUMNS, key_of, missing_words
from helpers.own_data.checks import LabelError
from helpers.own_data.counting import Count, count, labels_of, other_columns
from helpers.own_data.loading import OwnData, columns_of
from helpers.own_data.losses import numbers_in
from helpers.own_data.records import Dialect, Row
from helpers.own_data.resuming import Begun, Part, begun, remove_parts
from helpers.own_data.rows import Columns, gather, keys_of, leave_out, without_copies
from helpers.own_data.sources import FileError, path_of
from helpers.own_data.tables import Table, open_table
from helpers.own_data.writing import check_free, csv_line, inert, replacing

Predictor = Callable[[list[str]], np.ndarray]
BETWEEN_LABELS = ";"  # of one text, in a cell of predictions


@dataclass(frozen=True)
class Answers:
    """How outputs become cells.

    Attributes:
        names: of classes or labels; None for numbers.
        thresholds: from which probability on a text has a label, shape (C,); None: the text has the
            likeliest of the names alone.
    """

    names: list[str] | None
    thresholds: np.ndarray | None = None


def load_labelled(
    path: Path | str,
    text_column: str | Sequence[str],
    label_column: str | Sequence[str],
    like: OwnData,
    encoding: str | None = None,
    delimiter: str | None = None,
    quote: str | None = None,
    header: Sequence[str] | bool | None = None,
    label_separator: str | None = None,
    missing: Sequence[str] | None = None,
) -> tuple[Dataset, pd.DataFrame]:
    """A second file with labels, to score a model on that learned from `like`.

    Args:
        path, text_column, label_column, label_separator, missing: as for `load`.
        encoding, delimiter, quote, header: as for `load`. What is not given is as in `like`'s file,
            if this one can be read so.

    Returns:
        `text`, `label` and `row` as in `like.datasets`; and the rows left out, each with a reason:
        those that `load` leaves out, and texts that the model has learned from. Groups are not
        known: other texts of a customer that it has learned from stay.

    Raises:
        LabelError: a label that the model does not know; also the errors of `load`.
    """
    columns = columns_of(text_column, label_column, label_separator, missing, not like.names)
    asked = {"TEXT_COLUMN": columns.texts, "LABEL_COLUMN": columns.labels}
    if missing is None and like.names:  # a class that was learned is no empty cell
        columns = replace(columns, missing=columns.missing - {n.lower() for n in like.names})
    check_same_kind(columns, like)
    table = open_table(path, asked, encoding, delimiter, quote, like.dialect, header)
    say(count(table, labels_of(table, columns.labels, not like.names, like.names or [])), table)
    gathered = gather(table, columns)
    rows, dropped = gathered.rows, gathered.dropped
    if like.names:
        rows["label"] = known(rows, like.names, table.path.name)
    else:
        rows, dropped, notes = numbers_in(rows, dropped, table.path.name)
        for note in notes:
            print(files.shown(f"{table.path.name}: {note}"))
    rows, dropped = without_copies(rows, dropped, regression=not like.names)
    if like.names:
        rows["label"] = rows["label"].map(lambda label: as_id(label, like.names))
    learned = keys_of(rows).isin(keys_learned(like))
    rows, dropped = leave_out(rows, dropped, learned, "the model has learned from this text")
    features = like.datasets["train"].features
    dataset = Dataset.from_pandas(rows[list(features)], features, preserve_index=False)
    return dataset, dropped.sort_values("row", ignore_index=True)


def check_same_kind(columns: Columns, like: OwnData) -> None:
    """Raise `FileError` if texts have one label here and may have several there."""
    if columns.multi_label == like.multi_label:
        return
    if like.multi_label:
        raise FileError(
            "the model gives a text several labels: set LABEL_SEPARATOR, or name its columns in "
            "LABEL_COLUMN, as for the file that it learned from."
        )
    raise FileError(
        "the model gives a text one label: name one LABEL_COLUMN and no LABEL_SEPARATOR, as for "
        "the file that it learned from."
    )


def as_id(label: str | tuple[str, ...], names: list[str]) -> int | list[float]:
    """A label's number, or a one for each of a text's labels and a zero for each of the others."""
    if isinstance(label, tuple):
        return [float(name in label) for name in names]
    return names.index(label)


def keys_learned(like: OwnData) -> set[str]:
    """What is equal for copies of the texts that a model has learned from, or was chosen by."""
    parts = [like.datasets[part].to_pandas() for part in ("train", "validation")]
    return set().union(*map(keys_of, parts))


def known(rows: pd.DataFrame, names: list[str], file: str) -> pd.Series:
    """The model's spelling of the labels; `LabelError` for one that it does not know."""
    spelt = {key_of(name): name for name in names}

    def found(label: str | tuple[str, ...]) -> str | tuple[str, ...]:
        if isinstance(label, tuple):
            return tuple(sorted(spelt.get(key_of(one), "") for one in label))
        return spelt.get(key_of(label), "")

    labels = rows["label"].map(found)
    unknown = rows[labels.map(lambda one: "" in one if isinstance(one, tuple) else not one)]
    if len(unknown):
        own, number = unknown["label"].iloc[0], unknown["row"].iloc[0]
        label = next(one for one in own if key_of(one) not in spelt) if is_several(own) else own
        near = nearest(label, names)
        guess = f" Did you mean {near!r}?" if near else ""
        raise LabelError(
            f"row {number} of {file!r} has the label {label!r}, which the model does not know "
            f"({len(unknown)} such row(s)).{guess} It knows: {', '.join(names)}."
        )
    return labels


def is_several(label: str | tuple[str, ...]) -> bool:
    """Whether these are the labels of a text that may have several."""
    return isinstance(label, tuple)


def nearest(label: str, names: list[str]) -> str:
    """The name that is the same number, or spelt most alike; or ""."""
    if NUMBER.fullmatch(label):
        equal = [n for n in names if NUMBER.fullmatch(n) and float(n) == float(label)]
        return equal[0] if equal else ""
    return next(iter(difflib.get_close_matches(label, names, 1)), "")


def say(found: Count, table: Table) -> None:
    """Print what a reader should know about the lines of a file."""
    for note in [*table.notes, *found.notes(), *found.notes_on_bytes(table.dialect.encoding)]:
        print(files.shown(f"{table.path.name}: {note}"))


def predict_file(
    path: Path | str,
    text_column: str | Sequence[str],
    target: Path | str,
    predict: Predictor,
    names: list[str] | None = None,
    chunk: int = 1024,
    encoding: str | None = None,
    delimiter: str | None = None,
    quote: str | None = None,
    like: OwnData | object | None = None,
    header: Sequence[str] | bool | None = None,
    missing: Sequence[str] | None = None,
    thresholds: Sequence[float] | None = None,
) -> dict[str, int]:
    """Predict every row of a CSV, in its order, and write a CSV with all its columns and more.

    The file is read once from end to end before anything is predicted, so whatever is wrong with
    it, or with the name of the new one, is said at once. Then a chunk of rows is held at a time, so
    memory does not grow with the file. A row that cannot be read or has no text stays in its place
    without a prediction, and `note` says why. What a spreadsheet would run as a formula, in a cell
    or in a piece of one, gets an apostrophe in front: see `writing.inert`.

    From 20,000 rows on, every finished chunk is kept on the disk, beside the new file, until that
    is complete. After Ctrl-C, a crash or a power cut the same call goes on from there; with another
    file, model or setting it is refused (see `resuming`).

    The first column is `row`, and the last three are `prediction`, `probability` and `note`. Where
    the file has a column of such a name, that one keeps it and ours becomes, say, `note (model)`.

    Args:
        target: the new CSV; complete or not there. Only a free name is taken, or that of a file
            that was written here and not changed since.
        text_column: the column of texts, or the two of a pair; `predict` then gets pairs.
        predict: from texts to logits (n, C), or to numbers (n, 1) if there are no names; also the
            `predict_log_proba` of a scikit-learn classifier.
        names: of the classes; None: those of `like`, or without it none, for numbers.
        chunk: rows held at a time.
        encoding, delimiter, quote, header, missing: of this file, as for `load`.
        like: what was learned from: the `OwnData`, or a model that `report.save_model` stored.
            How that file was written and the names of its classes are taken for what is not given;
            a file that is written in another way is read, too (see `tables.open_table`).
        thresholds: where a text may have several labels, from which probability on it has each of
            them, shape (C,); None: those that `like`, a model, was stored with, or 0.5.

    Returns:
        How many `rows` there are, and how many were `predicted`.

    Raises:
        FileError, ColumnNotFoundError: one message with the cause and the cure.
    """
    dialect, known_names, known_cuts = inherited(like)
    cuts = known_cuts if thresholds is None else np.asarray(thresholds, np.float64)
    answers = Answers(known_names if names is None else names, cuts)
    texts = (text_column,) if isinstance(text_column, str) else tuple(text_column)
    columns = Columns(texts, missing=missing_words(missing))
    target = path_of(target)
    table = open_table(path, {"TEXT_COLUMN": texts}, encoding, delimiter, quote, dialect, header)
    if target.resolve() == table.path.resolve():
        raise FileError(
            f"{table.path.name!r} would be replaced. Choose another name and try again."
        )
    check_free(target)
    job = Job(table, columns, predict, answers, chunk, files.sha256(table.path))
    found = count(table, other_columns(table, texts))
    say(found, table)
    with begun(target, found.rows, lambda: job.facts(like)) as kept:
        if kept is not None:
            finish(job, kept, found.rows)
        with replacing(target) as file:
            done = write_parts(file, table.header, job.parts(found.rows) if kept is None else kept)
    remove_parts(kept)
    return done


def inherited(
    like: OwnData | object | None,
) -> tuple[Dialect | None, list[str] | None, np.ndarray | None]:
    """How an earlier file was written, the names (None: numbers), and the thresholds of labels.

    Args:
        like: what `load` gave, or a model. None of them has thresholds where a text has one label;
            where none are stored, they are 0.5.
    """
    half = np.array(0.5)
    if like is None or isinstance(like, OwnData):
        several = bool(like) and like.multi_label
        return (like.dialect, like.names, half if several else None) if like else (None, None, None)
    config = like.config
    stored = getattr(config, "sft_unveiled", None)
    stored = stored if isinstance(stored, Mapping) else {}
    dialect = Dialect.from_dict(stored.get("dialect"))
    by_id = {int(number): name for number, name in config.id2label.items()}
    names = [by_id[number] for number in sorted(by_id)]
    kind = getattr(config, "problem_type", None)
    if kind == "multi_label_classification":
        return dialect, names, np.asarray(stored.get("thresholds") or half, np.float64)
    return dialect, None if kind == "regression" or len(names) < 2 else names, None


@dataclass(frozen=True)
class Job:
    """A table to be predicted; attributes as the arguments of `predict_file`.

    Attributes:
        digest: SHA-256 of the file.
    """

    table: Table
    columns: Columns
    predict: Predictor
    answers: Answers
    chunk: int
    digest: str

    def facts(self, like: object) -> dict[str, object]:
        """What the predictions depend on, by the words of a message."""
        cuts = None if self.answers.thresholds is None else self.answers.thresholds.tolist()
        missing = sorted(self.columns.missing)
        settings = [self.table.dialect.as_dict(), self.columns.texts, missing, self.chunk]
        return {
            "another file": self.digest,
            "other settings": settings,
            "other names of the classes, or other thresholds": [self.answers.names, cuts],
            "another model": weights_of(like),
        }

    def chunks(self, first: int = 0) -> Iterator["Chunk"]:
        """The table's rows, so many at a time, from chunk number `first` on."""
        for rows in islice(in_chunks(iter(self.table), self.chunk), first, None):
            yield Chunk.of(rows, self.table, self.columns)

    def parts(self, rows: int, first: int = 0) -> Iterator[Part]:
        """The chunks from number `first` on, answered.

        Args:
            rows: how many the table has.

        Raises:
            FileError: the file is no longer what it was when it was opened.
        """
        before = min(rows, first * self.chunk)
        with runtime.progress(desc="predicting", unit=" rows", total=rows, initial=before) as bar:
            for chunk in self.chunks(first):
                yield chunk.part(self.predict, self.answers)
                bar.update(len(chunk.rows))
        if not self.is_unchanged():
            raise ChangedError(
                f"{self.table.path.name!r} was changed while it was read. Try again."
            )

    def is_unchanged(self) -> bool:
        """Whether the file still is what it was when it was opened."""
        try:
            return files.sha256(self.table.path) == self.digest
        except OSError:
            return False


class ChangedError(FileError):
    """The file was changed while it was read."""


@dataclass(frozen=True)
class Chunk:
    """Some rows of a table, to be answered together.

    Attributes:
        texts: the text of each row, or both of a pair.
        faults: why a row gets no prediction; "" for the others.
        width: the table's columns.
    """

    rows: list[Row]
    texts: list[list[str]]
    faults: list[str]
    width: int

    @classmethod
    def of(cls, rows: list[Row], table: Table, columns: Columns) -> "Chunk":
        """Rows with their texts and faults."""
        places = [table.header.index(name) for name in columns.texts]
        texts = [texts_of(row, places) for row in rows]
        faults = [r.fault or columns.fault_of(t) for r, t in zip(rows, texts, strict=True)]
        return cls(rows, texts, faults, len(table.header))

    def answered(self, predict: Predictor, answers: Answers) -> list[list[str]]:
        """Two cells, answer and probability, for each row that has no fault."""
        usable = [t for t, fault in zip(self.texts, self.faults, strict=True) if not fault]
        inputs = [t[0] if len(t) == 1 else tuple(t) for t in usable]
        found = worded(predict(inputs), answers) if inputs else []
        return [[*map(inert, cells)] for cells in found]

    def part(self, predict: Predictor, answers: Answers) -> Part:
        """The rows with their predictions, as lines of a CSV."""
        answered, lines = self.answered(predict, answers), []
        left = iter(answered)
        for row, why in zip(self.rows, self.faults, strict=True):
            cells = [""] * self.width if row.fault else row.fields
            answer = ["", ""] if why else next(left)
            lines.append(csv_line([row.number, *map(inert, cells), *answer, inert(why)]))
        return Part(len(self.rows), answered, "".join(lines))


def finish(job: Job, kept: Begun, rows: int) -> None:
    """Predict what is not predicted yet, and keep it.

    Args:
        rows: of the table.
    """
    if kept.last_answered >= 0:
        chunk = next(job.chunks(kept.last_answered))
        kept.check_model(chunk.answered(job.predict, job.answers))
    try:
        for part in job.parts(rows, len(kept)):
            kept.add(part)
    except ChangedError:
        kept.forget()
        raise


def write_parts(file: TextIO, header: list[str], parts: Iterable[Part]) -> dict[str, int]:
    """The new CSV, and how many `rows` it has and how many of them are `predicted`."""
    own, done = [free_name(name, header) for name in OWN_COLUMNS], {"rows": 0, "predicted": 0}
    file.write(csv_line(map(inert, [own[0], *header, *own[1:]])))
    for part in parts:
        file.write(part.lines)
        done["rows"] += part.rows
        done["predicted"] += len(part.answers)
    return done


def weights_of(like: object) -> str | None:
    """SHA-256 of a model's weights, with their names and types; None for anything else."""
    if not isinstance(like, torch.nn.Module):
        return None
    digest = hashlib.sha256()
    for name, weights in like.state_dict().items():
        digest.update(f"{name} {weights.dtype} {[*weights.shape]}".encode())
        flat = weights.detach().cpu().contiguous().reshape(-1)
        digest.update(flat.view(torch.uint8).numpy())
    return digest.hexdigest()


def texts_of(row: Row, places: list[int]) -> list[str]:
    """The text of a row, or both of a pair, without spaces around them."""
    return ["" if row.fault else row.fields[place].strip() for place in places]


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


def worded(outputs: np.ndarray, answers: Answers) -> list[list[str]]:
    """Of each row of outputs two cells: the answer, and its probability.

    Of logits (n, C) the likeliest name; with thresholds all names whose own probability (a
    sigmoid's) reaches them, perhaps none; of (n, 1) without names the number.
    """
    if answers.names is None:
        values = np.asarray(outputs, np.float64)[:, 0]
        form = {"precision": 6, "fractional": False, "trim": "-"}
        return [[np.format_float_positional(value, **form), ""] for value in values]
    if answers.thresholds is not None:
        shares = expit(np.asarray(outputs, np.float64))
        return [several_worded(row, row >= answers.thresholds, answers.names) for row in shares]
    shares = softmax(outputs, axis=1)
    return [[answers.names[row.argmax()], f"{row.max():.3f}"] for row in shares]


def several_worded(shares: np.ndarray, has: np.ndarray, names: list[str]) -> list[str]:
    """The labels that a text has, and the probability of each of them, shapes (C,)."""
    chosen = np.flatnonzero(has)
    labels = BETWEEN_LABELS.join(names[i] for i in chosen)
    return [labels, BETWEEN_LABELS.join(f"{shares[i]:.3f}" for i in chosen)]
