"""A CSV of whatever kind as a stream of rows, or one message that says what is wrong with it.

Rows are numbered as a spreadsheet does: the header is row 1. Nothing is guessed that could damage
a text, and the file is never changed.
"""

import codecs
import csv
import difflib
import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from helpers import corpora

LONGEST_FIELD = 2_000_000
DELIMITERS = (",", ";", "\t", "|")
# A first line by which spreadsheets tell each other the delimiter; they show it as no row.
ANNOUNCED = re.compile(r'"?sep=([^\w"\r\n])"?(\r\n?|\n)', re.IGNORECASE)
OTHER_KINDS = {
    r"<": "a web page or XML",
    r"\{\\rtf": "a text document (RTF)",
    r"\[?\s*\{": "JSON",
    r"%PDF-": "a PDF",
}
PACKED = {b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"(\xb5/\xfd": "zstd", b"7z\xbc\xaf": "7z"}
Row = tuple[int, list[str], str]


class FileError(corpora.DataError):
    """A file that cannot be read as a table, or written; the message names the cure."""


class ColumnNotFoundError(FileError):
    """A column that the file does not have; the message lists those it has."""


@dataclass(frozen=True)
class Table:
    """A CSV whose header has been read; iterating streams its rows, so memory stays flat."""

    path: Path
    header: list[str]
    delimiter: str
    encoding: str
    announced: bool = False  # the header stands below a line such as "sep=;"

    def __iter__(self) -> Iterator[Row]:
        csv.field_size_limit(LONGEST_FIELD)
        number = 1
        try:
            with unpacked(self.path) as raw:
                text = io.TextIOWrapper(raw, self.encoding, newline="")
                if self.announced:
                    text.readline()
                reader = csv.reader(text, delimiter=self.delimiter, strict=True)
                self.read(reader, 1)
                while True:
                    number += 1
                    yield number, *self.read(reader, number)
        except StopIteration:
            return
        except UnicodeDecodeError as error:
            raise FileError(undecodable(self.path, self.encoding)) from error
        except (OSError, EOFError, zlib.error) as error:
            raise FileError(
                f"{self.path.name!r} cannot be read beyond row {number - 1}: it is damaged or was "
                "cut off. Copy it again."
            ) from error

    def read(self, reader: Iterator[list[str]], number: int) -> tuple[list[str], str]:
        """The next row's fields, and what is wrong with it ("" if nothing)."""
        try:
            fields = next(reader)
        except csv.Error as error:
            if "unexpected end" in str(error) or "field limit" in str(error):
                raise FileError(
                    f"{self.path.name!r}: a quotation mark opens in row {number} and never closes. "
                    'Close it, or write a quotation mark inside a text twice: "".'
                ) from error
            return [], 'a quotation mark inside the text is not doubled ("")'
        if len(fields) != len(self.header):
            has = f"{len(fields)} fields where the header has {len(self.header)}"
            return fields, has if fields else "an empty line"
        return fields, ""


def open_table(
    path: Path | str,
    columns: dict[str, str],
    encoding: str = "utf8",
    delimiter: str | None = None,
) -> Table:
    """Find out how a file is written, and check that it has some columns.

    Args:
        path: a CSV, plain or packed with gzip.
        columns: the setting's name to the column's, such as {"TEXT_COLUMN": "text"}.
        encoding: a file that begins with a mark of UTF-8 or UTF-16 is read as that.
        delimiter: None: the one of `DELIMITERS`, or of a first line such as "sep=;", that makes
            the header hold the columns.

    Raises:
        FileError, ColumnNotFoundError: it cannot be used as it is.
    """
    path = Path(path).expanduser()
    start, encoding = decoded(path, encoding)
    if delimiter and len(delimiter) > 1:
        raise FileError(
            f'DELIMITER = {delimiter!r} is not one character. For tabs write "\\t"; None tries '
            "commas, semicolons, tabs and bars."
        )
    announced = ANNOUNCED.match(start)
    marks = (announced[1], *DELIMITERS) if announced else DELIMITERS
    start, wanted = start[announced.end() if announced else 0 :], set(columns.values())
    tops = {mark: first_rows(start, mark) for mark in ([delimiter] if delimiter else marks)}
    best = max(tops, key=lambda mark: (wanted <= set(tops[mark][0]), len(tops[mark][0])))
    lower = max(lower_header(rows, wanted) for rows in tops.values())
    if lower and not wanted <= set(tops[best][0]):
        raise ColumnNotFoundError(
            f"{path.name!r} has the columns' names in row {lower}. Remove what stands above them: "
            "the first row must hold them."
        )
    check_columns(path.name, tops[best][0], columns)
    return Table(path, tops[best][0], best, encoding, bool(announced))


def decoded(path: Path, encoding: str) -> tuple[str, str]:
    """The beginning of a file as text, and the encoding that it is read with."""
    head = beginning(path)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif b"\0" in head:
        raise FileError(
            f'{path.name!r} holds bytes that are no text. Save it as "CSV UTF-8" and try again.'
        )
    if head.startswith(codecs.BOM_UTF8) or encoding.lower() in ("utf8", "utf-8"):
        encoding = "utf-8-sig"
    try:
        start = head.decode(encoding, errors="ignore")
    except LookupError as error:
        raise FileError(f'ENCODING = {encoding!r} is not known. Try "utf8" or "cp1252".') from error
    for mark, kind in OTHER_KINDS.items():
        if re.match(mark, start.lstrip()):
            raise FileError(f"{path.name!r} is {kind}, not a CSV. Export or download it as CSV.")
    return start, encoding


def first_rows(start: str, delimiter: str, most: int = 20) -> list[list[str]]:
    """The header and the rows below it, without spaces around fields."""
    rows = islice(csv.reader(io.StringIO(start, newline=""), delimiter=delimiter), most)
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


def beginning(path: Path) -> bytes:
    """The first bytes of a file, unpacked; `FileError` if it is no file, or no CSV."""
    if path.is_dir():
        there = ", ".join(sorted(entry.name for entry in path.glob("*.csv"))[:10])
        raise FileError(
            f"{str(path)!r} is a folder. Set PATH to one file"
            f"{' in it: ' + there if there else '; it holds no CSV'}."
        )
    if re.match(r"\w+:/+\w", path.as_posix()) and not path.is_absolute():
        raise FileError(f"{str(path)!r} is an address. Download the file and set PATH to it.")
    if not path.is_file():
        names = [e.name for e in path.parent.glob("*") if e.is_file()] if path.name else []
        near = difflib.get_close_matches(path.name, names, 1)
        raise FileError(
            f"there is no file {str(path)!r}. "
            + (f"Did you mean {near[0]!r}?" if near else "Check PATH; in Colab upload it first.")
        )
    magic = opening(path, packed=True)
    if magic.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        inside: list[str] = []
        with suppress(zipfile.BadZipFile):
            inside = zipfile.ZipFile(path).namelist()
        if magic[0] == 0xD0 or any(name.startswith(("xl/", "content.xml")) for name in inside):
            raise FileError(
                f'{path.name!r} is a spreadsheet, not a CSV. Open it, choose "Save as" and the '
                'type "CSV UTF-8 (comma delimited)", and set PATH to the new file.'
            )
        raise FileError(f"{path.name!r} is a zip archive. Unpack it and set PATH to the CSV in it.")
    for mark, kind in PACKED.items():
        if magic.startswith(mark):
            raise FileError(f"{path.name!r} is packed with {kind}. Unpack it and try again.")
    head = opening(path)
    if not head.strip():
        raise FileError(f"{path.name!r} is empty. Is it the right file?")
    return head


def opening(path: Path, packed: bool = False) -> bytes:
    """The first 64 KB of a file, as they are or unpacked."""
    try:
        with path.open("rb") if packed else unpacked(path) as raw:
            return raw.read(1 << 16)
    except (OSError, EOFError, zlib.error) as error:
        raise FileError(f"{path.name!r} cannot be read: {type(error).__name__}.") from error


def unpacked(path: Path) -> gzip.GzipFile | io.BufferedReader:
    """A file opened for its bytes; one packed with gzip is unpacked as it is read."""
    with path.open("rb") as raw:
        is_packed = raw.read(2) == b"\x1f\x8b"
    return gzip.open(path) if is_packed else path.open("rb")


def undecodable(path: Path, encoding: str) -> str:
    """The message for bytes that do not belong to an encoding, with the first such line."""
    name, where = encoding.removesuffix("-sig").upper(), ""
    with unpacked(path) as raw:
        for number, line in enumerate(raw if name != "UTF-16" else (), start=1):
            try:
                line.decode(encoding)
            except UnicodeDecodeError as error:
                where = f": byte {line[error.start]:#04x} in line {number}"
                break
    return (
        f"{path.name!r} is not {name}{where}. If it comes from Excel on Windows, set ENCODING = "
        '"cp1252". If some lines are written in another way than others, save it as "CSV UTF-8".'
    )


def check_columns(file: str, header: list[str], columns: dict[str, str]) -> None:
    """Raise `ColumnNotFoundError` unless each column is in the header, once."""
    listed = ", ".join(" ".join(name.split())[:40] for name in header[:20])
    listed += ", …" * (len(header) > 20)
    for setting, column in columns.items():
        if header.count(column) > 1:
            raise ColumnNotFoundError(
                f"{file!r} has {header.count(column)} columns {column!r}. Rename all but one."
            )
        if column not in header:
            lower = {name.lower(): name for name in reversed(header) if name}
            near = difflib.get_close_matches(column.lower(), lower, 1)
            cure = f"Set {setting} to one of them. The first row must hold the columns' names."
            if len(header) == 1:
                cure = "Only one: set DELIMITER to the character that separates its columns."
            if near:
                found = lower[near[0]]
                cure = f'Did you mean {found!r}? Set {setting} = "{found}" in the cell above and '
                cure += "run it again."
            raise ColumnNotFoundError(
                f"{file!r} has no column {column!r}. It has: {listed}.\n{cure}"
            )
    if len(set(columns.values())) < len(columns):
        raise ColumnNotFoundError("TEXT_COLUMN and LABEL_COLUMN are the same column. Choose two.")
