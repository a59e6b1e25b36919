"""Copies of the course in which notebooks may be run and changed."""

import shutil
from pathlib import Path

import tasks

LEFT_OUT = (".git", ".venv*", "outputs", "downloads", "__pycache__", ".*_cache", ".hypothesis")


def copy_of_course(folder: Path) -> Path:
    """Copy what git keeps of the course, as it is now, into a new folder; returns the folder."""
    shutil.copytree(tasks.ROOT, folder, ignore=shutil.ignore_patterns(*LEFT_OUT))
    return folder
