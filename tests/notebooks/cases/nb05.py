"""Right and wrong answers to the exercises of notebook 05."""

import math

import numpy as np

from tests.notebooks.cases import Cases


def precision_at(recall, specificity, prevalence):
    found = prevalence * recall
    called = found + (1 - prevalence) * (1 - specificity)
    return found / called if called > 0 else float("nan")


def by_counts(recall, specificity, prevalence):
    tp, fp = 1e6 * prevalence * recall, 1e6 * (1 - prevalence) * (1 - specificity)
    return math.nan if tp + fp == 0 else tp / (tp + fp)


def with_specificity(recall, specificity, prevalence):
    return prevalence * recall / (prevalence * recall + (1 - prevalence) * specificity)


def without_prevalence(recall, specificity, prevalence):
    return recall / (recall + 1 - specificity)


def not_divided(recall, specificity, prevalence):
    return prevalence * recall


def zero_for_nothing(recall, specificity, prevalence):
    called = prevalence * recall + (1 - prevalence) * (1 - specificity)
    return prevalence * recall / called if called else 0.0


def divides_by_zero(recall, specificity, prevalence):
    return prevalence * recall / (prevalence * recall + (1 - prevalence) * (1 - specificity))


def in_percent(recall, specificity, prevalence):
    return 100 * precision_at(recall, specificity, prevalence)


def rounded(recall, specificity, prevalence):
    return round(precision_at(recall, specificity, prevalence), 2)


def nan_for_recall_0(recall, specificity, prevalence):
    return math.nan if recall == 0 else precision_at(recall, specificity, prevalence)


def nan_for_prevalence_0(recall, specificity, prevalence):
    return math.nan if prevalence == 0 else precision_at(recall, specificity, prevalence)


def one_guard_only(recall, specificity, prevalence):
    if recall == 0 and specificity == 1:
        return math.nan
    return divides_by_zero(recall, specificity, prevalence)


def weights_swapped(recall, specificity, prevalence):
    return precision_at(recall, specificity, 1 - prevalence)


def cheapest_threshold(labels, probabilities, cost_fp, cost_fn, inclusive=True, worst=False):
    best, lowest = None, math.inf
    for t in sorted(set(probabilities)):
        cost = 0
        for label, p in zip(labels, probabilities, strict=True):
            called = p >= t if inclusive else p > t
            cost += cost_fp if called and label == 0 else 0
            cost += cost_fn if not called and label == 1 else 0
        cost = -cost if worst else cost
        if cost < lowest:
            best, lowest = t, cost
    return best


def with_numpy(labels, probabilities, cost_fp, cost_fn):
    labels, p = np.array(labels), np.array(probabilities)
    candidates = np.unique(p)
    called = p[None, :] >= candidates[:, None]
    fp, fn = (called & (labels == 0)).sum(axis=1), (~called & (labels == 1)).sum(axis=1)
    return candidates[np.argmin(cost_fp * fp + cost_fn * fn)]


def swapped_costs(labels, probabilities, cost_fp, cost_fn):
    return cheapest_threshold(labels, probabilities, cost_fn, cost_fp)


def strict(labels, probabilities, cost_fp, cost_fn):
    return cheapest_threshold(labels, probabilities, cost_fp, cost_fn, inclusive=False)


def dearest(labels, probabilities, cost_fp, cost_fn):
    return cheapest_threshold(labels, probabilities, cost_fp, cost_fn, worst=True)


def by_formula(labels, probabilities, cost_fp, cost_fn):
    return cost_fp / (cost_fp + cost_fn)


def returns_the_cost(labels, probabilities, cost_fp, cost_fn):
    t = cheapest_threshold(labels, probabilities, cost_fp, cost_fn)
    called = np.asarray(probabilities) >= t
    false_negatives = (~called & (labels == 1)).sum()
    return float(cost_fp * (called & (labels == 0)).sum() + cost_fn * false_negatives)


def returns_the_place(labels, probabilities, cost_fp, cost_fn):
    t = cheapest_threshold(labels, probabilities, cost_fp, cost_fn)
    return int(np.flatnonzero(np.asarray(probabilities) == t)[0])


def false_positives_only(labels, probabilities, cost_fp, cost_fn):
    return cheapest_threshold(labels, probabilities, cost_fp, 0)


def with_nothing_called(labels, probabilities, cost_fp, cost_fn):
    t = cheapest_threshold(labels, probabilities, cost_fp, cost_fn)
    called = probabilities >= t
    cost = cost_fp * (called & (labels == 0)).sum() + cost_fn * (~called & (labels == 1)).sum()
    return t if cost <= cost_fn * (labels == 1).sum() else 1.01


def in_the_order_given(labels, probabilities, cost_fp, cost_fn):
    best, lowest = None, math.inf
    for t in probabilities:
        called = probabilities >= t
        cost = cost_fp * (called & (labels == 0)).sum() + cost_fn * (~called & (labels == 1)).sum()
        if cost < lowest:
            best, lowest = t, cost
    return best


CASES = {
    "05-1": Cases(
        right=[(40 / 50, 40 / 60, 80 / 110), (0.8, 0.6667, 0.727)],
        wrong=[
            ((40 / 60, 40 / 50, 80 / 110), "swapped"),
            ((0.8, 0.8, 0.8), "all 60 complaints"),
            ((0.04, 40 / 60, 0.1), "no denominator"),
            ((0.8, 40 / 60, 0.97), "accuracy"),
            ((0.8, 40 / 60, (0.8 + 40 / 60) / 2), "ordinary mean"),
            ((0.8, 40 / 60, 0.8 * 2 / 3 / (0.8 + 2 / 3)), "factor 2"),
            ((0.8, 0.67, 0.73), "rounded"),
            (("40/50", "40/60", "80/110"), "not text"),
        ],
    ),
    "05-2": Cases(
        right=[(precision_at,), (by_counts,)],
        wrong=[
            ((with_specificity,), "1 − specificity"),
            ((without_prevalence,), "prevalence is missing"),
            ((not_divided,), "Divide"),
            ((zero_for_nothing,), "undefined"),
            ((divides_by_zero,), "(0.0, 1.0, 0.3) calls nothing"),
            ((one_guard_only,), "(0.9, 1.0, 0.0) calls nothing"),
            ((nan_for_recall_0,), "(0.0, 0.9, 0.3)"),
            ((nan_for_prevalence_0,), "(0.9, 0.8, 0.0)"),
            ((in_percent,), "percent"),
            ((rounded,), "rounded"),
            ((weights_swapped,), "0.09 / (0.09 + 0.9 · 0.2)"),
        ],
    ),
    "05-3": Cases(
        right=[(cheapest_threshold,), (with_numpy,)],
        wrong=[
            ((swapped_costs,), "costs cost_fp"),
            ((strict,), "p >= threshold"),
            ((dearest,), "return after the loop"),
            ((returns_the_cost,), "a cost"),
            ((returns_the_place,), "a place"),
            ((false_positives_only,), "costs 1 and 5"),
            ((with_nothing_called,), "one of the probabilities"),
            ((in_the_order_given,), "go upwards"),
            ((by_formula,), "true probabilities"),
        ],
    ),
}
