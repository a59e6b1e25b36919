"""Claims about the solutions of notebook 09."""

import numpy as np

from tests.notebooks.claims import after


@after("703e97ff")
def being_in_the_mean_flatters_by_one_over_root_k(apart, inside):
    """Exercise 2: 1/√20 = 0.22 where nobody agrees, and nothing against the others."""
    assert abs(apart) < 0.02 and abs(inside - 1 / np.sqrt(20)) < 0.02


@after("d58f0a1e")
def fifty_labels_give_nearly_all_that_a_line_can(found):
    """Exercise 3: with ten labels a quarter of the trials end below 0; without a line R² is −1."""
    assert [round(float(found[n][0]), 2) for n in (10, 20, 50)] == [0.02, 0.14, 0.21]
    assert 0.2 < found[10][1] < 0.3 and found[50][1] < 0.02
