"""Two figures on notebook 05's recorded scores: move the threshold, and draw samples again."""

import gzip
import json

import numpy as np

from helpers import metrics
from helpers.widgets.frame import STATIC, page, part, show

SCORES = "scores.json.gz"  # made by tools/experiments/score_tables.py


def stored() -> tuple[np.ndarray, np.ndarray]:
    """Labels and scores of the 853 validation reviews, as the figures have them."""
    found = json.loads(gzip.decompress((STATIC / SCORES).read_bytes()))
    return np.array(found["labels"]), np.array(found["scores"])


def words_for_threshold() -> str:
    """What the figure of the threshold shows at first, in words."""
    labels, scores = stored()
    matrix = metrics.confusion_matrix(labels, scores >= 0, 2)
    (tn, fp), (fn, tp) = matrix.tolist()
    return (
        "An interactive figure of the threshold: you move it along the histogram of all "
        f"{len(labels)} probabilities and set what a false positive and a false negative cost. The "
        "confusion matrix, precision, recall, F1, accuracy, cost and the point on the ROC curve "
        f"follow. At a threshold of 0.5 there are {tp} true and {fp} false positives, {fn} "
        f"false and {tn} true negatives: precision {metrics.precision(matrix)[1]:.3f}, recall "
        f"{metrics.recall(matrix)[1]:.3f}, and a cost of {5 * fp + fn} if a false positive costs 5 "
        "and a false negative 1."
    )


def threshold() -> None:
    """Display a threshold to move: histogram, four counts, measures, cost, point on the ROC."""
    title = "Interactive figure: move the threshold"
    words = words_for_threshold()
    data = (STATIC / SCORES).read_bytes()
    scripts = ["scores.js", "threshold.js"]
    show(title, words, page(title, words, part("threshold.html"), scripts, data), height=760)


def samples() -> None:
    """Display samples of 75 or 853 sentences, each with the interval that it would have given."""
    labels, scores = stored()
    right = int(((scores >= 0) == labels).sum())
    ends = [
        f"{n}: {low:.1%} to {high:.1%}"
        for n in (75, len(labels))
        for low, high in [metrics.wilson(n * right / len(labels), n)]
    ]
    title = "Interactive figure: draw a sample again"
    words = (
        f"An interactive figure of sampling. The model is right on {right} of {len(labels)} "
        "sentences. You draw 75 or 853 of them with replacement, as often as you like; each draw "
        "is a line with its accuracy and 95 % interval, and the figure counts how many of the "
        f"intervals contain the accuracy of all, {right / len(labels):.1%}. A typical Wilson "
        f"interval from a sample of {'; of '.join(ends)}."
    )
    data = (STATIC / SCORES).read_bytes()
    scripts = ["scores.js", "samples.js"]
    show(title, words, page(title, words, part("samples.html"), scripts, data), height=560)
