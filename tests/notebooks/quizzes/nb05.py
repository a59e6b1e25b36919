"""Answers to the quiz of notebook 05."""

import numpy as np

from helpers import metrics
from tests.notebooks.quizzes import Truth


def question_1() -> Truth:
    """A model that never says "complaint" beside one of the same accuracy that finds 40 of the 50:
    what makes the first the worse one tells."""
    labels = np.repeat([0, 0, 1, 1], [910, 40, 10, 40])
    finding = np.repeat([0, 1, 0, 1], [910, 40, 10, 40])
    never, other = (
        metrics.confusion_matrix(labels, said, 2) for said in (np.zeros_like(labels), finding)
    )
    assert metrics.accuracy(never) == metrics.accuracy(other) == 0.95
    lowest, lowest_of_other = (metrics.wilson(np.trace(each), 1000)[0] for each in (never, other))
    return {
        "a": metrics.specificity(never)[1] < metrics.specificity(other)[1],
        "b": metrics.recall(never)[1] < metrics.recall(other)[1],
        "c": lowest < lowest_of_other,
    }


def question_2() -> Truth:
    """Logits that are too sure, before and after division by the temperature that fits."""
    rng = np.random.default_rng(0)
    truth = rng.normal(0, 1.5, 2000)
    labels = (rng.random(2000) < 1 / (1 + np.exp(-truth))).astype(int)
    logits = np.stack([np.zeros(2000), 2.5 * truth], axis=1)
    found = []
    for z in (logits, logits / metrics.fit_temperature(labels, logits)):
        p = 1 / (1 + np.exp(z[:, 0] - z[:, 1]))
        ece = metrics.expected_calibration_error(labels, p)
        found.append((ece, ((p > 0.5) == labels).mean(), metrics.auc(labels, p)))
    (ece, accuracy, auc), (ece_after, accuracy_after, auc_after) = found
    assert ece_after < ece / 2
    return {
        "a": accuracy_after > accuracy and auc_after > auc,
        "b": accuracy_after == accuracy and auc_after > auc,
        "c": accuracy_after == accuracy and auc_after == auc,
    }


def question_3() -> Truth:
    """Four thousand times five epochs that are truly equal: what is reported, and is it so?"""
    rng, true = np.random.default_rng(0), 0.84
    test, validation = (rng.binomial(n, true, (4000, 5)) for n in (1705, 853))
    best, preferred = test.max(axis=1), test[np.arange(4000), validation.argmax(axis=1)]
    low, high = metrics.wilson(best, 1705)
    covered = ((low <= true) & (true <= high)).mean()
    return {
        "a": abs(best.mean() / 1705 - true) < 0.001,
        "b": covered > 0.94,
        "c": abs(preferred.mean() / 1705 - true) < 0.001,
    }


QUESTIONS = [question_1, question_2, question_3]
