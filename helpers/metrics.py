"""How good, and how sure: metrics from counts, curves over thresholds, calibration, intervals.

n examples, C classes with the ids 0 … C − 1; values are NumPy arrays, torch tensors or lists. A
share of nothing (0 / 0) is NaN, never a silent 0 or 0.5. `MetricError` is raised for lengths that
differ, no examples, NaN, ids outside 0 … C − 1, and where both classes are needed but one is there.
"""

from collections.abc import Callable, Sequence

import evaluate
import numpy as np
import pandas as pd
from datasets import Features, Value
from scipy import special, stats
from scipy.optimize import minimize_scalar
from torch import Tensor
from transformers import EvalPrediction

Values = np.ndarray | Tensor | Sequence
Arrays = tuple[np.ndarray, ...]


class MetricError(ValueError):
    """Values that cannot be scored; the message names the cause and the cure."""


def as_array(values: Values, name: str, dimensions: int = 1) -> np.ndarray:
    """Values as a float64 array of finite numbers; `name` is what errors call them."""
    array = np.asarray(values.detach().cpu().double() if isinstance(values, Tensor) else values)
    if not array.size:
        raise MetricError(f"the {name} are empty. Give at least one example.")
    if array.dtype.kind not in "biuf":
        raise MetricError(f"the {name} hold texts or None. Give numbers, such as class ids.")
    if array.ndim != dimensions:
        raise MetricError(
            f"the {name} have shape {array.shape}; {dimensions} dimension(s) are needed. "
            "Of scores (n, C), argmax(axis=1) gives classes and [:, 1] the scores of class 1."
        )
    finite = np.isfinite(array)
    if not finite.all():
        raise MetricError(
            f"row {np.argwhere(~finite)[0, 0]} of the {name} is NaN or infinite. Drop or mend it."
        )
    return array.astype(np.float64)


def as_classes(values: Values, name: str, num_labels: int | None = None) -> np.ndarray:
    """Class ids, whole numbers 0 … num_labels − 1 (None: any), as int64, shape (n,)."""
    array = as_array(values, name)
    classes = array.astype(np.int64)
    wrong = (classes != array) | (classes < 0) | (classes >= (num_labels or np.inf))
    if wrong.any():
        known = f"0 to {num_labels - 1}" if num_labels else "0, 1, 2, …"
        raise MetricError(
            f"the {name} hold {array[wrong][0]:g}, but the classes are {known}. Renumber or drop "
            "such rows; of one class k of several, ask labels == k; of scores, take the argmax."
        )
    return classes


def paired(labels: Values, values: Values, name: str, num_labels: int | None = 2) -> Arrays:
    """Class ids and the values that belong to them ("logits": (n, C), else (n,)), checked."""
    values = as_array(values, name, dimensions=2 if name == "logits" else 1)
    num_labels = values.shape[1] if name == "logits" else num_labels
    labels = as_classes(labels, "labels", num_labels)
    if len(labels) != len(values):
        raise MetricError(f"{len(labels):,} labels, but {len(values):,} {name}. Give as many.")
    if name == "probabilities" and (values.min() < 0 or values.max() > 1):
        raise MetricError("the probabilities leave 0 … 1. Apply softmax(axis=1) to logits first.")
    return labels, values


def confusion_matrix(
    labels: Values, predictions: Values, num_labels: int | None = None
) -> np.ndarray:
    """How often class i (row) was taken for class j (column): int64, shape (C, C).

    Args:
        labels, predictions: class ids, shape (n,).
        num_labels: C; None: one more than the largest id found, and at least 2.
    """
    labels, predictions = paired(labels, predictions, "predictions", num_labels)
    predictions = as_classes(predictions, "predictions", num_labels)
    size = num_labels or max(1, labels.max(), predictions.max()) + 1
    return np.bincount(labels * size + predictions, minlength=size**2).reshape(size, size)


def four_counts(matrix: np.ndarray) -> Arrays:
    """True positives, false positives, false negatives, true negatives of each class: (C,)."""
    tp = np.diag(matrix)
    fp, fn = matrix.sum(axis=0) - tp, matrix.sum(axis=1) - tp
    return tp, fp, fn, matrix.sum() - tp - fp - fn


def share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, NaN where there is no whole."""
    with np.errstate(invalid="ignore"):
        return np.divide(part, whole)


def accuracy(matrix: np.ndarray) -> float:
    """Share of all examples that are on the diagonal."""
    return float(np.trace(matrix) / matrix.sum())


def precision(matrix: np.ndarray) -> np.ndarray:
    """Of what was called positive, how much is: (C,); NaN for a class never predicted."""
    tp, fp, _, _ = four_counts(matrix)
    return share(tp, tp + fp)


def recall(matrix: np.ndarray) -> np.ndarray:
    """Of what is positive, how much was found (sensitivity): (C,); NaN for a class not there."""
    tp, _, fn, _ = four_counts(matrix)
    return share(tp, tp + fn)


def specificity(matrix: np.ndarray) -> np.ndarray:
    """Of what is negative, how much was called so: (C,); NaN if all examples are of the class."""
    _, fp, _, tn = four_counts(matrix)
    return share(tn, tn + fp)


def f1(matrix: np.ndarray) -> np.ndarray:
    """Harmonic mean of precision and recall: (C,); NaN for a class neither there nor predicted."""
    tp, fp, fn, _ = four_counts(matrix)
    return share(2 * tp, 2 * tp + fp + fn)


def average(metric: Callable[[np.ndarray], np.ndarray], matrix: np.ndarray, how: str) -> float:
    """Precision, recall, specificity or F1 of all classes as one number.

    Args:
        how: "macro", every class counts alike; "weighted", by its number of examples; "micro",
            the four counts are summed first. NaN if the metric is NaN for a class that counts.
    """
    if how == "micro":
        tp, fp, fn, tn = (counts.sum() for counts in four_counts(matrix))
        return float(metric(np.array([[tn, fp], [fn, tp]]))[1])
    weights = {"macro": np.ones(len(matrix)), "weighted": matrix.sum(axis=1)}[how]
    return float(np.average(metric(matrix)[weights > 0], weights=weights[weights > 0]))


def matthews(matrix: np.ndarray) -> float:
    """Correlation of labels and predictions (Matthews 1975, Gorodkin 2004); NaN if one is fixed."""
    n, true, predicted = float(matrix.sum()), matrix.sum(axis=1), matrix.sum(axis=0)
    spread = (n**2 - (true**2).sum()) * (n**2 - (predicted**2).sum())
    return float(share(n * np.trace(matrix) - (true * predicted).sum(), np.sqrt(spread)))


def counts_by_threshold(labels: Values, scores: Values) -> Arrays:
    """Who is called positive if a score of at least the threshold is, for every threshold.

    Args:
        labels: 0 or 1, shape (n,).
        scores: shape (n,), higher means class 1: a probability, or a difference of logits.

    Returns:
        thresholds: the m distinct scores from the highest to the lowest.
        tp, fp: how many true and false positives there are at each, int64, shape (m,).
    """
    labels, scores = paired(labels, scores, "scores")
    order = np.argsort(scores)[::-1]
    labels, scores = labels[order], scores[order]
    # Examples of equal score pass the threshold together: only the last of them is a point.
    last = np.append(np.flatnonzero(scores[1:] != scores[:-1]), len(scores) - 1)
    tp = np.cumsum(labels)[last]
    if tp[-1] in (0, len(labels)):
        raise MetricError(
            f"all {len(labels):,} labels are {labels[0]}: ROC and AUC need 0 and 1. Take more rows."
        )
    return scores[last], tp, last + 1 - tp


def roc_curve(labels: Values, scores: Values) -> Arrays:
    """False positive rate, true positive rate (recall), threshold: float64, (m + 1,) each.

    The first point is (0, 0) at the threshold ∞. For the rest see `counts_by_threshold`.
    """
    thresholds, tp, fp = counts_by_threshold(labels, scores)
    rates = [np.append(0, counts) / counts[-1] for counts in (fp, tp)]
    return *rates, np.append(np.inf, thresholds)


def auc(labels: Values, scores: Values) -> float:
    """Area under `roc_curve`, by trapezoids."""
    false_positive_rate, true_positive_rate, _ = roc_curve(labels, scores)
    return float(np.trapezoid(true_positive_rate, false_positive_rate))


def auc_by_ranks(labels: Values, scores: Values) -> float:
    """The same: how often a random positive outranks a random negative (Mann, Whitney 1947)."""
    _, tp, fp = counts_by_threshold(labels, scores)
    ranks = stats.rankdata(scores)[np.asarray(labels) == 1]
    return float((ranks.sum() - tp[-1] * (tp[-1] + 1) / 2) / (tp[-1] * fp[-1]))


def precision_recall_curve(labels: Values, scores: Values) -> Arrays:
    """Precision, recall, threshold, from the highest threshold to the lowest, (m,) each."""
    thresholds, tp, fp = counts_by_threshold(labels, scores)
    return tp / (tp + fp), tp / tp[-1], thresholds


def average_precision(labels: Values, scores: Values) -> float:
    """Mean precision over the steps of recall: Σ (Rᵢ − Rᵢ₋₁) Pᵢ, no line in between."""
    precisions, recalls, _ = precision_recall_curve(labels, scores)
    return float(np.diff(recalls, prepend=0) @ precisions)


def reliability_table(events: Values, probabilities: Values, bins: int = 10) -> pd.DataFrame:
    """Does what is called 80 % happen in 80 % of the cases? One row a bin that is not empty.

    Args:
        events: 1 where it happened: the label, or whether the predicted class is right.
        probabilities: that it happens, shape (n,): of class 1, or of the predicted class.
        bins: number of equal parts of 0 … 1; an edge belongs to the part below it.

    Returns for each bin, by its number: `n`, mean `probability`, `share` of events.
    """
    events, probabilities = paired(events, probabilities, "probabilities")
    place = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], probabilities)
    rows = pd.DataFrame({"n": 1, "probability": probabilities, "share": events})
    return rows.groupby(place).agg({"n": "sum", "probability": "mean", "share": "mean"})


def expected_calibration_error(events: Values, probabilities: Values, bins: int = 10) -> float:
    """Mean distance of the table's `share` and `probability`, 0 … 1 (Guo et al. 2017)."""
    table = reliability_table(events, probabilities, bins)
    return float(np.average(abs(table["share"] - table["probability"]), weights=table["n"]))


def brier_score(events: Values, probabilities: Values) -> float:
    """Mean squared distance of event and probability, 0 … 1 (Brier 1950)."""
    events, probabilities = paired(events, probabilities, "probabilities")
    return float(((probabilities - events) ** 2).mean())


def negative_log_likelihood(labels: Values, logits: Values) -> float:
    """Cross-entropy in nats of logits (n, C): mean of −log softmax at the label."""
    labels, logits = paired(labels, logits, "logits")
    return float(-special.log_softmax(logits, axis=1)[np.arange(len(labels)), labels].mean())


def fit_temperature(labels: Values, logits: Values) -> float:
    """The T for which logits / T have the lowest cross-entropy (Guo et al. 2017).

    Fit it on the validation part. It changes no prediction, only how sure it is. MetricError also
    if no T is best: if every example is right, or all together no better than chance.
    """
    labels, logits = paired(labels, logits, "logits")
    own = logits[np.arange(len(labels)), labels]
    if (own == logits.max(axis=1)).all():
        raise MetricError("every example is right: the lower T, the better. Fit on more examples.")
    if own.mean() <= logits.mean():
        raise MetricError("the logits are no better than chance: the higher T, the better.")
    middle = np.log(np.ptp(logits, axis=1).mean())
    found = minimize_scalar(
        lambda log_t: negative_log_likelihood(labels, logits / np.exp(log_t)),
        bounds=(middle - 10, middle + 10),
    )
    return float(np.exp(found.x))


def wilson(successes: float, n: float, confidence: float = 0.95) -> tuple[float, float]:
    """Interval of a share such as accuracy (Wilson 1927); arrays give arrays."""
    if np.any(np.less(successes, 0)) or np.any(np.greater(successes, n)) or np.any(n == 0):
        raise MetricError(f"{successes} of {n} is no share. Give counts, 0 ≤ successes ≤ n, n > 0.")
    z, p = stats.norm.ppf((1 + confidence) / 2), np.divide(successes, n)
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return np.maximum(middle - half, 0), np.minimum(middle + half, 1)


def bca_interval(
    metric: Callable, labels: Values, outputs: Values, seed: int = 0, **options
) -> tuple[float, float]:
    """Bootstrap interval (BCa, Efron 1987) of `metric(labels, outputs)`; rows are drawn together.

    Args:
        metric: such as `auc`, or `lambda y, p: f1(confusion_matrix(y, p, 2))[1]`.
        options: of `scipy.stats.bootstrap`: confidence_level (0.95), n_resamples (2000), or
            vectorized=True, if the metric takes all resamples at once: (…, n) to (…).
    """
    labels, outputs = np.asarray(labels), np.asarray(outputs)
    metric(labels, outputs)  # says what is wrong with the data before they are resampled
    options = {"n_resamples": 2000, "batch": 256, "vectorized": False, "rng": seed} | options

    def resampled(rows: np.ndarray, axis: int = -1) -> np.ndarray:
        return metric(labels[rows], outputs[rows])

    try:
        found = stats.bootstrap((np.arange(len(labels)),), resampled, **options).confidence_interval
    except MetricError as error:
        raise MetricError(f"no interval: on a resample {error}") from error
    if np.isnan(found).any():
        raise MetricError("no interval: NaN on a resample, or equal on all. Take more examples.")
    return float(found.low), float(found.high)


def summary(matrix: np.ndarray) -> dict[str, float]:
    """Accuracy, macro F1, Matthews; of two classes also the figures of class 1."""
    figures = {"accuracy": accuracy(matrix), "macro_f1": average(f1, matrix, "macro")}
    figures["matthews"] = matthews(matrix)
    of_class_1 = (precision, recall, specificity, f1) if len(matrix) == 2 else ()
    return figures | {metric.__name__: float(metric(matrix)[1]) for metric in of_class_1}


class CourseMetrics(evaluate.Metric):
    """`summary` as a metric of the `evaluate` library, also for `evaluate.combine`; offline."""

    def __init__(self, num_labels: int = 2, **options):
        self.num_labels = num_labels
        super().__init__(**{"keep_in_memory": True} | options)

    def _info(self) -> evaluate.MetricInfo:
        # float64: the library would cut a 0.7 to the integer 0, where `as_classes` refuses it.
        features = Features(dict.fromkeys(("predictions", "references"), Value("float64")))
        return evaluate.MetricInfo(self.__doc__, citation="", features=features)

    def _compute(self, predictions: Values, references: Values) -> dict[str, float]:
        return summary(confusion_matrix(references, predictions, self.num_labels))


def compute_metrics(prediction: EvalPrediction) -> dict[str, float]:
    """`CourseMetrics` of logits (n, C), for `transformers.Trainer` and `training.fine_tune`."""
    logits = as_array(prediction.predictions, "logits", 2)
    metric = CourseMetrics(num_labels=logits.shape[1])
    return metric.compute(predictions=logits.argmax(axis=1), references=prediction.label_ids)
