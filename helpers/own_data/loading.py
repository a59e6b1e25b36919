"""A reader's own CSV as the `DatasetDict` of `corpora`, and what was left out, row by row."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
from datasets import DatasetDict, Features, List, Value

from helpers import corpora, files
from helpers.own_data.advice import Wanted
from helpers.own_data.cells import NUMBER, missing_words
from helpers.own_data.checks import (
    MOST_CLASSES,
    LabelError,
    check_classes,
    check_numbers,
    check_several,
    remarks,
)
from helpers.own_data.grouping import called, prepare, remarks_on_parts
from helpers.own_data.losses import notes_on_losses, with_losses
from helpers.own_data.parting import (
    check_classes_of,
    check_labels_of,
    check_some_left,
    cut,
    leave_out_known,
)
from helpers.own_data.reading import Reading, read
from helpers.own_data.records import Dialect
from helpers.own_data.rows import Columns, unified, without_copies
from helpers.own_data.sources import FileError
from helpers.own_data.tables import ColumnNotFoundError


@dataclass(frozen=True)
class OwnData:
    """What `load` made of a file.

    Attributes:
        file, rows: its name without folders; how many rows it has below the header, those of files
            given apart included.
        datasets: `train`, `validation`, `test` with `text`, `label` and `row`, as in `corpora`; of
            pairs also `text_pair`, and with a column of groups `group`, the group as it was
            compared. With several labels per text, `label` is a list of C zeros and ones.
        names: of the classes, or of the labels; None if the labels are numbers.
        dropped: one line per row that was left out: `row`, `reason`, `text`.
        notes: what was kept but should be known, and what was left out by a rule.
        dialect: how the file was read, for the next one that is written like it.
        multi_label: whether a text may have several labels, or none.
    """

    file: str
    rows: int
    datasets: DatasetDict
    names: list[str] | None
    dropped: pd.DataFrame
    notes: list[str]
    dialect: Dialect | None = None
    multi_label: bool = False


def load(
    path: Path | str,
    text_column: str | Sequence[str],
    label_column: str | Sequence[str],
    regression: bool = False,
    drop_rare: bool = False,
    encoding: str | None = None,
    delimiter: str | None = None,
    quote: str | None = None,
    header: Sequence[str] | bool | None = None,
    most_classes: int = MOST_CLASSES,
    label_separator: str | None = None,
    missing: Sequence[str] | None = None,
    validation: Path | str | None = None,
    test: Path | str | None = None,
    group_column: str | None = None,
    time_column: str | None = None,
) -> OwnData:
    """Read, check and split a file of texts with labels.

    Left out and listed: rows without text or label, texts without a letter or digit, rows that
    cannot be read, copies of a text (compared by `cells.same_text`), and every copy of a text with
    two labels. Labels that differ by case or spaces are one, which is noted; no other labels are
    merged. Every row of the file is in a part or in that list. What is left out by a rule, not by
    chance, gets a note. A file is refused if lines of it may have vanished in a text that was never
    quoted; the rule is told in `counting.count`.

    Args:
        path: a CSV, see `tables.open_table`, also for `encoding`, `delimiter`, `quote`, `header`.
        text_column: the column of texts; two columns are read as pairs.
        label_column: the column of labels. Several columns, each of 0 and 1, are the labels that a
            text may have at the same time (multi-label).
        regression: labels are numbers, and stay float64; of copies of a text the first stays,
            with their mean.
        drop_rare: leave out classes of fewer than 10 rows instead of stopping.
        most_classes: more different labels than that are refused: it may be the wrong column.
        label_separator: what stands between the labels of a cell that may hold several, as in
            "billing;delivery" (multi-label).
        missing: words that count as an empty cell; None: those of `cells.MISSING`.
        validation, test: files of the same form, given apart. Their rows stay in their parts, and a
            text of theirs is left out of what is learned from.
        group_column: rows with the same cell here belong together (a customer, a conversation):
            no group stands in two parts. Cells that differ by case or spaces, or as 12, 12.0 and
            012 do, are one group.
        time_column: when a row was written, as a date (2024-03-31) or a number: what is learned
            from comes before what is chosen by, and that before what is tested on. With both, rows
            of a group that comes again in a later part are left out of the earlier one. With a
            `validation` file it needs a `test` file, too.

    Raises:
        FileError, ColumnNotFoundError, LabelError: one message with the cause and the cure.
    """
    if not isinstance(most_classes, int):
        raise FileError(f"MOST_CLASSES = {most_classes!r} is no whole number. Write it so: 77.")
    columns = columns_of(text_column, label_column, label_separator, missing, regression)
    columns = replace(columns, group=group_column, time=time_column)
    form = {"encoding": encoding, "delimiter": delimiter, "quote": quote, "header": header}
    main = read(path, columns, regression, form)
    apart = {
        part: read_apart(other, columns, regression, form, main)
        for part, other in {"validation": validation, "test": test}.items()
        if other is not None
    }
    named = regression or len(columns.labels) > 1  # columns "A" and "a" are two
    notes = [] if named else unify([main, *apart.values()])
    leave_out_known(main, apart)
    prepare(main, apart, columns)
    if apart:
        check_some_left(main)
    main.remember_labels()
    main.rows, main.dropped = without_copies(main.rows, main.dropped, regression)
    names, more = learnable(main, columns, regression, drop_rare, most_classes)
    notes = [*main.notes, *notes, *more]
    check_labels_of(apart, names, drop_rare)
    parts = cut(main, apart, columns)
    notes += remarks_on_parts(main, parts, names, apart, columns)
    if columns.group or columns.time:
        notes += check_classes_of(parts, names, apart)
    return finished(main, apart, parts, names, columns, notes)


def columns_of(
    text_column: str | Sequence[str],
    label_column: str | Sequence[str],
    separator: str | None,
    missing: Sequence[str] | None,
    regression: bool,
) -> Columns:
    """Which columns hold what; `FileError` for a combination that cannot be."""
    Wanted({"TEXT_COLUMN": text_column, "LABEL_COLUMN": label_column})  # names, nothing else
    texts = (text_column,) if isinstance(text_column, str) else tuple(text_column)
    labels = (label_column,) if isinstance(label_column, str) else tuple(label_column)
    if not 1 <= len(texts) <= 2:
        raise FileError(
            f"TEXT_COLUMN names {len(texts)} columns; a model reads one text or a pair of two. "
            "Join further columns in the file."
        )
    if regression and (len(labels) > 1 or separator is not None):
        raise FileError(
            "with regression=True there is one column of numbers: name one LABEL_COLUMN and no "
            "LABEL_SEPARATOR."
        )
    if len(labels) > 1 and separator is not None:
        raise FileError(
            "LABEL_SEPARATOR is for one column with several labels per cell, and LABEL_COLUMN "
            "names several columns. Use one of the two."
        )
    if not labels or separator == "":
        raise FileError("LABEL_COLUMN and LABEL_SEPARATOR must not be empty.")
    if separator is not None and not isinstance(separator, str):
        raise FileError(f'LABEL_SEPARATOR = {separator!r} is no text. Write it so: ";".')
    return Columns(texts, labels, separator, missing_words(missing))


def read_apart(
    path: Path | str, columns: Columns, regression: bool, form: dict[str, object], main: Reading
) -> Reading:
    """Read a file that is given apart: written like the first one, or clearly in another way.

    So `encoding` and `delimiter`, which may be right for the first file only, just come first.

    Args:
        form: as for `read`.
    """
    dialect = main.table.dialect  # its encoding may be that of a mark, which this file lacks
    dialect = replace(dialect, encoding=form["encoding"] or dialect.encoding)
    open_ones = {"encoding": None} | ({"delimiter": None} if form["header"] is None else {})
    try:
        return read(path, columns, regression, form | open_ones, dialect)
    except ColumnNotFoundError as error:
        first, _, cure = str(error).partition("\n")
        if not cure:
            raise
        raise ColumnNotFoundError(
            f"{first}\n{main.table.path.name!r} has such a column, and both need it: call it so in "
            "this file, too."
        ) from error


def unify(readings: list[Reading]) -> list[str]:
    """One spelling for labels that differ by case or spaces, over all files; and notes."""
    labels = pd.concat([reading.rows["label"] for reading in readings], keys=range(len(readings)))
    labels, notes = unified(labels)
    for number, reading in enumerate(readings):
        reading.rows = reading.rows.assign(label=labels[number])
    return notes


def learnable(
    main: Reading, columns: Columns, regression: bool, drop_rare: bool, most: int
) -> tuple[list[str] | None, list[str]]:
    """The names of what can be learned, in their order, and notes; labels become ids.

    Raises:
        LabelError: something cannot be learned; the message names also what was left out by a rule.
    """
    kept, file = main.rows["label"], main.table.path.name
    flat = kept.explode() if columns.multi_label else kept
    lost = notes_on_losses(main.dropped, main.lost, flat, main.total, columns)
    try:
        if regression:
            check_numbers(main.rows, file, main.dropped)
            ranks = main.rows["label"].rank(method="first")
            main.rows["stratum"] = pd.qcut(ranks, 5, labels=False)
            return None, lost
        if columns.multi_label:
            return several(main, columns, drop_rare, most, lost)
        main.rows, main.dropped = check_classes(main.rows, main.dropped, file, drop_rare, most)
    except LabelError as error:
        raise with_losses(error, lost * (not regression)) from error
    found = set(main.rows["label"])
    numeric = all(NUMBER.fullmatch(label) for label in found)
    names = sorted(found, key=lambda name: (float(name) if numeric else 0.0, name))
    if numeric and len(names) > 2:
        lost.append("the labels are numbers and were read as names; see also regression=True")
    main.rows["label"] = main.rows["label"].map(names.index)
    return names, lost


def several(
    main: Reading, columns: Columns, drop_rare: bool, most: int, notes: list[str]
) -> tuple[list[str], list[str]]:
    """The names of labels of which a text may have several, and notes."""
    labels = main.rows["label"]
    found = sorted({name for names in labels for name in names})
    names = [*columns.labels] if len(columns.labels) > 1 else found
    labels, names, more = check_several(labels, main.table.path.name, names, drop_rare, most)
    main.rows["label"] = labels
    if columns.separator is not None and labels.map(len).max() < 2:
        more.append(f"no cell holds {columns.separator!r}: no text has more than one label")
    without = int((labels.map(len) == 0).sum())
    more += [f"{without:,} text(s) have none of the labels"] * (without > 0)
    return names, [*notes, *more]


def finished(
    main: Reading,
    apart: dict[str, Reading],
    parts: dict[str, pd.DataFrame],
    names: list[str] | None,
    columns: Columns,
    notes: list[str],
) -> OwnData:
    """The parts as data sets, with everything that should be known about them."""
    single = names if names and not columns.multi_label else None
    notes += remarks(main.rows, single, main.table.dialect.encoding)
    features = features_of(names, columns)
    if columns.multi_label:
        parts = {
            part: rows.assign(label=rows["label"].map(lambda own: [float(n in own) for n in names]))
            for part, rows in parts.items()
        }
    total = main.total + sum(reading.total for reading in apart.values())
    dropped = [main.dropped.sort_values("row")]
    for reading in apart.values():
        where = f"in {reading.table.path.name!r}: "
        dropped.append(reading.dropped.assign(reason=where + reading.dropped["reason"]))
        kept = called(reading.rows["label"], names)
        lost = notes_on_losses(reading.dropped, reading.lost, kept, reading.total, columns)
        notes += [f"{where}{note}" for note in [*reading.notes, *lost]]
    table = pd.concat([d for d in dropped if len(d)] or dropped[:1], ignore_index=True)
    file = main.table.path.name
    sizes = ", ".join(f"{part} {len(frame):,}" for part, frame in parts.items())
    print(f"{files.shown(file)}: {total:,} rows, {len(table)} left out; {sizes}")
    datasets = corpora.to_dataset_dict(parts, features)
    return OwnData(
        file, total, datasets, names, table, notes, main.table.dialect, columns.multi_label
    )


def features_of(names: list[str] | None, columns: Columns) -> Features:
    """The columns of the parts."""
    label = Value("float64")
    if columns.multi_label:
        label = List(Value("float32"), length=len(names))
    elif names is not None:
        label = corpora.classes(names)["label"]
    texts = dict.fromkeys(["text", "text_pair"][: len(columns.texts)], Value("string"))
    groups = {"group": Value("string")} if columns.group else {}
    return Features({**texts, "label": label, "row": Value("int64"), **groups})
