"""Right and wrong answers to the exercises of notebook 06."""

import numpy as np
import pandas as pd
from scipy import stats

from tests.notebooks.cases import Cases


def deal_films(groups, k):
    return (pd.factorize(np.array(groups))[0] % k).tolist()


def deal_films_with_a_dictionary(groups, k):
    numbers = {}
    return [numbers.setdefault(film, len(numbers)) % k for film in groups]


def deal_reviews(groups, k):
    return [i % k for i in range(len(groups))]


def number_the_films(groups, k):
    return pd.factorize(np.array(groups))[0].tolist()


def from_one(groups, k):
    return [fold + 1 for fold in deal_films(groups, k)]


def first_films_first(groups, k):
    return [min(number, k - 1) for number in number_the_films(groups, k)]


def one_fold_a_film(groups, k):
    return sorted(set(deal_films(groups, k)))


def honest(X, y, fold, select, fit_predict):
    predictions = np.empty(len(y), int)
    for number in range(fold.max() + 1):
        train = fold != number
        columns = select(X[train], y[train])
        predictions[~train] = fit_predict(X[train][:, columns], y[train], X[~train][:, columns])
    return predictions


def honest_by_indices(X, y, fold, select, fit_predict):
    found = {}
    for number in set(fold.tolist()):
        train, test = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        columns = select(X[train], y[train])
        answers = fit_predict(X[np.ix_(train, columns)], y[train], X[np.ix_(test, columns)])
        found |= dict(zip(test.tolist(), answers.tolist(), strict=True))
    return [found[i] for i in range(len(y))]


def choose_on_everything(X, y, fold, select, fit_predict):
    kept = X[:, select(X, y)]
    return honest(kept, y, fold, lambda X, y: np.arange(X.shape[1]), fit_predict)


def choose_on_the_held_out(X, y, fold, select, fit_predict):
    predictions = np.empty(len(y), int)
    for number in range(fold.max() + 1):
        train = fold != number
        columns = select(X[~train], y[~train])
        predictions[~train] = fit_predict(X[train][:, columns], y[train], X[~train][:, columns])
    return predictions


def hold_out_nothing(X, y, fold, select, fit_predict):
    columns = select(X, y)
    return fit_predict(X[:, columns], y, X[:, columns])


def accuracy_only(X, y, fold, select, fit_predict):
    return (honest(X, y, fold, select, fit_predict) == y).mean()


def one_after_the_other(X, y, fold, select, fit_predict):
    predictions = honest(X, y, fold, select, fit_predict)
    return np.concatenate([predictions[fold == number] for number in range(fold.max() + 1)])


def fit_on_everything(X, y, fold, select, fit_predict):
    predictions = np.empty(len(y), int)
    for number in range(fold.max() + 1):
        train = fold != number
        columns = select(X[train], y[train])
        predictions[~train] = fit_predict(X[:, columns], y, X[~train][:, columns])
    return predictions


def fit_on_the_held_out(X, y, fold, select, fit_predict):
    predictions = np.empty(len(y), int)
    for number in range(fold.max() + 1):
        train, test = fold != number, fold == number
        columns = select(X[train], y[train])
        predictions[test] = fit_predict(X[test][:, columns], y[test], X[test][:, columns])
    return predictions


def always_five(X, y, fold, select, fit_predict):
    predictions = np.zeros(len(y), int)
    for number in range(5):
        train = fold != number
        columns = select(X[train], y[train])
        predictions[~train] = fit_predict(X[train][:, columns], y[train], X[~train][:, columns])
    return predictions


def return_in_the_loop(X, y, fold, select, fit_predict):
    train = fold != 0
    columns = select(X[train], y[train])
    return fit_predict(X[train][:, columns], y[train], X[~train][:, columns])


def as_floats(groups, k):
    return [float(number) for number in deal_films(groups, k)]


def in_between(groups, k):
    return [number + 0.5 for number in deal_films(groups, k)]


def balance_reviews(groups, k):
    load, place = [0] * k, {}
    for film in sorted(set(groups), key=lambda film: -groups.count(film)):
        place[film] = load.index(min(load))
        load[place[film]] += groups.count(film)
    return [place[film] for film in groups]


def three_folds_only(groups, k):
    return deal_films(groups, k) if k == 3 else deal_reviews(groups, k)


def split_with_many_films(groups, k):
    return deal_films(groups, k) if len(set(groups)) < 9 else deal_reviews(groups, k)


def by_length_of_the_name(groups, k):
    return [len(film) % k for film in groups]


P = stats.binomtest(5, 6).pvalue

CASES = {
    "06-1": Cases(
        right=[(5, 1, P), (5, 1, 7 / 32), (5, 1, 0.22), (5, 1, 0.219)],
        wrong=[
            ((8, 4, P), "all right answers"),
            ((1, 5, P), "other way round"),
            ((3, 1, P), "both agree. Count"),
            ((5, 1, P / 2), "one side only"),
            ((5, 1, stats.binomtest(5, 10).pvalue), "not of 10"),
            ((5, 1, 1 - P), "one minus it"),
            ((5, 1, 0.2), "binomtest(5, 6)"),
            ((5, 1, 100 * P), "not in percent"),
            ((5, 1, stats.binomtest(5, 6)), "in .pvalue"),
        ],
    ),
    "06-2": Cases(
        right=[(deal_films,), (deal_films_with_a_dictionary,), (as_floats,)],
        wrong=[
            ((deal_reviews,), "deal films, not reviews"),
            ((number_the_films,), "modulo k"),
            ((from_one,), "count from 0"),
            ((first_films_first,), "in turns"),
            ((one_fold_a_film,), "as long as groups"),
            ((in_between,), "whole number"),
            ((balance_reviews,), "balance the reviews"),
            ((three_folds_only,), "k = 4, the reviews of 'up'"),
            ((split_with_many_films,), "k = 5, the reviews of"),
            ((by_length_of_the_name,), "in turns"),
        ],
    ),
    "06-3": Cases(
        right=[(honest,), (honest_by_indices,)],
        wrong=[
            ((choose_on_everything,), "once, on all rows"),
            ((choose_on_the_held_out,), "on the held-out rows"),
            ((hold_out_nothing,), "nothing is held out"),
            ((accuracy_only,), "not their accuracy"),
            ((one_after_the_other,), "wrong order"),
            ((fit_on_everything,), "fit on all rows: X"),
            ((fit_on_the_held_out,), "fit on the held-out rows"),
            ((return_in_the_loop,), "inside the loop"),
            ((always_five,), "With seven folds"),
        ],
    ),
}
