"""What notebook 10 finds: less work per training step, for (nearly) the same numbers.

`checkpoints.load` applies `fastest_attention` and `lighten_dropout`, `training.fine_tune` applies
`own_memory` and `word_gradient_kept`; `shorten_last_layer` is left to the reader.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from transformers import (
    AttentionInterface,
    AttentionMaskInterface,
    BertForSequenceClassification,
    PreTrainedModel,
)
from transformers.masking_utils import eager_mask
from transformers.models.bert.modeling_bert import BertAttention, BertLayer

from helpers import runtime


def light_dropout(values: Tensor, p: float) -> Tensor:
    """Dropout (Srivastava et al. 2014) that decides on four numbers with one 64-bit draw.

    On a CPU the library draws one random number per element, which takes a sixth of a training
    step. Sixteen bits per element are enough: `p` is met to within 2^-17.

    Args:
        values: any shape, on the CPU.
        p: share to set to zero, 0 < p < 1; the others are multiplied by 1 / (1 − p).
    """
    draws = torch.empty(math.ceil(values.numel() / 4), dtype=torch.int64).random_(-(2**63), None)
    sixteen_bits = draws.view(torch.int16)[: values.numel()].view(values.shape)
    keep = sixteen_bits >= round(p * 2**16) - 2**15
    return values * keep.to(values.dtype).mul_(1 / (1 - p))


class LightDropout(nn.Dropout):
    """`torch.nn.Dropout` with the random numbers of `light_dropout`."""

    def forward(self, input: Tensor) -> Tensor:
        return light_dropout(input, self.p) if self.training and self.p else input


def light_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float,
    dropout: float = 0.0,
    **_,
) -> tuple[Tensor, Tensor]:
    """The attention that notebook 02 writes by hand, with `light_dropout`.

    Args:
        module: the layer's self-attention; not needed, but the library passes it.
        query, key, value: shape (B, heads, T, width of a head).
        attention_mask: 0 where attention is allowed, a large negative number elsewhere.
        scaling: 1 / √(width of a head).
        dropout: share of the attention weights to drop; 0 outside training.

    Returns:
        The values as weighted, (B, T, heads, width), and the weights, (B, heads, T, T).
    """
    scores = query @ key.transpose(2, 3) * scaling
    weights = (scores if attention_mask is None else scores + attention_mask).softmax(dim=-1)
    if dropout:
        weights = light_dropout(weights, dropout)
    return (weights @ value).transpose(1, 2).contiguous(), weights


AttentionInterface.register("light", light_attention)
AttentionMaskInterface.register("light", eager_mask)


def library_dropout(model: PreTrainedModel) -> PreTrainedModel:
    """Put the library's dropout back in place of every `LightDropout`, in place, to compare."""
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, LightDropout):
                setattr(module, name, nn.Dropout(child.p).train(child.training))
    return model


def fastest_attention() -> str:
    """The attention to train with: the fused one on CUDA, elsewhere the one that is written out.

    On a CPU its dropout can then be the cheaper one. By itself it is no faster there:
    docs/measured/one_change_at_a_time.md.
    """
    return {"cuda": "sdpa", "cpu": "light"}.get(runtime.best_device().type, "eager")


def lighten_dropout(model: PreTrainedModel) -> PreTrainedModel:
    """Put `LightDropout` in place of the library's modules, where the CPU trains. In place."""
    if runtime.best_device().type == "cpu":
        for module in list(model.modules()):
            for name, child in module.named_children():
                if type(child) is nn.Dropout:
                    setattr(module, name, LightDropout(child.p).train(child.training))
    return model


class FirstTokenLayer(BertLayer):
    """The last layer for a head that reads [CLS] alone: [CLS] asks, all tokens answer.

    The library's cross-attention, from [CLS] to its row, on the very weights of `layer`.
    """

    def __init__(self, layer: BertLayer) -> None:
        with torch.device("meta"):  # takes no memory and no random numbers
            super().__init__(layer.attention.self.config)
            self.attention = BertAttention(layer.attention.self.config, is_cross_attention=True)
        for name, part in layer.attention.self.named_children():
            setattr(self.attention.self, name, part)
        self.attention.output = layer.attention.output
        self.intermediate, self.output = layer.intermediate, layer.output

    def forward(self, hidden_states: Tensor, attention_mask: Tensor | None, *_, **__) -> Tensor:
        """Vectors of all tokens, (B, T, width), to that of the first, (B, 1, width)."""
        first, _ = self.attention(
            hidden_states[:, :1],
            encoder_hidden_states=hidden_states,
            encoder_attention_mask=None if attention_mask is None else attention_mask[:, :, :1],
        )
        return self.feed_forward_chunk(first)


def shorten_last_layer(model: BertForSequenceClassification) -> BertForSequenceClassification:
    """Let a BERT classifier's last layer compute [CLS] alone, the vector its head reads. In place.

    The logits stay (to 1e-6 in fp32), a step takes less time: notebook 10 has a section on it. But
    `model.bert(...).last_hidden_state` then has one token, so `load` leaves it to you.

    Raises:
        ValueError: for a model of another architecture; it is left as it was.
    """
    if type(model) is not BertForSequenceClassification:
        raise ValueError(f"{type(model).__name__} is no BERT classifier, and works without this.")
    layers = model.bert.encoder.layer
    layers[-1] = FirstTokenLayer(layers[-1]).train(model.training)
    model.config.short_last_layer = True  # a resumed run goes on with it
    return model


def own_memory(model: PreTrainedModel) -> None:
    """Copy weights that are views into a file: their alignment can change a product's last bit."""
    for parameter in model.parameters():
        parameter.data = parameter.data.clone()


@contextmanager
def word_gradient_kept(model: PreTrainedModel) -> Iterator[None]:
    """Let the gradient of the word table keep its memory from step to step, where the CPU trains.

    It is as large as the table, 47 MB here, and nearly all zeros, and is made anew in each step.
    Kept, only the rows of the batch's own tokens are added to it; the numbers are the same. What
    it gains: docs/measured/training_speed.md. Inside the block call `zero_gradients` instead of
    `optimizer.zero_grad`.
    """
    words = model.get_input_embeddings()
    words.sparse = words.weight.requires_grad and model.device.type == "cpu"
    if words.sparse:
        words.weight.grad = torch.zeros_like(words.weight)
    try:
        yield
    finally:
        words.sparse, words.weight.grad = False, None


def zero_gradients(model: PreTrainedModel, optimizer: Optimizer) -> None:
    """Forget every gradient, and the memory of all but one that `word_gradient_kept` keeps."""
    words = model.get_input_embeddings()
    kept = words.weight.grad.zero_() if words.sparse else None
    optimizer.zero_grad()
    words.weight.grad = kept
