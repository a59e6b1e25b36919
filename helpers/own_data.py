"""A reader's own CSV: what was read, what was left out and why, the `DatasetDict` of `corpora`.

Rows are numbered as a spreadsheet does: the header is row 1. The file is never changed.
"""

import difflib
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from datasets import DatasetDict, Features, Value

from helpers import corpora, tables
from helpers.tables import FileError

LEAST_PER_CLASS, LEAST_ROWS, MOST_CLASSES, LONG = 10, 50, 50, 1000
MISSING = {"", "nan", "null", "#n/a"}
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
MOJIBAKE = re.compile("[ÃÂ][\x80-\xbf]|â€")


class LabelError(corpora.DataError):
    """Labels that cannot be learned as they are; the message names the cure."""


@dataclass(frozen=True)
class OwnData:
    """What `load` made of a file.

    Attributes:
        file, rows: its name without folders; how many rows it has below the header.
        datasets: `train`, `validation`, `test` with `text`, `label` and `row`, as in `corpora`.
        names: of the classes; None if the labels are numbers.
        dropped: one line a row that was left out: `row`, `reason`, `text`.
        notes: what was kept but should be known.
    """

    file: str
    rows: int
    datasets: DatasetDict
    names: list[str] | None
    dropped: pd.DataFrame
    notes: list[str]


def load(
    path: Path | str,
    text_column: str,
    label_column: str,
    regression: bool = False,
    drop_rare: bool = False,
    encoding: str = "utf8",
    delimiter: str | None = None,
) -> OwnData:
    """Read, check and split a file of texts with labels.

    Left out and listed: rows without text or label, texts without a letter or digit, a wrong
    number of fields, copies of a text (compared as in `corpora.normalized`), and every copy of a
    text with two labels. Labels that differ by case or spaces are one.

    Args:
        path: a CSV, see `tables.open_table`, which also explains `encoding` and `delimiter`.
        regression: labels are numbers, and stay float64; of copies of a text the first stays,
            with their mean.
        drop_rare: leave out classes of fewer than 10 rows instead of stopping.

    Raises:
        FileError, ColumnNotFoundError, LabelError: one message with the cause and the cure.
    """
    columns = {"TEXT_COLUMN": text_column, "LABEL_COLUMN": label_column}
    table = tables.open_table(path, columns, encoding, delimiter)
    rows, dropped, count = gather(table, text_column, label_column)
    notes = [] if table.delimiter == "," else [f"fields are separated by {table.delimiter!r}"]
    notes += ["the file is UTF-16"] if table.encoding == "utf-16" else []
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
        rows["label"] = rows["label"].map(names.index)
    notes += remarks(rows, names)
    label = (
        {"label": Value("float64")} if regression else {"label": corpora.classes(names)["label"]}
    )
    features = Features({"text": Value("string"), **label, "row": Value("int64")})
    parts = corpora.split(rows)
    sizes = ", ".join(f"{part} {len(frame):,}" for part, frame in parts.items())
    print(f"{table.path.name}: {count:,} rows, {len(dropped)} left out; {sizes}")
    datasets = corpora.to_dataset_dict(parts, features)
    dropped = dropped.sort_values("row", ignore_index=True)
    return OwnData(table.path.name, count, datasets, names, dropped, notes)


def gather(
    table: tables.Table, text_column: str, label_column: str
) -> tuple[pd.DataFrame, pd.DataFrame, int]:
    """Rows with a text and a label (str), rows left out so far, and how many there are in all."""
    places = [table.header.index(column) for column in (text_column, label_column)]
    good, bad, count = [], [], 0
    for number, fields, fault in table:
        count += 1
        text, label = [fields[i].strip() if not fault else "" for i in places]
        fault = fault or fault_of(text)
        if not fault and label.lower() in MISSING:
            fault = "no label"
        if fault:
            bad.append({"row": number, "reason": fault, "text": text})
        else:
            good.append({"row": number, "text": text, "label": label})
    if not count:
        raise FileError(f"{table.path.name!r} has a header and no rows below it.")
    dropped = pd.DataFrame(bad, columns=["row", "reason", "text"])
    if not good:
        worst = dropped["reason"].mode()[0]
        raise FileError(
            f"no row of {table.path.name!r} can be used. Rows: {count}; most often: {worst}."
        )
    return pd.DataFrame(good), dropped, count


def fault_of(text: str) -> str:
    """Why a text cannot be read, or ""."""
    if text.lower() in MISSING:
        return "no text"
    return "" if corpora.normalized(text) else "no letter or digit in the text"


def leave_out(
    rows: pd.DataFrame, dropped: pd.DataFrame, which: pd.Series, reason: str | pd.Series
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Move some rows from the first table to the second, with a reason."""
    moved = rows.assign(reason=reason)[which][["row", "reason", "text"]]
    filled = [table for table in (dropped, moved) if len(table)]
    return rows[~which].copy(), pd.concat(filled, ignore_index=True) if filled else dropped


def numbers_only(rows: pd.DataFrame, dropped: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Labels as finite float64; rows with any other label are left out."""
    numbers = rows["label"].map(lambda s: float(s) if NUMBER.fullmatch(s) else np.nan)
    reason = "the label is no number"
    return leave_out(rows.assign(label=numbers), dropped, ~np.isfinite(numbers), reason)


def key_of(label: str) -> str:
    """A label without what only a typist's hand made different: case, spaces, kinds of letters."""
    return " ".join(unicodedata.normalize("NFKC", label).casefold().split())


def unified(labels: pd.Series, numeric: bool) -> tuple[pd.Series, list[str]]:
    """Labels that differ by case or spaces under their commonest spelling, and notes on which.

    If all are numbers, 1 and 1.0 are one label, too.
    """
    if numeric:
        labels = labels.map(lambda label: f"{float(label):.15g}")
    keys = labels.map(key_of)
    spellings: dict[str, Counter] = {}
    for key, label in zip(keys, labels, strict=True):
        spellings.setdefault(key, Counter())[label] += 1
    notes = []
    for found in spellings.values():
        (first, _), *others = found.most_common()
        notes += [f"label {name!r} ({n} row(s)) was read as {first!r}" for name, n in others]
    return keys.map({key: found.most_common(1)[0][0] for key, found in spellings.items()}), notes


def without_copies(
    rows: pd.DataFrame, dropped: pd.DataFrame, regression: bool
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One row a text; none where two copies have different labels."""
    groups = rows.groupby(rows["text"].map(corpora.normalized), sort=False)
    first = groups["row"].transform("min")
    if regression:
        rows["label"] = groups["label"].transform("mean")
        clash = first != first
    else:
        clash = groups["label"].transform("nunique") > 1
    reasons = {}
    for number, found in rows[clash].groupby(first[clash]):
        labels, places = " and ".join(found["label"].unique()), ", ".join(map(str, found["row"]))
        reasons[number] = f"one text, labels {labels} (rows {places})"
    rows, dropped = leave_out(rows, dropped, clash, first.map(reasons))
    first = first[~clash]
    return leave_out(rows, dropped, rows["row"] != first, "same text as row " + first.astype(str))


def check_classes(
    rows: pd.DataFrame, dropped: pd.DataFrame, file: str, numeric: bool, drop_rare: bool
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Refuse too many or too few classes, and classes too small to be in all three parts."""
    sizes = rows["label"].value_counts()
    if len(sizes) > MOST_CLASSES:
        cure = 'For numbers set TASK = "regression".' if numeric else "Is it the right column?"
        raise LabelError(
            f"{file!r} has {len(sizes):,} different labels; {MOST_CLASSES} is the most. {cure}"
        )
    rare = sizes[sizes < LEAST_PER_CLASS]
    if drop_rare and len(rare):
        which = rows["label"].isin(rare.index)
        reason = "class " + rows["label"] + f" has fewer than {LEAST_PER_CLASS} rows"
        rows, dropped = leave_out(rows, dropped, which, reason)
        sizes = sizes.drop(rare.index)
    if len(sizes) < 2:
        label = f": {sizes.index[0]!r}" if len(sizes) else ""
        raise LabelError(
            f"{file!r} has {len(sizes)} class(es) to learn{label}. At least 2 are needed."
        )
    if len(rare) and not drop_rare:
        label, n = rare.index[-1], rare.iloc[-1]
        near = difflib.get_close_matches(label, [name for name in sizes.index if name != label], 1)
        guess = f" Did you mean {near[0]!r}?" if near and len(near[0]) > 2 else ""
        raise LabelError(
            f"label {label!r} has {n} row(s) after copies are removed; {LEAST_PER_CLASS} are the "
            f"least (about 7 to learn, 1 to choose, 2 to score).{guess} Correct or collect such "
            "rows, or set DROP_RARE = True to leave them out. Too small: "
            f"{', '.join(rare.index[:10])}."
        )
    return rows, dropped


def check_numbers(rows: pd.DataFrame, file: str, dropped: pd.DataFrame) -> None:
    """Refuse numbers that are too few, all equal, or mostly written in another way."""
    bad = dropped[dropped["reason"] == "the label is no number"]
    if len(bad) > len(rows):
        raise LabelError(
            f"{len(bad):,} labels of {file!r} are no numbers (first in row {bad['row'].min()}). "
            'Write 3.5, not 3,5 or 70 %; for names set TASK = "classification".'
        )
    if len(rows) < LEAST_ROWS:
        raise LabelError(f"{file!r} has {len(rows)} usable rows; {LEAST_ROWS} are the least.")
    if rows["label"].nunique() < 2:
        raise LabelError(f"all labels of {file!r} are {rows['label'].iloc[0]:g}: nothing to learn.")


def remarks(rows: pd.DataFrame, names: list[str] | None) -> list[str]:
    """What a reader should know about rows that are kept."""
    found = []
    shares = rows["label"].value_counts(normalize=True)
    if names and shares.iloc[0] >= 0.8:
        found.append(
            f"{shares.iloc[0]:.0%} of the labels are {names[shares.index[0]]!r}: always saying so "
            "has that accuracy. Look at macro F1."
        )
    counted = {
        f"longer than {LONG:,} characters: the model reads the first 128 tokens": rows["text"].map(
            lambda text: len(text) > LONG
        ),
        "mostly in letters that the encoder hardly knows (it learned from English)": rows[
            "text"
        ].map(lambda text: sum(ord(c) > 0x24F for c in text if c.isalpha()) > len(text) / 3),
        "with signs of a wrong ENCODING, such as 'Ã©' for 'é'": rows["text"].map(
            lambda text: bool(MOJIBAKE.search(text))
        ),
    }
    for words, which in counted.items():
        if which.any():
            found.append(
                f"{which.sum():,} text(s) {words}; first in row {rows['row'][which].min()}"
            )
    return found
