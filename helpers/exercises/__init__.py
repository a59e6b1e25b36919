"""The checks of the exercises: what is right, and a hint for each mistake one makes.

`check` prints one line and never raises, so that a notebook with unanswered exercises runs from
top to bottom. The graders of notebook NN are in `helpers/exercises/nbNN.py`.
"""

import importlib
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True)
class Verdict:
    """What a check says.

    Attributes:
        status: "open" (not answered), "wrong" or "right".
        message: one or two sentences for the learner.
    """

    status: str
    message: str


Grader = Callable[..., Verdict]
GRADERS: dict[str, Grader] = {}


def right(message: str) -> Verdict:
    """The answer is right; say what it means."""
    return Verdict("right", f"right. {message}")


def wrong(hint: str) -> Verdict:
    """The answer is wrong in a way that this hint helps with."""
    return Verdict("wrong", hint)


def unanswered() -> Verdict:
    """The learner has not replaced the dots."""
    return Verdict("open", "not answered yet. Replace the ... and run the cell again.")


def gave_nothing(given: object) -> Verdict | None:
    """The verdict on a function that returns its dots or nothing; None if it gave a value."""
    if given is ...:
        return unanswered()
    return wrong("Your function returns None. End it with `return`.") if given is None else None


def exercise(name: str) -> Callable[[Grader], Grader]:
    """Register a grader: a function of the answers that returns a `Verdict`."""

    def register(grader: Grader) -> Grader:
        GRADERS[name] = grader
        return grader

    return register


def is_close(answer: object, expected: object, tolerance: float = 1e-3) -> bool:
    """Whether numbers, lists, arrays or tensors agree in shape and within `tolerance`."""
    try:
        given, wanted = as_array(answer), as_array(expected)
        return given.shape == wanted.shape and bool(np.all(np.abs(given - wanted) <= tolerance))
    except (TypeError, ValueError):
        return False


def is_rounded(answer: object, expected: float, digits: int) -> bool:
    """Whether a number is `expected`, unrounded or rounded to at least so many decimal places."""
    try:
        given = float(answer)
    except (TypeError, ValueError):
        return False
    accepted = [expected, *(round(expected, places) for places in range(digits, 13))]
    return any(math.isclose(given, number, rel_tol=1e-10) for number in accepted)


def as_array(value: object) -> np.ndarray:
    """Numbers, lists, arrays and tensors as one float64 array."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().to(torch.float64).numpy()
    return np.asarray(value, dtype=np.float64)


def grade(name: str, *answers: object) -> Verdict:
    """The verdict on the answers to an exercise, such as `grade("01-2", 0.58, 0.13)`.

    Raises:
        KeyError: if there is no such exercise.
    """
    importlib.import_module(f"helpers.exercises.nb{name.split('-')[0]}")
    if name not in GRADERS:
        raise KeyError(f"no exercise {name!r}")
    if any(answer is ... or answer is None for answer in answers):
        return unanswered()
    try:
        return GRADERS[name](*answers)
    except Exception as error:  # whatever a learner's answer does must not stop the notebook
        return wrong(f"your answer stopped with {type(error).__name__}: {error}")


def check(name: str, *answers: object) -> None:
    """Print the verdict on the answers to an exercise, in one line."""
    print(f"{name}: {grade(name, *answers).message}")
