"""The pieces that notebook 04 writes by hand: logits, one step, the learning rate, predictions."""

import math
from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor
from torch.optim import AdamW, Optimizer
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from helpers import batching, checkpoints, parallel, runtime, speedups
from helpers.training.config import DivergedError, TrainingConfig

MULTIPLE_OF = 4  # lengths are rounded up to it, so that a processor meets fewer shapes
TEXTS_AT_ONCE = 64  # where nothing is trained


def make_optimizer(model: PreTrainedModel, config: TrainingConfig) -> Optimizer:
    """AdamW (Loshchilov and Hutter 2019) that decays matrices, not biases and norms.

    Biases and the scales of a norm are the parameters with one dimension.
    """
    decayed, spared = [], []
    for parameter in model.parameters():
        if parameter.requires_grad:
            (spared if parameter.dim() < 2 else decayed).append(parameter)
    groups = [{"params": decayed}, {"params": spared, "weight_decay": 0.0}]
    return AdamW(groups, config.learning_rate, weight_decay=config.weight_decay, fused=True)


def learning_rate_at(step: int, steps: int, config: TrainingConfig) -> float:
    """Learning rate of step `step` (from 0) of `steps`: linear rise from 0, linear fall to 0."""
    warmup = math.ceil(config.warmup_share * steps)
    if step < warmup:
        return config.learning_rate * step / warmup
    return config.learning_rate * (steps - step) / max(1, steps - warmup)


def logits_of(
    model: PreTrainedModel, token_ids: list[list[int]], pad_id: int, dtype: torch.dtype
) -> Tensor:
    """Forward pass of B token lists: fp32 logits, shape (B, C), on the model's device."""
    inputs = batching.inputs_of(token_ids, pad_id, model, MULTIPLE_OF)
    with torch.autocast(model.device.type, dtype, enabled=dtype != torch.float32):
        return model(**inputs).logits.float()


def predict(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    texts: Iterable[batching.Text],
    batch_size: int = TEXTS_AT_ONCE,
    max_length: int | None = None,
    precision: str | None = None,
) -> np.ndarray:
    """Logits of texts, in their order, with dropout off: float32, shape (n, C).

    Args:
        texts: each a text, or each a pair of two.
        max_length, precision: None: as the model was trained, also after `save` and `load`; for a
            model that was not trained by `fine_tune`: 128 tokens, and what is faster here.

    Raises:
        TypeError: if a text is missing; the message names its row.
    """
    trained = checkpoints.remembered(model)
    max_length = trained["max_length"] if max_length is None else max_length
    token_ids = batching.tokenize(texts, tokenizer, max_length)
    dtype = runtime.precision_of(precision or trained["precision"], model.device)
    logits = torch.empty(len(token_ids), model.config.num_labels)
    was_training = model.training
    model.eval()
    with torch.inference_mode():
        for batch in batching.sorted_batches([len(ids) for ids in token_ids], batch_size):
            chosen = [token_ids[i] for i in batch]
            logits[batch] = logits_of(model, chosen, tokenizer.pad_token_id, dtype).cpu()
    model.train(was_training)
    return logits.numpy()


def train_step(
    model: PreTrainedModel, loss: Tensor, optimizer: Optimizer, rate: float, max_norm: float
) -> float:
    """Backward pass, clipping, update and zeroing for the mean loss of a batch.

    Args:
        loss: 0-dimensional, with its graph.
        rate: learning rate of this step.
        max_norm: gradients are scaled down to this norm if theirs is larger.

    Returns:
        The loss as a number.

    Raises:
        DivergedError: loss or gradient is not finite. The weights are left as they were.
    """
    (loss * parallel.world_size()).backward()  # DDP averages over the ranks; this makes it the sum
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm)
    if not torch.isfinite(loss + norm):
        found = f"the loss is {loss.item()}, the norm of its gradient {norm.item()}"
        raise DivergedError(f"{found}. Lower learning_rate and start again.")
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.step()
    speedups.zero_gradients(model, optimizer)
    return loss.item()
