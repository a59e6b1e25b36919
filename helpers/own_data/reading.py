"""One file that was read: its rows, what is left out so far, and what should be known about it."""

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from helpers.own_data.cells import NUMBER, OWN_COLUMNS
from helpers.own_data.checks import remark_on_column
from helpers.own_data.counting import MANY, Count, count, labels_of
from helpers.own_data.looks import look, looks, text_place
from helpers.own_data.losses import numbers_in
from helpers.own_data.records import Dialect
from helpers.own_data.rows import Columns, Gathered, gather, leave_out
from helpers.own_data.sources import FileError, is_utf8_beyond_ascii
from helpers.own_data.tables import EMPTY, Table, open_table, other_quote

LOST = 0.5  # of the rows: where more cannot be read, it is the file that is read wrongly


@dataclass
class Reading:
    """A file that was read: its rows, and what is known about them so far."""

    table: Table
    rows: pd.DataFrame
    dropped: pd.DataFrame
    lost: dict[int, str | float]
    total: int
    notes: list[str] = field(default_factory=list)

    def leave_out(self, which: pd.Series, reason: str | pd.Series) -> None:
        """Move some rows to those that are left out."""
        self.remember_labels(which)
        self.rows, self.dropped = leave_out(self.rows, self.dropped, which, reason)

    def remember_labels(self, which: pd.Series | None = None) -> None:
        """Note the labels of rows that may be left out."""
        found = self.rows if which is None else self.rows[which]
        self.lost |= dict(zip(found["row"], found["label"], strict=True))


def read(
    path: Path | str,
    columns: Columns,
    regression: bool,
    form: dict[str, object],
    like: Dialect | None = None,
) -> Reading:
    """Read a file; labels become numbers if they are to be.

    Args:
        form: `encoding`, `delimiter`, `quote` and `header`, as for `load`.
        like: how the first file was written, if this is another.
    """
    asked = {"TEXT_COLUMN": columns.texts, "LABEL_COLUMN": columns.labels}
    others = {"GROUP_COLUMN": columns.group, "TIME_COLUMN": columns.time}
    asked |= {setting: (name,) for setting, name in others.items() if name is not None}
    table = open_table(path, asked, like=like, **form)
    found = count(table, labels_of(table, columns.labels, regression))
    dialect = table.dialect
    notes = [] if dialect.delimiter == "," else [f"fields are separated by {dialect.delimiter!r}"]
    marked = dialect.encoding in ("utf-16", "utf-32")
    notes += [f"the file is {dialect.encoding.upper()}"] * marked
    notes += [*table.notes, *found.notes(), *found.notes_on_bytes(dialect.encoding)]
    advice = other_quote(table, found.unread) if found.unread > MANY * found.rows else ""
    if found.unread > LOST * found.rows:
        raise FileError(mostly_unread(table, found, advice))
    notes += [advice.rstrip(".")] * bool(advice)
    gathered = gather(table, columns)
    reading = reading_of(table, gathered, notes)
    reading.notes += remarks_on_file(reading, columns)
    if regression:
        rows, dropped, more = numbers_in(reading.rows, reading.dropped, table.path.name)
        reading.rows, reading.dropped = rows, dropped
        reading.notes += more
        lost = {n: cell for n, cell in reading.lost.items() if NUMBER.fullmatch(cell)}
        reading.lost = {n: float(cell) for n, cell in lost.items()}
    return reading


def reading_of(table: Table, gathered: Gathered, notes: list[str]) -> Reading:
    """What was read, to be worked on."""
    return Reading(
        table, gathered.rows, gathered.dropped, dict(gathered.lost), gathered.total, notes
    )


def mostly_unread(table: Table, found: Count, advice: str) -> str:
    """The message for a file of which most rows do not fit the header."""
    faults = pd.Series([row.fault for row in table if row.fault not in ("", EMPTY)])
    what = advice or "Is the DELIMITER right, and are texts that hold it quoted?"
    if found.unread == found.rows:
        start = f"no row of {table.path.name!r} can be used. Rows: {found.rows}"
    else:
        start = f"{found.unread:,} of {found.rows:,} rows of {table.path.name!r} cannot be read"
    return f"{start}; most often: {faults.mode()[0]}. {what}"


def remarks_on_file(reading: Reading, columns: Columns) -> list[str]:
    """What a reader should know about columns and encoding, before any label is looked at."""
    table, found = reading.table, []
    rows = [table.header, *table.head]
    seen = looks([*table.head], len(table.header))
    best = text_place(seen)
    better = table.header[best] if best is not None else None
    for name, column in zip(columns.texts, ("text", "text_pair"), strict=False):
        found += remark_on_column(reading.rows[column], name, better)
    if not table.dialect.header and names_a_label(rows, columns, table.header):
        found.append(
            "the first row was taken for the names of the columns, and looks like data: if the "
            "file has no header, set HEADER to a list of names"
        )
    others = other_flags(columns, table)
    if others:
        every = [*columns.labels, *others]
        found.append(
            "other columns hold 0 and 1, too: if they are labels that a text may have at the same "
            "time, all can be learned, though not in notebook 13: 'Several labels per text' "
            f"in docs/own_csv.md says how (LABEL_COLUMN = {every})"
        )
    ours = [name for name in OWN_COLUMNS if name in table.header]
    if ours:
        found.append(
            f"the file has a column {ours[0]!r}: it keeps that name, and what the model adds to "
            f"predictions is called {ours[0] + ' (model)'!r}"
        )
    encoding = table.dialect.encoding
    if not encoding.startswith("utf") and is_utf8_beyond_ascii(table.path):
        found.append(
            f'all of the file is UTF-8, and it was read as {encoding}: set ENCODING = "utf8"'
        )
    return found


def other_flags(columns: Columns, table: Table) -> list[str]:
    """Where labels are 0 and 1, the other columns that hold just these."""
    if len(columns.labels) > 1 or columns.separator is not None:
        return []
    whole = [row for row in table.head if len(row) == len(table.header)]
    flags = [
        name
        for place, name in enumerate(table.header)
        if {row[place].strip() for row in whole} == {"0", "1"} and name not in columns.texts
    ]
    return [name for name in flags if name not in columns.labels] * (columns.labels[0] in flags)


def names_a_label(rows: list[list[str]], columns: Columns, header: list[str]) -> bool:
    """Whether the name of the label column is also one of its repeated labels."""
    if len(columns.labels) > 1:
        return False
    place = header.index(columns.labels[0])
    cells = [row[place].strip() for row in rows[1:] if len(row) == len(header)]
    return look(cells).is_label and rows[0][place] in cells
