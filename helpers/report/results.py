"""What a model on one's own file is worth: figures with intervals, a comparison, the errors."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit, softmax

from helpers import checkpoints, metrics, multi_label, own_data, training
from helpers.report.intervals import bca_or_nan, interval_of, share_with_interval
from helpers.report.several import label_scores, label_table, micro_f1_gain, wrong_rows

EQUAL = 1e-9  # a product of lengths below this: all numbers are equal but for rounding
NOT_NAMED = "This comparison was not named beforehand."
NAMES_ON_HUB = {"minilm": "sentence-transformers/all-MiniLM-L6-v2"}


@dataclass(frozen=True, eq=False)
class Result:
    """What there is to report.

    Attributes:
        mine: the file, from `own_data.load`.
        run: from `training.fine_tune`.
        outputs: model to its outputs on the test part: scores (n, C), or numbers (n, 1). The
            fine-tuned model first, then its rival, the one of the others that did best where it
            was tuned (not here), then the rest. Where a text may have several labels, scores are
            log-odds: a model's logits as they are, of probabilities `scipy.special.logit`.
        checkpoint: what was fine-tuned.
        date: of the report.
        thresholds: where a text may have several labels, the probabilities from which on each is
            given, (C,), as from `multi_label.best_thresholds` on the validation part. An array is
            that of the first model; a dictionary has one for each model that it names, which is
            fairer. None, or a model that is not named: 0.5.

    Raises:
        ValueError: thresholds of another number than there are labels or of a model that is not
            there; probabilities where log-odds should be.
    """

    mine: own_data.OwnData
    run: training.TrainingRun
    outputs: dict[str, np.ndarray]
    checkpoint: str = checkpoints.CHECKPOINT
    date: str = field(default_factory=lambda: datetime.date.today().isoformat())
    thresholds: np.ndarray | Mapping[str, np.ndarray] | None = None

    def __post_init__(self) -> None:
        check_thresholds(self)
        if self.mine.multi_label:
            check_log_odds(self.outputs)

    @property
    def labels(self) -> np.ndarray:
        """Of the test part, shape (n,); of several labels per text, bool, shape (n, C)."""
        return self.labels_of("test")

    def labels_of(self, part: str) -> np.ndarray:
        """The labels of a part, as `labels` has those of the test part."""
        found = np.asarray(self.mine.datasets[part]["label"][:])
        return found > multi_label.HALF if self.mine.multi_label else found

    @property
    def is_pair(self) -> bool:
        """Whether a model reads two texts of each row."""
        return "text_pair" in self.mine.datasets["test"].column_names

    @property
    def model(self) -> str:
        """The name of the first model in `outputs`: the one that is reported."""
        return next(iter(self.outputs))

    def thresholds_of(self, name: str) -> np.ndarray:
        """The probabilities from which on a model's labels are given: shape (C,)."""
        own = thresholds_by_name(self).get(name)
        return np.full(len(self.mine.names), multi_label.HALF) if own is None else np.asarray(own)

    def given(self, name: str) -> np.ndarray:
        """Which labels a model gives to each test text, of several: bool, shape (n, C)."""
        return multi_label.predicted(self.outputs[name], self.thresholds_of(name))

    @property
    def base_model(self) -> str:
        """The checkpoint's name on the hub; of a local folder only its last part."""
        local = Path(self.checkpoint).exists()
        name = Path(self.checkpoint).name if local else self.checkpoint
        return NAMES_ON_HUB.get(self.checkpoint, name)


def thresholds_by_name(result: Result) -> Mapping[str, np.ndarray]:
    """The thresholds of each model that has any of its own."""
    if result.thresholds is None or isinstance(result.thresholds, Mapping):
        return result.thresholds or {}
    return {result.model: result.thresholds}


def check_thresholds(result: Result) -> None:
    """Raise `ValueError` unless all thresholds are one per label, of models that are there."""
    for name, own in thresholds_by_name(result).items():
        if not result.mine.multi_label:
            raise ValueError(
                "thresholds are for data with several labels per text. Leave them out."
            )
        if name not in result.outputs:
            there = ", ".join(result.outputs)
            raise ValueError(
                f"thresholds of {name!r}, but the models are: {there}. Name one of them."
            )
        if np.shape(own) != (len(result.mine.names),):
            raise ValueError(
                f"the thresholds of {name!r} have shape {np.shape(own)}, but there are "
                f"{len(result.mine.names)} labels. Give one for each, as from "
                "multi_label.best_thresholds."
            )


def check_log_odds(outputs: dict[str, np.ndarray]) -> None:
    """Raise `ValueError` for outputs that are probabilities: read as log-odds, all would be yes."""
    for name, found in outputs.items():
        found = np.asarray(found)
        if found.size and found.any() and found.min() >= 0 and found.max() <= 1:
            raise ValueError(
                f"the outputs of {name!r} are all within 0 … 1, like probabilities. Give log-odds: "
                "scipy.special.logit(probabilities), or the logits of a model as they are."
            )


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

    Of classes: accuracy (Wilson) and macro F1 (BCa). Of several labels per text: micro and macro
    F1 (BCa), exact match (Wilson). Of numbers: MAE, RMSE, r (all BCa).
    """
    return computed_scores(result).copy()


@cache
def computed_scores(result: Result) -> pd.DataFrame:
    """What `scores` gives, computed once for each result: resampling takes a second per model."""
    rows, labels = {}, result.labels
    for name, outputs in result.outputs.items():
        row = {}
        if result.mine.multi_label:
            row = label_scores(labels, result.given(name))
        elif result.mine.names is None:
            for figure, metric in NUMBER_METRICS.items():
                row |= interval_of(figure, metric, labels, outputs[:, 0], vectorized=True)
        else:
            predictions = outputs.argmax(axis=1)
            row = share_with_interval("accuracy", predictions == labels)
            row |= interval_of("macro F1", macro_f1, labels, predictions)
        rows[name] = row
    return pd.DataFrame(rows).T


def differences(result: Result) -> pd.DataFrame:
    """How far the first model is ahead of each other one on the same texts, one row each.

    `gain` is in points of accuracy, or of micro F1 where a text may have several labels, or the
    mean absolute error that is saved; beside it the ends of its paired 95 % interval (BCa), NaN
    where no text tells the two apart.
    """
    first, *others = result.outputs
    columns = ["gain", "gain low", "gain high"]
    rows = {name: dict(zip(columns, gain(result, first, name), strict=True)) for name in others}
    return pd.DataFrame(rows, index=columns).T


def gain(result: Result, first: str, second: str) -> tuple[float, float, float]:
    """How far one model is ahead of another one on the test part, and the ends of the interval."""
    labels = result.labels
    if result.mine.multi_label:
        return micro_f1_gain(labels, result.given(first), result.given(second))
    one, other = result.outputs[first], result.outputs[second]
    if result.mine.names is None:
        ahead = -np.abs(labels - one[:, 0]) - -np.abs(labels - other[:, 0])
    else:
        ahead = 100.0 * (one.argmax(1) == labels) - 100.0 * (other.argmax(1) == labels)
    low, high = bca_or_nan(lambda a, b: (a - b).mean(axis=-1), ahead, 0 * ahead, vectorized=True)
    return ahead.mean(), low, high


def comparison(result: Result, other: str | None = None) -> str:
    """One sentence: is the model ahead of another one on the same texts?

    Args:
        other: one of `outputs`; None: the rival, which is the second. The rival is not the one that
            does best here: that would be choosing on the test part. Of any other model, the
            sentence says that it was not named beforehand.

    Raises:
        ValueError: there is no such other model; the message names those that there are.
    """
    first, *others = result.outputs
    if other is not None and other not in others:
        there = ", ".join(others) or "none"
        raise ValueError(f"no model {other!r} beside {first!r}. To compare with: {there}.")
    if not others:
        return f"{first} was compared with no other model."
    if other in (None, others[0]):
        return compared(result, first, others[0])
    return f"{compared(result, first, other)} {NOT_NAMED}"


def compared(result: Result, first: str, other: str) -> str:
    """Is the first model ahead of the other one on the same texts? One sentence."""
    ahead, low, high = gain(result, first, other)
    if np.isnan(low) and not ahead:
        return f"On these {len(result.labels)} texts {first} and {other} do equally well."
    if np.isnan(low):
        low = high = ahead  # the same on every text, and so on every resample
    if result.mine.names is None:
        ends = f"{as_number(low)} to {as_number(high)}; negative means larger"
        span = f"mean absolute error smaller by {as_number(ahead)} (95 % interval {ends})"
    else:
        figure = "micro F1" if result.mine.multi_label else "accuracy"
        span = f"{ahead:+.1f} points of {figure} (95 % interval {low:+.1f} to {high:+.1f})"
        span = span.replace("-", "−")
    if low > 0:
        return f"{first} is ahead of {other}: {span}."
    if high < 0:
        return f"{other} is ahead of {first}: {span} for {first}. Use the simpler one."
    open_question = f"do not show whether {first} is better than {other}"
    return f"These {len(result.labels)} texts {open_question}: {span}."


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
    """One row per class: training rows, test rows, precision, recall with its Wilson interval.

    Where a text may have several labels, also F1, and the threshold from which on it is given.
    """
    names, model = result.mine.names, result.outputs[result.model]
    if result.mine.multi_label:
        given, thresholds = result.given(result.model), result.thresholds_of(result.model)
        learned = result.labels_of("train")
        return pd.DataFrame(label_table(result.labels, given, learned, thresholds), index=names)
    matrix = metrics.confusion_matrix(result.labels, model.argmax(axis=1), len(names))
    found, there = np.diag(matrix), matrix.sum(axis=1)
    low, high = metrics.wilson(found, np.maximum(there, 1))
    learned = np.bincount(result.mine.datasets["train"]["label"][:], minlength=len(names))
    columns = {"train": learned, "test": there, "precision": metrics.precision(matrix)}
    columns |= {"recall": metrics.recall(matrix), "recall low": low, "recall high": high}
    return pd.DataFrame(columns, index=names)


def errors(result: Result) -> pd.DataFrame:
    """The test rows that the model gets wrong, the surest first; of numbers, the farthest first.

    Where a text may have several labels: those with another set of labels, and which are missing
    and which superfluous. Of pairs, both texts.
    """
    test, model = result.mine.datasets["test"], result.outputs[result.model]
    read = ["row", "text", "text_pair"] if result.is_pair else ["row", "text"]
    rows = pd.DataFrame({name: test[name][:] for name in read})
    if result.mine.multi_label:
        given, probabilities = result.given(result.model), expit(model)
        found = wrong_rows(result.labels, given, probabilities, result.mine.names)
        return found.join(rows)[[*read, *found.columns]].reset_index(drop=True)
    rows["label"] = result.labels
    if result.mine.names is None:
        rows["prediction"] = model[:, 0].astype(float)
        rows["error"] = rows["prediction"] - rows["label"]
        return rows.sort_values("error", key=abs, ascending=False, ignore_index=True)
    rows["prediction"], rows["probability"] = model.argmax(1), softmax(model, axis=1).max(axis=1)
    rows = rows[rows["prediction"] != rows["label"]].sort_values("probability", ascending=False)
    for column in ("label", "prediction"):
        rows[column] = rows[column].map(dict(enumerate(result.mine.names)))
    return rows.reset_index(drop=True)
