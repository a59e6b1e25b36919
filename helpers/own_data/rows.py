"""Rows of a file: which can be used, and each of the others with its reason."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers import corpora
from helpers.own_data.cells import MISSING, NUMBER, key_of, pieces_of, same_text
from helpers.own_data.records import Row, plain_fields
from helpers.own_data.sources import FileError
from helpers.own_data.tables import Table

MOST_ROWS = 2_000_000  # that are held in memory to be split and learned from
BETWEEN = " / "  # between the two texts of a pair, where they are shown as one
TRUE, FALSE = {"1", "1.0", "true", "yes"}, {"0", "0.0", "false", "no"}
COLUMNS = ["row", "reason", "text"]
# Names of columns whose values often stand for rows that belong together.
GROUPS = re.compile(
    r"(user|customer|client|author|speaker|person|patient|thread|conversation|dialog|dialogue|"
    r"session|document|doc|article|review|group)[ _-]?(id|no|nr|number|name|key)?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Columns:
    """Which columns hold what, and how their cells are read.

    Attributes:
        texts: one column, or the two of a pair.
        labels: one column; or several, each of which says whether the label of its name holds.
        separator: what stands between the labels of a cell, if it may hold several.
        missing: the cells that count as missing, in small letters.
        group, time: the column of what belongs together, and of when a row was written.
    """

    texts: tuple[str, ...]
    labels: tuple[str, ...] = ()
    separator: str | None = None
    missing: frozenset[str] = MISSING
    group: str | None = None
    time: str | None = None

    @property
    def multi_label(self) -> bool:
        """Whether a text may have several labels, or none."""
        return len(self.labels) > 1 or self.separator is not None

    def watched(self, header: Sequence[str]) -> dict[str, str]:
        """What else is kept of a row: `group` and `time`, each with its column in a file.

        Where no group is asked for, the first column that is called like one.
        """
        taken = {*self.texts, *self.labels}
        likely = (name for name in header if GROUPS.fullmatch(name) and name not in taken)
        found = {"group": self.group or next(likely, None), "time": self.time}
        return {name: column for name, column in found.items() if column is not None}

    def lacks(self, marks: dict[str, str]) -> str:
        """Why a row cannot be put into a part for want of its group or time, or ""."""
        asked = {"group": self.group, "time": self.time}
        empty = (n for n, cell in marks.items() if asked[n] and cell.lower() in self.missing)
        return next((f"no {name}" for name in empty), "")

    def text_of(self, texts: Sequence[str]) -> str:
        """The texts of a row as one, to be shown."""
        return BETWEEN.join(texts)

    def fault_of(self, texts: Sequence[str]) -> str:
        """Why the texts of a row cannot be read, or ""."""
        if any(text.lower() in self.missing for text in texts):
            return "no text"
        readable = all(corpora.normalized(text) for text in texts)
        return "" if readable else "no letter or digit in the text"

    def label_of(self, cells: Sequence[str]) -> tuple[str | tuple[str, ...], str]:
        """The label of a row, or all its labels; and why they cannot be used, or ""."""
        if any(cell.lower() in self.missing for cell in cells):
            return "", "no label"
        if self.separator is not None:
            return tuple(dict.fromkeys(pieces_of(cells[0], self.separator))), ""
        if len(cells) == 1:
            return cells[0], ""
        values = [cell.lower() for cell in cells]
        other = next((v for v in values if v not in TRUE | FALSE), None)
        if other is not None:
            return "", f"the label cell {other[:20]!r} is neither 0 nor 1"
        return tuple(n for n, v in zip(self.labels, values, strict=True) if v in TRUE), ""


@dataclass
class Gathered:
    """What the rows of a file became.

    Attributes:
        rows: those that can be used: `row`, `text`, for pairs `text_pair`, `label` (str, or a
            tuple of labels), and what `Columns.watched` names.
        dropped: the others: `row`, `reason`, `text`.
        lost: the label cell of those of them that have one, by row.
        total: how many there are in all.
    """

    rows: pd.DataFrame
    dropped: pd.DataFrame
    lost: dict[int, str]
    total: int


def gather(table: Table, columns: Columns) -> Gathered:
    """All rows of a table, those that can be used apart from the others.

    Raises:
        FileError: there is none, none can be used, or there are too many to be held.
    """
    text_at, label_at = (
        [table.header.index(column) for column in names]
        for names in (columns.texts, columns.labels)
    )
    watched = columns.watched(table.header)
    marks_at = [table.header.index(column) for column in watched.values()]
    good: list[tuple] = []
    bad, lost, total = [], {}, 0
    for row in table:
        total += 1
        if total > MOST_ROWS:
            raise FileError(
                f"{table.path.name!r} has more than {MOST_ROWS:,} rows. Cut it, for instance into "
                "a random part: fine-tuning needs far fewer."
            )
        texts, cells = cells_of(row, text_at), cells_of(row, label_at)
        label, no_label = columns.label_of(cells) if cells else ("", "")
        marks = dict(zip(watched, cells_of(row, marks_at), strict=True))
        fault = row.fault or columns.fault_of(texts) or no_label or columns.lacks(marks)
        if fault:
            bad.append((row.number, fault, columns.text_of(texts)))
            lost |= {row.number: cell} if (cell := label_cell(row, label_at, table)) else {}
        else:
            good.append((row.number, *texts, label, *marks.values()))
    if not total:
        raise FileError(f"{table.path.name!r} has a header and no rows below it.")
    dropped = pd.DataFrame(bad, columns=COLUMNS)
    if not good:
        worst = dropped["reason"].mode()[0]
        cure = " In columns of labels write 1 for yes and 0 for no." * (len(columns.labels) > 1)
        raise FileError(
            f"no row of {table.path.name!r} can be used. Rows: {total}; most often: {worst}.{cure}"
        )
    names = ["row", "text", "text_pair"][: 1 + len(text_at)]
    return Gathered(pd.DataFrame(good, columns=[*names, "label", *watched]), dropped, lost, total)


def cells_of(row: Row, places: list[int]) -> list[str]:
    """Some fields of a row without spaces around them; empty ones if it cannot be read."""
    return ["" if row.fault else row.fields[place].strip() for place in places]


def label_cell(row: Row, places: list[int], table: Table) -> str:
    """The label of a row that is left out, as far as it can be told; else ""."""
    if len(places) != 1:
        return ""
    fields, place, width = row.fields, places[0], len(table.header)
    if row.fault and len(row.lines) == 1:
        fields = plain_fields(row.lines[0], table.dialect)
    if len(fields) > width and place == width - 1:
        place = -1  # what the row has too many of stands in the text, hence before it
    elif len(fields) != width and place:
        return ""
    return fields[place].strip() if fields else ""


def leave_out(
    rows: pd.DataFrame, dropped: pd.DataFrame, which: pd.Series, reason: str | pd.Series
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Move some rows from the first table to the second, with a reason."""
    moved = rows.assign(reason=reason)[which].copy()
    if "text_pair" in moved:
        moved["text"] = moved["text"] + BETWEEN + moved["text_pair"]
    filled = [table for table in (dropped, moved[COLUMNS]) if len(table)]
    return rows[~which].copy(), pd.concat(filled, ignore_index=True) if filled else dropped


def numbers_only(rows: pd.DataFrame, dropped: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Labels as finite float64; rows with any other label are left out."""
    numbers = rows["label"].map(lambda s: float(s) if NUMBER.fullmatch(s) else np.nan)
    reason = "the label is no number"
    return leave_out(rows.assign(label=numbers), dropped, ~np.isfinite(numbers), reason)


def unified(labels: pd.Series) -> tuple[pd.Series, list[str]]:
    """Labels that differ by case or spaces under their commonest spelling, and notes on which.

    Each element is a label or a tuple of labels. Numbers are names like others: "010" is not "10",
    and "1.0" is not "1".
    """
    several = labels.map(lambda label: isinstance(label, tuple)).any()
    single = labels.explode().dropna() if several else labels
    spellings: dict[str, Counter] = {}
    for label, times in Counter(single).items():
        spellings.setdefault(key_of(label), Counter())[label] += times
    best = {key: found.most_common(1)[0][0] for key, found in spellings.items()}
    notes = []
    for found in spellings.values():
        (first, _), *others = found.most_common()
        notes += [f"label {name!r} ({n} row(s)) was read as {first!r}" for name, n in others]
    if several:
        return labels.map(lambda names: tuple(sorted({best[key_of(n)] for n in names}))), notes
    return labels.map(lambda label: best[key_of(label)]), notes


def keys_of(rows: pd.DataFrame) -> pd.Series:
    """What is equal for copies: of the text, or of both texts of a pair."""
    keys = rows["text"].map(same_text)
    return keys + "\n" + rows["text_pair"].map(same_text) if "text_pair" in rows else keys


def without_copies(
    rows: pd.DataFrame, dropped: pd.DataFrame, regression: bool
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One row per text, and none for a text whose copies have different labels.

    Args:
        regression: of copies the first stays, with the mean of their numbers.
    """
    groups = rows.groupby(keys_of(rows), sort=False)
    first = groups["row"].transform("min")
    if regression:
        rows["label"] = groups["label"].transform("mean")
        clash = first != first
    else:
        clash = groups["label"].transform("nunique") > 1
    reasons = {}
    for number, found in rows[clash].groupby(first[clash]):
        names = found["label"].map(in_words).unique()
        labels, places = " and ".join(names), ", ".join(map(str, found["row"]))
        reasons[number] = f"one text, labels {labels} (rows {places})"
    rows, dropped = leave_out(rows, dropped, clash, first.map(reasons))
    first = first[~clash]
    return leave_out(rows, dropped, rows["row"] != first, "same text as row " + first.astype(str))


def in_words(label: str | tuple[str, ...]) -> str:
    """A label, or all labels of a text, for a message."""
    return " + ".join(label) or "none" if isinstance(label, tuple) else label
