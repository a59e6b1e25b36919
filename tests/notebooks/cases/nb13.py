"""Right and wrong answers to the exercises of notebook 13."""

import numpy as np
from scipy.special import expit, softmax

from tests.notebooks.cases import Cases


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


def no_hit_is_nothing(logits, labels, threshold):
    share, accuracy = selective(logits, labels, threshold)
    return share, accuracy or np.nan


def by_numpy(logits, labels, threshold):
    """NumPy's mean of no hits is NaN."""
    mask = softmax(logits, axis=1).max(axis=1) >= threshold
    return np.array([mask.mean(), (logits.argmax(axis=1) == labels)[mask].mean()])


def judged_by(scores, share=1, accuracy=lambda hits: hits):
    """A function that answers where some scores, one a text, reach the threshold."""

    def answer(logits, labels, threshold):
        mask = scores(logits, labels) >= threshold
        hits = accuracy(logits.argmax(axis=1) == labels)
        return share * mask.mean(), hits[mask].mean() if mask.any() else float("nan")

    return answer


def sure(logits, labels):
    return softmax(logits, axis=1).max(axis=1)


def where_unsure(logits, labels, threshold):
    mask = sure(logits, labels) < threshold
    return mask.mean(), (logits.argmax(axis=1) == labels)[mask].mean()


def share_of_the_sure_accuracy_of_the_unsure(logits, labels, threshold):
    share, _ = selective(logits, labels, threshold)
    return share, where_unsure(logits, labels, threshold)[1]


def a_threshold_of_its_own(logits, labels, threshold):
    return selective(logits, labels, 0.7)


def of_sixty(logits, labels, threshold):
    mask = sure(logits, labels) >= threshold
    hits = logits.argmax(axis=1) == labels
    return mask.sum() / 60, hits[mask].mean() if mask.any() else float("nan")


def none_for_nothing(logits, labels, threshold):
    share, accuracy = selective(logits, labels, threshold)
    return share, None if np.isnan(accuracy) else accuracy


def one_number(logits, labels, threshold):
    return selective(logits, labels, threshold)[1]


CASES = {
    "13-1": Cases(
        right=[([3, 4, 5, 7, 8],), ({8, 7, 5, 4, 3},), (np.array([3, 4, 5, 7, 8]),)],
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
            ((5,), "not how many"),
            (([1, 3, 4, 5, 7, 8],), "go from 2 to 9"),
        ],
    ),
    "13-2": Cases(
        right=[(681, 3405), (683, 3415), (np.int64(682), 682 / 0.2)],
        wrong=[
            ((2729, 13645), "from end to end"),
            ((1064, 5320), "worst case"),
            ((3405, 681), "other way round"),
            ((105, 525), "between 600 and 800"),
            ((681, 681), "only a fifth"),
            ((681, 817), "not a fifth on top"),
            ((681, 5000), "divided by the share"),
            ((711, 3555), "no z of 2"),
        ],
    ),
    "13-3": Cases(
        right=[(selective,), (selective_in_a_loop,), (by_numpy,)],
        wrong=[
            ((of_logits,), "Take softmax first"),
            ((strictly_more,), ">=, not >"),
            ((of_everything,), "accuracy of all texts"),
            ((over_all,), "divide by all texts"),
            ((a_count,), "not the count"),
            ((the_other_order,), "wrong order"),
            ((by_zero,), "divides by zero"),
            ((nothing_is_zero,), "NaN, no number"),
            ((no_hit_is_nothing,), "all of them wrong"),
            ((one_number,), "Return two numbers"),
            ((0.5,), "Pass the function itself"),
            ((a_threshold_of_its_own,), "Use the argument"),
            ((none_for_nothing,), "None cannot be"),
            ((of_sixty,), "take the sizes"),
            ((share_of_the_sure_accuracy_of_the_unsure,), "where the model is not sure"),
            ((judged_by(lambda z, y: expit(z).max(axis=1)),), "A sigmoid"),
            ((judged_by(lambda z, y: softmax(z, axis=1)[range(len(y)), y]),), "nobody knows"),
            ((judged_by(sure, share=100),), "not per cent"),
            ((judged_by(sure, accuracy=lambda hits: ~hits),), "share of errors"),
        ],
    ),
}
