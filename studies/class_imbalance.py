"""What rare positives do to a fine-tuned model, and what weights and resampling change.

    python studies/class_imbalance.py                5 seeds of each way of training
    python studies/class_imbalance.py --limit 1      one run more

Each run trains on 1,000 negative and 100 positive reviews, drawn by its seed, and is scored on all
validation reviews. A finished run is a row in benchmarks/class_imbalance.csv; it is not repeated.
"""

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from datasets import Dataset, DatasetDict
from torch.nn.functional import cross_entropy

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.provenance import provenance
from helpers import checkpoints, corpora, metrics, runtime, training

RESULTS = Path(__file__).resolve().parent.parent / "benchmarks" / "class_imbalance.csv"
NEGATIVES, POSITIVES = 1000, 100
WAYS = ("as it is", "weighted loss", "positives copied")
CONTROL = "labels shuffled"


def imbalanced(train: Dataset, seed: int) -> Dataset:
    """1,000 negative and 100 positive rows of `train`, drawn by the seed, mixed."""
    rng = np.random.default_rng(seed)
    labels = np.asarray(train["label"])
    drawn = [
        rng.choice(np.flatnonzero(labels == label), size, replace=False)
        for label, size in enumerate((NEGATIVES, POSITIVES))
    ]
    return train.select(rng.permutation(np.concatenate(drawn)))


def prepared(way: str, rows: Dataset, seed: int) -> tuple[Dataset, Callable]:
    """What is trained on, and by which loss, for one of `WAYS` or the control."""
    labels = np.asarray(rows["label"])
    loss_function = cross_entropy
    if way == "weighted loss":
        weights = torch.tensor([1.0, NEGATIVES / POSITIVES])
        loss_function = partial(cross_entropy, weight=weights.to(runtime.best_device()))
    if way == "positives copied":
        copies = np.repeat(np.flatnonzero(labels == 1), NEGATIVES // POSITIVES - 1)
        rows = rows.select(np.concatenate([np.arange(len(rows)), copies]))
    if way == CONTROL:
        shuffled = np.random.default_rng(seed).permutation(labels)
        features = rows.features
        rows = rows.remove_columns("label").add_column("label", shuffled).cast(features)
    return rows, loss_function


def run(way: str, seed: int, reviews: DatasetDict) -> dict:
    """Train once; the four counts at probability 0.5 and the AUC on the validation reviews.

    The weights of the last epoch are scored: nothing is chosen on what is scored.
    """
    rows, loss_function = prepared(way, imbalanced(reviews["train"], seed), seed)
    tokenizer, model = checkpoints.load(seed=seed)
    validation = reviews["validation"]
    config = training.TrainingConfig(best_metric="epoch", seed=seed)
    parts = rows, validation.select(range(64))
    training.fine_tune(model, tokenizer, *parts, config, loss_function=loss_function)
    logits, labels = training.predict(model, tokenizer, validation["text"]), validation["label"][:]
    matrix = metrics.confusion_matrix(labels, logits.argmax(axis=1), 2)
    (tn, fp), (fn, tp) = matrix.tolist()
    auc = metrics.auc(labels, logits[:, 1] - logits[:, 0])
    return {"way": way, "seed": seed, "tp": tp, "fp": fp, "fn": fn, "tn": tn, "auc": round(auc, 4)}


def main() -> None:
    """Run what is not there yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--limit", type=int, default=10**6)
    options = parser.parse_args()
    reviews = corpora.load("reviews")
    wanted = [(way, seed) for seed in range(options.seeds) for way in (*WAYS, CONTROL)]
    for way, seed in wanted:
        rows = pd.read_csv(RESULTS) if RESULTS.exists() else pd.DataFrame(columns=["way", "seed"])
        there = ((rows["way"] == way) & (rows["seed"] == seed)).any()
        if there or options.limit == 0:
            continue
        row = pd.DataFrame([run(way, seed, reviews) | provenance()])
        temporary = RESULTS.with_suffix(".tmp")
        pd.concat([rows, row], ignore_index=True).to_csv(temporary, index=False)
        temporary.replace(RESULTS)
        options.limit -= 1
        print(row.iloc[0, :7].to_dict(), flush=True)


if __name__ == "__main__":
    main()
