"""Experiments too long for a notebook: planned runs, each kept as soon as it is finished.

`python3 tasks.py study NN` calls one of these modules; which, stands in `pyproject.toml` under
`[tool.course.studies]`. Calling it again goes on where it was stopped.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from datasets import Dataset

from benchmarks.provenance import provenance
from helpers import runtime


def read(results: Path, keys: list[str]) -> pd.DataFrame:
    """The rows that are there so far; an empty table with the columns `keys` if there are none."""
    return pd.read_csv(results) if results.exists() else pd.DataFrame(columns=keys)


def append(results: Path, *new: dict) -> None:
    """Add rows to a CSV in one step: whoever is killed leaves the file as it was."""
    rows = pd.DataFrame(new)
    if results.exists():
        rows = pd.concat([pd.read_csv(results), rows], ignore_index=True)
    partial = results.with_suffix(".partial")
    rows.to_csv(partial, index=False)
    partial.replace(results)


def drive(planned: list[dict], run: Callable[..., dict], results: Path, limit: int) -> None:
    """Do what is planned and not yet there, one row of `results` a run.

    Args:
        planned: one dictionary a run: the columns that tell it from the others.
        run: called with such a dictionary's entries; returns the other columns.
        results: a CSV that holds all runs, with provenance.
        limit: at most so many runs, then stop.
    """
    keys = list(planned[0])
    there = set(read(results, keys)[keys].itertuples(index=False, name=None))
    missing = [entry for entry in planned if tuple(entry.values()) not in there]
    print(f"{len(planned) - len(missing)} of {len(planned)} runs are there", flush=True)
    for count, entry in enumerate(missing[:limit], start=len(planned) - len(missing) + 1):
        with runtime.timer() as took:
            row = entry | run(**entry)
        append(results, row | {"seconds": round(took["seconds"], 1)} | provenance())
        name = ", ".join(f"{key} {value}" for key, value in entry.items())
        print(f"{count} of {len(planned)}: {name}, {took['seconds']:.0f} s", flush=True)


def with_shuffled_labels(dataset: Dataset, seed: int) -> Dataset:
    """The same texts with their labels in another order: a control that nothing can learn."""
    shuffled = np.random.default_rng(seed).permutation(dataset["label"][:])
    unlabelled = dataset.remove_columns("label")
    return unlabelled.add_column("label", shuffled).cast(dataset.features)


def limit(description: str) -> int:
    """What `--limit N` asks for; without it, everything."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--limit", type=int, default=10**6, help="at most N runs, then stop")
    return parser.parse_args().limit
