"""Figures of models that may give a text several labels. Matrices are bool, shape (n, C)."""

import numpy as np
import pandas as pd

from helpers import metrics, multi_label
from helpers.report.intervals import bca_or_nan, interval_of, share_with_interval

NO_LABEL = "–"


def label_scores(labels: np.ndarray, predictions: np.ndarray) -> dict[str, float]:
    """Micro and macro F1 (BCa over the texts) and exact matches (Wilson), with their intervals."""
    found = interval_of("micro F1", multi_label.micro_f1, labels, predictions, vectorized=True)
    found |= interval_of("macro F1", multi_label.macro_f1, labels, predictions, vectorized=True)
    return found | share_with_interval(
        "exact match", multi_label.exact_matches(labels, predictions)
    )


def micro_f1_gain(
    labels: np.ndarray, first: np.ndarray, second: np.ndarray
) -> tuple[float, float, float]:
    """Points of micro F1 by which the first predictions are ahead, with their paired interval.

    A text is drawn with what both models say of it.
    """

    def of_rows(predictions: np.ndarray) -> np.ndarray:
        """For each text the two counts that F1 is made of, (n, 2): their sums are enough."""
        both = 2 * (labels & predictions).sum(axis=1)
        return np.stack([both, labels.sum(axis=1) + predictions.sum(axis=1)], axis=1)

    def ahead(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        sums = (rows.sum(axis=-2) for rows in (one, other))
        shares = (metrics.share(part[..., 0], part[..., 1]) for part in sums)
        return 100 * np.subtract(*map(np.nan_to_num, shares))  # no label there or given: no gain

    rows = of_rows(first), of_rows(second)
    return float(ahead(*rows)), *bca_or_nan(ahead, *rows, vectorized=True)


def label_table(
    labels: np.ndarray, predictions: np.ndarray, learned: np.ndarray, thresholds: np.ndarray
) -> dict[str, np.ndarray]:
    """Columns of one row per label: rows, precision, recall (Wilson), F1, threshold; (C,) each.

    Args:
        learned: labels of the training part, (m, C).
        thresholds: probabilities from which on a label is given, (C,).
    """
    there, found = labels.sum(axis=0), (labels & predictions).sum(axis=0)
    known = multi_label.per_label(labels, predictions)
    low, high = metrics.wilson(found, np.maximum(there, 1))
    columns = {"train": learned.sum(axis=0), "test": there, "precision": known["precision"]}
    columns |= {"recall": known["recall"], "recall low": low, "recall high": high}
    return columns | {"F1": known["F1"], "threshold": thresholds}


def wrong_rows(
    labels: np.ndarray, predictions: np.ndarray, probabilities: np.ndarray, names: list[str]
) -> pd.DataFrame:
    """For every text, by its place: the labels as words, and how sure the surest mistake is.

    Args:
        probabilities: of each label, (n, C).

    Returns:
        The texts with another set of labels, the surest first: `label`, `prediction`, `missing`,
        `superfluous` and `probability`, what the model gave to the mistake that it was surest of.
    """

    def in_words(which: np.ndarray) -> list[str]:
        chosen = [[names[i] for i in np.flatnonzero(row)] for row in which]
        return [", ".join(row) or NO_LABEL for row in chosen]

    missing, superfluous = labels & ~predictions, predictions & ~labels
    sure = np.where(superfluous, probabilities, np.where(missing, 1 - probabilities, 0))
    table = pd.DataFrame(
        {
            "label": in_words(labels),
            "prediction": in_words(predictions),
            "missing": in_words(missing),
            "superfluous": in_words(superfluous),
            "probability": sure.max(axis=1),
        }
    )
    wrong = table[(missing | superfluous).any(axis=1)]
    return wrong.sort_values("probability", ascending=False, kind="stable")


def mistakes_in_words(labels: np.ndarray, predictions: np.ndarray, names: list[str]) -> str:
    """How many texts are wrong, the label found worst, and what is most often missing or added."""
    missing, superfluous = labels & ~predictions, predictions & ~labels
    wrong = (missing | superfluous).any(axis=1).sum()
    if not wrong:
        return (
            f"All {len(labels):,} test texts have just the labels that they should: none is wrong."
        )
    f1 = multi_label.per_label(labels, predictions)["F1"]
    said = [
        f"{wrong:,} of {len(labels):,} test texts are wrong: they lack a label, or have one too "
        f"many. F1 is lowest for {names[np.nanargmin(f1)]}"
    ]
    for which, word in ((missing, "missing"), (superfluous, "superfluous")):
        count = which.sum(axis=0)
        if count.any():
            times = f"{count.max():,} times" if count.max() > 1 else "once"
            said.append(f"most often {word} is {names[count.argmax()]} ({times})")
    return "; ".join(said) + "."
