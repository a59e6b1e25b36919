"""The logits of notebook 04's model, recorded for notebook 05: figures that are the same anywhere.

    python -m tools.experiments.evaluation_logits

Trains as notebook 04 does in its section "The full run" (seed 0) and records, after each epoch,
the logits of all validation and test reviews and of as many training reviews as there are for the
test. One row a review, in the order of `corpora.load`; provenance in the .json beside it.
"""

import json

import numpy as np
import pandas as pd

from helpers import checkpoints, corpora, runtime, training
from tools.experiments.provenance import MEASURED, provenance, write_page

RESULTS = MEASURED / "evaluation_logits.csv"
SEED = 0


def main() -> None:
    """Train, record, write."""
    reviews = corpora.load("reviews")
    parts = {
        "train": reviews["train"].select(range(len(reviews["test"]))),
        "validation": reviews["validation"],
        "test": reviews["test"],
    }
    table = pd.concat(
        pd.DataFrame({"part": part, "row": range(len(data)), "label": data["label"][:]})
        for part, data in parts.items()
    )
    tokenizer, model = checkpoints.load(seed=SEED)
    texts = [text for data in parts.values() for text in data["text"]]
    epochs = []

    def record(prediction) -> dict[str, float]:
        epochs.append(training.predict(model, tokenizer, texts))
        return training.accuracy(prediction)

    config = training.TrainingConfig(seed=SEED)
    run = training.fine_tune(
        model, tokenizer, reviews["train"], reviews["validation"], config, record
    )
    for epoch, logits in enumerate(epochs, start=1):
        for label in (0, 1):
            table[f"epoch{epoch}_logit{label}"] = np.round(logits[:, label], 3)
    write_page(RESULTS, table.to_csv(index=False))
    facts = {
        "best_epoch": run.best_epoch,
        "precision": runtime.precision_name(),
        "fingerprints": {part: corpora.fingerprint(reviews[part]) for part in parts},
    }
    facts |= provenance()
    write_page(RESULTS.with_suffix(".json"), json.dumps(facts, indent=1) + "\n")
    print(run.history.round(3).to_string(index=False))


if __name__ == "__main__":
    main()
