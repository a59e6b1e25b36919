"""Files that are complete or not there, and cells that no spreadsheet runs."""

import os
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from helpers.own_data.rows import NUMBER
from helpers.own_data.tables import FileError


@contextmanager
def replacing(target: Path) -> Iterator[TextIO]:
    """Write a file beside its place and move it there at the end: complete or not there.

    Raises:
        FileError: if it cannot be written; what was there before is unharmed.
    """
    target = Path(target)
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("w", encoding="utf8", newline="") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, target)
    except OSError as error:
        raise FileError(
            f"could not write {target.name!r}: {error.strerror}. What was there before is "
            "unharmed. Make room, or choose another folder."
        ) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def inert(cell: str) -> str:
    """A cell that no spreadsheet runs: an apostrophe goes before what would start a formula."""
    starts = unicodedata.normalize("NFKC", cell[:1]) in {"=", "+", "-", "@", "\t", "\r"}
    return f"'{cell}" if starts and not NUMBER.fullmatch(cell) else cell
