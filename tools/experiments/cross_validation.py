"""Notebook 06's study: five folds, five seeds of each, and two baselines on the same folds.

    python3 tasks.py study 06 [--limit N] [--processes N]

The train and validation parts of the reviews together; the test part is not touched. Every fold is
held out by every seed of the fine-tuned encoder (two epochs, the last one stays, so that nothing
is chosen), and once by TF-IDF with logistic regression and by a dummy. In the control the labels
of the training folds are shuffled. A row a run in data/measured/cross_validation.csv, and which
examples of the fold it got right (r) or wrong (w) in data/measured/cross_validation_hits.csv.
"""

from functools import cache

import numpy as np
import pandas as pd
from datasets import Dataset, concatenate_datasets
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from helpers import corpora, downloads, runtime, storage, validation
from helpers.measured.cross_validation import (
    KEYS,
)
from tools.experiments import runs
from tools.experiments.provenance import MEASURED

RESULTS = MEASURED / "cross_validation.csv"
HITS = MEASURED / "cross_validation_hits.csv"
CHECKPOINTS = downloads.ROOT / "outputs" / "studies" / "cross_validation"
K, SEEDS = 5, range(5)

ENCODER, CONTROL, TFIDF, DUMMY = "fine-tuned", "labels shuffled", "tf-idf", "dummy"
MODELS = {
    ENCODER: validation.FineTuned(),
    CONTROL: validation.FineTuned(),
    TFIDF: validation.Estimator(make_pipeline(TfidfVectorizer(), LogisticRegression(C=3))),
    DUMMY: validation.Estimator(DummyClassifier(strategy="prior")),
}


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
        train = corpora.with_shuffled_labels(train, seed)
    texts = dataset.select(np.flatnonzero(held_out))["text"][:]
    scores = MODELS[model](train, texts, seed, folder)
    right = scores.argmax(axis=1) == labels[held_out]
    entry = {"model": model, "fold": fold, "seed": seed}
    there = runs.read(HITS, KEYS)
    if not (there[KEYS] == pd.Series(entry)).all(axis=1).any():
        runs.append(HITS, entry | {"hits": "".join(np.where(right, "r", "w"))})
    storage.remove_run(folder)
    row = {"n_train": len(train), "n": len(right), "precision": runtime.precision_name()}
    return row | validation.figures(labels[held_out], scores)


def main() -> None:
    """Do the runs that are not there yet."""
    runs.drive(planned(), run, RESULTS, **runs.options(__doc__))


if __name__ == "__main__":
    main()
