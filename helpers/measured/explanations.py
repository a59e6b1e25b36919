"""Word scores under examination, tests of behaviour and a repair: notebook 11's study."""

from collections.abc import Sequence
from contextlib import redirect_stdout
from functools import cache
from io import StringIO

import numpy as np
import pandas as pd
from datasets import Dataset, concatenate_datasets

from helpers import corpora, explain, metrics, validation
from helpers.measured.rows import table
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
COUNT, LEAST, MOST = 200, 5, 25  # examined test reviews, and how many words they have
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
    sentences = explain.repair_sentences().to_dict("list")
    templates = Dataset.from_dict(sentences, features=train.features)
    return concatenate_datasets([drawn.select(range(900)), templates])


def sentences(test: Dataset) -> list[list[str]]:
    """The test reviews that are examined, as words: 200 of 5 to 25 words, by a fixed seed."""
    order = np.random.default_rng(11).permutation(len(test))
    words = [test[int(row)]["text"].split() for row in order]
    return [each for each in words if LEAST <= len(each) <= MOST][:COUNT]


def cases(texts: Sequence[str]) -> list[explain.Case]:
    """All cases of the study: the typing errors are made in 200 test reviews of any length."""
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


def numbers(rows: pd.Series) -> np.ndarray:
    """Recorded hundredths as numbers: one row for each row."""
    return np.array([np.array(line.split(), dtype=float) for line in rows]) / 100


def two_rows(sentence: dict) -> dict[str, np.ndarray]:
    """Two colourings of a recorded sentence, one of a method and one random, without their names.

    The random numbers are moved to lie between −0.5 and 0.5, so that they have both signs too.

    Args:
        sentence: one of `widgets.stored_words()`.
    """
    scores = sentence["scores"]
    return {"A": np.array(scores[RANDOM]) - 0.5, "B": np.array(scores[INTEGRATED])}


def falls(method: str, kind: str, way: str = "mask") -> np.ndarray:
    """By how much the probability of the predicted class fell: shape (seeds, sentences, shares).

    Args:
        method: one of `METHODS`.
        kind: "comprehensiveness" or "sufficiency".
        way: "mask" or "delete".

    Raises:
        ValueError: nothing was recorded of it.
    """
    rows = table("explanations_curves")
    chosen = (rows[["method", "kind", "way"]] == [method, kind, way]).all(axis=1)
    if not chosen.any():
        raise ValueError(f"Nothing was recorded of {method!r}, {kind!r}, {way!r}.")
    by_seed = [
        numbers(own.sort_values("share")["hundredths"]).T for _, own in rows[chosen].groupby("seed")
    ]
    return np.array(by_seed)


def intervals(values: dict[str, np.ndarray], confidence: float = 0.95) -> pd.DataFrame:
    """Means of values of shape (seeds, sentences), with intervals for other seeds and sentences.

    Returns:
        `mean`, `low` and `high`, a row for each entry.
    """
    found = {name: validation.two_way_interval(own, confidence) for name, own in values.items()}
    return pd.DataFrame(found, index=["mean", "low", "high"]).T


def areas(kind: str, way: str = "mask", beside: str | None = None) -> pd.DataFrame:
    """The mean fall over all shares, for each method, in points, with its interval.

    Args:
        kind, way: as in `falls`.
        beside: a method that is subtracted, sentence by sentence; it is left out of the table.
    """
    own = {name: 100 * falls(name, kind, way).mean(axis=2) for name in METHODS}
    if beside:
        other = own.pop(beside)
        own = {name: values - other for name, values in own.items()}
    return intervals(own)


def curve(method: str, kind: str, way: str = "mask") -> pd.DataFrame:
    """The mean fall at each share of the words, in points, with its interval."""
    own = 100 * falls(method, kind, way)
    return intervals({share: own[:, :, i] for i, share in enumerate(explain.SHARES)})


def randomized(by: str | None = None) -> pd.DataFrame:
    """The mean rank correlation with the real scores, for each method and part made random.

    Args:
        by: "seed" for a row of each model within each part; without it, their mean.
    """
    rows = table("explanations_randomized")
    rows["mean"] = numbers(rows["signed"]).mean(axis=1)
    index = ["stage", by] if by else "stage"
    return rows.pivot_table("mean", index, "method", sort=False)[list(METHODS)]


@cache
def all_cases() -> tuple[explain.Case, ...]:
    """The cases in the order in which their failures were recorded."""
    with redirect_stdout(StringIO()):
        return tuple(cases(corpora.load("reviews")["test"]["text"]))


def failed(version: str, what: str = "cases") -> np.ndarray:
    """Which cases failed, or which test reviews were judged wrong: 0 or 1, shape (seeds, n).

    Args:
        version: one of `VERSIONS`: before a repair, or after one of the two.
        what: "cases" or "test".
    """
    rows = table("explanations_behaviour", dtype={"failed": str}).sort_values("seed")
    own = rows[(rows["version"] == version) & (rows["what"] == what)]
    return np.array([[int(sign) for sign in line] for line in own["failed"]])


def by_template(version: str, minus: str | None = None) -> dict[str, pd.DataFrame]:
    """How often each template of each test fails, in percent: a row a seed, a column a template.

    Args:
        version: as in `failed`.
        minus: a version that is subtracted.
    """
    own = explain.by_template(all_cases(), failed(version))
    if minus:
        other = explain.by_template(all_cases(), failed(minus))
        own = {test: own[test] - other[test] for test in own}
    return {test: 100 * rows for test, rows in own.items()}


def rates(version: str, minus: str | None = None) -> pd.DataFrame:
    """How often each test fails, in percent, with an interval for other seeds and other templates.

    An interval is never narrower than Wilson's for as many independent cases as there are
    templates: where nothing failed, the two-way one would have no width at all.

    Args:
        version: as in `failed`.
        minus: a version that is subtracted, template by template; then Wilson's plays no part, and
            an interval ends at −100 and 100 points, the most by which two rates can differ.

    Returns:
        `mean`, `low`, `high`, and `templates`, their number; a row for each test.
    """
    own = by_template(version, minus)
    found = intervals({test: rows.to_numpy() for test, rows in own.items()})
    found["templates"] = [rows.shape[1] for rows in own.values()]
    if minus:
        found[["low", "high"]] = found[["low", "high"]].clip(-100, 100)
    else:
        for test, (mean, low, high, count) in found.iterrows():
            ends = metrics.wilson(mean / 100 * count, count)
            found.loc[test, ["low", "high"]] = [
                max(0, min(low, 100 * ends[0])),
                min(100, max(high, 100 * ends[1])),
            ]
    return found


def accuracies(negated_only: bool = False) -> pd.DataFrame:
    """Accuracy on the test reviews before and after the repairs, in percent, with intervals.

    Args:
        negated_only: of those reviews that hold a word of negation.
    """
    with redirect_stdout(StringIO()):
        texts = corpora.load("reviews")["test"]["text"]
    chosen = [not negated_only or has_negation(text) for text in texts]
    return intervals({v: 100 * (1 - failed(v, "test")[:, chosen]) for v in VERSIONS})


def change_in_accuracy(version: str, minus: str, negated_only: bool = False) -> pd.Series:
    """Accuracy of one version minus another's, paired by seed and review, in points."""
    with redirect_stdout(StringIO()):
        texts = corpora.load("reviews")["test"]["text"]
    chosen = [not negated_only or has_negation(text) for text in texts]
    one, other = (failed(v, "test")[:, chosen] for v in (version, minus))
    return intervals({version: 100 * (other - one)}).iloc[0]
