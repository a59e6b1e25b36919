"""What all benchmarks share: where a measurement was made, and a table as Markdown."""

import subprocess
from datetime import date

import pandas as pd

from helpers import downloads, runtime


def provenance() -> dict[str, str]:
    """Date, commit, processor, cores and versions, as columns of a row."""
    command = ["git", "describe", "--always", "--dirty"]
    options = {"cwd": downloads.ROOT, "capture_output": True, "text": True, "check": False}
    commit = subprocess.run(command, **options)
    versions = runtime.versions()
    return {
        "date": date.today().isoformat(),
        "commit": commit.stdout.strip(),
        "processor": runtime.processor(),
        "cores": str(runtime.physical_cores()),
        "torch": versions["torch"],
        "transformers": versions["transformers"],
    }


def markdown(table: pd.DataFrame) -> str:
    """A table as Markdown; the index becomes the first column."""
    flat = table.reset_index()
    rows = [flat.columns, ["---"] * len(flat.columns), *flat.values]
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in rows)
