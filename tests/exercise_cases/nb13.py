"""Right and wrong answers to the exercises of notebook 13."""

import numpy as np
from scipy.special import softmax

from tests.exercise_cases import Cases


def selective(logits, labels, threshold):
    shares = softmax(logits, axis=1)
    mask = shares.max(axis=1) >= threshold
    hits = shares.argmax(axis=1) == labels
    return mask.mean(), hits[mask].mean() if mask.any() else float("nan")


def selective_in_a_loop(logits, labels, threshold):
    answered = right = 0
    for row, label in zip(softmax(logits, axis=1), labels, strict=True):
        if row.max() >= threshold:
            answered += 1
            right += int(row.argmax() == label)
    return [answered / len(labels), right / answered if answered else np.nan]


def of_logits(logits, labels, threshold):
    mask = logits.max(axis=1) >= threshold
    return mask.mean(), (logits.argmax(axis=1) == labels)[mask].mean()


def strictly_more(logits, labels, threshold):
    mask = softmax(logits, axis=1).max(axis=1) > threshold
    return mask.mean(), (logits.argmax(axis=1) == labels)[mask].mean()


def of_everything(logits, labels, threshold):
    mask = softmax(logits, axis=1).max(axis=1) >= threshold
    return mask.mean(), (logits.argmax(axis=1) == labels).mean()


def over_all(logits, labels, threshold):
    mask = softmax(logits, axis=1).max(axis=1) >= threshold
    return mask.mean(), ((logits.argmax(axis=1) == labels) & mask).mean()


def a_count(logits, labels, threshold):
    mask = softmax(logits, axis=1).max(axis=1) >= threshold
    return mask.sum(), (logits.argmax(axis=1) == labels)[mask].mean()


def the_other_order(logits, labels, threshold):
    return selective(logits, labels, threshold)[::-1]


def by_zero(logits, labels, threshold):
    mask = softmax(logits, axis=1).max(axis=1) >= threshold
    hits = (logits.argmax(axis=1) == labels) & mask
    return mask.mean(), int(hits.sum()) / int(mask.sum())


def nothing_is_zero(logits, labels, threshold):
    share, accuracy = selective(logits, labels, threshold)
    return share, 0.0 if np.isnan(accuracy) else accuracy


def one_number(logits, labels, threshold):
    return selective(logits, labels, threshold)[1]


CASES = {
    "13-1": Cases(
        right=[([3, 4, 5, 7, 8],), ({8, 7, 5, 4, 3},)],
        wrong=[
            (([2, 3, 4, 6, 7],), "The header is row 1, it is row 2"),
            (([1, 2, 3, 5, 6],), "count from 0"),
            (([2, 6, 9],), "rows that stay"),
            (([3, 4, 7, 8],), "None can stay"),
            (([3, 4, 8],), "equal but for punctuation"),
            (([3, 4, 5, 6, 7, 8],), "are one label"),
            (([2, 3, 4, 5, 7, 8],), "the first one stays"),
            (([3, 5, 7, 8],), "Row 4 is a copy"),
            (([4, 5, 7, 8],), "nothing to read"),
            (([3, 4, 5, 7],), "Row 8 has no label"),
        ],
    ),
    "13-2": Cases(
        right=[(681, 3405), (683, 3415)],
        wrong=[
            ((2729, 13645), "from end to end"),
            ((1064, 5320), "worst case"),
            ((3405, 681), "other way round"),
            ((105, 525), "between 600 and 800"),
            ((681, 681), "only a fifth"),
            ((681, 817), "not a fifth on top"),
            ((681, 5000), "divided by the share"),
        ],
    ),
    "13-3": Cases(
        right=[(selective,), (selective_in_a_loop,)],
        wrong=[
            ((of_logits,), "Take softmax first"),
            ((strictly_more,), ">=, not >"),
            ((of_everything,), "accuracy of all texts"),
            ((over_all,), "divide by all texts"),
            ((a_count,), "not the count"),
            ((the_other_order,), "wrong order"),
            ((by_zero,), "divides by zero"),
            ((nothing_is_zero,), "NaN, no number"),
            ((one_number,), "Return two numbers"),
        ],
    ),
}
