"""Shared by the tests of notebooks: a course to run them in."""

import os
import shutil
import tempfile
from pathlib import Path

import nbformat
import pytest
from filelock import FileLock
from nbclient import NotebookClient

from tools import project


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the course: what it saves must not be found by the real one."""
    for folder in ("helpers", "notebooks", "data", "tests"):
        skip = shutil.ignore_patterns("downloads", "__pycache__")
        shutil.copytree(project.ROOT / folder, tmp_path / folder, ignore=skip)
    downloads = project.ROOT / "data" / "downloads"
    os.symlink(downloads, tmp_path / "data" / "downloads", target_is_directory=True)
    return tmp_path


def run(notebook: nbformat.NotebookNode, folder: Path) -> None:
    """Run a notebook in a folder, through its errors.

    Kernels start one at a time: two tests at once might find the same ports free.
    """
    timeout = project.project()["tool"]["course"]["cell_timeout"]
    place = {"metadata": {"path": str(folder)}}
    client = NotebookClient(
        notebook, timeout=timeout, allow_errors=True, resources=place, kernel_name="python3"
    )
    with FileLock(Path(tempfile.gettempdir()) / "sft-unveiled-kernels.lock"):
        client.create_kernel_manager()
        client.start_new_kernel(cwd=str(folder))
        client.start_new_kernel_client()
    client.execute()
