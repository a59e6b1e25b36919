"""The records of a CSV, each with the lines of the file that it was read from: no line is lost."""

import csv
import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import count
from typing import NamedTuple

from helpers.own_data.sources import FileError

LONGEST_FIELD = 10_000_000
NOT_DOUBLED = (
    'a quotation mark inside the text is not doubled (""); if quotation marks are ordinary '
    'characters in this file, set QUOTE = ""'
)
BACKSLASH = (
    'a quotation mark inside the text is marked by a backslash (\\"); write it twice instead: ""'
)
PAIR_OR_BACKSLASH = re.compile(r'\\([\\"])|\\')
SPACE = " "  # as a delimiter it separates the first word of a line, its label, from all the others


class Row(NamedTuple):
    """One record, and where in the file it stands.

    Attributes:
        number: as a spreadsheet counts: the first record is row 1.
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
    """How a file was really read.

    Attributes:
        encoding, delimiter: as for `own_data.load`.
        quote: what quotes a text; "" where quotation marks were read as ordinary characters.
        escaped: quotation marks inside a quoted text stand behind a backslash.
        header: names of the columns, where the file itself has none.
        spaced: spaces stand between a delimiter and a quotation mark, and are skipped.
    """

    encoding: str
    delimiter: str
    quote: str
    escaped: bool = False
    header: tuple[str, ...] | None = None
    spaced: bool = False

    def as_dict(self) -> dict[str, object]:
        """The facts by their names, for a JSON file."""
        return asdict(self) | {"header": [*self.header] if self.header else None}

    @classmethod
    def from_dict(cls, stored: object) -> "Dialect | None":
        """What `as_dict` gave; None for anything that is not of its form."""
        if not isinstance(stored, Mapping):
            return None
        found = [stored.get(name) for name in ("encoding", "delimiter", "quote")]
        if not all(isinstance(value, str) for value in found):
            return None
        encoding, delimiter, quote = found
        usable = len(delimiter) == 1 and len(quote) < 2 and not {delimiter, quote} & {"\r", "\n"}
        if not usable or delimiter == quote:
            return None
        names = stored.get("header")
        named = isinstance(names, list) and bool(names) and all(isinstance(n, str) for n in names)
        header = tuple(names) if named else None
        flags = {name: stored.get(name) is True for name in ("escaped", "spaced")}
        return cls(encoding, delimiter, quote, header=header, **flags)


class Lines:
    """Lines of a text for `csv.reader`, which can be given back: a record knows its own."""

    def __init__(self, text: Iterator[str], before: int, escaped: bool) -> None:
        """`before`: how many lines of the file stand above the first of these."""
        self.text, self.before, self.escaped = text, before, escaped
        self.waiting: deque[str] = deque()
        self.taken: list[str] = []

    def __iter__(self) -> "Lines":
        return self

    def __next__(self) -> str:
        line = self.waiting.popleft() if self.waiting else next(self.text)
        self.taken.append(line)
        return only_quotes_escaped(line) if self.escaped else line

    def give_back_after_first(self) -> None:
        """The next lines are those that the record at hand took beyond its first."""
        self.waiting.extendleft(reversed(self.taken[1:]))
        del self.taken[1:]

    def record_lines(self) -> tuple[list[str], int]:
        """The lines taken since this was last asked, and the number of the first of them."""
        taken, first, self.taken = self.taken, self.before + 1, []
        self.before += len(taken)
        return taken, first


def only_quotes_escaped(line: str) -> str:
    """A line for a reader that takes every backslash for a mark: those of paths are doubled."""
    return PAIR_OR_BACKSLASH.sub(lambda found: found[0] if found[1] else r"\\", line)


def form(
    delimiter: str, quote: str, escaped: bool = False, spaced: bool = False
) -> dict[str, object]:
    """How `csv.reader` is told what separates the fields of a row, and what quotes them."""
    quoting = {"quotechar": quote} if quote else {"quoting": csv.QUOTE_NONE, "quotechar": None}
    marks = {"escapechar": "\\" if escaped else None, "skipinitialspace": spaced}
    return {"delimiter": delimiter, **marks, **quoting}


def records(text: Iterator[str], dialect: Dialect, file: str, before: int = 0) -> Iterator[Row]:
    """The records of a text, from its first line on.

    A record that breaks the rules of quoting loses its first line only: the lines that it had
    taken beyond that are read again, as records of their own. So every line is in just one record.

    Raises:
        FileError: a quotation mark never closes, or a field has no end.
    """
    if dialect.delimiter == SPACE:
        yield from spaced_records(text, before)
        return
    csv.field_size_limit(LONGEST_FIELD)
    lines = Lines(text, before, dialect.escaped)
    marks = form(dialect.delimiter, dialect.quote, dialect.escaped, dialect.spaced)
    reader = csv.reader(lines, strict=True, **marks)
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


def spaced_records(text: Iterator[str], before: int) -> Iterator[Row]:
    """Records of lines such as "sports The match is over": the first word, then all the others."""
    for number, line in enumerate(text, start=1):
        yield Row(number, line.strip().split(None, 1), "", [line], before + number)


def check_end(error: csv.Error, lines: Lines, quote: str, number: int, file: str) -> None:
    """Raise `FileError` if a record has no end."""
    too_long, opened = "field limit" in str(error), f"row {number} (line {lines.before + 1})"
    ordinary = 'If quotation marks are ordinary characters in this file, set QUOTE = "".'
    if too_long:
        quoted = bool(quote) and any(quote in line for line in lines.taken)
        why = f" A quotation mark that opens there may lack its end. {ordinary}" * quoted
        raise FileError(
            f"{file!r}: {opened} holds a text of more than {LONGEST_FIELD:,} characters. Shorten "
            f"it, or take the row out.{why}"
        ) from error
    if "unexpected end" in str(error):
        raise FileError(
            f"{file!r}: a quotation mark opens in {opened} and never closes. Close it, or write a "
            f'quotation mark inside a text twice: "". {ordinary}'
        ) from error


def plain_fields(line: str, dialect: Dialect) -> list[str]:
    """A line cut at its delimiters with quotation marks read as text, and then taken off."""
    quote = dialect.quote or '"'
    cut = line.rstrip("\r\n").split(dialect.delimiter)
    return [field.strip().strip(quote).strip() for field in cut]
