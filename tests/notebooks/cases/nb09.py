"""Right and wrong answers to the exercises of notebook 09."""

import numpy as np
from scipy import stats
from sklearn.linear_model import LinearRegression, Ridge

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


def each_by_standardizing(ratings):
    """Another shape: all columns at once, and no mean of the others, only their sum."""
    others = ratings.sum(axis=1, keepdims=True) - ratings
    z = (ratings - ratings.mean(axis=0)) / ratings.std(axis=0)
    w = (others - others.mean(axis=0)) / others.std(axis=0)
    return (z * w).mean(axis=0)


def squared_r(ratings):
    return np.square(each(ratings))


def without_its_sign(ratings):
    return np.abs(each(ratings))


def changing_the_ratings(ratings):
    found = np.array(each(ratings))
    ratings -= ratings.mean(axis=0)
    return found


def on_the_line(predictions, labels, new):
    slope, intercept = np.polyfit(predictions, labels, 1)
    return slope * new + intercept


def by_least_squares(predictions, labels, new):
    columns = np.stack([predictions, np.ones(len(predictions))], axis=1)
    found = np.linalg.lstsq(columns, labels)[0]
    return (np.stack([new, np.ones(len(new))], axis=1) @ found).tolist()


def by_covariance(predictions, labels, new):
    """Another shape: centred first, from the covariance matrix, one value after another."""
    table = np.cov(predictions, labels)
    slope = table[0, 1] / table[0, 0]
    return [labels.mean() + slope * (value - predictions.mean()) for value in new]


def by_the_library(predictions, labels, new):
    return LinearRegression().fit(predictions[:, None], labels).predict(new[:, None])


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


def clipped_to_the_labels(predictions, labels, new):
    return on_the_line(predictions, labels, new).clip(labels.min(), labels.max())


def clipped_to_the_scale(predictions, labels, new):
    return np.clip(on_the_line(predictions, labels, new), -4, 4)


def clipped_before(predictions, labels, new):
    return on_the_line(predictions, labels, new.clip(predictions.min(), predictions.max()))


def rounded(predictions, labels, new):
    return on_the_line(predictions, labels, new).round()


def sorted_first(predictions, labels, new):
    return np.sort(on_the_line(predictions, labels, new))


def parabola(predictions, labels, new):
    return np.polyval(np.polyfit(predictions, labels, min(2, len(labels) - 1)), new)


def half_of_the_labels(predictions, labels, new):
    half = max(2, len(labels) // 2)
    return on_the_line(predictions[:half], labels[:half], new)


def centred_on_the_new(predictions, labels, new):
    slope = np.polyfit(predictions, labels, 1)[0]
    return (new - new.mean()) * slope + labels.mean()


def in_place(predictions, labels, new):
    slope, intercept = np.polyfit(predictions, labels, 1)
    new *= slope
    new += intercept
    return new


def never_downwards(predictions, labels, new):
    slope, intercept = np.polyfit(predictions, labels, 1)
    return abs(slope) * new + intercept


def with_ridge(predictions, labels, new):
    return Ridge(alpha=5.0).fit(predictions[:, None], labels).predict(new[:, None])


def remembered(predictions, labels, new):
    """The line of the first model, whatever comes."""
    if not hasattr(remembered, "found") or len(labels) == 40:
        remembered.found = np.polyfit(predictions, labels, 1)
    return np.polyval(remembered.found, new)


CASES = {
    "09-1": Cases(
        right=[(-0.5, 0.75, 1), (1 - 12 / 8, 1 - 2 / 8, 1.0)],
        wrong=[
            ((1.5, 0.25, 1), "1 minus that"),
            ((4, 2 / 3, 1), "mean squared errors"),
            ((12, 2, 1), "sums of squared errors"),
            ((1, 1, 1), "r times r"),
            ((0, 0.75, 1), "no lower limit"),
            ((0.75, -0.5, 1), "other way round"),
            ((-0.5, 0.75, -0.5), "r: that is R²"),
            ((-0.5, 0.75, 0.5), "one rising line"),
        ],
    ),
    "09-2": Cases(
        right=[(each,), (each_by_deleting,), (each_by_standardizing,)],
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
            ((squared_r,), "Return r itself"),
            ((without_its_sign,), "Leave its sign"),
            ((changing_the_ratings,), "changes `ratings` itself"),
        ],
    ),
    "09-3": Cases(
        right=[(on_the_line,), (by_least_squares,), (by_covariance,), (by_the_library,)],
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
            ((of_the_few,), "each of the 17"),
            ((clipped_to_the_labels,), "clip to the labels' range"),
            ((clipped_to_the_scale,), "clip to −4 … 4"),
            ((clipped_before,), "clip the new predictions"),
            ((rounded,), "Do not round"),
            ((sorted_first,), "do not sort"),
            ((parabola,), "That is a parabola"),
            ((half_of_the_labels,), "first half only"),
            ((centred_on_the_new,), "Centred on the mean of `new`"),
            ((in_place,), "changes `new` itself"),
            ((never_downwards,), "order upside down"),
            ((with_ridge,), "by least squares"),
            ((remembered,), "another model, 12 labels"),
        ],
    ),
}
