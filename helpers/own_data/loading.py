"""A reader's own CSV as the `DatasetDict` of `corpora`, and what was left out, row by row."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from datasets import DatasetDict, Features, Value

from helpers import corpora
from helpers.own_data.checks import check_classes, check_numbers, remarks
from helpers.own_data.counting import count, labels_of
from helpers.own_data.records import Dialect
from helpers.own_data.rows import NUMBER, gather, numbers_only, unified, without_copies
from helpers.own_data.tables import open_table


@dataclass(frozen=True)
class OwnData:
    """What `load` made of a file.

    Attributes:
        file, rows: its name without folders; how many rows it has below the header.
        datasets: `train`, `validation`, `test` with `text`, `label` and `row`, as in `corpora`.
        names: of the classes; None if the labels are numbers.
        dropped: one line per row that was left out: `row`, `reason`, `text`.
        notes: what was kept but should be known.
        dialect: how the file was read, for the next one that is written like it.
    """

    file: str
    rows: int
    datasets: DatasetDict
    names: list[str] | None
    dropped: pd.DataFrame
    notes: list[str]
    dialect: Dialect | None = None


def load(
    path: Path | str,
    text_column: str,
    label_column: str,
    regression: bool = False,
    drop_rare: bool = False,
    encoding: str | None = None,
    delimiter: str | None = None,
    quote: str | None = None,
) -> OwnData:
    """Read, check and split a file of texts with labels.

    Left out and listed: rows without text or label, texts without a letter or digit, a wrong
    number of fields, copies of a text (compared as in `corpora.normalized`), and every copy of a
    text with two labels. Labels that differ by case or spaces are one. Every row of the file is in
    a part or in that list. A file is refused if lines of it may have vanished in a text that was
    never quoted; the rule is told in `counting.count`.

    Args:
        path: a CSV, see `tables.open_table`, also for `encoding`, `delimiter` and `quote`.
        regression: labels are numbers, and stay float64; of copies of a text the first stays,
            with their mean.
        drop_rare: leave out classes of fewer than 10 rows instead of stopping.

    Raises:
        FileError, ColumnNotFoundError, LabelError: one message with the cause and the cure.
    """
    columns = {"TEXT_COLUMN": text_column, "LABEL_COLUMN": label_column}
    table = open_table(path, columns, encoding, delimiter, quote)
    dialect = table.dialect
    notes = [] if dialect.delimiter == "," else [f"fields are separated by {dialect.delimiter!r}"]
    notes += ["the file is UTF-16"] if dialect.encoding == "utf-16" else []
    notes += count(table, [labels_of(table, label_column, regression)]).notes()
    rows, dropped, total = gather(table, text_column, label_column)
    numeric = all(NUMBER.fullmatch(label) for label in rows["label"])
    if regression:
        rows, dropped = numbers_only(rows, dropped)
    else:
        rows["label"], merged = unified(rows["label"], numeric)
        notes += merged
    rows, dropped = without_copies(rows, dropped, regression)
    names = None
    if regression:
        check_numbers(rows, table.path.name, dropped)
        ranks = rows["label"].rank(method="first")
        rows["stratum"] = pd.qcut(ranks, 5, labels=False)
    else:
        rows, dropped = check_classes(rows, dropped, table.path.name, numeric, drop_rare)
        names = sorted(set(rows["label"]), key=float if numeric else str)
        if numeric and len(names) > 2:
            notes.append("the labels are numbers and were read as names; see also regression=True")
        rows["label"] = rows["label"].map(names.index)
    notes += remarks(rows, names)
    label = (
        {"label": Value("float64")} if regression else {"label": corpora.classes(names)["label"]}
    )
    features = Features({"text": Value("string"), **label, "row": Value("int64")})
    parts = corpora.split(rows)
    sizes = ", ".join(f"{part} {len(frame):,}" for part, frame in parts.items())
    print(f"{table.path.name}: {total:,} rows, {len(dropped)} left out; {sizes}")
    datasets = corpora.to_dataset_dict(parts, features)
    dropped = dropped.sort_values("row", ignore_index=True)
    return OwnData(table.path.name, total, datasets, names, dropped, notes, dialect)
