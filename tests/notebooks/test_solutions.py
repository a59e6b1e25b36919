"""Numbers that the reasons in the solutions quote and no cell prints are computed here."""

import numpy as np
import pytest

from helpers import metrics
from helpers.exercises import nb07, nb13
from tests.conftest import load
from tests.notebooks.test_notebooks import markdown
from tools import project

ALL_MARKED = metrics.confusion_matrix(np.repeat([0, 1], [940, 60]), np.ones(1000, int))
TEXTS = nb13.texts_needed(0.03)

# Notebook, a piece of its reasons, and what belongs in its places.
SAID = [
    ("00", "which is {:,.0f}. Half", (4 * 0.8 * 0.2 / 0.01**2,)),
    ("00", "Python gives {:,}", (4 * 0.8 * 0.2 / 0.01**2,)),
    ("05", "harmonic mean of the two, {:.3f},", (2 * 40 / (50 + 60),)),
    ("05", "their ordinary mean, {:.3f}", ((40 / 50 + 40 / 60) / 2,)),
    ("05", "precision of {:.2f}", (metrics.precision(ALL_MARKED)[1],)),
    ("05", "ordinary mean of {:.2f}", ((metrics.precision(ALL_MARKED)[1] + 1) / 2,)),
    ("05", "F1 of {:.2f}", (metrics.f1(ALL_MARKED)[1],)),
    ("13", "{} rows", (TEXTS,)),
    ("13", "test part of {:.0f}", (1.2 * TEXTS / 5,)),
]


@pytest.mark.parametrize(("number", "piece", "values"), SAID)
def test_a_number_of_a_reason_is_computed(number, piece, values):
    path = project.NOTEBOOKS / "solutions" / f"{number}_solutions.ipynb"
    assert piece.format(*values) in markdown(load(path))


def test_macro_f1_by_the_wrong_ways_is_higher():
    """What the reason of 07-1 says of the weighted mean and of F1 from two means."""
    macro = {
        f: metrics.average(f, nb07.MATRIX, "macro") for f in (metrics.precision, metrics.recall)
    }
    precision, recall = macro.values()
    right = metrics.average(metrics.f1, nb07.MATRIX, "macro")
    weighted = metrics.average(metrics.f1, nb07.MATRIX, "weighted")
    assert abs(weighted - metrics.accuracy(nb07.MATRIX)) < 0.02
    assert 2 * precision * recall / (precision + recall) > right + 0.02
