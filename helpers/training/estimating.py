"""How long a run will take, before it starts: a few steps are timed, the others follow."""

import statistics
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from transformers import PreTrainedModel

from helpers import batching, runtime, speedups
from helpers.training.config import TrainingConfig, TrainingError
from helpers.training.session import on_device
from helpers.training.steps import (
    MULTIPLE_OF,
    TEXTS_AT_ONCE,
    logits_of,
    make_optimizer,
    train_step,
)

PROBES, REPEATS = 5, 3  # lengths that are timed, and steps at each; one more before them warms up


@dataclass(frozen=True, repr=False)
class Estimate:
    """How long a run is going to take on this machine, if nothing else keeps it busy.

    Attributes:
        training, evaluation: seconds for all epochs, without loading, storing and tokenizing.
        epochs, steps: of the run; steps in all.
        probes: padded length in tokens, and the seconds of a whole training batch of that length.
    """

    training: float
    evaluation: float
    epochs: int
    steps: int
    probes: tuple[tuple[int, float], ...]

    @property
    def seconds(self) -> float:
        """Training and evaluation together."""
        return self.training + self.evaluation

    def __repr__(self) -> str:
        """The estimate in a sentence, as a notebook shows it."""
        epochs = f"{self.epochs} epoch{'s' if self.epochs > 1 else ''}"
        per_step = self.training / self.steps
        scored = ", scoring the validation part included" if self.evaluation else ""
        return (
            f"about {in_words(self.seconds)} for {epochs}, {self.steps:,} steps of "
            f"{per_step:.2g} seconds{scored} (on this machine, with nothing beside it)"
        )


def in_words(seconds: float) -> str:
    """A duration in the unit that one would use: "40 seconds", "12 minutes", "3.5 hours"."""
    if seconds < 90:
        return f"{max(1, round(seconds))} second{'s' if seconds >= 1.5 else ''}"
    return f"{round(seconds / 60)} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"


def estimate(
    model: PreTrainedModel,
    lengths: Sequence[int],
    config: TrainingConfig | None = None,
    validation: Sequence[int] = (),
) -> Estimate:
    """How long `fine_tune` will take with this model and texts of these lengths.

    A step costs what its batch costs, and that depends on the length to which it is padded. So a
    few steps are done at up to five of the lengths that will occur, with a learning rate of 0,
    and each batch of the run is given the time of its length, linear between the timed ones:

        seconds = epochs · Σ over the batches of an epoch of t(length of the batch)

    The model's weights, its gradients' settings and the random numbers are left as they were.

    Args:
        model: from `checkpoints.load`. It goes to the device that `fine_tune` would use.
        lengths: number of tokens of each training text, such as
            `[len(ids) for ids in tokenizer(texts)["input_ids"]]`; longer ones count as
            `config.max_length`.
        config: the hyperparameters; None means `TrainingConfig()`.
        validation: the lengths of the validation texts, if their scoring is to be counted.

    Raises:
        TrainingError: no lengths, or one that is below 1.
        MemoryError: a batch of the longest texts does not fit.
    """
    config = config or TrainingConfig()
    check_lengths(lengths, validation)
    batches = batching.bucketed(lengths, config.batch_size, (config.seed, 0))
    planned = padded(lengths, batches, config.max_length)
    scored = padded(
        validation, batching.sorted_batches(validation, TEXTS_AT_ONCE), config.max_length
    )
    with left_as_it_was(model), runtime.enough_memory():
        on_device(model, config)
        at = probed_lengths(planned)
        steps = [timed_steps(model, config, length) for length in at]
        readings = [timed_reading(model, config, length) for length in at] if scored else [0.0]
    training = total(planned, at, steps, config.batch_size)
    evaluation = total(scored, at[: len(readings)], readings, TEXTS_AT_ONCE)
    return Estimate(
        training * config.epochs,
        evaluation * config.epochs,
        config.epochs,
        config.epochs * len(batches),
        tuple(zip(at, steps, strict=True)),
    )


def check_lengths(lengths: Sequence[int], validation: Sequence[int]) -> None:
    """Raise `TrainingError` unless there are training texts, and each text has a token."""
    if not len(lengths):
        raise TrainingError("lengths is empty. Give the number of tokens of each training text.")
    shortest = min(*map(int, lengths), *map(int, validation), 1)
    if shortest < 1:
        raise TrainingError(f"a text has {shortest} tokens. Each has at least one, even [CLS].")


def padded(
    lengths: Sequence[int], batches: list[list[int]], max_length: int
) -> list[tuple[int, int]]:
    """Of each batch its examples and the tokens that each is padded to."""
    longest = [min(max(int(lengths[i]) for i in batch), max_length) for batch in batches]
    return [
        (len(batch), -(-tokens // MULTIPLE_OF) * MULTIPLE_OF)
        for batch, tokens in zip(batches, longest, strict=True)
    ]


def probed_lengths(planned: list[tuple[int, int]]) -> list[int]:
    """Up to five lengths from the shortest batch to the longest, at equal shares of the batches."""
    tokens = [length for _, length in planned]
    shares = np.linspace(0, 1, PROBES)
    return sorted({int(n) for n in np.quantile(tokens, shares, method="nearest")})


@contextmanager
def left_as_it_was(model: PreTrainedModel) -> Iterator[None]:
    """Put back what timing touches: what is trained, gradients, mode, and the random numbers."""
    trained = {name: p.requires_grad for name, p in model.named_parameters()}
    was_training = model.training
    with torch.random.fork_rng():
        try:
            yield
        finally:
            for name, parameter in model.named_parameters():
                parameter.requires_grad_(trained[name])
                parameter.grad = None
            model.train(was_training)


def a_batch(model: PreTrainedModel, examples: int, length: int) -> list[list[int]]:
    """Token ids drawn at random, so that as many rows of the word table occur as in texts."""
    return torch.randint(1, model.config.vocab_size, (examples, length)).tolist()


def timed_steps(model: PreTrainedModel, config: TrainingConfig, length: int) -> float:
    """Median seconds of a training step of a whole batch of `length` tokens; no weight changes."""
    dtype = runtime.precision_of(config.precision, model.device)
    optimizer = make_optimizer(model, config)
    model.train()
    seconds = []
    with speedups.word_gradient_kept(model):
        for _ in range(1 + REPEATS):
            ids = a_batch(model, config.batch_size, length)
            with runtime.timer() as took:
                loss = logits_of(model, ids, 0, dtype).square().mean()
                train_step(model, loss, optimizer, 0.0, config.max_grad_norm)
            seconds.append(took["seconds"])
    return statistics.median(seconds[1:])


def timed_reading(model: PreTrainedModel, config: TrainingConfig, length: int) -> float:
    """Median seconds in which a batch of `TEXTS_AT_ONCE` texts of `length` tokens is scored."""
    dtype = runtime.precision_of(config.precision, model.device)
    model.eval()
    seconds = []
    with torch.inference_mode():
        for _ in range(1 + REPEATS):
            ids = a_batch(model, TEXTS_AT_ONCE, length)
            with runtime.timer() as took:
                logits_of(model, ids, 0, dtype).cpu()
            seconds.append(took["seconds"])
    return statistics.median(seconds[1:])


def total(planned: list[tuple[int, int]], at: list[int], seconds: list[float], whole: int) -> float:
    """Seconds of all batches: linear between the timed lengths, a part of a batch its share."""
    examples = np.array([n for n, _ in planned], dtype=float)
    tokens = np.array([length for _, length in planned], dtype=float)
    return float((np.interp(tokens, at, seconds) * examples / whole).sum())
