"""A small search: several configurations, compared on the validation part only."""

import math
import weakref
from collections.abc import Callable, Iterable
from dataclasses import asdict
from itertools import product
from typing import NamedTuple

import pandas as pd
from datasets import Dataset
from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from helpers import parallel
from helpers.training.config import (
    DivergedError,
    Metrics,
    TrainingConfig,
    TrainingError,
    TrainingRun,
)
from helpers.training.running import fine_tune

RATES = (2e-5, 5e-5, 1e-4, 2e-4, 5e-4)
EPOCHS = (2, 4)
LOSS = "validation_loss"


class Search(NamedTuple):
    """What `search` found.

    Attributes:
        table: one row per configuration, in their order: what differs between them, `best_epoch`
            and the figures of that epoch on the validation part, NaN if the run diverged, and
            `chosen`.
        model: of the chosen configuration, with the weights of its best epoch.
        run: its run; `run.config` is the configuration, `run.tried` how many were compared.
    """

    table: pd.DataFrame
    model: PreTrainedModel
    run: TrainingRun


def grid(**settings: object) -> list[TrainingConfig]:
    """Five learning rates times two numbers of epochs: ten, as many as `baselines.tfidf` tries.

    So a comparison does not favour the model that more was tried for. The encoder is fitted once
    for each on the training part, a baseline five times, on five folds of it.

    Args:
        settings: other hyperparameters of `TrainingConfig`, the same for all.
    """
    return [
        TrainingConfig(**{"learning_rate": rate, "epochs": epochs} | settings)
        for epochs, rate in product(EPOCHS, RATES)
    ]


def search(
    make_model: Callable[[], PreTrainedModel],
    tokenizer: PreTrainedTokenizerBase,
    train: Dataset,
    validation: Dataset,
    configs: Iterable[TrainingConfig] | None = None,
    compute_metrics: Metrics | None = None,
    loss_function: Callable | None = None,
) -> Search:
    """Fine-tune once with each configuration and keep the model that does best in validation.

    What decides is the `best_metric` of the configurations (of "epoch": the validation loss), of
    equal ones the validation loss, then the order. The best of many is partly lucky on the part
    that chose it: report another part. The same arguments give the same result.

    Args:
        make_model: gives a new model each time it is called, always with the same weights, such as
            `lambda: checkpoints.load(num_labels=3)[1]`.
        configs: what to try; None: `grid()`.
        tokenizer, train, validation, compute_metrics, loss_function: as in `fine_tune`.

    Raises:
        TrainingError: nothing to try, configurations that different metrics decide, a `make_model`
            that gives no new model, or as in `fine_tune`; DivergedError if all runs diverged.
        DataError: as in `fine_tune`.
    """
    configs = grid() if configs is None else list(configs)
    check_comparable(configs)
    options = {"compute_metrics": compute_metrics, "loss_function": loss_function}
    best, rows, seen = None, [], []
    for number, config in enumerate(configs, start=1):
        model = new_model(make_model, seen)
        run = attempt(model, tokenizer, train, validation, config, options)
        rows.append(figures_of(run))
        told = f"{number} of {len(configs)}: {in_words(changes(configs)[number - 1])}"
        tell(f"{told}: {in_words(rows[-1]) or 'diverged'}")
        if run and (best is None or worth(run) > worth(best[2])):
            best = number, model, run
    if best is None:
        raise DivergedError("every run diverged. Try lower learning rates.")
    chosen, model, run = best
    run.tried = len(configs)
    table = pd.DataFrame([made | found for made, found in zip(changes(configs), rows, strict=True)])
    table.index += 1
    return Search(table.assign(chosen=table.index == chosen), model, run)


def check_comparable(configs: list[TrainingConfig]) -> None:
    """Raise `TrainingError` unless there are configurations, and one metric decides in all."""
    if not configs:
        raise TrainingError("there is no configuration to try. Give at least one, or None.")
    deciding = sorted({config.best_metric for config in configs})
    if len(deciding) > 1:
        raise TrainingError(
            f"the configurations have different best_metric: {', '.join(deciding)}. Their values "
            "cannot be compared; give all the same."
        )


def new_model(make_model: Callable[[], PreTrainedModel], seen: list) -> PreTrainedModel:
    """A model that no run has trained yet; `seen` are weak references to the earlier ones."""
    model = make_model()
    if not isinstance(model, nn.Module):
        raise TrainingError(
            f"make_model gave a {type(model).__name__}, but it must give a model. Of what "
            "checkpoints.load gives, that is the second: lambda: checkpoints.load(…)[1]."
        )
    if any(other() is model for other in seen):
        raise TrainingError(
            "make_model gave the same model twice, which the first run has trained already. Let it "
            "load a new one each time: lambda: checkpoints.load(…)[1]."
        )
    seen.append(weakref.ref(model))
    return model


def attempt(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    train: Dataset,
    validation: Dataset,
    config: TrainingConfig,
    options: dict,
) -> TrainingRun | None:
    """A run with one configuration; None if it diverged."""
    try:
        return fine_tune(model, tokenizer, train, validation, config, **options)
    except DivergedError:
        return None


def worth(run: TrainingRun) -> tuple[float, float]:
    """What runs are compared by: higher is better."""
    row, metric = run.rows[run.best_epoch - 1], run.config.best_metric
    value = -row[LOSS] if metric in (LOSS, "epoch") else row[metric]
    return tuple(-math.inf if math.isnan(figure) else figure for figure in (value, -row[LOSS]))


def figures_of(run: TrainingRun | None) -> dict[str, float]:
    """The best epoch of a run and its figures on the validation part; nothing if it diverged."""
    if run is None:
        return {}
    row = run.rows[run.best_epoch - 1]
    return {"best_epoch": run.best_epoch} | {
        name: value for name, value in row.items() if name not in ("epoch", "train_loss")
    }


def changes(configs: list[TrainingConfig]) -> list[dict[str, object]]:
    """Of each configuration its learning rate, its epochs, and what else differs between them."""
    found = [asdict(config) for config in configs]
    named = [
        name
        for name in found[0]
        if name in ("learning_rate", "epochs") or len({one[name] for one in found}) > 1
    ]
    return [{name: one[name] for name in sorted(named, key=order)} for one in found]


def order(name: str) -> tuple[bool, bool]:
    """The learning rate first, then the epochs."""
    return name != "learning_rate", name != "epochs"


def in_words(figures: dict[str, object]) -> str:
    """Names and values in one line."""
    said = (f"{value:.4g}" if isinstance(value, float) else value for value in figures.values())
    return ", ".join(f"{name} {value}" for name, value in zip(figures, said, strict=True))


def tell(line: str) -> None:
    """Print a line, once for all ranks."""
    if parallel.rank() == 0:
        print(line)
