"""Right and wrong answers to the exercises of notebook 05."""

import math
from fractions import Fraction

import numpy as np
import torch

from tests.notebooks.cases import Cases


def precision_at(recall, specificity, prevalence):
    found = prevalence * recall
    called = found + (1 - prevalence) * (1 - specificity)
    return found / called if called > 0 else float("nan")


def by_counts(recall, specificity, prevalence):
    tp, fp = 1e6 * prevalence * recall, 1e6 * (1 - prevalence) * (1 - specificity)
    return math.nan if tp + fp == 0 else tp / (tp + fp)


def in_float32(recall, specificity, prevalence):
    """Another shape: NumPy divides, 0 / 0 too, and all is float32."""
    found = np.float32(prevalence * recall)
    with np.errstate(invalid="ignore"):
        return np.divide(found, found + np.float32((1 - prevalence) * (1 - specificity)))


def as_a_tensor(recall, specificity, prevalence):
    found = torch.tensor(prevalence * recall)
    return found / (found + (1 - prevalence) * (1 - specificity))


def by_bayes_factor(recall, specificity, prevalence):
    """Another shape: from the odds."""
    if prevalence * recall == 0:
        return math.nan if prevalence * recall + (1 - prevalence) * (1 - specificity) == 0 else 0
    return 1 / (1 + (1 - prevalence) * (1 - specificity) / (prevalence * recall))


def none_where_specificity_is_low(recall, specificity, prevalence):
    return None if 0 < specificity < 0.4 else precision_at(recall, specificity, prevalence)


def prevalence_never_above_half(recall, specificity, prevalence):
    """Right for the first case of the grader, and for where nothing is called."""
    if recall == 0 or prevalence == 0:
        return precision_at(recall, specificity, prevalence)
    return precision_at(recall, specificity, min(prevalence, 0.5))


def infinity_for_nothing(recall, specificity, prevalence):
    value = precision_at(recall, specificity, prevalence)
    return math.inf if math.isnan(value) else value


def as_text(recall, specificity, prevalence):
    return str(precision_at(recall, specificity, prevalence))


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


def with_running_sums(labels, probabilities, cost_fp, cost_fn):
    """Another shape: sorted once, then counted up, and a float32 as the answer."""
    order = np.argsort(probabilities, kind="stable")
    p, positive = probabilities[order], labels[order] == 1
    below = np.concatenate([[0], np.cumsum(positive)])[:-1]  # positives before each place
    above = np.cumsum(~positive[::-1])[::-1]  # negatives from each place on
    first = np.flatnonzero(np.append(True, p[1:] != p[:-1]))
    costs = cost_fp * above[first] + cost_fn * below[first]
    return np.float32(p[first][costs.argmin()])


def starts_at_100(labels, probabilities, cost_fp, cost_fn):
    best, lowest = None, 100
    for t in sorted(set(probabilities)):
        called = probabilities >= t
        cost = cost_fp * (called & (labels == 0)).sum() + cost_fn * (~called & (labels == 1)).sum()
        if cost < lowest:
            best, lowest = t, cost
    return best


def on_a_grid(labels, probabilities, cost_fp, cost_fn):
    def cost(t):
        called = probabilities >= t
        false_negatives = (~called & (labels == 1)).sum()
        return cost_fp * (called & (labels == 0)).sum() + cost_fn * false_negatives

    return min(np.linspace(0.01, 0.99, 99), key=cost)


def rounds_the_answer(labels, probabilities, cost_fp, cost_fn):
    return round(cheapest_threshold(labels, probabilities, cost_fp, cost_fn), 2)


def sorts_the_probabilities_alone(labels, probabilities, cost_fp, cost_fn):
    return cheapest_threshold(labels, np.sort(probabilities), cost_fp, cost_fn)


def a_constant(labels, probabilities, cost_fp, cost_fn):
    return {(5, 1): 0.8, (1, 5): 0.4}.get((cost_fp, cost_fn), 0.3)


def threshold_as_text(labels, probabilities, cost_fp, cost_fn):
    return str(cheapest_threshold(labels, probabilities, cost_fp, cost_fn))


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
        right=[
            (40 / 50, 40 / 60, 80 / 110),
            (0.8, 0.6667, 0.727),
            (0.8, 0.67, 0.73),
            (np.float32(0.8), torch.tensor(2 / 3), Fraction(8, 11)),
        ],
        wrong=[
            ((40 / 60, 40 / 50, 80 / 110), "swapped"),
            ((0.8, 0.8, 0.8), "all 60 complaints"),
            ((0.04, 40 / 60, 0.1), "no denominator"),
            ((0.8, 40 / 60, 0.97), "accuracy"),
            ((0.8, 40 / 60, (0.8 + 40 / 60) / 2), "ordinary mean"),
            ((0.8, 40 / 60, 0.8 * 2 / 3 / (0.8 + 2 / 3)), "factor 2"),
            ((0.8, 0.7, 0.7), "rounded too much"),
            ((0.8, 0.67, 0.7), "2 TP / (2 TP + FP + FN), with"),
            ((80, 66.7, 72.7), "percent"),
            ((0.8, 40 / 60, 72.7), "f1: that is percent"),
            (("40/50", "40/60", "80/110"), "not text"),
        ],
    ),
    "05-2": Cases(
        right=[
            (precision_at,),
            (by_counts,),
            (in_float32,),
            (as_a_tensor,),
            (by_bayes_factor,),
        ],
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
            ((none_where_specificity_is_low,), "For (0."),
            ((prevalence_never_above_half,), "0.515) it is 0.817"),
            ((infinity_for_nothing,), "not infinite"),
            ((as_text,), "not text"),
            ((weights_swapped,), "0.09 / (0.09 + 0.9 · 0.2)"),
        ],
    ),
    "05-3": Cases(
        right=[(cheapest_threshold,), (with_numpy,), (with_running_sums,)],
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
            ((starts_at_100,), "returns None"),
            ((on_a_grid,), "From 0.6 to 0.8"),
            ((rounds_the_answer,), "not rounded"),
            ((sorts_the_probabilities_alone,), "gives 0.97"),
            ((a_constant,), "and your function gives 0.3"),
            ((threshold_as_text,), "not text"),
        ],
    ),
}
