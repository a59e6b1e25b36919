"""Right and wrong answers to the exercises of notebook 05."""

import math

import numpy as np

from tests.exercise_cases import Cases


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


def cheapest_threshold(labels, probabilities, of_fp, of_fn, inclusive=True, worst=False):
    best, lowest = None, math.inf
    for t in sorted(set(probabilities)):
        cost = 0
        for label, p in zip(labels, probabilities, strict=True):
            called = p >= t if inclusive else p > t
            cost += of_fp if called and label == 0 else 0
            cost += of_fn if not called and label == 1 else 0
        cost = -cost if worst else cost
        if cost < lowest:
            best, lowest = t, cost
    return best


def with_numpy(labels, probabilities, of_fp, of_fn):
    labels, p = np.array(labels), np.array(probabilities)
    candidates = np.unique(p)
    called = p[None, :] >= candidates[:, None]
    fp, fn = (called & (labels == 0)).sum(axis=1), (~called & (labels == 1)).sum(axis=1)
    return candidates[np.argmin(of_fp * fp + of_fn * fn)]


def swapped_costs(labels, probabilities, of_fp, of_fn):
    return cheapest_threshold(labels, probabilities, of_fn, of_fp)


def strict(labels, probabilities, of_fp, of_fn):
    return cheapest_threshold(labels, probabilities, of_fp, of_fn, inclusive=False)


def dearest(labels, probabilities, of_fp, of_fn):
    return cheapest_threshold(labels, probabilities, of_fp, of_fn, worst=True)


def by_formula(labels, probabilities, of_fp, of_fn):
    return of_fp / (of_fp + of_fn)


def highest_of_equals(labels, probabilities, of_fp, of_fn):
    candidates = sorted(set(probabilities))
    costs = []
    for t in candidates:
        pairs = list(zip(labels, probabilities, strict=True))
        fp = sum(1 for label, p in pairs if p >= t and label == 0)
        costs.append(of_fp * fp + of_fn * sum(1 for label, p in pairs if p < t and label == 1))
    return [t for t, cost in zip(candidates, costs, strict=True) if cost == min(costs)][-1]


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
        ],
    ),
    "05-2": Cases(
        right=[(precision_at,), (by_counts,)],
        wrong=[
            ((with_specificity,), "1 − specificity"),
            ((without_prevalence,), "prevalence is missing"),
            ((not_divided,), "Divide"),
            ((zero_for_nothing,), "undefined"),
            ((divides_by_zero,), "call nothing positive"),
        ],
    ),
    "05-3": Cases(
        right=[(cheapest_threshold,), (with_numpy,)],
        wrong=[
            ((swapped_costs,), "costs of_fp"),
            ((strict,), "p >= threshold"),
            ((dearest,), "dearest"),
            ((by_formula,), "true probabilities"),
            ((highest_of_equals,), "lowest"),
        ],
    ),
}
