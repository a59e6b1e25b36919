"""Right and wrong answers to the exercises of notebook 07."""

import numpy as np

from tests.notebooks.cases import Cases

M = np.array([[48, 2, 0], [6, 24, 0], [8, 2, 10]])
PRECISIONS, RECALLS = np.diag(M) / M.sum(axis=0), np.diag(M) / M.sum(axis=1)
F1 = 2 * np.diag(M) / (M.sum(axis=0) + M.sum(axis=1))
OF_MEANS = 2 * PRECISIONS.mean() * RECALLS.mean() / (PRECISIONS.mean() + RECALLS.mean())


def mean_of_windows(logits, article):
    return np.array([logits[article == a].mean(axis=0).argmax() for a in np.unique(article)])


def sum_of_windows(logits, article):
    total = np.zeros((article.max() + 1, logits.shape[1]))
    np.add.at(total, article, logits)
    return total.argmax(axis=1).tolist()


def vote(logits, article):
    votes = logits.argmax(axis=1)
    return [np.bincount(votes[article == a]).argmax() for a in np.unique(article)]


def first_window(logits, article):
    return [logits[article == a][0].argmax() for a in np.unique(article)]


def last_window(logits, article):
    found = {}
    for row, a in zip(logits, article, strict=True):
        found[a] = row.argmax()
    return list(found.values())


def strongest_window(logits, article):
    return [logits[article == a].max(axis=0).argmax() for a in np.unique(article)]


def mean_probabilities(logits, article):
    p = np.exp(logits)
    p /= p.sum(axis=1, keepdims=True)
    return [p[article == a].mean(axis=0).argmax() for a in np.unique(article)]


def median_of_windows(logits, article):
    return [np.median(logits[article == a], axis=0).argmax() for a in np.unique(article)]


def without_the_first(logits, article):
    starts = [np.flatnonzero(article == a) for a in np.unique(article)]
    return [logits[rows[1:] if len(rows) > 1 else rows].mean(axis=0).argmax() for rows in starts]


def without_the_last(logits, article):
    starts = [np.flatnonzero(article == a) for a in np.unique(article)]
    return [logits[rows[:-1] if len(rows) > 1 else rows].mean(axis=0).argmax() for rows in starts]


def smallest_logit(logits, article):
    return [logits[article == a].mean(axis=0).argmin() for a in np.unique(article)]


def weakest_window(logits, article):
    return [logits[article == a].min(axis=0).argmax() for a in np.unique(article)]


def without_signs(logits, article):
    return [np.abs(logits[article == a].mean(axis=0)).argmax() for a in np.unique(article)]


def four_articles(logits, article):
    return [logits[article == a].mean(axis=0).argmax() for a in range(4)]


def mean_over_all(logits, article):
    return np.full(article.max() + 1, logits.mean(axis=0).argmax())


def mean_logits(logits, article):
    return np.array([logits[article == a].mean(axis=0) for a in np.unique(article)])


def of_each_window(logits, article):
    return logits.argmax(axis=1)


def smallest_margin(probabilities, k):
    ranked = np.sort(probabilities, axis=1)
    return np.argsort(ranked[:, -1] - ranked[:, -2])[:k]


def smallest_margin_with_a_list(probabilities, k):
    def margin(row):
        first, second, *_ = sorted(probabilities[row], reverse=True)
        return first - second

    return sorted(range(len(probabilities)), key=margin)[:k]


def largest_margin(probabilities, k):
    ranked = np.sort(probabilities, axis=1)
    return np.argsort(ranked[:, -2] - ranked[:, -1])[:k]


def least_confident(probabilities, k):
    return np.argsort(probabilities.max(axis=1))[:k]


def first_two_classes(probabilities, k):
    return np.argsort(np.abs(probabilities[:, 0] - probabilities[:, 1]))[:k]


def widest(probabilities, k):
    return np.argsort(np.ptp(probabilities, axis=1))[:k]


def highest_entropy(probabilities, k):
    return np.argsort((probabilities * np.log(probabilities)).sum(axis=1))[:k]


def two_least_likely(probabilities, k):
    ranked = np.sort(probabilities, axis=1)
    return np.argsort(ranked[:, 1] - ranked[:, 0])[:k]


def sorted_down(probabilities, k):
    ranked = np.sort(probabilities, axis=0)
    return np.argsort(ranked[:, -1] - ranked[:, -2])[:k]


def first_rows(probabilities, k):
    return np.arange(k)


def one_too_many(probabilities, k):
    return smallest_margin(probabilities, k + 1)


def one_later(probabilities, k):
    return smallest_margin(probabilities, k + 1)[1:]


def in_order_of_rows(probabilities, k):
    return np.sort(smallest_margin(probabilities, k))


def margins_themselves(probabilities, k):
    ranked = np.sort(probabilities, axis=1)
    return np.sort(ranked[:, -1] - ranked[:, -2])[:k]


CASES = {
    "07-1": Cases(
        right=[(0.82, F1.mean(), 0.5), (82 / 100, 0.7838, 10 / 20), (0.82, 0.78, 0.5)],
        wrong=[
            ((82, F1.mean(), 0.5), "not as a count"),
            ((0.82, 78.4, 0.5), "macro F1: as a share"),
            ((0.82, F1.mean(), 50), "recall of tech: as a share"),
            ((0.82, F1, 0.5), "one number"),
            (("82 %", F1.mean(), 0.5), "not text"),
            ((0.82, F1[2], 0.5), "twice the diagonal"),
            ((0.9, F1.mean(), 0.5), "the diagonal, 48"),
            ((0.82, F1.mean(), 1.0), "divides by the column"),
            ((0.82, F1.mean(), 0.1), "of the 20 in its row"),
            ((0.82, 0.82, 0.5), "that is micro F1"),
            ((0.82, (F1 * M.sum(axis=1)).sum() / 100, 0.5), "weights the classes"),
            ((0.82, OF_MEANS, 0.5), "not the other order"),
            ((0.82, RECALLS.mean(), 0.5), "mean of precision or of recall"),
        ],
    ),
    "07-2": Cases(
        right=[(mean_of_windows,), (sum_of_windows,)],
        wrong=[
            ((vote,), "a vote of the windows"),
            ((first_window,), "the first window alone"),
            ((last_window,), "the last window alone"),
            ((strongest_window,), "strongest window"),
            ((mean_probabilities,), "averages probabilities"),
            ((median_of_windows,), "median"),
            ((without_the_first,), "first window out"),
            ((without_the_last,), "last window out"),
            ((smallest_logit,), "smallest logit"),
            ((weakest_window,), "weakest window"),
            ((without_signs,), "For each article"),
            ((mean_over_all,), "same class"),
            ((four_articles,), "40 articles, 40 predictions"),
            ((mean_logits,), "Those are the mean logits"),
            ((of_each_window,), "not for each window"),
        ],
    ),
    "07-3": Cases(
        right=[(smallest_margin,), (smallest_margin_with_a_list,)],
        wrong=[
            ((largest_margin,), "surest of"),
            ((least_confident,), "least confidence"),
            ((first_two_classes,), "classes 0 and 1"),
            ((widest,), "least likely"),
            ((highest_entropy,), "entropy"),
            ((two_least_likely,), "least likely classes"),
            ((sorted_down,), "axis=1"),
            ((first_rows,), "first 5 rows"),
            ((one_too_many,), "5 row numbers"),
            ((one_later,), "Sort each row"),
            ((in_order_of_rows,), "another order"),
            ((margins_themselves,), "argsort"),
        ],
    ),
}
