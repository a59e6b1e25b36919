"""Answers to the quiz of notebook 15."""

import inspect

from helpers.measured import ledger
from tests.notebooks.quizzes import Truth


def question_1() -> Truth:
    """A lead of 2 points, from −1 to +5: shown, refuted, or neither."""
    mean, low, high = 2, -1, 5
    shown, refuted = low > 0, high < 0
    return {"a": refuted, "b": shown and mean > 0, "c": not shown and not refuted}


def question_2() -> Truth:
    """Which shares of 40 are 91.3 %, rounded?"""
    possible = [hits for hits in range(41) if round(100 * hits / 40, 1) == 91.3]
    return {"a": not possible, "b": bool(possible), "c": bool(possible)}


def question_3() -> Truth:
    """A rule gives another verdict for other rows; one of the five it is in either case."""
    frozen, words = (reader() for reader in ledger.RULES["few_labels"][1])
    before = ledger.few_labels(frozen, words)
    after = ledger.few_labels(frozen, words.assign(low=words["low"] - 10))
    notices = before != after
    is_one_of_five = {before, after} <= set(ledger.VERDICTS)
    return {
        "a": not inspect.isfunction(ledger.RULES["few_labels"][0]),  # nothing would run
        "b": notices,
        "c": not is_one_of_five,
    }


QUESTIONS = [question_1, question_2, question_3]
