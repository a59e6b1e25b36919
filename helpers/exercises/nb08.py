"""Graders of notebook 08, what fine-tuning buys."""

from collections.abc import Callable

import numpy as np
from scipy import stats

from helpers.exercises import Verdict, exercise, is_close, right, unanswered, wrong

TRAINED, WHOLE = 12 * 3 * 4 * (768 + 768), 109_482_240


@exercise("08-1")
def lora_parameters(trained: int, share: float) -> Verdict:
    """How many numbers LoRA trains in BERT-base, and which share of all."""
    if is_close(trained, TRAINED / 12):
        return wrong("trained: that is one layer. BERT-base has twelve.")
    if is_close(trained, TRAINED / 3):
        return wrong("trained: that is one matrix a layer. Query, key and value are three.")
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
    if not is_close(share, TRAINED / WHOLE, 1e-5):
        return wrong("share: trained divided by all 109,482,240 parameters.")
    return right("One number in 500 is trained, and every layer still changes.")


def in_steps(function: Callable, given: list[int], share: float, seed: int) -> np.ndarray:
    """What the function returns for a fresh generator."""
    return np.asarray(function(np.array(given), share, np.random.default_rng(seed)))


@exercise("08-2")
def flip_labels(function: Callable) -> Verdict:
    """A function that turns over an exact share of 0/1 labels, drawn by a generator."""
    labels = np.array([0, 1, 1, 0, 1, 0, 0, 1, 1, 1] * 10)
    before = labels.copy()
    found = function(labels, 0.3, np.random.default_rng(0))
    if found is None or found is ...:
        return unanswered()
    found = np.asarray(found)
    if not np.array_equal(labels, before):
        return wrong("Your function changed the labels it was given. Work on labels.copy().")
    if found.shape != labels.shape or not np.isin(found, (0, 1)).all():
        return wrong("Return one label, 0 or 1, for each label given, in the same order.")
    drawn = [in_steps(function, before, 0.3, seed) != before for seed in range(20)]
    counts = np.sum(drawn, axis=1)
    if (counts == 30).all():
        if all(np.array_equal(drawn[0], other) for other in drawn[1:]):
            return wrong("The same positions each time: let rng draw them.")
        if not np.array_equal(drawn[0], in_steps(function, before, 0.3, 0) != before):
            return wrong("The same seed gave other labels: draw with rng, not with np.random.")
        if np.ptp(in_steps(function, [1] * 10, 0.5, 0)) == 0:
            return wrong("With labels of one class too: 1 becomes 0 at the drawn positions.")
        return right("Exactly 30 of 100 are wrong now, and the seed says which.")
    if counts.mean() < 20:
        return wrong("Too few differ: a label that is drawn anew stays as it was half of the time.")
    if 65 < counts.mean() < 75:
        return wrong("You keep the drawn ones and turn over the rest.")
    if np.ptp(counts) > 0 and 25 < counts.mean() < 35:
        return wrong(
            f"Between {counts.min()} and {counts.max()} of 100 were turned over, 30 only on "
            "average. Draw positions: rng.permutation(n)[:round(share * n)]."
        )
    return wrong("At the drawn positions the label becomes 1 - label; everywhere else it stays.")


SIZES = [16, 32, 64, 128, 256, 512]
SPREAD = np.array([-1.5, 1.0, -0.5, 1.5, 0.5, -1.0])  # mean 0, standard deviation 1.18
MEANS, SDS = (0.8, 2.5, 0.6, 1.3, 2.0, 6.0), (2.0, 1.0, 2.0, 1.2, 1.3, 0.8)
DRAWS = np.array(
    [mean + sd * np.roll(SPREAD, i) for i, (mean, sd) in enumerate(zip(MEANS, SDS, strict=True))]
).T
BASE = np.array([50.0, 60, 55, 65, 58, 52])[:, None] + np.arange(6)


def lower_ends(differences: np.ndarray, quantile: float, ddof: int = 1) -> np.ndarray:
    """Lower end of the interval of the mean difference at each size."""
    error = differences.std(axis=0, ddof=ddof) / np.sqrt(len(differences))
    return differences.mean(axis=0) - quantile * error


def from_on(clear: np.ndarray) -> int | None:
    """The smallest size from which on it is clear at every size."""
    for place in range(len(SIZES)):
        if clear[place:].all():
            return SIZES[place]
    return None


@exercise("08-3")
def from_which_size(function: Callable) -> Verdict:
    """From which number of labels on one method is ahead, beyond the luck of the draws."""
    first, second = BASE + DRAWS, BASE.copy()
    given = function(list(SIZES), first.copy(), second.copy())
    if given is ...:
        return unanswered()
    if given is None:
        return wrong("None says never. Pair the draws: seed by seed, how much is first ahead?")
    t = stats.t.ppf(0.975, len(DRAWS) - 1)
    clear = lower_ends(DRAWS, t) > 0
    if isinstance(given, bool) or np.ndim(given) > 0:
        return wrong("Return one size, such as 256, not the answer for each size.")
    if given != from_on(clear):
        if given in range(len(SIZES)) and given not in SIZES:
            return wrong("That is a position. Return the size that stands there.")
        if given == SIZES[int(clear.argmax())]:
            return wrong(
                "The lead is clear there and lost again later. From there ON, at every size."
            )
        if given == from_on(DRAWS.mean(axis=0) > 0):
            return wrong("You look at the mean only. Its 95 % interval has to lie above 0.")
        if given == from_on(lower_ends(DRAWS, 1.96) > 0):
            return wrong("1.96 is for many draws. With six of them t = stats.t.ppf(0.975, 5).")
        if given == from_on(lower_ends(DRAWS, t * np.sqrt(len(DRAWS))) > 0):
            return wrong("Divide the standard deviation by the root of the number of draws.")
        return wrong(
            "At each size: first - second draw by draw, their mean minus "
            "t · sd / √draws, with t = stats.t.ppf(0.975, draws - 1) and ddof=1; above 0?"
        )
    never = function(list(SIZES), second.copy(), first.copy())
    if never is not None:
        return wrong("Where the first never gets ahead, return None.")
    return right("Paired by draw, clear from there on: that is how section 2 reads its curves.")
