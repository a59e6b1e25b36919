"""One training run, step by step, for the interactive replay of notebook 04.

    python -m tools.experiments.replay_table

Trains as notebook 04 does in its section on overfitting (256 sentences, ten epochs, seed 0) and
writes `helpers/widgets/static/replay.json.gz`. After every step it notes the loss of the batch, one
sentence of it, and the probability of positive that the model, with dropout off, gives to four
validation sentences; after every epoch, the figures of the run. Looking changes nothing: the
weights, the order of the batches and the random numbers are those of a run without it.
"""

import gzip
import json

from datasets import Dataset
from scipy import special

from helpers import batching, checkpoints, corpora, runtime, training, widgets
from tools.experiments.provenance import provenance, write_page

TABLE = widgets.STATIC / "replay.json.gz"
SEED, SENTENCES = 0, 256
CONFIG = training.TrainingConfig(epochs=10, best_metric="validation_loss", seed=SEED)
SHORT = range(40, 71)  # characters of a sentence that fits a line or two


def first_short(data: Dataset, label: int, count: int) -> list[int]:
    """Rows of the first short sentences with a label."""
    rows = [row for row, text in enumerate(data["text"]) if len(text) in SHORT]
    return [row for row in rows if data["label"][row] == label][:count]


def shortest(texts: list[str], batch: list[int]) -> int:
    """The row of a batch whose sentence is the shortest."""
    return min(batch, key=lambda row: len(texts[row]))


def main() -> None:
    """Train, record, write."""
    reviews = corpora.load("reviews")
    train, validation = reviews["train"].select(range(SENTENCES)), reviews["validation"]
    watched = [row for label in (0, 1) for row in first_short(validation, label, 2)]
    sentences = [validation["text"][row] for row in watched]
    tokenizer, model = checkpoints.load(seed=SEED)
    steps, texts = [], train["text"][:]
    lengths = [len(ids) for ids in batching.tokenize(texts, tokenizer)]

    def positive() -> list[float]:
        logits = training.predict(model, tokenizer, sentences).astype(float)
        return special.softmax(logits, axis=1)[:, 1].round(3).tolist()

    def note(run: training.TrainingRun) -> None:
        batch = batching.bucketed(lengths, CONFIG.batch_size, (SEED, run.epoch))[run.batch - 1]
        steps.append([round(run.loss, 4), shortest(texts, batch), *positive()])

    before = positive()
    run = training.fine_tune(model, tokenizer, train, validation, CONFIG, on_step=note)
    shown = sorted({row for _, row, *_ in steps})
    found = {
        "steps": steps,
        "epochs": run.history.round(4).to_dict("records"),
        "before": before,
        "texts": {row: [texts[row], train["label"][row]] for row in shown},
        "watched": [[validation["text"][row], validation["label"][row]] for row in watched],
        "names": train.features["label"].names,
        "validation": len(validation),
        "best": run.best_epoch,
        "size": CONFIG.batch_size,
        "rate": CONFIG.learning_rate,
        "warmup": CONFIG.warmup_share,
        "precision": runtime.precision_name(),
    }
    found |= provenance()
    content = json.dumps(found, separators=(",", ":"), ensure_ascii=False).encode()
    write_page(TABLE, gzip.compress(content, 9, mtime=0))
    print(run.history.round(3).to_string(index=False))


if __name__ == "__main__":
    main()
