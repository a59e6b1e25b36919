"""Graders of notebook 05, evaluation."""

import math
from collections.abc import Callable

import numpy as np

from helpers import measured
from helpers.exercises import (
    Verdict,
    exercise,
    gave_nothing,
    is_close,
    is_rounded,
    right,
    wrong,
)


def is_share(answer: object, expected: float) -> bool:
    """Whether a number is this share: to three digits, or rounded to at least two decimals."""
    return is_close(answer, expected) or is_rounded(answer, expected, 2)


def is_nan(answer: object) -> bool:
    """Whether a number of any kind (Python's, NumPy's, a tensor) is not a number."""
    try:
        return math.isnan(float(answer))
    except (TypeError, ValueError):
        return False


@exercise("05-1")
def complaints(precision: float, recall: float, f1: float) -> Verdict:
    """40 of 60 complaints found among 1,000 messages, and 10 others marked."""
    if any(isinstance(value, str) for value in (precision, recall, f1)):
        return wrong("Give numbers, such as 40 / 50, not text.")
    if is_share(precision, 2 / 3) and is_share(recall, 0.8):
        return wrong("Precision and recall are swapped: precision divides by what was marked, 50.")
    if is_close(precision, 0.04) or is_close(recall, 0.04):
        return wrong("The 1,000 messages are no denominator here; only accuracy divides by all.")
    if is_close(precision, 0.97) or is_close(recall, 0.97) or is_close(f1, 0.97):
        return wrong("0.97 is the accuracy, with 930 true negatives. None of the three uses them.")
    if is_close(recall, 0.8):
        return wrong("recall: you divided by what was marked. Recall divides by all 60 complaints.")
    if is_close(precision, 80, 0.5) or is_close(recall, 66.67, 0.5):
        return wrong("Those are percent. Give shares between 0 and 1.")
    if not is_share(precision, 0.8):
        return wrong("precision: of the 50 messages that were marked, how many are complaints?")
    if is_close(recall, 2 / 3, 0.05) and not is_share(recall, 2 / 3):
        return wrong("recall: that is rounded too much. Write 40 / 60 and let Python divide.")
    if not is_share(recall, 2 / 3):
        return wrong("recall: of the 60 complaints, how many were found?")
    if is_close(f1, (0.8 + 2 / 3) / 2):
        return wrong(
            "f1: that is the ordinary mean. F1 is the harmonic one: 2 TP / (2 TP + FP + FN)."
        )
    if is_close(f1, 0.8 * 2 / 3 / (0.8 + 2 / 3)):
        return wrong("f1: the factor 2 is missing: 2 · precision · recall / (precision + recall).")
    if is_close(f1, 72.73, 0.5):
        return wrong("f1: that is percent. Give a share, as the other two.")
    if not is_share(f1, 8 / 11):
        return wrong("f1: 2 TP / (2 TP + FP + FN), with TP = 40, FP = 10, FN = 20.")
    return right("Precision 40 / 50, recall 40 / 60, F1 80 / 110. The 930 others play no part.")


def precision_there(recall: float, specificity: float, prevalence: float) -> float:
    """Share of true positives among all that is called positive; NaN if nothing is."""
    found, false = prevalence * recall, (1 - prevalence) * (1 - specificity)
    return found / (found + false) if found + false else math.nan


def fault_where_nothing_is_called(function: Callable[[float, float, float], float]) -> str | None:
    """What is wrong where 0 / 0 would be computed, as a hint; and where it would not."""
    for nothing in ((0.0, 1.0, 0.3), (0.9, 1.0, 0.0)):
        try:
            undefined = function(*nothing)
        except ZeroDivisionError:
            return f"{nothing} calls nothing positive: return float('nan') then."
        if undefined in (math.inf, -math.inf):
            return "0 / 0 is not infinite: if nothing is called positive, return float('nan')."
        if not is_nan(undefined):
            return "If nothing is called positive, it is undefined: return float('nan')."
    for false_only in ((0.0, 0.9, 0.3), (0.9, 0.8, 0.0)):
        if not is_close(function(*false_only), 0):
            return f"For {false_only} something is called positive, always wrongly: 0."
    return None


@exercise("05-2")
def precision_at(function: Callable[[float, float, float], float]) -> Verdict:
    """Precision from recall, specificity and prevalence."""
    case = (0.9, 0.8, 0.1)
    given = function(*case)
    if nothing := gave_nothing(given):
        return nothing
    if isinstance(given, str):
        return wrong("Return a number, not text.")
    if is_close(given, 0.9 * 0.1 / (0.9 * 0.1 + 0.9 * 0.8)):
        return wrong("Negatives that are called positive: 1 − specificity, not specificity.")
    if is_close(given, 0.9 / (0.9 + 0.2)):
        return wrong(
            "The prevalence is missing, or the same for both, and cancels: weigh the positives "
            "with it, the negatives with 1 − it."
        )
    if is_close(given, 0.09) or is_close(given, 0.27):
        return wrong("Divide: of all that is called positive, which part is positive?")
    if is_close(given, 100 / 3, 0.5):
        return wrong("That is percent. Return a share between 0 and 1.")
    if is_close(given, 1 / 3, 0.005) and not is_close(given, 1 / 3):
        return wrong("That is rounded. Return the quotient as it is.")
    if not is_close(given, precision_there(*case)):
        return wrong(
            "With recall 0.9, specificity 0.8 and prevalence 0.1 it is 0.09 / (0.09 + 0.9 · 0.2)."
        )
    if fault := fault_where_nothing_is_called(function):
        return wrong(fault)
    drawn = np.random.default_rng(5).random((50, 3)).round(3).tolist()
    for case in ((0.74, 0.89, 0.05), (1.0, 0.5, 0.5), (0.3, 1.0, 0.2), *map(tuple, drawn)):
        if not is_close(function(*case), precision_there(*case)):
            return wrong(f"For {case} it is {precision_there(*case):.3f}.")
    return right("The same model, another place: precision moves with the prevalence.")


def cheapest(labels: list, probabilities: list, cost_fp: float, cost_fn: float) -> float:
    """The lowest of the probabilities at which p >= threshold costs least."""
    labels, p = np.asarray(labels), np.asarray(probabilities)
    costs = {
        t: cost_fp * ((p >= t) & (labels == 0)).sum() + cost_fn * ((p < t) & (labels == 1)).sum()
        for t in sorted(set(probabilities))
    }
    return min(costs, key=costs.get)


def recorded() -> tuple[list[int], list[float]]:
    """Labels and probabilities of the 853 validation reviews, as the notebook has them."""
    rows = measured.table("evaluation_logits")
    rows = rows[rows["part"] == "validation"]
    scores = rows["epoch1_logit1"] - rows["epoch1_logit0"]
    return rows["label"].tolist(), (1 / (1 + np.exp(-scores))).tolist()


# Of four sentences: what is said of a threshold, or of another number, that is not 0.8.
NOT_08 = {
    5 / 6: "5/6 is right for true probabilities. Count the mistakes at each threshold.",
    0.4: "A false positive costs cost_fp, 5 here, a false negative cost_fn: 0.8 costs 1.",
    0.2: (
        "At 0.2 all is called positive, which costs most here. Compare each cost with the "
        "lowest so far, not with a threshold, and return after the loop."
    ),
    0.6: "p equal to the threshold is called positive: p >= threshold.",
    1: "That is a cost. Return the threshold at which it is lowest.",
    3: "That is a place in the list. Return the probability that stands there.",
}


def fault_of_four(given: object) -> str | None:
    """What is wrong with the answer for four sentences, as a hint."""
    if isinstance(given, str):
        return "Return a number, not text."
    for mistaken, hint in NOT_08.items():
        if is_close(given, mistaken):
            return hint
    if is_close(given, 0.7, 0.0999):
        return "From 0.6 to 0.8 all thresholds cost the same. Return one of the probabilities: 0.8."
    if not is_close(given, 0.8):
        return "For labels 0, 1, 0, 1 it is 0.8: one positive is missed, which costs 1."
    return None


def fault_of_many(found: Callable) -> str | None:
    """What is wrong where there are more sentences, or all of one class, as a hint."""
    labels, p = [0, 0, 1, 1, 0, 1], [0.7, 0.3, 0.3, 0.5, 0.1, 0.9]
    small = [(labels, p, *costs) for costs in ((1, 1), (1, 10), (10, 1), (2, 3))]
    small += [([0, 0, 0], [0.4, 0.2, 0.7], 1, 1), ([1, 1], [0.6, 0.3], 1, 1), ([1], [0.5], 2, 2)]
    for case in small:
        expected, given = cheapest(*case), found(*case)
        if not is_close(given, expected, 1e-6):
            labels, p, cost_fp, cost_fn = case
            return (
                f"Labels {labels}, probabilities {p}, costs {cost_fp}, {cost_fn} give {expected}, "
                f"and your function gives {given}."
            )
    labels, p = recorded()
    for costs in ((5, 1), (1, 1), (0.5, 40), (1000, 300)):
        expected, given = cheapest(labels, p, *costs), found(labels, p, *costs)
        if given is None:
            return (
                f"With the 853 sentences of the notebook and the costs {costs} your function "
                "returns None. Is the cost that you start with larger than any? float('inf') is."
            )
        if not is_close(given, expected, 1e-6):
            near = is_close(given, expected, 0.0051)
            return (
                f"With the 853 sentences of the notebook and the costs {costs} it is "
                f"{expected:.5f}, and your function gives {given}."
                + (" Return the probability as it is, not rounded." if near else "")
            )
    return None


@exercise("05-3")
def cheapest_threshold(
    function: Callable[[np.ndarray, np.ndarray, float, float], float],
) -> Verdict:
    """The threshold at which the mistakes cost least."""

    def found(labels: list, probabilities: list, cost_fp: float, cost_fn: float) -> float:
        return function(np.array(labels), np.array(probabilities), cost_fp, cost_fn)

    labels, p = [0, 1, 0, 1], [0.2, 0.4, 0.6, 0.8]
    given = found(labels, p, 5, 1)
    if nothing := gave_nothing(given):
        return nothing
    if fault := fault_of_four(given):
        return wrong(fault)
    if not is_close(found(labels, p, 1, 5), 0.4):
        return wrong(
            "With the costs 1 and 5 it is 0.4: count both mistakes, by cost_fp and cost_fn."
        )
    if not is_close(found([1, 0], [0.3, 0.9], 10, 1), 0.3):
        return wrong(
            "Return one of the probabilities, even if calling nothing positive is cheaper."
        )
    if is_close(found([1, 0, 1], [0.7, 0.5, 0.3], 1, 1), 0.7):
        return wrong("0.3 and 0.7 cost the same here: go upwards, and replace only if cheaper.")
    if fault := fault_of_many(found):
        return wrong(fault)
    return right("No formula, only counting; choose on validation, and measure on the test.")
