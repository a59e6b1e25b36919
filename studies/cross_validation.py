"""Notebook 06's study: five folds, five seeds of each, and two baselines on the same folds.

    python3 tasks.py study 06 [--limit N] [--processes N]

The train and validation parts of the reviews together; the test part is not touched. Every fold is
held out by every seed of the fine-tuned encoder (two epochs, the last one stays, so that nothing
is chosen), and once by TF-IDF with logistic regression and by a dummy. In the control the labels
of the training folds are shuffled. A row a run in benchmarks/cross_validation.csv, and which
examples of the fold it got right (r) or wrong (w) in benchmarks/cross_validation_hits.csv.
"""

from functools import cache

import numpy as np
import pandas as pd
from datasets import Dataset, concatenate_datasets
from scipy import stats
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import studies
from helpers import corpora, downloads, runtime, storage, validation

RESULTS = downloads.ROOT / "benchmarks" / "cross_validation.csv"
HITS = downloads.ROOT / "benchmarks" / "cross_validation_hits.csv"
CHECKPOINTS = downloads.ROOT / "outputs" / "studies" / "cross_validation"
K, SEEDS = 5, range(5)

ENCODER, CONTROL, TFIDF, DUMMY = "fine-tuned", "labels shuffled", "tf-idf", "dummy"
MODELS = {
    ENCODER: validation.FineTuned(),
    CONTROL: validation.FineTuned(),
    TFIDF: validation.Estimator(make_pipeline(TfidfVectorizer(), LogisticRegression(C=3))),
    DUMMY: validation.Estimator(DummyClassifier(strategy="prior")),
}
KEYS = ["model", "fold", "seed"]


def planned() -> list[dict]:
    """The runs, in an order in which every part of the list is already of use."""
    runs = [(model, fold, 0) for model in (TFIDF, DUMMY) for fold in range(K)]
    runs += [(ENCODER, fold, seed) for seed in SEEDS for fold in range(K)]
    runs += [(CONTROL, fold, fold) for fold in range(2)]
    return [dict(zip(KEYS, run, strict=True)) for run in runs]


@cache
def data() -> Dataset:
    """All reviews but the test part."""
    parts = corpora.load("reviews")
    return concatenate_datasets([parts["train"], parts["validation"]])


def run(model: str, fold: int, seed: int) -> dict:
    """Train on four folds, score the fifth; store which of its examples were right."""
    dataset, folder = data(), CHECKPOINTS / f"{model}-{fold}-{seed}"
    labels = np.asarray(dataset["label"])
    held_out = validation.folds(labels, dataset["text"], K) == fold
    train = dataset.select(np.flatnonzero(~held_out))
    if model == CONTROL:
        train = studies.with_shuffled_labels(train, seed)
    texts = dataset.select(np.flatnonzero(held_out))["text"][:]
    scores = MODELS[model](train, texts, seed, folder)
    right = scores.argmax(axis=1) == labels[held_out]
    entry = {"model": model, "fold": fold, "seed": seed}
    there = studies.read(HITS, KEYS)
    if not (there[KEYS] == pd.Series(entry)).all(axis=1).any():
        studies.append(HITS, entry | {"hits": "".join(np.where(right, "r", "w"))})
    storage.remove_run(folder)
    row = {"n_train": len(train), "n": len(right), "precision": runtime.precision_name()}
    return row | validation.figures(labels[held_out], scores)


def hits(model: str, seed: int = 0) -> np.ndarray:
    """Which of all examples a model got right when they were held out: bool, fold after fold."""
    rows = studies.read(HITS, KEYS)
    rows = rows[(rows["model"] == model) & (rows["seed"] == seed)].sort_values("fold")
    return np.array(list("".join(rows["hits"]))) == "r"


def variance_components(table: pd.DataFrame, column: str = "accuracy") -> pd.DataFrame:
    """How much of the spread goes with the fold, with the seed, with neither.

    Two-way analysis of variance of a table with one row for each `fold` and `seed`; intervals by
    Williams (1962) for fold and seed, by chi-square for the rest. Both are for normal values.

    Returns for "fold", "seed" and "rest": `df`, `sd` (a component below 0 counts as 0), and its
    95 % interval `low`, `high`.
    """
    grid = table.pivot(index="fold", columns="seed", values=column)
    if grid.isna().any(axis=None) or min(grid.shape) < 2:
        raise validation.ValidationError("every fold with every seed, at least two of each, once.")
    folds_, seeds_ = grid.shape
    of_fold, of_seed = (grid.mean(axis=axis) - grid.stack().mean() for axis in (1, 0))
    rest = grid.sub(of_fold, axis=0).sub(of_seed, axis=1) - grid.stack().mean()
    squares = {"fold": (seeds_, of_fold), "seed": (folds_, of_seed), "rest": (1, rest.stack())}
    freedom = {"fold": folds_ - 1, "seed": seeds_ - 1, "rest": (folds_ - 1) * (seeds_ - 1)}
    mean = {name: times * (x**2).sum() / freedom[name] for name, (times, x) in squares.items()}
    rows = []
    for name, (times, _) in squares.items():
        df, ends = freedom[name], (0.975, 0.025)
        subtract = 0 if name == "rest" else mean["rest"]
        factors = [0, 0] if name == "rest" else stats.f.ppf(ends, df, freedom["rest"])
        chi = stats.chi2.ppf(ends, df) / df
        low, high = (mean[name] - np.multiply(factors, mean["rest"])) / (times * chi)
        variances = np.maximum([(mean[name] - subtract) / times, low, high], 0)
        rows.append([df, *np.sqrt(variances)])
    return pd.DataFrame(rows, list(squares), ["df", "sd", "low", "high"])


def main() -> None:
    """Do the runs that are not there yet."""
    studies.drive(planned(), run, RESULTS, **studies.options(__doc__))


if __name__ == "__main__":
    main()
