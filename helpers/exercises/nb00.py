"""Graders of notebook 00, start here."""

from collections.abc import Callable

import numpy as np

from helpers.exercises import Verdict, exercise, gave_nothing, is_close, right, wrong

CHECKED, TRAINED = 853, 1000  # sentences of the validation part, and of exercise 1
UNTRAINED, TRAINED_ON_MORE = 0.53, 0.735  # notebook_bands.csv: at most 0.528, at least 0.748
# Three classes, 6 of 8 right; two classes, 3 of 5. Other ways to count give other numbers.
THREE = [[-0.5, 0.5, 2], [1.5, 2.5, 1], [-2, -3, 3], [-1, 2, 2.5]]
THREE += [[-1, 3, -2.5], [2, 0.5, -1], [0.5, -1.5, 0], [1, 0.5, -0.5]]
TWO = [[3, 1], [0.5, 2], [-1, -2], [-3, -1], [1.5, 0.5]]
EXAMPLES = [(THREE, [1, 1, 2, 2, 2, 0, 0, 0]), (TWO, [0, 1, 1, 1, 1])]


@exercise("00-1")
def half_as_many(share: float, low: float, high: float, other_share: float) -> Verdict:
    """Two runs with 1,000 sentences, and two standard errors to both sides of the first."""
    share, low, high, other = float(share), float(low), float(high), float(other_share)
    for name, one in (("share", share), ("other_share", other)):
        hint = what_is_odd(one)
        if hint:
            return wrong(f"{name} {hint}")
    if share == other:
        return wrong(
            "Both shares are exactly the same. Load a fresh model for the second run, and give "
            "SEED + 1 to `load` and to `TrainingConfig`."
        )
    if low > high:
        return wrong("low and high are swapped.")
    if not is_close((low + high) / 2, share, 0.006):
        return wrong("share has to lie in the middle between low and high.")
    hint = what_is_wrong_with(share, low, high)
    if hint:
        return wrong(hint)
    return right(
        f"{share:.0%}, with a range from {low:.0%} to {high:.0%}; the other seed gave {other:.0%}, "
        f"which lies {'inside' if low <= other <= high else 'outside'}. The range covers only the "
        "choice of the sentences that the model is checked on, not the seed."
    )


def what_is_odd(share: float) -> str:
    """What is wrong with the accuracy of a run with 1,000 sentences; empty if nothing is."""
    if share > 1:
        return "has to be a number between 0 and 1, not in percent."
    if share < UNTRAINED:
        return (
            "is no better than a coin. Did you train the model that you measured, and on all "
            "1,000 sentences?"
        )
    if share > TRAINED_ON_MORE:
        return (
            "is as high as after 2,000 sentences. Load a fresh model; training or measuring "
            "one that has learned before tells you nothing about 1,000."
        )
    return ""


def what_is_wrong_with(share: float, low: float, high: float) -> str:
    """Hint unless low and high are two standard errors away; they may be rounded to points."""
    error = (share * (1 - share) / CHECKED) ** 0.5
    half = (high - low) / 2
    in_points = is_close([low, high], np.round([low, high], 2), 1e-9)
    if in_points and is_close([low, high], [share - 2 * error, share + 2 * error], 0.0101):
        half = 2 * error
    hints = {
        error: "That is one standard error to each side. Take two.",
        4 * error: "That is four standard errors to each side. Take two.",
        error**2: "That is the variance. Take its square root, and twice that.",
        2 * error**2: "The square root is missing: standard_error(share, n) has it.",
        2 * error * (CHECKED / TRAINED) ** 0.5: "n is the number of sentences that the model was "
        "checked on, 853, not the number that it learned from.",
        0.03: "Three points belong to the 75 % of section 4. Compute them for your share.",
        2 * error: "",
    }
    nearest = min(hints, key=lambda size: abs(size - half))
    if not is_close(half, nearest, 0.0005):
        return "low and high: share minus and plus twice standard_error(share, 853)."
    return hints[nearest]


@exercise("00-2")
def share_right(function: Callable) -> Verdict:
    """The share of rows whose largest logit belongs to their label."""
    for logits, labels in EXAMPLES:
        logits, labels = np.array(logits, dtype=float), np.array(labels)
        given = logits.copy(), labels.copy()
        try:
            answer = function(*given)
        except Exception as error:
            return wrong(
                f"It stopped with {type(error).__name__}: {error}. Is there one predicted class "
                "for each row? `logits.argmax(axis=1)` gives them."
            )
        verdict = gave_nothing(answer) or wrong_share(answer, logits, labels)
        if verdict:
            return verdict
        if not (np.array_equal(given[0], logits) and np.array_equal(given[1], labels)):
            return wrong("Your function changes the logits or the labels it was given.")
    return right("The same three steps as in `accuracy`: the largest logit, compare, average.")


def wrong_share(answer: object, logits: np.ndarray, labels: np.ndarray) -> Verdict | None:
    """The hint for one answer; None if it is right."""
    matches = logits.argmax(axis=1) == labels
    if is_close(answer, matches.mean(), 1e-6):
        return None
    if np.shape(answer) == matches.shape:
        return wrong("That is one answer for each sentence. Return their mean.")
    above_zero = ((logits[:, 1] > 0) == labels).mean()
    above_half = ((logits[:, 1] > 0.5) == labels).mean()
    hints = [
        (matches.sum(), "That is how many are right. Divide by the number of rows."),
        (100 * matches.mean(), "Give the share between 0 and 1, not in percent."),
        (1 - matches.mean(), "That is the share of wrong answers."),
        (above_zero, "Compare the logits of a row with each other, not one of them with zero."),
        (above_half, "A logit is no probability: take the larger one, not those above 0.5."),
        (labels.mean(), "That is the mean of the labels. Where do the logits come in?"),
        ((logits.argmin(axis=1) == labels).mean(), "The largest logit wins, not the smallest."),
    ]
    for number, hint in hints:
        if is_close(answer, number, 1e-6):
            return wrong(hint)
    return wrong(
        f"For the logits {logits.tolist()} and the labels {labels.tolist()} the share is "
        f"{matches.mean():.3f}, and you return {answer}."
    )


@exercise("00-3")
def sentences_needed(n: int) -> Verdict:
    """The n with 2 · sqrt(0.8 · 0.2 / n) = 0.01, and what rounding of floats makes of it."""
    if is_close(n, 1600, 5):
        return wrong("That makes one standard error a point. Two of them are to be a point.")
    if is_close(n, 10000, 5):
        return wrong("That is the answer for 50 %, the worst case. Here p is 0.8.")
    if is_close(n, 7500, 5):
        return wrong("That is the answer for 75 %. Here p is 0.8.")
    if is_close(n, 32, 1):
        return wrong("That is 0.16 / 0.005. Both sides are squared before you solve for n.")
    if is_close(n, 64, 1) or is_close(n, 80, 1):
        return wrong("The error falls with the square root of n: square the other side.")
    if is_close(n, 6400, 100) and not is_close(n, 6400, 1.001):
        return wrong("Close. Round only at the end.")
    if not is_close(n, 6400, 1.001):
        return wrong("Solve 2 * sqrt(0.8 * 0.2 / n) = 0.01 for n.")
    note = "" if is_close(n, 6400, 1e-6) else " (Yours is one off, because floats are rounded.)"
    return right(f"6,400: seven and a half times our validation set.{note}")
