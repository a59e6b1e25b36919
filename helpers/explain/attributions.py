"""Scores for the words of a sentence: how much each has to do with the classifier's answer."""

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from helpers.explain.words import ExplainError, lean_of_vectors, masked, per_word, pieces

Removal = Callable[[Sequence[str], Collection[int]], str]
MOST_WORDS = 12  # 2 to this power are the subsets that `shapley` asks for


@contextmanager
def still(model: PreTrainedModel) -> Iterator[None]:
    """A model with dropout off and weights that collect no gradient, then as it was."""
    training, wanted = model.training, [p.requires_grad for p in model.parameters()]
    try:
        model.eval().requires_grad_(False)
        yield
    finally:
        model.train(training)
        for parameter, wants in zip(model.parameters(), wanted, strict=True):
            parameter.requires_grad_(wants)


def slope(model: PreTrainedModel, vectors: Tensor, label: int) -> Tensor:
    """The gradient of `lean` with respect to word vectors: shape (B, T, H), as they have."""
    vectors = vectors.clone().requires_grad_()
    (found,) = torch.autograd.grad(lean_of_vectors(model, vectors, label).sum(), vectors)
    return found


def gradient(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, words: Sequence[str], label: int
) -> np.ndarray:
    """How steeply the answer depends on each word's vectors: the gradient's length, shape (W,).

    Args:
        model: a classifier of two classes.
        words: W of them; a word may be several tokens.
        label: the class to lean to, 0 or 1; for this method it makes no difference.
    """
    own = pieces(model, tokenizer, words)
    with still(model):
        squares = slope(model, own.vectors, label)[0].square().sum(dim=-1)
    return np.sqrt(per_word(squares, own.word, len(words)))


def gradient_times_input(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, words: Sequence[str], label: int
) -> np.ndarray:
    """Gradient times vector, added up over each word: shape (W,). Above 0: speaks for `label`.

    Arguments as in `gradient`.
    """
    own = pieces(model, tokenizer, words)
    with still(model):
        products = slope(model, own.vectors, label)[0] * own.vectors[0]
    return per_word(products.sum(dim=-1), own.word, len(words))


def integrated_gradients(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    words: Sequence[str],
    label: int,
    steps: int = 32,
) -> tuple[np.ndarray, float]:
    """Integrated gradients (Sundararajan and others 2017), from a row of [MASK] to the sentence.

    [CLS], [SEP] and all positions stay as they are, so all of the change belongs to words. The
    gradient is taken in the middle of each step.

    Args:
        model, tokenizer, words, label: as in `gradient`.
        steps: gradients along the straight path.

    Returns:
        Scores, shape (W,), and the completeness gap: their sum minus the change of the answer from
        the baseline to the sentence. It shrinks, though not at every turn, as the steps grow.

    Raises:
        ExplainError: `steps` is below 1, or the tokenizer has no mask token.
    """
    if steps < 1:
        raise ExplainError(f"steps = {steps!r}: at least 1 is needed; 32 is a good number.")
    if tokenizer.mask_token_id is None:
        raise ExplainError("This tokenizer has no mask token, which the baseline is made of.")
    own = pieces(model, tokenizer, words)
    mask = model.get_input_embeddings().weight[tokenizer.mask_token_id].detach().float()
    baseline = torch.where((own.word >= 0).to(mask.device)[None, :, None], mask, own.vectors)
    path = own.vectors - baseline
    middles = (torch.arange(steps, device=mask.device) + 0.5) / steps
    with still(model):
        slopes = slope(model, baseline + middles[:, None, None] * path, label).mean(dim=0)
        with torch.no_grad():
            start, end = lean_of_vectors(model, torch.cat([baseline, own.vectors]), label).tolist()
    scores = per_word((slopes * path[0]).sum(dim=-1), own.word, len(words))
    return scores, float(scores.sum() - (end - start))


def leave_one_out(
    score: Callable[[list[str]], np.ndarray], words: Sequence[str], remove: Removal = masked
) -> np.ndarray:
    """By how much a score falls without each word: shape (W,).

    Args:
        score: from n texts to n numbers, such as `lean` of a model.
        words: W of them.
        remove: `masked` or `deleted`.
    """
    texts = [remove(words, {i}) for i in range(len(words))]
    whole, *without = score([" ".join(words), *texts])
    return whole - np.array(without, dtype=float)


def attention_layers(model: PreTrainedModel, ids: Tensor) -> list[Tensor]:
    """The attention weights of each layer, a mean over its heads: L tensors of shape (T, T).

    Row t says how token t divides its attention.
    """
    used = model.config._attn_implementation
    if used not in ("eager", "light"):  # the fused ones keep no weights
        model.set_attn_implementation("eager")
    try:
        with still(model), torch.no_grad():
            layers = model(input_ids=ids, output_attentions=True).attentions
    finally:
        model.set_attn_implementation(used)
    return [layer[0].float().mean(dim=0) for layer in layers]


def attention(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, words: Sequence[str]
) -> np.ndarray:
    """The attention that [CLS] pays to each word in the last layer: shape (W,), never below 0."""
    own = pieces(model, tokenizer, words)
    return per_word(attention_layers(model, own.ids)[-1][0], own.word, len(words))


def rollout_matrix(layers: Sequence[Tensor]) -> Tensor:
    """Attention through all layers (Abnar and Zuidema 2020): shape (T, T), each row adds up to 1.

    A token passes on half of what it attends to and half of itself, because of the residual
    connection around each attention.
    """
    identity = torch.eye(len(layers[0]), device=layers[0].device)
    flow = identity
    for layer in layers:
        flow = (0.5 * layer + 0.5 * identity) @ flow
    return flow


def rollout(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, words: Sequence[str]
) -> np.ndarray:
    """How much of each word reaches [CLS] by attention through all layers: shape (W,)."""
    own = pieces(model, tokenizer, words)
    return per_word(rollout_matrix(attention_layers(model, own.ids))[0], own.word, len(words))


def shapley(values: Sequence[float]) -> np.ndarray:
    """Shapley values from the score of every subset: what a word adds, over all orders of arrival.

    Args:
        values: 2^W scores. The number of a subset has bit i set if word i is in it, so the first
            score is that of no word, and the last that of the whole sentence.

    Returns:
        shape (W,); they add up to the last score minus the first.

    Raises:
        ExplainError: the number of scores is no power of two, or there are too many.
    """
    values = np.asarray(values, dtype=float)
    count = len(values).bit_length() - 1
    if len(values) != 2**count or not 1 <= count <= MOST_WORDS:
        raise ExplainError(
            f"{len(values)} scores: give one for every subset, 2^W for W words, and at most "
            f"{MOST_WORDS} words."
        )
    subsets = np.arange(len(values))
    sizes = np.array([int(subset).bit_count() for subset in subsets])
    found = np.empty(count)
    for word in range(count):
        before = subsets[(subsets >> word) & 1 == 0]
        weights = [1 / (count * math.comb(count - 1, size)) for size in sizes[before]]
        found[word] = np.dot(weights, values[before | 1 << word] - values[before])
    return found
