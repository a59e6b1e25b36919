"""Conversations for a causal language model: template, labels, learning, generation, scoring."""

from helpers.chat.audit import Audit, Finding, audit
from helpers.chat.conversations import (
    IGNORED,
    ConversationError,
    Example,
    encode,
    prompt_of,
    render,
)
from helpers.chat.generation import Answer, continue_ids, generate, log_likelihoods
from helpers.chat.learning import DEFAULTS, examples_of, fine_tune, foresee, resume
from helpers.chat.losses import AnswerLosses, mean_loss, pad
from helpers.chat.scoring import json_with, one_of, score

__all__ = [
    "DEFAULTS",
    "IGNORED",
    "Answer",
    "AnswerLosses",
    "Audit",
    "ConversationError",
    "Example",
    "Finding",
    "audit",
    "continue_ids",
    "encode",
    "examples_of",
    "fine_tune",
    "foresee",
    "generate",
    "json_with",
    "log_likelihoods",
    "mean_loss",
    "one_of",
    "pad",
    "prompt_of",
    "render",
    "resume",
    "score",
]
