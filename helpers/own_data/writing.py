"""Files that are complete or not there, and cells that no spreadsheet runs."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from helpers import files
from helpers.own_data.cells import NUMBER
from helpers.own_data.sources import FileError

# What spreadsheets and importers take for the end of a cell or of a line.
ENDS = ",;|\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029"
# What they may pass over before a cell begins: spaces, quotation marks, what cannot be seen.
PASSED_OVER = '\\s"\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff'
BEGINNING = re.compile(rf"(?:\A|[{ENDS}])[{PASSED_OVER}{ENDS}]*+")
# The signs that start a formula, and all that Unicode's compatibility forms (NFKC) make of them.
SIGN = re.compile(r"[=+\-@⁺⁼₊₌⩵⩶﬩﹢﹣﹦﹫＋－＝＠]")


@contextmanager
def replacing(target: Path) -> Iterator[TextIO]:
    """Write a file beside its place and move it there at the end: complete or not there.

    Only a free name is taken, or that of a file that the course wrote and nobody changed since:
    see `files.replacing`. That is asked before the block is entered, and again at its end.

    Raises:
        FileError: the name is somebody else's, or the file cannot be written; what was there
            before is unharmed.
    """
    target = Path(target)
    try:
        with files.replacing(target) as file:
            yield file
    except files.ForeignError as error:
        raise FileError(str(error)) from error
    except OSError as error:
        raise FileError(
            f"could not write {target.name!r}: {error.strerror}. What was there before is "
            "unharmed. Make room, or choose another folder."
        ) from error


def check_free(target: Path) -> None:
    """Raise `FileError` unless `replacing` would take this name now."""
    try:
        files.check_ours(target.absolute())
        files.list_in(target.absolute().parent)
    except files.ForeignError as error:
        raise FileError(str(error)) from error


def inert(cell: str) -> str:
    """A cell that no spreadsheet runs: an apostrophe goes before what would start a formula.

    That is a sign at the beginning, or behind what some spreadsheet takes for the end of a cell:
    many cut a CSV at semicolons or tabs, whatever its delimiter is, and there quotation marks in
    the middle of a field protect nothing. A number stays one, and `-)` is no formula.
    """
    if NUMBER.fullmatch(cell):
        return cell
    first = "'" if cell[:1] in ("\t", "\r") else ""
    return first + (BEGINNING.sub(marked, cell) if SIGN.search(cell) else cell)


def marked(beginning: re.Match) -> str:
    """The beginning of a possible cell, with an apostrophe if a formula follows."""
    follows = beginning.string[beginning.end() : beginning.end() + 2]
    return f"{beginning[0]}'" if SIGN.match(follows) and follows != "-)" else beginning[0]


def csv_line(cells: Iterable[object]) -> str:
    """A line of a CSV, its end included.

    `csv.writer` of Python 3.11 leaves a carriage return without quotes, and readers take it for the
    end of a row. Half of a surrogate pair, which no UTF-8 file can hold, is written as its escape.
    """

    def quoted(cell: str) -> str:
        return '"' + cell.replace('"', '""') + '"' if re.search(r'[",\r\n]', cell) else cell

    line = ",".join(quoted(str(cell)) for cell in cells) + "\n"
    return line.encode("utf8", "backslashreplace").decode("utf8")
