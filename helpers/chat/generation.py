"""Answers of a causal model: greedy, many conversations at once, with a key/value cache."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import Cache, PreTrainedModel, PreTrainedTokenizerBase

from helpers import batching
from helpers.chat.conversations import Conversation, encode, end_id, render
from helpers.chat.learning import foresee
from helpers.chat.losses import SHORTEST_SHARED, shared_length


@dataclass(frozen=True)
class Answer:
    """What a model wrote.

    Attributes:
        text: without the end token; other special tokens are kept, so that none is hidden.
        stopped: whether the end token came; else the model was cut off.
        ids: what was written, with the end token if it came.
    """

    text: str
    stopped: bool
    ids: list[int]


def generate(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    conversations: Iterable[Conversation],
    max_new_tokens: int = 32,
    batch_size: int = 32,
    add_prompt: bool = True,
) -> list[Answer]:
    """The likeliest next token, again and again, until the end token: one answer each, in order.

    Args:
        conversations: each ends before the answer that is wanted.
        max_new_tokens: where an answer is cut off if no end token has come.
        batch_size: conversations at a time.
        add_prompt: end each with the header of an answer, as in training. False shows what
            happens without.
    """
    prompts = [render(tokenizer, conversation, add_prompt) for conversation in conversations]
    return continue_ids(model, tokenizer, prompts, max_new_tokens, batch_size)


def continue_ids(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[list[int]],
    max_new_tokens: int = 32,
    batch_size: int = 32,
) -> list[Answer]:
    """As `generate`, from token ids."""
    answers: list[Answer | None] = [None] * len(prompts)
    was_training = model.training
    model.eval()
    with torch.inference_mode():
        for batch in batching.sorted_batches([len(ids) for ids in prompts], batch_size):
            chosen = [prompts[i] for i in batch]
            for i, ids in zip(batch, greedy(model, tokenizer, chosen, max_new_tokens), strict=True):
                answers[i] = as_answer(ids, tokenizer)
    model.train(was_training)
    return answers


def as_answer(ids: list[int], tokenizer: PreTrainedTokenizerBase) -> Answer:
    """The text of what was written, up to the first end token."""
    end = end_id(tokenizer)
    stopped = end in ids
    kept = ids[: ids.index(end)] if stopped else ids
    text = tokenizer.decode(kept, skip_special_tokens=False)
    return Answer(text, stopped, [*kept, end] if stopped else kept)


def greedy(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[list[int]],
    max_new_tokens: int,
) -> list[list[int]]:
    """What follows each prompt of one batch; rows that have ended are filled with the end token."""
    end = end_id(tokenizer)
    input_ids, mask = pad_left(prompts, end)
    logits, cache = read_prompts(model, input_ids.to(model.device), mask.to(model.device))
    mask, written = mask.to(model.device), []
    ended = torch.zeros(len(prompts), dtype=torch.bool, device=model.device)
    for _ in range(max_new_tokens):
        token = torch.where(ended, end, logits.argmax(dim=1))
        written.append(token)
        ended |= token == end
        if ended.all():
            break
        mask = torch.cat([mask, mask.new_ones(len(mask), 1)], dim=1)
        logits = next_logits(model, token[:, None], mask, cache)
    return torch.stack(written, dim=1).tolist()


def pad_left(prompts: Sequence[list[int]], pad_id: int) -> tuple[Tensor, Tensor]:
    """Ids and mask of a batch, (B, T) each, padded where it does no harm to what follows.

    What is written comes at the right end, so the padding must not be there. And it goes behind
    the tokens with which all prompts begin, so that these can be read once for the whole batch.
    """
    right_padded, mask = batching.pad(prompts, pad_id)
    shared = shared_length(right_padded, mask)
    longest = right_padded.shape[1]
    rows, masks = [], []
    for ids in prompts:
        gap = longest - len(ids)
        rows.append([*ids[:shared], *[pad_id] * gap, *ids[shared:]])
        masks.append([1] * shared + [0] * gap + [1] * (len(ids) - shared))
    return torch.tensor(rows), torch.tensor(masks)


def read_prompts(model: PreTrainedModel, input_ids: Tensor, mask: Tensor) -> tuple[Tensor, Cache]:
    """Logits after each prompt, (B, V), and the keys and values of all its tokens."""
    shared, cache = shared_length(input_ids, mask), None
    if len(input_ids) == 1 or shared < SHORTEST_SHARED:
        shared = 0
    else:
        cache = model.base_model(input_ids=input_ids[:1, :shared], use_cache=True).past_key_values
        cache.batch_repeat_interleave(len(input_ids))
    rest = input_ids[:, shared:]
    read = model.base_model(
        input_ids=rest,
        attention_mask=mask,
        position_ids=positions(mask)[:, shared:],
        past_key_values=cache,
        use_cache=True,
    )
    return model.get_output_embeddings()(read.last_hidden_state[:, -1]), read.past_key_values


def next_logits(model: PreTrainedModel, token: Tensor, mask: Tensor, cache: Cache) -> Tensor:
    """Logits (B, V) after one more token, (B, 1); the cache grows by it."""
    last = model.base_model(
        input_ids=token,
        attention_mask=mask,
        position_ids=positions(mask)[:, -1:],
        past_key_values=cache,
        use_cache=True,
    ).last_hidden_state[:, -1]
    return model.get_output_embeddings()(last)


def positions(mask: Tensor) -> Tensor:
    """The place of each token in its own text, padding not counted: shape (B, T)."""
    return (mask.cumsum(dim=1) - 1).clamp(min=0)


def log_likelihoods(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[Conversation],
    candidates: Sequence[str],
) -> Tensor:
    """How likely each candidate is as the whole answer to each prompt, its end included.

    Returns:
        Log-probabilities, shape (n, number of candidates): sums over the answer's tokens.
    """
    examples = [
        encode(tokenizer, [*prompt, {"role": "assistant", "content": candidate}])
        for prompt in prompts
        for candidate in candidates
    ]
    return -foresee(model, tokenizer, examples)[:, 0].reshape(len(prompts), len(candidates))
