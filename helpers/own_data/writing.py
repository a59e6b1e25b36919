"""Files that are complete or not there, and cells that no spreadsheet runs."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from helpers import files
from helpers.own_data.rows import NUMBER
from helpers.own_data.sources import FileError


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


def inert(cell: str) -> str:
    """A cell that no spreadsheet runs: an apostrophe goes before what would start a formula."""
    starts = unicodedata.normalize("NFKC", cell[:1]) in {"=", "+", "-", "@", "\t", "\r"}
    return f"'{cell}" if starts and not NUMBER.fullmatch(cell) else cell


def csv_line(cells: Iterable[object]) -> str:
    """A line of a CSV, its end included.

    `csv.writer` of Python 3.11 leaves a carriage return without quotes, and readers take it for the
    end of a row.
    """

    def quoted(cell: str) -> str:
        return '"' + cell.replace('"', '""') + '"' if re.search(r'[",\r\n]', cell) else cell

    return ",".join(quoted(str(cell)) for cell in cells) + "\n"
