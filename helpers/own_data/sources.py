"""The bytes of a reader's file: that it is there and a text, and in which encoding."""

import codecs
import difflib
import gzip
import io
import re
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path

from helpers import corpora

HEAD, LONGEST_HEAD = 1 << 16, 1 << 22
OTHER_KINDS = {
    r"<": "a web page or XML",
    r"\{\\rtf": "a text document (RTF)",
    r"\[?\s*\{": "JSON",
    r"%PDF-": "a PDF",
}
PACKED = {b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"(\xb5/\xfd": "zstd", b"7z\xbc\xaf": "7z"}


class FileError(corpora.DataError):
    """A file that cannot be read as a table, or written; the message names the cure."""


def decoded(path: Path, encoding: str | None, inherited: str | None) -> tuple[str, str]:
    """The beginning of a file as text, and the encoding that it is read with.

    A mark of UTF-8 or UTF-16 at its beginning wins. Without one it is `encoding`, if given; else
    `inherited`, that of an earlier file, unless this one is plainly UTF-8; else UTF-8.
    """
    head = beginning(path)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif b"\0" in head:
        raise FileError(
            f'{path.name!r} holds bytes that are no text. Save it as "CSV UTF-8" and try again.'
        )
    elif head.startswith(codecs.BOM_UTF8):
        encoding = "utf-8"
    encoding = encoding or inherited_encoding(path, inherited)
    try:
        if codecs.lookup(encoding).name in ("utf-8", "utf-8-sig"):
            encoding = "utf-8"
        start = head.decode(codec(encoding), errors="ignore")
    except LookupError as error:
        raise FileError(f'ENCODING = {encoding!r} is not known. Try "utf8" or "cp1252".') from error
    for mark, kind in OTHER_KINDS.items():
        if re.match(mark, start.lstrip()):
            raise FileError(f"{path.name!r} is {kind}, not a CSV. Export or download it as CSV.")
    return start, encoding


def codec(encoding: str) -> str:
    """The name for Python's decoder: in UTF-8 a mark at the beginning is no text."""
    return "utf-8-sig" if encoding == "utf-8" else encoding


def inherited_encoding(path: Path, encoding: str | None) -> str:
    """The encoding of an earlier file if this one may be in it; else UTF-8."""
    try:
        name = codecs.lookup(encoding or "utf-8").name
    except LookupError:
        return "utf-8"
    # UTF-16 has a mark, which was looked for before.
    return "utf-8" if name.startswith("utf") or is_utf8_beyond_ascii(path) else encoding


def is_utf8_beyond_ascii(path: Path) -> bool:
    """Whether all bytes of a file are UTF-8, and some are no ASCII: hardly another encoding."""
    decoder, beyond = codecs.getincrementaldecoder("utf-8")(), False
    try:
        with unpacked(path) as raw:
            while block := raw.read(1 << 20):
                beyond = beyond or not block.isascii()
                decoder.decode(block)
            decoder.decode(b"", final=True)
    except (UnicodeDecodeError, OSError, EOFError, zlib.error):
        return False  # a damaged file is named by whoever reads it next
    return beyond


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
    """The first 64 KB of a file, as they are or unpacked; more, if the first line is longer."""
    try:
        with path.open("rb") if packed else unpacked(path) as raw:
            head = raw.read(HEAD)
            while not packed and not re.search(rb"[\r\n]", head) and len(head) < LONGEST_HEAD:
                if not (more := raw.read(HEAD)):
                    break
                head += more
            return head
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
