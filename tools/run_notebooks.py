"""Run notebooks top to bottom and store their outputs: what `tasks.py refresh` starts.

python -m tools.run_notebooks FILE [FILE ...]
"""

import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from helpers import files
from tools import project
from tools.notebook_file import as_text, cleaned, failure


def main() -> None:
    """Run the notebooks named on the command line; a failing one stays as it was.

    So does one that was edited while it ran.
    """
    timeout = project.project()["tool"]["course"]["cell_timeout"]
    for path in map(Path, sys.argv[1:]):
        start = time.perf_counter()
        before = path.read_bytes()
        notebook = nbformat.reads(before.decode("utf8"), as_version=4)
        place = {"metadata": {"path": str(path.parent)}}
        client = NotebookClient(
            notebook, timeout=timeout, kernel_name="python3", resources=place, record_timing=False
        )
        client.on_cell_complete = lambda cell, cell_index: print(".", end="", flush=True)
        print(path.stem, end=" ", flush=True)
        try:
            client.execute()
        except CellExecutionError:
            sys.exit(f"\n{path.name}, and nothing was stored: {failure(notebook)}")
        try:
            files.update(path, before, as_text(cleaned(notebook)).encode("utf8"))
        except files.ForeignError:
            sys.exit(
                f"\n{path.name} was edited while it ran, so nothing was stored and your edit is "
                f"still there.\nRun it again: python3 tasks.py refresh {path.name[:2]}"
            )
        print(f" {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    sys.exit(project.ended(main))
