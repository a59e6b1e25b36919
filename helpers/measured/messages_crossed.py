"""Every message of notebook 13's pool, predicted by models that have not learned from it."""

import numpy as np
import pandas as pd

from helpers.measured.rows import table


def hits() -> pd.DataFrame:
    """How often each message is right: one row per message, one column per model, from 0 to 1.

    Where a model was run with several seeds, these are means over them.
    """
    rows = table("messages_crossed")
    right = {
        model: np.mean([[sign == "+" for sign in found] for found in runs], axis=0)
        for model, runs in rows.groupby("model")["hits"]
    }
    return pd.DataFrame(right)
