"""From texts to batches: token ids, padding to the longest, buckets of equal length."""

import math
from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase


def tokenize(
    texts: Iterable[str], tokenizer: PreTrainedTokenizerBase, max_length: int = 128
) -> list[list[int]]:
    """Token ids of each text, with [CLS] and [SEP], cut at `max_length`, not padded.

    Raises:
        TypeError: if a text is missing (None, NaN) or no text; the message names its row.
    """
    texts = list(texts)
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise TypeError(
                f"row {row} holds {text!r} where a text should be. Remove such rows or fill them."
            )
    if not texts:
        return []
    return tokenizer(texts, truncation=True, max_length=max_length)["input_ids"]


def cut_share(
    texts: Iterable[str], tokenizer: PreTrainedTokenizerBase, max_length: int = 128
) -> float:
    """Share of the texts that have more than `max_length` tokens, [CLS] and [SEP] counted."""
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
