"""Claims about a sample notebook that test_claims.py writes: two hold, one does not."""

import random

import numpy as np
import torch

from tests.notebooks.claims import after


@after("aaaa0001")
def one_holds_and_draws(x):
    """It may draw random numbers and print; nothing of that may show."""
    print(random.random(), np.random.rand(), torch.rand(1))
    y = x + 1
    assert y == 3


@after("aaaa0001")
def a_second_one_holds(x, y):
    """Two claims after one cell."""
    assert x < y


@after("aaaa0003")
def this_one_does_not_hold(x):
    """The text says three."""
    assert x == 3
