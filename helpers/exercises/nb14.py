"""Graders of notebook 14, other tasks: labels of pieces, F1 of whole spans, the best answer.

Each function is tried on several inputs. A wrong one gets the hint of the first mistake that
explains its answers to all of the ordinary ones; else the first input that it gets wrong.
"""

import copy
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from helpers.exercises import (
    Verdict,
    as_array,
    exercise,
    gave_nothing,
    is_close,
    right,
    wrong,
)

IGNORED = -100


@dataclass(frozen=True)
class Try:
    """An input.

    Attributes:
        arguments: of the call.
        why: what is special about it, for a function that is wrong here only.
        stops: what a function that stops here has most likely overlooked; else `why`.
    """

    arguments: tuple
    why: str = ""
    stops: str = ""


def asked(function: Callable, tries: Sequence[Try], may_be_none: bool = False) -> list | Verdict:
    """What a function gives for each input; a verdict if one can tell before looking at it."""
    if not callable(function):
        return wrong("Hand the function itself to the check, without calling it.")
    found = []
    for one in tries:
        own = copy.deepcopy(one.arguments)
        try:
            given = function(*own)
        except Exception as error:  # the learner's: it is told with what it stopped
            said = f"{type(error).__name__}: {error}"
            return wrong(f"your function stopped with {said}. {one.stops or one.why}")
        nothing = None if given is None and may_be_none else gave_nothing(given)
        if nothing:
            return nothing
        if own != one.arguments:
            return wrong("Your function changes a list that it was given. Work on a copy.")
        found.append(given)
    return found


def whole_numbers(values: object) -> list[int] | None:
    """A flat list, array or tensor of whole numbers as a list; None for anything else."""
    try:
        numbers = as_array(values)
    except (TypeError, ValueError, RuntimeError):
        return None
    if numbers.ndim != 1 or not np.array_equal(numbers, np.round(numbers)):
        return None
    return numbers.astype(int).tolist()


def explained(
    given: list,
    tries: Sequence[Try],
    mistakes: Sequence[tuple[Callable, str]],
    same: Callable[[object, object], bool] = operator.eq,
) -> str | None:
    """The hint of the first mistake that gives the same for every input; None if there is none."""
    for mistaken, hint in mistakes:
        if same(given, [mistaken(*one.arguments) for one in tries]):
            return hint
    return None


# ---------------------------------------------------------------- 14-1

Words, Tags = list[int | None], list[int]
NO_WORD = "A special token has None instead of the number of a word. It has no tag and gets −100."
PIECES = [
    Try(([None, 0, 1, 1, 2, None], [0, 5, 3]), stops=NO_WORD),
    Try(([None, 0, 0, 1, 2, 3, 3, 3, 4, None], [3, 3, 4, 1, 1]), stops=NO_WORD),
    Try(([None, 0, 1, 2, 2, 3, 4, 4, None], [0, 0, 7, 8, 0]), stops=NO_WORD),
]
RARE_PIECES = [
    Try(
        ([None, 0, 1, 1, 2, None], [0, 1, 2, 0, 7]),
        "The text was cut, so words 3 and 4 have no piece.",
    ),
    Try(([None, 0, 0, 1, None, None, None], [4, 2]), "Padding has None as well: −100."),
    Try(
        ([None, 0, 2, 2, 3, None], [1, 0, 3, 5]),
        "Word 1 has no piece here. So take each tag by the number of its word, and do not count.",
    ),
    Try(
        ([0, 0, 1], [5, 0]),
        "These pieces are without special tokens, so the very first one begins a word.",
    ),
    Try(
        ([0, 0, 0], [7]),
        "There is no piece before the very first one: word_ids[i - 1] is the last one if i is 0.",
    ),
]


def labels_of(word_ids: Words, tags: Tags) -> list[int]:
    """The labels: each word's tag at its first piece."""
    pairs = zip([None, *word_ids], word_ids, strict=False)
    return [tags[w] if w is not None and w != before else IGNORED for before, w in pairs]


def on_every_piece(word_ids: Words, tags: Tags) -> list[int]:
    """A mistake: no piece is left out."""
    return [IGNORED if word is None else tags[word] for word in word_ids]


def goes_on_inside(word_ids: Words, tags: Tags) -> list[int]:
    """A mistake: the further pieces of a `B-` word get `I-`, which is the next number."""
    inside = [tag + tag % 2 for tag in tags]
    pairs = zip(labels_of(word_ids, tags), on_every_piece(word_ids, inside), strict=True)
    return [further if first == IGNORED else first for first, further in pairs]


def on_last_pieces(word_ids: Words, tags: Tags) -> list[int]:
    """A mistake: the last piece of each word has the label."""
    return labels_of(word_ids[::-1], tags)[::-1]


def one_after_the_other(word_ids: Words, tags: Tags) -> list[int]:
    """A mistake: the words' tags stand behind [CLS], whatever the pieces are."""
    return (([IGNORED, *tags]) + [IGNORED] * len(word_ids))[: len(word_ids)]


def by_tags(word_ids: Words, tags: Tags) -> list[int]:
    """A mistake: a piece is the first of its word if its tag is another one than before."""
    every = on_every_piece(word_ids, tags)
    pairs = zip([IGNORED, *every], every, strict=False)
    return [label if label != before else IGNORED for before, label in pairs]


def without(left_out: Callable[[int, int], bool]) -> Callable[[Words, Tags], list[int]]:
    """A mistake: words of which `left_out(number, tag)` is true have no label."""

    def labels(word_ids: Words, tags: Tags) -> list[int]:
        places = zip(word_ids, labels_of(word_ids, tags), strict=True)
        return [IGNORED if w is None or left_out(w, label) else label for w, label in places]

    return labels


# Mistaken labels of (word_ids, tags), and their hint.
PIECE_MISTAKES: list[tuple[Callable[[Words, Tags], list[int]], str]] = [
    (
        on_every_piece,
        "Every piece of a word has a label. Only the first piece speaks for its word; the others "
        "get −100.",
    ),
    (
        goes_on_inside,
        "The further pieces of a word have the I- label. They are no words of their own: −100.",
    ),
    (on_last_pieces, "The label is at the last piece of each word. It belongs to the first."),
    (
        one_after_the_other,
        "The tags stand behind [CLS], one after the other. After a word of two pieces they are "
        "one place too early: take the tag by the number of the piece's word.",
    ),
    (
        lambda word_ids, tags: [*labels_of(word_ids, tags)[1:], IGNORED],
        "Your labels are one place too early, as if [CLS] did not count. It is a piece as well.",
    ),
    (
        lambda word_ids, tags: [IGNORED, *labels_of(word_ids, tags)[:-1]],
        "Your labels are one place too late. A label stands where the first piece stands.",
    ),
    (
        by_tags,
        "Compare the numbers of the words, not their tags: of two neighbours with the same tag, "
        "the second loses its label.",
    ),
    (
        without(lambda word, _: word == 0),
        "Word 0 has no label. The number 0 counts as false, so ask `word is not None`.",
    ),
    (
        without(lambda _, label: label == 0),
        "Words with the tag 0 have no label. Outside is a class like the others, and is learned.",
    ),
    (
        lambda word_ids, tags: [IGNORED] * len(word_ids),
        "No piece has a label. The first piece of each word has the word's tag.",
    ),
]


def fault_of_length(word_ids: Words, tags: Tags, count: int) -> str | None:
    """What is wrong with the number of labels, as a hint."""
    if count == len(word_ids):
        return None
    if count == sum(word is not None for word in word_ids):
        return "The special tokens have no entry in your list. They are pieces, too: −100."
    said = f"{len(word_ids)} pieces, {count} labels"
    if count == len(tags):
        return f"You give one label for each word: {said}. Each piece needs one."
    return f"For word_ids = {word_ids}: {said}. Each piece needs exactly one."


def another_mark(given: list[list[int]], expected: list[list[int]]) -> int | None:
    """The one number that stands where −100 should, if all else is right."""
    pairs = [pair for g, e in zip(given, expected, strict=True) for pair in zip(g, e, strict=True)]
    marks = {label for label, wanted in pairs if wanted == IGNORED}
    agree = all(label == wanted for label, wanted in pairs if wanted != IGNORED)
    return marks.pop() if agree and len(marks) == 1 else None


def first_fault(tries: Sequence[Try], given: list[list[int]]) -> str | None:
    """A hint that names the first piece with a wrong label."""
    for one, labels in zip(tries, given, strict=True):
        word_ids, tags = one.arguments
        for t, (label, wanted) in enumerate(zip(labels, labels_of(word_ids, tags), strict=True)):
            if label != wanted:
                return (
                    f"For word_ids = {word_ids} and tags = {tags}, piece {t} has the label "
                    f"{label}. It should have {wanted}. {one.why}".strip()
                )
    return None


def fault_of_labels(given: list[list[int]]) -> str | None:
    """What is wrong with the labels of the ordinary inputs, as a hint."""
    expected = [labels_of(*one.arguments) for one in PIECES]
    if given == expected:
        return None
    if hint := explained(given, PIECES, PIECE_MISTAKES):
        return hint
    if (mark := another_mark(given, expected)) is not None:
        return f"{mark} stands where nothing is learned. The loss leaves out −100."
    return first_fault(PIECES, given)


def labels_from(tries: Sequence[Try], answers: list) -> list[list[int]] | Verdict:
    """The answers as lists of labels; a verdict if one of them is no such list."""
    found = []
    for one, given in zip(tries, answers, strict=True):
        labels = whole_numbers(given)
        if labels is None:
            return wrong("Return a flat list of whole numbers, with −100 where there is no label.")
        if hint := fault_of_length(*one.arguments, len(labels)):
            return wrong(hint)
        found.append(labels)
    return found


@exercise("14-1")
def piece_labels(function: Callable[[Words, Tags], list[int]]) -> Verdict:
    """A function that gives each word's tag to its first piece."""
    for tries in (PIECES, RARE_PIECES):
        answers = asked(function, tries)
        given = answers if isinstance(answers, Verdict) else labels_from(tries, answers)
        if isinstance(given, Verdict):
            return given
        if hint := fault_of_labels(given) if tries is PIECES else first_fault(tries, given):
            return wrong(hint)
    return right("The loss now counts each word once, however many pieces it is cut into.")


# ---------------------------------------------------------------- 14-2

Span = tuple[int, int, str]
Marked = list[list[Span]]
ONCE = (
    "A text may have no span. Do not divide within a text: count over all texts, and divide once, "
    "at the end."
)
SPANS = [
    Try(
        (
            [
                [(4, 10, "product"), (22, 26, "order"), (30, 37, "date"), (50, 58, "amount")],
                [],
                [(0, 7, "date"), (12, 26, "product")],
                [(4, 10, "product"), (15, 20, "amount")],
            ],
            [
                [(22, 26, "order"), (4, 10, "product"), (30, 35, "date"), (53, 57, "amount")],
                [(4, 10, "product"), (61, 63, "amount")],
                [(12, 26, "date"), (0, 7, "date")],
                [(15, 20, "amount"), (22, 26, "order"), (4, 10, "product")],
            ],
        ),
        stops=ONCE,
    ),
    Try(
        (
            [
                [(0, 4, "order"), (9, 12, "product"), (15, 21, "product"), (30, 34, "amount")],
                [],
                [],
                [(3, 9, "date")],
            ],
            [
                [(0, 4, "order"), (9, 12, "product"), (15, 19, "product"), (28, 34, "amount")],
                [(7, 11, "amount")],
                [],
                [(3, 9, "date")],
            ],
        ),
        stops=ONCE,
    ),
]
RARE_SPANS = [
    Try(
        ([[(0, 4, "order")], [(3, 9, "date")]], [[(6, 9, "order")], [(3, 9, "amount")]]),
        "Spans are there, and none of them is right. Precision and recall are both 0 then, but the "
        "sum that you divide by must not be.",
    ),
    Try(([[(0, 4, "order")]], [[]]), "Nothing was found here. F1 is 0 then."),
    Try(([[]], [[(0, 4, "order")]]), "Nothing should have been found here. F1 is 0 then."),
    Try(
        ([[(0, 4, "order")], []], [[(0, 4, "order"), (6, 9, "date")], []]),
        "The last text has no span, and another one has: 0.0 is for no span in any text.",
    ),
    Try(([[], []], [[], []]), "Here is no span at all. Return 0.0 then."),
]


def share(part: float, whole: float) -> float:
    """A quotient; 0 if there is nothing to divide by."""
    return part / whole if whole else 0.0


def f1(hits: float, said: float, there: float) -> float:
    """F1 from three counts."""
    return share(2 * hits, said + there)


Hits = Callable[[list[Span], list[Span]], float]


def counted(hits: Hits) -> Callable[[Marked, Marked], float]:
    """F1 over all texts, with `hits(wanted, given)` as the number of right spans of a text."""

    def score(expected: Marked, found: Marked) -> float:
        pairs = list(zip(expected, found, strict=True))
        return f1(
            sum(hits(wanted, given) for wanted, given in pairs),
            sum(len(given) for _, given in pairs),
            sum(len(wanted) for wanted, _ in pairs),
        )

    return score


def same_spans(wanted: list[Span], given: list[Span]) -> int:
    """How many spans of a text are exactly right."""
    return len(set(wanted) & set(given))


def without_kind(wanted: list[Span], given: list[Span]) -> int:
    """A mistake: the ends alone decide."""
    return same_spans([s[:2] for s in wanted], [s[:2] for s in given])


def without_end(wanted: list[Span], given: list[Span]) -> int:
    """A mistake: start and kind decide."""
    return same_spans([(s[0], s[2]) for s in wanted], [(s[0], s[2]) for s in given])


def without_start(wanted: list[Span], given: list[Span]) -> int:
    """A mistake: end and kind decide."""
    return same_spans([s[1:] for s in wanted], [s[1:] for s in given])


def overlapping(same_kind: bool) -> Hits:
    """A mistake: a found span is right if it shares a character with an expected one."""

    def hits(wanted: list[Span], given: list[Span]) -> int:
        return sum(
            any(w[0] < g[1] and g[0] < w[1] and (w[2] == g[2] or not same_kind) for w in wanted)
            for g in given
        )

    return hits


def in_same_place(wanted: list[Span], given: list[Span]) -> int:
    """A mistake: the first span is compared with the first, the second with the second."""
    return sum(w == g for w, g in zip(wanted, given, strict=False))


def of_all(expected: Marked, found: Marked) -> tuple[int, int, int]:
    """Right, found and expected spans of all texts."""
    hits = sum(same_spans(*pair) for pair in zip(expected, found, strict=True))
    return hits, sum(map(len, found)), sum(map(len, expected))


def across_texts(expected: Marked, found: Marked) -> float:
    """A mistake: a span is right if it is expected in any text."""
    wanted = {span for spans in expected for span in spans}
    hits = sum(span in wanted for spans in found for span in spans)
    return f1(hits, *of_all(expected, found)[1:])


def as_sets(expected: Marked, found: Marked) -> float:
    """A mistake: the spans of all texts in two sets, so that equal ones become one."""
    wanted, given = ({s for spans in part for s in spans} for part in (expected, found))
    return f1(len(wanted & given), len(given), len(wanted))


def common_of_all(expected: Marked, found: Marked) -> float:
    """A mistake: as `as_sets`, but divided by the right number of spans."""
    wanted, given = ({s for spans in part for s in spans} for part in (expected, found))
    return f1(len(wanted & given), *of_all(expected, found)[1:])


def mean_over_texts(of_empty: float | None) -> Callable[[Marked, Marked], float]:
    """A mistake: the mean of each text's F1, where a text without spans has `of_empty` or none."""

    def score(expected: Marked, found: Marked) -> float:
        values = []
        for wanted, given in zip(expected, found, strict=True):
            empty = not wanted and not given
            value = of_empty if empty else f1(same_spans(wanted, given), len(given), len(wanted))
            values += [] if value is None else [value]
        return share(sum(values), len(values))

    return score


def mean_over_kinds(expected: Marked, found: Marked) -> float:
    """A mistake: the mean of each kind's F1."""
    kinds = {span[2] for part in (expected, found) for spans in part for span in spans}
    ofs = [
        counted(same_spans)(
            *([[s for s in spans if s[2] == kind] for spans in part] for part in (expected, found))
        )
        for kind in kinds
    ]
    return share(sum(ofs), len(ofs))


def by_characters(expected: Marked, found: Marked) -> float:
    """A mistake: F1 of the marked characters, each with its kind."""

    def spread(spans: list[Span]) -> list[Span]:
        return [
            (place, place + 1, kind) for start, end, kind in spans for place in range(start, end)
        ]

    return counted(same_spans)(*([spread(s) for s in part] for part in (expected, found)))


PER_TEXT = (
    "That is the mean of each text's F1. A text with one span would then count as much as one with "
    "ten: add the counts of all texts up first."
)
ACROSS = (
    "A span counts as right if it is expected in another text. The same place in another message "
    "is another span: compare text by text."
)
OVERLAP = (
    "A span that only overlaps an expected one counts as right. Start and end must be the same."
)
# Mistaken scores of (expected, found), and their hint.
SPAN_MISTAKES: list[tuple[Callable[[Marked, Marked], float], str]] = [
    *((mean_over_texts(of_empty), PER_TEXT) for of_empty in (0.0, 1.0, None)),
    *((score, ACROSS) for score in (across_texts, common_of_all)),
    (as_sets, "The spans of all texts are in one set, so equal ones of two texts become one."),
    (counted(without_kind), "The kind is ignored. A date marked as a product is not right."),
    (counted(without_end), "The end is ignored. Start, end and kind must all be right."),
    (counted(without_start), "The start is ignored. Start, end and kind must all be right."),
    *((counted(overlapping(same_kind)), OVERLAP) for same_kind in (True, False)),
    (
        counted(in_same_place),
        "You compare the first span with the first, and so on. The lists may be in another order.",
    ),
    (
        lambda expected, found: share(of_all(expected, found)[0], of_all(expected, found)[1]),
        "That is precision, right / found. F1 counts what was missed as well.",
    ),
    (
        lambda expected, found: share(of_all(expected, found)[0], of_all(expected, found)[2]),
        "That is recall, right / expected. F1 counts what was found wrongly as well.",
    ),
    (
        lambda expected, found: counted(same_spans)(expected, found) / 2,
        "That is half of F1: a right span is in both lists, so it counts twice.",
    ),
    (
        lambda expected, found: share(
            of_all(expected, found)[0],
            sum(of_all(expected, found)[1:]) - of_all(expected, found)[0],
        ),
        "You divide by the spans that are in at least one list. F1 divides twice the right ones by "
        "found + expected.",
    ),
    (
        lambda expected, found: (
            (
                share(of_all(expected, found)[0], of_all(expected, found)[1])
                + share(of_all(expected, found)[0], of_all(expected, found)[2])
            )
            / 2
        ),
        "That is the ordinary mean of precision and recall. F1 is 2 · right / (found + expected).",
    ),
    (mean_over_kinds, "That is the mean of each kind's F1. Count the spans of all kinds together."),
    (by_characters, "You count characters. Count spans: one is wholly right, or it is wrong."),
    (
        lambda expected, found: 100 * counted(same_spans)(expected, found),
        "That is in per cent. Return a number between 0 and 1.",
    ),
    (
        lambda expected, found: of_all(expected, found)[0],
        "That is the number of right spans. Divide twice of it by found + expected.",
    ),
]


def same_numbers(one: list[float], other: list[float]) -> bool:
    """Whether scores are the same up to rounding."""
    return is_close(one, other, 1e-6)


def fault_of_scores(tries: Sequence[Try], given: list[float]) -> str | None:
    """What is wrong with the scores, as a hint."""
    counts = [of_all(*one.arguments) for one in tries]
    if same_numbers(given, [f1(*three) for three in counts]):
        return None
    if hint := tries is SPANS and explained(given, SPANS, SPAN_MISTAKES, same_numbers):
        return hint
    for one, value, (hits, said, there) in zip(tries, given, counts, strict=True):
        if not same_numbers(value, f1(hits, said, there)):
            expected, found = one.arguments
            return (
                f"For expected = {expected} and found = {found}, your function gives {value}. "
                f"{hits} right, {said} found and {there} expected make "
                f"{f1(hits, said, there):.3f}. {one.why}".strip()
            )
    return None


@exercise("14-2")
def span_f1(function: Callable[[Marked, Marked], float]) -> Verdict:
    """A function that gives F1 of whole spans over all texts."""
    for tries in (SPANS, RARE_SPANS):
        given = asked(function, tries)
        if isinstance(given, Verdict):
            return given
        if any(np.shape(value) != () for value in given):
            return wrong("Return a single number.")
        if hint := fault_of_scores(tries, given):
            return wrong(hint)
    return right("Two lists of spans, one number: this is the F1 that papers on such tasks report.")


# ---------------------------------------------------------------- 14-3

Logits = list[float]
Answer = tuple[int, int] | None
Allowed = Callable[[int, int, int], bool]
Score = Callable[[Logits, Logits, int, int], float]


def in_order(first: int, last: int, longest: int) -> bool:
    """Whether the exercise allows a span of the text."""
    return 1 <= first <= last < first + longest


def summed(start: Logits, end: Logits, first: int, last: int) -> float:
    """The score of a span."""
    return start[first] + end[last]


def likelihood(logits: Logits, place: int) -> float:
    """The softmax over all tokens, at one of them."""
    raised = np.exp(logits)
    return float(raised[place] / raised.sum())


def chosen(
    allowed: Allowed = in_order,
    score: Score = summed,
    nothing: Score | None = None,
    equal_wins: bool = False,
) -> Callable[[Logits, Logits, int], Answer]:
    """A function that returns the best of all spans, rightly or with a mistake.

    Args:
        allowed: which (first, last, longest) take part.
        score: of a span.
        nothing: what no answer scores, at (0, 0); None takes `score`.
        equal_wins: whether a span that scores as much as no answer is returned.
    """

    def best(start: Logits, end: Logits, longest: int) -> Answer:
        places = range(len(start))
        spans = [(i, j) for i in places for j in places if allowed(i, j, longest)]
        span = max(spans, key=lambda ends: score(start, end, *ends), default=None)
        if span is None:
            return None
        lead = score(start, end, *span) - (nothing or score)(start, end, 0, 0)
        return span if lead > 0 or (equal_wins and lead == 0) else None

    return best


def by_itself(from_place: int, judged: bool, order: str) -> Callable[[Logits, Logits, int], Answer]:
    """A mistake: each end is the highest of its own logits.

    Args:
        from_place: 1 leaves out [CLS], 0 does not.
        judged: whether None is returned if no answer has a higher sum.
        order: what is done if the end comes first: "kept", "turned" or "none".
    """

    def best(start: Logits, end: Logits, _longest: int) -> Answer:
        places = range(from_place, len(start))
        first, last = max(places, key=start.__getitem__), max(places, key=end.__getitem__)
        if judged and summed(start, end, first, last) <= summed(start, end, 0, 0):
            return None
        if first <= last or order == "kept":
            return first, last
        return (last, first) if order == "turned" else None

    return best


def one_end_first(of_start: bool, judged: bool) -> Callable[[Logits, Logits, int], Answer]:
    """A mistake: the highest start logit, then the best end that fits it; or the reverse.

    Args:
        of_start: whether the start is chosen first.
        judged: whether None is returned if no answer has a higher sum.
    """

    def best(start: Logits, end: Logits, longest: int) -> Answer:
        places = range(1, len(start))
        fixed = max(places, key=(start if of_start else end).__getitem__)
        spans = [(fixed, j) if of_start else (j, fixed) for j in places]
        spans = [ends for ends in spans if in_order(*ends, longest)]
        span = max(spans, key=lambda ends: summed(start, end, *ends))
        won = summed(start, end, *span) > summed(start, end, 0, 0)
        return span if won or not judged else None

    return best


def moved(by_first: int, by_last: int) -> Callable[[Logits, Logits, int], Answer]:
    """A mistake: the right span, counted from another place."""

    def best(start: Logits, end: Logits, longest: int) -> Answer:
        span = best_answer_of(start, end, longest)
        return span and (span[0] + by_first, span[1] + by_last)

    return best


def never(*_: object) -> float:
    """A score below all others."""
    return -np.inf


best_answer_of = chosen()
INSIDE = "A span ends inside the text: the last position is len(start) - 1."
ENDS = [
    Try(([0.6, 4.4, 1.7, -3.4, -0.4], [0.6, -1.4, -1.0, -0.4, 2.0], 2), stops=INSIDE),
    Try(([1.5, -2.4, -0.6, -0.1, -2.2, 2.4], [1.5, 0.1, 0.5, -0.8, 1.6, -2.0], 3), stops=INSIDE),
    Try(([-3.8, 0.1, -2.2, 0.0, -0.9], [0.9, -0.1, -3.1, -2.3, -0.9], 2), stops=INSIDE),
    Try(([0.0, 2.3, -0.8, 0.2, 2.9], [0.0, 1.7, -1.9, -0.1, -0.4], 2), stops=INSIDE),
    Try(([3.4, 0.0, 0.9, 1.6, -0.7, 3.2], [2.2, 3.4, 0.9, -0.5, 2.3, -3.0], 3), stops=INSIDE),
]
RARE_ENDS = [
    Try(
        ([2.0, 0.5, 2.0, 1.0], [2.0, 1.0, 0.5, 2.0], 3),
        "The best span and no answer have the same sum, and only a higher one wins.",
    ),
    Try(
        ([-4.0, -2.5, -3.0, -2.0], [-3.0, -2.0, -1.5, -2.5], 2),
        "All sums are below 0. Begin with the sum at position 0 as the best, not with 0.",
    ),
    Try(([0.5, 1.0], [0.5, 2.0], 4), "A text of one token is a span, too."),
    Try(
        ([0.5, 1.0, 3.0, 0.0], [0.5, 0.0, 1.0, 2.5], 9),
        "A span cannot be longer than the text: longest may be larger.",
    ),
    Try(
        ([0.5, 1.0, 3.0, 0.0], [0.5, 4.0, 0.0, 2.5], 1),
        "With longest = 1, first and last are the same token.",
    ),
]

SEPARATE = (
    "You choose start and end separately. They may be in the wrong order, or too far apart: score "
    "all allowed spans, and take the best."
)
ONE_FIRST = (
    "You choose one end, then the other to fit it. The best pair may have neither of the highest "
    "logits: score all allowed spans."
)
# Mistaken answers of (start, end, longest), and their hint.
END_MISTAKES: list[tuple[Callable[[Logits, Logits, int], Answer], str]] = [
    *(
        (by_itself(from_place, judged, order), SEPARATE)
        for from_place in (1, 0)
        for judged in (True, False)
        for order in ("kept", "none")
    ),
    *(
        (
            by_itself(from_place, judged, "turned"),
            "You turn start and end round where they are in the wrong order. Nothing says that the "
            "best end is a good start: score all allowed spans.",
        )
        for from_place in (1, 0)
        for judged in (True, False)
    ),
    *((one_end_first(of_start, judged), ONE_FIRST) for of_start in (1, 0) for judged in (1, 0)),
    (
        chosen(lambda first, last, longest: first >= 1 <= last and last < first + longest),
        "Your answer may end before it starts. Let last begin at first.",
    ),
    (
        chosen(lambda first, last, longest: 1 <= first <= last <= first + longest),
        "Your spans may have longest + 1 tokens. One from first to last has last − first + 1.",
    ),
    (
        chosen(lambda first, last, longest: 1 <= first <= last < first + longest - 1),
        "Your spans have at most longest − 1 tokens. One from first to last has last − first + 1.",
    ),
    (
        chosen(lambda first, last, longest: 1 <= first <= last),
        "Your spans may be of any length. They have at most `longest` tokens.",
    ),
    *(
        (
            chosen(
                lambda first, last, longest: 0 <= first <= last < first + longest, nothing=nothing
            ),
            "Position 0 takes part as the start of a span. It is [CLS]: begin at 1.",
        )
        for nothing in (None, never)
    ),
    (chosen(nothing=never), "Your function never returns None. Compare with position 0 as well."),
    (
        lambda start, end, longest: best_answer_of(start, end, longest) or (0, 0),
        "Where there is no answer, return None: (0, 0) is [CLS], and no part of the text.",
    ),
    (
        chosen(score=lambda start, end, first, last: start[first] * end[last]),
        "You multiply the two logits. Two negative ones would then be good: add them.",
    ),
    (
        chosen(
            score=lambda start, end, first, last: likelihood(start, first) + likelihood(end, last)
        ),
        "You add probabilities. Add the logits: that multiplies the probabilities.",
    ),
    *(
        (
            chosen(nothing=nothing),
            "You compare with a part of position 0 only. No answer has the sum of its two logits.",
        )
        for nothing in (
            lambda start, end, *_: start[0],
            lambda start, end, *_: end[0],
            lambda start, end, *_: max(start[0], end[0]),
        )
    ),
    (
        chosen(nothing=lambda start, end, *_: max(0.0, start[0] + end[0])),
        "You begin with 0 as the best, but all sums may be below 0. Begin with the sum at position "
        "0.",
    ),
    (
        chosen(nothing=lambda *_: 0.0),
        "You compare with 0. Compare with the sum at position 0, start[0] + end[0].",
    ),
    (
        lambda start, end, longest: best_answer_of(end, start, longest),
        "Start and end are exchanged: first belongs to `start`, last to `end`.",
    ),
    (
        moved(-1, -1),
        "Your positions are one too small. [CLS] counts: the text begins at position 1.",
    ),
    (moved(0, 1), "Your second number is one behind the span. Return its last token."),
]


def as_answer(given: object) -> Answer | Verdict:
    """What a function returned, as (first, last) or None; a verdict if it is neither."""
    if given is None:
        return None
    places = whole_numbers(given)
    if places is None or len(places) != 2:
        return wrong("Return two positions, (first, last), or None.")
    return places[0], places[1]


def answers_from(function: Callable, tries: Sequence[Try]) -> list[Answer] | Verdict:
    """The answers to all inputs; a verdict if one of them has another form."""
    given = asked(function, tries, may_be_none=True)
    if isinstance(given, Verdict):
        return given
    found = [as_answer(one) for one in given]
    return next((one for one in found if isinstance(one, Verdict)), found)


def fault_of_answers(tries: Sequence[Try], given: list[Answer]) -> str | None:
    """What is wrong with the answers, as a hint."""
    expected = [best_answer_of(*one.arguments) for one in tries]
    if given == expected:
        return None
    if hint := tries is ENDS and explained(given, ENDS, END_MISTAKES):
        return hint
    number = next(n for n, said in enumerate(given) if said != expected[n])
    start, end, longest = tries[number].arguments
    return (
        f"For start = {start}, end = {end} and longest = {longest} it is {expected[number]}, and "
        f"your function gives {given[number]}. {tries[number].why}".strip()
    )


@exercise("14-3")
def best_answer(function: Callable[[Logits, Logits, int], Answer]) -> Verdict:
    """A function that returns the span with the highest sum, or None."""
    for tries in (ENDS, RARE_ENDS):
        given = answers_from(function, tries)
        if isinstance(given, Verdict):
            return given
        if tries is ENDS and not any(given):
            return wrong("Your function returns None every time. Does it end with `return`?")
        if hint := fault_of_answers(tries, given):
            return wrong(hint)
    return right("All spans compete, and so does no answer. That is how answers are read off.")
