"""Answers in a text: where they start and end, and how right a found one is."""

import re
import string
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor
from transformers import PreTrainedTokenizerBase

from helpers.batching import PairIds
from helpers.other_tasks.heads import Encoded

LONGEST = 24  # tokens of an answer


class Question(NamedTuple):
    """A question about a text.

    Attributes:
        text: where the answer is.
        question: what is asked.
        answer: the answer as it is written in the text; "" if the text does not answer.
        start: the character where it starts; None if there is none.
    """

    text: str
    question: str
    answer: str
    start: int | None


class Places(NamedTuple):
    """A question as a model reads it, and where its tokens are in the text.

    Attributes:
        encoded: with the first and the last token of the answer as labels; both 0, which is
            `[CLS]`, if there is none.
        characters: for each token its first and last character in the text; None for `[CLS]`,
            `[SEP]` and the question.
    """

    encoded: Encoded
    characters: list[tuple[int, int] | None]


def encode_questions(
    tokenizer: PreTrainedTokenizerBase, questions: Sequence[Question], max_length: int = 256
) -> list[Places]:
    """[CLS] question [SEP] text [SEP], the text cut at `max_length`; an answer cut away is none."""
    found = []
    for text, question, answer, start in questions:
        encoded = tokenizer(
            question,
            text,
            truncation="only_second",
            max_length=max_length,
            return_offsets_mapping=True,
        )
        pairs = zip(encoded["offset_mapping"], encoded.sequence_ids(), strict=True)
        characters = [place if which == 1 else None for place, which in pairs]
        first, last = ends_of(characters, start, answer)
        ids = PairIds(encoded["input_ids"], encoded.get("token_type_ids") or [])
        found.append(Places(Encoded(ids, [first, last]), characters))
    return found


def ends_of(
    characters: Sequence[tuple[int, int] | None], start: int | None, answer: str
) -> tuple[int, int]:
    """First and last token of an answer; 0 and 0 if there is none or it is cut away."""
    if start is None:
        return 0, 0
    end = start + len(answer)
    inside = [i for i, c in enumerate(characters) if c and c[0] < end and c[1] > start]
    whole = inside and characters[inside[-1]][1] >= end
    return (inside[0], inside[-1]) if whole else (0, 0)


def best_span(
    start_logits: Tensor,
    end_logits: Tensor,
    characters: Sequence[tuple[int, int] | None],
    longest: int = LONGEST,
) -> tuple[int, int] | None:
    """The likeliest answer as characters `start` to `end`; None if "no answer" is likelier.

    The score of a span is the sum of its two logits; that of no answer is the sum at `[CLS]`.
    A span lies in the text, does not end before it starts, and has at most `longest` tokens.
    """
    best, place = float(start_logits[0] + end_logits[0]), None
    allowed = [i for i, c in enumerate(characters) if c is not None]
    for first in allowed:
        for last in range(first, min(first + longest, allowed[-1] + 1)):
            score = float(start_logits[first] + end_logits[last])
            if score > best:
                best, place = score, (characters[first][0], characters[last][1])
    return place


def normalized(answer: str) -> list[str]:
    """Words in lower case without punctuation and articles, as SQuAD's script compares them."""
    plain = "".join(c for c in answer.lower() if c not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", plain).split()


def exact_match(found: str, expected: str) -> bool:
    """Whether two answers are equal after `normalized`."""
    return normalized(found) == normalized(expected)


def token_f1(found: str, expected: str) -> float:
    """F1 of the words of two answers, repeated words counted; of no answer 1 if both are empty."""
    given, wanted = normalized(found), normalized(expected)
    if not given or not wanted:
        return float(given == wanted)
    common = sum((Counter(given) & Counter(wanted)).values())
    return 2 * common / (len(given) + len(wanted))


def word_overlap(question: Question) -> str:
    """A baseline that learns nothing: the part of the text with the most words of the question.

    Parts end at punctuation. The first of equal ones is taken; "" if no word is shared.
    """
    asked = set(normalized(question.question))
    parts = [part.strip() for part in re.split(r"[.,;:!?()\n–]+", question.text)]
    shared = [len(asked & set(normalized(part))) for part in parts]
    return parts[shared.index(max(shared))] if max(shared) else ""
