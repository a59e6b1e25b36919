"""Several labels per text: which are given, how good that is, and from which probability on.

n texts, C labels. A label matrix holds 1 (or True) where a text has a label, shape (n, C). As in
`metrics`, a share of nothing is NaN.
"""

import numpy as np
from scipy.special import expit

from helpers.metrics import MetricError, Values, as_array, share

HALF = 0.5


def predicted(log_odds: np.ndarray, thresholds: np.ndarray | float | None = None) -> np.ndarray:
    """Which labels each text is given: those of at least the threshold's probability.

    Args:
        log_odds: shape (n, C); a model's logits are its log-odds.
        thresholds: probabilities, shape (C,), or one for all labels; None: 0.5.

    Returns:
        bool, shape (n, C).
    """
    return expit(np.asarray(log_odds, np.float64)) >= (HALF if thresholds is None else thresholds)


def counts(labels: np.ndarray, predictions: np.ndarray) -> tuple[np.ndarray, ...]:
    """True positives, false positives, false negatives of each label: (…, n, C) to (…, C)."""
    there, said = np.asarray(labels) > HALF, np.asarray(predictions) > HALF
    tp = (there & said).sum(axis=-2)
    return tp, said.sum(axis=-2) - tp, there.sum(axis=-2) - tp


def f1_of(tp: np.ndarray, fp: np.ndarray, fn: np.ndarray) -> np.ndarray:
    """F1 from counts of any shape; NaN for a label neither there nor predicted."""
    return share(2 * tp, 2 * tp + fp + fn)


def micro_f1(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """F1 of all decisions together, so that a frequent label counts more: (…, n, C) to (…)."""
    return f1_of(*(count.sum(axis=-1) for count in counts(labels, predictions)))


def macro_f1(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Mean F1 of the labels that are there or predicted: (…, n, C) to (…)."""
    found = f1_of(*counts(labels, predictions))
    return share(np.nansum(found, axis=-1), (~np.isnan(found)).sum(axis=-1))


def exact_matches(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Whether a text has just the labels that it was given: (n, C) to bool (n,)."""
    return ((np.asarray(labels) > HALF) == (np.asarray(predictions) > HALF)).all(axis=-1)


def per_label(labels: np.ndarray, predictions: np.ndarray) -> dict[str, np.ndarray]:
    """`precision`, `recall` and `F1` of each label: (n, C) to (C,) each."""
    tp, fp, fn = counts(labels, predictions)
    return {"precision": share(tp, tp + fp), "recall": share(tp, tp + fn), "F1": f1_of(tp, fp, fn)}


def best_thresholds(labels: Values, probabilities: Values, least: int = 1) -> np.ndarray:
    """For each label the probability from which on to give it: the one of the highest F1.

    Choose on the validation part; on the test part they would be chosen by what they are scored
    on. A threshold lies between two probabilities that occur, so that a last bit decides nothing.
    Of thresholds equally good, the one nearest to 0.5; 0.5 for a label that no text has.

    Args:
        labels: 0 or 1, shape (n, C).
        probabilities: shape (n, C); of logits, `scipy.special.expit`.
        least: labels that fewer texts have share one threshold, the one of the highest micro F1 of
            these labels: from a handful of texts the best threshold of a label is mostly luck.

    Returns:
        float64, shape (C,).

    Raises:
        MetricError: shapes that differ, labels other than 0 and 1, no probabilities, no rows.
    """
    labels = as_array(labels, "labels", 2)
    probabilities = as_array(probabilities, "probabilities", 2)
    if labels.shape != probabilities.shape:
        raise MetricError(
            f"the labels have shape {labels.shape}, the probabilities {probabilities.shape}. Give "
            "both one row per text and one column per label."
        )
    if not np.isin(labels, (0, 1)).all():
        raise MetricError("the labels hold other numbers than 0 and 1. Give 1 where a label is.")
    if probabilities.min() < 0 or probabilities.max() > 1:
        raise MetricError("the probabilities leave 0 … 1. Apply scipy.special.expit to logits.")
    there = labels == 1
    found = np.array([best_threshold(*c) for c in zip(there.T, probabilities.T, strict=True)])
    rare = there.sum(axis=0) < least
    if rare.any():
        found[rare] = best_threshold(there[:, rare].ravel(), probabilities[:, rare].ravel())
    return found


def best_threshold(there: np.ndarray, probabilities: np.ndarray) -> float:
    """The threshold of the highest F1 for one label: bool (n,) and probabilities (n,)."""
    if not there.any():
        return HALF
    values = np.unique(probabilities)
    below = np.append(0.0, values[:-1])
    middle = (below + values) / 2
    candidates = np.append(np.where(middle > below, middle, values), HALF)
    said = len(there) - np.searchsorted(np.sort(probabilities), candidates)
    tp = there.sum() - np.searchsorted(np.sort(probabilities[there]), candidates)
    f1 = f1_of(tp, said - tp, there.sum() - tp)
    best = candidates[f1 == f1.max()]
    return float(best[np.abs(best - HALF).argmin()])
