"""What notebook 05 evaluates: recorded predictions of one run, and what people say of the texts."""

from collections.abc import Sequence
from contextlib import redirect_stdout
from functools import cache
from io import StringIO

import numpy as np
import pandas as pd

from helpers import corpora
from helpers.measured.rows import table


def logits(part: str, epoch: int = 1) -> np.ndarray:
    """The recorded logits of a part of the reviews, shape (n, 2), in the order of `corpora.load`.

    Args:
        part: "validation" (n = 853), "test" (1,705), or "train" (its first 1,705 sentences).
        epoch: 1, 2 or 3 of notebook 04's run.

    Raises:
        ValueError: there is no such part or epoch.
    """
    rows = table("evaluation_logits")
    columns = [f"epoch{epoch}_logit0", f"epoch{epoch}_logit1"]
    if part not in set(rows["part"]) or not set(columns) <= set(rows):
        raise ValueError(f"{part!r}, epoch {epoch}: recorded are train, validation, test; 1 to 3.")
    return rows.loc[rows["part"] == part, columns].to_numpy()


def calibration_of_runs() -> pd.DataFrame:
    """Five recorded runs of notebook 04 with five seeds, on one kind of processor.

    Returns: by seed, the `accuracy` on the test reviews, the `ECE` of the epoch that the run kept,
    the `ECE_with_T` after a temperature, and `kept`, that epoch: NaN where it was not recorded.
    """
    bands = table("notebook_bands")
    bands = bands[(bands["notebook"] == "05_evaluation") & bands["processor"].str.contains("amx")]
    runs = bands.astype({"value": float}).pivot(index="seed", columns="quantity", values="value")
    tested = table("review_accuracy").query("part == 'test'")
    runs["kept"] = tested.groupby("seed")["best_epoch"].first()
    return runs[["accuracy", "ECE", "ECE_with_T", "kept"]]


@cache
def ratings() -> dict[str, float]:
    """People's mean rating, −4 to 4, of each text of `ratings`, by the normalized text."""
    with redirect_stdout(StringIO()):
        parts = corpora.load("ratings")
    return {
        corpora.normalized(text): mean
        for part in parts.values()
        for text, mean in zip(part["text"], part["label"], strict=True)
    }


def human_means(texts: Sequence[str]) -> np.ndarray:
    """People's mean rating of each text, −4 to 4, NaN where nobody rated it: shape (n,)."""
    plain = [corpora.normalized(corpora.plain(text)) for text in texts]
    return np.array([ratings().get(text, np.nan) for text in plain])
