"""The parts of the training loop: `fine_tune` calls them in the order of notebook 04."""

import math
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from torch import Tensor
from tqdm import tqdm
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from helpers import batching, checkpoints, lora, parallel, runtime, speedups, storage
from helpers.training.config import (
    MULTI_LABEL,
    NOTABLE_CUT,
    TrainingConfig,
    TrainingError,
    TrainingRun,
    truncation_notice,
)
from helpers.training.steps import learning_rate_at, make_optimizer, train_step
from helpers.training.tasks import Task


class Session:
    """A run under way: a model, its optimizer, both parts of the data, and the run so far.

    Attributes:
        run: the `TrainingRun`.
        best: weights of the best epoch so far, by name; empty before the first epoch has ended.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        task: Task,
        config: TrainingConfig,
        output_dir: Path | None = None,
        on_step: Callable[[TrainingRun], None] | None = None,
    ) -> None:
        self.model, self.tokenizer, self.config = on_device(model, config), tokenizer, config
        self.task, self.output_dir, self.on_step = task, output_dir, on_step
        self.optimizer = make_optimizer(model, config)
        self.steps = config.epochs * math.ceil(len(task.lengths) / config.batch_size)
        self.network = task.network(self.model)  # may measure, with random numbers of its own
        runtime.set_seed(config.seed, parallel.rank())
        self.run = TrainingRun(config, data=task.fingerprints(), id=new_id(), cut=task.cut)
        self.best = {}

    @contextmanager
    def safeguards(self, resume_from: Path | None = None) -> Iterator[None]:
        """Everything around the loop: the claimed folder, Ctrl-C, memory, speed-ups, progress bar.

        Args:
            resume_from: the checkpoint to go on from; None starts a new run.

        Raises:
            StorageError: the folder holds a run, or another run is writing to it.
            TrainingError: `resume_from` belongs to other data, or the ranks do not agree.
            MemoryError: the block ran out of memory.
        """
        claim = storage.only_run(self.output_dir, new=resume_from is None)
        with ExitStack() as stack:
            self.claim = stack.enter_context(claim)
            if resume_from:
                self.restore(resume_from)
            check_ranks_agree(self.run)
            note_settings(self.model, self.config, self.task.problem_type)
            self.replica = parallel.distributed_model(self.network)
            stack.enter_context(runtime.enough_memory())
            self.interrupt = stack.enter_context(runtime.deferred_interrupt())
            stack.enter_context(speedups.word_gradient_kept(self.model))
            self.bar = stack.enter_context(self.progress())
            yield

    def restore(self, checkpoint: Path) -> None:
        """Continue from where `checkpoint` was stored.

        Raises:
            TrainingError: the run had other data or other functions.
            StorageError: a part of it is damaged or belongs to another run.
        """
        stored = read_run(checkpoint)
        check_same_data(checkpoint, stored.data, self.run.data)
        self.run = replace(stored, config=self.config)
        if self.run.rows:
            self.best = storage.best_weights(self.claim, checkpoint, self.run, self.model)
        storage.restore_training(checkpoint, self.optimizer)
        if self.claim and self.claim.writes:
            storage.tidy(self.claim.folder, self.run.id)  # what a killed run could not remove

    def progress(self) -> tqdm:
        """A progress bar over the texts of all epochs; it starts at those already done."""
        run, texts = self.run, len(self.task.lengths)
        total = self.config.epochs * texts
        bar = runtime.progress(total=total, desc="fine-tuning", unit=" texts")
        bar.update(run.epoch * texts + run.batch * self.config.batch_size)
        return bar

    def train_epoch(self) -> None:
        """Train on the batches of this epoch that are not done yet.

        Raises:
            TrainingError: a loss or gradient is not finite; the message names the batch, and the
                model is left with its best weights so far.
            KeyboardInterrupt: after Ctrl-C, once a checkpoint is stored.
        """
        order = (self.config.seed, self.run.epoch)
        batches = batching.bucketed(self.task.lengths, self.config.batch_size, order)
        self.model.train()
        for batch in batches[self.run.batch :]:
            with self.best_weights_on_error():
                loss = self.step(batch)
            self.record_step(loss, len(batch))
            self.stop_if_interrupted()

    def step(self, batch: list[int]) -> float:
        """Forward pass, loss, backward pass and update for one batch.

        Args:
            batch: positions of its B examples in the training part; each rank computes its shard.

        Returns:
            The mean loss of all B examples.
        """
        own = self.task.rows(self.replica, parallel.shard(batch))
        loss = self.task.loss(parallel.all_gather(own, len(batch)), batch)
        rate = learning_rate_at(self.run.step, self.steps, self.config)
        return train_step(self.model, loss, self.optimizer, rate, self.config.max_grad_norm)

    @contextmanager
    def best_weights_on_error(self) -> Iterator[None]:
        """If a loss is not finite, name its batch and go back to the best weights so far."""
        try:
            yield
        except TrainingError as error:
            restore_weights(self.model, self.best)
            batch = f"epoch {self.run.epoch + 1}, batch {self.run.batch + 1}"
            raise type(error)(f"{batch}: {error}") from None

    def record_step(self, loss: float, examples: int) -> None:
        """Count a finished batch, show its mean loss, and call `on_step`."""
        self.run.batch, self.run.step = self.run.batch + 1, self.run.step + 1
        self.run.loss, self.run.loss_sum = loss, self.run.loss_sum + loss * examples
        self.bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
        self.bar.update(examples)
        if self.on_step:
            self.on_step(self.run)

    def stop_if_interrupted(self) -> None:
        """After Ctrl-C in any rank, store a checkpoint unless there is one, and stop."""
        if parallel.any_rank(self.interrupt.is_set()):
            if self.run.batch:  # at the end of an epoch everything is stored already
                self.save()
            stored = f"stored: {self.task.resume} goes on" if self.output_dir else ""
            raise KeyboardInterrupt(stored)

    def evaluate(self) -> dict[str, float]:
        """The epoch's figures: train_loss, validation_loss, and the task's metrics."""
        train_loss = self.run.loss_sum / len(self.task.lengths)
        return {"train_loss": train_loss} | self.task.evaluate(self.model)

    def end_epoch(self, figures: dict[str, float]) -> None:
        """Record the figures, keep the weights if they are the best so far, store a checkpoint."""
        run = self.run
        run.epoch, run.batch, run.loss_sum = run.epoch + 1, 0, 0.0
        run.rows.append({"epoch": run.epoch} | parallel.from_rank_0(as_floats(figures)))
        if run.best_epoch == run.epoch:
            self.best = weights_of(self.model)
        # The checkpoint first: a run killed before `best` is stored finds these weights in it.
        self.save()
        if run.best_epoch == run.epoch:
            storage.save_best(self.claim, self.model, self.tokenizer, run)
        self.stop_if_interrupted()

    def save(self) -> None:
        """Store a checkpoint: everything the run needs to go on."""
        storage.save_training(self.claim, self.model, self.tokenizer, self.optimizer, self.run)

    def finish(self) -> TrainingRun:
        """Leave the model with the weights of its best epoch, in evaluation mode."""
        restore_weights(self.model, self.best)
        self.model.eval()
        if self.run.cut >= NOTABLE_CUT and parallel.rank() == 0:
            print(truncation_notice(self.run))
        return self.run


def check_same_data(checkpoint: Path, stored: dict[str, str], given: dict[str, str]) -> None:
    """Raise `TrainingError` if a run is resumed with other data or functions than it had."""
    differing = [name for name, value in given.items() if stored.get(name) != value]
    if differing:
        what = "other rows or labels" if "part" in differing[0] else "another function"
        raise TrainingError(
            f"{checkpoint} was stored by a run with {what} for the {differing[0]}. Resume it with "
            "the data and functions that it was started with."
        )


def check_ranks_agree(run: TrainingRun) -> None:
    """Raise `TrainingError` unless all ranks were given the same data and hyperparameters."""
    if not parallel.all_equal(f"{run}"):
        raise TrainingError(
            "the processes that torchrun started were given different data, hyperparameters or "
            "checkpoints. Start all of them with the same ones."
        )


def read_run(checkpoint: Path) -> TrainingRun:
    """The run that stored a checkpoint, as it was at that step.

    Raises:
        StorageError: it is damaged, or another version of the course stored it.
    """
    config, state = storage.read_training(checkpoint)
    try:
        return TrainingRun(TrainingConfig(**config), **state)
    except TypeError as error:
        raise storage.StorageError(storage.other_version_message(checkpoint)) from error


def on_device(model: PreTrainedModel, config: TrainingConfig) -> PreTrainedModel:
    """The model on the device to train on, its word embeddings frozen if `config` says so.

    With LoRA they are frozen already, like all that is not stored with its matrices.
    """
    speedups.own_memory(model.to(runtime.init_device()))
    if not lora.settings_of(model):
        model.get_input_embeddings().weight.requires_grad_(not config.freeze_word_embeddings)
    return model


def note_settings(
    model: PreTrainedModel, config: TrainingConfig, problem_type: str | None = None
) -> None:
    """Note with a model how it is trained, once nothing can refuse the run any more."""
    checkpoints.remember(model, max_length=config.max_length, precision=config.precision)
    if problem_type or model.config.problem_type == MULTI_LABEL:
        model.config.problem_type = problem_type  # also None: it had several labels, now has one
    if model.config.num_labels == 1 and model.config.problem_type is None:
        model.config.problem_type = "regression"  # or a pipeline sends its numbers through σ


def as_floats(figures: dict[str, object]) -> dict[str, float]:
    """Figures as Python floats, whatever library computed them.

    Raises:
        TrainingError: one of them is not a number.
    """
    try:
        return {name: float(value) for name, value in figures.items()}
    except (TypeError, ValueError) as error:
        raise TrainingError(f"compute_metrics must return one number per name: {error}") from error


def weights_of(model: PreTrainedModel) -> dict[str, Tensor]:
    """A copy of a model's weights, by name; of a model with LoRA, only what is trained."""
    return {name: tensor.clone() for name, tensor in storage.own_weights(model).items()}


def restore_weights(model: PreTrainedModel, weights: dict[str, Tensor]) -> None:
    """Give a model the weights that `weights_of` copied."""
    model.load_state_dict(weights, strict=False)


def new_id() -> str:
    """A random id for a run, the same in all ranks. It leaves the seeded generators alone."""
    return f"{int(parallel.from_rank_0({'id': float(secrets.randbits(52))})['id']):013x}"
