"""What a file holds, counted in lines: no line may vanish in a text that was never quoted."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from helpers.own_data.cells import MISSING, NUMBER
from helpers.own_data.encodings import BAD, samples, undecodable
from helpers.own_data.records import BACKSLASH, NOT_DOUBLED, Row, plain_fields
from helpers.own_data.sources import FileError
from helpers.own_data.tables import EMPTY, FEW, Table

MOST_VALUES = 1000  # more different values than that are not remembered
MANY = 0.05  # of the rows: where more cannot be read, another way of reading is looked for
KEPT_LINES = 50  # with bytes that are not of the encoding: enough to find out what they are


@dataclass
class Column:
    """What a column holds in rows of one line: a row that was swallowed holds the like of it.

    Attributes:
        numbers: whether all its values are numbers.
        label: it is the column of the labels, whose few values always tell.
    """

    place: int
    numbers: bool = True
    label: bool = False
    values: set[str] = field(default_factory=set)
    seen: int = 0

    def add(self, value: str) -> None:
        """Take note of the value of a row."""
        if self.label:
            if value.lower() not in MISSING:
                self.values.add(value)
            return
        self.seen += 1
        self.numbers = self.numbers and bool(not value or NUMBER.fullmatch(value))
        if len(self.values) <= MOST_VALUES:
            self.values.add(value)

    def tells(self) -> bool:
        """Whether it holds numbers only, or few values, each of them often."""
        few = len(self.values) <= min(MOST_VALUES, self.seen / 2)
        return self.label or (self.seen > 0 and (self.numbers or few))

    def fits(self, value: str, among: Counter[str]) -> bool:
        """Whether a value could stand in it; `among`: the values of the lines around it."""
        if self.numbers and NUMBER.fullmatch(value):
            return True
        repeated = self.label and not self.numbers and value.lower() not in MISSING
        return value in self.values or (repeated and among[value] > 1)


@dataclass
class Count:
    """How the lines of a file become rows, and what a reader should know about it."""

    announced: bool = False  # the first line is one such as "sep=;"
    rows: int = 0
    lines: int = 0
    above: int = 0  # lines above the first row: that line and the header's
    long_rows: int = 0
    first_long: int = 0
    faults: Counter = field(default_factory=Counter)
    ends: Counter = field(default_factory=Counter)
    unread: int = 0  # rows that are not empty and cannot be cut into the fields of the header
    beyond_ascii: int = 0  # rows that are read, and hold more than ASCII
    bad: list[tuple[int, str]] = field(default_factory=list)  # lines with bytes of no character
    bad_rows: int = 0
    first_bad: int = 0

    def add(self, row: Row) -> None:
        """Count a row and its lines."""
        if not self.rows:
            self.above = row.first_line - 1
        self.rows += 1
        self.lines = row.first_line + len(row.lines) - 1
        if len(row.lines) > 1:
            self.long_rows += 1
            self.first_long = self.first_long or row.number
        if row.fault in (NOT_DOUBLED, BACKSLASH):
            self.faults[row.fault] += 1
        self.unread += bool(row.fault) and row.fault != EMPTY
        self.add_bytes(row)
        last = row.lines[-1]
        self.ends["\r" if last.endswith("\r") else last[-1:]] += 1

    def add_bytes(self, row: Row) -> None:
        """Take note of lines that are beyond ASCII, and of those that are no text."""
        if all(line.isascii() for line in row.lines):
            return
        places = [i for i, line in enumerate(row.lines) if BAD.search(line)]
        self.beyond_ascii += not places
        self.bad_rows += bool(places)
        if places and len(self.bad) < KEPT_LINES:
            self.first_bad = self.first_bad or row.number
            self.bad.append((row.first_line + places[0], row.lines[places[0]]))

    def check_bytes(self, table: Table) -> None:
        """Raise `FileError` if the file is in another encoding than it was read in.

        One bad byte may stand in any file, and costs its row. Where more rows hold bad bytes than
        hold characters beyond ASCII that can be read, the encoding is the wrong one.
        """
        if self.bad_rows > max(1, self.beyond_ascii):
            file, encoding = table.path.name, table.dialect.encoding
            more = self.bad_rows - 1
            raise FileError(undecodable(file, encoding, self.bad, more))

    def notes_on_bytes(self, encoding: str) -> list[str]:
        """What a reader should know about rows with bad bytes."""
        if not self.bad:
            return []
        lines = [line for _, line in self.bad]
        likely = "" if self.beyond_ascii else samples(lines, encoding)
        return [
            f"{self.bad_rows:,} row(s) hold bytes that are not {encoding.upper()} and are left "
            f"out, first row {self.first_bad}{': ' + likely if likely else ''}"
        ]

    def notes(self) -> list[str]:
        """What explains that a file has more lines than rows, and where quotes were in the way."""
        found = []
        if self.long_rows:
            more, header = self.lines - self.above - self.rows, self.above - self.announced
            first = '1 "sep=" + ' * self.announced
            found.append(
                f"{self.long_rows:,} row(s) hold line ends inside their quotation marks, first in "
                f"row {self.first_long}. The file's {self.lines:,} lines: {first}{header} header + "
                f"{self.rows:,} rows + {more:,} more inside these rows"
            )
        found += [
            f"{n:,} of {self.rows:,} rows are left out: {reason}"
            for reason, n in self.faults.items()
            if n >= FEW or (n > 1 and n >= MANY * self.rows)
        ]
        if self.ends["\r"] and self.ends["\n"]:
            found.append(
                f"{self.ends[chr(13)]:,} row(s) end in a carriage return alone (\\r), the others "
                "do not: if it stands inside a text, put the text in quotation marks"
            )
        return found


@dataclass
class Doubtful:
    """A record of several lines, and those of them that have the header's number of fields."""

    row: Row
    full_width: list[list[str]]

    def is_rows(self, columns: Iterable[Column], table: Table) -> bool:
        """Whether its lines are rows of their own, by the rule of `count`."""
        telling = [column for column in columns if column.tells()]
        if not telling:
            return table.looks_like_rows(self.row)
        among = {c.place: Counter(cells[c.place] for cells in self.full_width) for c in telling}
        alike = sum(
            all(c.fits(cells[c.place], among[c.place]) for c in telling)
            for cells in self.full_width
        )
        return alike >= 2 and 2 * alike >= len(self.row.lines)


def count(table: Table, columns: list[Column]) -> Count:
    """Read a file once from end to end, and refuse it if rows may have vanished in others.

    In a file that does not quote its texts, a quotation mark at the beginning of a field swallows
    all lines down to the next one, and nothing but their look tells. So a record of several lines
    is refused if its lines, with quotation marks read as text, look like rows: at least half of
    them, and at least two, have as many fields as the header, and in each column that tells
    (`columns`, of those that hold numbers, few values or the labels) such a value as rows of one
    line have. Where no column tells, all lines must have as many fields as the header; with commas
    there must be three of them, because texts hold commas, too. None of this is asked where the
    reader said what quotes a text.

    Raises:
        FileError: the first such record, its rows and lines, and the cure.
    """
    result, doubtful = Count(table.announced), []
    for row in table:
        result.add(row)
        if len(row.lines) > 1 and not table.trusted and len(table.header) > 1:
            cut = [plain_fields(line, table.dialect) for line in row.lines]
            wide = [cells for cells in cut if len(cells) == len(table.header)]
            if len(wide) > 1:
                doubtful.append(Doubtful(row, wide))
        elif not row.fault:
            for column in columns:
                column.add(row.fields[column.place].strip())
    result.check_bytes(table)
    found = [candidate.row for candidate in doubtful if candidate.is_rows(columns, table)]
    if found:
        raise FileError(table.swallowed(found[0], len(found) - 1))
    return result


def labels_of(
    table: Table, names: Iterable[str], numbers: bool, known: Iterable[str] = ()
) -> list[Column]:
    """The columns that tell where rows have labels; `known`: labels of an earlier file."""
    return [Column(table.header.index(name), numbers, True, set(known)) for name in names]


def other_columns(table: Table, texts: Iterable[str]) -> list[Column]:
    """All columns but those of the texts: what may tell where there are no labels."""
    places = {table.header.index(name) for name in texts}
    return [Column(place) for place in range(len(table.header)) if place not in places]
