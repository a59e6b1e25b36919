"""Answers to the quiz of notebook 07."""

import warnings

import numpy as np
from scipy import stats
from sklearn.linear_model import LogisticRegression

from helpers import checkpoints
from tests.notebooks.quizzes import Truth, raises


def coverage(shared: bool, articles: float, training: float, trials: int = 400) -> float:
    """How often the 95 % t interval of ten mean differences holds the true one, 0.

    A difference is the mean over 988 of 1,088 articles, whose luck has the spread `articles` and
    is the same in all ten draws or not; the training set's luck has the spread `training`.
    """
    rng, held = np.random.default_rng(0), 0
    for _ in range(trials):
        luck = articles * rng.normal(size=(10, 1088))
        luck = luck[[0] * 10] if shared else luck
        scored = np.argsort(rng.random((10, 1088)), axis=1)[:, :988]
        means = np.take_along_axis(luck, scored, axis=1).mean(axis=1)
        means += training * rng.normal(size=10) / np.sqrt(988)
        half = stats.t.ppf(0.975, 9) * means.std(ddof=1) / np.sqrt(10)
        held += abs(means.mean()) <= half
    return held / trials


def question_1() -> Truth:
    """The interval if ten draws share no article, share most, or differ by training only."""
    return {
        "a": coverage(shared=False, articles=1, training=1) < 0.92,
        "b": coverage(shared=True, articles=1, training=1) < 0.92,
        "c": coverage(shared=True, articles=0, training=1) < 0.92,
    }


def question_2() -> Truth:
    """What the tokenizer gives for a text of 900 tokens."""
    tokenizer, text = checkpoints.load_tokenizer(), "film " * 898
    whole = tokenizer(text, verbose=False)["input_ids"]
    options = {"truncation": True, "max_length": 512}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fails = raises(tokenizer, text, **options)  # a warning counts
    cut = tokenizer(text, **options)["input_ids"]
    return {
        "a": fails,
        "b": isinstance(cut[0], list),
        "c": len(whole) == 900 and cut == whole[:511] + whole[-1:] and not fails,
    }


def gains(added: int, repetitions: int = 40) -> tuple[float, float]:
    """Gain of the best of ten random additions over their mean: on the test it was chosen by,
    and on other examples."""
    rng, same, other = np.random.default_rng(0), [], []
    for _ in range(repetitions):
        X = rng.normal(size=(2000, 8))
        y = (X[:, 0] + rng.normal(size=2000) > 0).astype(int)
        test, fresh = slice(0, 100), slice(100, 1000)
        scores = []
        for _ in range(10):
            rows = np.r_[1000:1030, 1030 + rng.permutation(970)[:added]]
            model = LogisticRegression().fit(X[rows], y[rows])
            scores.append([(model.predict(X[part]) == y[part]).mean() for part in (test, fresh)])
        scores = np.array(scores)
        gain = scores[scores[:, 0].argmax()] - scores.mean(axis=0)
        same.append(gain[0])
        other.append(gain[1])
    return float(np.mean(same)), float(np.mean(other))


def question_3() -> Truth:
    """Twenty labels that are chosen by the test: how much of the gain is left on other articles?"""
    chosen_by, elsewhere = gains(20)
    inflated = chosen_by > elsewhere + 0.01
    more_by, more_elsewhere = gains(80)
    return {
        "a": inflated,
        "b": not inflated,
        "c": inflated and more_by <= more_elsewhere + 0.01,
    }


QUESTIONS = [question_1, question_2, question_3]
