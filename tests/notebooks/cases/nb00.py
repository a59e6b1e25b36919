"""Right and wrong answers to the exercises of notebook 00."""

import math

import numpy as np

from tests.notebooks.cases import Cases

POWERS = np.exp([0.0, 1.1])

CASES = {
    "00-1": Cases(
        right=[(POWERS / POWERS.sum(),), ([0.25, 0.75],)],
        wrong=[
            ((POWERS,), "exponentials"),
            (([0.0, 1.0],), "Exponentiate first"),
            (([0.75, 0.25],), "turned round"),
            (([0.5, 0.5],), "sum to 1"),
        ],
    ),
    "00-2": Cases(
        right=[(260 / 300, 0.0196), (0.8667, (0.8667 * 0.1333 / 300) ** 0.5)],
        wrong=[
            ((86.67, 0.0196), "not in percent"),
            ((40 / 300, 0.0196), "wrong answers"),
            ((260 / 300, 0.8667 * 0.1333 / 300), "variance"),
            ((260 / 300, 0.0393), "twice"),
            ((260 / 300, 0.02), "rounded too far"),
            ((260 / 300, 0.0198), "the square root of"),
            ((0.8, 0.0231), "right answers divided by"),
        ],
    ),
    "00-3": Cases(
        right=[(6400,), (4 * 0.8 * 0.2 / 0.01**2,)],
        wrong=[
            ((1600,), "one standard error"),
            ((10000,), "worst case"),
            ((80,), "square root"),
            ((32,), "squared before"),
            ((853,), "Solve"),
            ((math.ceil(4 * 0.8 * 0.2 / 0.01**2),), "One too many"),
            ((6399,), "One too few"),
        ],
    ),
}
