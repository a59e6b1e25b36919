"""Start JupyterLab at the first notebook, and see to it that it ends: what `tasks.py lab` does.

Standard library only: it runs with the Python that started `tasks.py`.
"""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tools import project

GRACE = 20.0  # seconds that JupyterLab has to end its kernels, once it was told to end
# Ctrl-C is not among them: the terminal sends it to JupyterLab, too, which asks before it stops.
PASSED_ON = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


def check_port(ip: str, port: str | int) -> int:
    """The port for JupyterLab: a number; 0 stands for any that is free.

    Raises:
        Trouble: it is no port, or JupyterLab could not listen there.
    """
    number = port_number(ip, port)
    try:
        return listen(ip, number)
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise project.Trouble(
                f"Cannot listen at {ip}: {error.strerror}. Leave --ip away."
            ) from error
        why = f"Port {number} is in use, perhaps by a JupyterLab that already runs: look at "
        why += f"http://localhost:{number}/lab.\nTo start another one, choose another port:"
        if error.errno == errno.EACCES:
            why = f"This account may not use port {number}. Choose another one:"
        raise project.Trouble(f"{why}\n{another_port(ip)}") from error


def port_number(ip: str, port: str | int) -> int:
    """A port as it was given, as a number; raises `Trouble` if it is none."""
    try:
        number = int(port)
    except ValueError:
        number = -1
    if not 0 <= number <= 65535:
        raise project.Trouble(
            f"{port!r} is no port: that is a number from 1 to 65535, or 0 for any that is free. "
            f"For example:\n{another_port(ip)}"
        )
    return number


def another_port(ip: str) -> str:
    """The command with a port that is free now, or without one where none can be found."""
    try:
        return f"  python3 tasks.py lab --port {listen(ip, 0)}"
    except OSError:
        return "  python3 tasks.py lab"


def listen(ip: str, port: int) -> int:
    """Bind and release a port; 0 lets the system choose. Returns the port."""
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    with socket.socket(family) as probe:
        if os.name == "posix":  # a port that was closed a moment ago is free
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ip if ip != "*" else "", port))
        except (UnicodeError, TypeError) as error:
            raise OSError(errno.EADDRNOTAVAIL, "this is no address") from error
        return probe.getsockname()[1]


def lab_command(python: Path, ip: str, port: int, root: Path = project.ROOT) -> list[str]:
    """How JupyterLab is started; `tests/browser` starts it in the same way."""
    first = "/lab/tree/notebooks/00_start_here.ipynb"
    command = [str(python), "-m", "jupyterlab", f"--LabApp.default_url={first}"]
    command += [f"--ServerApp.root_dir={root}", f"--ip={ip}", f"--port={port}"]
    command += ["--ServerApp.port_retries=0", "--LabApp.extension_manager=readonly"]
    command += ["--log-level=WARN"]  # the address is still printed
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # in a container
        command.append("--allow-root")
    return command


def trust(python: Path, root: Path = project.ROOT) -> None:
    """Let JupyterLab show the stored drawings and interactive figures of the course's notebooks.

    Of a notebook that it does not know, it shows words in their place until each cell was run. The
    signatures lie where Jupyter keeps its data; nothing in the notebooks changes.
    """
    paths = [str(path) for path in sorted((root / "notebooks").rglob("[0-9][0-9]_*.ipynb"))]
    done = subprocess.run([str(python), "-m", "nbformat.sign", *paths], capture_output=True)
    if done.returncode:
        project.say("The stored drawings cannot be shown before their cells are run.")


def has_display() -> bool:
    """Whether a browser window could open here."""
    windows_or_mac = os.name == "nt" or sys.platform == "darwin"
    return windows_or_mac or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def start(python: Path, ip: str, port: int, browser: bool) -> int:
    """Serve the course until JupyterLab ends; returns its exit code.

    The set-up may have taken minutes: whether the port is free is asked again.
    """
    check_port(ip, port)
    command = lab_command(python, ip, port)
    if not browser or not has_display():
        command.append("--no-browser")
    trust(python)
    project.say("Starting JupyterLab; Ctrl-C here stops it.")
    return serve(command, project.ROOT)


def serve(
    command: list[str],
    folder: Path,
    grace: float = GRACE,
    wait: Callable[[subprocess.Popen], int] | None = None,
    **options: object,
) -> int:
    """Run a server, or another program, until it ends; a signal that ends this process ends it.

    A signal that would end this process is passed on, and after some time of grace the server is
    killed. The handlers are there before the server is: it is never left behind.

    Args:
        command: the server and its arguments.
        folder: where it runs.
        grace: seconds between the signal and the end by force.
        wait: waits for it and returns its exit code; `wait_for`, if nothing else is given.
        options: for `subprocess.Popen`.

    Returns:
        The server's exit code; 128 and the signal's number, if there was one.
    """
    servers: list[subprocess.Popen] = []
    asked: list[int] = []

    def pass_on(number: int, frame: object = None) -> None:
        asked.append(number)
        for server in servers:
            end(server, number, grace)

    before = {number: signal.signal(number, pass_on) for number in PASSED_ON}
    try:
        servers.append(subprocess.Popen(command, cwd=folder, **options))
        for number in asked[:1]:  # it came while the server was being started
            end(servers[0], number, grace)
        code = (wait or wait_for)(servers[0])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 128 + asked[0] if asked else code


def end(server: subprocess.Popen, number: int, grace: float) -> None:
    """Send a server a signal, and kill it if it is still there when the time of grace is over."""
    server.send_signal(number)
    timer = threading.Timer(grace, server.kill)
    timer.daemon = True
    timer.start()


def wait_for(process: subprocess.Popen) -> int:
    """Leave Ctrl-C to the process, which asks before it stops."""
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


def wait_until_stopped(process: subprocess.Popen) -> int:
    """Wait for a process; Ctrl-C, which the terminal sends to both, ends it and this one."""
    try:
        return process.wait()
    except KeyboardInterrupt:
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
        raise
    finally:
        process.kill()
