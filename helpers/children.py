"""Processes that end with the one that started them, however that one ends. Standard library only.

Between the two stands a third: this file, run as a program. It reads from a pipe to which nobody
writes. The pipe ends when its other end is closed, and the system closes that also for a process
that was killed: then the third one ends what it has started, with all that this has started.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

GRACE = 5.0  # seconds for pip to remove its temporary files, once it was told to stop
POSIX = os.name == "posix"


@contextmanager
def bound(
    command: list[str], grace: float = GRACE, **options: object
) -> Iterator[subprocess.Popen]:
    """Start a command that ends with this block and with this process, whoever ends that.

    It has no input and, on POSIX, a session of its own: Ctrl-C reaches it through this process
    only. It also holds the lock of `files.alone`, so that whoever waits for that waits for it, too.

    Args:
        command: a program and its arguments.
        grace: seconds between the request to end and the end by force.
        options: for `subprocess.Popen`, such as where the output goes.

    Returns:
        The process in between, whose output and exit code are those of the command.
    """
    between = [sys.executable, "-I", "-S", os.path.abspath(__file__), str(grace), *command]
    inherit = {"close_fds": not POSIX, "start_new_session": POSIX}
    process = subprocess.Popen(between, stdin=subprocess.PIPE, **inherit, **options)
    try:
        yield process
    finally:
        process.stdin.close()
        process.wait()


def finished(command: list[str]) -> tuple[int, str]:
    """Run a command that ends with this process; returns its exit code and all that it said."""
    with bound(command, **AS_TEXT) as process:
        said = process.stdout.read()
        return process.wait(), said


# Output and errors in one, in the encoding in which a program of this system writes into a pipe;
# bytes that are no text in it must not end the work.
AS_TEXT = {
    "stdout": subprocess.PIPE,
    "stderr": subprocess.STDOUT,
    "encoding": "locale",
    "errors": "replace",
}


# ---------------------------------------------------------------- the process in between


def stand_between(grace: float, command: list[str]) -> int:
    """Run a command until it ends, or until the input of this process ends."""
    options = {"close_fds": not POSIX, "start_new_session": POSIX}
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, **options)
    ending = threading.Event()
    watcher = threading.Thread(target=end_with_input, args=(child, ending, grace), daemon=True)
    watcher.start()
    code = child.wait()
    if ending.is_set():
        watcher.join()  # it ends also what the child has started
    return code if code >= 0 else 128 - code


def end_with_input(child: subprocess.Popen, ending: threading.Event, grace: float) -> None:
    """Wait until this process's input ends; then end the child, politely first."""
    with suppress(OSError):
        while os.read(0, 1):
            pass
    ending.set()
    if not POSIX:
        child.kill()
        return
    send(child, signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        child.wait(grace)
    send(child, signal.SIGKILL)


def send(child: subprocess.Popen, number: int) -> None:
    """Send a signal to a child and to all that it has started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, number)


if __name__ == "__main__":
    sys.exit(stand_between(float(sys.argv[1]), sys.argv[2:]))
