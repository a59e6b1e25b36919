"""Answers to the quiz of notebook 05."""

import numpy as np

from helpers import metrics
from tests.notebooks.quizzes import Truth


def question_1() -> Truth:
    """The three figures of a model that never says "complaint"; the one that is low tells."""
    labels, never = np.repeat([0, 1], [95, 5]), np.zeros(100, int)
    matrix = metrics.confusion_matrix(labels, never)
    assert metrics.accuracy(matrix) == 0.95
    return {
        "a": metrics.specificity(matrix)[1] < 0.9,
        "b": metrics.recall(matrix)[1] < 0.9,
        "c": metrics.average(metrics.f1, matrix, "micro") < 0.9,
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
