"""Whatever this course replaces, renames or removes, it does here or in `folders`.

One rule holds for all of it: nothing that the course did not write is ever replaced or removed, nor
is anything that somebody has changed since. Standard library only, so that `tasks.py` can use it
before anything is installed. The list of all such places: docs/guarantees.md.
"""

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

# In every folder where the course writes single files: their names, and the SHA-256 of each as the
# course wrote it. A file that is not in the list, or has another hash, belongs to somebody else.
WRITTEN = ".written-by-sft-unveiled.json"
# In a folder that a command of the course made and may remove as a whole, such as `.venv`.
MARK = ".made-by-sft-unveiled"
REMEMBERED = 2  # hashes a name: whoever is killed while replacing leaves the old file or the new


class StorageError(RuntimeError):
    """Something could not be stored or is not what was stored; the message names the cure."""


class ForeignError(StorageError):
    """Something that the course did not write stands in the way. Nothing was changed."""


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_there(path: Path) -> bool:
    """Whether a name is taken, also by a link that leads nowhere."""
    return os.path.lexists(path)


def force_to_disk(path: Path) -> None:
    """Ask the system to write a file (on POSIX also a folder's names) to the disk now."""
    if path.is_dir() and os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# ---------------------------------------------------------------- single files


def hashes_written(target: Path) -> list[str]:
    """The SHA-256 of what the course last wrote under this name; empty if it never did."""
    try:
        listed = json.loads((target.parent / WRITTEN).read_text(encoding="utf8"))["files"]
        return [found for found in listed.get(target.name, []) if isinstance(found, str)]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []  # without a list nothing is ours: nothing will be replaced


def check_ours(target: Path) -> None:
    """Raise `ForeignError` unless the name is free, or holds what the course wrote there."""
    if not is_there(target):
        return
    if target.is_symlink() or not target.is_file():
        kind = "a link" if target.is_symlink() else "a folder"
        raise ForeignError(f"{target} is {kind}, not a file. Choose another name.")
    if sha256(target) not in hashes_written(target):
        raise ForeignError(
            f"{target} was not written by this course, or was changed since, so it was left as it "
            "is. Move or rename it, or choose another name, and run this again."
        )


def remember(target: Path, digest: str) -> None:
    """Note in the folder's list that the course is about to write this content."""
    notes, files = target.parent / WRITTEN, {}
    with suppress(OSError, ValueError, KeyError, TypeError):
        files = dict(json.loads(notes.read_text(encoding="utf8"))["files"])
    kept = [known for known in hashes_written(target) if known != digest]
    files[target.name] = [*kept, digest][-REMEMBERED:]
    text = json.dumps({"format": 1, "files": dict(sorted(files.items()))}, indent=1)
    with beside(notes) as (partial, file):
        file.write(text)
        file.close()
        os.replace(partial, notes)


@contextmanager
def beside(target: Path) -> Iterator[tuple[Path, TextIO]]:
    """A new file beside `target` under a name that nobody has; removed if it is not moved."""
    partial = target.with_name(f".{target.name[:80]}.{secrets.token_hex(4)}.partial")
    with partial.open("x", encoding="utf8", newline="") as file:
        try:
            yield partial, file
        finally:
            file.close()
            with suppress(OSError):
                partial.unlink(missing_ok=True)


@contextmanager
def replacing(target: Path) -> Iterator[TextIO]:
    """Write a text file beside its place and move it there at the end: complete or not there.

    Only a free name is taken, or that of a file that this function wrote and nobody changed.

    Raises:
        ForeignError: the name belongs to somebody else; asked before and after the block.
        OSError: it cannot be written; what was there before is unharmed.
    """
    target = Path(target).absolute()
    check_ours(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    with beside(target) as (partial, file):
        yield file
        file.flush()
        os.fsync(file.fileno())
        file.close()
        check_ours(target)
        remember(target, sha256(partial))
        os.replace(partial, target)


def update(path: Path, before: bytes | None, after: bytes) -> None:
    """Rewrite a file that the caller has read, in one step, unless it has changed meanwhile.

    For the course's own files that are brought up to date: notebooks, recorded rows, pages.

    Args:
        before: what the caller read; None if there was no file.
        after: what it shall hold. Nothing is written where the two are equal.

    Raises:
        ForeignError: the file is no longer what was read, or is a link or a folder.
    """
    path = Path(path)
    if before == after:
        return
    found = path.read_bytes() if path.is_file() and not path.is_symlink() else None
    if found != before or (found is None and is_there(path)):
        raise ForeignError(
            f"{path} was changed by somebody else while this was running, so it was left as it is. "
            "Run the same command again."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    with beside(path) as (partial, file):
        file.buffer.write(after)
        file.flush()
        os.fsync(file.fileno())
        file.close()
        if found is not None:
            shutil.copymode(path, partial)
        os.replace(partial, path)


def remove_file(target: Path) -> None:
    """Remove a file that `replacing` wrote and nobody changed; nothing, if there is none.

    Raises:
        ForeignError: it is somebody else's.
    """
    check_ours(Path(target).absolute())
    Path(target).unlink(missing_ok=True)


# ---------------------------------------------------------------- whole folders of the commands


def make_marked(folder: Path) -> None:
    """Make a folder that the course may remove as a whole later, by `remove_marked`.

    Raises:
        ForeignError: the name is taken, and not by such a folder or an empty one.
    """
    taken = is_there(folder) and not is_marked(folder)
    if taken and (folder.is_symlink() or not folder.is_dir() or any(folder.iterdir())):
        raise ForeignError(not_made_here(folder))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).write_text(
        "SFT Unveiled made this folder, and its commands may remove it with all it holds.\n",
        encoding="utf8",
    )


def is_marked(folder: Path) -> bool:
    """Whether a command of the course made this folder for itself."""
    return folder.is_dir() and not folder.is_symlink() and (folder / MARK).is_file()


def not_made_here(folder: Path) -> str:
    """The message for a folder of somebody else's where the course wants to have its own."""
    return (
        f"{folder} was not made by this course, so it was left as it is. Move or rename it, and "
        "run the same command again."
    )


def remove_marked(folder: Path) -> None:
    """Remove a folder that `make_marked` made, with all it holds; nothing, if there is none.

    Raises:
        ForeignError: the course did not make it.
    """
    if not is_there(folder):
        return
    if not is_marked(folder):
        raise ForeignError(not_made_here(folder))
    shutil.rmtree(folder)


def set_aside(path: Path) -> Path:
    """Give something that is in the way another name beside it, the first free one; keep it."""
    number = 1
    while is_there(aside := path.with_name(f"{path.name}.set-aside-{number}")):
        number += 1
    os.rename(path, aside)
    return aside
