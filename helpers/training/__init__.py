"""The fine-tuning loop of notebook 04, carried on: fine_tune, predict, save, load, resume."""

from helpers.storage import load_model as load
from helpers.storage import remove_run
from helpers.storage import save_model as save
from helpers.training.config import (
    NOTABLE_CUT,
    Metrics,
    TrainingConfig,
    TrainingError,
    TrainingRun,
    accuracy,
    name_of,
    truncation_notice,
)
from helpers.training.running import continued, fine_tune, learn, resume
from helpers.training.session import Session
from helpers.training.steps import (
    learning_rate_at,
    logits_of,
    make_optimizer,
    predict,
    train_step,
)

__all__ = [
    "NOTABLE_CUT",
    "Metrics",
    "Session",
    "TrainingConfig",
    "TrainingError",
    "TrainingRun",
    "accuracy",
    "continued",
    "fine_tune",
    "learn",
    "learning_rate_at",
    "load",
    "logits_of",
    "make_optimizer",
    "name_of",
    "predict",
    "remove_run",
    "resume",
    "save",
    "train_step",
    "truncation_notice",
]
