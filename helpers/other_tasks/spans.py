"""Spans in a text as one tag per word, and how many of them are found."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from transformers import PreTrainedTokenizerBase

from helpers.other_tasks.heads import IGNORED, Encoded

KINDS = ["order", "product", "amount", "date"]
# Outside; then for each kind the first word of a span, and the words that go on with it.
TAGS = ["O", *(f"{place}-{kind}" for kind in KINDS for place in "BI")]
WORD = re.compile(r"\w+|[^\w\s]")


class Span(NamedTuple):
    """A marked piece of a text: characters `start` to `end`, the second not included."""

    start: int
    end: int
    kind: str


def words_of(text: str) -> list[tuple[str, int, int]]:
    """Words and signs of a text with the places where they start and end.

    A run of letters and digits is a word; any other character but a space stands for itself.
    """
    return [(found.group(), *found.span()) for found in WORD.finditer(text)]


def tags_of(text: str, spans: Sequence[Span]) -> list[str]:
    """One of `TAGS` for each of the n words of a text.

    Raises:
        ValueError: a span begins or ends inside a word; the message shows it.
    """
    words = words_of(text)
    starts, ends = {start for _, start, _ in words}, {end for _, _, end in words}
    tags = ["O"] * len(words)
    for span in spans:
        if span.start not in starts or span.end not in ends:
            marked = text[span.start : span.end]
            raise ValueError(f"{marked!r} ({span.start} to {span.end}) is not made of whole words.")
        inside = [i for i, (_, at, _) in enumerate(words) if span.start <= at < span.end]
        for i in inside:
            tags[i] = f"{'B' if i == inside[0] else 'I'}-{span.kind}"
    return tags


def spans_from(text: str, tags: Sequence[str]) -> list[Span]:
    """The spans that tags say, as `tags_of` reads them; the reverse of it.

    An `I-` that follows no tag of its kind begins a span, as the CoNLL 2003 script counts it.
    """
    found: list[Span] = []
    before = "O"
    for (_, start, end), tag in zip(words_of(text), tags, strict=True):
        place, _, kind = tag.partition("-")
        if place == "I" and before.endswith(f"-{kind}"):
            found[-1] = found[-1]._replace(end=end)
        elif place != "O":
            found.append(Span(start, end, kind))
        before = tag
    return found


def encode_words(
    tokenizer: PreTrainedTokenizerBase,
    text: str,
    tags: Sequence[str] | None = None,
    max_length: int = 256,
) -> Encoded:
    """Token ids of a text, and as labels the tag of each word at its first piece, else −100.

    Args:
        tags: one of `TAGS` for each word; None: all "O", to predict with.
        max_length: tokens kept; the words after that have no label.
    """
    tags = tags or ["O"] * len(words_of(text))
    ids, begun = pieces_of(tokenizer, text, max_length)
    return Encoded(ids, [IGNORED if word is None else TAGS.index(tags[word]) for word in begun])


def pieces_of(
    tokenizer: PreTrainedTokenizerBase, text: str, max_length: int = 256
) -> tuple[list[int], list[int | None]]:
    """T token ids of a text, and for each the number of the word that begins there, else None.

    A word of which the tokenizer keeps nothing, as of a control character, begins nowhere.
    """
    words = [word for word, _, _ in words_of(text)]
    encoded = tokenizer(words, is_split_into_words=True, truncation=True, max_length=max_length)
    numbers = encoded.word_ids()
    pairs = zip(numbers, [None, *numbers], strict=False)
    return encoded["input_ids"], [word if word != before else None for word, before in pairs]


def span_counts(
    expected: Sequence[Sequence[Span]], found: Sequence[Sequence[Span]], kind: str | None = None
) -> tuple[int, int, int]:
    """How many spans are exactly right, how many were found, and how many there are.

    Args:
        expected, found: the spans of each of n texts. Right is a span with both ends and the kind.
        kind: count this kind only.
    """
    right = there = said = 0
    for wanted, given in zip(expected, found, strict=True):
        wanted, given = ({s for s in spans if kind in (None, s.kind)} for spans in (wanted, given))
        right, said, there = right + len(wanted & given), said + len(given), there + len(wanted)
    return right, said, there


def span_f1(
    expected: Sequence[Sequence[Span]], found: Sequence[Sequence[Span]], kind: str | None = None
) -> float:
    """F1 of whole spans over all texts: 2 · right / (found + expected); 0 if there are none."""
    right, said, there = span_counts(expected, found, kind)
    return 2 * right / (said + there) if said + there else 0.0
