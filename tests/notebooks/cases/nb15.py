"""Right and wrong answers to the exercises of notebook 15."""

import math

import numpy as np
from scipy import stats

from helpers import metrics, validation
from tests.notebooks.cases import Cases

LOW, HIGH = metrics.wilson(41, 50)


def possible_sizes(accuracy, digits, sizes):
    return [n for n in sizes if round(round(accuracy * n) / n, digits) == accuracy]


def by_trying_every_number(accuracy, digits, sizes):
    """Another way: all numbers of right answers, and a tolerance instead of a comparison."""
    found = []
    for n in sizes:
        shares = np.arange(n + 1) / n
        if np.any(np.abs(np.round(shares, digits) - accuracy) < 1e-9):
            found.append(n)
    return found


def cut_off(accuracy, digits, sizes):
    return [n for n in sizes if round(int(accuracy * n) / n, digits) == accuracy]


def rounded_up(accuracy, digits, sizes):
    return [n for n in sizes if round(math.ceil(accuracy * n) / n, digits) == accuracy]


def not_rounded(accuracy, digits, sizes):
    return [n for n in sizes if round(accuracy * n) / n == accuracy]


def always_four_digits(accuracy, digits, sizes):
    return [n for n in sizes if round(round(accuracy * n) / n, 4) == accuracy]


def too_tolerant(accuracy, digits, sizes):
    return [n for n in sizes if abs(round(accuracy * n) / n - accuracy) < 10**-digits]


def all_of_them(accuracy, digits, sizes):
    return list(sizes)


def numbers_of_hits(accuracy, digits, sizes):
    return [round(accuracy * n) for n in possible_sizes(accuracy, digits, sizes)][:1]


def only_the_first(accuracy, digits, sizes):
    return possible_sizes(accuracy, digits, sizes)[:1]


def forgets_the_last_size(accuracy, digits, sizes):
    return possible_sizes(accuracy, digits, list(sizes)[:-1])


def in_order(accuracy, digits, sizes):
    return sorted(possible_sizes(accuracy, digits, sizes))


def whether_there_is_one(accuracy, digits, sizes):
    return bool(possible_sizes(accuracy, digits, sizes))


def forgets_to_return(*arguments):
    possible_sizes(0.5, 1, [2])


def verdict(shown):
    if all(shown):
        return "holds"
    return "holds if" if any(shown) else "does not hold here"


def lows(tuned, rivals):
    return [validation.two_way_interval(100 * (tuned - rival))[1] for rival in rivals.values()]


def judge(tuned, rivals):
    return verdict([low > 0 for low in lows(tuned, rivals)])


def judge_in_a_loop(tuned, rivals):
    """Another shape: shares instead of points, counted in a loop."""
    shown = 0
    for name in rivals:
        _, low, _ = validation.two_way_interval(tuned - rivals[name])
        shown += low > 0
    return {0: "does not hold here", len(rivals): "holds"}.get(shown, "holds if")


def by_plain_t(tuned, rivals):
    found = []
    for rival in rivals.values():
        d = (tuned - rival).mean(axis=1)
        half = stats.t.ppf(0.975, len(d) - 1) * d.std(ddof=1) / math.sqrt(len(d))
        found.append(d.mean() - half > 0)
    return verdict(found)


def by_means(tuned, rivals):
    return verdict([tuned.mean() > rival.mean() for rival in rivals.values()])


def by_sentences_alone(tuned, rivals):
    found = []
    for rival in rivals.values():
        d = (tuned - rival).mean(axis=0)
        found.append(d.mean() - 1.96 * d.std(ddof=1) / math.sqrt(len(d)) > 0)
    return verdict(found)


def by_two_intervals(tuned, rivals):
    n = tuned.shape[1]
    low = metrics.wilson(tuned.mean() * n, n)[0]
    return verdict([low > metrics.wilson(r.mean() * n, n)[1] for r in rivals.values()])


def one_is_enough(tuned, rivals):
    return "holds" if any(low > 0 for low in lows(tuned, rivals)) else "does not hold here"


def all_or_nothing(tuned, rivals):
    return "holds" if all(low > 0 for low in lows(tuned, rivals)) else "does not hold here"


def only_the_first_rival(tuned, rivals):
    return judge(tuned, dict(list(rivals.items())[:1]))


def only_the_last_rival(tuned, rivals):
    return judge(tuned, dict(list(rivals.items())[-1:]))


def turned(tuned, rivals):
    return verdict([low > 0 for low in lows(-tuned, {n: -r for n, r in rivals.items()})])


def by_the_upper_end(tuned, rivals):
    found = [validation.two_way_interval(tuned - rival)[2] > 0 for rival in rivals.values()]
    return verdict(found)


def says_yes_or_no(tuned, rivals):
    return all(low > 0 for low in lows(tuned, rivals))


def in_place(tuned, rivals):
    found = []
    for rival in rivals.values():
        rival *= -1
        rival += tuned
        found.append(validation.two_way_interval(rival)[1] > 0)
    return verdict(found)


def a_constant(tuned, rivals):
    return "holds"


CASES = {
    "15-1": Cases(
        right=[
            (LOW, HIGH, "does not hold here"),
            (round(LOW, 3), round(HIGH, 4), "does not hold here"),
        ],
        wrong=[
            ((100 * LOW, 100 * HIGH, "does not hold here"), "not in percent"),
            ((0.7135, 0.9265, "does not hold here"), "Wald"),
            ((HIGH, LOW, "does not hold here"), "changed places"),
            ((0.76, HIGH, "does not hold here"), "low:"),
            ((LOW, 0.82, "does not hold here"), "high:"),
            ((LOW, HIGH, "holds"), "whole interval"),
            ((LOW, HIGH, "wrong"), "Nothing contradicts it"),
            ((LOW, HIGH, "not tested"), "It was tested"),
            ((LOW, HIGH, "open"), "one of the five"),
        ],
    ),
    "15-2": Cases(
        right=[(possible_sizes,), (by_trying_every_number,)],
        wrong=[
            ((cut_off,), "cut the number"),
            ((rounded_up,), "always round the number"),
            ((not_rounded,), "Round yours before"),
            ((always_four_digits,), "in `digits`"),
            ((too_tolerant,), "For 0.5 with 1 digits"),
            ((all_of_them,), "Not every size"),
            ((numbers_of_hits,), "your function gives [44]"),
            ((only_the_first,), "stop at the first"),
            ((in_order,), "For 0.333"),
            ((forgets_the_last_size,), "gives [2, 4, 6, 8, 10]."),
            ((whether_there_is_one,), "Return a list"),
            ((forgets_to_return,), "returns None"),
        ],
    ),
    "15-3": Cases(
        right=[(judge,), (judge_in_a_loop,)],
        wrong=[
            ((by_plain_t,), "draws alone"),
            ((by_means,), "means alone"),
            ((by_sentences_alone,), "sentences alone"),
            ((by_two_intervals,), "Do you pair"),
            ((one_is_enough,), 'not "holds"'),
            ((all_or_nothing,), "it is not nothing"),
            ((only_the_first_rival,), "first rival alone"),
            ((only_the_last_rival,), "last rival alone"),
            ((turned,), "turned"),
            ((by_the_upper_end,), "lower end"),
            ((says_yes_or_no,), "Return"),
            ((in_place,), "changes what it was given"),
            ((a_constant,), "always says"),
            ((forgets_to_return,), "returns None"),
        ],
    ),
}
