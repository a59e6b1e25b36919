"""What all benchmarks share: where a measurement was made, and a table as Markdown."""

import subprocess
from datetime import date

import pandas as pd

from helpers import downloads, runtime


def provenance() -> dict[str, str]:
    """Date, commit, processor, cores and versions, as columns of a row."""
    versions = runtime.versions()
    return {
        "date": date.today().isoformat(),
        "commit": commit(),
        "processor": runtime.processor(),
        "cores": str(runtime.physical_cores()),
        "torch": versions["torch"],
        "transformers": versions["transformers"],
    }


def commit() -> str:
    """The commit that is checked out, "-dirty" after it if a tracked file is not as it is there.

    Tables of results do not count: every row that is written changes one.
    """
    options = {"cwd": downloads.ROOT, "capture_output": True, "text": True, "check": False}
    head = subprocess.run(["git", "rev-parse", "--short", "HEAD"], **options).stdout.strip()
    changed = ["git", "status", "--porcelain", "--untracked-files=no", "--", ".", ":!*.csv"]
    return head + ("-dirty" if subprocess.run(changed, **options).stdout else "")


def markdown(table: pd.DataFrame) -> str:
    """A table as Markdown; the index becomes the first column."""
    flat = table.reset_index()
    rows = [flat.columns, ["---"] * len(flat.columns), *flat.values]
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in rows)
