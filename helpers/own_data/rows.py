"""Rows of a file: which can be used, and each of the others with its reason."""

import re
import unicodedata
from collections import Counter

import numpy as np
import pandas as pd

from helpers import corpora
from helpers.own_data.sources import FileError
from helpers.own_data.tables import Table

MISSING = {"", "nan", "null", "#n/a"}
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def gather(
    table: Table, text_column: str, label_column: str
) -> tuple[pd.DataFrame, pd.DataFrame, int]:
    """Rows with a text and a label (str), rows left out so far, and how many there are in all."""
    places = [table.header.index(column) for column in (text_column, label_column)]
    good, bad, count = [], [], 0
    for number, fields, fault, *_ in table:
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
    """One row per text, and none for a text whose copies have different labels."""
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
