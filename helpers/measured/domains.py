"""Ratings in four domains: what the experiment of notebook 09 recorded."""

from functools import cache

import numpy as np
import pandas as pd
from datasets import Dataset
from scipy import stats

from helpers import corpora, validation
from helpers.measured.rows import table as recorded

KEYS = ["model", "source", "rows", "tweets", "rate", "seed"]
DOMAINS = list(corpora.RATING_FILES)
ROWS, RATE, SEEDS = 800, 2e-4, range(5)
VADER = ("vader", "lexicon", 0)  # what was scored without training: model, source, rows
RATES, TUNING_SEED, AMOUNTS = (5e-5, 1e-4, 2e-4, 4e-4), 100, (50, 200, 800)


def in_domain(rows: Dataset, domain: str) -> Dataset:
    """The rows of one domain."""
    number = rows.features["domain"].str2int(domain)
    return rows.select(np.flatnonzero(np.asarray(rows["domain"]) == number))


def epochs_for(rows: int) -> int:
    """Three, and for fewer rows as many as give the steps that 800 get in three."""
    batches = -(-rows // 32)
    return max(3, round(3 * -(-ROWS // 32) / batches))


def table() -> pd.DataFrame:
    """The recorded runs, a row for each run and domain it was scored on (`target`)."""
    wide = recorded("domains")
    names = ["pearson", "spearman", "r2", "mae", "rmse", "sign"]
    parts = [
        wide[KEYS].assign(target=target, **{name: wide[f"{name}_{target}"] for name in names})
        for target in DOMAINS
    ]
    return pd.concat(parts, ignore_index=True)


def of_way(runs: pd.DataFrame, way: tuple) -> pd.DataFrame:
    """Those runs that were trained in one way, ordered by their seed.

    Args:
        runs: rows with the columns of `KEYS`.
        way: model and source, perhaps rows (800) and tweets mixed in (0), as in ("mse", "movie").

    Raises:
        ValueError: nothing was recorded in this way; the message lists the ways there are.
    """
    asked = [*way, *(ROWS, 0)[len(way) - 2 :]]
    found = runs[(runs[KEYS[:4]] == pd.Series(asked, KEYS[:4])).all(axis=1)]
    if found.empty:
        known = runs[KEYS[:4]].drop_duplicates().itertuples(index=False, name=None)
        raise ValueError(f"No run of {tuple(asked)}. There are: {', '.join(map(str, known))}.")
    return found.sort_values("seed")


def by_seed(way: tuple, target: str) -> pd.DataFrame:
    """The figures of one way of training on one domain, a row for each seed.

    Args:
        way: as in `of_way`.
        target: the domain that is scored.
    """
    runs = table()
    found = of_way(runs[runs["target"] == target], way).set_index("seed")
    return found[["pearson", "spearman", "r2", "mae", "rmse", "sign"]]


@cache
def kept() -> pd.DataFrame:
    """What the recorded runs predict for the test part, a row for each run."""
    return recorded("domains_predictions")


def predictions(model: str, source: str, rows: int = ROWS, tweets: int = 0) -> np.ndarray:
    """What the runs of one way, as in `of_way`, predict for all test sentences: (seeds, 4688)."""
    lines = of_way(kept(), (model, source, rows, tweets))["hundredths"]
    return np.array([np.array(line.split(), dtype=int) for line in lines]) / 100


def standardized(values: np.ndarray) -> np.ndarray:
    """Mean 0 and standard deviation 1 along the last axis."""
    values = values - values.mean(axis=-1, keepdims=True)
    return values / values.std(axis=-1, keepdims=True)


def shares(measure: str, labels: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """What each sentence adds to a figure, which is the mean of these shares. More is better.

    Errors and hits are such means anyway. Of Pearson's r a sentence has the share
    r + z w − r (z² + w²) / 2, where z and w are its label and its prediction, standardized: by how
    much r would move if there were a little more of this sentence (its influence function). Of
    Spearman's ρ it is the same with ranks, which is an approximation.

    Args:
        measure: "pearson", "spearman", "absolute", "squared" or "sign".
        labels, predicted: shapes (…, n) that fit each other.

    Returns:
        shape (…, n); of "sign" 1 if right, 0 if wrong, NaN where the label is 0.
    """
    if measure == "absolute":
        return -abs(labels - predicted)
    if measure == "squared":
        return -((labels - predicted) ** 2)
    if measure == "sign":
        hits = ((labels > 0) == (predicted > 0)).astype(float)
        return np.where(labels == 0, np.nan, hits)
    if measure == "spearman":
        labels, predicted = (stats.rankdata(both, axis=-1) for both in (labels, predicted))
    z, w = standardized(labels), standardized(predicted)
    r = (z * w).mean(axis=-1, keepdims=True)
    return r + z * w - r * (z**2 + w**2) / 2


def lead(
    test: pd.DataFrame,
    first: tuple,
    second: tuple,
    target: str,
    measure: str = "pearson",
    only: np.ndarray | None = None,
    confidence: float = 0.95,
) -> pd.Series:
    """By how much one recorded way of training leads another on one domain, and the interval.

    The two are paired by draw and by sentence. The interval allows for another draw with another
    seed, and for other test sentences (`validation.two_way_interval`).

    Args:
        test: the test sentences in their order, with `label` and the name of their `domain`.
        first, second: what `predictions` asks for, such as ("mse", "movie").
        target: the domain that is scored.
        measure: as in `shares`; of an error the lead is how much smaller it is.
        only: which sentences of the domain count in each draw, bool, shape (draws, n).

    Returns:
        `mean`, `low` and `high`.
    """
    there = (test["domain"] == target).to_numpy()
    labels = test.loc[there, "label"].to_numpy()
    one, other = np.broadcast_arrays(*(predictions(*way)[:, there] for way in (first, second)))
    only = np.ones(one.shape, dtype=bool) if only is None else only
    difference = np.full(one.shape, np.nan)
    for draw, rows in enumerate(only):
        y, p, q = labels[rows], one[draw, rows], other[draw, rows]
        difference[draw, rows] = shares(measure, y, p) - shares(measure, y, q)
    found = validation.two_way_interval(difference, confidence)
    return pd.Series(found, ["mean", "low", "high"])


def without_neighbours(train: Dataset, test: pd.DataFrame, domain: str) -> np.ndarray:
    """Which test sentences share no review or article with the 800 of a draw: (draws, n)."""
    origin, there = corpora.origins(domain), in_domain(train, domain)
    asked = [origin[text] for text in test.loc[test["domain"] == domain, "text"]]
    numbers = np.array([origin[text] for text in there["text"]])
    drawn = [numbers[np.random.default_rng(seed).permutation(len(there))[:ROWS]] for seed in SEEDS]
    return ~np.array([np.isin(asked, one) for one in drawn])
