"""Right and wrong answers to the exercises of notebook 08."""

import numpy as np
from scipy import stats

from tests.notebooks.cases import Cases

TRAINED = 221_184
SHARE = TRAINED / 109_482_240


def flip(labels, share, rng):
    flipped = labels.copy()
    chosen = rng.permutation(len(labels))[: round(share * len(labels))]
    flipped[chosen] = 1 - flipped[chosen]
    return flipped


def flip_by_choice(labels, share, rng):
    chosen = rng.choice(len(labels), round(share * len(labels)), replace=False)
    turned = np.isin(np.arange(len(labels)), chosen)
    return [int(label) ^ int(t) for label, t in zip(labels, turned, strict=True)]


def flip_each_by_chance(labels, share, rng):
    return np.where(rng.random(len(labels)) < share, 1 - labels, labels)


def draw_anew(labels, share, rng):
    flipped = labels.copy()
    chosen = rng.permutation(len(labels))[: round(share * len(labels))]
    flipped[chosen] = rng.integers(0, 2, len(chosen))
    return flipped


def flip_the_first(labels, share, rng):
    count = round(share * len(labels))
    return np.concatenate([1 - labels[:count], labels[count:]])


def flip_in_place(labels, share, rng):
    chosen = rng.permutation(len(labels))[: round(share * len(labels))]
    labels[chosen] = 1 - labels[chosen]
    return labels


def flip_the_others(labels, share, rng):
    return 1 - flip(labels, share, rng)


def only_the_flipped(labels, share, rng):
    chosen = rng.permutation(len(labels))[: round(share * len(labels))]
    return 1 - labels[chosen]


def at_positions(choose):
    """A function that turns over the labels at `choose(labels, share, rng)`."""
    return lambda labels, share, rng: np.where(
        np.isin(np.arange(len(labels)), choose(labels, share, rng)), 1 - labels, labels
    )


cut_off = at_positions(lambda y, share, rng: rng.permutation(len(y))[: int(share * len(y))])
cut_up = at_positions(lambda y, share, rng: rng.permutation(len(y))[: int(np.ceil(share * len(y)))])
from_the_end = at_positions(lambda y, share, rng: rng.permutation(len(y))[-round(share * len(y)) :])
always_thirty = at_positions(lambda y, share, rng: rng.permutation(len(y))[:30])
without_the_last = at_positions(
    lambda y, share, rng: rng.permutation(len(y) - 1)[: round(share * len(y))]
)
one_class = at_positions(
    lambda y, share, rng: rng.permutation(np.flatnonzero(y == 1))[: round(share * len(y))]
)
own_generator = at_positions(
    lambda y, share, rng: np.random.permutation(len(y))[: round(share * len(y))]
)


def flip_by_sorting(labels, share, rng):
    ranks = rng.random(len(labels)).argsort().argsort()
    return np.where(ranks < round(share * len(labels)), 1 - np.asarray(labels), labels)


def flip_one_by_one(labels, share, rng):
    flipped, left = list(labels), list(range(len(labels)))
    for _ in range(round(share * len(labels))):
        place = left.pop(rng.integers(len(left)))
        flipped[place] = 1 - flipped[place]
    return flipped


def block(y, share, rng):
    return (rng.integers(len(y)) + np.arange(round(share * len(y)))) % len(y)


def every_third(y, share, rng):
    return (rng.integers(len(y)) + 3 * np.arange(round(share * len(y)))) % len(y)


def two_blocks(y, share, rng):
    half = round(share * len(y)) // 2
    start = rng.integers(len(y))
    return (
        np.r_[start + np.arange(half), start + 50 + np.arange(round(share * len(y)) - half)] % 100
    )


def rotated_order(y, share, rng):
    order = np.random.default_rng(5).permutation(len(y))
    return np.roll(order, rng.integers(len(y)))[: round(share * len(y))]


def in_tens(y, share, rng):
    return (
        rng.permutation(len(y) // 10)[: round(share * len(y)) // 10, None] * 10 + np.arange(10)
    ).ravel()


def with_its_neighbour(y, share, rng):
    firsts = 2 * rng.permutation(len(y) // 2)
    return np.c_[firsts, firsts + 1].ravel()[: round(share * len(y))]


def rather_the_first(y, share, rng):
    weights = np.linspace(3, 1, len(y))
    return rng.choice(len(y), round(share * len(y)), replace=False, p=weights / weights.sum())


def ends(first, second, quantile=None, root=True, ddof=1, df=-1):
    d = np.asarray(first) - np.asarray(second)
    quantile = quantile or stats.t.ppf(0.975, len(d) + df)
    error = d.std(axis=0, ddof=ddof) / (np.sqrt(len(d)) if root else 1)
    return d.mean(axis=0) - quantile * error


def from_on(sizes, clear):
    for place, size in enumerate(sizes):
        if all(clear[place:]):
            return size
    return None


def paired(sizes, first, second):
    return from_on(sizes, ends(first, second) > 0)


def paired_by_the_library(sizes, first, second):
    answer = None
    for size, a, b in reversed(list(zip(sizes, first.T, second.T, strict=True))):
        if stats.ttest_1samp(a - b, 0).confidence_interval().low <= 0:
            break
        answer = size
    return answer


def mean_only(sizes, first, second):
    return from_on(sizes, (first - second).mean(axis=0) > 0)


def first_place(sizes, first, second):
    clear = ends(first, second) > 0
    return sizes[int(clear.argmax())] if clear.any() else None


def position(sizes, first, second):
    size = paired(sizes, first, second)
    return None if size is None else sizes.index(size)


def normal(sizes, first, second):
    return from_on(sizes, ends(first, second, 1.96) > 0)


def without_the_root(sizes, first, second):
    return from_on(sizes, ends(first, second, root=False) > 0)


def not_paired(sizes, first, second):
    error = np.sqrt((first.var(axis=0, ddof=1) + second.var(axis=0, ddof=1)) / len(first))
    lead = first.mean(axis=0) - second.mean(axis=0)
    return from_on(sizes, lead > stats.t.ppf(0.975, 10) * error)


def never_none(sizes, first, second):
    return paired(sizes, first, second) or sizes[-1]


def for_each_size(sizes, first, second):
    return (ends(first, second) > 0).tolist()


def ddof_zero(sizes, first, second):
    return from_on(sizes, ends(first, second, ddof=0) > 0)


def one_degree_too_many(sizes, first, second):
    return from_on(sizes, ends(first, second, df=0) > 0)


def every_draw(sizes, first, second):
    return from_on(sizes, (first > second).all(axis=0))


def last_left_out(sizes, first, second):
    clear = ends(first, second) > 0
    return next((s for i, s in enumerate(sizes[:-1]) if all(clear[i:-1])), None)


def all_but_the_last_place(sizes, first, second):
    clear = ends(first, second) > 0
    return next((s for i, s in enumerate(sizes[:-1]) if all(clear[i:])), None)


TOGETHER = (block, every_third, two_blocks, rotated_order, in_tens, with_its_neighbour)
CASES = {
    "08-1": Cases(
        right=[(TRAINED, SHARE), (TRAINED, 0.002), (12 * 3 * (4 * 768 + 768 * 4), 0.00202)],
        wrong=[
            ((TRAINED / 12, SHARE), "one layer"),
            ((TRAINED / 3, SHARE), "one matrix per layer"),
            ((TRAINED / 2, SHARE), "A alone"),
            ((12 * 3 * 768**2, SHARE), "stay frozen"),
            ((12 * 3 * (768**2 + 8 * 768), SHARE), "Count A and B only"),
            ((100, SHARE), "12 layers"),
            ((TRAINED, 100 * SHARE), "in percent"),
            ((TRAINED, 0.5), "divided by all"),
        ],
    ),
    "08-2": Cases(
        right=[(flip,), (flip_by_choice,), (flip_by_sorting,), (flip_one_by_one,)],
        wrong=[
            *(((at_positions(choose),), "hang together") for choose in TOGETHER),
            ((at_positions(rather_the_first),), "far more often"),
            ((flip_each_by_chance,), "on average"),
            ((draw_anew,), "half of the time"),
            ((flip_the_first,), "same positions"),
            ((flip_in_place,), "labels.copy()"),
            ((flip_the_others,), "flip the rest"),
            ((only_the_flipped,), "one label"),
            ((own_generator,), "not with np.random"),
            ((one_class,), "Only one class"),
            ((without_the_last,), "Position 99 was never drawn"),
            ((cut_off,), "share 0.29 of 100 labels: 28"),
            ((cut_up,), "share 0.28 of 100 labels: 29"),
            ((from_the_end,), "share 0 of 100 labels: 100"),
            ((always_thirty,), "share 0.29 of 100 labels: 30"),
        ],
    ),
    "08-3": Cases(
        right=[(paired,), (paired_by_the_library,)],
        wrong=[
            ((mean_only,), "mean only"),
            ((first_place,), "lost again later"),
            ((position,), "position"),
            ((normal,), "1.96 is for many draws"),
            ((without_the_root,), "root of the number"),
            ((not_paired,), "Pair the draws"),
            ((never_none,), "return None"),
            ((for_each_size,), "one size"),
            ((ddof_zero,), "ddof=1, here as well"),
            ((one_degree_too_many,), "4 degrees of freedom"),
            ((every_draw,), "though one draw is not"),
            ((last_left_out,), "lost at the largest size"),
            ((all_but_the_last_place,), "at the largest size alone"),
        ],
    ),
}
