"""Rare positives: one training run of the experiment that notebook 05 shows."""

from collections.abc import Callable, Iterable
from functools import cache, partial

import numpy as np
import pandas as pd
import torch
from datasets import Dataset, DatasetDict
from torch.nn.functional import cross_entropy

from helpers import checkpoints, corpora, metrics, runtime, training
from helpers.measured.rows import table as rows_of

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


def scored(way: str, seed: int) -> np.ndarray:
    """Train once; how much each validation review leans to positive, $z_1 - z_0$: (853,).

    The weights of the last epoch are scored: nothing is chosen on what is scored.
    """
    reviews = data()
    rows, loss_function = prepared(way, imbalanced(reviews["train"], seed), seed)
    tokenizer, model = checkpoints.load(seed=seed)
    validation = reviews["validation"]
    config = training.TrainingConfig(best_metric="epoch", seed=seed)
    parts = rows, validation.select(range(64))
    training.fine_tune(model, tokenizer, *parts, config, loss_function=loss_function)
    logits = training.predict(model, tokenizer, validation["text"])
    return logits[:, 1] - logits[:, 0]


def run(way: str, seed: int) -> dict:
    """Train once; the four counts at probability 0.5, the AUC, and all scores on the reviews.

    Returns: `tp`, `fp`, `fn`, `tn`, `auc`, and `scores`, a text of 853 numbers.
    """
    scores, labels = scored(way, seed), data()["validation"]["label"][:]
    matrix = metrics.confusion_matrix(labels, scores > 0, 2)
    (tn, fp), (fn, tp) = matrix.tolist()
    auc = round(metrics.auc(labels, scores), 4)
    packed = " ".join(f"{score:.3f}" for score in scores)
    return {"tp": tp, "fp": fp, "fn": fn, "tn": tn, "auc": auc, "scores": packed}


# ---------------------------------------------------------------- the recorded runs


def table() -> pd.DataFrame:
    """The recorded runs by their way of training, in the order of seeds: four counts and `auc`."""
    found = rows_of("class_imbalance").sort_values("seed")
    return found.set_index("way")[["seed", "tp", "fp", "fn", "tn", "auc"]]


def means() -> pd.DataFrame:
    """What the recorded runs reach at threshold ½, mean over the seeds: a row for each of `WAYS`.

    Columns: recall, specificity, precision (of the runs that called something positive), accuracy.
    """
    counts = table()[["tn", "fp", "fn", "tp"]]
    found = {way: mean_figures(counts.loc[way].to_numpy().reshape(-1, 2, 2)) for way in WAYS}
    return pd.DataFrame(found).T.rename_axis("way")


def recorded(way: str, name: str = "class_imbalance") -> np.ndarray:
    """The scores $z_1 - z_0$ of the recorded runs of a way, in the order of seeds: (J, 853).

    Args:
        way: "as it is" or another of `WAYS` whose runs kept their scores.
        name: of the rows: "class_imbalance" (5 seeds) or "class_imbalance_live" (seed 100).

    Raises:
        ValueError: there are no such runs, or one of them kept no scores, as in the control.
    """
    rows = rows_of(name)
    rows = rows[rows["way"] == way].sort_values("seed")
    if rows.empty or rows["scores"].isna().any():
        raise ValueError(f"{name}.csv has no scores of {way!r}. Take one of {', '.join(WAYS)}.")
    return np.array([np.array(text.split(), dtype=float) for text in rows["scores"]])


def figures(labels: np.ndarray, called: np.ndarray) -> dict[str, float]:
    """Recall, specificity, precision and accuracy, each the mean over runs.

    Args:
        labels: 0 or 1, shape (n,).
        called: what each of J runs called positive: bool, shape (J, n). A run that calls nothing
            positive has no precision, and is left out of that mean.
    """
    return mean_figures([metrics.confusion_matrix(labels, one, 2) for one in called])


def mean_figures(matrices: Iterable[np.ndarray]) -> dict[str, float]:
    """The same of confusion matrices, (2, 2) each, one for each run."""
    found = [metrics.summary(matrix) for matrix in matrices]
    names = ("recall", "specificity", "precision", "accuracy")
    return {name: float(np.nanmean([one[name] for one in found])) for name in names}
