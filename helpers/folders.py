"""Folders that are complete or not there, know what they hold, and are read only if they are whole.

A stored folder has a manifest: who wrote it, what it is, and every file with its SHA-256. By it a
reader finds damage and additions, and by it a writer knows what it may replace or remove.
"""

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from helpers import files
from helpers.files import ForeignError, StorageError

MANIFEST = "manifest.json"
WRITER, FORMAT = "sft-unveiled", 2
# What file browsers leave in any folder they show. It changes nothing, so it hinders nothing.
HARMLESS = {".DS_Store", "Thumbs.db", "desktop.ini"}
# Seconds a reader waits, one after the other, for a write that is under way to end.
PATIENCE = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8)
Found = TypeVar("Found")
LONGEST_MANIFEST = 10_000_000  # bytes
# What the first version stored: another manifest of names and hashes is somebody else's.
FIRST_NAMES = re.compile(
    r"(generation_)?config\.json|model\.safetensors|tokenizer.*\.json|special_tokens_map\.json"
    r"|added_tokens\.json|vocab\.txt|merges\.txt|chat_template\..*|README\.md|plan\.json|.*\.npy"
    r"|training\.json|(optimizer|random)\.safetensors"
)


@dataclass(frozen=True)
class Manifest:
    """What a stored folder says of itself.

    Attributes:
        facts: what its writer noted, such as the run and the step of a checkpoint.
        files: SHA-256 of each file by its path below the folder.
        editable: those of them that a person is asked to fill in, such as a model card.
    """

    facts: dict
    files: dict[str, str]
    editable: frozenset[str] = field(default_factory=frozenset)


# ---------------------------------------------------------------- reading


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a stored folder.

    Raises:
        StorageError: there is none, it is damaged, or another version of the course wrote it.
    """
    path = folder / MANIFEST
    if not folder.is_dir():
        what = "is a file, not a folder" if files.is_there(folder) else "does not exist"
        raise StorageError(f"{folder} {what}. Check the name.")
    if not is_readable(path):
        raise StorageError(f"{path} cannot be read: permission denied. Ask whoever owns it.")
    if not path.is_file() or path.stat().st_size > LONGEST_MANIFEST:
        raise StorageError(
            f"{folder} was not stored by this course, or not completely: {MANIFEST} is missing. "
            "Name a folder that training.save or a training run wrote."
        )
    try:
        stored = json.loads(path.read_text(encoding="utf8"))
        if is_first_format(stored):
            raise another_version(folder, 1)
        if stored["written_by"] != WRITER:
            raise ValueError("another writer")
        if stored["format"] != FORMAT:
            raise another_version(folder, stored["format"])
        listed = {name: digest for name, digest in stored["files"].items() if is_inside(name)}
        if not listed or listed != stored["files"]:
            raise ValueError("no files, or files elsewhere")
        return Manifest(dict(stored["facts"]), listed, frozenset(stored["editable"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise StorageError(
            f"{path} is damaged: it is not what was stored. {repair_advice(folder)}"
        ) from error


def is_readable(path: Path) -> bool:
    """Whether this account may read a file, if it is there and may be looked for."""
    try:
        return not path.exists() or os.access(path, os.R_OK)
    except OSError:
        return False


def is_first_format(stored: object) -> bool:
    """Whether a manifest is one of the first format: names that it had, hashes, and no more."""
    if not isinstance(stored, dict) or not stored:
        return False
    hashes = all(re.fullmatch(r"[0-9a-f]{64}", str(found)) for found in stored.values())
    return hashes and all(map(FIRST_NAMES.fullmatch, stored))


def bears_our_manifest(folder: Path) -> bool:
    """Whether a folder has a manifest of the course, or one that is too damaged to tell."""
    path = folder / MANIFEST
    try:
        stored = json.loads(path.read_text(encoding="utf8"))
    except (OSError, ValueError, RecursionError):
        return path.is_file()
    written_by = stored.get("written_by") if isinstance(stored, dict) else None
    return written_by == WRITER or is_first_format(stored)


def listed_in(folder: Path) -> dict[str, str]:
    """SHA-256 by name of what the course stored in a folder, also in the first format.

    Raises:
        StorageError: it has no manifest of the course.
    """
    with suppress(OSError, ValueError, RecursionError):
        stored = json.loads((folder / MANIFEST).read_text(encoding="utf8"))
        if is_first_format(stored):
            return {name: digest for name, digest in stored.items() if is_inside(name)}
    return read_manifest(folder).files


def is_inside(name: str) -> bool:
    """Whether a path of a manifest stays below its folder."""
    return not os.path.isabs(name) and ".." not in name.split("/") and name != MANIFEST


def another_version(folder: Path, number: object) -> StorageError:
    """The error for a folder that another version of the course stored."""
    return StorageError(
        f"{folder} was stored by another version of this course (format {number}; this one reads "
        f"format {FORMAT}). Read it with that version, or train and save again."
    )


def repair_advice(folder: Path) -> str:
    """The way on for somebody whose stored folder cannot be used."""
    return (
        f"Move {folder} away, then go on from another checkpoint with training.resume (for "
        "conversations: chat.resume), or train and save again."
    )


def names_in(folder: Path) -> set[str]:
    """Paths of everything below a folder that is no folder; links are not followed."""

    def refused(error: OSError) -> None:
        raise error

    found = set()
    for place, folders, names in os.walk(folder, onerror=refused):
        linked = [name for name in folders if (Path(place) / name).is_symlink()]
        found |= {(Path(place) / name).relative_to(folder).as_posix() for name in names + linked}
    return {name for name in found if name.rpartition("/")[2] not in HARMLESS}


def is_unchanged(file: Path, digest: str) -> bool:
    """Whether a file is a plain one with this SHA-256."""
    with suppress(OSError):
        return file.is_file() and not file.is_symlink() and files.sha256(file) == digest
    return False


def check(folder: Path, manifest: Manifest) -> None:
    """Raise `StorageError` unless the folder holds what its manifest lists, and nothing else.

    A file that people are asked to fill in may have changed.
    """
    added = sorted(names_in(folder) - {MANIFEST} - manifest.files.keys())
    # JupyterLab copies a card there when somebody opens it to fill it in; nothing reads that.
    added = [name for name in added if not name.startswith(".ipynb_checkpoints/")]
    if added:
        raise StorageError(
            f"{folder} holds {added[0]!r}, which was not stored with it and could change what the "
            "model does. Move it to another folder and try again."
        )
    for name, digest in manifest.files.items():
        if name not in manifest.editable and not is_unchanged(folder / name, digest):
            raise StorageError(
                f"{folder / name} is damaged: it is not what was stored. {repair_advice(folder)}"
            )


def read_folder(folder: Path | str, read: Callable[[Path, Manifest], Found]) -> Found:
    """Check a stored folder, then read it; a read never writes, and repairs nothing.

    If the folder is replaced meanwhile, both are done again. If a writer was killed between its two
    renames, the folder that it had set aside is read, where it lies.

    Args:
        read: from the folder's place and its manifest to what is wanted.

    Raises:
        StorageError: it is missing, damaged, or holds what was not stored with it.
    """
    folder = Path(folder).expanduser().absolute()
    check_name(folder)
    for pause in PATIENCE:
        time.sleep(pause)
        place, last = folder, pause == PATIENCE[-1]
        if last and not files.is_there(folder):
            place = left_by_a_killed_writer(folder) or folder
        stamp = stamp_of(place)
        try:
            with readable(place):
                manifest = read_manifest(place)
                check(place, manifest)
                found = read(place, manifest)
        except StorageError:
            between = stamp is None and files.work_folders(folder)  # a writer's renames
            if not last and (between or stamp_of(place) != stamp):
                continue
            raise
        if stamp_of(place) == stamp:
            return found
    raise StorageError(f"{folder} is written to all the time. Try again when that has ended.")


def check_name(folder: Path) -> None:
    """Raise `StorageError` for a place that the libraries of models (in Rust) cannot open."""
    try:
        str(folder).encode("utf8")
    except UnicodeEncodeError as error:
        raise StorageError(
            f"the name of the folder {files.shown(str(folder))} holds bytes that are no UTF-8, and "
            "models can be neither stored nor read there. Choose another folder; one that is there "
            "already can be renamed."
        ) from error


@contextmanager
def readable(folder: Path) -> Iterator[None]:
    """Turn whatever a library says of a stored file that it cannot read into a `StorageError`."""
    try:
        yield
    except (StorageError, MemoryError):
        raise
    except Exception as error:
        said = f"{type(error).__name__}: {str(error).splitlines()[0][:200] if str(error) else ''}"
        raise StorageError(
            f"{folder} cannot be read ({said}). It holds another thing than what is asked for, or "
            f"another version of the course stored it. {repair_advice(folder)}"
        ) from error


def stamp_of(folder: Path) -> tuple | None:
    """What differs after a folder was replaced; None if it is not there."""
    with suppress(OSError):
        there = os.stat(folder)
        manifest = folder / MANIFEST
        return there.st_dev, there.st_ino, manifest.read_bytes() if manifest.is_file() else b""
    return None


def verify(folder: Path | str) -> Manifest:
    """Check every file of a stored folder against its manifest, and return that.

    Raises:
        StorageError: it is missing, damaged, or holds what was not stored with it.
    """
    return read_folder(folder, lambda _, manifest: manifest)


def is_stored(folder: Path) -> bool:
    """Whether a folder has a manifest of this course that can be read."""
    with suppress(StorageError):
        return not folder.is_symlink() and bool(read_manifest(folder))
    return False


def foreign(folder: Path) -> list[str]:
    """What a folder holds that is not as this course stored it; for a folder of others: all of it.

    An empty folder holds nothing of anybody's.
    """
    try:
        listed = listed_in(folder)
    except StorageError:
        with suppress(OSError):
            return sorted(names_in(folder)) or [p.name for p in folder.iterdir() if p.is_dir()]
        return ["what may not be read"]
    names = names_in(folder) - {MANIFEST}
    return sorted(n for n in names if not is_unchanged(folder / n, listed.get(n, "")))


def check_replaceable(folder: Path) -> None:
    """Raise `ForeignError` unless the name is free, or a folder stored by the course lies there."""
    if not files.is_there(folder):
        return
    if folder.is_symlink() or not folder.is_dir():
        kind = "a link" if folder.is_symlink() else "a file"
        raise ForeignError(f"{folder} is {kind}, not a folder. Choose another name.")
    if os.path.ismount(folder) or Path.cwd().is_relative_to(folder.resolve()):
        raise ForeignError(
            f"{folder} is where this program works, and cannot be replaced. Name a new folder in "
            f'it, for example "{folder / "model"}".'
        )
    stamp, others = stamp_of(folder), foreign(folder)
    for _ in range(files.TRIES):  # another writer of the course may have replaced it meanwhile
        if not others or stamp_of(folder) == stamp:
            break
        stamp, others = stamp_of(folder), foreign(folder)
    if others and files.is_there(folder):
        raise ForeignError(
            f"{folder} holds {others[0]!r}, which this course did not store, or which was changed "
            "since. Nothing was replaced or removed. Move it to another place, or choose another "
            "folder, and try again."
        )


# ---------------------------------------------------------------- writing


def write_folder(
    target: Path | str,
    fill: Callable[[Path], None],
    facts: dict | None = None,
    editable: frozenset[str] = frozenset(),
) -> None:
    """Create a folder, or replace one that this function wrote, in one move.

    `fill` writes into a hidden folder beside `target`; then the manifest is added, everything is
    forced to the disk, and the folder is renamed. Whoever is killed leaves the old folder or the
    new one, at worst the old one set aside, where readers find it and the next writer puts it back.

    Args:
        target: the folder to create.
        fill: writes files into the folder it is given.
        facts: noted in the manifest.
        editable: names of files that people are asked to fill in.

    Raises:
        ForeignError: the name is taken by something else, or somebody added or changed a file.
        StorageError: the disk is full or the place cannot be written to.
    """
    target = Path(target).expanduser().absolute()
    check_name(target)
    with explained(target):
        check_replaceable(target)
        with work_folder(target) as work:
            new = work / "new"
            new.mkdir()
            fill(new)
            seal(new, facts or {}, editable)
            exchange(work, target)


@contextmanager
def explained(target: Path) -> Iterator[None]:
    """Turn what a full disk or a forbidden place raises into a `StorageError` with the cure."""
    try:
        yield
    except StorageError:
        raise
    except Exception as error:
        # tokenizers and safetensors write in Rust, and say "os error 28" in errors of their own
        if not isinstance(error, OSError) and "os error" not in str(error):
            raise
        raise StorageError(
            f"could not save to {target}: {error}. What was there before is unharmed. "
            "Make room, or choose another folder, and go on from the last checkpoint."
        ) from error


def seal(folder: Path, facts: dict, editable: frozenset[str]) -> None:
    """Write the manifest of a complete folder, and force all of it to the disk."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    if not paths:
        raise ValueError("nothing was written into the new folder; at least one file is needed.")
    listed = {path.relative_to(folder).as_posix(): files.sha256(path) for path in paths}
    manifest = {"written_by": WRITER, "format": FORMAT, "facts": facts, "files": listed}
    manifest["editable"] = sorted(editable & listed.keys())
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf8")
    mode = (folder / MANIFEST).stat().st_mode & 0o777
    for path in paths:  # some libraries let nobody else read what they write
        path.chmod(mode)
    for path in [*paths, folder / MANIFEST, folder]:
        files.force_to_disk(path)


def exchange(work: Path, target: Path) -> None:
    """Put `work/new` in the place of `target`; what was there goes to `work/old`."""
    for number in range(100):  # another writer of the same folder may be between its two renames
        if files.is_there(target):
            check_replaceable(target)
            with suppress(FileNotFoundError):
                os.rename(target, work / ("old" if number == 0 else f"old-{number}"))
        try:
            os.rename(work / "new", target)
        except OSError:
            if not files.is_there(target):
                raise
            continue
        files.force_to_disk(target.parent)
        return
    raise StorageError(f"others are writing to {target} all the time. Choose another folder.")


def remove_folder(folder: Path | str) -> None:
    """Remove a folder that `write_folder` wrote; nothing, if there is none.

    Raises:
        ForeignError: it is somebody else's, or holds something that is.
        StorageError: it cannot be removed.
    """
    folder = Path(folder).expanduser().absolute()
    if not files.is_there(folder):
        return
    with explained(folder):
        check_replaceable(folder)
        with work_folder(folder) as work:
            os.rename(folder, work / "gone")


# ---------------------------------------------------------------- what writers leave

# In a writer's work folder: new/ is being filled, old/ was set aside, gone/ is being removed.


def work_folder(target: Path) -> AbstractContextManager[Path]:
    """`files.work_folder`; what was set aside is put back if nothing has taken its place."""
    return files.work_folder(target, partial(finish, target))


def finish(target: Path, work: Path) -> None:
    """Put back what was set aside, or remove it: of a stored folder only what its manifest lists.

    What else it holds is somebody's, and is kept beside the target.
    """
    # Where new/ has gone to its place, the target was replaced; if it is missing, it was moved.
    for old in sorted(work.glob("old*"), reverse=True) if (work / "new").is_dir() else ():
        if not files.is_there(target):
            with suppress(OSError):
                os.rename(old, target)
        if not files.is_there(target):
            raise StorageError(
                f"{target} could not be given its name back. It is unharmed, in {old}: move it to "
                "its place."
            )
    for path in [*work.glob("old*"), *work.glob("gone")]:
        remove_listed(path)
        if files.is_there(path):
            files.set_aside(path, target)


def remove_listed(folder: Path) -> None:
    """Remove a stored folder file by file, as listed; whatever else it holds stays."""
    listed: dict[str, str] = {}
    with suppress(StorageError):
        listed = listed_in(folder)
    for path in sorted(folder.rglob("*"), reverse=True):
        name = path.relative_to(folder).as_posix()
        with suppress(OSError):
            if path.is_dir() and not path.is_symlink():
                path.rmdir()
            elif path.name in HARMLESS or is_unchanged(path, listed.get(name, "")):
                path.unlink()
    with suppress(OSError):
        # Without any other file the manifest is ours alone, also where that is the last one left.
        if names_in(folder) <= {MANIFEST}:
            (folder / MANIFEST).unlink(missing_ok=True)
            folder.rmdir()


def recover(target: Path) -> None:
    """Finish what killed writers of a target left: put the old folder back, remove the rest."""
    files.clear_dead(target, partial(finish, target))


def left_by_a_killed_writer(target: Path) -> Path | None:
    """Where a folder lies that was set aside by a writer who is gone; None if nowhere."""
    for work in files.work_folders(target):
        if (work / "new").is_dir() and files.is_dead(work):
            for place in [*sorted(work.glob("old*"), reverse=True), work / "new"]:
                if is_stored(place):
                    return place
    return None
