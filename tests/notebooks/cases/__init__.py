"""Answers to every exercise, right and wrong: nbNN.py holds `CASES = {"NN-1": Cases(...)}`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Cases:
    """What a check must say to which answers.

    Attributes:
        right: tuples of answers that must be accepted.
        wrong: pairs of such a tuple and a fragment of the hint it must get.
    """

    right: list[tuple]
    wrong: list[tuple[tuple, str]]
