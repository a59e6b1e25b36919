"""What `tasks.py lab` started ends with it, whoever ends it. A small program for JupyterLab."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import nbformat
import psutil
import pytest
from nbformat.sign import NotebookNotary

from tools import lab, project

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows has no such signals")
SERVER = """
import os, signal, sys, time
stubborn = sys.argv[1] == "stubborn"
for name in ("SIGTERM", "SIGHUP"):
    signal.signal(getattr(signal, name), signal.SIG_IGN if stubborn else lambda n, f: sys.exit(5))
asked = []
signal.signal(signal.SIGINT, lambda n, f: asked.append(n) or print("sure?", flush=True))
print(os.getpid(), flush=True)
while True:
    time.sleep(0.05)
"""
STARTER = """
import sys
from pathlib import Path
from tools import lab
sys.exit(lab.serve([sys.executable, "-c", sys.argv[1], sys.argv[2]], Path("."), float(sys.argv[3])))
"""


def started(kind: str, grace: float) -> tuple[subprocess.Popen, psutil.Process]:
    """The process that stands for `tasks.py lab`, and its server, which has begun to serve."""
    command = [sys.executable, "-c", STARTER, SERVER, kind, str(grace)]
    lab = subprocess.Popen(command, cwd=project.ROOT, stdout=subprocess.PIPE, text=True)
    return lab, psutil.Process(int(lab.stdout.readline()))


def test_the_stored_pictures_of_the_course_are_trusted_and_no_notebook_of_a_reader(
    tmp_path, monkeypatch
):
    """JupyterLab shows no SVG and runs no script of a notebook that it does not trust."""
    names = ("notebooks/00_a.ipynb", "notebooks/solutions/00_s.ipynb", "notebooks/mine.ipynb")
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))  # not there yet
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        cell = nbformat.v4.new_code_cell(name)
        nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / name)
    lab.trust(Path(sys.executable), tmp_path)
    notary = NotebookNotary(data_dir=str(tmp_path / "data"))
    found = [notary.check_signature(nbformat.read(tmp_path / name, 4)) for name in names]
    assert found == [True, True, False]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_ends_lab_ends_the_server(number):
    lab, server = started("polite", 600)
    lab.send_signal(number)
    assert lab.wait() == 128 + number
    assert not server.is_running() or server.status() == psutil.STATUS_ZOMBIE


def test_a_server_that_will_not_end_is_killed_after_a_time_of_grace():
    lab, server = started("stubborn", 0.1)
    lab.send_signal(signal.SIGTERM)
    assert lab.wait() == 128 + signal.SIGTERM
    assert not server.is_running() or server.status() == psutil.STATUS_ZOMBIE


def test_ctrl_c_is_left_to_the_server_which_asks():
    """A terminal sends it to both; `lab` goes on waiting."""
    lab, server = started("polite", 600)
    lab.send_signal(signal.SIGINT)
    server.send_signal(signal.SIGINT)
    assert lab.stdout.readline() == "sure?\n"
    assert lab.poll() is None and server.is_running()
    lab.terminate()
    assert lab.wait() == 128 + signal.SIGTERM


def test_the_server_ends_with_its_own_exit_code():
    lab, server = started("polite", 600)
    server.terminate()
    assert lab.wait() == 5


HANDS_OVER = """
import sys
from pathlib import Path
from tools import environment, project
project.ROOT = Path(sys.argv[1])
sys.exit(environment.hand_over(Path(sys.executable), "waits", "polite"))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_ends_a_command_ends_the_module_that_it_has_handed_over_to(number, tmp_path):
    """Such as the one that fetches weights and data, or a study."""
    (tmp_path / "waits.py").write_text(SERVER, encoding="utf8")
    command = [sys.executable, "-c", HANDS_OVER, str(tmp_path)]
    tasks = subprocess.Popen(command, cwd=project.ROOT, stdout=subprocess.PIPE, text=True)
    module = psutil.Process(int(tasks.stdout.readline()))
    tasks.send_signal(number)
    assert tasks.wait() == 128 + number
    assert not module.is_running() or module.status() == psutil.STATUS_ZOMBIE


def test_ctrl_c_gives_the_module_time_to_end_and_then_ends_both(tmp_path):
    """A terminal sends it to both. This module hears it, and does not end."""
    (tmp_path / "waits.py").write_text(SERVER, encoding="utf8")
    program = HANDS_OVER.replace("project.ROOT =", "environment.lab.GRACE = 0.5; project.ROOT =")
    command = [sys.executable, "-c", program, str(tmp_path)]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    tasks = subprocess.Popen(command, cwd=project.ROOT, **options)
    module = psutil.Process(int(tasks.stdout.readline()))
    module.send_signal(signal.SIGINT)
    assert tasks.stdout.readline() == "sure?\n"
    assert tasks.poll() is None
    tasks.send_signal(signal.SIGINT)
    assert tasks.wait() == -signal.SIGINT
    assert not module.is_running() or module.status() == psutil.STATUS_ZOMBIE


def test_an_orphan_would_be_seen(tmp_path: Path):
    """Without the handlers, the server outlives what started it."""
    starter = STARTER.replace("from tools import lab", "from tools import lab\nlab.PASSED_ON = []")
    command = [sys.executable, "-c", starter, SERVER, "polite", "600"]
    lab = subprocess.Popen(command, cwd=project.ROOT, stdout=subprocess.PIPE, text=True)
    server = psutil.Process(int(lab.stdout.readline()))
    lab.terminate()
    assert lab.wait() == -signal.SIGTERM
    assert server.is_running() and server.status() != psutil.STATUS_ZOMBIE
    server.kill()
