"""Answers to the quiz of notebook 14."""

import numpy as np
import torch

from helpers import checkpoints, other_tasks
from tests.notebooks.quizzes import Truth

LONGEST = 3  # tokens of an answer


def question_1() -> Truth:
    """A message with the word "6610": the labels of the two pieces that the tokenizer makes."""
    text = "Please take the lamp off order 6610."
    tokenizer = checkpoints.load_tokenizer()
    place = text.index("6610")
    tags = other_tasks.tags_of(text, [other_tasks.Span(place, place + 4, "order")])
    encoded = other_tasks.encode_words(tokenizer, text, tags)
    pieces = tokenizer.convert_ids_to_tokens(encoded.input_ids)
    first = pieces.index("66")
    assert pieces[first : first + 2] == ["66", "##10"]
    labels = encoded.labels[first : first + 2]
    begin, inside = (other_tasks.TAGS.index(f"{letter}-order") for letter in "BI")
    return {
        "a": labels == [begin, inside],
        "b": labels == [begin, -100],
        "c": labels == [-100, begin],
    }


def best_by_hand(start: np.ndarray, end: np.ndarray) -> tuple[int, int] | None:
    """The allowed span with the highest sum; None if position 0 has a higher one."""
    spans = [(i, j) for i in range(1, len(start)) for j in range(i, len(start)) if j - i < LONGEST]
    best = max(spans, key=lambda span: start[span[0]] + end[span[1]])
    return best if start[best[0]] + end[best[1]] > start[0] + end[0] else None


def question_2() -> Truth:
    """Random logits with the highest start at token 9 and the highest end at token 6: what is read.

    Each token but `[CLS]` is one character, so that characters and tokens are the same.
    """
    rng = np.random.default_rng(0)
    characters = [None, *((i, i) for i in range(1, 12))]
    said, by_hand = [], []
    for _ in range(200):
        start, end = rng.normal(0, 2, (2, 12))
        start[9], end[6] = start.max() + 0.5, end.max() + 0.5
        tensors = torch.tensor(start), torch.tensor(end)
        said.append(other_tasks.best_span(*tensors, characters, LONGEST))
        by_hand.append(best_by_hand(start, end))
    return {
        "a": all(span == (6, 9) for span in said),
        "b": not any(said),
        "c": said == by_hand and None in said and any(said),
    }


def question_3() -> Truth:
    """ROUGE-1 of two summaries against one reference."""
    first, second = (
        other_tasks.rouge(summary, "Refund missing", 1)
        for summary in ("Refund not arrived", "Money still missing")
    )
    return {"a": first == second, "b": first > second, "c": second > first}


QUESTIONS = [question_1, question_2, question_3]
