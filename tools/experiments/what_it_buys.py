"""Notebook 08's study: what fine-tuning buys, label by label, and what it costs.

    python3 tasks.py study 08 [--limit N] [--processes N]

Rows of the reviews' train part, drawn by a seed: nested (the first 64 of a seed are among its first
256), as many of each class. The same seed is the same draw for every model. What was chosen (rates
and steps) was chosen on the validation part, seeds from 100 on, rows with `scored` "validation".
Rows with `scored` "test" count what is right on the 1,705 test sentences; nothing is chosen there,
and the last epoch stays. `cpu_seconds` is the processor time of training, all threads; it does not
count waiting. At all 5,970 labels the draw is the whole part, and of the baselines only the inner
folds depend on the seed (four seeds of TF-IDF gave the same 1,305), so one row is kept.
"""

import time
from functools import cache

import numpy as np
from datasets import Dataset, DatasetDict

from helpers import baselines, checkpoints, corpora, metrics, runtime, training
from helpers.measured.what_it_buys import (
    AT_LEAST,
    AT_LEAST_RANDOM,
    FEWER,
    FROZEN,
    FULL,
    LORA,
    RANDOM,
    RATE,
    RATE_AT_FEWER,
    SIZES,
    TFIDF,
    TOP,
    draw,
    epochs_for,
    flip,
    restrict,
)
from tools.experiments import runs
from tools.experiments.provenance import MEASURED

RESULTS = MEASURED / "what_it_buys.csv"
KEYS = ["scored", "model", "n", "flipped", "rate", "steps", "seed"]

CONTROL = "labels shuffled"
SEEDS, LIVE, LIVE_SEEDS = range(5), 512, range(8)
NOISE = (10, 20, 30, 40)

# What is tried on the validation part, in one run each at 1,024 labels; steps also at 64 labels.
RATES = {
    FULL: (5e-5, 1e-4, 3e-4),
    TOP: (1e-4, 3e-4, 1e-3),
    LORA: (3e-4, 1e-3, 3e-3, 1e-2, 3e-2),
    RANDOM: (3e-5, 1e-4, 3e-4, 1e-3),
}
STEPS, TUNING_SEEDS = (0, 60, 120), range(100, 105)
RATES_AT_LEAST = {TOP: (1e-4, 3e-4, 1e-3), LORA: (1e-3, 3e-3, 1e-2)}
RANDOM_SIZES = (256, 1024, 5970)


def planned() -> list[dict]:
    """The runs, in an order in which every part of the list is already of use."""
    runs = [
        ("validation", model, 1024, 0, rate, FEWER, 100) for model in RATES for rate in RATES[model]
    ]
    runs += [
        ("validation", FULL, 64, 0, 1e-4, steps, seed) for steps in STEPS for seed in (100, 101)
    ]
    runs += [("validation", RANDOM, 1024, 0, 1e-4, AT_LEAST_RANDOM, 100)]
    runs += [("validation", FULL, 1024, 0, 1e-4, FEWER, seed) for seed in TUNING_SEEDS[1:]]
    runs += [("validation", FULL, 1024, 0, 1e-4, AT_LEAST, seed) for seed in TUNING_SEEDS]
    runs += [
        ("validation", model, 1024, 0, rate, AT_LEAST, 100)
        for model in RATES_AT_LEAST
        for rate in RATES_AT_LEAST[model]
    ]
    cheap = [(n, 0) for n in SIZES] + [(1024, share) for share in NOISE]
    for model in (TFIDF, FROZEN):
        runs += [("test", model, *point, 0.0, 0, seed) for point in cheap for seed in SEEDS]
        runs += [("test", model, 5970, 0, 0.0, 0, 0)]
    runs += [tested(FULL, LIVE, 0, seed) for seed in LIVE_SEEDS]
    runs += [tested(CONTROL, LIVE, 0, seed) for seed in range(2)]
    runs += [tested(FULL, n, 0, seed) for seed in SEEDS for n in SIZES if n != LIVE]
    runs += [tested(model, 1024, 0, seed) for seed in SEEDS for model in (LORA, TOP)]
    runs += [("test", LORA, 1024, 0, RATE_AT_FEWER[LORA], AT_LEAST, seed) for seed in SEEDS]
    runs += [tested(FULL, 1024, share, seed) for seed in SEEDS for share in NOISE]
    runs += [tested(FULL, 5970, 0, seed) for seed in SEEDS]
    runs += [("test", FULL, 1024, 0, RATE[FULL], FEWER, seed) for seed in SEEDS]
    runs += [tested(RANDOM, n, 0, seed) for n in reversed(RANDOM_SIZES) for seed in SEEDS]
    return [dict(zip(KEYS, run, strict=True)) for run in runs]


def tested(model: str, n: int, flipped: int, seed: int) -> tuple:
    """A trained run with what was chosen for its model; with all labels two epochs have more."""
    steps = AT_LEAST_RANDOM if model == RANDOM else FEWER if n == 5970 else AT_LEAST
    return "test", model, n, flipped, RATE.get(model, RATE[FULL]), steps, seed


@cache
def data() -> DatasetDict:
    """The reviews."""
    return corpora.load("reviews")


@cache
def features(part: str) -> tuple[np.ndarray, float]:
    """Features of the frozen encoder for all texts of a part, and the CPU seconds of one text."""
    start = time.process_time()
    found = baselines.mean_features(data()[part]["text"])
    return found, (time.process_time() - start) / len(found)


def relabelled(dataset: Dataset, labels: np.ndarray) -> Dataset:
    """The same texts with other labels."""
    return dataset.remove_columns("label").add_column("label", labels).cast(dataset.features)


def run(scored: str, model: str, n: int, flipped: int, rate: float, steps: int, seed: int) -> dict:
    """Learn from n labels and count what is right on the part that is scored."""
    train, part = data()["train"], data()[scored]
    rows = draw(np.asarray(train["label"]), n, seed)
    labels = flip(np.asarray(train["label"])[rows], flipped, seed)
    few = relabelled(train.select(rows), labels)
    if model == CONTROL:
        few = corpora.with_shuffled_labels(few, seed)
    if model in (TFIDF, FROZEN):
        found = baseline(model, few, rows, part, scored, seed)
    else:
        found = trained(model, few, part, rate, steps, seed)
    scores = found.pop("scores")
    truth = np.asarray(part["label"])
    right = int((scores.argmax(axis=1) == truth).sum())
    loss = metrics.negative_log_likelihood(truth, scores)
    row = {"right": right, "of": len(truth), "loss": round(loss, 4)}
    return row | found | {"precision": runtime.precision_name()}


def baseline(
    model: str, few: Dataset, rows: np.ndarray, part: Dataset, scored: str, seed: int
) -> dict:
    """Logistic regression on words or frozen features; what it chooses, it chooses within `few`."""
    inputs, unseen, extra = few["text"][:], part["text"][:], 0.0
    if model == FROZEN:
        (inputs, each), (unseen, _) = features("train"), features(scored)
        inputs, extra = inputs[rows], each * len(rows)
    start = time.process_time()
    estimator = baselines.tfidf(seed) if model == TFIDF else baselines.on_features(seed)
    fitted = estimator.fit(inputs, few["label"][:])
    took = time.process_time() - start + extra
    trained = sum(
        p.size for p in (fitted.best_estimator_[-1].coef_, fitted.best_estimator_[-1].intercept_)
    )
    found = {"scores": fitted.predict_log_proba(unseen), "cpu_seconds": round(took, 2)}
    return found | {"trained": trained, "epochs": 0}


def trained(model: str, few: Dataset, part: Dataset, rate: float, steps: int, seed: int) -> dict:
    """The encoder trained as `model` says, and the logits of its last epoch."""
    tokenizer, network = checkpoints.load(seed=seed, pretrained=model != RANDOM)
    if model in (TOP, LORA):
        restrict(network, model, seed=seed)
    epochs = epochs_for(len(few), steps)
    config = training.TrainingConfig(
        epochs=epochs,
        learning_rate=rate,
        best_metric="epoch",
        freeze_word_embeddings=model in (TOP, LORA),
        seed=seed,
    )
    start = time.process_time()
    training.fine_tune(network, tokenizer, few, few.select(range(2)), config)
    took = time.process_time() - start
    count = sum(p.numel() for p in network.parameters() if p.requires_grad)
    found = {"scores": training.predict(network, tokenizer, part["text"])}
    return found | {"cpu_seconds": round(took, 2), "trained": count, "epochs": epochs}


def main() -> None:
    """Do the runs that are not there yet."""
    runs.drive(planned(), run, RESULTS, **runs.options(__doc__))


if __name__ == "__main__":
    main()
