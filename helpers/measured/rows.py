"""Recorded rows: what experiments too long for a notebook measured, one CSV each.

`tools/experiments` made them, `data/measured` keeps them with where and when they were measured.
"""

import json

import pandas as pd

from helpers import downloads

FOLDER = downloads.DATA / "measured"


def table(name: str, **options: object) -> pd.DataFrame:
    """The rows of one experiment.

    Args:
        name: of its file, without ".csv".
        options: passed on to `pandas.read_csv`, such as `dtype`.

    Raises:
        FileNotFoundError: there is no such file; the message names those there are.
    """
    path = FOLDER / f"{name}.csv"
    if not path.is_file():
        there = ", ".join(sorted(path.stem for path in FOLDER.glob("*.csv")))
        raise FileNotFoundError(f'Nothing was recorded as "{name}". There are: {there}.')
    return pd.read_csv(path, **options)


def facts(name: str) -> dict:
    """What was noted beside the rows of an experiment, from its JSON file."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf8"))
