"""The records of a CSV, each with the lines of the file that it was read from: no line is lost."""

import csv
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import count
from typing import NamedTuple

from helpers.own_data.sources import FileError

LONGEST_FIELD = 2_000_000
NOT_DOUBLED = (
    'a quotation mark inside the text is not doubled (""); if quotation marks are ordinary '
    'characters in this file, set QUOTE = ""'
)
BACKSLASH = (
    'a quotation mark inside the text is marked by a backslash (\\"); write it twice instead: ""'
)


class Row(NamedTuple):
    """One record, and where in the file it stands.

    Attributes:
        number: as a spreadsheet counts: the header is row 1.
        fields, fault: what it holds, and why it cannot be used ("" if it can).
        lines: of the file, with their line ends; more than one if a text holds line ends.
        first_line: the number in the file of the first of them, from 1.
    """

    number: int
    fields: list[str]
    fault: str
    lines: list[str]
    first_line: int


@dataclass(frozen=True)
class Dialect:
    """How a file was really read: its encoding, what separates fields, and what quotes them.

    `quote` is "" where quotation marks were read as ordinary characters.
    """

    encoding: str
    delimiter: str
    quote: str

    def as_dict(self) -> dict[str, str]:
        """The three by their names, for a JSON file."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: object) -> "Dialect | None":
        """What `as_dict` gave; None for anything that is not of its form."""
        names = ("encoding", "delimiter", "quote")
        if not isinstance(stored, Mapping):
            return None
        found = [stored.get(name) for name in names]
        if not all(isinstance(value, str) for value in found):
            return None
        encoding, delimiter, quote = found
        usable = len(delimiter) == 1 and len(quote) < 2 and not {delimiter, quote} & {"\r", "\n"}
        return cls(encoding, delimiter, quote) if usable and delimiter != quote else None


class Lines:
    """Lines of a text for `csv.reader`, which can be given back: a record knows its own."""

    def __init__(self, text: Iterator[str], before: int) -> None:
        """`before`: how many lines of the file stand above the first of these."""
        self.text, self.before = text, before
        self.waiting: deque[str] = deque()
        self.taken: list[str] = []

    def __iter__(self) -> "Lines":
        return self

    def __next__(self) -> str:
        line = self.waiting.popleft() if self.waiting else next(self.text)
        self.taken.append(line)
        return line

    def give_back_after_first(self) -> None:
        """The next lines are those that the record at hand took beyond its first."""
        self.waiting.extendleft(reversed(self.taken[1:]))
        del self.taken[1:]

    def record_lines(self) -> tuple[list[str], int]:
        """The lines taken since this was last asked, and the number of the first of them."""
        taken, first, self.taken = self.taken, self.before + 1, []
        self.before += len(taken)
        return taken, first


def records(text: Iterator[str], dialect: Dialect, file: str, before: int = 0) -> Iterator[Row]:
    """The records of a text, from the header on.

    A record that breaks the rules of quoting loses its first line only: the lines that it had
    taken beyond that are read again, as records of their own. So every line is in just one record.

    Raises:
        FileError: a quotation mark never closes, or a field has no end.
    """
    csv.field_size_limit(LONGEST_FIELD)
    lines = Lines(text, before)
    form = (
        {"quotechar": dialect.quote}
        if dialect.quote
        else {"quoting": csv.QUOTE_NONE, "quotechar": None}
    )
    reader = csv.reader(lines, delimiter=dialect.delimiter, strict=True, **form)
    for number in count(1):
        try:
            fields, fault = next(reader), ""
        except StopIteration:
            return
        except csv.Error as error:
            check_end(error, lines, dialect.quote, number, file)
            lines.give_back_after_first()
            fields, fault = [], BACKSLASH if '\\"' in lines.taken[0] else NOT_DOUBLED
        yield Row(number, fields, fault, *lines.record_lines())


def check_end(error: csv.Error, lines: Lines, quote: str, number: int, file: str) -> None:
    """Raise `FileError` if a record has no end."""
    too_long = "field limit" in str(error)
    if too_long and not (quote and any(quote in line for line in lines.taken)):
        raise FileError(
            f"{file!r}: row {number} holds a text of more than {LONGEST_FIELD:,} characters. "
            "Shorten it, or take the row out."
        ) from error
    if too_long or "unexpected end" in str(error):
        raise FileError(
            f"{file!r}: a quotation mark opens in row {number} (line {lines.before + 1}) and never "
            'closes. Close it, or write a quotation mark inside a text twice: "". If quotation '
            'marks are ordinary characters in this file, set QUOTE = "".'
        ) from error


def plain_fields(line: str, dialect: Dialect) -> list[str]:
    """A line cut at its delimiters with quotation marks read as text, and then taken off."""
    quote = dialect.quote or '"'
    cut = line.rstrip("\r\n").split(dialect.delimiter)
    return [field.strip().strip(quote).strip() for field in cut]
