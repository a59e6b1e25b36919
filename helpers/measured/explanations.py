"""Word scores under examination, tests of behaviour and a repair: notebook 11's study."""

from collections.abc import Sequence

import numpy as np
from datasets import Dataset, concatenate_datasets

from helpers import explain
from helpers.training import TrainingConfig

RANDOM, GRADIENT, TIMES_INPUT, INTEGRATED = (
    "random order",
    "gradient",
    "gradient × input",
    "integrated gradients",
)
METHODS = (
    RANDOM,
    GRADIENT,
    TIMES_INPUT,
    INTEGRATED,
    "leave one out",
    "attention, last layer",
    "attention rollout",
)
VERSIONS = ("before", "more reviews", "templates")
COUNT, LEAST, MOST = 200, 5, 40  # examined test reviews, and how many words they have
NEGATION = {"not", "no", "never", "nothing", "nobody", "hardly", "without", "n't", "nor", "neither"}


def config(seed: int) -> TrainingConfig:
    """How the models of the study were trained: two epochs, and nothing is chosen."""
    return TrainingConfig(epochs=2, best_metric="epoch", seed=seed)


def repair_config(seed: int) -> TrainingConfig:
    """How a model is trained further for a repair: two epochs at half the rate."""
    return TrainingConfig(epochs=2, learning_rate=5e-5, best_metric="epoch", seed=100 + seed)


def repair_rows(train: Dataset, with_templates: bool, seed: int) -> Dataset:
    """1,000 sentences to train further on: train reviews, with or without 100 template sentences.

    The first 900 reviews are the same in both.
    """
    drawn = train.select(np.random.default_rng(seed).permutation(len(train))[:1000])
    if not with_templates:
        return drawn
    templates = Dataset.from_pandas(explain.repair_sentences()).cast(train.features)
    return concatenate_datasets([drawn.select(range(900)), templates])


def sentences(test: Dataset) -> list[list[str]]:
    """The test reviews that are examined, as words: 200 of 5 to 40 words, by a fixed seed."""
    order = np.random.default_rng(11).permutation(len(test))
    words = [test[int(row)]["text"].split() for row in order]
    return [each for each in words if LEAST <= len(each) <= MOST][:COUNT]


def cases(texts: Sequence[str]) -> list[explain.Case]:
    """All cases of the study: the typing errors are made in the test reviews that are examined."""
    order = np.random.default_rng(11).permutation(len(texts))[:COUNT]
    return [
        *explain.negation_tests(),
        *explain.sarcasm_and_titles(),
        *explain.invariance_tests([texts[int(row)] for row in order]),
        *explain.direction_tests(),
    ]


def has_negation(text: str) -> bool:
    """Whether a review holds a word of negation."""
    return any(word in NEGATION or word.endswith("n't") for word in text.split())
