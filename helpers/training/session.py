"""A training run under way. `fine_tune` reads as the loop of notebook 04; its parts are here."""

import math
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import torch
from datasets import Dataset
from torch import Tensor
from tqdm import tqdm
from transformers import EvalPrediction, PreTrainedModel, PreTrainedTokenizerBase

from helpers import batching, checkpoints, corpora, parallel, runtime, speedups, storage
from helpers.training.config import Metrics, TrainingConfig, TrainingError, TrainingRun, name_of
from helpers.training.steps import learning_rate_at, logits_of, make_optimizer, predict, train_step

SAID_FROM = 0.01  # share of texts cut at max_length from which on it is said


class Session:
    """A model, its optimizer, both parts of the data, and where the run stands.

    Attributes:
        run: the `TrainingRun`.
        best: weights of the best epoch so far, by name; empty before the first epoch has ended.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        train: Dataset,
        validation: Dataset,
        config: TrainingConfig,
        compute_metrics: Metrics,
        loss_function: Callable,
        output_dir: Path | None = None,
        on_step: Callable[[TrainingRun], None] | None = None,
    ) -> None:
        self.tokenizer, self.config, self.on_step = tokenizer, config, on_step
        self.compute_metrics, self.loss_function = compute_metrics, loss_function
        self.folder, self.claim, self.best = output_dir, None, {}
        self.model = prepared(model, config)
        self.dtype = runtime.precision_of(config.precision, model.device)
        self.optimizer = make_optimizer(model, config)
        self.token_ids = batching.tokenize(train["text"], tokenizer, config.max_length)
        self.lengths = [len(ids) for ids in self.token_ids]
        self.labels = torch.tensor(train["label"][:]).to(model.device)
        self.validation = validation["text"][:]
        self.targets = torch.tensor(validation["label"][:]).to(model.device)
        self.steps = config.epochs * math.ceil(len(self.lengths) / config.batch_size)
        runtime.set_seed(config.seed, parallel.rank())
        self.run = TrainingRun(config, data=self.described(train, validation), id=new_id())
        self.run.cut = batching.cut_share(train["text"], tokenizer, config.max_length)
        self.bar = None

    def described(self, train: Dataset, validation: Dataset) -> dict[str, str]:
        """What a run depends on beside its hyperparameters."""
        return {
            "training part": corpora.fingerprint(train, names=True),
            "validation part": corpora.fingerprint(validation, names=True),
            "compute_metrics": name_of(self.compute_metrics),
            "loss_function": name_of(self.loss_function),
        }

    def restore(self, checkpoint: Path) -> None:
        """Go on where `checkpoint` was stored.

        Raises:
            TrainingError: the run had other data or other functions.
            StorageError: a part of it is damaged or of another run.
        """
        given, self.run = self.run.data, read_run(checkpoint)
        self.run.config = self.config
        differing = [name for name, value in given.items() if self.run.data.get(name) != value]
        if differing:
            what = "other rows or labels" if "part" in differing[0] else "another function"
            raise TrainingError(
                f"{checkpoint} had {what} for the {differing[0]}. Resume with the same."
            )
        if self.run.rows:
            self.best = storage.best_weights(self.claim, checkpoint, self.run, self.model)
        storage.restore_training(checkpoint, self.optimizer)
        if self.claim and self.claim.writes:
            storage.tidy(self.claim.folder, self.run.id)  # what a killed run could not remove

    @contextmanager
    def safeguards(self, resume_from: Path | None = None) -> Iterator[None]:
        """All that surrounds the loop: the claimed folder, Ctrl-C, memory, speed, the bar.

        Raises:
            StorageError: the folder holds a run, or another run is writing to it.
        """
        with ExitStack() as stack:
            claim = storage.only_run(self.folder, new=resume_from is None)
            self.claim = stack.enter_context(claim)
            if resume_from:
                self.restore(resume_from)
            if not parallel.all_equal(f"{self.run}"):
                raise TrainingError(
                    "the processes differ in data, dials or checkpoint: give all the same."
                )
            note_settings(self.model, self.config)
            self.parallel = parallel.distributed_model(self.model)
            stack.enter_context(runtime.enough_memory())
            self.interrupt = stack.enter_context(runtime.deferred_interrupt())
            stack.enter_context(speedups.word_gradient_kept(self.model))
            self.bar = stack.enter_context(self.progress())
            yield

    def progress(self) -> tqdm:
        """A bar over all epochs that begins where the run stands."""
        run, texts = self.run, len(self.lengths)
        total = self.config.epochs * texts
        bar = runtime.progress(total=total, desc="fine-tuning", unit=" texts")
        bar.update(run.epoch * texts + run.batch * self.config.batch_size)
        return bar

    def train_epoch(self) -> None:
        """The batches of this epoch that are not done yet."""
        order = (self.config.seed, self.run.epoch)
        batches = batching.bucketed(self.lengths, self.config.batch_size, order)
        self.model.train()
        for batch in batches[self.run.batch :]:
            with self.best_stays():
                loss = self.step(batch)
            self.count(loss, len(batch))
            self.stop_if_asked()

    def step(self, batch: list[int]) -> float:
        """One batch: forward, loss, backward, update. Returns its mean loss."""
        chosen = [self.token_ids[i] for i in parallel.shard(batch)]
        logits = logits_of(self.parallel, chosen, self.tokenizer.pad_token_id, self.dtype)
        logits = parallel.all_gather(logits, len(batch))
        loss = self.loss_function(logits, self.labels[batch])
        rate = learning_rate_at(self.run.step, self.steps, self.config)
        return train_step(self.model, loss, self.optimizer, rate, self.config.max_grad_norm)

    @contextmanager
    def best_stays(self) -> Iterator[None]:
        """Where a loss is no number: name the batch, and leave the best weights so far."""
        try:
            yield
        except TrainingError as error:
            self.model.load_state_dict(self.best or self.model.state_dict())
            place = f"epoch {self.run.epoch + 1}, batch {self.run.batch + 1}"
            raise TrainingError(f"{place}: {error}") from None

    def count(self, loss: float, examples: int) -> None:
        """Note a batch that is done."""
        self.run.batch, self.run.step = self.run.batch + 1, self.run.step + 1
        self.run.loss_sum += loss * examples
        self.bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
        self.bar.update(examples)
        if self.on_step:
            self.on_step(self.run)

    def stop_if_asked(self) -> None:
        """After Ctrl-C in any process: store a checkpoint, unless it is there, and stop."""
        if parallel.any_rank(self.interrupt.is_set()):
            if self.run.batch:  # at the end of an epoch all is stored
                self.save()
            raise KeyboardInterrupt("stored: training.resume goes on" if self.folder else "")

    def evaluate(self) -> dict[str, float]:
        """The figures of the epoch: both losses, and what `compute_metrics` gives."""
        texts, config = parallel.shard(self.validation), self.config
        own = predict(self.model, self.tokenizer, texts, 64, config.max_length, config.precision)
        logits = parallel.all_gather(torch.from_numpy(own), len(self.targets))
        loss = self.loss_function(logits.to(self.model.device), self.targets).item()
        figures = {"train_loss": self.run.loss_sum / len(self.lengths), "validation_loss": loss}
        prediction = EvalPrediction(logits.numpy(), self.targets.cpu().numpy())
        return figures | self.compute_metrics(prediction)

    def end_epoch(self, figures: dict[str, float]) -> None:
        """Note the figures, store a checkpoint, keep the model if it is the best so far."""
        run = self.run
        run.epoch, run.batch, run.loss_sum = run.epoch + 1, 0, 0.0
        run.rows.append({"epoch": run.epoch} | parallel.from_rank_0(as_floats(figures)))
        if run.best_epoch == run.epoch:
            self.best = weights_of(self.model)
        # The checkpoint first: whoever is killed before `best` is stored finds it in there.
        self.save()
        if run.best_epoch == run.epoch:
            storage.save_best(self.claim, self.model, self.tokenizer, run)
        self.stop_if_asked()

    def save(self) -> None:
        """Store all that the run needs to go on."""
        storage.save_training(self.claim, self.model, self.tokenizer, self.optimizer, self.run)

    def finish(self) -> TrainingRun:
        """Leave the model with the weights of its best epoch."""
        self.model.load_state_dict(self.best)
        self.model.eval()
        return self.run


def read_run(checkpoint: Path) -> TrainingRun:
    """The run that a checkpoint was stored by, where it stood.

    Raises:
        StorageError: it is damaged, or another version of the course stored it.
    """
    config, state = storage.read_training(checkpoint)
    try:
        return TrainingRun(TrainingConfig(**config), **state)
    except TypeError as error:
        raise storage.StorageError(storage.other_state(checkpoint)) from error


def prepared(model: PreTrainedModel, config: TrainingConfig) -> PreTrainedModel:
    """A model on its device, its word table frozen or not."""
    speedups.own_memory(model.to(runtime.init_device()))
    model.get_input_embeddings().weight.requires_grad_(not config.freeze_word_embeddings)
    return model


def note_settings(model: PreTrainedModel, config: TrainingConfig) -> None:
    """Note with a model how it is about to be trained. Not before it is sure that it will be."""
    checkpoints.remember(model, max_length=config.max_length, precision=config.precision)
    if model.config.num_labels == 1 and model.config.problem_type is None:
        model.config.problem_type = "regression"  # or a pipeline sends its numbers through σ


def as_floats(figures: dict[str, object]) -> dict[str, float]:
    """Figures as plain numbers, whatever library computed them.

    Raises:
        TrainingError: one of them is no number.
    """
    try:
        return {name: float(value) for name, value in figures.items()}
    except (TypeError, ValueError) as error:
        raise TrainingError(f"compute_metrics must give one number per name: {error}") from error


def weights_of(model: PreTrainedModel) -> dict[str, Tensor]:
    """A copy of a model's weights, by name."""
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def new_id() -> str:
    """An identity for a run, the same in all its processes. It draws no seeded random number."""
    return f"{int(parallel.from_rank_0({'id': float(secrets.randbits(52))})['id']):013x}"
