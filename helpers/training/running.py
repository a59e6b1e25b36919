"""fine_tune and resume: a run from its beginning, or from where it was stopped."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from datasets import Dataset
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from helpers import corpora, parallel, runtime, storage
from helpers.training.config import (
    Metrics,
    TrainingConfig,
    TrainingError,
    TrainingRun,
    absolute_error,
    accuracy,
    micro_f1,
    squared_error,
)
from helpers.training.session import Session, read_run
from helpers.training.tasks import Task, Texts


def fine_tune(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    train: Dataset,
    validation: Dataset,
    config: TrainingConfig | None = None,
    compute_metrics: Metrics | None = None,
    output_dir: Path | str | None = None,
    resume_from: Path | None = None,
    loss_function: Callable | None = None,
    on_step: Callable[[TrainingRun], None] | None = None,
) -> TrainingRun:
    """Train a model in place and leave it with the weights of its best epoch.

    Under `torchrun` each rank computes its shard of every batch, and rank 0 writes.

    Args:
        model, tokenizer: from `checkpoints.load`. The best device is chosen.
        train, validation: columns `text` and `label`, labels 0 … C − 1; floats if C = 1; lists of
            C zeros and ones if a text may have several labels. With a column `text_pair` the model
            reads both texts.
        config: the hyperparameters; None means `TrainingConfig()`. What holds for predictions,
            too, stays with the model: see `checkpoints.remembered`.
        compute_metrics: figures of an epoch from an `EvalPrediction`, as for the `Trainer`. None:
            the accuracy; for numbers, the mean absolute error; for several labels, the micro F1.
        output_dir: where checkpoints (`step-…`) and the best model (`best`) are kept, if anywhere.
        resume_from: a checkpoint to go on from; `resume` passes it.
        loss_function: mean loss of logits (B, C) and labels (B,), or of several (B, C), for both
            parts. None: cross-entropy; for numbers, the squared error; for several labels, the
            binary cross-entropy, its mean over all of them.
        on_step: called after every step with the run as it stands.

    Raises:
        DataError: labels that the model does not know, or only one; with C = 1, labels that are
            not finite floats; of several labels, one that no text has, or every text.
        TrainingError: a loss that is not finite; other data than those of the resumed run.
        StorageError: an `output_dir` that holds a run, or that another run is writing to.
        KeyboardInterrupt: after Ctrl-C, once a checkpoint is stored to `resume` from.
    """
    parts, names = {"train": train, "validation": validation}, [*model.config.id2label.values()]
    corpora.check_trainable(parts, model.config.num_labels, names)
    several = corpora.is_multi_label(train)
    config, *functions = with_defaults(model, several, config, compute_metrics, loss_function)
    task = Texts(tokenizer, train, validation, config, *functions)
    return learn(model, tokenizer, task, config, output_dir, resume_from, on_step)


def learn(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    task: Task,
    config: TrainingConfig,
    output_dir: Path | str | None = None,
    resume_from: Path | None = None,
    on_step: Callable[[TrainingRun], None] | None = None,
) -> TrainingRun:
    """Train a model on any task; arguments and errors as those of `fine_tune`."""
    folder = storage.absolute(output_dir)
    session = Session(model, tokenizer, task, config, folder, on_step)
    with session.safeguards(resume_from):
        while not session.run.finished:
            session.train_epoch()
            session.end_epoch(session.evaluate())
    return session.finish()


def with_defaults(
    model: PreTrainedModel,
    several: bool,
    config: TrainingConfig | None,
    compute_metrics: Metrics | None,
    loss_function: Callable | None,
) -> tuple[TrainingConfig, Metrics, Callable]:
    """What `fine_tune` was given, and its defaults: for classes, for several labels, for numbers.

    Args:
        several: whether a text may have several labels.
    """
    config = config or TrainingConfig()
    if model.config.num_labels > 1 and not several:
        return config, compute_metrics or accuracy, loss_function or cross_entropy
    if config.best_metric == "accuracy":
        config = replace(config, best_metric="validation_loss")
    if several:
        loss_function = loss_function or binary_cross_entropy_with_logits
        return config, compute_metrics or micro_f1, loss_function
    return config, compute_metrics or absolute_error, loss_function or squared_error


def resume(
    output_dir: Path | str,
    train: Dataset,
    validation: Dataset,
    epochs: int | None = None,
    **options: Callable,
) -> tuple[PreTrainedTokenizerBase, PreTrainedModel, TrainingRun]:
    """Go on with an interrupted run, given the same data and options, as if it never stopped.

    Args:
        epochs: a new number of epochs for the whole run. The learning rate then falls to 0 at the
            new end, so from here on the run differs from the one that was planned.

    Raises:
        TrainingError: other data or functions than the run had.
        StorageError: if there is no checkpoint, it is damaged, or the run is still going on.
    """
    with continued(output_dir, epochs) as (tokenizer, model, config, options_to_resume):
        options |= options_to_resume
        run = fine_tune(model, tokenizer, train, validation, config, **options)
    return tokenizer, model, run


@contextmanager
def continued(output_dir: Path | str, epochs: int | None) -> Iterator[tuple]:
    """Hold a run's folder, and give what to go on with: tokenizer, model, config, and two options.

    Raises:
        TrainingError: fewer epochs than are done.
        StorageError: if there is no checkpoint, it is damaged, or the run is still going on.
    """
    folder = storage.absolute(output_dir)
    runtime.init_device()
    with storage.only_run(folder):
        parallel.barrier()  # until rank 0 has claimed the folder
        checkpoint = storage.latest_checkpoint(folder)
        config = with_epochs(read_run(checkpoint), epochs)
        tokenizer, model = storage.load_model(checkpoint)
        yield tokenizer, model, config, {"output_dir": folder, "resume_from": checkpoint}


def with_epochs(run: TrainingRun, epochs: int | None) -> TrainingConfig:
    """The hyperparameters to go on with. If the run is finished already, that is printed.

    Raises:
        TrainingError: fewer epochs than are done.
    """
    if epochs is not None and not (isinstance(epochs, int) and epochs > 0):
        raise TrainingError(f"epochs = {epochs!r}, but it must be a whole number above 0.")
    if epochs is not None and epochs < run.epoch + (run.batch > 0):
        raise TrainingError(
            f"epochs = {epochs} is too small: {run.epoch} epoch(s) and {run.batch} batch(es) of "
            "the next are done already. Give a larger number."
        )
    planned = replace(run.config, epochs=run.config.epochs if epochs is None else epochs)
    if replace(run, config=planned).finished and parallel.rank() == 0:
        said = f"all {planned.epochs} epochs are done. To train longer, resume it with epochs=…."
        if run.epoch < planned.epochs:
            said = (
                f"{planned.patience} epoch(s) in a row did not improve on epoch {run.best_epoch}."
            )
        print(f"This run is finished: {said}")
    return planned
