"""Answers to the quiz of notebook 01."""

import torch

from helpers import checkpoints, corpora
from tests.notebooks.quizzes import LONG, SHORT, Truth, batch, classifier, raises


def question_1() -> Truth:
    """The row of `film` in two tables, whether speed changes ids, and a foreign id in the model."""
    tokenizer, model = classifier()
    row_of, _ = corpora.glove()
    texts = [SHORT, LONG, "film"]
    together = tokenizer(texts)["input_ids"]
    foreign = torch.tensor([[101, row_of["film"], 102]])
    return {
        "a": together != [tokenizer(text)["input_ids"] for text in texts],  # fast and slow
        "b": tokenizer.vocab["film"] != row_of["film"],
        "c": raises(model, foreign),
    }


def question_2() -> Truth:
    """The logits of a short sentence beside a long one, with and without the mask."""
    ids, mask = batch(SHORT, LONG)
    model = classifier()[1]
    with torch.no_grad():
        fails = raises(model, ids)
        short, long = (model(ids).logits - model(ids, mask).logits).abs().amax(1)
    return {"a": fails, "b": not fails and bool(short < 1e-6), "c": bool(short > 1e-3 > long)}


def question_3() -> Truth:
    """A text with a capital, an accent and a line break, there and back."""
    tokenizer, text = checkpoints.load_tokenizer(), "A Café,\nclosed"
    ids = tokenizer(text)["input_ids"]
    whole = tokenizer.decode(ids) == text
    skipping = tokenizer.decode(ids, skip_special_tokens=True) == text
    return {"a": whole, "b": skipping, "c": not whole and not skipping}


QUESTIONS = [question_1, question_2, question_3]
