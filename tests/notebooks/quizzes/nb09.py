"""Answers to the quiz of notebook 09."""

import numpy as np
from scipy import stats
from sklearn.metrics import r2_score

from helpers.measured import domains
from tests.notebooks.quizzes import Truth


def question_1() -> Truth:
    """Predictions with the order of r = 0.8 and another scale: R², a line through them, pairs."""
    rng = np.random.default_rng(0)
    noise, labels = rng.normal(size=(2, 3000))
    predictions = 0.8 * labels + 0.6 * noise
    predictions = 1.7 * predictions + 0.4
    r, r2 = np.corrcoef(predictions, labels)[0, 1], r2_score(labels, predictions)
    mended = np.polyval(np.polyfit(predictions, labels, 1), predictions)
    assert abs(r - 0.8) < 0.03 and abs(r2 + 0.5) < 0.3
    pairs_in_order = (stats.kendalltau(predictions, labels).statistic + 1) / 2
    return {
        "a": r2 >= 0,
        "b": abs(r2_score(labels, mended) - r**2) < 1e-9 and r2 < 0,
        "c": pairs_in_order <= 0.5,
    }


def question_2() -> Truth:
    """Twenty noisy people and a model with the two correlations of the question; truth is known."""
    rng = np.random.default_rng(0)
    truth = rng.normal(size=4000)
    people = truth[:, None] + 0.52 * rng.normal(size=(4000, 20))
    model = truth + 0.43 * rng.normal(size=4000)
    mean, rest = people.mean(axis=1), people[:, 1:].mean(axis=1)

    def r(one: np.ndarray, other: np.ndarray) -> float:
        return float(np.corrcoef(one, other)[0, 1])

    assert round(r(model, mean), 2) == 0.91 and round(r(people[:, 0], rest), 2) == 0.88
    reliable = r(people[:, :10].mean(axis=1), people[:, 10:].mean(axis=1))  # two halves
    ceiling = np.sqrt(2 * reliable / (1 + reliable))
    better, at_the_top = r(model, truth) > r(mean, truth), r(model, mean) > ceiling - 0.02
    return {"a": better, "b": bool(at_the_top), "c": not better and not at_the_top}


def question_3() -> Truth:
    """Recorded correlations on tweets: 200 of them alone, with 800 film sentences, films alone."""
    ways = {"a": ("mse", "tweets", 200), "b": ("mse", "movie", 800, 200), "c": ("mse", "movie")}
    r = {letter: domains.by_seed(way, "tweets")["pearson"] for letter, way in ways.items()}
    return {
        letter: all((r[letter] > r[other]).all() for other in r if other != letter) for letter in r
    }


QUESTIONS = [question_1, question_2, question_3]
