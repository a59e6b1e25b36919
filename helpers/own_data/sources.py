"""The bytes of a reader's file: that it is there and a text, and in which encoding."""

import codecs
import difflib
import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from helpers import corpora

HEAD, LONGEST_HEAD = 1 << 16, 1 << 22
LONGEST_LINE = 10_000_000  # characters
MOST_UNPACKED = 2_000_000_000  # bytes that a packed file may have: 14 MB can become many gigabytes
KEPT = "sft-unveiled-kept-bytes"  # the handler of bytes that do not belong to an encoding
WIDE = ("utf-16", "utf-32")  # whole units of two or four bytes: a line cannot be decoded alone
OTHER_KINDS = {
    r"<": "a web page or XML",
    r"\{\\rtf": "a text document (RTF)",
    r"\[?\s*\{": "JSON",
    r'\[\s*".*\]\s*([\r\n]|\Z)': "JSON",
    r"version https://git-lfs": "a pointer of Git LFS, which says where the file is",
    r"@(?i:relation)\s": "an ARFF file (Weka)",
    r"%PDF-": "a PDF",
}
GZIP = b"\x1f\x8b"
PACKED = {
    b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"(\xb5/\xfd": "zstd", b"7z\xbc\xaf": "7z",
    b"Rar!\x1a": "rar", b"\x04\x22\x4d\x18": "lz4", b"\x1f\x9d": "compress",
}  # fmt: skip
# The marks of encodings at the beginning of a file; those of UTF-32 begin like one of UTF-16.
ENCODING_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    codecs.BOM_UTF8: "utf-8",
}
FEW_ZEROS = 20  # at most one line in so many may hold a zero byte: one in a text is no other file


class FileError(corpora.DataError):
    """A file that cannot be read as a table, or written; the message names the cure."""


def kept_bytes(error: UnicodeError) -> tuple[str, int]:
    """Keep bytes that cannot be decoded as half surrogates, which no text holds.

    So one bad byte costs its row, not the file. Bytes of ASCII stay what they are: a line end in
    them still ends the line.
    """
    if not isinstance(error, UnicodeDecodeError):
        raise error
    bad = error.object[error.start : error.end]
    return "".join(chr(byte + 0xDC00 if byte > 0x7F else byte) for byte in bad), error.end


codecs.register_error(KEPT, kept_bytes)


class Limited(io.RawIOBase):
    """The bytes of a packed file, as they are unpacked; too many of them raise `FileError`."""

    def __init__(self, packed: gzip.GzipFile, name: str) -> None:
        self.packed, self.name, self.left = packed, name, MOST_UNPACKED

    def readable(self) -> bool:
        """It can be read."""
        return True

    def readinto(self, buffer: memoryview) -> int:
        """Fill a buffer; returns the number of bytes."""
        block = self.packed.read(len(buffer))
        self.left -= len(block)
        if self.left < 0:
            raise FileError(
                f"{self.name!r} unpacks to more than {MOST_UNPACKED / 1e9:.0f} GB. If that is "
                "right, unpack it yourself and cut it into smaller files."
            )
        buffer[: len(block)] = block
        return len(block)

    def close(self) -> None:
        """Close the packed file, too."""
        self.packed.close()
        super().close()


def path_of(path: Path | str) -> Path:
    """A path that the reader gave; "~" at its beginning is the home folder, or part of a name.

    Raises:
        FileError: it is no path.
    """
    try:
        found = Path(path)
    except TypeError as error:
        raise FileError(f"PATH = {path!r} is no name of a file. Write it in quotes.") from error
    with suppress(RuntimeError):  # "~mine.csv" is a name, and no user is called "mine.csv"
        return found.expanduser()
    return found


def decoded(path: Path, encoding: str | None, inherited: str | None) -> tuple[str, str]:
    """The beginning of a file as text, and the encoding that it is read with.

    A mark of UTF-8, UTF-16 or UTF-32 at its beginning wins. Without one it is `encoding`, if given;
    else `inherited`, that of an earlier file, unless this one is plainly UTF-8; else UTF-8.
    """
    head = beginning(path)
    marked = next((name for mark, name in ENCODING_MARKS.items() if head.startswith(mark)), "")
    encoding = marked or encoding or inherited_encoding(path, inherited, head)
    check_encoding(encoding)
    if not (marked.startswith(WIDE) or in_order(encoding)):
        check_zeros(path, head)
    if codecs.lookup(encoding).name in ("utf-8", "utf-8-sig"):
        encoding = "utf-8"
    try:
        start = incremental(encoding).decode(head)
    except UnicodeError as error:
        raise FileError(damaged(path, encoding)) from error
    for mark, kind in OTHER_KINDS.items():
        if re.match(mark, start.lstrip()):
            raise FileError(f"{path.name!r} is {kind}, not a CSV. Export or download it as CSV.")
    return start, encoding


def incremental(encoding: str) -> codecs.IncrementalDecoder:
    """A decoder of blocks: half a character at the end of one waits for the next."""
    return codecs.getincrementaldecoder(codec(encoding))(errors_of(encoding))


def errors_of(encoding: str) -> str:
    """How bytes that do not belong to an encoding are treated: kept, where lines stay lines."""
    return "strict" if is_wide(encoding) else KEPT


def is_wide(encoding: str) -> bool:
    """Whether an encoding writes whole units of two or four bytes."""
    return codecs.lookup(encoding).name.startswith(WIDE)


def in_order(encoding: str) -> bool:
    """Whether an encoding of wide units names the order of their bytes, so that no mark has to."""
    return is_wide(encoding) and codecs.lookup(encoding).name.endswith(("-le", "-be"))


def check_encoding(encoding: str) -> None:
    """Raise `FileError` for a name that is none of an encoding of texts."""
    try:
        b"text".decode(encoding, "ignore")  # "rot13" and "zlib" are codecs, but not of bytes
    except (LookupError, ValueError, TypeError) as error:
        raise FileError(f'ENCODING = {encoding!r} is not known. Try "utf8" or "cp1252".') from error


def check_zeros(path: Path, head: bytes) -> None:
    """Raise `FileError` for zero bytes, unless few lines hold one: those belong to a text."""
    lines = head.splitlines()
    with_zeros = sum(b"\0" in line for line in lines)
    if FEW_ZEROS * with_zeros > len(lines):
        raise FileError(f"{path.name!r} holds bytes that are no text. {cure_for_zeros(head)}")


def cure_for_zeros(head: bytes) -> str:
    """What to do about zero bytes: they are half of the letters and signs of ASCII in UTF-16."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    for name, here, there in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        with suppress(UnicodeError):
            text = codecs.getincrementaldecoder(name)().decode(head)
            if here > 4 * there and re.search(r"[\r\n]", text):
                return f'They look like UTF-16 without its mark: set ENCODING = "{name}".'
    return 'Save it as "CSV UTF-8" and try again.'


def codec(encoding: str) -> str:
    """The name for Python's decoder: in UTF-8 a mark at the beginning is no text."""
    return "utf-8-sig" if encoding == "utf-8" else encoding


def inherited_encoding(path: Path, encoding: str | None, head: bytes) -> str:
    """The encoding of an earlier file if this one may be in it; else UTF-8.

    Args:
        head: the first bytes of this file, which bear no mark of an encoding.
    """
    try:
        name = codecs.lookup(encoding or "utf-8").name
    except LookupError:
        return "utf-8"
    if name.startswith("utf"):
        return encoding if in_order(encoding or "utf-8") and b"\0" in head else "utf-8"
    return "utf-8" if is_utf8_beyond_ascii(path) else encoding


def is_utf8_beyond_ascii(path: Path) -> bool:
    """Whether all bytes of a file are UTF-8, and some are no ASCII: hardly another encoding."""
    decoder, beyond = codecs.getincrementaldecoder("utf-8")(), False
    try:
        with unpacked(path) as raw:
            while block := raw.read(HEAD):
                beyond = beyond or not block.isascii()
                decoder.decode(block)
            decoder.decode(b"", final=True)
    except (UnicodeDecodeError, OSError, EOFError, zlib.error):
        return False  # a damaged file is named by whoever reads it next
    return beyond


def beginning(path: Path) -> bytes:
    """The first bytes of a file, unpacked; `FileError` if it is no file, or no CSV."""
    check_is_there(path)
    check_packing(path, opening(path, packed=True))
    head = opening(path)
    check_packing(path, head)
    if head.startswith(GZIP):
        raise FileError(f"{path.name!r} is packed twice. Unpack it once and try again.")
    if not head.strip():
        raise FileError(f"{path.name!r} is empty. Is it the right file?")
    return head


def check_is_there(path: Path) -> None:
    """Raise `FileError` if a path is none of a file."""
    try:
        is_folder, is_file = path.is_dir(), path.is_file()
    except OSError as error:  # a name that is too long, a folder that nobody may look into
        shown = repr(str(path)[:60]) + "…" * (len(str(path)) > 60)
        why = f"{shown} cannot be opened ({error.strerror})"
        raise FileError(f"{why}. Set PATH to the name of a file.") from error
    if is_folder:
        there = ", ".join(sorted(entry.name for entry in path.glob("*.csv"))[:10])
        raise FileError(
            f"{str(path)!r} is a folder. Set PATH to one file"
            f"{' in it: ' + there if there else '; it holds no CSV'}."
        )
    if re.match(r"\w+:/+\w", path.as_posix()) and not path.is_absolute():
        raise FileError(f"{str(path)!r} is an address. Download the file and set PATH to it.")
    if not is_file:
        names = [e.name for e in path.parent.glob("*") if e.is_file()] if path.name else []
        near = difflib.get_close_matches(path.name, names, 1)
        raise FileError(
            f"there is no file {str(path)!r}. "
            + (f"Did you mean {near[0]!r}?" if near else "Check PATH; in Colab upload it first.")
        )


def check_packing(path: Path, head: bytes) -> None:
    """Raise `FileError` for a spreadsheet, or a packed file that is not unpacked here.

    Args:
        head: its first bytes, as they are or unpacked: a packed file may hold another.
    """
    if head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        inside: list[str] = []
        with suppress(zipfile.BadZipFile):
            inside = zipfile.ZipFile(path).namelist()
        if head[0] == 0xD0 or any(name.startswith(("xl/", "content.xml")) for name in inside):
            raise FileError(
                f'{path.name!r} is a spreadsheet, not a CSV. Open it, choose "Save as" and the '
                'type "CSV UTF-8 (comma delimited)", and set PATH to the new file.'
            )
        raise FileError(f"{path.name!r} is a zip archive. Unpack it and set PATH to the CSV in it.")
    if head[257:262] == b"ustar":
        raise FileError(f"{path.name!r} is a tar archive. Unpack it and set PATH to the CSV in it.")
    for mark, kind in PACKED.items():
        if head.startswith(mark):
            raise FileError(f"{path.name!r} is packed with {kind}. Unpack it and try again.")


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


def unpacked(path: Path) -> io.BufferedReader:
    """A file opened for its bytes; one packed with gzip is unpacked as it is read."""
    with path.open("rb") as raw:
        is_packed = raw.read(2) == GZIP
    if is_packed:
        return io.BufferedReader(Limited(gzip.open(path), path.name), HEAD)
    return path.open("rb")


def lines_of(text: TextIO, file: str) -> Iterator[str]:
    """The lines of a text with their ends; one without end raises `FileError`."""
    while line := text.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE:
            raise FileError(
                f"{file!r} has a line of more than {LONGEST_LINE:,} characters. Is it a table of "
                "texts? Shorten that line, or take it out."
            )
        yield line


def damaged(path: Path, encoding: str) -> str:
    """The message for a file of UTF-16 or UTF-32 with a place that is none."""
    return (
        f"{path.name!r} is not {encoding.upper()}, or was damaged or cut off on the way. Copy it "
        'again, or save it as "CSV UTF-8".'
    )
