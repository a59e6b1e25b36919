"""Answers to the quiz of notebook 06."""

import numpy as np
import pandas as pd
from scipy import stats

from helpers import validation
from helpers.exercises import nb06
from tests.notebooks.quizzes import Truth
from tools.experiments.cross_validation import RESULTS


def question_1() -> Truth:
    """Which luck moves the standard deviation of five recorded seeds on one split."""
    runs = pd.read_csv(RESULTS).query("model == 'fine-tuned' and fold == 0")["accuracy"].to_numpy()
    easier_split, luckier_run = runs + 0.02, runs + 0.02 * (runs == runs.max())

    def moved(other: np.ndarray) -> bool:
        return not np.isclose(other.std(ddof=1), runs.std(ddof=1))

    split, run = moved(easier_split), moved(luckier_run)
    return {"a": run and not split, "b": run and split, "c": split and not run}


def leaks(predictions: np.ndarray, labels: np.ndarray) -> bool:
    """Whether labels that nothing can foretell are hit more often than a coin would."""
    hits = int((predictions == labels).sum())
    return stats.binomtest(hits, len(labels), 0.5, "greater").pvalue < 0.01


def question_2() -> Truth:
    """Three ways to cross-validate on labels drawn at random; which one finds nothing?"""
    X, y, fold = nb06.RANDOM_LABELS
    everywhere = nb06.out_of_fold(X, y, fold, "everything")
    inside = nb06.out_of_fold(X, y, fold)
    copied, dealt = np.tile(np.arange(len(y)), 2), np.random.default_rng(0).permutation(120) % 5
    distance = ((X[copied, None] - X[copied]) ** 2).sum(axis=2)
    distance[dealt[:, None] == dealt] = np.inf  # only rows of other folds can be the nearest
    by_copies = y[copied][distance.argmin(axis=1)]
    return {
        "a": not leaks(everywhere, y),
        "b": not leaks(by_copies, y[copied]),
        "c": not leaks(inside, y),
    }


def question_3() -> Truth:
    """Two models that differ on 70 of 1,000 sentences, as two seeds of section 8 do."""
    first = np.repeat([1, 1, 0, 0], [790, 30, 40, 140])
    second = np.repeat([1, 0, 1, 0], [790, 30, 40, 140])
    assert (first.mean(), second.mean()) == (0.82, 0.83)
    proven = validation.mcnemar(first, second)[2] < 0.05
    needed = validation.examples_needed(0.01, 0.07)
    provable = needed < 100_000
    return {"a": proven, "b": not provable, "c": not proven and provable and needed > 1000}


QUESTIONS = [question_1, question_2, question_3]
