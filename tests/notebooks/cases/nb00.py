"""Right and wrong answers to the exercises of notebook 00."""

import math

import numpy as np
import torch

from tests.notebooks.cases import Cases

SHARE, OTHER = 602 / 853, 529 / 853
ERROR = (SHARE * (1 - SHARE) / 853) ** 0.5


def around(half: float, share: float = SHARE, other: float = OTHER) -> tuple[float, ...]:
    """An interval that reaches as far to each side, and another run."""
    return share, share - half, share + half, other


def loop(logits, labels):
    hits = 0
    for row, label in zip(logits, labels, strict=True):
        hits += int(list(row).index(max(row)) == label)
    return hits / len(labels)


def by_torch(logits, labels):
    return (torch.tensor(logits).argmax(1) == torch.tensor(labels)).double().mean()


def by_softmax(logits, labels):
    powers = np.exp(logits)
    chances = powers / powers.sum(axis=1, keepdims=True)
    return np.mean([row.argmax() == label for row, label in zip(chances, labels, strict=True)])


def two_classes_only(logits, labels):
    return ((logits[:, 1] > logits[:, 0]) == labels).mean()


def in_place(logits, labels):
    np.exp(logits, out=logits)
    return (logits.argmax(axis=1) == labels).mean()


CASES = {
    "00-1": Cases(
        right=[
            around(2 * ERROR),
            (0.7057, 0.6745, 0.7370, 0.6202),
            (0.71, 0.67, 0.74, 0.62),
            (torch.tensor(SHARE), np.float64(SHARE - 2 * ERROR), SHARE + 2 * ERROR, OTHER),
            around(2 * ERROR, other=0.71),
            around(2 * (0.6 * 0.4 / 853) ** 0.5, 0.6),
        ],
        wrong=[
            ((70.6, 67.5, 73.7, 62.0), "not in percent"),
            (around(0.0342, 450 / 853), "no better than a coin"),
            (around(0.0295, 0.755), "as high as after 2,000"),
            ((SHARE, SHARE + 2 * ERROR, SHARE - 2 * ERROR, OTHER), "swapped"),
            ((SHARE, SHARE, SHARE + 2 * ERROR, OTHER), "in the middle"),
            (around(ERROR), "one standard error"),
            (around(4 * ERROR), "four standard errors"),
            (around(ERROR**2), "variance"),
            (around(2 * ERROR**2), "square root is missing"),
            (around(2 * (SHARE * (1 - SHARE) / 1000) ** 0.5), "it learned from"),
            (around(0.03), "of section 4"),
            (around(0.1), "minus and plus twice"),
            (around(2 * ERROR, other=SHARE), "exactly the same"),
            (around(2 * ERROR, other=62.0), "other_share has to be"),
            (around(2 * ERROR, other=0.4725), "other_share is no better"),
            (around(2 * ERROR, other=0.77), "other_share is as high"),
        ],
    ),
    "00-2": Cases(
        right=[(loop,), (by_torch,), (by_softmax,)],
        wrong=[
            ((lambda logits, labels: (logits.argmax(axis=1) == labels).sum(),), "how many"),
            ((lambda logits, labels: 100 * (logits.argmax(1) == labels).mean(),), "percent"),
            ((lambda logits, labels: (logits.argmax(axis=1) != labels).mean(),), "wrong answers"),
            ((lambda logits, labels: logits.argmax(axis=1) == labels,), "Return their mean"),
            ((lambda logits, labels: ((logits[:, 1] > 0) == labels).mean(),), "with zero"),
            ((lambda logits, labels: ((logits[:, 1] > 0.5) == labels).mean(),), "no probability"),
            ((lambda logits, labels: (logits.argmin(axis=1) == labels).mean(),), "smallest"),
            ((lambda logits, labels: labels.mean(),), "mean of the labels"),
            ((lambda logits, labels: (logits.argmax(axis=0) == labels).mean(),), "It stopped with"),
            ((lambda logits, labels: (logits.argmax() == labels).mean(),), "you return 0.0"),
            ((lambda logits, labels: 0.6,), "you return 0.6"),
            ((two_classes_only,), "you return 0.625"),
            ((in_place,), "changes the logits"),
        ],
    ),
    "00-3": Cases(
        right=[
            (6400,),
            (4 * 0.8 * 0.2 / 0.01**2,),
            (math.ceil(0.8 * 0.2 / 0.005**2),),
            (int(0.8 * (1 - 0.8) / 0.005**2),),
            (torch.tensor(6400.0),),
        ],
        wrong=[
            ((1600,), "one standard error"),
            ((10000,), "worst case"),
            ((7500,), "for 75 %"),
            ((80,), "square root"),
            ((32,), "squared before"),
            ((853,), "Solve"),
            ((6402,), "Round only"),
        ],
    ),
}
