"""Graders of notebook 11, explanations."""

from collections.abc import Callable

import numpy as np

from helpers import explain
from helpers.exercises import Verdict, exercise, gave_nothing, is_close, right, unanswered, wrong


@exercise("11-1")
def two_words(times_input: list, integrated: list, left_out: list) -> Verdict:
    """The answer a · b with a = 3 and b = 2, from a baseline of zeros."""
    answers = (times_input, integrated, left_out)
    if any(value is ... for own in answers if isinstance(own, list | tuple) for value in own):
        return unanswered()
    if any(np.shape(own) != (2,) for own in answers):
        return wrong("Give two numbers each, for a and for b, such as [1.5, 2.0].")
    if is_close(times_input, [2, 3]):
        return wrong(
            "times_input: [2, 3] is the gradient alone. Multiply each number by its input."
        )
    if is_close(times_input, [3, 2]):
        return wrong("times_input: the derivative of a · b with respect to a is b, not 1.")
    if not is_close(times_input, [6, 6]):
        return wrong("times_input: the derivative with respect to a is b = 2, times a = 3; and b?")
    if is_close(integrated, [6, 6]):
        return wrong(
            "integrated: those add up to 12, and the answer rose by 6 only. On the way at (3t, 2t) "
            "the gradient with respect to a is 2t. What is its mean for t from 0 to 1?"
        )
    if is_close(integrated, [1, 1.5]):
        return wrong("integrated: that is the mean gradient. Multiply by how far each came.")
    if not is_close(integrated, [3, 3]):
        return wrong("integrated: at (3t, 2t) the gradient is (2t, 3t). Take its mean over t.")
    if is_close(left_out, [3, 3]):
        return wrong("left_out: if a is 0, what is a · b, and by how much did the answer fall?")
    if not is_close(left_out, [6, 6]):
        return wrong("left_out: the answer is 6. Without a it is 0 · 2; without b it is 3 · 0.")
    return right(
        "Only integrated gradients share the 6 among the two. The others count what the words do "
        "together twice."
    )


def weighted(weights: dict[str, float], pair: tuple[str, str] | None = None) -> Callable:
    """A planted score: the sum of its words' weights, and 3 for two words that are both there.

    Each weight counts by a tenth more than in the place before, so that it matters which of two
    equal words is masked, and where [MASK] stands.
    """

    def score(text: str) -> float:
        words = text.split()
        bonus = 3.0 if pair and all(word in words for word in pair) else 0.0
        own = sum((1 + 0.1 * i) * weights.get(word, 0.0) for i, word in enumerate(words))
        return own + bonus + 0.01 * len(words)

    return score


NOT_GOOD = weighted({"good": 2, "not": -1, "[MASK]": 0.25}, ("not", "good"))
CASES = [
    (["not", "good"], NOT_GOOD),
    (["art", "artful"], weighted({"art": 1, "artful": 3, "[MASK]": 0.25})),
    (["a", "good", "good", "film"], NOT_GOOD),
    (["film"], weighted({"film": -2, "[MASK]": 1})),
    (["one", "two", "three", "four", "five"], weighted({"two": 1.5, "five": -4, "one": 0.5})),
    (["so", "so"], weighted({"so": 1, "[MASK]": -0.5})),
]


HINTS = {  # by the first word of a case
    "art": " One word may be part of another: change the list of words, not the text.",
    "a": " A word may stand twice: mask one place, not every such word.",
}


def left_out_of(score: Callable[[str], float], words: list[str]) -> list[float]:
    """By how much the score falls with [MASK] in place of each word."""
    return [score(" ".join(words)) - score(explain.masked(words, {i})) for i in range(len(words))]


def told(function: Callable, score: Callable, words: list[str], *more: object) -> tuple:
    """What a learner's function gives, and whether it left its words as they were."""
    own = list(words)
    given = function(score, own, *more)
    return given, own == words


@exercise("11-2")
def leave_one_out(function: Callable[[Callable[[str], float], list[str]], list[float]]) -> Verdict:
    """The fall of a score without each word."""
    words, score = CASES[0]
    given, kept = told(function, score, words)
    if nothing := gave_nothing(given):
        return nothing
    if not kept:
        return wrong("Your function changes the list of words. Make a copy: changed = list(words).")
    if np.shape(given) != (2,):
        return wrong("Return one number for each word, in a list.")
    expected = left_out_of(score, words)
    whole = score("not good")
    if is_close(given, [-e for e in expected]):
        return wrong("The signs are turned: the score of the whole sentence minus that without.")
    if is_close(given, [score("[MASK] good"), score("not [MASK]")]):
        return wrong("That is the score without each word. By how much did it fall?")
    if is_close(given, [whole - score("good"), whole - score("not")]):
        return wrong("You delete the word. Put [MASK] in its place.")
    if is_close(given, [whole - score("not [MASK]"), whole - score("[MASK] good")]):
        return wrong("Those are the falls when only this word is kept. Mask this one alone.")
    for words, score in CASES:
        expected = left_out_of(score, words)
        given, kept = told(function, score, words)
        if not kept:
            return wrong("Your function changes the list of words. Work on a copy.")
        if not is_close(given, expected):
            said = f"For {words} it should be {np.round(expected, 3).tolist()}, and your function"
            return wrong(f"{said} gives {given}.{HINTS.get(words[0], '')}")
    return right("One question for each word, and any score will do: no gradient is needed.")


def fall_without_top(score: Callable, words: list[str], values: list[float], k: int) -> float:
    """By how much the score falls with [MASK] in place of the k words with the highest values."""
    top = np.argsort(-np.asarray(values, dtype=float), kind="stable")[:k]
    return score(" ".join(words)) - score(explain.masked(words, set(top.tolist())))


FIVE = ["one", "two", "three", "four", "five"]
TRIALS = [  # values, k
    ([0.1, 0.5, -0.9, 0.3, 0.2], 1),
    ([0.1, 0.5, -0.9, 0.3, 0.2], 2),
    ([0.1, 0.5, -0.9, 0.3, 0.2], 3),
    ([-3, -1, -2, -5, -4], 2),
    ([0.2, 0.2, 0.2, 0.2, 0.2], 2),
    ([5, 4, 3, 2, 1], 5),
    ([1, 2, 3, 4, 5], 0),
]
FIVE_SCORE = weighted({"one": 0.3, "two": 1.5, "three": 0.7, "four": -0.6, "five": 2.2})


@exercise("11-3")
def comprehensiveness(function: Callable[..., float]) -> Verdict:
    """The fall of a score without the k words with the highest values."""
    values, k = TRIALS[1]
    given, kept = told(function, FIVE_SCORE, FIVE, list(values), k)
    if nothing := gave_nothing(given):
        return nothing
    if not kept:
        return wrong("Your function changes the list of words. Make a copy: changed = list(words).")
    if np.shape(given) != ():
        return wrong("Return a single number.")
    whole = FIVE_SCORE(" ".join(FIVE))
    if is_close(given, whole - FIVE_SCORE(explain.masked(FIVE, {2, 1}))):
        return wrong("A large negative score is not a high one: no absolute values.")
    if is_close(given, whole - FIVE_SCORE(explain.masked(FIVE, {2, 0}))):
        return wrong("You remove the words with the lowest values.")
    if is_close(given, whole - FIVE_SCORE(explain.masked(FIVE, {0, 2, 4}))):
        return wrong("You keep the top words and mask the others: that is sufficiency.")
    if is_close(given, FIVE_SCORE(explain.masked(FIVE, {1, 3}))):
        return wrong("That is the score without them. By how much did it fall?")
    if is_close(given, FIVE_SCORE(explain.masked(FIVE, {1, 3})) - whole):
        return wrong("The sign is turned: the score of the whole sentence minus that without.")
    if is_close(given, whole - FIVE_SCORE(explain.deleted(FIVE, {1, 3}))):
        return wrong("You delete the words. Put [MASK] in their places.")
    for values, k in TRIALS:
        expected = fall_without_top(FIVE_SCORE, FIVE, values, k)
        own = list(values)
        given, kept = told(function, FIVE_SCORE, FIVE, own, k)
        if not kept or own != list(values):
            return wrong("Your function changes a list that it was given. Work on a copy.")
        if not is_close(given, expected):
            tie = len(set(values)) < len(values)
            return wrong(
                f"With the values {values} and k = {k} it is {expected:.3f}, and your function "
                f"gives {given}." + (" Of equal values take the earlier word." * tie)
            )
    words, values = ["so", "so", "so"], [0.1, 0.9, 0.5]
    score = weighted({"so": 1, "[MASK]": -0.5})
    given = function(score, list(words), list(values), 1)
    if is_close(given, score("so so so") - score("[MASK] so so")):
        return wrong("You mask the first word that is the same. Mask the place with the value.")
    if not is_close(given, fall_without_top(score, words, values, 1)):
        return wrong("A word may stand more than once: mask its place, not every such word.")
    return right("Run it for several k, beside a random order, and you have the examination.")
