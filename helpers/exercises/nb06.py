"""Graders of notebook 06, cross-validation."""

from collections.abc import Callable

import numpy as np
from scipy import stats

from helpers.exercises import Verdict, exercise, is_close, right, unanswered, wrong

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
    if is_close(p_value, stats.binomtest(5, 10).pvalue):
        return wrong("p: of 6 sentences, not of 10. Where both agree, nothing is decided.")
    if is_close(p_value, 1 - stats.binomtest(5, 6).pvalue):
        return wrong("p: that is one minus it. The p-value is the chance of such a split.")
    if not is_close(p_value, stats.binomtest(5, 6).pvalue):
        return wrong("p: stats.binomtest(5, 6).pvalue, a coin's chance of 5 to 1 or worse.")
    return right("5 to 1 looks clear, and yet p is 0.22: six differing sentences prove little.")


FILMS = ["up", "up", "jaws", "alien", "up", "heat", "jaws", "big", "alien", "m", "heat", "z"]


@exercise("06-2")
def grouped_folds(function: Callable[[list[str], int], list[int]]) -> Verdict:
    """A function that deals whole groups to folds."""
    given = function(list(FILMS), 3)
    if given is None or given is ...:
        return unanswered()
    fold = list(given)
    if len(fold) != len(FILMS):
        return wrong("Return one number for each review: its fold. The list is as long as groups.")
    if set(fold) == {1, 2, 3}:
        return wrong("Folds count from 0 here: 0, 1, 2 for k = 3.")
    film_folds = {
        film: {f for f, g in zip(fold, FILMS, strict=True) if g == film} for film in FILMS
    }
    split = [film for film, found in film_folds.items() if len(found) > 1]
    if split:
        return wrong(f"The reviews of '{split[0]}' are in several folds: deal films, not reviews.")
    if not set(fold) <= {0, 1, 2}:
        return wrong("For k = 3 only the folds 0, 1 and 2 exist: take the film's number modulo k.")
    for films, k in ((FILMS, 3), (FILMS, 4), (["a", "b", "a", "c", "b"], 2)):
        fold = np.asarray(function(list(films), k))
        first = [films.index(film) for film in dict.fromkeys(films)]
        counts = np.bincount(fold[first], minlength=k)
        if len(counts) > k or np.ptp(counts) > 1:
            return wrong(
                f"For k = {k} the folds hold {counts.tolist()} films: deal them in turns, so that "
                "the numbers differ by at most one."
            )
    return right("No film stands on both sides, so none can be recognized.")


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


@exercise("06-3")
def select_inside(function: Callable) -> Verdict:
    """A function that chooses columns inside the training folds only."""
    rng = np.random.default_rng(6)
    X, y, fold = rng.normal(size=(60, 300)), np.arange(60) % 2, rng.permutation(60) % 5
    given = function(X.copy(), y.copy(), fold.copy(), columns_of, nearest_mean)
    if given is None or given is ...:
        return unanswered()
    if np.ndim(given) == 0:
        return wrong("Return the predictions of all rows, not their accuracy.")
    given = np.asarray(given)
    if given.shape != y.shape:
        return wrong(f"Return one prediction for each of the {len(y)} rows, in their order.")
    if is_close(given, out_of_fold(X, y, fold)):
        return right("On these random labels it is right half of the time, as it must be.")
    if is_close(given, out_of_fold(X, y, fold, "everything")):
        return wrong("You choose columns once, on all rows: the held-out labels have helped.")
    if is_close(given, out_of_fold(X, y, fold, "held out")):
        return wrong("You choose columns on the held-out rows. Choose them on the other folds.")
    columns = columns_of(X, y)
    if is_close(given, nearest_mean(X[:, columns], y, X[:, columns])):
        return wrong("You fit on all rows and predict the same rows: nothing is held out.")
    by_fold = np.concatenate([out_of_fold(X, y, fold)[fold == f] for f in np.unique(fold)])
    if is_close(given, by_fold):
        return wrong("Right predictions in the wrong order: write them into predictions[held_out].")
    return wrong("For each fold: choose on the other folds, fit there, predict the fold's rows.")
