"""Checks of notebook 01: WordPiece, a padded batch with its mask, windows over a long text."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from helpers import checkpoints
from helpers.exercises import Verdict, as_array, exercise, gave_nothing, right, unanswered, wrong

PIECES = {"a", "ab", "b", "cd", "un", "unlock", "lock", "able", "film"}
PIECES |= {"##b", "##c", "##d", "##cd", "##lo", "##lock", "##able", "##ed", "##s", "##m"}
# Words, and what makes each of them worth trying.
WORDS = ["abcd", "lockfilm", "film", "unlocked", "unlockable", "abx", "films", "lock", "b", "x"]
WORDS += ["unlocks", "abcbcd", "unloc", "acd", "bm", "blockedable"]
LOOKUPS = 10_000  # more than any word here needs
OTHER = ({"fil", "f", "##ms", "##il"}, {"films": ["fil", "##ms"], "filx": ["[UNK]"]})
BATCHES = [
    (["good", "an unwatchable film", "a b c d e f g h"], 6),
    (["unwatchable", "good", "a fine film", "b"], 12),
    (["one of the best films of the year", "no"], 5),
    (["heartwarming"], 5),
]


class Endless(Exception):
    """Raised by `Counted` if it is asked far too often."""


class Counted(set):
    """A set of pieces that notices a loop which never ends."""

    lookups = 0

    def __contains__(self, piece: object) -> bool:
        self.lookups += 1
        if self.lookups > LOOKUPS:
            raise Endless
        return super().__contains__(piece)


def pieces_of(word: str, vocabulary: set[str]) -> list[str]:
    """WordPiece with this vocabulary."""
    pieces, start = [], 0
    while start < len(word):
        mark = "##" if start else ""
        fitting = [e for e in range(start + 1, len(word) + 1) if mark + word[start:e] in vocabulary]
        if not fitting:
            return ["[UNK]"]
        pieces.append(mark + word[start : fitting[-1]])
        start = fitting[-1]
    return pieces


@exercise("01-1")
def wordpiece(my_wordpiece: Callable) -> Verdict:
    """A function of a word and a vocabulary: its pieces, the longest first."""
    cases = [(word, PIECES, pieces_of(word, PIECES)) for word in WORDS]
    cases += [(word, OTHER[0], expected) for word, expected in OTHER[1].items()]
    for word, vocabulary, expected in cases:
        try:
            given = my_wordpiece(word, Counted(vocabulary))
        except Endless:
            return wrong(f'For "{word}" the loop never ends. Does `start` move on each time?')
        if nothing := gave_nothing(given):
            return nothing
        if not isinstance(given, list | tuple) or not all(isinstance(p, str) for p in given):
            return wrong('Return a list of pieces, such as ["ab", "##cd"].')
        if list(given) != expected:
            return wrong(fault_of_pieces(list(given), expected, vocabulary) + tried(word, given))
    return right("That is the whole of WordPiece, and it works with any vocabulary.")


def tried(word: str, given: list[str]) -> str:
    """What the check has tried, and what came back."""
    return f' Tried: "{word}", and your answer was {list(given)}.'


def fault_of_pieces(given: list[str], expected: list[str], vocabulary: set[str]) -> str:
    """What is wrong with these pieces."""
    plain, wanted = ([p.removeprefix("##") for p in some] for some in (given, expected))
    if not given:
        return "The list is empty."
    if plain == wanted:
        return "Pieces that continue the word begin with ##, and only those."
    if any(piece not in vocabulary and piece != "[UNK]" for piece in given):
        return "A piece is not in this vocabulary. Look it up together with its ##."
    if expected == ["[UNK]"]:
        if "[UNK]" in given:
            return 'If one place does not fit, the whole word is unknown: return ["[UNK]"] alone.'
        return 'Somewhere in this word no piece fits, so the answer is ["[UNK]"].'
    if given == ["[UNK]"]:
        return "The vocabulary has pieces for this word. Try every `end` down to one character."
    if "".join(plain) != "".join(wanted):
        return "The pieces together do not give the word again. Go on until it is used up."
    if len(given[0]) < len(expected[0]) or len(given) > len(expected):
        return "A longer piece fits. Try the longest first, and take the first one that is there."
    return f"Expected {expected}."


@exercise("01-2")
def padded_batch(encode_batch: Callable) -> Verdict:
    """A function of texts and a length: padded ids and their mask."""
    tokenizer = checkpoints.load_tokenizer()
    for texts, max_length in BATCHES:
        answer = encode_batch(list(texts), max_length)
        if nothing := gave_nothing(answer):
            return nothing
        if not isinstance(answer, list | tuple) or len(answer) != 2:
            return wrong("Return two things: `return input_ids, attention_mask`.")
        if any(part is ... for part in answer):
            return unanswered()
        try:
            ids, mask = map(as_array, answer)
        except ValueError:
            return wrong("The rows are not equally long. Pad them up to the longest row.")
        rows = tokenizer(texts, truncation=True, max_length=max_length)["input_ids"]
        hint = fault_of_batch(ids, mask, rows, max_length)
        if hint:
            return wrong(f"{hint} Tried: {texts} with max_length={max_length}.")
    return right("These two rectangles are what BERT takes: you could give them to it now.")


def rectangle(rows: list[list[int]], width: int, front: bool = False) -> np.ndarray:
    """Rows filled up with 0."""
    fill = [[0] * (width - len(row)) for row in rows]
    return np.array([f + r if front else r + f for r, f in zip(rows, fill, strict=True)])


def fault_of_batch(ids: np.ndarray, mask: np.ndarray, rows: list[list[int]], limit: int) -> str:
    """What is wrong with this batch, or an empty text."""
    longest = max(map(len, rows))
    expected, ones = rectangle(rows, longest), rectangle([[1] * len(row) for row in rows], longest)
    if ids.shape != mask.shape:
        return f"ids and mask must have the same shape; yours are {ids.shape} and {mask.shape}."
    if ids.ndim != 2 or len(ids) != len(rows):
        return f"There must be one row for each of the {len(rows)} texts."
    if np.array_equal(ids, ones) and np.array_equal(mask, expected):
        return "Return the ids first and the mask second."
    if hint := fault_of_ids(ids, expected, rows, limit):
        return hint
    if np.array_equal(mask, ones):
        return ""
    if np.array_equal(mask, 1 - ones):
        return "The mask is the wrong way round: 1 is a real token, 0 is padding."
    if mask.all():
        return "The mask is 1 everywhere, also where there is only padding."
    if not mask.any():
        return "The mask is 0 everywhere, so the model would read nothing."
    return f"The mask must be 1 for each token, also [CLS] and [SEP]. Expected {ones.tolist()}."


def fault_of_ids(ids: np.ndarray, expected: np.ndarray, rows: list[list[int]], limit: int) -> str:
    """What is wrong with these ids, or an empty text."""
    width, longest = ids.shape[1], expected.shape[1]
    if np.array_equal(ids, expected):
        return ""
    if width > limit:
        return "A row is longer than `max_length`. [CLS] and [SEP] count as well."
    if width >= longest and np.array_equal(ids, rectangle(rows, width)):
        return "The rows are too long: pad up to the longest row of this batch, no further."
    if np.array_equal(ids, rectangle(rows, longest, front=True)):
        return "The padding is in front. BERT reads its summary at position 0: pad at the end."
    if not (ids[:, 0] == 101).all():
        return "Every row begins with [CLS], whose id is 101."
    if not (ids == 102).any(axis=1).all():
        return "A row has lost its [SEP] (102). Cut the tokens first, then put 101 and 102 around."
    if width < longest:
        return "Too much was cut: a row may have `max_length` ids, 101 and 102 counted."
    if width == longest and np.array_equal(ids[expected != 0], expected[expected != 0]):
        return "Padding has the id 0."
    return f"The ids should be {expected.astype(int).tolist()}."


@exercise("01-3")
def overlapping_windows(windows: Callable) -> Verdict:
    """A function that cuts ids into windows with an overlap, each between 101 and 102."""
    answer = windows([1, 2, 3, 4, 5], 5, 1)
    if nothing := gave_nothing(answer):
        return nothing
    cases = [([1, 2, 3, 4, 5], 5, 1), (list(range(1, 11)), 6, 2), ([1, 2], 8, 3), ([], 5, 1)]
    cases += [(list(range(1, 8)), 5, 1), (list(range(1, 9)), 6, 0), ([7, 7, 7, 7, 7, 7, 8], 5, 2)]
    for ids, max_length, overlap in cases:
        mine = list(ids)
        given = windows(mine, max_length, overlap)
        if mine != ids:
            return wrong("Your function changes the list it is given. Work on slices of it.")
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
        return "A window is too long: 101 and 102 take two of the `max_length` positions."
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
