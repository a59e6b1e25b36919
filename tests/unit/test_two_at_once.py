"""Two set-ups of one folder at once, and one after another that was killed.

The real order of things, in processes of their own; what takes minutes waits for a line of input.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from helpers import files
from tests.unit.test_children import end_of
from tools import clean, environment, project

PROGRAM = """
import subprocess, sys
from pathlib import Path
from helpers import children
from tools import environment

# It stands for pip: it hears no Ctrl-C, and it is given time to end.
PIP = [sys.executable, "-c", "import signal, time; signal.signal(2, signal.SIG_IGN);"
       "print('ready', flush=True); time.sleep(600)"]

def install(venv, wanted, *others):
    print("inside", flush=True)
    with children.bound(PIP, 600, stdout=subprocess.PIPE) as pip:
        pip.stdout.readline()
        print(pip.pid, flush=True)
        if sys.stdin.readline() == "":
            raise KeyboardInterrupt
        environment.python_of(venv).parent.mkdir(parents=True)
        environment.python_of(venv).touch()
        (venv / "installed.txt").write_text(wanted, encoding="utf8")
        for process in __import__("psutil").Process().children(recursive=True):
            process.kill()

environment.install = install
environment.set_up(Path(sys.argv[1]))
print("done", flush=True)
"""


class SetUp:
    """A process that sets up an environment, and how far it has come."""

    def __init__(self, venv: Path) -> None:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        command = [sys.executable, "-c", PROGRAM, str(venv)]
        self.process = subprocess.Popen(command, cwd=project.ROOT, **pipes)

    def says(self) -> str:
        """Its next line."""
        return self.process.stdout.readline().strip()

    def goes_on(self) -> None:
        """Let the installation come to its end."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()


@pytest.fixture
def begin(tmp_path) -> Iterator:
    """Starts set-ups of one environment; whatever is left of them ends with the test."""
    started = []

    def new() -> SetUp:
        started.append(SetUp(tmp_path / ".venv"))
        return started[-1]

    yield new
    for one in started:
        found = psutil.Process(one.process.pid) if one.process.poll() is None else None
        for process in [*found.children(recursive=True), found] if found else []:
            process.kill()
        one.process.wait()


def test_the_second_waits_says_so_and_finds_the_work_done(begin, tmp_path):
    first = begin()
    assert first.says() == "inside" and first.says().isdigit()
    second = begin()
    assert second.says().startswith("Another command is setting up .venv in this folder. Waiting")
    first.goes_on()
    assert first.says() == "done" and second.says() == "done"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".venv"]


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such signals")
def test_after_a_kill_the_next_waits_for_pip_to_end_and_then_sets_up(begin):
    first = begin()
    assert first.says() == "inside"
    between = psutil.Process(int(first.says()))
    pip = between.children()
    first.process.kill()
    first.process.wait()
    second = begin()
    assert second.says().startswith("Another command is setting up .venv")
    assert pip[0].is_running()
    pip[0].kill()
    assert end_of([between, *pip])
    assert second.says() == "inside" and second.says().isdigit()
    second.goes_on()
    assert second.says() == "done"


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such signals")
def test_ctrl_c_ends_the_waiting_and_nothing_else(begin):
    first = begin()
    assert first.says() == "inside" and first.says().isdigit()
    second = begin()
    assert second.says().startswith("Another command is setting up .venv")
    second.process.send_signal(signal.SIGINT)
    assert second.process.wait() != 0
    first.goes_on()
    assert first.says() == "done"


def test_clean_removes_no_environment_that_is_being_set_up(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(project, "ROOT", tmp_path)
    venv = tmp_path / ".venv"
    files.make_marked(venv)
    with files.alone(environment.lock_of(venv), lambda: None):
        clean.clean_environments()
        assert venv.is_dir() and environment.lock_of(venv).is_file()
    assert "left .venv: it is being set up at this moment" in capsys.readouterr().out
    clean.clean_environments()
    assert not any(tmp_path.iterdir())


def test_clean_removes_the_lock_of_a_set_up_that_was_killed_and_no_other_file(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(project, "ROOT", tmp_path)
    lock = environment.lock_of(tmp_path / ".venv")
    lock.touch()
    clean.clean_environments()
    assert not lock.exists()
    lock.write_text("mine", encoding="utf8")
    clean.clean_environments()
    assert lock.read_text(encoding="utf8") == "mine"
    with (
        pytest.raises(files.ForeignError, match="Rename it"),
        environment.alone(lock.parent / ".venv"),
    ):
        pass
    assert lock.read_text(encoding="utf8") == "mine"


def test_a_lock_whose_file_is_gone_lets_nobody_in_beside_the_next(tmp_path):
    """Who has waited for a file that was removed begins anew with the one that is there."""
    lock, order = tmp_path / "lock", []
    with files.alone(lock, lambda: None):
        opened = lock.open("a", encoding="utf8")
    assert files.hold(opened) and not lock.exists()  # it holds what nobody else can see
    with files.alone(lock, lambda: order.append("waited")):
        assert os.stat(lock).st_ino != os.fstat(opened.fileno()).st_ino or os.name == "nt"
        assert files.held(lock) is None
    opened.close()
    assert order == [] and not lock.exists()
