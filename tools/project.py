"""The project's own facts: where its parts lie, which notebooks and sources there are.

Standard library only, and nothing that a Python too old for the course could not read.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from helpers import files

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
NOTEBOOKS = ROOT / "notebooks"
OUTPUTS = ROOT / "outputs"


class Trouble(Exception):
    """Something the reader can cure; the message says what it is and how."""


def project() -> dict:
    """`pyproject.toml`."""
    import tomllib

    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf8"))


def sources() -> dict:
    """`data/sources.toml`: what is fetched, and how large it is."""
    import tomllib

    return tomllib.loads((ROOT / "data" / "sources.toml").read_text(encoding="utf8"))


def notebooks(numbers: list[str] | None = None) -> list[Path]:
    """Notebooks in reading order, each followed by its solutions; `numbers` such as ["04"]."""
    pattern = "[0-9][0-9]_*.ipynb"
    found = [*NOTEBOOKS.glob(pattern), *NOTEBOOKS.glob(f"solutions/{pattern}")]
    there = sorted({path.name[:2] for path in found})
    for number in numbers or []:
        if number not in there:
            raise Trouble(f"No notebook begins with {number}. There are: {', '.join(there)}.")
    chosen = [path for path in found if not numbers or path.name[:2] in numbers]
    return sorted(chosen, key=lambda path: (path.name[:2], path.parent.name == "solutions"))


def say(text: str) -> None:
    """Print at once, so that a log shows life."""
    print(text, flush=True)


def show_what_can_be_shown() -> None:
    """Let characters that the terminal does not know appear as "?", where they would end the work.

    So it is with some code pages of Windows and with odd settings of the locale.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def surroundings() -> dict[str, str]:
    """The variables for a Python that we start: what `show_what_can_be_shown` does, done to it."""
    encoding, _, handler = os.environ.get("PYTHONIOENCODING", "").partition(":")
    handler = "replace" if handler in ("", "strict") else handler
    return os.environ | {"PYTHONIOENCODING": f"{encoding}:{handler}"}


def ended(work: Callable[[], int | None], stopped: str = "") -> int:
    """Do a command's work; troubles that the reader can cure end as one message.

    A file that may not be written, and a full disk, are such troubles, wherever they turn up.

    Args:
        work: returns an exit code, or nothing.
        stopped: what is said after Ctrl-C.

    Returns:
        The exit code.
    """
    show_what_can_be_shown()
    try:
        return work() or 0
    except (Trouble, files.StorageError) as trouble:
        print(f"\n{trouble}", file=sys.stderr)
        return 1
    except OSError as error:
        if not files.is_refusal(error):
            raise
        print(f"\n{files.not_written(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(stopped, end="", file=sys.stderr)
        return 130
