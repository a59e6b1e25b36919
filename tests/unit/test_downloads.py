"""Downloads: hashes, interruptions, hostile archives, two processes at once. No network needed."""

import gzip
import io
import queue
import random
import subprocess
import sys
import tarfile
import threading
import zipfile
from pathlib import Path

import pytest

from helpers import downloads, files, pip_errors


def wheel(path: Path, files: dict[str, bytes]) -> dict:
    """A wheel-like archive at `path` and its entry for sources.toml."""
    with zipfile.ZipFile(path, "w") as bundle:
        for name, content in files.items():
            bundle.writestr(f"inside/{name}", content)
    members = {}
    for name, content in files.items():
        (path.parent / "x").write_bytes(content)
        members[name] = downloads.sha256(path.parent / "x")
    return {
        "package": "none",
        "version": "1",
        "archive": path.name,
        "bytes": path.stat().st_size,
        "sha256": downloads.sha256(path),
        "inside": "inside/",
        "members": members,
    }


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty downloads folder, one source, and a stand-in for pip that copies a local file."""
    archive = tmp_path / "none-1-py3-none-any.whl"
    source = wheel(archive, {"a.txt": b"hello"})
    folder = tmp_path / "downloads"
    monkeypatch.setattr(downloads, "FOLDER", folder)
    monkeypatch.setattr(downloads, "sources", lambda: {"thing": source})

    def copy(command, label, target, size, log):
        sent = archive.with_name(source["archive"])
        (target / sent.name).write_bytes(sent.read_bytes())
        return 0

    monkeypatch.setattr(downloads, "run_with_bar", copy)
    downloads.folder.cache_clear()
    yield folder, source, archive
    downloads.folder.cache_clear()


def left_behind(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def test_a_source_is_fetched_checked_and_unpacked(place):
    folder, *_ = place
    assert (downloads.folder("thing") / "a.txt").read_bytes() == b"hello"
    assert left_behind(folder) == ["thing"]


def test_an_archive_with_other_bytes_leaves_nothing(place):
    folder, source, _ = place
    source["sha256"] = "0" * 64
    with pytest.raises(downloads.DownloadError, match="hash"):
        downloads.folder("thing")
    assert left_behind(folder) == []


def test_a_member_with_other_bytes_leaves_nothing(place):
    folder, source, _ = place
    source["members"]["a.txt"] = "0" * 64
    with pytest.raises(downloads.DownloadError, match=r"a\.txt has another SHA-256"):
        downloads.folder("thing")
    assert left_behind(folder) == []


def test_a_damaged_local_file_is_fetched_again(place):
    file = downloads.folder("thing") / "a.txt"
    file.write_bytes(b"hullo")
    downloads.folder.cache_clear()
    assert (downloads.folder("thing") / "a.txt").read_bytes() == b"hello"


def test_what_a_killed_download_left_is_removed_and_one_under_way_is_not(place):
    """Another process that is killed while it holds its work folder; this one is alive."""
    folder, *_ = place
    folder.mkdir()
    program = (
        "import os; from pathlib import Path; from helpers import files\n"
        f"with files.work_folder(Path({str(folder / 'thing')!r})) as work:\n"
        "    (work / 'new').mkdir(); (work / 'new' / 'half').write_bytes(b'x'); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", program], cwd=downloads.ROOT)
    assert len(left_behind(folder)) == 1
    with files.work_folder(folder / "thing") as under_way:
        downloads.folder("thing")
        assert left_behind(folder) == sorted([under_way.name, "thing"])
    assert left_behind(folder) == ["thing"]


def test_two_at_once_do_not_harm_each_other(place):
    folder, *_ = place
    threads = [threading.Thread(target=downloads.fetch, args=("thing",)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert downloads.faults(folder / "thing", downloads.sources()["thing"]) == []
    assert left_behind(folder) == ["thing"]


def test_a_disk_too_small_is_said_before_anything_is_fetched(place):
    _, source, _ = place
    source["bytes"] = 10**18
    with pytest.raises(downloads.DownloadError, match="thing needs 4,000,000,000,000 MB"):
        downloads.folder("thing")


@pytest.mark.parametrize("name", ["../evil.txt", "/evil.txt", "a/../../evil.txt", "C:evil.txt"])
def test_a_member_that_would_leave_the_folder_is_refused(tmp_path, name):
    archive = tmp_path / "bad.whl"
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.writestr(f"inside/{name}", b"x")
    source = {"inside": "inside/", "tree": "any"}
    with pytest.raises(downloads.DownloadError, match="would leave the folder"):
        downloads.unpack(archive, source, tmp_path / "out" / "in")
    assert not list(tmp_path.rglob("evil.txt"))


def test_a_link_in_a_tar_archive_is_not_followed(tmp_path):
    archive = tmp_path / "bad.tar.gz"
    with tarfile.open(archive, "w:gz") as bundle:
        link = tarfile.TarInfo("inside/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        bundle.addfile(link)
        plain = tarfile.TarInfo("inside/plain")
        plain.size = 1
        bundle.addfile(plain, io.BytesIO(b"x"))
    assert [name for name, _ in downloads.members(archive, "inside/")] == ["plain"]


def zipped(content: bytes) -> bytes:
    """The bytes of a zip archive with one member."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("inside/a.txt", content)
    return buffer.getvalue()


def packed(content: bytes) -> bytes:
    """The bytes of a .tar.gz archive with one member."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as bundle:
        about = tarfile.TarInfo("inside/a.txt")
        about.size = len(content)
        bundle.addfile(about, io.BytesIO(content))
    return buffer.getvalue()


BYTES = random.Random(0).randbytes(200_000)
NO_ARCHIVES = {
    "nothing": b"",
    "a page": b"<html>Welcome</html>",
    "half a zip": zipped(BYTES)[:100_000],
    "half a tar.gz": packed(BYTES)[:100_000],
    "a zip changed inside": zipped(BYTES).replace(BYTES[5000:5050], bytes(50)),
    "a tar.gz changed inside": packed(BYTES)[:90_000] + bytes(500) + packed(BYTES)[90_500:],
    "a page, gzipped": gzip.compress(b"<html>Welcome</html>"),
}


@pytest.mark.parametrize("suffix", [".whl", ".tar.gz"])
@pytest.mark.parametrize("name", NO_ARCHIVES)
def test_what_is_no_archive_is_told_leaves_nothing_and_the_next_try_repairs(place, name, suffix):
    """Its hash is the listed one: in a fork that lists the hash of what it was sent."""
    folder, source, archive = place
    whole, listed = archive.read_bytes(), dict(source)
    archive = archive.rename(archive.with_name(f"none-1{suffix}"))
    archive.write_bytes(NO_ARCHIVES[name])
    source |= {"archive": archive.name, "sha256": downloads.sha256(archive)}
    with pytest.raises(downloads.DownloadError, match=r"is no archive, or is damaged|a\.txt"):
        downloads.folder("thing")
    assert left_behind(folder) == []
    source |= listed
    archive.with_name(source["archive"]).write_bytes(whole)
    assert (downloads.folder("thing") / "a.txt").read_bytes() == b"hello"


@pytest.mark.parametrize("make", [zipped, packed])
def test_an_archive_that_would_fill_the_disk_is_stopped_on_the_way(tmp_path, make):
    archive = tmp_path / ("bomb.whl" if make is zipped else "bomb.tar.gz")
    archive.write_bytes(make(bytes(50_000_000)))
    source = {"inside": "inside/", "tree": "any"}
    with pytest.raises(downloads.DownloadError, match="more than 20 times as large"):
        downloads.unpack(archive, source, tmp_path / "out")
    assert (tmp_path / "out" / "a.txt").stat().st_size < 5_000_000


def test_of_a_source_with_one_hash_what_file_browsers_leave_does_not_count(place):
    folder, source, _ = place
    downloads.folder("thing")
    source["tree"] = files.tree_sha256(folder / "thing")
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", "._a.txt"):
        (folder / "thing" / name).write_bytes(b"\0")
    assert downloads.faults(folder / "thing", source) == []
    (folder / "thing" / "b.txt").write_bytes(b"\0")
    assert downloads.faults(folder / "thing", source) != []


def test_who_waits_for_another_program_says_so(place, monkeypatch):
    """The other one holds the lock in a process of its own, until this one has said its line.

    The line is waited for, not looked for again and again: what is printed while pytest empties its
    buffer is lost.
    """
    folder, *_ = place
    lines: queue.Queue[str] = queue.Queue()
    monkeypatch.setattr(downloads, "print", lines.put, raising=False)
    folder.mkdir()
    program = (
        "import sys; from pathlib import Path; from helpers import downloads\n"
        f"downloads.FOLDER = Path({str(folder)!r})\n"
        "with downloads.locked('thing'): print('held', flush=True); sys.stdin.readline()"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    other = subprocess.Popen([sys.executable, "-c", program], cwd=files.PACKAGE.parent, **pipes)
    assert other.stdout.readline() == "held\n"
    fetching = threading.Thread(target=downloads.fetch, args=("thing",), daemon=True)
    fetching.start()
    try:
        said = lines.get(timeout=60)
    finally:
        other.communicate("\n")
    fetching.join(60)
    assert said.startswith("thing: another program of the course is at work on it; waiting")
    assert left_behind(folder) == ["thing"]


@pytest.mark.parametrize(
    ("said", "cure"),
    [
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "other bytes"),
        ("WARNING: Connection timed out while downloading.", "PIP_DEFAULT_TIMEOUT"),
        ("error: incomplete-download", "cut off"),
        ("OSError('Tunnel connection failed: 407 Proxy Authentication Required')", "HTTPS_PROXY"),
        ("OSError: [Errno 28] No space left on device", "Make room"),
        ("/usr/bin/python: No module named pip", "ensurepip"),
        ("SSLError(SSLCertVerificationError(1, 'CERTIFICATE_VERIFY_FAILED", "PIP_CERT"),
        ("ERROR: No matching distribution found", "Is there a network"),
    ],
)
def test_pip_is_translated_into_a_cause_and_a_cure(said, cure):
    assert cure in pip_errors.explain(said, downloads.MEANINGS)


def test_an_unknown_source_is_answered_with_those_there_are():
    with pytest.raises(KeyError, match="minilm"):
        downloads.folder("minlm")
