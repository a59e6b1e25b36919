"""Laws of `helpers.batching`, and its equality with notebook 01 and the library."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import DataCollatorWithPadding

from helpers import batching, checkpoints
from tests.unit import test_wordpiece

TOKENIZER = checkpoints.load_tokenizer("minilm")
COLLATOR = DataCollatorWithPadding(TOKENIZER)

lengths_of = st.lists(st.integers(1, 64), min_size=1, max_size=200)
sequences_of = st.lists(st.lists(st.integers(1, 30_521), min_size=1, max_size=40), min_size=1)
sizes = st.integers(1, 40)
seeds = st.integers(0, 2**32 - 1)


def members(batches):
    return sorted(i for batch in batches for i in batch)


@given(lengths_of, sizes, seeds, st.integers(1, 5))
def test_buckets_hold_every_example_once(lengths, size, seed, bucket_batches):
    batches = batching.bucketed(lengths, size, seed, bucket_batches)
    assert members(batches) == list(range(len(lengths)))
    assert all(1 <= len(batch) <= size for batch in batches)


@given(lengths_of, sizes)
def test_sorted_batches_hold_every_example_once_and_get_no_longer(lengths, size):
    batches = batching.sorted_batches(lengths, size)
    assert members(batches) == list(range(len(lengths)))
    in_order = [lengths[i] for batch in batches for i in batch]
    assert in_order == sorted(lengths, reverse=True)


@given(st.integers(0, 200), sizes, seeds)
def test_shuffled_batches_hold_every_example_once(n, size, seed):
    assert members(batching.shuffled(n, size, seed)) == list(range(n))


def test_one_seed_gives_one_order_and_another_epoch_another():
    lengths = np.random.default_rng(0).integers(3, 78, 2000)
    first = batching.bucketed(lengths, 32, (0, 1))
    assert batching.bucketed(lengths, 32, (0, 1)) == first
    assert batching.bucketed(lengths, 32, (0, 2)) != first


@given(sequences_of)
def test_padding_keeps_every_row_and_marks_what_is_real(sequences):
    input_ids, attention_mask = batching.pad(sequences, pad_id=0)
    assert input_ids.shape == attention_mask.shape == (len(sequences), max(map(len, sequences)))
    assert input_ids.dtype == attention_mask.dtype == torch.int64
    for row, mask, ids in zip(input_ids, attention_mask, sequences, strict=True):
        n = len(ids)
        assert row[:n].tolist() == ids and not row[n:].any()
        assert mask[:n].all() and not mask[n:].any()


@given(sequences_of)
def test_padding_by_hand_by_the_helper_and_by_the_library_is_the_same(sequences):
    helped = batching.pad(sequences, TOKENIZER.pad_token_id)
    by_hand = test_wordpiece.NAMES["pad_by_hand"](sequences)
    collated = COLLATOR([{"input_ids": ids} for ids in sequences])
    for ids, mask in (by_hand, (collated["input_ids"], collated["attention_mask"])):
        assert torch.equal(ids, helped[0]) and torch.equal(mask, helped[1])


@given(lengths_of, sizes, seeds)
def test_the_padding_share_is_the_share_of_zeros_in_the_masks(lengths, size, seed):
    batches = batching.shuffled(len(lengths), size, seed)
    masks = [batching.pad([[1] * lengths[i] for i in batch], 0)[1] for batch in batches]
    zeros = sum(int((mask == 0).sum()) for mask in masks)
    positions = sum(mask.numel() for mask in masks)
    share = batching.padding_share(lengths, batches)
    assert share == pytest.approx(zeros / positions, abs=1e-12)
    order = np.array([lengths[i] for batch in batches for i in batch])
    assert share == pytest.approx(test_wordpiece.NAMES["padding_share"](order, size), abs=1e-12)


@given(lengths_of, sizes, seeds)
def test_sorted_batches_pad_least_if_all_are_full(lengths, size, seed):
    lengths = (lengths * size)[: max(1, len(lengths) // size) * size]
    best = batching.padding_share(lengths, batching.sorted_batches(lengths, size))
    for batches in (
        batching.shuffled(len(lengths), size, seed),
        batching.bucketed(lengths, size, seed),
    ):
        assert best <= batching.padding_share(lengths, batches) + 1e-12


def test_buckets_pad_little_and_still_shuffle():
    lengths = np.random.default_rng(0).integers(3, 78, 6000)
    batches = batching.bucketed(lengths, 32, 0)
    random = batching.padding_share(lengths, batching.shuffled(len(lengths), 32, 0))
    assert batching.padding_share(lengths, batches) < 0.1 * random
    longest = [max(lengths[i] for i in batch) for batch in batches]
    assert longest != sorted(longest) and longest != sorted(longest, reverse=True)


@pytest.mark.parametrize("row", [0, 2])
def test_a_row_without_tokens_is_named(row):
    sequences = [[1, 2], [3], [4]]
    sequences[row] = []
    with pytest.raises(ValueError, match=f"row {row} of the batch"):
        batching.pad(sequences, pad_id=0)


@pytest.mark.parametrize("missing", [None, float("nan"), 7, ["a"]])
def test_a_row_without_text_is_named(missing):
    with pytest.raises(TypeError, match="row 1 holds"):
        batching.tokenize(["a film", missing], TOKENIZER)


@given(st.lists(test_wordpiece.texts, max_size=5), st.integers(3, 20))
def test_texts_are_tokenized_and_cut_with_their_frame(texts, max_length):
    rows = batching.tokenize(texts, TOKENIZER, max_length)
    assert len(rows) == len(texts)
    for text, row in zip(texts, rows, strict=True):
        whole = TOKENIZER(text)["input_ids"]
        assert row == (whole if len(whole) <= max_length else [*whole[: max_length - 1], 102])


def test_padding_never_changes_logits_by_more_than_1e_5():
    tokenizer, model = checkpoints.load("minilm", seed=0)
    texts = ["good", "a boring film", "an unwatchable film , " * 9]
    rows = batching.tokenize(texts, tokenizer)
    with torch.inference_mode():
        input_ids, attention_mask = batching.pad(rows, tokenizer.pad_token_id)
        together = model(input_ids=input_ids, attention_mask=attention_mask).logits
        alone = torch.cat([model(input_ids=torch.tensor([row])).logits for row in rows])
    assert (together - alone).abs().max() < 1e-5


@given(lengths=st.lists(st.integers(1, 30), min_size=1, max_size=9), multiple=st.integers(1, 8))
def test_the_length_can_be_rounded_up(lengths, multiple):
    input_ids, mask = batching.pad([[7] * n for n in lengths], 0, multiple_of=multiple)
    assert input_ids.shape[1] % multiple == 0
    assert 0 <= input_ids.shape[1] - max(lengths) < multiple
    assert mask.sum(dim=1).tolist() == lengths
