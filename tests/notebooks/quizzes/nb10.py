"""Answers to the quiz of notebook 10."""

import torch

from helpers.exercises import nb10
from tests.notebooks.quizzes import Truth


def question_1() -> Truth:
    """A step of 100, of which 14 are dropout; then dropout for nothing, and for a quarter."""
    factor = 100 / (100 - 14)
    with_a_quarter = 100 / (100 - 14 + 14 / 4)
    return {"a": factor >= 14, "b": round(factor, 2) == 1.16, "c": with_a_quarter <= 1}


def seconds(peak: float, bandwidth: float) -> dict[str, float]:
    """The roof's time of a large product, of AdamW and of dropout: operations and bytes."""
    n = 4096
    work = {
        "product": (2 * n**3, 2 * 3 * n**2),
        "AdamW": (12 * n**2, 28 * n**2),
        "dropout": (n**2, 12 * n**2),
    }
    return {name: max(f / peak, m / bandwidth) for name, (f, m) in work.items()}


def question_2() -> Truth:
    """The times by the roof before and after the peak is doubled."""
    before, after = seconds(2e12, 15e9), seconds(4e12, 15e9)
    factor = {name: before[name] / after[name] for name in before}
    whole = sum(before.values()) / sum(after.values())
    return {
        "a": whole > 1.99,
        "b": all(value == 1 for value in factor.values()),
        "c": factor == {"product": 2, "AdamW": 1, "dropout": 1},
    }


def question_3() -> Truth:
    """Four parts of two rows, each mean loss backwards as it is, against one batch of eight."""

    def whole(loss_of, rows, size):
        loss_of(rows).backward()

    large = nb10.accumulated(whole, 8, rows=8)[1]
    undivided = nb10.parts_weighted(lambda n, k: 1.0)
    try:
        by_parts, fails = nb10.accumulated(undivided, 2, rows=8)[1], False
    except RuntimeError:
        by_parts, fails = torch.zeros_like(large), True
    return {
        "a": torch.allclose(by_parts, 4 * large),
        "b": fails,
        "c": torch.allclose(by_parts, large),
    }


QUESTIONS = [question_1, question_2, question_3]
