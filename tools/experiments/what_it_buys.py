"""Notebook 08's study: what fine-tuning buys, label by label, and what it costs.

    python3 tasks.py study 08 [--limit N] [--processes N]

Rows of the reviews' train part, drawn by a seed: nested (the first 64 of a seed are among its first
256), as many of each class. The same seed is the same draw for every model. What was chosen (rates
and steps) was chosen on the validation part, seeds from 100 on, rows with `scored` "validation".
Rows with `scored` "test" count what is right on the 1,705 test sentences, after the last epoch. Two
choices were made again, on validation, after such rows had been seen: the steps and LoRA's rate.
`cpu_seconds` is the processor time of training, all threads; it does not count waiting. At all
5,970 labels the draw is the whole part, and of the baselines only the inner folds depend on the
seed (four seeds of TF-IDF gave the same 1,305), so one row is kept.

These rows hold counts only. The runs of `planned_again`, not all of which are made yet, are made
anew in fp32 and keep which sentences were right (`hits`, see `packed`), of the test part and of
2,113 sentences outside the reviews (`fresh`): data/measured/what_it_buys_hits.csv. Nothing compares
a row of one file with a row of the other. Within the second, all seeds of one model and size come
from one kind of processor (`processor`).
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
    PARTS,
    RANDOM,
    RATE,
    RATE_AT_FEWER,
    SIZES,
    TFIDF,
    TOP,
    draw,
    epochs_for,
    flip,
    fresh,
    packed,
    restrict,
)
from tools.experiments import runs
from tools.experiments.provenance import MEASURED

RESULTS = MEASURED / "what_it_buys.csv"
HITS = MEASURED / "what_it_buys_hits.csv"
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

# In what order the runs with hits are made: first where verdicts were closest.
SIZES_AGAIN, NOISE_AGAIN = (256, 64, 1024, 16, 512, 128, 32, 2048), (20, 10, 40, 30)


def planned() -> list[dict]:
    """The runs, in an order in which every part of the list is already of use."""
    entries = [
        ("validation", model, 1024, 0, rate, FEWER, 100) for model in RATES for rate in RATES[model]
    ]
    entries += [
        ("validation", FULL, 64, 0, 1e-4, steps, seed) for steps in STEPS for seed in (100, 101)
    ]
    entries += [("validation", RANDOM, 1024, 0, 1e-4, AT_LEAST_RANDOM, 100)]
    entries += [("validation", FULL, 1024, 0, 1e-4, FEWER, seed) for seed in TUNING_SEEDS[1:]]
    entries += [("validation", FULL, 1024, 0, 1e-4, AT_LEAST, seed) for seed in TUNING_SEEDS]
    entries += [
        ("validation", model, 1024, 0, rate, AT_LEAST, 100)
        for model in RATES_AT_LEAST
        for rate in RATES_AT_LEAST[model]
    ]
    entries += regressions()
    entries += [tested(FULL, LIVE, 0, seed) for seed in LIVE_SEEDS]
    entries += [tested(CONTROL, LIVE, 0, seed) for seed in range(2)]
    entries += [tested(FULL, n, 0, seed) for seed in SEEDS for n in SIZES if n != LIVE]
    entries += [tested(model, 1024, 0, seed) for seed in SEEDS for model in (LORA, TOP)]
    entries += [("test", LORA, 1024, 0, RATE_AT_FEWER[LORA], AT_LEAST, seed) for seed in SEEDS]
    entries += [tested(FULL, 1024, share, seed) for seed in SEEDS for share in NOISE]
    entries += [tested(FULL, 5970, 0, seed) for seed in SEEDS]
    entries += [("test", FULL, 1024, 0, RATE[FULL], FEWER, seed) for seed in SEEDS]
    entries += [tested(RANDOM, n, 0, seed) for n in reversed(RANDOM_SIZES) for seed in SEEDS]
    return [dict(zip(KEYS, run, strict=True)) for run in entries]


def planned_again() -> list[dict]:
    """The runs of which hits are kept, in an order in which every part is already of use."""
    entries = regressions()
    entries += [tested(FULL, n, 0, seed) for n in SIZES_AGAIN[:4] for seed in SEEDS]
    entries += [("test", FULL, 1024, 0, RATE[FULL], FEWER, seed) for seed in SEEDS]
    entries += [tested(FULL, n, 0, seed) for n in SIZES_AGAIN[4:] for seed in SEEDS]
    entries += [tested(FULL, 5970, 0, seed) for seed in SEEDS]
    entries += [tested(FULL, 1024, share, seed) for share in NOISE_AGAIN for seed in SEEDS]
    entries += [tested(model, 1024, 0, seed) for model in (LORA, TOP) for seed in SEEDS]
    entries += [("test", LORA, 1024, 0, RATE_AT_FEWER[LORA], AT_LEAST, seed) for seed in SEEDS]
    entries += [tested(RANDOM, n, 0, seed) for n in (1024, 256, 5970) for seed in SEEDS]
    return [dict(zip(KEYS, run, strict=True)) for run in entries]


def regressions() -> list[tuple]:
    """The runs of both regressions, which need no choice of ours; with all labels one is enough."""
    entries, points = [], [(n, 0) for n in SIZES] + [(1024, share) for share in NOISE]
    for model in (TFIDF, FROZEN):
        entries += [("test", model, *point, 0.0, 0, seed) for point in points for seed in SEEDS]
        entries += [("test", model, 5970, 0, 0.0, 0, 0)]
    return entries


def tested(model: str, n: int, flipped: int, seed: int) -> tuple:
    """A trained run with what was chosen for its model; with all labels two epochs have more."""
    steps = AT_LEAST_RANDOM if model == RANDOM else FEWER if n == 5970 else AT_LEAST
    return "test", model, n, flipped, RATE.get(model, RATE[FULL]), steps, seed


@cache
def data() -> DatasetDict:
    """The reviews."""
    return corpora.load("reviews")


@cache
def part_of(name: str) -> Dataset:
    """A part of the reviews, or "fresh"."""
    return fresh() if name == "fresh" else data()[name]


@cache
def features(part: str) -> tuple[np.ndarray, float]:
    """Features of the frozen encoder for all texts of a part, and the CPU seconds of one text."""
    start = time.process_time()
    found = baselines.mean_features(part_of(part)["text"])
    return found, (time.process_time() - start) / len(found)


def relabelled(dataset: Dataset, labels: np.ndarray) -> Dataset:
    """The same texts with other labels."""
    return dataset.remove_columns("label").add_column("label", labels).cast(dataset.features)


def run(scored: str, model: str, n: int, flipped: int, rate: float, steps: int, seed: int) -> dict:
    """Learn from n labels and count what is right on the part that is scored."""
    few, rows = learned_from(model, n, flipped, seed)
    scores, found = learn(model, few, rows, [scored], rate, steps, seed)
    truth = np.asarray(part_of(scored)["label"])
    right = int((scores[0].argmax(axis=1) == truth).sum())
    loss = metrics.negative_log_likelihood(truth, scores[0])
    row = {"right": right, "of": len(truth), "loss": round(loss, 4)}
    return row | found | {"precision": runtime.precision_name()}


def run_again(
    scored: str, model: str, n: int, flipped: int, rate: float, steps: int, seed: int
) -> dict:
    """Learn from n labels in fp32; keep which sentences are right, also of those outside."""
    few, rows = learned_from(model, n, flipped, seed)
    parts = [scored, "fresh"]
    scores, row = learn(model, few, rows, parts, rate, steps, seed, "fp32")
    answers = [found.argmax(axis=1) for found in scores]
    return row | {"precision": "float32"} | hits_of(parts, answers)


def hits_of(parts: list[str], answers: list[np.ndarray]) -> dict:
    """The columns that say which sentences of each part were right, and how many."""
    row = {}
    for part, found in zip(parts, answers, strict=True):
        right, ending = found == np.asarray(part_of(part)["label"]), PARTS.get(part, "")
        row |= {f"right{ending}": int(right.sum()), f"of{ending}": len(right)}
        row |= {f"hits{ending}": packed(right)}
    return row


def learned_from(model: str, n: int, flipped: int, seed: int) -> tuple[Dataset, np.ndarray]:
    """The sentences of a draw with the labels that the model is given, and their rows."""
    train = data()["train"]
    rows = draw(np.asarray(train["label"]), n, seed)
    labels = flip(np.asarray(train["label"])[rows], flipped, seed)
    few = relabelled(train.select(rows), labels)
    return (corpora.with_shuffled_labels(few, seed) if model == CONTROL else few), rows


def learn(
    model: str,
    few: Dataset,
    rows: np.ndarray,
    parts: list[str],
    rate: float,
    steps: int,
    seed: int,
    precision: str = "auto",
) -> tuple[list[np.ndarray], dict]:
    """Scores of every text of each part, shape (n, 2), and what learning took."""
    if model in (TFIDF, FROZEN):
        return baseline(model, few, rows, parts, seed)
    return trained(model, few, parts, rate, steps, seed, precision)


def baseline(
    model: str, few: Dataset, rows: np.ndarray, parts: list[str], seed: int
) -> tuple[list[np.ndarray], dict]:
    """Logistic regression on words or frozen features; what it chooses, it chooses within `few`."""
    inputs, unseen, extra = few["text"][:], [part_of(part)["text"][:] for part in parts], 0.0
    if model == FROZEN:
        (inputs, each), unseen = features("train"), [features(part)[0] for part in parts]
        inputs, extra = inputs[rows], each * len(rows)
    start = time.process_time()
    estimator = baselines.tfidf(seed) if model == TFIDF else baselines.on_features(seed)
    fitted = estimator.fit(inputs, few["label"][:])
    took = time.process_time() - start + extra
    last = fitted.best_estimator_[-1]
    found = {"cpu_seconds": round(took, 2), "trained": last.coef_.size + last.intercept_.size}
    return [fitted.predict_log_proba(texts) for texts in unseen], found | {"epochs": 0}


def trained(
    model: str,
    few: Dataset,
    parts: list[str],
    rate: float,
    steps: int,
    seed: int,
    precision: str,
) -> tuple[list[np.ndarray], dict]:
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
        precision=precision,
        seed=seed,
    )
    start = time.process_time()
    training.fine_tune(network, tokenizer, few, few.select(range(2)), config)
    took = time.process_time() - start
    count = sum(p.numel() for p in network.parameters() if p.requires_grad)
    scores = [training.predict(network, tokenizer, part_of(part)["text"]) for part in parts]
    return scores, {"cpu_seconds": round(took, 2), "trained": count, "epochs": epochs}


def main() -> None:
    """Do the runs that are not there yet."""
    options = runs.options(__doc__)
    options["limit"] -= runs.drive(planned(), run, RESULTS, **options)
    runs.refuse_two_processors(planned_again(), HITS, KEYS[:-1])
    runs.drive(planned_again(), run_again, HITS, **options)


if __name__ == "__main__":
    main()
