"""Graders of notebook 15, the claims revisited."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from scipy import stats

from helpers import metrics, validation
from helpers.exercises import Verdict, exercise, gave_nothing, is_close, is_rounded, right, wrong
from helpers.measured import ledger

HITS, OF, CLAIMED = 41, 50, 0.76


def wald(hits: int, n: int) -> tuple[float, float]:
    """Two standard errors (1.96) on either side: the interval that one should not take here."""
    share, half = hits / n, 1.959964 * np.sqrt(hits / n * (1 - hits / n) / n)
    return share - half, share + half


@exercise("15-1")
def a_new_claim(low: float, high: float, verdict: str) -> Verdict:
    """41 of 50 right: is that better than 76 %?"""
    low_is, high_is = metrics.wilson(HITS, OF)
    if is_close(low, 100 * low_is, 0.1):
        return wrong("Give the ends as shares between 0 and 1, not in percent.")
    if is_close([low, high], wald(HITS, OF)):
        return wrong("Those are Wald's ends. metrics.wilson gives better ones.")
    if is_close([low, high], [high_is, low_is]):
        return wrong("The ends have changed places: the lower one comes first.")
    if not is_rounded(low, low_is, 3):
        return wrong(
            "low: metrics.wilson(hits, n) gives both ends. How many were right, of how many?"
        )
    if not is_rounded(high, high_is, 3):
        return wrong("high: it is the second of the two ends.")
    if verdict == ledger.HOLDS:
        return wrong("82 % is more than 76 %, but does the whole interval lie above 76 %?")
    if verdict == ledger.WRONG:
        return wrong("Nothing contradicts it: 82 % may be true. What is it that was not shown?")
    if verdict == ledger.NOT_TESTED:
        return wrong("It was tested, on 50 sentences. What did the test show?")
    if verdict != ledger.NOT_HERE:
        return wrong("verdict: one of the five of section 2. Was a lead shown?")
    return right("Fifty sentences cannot tell 82 % from 76 %. That does not make the claim false.")


GIVEN = [  # accuracy, digits, sizes
    (0.7333, 4, range(50, 101)),
    (0.8667, 4, range(290, 321)),
    (0.5, 1, range(1, 12)),
    (0.67, 2, range(3, 13)),
    (1.0, 3, range(5, 9)),
    (0.9995, 4, range(1, 60)),
    (0.0, 2, range(1, 4)),
    (0.333, 3, [9, 30, 3, 31]),
]


def sizes_that_give(accuracy: float, digits: int, sizes: Sequence[int]) -> list[int]:
    """The sizes of which a whole number of right answers gives this accuracy."""
    return [n for n in sizes if round(round(accuracy * n) / n, digits) == accuracy]


def cut_off(accuracy: float, digits: int, sizes: Sequence[int]) -> list[int]:
    """The mistake of cutting the number of right answers off."""
    return [n for n in sizes if round(int(accuracy * n) / n, digits) == accuracy]


def rounded_up(accuracy: float, digits: int, sizes: Sequence[int]) -> list[int]:
    """The mistake of always rounding it up."""
    return [n for n in sizes if round(math.ceil(accuracy * n) / n, digits) == accuracy]


def not_rounded(accuracy: float, digits: int, sizes: Sequence[int]) -> list[int]:
    """The mistake of comparing with a share that was not rounded."""
    return [n for n in sizes if round(accuracy * n) / n == accuracy]


def four_digits(accuracy: float, digits: int, sizes: Sequence[int]) -> list[int]:
    """The mistake of rounding to four digits, whatever was asked for."""
    return sizes_that_give(accuracy, 4, sizes)


def first_alone(accuracy: float, digits: int, sizes: Sequence[int]) -> list[int]:
    """The mistake of stopping at the first size that fits."""
    return sizes_that_give(accuracy, digits, sizes)[:1]


WRONG_SIZES = {
    cut_off: "You cut the number of right answers off. Take the nearest: round(accuracy * n).",
    rounded_up: "You always round the number of right answers up. Take the nearest one.",
    not_rounded: "The share was rounded before it was printed. Round yours before you compare.",
    four_digits: "You always round to four digits. How many were printed is in `digits`.",
    first_alone: "You stop at the first size that fits. Return all of them.",
}


@exercise("15-2")
def possible_sizes(function: Callable[[float, int, Sequence[int]], list[int]]) -> Verdict:
    """Which sizes can be behind a printed accuracy?"""
    given = function(*GIVEN[0])
    if nothing := gave_nothing(given):
        return nothing
    if isinstance(given, bool) or np.ndim(given) != 1:
        return wrong("Return a list of sizes.")
    found = [list(function(*asked)) for asked in GIVEN]
    if found[0] == list(GIVEN[0][2]):
        return wrong("Not every size will do: of 74, say, no whole number gives 0.7333.")
    for mistake, hint in WRONG_SIZES.items():
        if found == [mistake(*asked) for asked in GIVEN]:
            return wrong(hint)
    for own, (accuracy, digits, sizes) in zip(found, GIVEN, strict=True):
        expected = sizes_that_give(accuracy, digits, sizes)
        if own != expected:
            return wrong(
                f"For {accuracy} with {digits} digits and the sizes {list(sizes)[:3]} … it is "
                f"{expected[:6]}, and your function gives {own[:6]}."
            )
    return right("A printed share must fit its size. If none fits, something else was printed.")


def drawn(seed: int, draws: int, n: int, base: float) -> np.ndarray:
    """Which of n sentences a rival gets right in each draw: mostly the same ones."""
    rng = np.random.default_rng(seed)
    known = rng.random(n) < base
    return np.where(rng.random((draws, n)) < 0.95, known, ~known).astype(float)


def better(rival: np.ndarray, seed: int, shares: Sequence[float]) -> np.ndarray:
    """A model that gets more right than the rival: of its errors, this share in each draw.

    A share below 0 spoils as many of the rival's right answers.
    """
    rng, found = np.random.default_rng(seed), rival.copy()
    for row, share in enumerate(shares):
        from_value = 0.0 if share > 0 else 1.0
        places = np.flatnonzero(rival[row] == from_value)
        found[row, rng.permutation(places)[: round(abs(share) * len(places))]] = 1 - from_value
    return found


def same_sentences(rival: np.ndarray, won: int, lost: int) -> np.ndarray:
    """A model that differs from the rival on the same few sentences in every draw."""
    found = rival.copy()
    found[:, :won], found[:, won : won + lost] = 1.0, 0.0
    return found


def with_known(rival: np.ndarray, won: int, lost: int) -> np.ndarray:
    """A rival that gets the first `won` sentences wrong, and the next `lost` right."""
    found = rival.copy()
    found[:, :won], found[:, won : won + lost] = 0.0, 1.0
    return found


def studies() -> list[tuple[np.ndarray, dict[str, np.ndarray]]]:
    """Invented studies: hits of a model, and of its rivals by name."""
    base = drawn(0, 5, 400, 0.6)
    clear = better(base, 1, [0.3] * 5)
    few = with_known(drawn(2, 5, 80, 0.6), 10, 4)
    lucky = better(same_sentences(few, 10, 4), 10, [0.05, 0, 0.05, 0, 0.05])  # always ahead
    wide = drawn(3, 5, 3000, 0.6)
    unsteady = better(wide, 4, [0.3, 0.3, -0.05, 0.3, -0.05])  # some draws lose
    close = drawn(5, 5, 400, 0.7)
    paired = better(close, 6, [0.15] * 5)
    behind = better(base, 7, [-0.2] * 5)
    return [
        (clear, {"words": base}),
        (clear, {"words": base, "behind": behind}),
        (lucky, {"frozen": few}),
        (unsteady, {"frozen": wide}),
        (paired, {"frozen": close}),
        (base, {"tuned": clear}),
        (clear, {"words": base, "equal": better(clear, 8, [0.01, -0.01, 0.01, -0.01, 0.01])}),
        (clear, {"equal": better(clear, 8, [0.01, -0.01, 0.01, -0.01, 0.01]), "words": base}),
        (base, {"tuned": clear, "equal": better(base, 9, [0.01, -0.01, 0.01, -0.01, 0.01])}),
    ]


def plain_t(d: np.ndarray) -> bool:
    """Whether a t interval over draws alone lies above 0."""
    by_draw = d.mean(axis=1)
    half = stats.t.ppf(0.975, len(d) - 1) * by_draw.std(ddof=1) / math.sqrt(len(d))
    return by_draw.mean() - half > 0


def sentences_alone(d: np.ndarray) -> bool:
    """Whether an interval over sentences alone lies above 0."""
    of_each = d.mean(axis=0)
    return of_each.mean() > 1.96 * of_each.std(ddof=1) / math.sqrt(len(of_each))


def lead(d: np.ndarray) -> bool:
    """Whether the two-way interval lies above 0, as it should."""
    return validation.two_way_interval(d)[1] > 0


def both(shown: Sequence[bool]) -> str:
    """The mistake of knowing only all or nothing."""
    return ledger.HOLDS if all(shown) else ledger.NOT_HERE


def either(shown: Sequence[bool]) -> str:
    """The mistake of being content with one rival."""
    return ledger.HOLDS if any(shown) else ledger.NOT_HERE


WRONG_VERDICTS = [  # when a lead counts as shown, how leads become a verdict, the hint
    (lambda d: d.mean() > 0, ledger.among, "You look at the means alone. Where is the interval?"),
    (
        plain_t,
        ledger.among,
        "You count the draws alone. All draws are scored on the same sentences: take the two-way "
        "interval.",
    ),
    (
        sentences_alone,
        ledger.among,
        "You count the sentences alone. Other draws give other leads: take the two-way interval.",
    ),
    (
        lambda d: validation.two_way_interval(d)[2] > 0,
        ledger.among,
        "Look at the lower end: the whole interval has to lie above 0.",
    ),
    (
        lambda d: validation.two_way_interval(-d)[1] > 0,
        ledger.among,
        "The difference is turned: the model minus its rival.",
    ),
    (lead, either, 'Shown over one rival and not over another is "holds if", not "holds".'),
    (lead, both, 'Shown over one rival and not over another is "holds if": it is not nothing.'),
    (lead, lambda shown: ledger.among(shown[:1]), "You judge by the first rival alone."),
    (lead, lambda shown: ledger.among(shown[-1:]), "You judge by the last rival alone."),
]


def verdicts(shown: Callable[[np.ndarray], bool], to_verdict: Callable[..., str]) -> list[str]:
    """What a way of judging says of all studies."""
    return [
        to_verdict([bool(shown(100 * (tuned - rival))) for rival in rivals.values()])
        for tuned, rivals in studies()
    ]


@exercise("15-3")
def judge(function: Callable[[np.ndarray, dict[str, np.ndarray]], str]) -> Verdict:
    """The verdict on "better than its rivals", from the hits of every draw."""
    found = []
    for tuned, rivals in studies():
        own, others = tuned.copy(), {name: hits.copy() for name, hits in rivals.items()}
        found.append(function(own, others))
        if nothing := gave_nothing(found[0]):
            return nothing
        kept = np.array_equal(own, tuned) and list(others) == list(rivals)
        if not kept or any(not np.array_equal(others[name], rivals[name]) for name in rivals):
            return wrong("Your function changes what it was given. Work on a copy.")
    if any(one not in (ledger.HOLDS, ledger.IF, ledger.NOT_HERE) for one in found):
        return wrong('Return "holds", "holds if" or "does not hold here".')
    for shown, to_verdict, hint in WRONG_VERDICTS:
        if found == verdicts(shown, to_verdict):
            return wrong(hint)
    expected = verdicts(lead, ledger.among)
    if len(set(found)) == 1:
        return wrong(f'Your function always says "{found[0]}", whatever the numbers are.')
    if found != expected:
        place = next(i for i, one in enumerate(found) if one != expected[i])
        rivals = studies()[place][1]
        return wrong(
            f'In an invented study with {len(rivals)} rival(s) it is "{expected[place]}", and your '
            f'function says "{found[place]}". Do you pair the models, sentence by sentence?'
        )
    return right("Any claim of a lead can be judged so, if it was kept which answers were right.")
