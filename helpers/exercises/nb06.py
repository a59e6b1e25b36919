"""Graders of notebook 06, cross-validation."""

from collections.abc import Callable

import numpy as np
from scipy import stats

from helpers.exercises import (
    Verdict,
    exercise,
    gave_nothing,
    is_close,
    is_rounded,
    right,
    wrong,
)

A = np.array([1, 1, 1, 1, 1, 1, 1, 1, 0, 0])
B = np.array([1, 0, 1, 0, 0, 0, 1, 0, 1, 0])


@exercise("06-1")
def mcnemar_by_hand(only_a: int, only_b: int, p_value: float) -> Verdict:
    """How two models differ on ten sentences, and the exact p-value."""
    if is_close([only_a, only_b], [A.sum(), B.sum()]):
        return wrong("Those are all right answers. Count sentences that only one has right.")
    if is_close([only_a, only_b], [1, 5]):
        return wrong("The other way round: only_a counts sentences where a is right and b wrong.")
    if is_close([only_a, only_b], [3, 1]):
        return wrong("Those are the sentences on which both agree. Count where they differ.")
    if not is_close([only_a, only_b], [5, 1]):
        return wrong("only_a: the columns with 1 above 0. only_b: those with 0 above 1.")
    if is_close(p_value, stats.binomtest(5, 6, alternative="greater").pvalue):
        return wrong("p: that is one side only. A split of 1 to 5 is as uneven as 5 to 1: twice.")
    if hasattr(p_value, "pvalue"):
        return wrong("p: that is the whole result of the test. Its p-value is in .pvalue.")
    if is_close(p_value, 100 * stats.binomtest(5, 6).pvalue, 0.5):
        return wrong("p: as a share between 0 and 1, not in percent.")
    if any(is_close(p_value, stats.binomtest(k, 10).pvalue) for k in (only_a, only_b)):
        return wrong("p: of 6 sentences, not of 10. Where both agree, nothing is decided.")
    if is_close(p_value, 1 - stats.binomtest(5, 6).pvalue):
        return wrong("p: that is one minus it. The p-value is the chance of such a split.")
    exact = stats.binomtest(5, 6).pvalue
    if not is_close(p_value, exact) and not is_rounded(p_value, exact, 2):
        return wrong("p: stats.binomtest(5, 6).pvalue, a coin's chance of 5 to 1 or worse.")
    return right("5 to 1 looks clear, and yet p is 0.22: six differing sentences prove little.")


FILMS = ["up", "up", "jaws", "alien", "up", "heat", "jaws", "big", "alien", "m", "heat", "z"]
UNEVEN = ["a"] * 6 + ["b", "c", "d"]
MANY = np.random.default_rng(6).choice([f"film {i}" for i in range(11)], 60).tolist()


@exercise("06-2")
def grouped_folds(function: Callable[[list[str], int], list[int]]) -> Verdict:
    """A function that deals whole groups to folds."""
    tried = [(FILMS, 3), (FILMS, 4), (["a", "b", "a", "c", "b"], 2), (UNEVEN, 2), (MANY, 5)]
    for films, k in tried:
        given = function(list(films), k)
        if nothing := gave_nothing(given):
            return nothing
        if hint := fault_of_folds(np.asarray(given).tolist(), films, k):
            return wrong(hint)
    return right("No film stands on both sides, so none can be recognized.")


def fault_of_folds(fold: list, films: list[str], k: int) -> str:
    """What is wrong with the folds of reviews of these films, or ""."""
    if any(number != int(number) for number in fold):
        return f"A fold is a whole number: 0 to {k - 1} for k = {k}."
    if len(fold) != len(films):
        return "Return one number for each review: its fold. The list is as long as groups."
    if set(fold) == set(range(1, k + 1)):
        return f"Folds count from 0 here: 0 to {k - 1} for k = {k}."
    for film in dict.fromkeys(films):
        if len({f for f, other in zip(fold, films, strict=True) if other == film}) > 1:
            return (
                f"With k = {k}, the reviews of '{film}' are in several folds: deal films, not "
                "reviews."
            )
    if not set(fold) <= set(range(k)):
        return f"For k = {k} only the folds 0 to {k - 1} exist: take the film's number modulo k."
    numbers = np.array(fold, dtype=int)
    first = [films.index(film) for film in dict.fromkeys(films)]
    counts, reviews = np.bincount(numbers[first], minlength=k), np.bincount(numbers, minlength=k)
    if films == UNEVEN and counts.tolist() in ([1, 3], [3, 1]) and max(reviews) == 6:
        return "You balance the reviews in each fold. The exercise balances the films."
    if np.ptp(counts) > 1:
        return (
            f"For k = {k} the folds hold {counts.tolist()} films: deal them in turns, so that "
            "the numbers differ by at most one."
        )
    return ""


def columns_of(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The three columns whose class means differ most."""
    gap = np.abs(X[y == 1].mean(axis=0) - X[y == 0].mean(axis=0))
    return np.argsort(-gap, kind="stable")[:3]


def nearest_mean(X_train: np.ndarray, y_train: np.ndarray, X_test: np.ndarray) -> np.ndarray:
    """The class whose mean is nearer."""
    means = np.array([X_train[y_train == c].mean(axis=0) for c in (0, 1)])
    return ((X_test[:, None] - means) ** 2).sum(axis=2).argmin(axis=1)


def out_of_fold(
    X: np.ndarray, y: np.ndarray, fold: np.ndarray, where: str = "inside"
) -> np.ndarray:
    """Out-of-fold predictions; `where` says what columns are chosen on."""
    predictions = np.empty(len(y), int)
    for number in np.unique(fold):
        test = fold == number
        rows = {"inside": ~test, "everything": test | ~test, "held out": test}[where]
        columns = columns_of(X[rows], y[rows])
        predictions[test] = nearest_mean(X[~test][:, columns], y[~test], X[test][:, columns])
    return predictions


RNG = np.random.default_rng(8)
RANDOM_LABELS = RNG.normal(size=(60, 300)), np.arange(60) % 2, RNG.permutation(60) % 5


def mistaken(X: np.ndarray, y: np.ndarray, fold: np.ndarray) -> list[tuple[np.ndarray, str]]:
    """What typical mistakes give, and what to say about each."""
    columns, honest, folds = columns_of(X, y), out_of_fold(X, y, fold), np.unique(fold)
    first, fitted_on_all, on_held_out = np.zeros(len(y), int), honest.copy(), honest.copy()
    first[fold == folds[0]] = honest[fold == folds[0]]
    for number in folds:
        test = fold == number
        inside = columns_of(X[~test], y[~test])
        fitted_on_all[test] = nearest_mean(X[:, inside], y, X[test][:, inside])
        on_held_out[test] = nearest_mean(X[test][:, inside], y[test], X[test][:, inside])
    return [
        (
            out_of_fold(X, y, fold, "everything"),
            "You choose columns once, on all rows: the held-out labels have helped.",
        ),
        (
            out_of_fold(X, y, fold, "held out"),
            "You choose columns on the held-out rows. Choose them on the other folds.",
        ),
        (
            nearest_mean(X[:, columns], y, X[:, columns]),
            "You fit on all rows and predict the same rows: nothing is held out.",
        ),
        (
            np.concatenate([honest[fold == number] for number in folds]),
            "Right predictions in the wrong order: write them into predictions[held_out].",
        ),
        (
            fitted_on_all,
            "The columns are chosen inside, but you fit on all rows: X[train], y[train].",
        ),
        (
            on_held_out,
            "You fit on the held-out rows themselves: X[train], y[train] are the others.",
        ),
    ]


@exercise("06-3")
def select_inside(function: Callable) -> Verdict:
    """A function that chooses columns inside the training folds only."""
    X, y, fold = RANDOM_LABELS
    given = function(X.copy(), y.copy(), fold.copy(), columns_of, nearest_mean)
    if nothing := gave_nothing(given):
        return nothing
    if np.ndim(given) == 0:
        return wrong("Return the predictions of all rows, not their accuracy.")
    given = np.asarray(given)
    if given.shape != y.shape:
        return wrong(
            f"Return one prediction for each of the {len(y)} rows, in their order, and only after "
            "the last fold (is the return inside the loop?)."
        )
    for answer, hint in mistaken(X, y, fold):
        if is_close(given, answer):
            return wrong(hint)
    if not is_close(given, out_of_fold(X, y, fold)):
        return wrong(
            "For each fold: choose on the other folds, fit there, predict the fold's rows."
        )
    seven = np.arange(60) % 7
    given = function(X.copy(), y.copy(), seven.copy(), columns_of, nearest_mean)
    if not is_close(given, out_of_fold(X, y, seven)):
        return wrong("With seven folds it goes wrong: loop over np.unique(fold), not over five.")
    return right(
        "On these random labels it has 50 %, as it must on average; choosing on all rows would "
        "have shown 72 %."
    )
