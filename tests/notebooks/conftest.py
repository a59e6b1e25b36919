"""Shared by the tests of notebooks: a course to run them in."""

import os
import shutil
from pathlib import Path

import pytest

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
