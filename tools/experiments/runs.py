"""Experiments too long for a notebook: planned runs, each kept as soon as it is finished.

`python3 tasks.py study NN` calls one of these modules; which, stands in `pyproject.toml` under
`[tool.course.studies]`. Calling it again goes on where it was stopped.
"""

import argparse
import importlib
import io
import os
import sys
import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pandas as pd
import torch
from filelock import FileLock
from joblib import Parallel, delayed, parallel_config

import helpers
from helpers import files, runtime
from tools.experiments.provenance import provenance

TRIES = 20  # to append to a file that something else changes at the same moment


def read(results: Path, keys: list[str]) -> pd.DataFrame:
    """The rows that are there so far; an empty table with the columns `keys` if there are none."""
    return pd.read_csv(results) if results.exists() else pd.DataFrame(columns=keys)


# Rows that a run under way has appended. `drive` writes them, so that no file has two writers.
waiting: list[tuple[Path, dict]] | None = None


def append(results: Path, *new: dict) -> None:
    """Add rows to a CSV in one step: whoever is killed leaves the file as it was.

    The rows that are there stay as they are, digit for digit. Programs that append to the same file
    by this function wait for each other; if another one changes it meanwhile, its rows are kept.
    """
    if waiting is not None:
        waiting.extend((results, row) for row in new)
        return
    added = as_text(pd.DataFrame(new).to_csv(index=False).encode("utf8"))
    with FileLock(lock_of(results)):
        for tries in range(TRIES):
            before = files.read_before(results)
            rows = added if before is None else pd.concat([as_text(before), added])
            try:
                files.update(results, before, rows.fillna("").to_csv(index=False).encode("utf8"))
                return
            except files.ForeignError:
                if tries == TRIES - 1:
                    raise


def lock_of(results: Path) -> Path:
    """What a program holds while it appends to a file; not beside it, where git would see it."""
    name = files.sha256_bytes(str(results.resolve()).encode())[:16]
    return Path(tempfile.gettempdir()) / f"rows-{name}.lock"


def as_text(csv: bytes) -> pd.DataFrame:
    """The cells of a CSV as they are written, so that a number keeps its digits."""
    return pd.read_csv(io.BytesIO(csv), dtype=str, keep_default_na=False)


def importable(function: Callable) -> Callable:
    """The function under the name by which other processes can import it.

    `python -m tools.experiments.NAME` calls its module `__main__`, and theirs is another one.
    """
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    if function.__module__ != "__main__" or spec is None:
        return function
    return getattr(importlib.import_module(spec.name), function.__name__)


def one(run: Callable[..., dict], entry: dict, threads: int | None) -> tuple:
    """A run, with so many torch threads if said: its entry, row, seconds, and what it appended."""
    global waiting
    if threads:
        torch.set_num_threads(threads)
    waiting = []
    try:
        with runtime.timer() as took:
            row = run(**entry)
        return entry, row, took["seconds"], waiting
    finally:
        waiting = None


def drive(
    planned: list[dict], run: Callable[..., dict], results: Path, limit: int, processes: int = 1
) -> int:
    """Do what is planned and not yet there, one row of `results` a run.

    A finished run is written at once and by this process, all its rows or, after Ctrl-C, none.
    Whoever is stopped calls again.

    Args:
        planned: one dictionary a run: the columns that tell it from the others. It may be empty.
        run: called with such a dictionary's entries; returns the other columns.
        results: a CSV that holds all runs, with provenance.
        limit: at most so many runs, then stop.
        processes: how many runs at a time, each with one thread (joblib). `seconds` then hold
            what the runs take from each other.

    Returns:
        How many runs it made, so that a second call can keep to what is left of a limit.
    """
    if not planned:
        return 0
    keys = list(planned[0])
    there = set(read(results, keys)[keys].itertuples(index=False, name=None))
    missing = [entry for entry in planned if tuple(entry.values()) not in there]
    print(f"{len(planned) - len(missing)} of {len(planned)} runs are there", flush=True)
    together = processes > 1
    job = delayed(one)
    jobs = [job(importable(run), entry, 1 if together else None) for entry in missing[:limit]]
    with parallel_config("loky", inner_max_num_threads=1) if together else nullcontext():
        finished = Parallel(n_jobs=processes, return_as="generator_unordered")(jobs)
        begin = len(planned) - len(missing) + 1
        for count, (entry, row, seconds, appended) in enumerate(finished, start=begin):
            with runtime.deferred_interrupt() as interrupt:
                for other in dict.fromkeys(other for other, _ in appended):
                    append(other, *(its_row for place, its_row in appended if place == other))
                append(results, entry | row | {"seconds": round(seconds, 1)} | provenance())
            name = ", ".join(f"{key} {value}" for key, value in entry.items())
            print(f"{count} of {len(planned)}: {name}, {seconds:.0f} s", flush=True)
            if interrupt.is_set():
                raise KeyboardInterrupt
    return len(jobs)


def refuse_two_processors(planned: list[dict], results: Path, runs_of: list[str]) -> None:
    """Stop before runs that are read together would come from two kinds of processor.

    The last digits of a product depend on the processor, and training makes them grow. So the
    spread over the seeds of one model would mix two things. Two models, each from one kind of its
    own, can be compared: they learn from the same sentences and are scored on the same, and the
    chance in training is each one's own anyway.

    Args:
        planned: as in `drive`.
        results: a CSV of rows with provenance.
        runs_of: the columns of `planned` in which runs that are read together are equal.

    Raises:
        SystemExit: a run is missing whose companions come from another kind than this machine.
    """
    if not planned:
        return
    keys, here = list(planned[0]), runtime.processor()
    rows = read(results, [*keys, "processor"])
    there = set(rows[keys].itertuples(index=False, name=None))
    missing = pd.DataFrame(
        [entry for entry in planned if tuple(entry.values()) not in there], columns=keys
    )
    foreign = rows.loc[rows["processor"] != here, [*runs_of, "processor"]]
    mixed = foreign.merge(missing[runs_of].drop_duplicates()).drop_duplicates()
    if len(mixed):
        first = mixed.iloc[0]
        what = ", ".join(f"{key} {first[key]}" for key in runs_of)
        raise SystemExit(
            f"{results.name} holds runs of {what} from {first['processor']}, and others of them "
            f"are missing; this machine has {here}. Their spread would mix two kinds of "
            "processor. Use such a machine, or take these rows out of the file to make them again."
        )


def environment(ours: bool) -> dict[str, str]:
    """The variables of a run in a process of its own, beside which another library's run stands.

    What `helpers` asks for (large memory pages, threads that wait asleep) is left out of that one,
    which would not have asked; what the user set is in both.
    """
    asked = helpers.WAITING.items()
    kept = {name: value for name, value in os.environ.items() if ours or (name, value) not in asked}
    return kept | {"THP_MEM_ALLOC_ENABLE": "1" if ours else "0"}


def options(description: str) -> dict[str, int]:
    """What `--limit N` and `--processes N` ask for; without them, everything, one by one."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--limit", type=int, default=10**6, help="at most N runs, then stop")
    parser.add_argument("--processes", type=int, default=1, help="N runs at a time")
    return vars(parser.parse_args())
