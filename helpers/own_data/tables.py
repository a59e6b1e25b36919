"""A CSV of whatever kind as a stream of rows, or one message that says what is wrong with it.

Rows are numbered as a spreadsheet does: the header is row 1. Nothing is guessed that could damage
a text, and the file is never changed.
"""

import csv
import difflib
import io
import math
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from helpers.own_data.records import Dialect, Row, plain_fields, records
from helpers.own_data.sources import LONGEST_HEAD, FileError, codec, decoded, undecodable, unpacked

DELIMITERS = (",", ";", "\t", "|")
# A first line by which spreadsheets tell each other the delimiter; they show it as no row.
ANNOUNCED = re.compile(r'"?sep=([^\w"\r\n])"?(\r\n?|\n)', re.IGNORECASE)
# What only a file that quotes holds, read as if it did not: a quotation mark written twice.
STILL_QUOTED = re.compile(r'"(?:[^"]|"")*""(?:[^"]|"")*"')


class ColumnNotFoundError(FileError):
    """A column that the file does not have; the message lists those it has."""


@dataclass(frozen=True)
class Table:
    """A CSV whose header has been read; iterating streams its rows, so memory stays flat.

    Attributes:
        trusted: the reader said what quotes a text, so a text of many lines needs no doubt.
        announced: the header stands below a line such as "sep=;".
    """

    path: Path
    header: list[str]
    dialect: Dialect
    trusted: bool = False
    announced: bool = False

    def __iter__(self) -> Iterator[Row]:
        number = 1
        try:
            with unpacked(self.path) as raw:
                text = io.TextIOWrapper(raw, codec(self.dialect.encoding), newline="")
                if self.announced:
                    text.readline()
                rows = records(text, self.dialect, self.path.name, int(self.announced))
                self.check_header(next(rows))
                for row in rows:
                    number = row.number
                    yield self.with_fault(row)
        except UnicodeDecodeError as error:
            raise FileError(undecodable(self.path, self.dialect.encoding)) from error
        except (OSError, EOFError, zlib.error) as error:
            raise FileError(
                f"{self.path.name!r} cannot be read beyond row {number}: it is damaged or was "
                "cut off. Copy it again."
            ) from error

    def with_fault(self, row: Row) -> Row:
        """The row, with what is wrong with its number of fields."""
        if row.fault or len(row.fields) == len(self.header):
            return row
        has = f"{len(row.fields)} fields where the header has {len(self.header)}"
        return row._replace(fault=has if row.fields else "an empty line")

    def check_header(self, row: Row) -> None:
        """Raise `FileError` if the first record is not the header, or holds rows of the table."""
        if [field.strip() for field in row.fields] != self.header:
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
    columns: dict[str, str],
    encoding: str | None = None,
    delimiter: str | None = None,
    quote: str | None = None,
    like: Dialect | None = None,
) -> Table:
    """Find out how a file is written, and check that it has some columns.

    Args:
        path: a CSV, plain or packed with gzip.
        columns: the setting's name to the column's, such as {"TEXT_COLUMN": "text"}.
        encoding: None is UTF-8. A file that begins with a mark of UTF-8 or UTF-16 is read as that.
        delimiter: None: the one of `DELIMITERS`, or of a first line such as "sep=;", that makes
            the header hold the columns.
        quote: what stands around a text that holds a delimiter or a line end. "": nothing does,
            and quotation marks are ordinary characters. None: double quotation marks, but a text
            whose lines look like rows of their own is refused (see `counting.count`).
        like: how an earlier file was written, for what is not given. It only comes first: where
            this file cannot be read so, or fewer of its rows, it is read as if alone.

    Raises:
        FileError, ColumnNotFoundError: it cannot be used as it is.
    """
    check_settings(delimiter, quote)
    path = Path(path).expanduser()
    start, encoding = decoded(path, encoding, like.encoding if like else None)
    announced = ANNOUNCED.match(start)
    if announced:
        start, like = start[announced.end() :], preferring(announced[1], like)
    heads = {marks: first_rows(start, *marks) for marks in candidates(delimiter, quote, like)}
    best = best_marks(heads, set(columns.values()), None if announced else like)
    header = heads[best][0]
    check_header_on_top(path.name, header, heads, set(columns.values()))
    check_columns(path.name, header, columns)
    equals = [best, *(marks for marks in heads if marks != best and heads[marks][0] == header)]
    dialects = [Dialect(encoding, *marks) for marks in equals]
    trusted = quote is not None
    return fullest([Table(path, header, d, trusted, bool(announced)) for d in dialects])


class Marks(NamedTuple):
    """What separates the fields of a row, and what quotes them ("" for nothing)."""

    delimiter: str
    quote: str


def preferring(delimiter: str, like: Dialect | None) -> Dialect:
    """The dialect to try first in a file that names its delimiter in its first line."""
    return replace(like, delimiter=delimiter) if like else Dialect("utf-8", delimiter, '"')


def candidates(delimiter: str | None, quote: str | None, like: Dialect | None) -> list[Marks]:
    """The ways in which a file may be written, the likeliest first.

    Args:
        delimiter, quote: as the reader set them; None leaves them open.
        like: a dialect to try first.
    """
    first = like or Dialect("utf-8", ",", '"')
    delimiters = [delimiter] if delimiter else dict.fromkeys([first.delimiter, *DELIMITERS])
    quotes = [quote] if quote is not None else dict.fromkeys([first.quote, '"'])
    return [Marks(d, q) for q in quotes for d in delimiters if d != q]


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


def check_header_on_top(
    file: str, header: list[str], heads: dict[Marks, list[list[str]]], wanted: set[str]
) -> None:
    """Raise `ColumnNotFoundError` if the columns' names are not in the first row but below it."""
    lower = max(lower_header(rows, wanted) for rows in heads.values())
    if lower and not wanted <= set(header):
        raise ColumnNotFoundError(
            f"{file!r} has its column names in row {lower}. Delete the rows above it: the first "
            "row must hold the column names."
        )


def check_settings(delimiter: str | None, quote: str | None) -> None:
    """Raise `FileError` for a DELIMITER or a QUOTE that cannot be one."""
    if delimiter and (len(delimiter) > 1 or delimiter in "\r\n"):
        raise FileError(
            f'DELIMITER = {delimiter!r} is not one character. For tabs write "\\t"; None tries '
            "commas, semicolons, tabs and bars."
        )
    if quote and (len(quote) > 1 or quote.isspace()):
        raise FileError(
            f"QUOTE = {quote!r} is not one character. If quotation marks are ordinary characters "
            'in this file, write ""; None is the standard, double quotation marks.'
        )
    if delimiter and delimiter == ('"' if quote is None else quote):
        raise FileError(f'DELIMITER and QUOTE are both {delimiter!r}. Set another QUOTE, or "".')


def first_rows(start: str, delimiter: str, quote: str, most: int = 20) -> list[list[str]]:
    """The header and the rows below it, without spaces around fields."""
    csv.field_size_limit(LONGEST_HEAD)
    form = {"quotechar": quote} if quote else {"quoting": csv.QUOTE_NONE, "quotechar": None}
    rows = islice(csv.reader(io.StringIO(start, newline=""), delimiter=delimiter, **form), most)
    return [[field.strip() for field in fields] for fields in rows] or [[]]


def lower_header(rows: list[list[str]], wanted: set[str]) -> int:
    """The row below a title or empty lines that holds the columns' names; 0 if there is none.

    What stands above has fewer fields that are filled: no header and no row of the table.
    """
    filled = [sum(map(bool, fields)) for fields in rows]
    for place, fields in enumerate(rows[1:], start=1):
        if wanted <= set(fields) and max(filled[:place]) < filled[place]:
            return place + 1
    return 0


def fullest(tables: list[Table]) -> Table:
    """Of several ways to read a file the first of those that leave out the fewest rows.

    More than one has the same header if there is just one column, whatever separates the others,
    or if an earlier file was quoted in another way than by double quotation marks.
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
        return sum(
            bool(row.fault) or (not table.dialect.quote and any(map(still_quoted, row.fields)))
            for row in table
        )
    except FileError:
        return math.inf


def still_quoted(field: str) -> bool:
    """Whether a field was written by a program that quotes, and read as if it did not."""
    return bool(STILL_QUOTED.fullmatch(field.strip()))


def check_columns(file: str, header: list[str], columns: dict[str, str]) -> None:
    """Raise `ColumnNotFoundError` unless each column is in the header, once."""
    for setting, column in columns.items():
        if header.count(column) > 1:
            raise ColumnNotFoundError(
                f"{file!r} has {header.count(column)} columns {column!r}. Rename all but one."
            )
        if column not in header:
            raise ColumnNotFoundError(
                f"{file!r} has no column {column!r}. It has: {listed(header)}.\n"
                f"{missing_column_advice(setting, column, header)}"
            )
    if len(set(columns.values())) < len(columns):
        raise ColumnNotFoundError("TEXT_COLUMN and LABEL_COLUMN are the same column. Choose two.")


def listed(header: list[str], most: int = 20, longest: int = 40) -> str:
    """The column names for a message: the first `most`, each cut at `longest` characters."""
    names = [" ".join(name.split())[:longest] for name in header[:most]]
    return ", ".join(names) + ", …" * (len(header) > most)


def missing_column_advice(setting: str, column: str, header: list[str]) -> str:
    """What to do about a column that is not in the header."""
    lower = {name.lower(): name for name in reversed(header) if name}
    near = difflib.get_close_matches(column.lower(), lower, 1)
    if near:
        found = lower[near[0]]
        return (
            f'Did you mean {found!r}? Set {setting} = "{found}" in the cell above and run it again.'
        )
    if len(header) == 1:
        return "Only one: set DELIMITER to the character that separates its columns."
    return f"Set {setting} to one of them. The first row must hold the columns' names."
