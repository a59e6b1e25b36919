"""What a run is asked for, and where it stands."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss
from transformers import EvalPrediction

from helpers import files, multi_label

Metrics = Callable[[EvalPrediction], dict[str, float]]
MULTI_LABEL = "multi_label_classification"  # so that a pipeline uses a sigmoid for each label
NOTABLE_CUT = 0.01  # a run says so if at least this share of its training texts is truncated


class TrainingError(RuntimeError):
    """Training cannot start or go on; the message names the cause and the cure."""


class DivergedError(TrainingError):
    """A loss or a gradient is not finite: the learning rate was too high for this run."""


@dataclass(frozen=True)
class TrainingConfig:
    """The hyperparameters of a run; notebook 04 tries out their values.

    Attributes:
        epochs: passes over the training examples.
        batch_size: examples per step.
        learning_rate: the highest one, reached after warm-up.
        weight_decay: AdamW's, on weight matrices only, not on biases and LayerNorms.
        warmup_share: share of all steps in which the rate rises from 0; then it falls to 0.
        max_grad_norm: gradients are scaled down to this norm if theirs is larger.
        max_length: tokens kept of each text. It stays with the model: `predict` and a saved
            model read as much.
        freeze_word_embeddings: leave the word table, half of a small BERT, as it is.
        precision: "fp32", "bf16" (fp32 weights, bf16 products), or "auto": what is faster here.
            It stays with the model: `predict` computes in the same.
        best_metric: decides which epoch stays: "validation_loss", a metric, or "epoch", the last. A
            model of numbers has no accuracy, nor has one of several labels per text: there
            "accuracy" means "validation_loss".
        patience: stop after so many epochs without a better one; None: never.
        seed: for the order of examples and for dropout.
    """

    epochs: int = 3
    batch_size: int = 32
    learning_rate: float = 1e-4
    weight_decay: float = 0.01
    warmup_share: float = 0.1
    max_grad_norm: float = 1.0
    max_length: int = 128
    freeze_word_embeddings: bool = False
    precision: str = "auto"
    best_metric: str = "accuracy"
    patience: int | None = None
    seed: int = 0


@dataclass
class TrainingRun:
    """How far a run has come, and at its end what it found.

    Attributes:
        config: the hyperparameters of the run.
        epoch, batch, step: epochs done, batches done of the epoch under way, steps in all.
        loss: of the step that has just ended.
        loss_sum: this epoch's losses, each times the examples of its batch.
        rows: one dictionary per epoch: `epoch`, `train_loss`, `validation_loss`, the metrics.
        data: fingerprints of both parts and the names of the functions the run was given, so that
            it is never continued with anything else.
        id: of this run; it is written into everything that the run stores.
        cut: share of the training texts that are longer than `config.max_length` tokens.
        tried: how many configurations were compared by `search` to find this one; 0: no search.
    """

    config: TrainingConfig
    epoch: int = 0
    batch: int = 0
    step: int = 0
    loss: float = 0.0
    loss_sum: float = 0.0
    rows: list[dict[str, float]] = field(default_factory=list)
    data: dict[str, str] = field(default_factory=dict)
    id: str = ""
    cut: float = 0.0
    tried: int = 0

    @property
    def history(self) -> pd.DataFrame:
        """The rows as a table."""
        return pd.DataFrame(self.rows)

    @property
    def best_epoch(self) -> int:
        """Number (from 1) of the earliest epoch with the best value of `config.best_metric`.

        Raises:
            TrainingError: that metric is not computed; the message lists those that are.
        """
        metric = self.config.best_metric
        if any(metric not in row for row in self.rows):
            there = ", ".join(self.rows[0])
            raise TrainingError(
                f'best_metric = "{metric}" is not computed in this run. Set it to one of these: '
                f"{there}."
            )
        sign = -1 if metric == "validation_loss" else 1

        def worth(row: dict[str, float]) -> float:
            return -math.inf if math.isnan(row[metric]) else sign * row[metric]

        return max(self.rows, key=worth)["epoch"]

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, or the last `patience` of them improved nothing."""
        patience = self.config.patience
        if patience is not None and self.rows and self.epoch - self.best_epoch >= patience:
            return True
        return self.epoch >= self.config.epochs


def truncation_notice(run: TrainingRun) -> str:
    """One sentence: which share of the training texts is longer than the model reads."""
    return (
        f"{run.cut:.0%} of the training texts are longer than max_length = "
        f"{run.config.max_length} tokens; the model reads only their beginnings."
    )


def accuracy(prediction: EvalPrediction) -> dict[str, float]:
    """Share of examples whose largest logit belongs to their label."""
    return {"accuracy": float((prediction.predictions.argmax(1) == prediction.label_ids).mean())}


def micro_f1(prediction: EvalPrediction) -> dict[str, float]:
    """F1 of all labels of all texts together, 0.5 the threshold: logits (n, C), 0/1 (n, C)."""
    found = multi_label.micro_f1(prediction.label_ids, prediction.predictions >= 0)
    return {"micro_f1": float(found)}


def absolute_error(prediction: EvalPrediction) -> dict[str, float]:
    """Mean distance of numbers (n, 1) from their labels (n,), in the labels' unit."""
    return {"mae": float(abs(prediction.predictions[:, 0] - prediction.label_ids).mean())}


def squared_error(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean squared error of numbers (B, 1) and labels (B,): what a model of numbers learns by."""
    return mse_loss(logits[:, 0], labels)


def name_of(function: Callable) -> str:
    """By what a function is recognized in another process: its name, its code, what it is bound to.

    Not the variables that it uses: a list in which it collects figures is another one each time.
    """
    if isinstance(function, partial):
        bound = [*map(content_of, function.args)]
        bound += [
            f"{name}={content_of(value)}" for name, value in sorted(function.keywords.items())
        ]
        return f"{name_of(function.func)}({', '.join(bound)})"
    code = getattr(function, "__code__", None)
    if code is not None:
        constants = [value for value in code.co_consts if not hasattr(value, "co_code")]
        digest = files.sha256_bytes(f"{code.co_code!r}{constants}{code.co_names}".encode())
        defaults = ", ".join(map(content_of, function.__defaults__ or ()))
        return f"{function.__module__}.{function.__qualname__}({defaults}) {digest[:12]}"
    return content_of(function)


def content_of(value: object) -> str:
    """A value in words that are the same in another process."""
    if isinstance(value, Tensor):
        own = value.detach().cpu().contiguous()
        digest = files.sha256_bytes(own.reshape(-1).view(torch.uint8).numpy().tobytes())
        return f"tensor {tuple(own.shape)} {digest[:12]}"
    if isinstance(value, nn.Module):
        plain = {k: v for k, v in vars(value).items() if isinstance(v, bool | int | float | str)}
        tensors = {name: content_of(tensor) for name, tensor in value.state_dict().items()}
        return f"{type(value).__name__}{sorted(plain.items())}{sorted(tensors.items())}"
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))
