"""What to do about columns that a file does not have: judged by names and by what columns hold."""

import difflib
import json
from collections.abc import Sequence

from helpers.own_data.heads import Marks, first_rows, lower_header
from helpers.own_data.looks import (
    begins_with_data,
    label_place,
    leading_labels,
    looks,
    regularity,
    text_place,
)
from helpers.own_data.sources import FileError

LINES = 200
LONGEST_NAME = 80  # characters; longer ones are rather texts
OTHER_QUOTE = "'"
FEW_IN_A_NAME = 2  # words; a column whose name has more is rather a text


class ColumnNotFoundError(FileError):
    """A column that the file does not have; the message lists those it has."""


class Wanted:
    """The columns that are asked for, each with the setting that names it."""

    def __init__(self, columns: dict[str, str | Sequence[str]]) -> None:
        """`columns`: the setting's name to the column's or the columns'."""
        self.pairs: list[tuple[str, str]] = []
        for setting, asked in columns.items():
            names = [asked] if isinstance(asked, str) else asked
            if not isinstance(names, list | tuple) or not all(isinstance(n, str) for n in names):
                raise ColumnNotFoundError(
                    f"{setting} = {asked!r} is no name of a column. Write the name in quotation "
                    f'marks, such as {setting} = "text", or several in a list.'
                )
            self.pairs += [(setting, name) for name in names]
        self.names = {name for _, name in self.pairs}

    def check(self, file: str, header: list[str], seen: list[list[str]] = ()) -> None:
        """Raise `ColumnNotFoundError` unless each column is in the header, once."""
        for setting, column in self.pairs:
            if header.count(column) > 1:
                raise ColumnNotFoundError(
                    f"{file!r} has {header.count(column)} columns {column!r}. Rename all but one."
                )
            if column not in header:
                raise ColumnNotFoundError(
                    f"{file!r} has no column {column!r}. It has: {listed(header)}.\n"
                    f"{missing_column(setting, column, header, seen)}"
                )
        if len(self.names) < len(self.pairs):
            raise ColumnNotFoundError(f"{self.twice()} are the same column. Choose two.")

    def twice(self) -> str:
        """The settings that name one column, or one of them twice: "TEXT_COLUMN and ..."."""
        names = [name for _, name in self.pairs]
        column = next(name for name in names if names.count(name) > 1)
        return " and ".join(dict.fromkeys(s for s, name in self.pairs if name == column))

    def label(self) -> str:
        """The first name that is asked for as a label, or "label"."""
        return next((name for setting, name in self.pairs if "LABEL" in setting), "label")

    def text(self) -> str:
        """The first name that is asked for as a text, or "text"."""
        return next((name for setting, name in self.pairs if "TEXT" in setting), "text")


def check_columns(
    file: str,
    header: list[str],
    wanted: Wanted,
    heads: dict[Marks, list[list[str]]],
    start: str,
) -> None:
    """Raise `ColumnNotFoundError` with the likeliest reason if the header lacks a wanted column.

    Args:
        heads: the first rows of the file, as each way of reading gives them.
        start: the beginning of the file as text.
    """
    if not wanted.names <= set(header):
        lower = max(lower_header(rows, wanted.names) for rows in heads.values())
        if lower:
            raise ColumnNotFoundError(
                f"{file!r} has its column names in row {lower}. Delete the rows above it: the "
                "first row must hold the column names."
            )
        check_there_is_a_header(file, wanted, heads, start)
    seen = next((rows[1:] for rows in heads.values() if rows[0] == header), [])
    wanted.check(file, header, seen)


def check_there_is_a_header(
    file: str, wanted: Wanted, heads: dict[Marks, list[list[str]]], start: str
) -> None:
    """Raise `ColumnNotFoundError` if the first row looks like data, and name its columns."""
    heads = with_other_quote(heads, start)
    marks = max(heads, key=lambda m: likelihood(heads[m]))
    rows = heads[marks]
    both, share, width = regularity(rows)
    if not both:
        check_not_spaced(file, wanted, start)
    if width < 2 or share < 0.8 or len(rows[0]) != width or not begins_with_data(rows):
        return
    names = guessed_names(rows, wanted)
    cut = f"DELIMITER = {quoted(marks.delimiter)} and " if marks.delimiter != "," else ""
    if marks.quote == OTHER_QUOTE:
        cut = f"QUOTE = {quoted(OTHER_QUOTE)}{', ' if cut else ' and '}{cut}"
    cut = cut if both else ""
    raise ColumnNotFoundError(
        f"the first row of {file!r} looks like data, not like names of columns: "
        f"{shown(rows[0])}. The file has no header. Set {cut}HEADER = "
        f"[{', '.join(map(quoted, names))}] (a name for each column, from left to right; check "
        "that they are the right ones), or write such a row above the data."
    )


def with_other_quote(
    heads: dict[Marks, list[list[str]]], start: str
) -> dict[Marks, list[list[str]]]:
    """The first rows as they were read, then as they are where apostrophes quote a text."""
    others = [Marks(marks.delimiter, OTHER_QUOTE) for marks in heads if marks.quote == '"']
    return heads | {m: first_rows(start, m) for m in others if m not in heads}


def likelihood(rows: list[list[str]]) -> tuple:
    """How likely rows are read as they were written, to compare delimiters and quotation marks."""
    both, share, width = regularity(rows)
    return both, share, -marked(rows), width


def marked(rows: list[list[str]]) -> int:
    """How many fields still begin with a quotation mark: another one quotes the texts."""
    return sum(field.startswith(('"', "'")) for row in rows for field in row)


def guessed_names(rows: list[list[str]], wanted: Wanted) -> list[str]:
    """A name for each column: those that were asked for where texts and labels seem to be."""
    width = len(rows[0])
    seen = looks(rows, width)
    text = text_place(seen)
    label = label_place(seen, text)
    names = [f"column {place}" for place in range(1, width + 1)]
    if text is not None:
        names[text] = wanted.text()
    if label is not None:
        names[label] = wanted.label()
    return names


def check_not_spaced(file: str, wanted: Wanted, start: str) -> None:
    """Raise `ColumnNotFoundError` for lines of a label, a space and a text."""
    lines = start.replace("\r", "\n").split("\n")[:LINES]
    labels = leading_labels(lines[:-1] if len(lines) > 10 else lines)
    if labels:
        names = ", ".join(map(quoted, (wanted.label(), wanted.text())))
        raise ColumnNotFoundError(
            f"{file!r} is no table: its lines begin with one of {len(labels)} words "
            f"({listed(labels, 5)}) and a space, as if that were the label. If so, set "
            f'DELIMITER = " " and HEADER = [{names}]: then the first word of a line is the label '
            "and the rest is the text."
        )


def missing_column(setting: str, column: str, header: list[str], rows: list[list[str]]) -> str:
    """What to do about a column that is not in the header.

    A column of nearly that name is suggested if it holds what is asked for; else the one that looks
    most like it.
    """
    seen = looks(rows, len(header))
    text = text_place(seen)
    label = label_place(seen, text)
    lower = {name.lower(): name for name in reversed(header) if name}
    near = difflib.get_close_matches(column.lower(), lower, 1)
    found = lower[near[0]] if near else None
    if len(header) > 1 and max(map(len, header)) > LONGEST_NAME:  # hardly names
        return "Is the first row the one that names the columns? If there is none, set HEADER."
    first = " ".join(header)
    if len(header) == 1 and len(first.split()) > FEW_IN_A_NAME and column not in first:
        return f"If the file has no header, and one text per line, set HEADER = [{quoted(column)}]."
    if len(header) == 1 and not found:
        return "Only one: set DELIMITER to the character that separates its columns."
    is_text = "TEXT" in setting
    if is_text and text is not None and not (found and seen[header.index(found)].is_text):
        found = header[text]
    elif "LABEL" in setting and not found and label is not None:
        found = header[label] if seen[label].distinct > 1 else None
    if found:
        return (
            f"Did you mean {found!r}? Set {setting} = {quoted(found)} in place of the name that "
            "you gave, and run again from there."
        )
    return f"Set {setting} to one of them. The first row must hold the columns' names."


def listed(header: list[str], most: int = 20, longest: int = 40) -> str:
    """The column names for a message: the first `most`, each cut at `longest` characters."""
    names = [" ".join(name.split())[:longest] for name in header[:most]]
    return ", ".join(names) + ", …" * (len(header) > most)


def shown(row: list[str]) -> str:
    """A row for a message, its fields side by side."""
    return " | ".join(" ".join(field.split())[:40] for field in row[:5])


def quoted(name: str) -> str:
    """A text as it is written in a program."""
    return json.dumps(name, ensure_ascii=False)
