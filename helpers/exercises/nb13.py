"""Graders of notebook 13, your own CSV."""

import warnings
from collections.abc import Callable, Iterable

import numpy as np
from scipy.special import expit, softmax

from helpers import metrics
from helpers.exercises import Verdict, exercise, gave_nothing, is_close, right, wrong

LEFT_OUT = {3, 4, 5, 7, 8}


@exercise("13-1")
def rows_left_out(rows: Iterable[int]) -> Verdict:
    """Which rows of a small file cannot be used."""
    if isinstance(rows, int):
        return wrong("Give the list of the rows, such as [2, 3], not how many they are.")
    given = {int(row) for row in rows}
    if given == LEFT_OUT:
        return right("Five of eight. Only the kettle and the two about money can be learned from.")
    if given == {row - 1 for row in LEFT_OUT}:
        return wrong("You count the first message as row 1. The header is row 1, it is row 2.")
    if given == {row - 2 for row in LEFT_OUT}:
        return wrong("You count from 0. The header is row 1, the first message row 2.")
    if not given <= set(range(2, 10)):
        return wrong("The rows go from 2 to 9: the header is row 1.")
    if given == set(range(2, 10)) - LEFT_OUT:
        return wrong("Those are the rows that stay. Give the others.")
    if given == LEFT_OUT - {5} or given == LEFT_OUT - {7}:
        return wrong("Rows 5 and 7 are one text with two labels. Which is right? None can stay.")
    if given == LEFT_OUT - {5, 7}:
        return wrong("Rows 5 and 7 are equal but for punctuation, and their labels differ.")
    if 6 in given or 9 in given:
        return wrong("Rows 6 and 9 stay: two texts, and 'Refund' and 'refund' are one label.")
    if 2 in given:
        return wrong("Of the copies 2 and 4 the first one stays: their labels agree.")
    if 4 not in given:
        return wrong("Row 4 is a copy of row 2: capitals and a mark at a word's end do not count.")
    if 3 not in given:
        return wrong("Row 3 has no letter or digit: nothing to read.")
    return wrong("Row 8 has no label. The others: 3 nothing to read, 4 a copy, 5 and 7 conflict.")


def texts_needed(half: float, accuracy: float = 0.8) -> int:
    """The smallest n whose Wilson interval is at most so wide on each side, on average."""
    sizes = np.arange(10, 20_000)
    low, high = metrics.wilson(accuracy * sizes, sizes)
    return int(sizes[np.argmax((high - low) / 2 <= half)])


@exercise("13-2")
def size_of_a_file(test_texts: float, rows_in_file: float) -> Verdict:
    """How many test texts 3 points need, and how many rows that makes."""
    needed = texts_needed(0.03)
    if is_close(test_texts, texts_needed(0.015), 5):
        return wrong("That is for 3 points from end to end. Half of the interval may be 0.03.")
    if is_close(test_texts, texts_needed(0.03, 0.5), 5):
        return wrong("That is for an accuracy of 50 %, the worst case. Take 0.8 * n of n.")
    if is_close(test_texts, 5 * needed, 10) and is_close(rows_in_file, needed, 5):
        return wrong("The other way round: the file is five times as large as its test part.")
    if not is_close(test_texts, needed, 5):
        if is_close(test_texts, 725, 40):
            return wrong("Nearly. Take metrics.wilson itself, and half of high - low; no z of 2.")
        return wrong("test_texts: the first n with (high - low) / 2 <= 0.03; between 600 and 800.")
    if is_close(rows_in_file, test_texts, 5):
        return wrong("rows_in_file: only a fifth of the rows become test texts.")
    if is_close(rows_in_file, 1.2 * test_texts, 10):
        return wrong("rows_in_file: a fifth of the file, not a fifth on top. Divide by 0.2.")
    if not is_close(rows_in_file, 5 * test_texts, 2.5):
        return wrong("rows_in_file: test_texts divided by the share of the test part, 0.2.")
    return right(f"{needed} test texts, about {5 * needed:,} rows: three points are expensive.")


RNG = np.random.default_rng(13)
LABELS = RNG.integers(0, 3, 60)
LOGITS = RNG.normal(size=(60, 3)) + 1.2 * np.eye(3)[LABELS]
LOGITS[0] = np.log([0.7, 0.2, 0.1])  # its largest probability is exactly the threshold
OTHER_LABELS = RNG.integers(0, 5, 8)
OTHER_LOGITS = RNG.normal(size=(8, 5)) + 2 * np.eye(5)[OTHER_LABELS]


def expected(logits: np.ndarray, labels: np.ndarray, threshold: float) -> tuple[float, float]:
    """Share that is answered, accuracy among the answered."""
    shares = softmax(logits, axis=1)
    mask = shares.max(axis=1) >= threshold
    hits = shares.argmax(axis=1) == labels
    return float(mask.mean()), float(hits[mask].mean()) if mask.any() else float("nan")


def hint_on_share(share: float, threshold: float) -> str:
    """What is wrong with a share that is wrong."""
    probabilities = softmax(LOGITS, axis=1)
    sure, own = probabilities.max(axis=1), probabilities[np.arange(len(LABELS)), LABELS]
    known = {
        "You compare logits with the threshold. Take softmax first.": LOGITS.max(axis=1),
        "A sigmoid gives each class a number of its own. Take softmax(logits, axis=1).": expit(
            LOGITS
        ).max(axis=1),
        "Take the largest probability: of the label's own nobody knows in use.": own,
    }
    for hint, scores in known.items():
        if is_close(share, (scores >= threshold).mean()):
            return hint
    if is_close(share, (sure > threshold).mean()):
        return "A text whose probability equals the threshold is answered, too: >=, not >."
    if is_close(share, (sure < threshold).mean()):
        return "You answer where the model is not sure. Answered: at least the threshold."
    if is_close(share, (sure >= threshold).sum()):
        return "The share, not the count: divide by the number of texts."
    if is_close(share, 100 * (sure >= threshold).mean()):
        return "A share from 0 to 1, not per cent."
    return "The share: (softmax(logits, axis=1).max(axis=1) >= threshold).mean()."


def hint_on_accuracy(accuracy: float, wanted: float, mask: np.ndarray) -> str:
    """What is wrong with an accuracy that is wrong."""
    hits = LOGITS.argmax(axis=1) == LABELS
    if is_close(accuracy, hits.mean()):
        return "That is the accuracy of all texts. Take the hits of the answered ones only."
    if is_close(accuracy, (hits & mask).mean()):
        return "You divide by all texts. Divide by those that are answered."
    if is_close(accuracy, hits[~mask].mean()):
        return "That is the accuracy where the model is not sure. Take the answered texts."
    if is_close(accuracy, 1 - wanted):
        return "That is the share of errors among the answered. The accuracy is 1 minus it."
    return "The accuracy: hits[mask].mean(), with the mask of the answered texts."


@exercise("13-3")
def selective(function: Callable) -> Verdict:
    """A function that answers only where the model is sure."""
    if not callable(function):
        return wrong('Pass the function itself: exercises.check("13-3", selective).')
    threshold = float(softmax(LOGITS[0]).max())
    given = function(LOGITS.copy(), LABELS.copy(), threshold)
    if nothing := gave_nothing(given):
        return nothing
    try:
        share, accuracy = (float(number) for number in given)
        low_share = function(LOGITS.copy(), LABELS.copy(), 0.5)[0]
    except (TypeError, ValueError):
        return wrong("Return two numbers: the share that is answered, and the accuracy among it.")
    wanted_share, wanted = expected(LOGITS, LABELS, threshold)
    if is_close([share, accuracy], [wanted, wanted_share]):
        return wrong("Right numbers in the wrong order: the share first, then the accuracy.")
    if is_close(share, low_share):
        return wrong(
            "The share is the same for every threshold. Use the argument `threshold`, axis=1."
        )
    if not is_close(share, wanted_share):
        return wrong(hint_on_share(share, threshold))
    if not is_close(accuracy, wanted):
        mask = softmax(LOGITS, axis=1).max(axis=1) >= threshold
        return wrong(hint_on_accuracy(accuracy, wanted, mask))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy's mean of nothing is NaN and warns
            nobody, nothing = function(LOGITS.copy(), LABELS.copy(), 2.0)
    except ZeroDivisionError:
        return wrong("With a threshold that no text reaches it divides by zero: return NaN there.")
    if nothing is None:
        return wrong("If no text is answered, None cannot be drawn or averaged: return NaN.")
    if not is_close(nobody, 0) or not np.isnan(nothing):
        return wrong("If no text is answered, the share is 0 and the accuracy NaN, no number.")
    other = function(OTHER_LOGITS.copy(), OTHER_LABELS.copy(), 0.5)
    if not is_close([float(number) for number in other], expected(OTHER_LOGITS, OTHER_LABELS, 0.5)):
        return wrong("Right for 60 texts of 3 classes, not for 8 of 5: take the sizes of `logits`.")
    if not is_close(function(LOGITS.copy(), (LOGITS.argmax(axis=1) + 1) % 3, 0.5)[1], 0):
        return wrong("Texts are answered, all of them wrong: that is 0. NaN only where none is.")
    return right("The surer, the fewer: this curve tells how much work is left for people.")
