"""Which rate and batch size for the course's own CSV? Chosen on its validation part only.

    python -m tools.experiments.messages_settings

The test part is never scored here. Results: messages_settings.csv; notebook 13 reads them.
"""

import pandas as pd

from helpers import checkpoints, downloads, own_data, training
from tools.experiments import runs
from tools.experiments.provenance import MEASURED

RESULTS = MEASURED / "messages_settings.csv"
PLANNED = [
    {"learning_rate": rate, "batch_size": size, "seed": seed}
    for rate, size in ((1e-4, 32), (1e-4, 16), (2e-4, 16), (4e-4, 16))
    for seed in range(3)
]


def run(learning_rate: float, batch_size: int, seed: int) -> dict:
    """Eight epochs; the figures of the one with the lowest validation loss."""
    path = downloads.ROOT / "data" / "messages.csv"
    mine = own_data.load(path, "message", "intent")
    tokenizer, model = checkpoints.load(num_labels=len(mine.names), seed=seed)
    config = training.TrainingConfig(
        epochs=8,
        batch_size=batch_size,
        learning_rate=learning_rate,
        best_metric="validation_loss",
        seed=seed,
    )
    parts = mine.datasets["train"], mine.datasets["validation"]
    result = training.fine_tune(model, tokenizer, *parts, config)
    best = result.rows[result.best_epoch - 1]
    return {
        "best_epoch": result.best_epoch,
        "validation_loss": round(best["validation_loss"], 4),
        "validation_accuracy": round(best["accuracy"], 4),
    }


def main() -> None:
    """Do the runs that are missing, then print the means over seeds."""
    runs.drive(PLANNED, run, RESULTS, limit=len(PLANNED))
    table = pd.read_csv(RESULTS).groupby(["learning_rate", "batch_size"])
    print(table[["best_epoch", "validation_loss", "validation_accuracy"]].mean().round(3))


if __name__ == "__main__":
    main()
