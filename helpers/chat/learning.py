"""Supervised fine-tuning on conversations: the loop of notebook 04, with another loss."""

import json
from collections.abc import Callable
from pathlib import Path

import torch
from datasets import Dataset
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from helpers import batching, files, parallel, runtime, training
from helpers.chat.conversations import IGNORED, ConversationError, Example, cut, encode
from helpers.chat.losses import AnswerLosses, mean_loss, pad
from helpers.training import TrainingConfig, TrainingError, TrainingRun

# For LoRA on short answers; with all weights, notebook 12 takes a tenth of this rate.
DEFAULTS = {
    "batch_size": 8,
    "learning_rate": 1e-3,
    "max_length": 512,
    "best_metric": "validation_loss",
}
AT_ONCE = 32  # conversations per batch where nothing is trained


class Answers:
    """Conversations, each with an answer to learn: a task for `training.learn`.

    Attributes:
        parts: both parts of the data by name, encoded.
        examples, validation_examples: the same, at most `config.max_length` tokens of each.
    """

    resume, problem_type = "chat.resume", None

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        train: Dataset,
        validation: Dataset,
        config: TrainingConfig,
        prompt_weight: float = 0.0,
    ) -> None:
        self.tokenizer, self.config, self.prompt_weight = tokenizer, config, prompt_weight
        self.parts = {
            "training part": examples_of(train, tokenizer),
            "validation part": examples_of(validation, tokenizer),
        }
        whole, longest = self.parts["training part"], config.max_length
        self.examples, self.validation_examples = (
            [cut(example, longest) for example in part] for part in self.parts.values()
        )
        self.lengths = [len(example.input_ids) for example in self.examples]
        self.cut = sum(len(one.input_ids) > longest for one in whole) / max(1, len(whole))

    def network(self, model: PreTrainedModel) -> nn.Module:
        """The model, returning losses."""
        self.dtype = runtime.precision_of(self.config.precision, model.device)
        return AnswerLosses(model, self.prompt_weight)

    def rows(self, network: nn.Module, batch: list[int]) -> Tensor:
        """For each conversation: sum of losses, sum of weights, answer foreseen; shape (B, 3)."""
        device, dtype = next(network.parameters()).device, self.dtype
        chosen = [self.examples[i] for i in batch]
        padded = pad(chosen, self.tokenizer.pad_token_id, multiple_of=4)
        with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
            return network(*(tensor.to(device) for tensor in padded))

    def loss(self, rows: Tensor, batch: list[int]) -> Tensor:
        """Mean loss per trained token of the whole batch."""
        return mean_loss(rows)

    def evaluate(self, model: PreTrainedModel) -> dict[str, float]:
        """The loss per answer token, and the share of answers that would be generated exactly."""
        examples = self.validation_examples
        own = foresee(model, self.tokenizer, parallel.shard(examples), self.config.precision)
        rows = parallel.all_gather(own, len(examples))
        return {
            "validation_loss": mean_loss(rows).item(),
            "exact_match": rows[:, 2].mean().item(),
        }

    def fingerprints(self) -> dict[str, str]:
        """Both parts as the model reads them, and the weight of the prompt."""
        prints = {name: fingerprint(part) for name, part in self.parts.items()}
        return prints | {"prompt_weight": str(self.prompt_weight)}


def fingerprint(examples: list[Example]) -> str:
    """SHA-256 of all ids and labels, in their order."""
    rows = [[example.input_ids, example.labels] for example in examples]
    return files.sha256_bytes(json.dumps(rows).encode())


def examples_of(dataset: Dataset, tokenizer: PreTrainedTokenizerBase) -> list[Example]:
    """The encoded conversations of a data set, whole.

    Args:
        dataset: a column `messages`, one conversation each; or columns `input_ids` and `labels`,
            encoded already.

    Raises:
        ConversationError: one of them cannot be encoded; the message names its row.
    """
    if "input_ids" in dataset.column_names:
        pairs = zip(dataset["input_ids"][:], dataset["labels"][:], strict=True)
        return [Example(ids, labels) for ids, labels in pairs]
    found = []
    for row, conversation in enumerate(dataset["messages"]):
        try:
            found.append(encode(tokenizer, conversation))
        except ConversationError as error:
            raise ConversationError(f"row {row}: {error}") from None
    return found


def foresee(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    examples: list[Example],
    precision: str = "auto",
) -> Tensor:
    """The rows of `AnswerLosses` for conversations in their order, dropout off: shape (n, 3)."""
    network, device = AnswerLosses(model), model.device
    dtype = runtime.precision_of(precision, device)
    rows, was_training = torch.empty(len(examples), 3), model.training
    model.eval()
    with torch.inference_mode(), torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
        lengths = [len(example.input_ids) for example in examples]
        for batch in batching.sorted_batches(lengths, AT_ONCE):
            padded = pad([examples[i] for i in batch], tokenizer.pad_token_id, 4)
            rows[batch] = network(*(tensor.to(device) for tensor in padded)).cpu()
    model.train(was_training)
    return rows


def fine_tune(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    train: Dataset,
    validation: Dataset,
    config: TrainingConfig | None = None,
    prompt_weight: float = 0.0,
    output_dir: Path | str | None = None,
    resume_from: Path | None = None,
    on_step: Callable[[TrainingRun], None] | None = None,
) -> TrainingRun:
    """Teach a causal model the answers of conversations, as `training.fine_tune` teaches labels.

    Args:
        model, tokenizer: from `checkpoints.load_causal`; with `lora.add`, only its matrices learn.
        train, validation: a column `messages`, or `input_ids` and `labels`.
        config: the hyperparameters; None means `TrainingConfig` with `DEFAULTS`.
        prompt_weight: how much each token counts that is no answer; 0 leaves them out.
        output_dir, resume_from, on_step: as in `training.fine_tune`.

    Raises:
        ConversationError: a conversation cannot be encoded.
        TrainingError: nothing carries loss, or as in `training.fine_tune`.
        StorageError, KeyboardInterrupt: as in `training.fine_tune`.
    """
    config = config or TrainingConfig(**DEFAULTS)
    task = Answers(tokenizer, train, validation, config, prompt_weight)
    check_learnable(task)
    return training.learn(model, tokenizer, task, config, output_dir, resume_from, on_step)


def check_learnable(task: Answers) -> None:
    """Raise `TrainingError` if a part is empty or a row of it has no token that carries loss."""
    for name, examples in (("training", task.examples), ("validation", task.validation_examples)):
        if not examples:
            raise TrainingError(f"the {name} part holds no conversation.")
        bare = without_loss(examples)
        if bare and not (name == "training" and task.prompt_weight):
            raise TrainingError(
                f"{len(bare)} of {len(examples)} {name} rows, the first is row {bare[0]}, hold no "
                "token that carries loss: every label is -100. Was the answer cut off at "
                f"max_length = {task.config.max_length}, or never marked as an answer? chat.audit "
                "names such rows."
            )


def without_loss(examples: list[Example]) -> list[int]:
    """The rows of which no token carries loss; the first is never one that a model says."""
    return [row for row, example in enumerate(examples) if set(example.labels[1:]) <= {IGNORED}]


def resume(
    output_dir: Path | str,
    train: Dataset,
    validation: Dataset,
    epochs: int | None = None,
    prompt_weight: float = 0.0,
    on_step: Callable[[TrainingRun], None] | None = None,
) -> tuple[PreTrainedTokenizerBase, PreTrainedModel, TrainingRun]:
    """Go on with an interrupted run, as `training.resume` does."""
    with training.continued(output_dir, epochs) as (tokenizer, model, config, options):
        run = fine_tune(
            model, tokenizer, train, validation, config, prompt_weight, on_step=on_step, **options
        )
    return tokenizer, model, run
