"""Downloads that fail on the way, with pip itself and a package index that misbehaves."""

import http.server
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import psutil
import pytest

from helpers import downloads, files
from tests.unit.test_children import end_of
from tests.unit.test_downloads import left_behind
from tools import environment, project

ARCHIVE = "thing-1-py3-none-any.whl"
SENT = 100_000  # bytes that arrive before a connection is cut or stands still
LOGIN = b"<html><body><form action='/login'>Welcome to our hotel</form></body></html>"


def wheel(path: Path) -> dict:
    """A wheel of 400 kB that pip accepts, and its entry for sources.toml."""
    content = os.urandom(400_000)
    with zipfile.ZipFile(path, "w") as bundle:
        bundle.writestr("inside/a.bin", content)
        about = "Metadata-Version: 2.1\nName: thing\nVersion: 1\n"
        bundle.writestr("thing-1.dist-info/METADATA", about)
        bundle.writestr("thing-1.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        bundle.writestr("thing-1.dist-info/RECORD", "")
    (path.parent / "a.bin").write_bytes(content)
    return {
        "package": "thing",
        "version": "1",
        "archive": ARCHIVE,
        "bytes": path.stat().st_size,
        "sha256": downloads.sha256(path),
        "inside": "inside/",
        "members": {"a.bin": downloads.sha256(path.parent / "a.bin")},
    }


class Index(http.server.BaseHTTPRequestHandler):
    """A package index with one package, which does what its server's `mood` says."""

    def log_message(self, *args):
        """Stay quiet."""

    def do_CONNECT(self):
        """Asked as a proxy: refuse."""
        self.send_error(407)

    def do_GET(self):
        """A list of one link, or the archive."""
        mood, content = self.server.mood, self.server.content
        if mood == "no such package":
            self.send_error(404)
            return
        if mood == "login page" or (mood == "a page for it" and "/files/" in self.path):
            self.begin("text/html", len(LOGIN))
            self.wfile.write(LOGIN)
            return
        if self.path.endswith("/thing/"):
            page = f'<a href="/files/{ARCHIVE}">{ARCHIVE}</a>'.encode()
            self.begin("text/html", len(page))
            self.wfile.write(page)
            return
        if mood == "shorter":
            content = content[:SENT]
        self.begin("application/octet-stream", len(content))
        if mood in ("cut off", "still"):
            self.wfile.write(content[:SENT])
            self.wfile.flush()
            self.server.goes_on.wait(timeout=60 if mood == "still" else 0)
            return
        self.wfile.write(content[:-1] + b"?" if mood == "other bytes" else content)

    def begin(self, kind: str, length: int):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        self.send_header("Cache-Control", "max-age=3600")
        self.end_headers()


@pytest.fixture
def index(tmp_path, monkeypatch):
    """The index, running; pip is told of it and of nothing else, and waits for one second."""
    source = wheel(tmp_path / ARCHIVE)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Index)
    server.mood, server.content = "well", (tmp_path / ARCHIVE).read_bytes()
    server.goes_on, server.folder = threading.Event(), tmp_path / "downloads"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for name in os.environ:
        if name.startswith("PIP_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/simple")
    for name, value in (("TIMEOUT", "1"), ("RETRIES", "1"), ("RESUME_RETRIES", "0")):
        monkeypatch.setenv(f"PIP_{name}", value)
    monkeypatch.setattr(downloads, "FOLDER", server.folder)
    monkeypatch.setattr(downloads, "sources", lambda: {"thing": source})
    downloads.folder.cache_clear()
    yield server
    server.goes_on.set()
    server.shutdown()
    downloads.folder.cache_clear()


def arrives() -> bool:
    """Whether a fetch succeeds and leaves nothing else behind."""
    found = downloads.folder("thing")
    return (found / "a.bin").stat().st_size == 400_000 and left_behind(found.parent) == ["thing"]


@pytest.mark.parametrize(
    ("mood", "message"),
    [
        ("cut off", "cut off.* run the same command again"),
        ("still", "stood still.* set PIP_DEFAULT_TIMEOUT"),
        ("other bytes", "other bytes were sent. Nothing was kept"),
        ("shorter", "cut off, or other bytes were sent. Nothing was kept"),
        ("no such package", "Is there a network.*'python3 tasks.py lab'"),
        ("login page", "Is there a network.*in a Wi-Fi with a login page, log in"),
        ("a page for it", "other bytes were sent. Nothing was kept"),
    ],
)
def test_a_download_that_fails_is_explained_leaves_nothing_and_works_next_time(
    index, mood, message
):
    index.mood = mood
    with pytest.raises(downloads.DownloadError, match=f"^thing: .*{message}") as caught:
        downloads.folder("thing")
    assert len(str(caught.value).splitlines()) == 1
    assert left_behind(index.folder) == []
    index.mood = "well"
    assert arrives()


def test_without_a_network_the_message_says_that_it_is_needed_once(index, monkeypatch):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{nobody.getsockname()[1]}/simple")
        with pytest.raises(
            downloads.DownloadError, match="Is there a network\\? It is needed once"
        ):
            downloads.folder("thing")
    assert left_behind(index.folder) == []


def test_a_proxy_that_refuses_is_named_and_its_password_is_not(index, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "https://packages.invalid/simple")
    proxy = f"http://ada:secret@127.0.0.1:{index.server_port}"
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, proxy)
    with pytest.raises(downloads.DownloadError, match="the proxy did not let it through") as caught:
        downloads.folder("thing")
    assert "secret" not in str(caught.value)


def test_a_download_killed_half_way_is_forgotten_and_done_again(index):
    index.mood = "still"
    program = (
        "import sys; from pathlib import Path; from helpers import downloads\n"
        f"downloads.FOLDER = Path({str(index.folder)!r})\n"
        f"downloads.sources = lambda: {downloads.sources()!r}\n"
        "downloads.folder('thing')"
    )
    environment = dict(os.environ, PIP_TIMEOUT="60")
    options = {"cwd": downloads.ROOT, "env": environment, "stderr": subprocess.DEVNULL}
    child = subprocess.Popen([sys.executable, "-c", program], start_new_session=True, **options)
    deadline = time.monotonic() + 60
    while not index.folder.exists() or downloads.bytes_below(index.folder) < SENT // 2:
        assert time.monotonic() < deadline and child.poll() is None, "nothing arrives"
        time.sleep(0.05)
    started = psutil.Process(child.pid).children(recursive=True)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    assert started and end_of(started)
    left = [index.folder / name for name in left_behind(index.folder)]
    assert len(left) == 1 and files.is_marked(left[0])
    index.mood = "well"
    index.goes_on.set()
    assert arrives()


# ---------------------------------------------------------------- the packages of the set-up


@pytest.fixture
def venv(index, tmp_path, monkeypatch) -> Path:
    """What stands for `.venv`; pip keeps what it fetches, as it does with an index on the web."""
    python = environment.python_of(tmp_path / "venv")
    python.parent.mkdir(parents=True)
    if os.name == "nt":
        pytest.skip("it needs a link to this Python")
    python.symlink_to(sys.executable)
    monkeypatch.setenv("PIP_TRUSTED_HOST", "127.0.0.1")
    monkeypatch.setenv("PIP_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.delenv("PYTHONPATH", raising=False)
    return tmp_path / "venv"


def installed(venv: Path) -> bool:
    """Whether the real pip installs the one package, and all of it."""
    target = venv / "new"
    environment.pip_install(venv, ["--target", str(target), "--no-deps", "thing"])
    return (target / "inside" / "a.bin").stat().st_size == 400_000


@pytest.mark.parametrize(
    ("mood", "message"),
    [
        ("login page", "login page of a Wi-Fi(.|\n)*log in(.|\n)*No matching distribution"),
        ("a page for it", "no package: it was cut off, or something on the way sent a page"),
        ("shorter", "no package: it was cut off"),
        ("cut off", "cut off"),  # in which words depends on the version of pip
    ],
)
def test_a_package_that_is_none_is_explained_and_the_next_set_up_repairs(
    index, venv, mood, message, capsys
):
    index.mood = mood
    with pytest.raises(project.Trouble, match=message):
        installed(venv)
    assert "Traceback" not in capsys.readouterr().out
    assert not (venv / "new").exists() or not any((venv / "new").iterdir())
    index.mood = "well"
    assert installed(venv)


def test_without_an_index_nobody_is_sent_to_a_login_page():
    said = "ERROR: Could not find a version that satisfies the requirement x (from versions: none)"
    assert "login page" in environment.explain_pip(said)
    assert "login page" not in environment.explain_pip(said, offline=True)
    assert said in environment.explain_pip(said, offline=True)
