"""From texts to batches: token ids, padding to the longest, buckets of equal length."""

import inspect
import math
from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

Text = str | tuple[str, str]  # what a model reads of one example


class PairIds(list[int]):
    """Token ids of a pair of texts that know which text each is of. Otherwise a list of ids.

    Attributes:
        types: for each id 0 or 1, as the tokenizer says it: of the first text or of the second.
    """

    def __init__(self, ids: Iterable[int], types: Iterable[int]) -> None:
        super().__init__(ids)
        self.types = list(types)


def tokenize(
    texts: Iterable[Text], tokenizer: PreTrainedTokenizerBase, max_length: int = 128
) -> list[list[int]]:
    """Token ids of each text, with [CLS] and [SEP], cut at `max_length`, not padded.

    Of pairs, each a tuple of two texts, both are read: [CLS] first [SEP] second [SEP]. What is too
    long is cut at the end of the longer one (the library's `longest_first`). If the tokenizer
    tells the two apart by types, the ids are `PairIds`.

    Raises:
        TypeError: if a text is missing (None, NaN) or no text; the message names its row.
    """
    texts = list(texts)
    check_texts(texts)
    if not texts:
        return []
    if isinstance(texts[0], str):
        return tokenizer(texts, truncation=True, max_length=max_length)["input_ids"]
    columns = map(list, zip(*texts, strict=True))
    encoded = tokenizer(*columns, truncation="longest_first", max_length=max_length)
    if "token_type_ids" not in encoded:
        return encoded["input_ids"]
    return list(map(PairIds, encoded["input_ids"], encoded["token_type_ids"]))


def check_texts(texts: list[Text]) -> None:
    """Raise `TypeError` unless all are texts, or all are pairs of texts."""
    pairs = bool(texts) and isinstance(texts[0], tuple | list)
    for row, text in enumerate(texts):
        if pairs and not is_pair(text):
            raise TypeError(
                f"row {row} holds {text!r} where a pair of texts should be. Remove such rows, or "
                "give each two texts."
            )
        if not pairs and not isinstance(text, str):
            raise TypeError(
                f"row {row} holds {text!r} where a text should be. Remove such rows or fill them."
            )


def is_pair(value: object) -> bool:
    """Whether a value is two texts."""
    two = isinstance(value, tuple | list) and len(value) == 2
    return two and all(isinstance(text, str) for text in value)


def cut_share(
    texts: Iterable[Text], tokenizer: PreTrainedTokenizerBase, max_length: int = 128
) -> float:
    """Share of the texts, or pairs, of more than `max_length` tokens, [CLS] and [SEP] counted."""
    longer = [len(ids) > max_length for ids in tokenize(texts, tokenizer, max_length + 1)]
    return sum(longer) / max(1, len(longer))


def pad(
    sequences: Sequence[Sequence[int]], pad_id: int, multiple_of: int = 1
) -> tuple[Tensor, Tensor]:
    """Right-pad token ids to the longest sequence of the batch.

    Args:
        sequences: B lists of token ids, each of length 1 to T.
        pad_id: id of the tokenizer's padding token.
        multiple_of: round T up to a multiple of this. A processor prepares a routine for each
            shape that it meets: fewer shapes, less preparing.

    Returns:
        input_ids: int64, shape (B, T).
        attention_mask: int64, shape (B, T), 1 where a token is real.

    Raises:
        ValueError: if a sequence is empty; the message names its row.
    """
    lengths = [len(ids) for ids in sequences]
    if 0 in lengths:
        raise ValueError(f"row {lengths.index(0)} of the batch has no tokens, not even [CLS].")
    longest = math.ceil(max(lengths, default=0) / multiple_of) * multiple_of
    rows = [[*ids, *[pad_id] * (longest - len(ids))] for ids in sequences]
    masks = [[1] * n + [0] * (longest - n) for n in lengths]
    shape = (len(rows), longest)
    return torch.tensor(rows).reshape(shape).long(), torch.tensor(masks).reshape(shape).long()


def inputs_of(
    token_ids: Sequence[Sequence[int]], pad_id: int, model: nn.Module, multiple_of: int = 1
) -> dict[str, Tensor]:
    """What a model is called with, by name, on its device: `pad`, and of pairs the types.

    Args:
        token_ids: B texts or pairs, from `tokenize`.
        model: types go only to a model that tells them apart, as BERT does and RoBERTa does not.
        pad_id, multiple_of: as in `pad`.

    Returns:
        `input_ids`, `attention_mask` and, if there are any, `token_type_ids`: int64, (B, T) each.
    """
    input_ids, attention_mask = pad(token_ids, pad_id, multiple_of)
    found = {"input_ids": input_ids, "attention_mask": attention_mask}
    if token_ids and isinstance(token_ids[0], PairIds) and reads_types(model):
        found["token_type_ids"] = torch.zeros_like(input_ids)
        for row, ids in enumerate(token_ids):
            found["token_type_ids"][row, : len(ids)] = torch.tensor(ids.types)
    return {name: tensor.to(model.device) for name, tensor in found.items()}


def reads_types(model: nn.Module) -> bool:
    """Whether a model has more than one type of token, so that it can tell two texts apart."""
    model = getattr(model, "module", model)  # inside the one that averages gradients
    named = "token_type_ids" in inspect.signature(model.forward).parameters
    return named and getattr(model.config, "type_vocab_size", 2) != 1


def in_batches(order: Sequence[int], batch_size: int) -> list[list[int]]:
    """Cut an order of examples into batches; the last one may be smaller."""
    return [list(order[i : i + batch_size]) for i in range(0, len(order), batch_size)]


def shuffled(n: int, batch_size: int, seed: int) -> list[list[int]]:
    """Batches of examples 0 … n − 1 in a random order."""
    return in_batches(np.random.default_rng(seed).permutation(n).tolist(), batch_size)


def sorted_batches(lengths: Sequence[int], batch_size: int) -> list[list[int]]:
    """Batches from the longest example to the shortest: little padding, no randomness.

    The least padding there is, if the last batch is full.
    """
    order = np.argsort(-np.asarray(lengths, dtype=np.int64), kind="stable")
    return in_batches(order.tolist(), batch_size)


def bucketed(
    lengths: Sequence[int],
    batch_size: int,
    seed: int | Sequence[int],
    bucket_batches: int = 32,
) -> list[list[int]]:
    """Batches of similar lengths in a random order.

    Examples are shuffled and cut into buckets of `bucket_batches` batches; each bucket is sorted
    by length and cut into batches; then the batches of all buckets are shuffled. Every example
    appears exactly once.

    Args:
        lengths: number of tokens of each example.
        batch_size: examples per batch.
        seed: one seed gives one order; use another for each epoch, such as `(seed, epoch)`.
        bucket_batches: larger means less padding and less randomness.

    Returns:
        Lists of example indices.
    """
    rng = np.random.default_rng(seed)
    lengths = np.asarray(lengths, dtype=np.int64)
    order = rng.permutation(len(lengths))
    batches = []
    for bucket in in_batches(order.tolist(), batch_size * bucket_batches):
        by_length = sorted(bucket, key=lambda i: lengths[i])
        batches += in_batches(by_length, batch_size)
    return [batches[i] for i in rng.permutation(len(batches))]


def padding_share(lengths: Sequence[int], batches: Sequence[Sequence[int]]) -> float:
    """Share of all positions that are padding when examples are batched so."""
    lengths = np.asarray(lengths, dtype=np.int64)
    positions = sum(len(batch) * lengths[batch].max() for batch in map(list, batches))
    return 1 - lengths.sum() / positions
