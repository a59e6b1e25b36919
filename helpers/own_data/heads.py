"""The first rows of a file, as each way in which it may be written reads them."""

import csv
import io
import re
from collections.abc import Sequence
from itertools import islice
from operator import ne
from typing import NamedTuple

from helpers.own_data.looks import LOOKED_AT
from helpers.own_data.records import LONGEST_FIELD, SPACE, Dialect, form
from helpers.own_data.sources import FileError

DELIMITERS = (",", ";", "\t", "|")
# Marks without a width, at the ends of a name: a second mark of UTF-8, or what a web page adds.
UNSEEN = re.compile("^[\u200b\u2060\ufeff]+|[\u200b\u2060\ufeff]+$")
NOTHING = "\x1f"  # a delimiter that no file of texts holds: for a file of one column


class Marks(NamedTuple):
    """What separates the fields of a row, and what quotes them ("" for nothing).

    Attributes:
        spaced: spaces stand between a delimiter and a quotation mark, and are skipped.
    """

    delimiter: str
    quote: str
    spaced: bool = False


def check_settings(
    delimiter: str | None, quote: str | None, header: Sequence[str] | bool | None
) -> None:
    """Raise `FileError` for a DELIMITER, a QUOTE or a HEADER that cannot be one."""
    for name, value in {"DELIMITER": delimiter, "QUOTE": quote}.items():
        if value is not None and not isinstance(value, str):
            raise FileError(f"{name} = {value!r} is no character. Write it in quotation marks.")
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
    if header is not None and not isinstance(header, bool):
        check_names(header)


def check_names(header: Sequence[str]) -> None:
    """Raise `FileError` for names that cannot be those of columns."""
    is_list = isinstance(header, list | tuple) and all(isinstance(n, str) for n in header)
    if not is_list or not header or not all(name.strip() for name in header):
        raise FileError(
            f"HEADER = {header!r} is no list of names. Give each column one, from left to right: "
            'HEADER = ["label", "text"]. None: the first row of the file holds them.'
        )
    if len({name.strip() for name in header}) < len(header):
        raise FileError(f"HEADER = {header!r} holds a name twice. Give each column its own.")


def candidates(delimiter: str | None, quote: str | None, like: Dialect | None) -> list[Marks]:
    """The ways in which a file may be written, the likeliest first.

    Args:
        delimiter, quote: as the reader set them; None leaves them open.
        like: a dialect to try first.
    """
    first = like or Dialect("utf-8", ",", '"')
    open_ones = dict.fromkeys([first.delimiter, *DELIMITERS, NOTHING])
    delimiters = [delimiter] if delimiter else open_ones
    quotes = [quote] if quote is not None else dict.fromkeys([first.quote, '"'])
    return [Marks(d, q) for q in quotes for d in delimiters if d != q]


def all_heads(start: str, marks: Sequence[Marks]) -> dict[Marks, list[list[str]]]:
    """The first rows as each candidate reads them, and with spaces skipped if most differ then.

    So `"a", "b"` is read: as it stands, the space would make the marks around b part of its text.
    """
    heads = {one: first_rows(start, one) for one in marks}
    for one in marks:
        if one.quote and one.delimiter != SPACE:
            rows = first_rows(start, skipping := one._replace(spaced=True))
            if 2 * sum(map(ne, rows, heads[one])) > len(rows):
                heads[skipping] = rows
    return heads


def first_rows(start: str, marks: Marks) -> list[list[str]]:
    """The header and the rows below it, without spaces around fields."""
    csv.field_size_limit(LONGEST_FIELD)
    lines = io.StringIO(start, newline="")
    if marks.delimiter == SPACE:
        cut = [line.strip().split(None, 1) for line in islice(lines, LOOKED_AT)]
        return cut or [[]]
    as_told = form(marks.delimiter, marks.quote, spaced=marks.spaced)
    rows = islice(csv.reader(lines, **as_told), LOOKED_AT)
    found = [[field.strip() for field in fields] for fields in rows] or [[]]
    found[0] = [*map(name_of, found[0])]
    return found


def name_of(field: str) -> str:
    """A column's name as it is compared: without spaces, and marks without a width, around it."""
    return UNSEEN.sub("", field.strip()).strip()


def lower_header(rows: list[list[str]], wanted: set[str], most: int = 20) -> int:
    """The row below a title or empty lines that holds the columns' names; 0 if there is none.

    What stands above has another number of fields, or fewer that are filled, or begins with "#".
    """
    for place, fields in enumerate(rows[1:most], start=1):
        if wanted <= set(fields) and all(is_above(row, fields) for row in rows[:place]):
            return place + 1
    return 0


def is_above(row: list[str], names: list[str]) -> bool:
    """Whether a row can be a title or a comment above the columns' names, and none of the table."""
    is_comment = bool(row) and row[0].startswith("#")
    return is_comment or len(row) != len(names) or sum(map(bool, row)) < sum(map(bool, names))
