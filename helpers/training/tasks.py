"""What a run learns: how its examples are read, computed and scored. The loop is the same for all.

A task computes a row of numbers for each example; the rows of all ranks are gathered, and the loss
is a function of them. `Texts` is the task of notebook 04, a label for each text; `helpers.chat` has
another, an answer to each conversation.
"""

from collections.abc import Callable
from typing import Protocol

import torch
from datasets import Dataset
from torch import Tensor, nn
from transformers import EvalPrediction, PreTrainedModel, PreTrainedTokenizerBase

from helpers import batching, corpora, parallel, runtime
from helpers.training.config import MULTI_LABEL, Metrics, TrainingConfig, name_of
from helpers.training.steps import logits_of, predict


class Task(Protocol):
    """What a `Session` asks of a task.

    Attributes:
        lengths: number of tokens of each training example.
        cut: share of the training examples that are longer than `config.max_length` tokens.
        resume: name of the function that goes on with a run of this task.
        problem_type: how a `transformers` pipeline reads the logits; None: as it does by itself.
    """

    lengths: list[int]
    cut: float
    resume: str
    problem_type: str | None

    def network(self, model: PreTrainedModel) -> nn.Module:
        """What is trained: the model, or a module around it; its gradients are averaged."""

    def rows(self, network: nn.Module, batch: list[int]) -> Tensor:
        """One row of numbers for each of the training examples at these positions, with graph."""

    def loss(self, rows: Tensor, batch: list[int]) -> Tensor:
        """The mean loss of a whole batch from the rows of all its examples."""

    def evaluate(self, model: PreTrainedModel) -> dict[str, float]:
        """`validation_loss` and the metrics, on the validation part."""

    def fingerprints(self) -> dict[str, str]:
        """What the result depends on besides the hyperparameters, by name."""


class Texts:
    """Texts, or pairs, with a label, several labels, or a number each: the task of notebook 04."""

    resume = "training.resume"

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        train: Dataset,
        validation: Dataset,
        config: TrainingConfig,
        compute_metrics: Metrics,
        loss_function: Callable,
    ) -> None:
        self.tokenizer, self.config = tokenizer, config
        self.train, self.validation = train, validation
        self.compute_metrics, self.loss_function = compute_metrics, loss_function
        texts = corpora.inputs(train)
        self.token_ids = batching.tokenize(texts, tokenizer, config.max_length)
        self.lengths = [len(ids) for ids in self.token_ids]
        self.cut = batching.cut_share(texts, tokenizer, config.max_length)
        several = corpora.is_multi_label(train)
        self.problem_type = MULTI_LABEL if several else None
        self.labels, self.validation_labels = (
            torch.tensor(part["label"][:], dtype=torch.float32 if several else None)
            for part in (train, validation)
        )

    def network(self, model: PreTrainedModel) -> nn.Module:
        """The model itself; the labels go to its device."""
        self.dtype = runtime.precision_of(self.config.precision, model.device)
        self.labels = self.labels.to(model.device)
        self.validation_labels = self.validation_labels.to(model.device)
        return model

    def rows(self, network: nn.Module, batch: list[int]) -> Tensor:
        """Logits, shape (B, C)."""
        token_ids = [self.token_ids[i] for i in batch]
        return logits_of(network, token_ids, self.tokenizer.pad_token_id, self.dtype)

    def loss(self, rows: Tensor, batch: list[int]) -> Tensor:
        """`loss_function` of logits and labels."""
        return self.loss_function(rows, self.labels[batch])

    def evaluate(self, model: PreTrainedModel) -> dict[str, float]:
        """The validation loss, and what `compute_metrics` makes of all logits."""
        texts, config = parallel.shard(corpora.inputs(self.validation)), self.config
        own = predict(
            model,
            self.tokenizer,
            texts,
            max_length=config.max_length,
            precision=config.precision,
        )
        logits = parallel.all_gather(torch.from_numpy(own), len(self.validation_labels))
        loss = self.loss_function(logits.to(model.device), self.validation_labels).item()
        prediction = EvalPrediction(logits.numpy(), self.validation_labels.cpu().numpy())
        return {"validation_loss": loss} | self.compute_metrics(prediction)

    def fingerprints(self) -> dict[str, str]:
        """Both parts and both functions."""
        return {
            "training part": corpora.fingerprint(self.train, names=True),
            "validation part": corpora.fingerprint(self.validation, names=True),
            "compute_metrics": name_of(self.compute_metrics),
            "loss_function": name_of(self.loss_function),
        }
