"""A hundred news articles, drawn ten times: what the experiment of notebook 07 recorded.

A model has the name that the notebook gives it: "TF-IDF", "frozen 512", "fine-tuned 128" (it reads
the head of an article), "head+tail 128", "windows 512" and so on. With " + 20 random" or
" + 20 close" after its name it has learned from 20 articles more.
"""

import math
from collections.abc import Iterable
from functools import cache

import numpy as np
import pandas as pd

from helpers import validation
from helpers.measured.rows import table as recorded

DRAWS = range(10)
NAMES = {"tf-idf": "TF-IDF", "tf-idf 128": "TF-IDF 128"}
NAMES |= {f"head {limit}": f"fine-tuned {limit}" for limit in (128, 512)}


def renamed(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with their models called as in the text."""
    return rows.assign(model=rows["model"].map(lambda name: NAMES.get(name, name)))


def table() -> pd.DataFrame:
    """The recorded runs, one row each, `accuracy` and `macro_f1` in percent."""
    rows = renamed(recorded("news_draws"))
    return rows.assign(accuracy=100 * rows["accuracy"], macro_f1=100 * rows["macro_f1"])


def draws(column: str = "accuracy") -> pd.DataFrame:
    """A figure of each model that learned from the hundred: a row a draw, a column a model."""
    rows = table()
    return rows[rows["stage"] == "draw"].pivot(index="draw", columns="model", values=column)


@cache
def kept() -> pd.DataFrame:
    """What each run predicted, one row for each run; read once and not to be changed."""
    rows = recorded("news_draws_predictions", dtype={"predicted": str})
    return renamed(rows)


def classes(text: str) -> np.ndarray:
    """Recorded predictions, a character for each article, as class ids; −1 where not scored."""
    return np.array([-1 if character == "." else int(character) for character in text])


def answers(name: str, draw: int) -> np.ndarray:
    """The class that a model predicted for each article of the pool; −1 where it was not scored.

    Args:
        name: of the model, perhaps with " + 20 random" or " + 20 close".
        draw: 0 to 9.

    Raises:
        ValueError: nothing of this name was recorded; the message lists the names there are.
    """
    model, _, stage = name.partition(" + ")
    rows = kept()[kept()["draw"] == draw]
    found = rows[(rows["model"] == model) & (rows["stage"] == (stage or "draw"))]
    if found.empty:
        there = rows[rows["stage"] == (stage or "draw")]["model"].unique()
        known = ", ".join(sorted(there)) or "none"
        raise ValueError(f'No draw {draw} of "{name}" was recorded. Models there: {known}.')
    return classes(found["predicted"].item())


def hits(labels: np.ndarray, name: str) -> np.ndarray:
    """Which articles a model got right: 1 right, 0 wrong, NaN not scored; shape (draws, n).

    Args:
        labels: of the n articles of the pool, which are the train and the test part together.
        name: as in `answers`.
    """
    found = np.array([answers(name, draw) for draw in DRAWS])
    return np.where(found >= 0, found == labels, np.nan)


def leads(
    labels: np.ndarray,
    contests: Iterable[tuple[str, str]],
    confidence: float = 0.95,
    only: np.ndarray | None = None,
) -> pd.DataFrame:
    """By how many points one model leads another over ten draws, paired by draw and article.

    Args:
        labels: of the articles of the pool.
        contests: pairs of names, as in `answers`.
        confidence: of the intervals.
        only: numbers of the articles that count; without it all of them.

    Returns:
        A row for each contest: `mean`, `low`, `high` (`validation.two_way_interval`), and in how
        many of the draws the first is `ahead`.
    """
    rows = {}
    for first, second in contests:
        difference = 100 * (hits(labels, first) - hits(labels, second))
        difference = difference if only is None else difference[:, only]
        ahead = int((np.nanmean(difference, axis=1) > 0).sum())
        found = validation.two_way_interval(difference, confidence)
        rows[f"{first} − {second}"] = [*found, ahead]
    return pd.DataFrame.from_dict(rows, orient="index", columns=["mean", "low", "high", "ahead"])


def spreads(difference: np.ndarray) -> tuple[float, float, float]:
    """Standard deviations that go with the draws, with the articles, and with neither.

    Args:
        difference: of two models, shape (draws, n), NaN where not scored.

    Returns:
        In the unit of the differences; a variance that comes out below 0 counts as 0.
    """
    scored = ~np.isnan(difference)
    of_draws = np.nanmean(difference, axis=1, keepdims=True)
    of_articles = np.nanmean(difference, axis=0, keepdims=True)
    residuals = difference - of_draws - of_articles + np.nanmean(difference)
    # As many residuals are free as were not used up by the means of draws and of articles.
    rest = np.nansum(residuals**2) / (scored.sum() - sum(difference.shape) + 1)
    variances = (
        of_draws.var(ddof=1) - rest * (1 / scored.sum(axis=1)).mean(),
        of_articles.var(ddof=1) - rest * (1 / scored.sum(axis=0)).mean(),
        rest,
    )
    return tuple(math.sqrt(max(0.0, value)) for value in variances)


def settings() -> pd.DataFrame:
    """The settings of fine-tuning that were tried in five folds of the validation part.

    Returns:
        A row for each number of `epochs` and learning `rate`: how many articles were `right` of
        `n`, their share `accuracy`, and the mean `loss`.
    """
    rows = table()
    rows = rows[(rows["stage"] == "choice") & (rows["epochs"] > 0)]
    rows = rows.assign(right=rows["accuracy"] * rows["n"] / 100, loss=rows["loss"] * rows["n"])
    sums = rows.groupby(["epochs", "rate"])[["right", "n", "loss"]].sum()
    sums["right"] = sums["right"].round().astype(int)
    return sums.assign(accuracy=sums["right"] / sums["n"], loss=sums["loss"] / sums["n"])


def out_of_fold(model: str, epochs: int = 0, rate: float = 0.0) -> np.ndarray:
    """Predictions for the validation part, each article by a model that did not learn from it.

    Args:
        model: "TF-IDF", "frozen 512" or "fine-tuned 128".
        epochs, rate: the setting, if the model was fine-tuned.
    """
    rows = kept()[(kept()["stage"] == "choice") & (kept()["model"] == model)]
    rows = rows[(rows["epochs"] == epochs) & (rows["rate"] == rate)]
    return np.max([classes(text) for text in rows["predicted"]], axis=0)


def seconds() -> pd.DataFrame:
    """Processor seconds for a hundred labelled articles, with the choice of the settings.

    Returns:
        A row for each model. `once`: what is done once, however many hundreds there are. For
        frozen features that is the encoder's pass over all articles, for fine-tuning the choice of
        its setting in five folds of the validation part. `a draw`: to learn from 100 articles and
        to score 988, the median of ten; TF-IDF and the regression on frozen features choose their
        settings in it. `in all`: both, for whoever has one hundred.
    """
    rows = table()
    choice = rows[(rows["stage"] == "choice") & (rows["epochs"] > 0)]["cpu_seconds"].sum()
    of_draws = draws("cpu_seconds")
    found = pd.DataFrame({"once": 0.0, "a draw": of_draws.median()})
    features = [model for model in found.index if model.startswith("frozen")]
    # the first run of a series made the features, the others found them there
    found.loc[features, "once"] = (of_draws.max() - of_draws.median())[features]
    tuned = [model for model in found.index if model.startswith("fine-tuned")]
    found.loc[tuned, "once"] = choice
    found["in all"] = found["once"] + found["a draw"]
    return found.loc[["TF-IDF", "frozen 512", "fine-tuned 128", "fine-tuned 512"]]
