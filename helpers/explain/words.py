"""A sentence as words: without some of them, as vectors, and what a classifier says of it."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from helpers import checkpoints, training

MASK = "[MASK]"


class ExplainError(ValueError):
    """What was asked cannot be explained; the message names the cause and the cure."""


def masked(words: Sequence[str], removed: Collection[int]) -> str:
    """The sentence with `[MASK]` in place of some words.

    Args:
        words: of the sentence.
        removed: their numbers, from 0.
    """
    return " ".join(MASK if i in removed else word for i, word in enumerate(words))


def deleted(words: Sequence[str], removed: Collection[int]) -> str:
    """The sentence without some words; arguments as in `masked`."""
    return " ".join(word for i, word in enumerate(words) if i not in removed)


def check_two_classes(model: PreTrainedModel) -> None:
    """Refuse a model with more or fewer: label 2 of three would be compared with itself."""
    if model.config.num_labels != 2:
        raise ExplainError(
            f"This model has {model.config.num_labels} outputs, and the difference of two logits "
            "needs two. Take a classifier of two classes."
        )


def lean(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], label: int = 1
) -> np.ndarray:
    """How far a model of two classes leans to one of them: its logit minus the other's, shape (n,).

    In fp32, so that small differences between similar texts are not rounded away.

    Raises:
        ExplainError: the model has not two classes.
    """
    check_two_classes(model)
    logits = training.predict(model, tokenizer, texts, precision="fp32").astype(float)
    return logits[:, label] - logits[:, 1 - label]


def probability(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], label: int = 1
) -> np.ndarray:
    """The probability that a model gives to a label, for each text: shape (n,).

    In the precision in which the model is used, which may be faster than fp32.

    Raises:
        ExplainError: the model has not two classes.
    """
    check_two_classes(model)
    logits = training.predict(model, tokenizer, texts).astype(float)
    return 1 / (1 + np.exp(logits[:, 1 - label] - logits[:, label]))


class Pieces(NamedTuple):
    """A sentence as the model reads it.

    Attributes:
        ids: int64, shape (1, T).
        word: for each token the number of its word, −1 for [CLS] and [SEP]: int64, shape (T,).
        vectors: rows of the word table, shape (1, T, H), without a graph.
    """

    ids: Tensor
    word: Tensor
    vectors: Tensor


def pieces(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, words: Sequence[str]
) -> Pieces:
    """Tokenize words and look up their vectors.

    Raises:
        ExplainError: there are no words that have tokens; they are too many, and `lean` would cut
            the text.
    """
    limit = checkpoints.remembered(model)["max_length"]
    encoded = tokenizer(list(words), is_split_into_words=True, return_tensors="pt")
    word = torch.tensor([-1 if i is None else i for i in encoded.word_ids()])
    if not (word >= 0).any():
        raise ExplainError(
            f"The tokenizer finds nothing in {list(words)}. Give a list of words such as "
            "text.split()."
        )
    if len(word) > limit:
        raise ExplainError(
            f"{len(word)} tokens are more than the {limit} that this model reads. Give fewer words."
        )
    ids = encoded["input_ids"].to(model.device)
    with torch.no_grad():
        vectors = model.get_input_embeddings()(ids).float()
    return Pieces(ids, word, vectors)


def lean_of_vectors(model: PreTrainedModel, vectors: Tensor, label: int) -> Tensor:
    """As `lean`, but of word vectors, shape (B, T, H), instead of a text: shape (B,), with graph.

    Positions, token types and LayerNorm come after the word table, so they are part of what is
    differentiated.

    Raises:
        ExplainError: the model has not two classes.
    """
    check_two_classes(model)
    mask = torch.ones(vectors.shape[:2], dtype=torch.long, device=vectors.device)
    logits = model(inputs_embeds=vectors, attention_mask=mask).logits.float()
    return logits[:, label] - logits[:, 1 - label]


def per_word(values: Tensor, word: Tensor, count: int) -> np.ndarray:
    """Add up what the pieces of each of `count` words have: (T,) to (W,), without [CLS], [SEP].

    A word in which the tokenizer finds nothing, such as a control character, has 0.
    """
    sums = torch.zeros(count, dtype=torch.float64)
    own = word >= 0
    return sums.index_add_(0, word[own], values.detach().cpu().double()[own]).numpy()
