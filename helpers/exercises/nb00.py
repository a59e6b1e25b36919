"""Graders of notebook 00, start here."""

import numpy as np

from helpers.exercises import Verdict, exercise, is_close, is_rounded, right, wrong


@exercise("00-1")
def softmax(probabilities: list[float]) -> Verdict:
    """Softmax of (0, 1.1)."""
    powers = np.exp([0.0, 1.1])
    if is_close(probabilities, powers, 0.01):
        return wrong("Those are the exponentials. Divide both by their sum.")
    if is_close(probabilities, [0.0, 1.0], 0.005):
        return wrong("You divided the logits themselves. Exponentiate first.")
    if is_close(probabilities, (powers / powers.sum())[::-1], 0.005):
        return wrong("The order is turned round: the larger logit has the larger probability.")
    if is_close(probabilities, powers / powers.sum(), 0.005):
        return right("25 % and 75 %: a gap of 1.1 between logits is odds of three to one.")
    return wrong("Give two numbers that sum to 1: each exponential divided by the sum of both.")


@exercise("00-2")
def share_and_error(share: float, error: float) -> Verdict:
    """260 of 300 and its standard error."""
    if is_close(share, 86.67, 0.1):
        return wrong("share: as a number between 0 and 1, not in percent.")
    if is_close(share, 40 / 300, 1e-3):
        return wrong("share: that is the share of wrong answers.")
    if not is_close(share, 260 / 300, 1e-3):
        return wrong("share: right answers divided by all sentences.")
    variance = share * (1 - share) / 300
    if is_close(error, variance, 1e-5):
        return wrong("error: that is the variance. Take its square root.")
    if is_close(error, 2 * variance**0.5, 1e-4):
        return wrong("error: that is twice the standard error.")
    if is_close(error, 0.02, 1e-9):
        return wrong("error: rounded too far for what follows. Keep four digits, or all.")
    exact = (260 / 300 * 40 / 300 / 300) ** 0.5
    if not is_rounded(error, exact, 4) and not is_close(error, variance**0.5, 1e-9):
        return wrong("error: the square root of share * (1 - share) / 300.")
    return right("0.867 ± 0.020, so about 83 to 91 %.")


@exercise("00-3")
def sentences_needed(n: int) -> Verdict:
    """Smallest n with 2 · sqrt(0.8 · 0.2 / n) ≤ 0.01."""
    if is_close(n, 1600, 5):
        return wrong("That makes one standard error a point. Twice it is to be a point.")
    if is_close(n, 10000, 5):
        return wrong("That is the answer for 50 %, the worst case. Here p is 0.8.")
    if is_close(n, 32, 1):
        return wrong("That is 0.16 / 0.005. Both sides are squared before you solve for n.")
    if is_close(n, 64, 1) or is_close(n, 80, 1):
        return wrong("The error falls with the square root of n: square the other side.")
    if is_close(n, 6401, 1e-6):
        return wrong(
            "One too many: in floats the division gives 6,400.000000000001, and `ceil` goes up "
            "from there. 6,400 sentences are enough."
        )
    if is_close(n, 6399, 1e-6):
        return wrong("One too few: at 6,399 twice the error is still above 0.01.")
    if not is_close(n, 6400, 1e-6):
        return wrong("Solve 2 * sqrt(0.8 * 0.2 / n) = 0.01 for n.")
    return right("6,400: seven and a half times our validation part, to know it to a point.")
