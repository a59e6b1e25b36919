"""The encoder under other heads, and the training loop of notebook 04 for them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import ModelOutput

from helpers import batching, checkpoints, files, parallel, runtime, training
from helpers.chat import IGNORED
from helpers.training import TrainingConfig, TrainingError, TrainingRun

AT_ONCE = 32  # examples per batch where nothing is trained
Losses = Callable[[ModelOutput, Tensor], Tensor]


@dataclass(frozen=True)
class Encoded:
    """An example as a model reads it.

    Attributes:
        input_ids: T token ids; `batching.PairIds` if they are of two texts.
        labels: T labels, −100 where there is none; or the first and last token of an answer.
    """

    input_ids: list[int]
    labels: list[int]


def tag_losses(output: ModelOutput, labels: Tensor) -> Tensor:
    """Per text: the sum of its tokens' losses, and how many tokens have a label; shape (B, 2).

    Args:
        output: `logits` of shape (B, T, C).
        labels: shape (B, T), −100 where there is none.
    """
    logits = output.logits.float().transpose(1, 2)
    losses = cross_entropy(logits, labels, reduction="none", ignore_index=IGNORED)
    return torch.stack([losses.sum(dim=1), (labels != IGNORED).sum(dim=1).float()], dim=1)


def answer_losses(output: ModelOutput, labels: Tensor) -> Tensor:
    """Per question: the mean of the losses of its two ends, and 1; shape (B, 2).

    Args:
        output: `start_logits` and `end_logits` of shape (B, T). Every token is a class.
        labels: first and last token of the answer, shape (B, 2).
    """
    ends = (output.start_logits.float(), output.end_logits.float())
    losses = [
        cross_entropy(logits, right, reduction="none")
        for logits, right in zip(ends, labels.T, strict=True)
    ]
    mean = torch.stack(losses).mean(dim=0)
    return torch.stack([mean, torch.ones_like(mean)], dim=1)


class Labelled:
    """Encoded examples with labels by position: a task for `training.learn`."""

    resume, problem_type, cut = "other_tasks.learn", None, 0.0

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        train: Sequence[Encoded],
        validation: Sequence[Encoded],
        config: TrainingConfig,
        losses: Losses,
    ) -> None:
        self.pad_id, self.config, self.losses = tokenizer.pad_token_id, config, losses
        self.examples, self.validation_examples = train, validation
        self.lengths = [len(example.input_ids) for example in train]

    def network(self, model: PreTrainedModel) -> nn.Module:
        """The model itself."""
        self.dtype = runtime.precision_of(self.config.precision, model.device)
        return model

    def rows(self, network: nn.Module, batch: list[int]) -> Tensor:
        """Sum of losses and number of labels of each example, shape (B, 2)."""
        return losses_of(network, [self.examples[i] for i in batch], self)

    def loss(self, rows: Tensor, batch: list[int]) -> Tensor:
        """Mean loss per label of the whole batch."""
        return rows[:, 0].sum() / rows[:, 1].sum()

    def evaluate(self, model: PreTrainedModel) -> dict[str, float]:
        """The mean loss per label of the validation part."""
        model.eval()
        own, found = parallel.shard(self.validation_examples), []
        with torch.inference_mode():
            for batch in batching.in_batches(range(len(own)), AT_ONCE):
                found.append(losses_of(model, [own[i] for i in batch], self))
        rows = parallel.all_gather(torch.cat(found), len(self.validation_examples))
        return {"validation_loss": self.loss(rows, []).item()}

    def fingerprints(self) -> dict[str, str]:
        """Both parts as the model reads them."""
        parts = {"training part": self.examples, "validation part": self.validation_examples}
        return {name: files.sha256_bytes(repr(part).encode()) for name, part in parts.items()}


def losses_of(network: nn.Module, examples: Sequence[Encoded], task: Labelled) -> Tensor:
    """What `task.losses` makes of a batch of examples: shape (B, 2)."""
    output, length = forward(network, examples, task.pad_id, task.dtype)
    return task.losses(output, padded_labels(examples, length).to(network_device(network)))


def forward(
    network: nn.Module, examples: Sequence[Encoded], pad_id: int, dtype: torch.dtype
) -> tuple[ModelOutput, int]:
    """A batch through a model: what it says, and to how many tokens the batch was padded."""
    device = network_device(network)
    ids = [example.input_ids for example in examples]
    inputs = batching.inputs_of(ids, pad_id, getattr(network, "module", network), multiple_of=4)
    with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
        return network(**inputs), inputs["input_ids"].shape[1]


def network_device(network: nn.Module) -> torch.device:
    """Where the weights are."""
    return next(network.parameters()).device


def padded_labels(examples: Sequence[Encoded], length: int) -> Tensor:
    """Labels of a batch: (B, 2) of answers as they are, (B, length) of tokens with −100 behind."""
    labels = [example.labels for example in examples]
    if all(len(example.labels) == len(example.input_ids) for example in examples):
        labels = [[*row, *[IGNORED] * (length - len(row))] for row in labels]
    return torch.tensor(labels)


def learn(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    train: Sequence[Encoded],
    validation: Sequence[Encoded],
    losses: Losses,
    config: TrainingConfig | None = None,
    on_step: Callable[[TrainingRun], None] | None = None,
) -> TrainingRun:
    """Train a model of `checkpoints.load_with_head` in place, and leave it with its best weights.

    Args:
        losses: `tag_losses` or `answer_losses`.
        config: the hyperparameters; None means `TrainingConfig` with the lowest validation loss
            as the best epoch.
        on_step: as in `training.fine_tune`.

    Raises:
        TrainingError: a part is empty, or as in `training.fine_tune`.
        KeyboardInterrupt: as in `training.fine_tune`.
    """
    for name, part in (("training", train), ("validation", validation)):
        if not part:
            raise TrainingError(f"the {name} part holds no example.")
    config = config or TrainingConfig(best_metric="validation_loss")
    task = Labelled(tokenizer, train, validation, config, losses)
    return training.learn(model, tokenizer, task, config, on_step=on_step)


def outputs_of(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, examples: Sequence[Encoded]
) -> list[dict[str, Tensor]]:
    """What a model says of each example, in their order, dropout off: its logits by name.

    Returns:
        One dictionary per example: of "logits", (T, C), or of "start_logits" and "end_logits",
        (T,) each; T without padding.
    """
    dtype = runtime.precision_of(checkpoints.remembered(model)["precision"], model.device)
    found: list[dict[str, Tensor]] = [{}] * len(examples)
    was_training = model.training
    model.eval()
    with torch.inference_mode():
        for batch in batching.sorted_batches([len(e.input_ids) for e in examples], AT_ONCE):
            chosen = [examples[i] for i in batch]
            output, _ = forward(model, chosen, tokenizer.pad_token_id, dtype)
            for row, (i, example) in enumerate(zip(batch, chosen, strict=True)):
                length = len(example.input_ids)
                found[i] = {name: x[row, :length].float().cpu() for name, x in output.items()}
    model.train(was_training)
    return found
