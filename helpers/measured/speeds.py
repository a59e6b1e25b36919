"""Recorded speeds: runs in rounds, compared within each round, one processor at a time."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from helpers import validation
from helpers.measured.rows import table

PADDED, BUCKETS, LAST = "padded to 128", "buckets", "large pages"
# Each change of the ladder from a plain loop to `fine_tune`, and the line it is compared with.
LADDER = {
    "padded to the longest": PADDED,
    BUCKETS: "padded to the longest",
    "bf16": BUCKETS,
    "eager attention": "bf16",
    "word gradient kept": "eager attention",
    "light dropout": "word gradient kept",
    "fused AdamW": "light dropout",
    "lengths in fours": "fused AdamW",
    LAST: "lengths in fours",
}


def recorded(name: str, processor: str = "") -> pd.DataFrame:
    """The rows of a benchmark on one processor.

    Args:
        name: of the benchmark's file, such as "one_change_at_a_time".
        processor: a part of its name, such as "AMD"; the first one that was recorded if empty.

    Raises:
        ValueError: nothing was recorded on such a processor; the message names those there are.
    """
    rows = table(name)
    known = rows["processor"].unique()
    wanted = [one for one in known if processor in one]
    if not wanted:
        raise ValueError(f'No "{processor}" among the processors of {name}: {", ".join(known)}.')
    return rows[rows["processor"] == wanted[0]]


def in_rounds(
    rows: pd.DataFrame, line: str, value: str = "samples_per_second", name: str = "line"
) -> pd.Series:
    """One value for each round of a line, by the round's number.

    Args:
        rows: from `recorded`.
        line: which runs, such as "bf16".
        value, name: the columns of the value, and of the line's name.
    """
    round_ = "round" if "round" in rows else "seed"
    return rows[rows[name] == line].set_index(round_)[value].sort_index()


def interval(ratios: pd.Series) -> dict[str, float]:
    """The mean of ratios, and Student's 95 % interval of it: `mean`, `low`, `high`.

    All three on a logarithmic scale, on which twice and half as fast are equally far from 1. The
    interval covers what changes from round to round on that machine, and nothing else.
    """
    logs = np.log(ratios)
    low, high, _ = validation.corrected_t(logs, test_train_ratio=0)
    return {"mean": np.exp(logs.mean()), "low": np.exp(low), "high": np.exp(high)}


def gains(rows: pd.DataFrame, pairs: Mapping[str, str], **columns: str) -> pd.DataFrame:
    """How many times as fast each line is as the one it is compared with.

    Args:
        rows: from `recorded`.
        pairs: line to the line before it, as `LADDER`.
        columns: `value` and `name`, as for `in_rounds`.

    Returns:
        A row for each line: medians `before` and `after`, the ratio's `mean`, `low` and `high` as
        from `interval`, and the number of `rounds` that both lines have.
    """
    found = {}
    for line, before in pairs.items():
        speed, slower = (in_rounds(rows, one, **columns) for one in (line, before))
        ratios = (speed / slower).dropna()
        medians = {"before": slower.median(), "after": speed.median()}
        found[line] = medians | interval(ratios) | {"rounds": len(ratios)}
    return pd.DataFrame(found).T.astype({"rounds": int})


def differences(
    rows: pd.DataFrame, first: str, second: str, value: str, name: str = "configuration"
) -> pd.Series:
    """First minus second in each pair of runs of the same processor and seed."""
    pairs = rows.pivot(index=["processor", "seed"], columns=name, values=value)
    return (pairs[first] - pairs[second]).dropna()


def grown(rows: pd.DataFrame, what: str, varied: str, times: int = 16) -> dict[str, list[float]]:
    """By how much time and memory grew from a series' first size to `times` that size.

    Args:
        rows: of "cost_against_size", from `recorded`.
        what, varied: what was called, and which size was varied.

    Returns:
        `time` and `memory` of the larger size over the smaller one's, a ratio for each round, the
        smallest ratio first.
    """
    of_series = rows[(rows["what"] == what) & (rows["varied"] == varied)]
    first = of_series["size"].min()
    found = {}
    for name, column in (("time", "seconds_taken"), ("memory", "peak_memory_mb")):
        cost = of_series.pivot(index="round", columns="size", values=column)
        found[name] = sorted((cost[times * first] / cost[first]).tolist())
    return found


def shares(rows: pd.DataFrame, busy: int) -> pd.DataFrame:
    """The share of the undisturbed speed that training keeps beside busy programs.

    Args:
        rows: of "busy_machine", from `recorded`.
        busy: how many programs fill a core each.

    Returns:
        A row for each way to wait and number of threads: `median`, `min` and `max` of the rounds.
        The undisturbed speed is that of two threads which wait as the library lets them.
    """
    undisturbed = rows[(rows["policy"] == "default") & (rows["threads"] == 2) & (rows["busy"] == 0)]
    whole = undisturbed.set_index("round")["sentences_per_second"]
    beside = rows[rows["busy"] == busy]
    kept = beside["sentences_per_second"] / beside["round"].map(whole)
    groups = kept.groupby([beside["policy"], beside["threads"]])
    return groups.agg(["median", "min", "max"])
