"""Ratings in four domains: what the experiment of notebook 09 recorded."""

import numpy as np
import pandas as pd
from datasets import Dataset

from helpers import corpora
from helpers.measured.rows import table as recorded

KEYS = ["model", "source", "rows", "tweets", "rate", "seed"]
DOMAINS = list(corpora.RATING_FILES)
ROWS, RATE, SEEDS = 800, 2e-4, range(5)
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


def predictions(model: str, source: str, rows: int = ROWS, tweets: int = 0) -> np.ndarray:
    """What the recorded runs of one kind predict for all test sentences: (seeds, 4688)."""
    kept = recorded("domains_predictions")
    kind = pd.Series([model, source, rows, tweets], KEYS[:4])
    same = (kept[KEYS[:4]] == kind).all(axis=1)
    lines = kept[same].sort_values("seed")["hundredths"]
    return np.array([np.array(line.split(), dtype=int) for line in lines]) / 100
