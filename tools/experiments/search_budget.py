"""Twelve random settings for each model at 256 labels, and what the best is worth.

    python -m tools.experiments.search_budget [--limit N] [--processes N]

Each model gets the same number of tries, each try a setting of its own from ranges that suit the
model (`settings`). A try learns from the same 256 reviews (seed 100) and is scored on the
validation part only. The best try of each model is then trained once on each of the study's draws 0
to 4 and scored on the test part and on the fresh sentences, of which the rows keep which were right
(`hits`). All in fp32, as those of `what_it_buys_hits.csv`, so that the rows of the two files can be
compared draw by draw; all tries of one model come from one kind of processor.
"""

import math
import time
from collections.abc import Iterable

import numpy as np
import pandas as pd
from datasets import Dataset
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from helpers import baselines, checkpoints, training
from helpers.measured.what_it_buys import FROZEN, FULL, RANDOM, TFIDF
from tools.experiments import runs
from tools.experiments.provenance import MEASURED
from tools.experiments.what_it_buys import features, hits_of, learned_from, part_of

RESULTS = MEASURED / "search_budget.csv"
KEYS = ["scored", "model", "tried", "seed"]
N, TRIES, SEARCH_SEED, SEEDS = 256, 12, 100, range(5)
MODELS = (FULL, TFIDF, FROZEN, RANDOM)

# From where a try is drawn, each on a logarithmic scale; what starts from nothing needs other rates
# and more steps. Warm-up, for both networks: a share of the steps from 0 to 0.3.
RATES = {FULL: (1e-5, 1e-3), RANDOM: (2e-5, 2e-3)}
EPOCHS = {FULL: (2, 10), RANDOM: (4, 20)}
BATCH = 16  # half as much as in the study: as many steps at half the price
STRENGTHS = {TFIDF: (0.1, 100), FROZEN: (1e-4, 1)}


def settings(model: str) -> list[dict]:
    """The twelve settings of a model, always the same: for a network rate, epochs and warm-up.

    For a regression it is C, and for TF-IDF also the longest run of words that counts.
    """
    rng = np.random.default_rng([2012, MODELS.index(model)])

    def logarithmic(low: float, high: float) -> float:
        return math.exp(rng.uniform(math.log(low), math.log(high)))

    tries = []
    for _ in range(TRIES):
        if model in STRENGTHS:
            words = int(rng.integers(1, 3)) if model == TFIDF else 0
            tries.append({"C": round_to(logarithmic(*STRENGTHS[model])), "words": words})
        else:
            rate, epochs = logarithmic(*RATES[model]), logarithmic(*EPOCHS[model])
            warmup = round(float(rng.uniform(0, 0.3)), 2)
            tries.append({"rate": round_to(rate), "epochs": round(epochs), "warmup": warmup})
    return tries


def round_to(value: float, digits: int = 2) -> float:
    """A number with so many significant digits."""
    return float(f"{value:.{digits - 1}e}")


def planned(models: Iterable[str] = MODELS) -> list[dict]:
    """The tries, all on the validation part."""
    tries = [("validation", model, i, SEARCH_SEED) for model in models for i in range(TRIES)]
    return [dict(zip(KEYS, run, strict=True)) for run in tries]


def chosen(rows: pd.DataFrame) -> dict[str, int]:
    """Of each model with all its tries there, the one most often right on validation.

    Of equals it is the first.
    """
    tries = rows[rows["scored"] == "validation"].sort_values("tried")
    counts = tries["model"].value_counts()
    whole = tries[tries["model"].isin(counts[counts == TRIES].index)]
    best = whole.loc[whole.groupby("model")["right"].idxmax()]
    return dict(zip(best["model"], best["tried"].astype(int), strict=True))


def planned_then(rows: pd.DataFrame) -> list[dict]:
    """The chosen tries on the draws of the study."""
    tries = [
        ("test", model, tried, seed) for model, tried in chosen(rows).items() for seed in SEEDS
    ]
    return [dict(zip(KEYS, run, strict=True)) for run in tries]


def run(scored: str, model: str, tried: int, seed: int) -> dict:
    """Learn from 256 labels with one of the settings; keep which sentences are right."""
    few, _ = learned_from(model, N, 0, seed)
    parts = [scored] if scored == "validation" else [scored, "fresh"]
    setting = settings(model)[tried]
    learn = regression if model in STRENGTHS else network
    answers, row = learn(model, few, parts, setting, seed)
    return {"n": N} | setting | row | {"precision": "float32"} | hits_of(parts, answers)


def regression(
    model: str, few: Dataset, parts: list[str], setting: dict, seed: int
) -> tuple[list[np.ndarray], dict]:
    """Answers of a logistic regression with this C for each part."""
    inputs, unseen = few["text"][:], [part_of(part)["text"][:] for part in parts]
    if model == FROZEN:
        inputs, unseen = baselines.mean_features(inputs), [features(part)[0] for part in parts]
    fitted = estimator(model, setting).fit(inputs, few["label"][:])
    return [fitted.predict(texts) for texts in unseen], {}


def estimator(model: str, setting: dict) -> Pipeline:
    """The regression of `baselines` with one setting instead of a grid."""
    logistic = LogisticRegression(C=setting["C"], max_iter=2000)
    if model == FROZEN:
        return make_pipeline(StandardScaler(), logistic)
    words = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, setting["words"]))
    return make_pipeline(words, logistic)


def network(
    model: str, few: Dataset, parts: list[str], setting: dict, seed: int
) -> tuple[list[np.ndarray], dict]:
    """Answers of the trained encoder after its last epoch, and its training loss there."""
    tokenizer, encoder = checkpoints.load(seed=seed, pretrained=model != RANDOM)
    config = training.TrainingConfig(
        epochs=setting["epochs"],
        batch_size=BATCH,
        learning_rate=setting["rate"],
        warmup_share=setting["warmup"],
        best_metric="epoch",
        precision="fp32",
        seed=seed,
    )
    start = time.process_time()
    done = training.fine_tune(encoder, tokenizer, few, few.select(range(2)), config)
    took = time.process_time() - start
    loss = float(done.history["train_loss"].iloc[-1])
    texts = [part_of(part)["text"] for part in parts]
    answers = [training.predict(encoder, tokenizer, of).argmax(axis=1) for of in texts]
    return answers, {"train_loss": round(loss, 4), "cpu_seconds": round(took, 1)}


def main() -> None:
    """Do the tries that are not there yet, then what they chose; the slowest model comes last."""
    options = runs.options(__doc__)
    for models in (MODELS[:-1], MODELS):
        runs.refuse_two_processors(planned(models), RESULTS, ["model"])
        options["limit"] -= runs.drive(planned(models), run, RESULTS, **options)
        then = planned_then(runs.read(RESULTS, KEYS))
        runs.refuse_two_processors(then, RESULTS, ["model"])
        options["limit"] -= runs.drive(then, run, RESULTS, **options)


if __name__ == "__main__":
    main()
