"""Checks of notebook 01: padding shares, tokens per word, windows over a long text."""

from collections.abc import Callable
from itertools import pairwise

from helpers.exercises import Verdict, exercise, gave_nothing, is_close, right, wrong

TOGETHER, APART = 44 / 76, 2 / 15
TEXTS = ["unwatchable film", "a b c"]  # 4 tokens for 2 words, 3 for 3


@exercise("01-1")
def padding(share_together: float, share_apart: float) -> Verdict:
    """Share of padding in a batch of 4, 4, 5 and 19 tokens, and of the three short ones."""
    if is_close(share_together, TOGETHER, 0.006) and is_close(share_apart, APART, 0.006):
        return right("58 % together, 13 % apart: one long sentence costs more than all the others.")
    if is_close(share_together, 44 / 32, 0.006) or is_close(share_apart, 2 / 13, 0.006):
        return wrong("You divided by the tokens. Divide by all positions: rows × longest row.")
    if max(share_together, share_apart) > 1:
        return wrong("Those are counts or percent. Divide by all positions: rows × longest row.")
    if is_close(share_together, 1 - TOGETHER, 0.006) or is_close(share_apart, 1 - APART, 0.006):
        return wrong("That is the share of real tokens. Padding is the rest.")
    if is_close(share_together, TOGETHER, 0.006):
        return wrong("The three short ones make a smaller rectangle: 3 × 5 positions.")
    return wrong("Draw the rectangle: 4 rows of 19 positions, of which 4 + 4 + 5 + 19 are tokens.")


@exercise("01-2")
def fit_of_a_vocabulary(pieces_per_word: Callable) -> Verdict:
    """A function of texts: tokens per word over all of them."""
    answer = pieces_per_word(TEXTS)
    if nothing := gave_nothing(answer):
        return nothing
    if is_close(answer, 7 / 5):
        if not is_close(pieces_per_word(TEXTS[:1]), 2):
            return wrong("It must count the texts it is given, whatever they are.")
        return right("Sums first, one division: long texts count for more than short ones.")
    if is_close(answer, 5 / 7):
        return wrong("That is words per token. Turn the fraction over.")
    if is_close(answer, 11 / 5):
        return wrong("You counted [CLS] and [SEP]. `tokenize` leaves them out, `encode` does not.")
    if is_close(answer, 3 / 2):
        return wrong(
            "You averaged one ratio a text, so that a short text counts as much as a long one. "
            "Sum tokens and words over all texts, then divide once."
        )
    if is_close(answer, 7) or is_close(answer, 5):
        return wrong("That is a count. Divide the number of tokens by the number of words.")
    if is_close(answer, 21 / 5) or is_close(answer, 18 / 5):
        return wrong("You counted characters. Take the length of `tokenize(text)`, not of `text`.")
    if is_close(answer, 2) or is_close(answer, 1):
        return wrong("Your answer stops at one text. Go through all of them before you return.")
    return wrong(f"For {TEXTS} it gives {answer}, and 7 tokens for 5 words are 1.4.")


@exercise("01-3")
def overlapping_windows(windows: Callable) -> Verdict:
    """A function that cuts ids into framed windows with an overlap."""
    answer = windows([1, 2, 3, 4, 5], 5, 1)
    if nothing := gave_nothing(answer):
        return nothing
    cases = [([1, 2, 3, 4, 5], 5, 1), (list(range(1, 11)), 6, 2), ([1, 2], 8, 3), ([], 5, 1)]
    cases += [(list(range(1, 8)), 5, 1), (list(range(1, 9)), 6, 0)]
    for ids, max_length, overlap in cases:
        given = windows(list(ids), max_length, overlap)
        if not isinstance(given, list | tuple) or any(isinstance(w, int) for w in given):
            return wrong("Return a list of windows, each of them a list of ids.")
        hint = fault(list(map(list, given)), ids, max_length, overlap)
        if hint:
            return wrong(f"{hint} Tried: {len(ids)} ids, {max_length=}, {overlap=}.")
    return right("Nothing is lost, and a word at an edge is seen with its neighbours.")


def fault(given: list[list[int]], ids: list[int], max_length: int, overlap: int) -> str:
    """What is wrong with these windows, or an empty text."""
    if not given:
        return "There is no window at all. Every text makes at least one, also an empty text."
    if any(window[:1] != [101] or window[-1:] != [102] for window in given):
        return "Each window needs 101 in front and 102 behind."
    if any(len(window) > max_length for window in given):
        return "A window is too long: the frame takes two of the `max_length` places."
    inner = [window[1:-1] for window in given]
    lost = set(ids) - {i for window in inner for i in window}
    expected = expected_windows(ids, max_length, overlap)
    if lost:
        place = "at the end" if max(ids) in lost else "between two windows"
        return f"Ids are lost {place}."
    if given == expected:
        return ""
    if given[: len(expected)] == expected:
        return "The last window adds nothing: stop when a window has reached the end."
    if overlap and all(a[-overlap:] != b[:overlap] for a, b in pairwise(inner)):
        return "A window must begin with the last `overlap` ids of the one before it."
    return f"Expected {expected}."


def expected_windows(ids: list[int], max_length: int, overlap: int) -> list[list[int]]:
    """The windows as the exercise asks for them."""
    room = max_length - 2
    found, start = [], 0
    while True:
        found.append([101, *ids[start : start + room], 102])
        if start + room >= len(ids):
            return found
        start += room - overlap
