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

EQUAL = 1e-9  # a product of lengths below this: all numbers are equal but for rounding
NAMES_ON_HUB = {"minilm": "sentence-transformers/all-MiniLM-L6-v2"}


@dataclass(frozen=True, eq=False)
class Result:
    """What there is to report.

    Attributes:
        mine: the file, from `own_data.load`.
        run: from `training.fine_tune`.
        outputs: model to its outputs on the test part: scores (n, C), or numbers (n, 1). The
            fine-tuned model first, then its rival, the one of the others that did best where it
            was tuned (not here), then the rest.
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


def mean_absolute_error(labels: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """MAE over the last axis: (…, n) to (…)."""
    return np.abs(labels - numbers).mean(axis=-1)


def root_mean_squared_error(labels: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """RMSE over the last axis: (…, n) to (…)."""
    return np.sqrt(((labels - numbers) ** 2).mean(axis=-1))


def pearson(labels: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Pearson's r over the last axis: (…, n) to (…); NaN where all numbers are equal."""
    first, second = (a - a.mean(axis=-1, keepdims=True) for a in (labels, numbers))
    lengths = np.sqrt((first**2).sum(axis=-1) * (second**2).sum(axis=-1))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(lengths > EQUAL, (first * second).sum(axis=-1) / lengths, np.nan)


NUMBER_METRICS = {"MAE": mean_absolute_error, "RMSE": root_mean_squared_error, "r": pearson}


def scores(result: Result) -> pd.DataFrame:
    """One row per model: its figures on the test part, each with the ends of its 95 % interval.

    Of classes: accuracy (Wilson) and macro F1 (BCa). Of numbers: MAE, RMSE, r (all BCa).
    """
    return computed_scores(result).copy()


@cache
def computed_scores(result: Result) -> pd.DataFrame:
    """What `scores` gives, computed once for each result: resampling takes a second per model."""
    rows, labels = {}, result.labels
    for name, outputs in result.outputs.items():
        row = {}
        if result.mine.names is None:
            for figure, metric in NUMBER_METRICS.items():
                row |= interval_of(figure, metric, labels, outputs[:, 0], vectorized=True)
        else:
            predictions = outputs.argmax(axis=1)
            hits = predictions == labels
            low, high = metrics.wilson(hits.sum(), len(hits))
            row = {"accuracy": hits.mean(), "accuracy low": low, "accuracy high": high}
            row |= interval_of("macro F1", macro_f1, labels, predictions)
        rows[name] = row
    return pd.DataFrame(rows).T


def interval_of(
    name: str, metric: Callable, labels: np.ndarray, outputs: np.ndarray, **options
) -> dict[str, float]:
    """A figure and its BCa interval; NaN ends where resampling cannot give any."""
    low, high = bca_or_nan(metric, labels, outputs, **options)
    return {name: float(metric(labels, outputs)), f"{name} low": low, f"{name} high": high}


def bca_or_nan(
    metric: Callable, first: np.ndarray, second: np.ndarray, **options
) -> tuple[float, float]:
    """`metrics.bca_interval`, NaN where every resample gives the same."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return metrics.bca_interval(metric, first, second, **options)
        except metrics.MetricError:
            return float("nan"), float("nan")


def differences(result: Result) -> pd.DataFrame:
    """How far the first model is ahead of each other one on the same texts, one row each.

    `gain` is in points of accuracy, or the mean absolute error that is saved; beside it the ends of
    its paired 95 % interval (BCa), NaN where no text tells the two apart.
    """
    labels, (first, *others) = result.labels, result.outputs
    if result.mine.names is None:
        good = {name: -np.abs(labels - found[:, 0]) for name, found in result.outputs.items()}
    else:
        good = {n: 100.0 * (found.argmax(1) == labels) for n, found in result.outputs.items()}
    rows = {}
    for name in others:
        gain = good[first] - good[name]
        low, high = bca_or_nan(lambda a, b: (a - b).mean(axis=-1), gain, 0 * gain, vectorized=True)
        rows[name] = {"gain": gain.mean(), "gain low": low, "gain high": high}
    return pd.DataFrame(rows, index=["gain", "gain low", "gain high"]).T


def comparison(result: Result) -> str:
    """One sentence: is the model ahead of its rival, the second in `outputs`, on the same texts?

    The rival is not the one that does best here: that would be choosing on the test part.
    """
    table, (first, *others) = differences(result), result.outputs
    if not others:
        return f"{first} was compared with no other model."
    rival, (gain, low, high) = others[0], table.iloc[0]
    if np.isnan(low):
        return f"On these {len(result.labels)} texts {first} and {rival} do equally well."
    if result.mine.names is None:
        ends = f"{as_number(low)} to {as_number(high)}; below 0 is larger"
        span = f"mean absolute error smaller by {as_number(gain)} (95 % interval {ends})"
    else:
        span = f"{gain:+.1f} points of accuracy (95 % interval {low:+.1f} to {high:+.1f})"
        span = span.replace("-", "−")
    if low > 0:
        return f"{first} is ahead of {rival}: {span}."
    if high < 0:
        return f"{rival} is ahead of {first}: {span} for {first}. Use the simpler one."
    return f"These {len(result.labels)} texts cannot tell {first} from {rival}: {span}."


def as_number(value: float) -> str:
    """Whole numbers as they are, others with three digits or more; "–" for NaN."""
    if np.isnan(value):
        return "–"
    form = "," if isinstance(value, int | np.integer) else ",.0f" if abs(value) >= 1000 else "#.3g"
    # A hyphen in front would look like a formula.
    return f"{value:{form}}".rstrip(".").replace("-", "−")


def with_intervals(table: pd.DataFrame) -> pd.DataFrame:
    """A table for reading: each figure with the ends of its interval in one cell of text."""
    cells = table.map(as_number)
    for name in [name for name in table if f"{name} low" in table]:
        low, high = cells.pop(f"{name} low"), cells.pop(f"{name} high")
        cells[name] += [f" ({a} to {b})" * (a != "–") for a, b in zip(low, high, strict=True)]
    return cells


def per_class(result: Result) -> pd.DataFrame:
    """One row per class: training rows, test rows, precision, recall with its Wilson interval."""
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
        rows["prediction"] = model[:, 0].astype(float)
        rows["error"] = rows["prediction"] - rows["label"]
        return rows.sort_values("error", key=abs, ascending=False, ignore_index=True)
    rows["prediction"], rows["probability"] = model.argmax(1), softmax(model, axis=1).max(axis=1)
    rows = rows[rows["prediction"] != rows["label"]].sort_values("probability", ascending=False)
    for column in ("label", "prediction"):
        rows[column] = rows[column].map(dict(enumerate(result.mine.names)))
    return rows.reset_index(drop=True)
