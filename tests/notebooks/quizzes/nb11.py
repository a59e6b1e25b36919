"""Answers to the quiz of notebook 11."""

import numpy as np

from helpers import explain
from tests.notebooks.quizzes import Truth


def question_1() -> Truth:
    """A model that reads the full stop alone: which attribution passes the examination?"""
    sentences = [text.split() for text in ("a lovely film .", "a dull , long film .")]

    def reads_the_stop(texts):
        return np.array([0.9 if "." in text.split() else 0.5 for text in texts])

    scores = {
        "a": [np.array([w in ("lovely", "dull") for w in s], float) for s in sentences],
        "b": [np.array([w == "." for w in s], float) for s in sentences],
        "c": [np.full(len(s), 1 / len(s)) for s in sentences],
    }
    found = explain.faithfulness(reads_the_stop, sentences, [1, 1], scores, (0.25,))
    falls = {name: own["comprehensiveness"].mean() for name, own in found.items()}
    best = max(falls.values())
    return {name: fall == best for name, fall in falls.items()}


def question_2() -> Truth:
    """Two words, each enough by itself: 1 if at least one of them is there."""

    def either(texts):
        return np.array([float("superb" in t or "brilliant" in t) for t in texts])

    words = ["superb", "and", "brilliant"]
    left_out = explain.leave_one_out(either, words)
    subsets = [explain.masked(words, {i for i in range(3) if not n >> i & 1}) for n in range(8)]
    shared = explain.shapley(either(subsets))
    together = either([" ".join(words)]) - either([explain.masked(words, {0, 2})])
    return {
        "a": left_out[0] == 0 and together[0] == 0 and shared[0] == 0,
        "b": left_out[0] == 0 and together[0] == 1 and shared[0] > 0,
        "c": left_out[0] > 0,
    }


def question_3() -> Truth:
    """A model that says negative for “the plot is not …” and ignores “not” elsewhere."""

    def knows_one_template(text):
        turned = text.startswith("the plot is not")
        return int(("good" in text) != turned)

    same = [("the plot is not good", 0), ("the plot is not bad", 1)]
    other = [("i would not call it good", 0), ("it is not a bad film", 1)]
    fails = [sum(knows_one_template(t) != label for t, label in own) for own in (same, other)]
    learned_negation = fails == [0, 0]
    return {"a": learned_negation, "b": fails[0] > 0, "c": fails[0] == 0 and fails[1] > 0}


QUESTIONS = [question_1, question_2, question_3]
