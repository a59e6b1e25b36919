"""The fine-tuning loop of notebook 04, carried on: fine_tune, predict, save, load, resume."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from datasets import Dataset
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.optim import AdamW, Optimizer
from transformers import EvalPrediction, PreTrainedModel, PreTrainedTokenizerBase

from helpers import batching, checkpoints, corpora, runtime, storage
from helpers.storage import load_model as load
from helpers.storage import save_model as save

Metrics = Callable[[EvalPrediction], dict[str, float]]


class TrainingError(RuntimeError):
    """Training cannot start or go on; the message names the cause and the cure."""


@dataclass(frozen=True)
class TrainingConfig:
    """The dials of a run. Notebook 04 turns them.

    Attributes:
        epochs: passes over the training examples.
        batch_size: examples a step.
        learning_rate: the highest one, reached after warm-up.
        weight_decay: AdamW's, on weight matrices only, not on biases and LayerNorms.
        warmup_share: share of all steps in which the rate rises from 0; then it falls to 0.
        max_grad_norm: gradients are scaled down to this norm if theirs is larger.
        max_length: tokens kept of each text.
        freeze_word_embeddings: leave the word table, half of a small BERT, as it is.
        precision: "fp32", "bf16" (fp32 weights, bf16 products), or "auto": what is faster here.
        best_metric: decides which epoch stays: "validation_loss", a metric, or "epoch", the last.
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
    """Where a run stands, and at its end what it gave.

    Attributes:
        config: the dials it runs with.
        epoch, batch, step: epochs done, batches done of the epoch under way, steps in all.
        loss_sum: this epoch's losses, each times the examples of its batch.
        rows: one dictionary an epoch: `epoch`, `train_loss`, `validation_loss`, the metrics.
        data: fingerprint of what is trained on, so that nothing else is gone on with.
    """

    config: TrainingConfig
    epoch: int = 0
    batch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    rows: list[dict[str, float]] = field(default_factory=list)
    data: str = ""

    @property
    def history(self) -> pd.DataFrame:
        """The rows as a table."""
        return pd.DataFrame(self.rows)

    @property
    def best_epoch(self) -> int:
        """Number (from 1) of the earliest epoch with the best value of `config.best_metric`."""
        metric = self.config.best_metric
        sign = -1 if metric == "validation_loss" else 1
        return max(self.rows, key=lambda row: sign * row[metric])["epoch"]

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, or `patience` of them brought nothing better."""
        patience = self.config.patience
        if patience is not None and self.rows and self.epoch - self.best_epoch >= patience:
            return True
        return self.epoch >= self.config.epochs


def accuracy(prediction: EvalPrediction) -> dict[str, float]:
    """Share of examples whose largest logit belongs to their label."""
    return {"accuracy": float((prediction.predictions.argmax(1) == prediction.label_ids).mean())}


def make_optimizer(model: PreTrainedModel, config: TrainingConfig) -> Optimizer:
    """AdamW (Loshchilov and Hutter 2019) that decays matrices, not biases and LayerNorms."""
    decayed, spared = [], []
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            is_spared = name.endswith("bias") or "LayerNorm" in name
            (spared if is_spared else decayed).append(parameter)
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
    padded = batching.pad(token_ids, pad_id, multiple_of=4)
    input_ids, attention_mask = (tensor.to(model.device) for tensor in padded)
    with torch.autocast(model.device.type, dtype, enabled=dtype != torch.float32):
        return model(input_ids=input_ids, attention_mask=attention_mask).logits.float()


def predict(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    texts: Iterable[str],
    batch_size: int = 64,
    max_length: int = 128,
    precision: str = "auto",
) -> np.ndarray:
    """Logits of texts, in their order, with dropout off: float32, shape (n, C).

    Raises:
        TypeError: if a text is missing; the message names its row.
    """
    token_ids = batching.tokenize(texts, tokenizer, max_length)
    dtype = runtime.precision_of(precision, model.device)
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
    """Backward, clip, step, zero for the mean loss of a batch. Returns it as a number."""
    (loss * runtime.processes()).backward()  # each process's part; their mean becomes the sum
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm)
    if not torch.isfinite(loss + norm):
        found = f"the loss is {loss.item()}, its gradient's length {norm.item()}"
        raise TrainingError(f"{found}. Lower learning_rate and start again.")
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.step()
    checkpoints.zero_gradients(model, optimizer)
    return loss.item()


def fine_tune(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    train: Dataset,
    validation: Dataset,
    config: TrainingConfig | None = None,
    compute_metrics: Metrics = accuracy,
    output_dir: Path | str | None = None,
    resume_from: Path | None = None,
    loss_function: Callable = cross_entropy,
) -> TrainingRun:
    """Train a model in place and leave it with the weights of its best epoch.

    Under `torchrun` each process computes its share of every batch, and the first one writes.

    Args:
        model, tokenizer: from `checkpoints.load`. The best device is chosen.
        train, validation: columns `text` and `label`, labels 0 … C − 1; floats if C = 1.
        config: the dials; None means `TrainingConfig()`.
        compute_metrics: figures of an epoch from an `EvalPrediction`, as for the `Trainer`.
        output_dir: where checkpoints (`step-…`) and the best model (`best`) are kept, if anywhere.
        resume_from: a checkpoint to go on from; `resume` passes it.
        loss_function: mean loss of logits (B, C) and labels (B,), for both parts.

    Raises:
        DataError: labels the model does not know, or only one; with C = 1, no finite float.
        TrainingError: a loss that is no number; other data than the run that is resumed.
        StorageError: an `output_dir` that holds a run, or that another run is writing to.
        KeyboardInterrupt: after Ctrl-C, once a checkpoint is stored to `resume` from.
    """
    config = config or TrainingConfig()
    corpora.check_trainable({"train": train, "validation": validation}, model.config.num_labels)
    checkpoints.own_memory(model.to(runtime.join()))
    model.get_input_embeddings().weight.requires_grad_(not config.freeze_word_embeddings)
    dtype = runtime.precision_of(config.precision, model.device)
    optimizer = make_optimizer(model, config)
    token_ids = batching.tokenize(train["text"], tokenizer, config.max_length)
    lengths = [len(ids) for ids in token_ids]
    labels, targets = (torch.tensor(x["label"][:]).to(model.device) for x in (train, validation))
    steps = config.epochs * math.ceil(len(lengths) / config.batch_size)
    runtime.set_seed(config.seed, runtime.rank())
    run, best = TrainingRun(config, data=corpora.fingerprint(train, names=True)), {}
    if resume_from:
        data, run = run.data, TrainingRun(config, **storage.read_training(resume_from)[1])
        if run.data != data:
            raise TrainingError(f"{resume_from} had other rows or labels. Resume with the same.")
        best = storage.load_weights(Path(output_dir) / "best", model) if run.rows else {}
        storage.restore_training(resume_from, optimizer)
    if not runtime.alike(f"{run}"):
        raise TrainingError("the processes differ in data, dials or checkpoint: give all the same.")
    keep = partial(storage.save_training, output_dir, model, tokenizer, optimizer, run)
    parallel = runtime.in_step(model)
    bar = runtime.progress(total=config.epochs * len(lengths), desc="fine-tuning", unit=" texts")
    claimed = storage.only_run(output_dir, new=not resume_from)
    stoppable, lighter = runtime.deferred_interrupt(), checkpoints.word_gradient_kept(model)
    with claimed, runtime.enough_memory(), stoppable as interrupt, lighter, bar:
        bar.update(run.epoch * len(lengths) + run.batch * config.batch_size)
        while not run.finished:
            order = batching.bucketed(lengths, config.batch_size, (config.seed, run.epoch))
            model.train()
            for batch in order[run.batch :]:
                chosen = [token_ids[i] for i in runtime.share(batch)]
                logits = logits_of(parallel, chosen, tokenizer.pad_token_id, dtype)
                logits = runtime.gathered(logits, len(batch))
                loss = loss_function(logits, labels[batch])
                rate = learning_rate_at(run.step, steps, config)
                try:
                    loss = train_step(model, loss, optimizer, rate, config.max_grad_norm)
                except TrainingError as error:
                    model.load_state_dict(best or model.state_dict())
                    place = f"epoch {run.epoch + 1}, batch {run.batch + 1}"
                    raise TrainingError(f"{place}: {error}") from None
                run.batch, run.step = run.batch + 1, run.step + 1
                run.loss_sum += loss * len(batch)
                bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
                bar.update(len(batch))
                if runtime.anyone(interrupt.is_set()):
                    keep()
                    raise KeyboardInterrupt("stored: training.resume goes on" if output_dir else "")
            texts, max_length = runtime.share(validation["text"][:]), config.max_length
            logits = predict(model, tokenizer, texts, 64, max_length, config.precision)
            logits = runtime.gathered(torch.from_numpy(logits), len(targets))
            loss = loss_function(logits.to(model.device), targets).item()
            figures = {"train_loss": run.loss_sum / len(lengths), "validation_loss": loss}
            figures |= compute_metrics(EvalPrediction(logits.numpy(), targets.cpu().numpy()))
            run.epoch, run.batch, run.loss_sum = run.epoch + 1, 0, 0.0
            run.rows.append({"epoch": run.epoch} | runtime.of_first(figures))
            if run.best_epoch == run.epoch:
                best = {name: tensor.clone() for name, tensor in model.state_dict().items()}
                if output_dir and runtime.rank() == 0:
                    save(model, tokenizer, Path(output_dir) / "best")
            keep()
    model.load_state_dict(best)
    model.eval()
    return run


def resume(
    output_dir: Path | str, train: Dataset, validation: Dataset, **options: Callable
) -> tuple[PreTrainedTokenizerBase, PreTrainedModel, TrainingRun]:
    """Go on with an interrupted run, given the same data and options, as if it never stopped.

    Raises:
        StorageError: if there is no checkpoint, or it is damaged.
    """
    checkpoint = storage.latest_checkpoint(Path(output_dir))
    config = TrainingConfig(**storage.read_training(checkpoint)[0])
    tokenizer, model = load(checkpoint)
    options |= {"output_dir": output_dir, "resume_from": checkpoint}
    return tokenizer, model, fine_tune(model, tokenizer, train, validation, config, **options)
