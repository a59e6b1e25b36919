"""Runs where there is no network: `lab --from`, until JupyterLab answers, then notebooks.

Started by `test_pack_offline.py` with `unshare -n`; prints its findings as JSON.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

RUN = """
import sys
import nbformat
from nbclient import NotebookClient

notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=900, kernel_name="python3").execute()
print(sum(cell.cell_type == "code" and bool(cell.execution_count) for cell in notebook.cells))
"""


def reachable(address: tuple[str, int]) -> bool:
    """Whether a connection can be made."""
    try:
        socket.create_connection(address, timeout=5).close()
    except OSError:
        return False
    return True


def answers(url: str, process: subprocess.Popen, seconds: int) -> bool:
    """Whether a page can be had before the process ends or the time is up."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and process.poll() is None:
        try:
            return urllib.request.urlopen(url, timeout=5).status == 200
        except OSError:
            time.sleep(1)
    return False


def cells_run(course: Path, name: str) -> int | str:
    """How many cells of a notebook were executed, or what stopped them."""
    python = course / ".venv" / "bin" / "python"
    command = [str(python), "-c", RUN, f"{name}.ipynb"]
    ran = subprocess.run(command, cwd=course / "notebooks", capture_output=True, text=True)
    return int(ran.stdout.split()[-1]) if ran.returncode == 0 else ran.stderr[-2000:]


def main(course: Path, pack: Path, names: list[str]) -> None:
    """Set up, ask JupyterLab, run notebooks."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    found = {"network": reachable(("1.1.1.1", 443)) or reachable(("8.8.8.8", 53))}
    start = time.monotonic()
    command = [sys.executable, "tasks.py", "lab", "--from", str(pack), "--no-browser"]
    log = course / "lab.log"
    with log.open("w", encoding="utf8") as file:
        lab = subprocess.Popen(
            [*command, "--port", "8899"],
            cwd=course,
            stdout=file,
            stderr=file,
            start_new_session=True,  # so that JupyterLab ends with it
        )
        found["lab"] = answers("http://localhost:8899/api", lab, 1800)
    found["minutes"] = round((time.monotonic() - start) / 60, 1)
    found["said"] = log.read_text(encoding="utf8")[-3000:]
    if found["lab"]:
        found["cells"] = {name: cells_run(course, name) for name in names}
    os.killpg(lab.pid, signal.SIGTERM)
    lab.wait()
    print(json.dumps(found))


if __name__ == "__main__":
    os.environ.pop("PIP_FIND_LINKS", None)
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
