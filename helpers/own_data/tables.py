"""A CSV of whatever kind as a stream of rows, or one message that says what is wrong with it.

Rows are numbered as a spreadsheet does: the first row of the file is row 1. Nothing is guessed that
could damage a text, and the file is never changed.
"""

import io
import json
import math
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from helpers.own_data.advice import (
    ColumnNotFoundError,
    Wanted,
    check_columns,
    listed,
    with_other_quote,
)
from helpers.own_data.encodings import BAD, bad_byte, undecodable
from helpers.own_data.heads import NOTHING, Marks, all_heads, candidates, check_settings, name_of
from helpers.own_data.looks import LOOKED_AT, regularity
from helpers.own_data.records import SPACE, Dialect, Row, plain_fields, records
from helpers.own_data.sources import (
    HEAD,
    FileError,
    codec,
    damaged,
    decoded,
    errors_of,
    lines_of,
    path_of,
    unpacked,
)

# A first line by which spreadsheets tell each other the delimiter; they show it as no row.
ANNOUNCED = re.compile(r'"?sep=([^\w"\r\n])"?(\r\n?|\n)', re.IGNORECASE)
# What only a file that quotes holds, read as if it did not: a quotation mark written twice.
STILL_QUOTED = re.compile(r'"(?:[^"]|"")*""(?:[^"]|"")*"')

EMPTY = "an empty line"
FEW, OTHER_QUOTES = 3, ("", "'", "`")
CURLY = re.compile("(^|[,;\t|])\\s*[“”„«]")

__all__ = ["ColumnNotFoundError", "Table", "open_table"]


@dataclass(frozen=True)
class Table:
    """A CSV whose header is known; iterating streams its rows, so memory stays flat.

    Attributes:
        trusted: the reader said what quotes a text, so a text of many lines needs no doubt.
        announced: the header stands below a line such as "sep=;".
        head: the first rows below the header, to judge columns by their look.
        notes: what was found out about how the file is written.
    """

    path: Path
    header: list[str]
    dialect: Dialect
    trusted: bool = False
    announced: bool = False
    head: tuple[list[str], ...] = ()
    notes: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Row]:
        number, dialect = 1, self.dialect
        try:
            with unpacked(self.path) as raw:
                form = {"errors": errors_of(dialect.encoding), "newline": ""}
                text = io.TextIOWrapper(raw, codec(dialect.encoding), **form)
                if self.announced:
                    text.readline()
                lines = lines_of(text, self.path.name)
                rows = records(lines, dialect, self.path.name, int(self.announced))
                if not dialect.header:
                    self.check_header(next(rows))
                for row in rows:
                    number = row.number
                    yield self.with_fault(row)
        except UnicodeError as error:
            raise FileError(damaged(self.path, dialect.encoding)) from error
        except (OSError, EOFError, zlib.error) as error:
            raise FileError(
                f"{self.path.name!r} cannot be read beyond row {number}: it is damaged or was "
                "cut off. Copy it again."
            ) from error

    def with_fault(self, row: Row) -> Row:
        """The row, with what is wrong with its bytes or its number of fields."""
        if row.fault:
            return row
        bad = next((line for line in row.lines if BAD.search(line)), "")
        if bad:
            byte, name = bad_byte(bad), self.dialect.encoding.upper()
            return row._replace(fault=f"byte {byte} is not {name}")
        if len(row.fields) == len(self.header):
            return row
        has = f"{len(row.fields)} fields where the header has {len(self.header)}"
        return row._replace(fault=has if row.fields else EMPTY)

    def check_header(self, row: Row) -> None:
        """Raise `FileError` if the first record is not the header, or holds rows of the table."""
        if [*map(name_of, row.fields)] != self.header:
            raise FileError(
                f"{self.path.name!r}: the first row cannot be read as the columns' names. Look for "
                "a quotation mark in it that does not close, or is not written twice."
            )
        if self.looks_like_rows(row):
            raise FileError(self.swallowed(row))

    def looks_like_rows(self, row: Row) -> bool:
        """Whether each line of a record has as many fields as the header, without its quotes.

        With commas only if there are three lines or more, as texts hold commas, too.
        """
        least = 3 if self.dialect.delimiter == "," else 2
        widths = {len(plain_fields(line, self.dialect)) for line in row.lines}
        enough = len(row.lines) >= least and len(self.header) > 1
        return enough and not self.trusted and widths == {len(self.header)}

    def swallowed(self, row: Row, more: int = 0) -> str:
        """The message for a record that seems to hold other rows."""
        last, quote = len(row.lines) - 1, self.dialect.quote
        return (
            f"{self.path.name!r}: a quotation mark opens in line {row.first_line} and closes in "
            f"line {row.first_line + last}, but rows {row.number} to {row.number + last} between "
            f"them look like rows of their own{f' (and {more:,} more such places)' * (more > 0)}. "
            'If quotation marks are ordinary characters in this file, set QUOTE = "". If this is '
            f"really one text that holds line ends, set QUOTE = {quote!r}."
        )


def open_table(
    path: Path | str,
    columns: dict[str, str | Sequence[str]],
    encoding: str | None = None,
    delimiter: str | None = None,
    quote: str | None = None,
    like: Dialect | None = None,
    header: Sequence[str] | bool | None = None,
) -> Table:
    """Find out how a file is written, and check that it has some columns.

    Args:
        path: a CSV, plain or packed with gzip.
        columns: the setting's name to the column's or the columns', such as
            {"TEXT_COLUMN": "text"}.
        encoding: None is UTF-8. A file that begins with the mark of another one is read as that.
        delimiter: None: the one of commas, semicolons, tabs and bars, or of a first line such as
            "sep=;", that makes the header hold the columns. A space: the first word of a line is
            one column, all others are the second.
        quote: what stands around a text that holds a delimiter or a line end. "": nothing does,
            and quotation marks are ordinary characters. None: double quotation marks, but a text
            whose lines look like rows of their own is refused (see `counting.count`).
        like: how an earlier file was written, for what is not given. It only comes first: where
            this file cannot be read so, or fewer of its rows, it is read as if alone.
        header: names for the columns of a file that begins with its first row of data; False
            calls them "column 1" and so on; None or True: the first row holds the names.

    Raises:
        FileError, ColumnNotFoundError: it cannot be used as it is.
    """
    check_settings(delimiter, quote, header)
    wanted, path = Wanted(columns), path_of(path)
    start, encoding = decoded(path, encoding, like.encoding if like else None)
    announced = ANNOUNCED.match(start)
    if announced:
        start, like = start[announced.end() :], preferring(announced[1], like)
    nameless = header is False or isinstance(header, list | tuple)  # its first row is one of many
    if not nameless and BAD.search(first := next(iter(start.splitlines()), "")):
        raise FileError(undecodable(path.name, encoding, [(1, first)], 0))
    heads = all_heads(start, candidates(delimiter, quote, like))
    names = header_for(heads, header, like, wanted)
    if names:
        equals = without_header(heads, names, path.name, start)
        below = heads[equals[0]][heads[equals[0]][0] == names :]
    else:
        best = best_marks(heads, wanted.names, None if announced else like)
        names = heads[best][0]
        check_columns(path.name, names, wanted, heads, start)
        equals = [best, *(m for m in heads if m != best and heads[m][0] == names)]
        below = heads[best][1:]
    own = None if equals[0] in heads and heads[equals[0]][0] == names else tuple(names)
    if len(names) == 1 and quote is None:
        equals.append(Marks(NOTHING, ""))
    dialects = [Dialect(encoding, d, q, header=own, spaced=spaced) for d, q, spaced in equals]
    if own:
        wanted.check(path.name, names)
    form = {"trusted": quote is not None, "announced": bool(announced), "head": tuple(below)}
    return settled(fullest([Table(path, [*names], d, **form) for d in dialects]))


def header_for(
    heads: dict[Marks, list[list[str]]],
    header: Sequence[str] | bool | None,
    like: Dialect | None,
    wanted: Wanted,
) -> list[str] | None:
    """The names to use for the columns of a file without a header; None if it has one.

    The names of an earlier file are taken if this one has as many columns and the names of none
    that are asked for.
    """
    if header is False:
        best = max(heads, key=lambda marks: regularity(heads[marks]))
        return [f"column {place}" for place in range(1, len(heads[best][0]) + 1)]
    if header is None and like is not None and like.header:
        found = any(wanted.names <= set(rows[0]) for rows in heads.values())
        fits = any(len(rows[0]) == len(like.header) for rows in heads.values())
        return [*like.header] if fits and not found else None
    return [name.strip() for name in header] if isinstance(header, list | tuple) else None


def without_header(
    heads: dict[Marks, list[list[str]]], names: list[str], file: str, start: str
) -> list[Marks]:
    """The candidates whose first row has a field for each name, the most regular one first."""
    fitting = [marks for marks in heads if len(heads[marks][0]) == len(names)]
    if not fitting:
        best = max(heads, key=lambda marks: regularity(heads[marks]))
        fields = heads[best][0]
        raise FileError(
            f"HEADER holds {len(names)} name(s), but the first row of {file!r} has {len(fields)} "
            f"field(s): {listed(fields)}. {instead(heads, names, start)}Give each column one name, "
            "from left to right."
        )
    ranked = sorted(fitting, key=lambda marks: regularity(heads[marks]), reverse=True)
    return [marks for marks in ranked if marks[:2] == ranked[0][:2]]


def instead(heads: dict[Marks, list[list[str]]], names: list[str], start: str) -> str:
    """With which QUOTE the first row would have as many fields as there are names; or ""."""
    for marks, rows in with_other_quote(heads, start).items():
        if marks not in heads and len(rows[0]) == len(names) and regularity(rows)[0]:
            return (
                f"With QUOTE = {json.dumps(marks.quote)} and DELIMITER = "
                f"{json.dumps(marks.delimiter)} it would have {len(names)}. "
            )
    return ""


def preferring(delimiter: str, like: Dialect | None) -> Dialect:
    """The dialect to try first in a file that names its delimiter in its first line."""
    return replace(like, delimiter=delimiter) if like else Dialect("utf-8", delimiter, '"')


def best_marks(
    heads: dict[Marks, list[list[str]]], wanted: set[str], like: Dialect | None
) -> Marks:
    """The candidate whose header holds the wanted columns.

    Among several such candidates the one with the delimiter of `like` wins, then the one with the
    most columns, then the first.

    Args:
        heads: the first rows of the file, as each candidate reads them.
    """

    def merit(marks: Marks) -> tuple[bool, bool, int]:
        header = heads[marks][0]
        is_like = like is not None and marks.delimiter == like.delimiter
        return wanted <= set(header), is_like, len(header)

    return max(heads, key=merit)


def settled(table: Table) -> Table:
    """The table, read with backslashes before quotation marks if more rows can be read so."""
    if table.dialect.spaced:
        note = f"spaces stand before quotation marks ( {table.dialect.quote}), and were skipped"
        table = replace(table, notes=(*table.notes, note))
    delimiter, quote = table.dialect.delimiter, table.dialect.quote
    if quote != '"' or delimiter == SPACE or not holds_backslashes(table):
        return table
    other = replace(table, dialect=replace(table.dialect, escaped=True))
    if misread(other) >= misread(table):
        return table
    note = 'quotation marks inside texts stand behind a backslash (\\"), and were read so'
    return replace(other, notes=(*table.notes, note))


def holds_backslashes(table: Table) -> bool:
    """Whether a backslash stands before a quotation mark anywhere in a file."""
    try:
        with unpacked(table.path) as raw:
            last = b""
            while block := raw.read(HEAD):
                plain = (last + block).replace(b"\0", b"")  # UTF-16 writes zeros between letters
                if b'\\"' in plain:
                    return True
                last = plain[-1:]
    except (OSError, EOFError, zlib.error):
        return False  # a damaged file is named by whoever reads its rows
    return False


def fullest(tables: list[Table]) -> Table:
    """Of several ways to read a file the first of those that leave out the fewest rows.

    More than one has the same header if there is just one column, whatever separates the others,
    if an earlier file was quoted in another way than by double quotation marks, or if spaces stand
    before quotation marks.
    """
    if len(tables) == 1:
        return tables[0]
    best, fewest = tables[0], math.inf
    for table in tables:
        missed = misread(table)
        if missed < fewest:
            best, fewest = table, missed
        if not fewest:
            break
    return best


def misread(table: Table) -> float:
    """How many rows cannot be used, or keep the marks of their quoting; infinite for an error."""
    try:
        quote = table.dialect.quote
        return sum(
            bool(row.fault) or any(still_quoted(f, quote) for f in row.fields) for row in table
        )
    except FileError:
        return math.inf


def other_quote(table: Table, unread: int) -> str:
    """Which QUOTE would make rows readable that are not now; "" if none is found.

    Args:
        unread: how many rows cannot be read as the table stands.
    """
    if table.trusted or unread < FEW:
        return ""
    for quote in OTHER_QUOTES:
        other = replace(table, trusted=True, dialect=replace(table.dialect, quote=quote))
        if (missed := misread(other)) > unread / 2:
            continue
        if not quote:  # the reasons of the rows say so
            return ""
        return f"With QUOTE = {json.dumps(quote)} only {missed} row(s) could not be read."
    bad = [row.lines[0] for row in table if row.fault][:LOOKED_AT]
    curly = sum(bool(CURLY.search(line)) for line in bad)
    if 2 * curly > len(bad):
        return (
            "Texts stand in typographic quotation marks (“ ”), which quote nothing in a CSV. "
            'Replace them by straight ones (") in an editor.'
        )
    return ""


def still_quoted(field: str, quote: str) -> bool:
    """Whether a field keeps the marks of its quoting: read as if nothing quoted, or behind spaces.

    Args:
        quote: what quotes a text as the field was read; "" for nothing.
    """
    inner = field.strip()
    if not quote:
        return bool(STILL_QUOTED.fullmatch(inner))
    is_behind = len(inner) > 1 and not field.startswith(inner[0])
    return is_behind and inner[0] == inner[-1] == quote and quote not in inner[1:-1]
