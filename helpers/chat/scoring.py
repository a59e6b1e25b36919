"""How good are answers that can be checked: exact, valid, stopped, each with its interval."""

import json
from collections.abc import Callable, Sequence

import pandas as pd

from helpers import metrics
from helpers.chat.generation import Answer


def score(
    answers: Sequence[Answer],
    expected: Sequence[str],
    is_valid: Callable[[str], bool] = bool,
) -> pd.DataFrame:
    """Three shares of some answers, with Wilson intervals of 95 %.

    Args:
        answers: from `generate`.
        expected: the right texts, in the same order.
        is_valid: whether a text is an answer at all, right or wrong.

    Returns:
        Rows `exact` (the right text, and it stopped), `valid`, `stopped`; columns `count`, `of`,
        `share`, `low`, `high`.
    """
    texts = [answer.text.strip() for answer in answers]
    stopped = [answer.stopped for answer in answers]
    pairs = zip(texts, expected, stopped, strict=True)
    counts = {
        "exact": sum(text == right and ended for text, right, ended in pairs),
        "valid": sum(map(is_valid, texts)),
        "stopped": sum(stopped),
    }
    rows = {name: interval(count, len(texts)) for name, count in counts.items()}
    return pd.DataFrame.from_dict(rows, orient="index")


def interval(count: int, of: int) -> dict[str, float]:
    """A share with its Wilson interval."""
    low, high = metrics.wilson(count, of)
    return {"count": count, "of": of, "share": count / of, "low": low, "high": high}


def one_of(names: Sequence[str]) -> Callable[[str], bool]:
    """Whether a text is one of these words and nothing else."""
    return lambda text: text in names


def json_with(*keys: str) -> Callable[[str], bool]:
    """Whether a text is a JSON object with exactly these keys."""

    def is_valid(text: str) -> bool:
        try:
            found = json.loads(text)
        except ValueError:
            return False
        return isinstance(found, dict) and set(found) == set(keys)

    return is_valid
