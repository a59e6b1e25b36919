"""The loss of a batch of conversations: only the positions that carry loss meet the vocabulary."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel

from helpers import batching
from helpers.chat.conversations import IGNORED, Example

SHORTEST_SHARED = 8  # a shorter common beginning is not worth a pass of its own


class AnswerLosses(nn.Module):
    """A causal model that returns, for each conversation, its loss instead of its logits.

    The vocabulary matrix is a fifth of SmolLM2, and most positions carry no loss: only those that
    do are multiplied by it. Where all conversations of a batch begin alike (the same system
    message), the beginning is computed once: no token there can see what follows.
    """

    def __init__(self, model: PreTrainedModel, prompt_weight: float = 0.0) -> None:
        super().__init__()
        self.model, self.prompt_weight = model, prompt_weight

    def forward(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor) -> Tensor:
        """Per conversation: sum of weighted losses, sum of weights, answers foreseen entirely.

        Args:
            input_ids, attention_mask, labels: shape (B, T), padded at the right. Labels are not
                shifted: position t is compared with what the model says at t − 1.

        Returns:
            Shape (B, 3), fp32. The third is 1 if every trained token was the likeliest one, which
            is exactly when greedy generation would write the answer and stop.
        """
        weights = self.weights(labels, attention_mask)
        chosen = weights[:, 1:] > 0
        hidden = hidden_states(self.model, input_ids, attention_mask)[:, :-1][chosen]
        logits = self.model.get_output_embeddings()(hidden).float()
        target = torch.where(labels == IGNORED, input_ids, labels)[:, 1:][chosen]
        losses = cross_entropy(logits, target, reduction="none")
        row = chosen.nonzero()[:, 0]
        counted = weights[:, 1:][chosen]
        missed = (logits.argmax(dim=1) != target) & (labels[:, 1:][chosen] != IGNORED)
        columns = torch.stack([losses * counted, counted, missed.float()], dim=1)
        sums = torch.zeros(len(labels), 3, device=labels.device).index_add(0, row, columns)
        return torch.cat([sums[:, :2], (sums[:, 2:] == 0).float()], dim=1)

    def weights(self, labels: Tensor, attention_mask: Tensor) -> Tensor:
        """1 where a label is, `prompt_weight` at the other tokens, 0 at padding: shape (B, T)."""
        others = self.prompt_weight * attention_mask
        return torch.where(labels != IGNORED, 1.0, others.float())


def mean_loss(rows: Tensor) -> Tensor:
    """Mean loss per trained token of the rows of `AnswerLosses`, shape (n, 3)."""
    return rows[:, 0].sum() / rows[:, 1].sum()


def hidden_states(model: PreTrainedModel, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
    """Last hidden states, shape (B, T, width); what all rows share is computed once.

    A causal model's vectors at a position depend on that position and those before it, so equal
    beginnings have equal keys and values. Gradients add up over the rows, as they would anyway.
    """
    shared = shared_length(input_ids, attention_mask)
    if len(input_ids) < 2 or shared < SHORTEST_SHARED:
        masks = {"attention_mask": attention_mask, "use_cache": False}
        return model.base_model(input_ids=input_ids, **masks).last_hidden_state
    first = model.base_model(input_ids=input_ids[:1, :shared], use_cache=True)
    cache = first.past_key_values
    cache.batch_repeat_interleave(len(input_ids))
    rest = model.base_model(
        input_ids=input_ids[:, shared:], attention_mask=attention_mask, past_key_values=cache
    )
    begun = first.last_hidden_state.expand(len(input_ids), -1, -1)
    return torch.cat([begun, rest.last_hidden_state], dim=1)


def shared_length(input_ids: Tensor, attention_mask: Tensor) -> int:
    """With how many equal tokens all rows begin; at least one token of each row is left over."""
    differs = (input_ids != input_ids[:1]).any(dim=0).int()
    equal = int(differs.argmax()) if differs.any() else len(differs)
    return min(equal, int(attention_mask.sum(dim=1).min()) - 1)


def pad(examples: Sequence[Example], pad_id: int, multiple_of: int = 1) -> tuple[Tensor, ...]:
    """`input_ids`, `attention_mask` and `labels` of a batch, (B, T) each, padded at the right.

    Labels are padded by position, with −100, and not by comparing ids: where the padding token is
    also the end token, as here, that would hide the answers' ends from the loss.
    """
    input_ids, attention_mask = batching.pad(
        [example.input_ids for example in examples], pad_id, multiple_of
    )
    labels = torch.full_like(input_ids, IGNORED)
    for row, example in enumerate(examples):
        labels[row, : len(example.labels)] = torch.tensor(example.labels)
    return input_ids, attention_mask, labels
