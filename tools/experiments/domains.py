"""Notebook 09's study: human ratings learned in one domain and predicted in four.

    python3 tasks.py study 09 [--limit N] [--processes N]

Each run draws rows of a domain's train part by its seed, most often 800, learns from them, and
predicts the test part of all four domains. Of four learning rates the one with the lowest squared
error on the validation part is taken, averaged over the domains (the rows `tuning`, with another
seed); the last of three epochs stays: nothing is chosen on what is scored. A row a run in
data/measured/domains.csv, and what every run predicts for the test part, in hundredths, in
data/measured/domains_predictions.csv: two ways can then be compared sentence by sentence.
"""

import importlib.util
import time
from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
from datasets import ClassLabel, Dataset, DatasetDict, concatenate_datasets
from scipy import special, stats
from sklearn.model_selection import GridSearchCV
from torch import Tensor
from torch.nn.functional import cross_entropy, l1_loss, mse_loss

from helpers import baselines, checkpoints, corpora, downloads, runtime, training
from helpers.measured.domains import (
    AMOUNTS,
    DOMAINS,
    KEYS,
    RATE,
    RATES,
    ROWS,
    SEEDS,
    TUNING_SEED,
    epochs_for,
    in_domain,
)
from tools.experiments import runs
from tools.experiments.provenance import MEASURED

RESULTS = MEASURED / "domains.csv"
PREDICTIONS = MEASURED / "domains_predictions.csv"

MSE, MAE, SIGMOID, CLASSES = "mse", "mae", "sigmoid", "classes"
CONTROL = "labels shuffled"
TUNING, TFIDF, FEATURES, VADER = "tuning", "tf-idf", "frozen", "vader"


def planned() -> list[dict]:
    """The runs, in an order in which every part of the list is already of use."""
    runs = [(TUNING, "all", ROWS, 0, rate, TUNING_SEED) for rate in RATES]
    runs += [(VADER, "lexicon", 0, 0, 0.0, 0)]
    for model in (TFIDF, FEATURES):
        runs += [(model, source, ROWS, 0, 0.0, seed) for seed in SEEDS for source in DOMAINS]
    runs += [(MSE, source, ROWS, 0, RATE, seed) for seed in SEEDS for source in DOMAINS]
    runs += [(CONTROL, "tweets", ROWS, 0, RATE, 0)]
    for seed in SEEDS:
        runs += [(CLASSES, "movie", ROWS, 0, RATE, seed)]
        runs += [(model, "tweets", ROWS, 0, RATE, seed) for model in (SIGMOID, MAE)]
    for amount in AMOUNTS:
        runs += [(MSE, "movie", ROWS, amount, RATE, seed) for seed in SEEDS]
        if amount != ROWS:
            runs += [(MSE, "tweets", amount, 0, RATE, seed) for seed in SEEDS]
    return [dict(zip(KEYS, run, strict=True)) for run in runs]


@cache
def data() -> DatasetDict:
    """The rated sentences."""
    return corpora.load("ratings")


def draw(source: str, rows: int, seed: int) -> Dataset:
    """So many rows of a domain's train part, drawn by the seed; of "all": as many of each."""
    if source == "all":
        share = rows // len(DOMAINS)
        return concatenate_datasets([draw(domain, share, seed) for domain in DOMAINS])
    there = in_domain(data()["train"], source)
    return there.select(np.random.default_rng(seed).permutation(len(there))[:rows])


def squared(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean squared error of outputs (B, 1) and labels (B,)."""
    return mse_loss(logits.squeeze(1), labels)


def absolute(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean absolute error of outputs (B, 1) and labels (B,)."""
    return l1_loss(logits.squeeze(1), labels)


def squashed(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean squared error after a sigmoid: a mistake, to be measured."""
    return squared(logits.sigmoid(), labels)


def as_classes(rows: Dataset) -> Dataset:
    """The same rows with the sign of the mean as the label, 1 if positive; zeros are left out."""
    rows = rows.select(np.flatnonzero(np.asarray(rows["label"])))
    positive = [int(label > 0) for label in rows["label"]]
    named = rows.remove_columns("label").add_column("label", positive)
    return named.cast_column("label", ClassLabel(names=["negative", "positive"]))


def prepared(model: str, rows: Dataset, seed: int) -> tuple[Dataset, Callable, int]:
    """What a fine-tuned model learns from, by which loss, with how many outputs."""
    if model == CLASSES:
        return as_classes(rows), cross_entropy, 2
    if model == CONTROL:
        rows = corpora.with_shuffled_labels(rows, seed)
    return rows, {MAE: absolute, SIGMOID: squashed}.get(model, squared), 1


def nothing(_) -> dict[str, float]:
    """No metrics: no epoch is chosen."""
    return {}


def fine_tuned(model: str, rows: Dataset, rate: float, seed: int) -> Callable:
    """Train; returns a function from texts to predictions: a rating, or a log-odds of classes."""
    rows, loss_function, num_labels = prepared(model, rows, seed)
    tokenizer, network = checkpoints.load(num_labels=num_labels, seed=seed)
    config = training.TrainingConfig(
        epochs=epochs_for(len(rows)), learning_rate=rate, best_metric="epoch", seed=seed
    )
    parts = rows, rows.select(range(32))
    options = {"compute_metrics": nothing, "loss_function": loss_function}
    training.fine_tune(network, tokenizer, *parts, config, **options)

    def predict(texts: list[str]) -> np.ndarray:
        logits = training.predict(network, tokenizer, texts)
        if model == SIGMOID:
            return special.expit(logits[:, 0])
        return logits[:, -1] - (logits[:, 0] if num_labels == 2 else 0)

    return predict


@cache
def features_of(texts: tuple[str, ...]) -> np.ndarray:
    """Frozen features of the same texts, computed once a process."""
    return baselines.mean_features(list(texts))


def baseline(model: str, rows: Dataset, seed: int) -> Callable:
    """Fit a simpler model; returns a function from texts to ratings."""
    texts, labels = rows["text"][:], np.asarray(rows["label"])
    search: GridSearchCV
    if model == TFIDF:
        search = baselines.tfidf_ridge(seed).fit(texts, labels)
        return search.predict
    search = baselines.ridge_on_features(seed).fit(features_of(tuple(texts)), labels)
    return lambda texts: search.predict(features_of(tuple(texts)))


def vader() -> Callable:
    """VADER with its rules, from its own program: texts to `compound`, -1 to 1."""
    path = downloads.folder("lexicon") / "vaderSentiment.py"
    spec = importlib.util.spec_from_file_location("vader", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    analyzer = module.SentimentIntensityAnalyzer()
    return lambda texts: np.array([analyzer.polarity_scores(text)["compound"] for text in texts])


def figures(labels: np.ndarray, predictions: np.ndarray) -> dict[str, float]:
    """Correlations, R² and errors of predictions (n,), and how often the sign is right."""
    errors, signed = labels - predictions, labels != 0
    found = {
        "pearson": stats.pearsonr(labels, predictions).statistic,
        "spearman": stats.spearmanr(labels, predictions).statistic,
        "r2": 1 - (errors**2).mean() / labels.var(),
        "mae": abs(errors).mean(),
        "rmse": np.sqrt((errors**2).mean()),
        "sign": ((labels > 0) == (predictions > 0))[signed].mean(),
    }
    return {name: round(float(value), 5) for name, value in found.items()}


def keep(entry: dict, predictions: np.ndarray) -> None:
    """Store the predictions of a run, in hundredths."""
    there = runs.read(PREDICTIONS, KEYS)
    if not (there[KEYS] == pd.Series(entry)).all(axis=1).any():
        text = " ".join(map(str, np.rint(100 * predictions).astype(int)))
        runs.append(PREDICTIONS, entry | {"hundredths": text})


def run(model: str, source: str, rows: int, tweets: int, rate: float, seed: int) -> dict:
    """Learn once, predict every domain; figures by domain in columns such as `r2_movie`."""
    entry = dict(zip(KEYS, (model, source, rows, tweets, rate, seed), strict=True))
    started = time.process_time()
    learned = draw(source, rows, seed) if rows else None
    if tweets:
        learned = concatenate_datasets([learned, draw("tweets", tweets, seed)])
    if model == VADER:
        predict = vader()
    elif model in (TFIDF, FEATURES):
        predict = baseline(model, learned, seed)
    else:
        predict = fine_tuned(model, learned, rate, seed)
    scored = data()["validation" if model == TUNING else "test"]
    labels, domain = np.asarray(scored["label"]), np.asarray(scored["domain"])
    predictions = np.asarray(predict(scored["text"][:]), dtype=float)
    if model != TUNING:
        predictions = np.rint(100 * predictions) / 100
        keep(entry, predictions)
    found = {"precision": runtime.precision_name()}
    for number, name in enumerate(DOMAINS):
        of_one = figures(labels[domain == number], predictions[domain == number])
        found |= {f"{metric}_{name}": value for metric, value in of_one.items()}
    return found | {"cpu_seconds": round(time.process_time() - started, 1)}


def main() -> None:
    """Do the runs that are not there yet."""
    runs.drive(planned(), run, RESULTS, **runs.options(__doc__))


if __name__ == "__main__":
    main()
