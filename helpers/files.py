"""Whatever this course replaces, renames or removes, it does here or in `folders`.

One rule holds for all of it: nothing that the course did not write is ever replaced or removed, nor
is anything that somebody has changed since. Standard library only, so that `tasks.py` can use it
before anything is installed. The list of all such places: docs/guarantees.md.
"""

# The hints stay text: a Python too old for this course must get as far as being told so.
from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

# In every folder where the course writes single files: their names, and the SHA-256 of each as the
# course wrote it. A file that is not in the list, or has another hash, belongs to somebody else.
WRITTEN = ".written-by-sft-unveiled.json"
# In a folder that a command of the course made and may remove as a whole, such as `.venv`.
MARK = ".made-by-sft-unveiled"
LONGEST_LIST = 10_000_000  # bytes
TRIES = 10


PACKAGE = Path(__file__).resolve().parent


class StorageError(RuntimeError):
    """Something could not be stored or is not what was stored; the message names the cure."""


class ForeignError(StorageError):
    """Something that the course did not write stands in the way. Nothing was changed."""


def data_folder() -> Path:
    """Where the course's own data lie: in `data` of a clone, or inside the installed package."""
    inside = PACKAGE / "_data"
    return inside if inside.is_dir() else PACKAGE.parent / "data"


def drawings_folder() -> Path:
    """Where the notebooks' drawings lie: in a clone, or inside the installed package."""
    inside = PACKAGE / "_drawings"
    return inside if inside.is_dir() else PACKAGE.parent / "notebooks" / "drawings"


def course_folder() -> Path:
    """Where `data/downloads` and `outputs` belong: the clone, else `sft-unveiled` below here."""
    installed = data_folder().parent == PACKAGE
    return Path.cwd() / "sft-unveiled" if installed else PACKAGE.parent


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_bytes(content: bytes) -> str:
    """SHA-256 of bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


# What file browsers leave in any folder that they show: `._NAME` beside NAME, and these.
CLUTTER = re.compile(r"\._.*|\.DS_Store|Thumbs\.db|desktop\.ini")


def is_clutter(name: str) -> bool:
    """Whether a file has a name that only file browsers use."""
    return CLUTTER.fullmatch(name) is not None


def tree_files(folder: Path) -> list[str]:
    """Paths of all files below `folder`, sorted, but for what file browsers leave."""
    found = (path for path in folder.rglob("*") if path.is_file() and not is_clutter(path.name))
    return sorted(path.relative_to(folder).as_posix() for path in found)


def tree_sha256(folder: Path) -> str:
    """SHA-256 over the lines `<sha256>  <path>` of `tree_files`."""
    paths = tree_files(folder)
    lines = "".join(f"{sha256(folder / path)}  {path}\n" for path in paths)
    return sha256_bytes(lines.encode())


EMPTY = sha256_bytes(b"")  # of a file without content, such as a lock


def check_space(
    what: str,
    megabytes: float,
    folder: Path,
    error: type[Exception] = StorageError,
    cure: str = "Make room and run the same command again.",
    unit: str = "MB",
) -> None:
    """Raise unless so much is free on a folder's disk.

    Args:
        what: who needs it, as the sentence begins.
        folder: one that is there.
        error: what is raised; its message says how much is needed, how much is free, and the cure.
        unit: of the two figures in the message, "MB" or "GB".
    """
    free = shutil.disk_usage(folder).free / 1e6
    if free < megabytes:
        form = "{:,.0f} MB" if unit == "MB" else "{:.1f} GB"
        needs, has = (
            form.format(size / (1 if unit == "MB" else 1000)) for size in (megabytes, free)
        )
        raise error(f"{what} needs {needs} on the disk of {folder}, and {has} are free. {cure}")


# Control characters but for line ends and tabs, what turns the direction of a text, halves of
# surrogate pairs (in names of files whose bytes are no UTF-8), and what is no character.
UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u2028-\u202e\u2066-\u2069"
    "\ud800-\udfff\ufeff\ufff9-\ufffb\ufffe\uffff]"
)


def shown(text: str) -> str:
    """A text that every UTF-8 terminal and page can hold: what cannot be seen as its escape.

    A name of a file comes from anywhere. `\\udce9` stands for the byte 0xe9, which is no UTF-8, and
    `\\u202e` for the mark that would show `csv.exe` as `exe.vsc`.
    """
    return UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def markdown_table(header: Iterable[object], rows: Iterable[Iterable[object]]) -> str:
    """A table in Markdown, without a line end after its last row.

    Args:
        header: the columns' names.
        rows: as many cells each; a cell must hold no line end, and a `|` only as `\\|`.
    """
    lines = [list(map(str, cells)) for cells in (header, *rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


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


def list_in(folder: Path) -> dict[str, list[str]]:
    """The list of what `replacing` wrote in a folder: SHA-256s by name; empty if there is none.

    Raises:
        ForeignError: something else has the list's name.
    """
    notes = folder / WRITTEN
    if not is_there(notes):
        return {}
    try:
        if notes.is_symlink() or not notes.is_file() or notes.stat().st_size > LONGEST_LIST:
            raise ValueError("no plain file, or a huge one")
        stored = json.loads(notes.read_text(encoding="utf8"))
        listed = {name: list(map(str, found)) for name, found in stored["files"].items()}
        if stored["format"] != 1:
            raise ValueError("another format")
        return listed
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ForeignError(
            f"{notes} is damaged, or somebody else's: the course keeps a list of its own files "
            "under this name. Move it away and run this again."
        ) from error


def hashes_written(target: Path) -> list[str]:
    """The SHA-256 of what the course last wrote under this name; empty if it never did."""
    with suppress(ForeignError):
        return list_in(target.parent).get(target.name, [])
    return []  # without a list nothing is ours: nothing will be replaced


def check_ours(target: Path) -> None:
    """Raise `ForeignError` unless the name is free, or holds what the course wrote there."""
    if not is_there(target):
        return
    if target.is_symlink() or not target.is_file():
        kind = "a link" if target.is_symlink() else "a folder" if target.is_dir() else "no file"
        raise ForeignError(f"{target} is {kind}. Choose another name.")
    if sha256(target) not in hashes_written(target):
        raise ForeignError(
            f"{target} was not written by this course, or was changed since, so it was left as it "
            "is. Move or rename it, or choose another name, and run this again."
        )


def remember(target: Path, digest: str) -> None:
    """Note in the folder's list that the course is about to write this content."""
    notes, files = target.parent / WRITTEN, list_in(target.parent)
    # What lies there now, too: whoever is killed before the move leaves a file that is still ours.
    now = sha256(target) if target.is_file() else ""
    kept = [known for known in files.get(target.name, []) if known == now != digest]
    files[target.name] = [*kept, digest]
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
    list_in(target.parent)
    target.parent.mkdir(parents=True, exist_ok=True)
    with beside(target) as (partial, file):
        yield file
        file.flush()
        os.fsync(file.fileno())
        file.close()
        check_ours(target)
        digest = sha256(partial)
        remember(target, digest)
        take_name(partial, target)
        for _ in range(TRIES):  # another process may have written its list over ours
            if digest in hashes_written(target):
                break
            remember(target, digest)


def take_name(partial: Path, target: Path) -> None:
    """Move a finished file to its name; never over a file that somebody put there meanwhile."""
    if not is_there(target):
        try:
            os.link(partial, target)  # fails if the name is taken by now
            return
        except FileExistsError:
            pass
        except OSError:  # a disk without links
            pass
    check_ours(target)
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
    check_as_read(path, before)
    path.parent.mkdir(parents=True, exist_ok=True)
    with beside(path) as (partial, file):
        file.buffer.write(after)
        file.flush()
        os.fsync(file.fileno())
        file.close()
        check_as_read(path, before)
        if before is not None:
            shutil.copymode(path, partial)
        os.replace(partial, path)


def read_before(path: Path) -> bytes | None:
    """What a file holds now, for `update`; None if there is no such file."""
    return path.read_bytes() if path.is_file() and not path.is_symlink() else None


def check_as_read(path: Path, before: bytes | None) -> None:
    """Raise `ForeignError` unless a file still is what was read; None: unless the name is free."""
    found = read_before(path)
    if found != before or (found is None and is_there(path)):
        raise ForeignError(
            f"{path} was changed by somebody else while this was running, so it was left as it is. "
            "Run the same command again."
        )


def written_in(folder: Path) -> list[tuple[str, str]]:
    """What `replacing` wrote in a folder: (name, SHA-256), with the list itself at the end."""
    notes, listed = folder / WRITTEN, {}
    with suppress(ForeignError):
        listed = list_in(folder)
    pairs = [(name, digest) for name, found in listed.items() for digest in found]
    return [*pairs, (WRITTEN, sha256(notes))] if pairs else []


def remove_known(folder: Path, known: Iterable[tuple[str, str]]) -> None:
    """Remove the files that have exactly these contents, and the folders that are empty then.

    Everything else stays: changed files, added ones, and what is reached through a link.

    Args:
        folder: where they lie.
        known: path below the folder, and SHA-256.
    """
    for name, digest in known:
        path = folder / name
        if path.resolve() != folder.resolve() / name or not path.is_file():
            continue
        if sha256(path) == digest:
            path.unlink()
            for parent in [parent for parent in path.parents if parent.is_relative_to(folder)]:
                remove_if_empty(parent)


def remove_if_empty(folder: Path) -> None:
    """Remove a folder that holds nothing; the system refuses it for any other, and for a link."""
    with suppress(OSError):
        folder.rmdir()


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
    mark(folder)


def mark(folder: Path) -> None:
    """Mark a folder that is known to be the course's own, so that it may remove it later."""
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
    erase(folder)


def erase(folder: Path) -> None:
    """Remove a folder, its mark last: whoever is killed meanwhile leaves one that is marked."""
    for path in sorted(folder.iterdir(), key=lambda path: path.name == MARK):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    folder.rmdir()


# By these a folder is known as the cache of a tool, which the tool makes anew when it needs it.
SIGNS = {
    "CACHEDIR.TAG": "Signature: 8a477f597d28d172789f06886806bc55",
    ".gitignore": "# This .gitignore file was automatically created by Hypothesis.",
}


def remove_cache(folder: Path, names: str) -> None:
    """Remove the cache of a tool; nothing, if there is none.

    Args:
        names: what the tool puts there, as a regular expression.

    Raises:
        ForeignError: it does not bear the sign of such a cache, or holds something else.
    """
    if not is_there(folder):
        return
    signed = False
    for name, sign in SIGNS.items():
        with suppress(OSError, ValueError):
            signed |= (folder / name).read_text(encoding="utf8").startswith(sign)
    if folder.is_symlink() or not signed:
        raise ForeignError(f"{folder} is not recognized as the cache of a tool.")
    added = [path.name for path in folder.iterdir() if not re.fullmatch(names, path.name)]
    if added:
        raise ForeignError(f"{folder} holds {added[0]!r}, which the tool did not put there.")
    shutil.rmtree(folder)


# ---------------------------------------------------------------- what is not complete yet

LOCK = "lock"  # in a work folder; the system holds it for as long as the writer lives
# All that a work folder may hold: a foreign file among it keeps the whole from being removed.
CONTENT = re.compile(rf"{LOCK}|{re.escape(MARK)}|new|pip|gone|old(-\d+)?")
Finish = Callable[[Path], None]


@contextmanager
def work_folder(target: Path, finish: Finish | None = None) -> Iterator[Path]:
    """A marked folder beside `target` for what is not complete yet; it is removed at the end.

    What killed writers of the same target left is removed first.

    Args:
        finish: called before a work folder is removed, this one's or a killed writer's, to save
            what must not go with it.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    clear_dead(target, finish)
    work, lock = begun(target)
    may_go = False
    try:
        with lock:
            try:
                yield work
            finally:
                if finish:
                    finish(work)
                may_go = True  # not if `finish` was broken off: it may hold the only copy
    finally:
        if may_go:
            with suppress(OSError):
                erase(work)


def begun(target: Path) -> tuple[Path, TextIO]:
    """A new work folder with its lock held.

    Before the lock is held, another writer of the same target may take it for a dead one's and
    remove it; then it is begun again, under another name.
    """
    for tries_left in reversed(range(10)):
        work = target.with_name(f"{work_prefix(target)}{secrets.token_hex(4)}")
        work.mkdir()
        try:
            lock = (work / LOCK).open("x", encoding="utf8")
            is_free = hold(lock) is not False
            mark(work)  # not before the lock is held: marked and not locked is dead
            if is_free and os.path.samestat(os.fstat(lock.fileno()), os.stat(work / LOCK)):
                return work, lock
            lock.close()
        except FileNotFoundError:
            if not tries_left:
                raise
    raise StorageError(f"others are writing to {target} all the time. Choose another name.")


def work_prefix(target: Path) -> str:
    """How the work folders of a target begin."""
    name = target.name
    if len(name.encode(errors="surrogateescape")) > 100:  # a name has 255 bytes, and no two are one
        name = f"{name[:20]}~{sha256_bytes(name.encode(errors='surrogateescape'))}"
    return f".sft-unveiled-{name}."


def hold(lock: TextIO) -> bool | None:
    """Ask the system for a lock on an open file; it ends when the file is closed.

    Returns:
        Whether it was free; None if this disk has no locks.
    """
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        taken = error.errno in (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK)
        return False if taken else None
    return True


@contextmanager
def alone(lock: Path, taken: Callable[[], None], pause: float = 0.5) -> Iterator[None]:
    """Be the only process in this block, of all that name the same lock; wait for the others.

    The system ends the lock with the last process that holds it, so that a killed one leaves none
    behind. What `children.bound` starts holds it, too.

    Args:
        lock: a free name, or that of an empty file. It is removed at the end.
        taken: called once if another process is in the block; it may raise, or say that we wait.
        pause: seconds from one look to the next.

    Raises:
        ForeignError: something else has the lock's name.
        OSError: it cannot be written there.
    """
    while not (file := held(lock)):
        if taken:
            taken()
            taken = None
        time.sleep(pause)
    with file:
        if os.name == "posix":
            os.set_inheritable(file.fileno(), True)
        try:
            yield
        finally:
            # As long as it is held: whoever opened it before looks whether it is still there.
            with suppress(OSError):  # Windows removes no open file; `clean` does
                lock.unlink()


def check_lock(lock: Path, error: type[Exception] = ForeignError) -> None:
    """Raise unless a name is free, or that of an empty file, as a lock of the course is one."""
    try:
        found = os.lstat(lock)
    except FileNotFoundError:
        return
    if not stat.S_ISREG(found.st_mode) or found.st_size:
        raise error(
            f"{lock} is in the way: the course needs this name for an empty file, and this one is "
            "somebody else's. Rename it and run the same command again."
        )


def make_folder(folder: Path, error: type[Exception] = StorageError) -> None:
    """Make a folder if there is none; a link to one will do.

    Raises:
        error: something else has its name, or it cannot be made here; the message names the cure.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as found:
        kind = "a link that leads nowhere" if folder.is_symlink() else "a file"
        raise error(
            f"{folder} is {kind}, and the course needs a folder there. Rename it and run the same "
            "command again."
        ) from found
    except OSError as found:
        raise error(not_written(found)) from found


FULL = {errno.ENOSPC, errno.EDQUOT}
REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS} | FULL


def is_refusal(error: OSError) -> bool:
    """Whether the system would not let us write: no right, a read-only disk, or a full one."""
    return error.errno in REFUSED


def not_written(error: OSError) -> str:
    """The message for something that the system would not let us write, with the cure."""
    if error.errno in FULL:
        return f"{error.filename or 'The disk'}: {error.strerror}. Make room and run this again."
    return (
        f"{error.filename or 'A file'} cannot be read or written: {error.strerror}. The course "
        "keeps all that it makes inside its own folder: copy that to a place where this account "
        "may do both, and run the same command there."
    )


def held(lock: Path) -> TextIO | None:
    """An empty file that is open, with its lock held; None if another process holds it.

    Raises:
        ForeignError: something else has its name.
    """
    check_lock(lock)
    file = lock.open("a", encoding="utf8")
    with suppress(OSError):  # it may have been removed by now
        if hold(file) is not False and os.path.samestat(os.fstat(file.fileno()), os.stat(lock)):
            return file
    file.close()
    return None


def work_folders(target: Path) -> list[Path]:
    """The work folders of a target, of living and of killed writers."""
    found = []
    for work in sorted(target.parent.glob(".sft-unveiled-*")):
        token = work.name.removeprefix(work_prefix(target))
        if re.fullmatch(r"[0-9a-f]{8}", token) and is_work_folder(work):
            found.append(work)
    return found


def is_work_folder(work: Path) -> bool:
    """Whether a folder holds what a writer puts there and nothing else.

    A writer that was killed at its very first steps left no mark, and at most an empty file.
    """
    if work.is_symlink() or not work.is_dir():
        return False
    try:
        names = {path.name for path in work.iterdir()}
    except OSError:
        return False  # what cannot be looked into is not ours to touch
    if not all(map(CONTENT.fullmatch, names)):
        return False
    begun = names <= {LOCK, MARK} and not any((work / name).stat().st_size for name in names)
    return begun or is_marked(work)


def clear_dead(target: Path, finish: Finish | None = None) -> None:
    """Remove the work folders of a target whose writers are gone, as the system says."""
    for work in work_folders(target):
        if is_dead(work):
            with suppress(OSError, StorageError):
                if finish:
                    finish(work)
                erase(work)


def is_dead(work: Path) -> bool:
    """Whether nobody holds the lock of a work folder; without one, its removal had begun."""
    try:
        with (work / LOCK).open(encoding="utf8") as lock:
            return hold(lock) is True
    except FileNotFoundError:
        return True
    except OSError:
        return False


def put_in_place(new: Path, target: Path) -> Path | None:
    """Give a finished folder its name.

    What has the name goes only if `new` holds every file of it, byte for byte. Otherwise it is
    set aside as a whole.

    Args:
        new: lies in a work folder of `target`.

    Returns:
        Where that lies now which was set aside, if anything was.
    """
    aside = None
    if is_there(target):
        if strangers(target, new):
            aside = set_aside(target)
        else:
            old = new.with_name("old")
            os.rename(target, old)
            aside = set_aside(old, target) if strangers(old, new) else None
    os.rename(new, target)
    return aside


def strangers(folder: Path, new: Path) -> list[str]:
    """Files below `folder` that `new` does not hold byte for byte; a file or a link is one."""
    if folder.is_symlink() or not folder.is_dir():
        return [folder.name]
    found = []
    for path in sorted(folder.rglob("*")):
        twin = new / path.relative_to(folder)
        if path.is_symlink() or (path.is_file() and not is_same(path, twin)):
            found.append(path.relative_to(folder).as_posix())
    return found


def is_same(path: Path, other: Path) -> bool:
    """Whether two plain files hold the same bytes."""
    plain = other.is_file() and not other.is_symlink()
    return plain and sha256(path) == sha256(other)


def set_aside(path: Path, name: Path | None = None) -> Path:
    """Give something that is in the way another name beside it, the first free one; keep it.

    Args:
        path: what is in the way.
        name: the name that the new one is made from, if it is not its own.
    """
    name, number = name or path, 1
    short = name.name if len(os.fsencode(name.name)) < 230 else name.name[:50]
    while is_there(aside := name.with_name(f"{short}.set-aside-{number}")):
        number += 1
    os.rename(path, aside)
    return aside
