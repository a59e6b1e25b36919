"""Five folds and five seeds: which examples of notebook 06 each model got right."""

import numpy as np

from helpers.measured.rows import table as recorded

KEYS = ["model", "fold", "seed"]


def hits(model: str, seed: int = 0) -> np.ndarray:
    """Which of all examples a model got right when they were held out: bool, fold after fold."""
    rows = recorded("cross_validation_hits")
    rows = rows[(rows["model"] == model) & (rows["seed"] == seed)].sort_values("fold")
    return np.array(list("".join(rows["hits"]))) == "r"
