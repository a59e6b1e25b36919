"""Graders of notebook 08, what fine-tuning buys."""

from collections.abc import Callable

import numpy as np
from scipy import stats

from helpers.exercises import (
    Verdict,
    exercise,
    gave_nothing,
    is_close,
    is_rounded,
    right,
    unanswered,
    wrong,
)

TRAINED, WHOLE = 12 * 3 * 4 * (768 + 768), 109_482_240


@exercise("08-1")
def lora_parameters(trained: int, share: float) -> Verdict:
    """How many numbers LoRA trains in BERT-base, and which share of all."""
    if is_close(trained, TRAINED / 12):
        return wrong("trained: that is one layer. BERT-base has twelve.")
    if is_close(trained, TRAINED / 3):
        return wrong("trained: that is one matrix per layer. Query, key and value are three.")
    if is_close(trained, TRAINED / 2):
        return wrong("trained: A alone. B, of shape (768, 4), is trained as well.")
    if is_close(trained, 12 * 3 * 768**2):
        return wrong("trained: that is the matrices themselves, which stay frozen.")
    if is_close(trained, TRAINED + 12 * 3 * 768**2):
        return wrong("trained: the matrices beside A and B stay frozen. Count A and B only.")
    if not is_close(trained, TRAINED):
        return wrong("trained: 12 layers × 3 matrices × the numbers in A (4, 768) and B (768, 4).")
    if is_close(share, 100 * TRAINED / WHOLE, 0.01):
        return wrong("share: that is in percent. Give trained / 109,482,240.")
    if not is_rounded(share, TRAINED / WHOLE, 3):
        return wrong("share: trained divided by all 109,482,240 parameters.")
    return right("One number in 500 is trained, and every layer still changes.")


LABELS = np.array([0, 1, 1, 0, 1, 0, 0, 1, 1, 1] * 10)
TRIES = 120  # draws of 30 of the 100 labels
# How far the variance over positions, or over pairs of them, may lie above that of fair draws. Of
# 3,000 series of fair draws none had more than 1.65 and 1.29 times as much.
OF_POSITIONS, OF_PAIRS = 1.9, 1.4


def turned(function: Callable, share: float, seed: int, given: np.ndarray = LABELS) -> np.ndarray:
    """Where the function turns a label over, for a fresh generator."""
    return np.asarray(function(given.copy(), share, np.random.default_rng(seed))) != given


@exercise("08-2")
def flip_labels(function: Callable) -> Verdict:
    """A function that turns over an exact share of 0/1 labels, drawn by a generator."""
    labels = LABELS.copy()
    found = function(labels, 0.3, np.random.default_rng(0))
    if nothing := gave_nothing(found):
        return nothing
    found = np.asarray(found)
    if not np.array_equal(labels, LABELS):
        return wrong("Your function changed the labels it was given. Work on labels.copy().")
    if found.shape != labels.shape or not np.isin(found, (0, 1)).all():
        return wrong("Return one label, 0 or 1, for each label given, in the same order.")
    drawn = [turned(function, 0.3, seed) for seed in range(TRIES)]
    counts = np.sum(drawn, axis=1)
    if (counts == 30).all():
        return which_labels(function, drawn)
    if counts.mean() < 20:
        return wrong("Too few differ: a label that is drawn anew stays as it was half of the time.")
    if 65 < counts.mean() < 75:
        return wrong("You keep the drawn ones and flip the rest.")
    if np.ptp(counts) > 0 and 25 < counts.mean() < 35:
        return wrong(
            f"Between {counts.min()} and {counts.max()} of 100 were flipped, 30 only on "
            "average. Draw positions: rng.permutation(n)[:round(share * n)]."
        )
    return wrong("At the drawn positions the label becomes 1 - label; everywhere else it stays.")


def which_labels(function: Callable, drawn: list[np.ndarray]) -> Verdict:
    """Are the 30 drawn from all 100 labels, and is the count right for other shares?"""
    if all(np.array_equal(drawn[0], other) for other in drawn[1:]):
        return wrong("The same positions each time: let rng draw them.")
    if not np.array_equal(drawn[0], turned(function, 0.3, 0)):
        return wrong("The same seed gave other labels: draw with rng, not with np.random.")
    never = ~np.any(drawn, axis=0)
    if any(never[label == LABELS].all() for label in (0, 1)):
        return wrong("Only one class is ever flipped. 0 becomes 1, and 1 becomes 0.")
    if never.any():
        return wrong(
            f"Position {never.argmax()} was never drawn in {TRIES} tries. Draw from all n."
        )
    if hint := how_they_lie(np.array(drawn)):
        return wrong(hint)
    for share, given in ((0.29, LABELS), (0.28, LABELS), (0, LABELS), (0.5, np.ones(10, int))):
        expected, count = round(share * len(given)), turned(function, share, 0, given).sum()
        if count != expected:
            return wrong(f"share {share} of {len(given)} labels: {count}, round gives {expected}.")
    return right("Exactly 30 of 100 are wrong now, and the seed says which.")


def unevenness(drawn: np.ndarray) -> tuple[float, float]:
    """How unequally often positions, and pairs of them, were drawn: 1 for fair draws.

    Args:
        drawn: which of n positions were drawn, shape (tries, n), equally many in each try.

    Returns:
        The variance over positions, and over pairs, of how often they were drawn, each divided by
        that of sets drawn by chance.
    """
    tries, n = drawn.shape
    k = int(drawn[0].sum())
    together = drawn.T.astype(int) @ drawn.astype(int)
    alone, pairs = np.diag(together), together[np.triu_indices(n, 1)]
    p, both = k / n, k * (k - 1) / (n * (n - 1))
    return alone.var() / (tries * p * (1 - p)), pairs.var() / (tries * both * (1 - both))


def how_they_lie(drawn: np.ndarray) -> str:
    """A hint if some positions, or some sets of them, are likelier than others; else ""."""
    of_positions, of_pairs = unevenness(drawn)
    if of_positions > OF_POSITIONS:
        return (
            "Some positions are drawn far more often than others. Each of the n should be equally "
            "likely: rng.permutation(n)[:count]."
        )
    if of_pairs > OF_PAIRS:
        together = np.triu(drawn.T.astype(int) @ drawn.astype(int), 1)
        one, other = np.unravel_index(together.argmax(), together.shape)
        return (
            f"Positions {one} and {other} were drawn together {together.max()} times in {TRIES}; "
            "by chance it would be about 10. They hang together, as a block or in a fixed pattern. "
            "Draw each one without looking at its neighbours: rng.permutation(n)[:count]."
        )
    return ""


SIZES = [16, 32, 64, 128, 256, 512]
SPREAD = np.array([-1.5, 1.0, -0.5, 1.5, 0.5, -1.0])  # mean 0, standard deviation 1.18
MEANS, SDS = (0.8, 2.5, 0.6, 1.3, 2.0, 6.0), (2.0, 1.0, 2.0, 1.2, 1.3, 0.8)
DRAWS = np.array(
    [mean + sd * np.roll(SPREAD, i) for i, (mean, sd) in enumerate(zip(MEANS, SDS, strict=True))]
).T
BASE = np.array([50.0, 60, 55, 65, 58, 52])[:, None] + np.arange(6)

# Five draws of standard deviation 1. With them a mean of 1.24 is needed; 1.11 if ddof is 0, and
# 1.15 with five degrees of freedom, but 1.42 with three and 1.43 if ddof is 2. At 1.35 the interval
# is clear although one draw is below 0.
FEW = np.array([-1.8, 0.3, 0.4, 0.5, 0.6])
FEW = (FEW / FEW.std(ddof=1))[:, None] + np.array([1.13, 1.2, 1.35, 4.0])
FEW_BASE = np.array([50.0, 60, 55, 65, 58])[:, None] + np.arange(4)
FEW_SIZES = [16, 64, 256, 1024]


def lower_ends(differences: np.ndarray, quantile: float | None = None, ddof: int = 1) -> np.ndarray:
    """Lower end of the interval of the mean difference at each size."""
    quantile = quantile or stats.t.ppf(0.975, len(differences) - 1)
    error = differences.std(axis=0, ddof=ddof) / np.sqrt(len(differences))
    return differences.mean(axis=0) - quantile * error


def from_on(clear: np.ndarray, sizes: list[int] = SIZES) -> int | None:
    """The smallest size from which on it is clear at every size."""
    return next((size for place, size in enumerate(sizes) if clear[place:].all()), None)


@exercise("08-3")
def from_which_size(function: Callable) -> Verdict:
    """From which number of labels on one method is ahead, whichever draws one happens to have."""
    first, second = BASE + DRAWS, BASE.copy()
    given = function(list(SIZES), first.copy(), second.copy())
    if given is ...:
        return unanswered()
    if given is None:
        return wrong("None says never. Pair the draws: seed by seed, how much is first ahead?")
    if isinstance(given, bool) or np.ndim(given) > 0:
        return wrong("Return one size, such as 256, not the answer for each size.")
    if given != from_on(lower_ends(DRAWS) > 0):
        return wrong(what_went_wrong(given))
    if function(list(SIZES), second.copy(), first.copy()) is not None:
        return wrong("Where the first never gets ahead, return None.")
    return with_few_draws(function)


def what_went_wrong(given: float) -> str:
    """The hint for a wrong size on the six draws."""
    clear = lower_ends(DRAWS) > 0
    if given in range(len(SIZES)) and given not in SIZES:
        return "That is a position. Return the size that stands there."
    if given == SIZES[int(clear.argmax())]:
        return "The lead is clear there and lost again later. From there ON, at every size."
    if given == from_on(DRAWS.mean(axis=0) > 0):
        return "You look at the mean only. Its 95 % interval has to lie above 0."
    if given == from_on(lower_ends(DRAWS, 1.96) > 0):
        return (
            "You reach too early: 1.96 is for many draws, and 0.95 as quantile is one-sided. "
            "With six draws t = stats.t.ppf(0.975, 5)."
        )
    if given == from_on(lower_ends(DRAWS, np.sqrt(6) * stats.t.ppf(0.975, 5)) > 0):
        return (
            "Your interval is too wide. One standard deviation per size, over the draws (axis=0), "
            "divided by the root of the number of draws."
        )
    return (
        "At each size: first - second draw by draw, their mean minus "
        "t · sd / √draws, with t = stats.t.ppf(0.975, draws - 1) and ddof=1; above 0?"
    )


def with_few_draws(function: Callable) -> Verdict:
    """Five draws at four sizes, where what is nearly right gives another size."""
    size = function(list(FEW_SIZES), FEW_BASE + FEW, FEW_BASE.copy())
    if size == 16:
        return wrong("Another table, five draws: too early. std needs ddof=1, here as well.")
    if size == 64:
        return wrong("Another table, five draws: too early. They have 4 degrees of freedom.")
    if size == 1024:
        return wrong(
            "Another table, five draws: too late. mean - t · sd / √draws can be above 0 "
            "though one draw is not; t has 4 degrees of freedom, and ddof is 1."
        )
    if size != 256:
        return wrong("Another table, with five draws and other sizes: the answer there is 256.")
    late = FEW[:, [3, 3, 3, 0]]
    if function(list(FEW_SIZES), FEW_BASE + late, FEW_BASE.copy()) is not None:
        return wrong("A lead that is lost at the largest size is none: return None.")
    late = FEW[:, [0, 0, 0, 3]]
    if function(list(FEW_SIZES), FEW_BASE + late, FEW_BASE.copy()) != 1024:
        return wrong("A lead at the largest size alone counts: return that size.")
    return right("Paired by draw, and clear from there on at every size.")
