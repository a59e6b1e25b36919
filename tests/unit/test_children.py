"""What the course starts ends with it, also where nobody could pass a signal on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from helpers import children
from tools import project

# It starts one more, as pip does, says both numbers and waits. The stubborn one hears no SIGINT.
CHILD = """
import os, signal, subprocess, sys, time
if sys.argv[1] == "stubborn":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
more = subprocess.Popen(sleep)
print(os.getpid(), more.pid, flush=True)
time.sleep(600)
"""
STARTER = """
import sys
from helpers import children
with children.bound([sys.executable, "-c", sys.argv[1], sys.argv[2]], 0.2) as child:
    child.wait()
"""


def started(kind: str) -> tuple[subprocess.Popen, list[psutil.Process]]:
    """A process that stands for a command of the course, and what it has started."""
    command = [sys.executable, "-c", STARTER, CHILD, kind]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    starter = subprocess.Popen(command, cwd=project.ROOT, **options)
    numbers = map(int, starter.stdout.readline().split())
    return starter, [psutil.Process(number) for number in numbers]


def is_gone(process: psutil.Process) -> bool:
    """Whether a process has ended, or only waits for somebody to read its exit code."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def end_of(processes: list[psutil.Process]) -> bool:
    """Whether all of them end; the time is for a busy machine."""
    until = time.monotonic() + 60
    while not all(map(is_gone, processes)) and time.monotonic() < until:
        time.sleep(0.02)
    return all(map(is_gone, processes))


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such signals")
@pytest.mark.parametrize("number", ["SIGKILL", "SIGTERM", "SIGHUP", "SIGINT"])
@pytest.mark.parametrize("kind", ["polite", "stubborn"])
def test_what_was_started_ends_with_its_starter_with_all_that_it_has_started(number, kind):
    starter, processes = started(kind)
    starter.send_signal(getattr(signal, number))
    starter.wait()
    assert len(processes) == 2 and end_of(processes)


def test_a_block_that_is_left_ends_what_it_has_started():
    with children.bound([sys.executable, "-c", CHILD, "polite"], **children.AS_TEXT) as child:
        processes = [psutil.Process(int(word)) for word in child.stdout.readline().split()]
    assert child.poll() is not None and end_of(processes)


@pytest.mark.parametrize("code", [0, 3])
def test_output_and_exit_code_are_those_of_the_command(code):
    program = f"import sys; print('said'); print('warned', file=sys.stderr); sys.exit({code})"
    done = children.finished([sys.executable, "-u", "-c", program])
    assert done == (code, "said\nwarned\n")


def test_bytes_that_are_no_text_end_nothing():
    program = "import sys; sys.stdout.buffer.write(bytes([120, 255, 129, 120]))"
    code, said = children.finished([sys.executable, "-c", program])
    assert (code, said[0], said[-1]) == (0, "x", "x")


def test_the_program_in_between_needs_nothing_of_the_course():
    text = Path(children.__file__).read_text(encoding="utf8")
    assert "helpers" not in text
