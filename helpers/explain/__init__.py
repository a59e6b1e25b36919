"""Which words a classifier's answer rests on, and whether what is said of it can be believed.

Notebook 11 builds it by hand: word scores by several methods, the examination that they have to
pass, and tests of behaviour made from templates.
"""

from helpers.explain.attributions import (
    attention,
    gradient,
    gradient_times_input,
    integrated_gradients,
    leave_one_out,
    rollout,
    shapley,
)
from helpers.explain.behaviour import (
    Case,
    by_template,
    direction_tests,
    fails,
    invariance_tests,
    negation_tests,
    repair_sentences,
    sarcasm_and_titles,
)
from helpers.explain.examination import (
    SHARES,
    faithfulness,
    how_many,
    randomized_from_the_top,
    rank_correlation,
    stages,
)
from helpers.explain.words import ExplainError, deleted, lean, masked, probability

__all__ = [
    "SHARES",
    "Case",
    "ExplainError",
    "attention",
    "by_template",
    "deleted",
    "direction_tests",
    "fails",
    "faithfulness",
    "gradient",
    "gradient_times_input",
    "how_many",
    "integrated_gradients",
    "invariance_tests",
    "lean",
    "leave_one_out",
    "masked",
    "negation_tests",
    "probability",
    "randomized_from_the_top",
    "rank_correlation",
    "repair_sentences",
    "rollout",
    "sarcasm_and_titles",
    "shapley",
    "stages",
]
