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
from pathlib import Path

from tools import project

GRACE = 20.0  # seconds that JupyterLab has to end its kernels, once it was told to end
# Ctrl-C is not among them: the terminal sends it to JupyterLab, too, which asks before it stops.
PASSED_ON = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


def check_port(ip: str, port: int) -> None:
    """Raise `Trouble` if JupyterLab could not listen there."""
    try:
        listen(ip, port)
    except OSError as error:
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            raise project.Trouble(
                f"Port {port} is in use, perhaps by a JupyterLab that already runs: look at "
                f"http://localhost:{port}/lab.\nTo start another one, choose another port:\n"
                f"  python3 tasks.py lab --port {listen(ip, 0)}"
            ) from error
        raise project.Trouble(
            f"Cannot listen at {ip}: {error.strerror}. Leave --ip away."
        ) from error


def listen(ip: str, port: int) -> int:
    """Bind and release a port; 0 lets the system choose. Returns the port."""
    with socket.socket() as probe:
        if os.name == "posix":  # a port that was closed a moment ago is free
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((ip if ip != "*" else "", port))
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
    """Serve the course until JupyterLab ends; returns its exit code."""
    command = lab_command(python, ip, port)
    if not browser or not has_display():
        command.append("--no-browser")
    trust(python)
    project.say("Starting JupyterLab; Ctrl-C here stops it.")
    return serve(command, project.ROOT)


def serve(command: list[str], folder: Path, grace: float = GRACE) -> int:
    """Run a server until it ends; it ends with this process, whoever ends that.

    A signal that would end this process is passed on, and after some time of grace the server is
    killed. The handlers are there before the server is: it is never left behind.

    Args:
        command: the server and its arguments.
        folder: where it runs.
        grace: seconds between the signal and the end by force.

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
        servers.append(subprocess.Popen(command, cwd=folder))
        for number in asked[:1]:  # it came while the server was being started
            end(servers[0], number, grace)
        code = wait_for(servers[0])
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
