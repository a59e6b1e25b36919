"""Rare positives: one training run of the experiment that notebook 05 shows."""

from collections.abc import Callable
from functools import cache, partial

import numpy as np
import torch
from datasets import Dataset, DatasetDict
from torch.nn.functional import cross_entropy

from helpers import checkpoints, corpora, metrics, runtime, training

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
        rows = corpora.with_shuffled_labels(rows, seed)
    return rows, loss_function


@cache
def data() -> DatasetDict:
    """The reviews."""
    return corpora.load("reviews")


def run(way: str, seed: int) -> dict:
    """Train once; the four counts at probability 0.5 and the AUC on the validation reviews.

    The weights of the last epoch are scored: nothing is chosen on what is scored.
    """
    reviews = data()
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
    return {"tp": tp, "fp": fp, "fn": fn, "tn": tn, "auc": round(auc, 4)}
