"""BERT's forward pass written out by hand, to see what the library's way of calling it costs.

The same function of the same weights, with three differences: query, key and value are one matrix
product, the last layer computes [CLS] alone, and no module is called that only passes on what it is
given. It is a line of `one_change_at_a_time`, and nothing in the course trains with it.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import linear
from transformers import BertForSequenceClassification
from transformers.modeling_outputs import SequenceClassifierOutput
from transformers.models.bert.modeling_bert import BertAttention, BertLayer

from helpers import speedups


class WrittenOut(nn.Module):
    """A BERT classifier whose forward pass is this one; its weights stay those of the model."""

    def __init__(self, model: BertForSequenceClassification) -> None:
        super().__init__()
        self.whole = model

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> SequenceClassifierOutput:
        """Logits of shape (B, C) for ids and mask of shape (B, T)."""
        bert = self.whole.bert
        hidden = embedded(bert.embeddings, input_ids)
        dtype = (
            torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else hidden.dtype
        )
        hides = (1 - attention_mask)[:, None, None, :] * torch.finfo(dtype).min
        for number, layer in enumerate(bert.encoder.layer):
            is_last = number == len(bert.encoder.layer) - 1
            hidden = one_layer(layer, hidden, hides.to(dtype), is_last)
        pooled = torch.tanh(bert.pooler.dense(hidden[:, 0]))
        return SequenceClassifierOutput(logits=self.whole.classifier(self.whole.dropout(pooled)))


def embedded(embeddings: nn.Module, input_ids: Tensor) -> Tensor:
    """Vectors of the words and places of single texts, shape (B, T, H)."""
    places = embeddings.position_embeddings.weight[: input_ids.shape[1]]
    first_text = embeddings.token_type_embeddings.weight[0]
    vectors = embeddings.word_embeddings(input_ids) + first_text + places
    return embeddings.dropout(embeddings.LayerNorm(vectors))


def one_layer(layer: BertLayer, hidden: Tensor, hides: Tensor, is_last: bool) -> Tensor:
    """What a layer gives out: shape (B, T, H), or (B, 1, H) from the last one."""
    mixed = attended(layer.attention, hidden, hides, is_last)
    wide = layer.intermediate.intermediate_act_fn(layer.intermediate.dense(mixed))
    output = layer.output
    return output.LayerNorm(output.dropout(output.dense(wide)) + mixed)


def attended(attention: BertAttention, hidden: Tensor, hides: Tensor, is_last: bool) -> Tensor:
    """The attention with its residual: of every place, or of [CLS] alone.

    Args:
        hides: shape (B, 1, 1, T), 0 where there is a token, very low at padding.
    """
    own, (batch, length, width) = attention.self, hidden.shape
    asking = hidden[:, :1] if is_last else hidden
    maps = [own.key, own.value] if is_last else [own.query, own.key, own.value]
    weight, bias = (torch.cat([getattr(m, name) for m in maps]) for name in ("weight", "bias"))
    heads = (batch, length, len(maps), own.num_attention_heads, own.attention_head_size)
    found = list(linear(hidden, weight, bias).view(heads).permute(2, 0, 3, 1, 4))
    if is_last:
        found.insert(0, own.query(asking).view(batch, 1, *heads[3:]).transpose(1, 2))
    query, key, value = found
    scores = query @ key.transpose(2, 3) * own.scaling + hides
    rate = own.dropout.p if own.training else 0.0
    weights = speedups.light_dropout(scores.softmax(dim=-1), rate)
    mixed = (weights @ value).transpose(1, 2).reshape(batch, -1, width)
    return attention.output.LayerNorm(
        attention.output.dropout(attention.output.dense(mixed)) + asking
    )
