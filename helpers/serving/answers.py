"""From logits to what a service says: a label, several labels or a number, with probabilities."""

from collections.abc import Mapping

import numpy as np
from scipy.special import expit, softmax
from transformers import PretrainedConfig

from helpers import checkpoints
from helpers.training import MULTI_LABEL

Answer = dict[str, object]


def answers_of(logits: np.ndarray, model: object) -> list[Answer]:
    """One answer for each row of logits.

    Args:
        logits: float32, (n, C), from `training.predict`.
        model: it, or an export of it; its configuration says how logits are read.

    Returns:
        For one label `label` and its `probability`; where a text may have several, `labels` and
        their `probabilities`, perhaps none; for numbers the `value`.
    """
    config = model.config
    names, logits = names_of(config), np.asarray(logits, np.float64)
    if config.problem_type == "regression" or len(names) < 2:
        return [{"value": float(row[0])} for row in logits]
    if config.problem_type == MULTI_LABEL:
        thresholds = checkpoints.remembered(model).get("thresholds") or [0.5] * len(names)
        return [several(row, thresholds, names) for row in expit(logits)]
    rows = softmax(logits, axis=1)
    return [{"label": names[row.argmax()], "probability": float(row.max())} for row in rows]


def names_of(config: PretrainedConfig) -> list[str]:
    """The names of the classes, in the order of their ids."""
    named: Mapping[int, str] = config.id2label
    return [named[number] for number in sorted(named)]


def several(row: np.ndarray, thresholds: list[float], names: list[str]) -> Answer:
    """The labels whose own probability, (C,), reaches their threshold."""
    chosen = np.flatnonzero(row >= np.asarray(thresholds))
    return {
        "labels": [names[i] for i in chosen],
        "probabilities": [float(row[i]) for i in chosen],
    }
