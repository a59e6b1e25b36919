"""The fine-tuning loop of notebook 04, carried on: fine_tune, search, predict, save, resume."""

from helpers.storage import load_model as load
from helpers.storage import remove_run
from helpers.storage import save_model as save
from helpers.training.advising import advice, next_config
from helpers.training.config import (
    MULTI_LABEL,
    NOTABLE_CUT,
    DivergedError,
    Metrics,
    TrainingConfig,
    TrainingError,
    TrainingRun,
    accuracy,
    name_of,
    truncation_notice,
)
from helpers.training.estimating import Estimate, estimate
from helpers.training.running import continued, fine_tune, learn, resume
from helpers.training.searching import Search, grid, search
from helpers.training.session import Session
from helpers.training.steps import (
    learning_rate_at,
    logits_of,
    make_optimizer,
    predict,
    train_step,
)

__all__ = [
    "MULTI_LABEL",
    "NOTABLE_CUT",
    "DivergedError",
    "Estimate",
    "Metrics",
    "Search",
    "Session",
    "TrainingConfig",
    "TrainingError",
    "TrainingRun",
    "accuracy",
    "advice",
    "continued",
    "estimate",
    "fine_tune",
    "grid",
    "learn",
    "learning_rate_at",
    "load",
    "logits_of",
    "make_optimizer",
    "name_of",
    "next_config",
    "predict",
    "remove_run",
    "resume",
    "save",
    "search",
    "train_step",
    "truncation_notice",
]
