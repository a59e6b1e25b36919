"""What a model on one's own file is worth: figures with intervals, a page, a model card."""

from helpers.report.card import model_card, save_model
from helpers.report.drawings import draw_errors, draw_scores
from helpers.report.html_page import page, write_page
from helpers.report.results import (
    Result,
    comparison,
    differences,
    errors,
    macro_f1,
    per_class,
    scores,
    with_intervals,
)

__all__ = [
    "Result",
    "comparison",
    "differences",
    "draw_errors",
    "draw_scores",
    "errors",
    "macro_f1",
    "model_card",
    "page",
    "per_class",
    "save_model",
    "scores",
    "with_intervals",
    "write_page",
]
