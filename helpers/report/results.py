"""What a model on one's own file is worth: figures with intervals, a comparison, the errors."""

import datetime
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import softmax

from helpers import checkpoints, metrics, own_data, training

NAMES_ON_HUB = {"minilm": "sentence-transformers/all-MiniLM-L6-v2"}


@dataclass(frozen=True, eq=False)
class Result:
    """What there is to report.

    Attributes:
        mine: the file, from `own_data.load`.
        run: from `training.fine_tune`.
        outputs: model to its outputs on the test part: scores (n, C), or numbers (n, 1). The
            fine-tuned model first, then what it is compared with.
        checkpoint: what was fine-tuned.
        date: of the report.
    """

    mine: own_data.OwnData
    run: training.TrainingRun
    outputs: dict[str, np.ndarray]
    checkpoint: str = checkpoints.CHECKPOINT
    date: str = field(default_factory=lambda: datetime.date.today().isoformat())

    @property
    def labels(self) -> np.ndarray:
        """Of the test part, shape (n,)."""
        return np.asarray(self.mine.datasets["test"]["label"][:])

    @property
    def base_model(self) -> str:
        """The checkpoint's name on the hub; of a local folder only its last part."""
        local = Path(self.checkpoint).exists()
        name = Path(self.checkpoint).name if local else self.checkpoint
        return NAMES_ON_HUB.get(self.checkpoint, name)


def macro_f1(labels: np.ndarray, predictions: np.ndarray) -> float:
    """Mean F1 of the classes that occur among the labels or the predictions."""
    return float(np.nanmean(metrics.f1(metrics.confusion_matrix(labels, predictions))))


def mean_absolute_error(labels: np.ndarray, numbers: np.ndarray) -> float:
    """Mean distance of number and label."""
    return float(np.abs(labels - numbers).mean())


def scores(result: Result) -> pd.DataFrame:
    """A row a model: its figures on the test part, each with the ends of its 95 % interval.

    Of classes: accuracy (Wilson) and macro F1 (BCa). Of numbers: mean absolute error (BCa).
    """
    return computed_scores(result).copy()


@cache
def computed_scores(result: Result) -> pd.DataFrame:
    """What `scores` gives, computed once for each result: resampling takes a second a model."""
    rows, labels = {}, result.labels
    for name, outputs in result.outputs.items():
        if result.mine.names is None:
            row = interval_of("mean absolute error", mean_absolute_error, labels, outputs[:, 0])
        else:
            predictions = outputs.argmax(axis=1)
            hits = predictions == labels
            low, high = metrics.wilson(hits.sum(), len(hits))
            row = {"accuracy": hits.mean(), "accuracy low": low, "accuracy high": high}
            row |= interval_of("macro F1", macro_f1, labels, predictions)
        rows[name] = row
    return pd.DataFrame(rows).T


def interval_of(
    name: str, metric: Callable, labels: np.ndarray, outputs: np.ndarray
) -> dict[str, float]:
    """A figure and its BCa interval; NaN ends where resampling cannot give any."""
    low, high = bca_or_nan(metric, labels, outputs)
    return {name: metric(labels, outputs), f"{name} low": low, f"{name} high": high}


def bca_or_nan(metric: Callable, first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """`metrics.bca_interval`, NaN where every resample gives the same."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return metrics.bca_interval(metric, first, second)
        except metrics.MetricError:
            return float("nan"), float("nan")


def comparison(result: Result) -> str:
    """One sentence: is the model ahead of the best of the others, on the same texts?"""
    labels, (first, *others) = result.labels, result.outputs
    if result.mine.names is None:
        good = {name: -np.abs(labels - found[:, 0]) for name, found in result.outputs.items()}
        unit, factor, form = "in mean absolute error, positive is better", 1.0, "+.2g"
    else:
        good = {n: (found.argmax(axis=1) == labels) * 1.0 for n, found in result.outputs.items()}
        unit, factor, form = "points of accuracy", 100.0, "+.1f"
    rival = max(others, key=lambda name: good[name].mean())
    gain = factor * (good[first] - good[rival])
    low, high = bca_or_nan(lambda a, b: float((a - b).mean()), gain, 0 * gain)
    if np.isnan(low):
        return f"On these {len(labels)} texts {first} and {rival} do equally well."
    span = f"{gain.mean():{form}} {unit} (95 % interval {low:{form}} to {high:{form}})"
    if low > 0:
        return f"{first} is ahead of {rival}: {span}."
    if high < 0:
        return f"{rival} is ahead of {first}: {span} for {first}. Use the simpler one."
    return f"These {len(labels)} texts cannot tell {first} from {rival}: {span}."


def per_class(result: Result) -> pd.DataFrame:
    """A row a class: rows to learn from and to score on, precision, recall with Wilson's ends."""
    names, model = result.mine.names, next(iter(result.outputs.values()))
    matrix = metrics.confusion_matrix(result.labels, model.argmax(axis=1), len(names))
    found, there = np.diag(matrix), matrix.sum(axis=1)
    low, high = metrics.wilson(found, np.maximum(there, 1))
    learned = np.bincount(result.mine.datasets["train"]["label"][:], minlength=len(names))
    columns = {"train": learned, "test": there, "precision": metrics.precision(matrix)}
    columns |= {"recall": metrics.recall(matrix), "recall low": low, "recall high": high}
    return pd.DataFrame(columns, index=names)


def errors(result: Result) -> pd.DataFrame:
    """The test rows that the model gets wrong, the surest first; of numbers, the farthest first."""
    test, model = result.mine.datasets["test"], next(iter(result.outputs.values()))
    rows = pd.DataFrame({"row": test["row"][:], "text": test["text"][:], "label": result.labels})
    if result.mine.names is None:
        rows["prediction"] = model[:, 0].round(3)
        farthest = (rows["prediction"] - rows["label"]).abs().sort_values(ascending=False)
        return rows.loc[farthest.index]
    rows["prediction"], rows["probability"] = model.argmax(1), softmax(model, axis=1).max(axis=1)
    rows = rows[rows["prediction"] != rows["label"]].sort_values("probability", ascending=False)
    for column in ("label", "prediction"):
        rows[column] = rows[column].map(dict(enumerate(result.mine.names)))
    return rows.reset_index(drop=True)
