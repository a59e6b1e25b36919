"""Does fine-tuning beat frozen features on the course's own CSV? Every message is asked once.

    python -m tools.experiments.messages_crossed

Five folds of the train and the validation part together; the test part is never scored here.
Results: messages_crossed.csv, a run a row, its hits in the order of the pool; notebook 13 reads it.
"""

import numpy as np
from datasets import concatenate_datasets
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from helpers import baselines, downloads, own_data, training, validation
from tools.experiments import runs
from tools.experiments.provenance import MEASURED

RESULTS = MEASURED / "messages_crossed.csv"
PLANNED = [{"model": model, "seed": 0} for model in ("frozen features", "TF-IDF", "fine-tuned")]


def run(model: str, seed: int) -> dict:
    """Which messages are right when they are held out: a + or a - for each."""
    mine = own_data.load(downloads.DATA / "messages.csv", "message", "intent")
    pool = concatenate_datasets([mine.datasets["train"], mine.datasets["validation"]])
    config = training.TrainingConfig(
        epochs=8, batch_size=16, learning_rate=2e-4, best_metric="validation_loss"
    )
    models = {
        "frozen features": validation.Estimator(
            make_pipeline(FunctionTransformer(baselines.mean_features), baselines.on_features())
        ),
        "TF-IDF": validation.Estimator(baselines.tfidf()),
        "fine-tuned": validation.FineTuned(config, num_labels=len(mine.names)),
    }
    hits = validation.cross_validate(pool, models[model], seeds=(seed,)).hits()
    return {
        "accuracy": round(float(np.mean(hits)), 4),
        "hits": "".join("+" if hit else "-" for hit in hits),
    }


def main() -> None:
    """Do the runs that are missing."""
    runs.drive(PLANNED, run, RESULTS, limit=len(PLANNED))


if __name__ == "__main__":
    main()
