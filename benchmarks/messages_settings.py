"""Which rate and batch size for the course's own CSV? Chosen on its validation part only.

    python benchmarks/messages_settings.py

The test part is never scored here. Results: messages_settings.csv; notebook 13 reads them.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import pandas as pd

import studies
from helpers import checkpoints, downloads, own_data, training

RESULTS = Path(__file__).with_suffix(".csv")
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
    studies.drive(PLANNED, run, RESULTS, limit=len(PLANNED))
    table = pd.read_csv(RESULTS).groupby(["learning_rate", "batch_size"])
    print(table[["best_epoch", "validation_loss", "validation_accuracy"]].mean().round(3))


if __name__ == "__main__":
    main()
