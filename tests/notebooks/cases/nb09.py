"""Right and wrong answers to the exercises of notebook 09."""

import numpy as np
from scipy import stats

from tests.notebooks.cases import Cases


def each(ratings):
    total, k = ratings.sum(axis=1), ratings.shape[1]
    return [np.corrcoef(one, (total - one) / (k - 1))[0, 1] for one in ratings.T]


def each_by_deleting(ratings):
    people = range(ratings.shape[1])
    means = [np.delete(ratings, j, axis=1).mean(axis=1) for j in people]
    return np.array([np.corrcoef(ratings[:, j], means[j])[0, 1] for j in people])


def with_oneself(ratings):
    return [np.corrcoef(one, ratings.mean(axis=1))[0, 1] for one in ratings.T]


def by_medians(ratings):
    people = range(ratings.shape[1])
    rest = [np.median(np.delete(ratings, j, axis=1), axis=1) for j in people]
    return [np.corrcoef(ratings[:, j], rest[j])[0, 1] for j in people]


def only_means(ratings):
    return (ratings.sum(axis=1, keepdims=True) - ratings) / (ratings.shape[1] - 1)


def a_number(ratings):
    return np.mean(each(ratings))


def by_sentence(ratings):
    return ratings.mean(axis=1)


def against_the_first(ratings):
    return np.corrcoef(ratings.T)[0]


def by_ranks(ratings):
    total, k = ratings.sum(axis=1), ratings.shape[1]
    return [stats.spearmanr(one, (total - one) / (k - 1))[0] for one in ratings.T]


def wrong_axis(ratings):
    total = ratings.sum(axis=0)
    return [np.corrcoef(one, total - one)[0, 1] for one in ratings.T]


def everyone_with_everyone(ratings):
    return np.corrcoef(ratings.T)


def for_four(ratings):
    a, b, c, d = ratings.T[:4]
    pairs = (a, b + c + d), (b, a + c + d), (c, a + b + d), (d, a + b + c)
    return [np.corrcoef(one, others)[0, 1] for one, others in pairs]


def on_the_line(predictions, labels, new):
    slope, intercept = np.polyfit(predictions, labels, 1)
    return slope * new + intercept


def by_least_squares(predictions, labels, new):
    columns = np.stack([predictions, np.ones(len(predictions))], axis=1)
    found = np.linalg.lstsq(columns, labels)[0]
    return (np.stack([new, np.ones(len(new))], axis=1) @ found).tolist()


def two_numbers(predictions, labels, new):
    return np.polyfit(predictions, labels, 1)


def shifted(predictions, labels, new):
    return new + (labels - predictions).mean()


def scaled(predictions, labels, new):
    return new * (predictions * labels).sum() / (predictions**2).sum()


def backwards(predictions, labels, new):
    slope, intercept = np.polyfit(labels, predictions, 1)
    return slope * new + intercept


def turned_round(predictions, labels, new):
    slope, intercept = np.polyfit(labels, predictions, 1)
    return (new - intercept) / slope


def equal_spread(predictions, labels, new):
    return (new - predictions.mean()) / predictions.std() * labels.std() + labels.mean()


def as_they_were(predictions, labels, new):
    return new


def one_number(predictions, labels, new):
    return np.full(len(new), labels.mean())


def no_intercept(predictions, labels, new):
    return np.polyfit(predictions, labels, 1)[0] * new


def exchanged(predictions, labels, new):
    intercept, slope = np.polyfit(predictions, labels, 1)
    return slope * new + intercept


def of_the_few(predictions, labels, new):
    return on_the_line(predictions, labels, predictions)


CASES = {
    "09-1": Cases(
        right=[(-0.5, 0.75, 1), (1 - 12 / 8, 1 - 2 / 8, 1.0)],
        wrong=[
            ((1.5, 0.25, 1), "1 minus that"),
            ((4, 2 / 3, 1), "mean squared errors"),
            ((12, 2, 1), "sums of squared errors"),
            ((1, 1, 1), "r times r"),
            ((0, 0.75, 1), "no floor"),
            ((0.75, -0.5, 1), "other way round"),
            ((-0.5, 0.75, -0.5), "r: that is R²"),
            ((-0.5, 0.75, 0.5), "one rising line"),
        ],
    ),
    "09-2": Cases(
        right=[(each,), (each_by_deleting,)],
        wrong=[
            ((with_oneself,), "own rating is in that mean"),
            ((a_number,), "not one number"),
            ((by_sentence,), "A person is a column"),
            ((only_means,), "Correlate each column"),
            ((against_the_first,), "against the first"),
            ((by_medians,), "medians of the others"),
            ((by_ranks,), "Spearman's"),
            ((wrong_axis,), "one value for each sentence"),
            ((everyone_with_everyone,), "each person with each other"),
            ((for_four,), "Right for four people"),
        ],
    ),
    "09-3": Cases(
        right=[(on_the_line,), (by_least_squares,)],
        wrong=[
            ((two_numbers,), "two numbers of the line"),
            ((shifted,), "Only shifted"),
            ((scaled,), "Only scaled"),
            ((backwards,), "labels from predictions"),
            ((turned_round,), "then turned round"),
            ((equal_spread,), "Equal spread"),
            ((as_they_were,), "as they were"),
            ((one_number,), "One number for all"),
            ((no_intercept,), "intercept is missing"),
            ((exchanged,), "are exchanged"),
            ((of_the_few,), "each of the 15"),
        ],
    ),
}
