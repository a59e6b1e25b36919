"""What all experiments share: where a measurement was made, and how its results are written."""

import argparse
import subprocess
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from helpers import downloads, files, measured, runtime

MEASURED = measured.FOLDER  # recorded rows, which notebooks show
PAGES = downloads.ROOT / "docs" / "measured"  # what was made of them


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

    Tables of results and the pages made of them do not count: every row that is written changes
    one. Data do.
    """
    options = {"cwd": downloads.ROOT, "capture_output": True, "encoding": "utf8", "check": False}
    head = subprocess.run(["git", "rev-parse", "--short", "HEAD"], **options).stdout.strip()
    changed = [
        "git",
        "status",
        "--porcelain",
        "--untracked-files=no",
        "--",
        ".",
        ":!data/measured/*.csv",
        ":!docs/measured/*.md",
    ]
    return head + ("-dirty" if subprocess.run(changed, **options).stdout else "")


def markdown(table: pd.DataFrame) -> str:
    """A table as Markdown; the index becomes the first column."""
    flat = table.reset_index()
    return files.markdown_table(flat.columns, flat.values)


def parser(description: str, rounds: int, *more: str) -> argparse.ArgumentParser:
    """What the experiments that measure in rounds can be asked for: what to do, how many rounds."""
    made = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("what", choices=["run", "report", *more], nargs="?", default="run")
    made.add_argument("--rounds", type=int, default=rounds)
    return made


def machine(rows: pd.DataFrame) -> str:
    """Where the rows of one processor were measured, when, and with which versions."""
    facts = f"{rows['processor'].iloc[0]}, {rows['cores'].iloc[0]} cores, {rows['date'].max()}"
    return f"{facts}, torch {rows['torch'].iloc[0]}, transformers {rows['transformers'].iloc[0]}"


def spread(values: Iterable[float], form: str = "{:.2f}") -> str:
    """The median of some figures and, where there are several, their range."""
    values = np.asarray(list(values), dtype=float)
    middle, low, high = (form.format(f(values)) for f in (np.median, np.min, np.max))
    return f"{middle} ({low} to {high})" if len(values) > 1 else middle


def verdict(values: Iterable[float], asked: float, form: str = "{:.2f}") -> str:
    """Whether figures, one a round, reach at least what was asked for, and in which rounds."""
    values = np.asarray(list(values), dtype=float)
    reached = int((values >= asked).sum())
    met = "met" if np.median(values) >= asked else "not met"
    return (
        f"asked for were {form.format(asked)}, measured were {spread(values, form)}: {met} by the "
        f"median, reached in {reached} of {len(values)} rounds"
    )


def by_processor(head: str, results: Path, of_processor: Callable[[pd.DataFrame], str]) -> str:
    """A page from recorded rows alone: its head, and a part for each processor."""
    rows = pd.read_csv(results)
    parts = [of_processor(group) for _, group in rows.groupby("processor", sort=False)]
    return "\n".join([head, *parts])


def write_page(path: Path, content: str | bytes) -> None:
    """Write what an experiment reports into the repository: all that is new or none of it.

    Such files are kept by git, which has what they held before.
    """
    content = content.encode("utf8") if isinstance(content, str) else content
    files.update(path, files.read_before(path), content)
